"""Mode coverage against cases counted by hand."""

import math

import numpy as np
import pytest

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
