"""An end to trainings that are lost."""

import math
import pathlib
import warnings
from typing import Any

import keras

from kerasgan import checkpoints, strategies
from kerasgan.callbacks.frequency import check_folder_is_free
from kerasgan.errors import check_whole
from kerasgan.files import Path


class StopOnDivergence(keras.callbacks.Callback):
    """Notices a training that is lost: a number that is NaN or infinite, or a discriminator that has won.

    The numbers are both losses after each step, and, because a network can hide NaN from them (TensorFlow's fused ReLU
    makes zeros of it), all weights of both networks every 100 steps and at the end of each epoch.

    D has won when for `patience` steps in a row it was nearly sure of every sample: D above 1 - `margin` on real
    samples and below `margin` on generated ones, on average over each step's batch. The generator then gets no gradient
    to speak of. Losses whose D gives no probability are watched for their numbers alone: a mean near 1 says nothing of
    every sample where D may go beyond (least squares), and the others log no D.

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
        ValueError: another action, "restore" without a folder, or a number out of range; when `fit` begins, a folder
            with checkpoints of another training.
    """

    PATIENCE = 500  # steps
    WEIGHTS_EVERY = 100  # steps
    ADVICE = (
        "What may help: a lower learning rate for D, a narrower D, loss='non_saturating' or 'kl', a penalty on D's "
        "gradient such as penalties='r1(1)'."
    )

    def __init__(
        self,
        action: str = "stop",
        folder: Path | None = None,
        patience: int | None = PATIENCE,
        margin: float = 0.01,
        most_restores: int = 3,
    ) -> None:
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
        self.reason: str | None = None

        self._restores = 0
        self._won = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._looked = checkpoints.steps(self.model)
        if self.action == "restore" and self.folder is not None and not self._looked:
            check_folder_is_free(pathlib.Path(self.folder), ".keras")
        self._finite = checkpoints.FiniteCheck(self.model)
        self._sees_wins = self.patience is not None and self.model.loss.gives_probability

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._begin()

    def _begin(self) -> None:
        # Not nothing where the epoch is one that was cut.
        self._step, self._samples = checkpoints.steps(self.model), self.model.samples_logged()
        self._sums = {name: self._samples * value for name, value in self.model.running_means().items()}

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        lost = [f"{name} is {logs[name]}" for name in ("d_loss", "g_loss") if not math.isfinite(logs[name])]
        if lost:
            self._act(" and ".join(lost))
        elif checkpoints.steps(self.model) - self._looked >= self.WEIGHTS_EVERY and (weights := self._lost_weights()):
            self._act(weights)
        elif self._sees_wins and "d_real" in logs and self._has_won(logs):
            self._act(
                f"for {self._won} steps D gave real samples more than {1 - self.margin:g} and generated ones less than "
                f"{self.margin:g}"
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.reason is None and (lost := self._lost_weights()):
            self._act(lost)

    def _lost_weights(self) -> str:
        """What to say of weights that hold NaN behind losses that do not show it; nothing where all are well."""
        self._looked = checkpoints.steps(self.model)
        lost = self._finite.lost()
        return f"there are numbers that are NaN or infinite in {checkpoints.said(lost)}" if lost else ""

    def _has_won(self, logs):
        """Whether D has been sure for long enough. What `fit` logs are means since the epoch began; of two of them
        follows what the samples between them gave.
        """
        step, samples = checkpoints.steps(self.model), self.model.samples_logged()
        if samples <= self._samples:  # the means have begun anew, as where another callback has evaluated
            self._begin()
            return False
        sums = {name: samples * logs[name] for name in ("d_real", "d_fake")}
        real, fake = ((sums[name] - self._sums[name]) / (samples - self._samples) for name in sums)
        sure = real > 1 - self.margin and fake < self.margin
        self._won = self._won + step - self._step if sure else 0
        self._step, self._samples, self._sums = step, samples, sums
        return self.patience is not None and self._won >= self.patience

    def _act(self, noticed):
        step = checkpoints.steps(self.model)
        folder = self.folder if self.action == "restore" and self._restores < self.most_restores else None
        # A checkpoint of the time when D was winning already would lead back here.
        try:
            good = None if folder is None else checkpoints.restore(folder, newest=step - self._won)
        except ValueError as error:
            warnings.warn(str(error), stacklevel=2)
            good = None
        found = -1 if good is None else checkpoints.steps(good)
        if strategies.agreed(found, self.model.distribute_strategy) != found:
            raise RuntimeError(f"Workers see other checkpoints in {self.folder}; this one has found step {found}.")
        if good is None:
            tried = f" Set back {self._restores} times." if self._restores else ""
            if folder is not None:
                tried = f" There is no checkpoint of step {step - self._won} or before to set it back to."
            self.reason = f"Training diverged at step {step}: {noticed}.{tried} {self.ADVICE}"
            warnings.warn(self.reason, stacklevel=2)
            self.model.stop_training = True
            return
        self._restores += 1
        self._won = 0
        warnings.warn(
            f"At step {step} {noticed}; set back to the checkpoint of step {checkpoints.steps(good)}, "
            f"{self._restores} of {self.most_restores} times.",
            stacklevel=2,
        )
        checkpoints.set_back(self.model, good)
        self.model.reset_metrics()
        self._begin()
