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

NEAREST = 3  # training images that are shown of a sample
SEARCHED = 10_000  # training images whose features are compared with those of the samples that are shown
PARTS = 10  # of the samples, whose classifier scores give its standard error
VALIDATION = 1000  # images that Parzen's sigma is chosen on (Goodfellow et al. 2014)
BLOCK = 500  # images that are drawn, or passed through the feature extractor, at once


class Judge:
    """Scores any number of sets of samples, whoever generated them, against the same real ones.

    Args:
        real: uint8 or floats in [0, 1] `[N, H, W, C]`; or, with `images=False`, vectors `[N, n]`.
        training: real samples like them that the generators were trained on; without them there are no scores of
            pixels. The last 1,000 choose Parzen's sigma.
        features: as for `evaluate`; False is none, and there are scores of pixels alone.
        images: whether the samples are images. Others are their own features.
        progress: show bars on the terminal.
        dataset: what the real samples come from, as `kerasgan.data.load` takes it; features of None go by its name.

    Raises:
        ValueError: features that do not fit the images or cannot be had, or no more than 10 samples.
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
        self.extractor = (
            extractors.get(features, np.shape(real)[1:], dataset) if images and features is not False else None
        )
        self.name = "coordinates" if self.extractor is None else self.extractor.name
        self.training = training if images else None
        self.progress = progress
        if len(real) <= PARTS:
            raise ValueError(f"{len(real)} real samples are too few: scores need more than {PARTS}.")
        self.real = unit_of(real)
        self.has_features = not images or self.extractor is not None
        self._training_outputs: dict[str, np.ndarray] = {}  # of the first training images, once somebody asks
        if not self.has_features:
            self.name = "pixels"
            return
        outputs = self._extract(real, "real")
        self.real_features = outputs["features"]
        self.real_classes = outputs["probabilities"].argmax(1) if "probabilities" in outputs else None
        self.real_moments = metrics.Moments().add(self.real_features)

    @property
    def are_few(self) -> bool:
        """Whether there are no more real samples than features, so that Fréchet distances are far too large."""
        return self.has_features and len(self.real) <= self.real_features.shape[1]

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
        return self._score_all(samples, self._extract(samples, "generated"), seed, asked)

    def score_training(self, n: int) -> dict[str, Score]:
        """All scores of the first n training images in the place of generated ones.

        Raises:
            ValueError: there are no training images.
        """
        return self._score_all(unit_of(self._known()[:n]), self._of_training(n), None, None)[0]

    def halves(self) -> dict[str, Score]:
        """The Fréchet and the kernel distance of the real samples with even numbers from those with odd ones: what is
        left of them at so many samples where nothing tells the two apart.
        """
        if not self.has_features:
            return {}
        even, odd = self.real_features[::2], self.real_features[1::2]
        even = even[: len(odd)]
        return self._compare(even, even, odd, None)

    def _score_all(
        self, samples: np.ndarray, outputs: dict[str, np.ndarray], seed: int | None, asked: np.ndarray | None
    ) -> tuple[dict[str, Score], dict[str, float] | None]:
        scores: dict[str, Score] = {}
        shares = None
        with tqdm(total=5, desc="scores", disable=not self.progress, leave=False) as bar:
            if self.has_features:
                scores = self._distances(outputs["features"], seed) | self._accuracy(outputs, seed, asked)
                for measure in (metrics.precision_recall, metrics.density_coverage):
                    bar.update()
                    for name, value in measure(self.real_features, outputs["features"]).items():
                        scores |= self._score(name, value, None, samples, seed)
                bar.update()
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
        samples = samples[:VALIDATION]
        _, distances = neighbours_of(samples, self._known())
        error = float(distances.std(ddof=1) / math.sqrt(len(samples)))
        name, count = "nearest_training_image", len(self._known())
        return {name: Score(name, float(distances.mean()), error, count, len(samples), "pixels", seed)}

    def nearest_images(self, samples: np.ndarray) -> tuple[np.ndarray, str]:
        """The training images nearest to samples: in features where there are some, else in pixels.

        Features are compared with those of the first 10,000 training images at most, and of the 10 nearest in pixels of
        all of them.

        Args:
            samples: in [0, 1] `[N, H, W, C]`.

        Returns:
            Images in [0, 1] `[N, 3, H, W, C]`, nearest first (fewer where there are fewer); and how they were found,
            for people.

        Raises:
            ValueError: there are no training images.
        """
        training = self._known()
        if self.extractor is None:
            indices, how = neighbours_of(samples, training, NEAREST)[0], "in pixels"
            return _arranged(training, indices), how
        first = min(len(training), SEARCHED)
        candidates, found = np.arange(first), self._of_training(first)["features"]
        among = ""
        if first < len(training):
            near, _ = neighbours_of(samples, training, 10)
            near = np.setdiff1d(near, candidates)
            candidates = np.concatenate([candidates, near])
            found = np.concatenate([found, self._extract(rows_of(training, near), "training")["features"]])
            among = f", among {first:,} of the {len(training):,} training images and those nearest in pixels"
        own = self._extract(samples, "generated")["features"]
        nearest, _ = metrics.nearest_neighbours(own, found, NEAREST)
        return _arranged(training, candidates[nearest]), f"in the features {self.name}{among}"

    def _known(self) -> np.ndarray:
        if self.training is None:
            raise ValueError("A Judge without training images has none to score or to look among.")
        return self.training

    def _of_training(self, n: int) -> dict[str, np.ndarray]:
        """What the network gives for the first n training images, of which none is asked twice."""
        if not self.has_features:
            return {}
        known = len(next(iter(self._training_outputs.values()), ()))
        if known < min(n, len(self._known())):
            more = self._extract(self._known()[known:n], "training")
            before = self._training_outputs
            self._training_outputs = {k: np.concatenate([before[k], v]) if before else v for k, v in more.items()}
        return {key: values[:n] for key, values in self._training_outputs.items()}

    def _distances(self, features: np.ndarray, seed: int | None) -> dict[str, Score]:
        return self._compare(self.real_features, self.real_moments, features, seed)

    def _compare(
        self, real: np.ndarray, moments: np.ndarray | metrics.Moments, fake: np.ndarray, seed: int | None
    ) -> dict[str, Score]:
        n = min(len(real), len(fake))
        kid, error = metrics.kernel_distance(real, fake, block=min(1000, n // 2))
        frechet = metrics.frechet_distance(moments, fake, few=True)
        found: tuple[tuple[float, float | None], ...] = ((frechet, None), (kid, error))
        return {
            name: Score(name, value, error, len(real), len(fake), self.name, seed)
            for name, (value, error) in zip(self.distance_names, found, strict=True)
        }

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
        if not self.has_features:
            return {}
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


def neighbours_of(samples: np.ndarray, training: np.ndarray, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The `count` nearest training images of samples in [0, 1], on their scale, without a second copy of the training
    images: indices and distances `[N]`, or `[N, count]`.
    """
    scale = 255.0 if np.asarray(training[:1]).dtype == np.uint8 else 1.0
    indices, distances = metrics.nearest_neighbours(np.asarray(samples, np.float64) * scale, training, count)
    return indices, distances / scale


def _arranged(images: np.ndarray, indices: np.ndarray) -> np.ndarray:
    return unit_of(rows_of(images, indices.ravel())).reshape(*indices.shape, *np.shape(images)[1:])


def rows_of(images: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Some images of many, which may lie on disk, where rows are read in their order."""
    ordered, places = np.unique(indices, return_inverse=True)
    return np.asarray(images[ordered])[places.ravel()]
