"""Seconds of a training, over interruptions."""

import json
import types

import keras
import tensorflow as tf
from conftest import small_gan, small_images

from kerasgan import callbacks
from kerasgan.callbacks import wall_time


def test_time_is_added_up_and_written_within_long_epochs(tmp_path, monkeypatch):
    clock = iter(range(0, 10_000, 30))  # each look at it is 30 seconds later
    monkeypatch.setattr(wall_time, "time", types.SimpleNamespace(monotonic=lambda: float(next(clock))))
    path, seen = tmp_path / "time.json", []

    def seconds(*_args, **_kwargs):
        seen.append(json.loads(path.read_text())["seconds"] if path.is_file() else None)

    watch = keras.callbacks.LambdaCallback(on_train_batch_end=seconds, on_epoch_end=seconds)
    for _ in range(2):
        small_gan().fit(small_images(32), batch_size=8, verbose=0, callbacks=[callbacks.WallTime(path), watch])
    # Looked at when training begins, once a batch, and again whenever it writes.
    assert seen == [None, 90, 90, 180, 210, 210, 300, 300, 390, 420]


def test_cores_are_those_the_process_may_use(tmp_path, monkeypatch):
    """`taskset` and the like hold a process to some of the machine's; macOS does not tell, and all are named."""

    def cores():
        callback = callbacks.WallTime(tmp_path / "time.json")
        callback.on_train_begin()
        callback.on_epoch_end(0)
        return json.loads((tmp_path / "time.json").read_text())["cores"]

    monkeypatch.setattr(wall_time.os, "cpu_count", lambda: 12)
    monkeypatch.setattr(wall_time.os, "sched_getaffinity", lambda process: {3}, raising=False)
    assert cores() == 1
    monkeypatch.delattr(wall_time.os, "sched_getaffinity")
    assert cores() == 12


def test_gpus_are_remembered_over_interruptions(tmp_path, monkeypatch):
    """A training that went on on another machine names the hardware of all its parts."""
    path = tmp_path / "time.json"
    fit = {"batch_size": 8, "verbose": 0, "callbacks": [callbacks.WallTime(path)]}
    with monkeypatch.context() as patched:
        patched.setattr(tf.config, "list_physical_devices", lambda kind=None: ["a gpu", "a gpu"])
        patched.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": "NVIDIA H200"})
        callback = callbacks.WallTime(path)
        callback.on_train_begin()
        callback.on_epoch_end(0)
    assert json.loads(path.read_text())["gpus"] == ["NVIDIA H200"]
    small_gan().fit(small_images(8), **fit)
    assert json.loads(path.read_text())["gpus"] == ["NVIDIA H200"]
    path.unlink()
    small_gan().fit(small_images(8), **fit)
    assert json.loads(path.read_text()).keys() == {"seconds", "cores"}
