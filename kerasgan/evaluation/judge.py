"""Scores of any samples against the same real ones."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from kerasgan import features as extractors
from kerasgan import metrics
from kerasgan.classes import numbered
from kerasgan.metrics import Score

PARTS = 10  # of the samples, whose classifier scores give its standard error
VALIDATION = 1000  # images that Parzen's sigma is chosen on (Goodfellow et al. 2014)
BLOCK = 500  # images that are drawn, or passed through the feature extractor, at once


class Judge:
    """Scores any number of sets of samples, whoever generated them, against the same real ones.

    Args:
        real: uint8 or floats in [0, 1] `[N, H, W, C]`; or, with `images=False`, vectors `[N, n]`.
        training: real samples like them that the generators were trained on; without them there are no scores of
            pixels. The last 1,000 choose Parzen's sigma.
        features: as for `evaluate`.
        images: whether the samples are images. Others are their own features.
        progress: show bars on the terminal.
        dataset: what the real samples come from, as `kerasgan.data.load` takes it; features of None go by its name.

    Raises:
        ValueError: features that do not fit the images, or fewer samples than the features have dimensions.
    """

    def __init__(
        self,
        real: np.ndarray,
        training: np.ndarray | None = None,
        features: Any = None,
        images: bool = True,
        progress: bool = False,
        dataset: Any = None,
    ) -> None:
        self.extractor = extractors.get(features, np.shape(real)[1:], dataset) if images else None
        self.name = "coordinates" if self.extractor is None else self.extractor.name
        self.training = training if images else None
        self.progress = progress
        dimension = (self.extractor.dimension or 0) if self.extractor is not None else 0
        least = max(dimension, PARTS)
        if len(real) <= least:
            on = f"the {dimension} features of {self.name}" if dimension else self.name
            raise ValueError(f"{len(real)} real samples are too few: scores on {on} need more than {least}.")
        self.real = unit_of(real)
        outputs = self._extract(real, "real")
        self.real_features = outputs["features"]
        self.real_classes = outputs["probabilities"].argmax(1) if "probabilities" in outputs else None
        self.real_moments = metrics.Moments().add(self.real_features)

    @property
    def distance_names(self) -> tuple[str, str]:
        """What the Fréchet and the kernel distance are called. FID is Inception's alone."""
        return {"inception": "fid", "coordinates": "frechet_distance"}.get(self.name, "fcd"), "kid"

    def places_of(self, class_names: Sequence[str]) -> np.ndarray:
        """Which class of the features' classifier each of a model's is, int64 `[classes]`.

        Raises:
            ValueError: there is no classifier, or it knows other classes.
        """
        if self.extractor is None:
            raise ValueError(f"the features {self.name} come without a classifier")
        return self.extractor.places_of(class_names)

    def distances(self, samples: np.ndarray, seed: int | None, asked: np.ndarray | None = None) -> dict[str, Score]:
        """The Fréchet and the kernel distance of samples from the real ones.

        Args:
            samples: in the form of the real ones.
            seed: of the first of them, for the scores to say; None where they were not generated.
            asked: the classifier's class that each sample is to be of, whole numbers `[N]`; gives `label_accuracy` too.
        """
        outputs = self._extract(samples, "generated")
        return self._distances(outputs["features"], seed) | self._accuracy(outputs, seed, asked)

    def score_class(
        self, rows: np.ndarray, samples: np.ndarray, seed: int | None, place: int | None = None
    ) -> dict[str, Score]:
        """Scores of samples of one class.

        Args:
            rows: which of the real samples are of the class.
            samples, seed: as for `distances`. The Fréchet distance is of as many of them as there are `rows`.
            place: the class among the classifier's; None where it is not known.

        Returns:
            Where `rows` are more than the features have dimensions, the Fréchet distance; with `place`, "accuracy".
        """
        outputs = self._extract(samples, "generated")
        scores = {}
        if place is not None:
            asked = np.full(len(samples), place)
            scores["accuracy"] = self._accuracy(outputs, seed, asked)["label_accuracy"]
        if len(rows) > self.real_features.shape[1]:
            fake, name = outputs["features"][: len(rows)], self.distance_names[0]
            value = metrics.frechet_distance(self.real_features[rows], fake)
            scores[name] = Score(name, value, None, len(rows), len(fake), self.name, seed)
        return scores

    def accuracy_of_real(self, rows: np.ndarray, labels: np.ndarray) -> dict[str, Score]:
        """`label_accuracy` of some of the real samples: the most that can be asked of a generator.

        Args:
            rows: which of them, whole numbers `[N]`.
            labels: their classes among the classifier's, `[N]`.

        Raises:
            ValueError: the features come without a classifier.
        """
        if self.real_classes is None:
            raise ValueError(f"the features {self.name} come without a classifier")
        return self._accuracy_score(self.real_classes[rows] == labels, None)

    def score(
        self, samples: np.ndarray, seed: int | None, asked: np.ndarray | None = None
    ) -> tuple[dict[str, Score], dict[str, float] | None]:
        """All scores of samples, given as for `distances`.

        Returns:
            The scores by name, and the share of the samples that the classifier takes for each class, or None.
        """
        outputs = self._extract(samples, "generated")
        with tqdm(total=5, desc="scores", disable=not self.progress, leave=False) as bar:
            scores = self._distances(outputs["features"], seed) | self._accuracy(outputs, seed, asked)
            for measure in (metrics.precision_recall, metrics.density_coverage):
                bar.update()
                for name, value in measure(self.real_features, outputs["features"]).items():
                    scores |= self._score(name, value, None, samples, seed)
            bar.update()
            shares = None
            if "probabilities" in outputs:
                named, shares = self._classes(outputs["probabilities"])
                for name, (value, error) in named.items():
                    scores |= self._score(name, value, error, samples, seed)
            if self.training is not None:
                parzen = metrics.parzen_log_likelihood(samples, unit_of(self.training[-VALIDATION:]), self.real)
                error = parzen["standard_error"]
                scores |= self._score("parzen_nats", parzen["nats"], error, samples, seed, "pixels")
                bar.update()
                scores |= self.nearest(samples, seed)
        return scores, shares

    def nearest(self, samples: np.ndarray, seed: int | None) -> dict[str, Score]:
        """The mean distance of the first 1,000 samples to the training images nearest to them.

        Raises:
            ValueError: there are no training images to compare with.
        """
        if self.training is None:
            raise ValueError("A Judge without training images cannot look for the nearest of them.")
        samples = samples[:VALIDATION]
        _, distances = neighbours_of(samples, self.training)
        error = float(distances.std(ddof=1) / math.sqrt(len(samples)))
        name, count = "nearest_training_image", len(self.training)
        return {name: Score(name, float(distances.mean()), error, count, len(samples), "pixels", seed)}

    def _distances(self, features: np.ndarray, seed: int | None) -> dict[str, Score]:
        n = min(len(self.real_features), len(features))
        kid, error = metrics.kernel_distance(self.real_features, features, block=min(1000, n // 2))
        frechet_name, kernel_name = self.distance_names
        frechet = metrics.frechet_distance(self.real_moments, features)
        return self._score(frechet_name, frechet, None, features, seed) | self._score(
            kernel_name, kid, error, features, seed
        )

    def _accuracy(self, outputs: dict[str, np.ndarray], seed: int | None, asked: np.ndarray | None) -> dict[str, Score]:
        if asked is None:
            return {}
        return self._accuracy_score(outputs["probabilities"].argmax(1) == asked, seed)

    def _accuracy_score(self, right: np.ndarray, seed: int | None) -> dict[str, Score]:
        name, share = "label_accuracy", float(right.mean())
        error = math.sqrt(share * (1 - share) / len(right))
        return {name: Score(name, share, error, 0, len(right), self.name, seed)}

    def _classes(self, probabilities: np.ndarray) -> tuple[dict[str, tuple[float, float | None]], dict[str, float]]:
        kind = "inception_score" if self.name == "inception" else "classifier_score"
        named: dict[str, tuple[float, float | None]] = {
            kind: metrics.inception_score(probabilities, PARTS),
            f"reversed_{kind}": (metrics.reversed_inception_score(probabilities), None),
        }
        count = probabilities.shape[1]
        classes = () if self.extractor is None else self.extractor.classes
        names = classes or numbered(count)
        shares = np.bincount(probabilities.argmax(1), minlength=count) / len(probabilities)
        return named, dict(zip(names, shares.tolist(), strict=True))

    def _extract(self, samples: np.ndarray, what: str) -> dict[str, np.ndarray]:
        if self.extractor is None:
            return {"features": np.reshape(samples, (len(samples), -1))}
        batches = (unit_of(samples[start : start + BLOCK]) for start in range(0, len(samples), BLOCK))
        total = -(-len(samples) // BLOCK)
        bar = tqdm(batches, f"features of {what} images", total, disable=not self.progress, leave=False, unit="batch")
        return self.extractor.extract(bar)

    def _score(
        self,
        name: str,
        value: float,
        error: float | None,
        samples: np.ndarray,
        seed: int | None,
        features: str | None = None,
    ) -> dict[str, Score]:
        return {name: Score(name, float(value), error, len(self.real), len(samples), features or self.name, seed)}


def unit_of(images: np.ndarray) -> np.ndarray:
    """Bytes -> floats in [0, 1]."""
    images = np.asarray(images)
    return images.astype(np.float32) / 255.0 if images.dtype == np.uint8 else images


def neighbours_of(samples: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest training images of samples in [0, 1], on their scale, without a second copy of the training images."""
    scale = 255.0 if np.asarray(training[:1]).dtype == np.uint8 else 1.0
    indices, distances = metrics.nearest_neighbours(np.asarray(samples, np.float64) * scale, training)
    return indices, distances / scale
