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

import keras
import numpy as np
import tensorflow as tf

from kerasgan import data, evaluation, plots, strategies
from kerasgan.deserialization import RefusedError, load_keras
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
        good = samples is not None and np.isfinite(samples).all()  # a diverged generator has no distance
        of_all = self.model.distribute_strategy
        if not strategies.agreed(good, of_all):
            logs.update(dict.fromkeys(self._judge.distance_names, math.nan))
        else:
            scores = self._judge.distances(samples, self.seed)
            # Batch normalisation has statistics of its own on each worker, and so other samples.
            logs.update({name: strategies.agreed(score.value, of_all) for name, score in scores.items()})


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
        best = min(filter(math.isfinite, past), default=math.inf)
        self.best = strategies.agreed(best, self.model.distribute_strategy)

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.monitor] < self.best:  # never so for NaN
            self.best = logs[self.monitor]
            with replacing(self.path) as temporary:
                self.model.save(temporary)


class WallTime(keras.callbacks.Callback):
    """Adds up the seconds that training takes, over interruptions, in a JSON file: `{"seconds": ..., "cores": ...}`.

    It is written at the end of each epoch and every minute; a kill loses what came after.

    Args:
        path: the file; what it holds is added to.
    """

    def __init__(self, path):
        super().__init__()
        self.path = pathlib.Path(path)

    def on_train_begin(self, logs=None):
        self._before = json.loads(self.path.read_text())["seconds"] if self.path.is_file() else 0.0
        self._start = self._written = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self._written >= 60.0:
            self._write()

    def on_epoch_end(self, epoch, logs=None):
        self._write()

    def _write(self):
        self._written = time.monotonic()
        seconds = self._before + self._written - self._start
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
    loads the newest that can be read. None is written of a model with a number that is NaN or infinite. Put it last in
    the list: at the end of an epoch it says that the other callbacks have done their work.

    Args:
        folder: where to write.
        every: "epoch", or a number of steps; the end of an epoch then counts as well.
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
        epoch_ends = batch + 1 == self.params.get("steps")
        if self.every != "epoch" and not epoch_ends and _steps(self.model) - self._last >= self.every:
            self.write()

    def on_epoch_end(self, epoch, logs=None):
        self.write()

    def write(self) -> None:
        """Writes a checkpoint now, unless the model has diverged, and deletes the oldest ones."""
        self._last = _steps(self.model)
        states = [self.model, self.model.d_optimizer, self.model.g_optimizer]
        if not all(np.isfinite(variable.numpy()).all() for state in states for variable in state.variables):
            return
        path = self.folder / f"step-{self._last:08d}.keras"
        with replacing(path) as temporary:
            self.model.save(temporary)
        older = [other for other in _checkpoints(self.folder) if _step_of(other) <= self._last]
        for old in older[: -self.keep]:
            old.unlink()


class StopOnDivergence(keras.callbacks.Callback):
    """Notices a training that is lost: a loss that is no finite number, or a discriminator that has won.

    It has won when for `patience` steps in a row it was nearly sure of every sample: D above 1 - `margin` on real
    samples and below `margin` on generated ones, on average over each step's batch. The generator then gets no gradient
    to speak of. Losses without `d_real` and `d_fake` (EBGAN's) are watched for their numbers alone.

    Args:
        action: "stop" ends the training; "restore" sets networks and optimizers back to the newest checkpoint from
            before D began to win, and goes on with other noise and other samples, as the step counter and the data run
            on.
        folder: where `TrainingCheckpoint` writes; for "restore".
        patience: steps; None watches for numbers that are not finite alone.
        margin: from 0 to .5.
        most_restores: "restore" stops the training when it would set back more often; and where there is no checkpoint.

    Attributes:
        reason: what was noticed, once it stopped; else None.

    Raises:
        ValueError: another action, "restore" without a folder, or a number out of range.
    """

    PATIENCE = 500  # steps
    ADVICE = "What may help: a lower learning rate for D, a narrower D, loss='non_saturating' or 'kl'."

    def __init__(
        self,
        action: str = "stop",
        folder=None,
        patience: int | None = PATIENCE,
        margin: float = 0.01,
        most_restores: int = 3,
    ):
        super().__init__()
        if action not in ("stop", "restore"):
            raise ValueError(f"action must be 'stop' or 'restore'; found {action!r}.")
        if action == "restore" and folder is None:
            raise ValueError("action='restore' needs the folder of the checkpoints.")
        for name, number in (("patience", 1 if patience is None else patience), ("most_restores", most_restores)):
            check_whole(name, number, 1)
        if not 0.0 < margin < 0.5:
            raise ValueError(f"margin must lie between 0 and .5; found {margin!r}.")
        self.action = action
        self.folder = folder
        self.patience = patience
        self.margin = margin
        self.most_restores = most_restores
        self.reason = None

        self._restores = 0
        self._won = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._begin()

    def _begin(self):
        # Not nothing where the epoch is one that was cut.
        self._step, self._samples = _steps(self.model), self.model.samples_logged()
        self._sums = {name: self._samples * value for name, value in self.model.running_means().items()}

    def on_train_batch_end(self, batch, logs=None):
        lost = [f"{name} is {logs[name]}" for name in ("d_loss", "g_loss") if not math.isfinite(logs[name])]
        if lost:
            self._act(" and ".join(lost))
        elif self.patience is not None and "d_real" in logs and self._has_won(logs):
            self._act(
                f"for {self._won} steps D gave real samples more than {1 - self.margin:g} and generated ones less than "
                f"{self.margin:g}"
            )

    def _has_won(self, logs):
        """Whether D has been sure for long enough. What `fit` logs are means since the epoch began; of two of them
        follows what the samples between them gave.
        """
        step, samples = _steps(self.model), self.model.samples_logged()
        sums = {name: samples * logs[name] for name in ("d_real", "d_fake")}
        real, fake = ((sums[name] - self._sums[name]) / (samples - self._samples) for name in sums)
        sure = real > 1 - self.margin and fake < self.margin
        self._won = self._won + step - self._step if sure else 0
        self._step, self._samples, self._sums = step, samples, sums
        return self._won >= self.patience

    def _act(self, noticed):
        step = _steps(self.model)
        can_restore = self.action == "restore" and self._restores < self.most_restores
        # A checkpoint of the time when D was winning already would lead back here.
        try:
            good = restore(self.folder, newest=step - self._won) if can_restore else None
        except ValueError as error:
            warnings.warn(str(error), stacklevel=2)
            good = None
        found = -1 if good is None else _steps(good)
        if strategies.agreed(found, self.model.distribute_strategy) != found:
            raise RuntimeError(f"Workers see other checkpoints in {self.folder}; this one has found step {found}.")
        if good is None:
            tried = f" Set back {self._restores} times." if self._restores else ""
            if can_restore:
                tried = f" There is no checkpoint of step {step - self._won} or before to set it back to."
            self.reason = f"Training diverged at step {step}: {noticed}.{tried} {self.ADVICE}"
            warnings.warn(self.reason, stacklevel=2)
            self.model.stop_training = True
            return
        self._restores += 1
        self._won = 0
        warnings.warn(
            f"At step {step} {noticed}; set back to the checkpoint of step {_steps(good)}, "
            f"{self._restores} of {self.most_restores} times.",
            stacklevel=2,
        )
        _set_back(self.model, good)
        self.model.reset_metrics()
        self._begin()


def _set_back(gan, good):
    """Networks, averages and optimizers of another GAN of the same kind; the step counter runs on."""
    step = gan.step.numpy()
    pairs = [(gan, good), (gan.d_optimizer, good.d_optimizer), (gan.g_optimizer, good.g_optimizer)]
    for ours, theirs in pairs:
        for variable, value in zip(ours.variables, theirs.variables, strict=True):
            variable.assign(value)
    gan.step.assign(step)


def restore(folder, newest: int | None = None):
    """The GAN of the newest checkpoint in a folder that can be read, or None where there is none.

    A checkpoint that cannot be loaded is passed over with a warning.

    Args:
        folder: where `TrainingCheckpoint` writes.
        newest: of which step it may be at most.

    Raises:
        ValueError: there are checkpoints, and none of them can be read, or they name code (see `deserialization`).
    """
    paths = [path for path in _checkpoints(pathlib.Path(folder)) if newest is None or _step_of(path) <= newest]
    for path in reversed(paths):
        try:
            return load_keras(path)
        except (RefusedError, MemoryError):  # those before it have the same networks
            raise
        except Exception as error:  # a damaged file can fail anywhere in zlib, HDF5 and Keras
            reason = first_line(error)
        warnings.warn(f"Passed over the checkpoint {path}, which cannot be loaded: {reason}", stacklevel=2)
    if paths:
        raise ValueError(f"None of the checkpoints in {folder} can be read.")
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
    paths = (path for path in folder.glob("step-*.keras") if path.stem.removeprefix("step-").isdigit())
    return sorted(paths, key=_step_of)


def _step_of(path: pathlib.Path) -> int:
    return int(path.stem.removeprefix("step-"))


def _checked_frequency(every):
    if every == "epoch" or (isinstance(every, int) and not isinstance(every, bool) and every > 0):
        return every
    raise ValueError(f"every must be 'epoch' or a number of steps, at least 1; found {every!r}.")
