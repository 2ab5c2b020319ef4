"""What all sources have in common."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np


@dataclasses.dataclass
class Source:
    """Where samples come from: either they lie in `array`, or `examples` yields them one by one.

    Attributes:
        count: how many there are, or would be if all were readable.
        dtype: of each: uint8, or float32.
        find_shape: gives the shape that all of them have, or None; it may have to look at many files.
        examples: images `[h, w, c]` of any size, or points `[n]`.
        array: all of them, `[N, H, W, C]` or `[N, n]`, where they lie in memory or on disk as an array.
        skipped: names of files that turned out unreadable, as far as `examples` has come.
        see_through: names of files with transparent pixels, which were laid over white, likewise.
        find_names: gives the names of the source's classes, whatever the split holds of them, or None where it has
            none; a ValueError says what is wrong with them. It reads no images.
        find_labels: gives the class of each sample, int64 `[N]`, those of unreadable files left out; only where
            `find_names` gives any. Where `examples` has come to its end it reads no image again.
        no_classes: why there are none, as a message says it.
        fingerprint: gives what the samples come from, as JSON can say it, which changes with them; None where there is
            nothing to gain from keeping them.
    """

    count: int
    dtype: type
    find_shape: Callable[[], tuple[int, ...] | None]
    examples: Iterable[np.ndarray]
    array: np.ndarray | None = None
    skipped: list[str] = dataclasses.field(default_factory=list)
    see_through: list[str] = dataclasses.field(default_factory=list)
    find_names: Callable[[], tuple[str, ...] | None] = lambda: None
    find_labels: Callable[[], np.ndarray] = lambda: np.empty(0, np.int64)
    no_classes: str = ""
    fingerprint: Callable[[], Any] | None = None


def points(array: np.ndarray) -> Source:
    """The source of points float32 `[N, n]`."""
    return Source(len(array), np.float32, lambda: array.shape[1:], array, array)
