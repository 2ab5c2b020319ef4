"""EBGAN's networks (arXiv:1609.03126): fully connected as in the MNIST grid search, convolutional as for CelebA.

Both discriminators are autoencoders, D(x) = ||Dec(Enc(x)) - x||: energy, encoder output and reconstruction come out
together. Weights are normal with standard deviation .02 in G and .002 in D, biases 0.
"""

import math
from collections.abc import Iterator

import keras
from keras import layers, ops

from kerasgan.layers import BatchNormalization

KERNEL = 4


def _weights(stddev: float, seeds: Iterator[int]) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, stddev, seed=next(seeds))


def _batch_norm() -> BatchNormalization:
    # momentum and epsilon of the torch reference; see zoo/dcgan/networks.py
    return BatchNormalization(momentum=0.9, epsilon=1e-5)


def _images(x: keras.KerasTensor, image_shape: tuple[int, ...]) -> keras.KerasTensor:
    activation = "tanh" if len(image_shape) == 3 else "linear"  # vectors have no bounds
    return layers.Activation(activation, dtype="float32", name="images")(x)


def _autoencoder(images: keras.KerasTensor, code: keras.KerasTensor, reconstruction: keras.KerasTensor) -> keras.Model:
    reconstruction = layers.Activation("linear", dtype="float32", name="reconstruction")(reconstruction)
    # The norm's gradient flows through the image as a reconstruction's input and as its target.
    error = layers.Flatten(dtype="float32")(ops.subtract(reconstruction, ops.cast(images, "float32")))
    # 1e-12 keeps the root's gradient finite at a perfect reconstruction.
    energy = ops.sqrt(ops.sum(ops.square(error), axis=-1) + 1e-12)  # (B,)
    encoding = layers.Activation("linear", dtype="float32", name="encoding")(layers.Flatten()(code))  # (B, E)
    outputs = {"energy": energy, "encoding": encoding, "reconstruction": reconstruction}
    return keras.Model(images, outputs, name="discriminator")


def dense_generator(image_shape: tuple[int, ...], latent_dim: int, depth: int, units: int, seed: int) -> keras.Model:
    """Latent vectors `[B, latent_dim]` -> images `[B, H, W, C]` in [-1, 1], or vectors `[B, n]`.

    Args:
        image_shape: (height, width, channels), or (n,).
        latent_dim: numbers in a latent vector.
        depth: layers of weights, the last of which gives the sample; each other one is normalised by batch.
        units: of each hidden layer.
        seed: of the initial weights.
    """
    seeds = iter(range(seed * 1000, seed * 1000 + 500))
    z = keras.Input((latent_dim,), name="z")
    x = z
    for _ in range(depth - 1):
        x = layers.Dense(units, use_bias=False, kernel_initializer=_weights(0.02, seeds))(x)
        x = _batch_norm()(x)
        x = layers.ReLU()(x)
    x = layers.Dense(math.prod(image_shape), kernel_initializer=_weights(0.02, seeds))(x)
    x = layers.Reshape(image_shape)(x)  # (B, H, W, C)
    return keras.Model(z, _images(x, image_shape), name="generator")


def dense_discriminator(image_shape: tuple[int, ...], units: int, seed: int) -> keras.Model:
    """Images `[B, H, W, C]` in [-1, 1], or vectors `[B, n]` -> energy `[B]`, encoding `[B, units]`, reconstruction.

    Two layers of weights: one encodes, one decodes.

    Args:
        image_shape: as for the generator.
        units: of the code.
        seed: of the initial weights.
    """
    seeds = iter(range(seed * 1000 + 500, seed * 1000 + 1000))
    images = keras.Input(image_shape, name="images")
    x = layers.Flatten()(images)
    code = layers.Dense(units, activation="relu", kernel_initializer=_weights(0.002, seeds))(x)
    x = layers.Dense(math.prod(image_shape), kernel_initializer=_weights(0.002, seeds))(code)
    return _autoencoder(images, code, layers.Reshape(image_shape)(x))


def convolutional_generator(image_shape: tuple[int, int, int], latent_dim: int, width: int, seed: int) -> keras.Model:
    """Latent vectors `[B, latent_dim]` -> images `[B, H, W, C]` in [-1, 1].

    At 64 pixels and width 128: (1024)4c-(512)4c2s-(256)4c2s-(128)4c2s-(3)4c2s; at 32 pixels one map less.

    Args:
        image_shape: (32 or 64, the same again, 1 or 3).
        latent_dim: numbers in a latent vector.
        width: channels of the last map before the image; a map of half its side has twice as many.
        seed: of the initial weights.
    """
    seeds = iter(range(seed * 1000, seed * 1000 + 500))
    doublings = (image_shape[0] // 4).bit_length() - 1  # from 4x4
    channels = width * 2 ** (doublings - 1)
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(4 * 4 * channels, use_bias=False, kernel_initializer=_weights(0.02, seeds))(z)
    x = layers.Reshape((4, 4, channels))(x)  # (B, 4, 4, channels)
    x = _batch_norm()(x)
    x = layers.ReLU()(x)
    for _ in range(doublings - 1):
        channels //= 2
        x = layers.Conv2DTranspose(
            channels, KERNEL, strides=2, padding="same", use_bias=False, kernel_initializer=_weights(0.02, seeds)
        )(x)
        x = _batch_norm()(x)
        x = layers.ReLU()(x)
    x = layers.Conv2DTranspose(
        image_shape[2], KERNEL, strides=2, padding="same", kernel_initializer=_weights(0.02, seeds)
    )(x)  # (B, H, W, C)
    return keras.Model(z, _images(x, image_shape), name="generator")


def convolutional_discriminator(image_shape: tuple[int, int, int], width: int, seed: int) -> keras.Model:
    """Images `[B, H, W, C]` in [-1, 1] -> energy `[B]`, encoding `[B, E]`, reconstruction `[B, H, W, C]`.

    With width 64: encoder (64)4c2s-(128)4c2s-(256)4c2s, decoder (128)4c2s-(64)4c2s-(C)4c2s; LeakyReLU .2.

    Args:
        image_shape: as for the generator.
        width: channels of the first map; they double with every map half the size.
        seed: of the initial weights.
    """
    seeds = iter(range(seed * 1000 + 500, seed * 1000 + 1000))

    def options():
        return {"strides": 2, "padding": "same", "kernel_initializer": _weights(0.002, seeds)}

    images = keras.Input(image_shape, name="images")
    x = layers.Conv2D(width, KERNEL, **options())(images)  # the input layer is not normalised
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    for channels in (2 * width, 4 * width):
        x = layers.Conv2D(channels, KERNEL, use_bias=False, **options())(x)
        x = _batch_norm()(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    code = x  # (B, H / 8, W / 8, 4 * width)
    for channels in (2 * width, width):
        x = layers.Conv2DTranspose(channels, KERNEL, use_bias=False, **options())(x)
        x = _batch_norm()(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Conv2DTranspose(image_shape[2], KERNEL, **options())(x)
    return _autoencoder(images, code, x)
