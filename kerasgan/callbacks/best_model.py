"""The model of the best epoch."""

import math
import pathlib
from typing import Any

import keras

from kerasgan import strategies
from kerasgan.callbacks.history_table import read_history
from kerasgan.files import Path, replacing


class BestModel(keras.callbacks.Callback):
    """Keeps the model of the epoch whose score was the lowest, as one `.keras` file that appears whole or not at all.

    Args:
        path: the file.
        monitor: the score's name in the logs, such as "fcd".
        history: the file of a `HistoryTable`; where it holds scores already, a resumed training has to undercut them.
    """

    def __init__(self, path: Path, monitor: str, history: Path) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        self.monitor = monitor
        self.history = history

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        past = read_history(self.history).get(self.monitor, [])
        best = min(filter(math.isfinite, past), default=math.inf)
        self.best = strategies.agreed(best, self.model.distribute_strategy)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        score = (logs or {}).get(self.monitor, math.inf)
        if score < self.best:  # never so for NaN, nor for the infinite score of a diverged generator
            self.best = score
            with replacing(self.path) as temporary:
                self.model.save(temporary)
