"""Latent distributions: where the generator's noise comes from.

A latent is one flat float32 vector of `dim` numbers. Both ways to draw are stateless: the same seed gives the same
vector in another process, after a restart, inside a SavedModel, and compiled by XLA (to float32 rounding).
"""

import math

import keras
import tensorflow as tf


class Latent:
    """Base of the latent distributions. A subclass sets `dim` and writes `sample` and `get_config`."""

    dim: int

    def sample(self, batch_size, seed):
        """Vectors for one training batch.

        Args:
            batch_size: int, or an int32 scalar tensor.
            seed: `[2]` integers; the whole batch follows from them.

        Returns:
            float32 `[batch_size, dim]`.
        """
        raise NotImplementedError

    def from_seeds(self, seeds):
        """One vector per seed, whatever seeds stand beside it: what generation and serving draw from.

        Args:
            seeds: int64 `[B]`, each at least 0.

        Returns:
            float32 `[B, dim]`; row i is a function of `seeds[i]` alone.
        """
        seeds = tf.cast(seeds, tf.int64)
        return tf.map_fn(
            lambda seed: self.sample(1, tf.stack([seed, tf.zeros_like(seed)]))[0],
            seeds,
            fn_output_signature=tf.TensorSpec([self.dim], tf.float32),
        )

    def get_config(self) -> dict:
        raise NotImplementedError

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _unit_uniform(shape, seed):
    """Float32 in (0, 1): the middles of 2**24 equal cells, so that neither end is reached.

    From whole random bits, because XLA fills a tensor with random floats in another order than TensorFlow's kernels.
    """
    bits = tf.random.stateless_uniform(shape, seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox")
    return (tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.float32) + 0.5) * 2.0**-24


def _checked_dim(dim) -> int:
    if isinstance(dim, bool) or int(dim) != dim or dim < 1:
        raise ValueError(f"A latent needs a whole number of dimensions, at least 1; found {dim!r}.")
    return int(dim)


@keras.saving.register_keras_serializable("kerasgan")
class Normal(Latent):
    """Independent standard normal numbers.

    Args:
        dim: how many.

    Raises:
        ValueError: `dim` is below 1.
    """

    def __init__(self, dim: int):
        self.dim = _checked_dim(dim)

    def sample(self, batch_size, seed):
        # The normal quantile function: sqrt(2) erfinv(2u - 1).
        return math.sqrt(2.0) * tf.math.erfinv(2.0 * _unit_uniform([batch_size, self.dim], seed) - 1.0)

    def get_config(self):
        return {"dim": self.dim}


@keras.saving.register_keras_serializable("kerasgan")
class Uniform(Latent):
    """Independent numbers, uniform on (low, high).

    Args:
        dim: how many.
        low, high: the bounds. (-√3, √3) has unit variance.

    Raises:
        ValueError: `dim` is below 1, or the bounds are not finite and in order.
    """

    def __init__(self, dim: int, low: float = -1.0, high: float = 1.0):
        self.dim = _checked_dim(dim)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"Uniform needs finite bounds with low < high; found low={low}, high={high}.")
        self.low = float(low)
        self.high = float(high)

    def sample(self, batch_size, seed):
        return self.low + (self.high - self.low) * _unit_uniform([batch_size, self.dim], seed)

    def get_config(self):
        return {"dim": self.dim, "low": self.low, "high": self.high}
