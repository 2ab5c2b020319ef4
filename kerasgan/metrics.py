"""Measures of what a generator has learnt.

The functions take features, probabilities or pixels as arrays and know neither models nor datasets. Sums run in
float64, over blocks of rows, so that memory does not grow with the product of two sets.
"""

import dataclasses
import io
import math
from collections.abc import Iterable, Iterator

import numpy as np
import scipy  # its rooms are imported when they are first asked for
from numpy.typing import ArrayLike

BLOCK = 1000  # rows of a matrix of distances at a time


@dataclasses.dataclass(frozen=True)
class Score:
    """A number together with what it depends on.

    Attributes:
        name: such as "fcd".
        value: the number.
        error: its standard error, where it has one.
        n_real, n_fake: how many images of each it was computed from.
        features: the name of the feature extractor, or "pixels".
        seed: of the first generated image; None where none was generated.
    """

    name: str
    value: float
    error: float | None
    n_real: int
    n_fake: int
    features: str
    seed: int | None

    def __sub__(self, other: "Score") -> float:
        """The difference of two scores that can be compared.

        Raises:
            ValueError: they are of different measures, features or numbers of images. A Fréchet distance falls with
                the number of images, so that 10,000 against 5,000 says nothing of the models.
        """
        for field in ("name", "features", "n_real", "n_fake"):
            ours, theirs = getattr(self, field), getattr(other, field)
            if ours != theirs:
                raise ValueError(f"Scores of different {field} cannot be compared; found {ours} and {theirs}.")
        return self.value - other.value

    def to_json(self) -> dict:
        """Everything but the name, under which scores are filed."""
        content = dataclasses.asdict(self)
        del content["name"]
        return content


class Moments:
    """The mean and covariance of features that come in batches."""

    def __init__(self) -> None:
        self.count = 0
        # The first batch's mean: sums of squares around it lose no digits.
        self._shift = self._sum = self._products = np.empty(0)

    def add(self, features: ArrayLike) -> "Moments":
        """Takes in `[B, D]` more rows; returns itself."""
        rows = _rows(features)
        if not self.count:
            self._shift = rows.mean(0)
            self._sum = np.zeros(rows.shape[1])
            self._products = np.zeros((rows.shape[1],) * 2)
        centred = rows - self._shift
        self.count += len(rows)
        self._sum += centred.sum(0)
        self._products += centred.T @ centred
        return self

    def merge(self, other: "Moments") -> "Moments":
        """Takes in all that other moments have; returns itself."""
        if not other.count:
            return self
        if not self.count:
            self.count, self._shift = other.count, other._shift.copy()
            self._sum, self._products = other._sum.copy(), other._products.copy()
            return self
        # Its sums are around another point: sum((x - a + d)(x - a + d)^T), with d from this one's point to that one's.
        apart = other._shift - self._shift
        cross = np.outer(other._sum, apart)
        self._products += other._products + cross + cross.T + other.count * np.outer(apart, apart)
        self._sum += other._sum + other.count * apart
        self.count += other.count
        return self

    def to_bytes(self) -> bytes:
        """What `from_bytes` makes the same moments of, on another machine: arrays, no pickle."""
        file = io.BytesIO()
        np.savez(file, count=self.count, shift=self._shift, sum=self._sum, products=self._products)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Moments":
        """The moments that `to_bytes` wrote."""
        moments = cls()
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            moments.count = int(found["count"])
            moments._shift, moments._sum, moments._products = found["shift"], found["sum"], found["products"]
        return moments

    @property
    def mean(self) -> np.ndarray:
        """`[D]`."""
        return self._shift + self._sum / self.count

    @property
    def covariance(self) -> np.ndarray:
        """`[D, D]`, divided by count - 1."""
        mean = self._sum / self.count
        return (self._products - self.count * np.outer(mean, mean)) / (self.count - 1)


def frechet_distance(real: ArrayLike | Moments, fake: ArrayLike | Moments, few: bool = False) -> float:
    """‖m1 - m2‖² + tr(C1 + C2 - 2 (C1 C2)^(1/2)), the Fréchet distance of two normal distributions.

    On Inception's features it is the FID of Heusel et al. 2017 (arXiv:1706.08500, equation 6); on other features it is
    another number. It is biased, and falls as the number of images grows: compare at equal numbers only.

    Args:
        real, fake: features `[N, D]`, or `Moments`.
        few: take fewer images than D too. Their covariances are singular and the distance is far too large, even of
            samples of one distribution; it is finite, and says something beside others of as many images.

    Returns:
        The squared distance, at least 0.

    Raises:
        ValueError: different D, or no more images than D where `few` does not allow it, or fewer than two.
    """
    ours, theirs = (x if isinstance(x, Moments) else Moments().add(x) for x in (real, fake))
    if ours.mean.shape != theirs.mean.shape:
        raise ValueError(f"Features must have one dimension; found {len(ours.mean)} and {len(theirs.mean)}.")
    dimension, fewest = len(ours.mean), min(ours.count, theirs.count)
    least = 1 if few else dimension
    if fewest <= least:
        raise ValueError(f"A Fréchet distance of {dimension} features needs more than {least} images; found {fewest}.")
    # (C1 C2)^(1/2) has the trace of (C1^(1/2) C2 C1^(1/2))^(1/2), which is symmetric, and so real where features are
    # constant or depend on each other; scipy.linalg.sqrtm(C1 @ C2) is then complex, further off, and slower.
    root = _root(ours.covariance)
    mixed = np.sqrt(np.clip(np.linalg.eigvalsh(root @ theirs.covariance @ root), 0.0, None)).sum()
    traces = np.trace(ours.covariance) + np.trace(theirs.covariance)
    return max(float(np.sum((ours.mean - theirs.mean) ** 2) + traces - 2 * mixed), 0.0)


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T


def kernel_distance(real: ArrayLike, fake: ArrayLike, block: int = 1000) -> tuple[float, float]:
    """The squared maximum mean discrepancy of features under the kernel (x·y / D + 1)³: KID on Inception's features.

    Unbiased (Bińkowski et al. 2018, arXiv:1801.01401, section 4). It is the mean over disjoint blocks, whose spread
    gives the standard error.

    Args:
        real, fake: features `[N, D]`.
        block: images of each kind in a block.

    Returns:
        The distance, which can fall below 0, and its standard error.

    Raises:
        ValueError: different D, or fewer than two blocks.
    """
    real, fake = _pair(real, fake)
    blocks = min(len(real), len(fake)) // block
    if blocks < 2 or block < 2:
        raise ValueError(
            f"A kernel distance needs two blocks of {block} images at least; found {len(real)} and {len(fake)} images."
        )
    values = []
    for i in range(blocks):
        part = slice(i * block, (i + 1) * block)
        x, y = real[part], fake[part]
        within = sum((k.sum() - np.trace(k)) / (block * (block - 1)) for k in (_cubic(x, x), _cubic(y, y)))
        values.append(within - 2 * _cubic(x, y).mean())
    return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(blocks))


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def inception_score(probabilities: ArrayLike, splits: int = 10) -> tuple[float, float]:
    """exp(E_x KL(p(y|x) ‖ p(y))) (Salimans et al. 2016, arXiv:1606.03498, section 4).

    Args:
        probabilities: `[N, classes]`, a classifier's answers for generated images, in random order.
        splits: parts that it is computed on.

    Returns:
        Mean and standard deviation over the parts. It lies between 1 and the number of classes.

    Raises:
        ValueError: rows that are no probabilities, or fewer than `splits`.
    """
    parts = np.array_split(_probabilities(probabilities, splits), splits)
    values = [math.exp(_divergences(part, part.mean(0)).mean()) for part in parts]
    return float(np.mean(values)), float(np.std(values))


def reversed_inception_score(probabilities: ArrayLike) -> float:
    """E_x KL(p(y) ‖ p(y|x)), EBGAN's variant of the inception score (Zhao et al. 2016, arXiv:1609.03126, 4.1).

    Args:
        probabilities: as for `inception_score`.

    Returns:
        Nats; 0 where the classifier's answer is always the same, and large where each image is surely of one class.
    """
    p = np.clip(_probabilities(probabilities, 1), 1e-12, None)
    marginal = p.mean(0)
    return float(_divergences(marginal, p).mean())


def _divergences(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """KL(p ‖ q) of distributions along the last axis, in nats."""
    return scipy.special.rel_entr(p, q).sum(-1)


def precision_recall(real: ArrayLike, fake: ArrayLike, neighbours: int = 3) -> dict[str, float]:
    """Improved precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991, section 3).

    A set's manifold is estimated by a ball around each of its points, which reaches to its k-th nearest other point.

    Args:
        real, fake: features `[N, D]`.
        neighbours: k.

    Returns:
        `precision`: the share of generated images in the real manifold; `recall`: the share of real images in the
        generated one.

    Raises:
        ValueError: different D, or not more than k images.
    """
    real, fake = _pair(real, fake, more_than=neighbours)
    real_radii, fake_radii = _radii(real, neighbours), _radii(fake, neighbours)
    precise, recalled = [], np.zeros(len(real), bool)
    for distances in _squared_distances(fake, real):
        precise.append((distances <= real_radii).any(1))
    for start, distances in _numbered(_squared_distances(real, fake)):
        recalled[start : start + len(distances)] = (distances <= fake_radii).any(1)
    return {"precision": float(np.concatenate(precise).mean()), "recall": float(recalled.mean())}


def density_coverage(real: ArrayLike, fake: ArrayLike, neighbours: int = 5) -> dict[str, float]:
    """Density and coverage (Naeem et al. 2020, arXiv:2002.09797, section 3), which outliers sway less.

    Args:
        real, fake: features `[N, D]`.
        neighbours: k.

    Returns:
        `density`: how many real balls a generated image lies in, over k (1 for the data itself, on average);
        `coverage`: the share of real balls that hold a generated image.

    Raises:
        ValueError: different D, or not more than k images.
    """
    real, fake = _pair(real, fake, more_than=neighbours)
    radii = _radii(real, neighbours)
    inside, covered = 0, np.zeros(len(real), bool)
    for distances in _squared_distances(fake, real):
        held = distances <= radii
        inside += int(held.sum())
        covered |= held.any(0)
    return {"density": inside / (neighbours * len(fake)), "coverage": float(covered.mean())}


def parzen_log_likelihood(
    samples: ArrayLike, validation: ArrayLike, test: ArrayLike, sigmas: Iterable[float] | None = None
) -> dict[str, float]:
    """The Parzen-window estimate of Goodfellow et al. 2014 (arXiv:1406.2661, section 5), in nats.

    A Gaussian of width sigma around each generated sample; log p(x) = log mean exp(-‖x - s‖² / 2 sigma²)
    - d log(sigma √(2π)). Sigma is the one that gives the validation images the greatest mean. The measure rewards
    blur: the centroids of k-means score better than real images do.

    Args:
        samples: generated images `[N, ...]` in [0, 1]; the paper takes 10,000.
        validation: images to choose sigma on; the paper takes 1,000.
        test: images to be judged on.
        sigmas: candidates; None is ten from .1 to 1, evenly in their logarithm.

    Returns:
        `nats`: the mean over `test`; `standard_error`: its standard deviation over √n; `sigma`.

    Raises:
        ValueError: images of different sizes, or none.
    """
    samples, validation, test = (_flat(x) for x in (samples, validation, test))
    if not samples.shape[1] == validation.shape[1] == test.shape[1]:
        raise ValueError(
            "Samples, validation and test images must be of one size; "
            f"found {samples.shape[1]}, {validation.shape[1]} and {test.shape[1]} numbers each."
        )
    sigmas = np.logspace(-1, 0, 10) if sigmas is None else sigmas
    sigma = max(sigmas, key=lambda sigma: _log_density(validation, samples, sigma).mean())
    logs = _log_density(test, samples, sigma)
    return {
        "nats": float(logs.mean()),
        "standard_error": float(logs.std(ddof=1) / math.sqrt(len(logs))),
        "sigma": float(sigma),
    }


def _log_density(points: np.ndarray, samples: np.ndarray, sigma: float) -> np.ndarray:
    logs = []
    for distances in _squared_distances(points, samples):
        exponents = -distances / (2 * sigma**2)  # scipy.special.logsumexp of these takes several times as long
        highest = exponents.max(1, keepdims=True)
        logs.append(highest[:, 0] + np.log(np.exp(exponents - highest).mean(1)))
    return np.concatenate(logs) - points.shape[1] * math.log(sigma * math.sqrt(2 * math.pi))


def nearest_neighbours(samples: ArrayLike, training: np.ndarray, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The training images nearest to each sample, in Euclidean distance: what tells a generator from a memory.

    Args:
        samples: `[N, ...]`, on the scale of `training`.
        training: `[M, ...]` of the same size; bytes do, and may lie on disk: blocks of it are read.
        count: how many of them, nearest first; at most M are found.

    Returns:
        Indices into `training`, int64 `[N]`, and the distances `[N]`; of more than one `[N, count]`.

    Raises:
        ValueError: images of different sizes, or none.
    """
    samples = _flat(samples)
    best = np.empty((len(samples), 0))  # squared distances, nearest first
    indices = np.empty((len(samples), 0), np.int64)
    for start in range(0, len(training), BLOCK):
        block = np.reshape(training[start : start + BLOCK], (-1, math.prod(np.shape(training)[1:])))
        block = _pair(samples, block)[1]
        shortest = np.concatenate(list(_squared_distances(samples, block)))
        nearest = np.argsort(shortest, axis=1, kind="stable")[:, :count] if count > 1 else shortest.argmin(1)[:, None]
        best = np.concatenate([best, np.take_along_axis(shortest, nearest, 1)], axis=1)
        indices = np.concatenate([indices, start + nearest], axis=1)
        order = np.argsort(best, axis=1, kind="stable")[:, :count]
        best, indices = np.take_along_axis(best, order, 1), np.take_along_axis(indices, order, 1)
    if not len(training):
        raise ValueError("There are no training images to compare with.")
    if count == 1:
        best, indices = best[:, 0], indices[:, 0]
    return indices, np.sqrt(best)


def assignment_accuracy(categories: ArrayLike, labels: ArrayLike) -> tuple[float, list[int]]:
    """How well categories that were found without labels name the classes, each category standing for one of them.

    The assignment is the best of all one-to-one ones (Chen et al. 2016, arXiv:1606.03657, section 7.2, matches
    categories to digits).

    Args:
        categories: whole numbers from 0, `[N]`.
        labels: classes, whole numbers from 0, `[N]`. Where there are fewer categories than classes, some classes go
            without.

    Returns:
        The share of samples whose category stands for their class; and each class's category, where numbers that no
        sample has stand for none.

    Raises:
        ValueError: arrays that do not fit each other, or numbers below 0.
    """
    categories, labels = np.asarray(categories, np.int64), np.asarray(labels, np.int64)
    if categories.ndim != 1 or categories.shape != labels.shape or not len(labels):
        raise ValueError(f"Categories and labels must be [N]; found shapes {categories.shape} and {labels.shape}.")
    least = min(categories.min(), labels.min())
    if least < 0:
        raise ValueError(f"Categories and labels must be at least 0; found {least}.")
    classes = int(labels.max()) + 1
    counts = np.zeros((classes, max(int(categories.max()) + 1, classes)), np.int64)
    np.add.at(counts, (labels, categories), 1)
    rows, chosen = scipy.optimize.linear_sum_assignment(counts, maximize=True)
    return int(counts[rows, chosen].sum()) / len(labels), chosen.tolist()


def mode_coverage(samples: ArrayLike, modes: ArrayLike, sigma: float, radius: float = 3.0) -> dict[str, float]:
    """How a generator covers a mixture of round normal distributions: the protocol of PacGAN (arXiv:1712.04086, 4.1).

    Args:
        samples: `[N, dim]` generated points; the protocol takes 2,500.
        modes: `[M, dim]` the mixture's centres, such as `toys.ring().means`.
        sigma: the standard deviation of each.
        radius: a sample is of high quality within so many sigma of its nearest mode.

    Returns:
        `modes`: how many have at least one sample of high quality; `high_quality`: the share of such samples;
        `kl`: KL divergence in nats of the histogram of nearest modes, over all samples, from the uniform one: 0 when
        all modes are equally likely, log M when there is one.

    Raises:
        ValueError: no samples, samples that are not finite, or arrays that do not fit each other.
    """
    samples, modes = np.asarray(samples, np.float64), np.asarray(modes, np.float64)
    if samples.ndim != 2 or modes.ndim != 2 or samples.shape[1] != modes.shape[1] or not len(samples):
        raise ValueError(
            "mode_coverage needs samples [N, dim] and modes [M, dim] with the same dim; "
            f"found {samples.shape} and {modes.shape}."
        )
    if not np.isfinite(samples).all():
        raise ValueError("mode_coverage needs finite samples; these hold NaN or infinity.")
    distances = scipy.spatial.distance.cdist(samples, modes)  # [N, M]
    nearest = distances.argmin(1)
    good = distances.min(1) <= radius * sigma
    shares = np.bincount(nearest, minlength=len(modes)) / len(samples)
    return {
        "modes": len(np.unique(nearest[good])),
        "high_quality": float(good.mean()),
        "kl": float(_divergences(shares, np.full(len(modes), 1 / len(modes)))),
    }


def _rows(array: ArrayLike) -> np.ndarray:
    array = np.asarray(array, np.float64)
    if array.ndim != 2 or not len(array):
        raise ValueError(f"Features must have shape [N, D] with at least one row; found {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError("Features must be finite; these hold NaN or infinity.")
    return array


def _flat(images: ArrayLike) -> np.ndarray:
    images = np.asarray(images)
    return _rows(images.reshape(len(images), -1))


def _pair(real: ArrayLike, fake: ArrayLike, more_than: int = 0) -> tuple[np.ndarray, np.ndarray]:
    real, fake = _rows(real), _rows(fake)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"Features must have one dimension; found {real.shape[1]} and {fake.shape[1]}.")
    if min(len(real), len(fake)) <= more_than:
        raise ValueError(f"This needs more than {more_than} images of each kind; found {len(real)} and {len(fake)}.")
    return real, fake


def _probabilities(probabilities: ArrayLike, least: int) -> np.ndarray:
    p = _rows(probabilities)
    if len(p) < least or p.min() < 0 or np.abs(p.sum(1) - 1).max() > 1e-3:
        raise ValueError(f"Probabilities must be at least {least} rows that sum to 1; found shape {p.shape}.")
    return p / p.sum(1, keepdims=True)


def _squared_distances(rows: np.ndarray, columns: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks `[at most BLOCK, M]` of ‖row - column‖², by a matrix product: in the hundreds of dimensions that images
    have scipy.spatial.distance.cdist takes several times as long.
    """
    squares = (columns**2).sum(1)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        yield np.maximum((block**2).sum(1)[:, None] + squares - 2 * block @ columns.T, 0.0)


def _numbered(blocks: Iterable[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    start = 0
    for block in blocks:
        yield start, block
        start += len(block)


def _radii(points: np.ndarray, neighbours: int) -> np.ndarray:
    """The squared distance from each point to its k-th nearest other point."""
    # Each one's nearest is the point itself.
    radii = [np.partition(block, neighbours, axis=1)[:, neighbours] for block in _squared_distances(points, points)]
    return np.concatenate(radii)
