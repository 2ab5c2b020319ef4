"""ONNX (https://onnx.ai), by tf2onnx; run by onnxruntime."""

import contextlib
import logging
import os
import pathlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasgan.files import replacing
from kerasgan.formats import description

OPSET = 18  # of 2022: what runtimes in browsers and on phones know


def convert(draw: Callable, signature: list) -> Any:
    """A function's `onnx.ModelProto`.

    Raises:
        ValueError: an operation that ONNX does not have.
    """
    import tf2onnx

    with _complaints(tf2onnx.__name__) as complaints:
        try:
            model, _ = tf2onnx.convert.from_function(_as_function(draw), input_signature=signature, opset=OPSET)
        except Exception as error:
            raise ValueError(f"ONNX cannot hold this network: {_operations([*complaints, str(error)])}.") from None
    missing = sorted({node.op_type for node in model.graph.node if node.domain not in ("", "ai.onnx.ml")})
    if missing or any("not supported" in text for text in complaints):
        raise ValueError(f"ONNX cannot hold this network: {', '.join(missing) or _operations(complaints)}.")
    _name_batch(model.graph)
    return model


def write(draw: Callable, signature: list, network: Any, path: pathlib.Path, precision: str, text: str) -> None:
    """Writes a file.

    Args:
        draw: z -> {output: samples}.
        signature: of z.
        network: that `draw` computes with.
        path: of the file.
        precision: "float32" or "float16".
        text: the description.
    """
    del network
    import onnx

    model = convert(draw, signature)
    if precision == "float16":
        from onnxruntime.transformers.float16 import convert_float_to_float16

        model = convert_float_to_float16(model, keep_io_types=True)
    onnx.helper.set_model_props(model, {description.KEY: text})
    with replacing(path) as temporary:
        onnx.save(model, str(temporary))


class File:
    """A file in onnxruntime, on the CPU.

    Raises:
        ValueError: it cannot be loaded.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        import onnxruntime

        onnxruntime.set_default_logger_severity(3)
        self.runtime = f"onnxruntime {onnxruntime.__version__}"
        try:
            self._session = onnxruntime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ValueError(str(error)) from None
        self.text = self._session.get_modelmeta().custom_metadata_map.get(description.KEY)

    def run(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """z `[B, dim]` -> the samples by the name of the output."""
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, {"z": z}), strict=True))


def _as_function(draw):
    import tensorflow as tf

    return tf.function(draw, autograph=False)


def _name_batch(graph):
    """The batch's size is called N in the input and the output, for readers to see that it is the same."""
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"


@contextlib.contextmanager
def _complaints(name: str) -> Iterator[list[str]]:
    """What a library logs meanwhile, in place of its printing it."""
    texts: list[str] = []
    logger, handler = logging.getLogger(name), logging.Handler(logging.WARNING)
    handler.emit = lambda record: texts.append(record.getMessage())  # type: ignore[method-assign]
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield texts
    finally:
        logger.propagate = propagate
        logger.removeHandler(handler)


def _operations(texts):
    """The operations that tf2onnx complains of, or its complaint."""
    found = re.findall(r"[Oo]p \[[^\]:]*: *(\w+)\] is not supported", "\n".join(texts))
    return ", ".join(sorted(set(found))) if found else next((text for text in texts if text), "no reason given")
