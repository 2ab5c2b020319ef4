"""Latents are stateless, and a row of `from_seeds` depends on its own seed alone."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import latents

LATENTS = [latents.Normal(7), latents.Uniform(7, -2.0, 3.0)]


@pytest.mark.parametrize("latent", LATENTS, ids=lambda latent: type(latent).__name__)
class TestEveryLatent:
    def test_a_row_depends_on_its_own_seed_alone(self, latent):
        seeds = [3, 0, 2**40, 3, 2**63 - 1]
        together = latent.from_seeds(tf.constant(seeds, tf.int64)).numpy()
        assert together.shape == (5, 7)
        assert together.dtype == np.float32
        for row, seed in zip(together, seeds, strict=True):
            np.testing.assert_array_equal(latent.from_seeds(tf.constant([seed], tf.int64))[0], row)
        np.testing.assert_array_equal(together[0], together[3])
        assert len(np.unique(together[:, 0])) == 4

    def test_high_and_low_halves_of_a_seed_both_count(self, latent):
        first, second = latent.from_seeds(tf.constant([5, 5 + 2**32], tf.int64)).numpy()
        assert not np.array_equal(first, second)

    def test_a_batch_follows_from_its_seed(self, latent):
        first = latent.sample(4, [1, 2]).numpy()
        np.testing.assert_array_equal(first, latent.sample(4, [1, 2]))
        assert not np.array_equal(first, latent.sample(4, [1, 3]))
        assert not np.array_equal(first, latent.sample(4, [2, 2]))

    def test_the_same_in_a_graph(self, latent):
        seeds = tf.constant([1, 8], tf.int64)
        np.testing.assert_array_equal(tf.function(latent.from_seeds)(seeds), latent.from_seeds(seeds))

    def test_the_same_under_xla(self, latent):
        compiled = tf.function(lambda seed: latent.sample(33, seed), jit_compile=True, autograph=False)
        np.testing.assert_allclose(compiled(tf.constant([4, 2])), latent.sample(33, [4, 2]), rtol=5e-6, atol=1e-6)

    def test_config_round_trip(self, latent):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(latent))
        assert type(again) is type(latent)
        np.testing.assert_array_equal(again.sample(3, [0, 1]), latent.sample(3, [0, 1]))


def test_moments_over_neighbouring_seeds():
    """Seeds 0, 1, 2, ... must not give related vectors: moments of 4,000 of them, each within 4 standard errors."""
    seeds = tf.range(4000, dtype=tf.int64)
    for draws in (latents.Normal(5).from_seeds(seeds), latents.Uniform(5, -(3**0.5), 3**0.5).from_seeds(seeds)):
        x = draws.numpy()
        assert np.abs(x.mean(0)).max() < 4 / np.sqrt(4000)
        assert np.abs(x.var(0) - 1).max() < 4 * np.sqrt(2 / 4000)
        assert np.abs(np.corrcoef(x.T) - np.eye(5)).max() < 4 / np.sqrt(4000)
        assert abs(np.corrcoef(x[:-1, 0], x[1:, 0])[0, 1]) < 4 / np.sqrt(4000)


def test_uniform_keeps_its_bounds():
    x = latents.Uniform(50, -2.0, 3.0).sample(2000, [0, 0]).numpy()
    assert x.min() >= -2.0
    assert x.max() < 3.0
    assert x.mean() == pytest.approx(0.5, abs=4 * 5 / 12**0.5 / 100_000**0.5)


def test_normal_is_normal():
    """Kolmogorov-Smirnov distance of 100,000 draws from the normal distribution function, 1 % critical value."""
    x = np.sort(latents.Normal(100).sample(1000, [7, 7]).numpy().ravel().astype(np.float64))
    cdf = np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x])
    ranks = np.arange(1, len(x) + 1) / len(x)
    assert max(np.abs(ranks - cdf).max(), np.abs(ranks - 1 / len(x) - cdf).max()) < 1.63 / math.sqrt(len(x))


@pytest.mark.parametrize("dim", [0, -3, 2.5, True])
def test_dimensions_must_be_whole_and_positive(dim):
    with pytest.raises(ValueError, match=r"whole number of dimensions"):
        latents.Normal(dim)


@pytest.mark.parametrize("bounds", [(1, 1), (2, -2), (0, float("inf")), (float("nan"), 1)])
def test_uniform_needs_finite_bounds_in_order(bounds):
    with pytest.raises(ValueError, match=r"finite bounds with low < high"):
        latents.Uniform(3, *bounds)
