"""R3GAN's networks (arXiv:2501.05441, section 4 and appendix B): residual blocks of grouped convolutions, and no
normalisation at all.

Every weight is normal with standard deviation gain / sqrt(fan in); biases, which stand before LeakyReLUs alone, are 0.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import layers

from kerasgan.layers import Basis, Downsample, GroupedConv2D, Upsample

LEAK = 0.2
EXPANSION = 2  # how many times as many channels a block has inside


def _weights(fan_in: int, seeds: Iterator[int], gain: float = 1.0) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, gain / math.sqrt(fan_in), seed=next(seeds))


def _linear(units: int, fan_in: int, seeds: Iterator[int], gain: float = 1.0, **options: Any) -> layers.Layer:
    """[B, fan_in] -> [B, units], without a bias."""
    return layers.Dense(units, use_bias=False, kernel_initializer=_weights(fan_in, seeds, gain), **options)


def _pointwise(x: keras.KerasTensor, channels: int, seeds: Iterator[int]) -> keras.KerasTensor:
    """A convolution of 1x1 without a bias."""
    return layers.Conv2D(channels, 1, use_bias=False, kernel_initializer=_weights(x.shape[-1], seeds))(x)


def _block(x: keras.KerasTensor, group_width: int, blocks: int, seeds: Iterator[int]) -> keras.KerasTensor:
    """x + f(x), f being 1x1, grouped 3x3 and 1x1 convolutions; `blocks` is how many the network has.

    The last convolution begins at 0, so that a block begins as the identity; the others are scaled down with the
    number of blocks by blocks^(-1/4), which is Fix-up's rule for m = 3 layers in a block, L^(-1/(2m - 2))
    (arXiv:1901.09321).
    """
    width = x.shape[-1]
    inside = EXPANSION * width
    gain = math.sqrt(2.0 / (1.0 + LEAK**2)) * blocks**-0.25
    y = layers.Conv2D(inside, 1, kernel_initializer=_weights(width, seeds, gain))(x)  # (B, H, W, inside)
    y = layers.LeakyReLU(negative_slope=LEAK)(y)
    y = GroupedConv2D(
        inside,
        3,
        padding="same",
        groups=inside // group_width,
        kernel_initializer=_weights(9 * group_width, seeds, gain),
    )(y)
    y = layers.LeakyReLU(negative_slope=LEAK)(y)
    y = layers.Conv2D(width, 1, use_bias=False, kernel_initializer="zeros")(y)  # (B, H, W, width)
    return layers.Add()([x, y])


def generator(
    image_shape: tuple[int, int, int],
    noise: int,
    classes: int,
    embedding: int,
    widths: Sequence[int],
    blocks: int,
    group_width: int,
    seed: int,
    fixed_noise_map: bool = False,
) -> keras.Model:
    """Latent vectors `[B, noise + classes]` -> float32 images `[B, H, W, C]`, data being in [-1, 1].

    There is no tanh, as in the authors' code: nothing binds an image to that range.

    Args:
        image_shape: (28, 32, 64, 128 or 256, the same again, 1 or 3).
        noise: numbers of noise in a latent vector; behind them stands the label as a one-hot vector.
        classes: how many; 0 for an unconditional generator.
        embedding: numbers that a label becomes before it is joined to the noise.
        widths: channels of the maps, from the smallest, each of which has twice the side of the one before.
        blocks: residual blocks for each size of the maps.
        group_width: channels in a group of the 3x3 convolutions.
        seed: of the initial weights.
        fixed_noise_map: the linear map from noise and embedding to the smallest maps is not trained.
    """
    seeds = iter(range(seed * 1000, seed * 1000 + 500))
    z = keras.Input((noise + classes,), name="z")
    x = z
    if classes:
        label = _linear(embedding, classes, seeds)(z[:, noise:])
        x = layers.Concatenate()([z[:, :noise], label])  # (B, noise + embedding)
    x = _linear(widths[0], x.shape[-1], seeds, trainable=not fixed_noise_map)(x)
    side = image_shape[0] // 2 ** (len(widths) - 1)
    x = Basis(side, _weights(1, seeds))(x)  # (B, side, side, widths[0])
    for i, width in enumerate(widths):
        if width != x.shape[-1]:
            x = _pointwise(x, width, seeds)
        if i:
            x = Upsample()(x)
        for _ in range(blocks):
            x = _block(x, group_width, blocks * len(widths), seeds)
    x = _pointwise(x, image_shape[2], seeds)  # (B, H, W, C)
    return keras.Model(z, layers.Activation("linear", dtype="float32", name="images")(x), name="generator")


def discriminator(
    image_shape: tuple[int, int, int],
    classes: int,
    widths: Sequence[int],
    blocks: int,
    group_width: int,
    seed: int,
) -> keras.Model:
    """Images `[B, H, W, C]` -> float32 logits `[B, 1]`, or `[B, classes]`.

    Args:
        image_shape, classes, widths, blocks, group_width, seed: as for the generator, whose maps these are in the
            opposite order.
    """
    seeds = iter(range(seed * 1000 + 500, seed * 1000 + 1000))
    images = keras.Input(image_shape, name="images")
    x = _pointwise(images, widths[-1], seeds)
    for i, width in reversed(list(enumerate(widths))):
        if width != x.shape[-1]:
            x = _pointwise(x, width, seeds)
        for _ in range(blocks):
            x = _block(x, group_width, blocks * len(widths), seeds)
        if i:
            x = Downsample()(x)
    side, width = x.shape[1], x.shape[3]
    x = layers.DepthwiseConv2D(side, use_bias=False, depthwise_initializer=_weights(side**2, seeds))(x)
    x = layers.Flatten()(x)  # (B, widths[0])
    if classes:
        # The authors multiply a feature with the label's embedding, whose weights have the deviation
        # 1 / sqrt(width * classes), and add up: one linear head for each class.
        x = _linear(width, width, seeds)(x)
        judged = _linear(classes, width, seeds, 1.0 / math.sqrt(classes), dtype="float32", name="logits")(x)
    else:
        judged = _linear(1, width, seeds, dtype="float32", name="logits")(x)
    return keras.Model(images, judged, name="discriminator")
