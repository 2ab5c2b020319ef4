"""The networks of the 2014 paper's MNIST model, from `mnist.yaml` in github.com/goodfeli/adversarial."""

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import layers, ops


def _uniform(bound: float, seeds: Iterator[int]) -> keras.initializers.Initializer:
    return keras.initializers.RandomUniform(-bound, bound, seed=next(seeds))


def generator(image_shape: tuple[int, ...], latent_dim: int, units: int, seed: int) -> keras.Model:
    """Latent vectors `[B, latent_dim]` -> images `[B, H, W, C]` in [0, 1], or vectors `[B, n]` of any numbers.

    Args:
        image_shape: (height, width, channels), or (n,) for samples that are not images.
        latent_dim: numbers in a latent vector.
        units: of each of the two hidden layers.
        seed: of the initial weights.
    """
    seeds = iter(range(seed * 1000, seed * 1000 + 500))
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(units, activation="relu", kernel_initializer=_uniform(0.05, seeds))(z)
    x = layers.Dense(units, activation="relu", kernel_initializer=_uniform(0.05, seeds))(x)
    x = layers.Dense(math.prod(image_shape), kernel_initializer=_uniform(0.05, seeds))(x)
    x = layers.Reshape(image_shape)(x)  # (B, H, W, C)
    images = layers.Activation("sigmoid" if len(image_shape) == 3 else "linear", dtype="float32", name="images")(x)
    return keras.Model(z, images, name="generator")


def discriminator(
    image_shape: tuple[int, ...],
    units: int,
    pieces: int,
    seed: int,
    logits: int = 1,
    input_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """Images `[B, H, W, C]` in [0, 1], or vectors `[B, n]` -> logits `[B, logits]`.

    Two maxout layers (Goodfellow et al. 2013, arXiv:1302.4389): each unit is the largest of `pieces` linear ones.

    Args:
        image_shape: as for the generator.
        units: of each maxout layer.
        pieces: linear pieces of a maxout unit.
        seed: of the initial weights and of the dropout masks.
        logits: how many: one, or one for each class.
        input_dropout, dropout: the share of the inputs, and of each hidden layer's units, that are set to 0.
    """
    seeds = iter(range(seed * 1000 + 500, seed * 1000 + 1000))
    images = keras.Input(image_shape, name="images")
    x = layers.Flatten()(images)
    for rate in (input_dropout, dropout):
        x = layers.Dropout(rate, seed=next(seeds))(x)
        x = layers.Dense(units * pieces, kernel_initializer=_uniform(0.005, seeds))(x)
        # Pieces before units: TensorFlow takes the maximum over the last axis of all at half the speed on a CPU.
        x = layers.Reshape((pieces, units))(x)
        x = ops.max(x, axis=1)  # (B, units)
    x = layers.Dropout(dropout, seed=next(seeds))(x)
    judged = layers.Dense(logits, kernel_initializer=_uniform(0.005, seeds), dtype="float32", name="logits")(x)
    return keras.Model(images, judged, name="discriminator")


def begin_with_mean(generator: keras.Model, images: Any) -> None:
    """Sets the last layer's bias such that the generator draws the mean of the images where nothing else comes in:
    the logit of each pixel's mean, at least 1e-7 from 0 and 1, as pylearn2's `init_sigmoid_bias_from_marginals`.

    Args:
        generator: of `generator`, for images.
        images: `[N, H, W, C]`, uint8, or floats in [0, 1].
    """
    white = 255.0 if images.dtype == np.uint8 else 1.0
    total = sum(np.asarray(images[i : i + 1000]).sum(0, dtype=np.float64) for i in range(0, len(images), 1000))
    mean = np.clip(np.reshape(total, -1) / (white * len(images)), 1e-7, 1.0 - 1e-7)
    last = [layer for layer in generator.layers if isinstance(layer, layers.Dense)][-1]
    last.bias.assign(np.log(mean / (1.0 - mean)))
