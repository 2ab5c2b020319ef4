"""LiteRT (TensorFlow Lite, https://ai.google.dev/edge/litert), by TensorFlow's converter; run by ai-edge-litert."""

import os
import pathlib
import re
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasgan.errors import first_line
from kerasgan.files import replacing
from kerasgan.formats import description

SIGNATURE = "serving_default"
IDENTIFIER = b"TFL3"


def write(draw: Callable, signature: list, network: Any, path: pathlib.Path, precision: str, text: str) -> None:
    """Writes a file.

    Args:
        draw, signature, network, path, text: as of `onnx_file.write`.
        precision: "float32", "float16" or "int8".

    Raises:
        ValueError: an operation that LiteRT does not have.
    """
    import keras
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        archive = keras.export.ExportArchive()
        archive.track(network)
        archive.add_endpoint(SIGNATURE, draw, input_signature=signature)
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        try:
            content = converter.convert()
        except Exception as error:
            found = sorted(set(re.findall(r"\btf\.([A-Z]\w+)", str(error))))
            raise ValueError(f"LiteRT cannot hold this network: {', '.join(found) or first_line(error)}.") from None
    with replacing(path) as temporary:
        temporary.write_bytes(_with_text(bytes(content), text))


class File:
    """A file in LiteRT's interpreter.

    Raises:
        ValueError: it cannot be loaded.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        import importlib.metadata

        from ai_edge_litert.interpreter import Interpreter

        self.runtime = f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}"
        content = pathlib.Path(path).read_bytes()
        try:
            self.text = _text_of(content)
            self._interpreter = Interpreter(model_content=content, num_threads=os.cpu_count())
            self._draw = self._interpreter.get_signature_runner(SIGNATURE)
        except Exception as error:  # of a damaged file the schema's classes give struct.error and others
            raise ValueError(first_line(error)) from None

    def run(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """z `[B, dim]` -> the samples by the name of the output."""
        return self._draw(z=z)


def _with_text(content, text):
    """The file with the description among its metadata."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    entry.name, entry.buffer = description.KEY, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(len(content) + len(text) + 1024)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def _text_of(content):
    from ai_edge_litert import schema_py_generated as schema

    if content[4:8] != IDENTIFIER:
        raise ValueError("it is no LiteRT file, or damaged")
    model = schema.Model.GetRootAs(content, 0)
    for i in range(model.MetadataLength()):
        if model.Metadata(i).Name() == description.KEY.encode():
            return model.Buffers(model.Metadata(i).Buffer()).DataAsNumpy().tobytes().decode()
    return None
