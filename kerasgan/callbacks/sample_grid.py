"""Pictures of samples as training goes on."""

import importlib.util
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasgan import checkpoints, plots
from kerasgan.callbacks.frequency import Budget, check_folder_is_free, check_frequency
from kerasgan.files import Path, check_writable


class SampleGrid(keras.callbacks.Callback):
    """Draws samples, always of the same seeds, as training goes on; and a GIF of them all at the end.

    Images are laid out in a grid, those of a conditional model with a row for each class, of the first 16 at most;
    points of the plane and numbers on the line are plotted. The files are `step-<steps so far>.png` and `samples.gif`.
    A resumed training adds to those that lie there; one that begins at step 0 is refused a folder with another's.

    Args:
        folder: where to write.
        n: how many samples; None is 64 images or 2,500 points. Of a conditional model the classes share them evenly,
            and have at least one each; None is 8 images of each.
        seed: of the first one; of the first in each row where classes have rows.
        every: "epoch", or a number of steps. None is the end of each epoch too, but where epochs are short only so
            often that drawing takes a twentieth of the time: that of the first epoch and that of the training always.
        log_dir: also write the grids there for TensorBoard, under "samples". Needs the package tensorboard.
        real: points of the data `[N, 1 or 2]`, to draw behind generated ones.

    Raises:
        ValueError: `every` is none of these, `folder` cannot be written to, or tensorboard is missing; when `fit`
            begins, samples that have no picture, or a folder with pictures of another training.
    """

    SHARE = 0.05  # of the time

    def __init__(
        self,
        folder: Path,
        n: int | None = None,
        seed: int = 0,
        every: str | int | None = None,
        log_dir: Path | None = None,
        real: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.folder = check_writable(folder)
        self.n = n
        self.seed = seed
        self.real = real
        self.every = check_frequency(every)
        self._budget = Budget(self.SHARE)
        self.writer = None
        if log_dir is not None:
            if importlib.util.find_spec("tensorboard") is None:
                raise ValueError("SampleGrid(log_dir=...) needs TensorBoard: pip install tensorboard")
            self.writer = tf.summary.create_file_writer(str(log_dir))

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        shape = self.model.sample_shape
        if not plots.can_draw(shape):
            raise ValueError(f"SampleGrid draws images, and points of shape (1,) or (2,); this model's have {shape}.")
        self._last = checkpoints.steps(self.model)
        self._first_epoch = True
        self._budget = Budget(self.SHARE)
        if not self._last:
            check_folder_is_free(self.folder, ".png")
            self._write()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if isinstance(self.every, int) and checkpoints.steps(self.model) - self._last >= self.every:
            self._write()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.every == "epoch" or (self.every is None and self._is_due()):
            self._write()
        self._first_epoch = False

    def _is_due(self):
        return self._first_epoch or self._budget.allows(self.model.distribute_strategy)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._last != checkpoints.steps(self.model):
            self._write()
        # Pictures of later steps are of a training that went on from here before, and are not this one's past.
        frames = [
            p for p in checkpoints.by_step(self.folder.glob("step-*.png")) if checkpoints.step_of(p) <= self._last
        ]
        plots.animation(frames, self.folder / "samples.gif")

    def _write(self) -> None:
        self._last = checkpoints.steps(self.model)
        path = self.folder / f"step-{self._last:08d}.png"
        with self._budget.spending():
            sheet = self._draw(path)
        if self.writer is not None:
            with self.writer.as_default(step=self._last):
                tf.summary.image("samples", sheet[None])
            self.writer.flush()

    def _draw(self, path):
        gan, images = self.model, self.model.value_range is not None
        if images and gan.class_names is not None:
            each = 8 if self.n is None else max(1, self.n // min(len(gan.class_names), plots.MOST_CLASSES))
            return plots.by_class(gan, path, each, self.seed)
        default = 64 if images else 2500
        samples = gan.generate(default if self.n is None else self.n, self.seed)
        return plots.samples(samples, path, self.real)
