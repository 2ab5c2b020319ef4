"""The networks of PyTorch's own DCGAN example (github.com/pytorch/examples, dcgan/main.py) in ours.

They are the paper's with kernels of 4x4 in place of 5x5, and normal noise. Its generator begins with a transposed
convolution of one pixel, which is a dense layer, and its discriminator ends with a convolution to one pixel.
"""

import re
from typing import Any

import numpy as np

from kerasgan.interchange import Rows, State, need

KERNEL = 4
NORMALISED = "main.1.running_mean"  # the generator's first layer is, the discriminator's is not


def settings(generator: State, discriminator: State | None) -> dict[str, Any] | None:
    """Fields of the recipe, by the shapes of the tensors; None where the generator is not the example's."""
    convolutions = _convolutions(generator)
    if len(convolutions) < 4 or NORMALISED not in generator:
        return None
    last = generator[convolutions[-1]]  # (in, out, 4, 4)
    width = discriminator_width = last.shape[0]
    if discriminator is not None:
        first = _convolutions(discriminator)
        if not first or NORMALISED in discriminator:
            return None
        discriminator_width = discriminator[first[0]].shape[0]
    side = 4 * 2 ** (len(convolutions) - 1)
    return {
        "image_shape": (side, side, last.shape[1]),
        "latent_dim": generator[convolutions[0]].shape[0],
        "latent": "normal",
        "kernel_size": KERNEL,
        "generator_width": width,
        "discriminator_width": discriminator_width,
    }


def generator(state: State) -> Rows:
    """The weights of our generator's layers."""
    first, *others = _convolutions(state)
    dense = state[first].transpose(0, 2, 3, 1)  # (latent_dim, 4, 4, channels)
    rows: Rows = [[(first, dense.reshape(len(dense), -1))], _batch_norm(state, first)]
    for name in others:
        rows.append([(name, state[name].transpose(2, 3, 1, 0))])  # (in, out, h, w) -> (h, w, out, in)
        if name != others[-1]:
            rows.append(_batch_norm(state, name))
    return rows


def discriminator(state: State) -> Rows:
    """The weights of our discriminator's layers."""
    *others, last = _convolutions(state)
    rows: Rows = []
    for name in others:
        rows.append([(name, state[name].transpose(2, 3, 1, 0))])  # (out, in, h, w) -> (h, w, in, out)
        if name != others[0]:
            rows.append(_batch_norm(state, name))
    dense = state[last].transpose(2, 3, 1, 0)  # (4, 4, channels, 1)
    return [*rows, [(last, dense.reshape(-1, dense.shape[-1]))]]


def _convolutions(state: State) -> list[str]:
    """The names of the kernels, in the order in which a sample passes them."""
    found = {int(match[1]): name for name in state if (match := re.fullmatch(r"main\.(\d+)\.weight", name))}
    return [found[i] for i in sorted(found) if state[found[i]].ndim == 4]


def _batch_norm(state: State, convolution: str) -> list[tuple[str, np.ndarray]]:
    """Of the layer behind a convolution."""
    i = int(convolution.split(".")[1]) + 1
    names = (f"main.{i}.{part}" for part in ("weight", "bias", "running_mean", "running_var"))
    return [(name, need(state, name)) for name in names]
