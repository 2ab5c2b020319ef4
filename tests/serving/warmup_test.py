"""Warm-up files, read with TensorFlow Serving's own messages and with ours."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from kerasgan.serving import warmup

SIGNATURES = {
    "score": (None, [tf.TensorSpec([None, 4, 4, 1], tf.float32, name="images")]),
    "generate_codes": (
        None,
        [tf.TensorSpec([None, 2], tf.float32, name="noise"), tf.TensorSpec([None, 1], tf.int32, name="categories")],
    ),
}


def test_tensorflow_serving_reads_what_is_written(tmp_path):
    warmup.write(tmp_path, "small", SIGNATURES, (1, 3))
    records = list(tf.data.TFRecordDataset(str(tmp_path / "assets.extra" / "tf_serving_warmup_requests")))
    requests = [prediction_log_pb2.PredictionLog.FromString(r.numpy()).predict_log.request for r in records]
    assert [(r.model_spec.name, r.model_spec.signature_name) for r in requests] == [
        ("small", "score"),
        ("small", "score"),
        ("small", "generate_codes"),
        ("small", "generate_codes"),
    ]
    images = tf.make_ndarray(requests[1].inputs["images"])
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images, np.zeros((3, 4, 4, 1)))
    categories = tf.make_ndarray(requests[2].inputs["categories"])
    assert categories.dtype == np.int32
    assert categories.shape == (1, 1)


def test_we_read_what_tensorflow_serving_writes(tmp_path):
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = "any"
    request.model_spec.version.value = 3
    request.model_spec.signature_name = "sample"
    request.inputs["seed"].CopyFrom(tf.make_tensor_proto(np.int64([4, 5])))
    (tmp_path / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(tmp_path / warmup.PATH)) as writer:
        writer.write(log.SerializeToString())
    [(signature, inputs)] = warmup.read(tmp_path)
    assert signature == "sample"
    np.testing.assert_array_equal(inputs["seed"], [4, 5])


@pytest.mark.parametrize("spoil", [lambda b: b[:-3], lambda b: b[:40] + b"\0" + b[41:], lambda b: b"x" * 50])
def test_damaged_files(tmp_path, spoil):
    warmup.write(tmp_path, "small", SIGNATURES, (1, 3))
    path = tmp_path / warmup.PATH
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match="tf_serving_warmup_requests is damaged"):
        list(warmup.read(tmp_path))
