"""DCGAN's networks (arXiv:1511.06434, section 3): strided convolutions, batch normalisation, no hidden dense layers.

Like the authors' code, and unlike Keras's defaults, no layer has a bias but batch normalisation's own.
"""

from collections.abc import Iterator

import keras
from keras import layers

from kerasgan.layers import BatchNormalization

KERNEL = 5  # pixels of a side, Figure 1


def _first_map(size: int) -> tuple[int, int]:
    """The side of the smallest feature map, and how many times it doubles: 28 = 7 * 2^2, others 4 * 2^n."""
    side = 7 if size == 28 else 4
    return side, (size // side).bit_length() - 1


def _weights(seeds: Iterator[int]) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02, seed=next(seeds))


def _batch_norm(seeds: Iterator[int]) -> BatchNormalization:
    # momentum .9 and epsilon 1e-5 are the torch reference's. Keras's momentum of .99 would take several hundred steps
    # to forget the start, and samples are drawn with the moving statistics.
    return BatchNormalization(
        momentum=0.9,
        epsilon=1e-5,
        gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02, seed=next(seeds)),
    )


def generator(
    image_shape: tuple[int, int, int], latent_dim: int, width: int, seed: int, kernel: int = KERNEL
) -> keras.Model:
    """Latent vectors `[B, latent_dim]` -> images `[B, H, W, C]` in [-1, 1].

    Args:
        image_shape: (28, 32, 64 or 128, the same again, 1 or 3).
        latent_dim: numbers in a latent vector.
        width: channels of the last map before the image; a map of half its side has twice as many.
        seed: of the initial weights.
        kernel: the side of the convolutions' kernels.
    """
    seeds = iter(range(seed * 1000, seed * 1000 + 500))
    side, doublings = _first_map(image_shape[0])
    channels = width * 2 ** (doublings - 1)

    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(side * side * channels, use_bias=False, kernel_initializer=_weights(seeds))(z)
    x = layers.Reshape((side, side, channels))(x)  # (B, side, side, channels)
    x = _batch_norm(seeds)(x)
    x = layers.ReLU()(x)
    for _ in range(doublings - 1):
        channels //= 2
        x = layers.Conv2DTranspose(
            channels, kernel, strides=2, padding="same", use_bias=False, kernel_initializer=_weights(seeds)
        )(x)
        x = _batch_norm(seeds)(x)
        x = layers.ReLU()(x)
    x = layers.Conv2DTranspose(
        image_shape[2], kernel, strides=2, padding="same", use_bias=False, kernel_initializer=_weights(seeds)
    )(x)  # (B, H, W, C): no batch normalisation on the output
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(z, images, name="generator")


def discriminator(
    image_shape: tuple[int, int, int], width: int, units: int, seed: int, logits: int = 1, kernel: int = KERNEL
) -> keras.Model:
    """Images `[B, H, W, C]` in [-1, 1] -> logits `[B, logits]`.

    Args:
        image_shape: as for the generator.
        width: channels of the first map; they double with every map half the size.
        units: of a hidden dense layer behind the maps; 0 for none.
        seed: of the initial weights.
        logits: how many: one, or one for each class.
        kernel: as for the generator.
    """
    seeds = iter(range(seed * 1000 + 500, seed * 1000 + 1000))
    _, halvings = _first_map(image_shape[0])

    images = keras.Input(image_shape, name="images")
    x = images
    for i in range(halvings):
        x = layers.Conv2D(
            width * 2**i, kernel, strides=2, padding="same", use_bias=False, kernel_initializer=_weights(seeds)
        )(x)
        if i:  # no batch normalisation on the input layer
            x = _batch_norm(seeds)(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Flatten()(x)  # (B, side * side * channels)
    if units:
        x = layers.Dense(units, use_bias=False, kernel_initializer=_weights(seeds))(x)
        x = layers.LeakyReLU(negative_slope=0.2)(_batch_norm(seeds)(x))
    judged = layers.Dense(logits, use_bias=False, kernel_initializer=_weights(seeds), dtype="float32", name="logits")(x)
    return keras.Model(images, judged, name="discriminator")
