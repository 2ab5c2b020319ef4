"""Scores of generated samples as training goes on."""

import contextlib
import math
import warnings
from typing import Any

import keras
import numpy as np

from kerasgan import data, evaluation, strategies
from kerasgan.errors import check_whole


class EvaluateSamples(keras.callbacks.Callback):
    """Scores generated samples against real ones at the end of epochs, and logs the scores.

    They appear under the names of `kerasgan.evaluation`: "fcd" (on Inception's features "fid", for samples that are
    not images "frechet_distance") and "kid"; for a conditional model also "label_accuracy", where the features classify
    the model's classes. `ModelCheckpoint(monitor="fcd", mode="min", save_best_only=True)` behind
    it in the list then keeps the best model. A choice made by a score makes that score too good: choose on one split,
    report on another.

    With `every` above 1 the first and the last epoch are scored as well, and those in between log the scores of the
    last one that was, so that a score stands in the logs of each: Keras's `ModelCheckpoint` overwrites the best model
    where the score that it monitors is missing, and never again finds a better one where its first is NaN. The patience
    of `EarlyStopping` and `ReduceLROnPlateau` counts epochs, those in between included. A generator that gives NaN logs
    infinity, which is worse than every score, and a label accuracy of 0.

    Args:
        dataset: what `kerasgan.data.load` takes.
        split: of the dataset, one that is not trained on.
        n: how many samples of each kind, at most; scores of different n do not compare.
        features: what `kerasgan.features.get` takes; None is what `kerasgan.features.usual` says.
        seed: of the first generated sample.
        every: how many epochs from one evaluation to the next.

    Raises:
        ValueError: an unknown dataset or split, no more than 10 samples, or features that do not fit the samples or
            cannot be had (when `fit` begins).
    """

    def __init__(
        self,
        dataset: Any,
        split: str = "test",
        n: int = 5000,
        features: Any = None,
        seed: int = 0,
        every: int = 1,
    ) -> None:
        super().__init__()
        for name, number in (("n", n), ("every", every)):
            check_whole(name, number, 1)
        self.dataset = dataset
        self.split = split
        self.n = n
        self.features = features
        self.seed = seed
        self.every = every
        self._judge: Any = None  # an evaluation.Judge, once the samples are read
        self._scores: dict[str, float] | None = None
        self._asked: np.ndarray | None = None  # of a conditional model, the classifier's class of each sample

    def prepare(self, gan: Any) -> tuple[str, str]:
        """Reads the real samples and computes their features, which `fit` else does when it begins.

        Returns:
            The names of the Fréchet and of the kernel distance.
        """
        if self._judge is None:
            real = data.load_array(self.dataset, self.split, gan.sample_shape)[: self.n]
            images = gan.value_range is not None
            self._judge = evaluation.Judge(real, features=self.features, images=images, dataset=self.dataset)
            self.n = len(real)
        return self._judge.distance_names

    @property
    def real(self) -> np.ndarray | None:
        """The real samples, images in [0, 1] `[N, H, W, C]` or points `[N, n]`; None before they are read."""
        return None if self._judge is None else self._judge.real

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.prepare(self.model)
        self._scores = None
        self._asked = None
        if self.model.class_names is not None:  # asked now: `fit` may have recorded the classes' names and shares
            with contextlib.suppress(ValueError):
                places = self._judge.places_of(self.model.class_names)
                self._asked = places[evaluation.labels_of(self.model, self.n, self.seed)]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        scores, is_last = self._scores, epoch + 1 == self.params.get("epochs")
        if scores is None or is_last or (epoch + 1) % self.every == 0:
            scores = self._scores = self._score(epoch)
        if logs is not None:
            logs.update(scores)

    def _score(self, epoch):
        samples = self.model.generate(self.n, self.seed)
        of_all = self.model.distribute_strategy
        if not strategies.agreed(bool(np.isfinite(samples).all()), of_all):
            names = self._judge.distance_names
            warnings.warn(
                f"Epoch {epoch + 1}: the generator gives numbers that are NaN or infinite; {' and '.join(names)} are "
                "logged as infinite.",
                stacklevel=2,
            )
            worst = dict.fromkeys(names, math.inf)
            return worst if self._asked is None else {**worst, "label_accuracy": 0.0}
        scores = self._judge.distances(samples, self.seed, self._asked)
        # Batch normalisation has statistics of its own on each worker, and so other samples.
        return {name: strategies.agreed(score.value, of_all) for name, score in scores.items()}
