"""Weights of one GAN as the beginning of another: of other classes, or of another size where the family has stages that
can be added or left out; and layers that stay as they are (FreezeD, Mo et al. 2020, arXiv:2002.10964).
"""

import dataclasses
import re
import typing
from typing import Any

import numpy as np

from kerasgan.latents import Labelled

if typing.TYPE_CHECKING:
    import keras

    from kerasgan.gan import GAN

EXACT, ADAPTED = 2, 1  # what it is worth that two layers have the same weights, or some that can be adapted


@dataclasses.dataclass
class Transfer:
    """What has become of a network's numbers.

    Attributes:
        carried: numbers of the new network that come from the old one.
        adapted: layers of which a part does: heads that have other classes.
        new: layers that begin as new ones do.
        total: numbers of the new network.
    """

    carried: int = 0
    adapted: list[str] = dataclasses.field(default_factory=list)
    new: list[str] = dataclasses.field(default_factory=list)
    total: int = 0

    def __str__(self) -> str:
        parts = [f"{100 * self.carried / max(1, self.total):.1f} % of {self.total:,} numbers carried over"]
        if self.adapted:
            parts.append(f"{len(self.adapted)} layer(s) adapted")
        if self.new:
            parts.append(f"{len(self.new)} layer(s) new")
        return ", ".join(parts)


def carry_over(source: "GAN", target: "GAN") -> dict[str, Transfer]:
    """Gives a new GAN the weights of a trained one, as far as they fit.

    The layers of both are matched in their order. Of layers that have a place for each class, a class of the same name
    keeps its own; another begins as the mean of all. Where classes are new to a model it begins without a difference
    between them. The generator begins as the source's average, if it has one, and so does the average of the target.

    Args:
        source: a trained GAN.
        target: a new GAN; its weights are changed.

    Returns:
        What has become of "generator" and "discriminator".

    Raises:
        ValueError: the two draw from latents of other sizes, make images of other channels, or have nothing in common.
    """
    if _noise(source) != _noise(target):
        raise ValueError(
            f"The trained model draws from {_noise(source)} numbers of noise, the new one from {_noise(target)}; begin "
            "with the same latent."
        )
    if source.sample_shape[-1] != target.sample_shape[-1]:
        raise ValueError(
            f"The trained model makes samples of {source.sample_shape[-1]} channels, the new one of "
            f"{target.sample_shape[-1]}; begin with the same, into which the pictures are brought."
        )
    pairs = {
        "generator": (source.inference_generator(), target.generator),
        "discriminator": (source.discriminator, target.discriminator),
    }
    done = {part: _carry(*networks, source, target) for part, networks in pairs.items()}
    for part, transfer in done.items():
        if not transfer.carried:
            raise ValueError(f"The two models' {part}s have no layer in common.")
    if target.ema_generator is not None:
        target.ema_generator.set_weights(target.generator.get_weights())
    return done


def _noise(gan):
    return gan.latent.noise if isinstance(gan.latent, Labelled) else gan.latent.dim


def weighted_layers(network: "keras.Model") -> list["keras.layers.Layer"]:
    """The layers of a network that have weights of their own, in the order in which a sample passes them."""
    return [
        layer
        for layer in network._flatten_layers(include_self=False)
        if layer.weights and not getattr(layer, "layers", None)
    ]


def _carry(old_network: Any, new_network: Any, source: Any, target: Any) -> Transfer:
    old, new = weighted_layers(old_network), weighted_layers(new_network)
    transfer = Transfer(total=sum(int(np.prod(w.shape)) for layer in new for w in layer.weights))
    partner = dict(_align(old, new, source, target))
    for j, layer in enumerate(new):
        if j not in partner:
            transfer.new.append(layer.name)
            _pass_on(layer)
            continue
        before = old[partner[j]].get_weights()
        values, adapted = [], False
        for was, now in zip(before, layer.get_weights(), strict=True):
            if was.shape == now.shape and not _differ_in_names(was, now, source, target):
                values.append(was)
                transfer.carried += was.size
            else:
                fitted, kept = _fit(was, now, source, target)
                values.append(fitted)
                transfer.carried += kept
                adapted = True
        layer.set_weights(values)
        if adapted:
            transfer.adapted.append(layer.name)
    return transfer


def _pass_on(layer):
    """Of a new linear map between as many numbers, such as a conditional head has before its classes, makes one that
    changes nothing at first.
    """
    weights = layer.get_weights()
    if type(layer).__name__ == "Dense" and len(weights) == 1 and weights[0].shape[0] == weights[0].shape[1]:
        layer.set_weights([np.eye(len(weights[0]), dtype=np.float32)])


def _align(old: list[Any], new: list[Any], source: Any, target: Any) -> list[tuple[int, int]]:
    """Pairs (new, old) of layers in the order of both, with as many weights in common as can be."""
    worth = np.zeros((len(old) + 1, len(new) + 1), np.int64)
    value = [[_worth(a, b, source, target) for b in new] for a in old]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            both = worth[i + 1, j + 1] + value[i][j] if value[i][j] else 0
            worth[i, j] = max(worth[i + 1, j], worth[i, j + 1], both)
    pairs, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if value[i][j] and worth[i, j] == worth[i + 1, j + 1] + value[i][j]:
            pairs.append((j, i))
            i, j = i + 1, j + 1
        elif worth[i, j] == worth[i + 1, j]:
            i += 1
        else:
            j += 1
    return pairs


def _worth(a: Any, b: Any, source: Any, target: Any) -> int:
    if type(a) is not type(b) or len(a.weights) != len(b.weights):
        return 0
    was, now = ([tuple(w.shape) for w in layer.weights] for layer in (a, b))
    if was == now:
        return EXACT
    fit = all(x == y or _axis(x, y, source, target) is not None for x, y in zip(was, now, strict=True))
    return ADAPTED if fit else 0


def _classes(gan):
    return len(gan.class_names) if gan.class_names is not None else 0


def _axis(was: Any, now: Any, source: Any, target: Any) -> tuple[int, int] | None:
    """Where two shapes differ by classes alone: the axis, and how many places stand before those of the classes."""
    if len(was) != len(now):
        return None
    differ = [axis for axis, (x, y) in enumerate(zip(was, now, strict=True)) if x != y]
    if len(differ) != 1:
        return None
    axis = differ[0]
    before, after, noise = _classes(source), _classes(target), _noise(source)
    if (was[axis], now[axis]) == (max(1, before), max(1, after)):
        return axis, 0
    if (was[axis], now[axis]) == (noise + before, noise + after):
        return axis, noise
    if axis == 0 and (before == 0) != (after == 0) and min(was[0], now[0]) == noise:  # where a label joins the noise
        return axis, noise
    return None


def _differ_in_names(was: Any, now: Any, source: Any, target: Any) -> bool:
    """Whether the same shape holds classes of other names or in another order."""
    if source.class_names == target.class_names or _classes(source) != _classes(target) or not _classes(source):
        return False
    places = (_classes(source), _noise(source) + _classes(source))
    return was.ndim == 2 and any(size in places for size in was.shape)


def _fit(was: np.ndarray, now: np.ndarray, source: Any, target: Any) -> tuple[np.ndarray, int]:
    """A weight with the target's places for classes, and how many of its numbers are old ones."""
    found = _axis(was.shape, now.shape, source, target)
    if found is None:  # the same classes in other places
        sizes = _classes(source), _noise(source) + _classes(source)
        axis = next(axis for axis in reversed(range(was.ndim)) if was.shape[axis] in sizes)
        found = axis, was.shape[axis] - _classes(source)
    axis, first = found
    old, result = np.moveaxis(was, axis, 0), np.zeros_like(np.moveaxis(now, axis, 0))
    result[:first] = old[:first]
    places, new_places = old[first:], result[first:]
    if len(new_places) and len(places):
        names, new_names = source.class_names or (), target.class_names or ()
        for j in range(len(new_places)):
            name = new_names[j] if j < len(new_names) else None
            new_places[j] = places[names.index(name)] if name in names else places.mean(axis=0)
    return np.moveaxis(result, 0, axis), int(result.size)


def freeze(gan: "GAN", what: str) -> list[str]:
    """Sets the first layers of the networks aside from training, and compiles the GAN anew.

    Args:
        gan: a compiled GAN.
        what: "discriminator:4" is the first 4 layers with weights of the discriminator, those next to the image;
            "generator:2" those next to z. Several stand between commas.

    Returns:
        The names of the layers.

    Raises:
        ValueError: another text, more layers than there are, or all of a network.
    """
    frozen = []
    for part in what.split(","):
        match = re.fullmatch(r"\s*(discriminator|generator):(\d+)\s*", part)
        if not match:
            raise ValueError(f"freeze is such as discriminator:4, or discriminator:4,generator:2; found {what!r}.")
        layers = weighted_layers(getattr(gan, match[1]))
        count = int(match[2])
        if not 0 < count < len(layers):
            raise ValueError(
                f"The {match[1]} has {len(layers)} layers with weights, of which 1 to {len(layers) - 1} can be frozen; "
                f"found {what!r}."
            )
        for layer in layers[:count]:
            layer.trainable = False
            frozen.append(layer.name)
    gan.compile_from_config(gan.get_compile_config() or {})
    return frozen
