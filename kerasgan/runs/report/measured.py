"""What the newest networks of a run show: how unlike its samples are, whether they are copies, what D has learnt by
heart.
"""

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tqdm import tqdm

from kerasgan import evaluation, plots
from kerasgan.evaluation.judge import neighbours_of, rows_of, unit_of
from kerasgan.labels import own_column
from kerasgan.losses.adversarial import scores_of

if TYPE_CHECKING:
    from kerasgan.gan import GAN

BATCH = 100  # samples that pass through a network at once
SHOWN = 8  # samples whose nearest training pictures are shown
BESIDE = 3  # training pictures beside each of them
FEWEST = 8  # samples that say how far apart they are
OF_A_CLASS = 24
WORK = 5e9  # multiplications of a search for nearest pictures at the end of a training: less than a second


@dataclasses.dataclass(frozen=True)
class Real:
    """Real samples.

    Attributes:
        samples: bytes, or floats in [0, 1], `[N, H, W, C]`; or points `[N, n]`.
        labels: of a conditional model, their classes, whole numbers `[N]`; else None.
        split: what they are.
    """

    samples: np.ndarray
    labels: np.ndarray | None
    split: str


@dataclasses.dataclass(frozen=True)
class Gap:
    """D's means over equally many training, held-out and generated samples: logits, or what the loss has in their
    place; and how many they are of each.
    """

    training: float
    held_out: float
    generated: float
    share: float
    error: float
    n: int


@dataclasses.dataclass(frozen=True)
class Measured:
    """What was measured of the networks of one step.

    Attributes:
        step: generator updates.
        seed, n: of the generated samples, and how many.
        spread: mean distance of two generated samples, over that of two training samples; None without these.
        gap: the median of the distances from each generated sample to the one most like it, over the same of as many
            training samples.
        class_spreads: of a conditional model, the spread within each class, by its name.
        overfitting: D's means, or None.
        closer: how often a generated sample is closer to the training pictures than a held-out picture is, from 0 to 1;
            None where there are no pictures to compare with.
        searched: among how many training pictures.
        nearest: some samples, and below each the training pictures nearest to it, uint8 `[height, width, C]`; or None.
        held_out: the split of the held-out samples, or None.
        left_out: what could not be measured, and why; a sentence each, by the name of the sign.
    """

    step: int
    seed: int
    n: int
    spread: float | None = None
    gap: float | None = None
    class_spreads: dict[str, float] = dataclasses.field(default_factory=dict)
    overfitting: Gap | None = None
    closer: float | None = None
    searched: int = 0
    nearest: np.ndarray | None = None
    held_out: str | None = None
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)


def measure(
    gan: "GAN",
    training: Real | None,
    held_out: Real | None,
    n: int,
    seed: int = 0,
    thorough: bool = True,
    progress: bool = False,
    left_out: dict[str, str] | None = None,
) -> Measured:
    """Measures what a training has come to.

    Args:
        gan: the trained GAN; nothing of it is changed.
        training: what it was trained on; None where that cannot be read.
        held_out: real samples that it has not seen; None where there are none.
        n: how many samples of each kind.
        seed: of the first generated sample, and of the choice of real ones.
        thorough: look for nearest pictures among all of `training`, however long that takes.
        progress: show bars on the terminal.
        left_out: why `training` or `held_out` is None.

    Raises:
        ValueError: the generator gives NaN or infinity.
    """
    found: dict[str, Any] = {"left_out": dict(left_out or {}), "held_out": None if held_out is None else held_out.split}
    samples = evaluation.generate(gan, n, seed, progress)
    rng = np.random.default_rng(seed)
    if training is not None:
        own = _some(training, n, rng)
        count = len(own.samples)
        if count > FEWEST:
            found["spread"] = _ratio(mean_distance(samples), mean_distance(unit_of(own.samples)))
            found["gap"] = _ratio(nearest_distance(samples[:count]), nearest_distance(unit_of(own.samples)))
        if gan.class_names is not None and training.labels is not None:
            found["class_spreads"] = _class_spreads(
                gan, training, OF_A_CLASS if thorough else FEWEST, seed, rng, progress
            )
        if held_out is not None:
            found["overfitting"] = _gap_of(gan, training, held_out, n, seed, rng, progress)
        if gan.value_range is not None:
            found |= _nearest(samples, training, held_out, n, rng, thorough, progress)
    return Measured(step=int(gan.step.numpy()), seed=seed, n=n, **found)


def mean_distance(samples: ArrayLike) -> float:
    """The mean Euclidean distance of two samples `[N, ...]`, over all pairs; NaN of fewer than two."""
    distances = _distances(samples)
    return float(distances[np.triu_indices(len(distances), 1)].mean()) if len(distances) > 1 else math.nan


def nearest_distance(samples: ArrayLike) -> float:
    """The median over samples `[N, ...]` of the distance to the nearest other one; NaN of fewer than two."""
    distances = _distances(samples)
    if len(distances) < 2:
        return math.nan
    np.fill_diagonal(distances, math.inf)
    return float(np.median(distances.min(1)))


def _distances(samples: ArrayLike) -> np.ndarray:
    rows = np.asarray(samples, np.float64)
    rows = rows.reshape(len(rows), -1)
    rows = rows - rows.mean(0)  # or what all have in common would cost digits of their differences
    squares = (rows * rows).sum(1)
    return np.sqrt(np.maximum(squares[:, None] + squares[None] - 2.0 * rows @ rows.T, 0.0))


def share_closer(first: ArrayLike, second: ArrayLike) -> float:
    """How often a number of the first is smaller than one of the second, ties counted half: Mann and Whitney's U as a
    share, of which .5 means that the two do not differ.
    """
    a, b = np.asarray(first)[:, None], np.asarray(second)[None]
    return float((a < b).mean() + 0.5 * (a == b).mean())


def overfitting_of(training: ArrayLike, held_out: ArrayLike, generated: ArrayLike) -> Gap:
    """How far D's numbers of held-out samples have fallen from those of training samples towards those of generated
    ones: r_v = (E D(training) - E D(held out)) / (E D(training) - E D(generated)).

    0 is no overfitting, 1 a D that takes unseen real samples for generated ones (Karras et al. 2020, arXiv:2006.06676,
    equation 1). The standard error is that of the quotient to first order.

    Args:
        training, held_out, generated: D's numbers `[N]`.
    """
    a, b, c = (np.asarray(part, np.float64) for part in (training, held_out, generated))
    below = a.mean() - c.mean()
    share = (a.mean() - b.mean()) / below if below else math.nan
    # share = 1 - (b - c)/(a - c); its derivatives by the three means:
    by = ((1.0 - share) / below, -1.0 / below, share / below) if below else (math.nan,) * 3
    variance = sum(d * d * part.var(ddof=1) / len(part) for d, part in zip(by, (a, b, c), strict=True))
    return Gap(float(a.mean()), float(b.mean()), float(c.mean()), float(share), float(np.sqrt(variance)), len(a))


def _ratio(a, b):
    return a / b if b > 0 else None


def _some(real: Real, n: int, rng: np.random.Generator) -> Real:
    """At most n of the samples, drawn at random, in their order."""
    rows = np.sort(rng.permutation(len(real.samples))[:n])
    labels = None if real.labels is None else real.labels[rows]
    return Real(rows_of(real.samples, rows), labels, real.split)


def _class_spreads(gan, training, each, seed, rng, progress):
    """Within each of the first classes: as for `Measured.spread`, where there are enough training samples."""
    found = {}
    names = gan.class_names[: plots.MOST_CLASSES]
    for label, name in enumerate(tqdm(names, "classes", disable=not progress, leave=False)):
        rows = np.flatnonzero(training.labels == label)
        if len(rows) <= FEWEST:
            continue
        rows = np.sort(rng.permutation(rows)[: 4 * each])
        real = mean_distance(unit_of(rows_of(training.samples, rows)))
        if real > 0:
            found[name] = mean_distance(evaluation.generate(gan, each, seed, labels=label)) / real
    return found


def _gap_of(gan, training, held_out, n, seed, rng, progress):
    n = min(n, len(training.samples), len(held_out.samples))
    if n <= FEWEST:
        return None
    real = [_some(part, n, rng) for part in (training, held_out)]
    with tqdm(total=3 * n, desc="D's numbers", unit="sample", disable=not progress, leave=False) as bar:
        numbers = [
            _scores(
                gan,
                [gan.from_unit_range(unit_of(part.samples[i : i + BATCH])) for i in range(0, n, BATCH)],
                part.labels,
                bar,
            )
            for part in real
        ]
        z = tf.concat([gan.latent.from_seeds(tf.range(seed, seed + n, dtype=tf.int64))], 0)
        labels = gan.latent.split(z)["labels"].numpy().argmax(1) if gan.class_names is not None else None
        drawn = (gan.generator(z[i : i + BATCH], training=False) for i in range(0, n, BATCH))
        numbers.append(_scores(gan, drawn, labels, bar))
    return overfitting_of(*numbers)


def _scores(gan, batches, labels, bar):
    """D's one number for each sample of batches in the model's own range, in inference mode."""
    numbers, begun = [], 0
    for batch in batches:
        own = None if labels is None else tf.constant(labels[begun : begun + len(batch)])
        numbers.append(scores_of(own_column(gan.discriminator(batch, training=False), own)).numpy())
        begun += len(batch)
        bar.update(len(batch))
    return np.concatenate(numbers)


def _sheet(rows, columns):
    names = ["generated", "nearest", *(f"{place}." for place in range(2, BESIDE + 1))][: len(rows) // columns]
    return plots.grid(rows, columns=columns, row_names=names, enlarge=max(1, 64 // rows.shape[1]))


def _nearest(samples, training, held_out, n, rng, thorough, progress):
    images = training.samples
    size = math.prod(np.shape(images)[1:])
    among = len(images) if thorough else min(len(images), max(100, int(WORK / (2 * n * size))))
    images = images[:among]
    with tqdm(total=2, desc="nearest training pictures", disable=not progress, leave=False) as bar:
        indices, distances = neighbours_of(samples, images, BESIDE)
        bar.update()
        shown = unit_of(rows_of(images, indices[:SHOWN].ravel())).reshape(*indices[:SHOWN].shape, *np.shape(images)[1:])
        rows = np.concatenate([samples[:SHOWN], *np.moveaxis(shown, 1, 0)])
        found = {"searched": among, "nearest": _sheet(rows, len(samples[:SHOWN]))}
        if held_out is not None and len(held_out.samples) > FEWEST:
            unseen = unit_of(_some(held_out, n, rng).samples)
            found["closer"] = share_closer(distances[:, 0], neighbours_of(unseen, images)[1])
        bar.update()
    return found
