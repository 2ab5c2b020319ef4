"""Half-trained GANs on disk: a folder of `.keras` files named `step-<steps so far>.keras`, to go on from.

Each is a whole GAN with both optimizers, steps and random states, and appears whole or not at all.
"""

import pathlib
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from kerasgan import strategies
from kerasgan.deserialization import RefusedError, load_keras
from kerasgan.errors import first_line
from kerasgan.files import Path, replacing

if TYPE_CHECKING:
    from kerasgan.gan import GAN


def paths(folder: Path) -> list[pathlib.Path]:
    """The checkpoints in a folder, from the oldest to the newest; none where there is no such folder."""
    return by_step(pathlib.Path(folder).glob("step-*.keras"))


def by_step(found: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Those of some paths that are named `step-<number>.<anything>`, in the order of their numbers."""
    return sorted((path for path in found if path.stem.removeprefix("step-").isdigit()), key=step_of)


def step_of(path: pathlib.Path) -> int:
    """The number in a name such as `step-00000120.keras`."""
    return int(path.stem.removeprefix("step-"))


def steps(gan: "GAN") -> int:
    """How many a GAN has played."""
    return int(gan.step.numpy())


def write(gan: "GAN", folder: Path) -> pathlib.Path:
    """Writes a checkpoint of a GAN as it is now.

    Its averaged weights are saved as they stand; who loads them and draws computes batch statistics for them.

    Returns:
        The file.
    """
    path = pathlib.Path(folder) / f"step-{steps(gan):08d}.keras"
    with replacing(path) as temporary:
        keras.saving.save_model(gan, temporary)  # `gan.save` would make an average ready to be drawn from
    return path


def restore(folder: Path, newest: int | None = None, compile: bool = True) -> "GAN | None":
    """The GAN of the newest checkpoint in a folder that can be read, or None where there is none.

    A checkpoint that cannot be loaded is passed over with a warning.

    Args:
        folder: where `kerasgan.callbacks.TrainingCheckpoint` writes.
        newest: of which step it may be at most.
        compile: as for `kerasgan.presets.load`.

    Raises:
        ValueError: there are checkpoints, and none of them can be read, or they name code (see `deserialization`).
    """
    found = [path for path in paths(folder) if newest is None or step_of(path) <= newest]
    for path in reversed(found):
        try:
            return load_keras(path, compile=compile)
        except (RefusedError, MemoryError):  # those before it have the same networks
            raise
        except Exception as error:  # a damaged file can fail anywhere in zlib, HDF5 and Keras
            reason = first_line(error)
        warnings.warn(f"Passed over the checkpoint {path}, which cannot be loaded: {reason}", stacklevel=2)
    if found:
        raise ValueError(f"None of the checkpoints in {folder} can be read.")
    return None


def set_back(gan: "GAN", good: "GAN") -> None:
    """Gives a GAN the networks, averages and optimizers of another one of its kind; its step counter runs on."""
    step = gan.step.numpy()
    pairs = [(gan, good), (gan.d_optimizer, good.d_optimizer), (gan.g_optimizer, good.g_optimizer)]
    for ours, theirs in pairs:
        for variable, value in zip(ours.variables, theirs.variables, strict=True):
            variable.assign(value)
    for name, variable in gan.progress.state.items():
        variable.assign(good.progress.state[name])
    gan.step.assign(step)


class FiniteCheck:
    """Looks for numbers that are NaN or infinite in what a GAN is made of, in one pass where its variables lie.

    Args:
        gan: a compiled GAN.
        optimizers: look into the states of both optimizers too, and not into the networks alone.
    """

    def __init__(self, gan: "GAN", optimizers: bool = False) -> None:
        owners = {"generator": gan.generator, "discriminator": gan.discriminator}
        if optimizers:
            owners |= {"average": gan.ema_generator, "d_optimizer": gan.d_optimizer, "g_optimizer": gan.g_optimizer}
        self._variables = [
            (f"{owner}: {variable.path}", variable)
            for owner, part in owners.items()
            for variable in (() if part is None else part.variables)
            if tf.as_dtype(variable.dtype).is_floating
        ]
        self._strategy = gan.distribute_strategy
        self._look = self._all_finite
        if self._strategy.num_replicas_in_sync == 1:  # of several devices some variables are sums, which are not traced
            self._look = tf.function(self._all_finite, autograph=False).get_concrete_function()

    def _all_finite(self):
        variables = (variable.value for _, variable in self._variables)
        return tf.stack([tf.reduce_all(tf.math.is_finite(tensor)) for tensor in variables])

    def lost(self) -> list[str]:
        """The names of the variables that hold such a number; empty where all is well, and equally so for all workers.

        (A worker of its own opinion would stop alone. Where the first one finds nothing, all find nothing.)
        """
        finite = np.asarray(self._look()) if self._variables else np.ones(0, bool)
        names = [name for (name, _), good in zip(self._variables, finite, strict=True) if not good]
        if strategies.agreed(len(names), self._strategy) == 0:
            return []
        return names or ["numbers of another worker"]


def said(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
