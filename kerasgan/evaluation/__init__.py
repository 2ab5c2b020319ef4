"""Judges a trained GAN by real samples: scores, each with what it depends on, and a page of pictures.

What a score of a generator means is easier to say beside the score of real data, so every measure is also taken of
training samples in the place of generated ones: the best that a generator could reasonably do.
"""

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from kerasgan import data, metrics, plots, toys
from kerasgan import features as extractors
from kerasgan.classes import check_same
from kerasgan.evaluation.judge import BLOCK, Judge, unit_of
from kerasgan.evaluation.pictures import COLUMNS, interpolations, nearest_page, page_of, traversals
from kerasgan.evaluation.report import Report
from kerasgan.latents import Coded, Labelled
from kerasgan.metrics import Score

if TYPE_CHECKING:
    from kerasgan.gan import GAN

__all__ = [
    "COLUMNS",
    "Judge",
    "N",
    "Report",
    "evaluate",
    "generate",
    "interpolations",
    "labels_of",
    "traversals",
]

N = 10_000  # images of each kind, as Fréchet distances are usually computed from


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
        features: what `kerasgan.features.get` takes; None is what `kerasgan.features.usual` says. Where they cannot be
            had the scores are of pixels alone, and the report says why. Samples that are not images are their own
            features.
        seed: of the first generated sample.
        resize: crop, resize and recolour the dataset's images to the GAN's shape, as `kerasgan.data.load` does. Without
            it images of one other shape are taken for a mistake.
        progress: show bars on the terminal.

    Returns:
        The report. Where training samples are among the real ones a warning says how many: a model that has learnt them
        by heart then scores best.

    Raises:
        ValueError: an unknown dataset or split, samples of another shape than the GAN's or of other classes, no more
            than 10 of them, or features that do not fit the images.
    """
    if not gan.compiled:
        raise ValueError("Only a compiled GAN can be evaluated: its losses are part of the report.")
    splits = data.splits_of(dataset)
    split = split or next((name for name in ("test", "validation") if name in splits), "train")
    images = gan.value_range is not None
    missing = []
    if images:  # before anything is read or drawn
        try:
            features = extractors.get(features, gan.sample_shape, dataset)
        except extractors.NotAvailableError as error:
            features = False
            missing = [f"No scores of features, such as fcd, kid, precision and recall: {error}"]
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
    left_out += missing
    if judge.are_few:
        left_out.append(
            f"{judge.distance_names[0]} of {n:,} samples on {judge.real_features.shape[1]:,} features is far too "
            "large; it compares with others of as many samples alone. kid has no such bias."
        )
    asked = places = None
    if gan.class_names is not None and judge.has_features:
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
        reference = judge.score_training(n) if images else judge.score(training[:n], None)[0]
        reference |= _mode_scores(dataset, unit_of(training[:n]), None)
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
        scores["code_accuracy"] = _code_accuracy(gan, unit_of(real), labels)
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
    page = nearest = None
    if plots.can_draw(gan.sample_shape):
        nearest = nearest_page(judge, fake, seed) if images else None
        page = page_of(gan, fake, real, seed, nearest)
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
        halves=judge.halves(),
        nearest=nearest,
        features=judge.name if judge.has_features else None,
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
    judge: Judge,
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
    of_real = labels[:count] if labels is not None and judge.has_features else None
    least = judge.real_features.shape[1] if judge.has_features else 0
    shares = getattr(gan.latent, "shares", None) or (1.0 / len(names),) * len(names)
    classes: dict[str, dict[str, Any]] = {}
    too_few = []
    for label, name in enumerate(names):
        rows = np.empty(0, int) if of_real is None else np.flatnonzero(of_real == label)
        found: dict[str, Any] = {"share_asked": shares[label]}
        reference: dict[str, Score] = {}
        enough = len(rows) > least and judge.has_features
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
            if len(same) > least:
                reference |= judge.score_class(rows, unit_of(of_training[0][same]), None)
        classes[name] = found | ({"reference": reference} if reference else {})
    left_out = []
    if too_few:
        left_out.append(
            f"No {distance} of {', '.join(too_few)}: as many real samples as stand in brackets are too few for the "
            f"{least} features of {judge.name}."
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
            f"{seen:,} of the {len(real):,} real samples (split {split!r}) are samples of training_split "
            f"{training_split!r} too: scores of a GAN that was trained on them reward what it has learnt by heart. "
            "Hold some back, as train[90%:] of a training on train[:90%].",
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
