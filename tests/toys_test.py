"""Toy distributions: their samples against their densities, and both against hand-worked values."""

import math

import numpy as np
import pytest

from kerasgan import toys


def test_ring_and_grid_are_pacgans():
    ring = toys.ring()
    assert ring.means.shape == (8, 2)
    np.testing.assert_allclose(np.linalg.norm(ring.means, axis=1), 1.0)
    np.testing.assert_allclose(ring.means[1], [math.sqrt(0.5)] * 2)
    assert ring.sigma == 0.01
    grid = toys.grid()
    assert {tuple(mean) for mean in grid.means} == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert grid.sigma == 0.05


@pytest.mark.parametrize("name", ["ring", "grid", "gaussian"])
def test_moments_of_each_mode(name):
    toy = toys.get(name)
    points = toy.sample(40_000, seed=3)
    assert points.dtype == np.float32
    assert points.shape == (40_000, toy.dim)
    nearest = np.linalg.norm(points[:, None] - toy.means, axis=-1).argmin(1)
    for mode, mean in enumerate(toy.means):
        own = points[nearest == mode]
        expected = 40_000 / len(toy.means)
        assert abs(len(own) - expected) <= 4.5 * math.sqrt(expected)
        assert np.abs(own.mean(0) - mean).max() < 4.5 * toy.sigma / math.sqrt(len(own))
        assert own.std(0) == pytest.approx(toy.sigma, rel=0.1)


def test_the_same_seed_gives_the_same_points():
    for name in toys.NAMES:
        toy = toys.get(name)
        np.testing.assert_array_equal(toy.sample(10, seed=1), toy.sample(10, seed=1))
        assert not np.array_equal(toy.sample(10, seed=1), toy.sample(10, seed=2))


def test_gaussian_density_by_hand():
    toy = toys.gaussian(1.5, 2.0)
    np.testing.assert_allclose(toy.density([[1.5], [3.5]]), [0.19947114, 0.12098536], rtol=1e-6)


def test_ring_density_by_hand():
    """At a centre only its own mode counts: 1 / (8 * 2 pi sigma^2)."""
    peak = 1 / (8 * 2 * math.pi * 0.01**2)
    np.testing.assert_allclose(toys.ring().density([[1, 0], [1.01, 0]]), [peak, peak * math.exp(-0.5)], rtol=1e-6)


def test_the_swiss_roll_is_as_huszar_draws_it():
    """Along the ray at angle v1 = 10 the arm lies at r = 4, .2 wide, and 2 pi .4 further in and out are its turns."""
    points = toys.swiss_roll().sample(200_000).astype(np.float64)
    radius = np.linalg.norm(points, axis=1)
    assert np.mean(radius) == pytest.approx(4.0, abs=0.02)  # E|r|, r ~ N(4, sqrt(1.44 + .04)): folding adds .0005
    assert np.std(radius) == pytest.approx(math.sqrt(1.44 + 0.04), abs=0.02)
    ray = np.array([math.cos(10), math.sin(10)])
    at = np.linspace(2.5, 5.5, 301)
    density = toys.swiss_roll().density(at[:, None] * ray)
    assert at[density.argmax()] == pytest.approx(4.0, abs=0.02)
    assert density[np.abs(at - 5.25).argmin()] < 1e-6 * density.max()


@pytest.mark.parametrize("name", ["grid", "swiss_roll"])
def test_the_density_is_that_of_the_samples(name):
    """The share of samples in each of 100 cells against the density's integral over it, by the midpoint rule."""
    toy, n, cells, inner = toys.get(name), 200_000, 10, 40
    edges = np.linspace(-6, 6, cells + 1)
    counts = np.histogram2d(*toy.sample(n, seed=5).astype(np.float64).T, bins=(edges, edges))[0]
    step = 12 / (cells * inner)
    middles = -6 + step * (np.arange(cells * inner) + 0.5)
    points = np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = toy.density(points).reshape(cells, inner, cells, inner).sum((1, 3)) * step**2
    assert np.abs(counts / n - mass).max() < 5 * math.sqrt(mass.max() / n)
    wide = np.linspace(-12, 12, 1200, endpoint=False) + 0.01
    plane = np.stack(np.meshgrid(wide, wide), axis=-1).reshape(-1, 2)
    assert toy.density(plane).sum() * 0.02**2 == pytest.approx(1.0, abs=2e-3)


def test_errors():
    with pytest.raises(ValueError, match=r"Unknown toy 'rings'. Known: gaussian, grid, ring, swiss_roll. Did you mean"):
        toys.get("rings")
    with pytest.raises(ValueError, match=r"sigma must be a finite number above 0; found 0"):
        toys.ring(sigma=0)
