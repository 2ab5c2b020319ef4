"""What `fit` logs, as a table on disk."""

import csv
import math
import pathlib
from typing import Any

import keras

from kerasgan import checkpoints
from kerasgan.files import Path, replacing


class HistoryTable(keras.callbacks.Callback):
    """Writes what `fit` logs, one line per epoch, to a CSV file: `epoch` (from 1), `step`, then the logs by name.

    The file is replaced as a whole at the end of each epoch. A column is empty in the lines of epochs that did not log
    it, as under `validation_freq=2`. A training that goes on keeps the lines of the steps that its model has played,
    and those after them go: a second `fit` counts epochs on, and a resumed one writes anew what came after its
    checkpoint. One that begins at step 0 is refused a file with lines of another.

    Args:
        path: where to write.

    Raises:
        ValueError: when `fit` begins, the file is another training's.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = pathlib.Path(path)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        step = checkpoints.steps(self.model)
        rows = _read(self.path)
        if rows and not step:
            raise ValueError(
                f"{self.path} holds {len(rows)} epochs of another training, and this one begins at step 0: take "
                "another name, or delete that file."
            )
        self._rows = [row for row in rows if int(row["step"]) <= step]
        self._before: int | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._before is None:  # how many epochs this `fit` does not count
            written = int(self._rows[-1]["epoch"]) if self._rows else 0
            self._before = written - epoch if epoch < written else 0
        step = checkpoints.steps(self.model)
        self._rows.append({"epoch": epoch + 1 + self._before, "step": step, **(logs or {})})
        names = sorted({name for row in self._rows for name in row} - {"epoch", "step"})
        _write(self.path, ["epoch", "step", *names], self._rows)


def read_history(path: Path) -> dict[str, list[float]]:
    """The columns of a file that `HistoryTable` wrote, NaN where one is empty; nothing where there is no such file."""
    rows = _read(pathlib.Path(path))
    return {name: [float(row[name] or math.nan) for row in rows] for name in (rows[0] if rows else ())}


def _read(path: pathlib.Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def keep_epochs(path: Path, epochs: int) -> None:
    """Takes the lines of later epochs than so many out of a file that `HistoryTable` wrote, if there are any."""
    path = pathlib.Path(path)
    rows = _read(path)
    kept = [row for row in rows if int(row["epoch"]) <= epochs]
    if len(kept) < len(rows):
        _write(path, list(rows[0]), kept)


def _write(path: pathlib.Path, names: list[str], rows: list[dict[str, Any]]) -> None:
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=names)
        table.writeheader()
        table.writerows(rows)
