"""The networks of R3GAN's reference code (github.com/brownvc/R3GAN, R3GAN/Networks.py) in ours, layer by layer."""

import re
from typing import Any

import numpy as np

from kerasgan.interchange import Rows, State, need

STAGE = "MainLayers.{}.Layers."
EMBEDDING = "EmbeddingLayer.weight"


def settings(generator: State, discriminator: State | None) -> dict[str, Any] | None:
    """Fields of the recipe, by the shapes of the tensors; None where the generator is not the reference's."""
    basis = f"{STAGE.format(0)}0.Basis"
    if basis not in generator or generator[basis].ndim != 3:
        return None
    if (
        discriminator is not None
        and f"{STAGE.format(_stages(discriminator) - 1)}0.NonLinearity1.Bias" not in discriminator
    ):
        return None
    stages = _stages(generator)
    widths = [need(generator, f"{STAGE.format(i)}1.LinearLayer1.Layer.weight").shape[1] for i in range(stages)]
    side = generator[basis].shape[1]
    size = side * 2 ** (stages - 1)
    embedding, classes = generator[EMBEDDING].shape if EMBEDDING in generator else (0, None)
    noise = need(generator, f"{STAGE.format(0)}0.LinearLayer.weight").shape[1] - embedding
    return {
        "image_shape": (size, size, need(generator, "AggregationLayer.Layer.weight").shape[0]),
        "small": False,
        "latent_dim": noise,
        "classes": classes,
        **({"embedding_dim": embedding} if classes else {}),
        "width": widths[0],
        "full_width_until": side * 2 ** (widths.count(widths[0]) - 1),
        "blocks": _blocks(generator, 0),
        "group_width": need(generator, f"{STAGE.format(0)}1.LinearLayer2.Layer.weight").shape[1],
    }


def generator(state: State) -> Rows:
    """The weights of our generator's layers."""
    rows: Rows = [[_dense(state, EMBEDDING)]] if EMBEDDING in state else []
    for i in range(_stages(state)):
        stage = STAGE.format(i)
        if i:
            rows += _pointwise(state, f"{stage}0.LinearLayer.Layer.weight")
        else:
            basis = f"{stage}0.Basis"
            rows += [[_dense(state, f"{stage}0.LinearLayer.weight")], [(basis, state[basis].transpose(1, 2, 0))]]
        for block in range(1, 1 + _blocks(state, i)):
            rows += _block(state, f"{stage}{block}")
    return [*rows, *_pointwise(state, "AggregationLayer.Layer.weight")]


def discriminator(state: State) -> Rows:
    """The weights of our discriminator's layers."""
    rows = _pointwise(state, "ExtractionLayer.Layer.weight")
    last = _stages(state) - 1
    for i in range(last + 1):
        stage, blocks = STAGE.format(i), _blocks(state, i)
        for block in range(blocks):
            rows += _block(state, f"{stage}{block}")
        if i < last:
            rows += _pointwise(state, f"{stage}{blocks}.LinearLayer.Layer.weight")
        else:
            basis = f"{stage}{blocks}.Basis.weight"  # (channels, 1, 4, 4)
            rows += [
                [(basis, need(state, basis).transpose(2, 3, 0, 1))],
                [_dense(state, f"{stage}{blocks}.LinearLayer.weight")],
            ]
    # A column for each class, with which the features are multiplied: our linear head as it is.
    return [*rows, *([[(EMBEDDING, state[EMBEDDING])]] if EMBEDDING in state else [])]


def _stages(state: State) -> int:
    found = [int(match[1]) for name in state if (match := re.match(r"MainLayers\.(\d+)\.", name))]
    return max(found, default=-1) + 1


def _blocks(state: State, stage: int) -> int:
    return sum(
        re.fullmatch(rf"MainLayers\.{stage}\.Layers\.\d+\.NonLinearity1\.Bias", name) is not None for name in state
    )


def _dense(state: State, name: str) -> tuple[str, np.ndarray]:
    return name, need(state, name).T


def _convolution(state: State, name: str) -> tuple[str, np.ndarray]:
    return name, need(state, name).transpose(2, 3, 1, 0)  # (out, in, h, w) -> (h, w, in, out)


def _pointwise(state: State, name: str) -> Rows:
    """Of the 1x1 convolution where the number of channels changes; nothing where it does not."""
    return [[_convolution(state, name)]] if name in state else []


def _block(state: State, name: str) -> Rows:
    """Of a residual block; the biases stand in the reference's activations."""
    rows = []
    for i in (1, 2):
        bias = f"{name}.NonLinearity{i}.Bias"
        rows.append([_convolution(state, f"{name}.LinearLayer{i}.Layer.weight"), (bias, need(state, bias))])
    return [*rows, [_convolution(state, f"{name}.LinearLayer3.Layer.weight")]]
