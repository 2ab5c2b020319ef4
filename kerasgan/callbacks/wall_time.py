"""How long a training takes, over interruptions."""

import json
import os
import pathlib
import time
from typing import Any

import keras
import tensorflow as tf

from kerasgan.files import Path, replacing


class WallTime(keras.callbacks.Callback):
    """Adds up the seconds that training takes, over interruptions, in a JSON file: `{"seconds": ..., "cores": ...}`.

    The cores are those that the process may use. Where GPUs have a part in it, also "gpus": what they are called, those
    of interrupted parts included.

    It is written at the end of training, after the first epoch, and at ends of epochs and steps when a minute has
    passed; a kill loses what came after.

    Args:
        path: the file; what it holds is added to.
    """

    INTERVAL = 60.0  # seconds

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = pathlib.Path(path)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        before = json.loads(self.path.read_text()) if self.path.is_file() else {}
        self._before = before.get("seconds", 0.0)
        self._gpus = sorted({*before.get("gpus", ()), *map(_called, tf.config.list_physical_devices("GPU"))})
        self._start = self._written = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if time.monotonic() - self._written >= self.INTERVAL:
            self._write()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        seconds = self._before + self._written - self._start
        with replacing(self.path) as temporary:
            facts = {"seconds": seconds, "cores": _cores(), **({"gpus": self._gpus} if self._gpus else {})}
            temporary.write_text(json.dumps(facts) + "\n")


def _cores():
    """Those that this process may use: fewer than there are, where it is held to some. macOS does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _called(gpu):
    return tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
