"""Measures against closed forms, cases counted by hand, and plain loops over their definitions."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import scipy

from kerasgan import metrics, toys


def test_by_hand():
    modes = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    samples = np.array([[0.1, 0.0], [0.0, 0.29], [0.0, 0.31], [10.2, 0.2], [5.1, 9.0], [0.0, 9.0]])
    # Good within .3: the first two at mode 0, the fourth (.283 away) at mode 1. Nearest modes: 0, 0, 0, 1, 3, 2.
    report = metrics.mode_coverage(samples, modes, sigma=0.1)
    assert report["modes"] == 2
    assert report["high_quality"] == pytest.approx(3 / 6)
    shares = (3 / 6, 1 / 6, 1 / 6, 1 / 6)
    assert report["kl"] == pytest.approx(sum(p * math.log(4 * p) for p in shares))


def test_the_distribution_itself():
    """Within 3 sigma lie 1 - exp(-4.5) = 98.889 % of a round normal distribution in the plane."""
    toy = toys.ring()
    report = metrics.mode_coverage(toy.sample(100_000, seed=9), toy.means, toy.sigma)
    assert report["modes"] == 8
    assert report["high_quality"] == pytest.approx(1 - math.exp(-4.5), abs=0.0013)
    assert report["kl"] == pytest.approx(0.0, abs=3e-4)


def test_a_collapsed_generator():
    toy = toys.grid()
    report = metrics.mode_coverage(np.tile(toy.means[3], (50, 1)), toy.means, toy.sigma)
    assert report == {"modes": 1, "high_quality": 1.0, "kl": pytest.approx(math.log(25))}


def test_a_diverged_generator_is_not_scored():
    with pytest.raises(ValueError, match=r"needs finite samples"):
        metrics.mode_coverage([[np.nan, 0.0]], toys.ring().means, 0.01)


@pytest.mark.parametrize("samples", [np.zeros((0, 2)), np.zeros((3, 1)), np.zeros(3)])
def test_errors(samples):
    with pytest.raises(ValueError, match=r"needs samples \[N, dim\] and modes \[M, dim\]"):
        metrics.mode_coverage(samples, toys.ring().means, 0.01)


def with_moments(mean, covariance, n=500, seed=0):
    """Rows whose sample mean and covariance are exactly these."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(mean)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T)).T)
    return mean + x @ np.linalg.cholesky(np.asarray(covariance, float)).T


def test_frechet_distance_of_known_normals():
    """Where the covariances commute it is ‖m1 - m2‖² + Σ (s1 - s2)²."""
    real = with_moments([0.0, 1.0, 2.0], np.diag([1.0, 4.0, 9.0]))
    fake = with_moments([3.0, 1.0, 2.0], np.diag([1.0, 1.0, 16.0]), n=700, seed=1)
    assert metrics.frechet_distance(real, fake) == pytest.approx(9 + (2 - 1) ** 2 + (3 - 4) ** 2)
    assert metrics.frechet_distance(real, real) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_of_covariances_that_do_not_commute():
    """For 2x2 matrices tr A^(1/2) = √(tr A + 2 √det A)."""
    a, b = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[1.0, -0.5], [-0.5, 2.0]])
    product = a @ b
    root_trace = math.sqrt(np.trace(product) + 2 * math.sqrt(np.linalg.det(product)))
    expected = np.trace(a) + np.trace(b) - 2 * root_trace
    found = metrics.frechet_distance(with_moments([5.0, 5.0], a), with_moments([5.0, 5.0], b, seed=2))
    assert found == pytest.approx(expected)


def test_frechet_distance_of_singular_covariances():
    """Features that never change, or follow from each other, are common behind a ReLU. Two normal distributions on
    lines along u and v: (C1 C2)^(1/2) = u v' s, of which the trace is |u·v|.
    """
    rng = np.random.default_rng(6)
    u, v = rng.normal(size=(2, 8))
    along = math.sqrt(49 / 50) * np.tile([[1.0], [-1.0]], (25, 1))  # mean 0, variance 1
    expected = u @ u + v @ v - 2 * abs(u @ v)
    assert metrics.frechet_distance(along * u, along[::-1] * v) == pytest.approx(expected, rel=1e-6)
    dead = np.concatenate([with_moments([1.0, 2.0], np.diag([4.0, 9.0])), np.zeros((500, 3))], axis=1)
    other = np.concatenate([with_moments([1.0, 0.0], np.diag([1.0, 1.0]), seed=1), np.zeros((500, 3))], axis=1)
    assert metrics.frechet_distance(dead, other) == pytest.approx(4 + (2 - 1) ** 2 + (3 - 1) ** 2)


def test_frechet_distance_by_the_root_of_the_product():
    """As the formula is printed, by scipy's root of a matrix, where that is a good one: of regular covariances."""
    rng = np.random.default_rng(7)
    real, fake = (rng.normal(size=(400, 16)) @ rng.normal(size=(16, 16)) + rng.normal(size=16) for _ in range(2))
    first, second = np.cov(real.T), np.cov(fake.T)
    root = scipy.linalg.sqrtm(first @ second).real
    expected = np.sum((real.mean(0) - fake.mean(0)) ** 2) + np.trace(first + second - 2 * root)
    assert metrics.frechet_distance(real, fake) == pytest.approx(expected, rel=1e-8)


def test_moments_come_in_batches_and_far_from_zero():
    x = np.random.default_rng(0).normal(1e6, 1.0, (1000, 3))
    moments = metrics.Moments()
    for start in (0, 10, 400):
        moments.add(x[start : {0: 10, 10: 400, 400: 1000}[start]])
    assert moments.count == 1000
    np.testing.assert_allclose(moments.mean, x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance, np.cov((x - 1e6).T), rtol=1e-6)


def test_kernel_distance_by_the_definition():
    rng = np.random.default_rng(3)
    real, fake = rng.normal(size=(12, 2)), rng.normal(0.5, 1.0, (12, 2))

    def kernel(x, y):
        return (sum(a * b for a, b in zip(x, y, strict=True)) / 2 + 1) ** 3

    def block(x, y):
        m = len(x)
        within = sum(kernel(s[i], s[j]) for s in (x, y) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
        return within - 2 * sum(kernel(a, b) for a in x for b in y) / m**2

    values = [block(real[i : i + 4], fake[i : i + 4]) for i in (0, 4, 8)]
    value, error = metrics.kernel_distance(real, fake, block=4)
    assert value == pytest.approx(np.mean(values))
    assert error == pytest.approx(np.std(values, ddof=1) / math.sqrt(3))


def test_kernel_distance_is_unbiased():
    """Of two samples of one distribution it is 0 on average: within three of its own standard errors."""
    rng = np.random.default_rng(4)
    value, error = metrics.kernel_distance(rng.normal(size=(20_000, 3)), rng.normal(size=(20_000, 3)), block=100)
    assert abs(value) < 3 * error
    assert error < 0.01


def test_inception_scores_by_hand():
    sure = np.eye(4)[np.arange(40) % 4]
    assert metrics.inception_score(sure, splits=2) == (pytest.approx(4.0), pytest.approx(0.0))
    assert metrics.inception_score(np.full((20, 4), 0.25)) == (pytest.approx(1.0), pytest.approx(0.0))
    two = np.array([[0.9, 0.1], [0.1, 0.9]] * 10)
    expected = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    assert metrics.inception_score(two, splits=1)[0] == pytest.approx(math.exp(expected))
    reverse = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    assert metrics.reversed_inception_score(two) == pytest.approx(reverse)
    assert metrics.reversed_inception_score(np.full((5, 4), 0.25)) == pytest.approx(0.0)


def test_precision_and_recall_on_a_line():
    """k = 1. Real points 0, 1, 2, 10 with balls of radius 1, 1, 1, 8; generated 2.5, 3.5 (radius 1 each), -1.5 (4)."""
    real = np.array([[0.0], [1.0], [2.0], [10.0]])
    fake = np.array([[2.5], [3.5], [-1.5]])
    report = metrics.precision_recall(real, fake, neighbours=1)
    # 2.5 lies in 2's ball, 3.5 in 10's, -1.5 in none. Of the real, 0, 1 and 2 lie in -1.5's ball, 10 in none.
    assert report == {"precision": pytest.approx(2 / 3), "recall": pytest.approx(3 / 4)}


def test_density_and_coverage_on_a_line():
    real = np.array([[0.0], [1.0], [2.0], [10.0]])
    fake = np.array([[2.5], [3.5], [-1.5]])
    # 2.5 lies in the balls of 2 and 10, 3.5 in that of 10, -1.5 in none: 3 of 1 * 3; two of four balls hold something.
    assert metrics.density_coverage(real, fake, neighbours=1) == {
        "density": pytest.approx(3 / 3),
        "coverage": pytest.approx(2 / 4),
    }


def test_manifold_measures_by_brute_force(monkeypatch):
    monkeypatch.setattr(metrics, "BLOCK", 7)  # blocks that do not divide the sets
    rng = np.random.default_rng(5)
    real, fake = rng.normal(size=(40, 3)), rng.normal(0.4, 1.2, (30, 3))

    def radius(points, i, k):
        return sorted(np.linalg.norm(points[i] - points[j]) for j in range(len(points)) if j != i)[k - 1]

    def inside(x, points, k):
        return [np.linalg.norm(x - points[i]) <= radius(points, i, k) for i in range(len(points))]

    report = metrics.precision_recall(real, fake)
    assert report["precision"] == pytest.approx(np.mean([any(inside(x, real, 3)) for x in fake]))
    assert report["recall"] == pytest.approx(np.mean([any(inside(x, fake, 3)) for x in real]))
    held = np.array([inside(x, real, 5) for x in fake])
    report = metrics.density_coverage(real, fake)
    assert report["density"] == pytest.approx(held.sum() / (5 * 30))
    assert report["coverage"] == pytest.approx(held.any(0).mean())


def test_parzen_by_hand():
    """Two samples in the plane, one sigma, three test points: a mixture of two round normal distributions."""
    samples, sigma = np.array([[0.0, 0.0], [1.0, 0.0]]), 0.5
    test = np.array([[0.0, 0.0], [1.0, 1.0], [0.5, -0.5]])

    def log_density(x):
        parts = [math.exp(-((x - s) @ (x - s)) / (2 * sigma**2)) / (2 * math.pi * sigma**2) for s in samples]
        return math.log(sum(parts) / 2)

    logs = [log_density(x) for x in test]
    report = metrics.parzen_log_likelihood(samples, test, test, sigmas=[sigma])
    assert report["nats"] == pytest.approx(np.mean(logs))
    assert report["standard_error"] == pytest.approx(np.std(logs, ddof=1) / math.sqrt(3))


def test_parzen_chooses_sigma_on_the_validation_images():
    """One sample at 0 in one dimension: the best sigma is the validation images' root mean square, 0.3."""
    validation = np.array([[0.3], [-0.3]])
    report = metrics.parzen_log_likelihood(np.zeros((1, 1)), validation, np.zeros((2, 1)), sigmas=[0.1, 0.2, 0.3, 0.4])
    assert report["sigma"] == 0.3
    assert report["nats"] == pytest.approx(-math.log(0.3 * math.sqrt(2 * math.pi)))
    default = metrics.parzen_log_likelihood(np.zeros((1, 1)), validation, np.zeros((2, 1)))
    assert default["sigma"] in [pytest.approx(10 ** (-1 + i / 9)) for i in range(10)]


def test_nearest_neighbours(monkeypatch):
    monkeypatch.setattr(metrics, "BLOCK", 2)
    training = np.array([[[0.0], [0.0]], [[1.0], [0.0]], [[0.0], [2.0]]])
    samples = np.array([[[0.9], [0.1]], [[0.0], [1.5]], [[-1.0], [0.0]]])
    indices, distances = metrics.nearest_neighbours(samples, training)
    np.testing.assert_array_equal(indices, [1, 2, 0])
    np.testing.assert_allclose(distances, [math.sqrt(0.02), 0.5, 1.0])
    indices, distances = metrics.nearest_neighbours([[200.0, 3.0]], np.array([[0, 3], [255, 3], [199, 0]], np.uint8))
    assert (indices.tolist(), distances.tolist()) == ([2], [math.sqrt(10)])  # bytes do not run over
    with pytest.raises(ValueError, match="no training images"):
        metrics.nearest_neighbours(samples, training[:0])


def test_assignment_accuracy():
    """By trying all assignments. The greedy one is not the best here: category 1 is most often class 0, but is needed
    for class 1."""
    rng = np.random.default_rng(0)
    for classes, size in ((4, 4), (3, 5)):
        labels, categories = rng.integers(0, classes, 200), rng.integers(0, size, 200)
        labels[0], categories[0] = classes - 1, size - 1
        tried = {
            chosen: np.mean(np.array(chosen)[labels] == categories)
            for chosen in itertools.permutations(range(size), classes)
        }
        accuracy, chosen = metrics.assignment_accuracy(categories, labels)
        assert accuracy == pytest.approx(max(tried.values()))
        assert tried[tuple(chosen)] == pytest.approx(accuracy)
    categories = np.repeat([0, 1, 1], [4, 5, 3])
    labels = np.repeat([0, 0, 1], [4, 5, 3])
    assert metrics.assignment_accuracy(categories, labels) == (7 / 12, [0, 1])
    with pytest.raises(ValueError, match="must be at least 0; found -1"):
        metrics.assignment_accuracy([0, -1], [0, 1])
    with pytest.raises(ValueError, match=r"must be \[N\]; found shapes \(2,\) and \(3,\)"):
        metrics.assignment_accuracy([0, 1], [0, 1, 2])


def test_assignment_of_many_categories():
    """Forty categories are the classes in another order, but for every tenth sample: more than can be tried."""
    order = np.random.default_rng(1).permutation(40)
    labels = np.arange(4000) % 40
    categories = np.where(np.arange(4000) // 40 % 10 == 3, 0, order[labels])
    right = np.mean(categories == order[labels])
    assert metrics.assignment_accuracy(categories, labels) == (pytest.approx(right), order.tolist())


def test_scores_that_do_not_compare():
    score = metrics.Score("fcd", 10.0, None, n_real=1000, n_fake=1000, features="classifier", seed=0)
    assert dataclasses.replace(score, value=12.5, seed=3) - score == 2.5
    for change in ({"n_fake": 500}, {"n_real": 999}, {"features": "inception"}, {"name": "kid"}):
        with pytest.raises(ValueError, match=f"Scores of different {next(iter(change))} cannot be compared"):
            score - dataclasses.replace(score, **change)


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (lambda: metrics.frechet_distance(np.eye(3), np.eye(3)), "3 features needs more than 3 images; found 3"),
        (lambda: metrics.frechet_distance(np.eye(3)[:1], np.eye(3), few=True), "more than 1 images; found 1"),
        (lambda: metrics.frechet_distance(np.ones((9, 2)), np.ones((9, 3))), "must have one dimension; found 2 and 3"),
        (lambda: metrics.frechet_distance(np.full((9, 2), np.nan), np.ones((9, 2))), "must be finite"),
        (lambda: metrics.frechet_distance(np.ones(9), np.ones(9)), r"shape \[N, D\]"),
        (lambda: metrics.kernel_distance(np.ones((9, 2)), np.ones((9, 2)), block=5), "two blocks of 5 images"),
        (
            lambda: metrics.precision_recall(np.ones((3, 2)), np.ones((9, 2))),
            "more than 3 images of each kind; found 3",
        ),
        (lambda: metrics.inception_score(np.ones((20, 2))), "rows that sum to 1"),
        (lambda: metrics.inception_score(np.full((5, 2), 0.5)), "at least 10 rows"),
        (
            lambda: metrics.parzen_log_likelihood(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 4))),
            "found 3, 3 and 4 numbers each",
        ),
    ],
)
def test_what_cannot_be_measured(measure, message):
    with pytest.raises(ValueError, match=message):
        measure()


def test_moments_that_were_taken_apart():
    """Of numpy's mean and covariance of all; far from 0, where sums of squares lose digits."""
    rows = np.random.default_rng(0).normal(1000.0, 1.0, (300, 4)) * [1, 2, 3, 4]
    parts = [rows[:1], rows[1:120], rows[120:]]
    moments = [metrics.Moments().add(part) for part in parts]
    total = metrics.Moments()
    for part in (metrics.Moments(), *moments):
        total.merge(metrics.Moments.from_bytes(part.to_bytes()))
    assert total.count == 300
    np.testing.assert_allclose(total.mean, rows.mean(0), rtol=1e-12)
    np.testing.assert_allclose(total.covariance, np.cov(rows.T), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(moments[1].mean, metrics.Moments().add(parts[1]).mean)  # it stays as it was
