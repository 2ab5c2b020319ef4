"""How often a callback does what costs time, and whose files lie in its folder."""

import contextlib
import pathlib
import time
from collections.abc import Iterator

import tensorflow as tf

from kerasgan import checkpoints, strategies


def check_frequency(every: str | int | None) -> str | int | None:
    """What `SampleGrid` and `TrainingCheckpoint` take as `every`.

    Raises:
        ValueError: it is none of these.
    """
    if every in (None, "epoch") or (isinstance(every, int) and not isinstance(every, bool) and every > 0):
        return every
    raise ValueError(f"every must be 'epoch' or a number of steps, at least 1; found {every!r}.")


class Budget:
    """Keeps what is done again and again to a share of the time that passes.

    Args:
        share: above 0; with infinity it is always allowed.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self._cost = 0.0
        self._end = time.monotonic()

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """Around what costs."""
        start = time.monotonic()
        yield
        self._end = time.monotonic()
        self._cost = self._end - start

    def allows(self, strategy: tf.distribute.Strategy) -> bool:
        """Whether enough time has passed since the last time, measured by what that has cost; by the clock of the first
        of several workers.
        """
        return bool(strategies.agreed(time.monotonic() - self._end >= self._cost / self.share, strategy))


def check_folder_is_free(folder: pathlib.Path, suffix: str) -> None:
    """Refuses to begin a training in a folder that holds files of another one.

    Those of step 0 do not count: they are of a training that never began.

    Raises:
        ValueError: it holds some, of later steps than 0.
    """
    found = checkpoints.by_step(folder.glob(f"step-*{suffix}"))
    if found and checkpoints.step_of(found[-1]) > 0:
        raise ValueError(
            f"{folder} holds {found[-1].name} of another training, and this one begins at step 0: take another folder, "
            "delete that one, or go on from its newest checkpoint."
        )
