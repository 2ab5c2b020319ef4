"""Weights that were trained elsewhere, in PyTorch, in the networks of the zoo.

A family that can take some has a module `pytorch` in its folder:

    settings(generator, discriminator) -> dict | None     fields of its recipe; None for networks that it does not know
    generator(state), discriminator(state)                `Rows`: what each of its layers with weights gets

where a state is `{name: array}` as PyTorch names and lays out its tensors, `discriminator` perhaps None. Nothing is
unpickled: a file is read by `safetensors`, or by `torch.load(weights_only=True)`.
"""

import contextlib
import importlib
import importlib.util
import itertools
import pathlib
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasgan import registry
from kerasgan.errors import first_line
from kerasgan.files import Path, sha256_of
from kerasgan.transfer import weighted_layers

if typing.TYPE_CHECKING:
    import keras

    from kerasgan.gan import GAN

State = dict[str, np.ndarray]
Rows = list[list[tuple[str, np.ndarray]]]  # for each layer its weights, in Keras's layout, and where they came from
NOT_LEARNED = ("num_batches_tracked", "Resampler.Kernel")  # how names of tensors end that a network here has no use for
WRAPPERS = ("module.", "Model.")  # what DataParallel, and R3GAN's training, put before every name
KNOWN = "PyTorch's own DCGAN example, and R3GAN's reference code"
PICKLED = (".pkl", ".pickle")


def read(generator: Path, discriminator: Path | None = None, classes: Any = None) -> "GAN":
    """A GAN of the zoo with the weights of PyTorch's networks.

    Which family, and how wide and deep, the shapes of the tensors say.

    Args:
        generator: a `.safetensors` file, or one of `torch.save`, of the generator's `state_dict()`. A dict of several
            is searched for one that fits.
        discriminator: the same of the discriminator; None begins a new one of the generator's width.
        classes: of a conditional generator, the names of its classes; None numbers them.

    Returns:
        The GAN, compiled by its family's recipe, without an average and in float32.

    Raises:
        ValueError: a file that is none, or whose reading could run code; networks of no family; a layer that is
            another here; or another number of classes.
    """
    of_generator = _read(generator)
    of_discriminator: list[State | None] = [None] if discriminator is None else [*_read(discriminator)]
    for name, family in _families():
        for states in itertools.product(of_generator, of_discriminator):
            settings = family.settings(*states)
            if settings is not None:
                return _build(name, family, settings, *states, classes)
    read = generator if discriminator is None else f"{generator} and {discriminator}"
    raise ValueError(f"In {read} is nothing that kerasgan knows, which is {KNOWN}: {_some(list(of_generator[0]))}.")


def origin(generator: Path, discriminator: Path | None = None, licence: str | None = None) -> dict[str, Any]:
    """What the card of a preset says of weights that `read` gave: which files they came from."""
    files = [file for file in (generator, discriminator) if file is not None]
    named = " and ".join(f"`{pathlib.Path(file).name}` (sha256 `{sha256_of(file)}`)" for file in files)
    without = "" if discriminator is not None else " The discriminator is a new one, which has learned nothing."
    notes = f"The weights were trained elsewhere, in PyTorch, and come from {named}.{without}"
    return {"notes": notes, **({} if licence is None else {"licence": licence})}


def _build(name, family, settings, generator, discriminator, classes):
    if classes is not None:
        if len(classes) != settings.get("classes"):
            raise ValueError(
                f"The generator has {settings.get('classes') or 'no'} classes; found {len(classes)} names for them."
            )
        settings = {**settings, "classes": tuple(classes)}
    gan = registry.create_model(name, ema_decay=None, precision="float32", **settings)
    _fill(gan.generator, family.generator(generator), generator, "generator")
    if discriminator is not None:
        _fill(gan.discriminator, family.discriminator(discriminator), discriminator, "discriminator")
    return gan


def _families() -> Iterator[tuple[str, types.ModuleType]]:
    for name in registry.list_models():
        module = f"{registry.get_family(name).build.__module__}.pytorch"
        if importlib.util.find_spec(module) is not None:
            yield name, importlib.import_module(module)


def _fill(network: "keras.Model", rows: Rows, state: State, what: str) -> None:
    """Gives a network its weights.

    Raises:
        ValueError: a tensor that has another shape here, is missing, or has no place; its name.
    """
    layers = weighted_layers(network)
    for layer, row in zip(layers, rows, strict=False):
        for weight, (source, value) in zip(layer.weights, row, strict=True):
            if tuple(weight.shape) != value.shape:
                raise ValueError(
                    f"The {what} is another: {source} is {_sides(value.shape)} in Keras's order, and kerasgan's layer "
                    f"{layer.name} has {_sides(weight.shape)}."
                )
            weight.assign(value)
    used = {source for row in rows for source, _ in row}
    left = [name for name in state if name not in used and not name.endswith(NOT_LEARNED)]
    if left or len(layers) != len(rows):
        raise ValueError(
            f"The {what} is another: it has {len(rows)} layers that kerasgan knows, where kerasgan's has {len(layers)}"
            f"{f', and besides {_some(left)}' if left else ''}."
        )


def need(state: State, name: str) -> np.ndarray:
    """A tensor.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in state:
        raise ValueError(f"The network is another: it lacks {name}. It has {_some(list(state))}.")
    return state[name]


def _sides(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a number"


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _read(path: Path) -> list[State]:
    """What a file holds that could be a network: its tensors by name, in float32."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    if path.suffix.lower() in PICKLED:
        raise ValueError(
            f"{path} is a pickle, which can run code when it is read. Where it comes from, write the weights alone: "
            'torch.save(network.state_dict(), "network.pt").'
        )
    reader: Callable[[pathlib.Path], Any] = _safetensors if path.suffix.lower() == ".safetensors" else _torch
    try:
        found = reader(path)
    except ImportError as error:
        raise ValueError(f"Reading {path} needs {error.name}: pip install 'kerasgan[torch]'.") from None
    except Exception as error:  # a file that is cut or of another kind can fail anywhere in zlib, pickle and torch
        raise ValueError(
            f"Cannot read {path} as tensors alone, and code from a file is never run ({first_line(error)[:160]})."
        ) from None
    states = [found, *(value for value in found.values() if isinstance(value, dict))] if isinstance(found, dict) else []
    states = [state for state in map(_tensors, states) if state]
    if not states:
        raise ValueError(f"{path} holds no tensors by name; save a network's state_dict().")
    return states


def _safetensors(path: pathlib.Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return load_file(path)


def _torch(path: pathlib.Path) -> Any:
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)


def _tensors(state: dict) -> State:
    """The tensors of a dict, with the names that the network itself gives them."""
    found = {}
    for name, value in state.items():
        if isinstance(name, str) and hasattr(value, "shape") and hasattr(value, "dtype"):
            for wrapper in WRAPPERS:
                name = name.removeprefix(wrapper)
            with contextlib.suppress(AttributeError):  # a numpy array needs none of it
                value = value.detach().float().numpy()
            found[name] = np.asarray(value, np.float32)
    return found
