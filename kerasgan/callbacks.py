"""Callbacks for `fit`: pictures, checkpoints, and Keras's own callbacks on either optimizer.

Keras's callbacks work as they are where they do not reach for `model.optimizer`, of which a GAN has two;
`for_optimizer` is for those that do.
"""

import csv
import importlib.util
import json
import math
import os
import pathlib
import time
import warnings
import zipfile

import keras
import numpy as np
import tensorflow as tf

from kerasgan import data, evaluation, plots
from kerasgan.errors import check_whole, first_line
from kerasgan.files import check_writable, replacing


class SampleGrid(keras.callbacks.Callback):
    """Draws samples, always of the same seeds, as training goes on; and a GIF of them all at the end.

    Images are laid out in a grid; points of the plane and numbers on the line are plotted. The files are
    `step-<steps so far>.png` and `samples.gif`. A resumed training adds to those that lie there.

    Args:
        folder: where to write.
        n: how many samples; None is 64 images or 2,500 points.
        seed: of the first one.
        every: "epoch", or a number of steps.
        log_dir: also write the grids there for TensorBoard, under "samples". Needs the package tensorboard.
        real: points of the data `[N, 1 or 2]`, to draw behind generated ones.

    Raises:
        ValueError: `every` is neither, `folder` cannot be written to, or tensorboard is missing.
    """

    def __init__(self, folder, n: int | None = None, seed: int = 0, every="epoch", log_dir=None, real=None):
        super().__init__()
        self.folder = check_writable(folder)
        self.n = n
        self.seed = seed
        self.real = real
        self.every = _checked_frequency(every)
        self.writer = None
        if log_dir is not None:
            if importlib.util.find_spec("tensorboard") is None:
                raise ValueError("SampleGrid(log_dir=...) needs TensorBoard: pip install tensorboard")
            self.writer = tf.summary.create_file_writer(str(log_dir))

    def on_train_begin(self, logs=None):
        shape = self.model.sample_shape
        if not plots.can_draw(shape):
            raise ValueError(f"SampleGrid draws images, and points of shape (1,) or (2,); this model's have {shape}.")
        self._last = _steps(self.model)
        if not self._last:
            self._write()

    def on_train_batch_end(self, batch, logs=None):
        if self.every != "epoch" and _steps(self.model) - self._last >= self.every:
            self._write()

    def on_epoch_end(self, epoch, logs=None):
        if self.every == "epoch":
            self._write()

    def on_train_end(self, logs=None):
        if self._last != _steps(self.model):
            self._write()
        frames = sorted(self.folder.glob("step-*.png"))
        plots.animation(frames, self.folder / "samples.gif")

    def _write(self):
        self._last = _steps(self.model)
        default = 2500 if self.model.value_range is None else 64
        samples = self.model.generate(default if self.n is None else self.n, self.seed)
        sheet = plots.samples(samples, self.folder / f"step-{self._last:08d}.png", self.real)
        if self.writer is not None:
            with self.writer.as_default(step=self._last):
                tf.summary.image("samples", sheet[None])
            self.writer.flush()


class EvaluateSamples(keras.callbacks.Callback):
    """Scores generated samples against real ones at the end of each epoch, and logs the scores.

    They appear under the names of `kerasgan.evaluation`: "fcd" (on Inception's features "fid", for samples that are
    not images "frechet_distance") and "kid". `ModelCheckpoint(monitor="fcd", mode="min")` behind it in the list then
    keeps the best model. A choice made by a score makes that score too good: choose on one split, report on another.

    Args:
        dataset: what `kerasgan.data.load` takes.
        split: of the dataset, one that is not trained on.
        n: how many samples of each kind, at most; scores of different n do not compare.
        features: what `kerasgan.features.get` takes; None is the classifier for 28x28 grey images, Inception for RGB.
        seed: of the first generated sample.
        every: how many epochs from one evaluation to the next; those between log NaN.

    Raises:
        ValueError: an unknown dataset or split, features that do not fit the samples, or fewer samples than features
            have dimensions (when `fit` begins).
    """

    def __init__(self, dataset, split: str = "test", n: int = 5000, features=None, seed: int = 0, every: int = 1):
        super().__init__()
        for name, number in (("n", n), ("every", every)):
            check_whole(name, number, 1)
        self.dataset = dataset
        self.split = split
        self.n = n
        self.features = features
        self.seed = seed
        self.every = every
        self._judge = None

    def prepare(self, gan) -> tuple[str, str]:
        """Reads the real samples and computes their features, which `fit` else does when it begins.

        Returns:
            The names of the Fréchet and of the kernel distance.
        """
        if self._judge is None:
            real = data.load_array(self.dataset, self.split, gan.sample_shape)[: self.n]
            self._judge = evaluation.Judge(real, features=self.features, images=gan.value_range is not None)
            self.n = len(real)
        return self._judge.distance_names

    def on_train_begin(self, logs=None):
        self.prepare(self.model)

    def on_epoch_end(self, epoch, logs=None):
        due = (epoch + 1) % self.every == 0
        samples = self.model.generate(self.n, self.seed) if due else None
        if samples is None or not np.isfinite(samples).all():  # a diverged generator has no distance
            logs.update(dict.fromkeys(self._judge.distance_names, math.nan))
        else:
            logs.update({name: score.value for name, score in self._judge.distances(samples, self.seed).items()})


class BestModel(keras.callbacks.Callback):
    """Keeps the model of the epoch whose score was the lowest, as one `.keras` file that appears whole or not at all.

    Args:
        path: the file.
        monitor: the score's name in the logs, such as "fcd".
        history: the file of a `HistoryTable`; where it holds scores already, a resumed training has to undercut them.
    """

    def __init__(self, path, monitor: str, history):
        super().__init__()
        self.path = pathlib.Path(path)
        self.monitor = monitor
        self.history = history

    def on_train_begin(self, logs=None):
        past = read_history(self.history).get(self.monitor, [])
        self.best = min(filter(math.isfinite, past), default=math.inf)

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.monitor] < self.best:  # never so for NaN
            self.best = logs[self.monitor]
            with replacing(self.path) as temporary:
                self.model.save(temporary)


class WallTime(keras.callbacks.Callback):
    """Adds up the seconds that training takes, over interruptions, in a JSON file: `{"seconds": ..., "cores": ...}`.

    Args:
        path: the file; what it holds is added to.
    """

    def __init__(self, path):
        super().__init__()
        self.path = pathlib.Path(path)

    def on_train_begin(self, logs=None):
        self._before = json.loads(self.path.read_text())["seconds"] if self.path.is_file() else 0.0
        self._start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = self._before + time.monotonic() - self._start
        with replacing(self.path) as temporary:
            temporary.write_text(json.dumps({"seconds": seconds, "cores": os.cpu_count()}) + "\n")


class HistoryTable(keras.callbacks.Callback):
    """Writes what `fit` logs, one line per epoch, to a CSV file: `epoch` (from 1), `step`, then the logs by name.

    The file is replaced as a whole at the end of each epoch. A training that is resumed at an earlier epoch than the
    file's last goes on from there.

    Args:
        path: where to write.
    """

    def __init__(self, path):
        super().__init__()
        self.path = pathlib.Path(path)

    def on_train_begin(self, logs=None):
        self._rows = []
        if self.path.is_file():
            with open(self.path, newline="", encoding="utf-8") as file:
                self._rows = list(csv.DictReader(file))

    def on_epoch_end(self, epoch, logs=None):
        earlier = [row for row in self._rows if int(row["epoch"]) <= epoch]
        self._rows = [*earlier, {"epoch": epoch + 1, "step": _steps(self.model), **dict(sorted((logs or {}).items()))}]
        with replacing(self.path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, fieldnames=list(self._rows[-1]))
            table.writeheader()
            table.writerows(self._rows)


def read_history(path) -> dict[str, list[float]]:
    """The columns of a file that `HistoryTable` wrote; nothing where there is no such file."""
    if not pathlib.Path(path).is_file():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ())}


class TrainingCheckpoint(keras.callbacks.Callback):
    """Keeps what is needed to go on after an interruption: networks, both optimizers, steps, random states.

    Each checkpoint is a `.keras` file named `step-<steps so far>.keras` that appears whole or not at all. `restore`
    loads the newest that can be read.

    Args:
        folder: where to write.
        every: "epoch", or a number of steps.
        keep: how many of the newest to keep.

    Raises:
        ValueError: `every` or `keep` is out of range, or `folder` cannot be written to.
    """

    def __init__(self, folder, every="epoch", keep: int = 2):
        super().__init__()
        self.folder = check_writable(folder)
        self.every = _checked_frequency(every)
        check_whole("keep", keep, 1)
        self.keep = keep

    def on_train_begin(self, logs=None):
        self._last = _steps(self.model)

    def on_train_batch_end(self, batch, logs=None):
        if self.every != "epoch" and _steps(self.model) - self._last >= self.every:
            self.write()

    def on_epoch_end(self, epoch, logs=None):
        diverged = not all(math.isfinite(value) for name, value in (logs or {}).items() if name.endswith("_loss"))
        if self.every == "epoch" and not diverged:
            self.write()

    def write(self) -> pathlib.Path:
        """Writes a checkpoint now, and deletes the oldest ones."""
        self._last = _steps(self.model)
        path = self.folder / f"step-{self._last:08d}.keras"
        with replacing(path) as temporary:
            self.model.save(temporary)
        for old in _checkpoints(self.folder)[: -self.keep]:
            old.unlink()
        return path


def restore(folder):
    """The GAN of the newest checkpoint in a folder that can be read, or None where there is none.

    A damaged checkpoint is passed over with a warning.
    """
    for path in reversed(_checkpoints(pathlib.Path(folder))):
        try:
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
            if damaged is None:
                return keras.saving.load_model(path)
            reason = f"{damaged} in it has a wrong checksum"
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            reason = first_line(error)
        warnings.warn(f"Passed over the damaged checkpoint {path}: {reason}", stacklevel=2)
    return None


def for_optimizer(name: str, callback: keras.callbacks.Callback) -> keras.callbacks.Callback:
    """Points one of Keras's callbacks that change `model.optimizer` at one of a GAN's two.

    `for_optimizer("d_optimizer", keras.callbacks.LearningRateScheduler(schedule))`

    Args:
        name: "d_optimizer" or "g_optimizer".
        callback: such as `LearningRateScheduler` or `ReduceLROnPlateau`.

    Returns:
        The same callback.

    Raises:
        ValueError: another name.
    """
    if name not in ("d_optimizer", "g_optimizer"):
        raise ValueError(f"A GAN has d_optimizer and g_optimizer; found {name!r}.")
    set_model = callback.set_model
    callback.set_model = lambda model: set_model(_OneOptimizer(model, name))
    return callback


class _OneOptimizer:
    """A GAN as seen by a callback that expects a single optimizer."""

    def __init__(self, model, name):
        self._model = model
        self._name = name

    @property
    def optimizer(self):
        optimizer = getattr(self._model, self._name)
        return getattr(optimizer, "inner_optimizer", optimizer)

    def __getattr__(self, name):
        return getattr(self._model, name)


def _steps(model) -> int:
    return int(model.step.numpy())


def _checkpoints(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.glob("step-*.keras"))


def _checked_frequency(every):
    if every == "epoch" or (isinstance(every, int) and not isinstance(every, bool) and every > 0):
        return every
    raise ValueError(f"every must be 'epoch' or a number of steps, at least 1; found {every!r}.")
