"""Warm-up requests: what TensorFlow Serving runs through a version before it answers with it.

They are a TFRecord file of `tensorflow.serving.PredictionLog` messages in the version's `assets.extra`. The classes of
those messages belong to tensorflow-serving-api, which an export must not need; so the few fields that matter are
declared here under their numbers, which are all that the wire knows.
"""

import functools
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from kerasgan.errors import first_line

PATH = pathlib.Path("assets.extra", "tf_serving_warmup_requests")

# message -> its fields: name, number, type. A map travels as a repeated message of key (1) and value (2).
# tensorflow_serving/apis/prediction_log.proto, predict.proto and model.proto.
_MESSAGES = {
    "ModelSpec": [("name", 1, "string"), ("signature_name", 3, "string")],
    "Input": [("key", 1, "string"), ("value", 2, ".tensorflow.TensorProto")],
    "PredictRequest": [("model_spec", 1, "ModelSpec"), ("inputs", 2, "repeated Input")],
    "PredictLog": [("request", 1, "PredictRequest")],
    "PredictionLog": [("predict_log", 6, "PredictLog")],
}


@functools.cache
def _prediction_log() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="kerasgan/warmup.proto",
        package="kerasgan.warmup",
        syntax="proto3",
        dependency=["tensorflow/core/framework/tensor.proto"],
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            *repeated, kind = kind.split()
            added = message.field.add(name=field, number=number)
            added.label = added.LABEL_REPEATED if repeated else added.LABEL_OPTIONAL
            if kind == "string":
                added.type = added.TYPE_STRING
            else:
                added.type = added.TYPE_MESSAGE
                added.type_name = kind if kind.startswith(".") else f".kerasgan.warmup.{kind}"
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("kerasgan.warmup.PredictionLog"))


def write(folder: str | os.PathLike, model: str, signatures: dict[str, Any], batch_sizes: Sequence[int]) -> None:
    """Writes one request for each signature and batch size into a SavedModel.

    Args:
        folder: the version's folder.
        model: the name to ask for, which TensorFlow Serving does not read here.
        signatures: `{name: (function, [tf.TensorSpec])}`, as `signatures.endpoints` gives them.
        batch_sizes: how many rows.
    """
    path = pathlib.Path(folder) / PATH
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, (_, specs) in signatures.items():
            for batch_size in batch_sizes:
                log = _prediction_log()()
                request = log.predict_log.request
                request.model_spec.name = model
                request.model_spec.signature_name = name
                for spec in specs:
                    request.inputs.add(key=spec.name).value.CopyFrom(_rows(spec, batch_size))
                writer.write(log.SerializeToString())


def _rows(spec: tf.TensorSpec, batch_size: int) -> Any:
    # A tensor of one repeated number is stored as that number alone. 0 is a seed, a category and a point of every
    # latent, and lies in the range of every image.
    tensor = tf.make_tensor_proto(0, dtype=spec.dtype)
    tensor.tensor_shape.CopyFrom(tf.TensorShape([batch_size, *spec.shape[1:]]).as_proto())
    return tensor


def read(folder: str | os.PathLike) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """`(signature, {input: array})` for each request in a version's file.

    Raises:
        ValueError: a record is damaged, or no such request.
    """
    path = pathlib.Path(folder) / PATH
    try:
        for record in tf.data.TFRecordDataset(str(path)):
            request = _prediction_log().FromString(record.numpy()).predict_log.request
            yield request.model_spec.signature_name, {item.key: tf.make_ndarray(item.value) for item in request.inputs}
    except (tf.errors.OpError, DecodeError, ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {first_line(error)}") from None
