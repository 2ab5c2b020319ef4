"""OpenVINO's intermediate representation (https://docs.openvino.ai), from ONNX; run by OpenVINO.

It is read from ONNX, because OpenVINO's converter from TensorFlow reports each use to its makers.
"""

import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasgan.errors import first_line
from kerasgan.files import replacing
from kerasgan.formats import description, onnx_file


def write(draw: Callable, signature: list, network: Any, path: pathlib.Path, precision: str, text: str) -> None:
    """Writes two files, `path` with the graph and beside it the weights, which end in `.bin`.

    Args:
        draw, signature, network, path, precision, text: as of `onnx_file.write`.

    Raises:
        ValueError: an operation that ONNX or OpenVINO does not have.
    """
    del network
    import openvino

    content = onnx_file.convert(draw, signature).SerializeToString()
    try:
        model = openvino.Core().read_model(content, b"")
    except Exception as error:
        raise ValueError(f"OpenVINO cannot hold this network: {first_line(error)}.") from None
    model.set_rt_info(text, description.KEY)
    with replacing(path) as graph, replacing(path.with_suffix(".bin")) as weights:
        written = graph.with_suffix(".bin")
        try:
            openvino.save_model(model, str(graph), compress_to_fp16=precision == "float16")
            os.replace(written, weights)
        finally:
            written.unlink(missing_ok=True)
        path.unlink(missing_ok=True)  # the weights come to their place first: never new ones beside an old graph


class File:
    """A file in OpenVINO, on the CPU, computed in float32 where the processor would by itself take bfloat16.

    Raises:
        ValueError: it cannot be loaded.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        import openvino

        self.runtime = f"openvino {openvino.__version__.partition('-')[0]}"
        if not pathlib.Path(path).with_suffix(".bin").is_file():
            raise ValueError(f"its weights are missing, {pathlib.Path(path).with_suffix('.bin').name} beside it")
        try:
            core = openvino.Core()
            model = core.read_model(os.fspath(path))
            self.text = model.get_rt_info(description.KEY).astype(str) if model.has_rt_info(description.KEY) else None
            self._model = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        except Exception as error:
            raise ValueError(first_line(error)) from None

    def run(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """z `[B, dim]` -> the samples by the name of the output."""
        drawn = self._model({"z": z})
        return {name: np.array(drawn[output]) for output in self._model.outputs for name in output.names}
