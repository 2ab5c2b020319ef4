"""InfoGAN's networks (arXiv:1606.03657, appendix C): D and Q share all but their last layers.

Weights are normal with standard deviation .02, as in the authors' code; a layer that is normalised by batch has no
bias of its own.
"""

from collections.abc import Iterator

import keras
from keras import layers

from kerasgan.layers import BatchNormalization

KERNEL = 4


def _weights(seeds: Iterator[int]) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02, seed=next(seeds))


def _normalised(x: keras.KerasTensor, seeds: Iterator[int], activation: keras.layers.Layer) -> keras.KerasTensor:
    """Batch normalisation as in the authors' `custom_ops.py`, then the activation."""
    gamma = keras.initializers.RandomNormal(1.0, 0.02, seed=next(seeds))
    return activation(BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=gamma)(x))


def generator(image_shape: tuple[int, int, int], latent_dim: int, seed: int, width: int = 64) -> keras.Model:
    """Latent vectors `[B, latent_dim]` -> images `[B, H, W, C]`: 28 pixels in [0, 1], larger ones in [-1, 1].

    28 pixels are Table 1 (MNIST): FC 1024, FC 7x7x128, upconv 64, upconv. Larger ones are the table for SVHN, which
    has 32 pixels: FC 2x2x448, upconv 256, 128, 64, upconv; at 64 pixels every map is twice as wide and high.

    Args:
        image_shape: (28, 32 or 64, the same again, 1 or 3).
        latent_dim: numbers in a latent vector, codes included.
        seed: of the initial weights.
        width: maps of the last hidden layer; all others have the paper's share of it.
    """
    seeds = iter(range(seed * 1000, seed * 1000 + 500))

    def upconv(channels, **options):
        return layers.Conv2DTranspose(
            channels, KERNEL, strides=2, padding="same", kernel_initializer=_weights(seeds), **options
        )

    z = keras.Input((latent_dim,), name="z")
    x = z
    if image_shape[0] == 28:
        side, first, maps = 7, 2 * width, [width]
        x = layers.Dense(16 * width, use_bias=False, kernel_initializer=_weights(seeds))(x)
        x = _normalised(x, seeds, layers.ReLU())
    else:
        side, first, maps = image_shape[0] // 16, 7 * width, [4 * width, 2 * width, width]
    x = layers.Dense(side * side * first, use_bias=False, kernel_initializer=_weights(seeds))(x)
    x = _normalised(x, seeds, layers.ReLU())
    x = layers.Reshape((side, side, first))(x)  # (B, side, side, first)
    for channels in maps:
        x = _normalised(upconv(channels, use_bias=False)(x), seeds, layers.ReLU())
    x = upconv(image_shape[2])(x)  # (B, H, W, C)
    images = layers.Activation("sigmoid" if image_shape[0] == 28 else "tanh", dtype="float32", name="images")(x)
    return keras.Model(z, images, name="generator")


def discriminator(
    image_shape: tuple[int, int, int], code_dim: int, seed: int, leak: float = 0.1, width: int = 64
) -> keras.Model:
    """Images `[B, H, W, C]` -> `{"logits": [B, 1], "codes": [B, code_dim]}`, the latter Q's.

    28 pixels: conv 64, conv 128, FC 1024 (Table 1). Larger ones: conv 64, 128, 256 (SVHN's). Q has an FC 128 of its
    own after the shared layers.

    Args:
        image_shape: as for the generator.
        code_dim: of the latent: numbers that Q says.
        seed: of the initial weights.
        leak: slope of the activations below 0.
        width: maps of the first layer; all others but Q's own have the paper's share of it.
    """
    seeds = iter(range(seed * 1000 + 500, seed * 1000 + 1000))

    def leaky():
        return layers.LeakyReLU(negative_slope=leak)

    def conv(channels, **options):
        return layers.Conv2D(channels, KERNEL, strides=2, padding="same", kernel_initializer=_weights(seeds), **options)

    images = keras.Input(image_shape, name="images")
    x = leaky()(conv(width)(images))  # the first layer is not normalised
    for channels in [2 * width] if image_shape[0] == 28 else [2 * width, 4 * width]:
        x = _normalised(conv(channels, use_bias=False)(x), seeds, leaky())
    x = layers.Flatten()(x)
    if image_shape[0] == 28:
        x = layers.Dense(16 * width, use_bias=False, kernel_initializer=_weights(seeds))(x)
        x = _normalised(x, seeds, leaky())
    logits = layers.Dense(1, kernel_initializer=_weights(seeds), dtype="float32", name="logits")(x)
    q = layers.Dense(128, use_bias=False, kernel_initializer=_weights(seeds))(x)
    q = _normalised(q, seeds, leaky())
    codes = layers.Dense(code_dim, kernel_initializer=_weights(seeds), dtype="float32", name="codes")(q)
    return keras.Model(images, {"logits": logits, "codes": codes}, name="discriminator")
