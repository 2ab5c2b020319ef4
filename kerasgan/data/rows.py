"""Samples in files on disk, read row by row: for as many as memory does not hold."""

import errno
import io
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike


class UnreadableError(OSError):
    """A file of rows cannot be read, or not all of it."""


class Rows:
    """An array `[N, ...]` whose rows lie in files, one behind the other, and are read when they are asked for.

    `rows[...]` of whole numbers, a slice or a mask is an array in memory; `part` is another `Rows`. It takes next to no
    memory itself, where a memory map would hold every page that was ever touched. Threads may share it.

    Args:
        files: raw numbers, nothing else in them.
        counts: rows in each.
        shape: of a row.
        dtype: of the numbers.
    """

    def __init__(
        self, files: Sequence[pathlib.Path], counts: Sequence[int], shape: Sequence[int], dtype: DTypeLike
    ) -> None:
        self._files = list(files)
        self._starts = np.cumsum([0, *counts])
        self._begin, self._end = 0, int(self._starts[-1])
        self._handles: dict[int, io.FileIO] = {}
        self._row_shape, self.dtype = tuple(shape), np.dtype(dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._row_shape)

    @property
    def ndim(self) -> int:
        return 1 + len(self._row_shape)

    @property
    def nbytes(self) -> int:
        return len(self) * self._row_bytes

    @property
    def _row_bytes(self) -> int:
        return int(np.prod(self._row_shape)) * self.dtype.itemsize

    def __len__(self) -> int:
        return self._end - self._begin

    def part(self, rows: slice) -> "Rows":
        """Some rows that follow each other, still on disk."""
        begin, end, step = rows.indices(len(self))
        if step != 1:
            raise ValueError(f"The rows of a part follow each other; found steps of {step}.")
        part = Rows([], [], self._row_shape, self.dtype)
        part._files, part._starts = self._files, self._starts
        part._handles = self._handles
        part._begin, part._end = self._begin + begin, self._begin + max(begin, end)
        return part

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Rows in memory, as numpy's indexing of the first axis gives them.

        Raises:
            IndexError: there are not as many.
            UnreadableError: a file, which it names, is gone or was cut.
        """
        wanted = np.arange(len(self))[rows]  # numpy's rules, and its errors
        found = np.empty((wanted.size, self._row_bytes), np.uint8)
        places = wanted.reshape(-1) + self._begin
        for target, file, place in zip(found, np.searchsorted(self._starts, places, "right") - 1, places, strict=True):
            self._read(int(file), int(place - self._starts[file]) * self._row_bytes, target)
        return found.view(self.dtype).reshape(*wanted.shape, *self._row_shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        del copy  # what was read is nobody else's
        return np.asarray(self[:], dtype)

    def _read(self, file: int, offset: int, target: np.ndarray) -> None:
        try:
            handle = self._handles.get(file)
            if handle is None:  # closed when nobody has these rows or a part of them any more
                handle = self._handles.setdefault(file, open(self._files[file], "rb", buffering=0))  # noqa: SIM115
            # In one call, which needs no lock: seeking first, under one, reads a third as fast with two threads.
            if os.preadv(handle.fileno(), [target.data], offset) == target.nbytes:
                return
            reason = "it ends too early"
        except OSError as error:
            reason = error.strerror or str(error)
        raise UnreadableError(errno.EIO, f"Cannot read {self._files[file]} ({reason})")
