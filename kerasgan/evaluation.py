"""Judges a trained GAN by real samples: scores, each with what it depends on, and a page of pictures.

What a score of a generator means is easier to say beside the score of real data, so every measure is also taken of
training samples in the place of generated ones: the best that a generator could reasonably do.
"""

import dataclasses
import itertools
import json
import math
import os
import pathlib
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from kerasgan import cards, data, metrics, plots, toys
from kerasgan import features as extractors
from kerasgan.data.classes import check_same
from kerasgan.files import replacing
from kerasgan.latents import Coded, Labelled
from kerasgan.metrics import Score

if TYPE_CHECKING:
    from kerasgan.gan import GAN

N = 10_000  # images of each kind, as Fréchet distances are usually computed from
PARTS = 10  # of the samples, whose classifier scores give its standard error
VALIDATION = 1000  # images that Parzen's sigma is chosen on (Goodfellow et al. 2014)
COLUMNS = 12  # of the picture page
BLOCK = 500  # images that are drawn, or passed through the feature extractor, at once


@dataclasses.dataclass(frozen=True)
class Report:
    """What `evaluate` found.

    Attributes:
        model: the GAN's name.
        steps: how many it has been trained for.
        dataset, split, training_split: the real samples.
        scores: of the generated samples, by name.
        reference: the same scores of training samples in their place; empty where the splits are one and the same.
        losses: what `gan.evaluate` gives for the real samples: losses and diagnostics, in inference mode.
        class_shares: how many of the generated images the classifier takes for each class, from 0 to 1; None where
            the features come without a classifier.
        classes: of a conditional model, by the names of its classes: "share_asked", how large a part of the samples it
            has, from 0 to 1; where they could be measured "accuracy", how often the classifier says the class that was
            asked for, and, under its own name, the Fréchet distance from the real samples of the class; and
            "reference", the same two of real samples. None for others.
        left_out: what could not be measured of a conditional model, and why; a sentence each.
        page: the pictures, uint8 `[height, width, 3]`, or None for samples without a picture.
    """

    model: str
    steps: int
    dataset: str
    split: str
    training_split: str
    scores: dict[str, Score]
    reference: dict[str, Score]
    losses: dict[str, float]
    class_shares: dict[str, float] | None
    page: np.ndarray | None
    classes: dict[str, dict[str, Any]] | None = None
    left_out: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures, as `json.dumps` takes it."""
        content = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "page"}
        for kind in ("scores", "reference"):
            content[kind] = {name: score.to_json() for name, score in content[kind].items()}
        content["classes"] = self.classes and {name: _as_json(found) for name, found in self.classes.items()}
        content["left_out"] = list(self.left_out)
        return content

    def write(self, path: str | os.PathLike, **facts: Any) -> list[pathlib.Path]:
        """Writes the report as JSON, and the pictures beside it under the same name with `.png`.

        Args:
            path: the JSON file.
            **facts: more for the JSON to say, such as the command.

        Returns:
            The files written.
        """
        path = pathlib.Path(path)
        written = [path]
        if self.page is not None:
            written.append(path.with_suffix(".png"))
            plots.write(self.page, written[-1])
        with replacing(path) as temporary:
            temporary.write_text(json.dumps({**facts, **self.to_json()}, indent=2) + "\n", encoding="utf-8")
        return written

    def table(self) -> str:
        """The scores as lines of text."""
        rows = [("", "generated", "training images", "n", "features")]
        content = self.to_json()
        for name, score in self.scores.items():
            rows.append(
                (
                    name,
                    cards.number(content["scores"][name]),
                    cards.number(content["reference"].get(name)),
                    f"{score.n_real}/{score.n_fake}" if score.n_real else f"{score.n_fake}",
                    score.features,
                )
            )
        lines = _aligned(rows)
        if self.classes:
            lines += ["", *_aligned(cards.class_rows(content["classes"])), ""]
        if self.class_shares:
            lines.append(f"classes of the generated images: {cards.shares(self.class_shares)}")
        if self.losses:
            lines.append("losses: " + ", ".join(f"{name} {value:.4g}" for name, value in self.losses.items()))
        return "\n".join([*lines, *self.left_out])


def _as_json(found: Any) -> Any:
    """Scores of a class, and scores within them, as `json.dumps` takes them."""
    if isinstance(found, dict):
        return {name: _as_json(value) for name, value in found.items()}
    return found.to_json() if isinstance(found, Score) else found


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def evaluate(
    gan: "GAN",
    dataset: Any,
    split: str | None = None,
    training_split: str = "train",
    n: int = N,
    features: Any = None,
    seed: int = 0,
    resize: bool = False,
    progress: bool = False,
) -> Report:
    """Scores a GAN against real samples that it has not seen, and draws what it makes.

    Of a conditional GAN the samples are those of `gan.generate(n, seed)`, of which the seeds give the classes, as
    frequent as in its training. Beside that each class is scored by samples that were asked of it,
    `gan.generate(m, seed, labels=...)`: m is the number of real samples of the class, but n / classes at least.

    Args:
        gan: a compiled `kerasgan.GAN`.
        dataset: what `kerasgan.data.load` takes.
        split: of the real samples; None is "test" where there is one, else "validation", else "train".
        training_split: what the GAN was trained on. Nearest neighbours are looked for there, its first samples are the
            reference, and its last 1,000 choose Parzen's sigma.
        n: how many samples of each kind, at most as many as the split has. Fréchet distances fall as n grows.
        features: what `kerasgan.features.get` takes: None is "fashion_mnist_classifier" for Fashion-MNIST and
            "inception" for RGB. Samples that are not images are their own features.
        seed: of the first generated sample.
        resize: crop, resize and recolour the dataset's images to the GAN's shape, as `kerasgan.data.load` does. Without
            it images of one other shape are taken for a mistake.
        progress: show bars on the terminal.

    Returns:
        The report. Where training samples are among the real ones a warning says how many: a model that has learnt them
        by heart then scores best.

    Raises:
        ValueError: an unknown dataset or split, samples of another shape than the GAN's or of other classes, fewer
            samples than the features have dimensions, or features that do not fit the images.
    """
    if not gan.compiled:
        raise ValueError("Only a compiled GAN can be evaluated: its losses are part of the report.")
    splits = data.splits_of(dataset)
    split = split or next((name for name in ("test", "validation") if name in splits), "train")
    images = gan.value_range is not None
    if images:  # before anything is read or drawn
        features = extractors.get(features, gan.sample_shape, dataset)
    own = data.image_shape_of(dataset, split)
    if images and not resize and own is not None and len(own) == 3 and own != gan.sample_shape:
        found, made = (" x ".join(map(str, shape)) for shape in (own, gan.sample_shape))
        raise ValueError(
            f"{data.describe(dataset)} holds images of {found}, the model makes {made}. If it was trained on them "
            "resized, ask for that: resize=True, --resize."
        )
    real, labels, left_out = _read(gan, dataset, split)
    n = min(n, len(real))
    training, training_labels, _ = _read(gan, dataset, training_split)
    _warn_of_seen(real[:n], training, split, training_split)
    judge = Judge(real[:n], training, features, images, progress)
    asked = places = None
    if gan.class_names is not None:
        try:
            places = judge.places_of(gan.class_names)
            asked = places[labels_of(gan, n, seed)]
        except ValueError as error:
            left_out += [f"No label accuracy: {error}."]
    fake = generate(gan, n, seed, progress)
    scores, shares = judge.score(fake, seed, asked)
    scores |= _mode_scores(dataset, fake, seed)
    reference: dict[str, Score] = {}
    if split != training_split:
        first = _unit(training[:n])
        reference, _ = judge.score(first, None)
        reference |= _mode_scores(dataset, first, None)
        if images:  # of a training image the nearest is itself; unseen real ones are what to compare with
            reference |= judge.nearest(judge.real, None)
        if places is not None and labels is not None:  # nor is a classifier's answer one to what it has learnt
            reference |= judge.accuracy_of_real(np.arange(n), places[labels[:n]])
    classes = None
    if gan.class_names is not None:
        of_training = None if split == training_split else (training, training_labels)
        classes, too_few = _score_classes(gan, judge, places, labels, of_training, seed)
        left_out += too_few
    losses = {}
    if isinstance(gan.latent, Coded) and gan.latent.categorical and labels is not None:
        scores["code_accuracy"] = _code_accuracy(gan, _unit(real), labels)
    if gan.class_names is None or labels is not None:
        batches = data.load(
            real,
            batch_size=min(100, len(real)),
            image_shape=gan.sample_shape,
            value_range=gan.value_range,
            shuffle=False,
            labels=False if gan.class_names is None else labels,
        )
        losses = gan.evaluate(batches, return_dict=True, verbose=0)
    page = None
    if plots.can_draw(gan.sample_shape):
        page = _page(gan, fake, training, real, seed)
    return Report(
        model=gan.name,
        steps=int(gan.step.numpy()),
        dataset=data.describe(dataset),
        split=split,
        training_split=training_split,
        scores=scores,
        reference=reference,
        losses={name: float(value) for name, value in losses.items()},
        class_shares=shares,
        page=page,
        classes=classes,
        left_out=tuple(left_out),
    )


def _read(gan: "GAN", dataset: Any, split: str) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """All real samples; their labels where the model has a use for them and the dataset has some; and what that leaves
    out.
    """
    if gan.class_names is None and not (isinstance(gan.latent, Coded) and gan.latent.categorical):
        return data.load_array(dataset, split, gan.sample_shape), None, []
    names, why = None, "it has no labels"
    try:
        names = data.classes_of(dataset, split)
    except ValueError as error:  # such as a folder of classes with pictures beside them
        why = f"its labels cannot be used ({str(error).removesuffix('.')})"
    if names is None:
        left_out = f"No losses and no distances of classes from {data.describe(dataset)}: {why}."
        return data.load_array(dataset, split, gan.sample_shape), None, [left_out] * (gan.class_names is not None)
    if gan.class_names is not None:
        check_same(names, gan.class_names, data.describe(dataset))
    real, labels, _ = data.load_labelled_array(dataset, split, gan.sample_shape)
    return real, labels, []


def labels_of(gan: "GAN", n: int, seed: int) -> np.ndarray:
    """The labels that the seeds from `seed` on give to samples of a conditional GAN, int64 `[n]`.

    Raises:
        ValueError: the GAN knows no classes.
    """
    latent = gan.latent
    if not isinstance(latent, Labelled):
        raise ValueError(f"This model knows no classes: its latent is {type(latent).__name__}, not Labelled.")
    drawn = tf.function(lambda seeds: latent.split(latent.from_seeds(seeds))["labels"], autograph=False)
    return drawn(tf.range(seed, seed + n, dtype=tf.int64)).numpy().argmax(1)


def _score_classes(
    gan: "GAN",
    judge: "Judge",
    places: np.ndarray | None,
    labels: np.ndarray | None,
    of_training: tuple[np.ndarray, np.ndarray | None] | None,
    seed: int,
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """What a `Report` says of each class, and of which classes there are too few real samples for a distance.

    Args:
        places: of each label, the classifier's class; None where there is no accuracy.
        labels: of the real samples, those of the judge and perhaps more; None where there is no distance.
        of_training: the training samples and their labels, in the place of which they are to be scored too.
    """
    names = gan.class_names or ()
    count, distance = len(judge.real), judge.distance_names[0]
    of_real = None if labels is None else labels[:count]
    shares = getattr(gan.latent, "shares", None) or (1.0 / len(names),) * len(names)
    classes: dict[str, dict[str, Any]] = {}
    too_few = []
    for label, name in enumerate(names):
        rows = np.empty(0, int) if of_real is None else np.flatnonzero(of_real == label)
        found: dict[str, Any] = {"share_asked": shares[label]}
        reference: dict[str, Score] = {}
        enough = len(rows) > judge.real_features.shape[1]
        if of_real is not None and not enough:
            too_few.append(f"{name} ({len(rows)})")
        if enough or places is not None:
            samples = generate(gan, max(len(rows), count // len(names), 1), seed, judge.progress, label)
            place = None if places is None else int(places[label])
            found |= judge.score_class(rows, samples, seed, place)
        if of_training is not None and of_training[1] is not None and len(rows):
            if places is not None:
                accuracy = judge.accuracy_of_real(rows, np.full(len(rows), places[label]))
                reference["accuracy"] = accuracy["label_accuracy"]
            same = np.flatnonzero(of_training[1] == label)[: len(rows)]
            if len(same) > judge.real_features.shape[1]:
                reference |= judge.score_class(rows, _unit(of_training[0][same]), None)
        classes[name] = found | ({"reference": reference} if reference else {})
    left_out = []
    if too_few:
        left_out.append(
            f"No {distance} of {', '.join(too_few)}: as many real samples as stand in brackets are too few for the "
            f"{judge.real_features.shape[1]} features of {judge.name}."
        )
    return classes, left_out


def _warn_of_seen(real: np.ndarray, training: np.ndarray, split: str, training_split: str) -> None:
    """By content, because neither names nor slices tell: a folder may be given under two names. Real data repeats
    itself a little, so that one in a hundred is let pass.
    """
    known = {hash(sample.tobytes()) for sample in np.asarray(training)}
    seen = sum(hash(sample.tobytes()) in known for sample in np.asarray(real))
    if seen > len(real) / 100:
        warnings.warn(
            f"{seen:,} of the {len(real):,} real samples (split {split!r}) are training samples (training_split "
            f"{training_split!r}) too: scores against them reward what a model has learnt by heart. Hold some back, as "
            "train[90%:] of a training on train[:90%].",
            stacklevel=3,
        )


def _mode_scores(dataset: Any, samples: np.ndarray, seed: int | None) -> dict[str, Score]:
    toy = toys.get(dataset) if isinstance(dataset, str) and dataset in ("ring", "grid") else None
    if not isinstance(toy, toys.Mixture):
        return {}
    found = metrics.mode_coverage(samples, toy.means, toy.sigma)
    return {name: Score(name, value, None, 0, len(samples), "coordinates", seed) for name, value in found.items()}


def _code_accuracy(gan: "GAN", images: np.ndarray, labels: np.ndarray) -> Score:
    """How well the first categorical code, read in real images, names their classes."""
    categories = gan.infer_codes(images)["categorical"][:, 0].argmax(1)
    accuracy, _ = metrics.assignment_accuracy(categories, labels)
    error = math.sqrt(accuracy * (1 - accuracy) / len(labels))
    return Score("code_accuracy", accuracy, error, len(labels), 0, "codes", None)


def generate(gan: "GAN", n: int, seed: int, progress: bool = False, labels: Any = None) -> np.ndarray:
    """`gan.generate(n, seed, labels=labels)` with a bar.

    Args:
        labels: of a conditional GAN, a class for all samples; None where the seeds give it.

    Raises:
        ValueError: the generator gives NaN or infinity.
    """
    parts = []
    with tqdm(total=n, desc="drawing", unit="image", disable=not progress, leave=False) as bar:
        for start in range(0, n, BLOCK):
            parts.append(gan.generate(min(BLOCK, n - start), seed + start, labels=labels))
            bar.update(len(parts[-1]))
    samples = np.concatenate(parts)
    if not np.isfinite(samples).all():
        raise ValueError("The generator gives numbers that are not finite; its training has diverged.")
    return samples


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
        self.real = _unit(real)
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
                parzen = metrics.parzen_log_likelihood(samples, _unit(self.training[-VALIDATION:]), self.real)
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
        _, distances = _neighbours(samples, self.training)
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
        names = classes or tuple(map(str, range(count)))
        shares = np.bincount(probabilities.argmax(1), minlength=count) / len(probabilities)
        return named, dict(zip(names, shares.tolist(), strict=True))

    def _extract(self, samples: np.ndarray, what: str) -> dict[str, np.ndarray]:
        if self.extractor is None:
            return {"features": np.reshape(samples, (len(samples), -1))}
        batches = (_unit(samples[start : start + BLOCK]) for start in range(0, len(samples), BLOCK))
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


def _unit(images: np.ndarray) -> np.ndarray:
    """Bytes -> floats in [0, 1]."""
    images = np.asarray(images)
    return images.astype(np.float32) / 255.0 if images.dtype == np.uint8 else images


def _neighbours(samples: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest training images of samples in [0, 1], on their scale, without a second copy of the training images."""
    scale = 255.0 if np.asarray(training[:1]).dtype == np.uint8 else 1.0
    indices, distances = metrics.nearest_neighbours(np.asarray(samples, np.float64) * scale, training)
    return indices, distances / scale


def _page(gan: "GAN", fake: np.ndarray, training: np.ndarray, real: np.ndarray, seed: int) -> np.ndarray:
    """Samples, their nearest training images, interpolations and codes, under headings."""
    if fake.ndim == 2:
        return plots.page([("Generated, and real in grey", plots.points(fake[:2500], real=real[:2500]))])
    shown = fake[: 8 * COLUMNS]
    sections = [(f"Samples of the seeds from {seed} on, none left out", plots.grid(shown, columns=COLUMNS))]
    if gan.class_names is not None:
        count, most = len(gan.class_names), plots.MOST_CLASSES
        title = "A row for each class" if count <= most else f"A row for each of the first {most} classes of {count}"
        sections.append((f"{title}, of the seeds from {seed} on", plots.by_class(gan, None, COLUMNS, seed, enlarge=2)))
    pairs = fake[: 2 * COLUMNS]
    indices, _ = _neighbours(pairs, training)
    nearest = _unit(training[np.sort(indices)])[np.argsort(np.argsort(indices))]
    rows = np.concatenate([part[i : i + COLUMNS] for i in range(0, len(pairs), COLUMNS) for part in (pairs, nearest)])
    title = "Samples, and below each the training image nearest to it"
    sections.append((title, plots.grid(rows, columns=min(COLUMNS, len(pairs)))))
    sections.append(("From one latent vector to another, in a straight line", interpolations(gan, seed)))
    if isinstance(gan.latent, Coded):
        sections += traversals(gan, seed)
    return plots.page(sections)


def interpolations(gan: "GAN", seed: int = 0, rows: int = 4) -> np.ndarray:
    """Images along straight lines between latent vectors: a grid with one line per row.

    Where the latent has codes or labels, each line keeps those of its first vector: half of one category and half of
    another is none that training has seen.
    """
    steps = np.linspace(0.0, 1.0, COLUMNS, dtype=np.float32)[:, None]
    ends = gan.latent.from_seeds(np.arange(seed, seed + 2 * rows, dtype=np.int64)).numpy()
    lines = np.concatenate([(1 - steps) * ends[2 * i] + steps * ends[2 * i + 1] for i in range(rows)])
    if isinstance(gan.latent, (Coded, Labelled)):
        lines[:, gan.latent.noise :] = np.repeat(ends[::2, gan.latent.noise :], COLUMNS, axis=0)
    return plots.grid(gan.to_unit_range(gan(lines, training=False)).numpy(), columns=COLUMNS)


def traversals(gan: "GAN", seed: int = 0, rows: int = 4) -> list[tuple[str, np.ndarray]]:
    """What each code does (Chen et al. 2016, arXiv:1606.03657, Figure 2): for each a title, and a grid in which the
    code changes from left to right and the rest of the latent vector from row to row.

    Continuous codes go from -2 to 2, as in the paper; training draws them from -1 to 1.

    Raises:
        ValueError: the model's latent is not `Coded`.
    """
    latent, found = gan.latent, []
    if not isinstance(latent, Coded):
        raise ValueError(f"This model has no codes: its latent is {type(latent).__name__}, not Coded.")
    base = latent.from_seeds(np.arange(seed, seed + rows, dtype=np.int64)).numpy()
    ends = [latent.noise + end for end in itertools.accumulate(latent.categorical)]
    for i, (k, end) in enumerate(zip(latent.categorical, ends, strict=True)):
        z = np.repeat(base, k, axis=0)
        z[:, end - k : end] = np.tile(np.eye(k, dtype=np.float32), (rows, 1))
        found.append((f"Categorical code {i}: one column per category", z, k))
    for i in range(latent.continuous):
        z = np.repeat(base, COLUMNS, axis=0)
        z[:, latent.dim - latent.continuous + i] = np.tile(np.linspace(-2, 2, COLUMNS, dtype=np.float32), rows)
        found.append((f"Continuous code {i}: from -2 to 2", z, COLUMNS))
    return [
        (title, plots.grid(gan.to_unit_range(gan(z, training=False)).numpy(), columns=columns))
        for title, z, columns in found
    ]
