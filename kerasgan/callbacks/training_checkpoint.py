"""What is needed to go on after an interruption."""

import warnings
from collections.abc import Callable
from typing import Any

import keras

from kerasgan import checkpoints
from kerasgan.callbacks.frequency import Budget, check_folder_is_free, check_frequency
from kerasgan.errors import check_whole
from kerasgan.files import Path, check_writable


class TrainingCheckpoint(keras.callbacks.Callback):
    """Keeps what is needed to go on after an interruption: networks, both optimizers, steps, random states.

    Each checkpoint is a `.keras` file named `step-<steps so far>.keras` that appears whole or not at all. `restore`
    loads the newest that can be read. None is written of a model with a number that is NaN or infinite, and a warning
    says so. Put it last in the list: at the end of an epoch it says that the other callbacks have done their work.

    A training that begins at step 0 is refused a folder with checkpoints of another. One that goes on from an older
    checkpoint replaces those that are newer.

    Args:
        folder: where to write.
        every: "epoch", or a number of steps. None is the end of each epoch too, but where epochs are short only so
            often that writing takes a twentieth of the time: that of the first epoch and that of the training always.
            A kill then loses no more than one epoch and twenty times what writing takes. With a number of steps it
            loses no more than these; ends of epochs count as well, as often as with None.
        keep: how many of the newest to keep.
        then: called after each that was written, such as to copy it elsewhere.

    Raises:
        ValueError: `every` or `keep` is out of range, or `folder` cannot be written to; when `fit` begins, a folder
            with checkpoints of another training.
    """

    SHARE = 0.05  # of the time

    def __init__(
        self,
        folder: Path,
        every: str | int | None = None,
        keep: int = 2,
        then: Callable[[], object] | None = None,
    ) -> None:
        super().__init__()
        self.folder = check_writable(folder)
        self.every = check_frequency(every)
        check_whole("keep", keep, 1)
        self.keep, self.then = keep, then
        self._budget = Budget(self.SHARE)
        self._finite: checkpoints.FiniteCheck | None = None
        self._declined = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._last = checkpoints.steps(self.model)
        if not self._last:
            check_folder_is_free(self.folder, ".keras")
        self._first_epoch = True
        self._budget = Budget(self.SHARE)
        self._finite = None  # a new `compile` may have brought other optimizers

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        epoch_ends = batch + 1 == self.params.get("steps")
        if not epoch_ends and self._steps_are_due():
            self.write()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        of_all = self.model.distribute_strategy
        if self.every == "epoch" or self._first_epoch or self._steps_are_due() or self._budget.allows(of_all):
            self.write()
        self._first_epoch = False

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._last != checkpoints.steps(self.model):
            self.write()

    def _steps_are_due(self):
        return isinstance(self.every, int) and checkpoints.steps(self.model) - self._last >= self.every

    def write(self) -> None:
        """Writes a checkpoint now, unless the model has diverged; then deletes those of later steps and the oldest."""
        self._last = checkpoints.steps(self.model)
        with self._budget.spending():
            if self._has_diverged():
                return
            checkpoints.write(self.model, self.folder)
            found = checkpoints.paths(self.folder)
            upto = [path for path in found if checkpoints.step_of(path) <= self._last]
            for path in {*found} - {*upto[-self.keep :]}:
                path.unlink()
            if self.then is not None:
                self.then()

    def _has_diverged(self):
        if self._finite is None:
            self._finite = checkpoints.FiniteCheck(self.model, optimizers=True)
        lost = self._finite.lost()
        if lost and not self._declined:  # once until there is a checkpoint again
            warnings.warn(
                f"No checkpoint was written at step {self._last}, nor will be while numbers are NaN or infinite in "
                f"{checkpoints.said(lost)}.",
                stacklevel=2,
            )
        self._declined = bool(lost)
        return self._declined
