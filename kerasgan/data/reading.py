"""All samples of a source, decoded and brought to size: once in a process, or once for all with a cache."""

import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from tqdm import tqdm

from kerasgan.classes import some
from kerasgan.data import cache as caches
from kerasgan.data.images import fit_image
from kerasgan.data.source import Source
from kerasgan.files import Path
from kerasgan.messages import say


def read(
    source: Source, name: str, split: str, shape: tuple[int, int, int], memory: int, cache: bool | Path | None
) -> Any:
    """Every sample of a source in a shape.

    Args:
        source: one that has no array of that shape.
        name, split: for messages, and for whom lists a cache.
        shape: (height, width, channels).
        memory: bytes of samples up to which they are held in memory.
        cache: as of `kerasgan.data.load`.

    Returns:
        An array `[N, H, W, C]`, in memory or mapped; or `Rows`.

    Raises:
        ValueError: no file of the source can be read, or the cache cannot be written.
    """
    if cache is None or cache is False or source.fingerprint is None:
        images, read_from_disk = _allocate((source.count, *shape), source.dtype, memory)
        count = 0
        for image in _examples(source, name, shape):
            images[count] = image
            count += 1
        _warn_of(source.skipped, source.see_through, count, name)
        if read_from_disk:
            say(
                f"{count:,} images of {images[:count].nbytes / 1e9:.1f} GB lie in a temporary file, and the next start "
                "decodes them anew; cache=True (--cache) would keep them"
            )
        return images[:count]
    entry = _entry(source, name, split, shape, caches.default_folder() if cache is True else cache)
    labels = entry.labels
    if labels is not None:
        source.find_labels = lambda: labels
    _warn_of(entry.skipped, entry.see_through, len(entry.rows), name)
    where = "in memory" if entry.rows.nbytes <= memory else "read from there"
    say(f"{len(entry.rows):,} images of {name} in {entry.folder} ({entry.rows.nbytes / 1e9:.2g} GB), {where}")
    return np.asarray(entry.rows) if entry.rows.nbytes <= memory else entry.rows


def _entry(source: Source, name: str, split: str, shape: tuple[int, int, int], folder: Path) -> caches.Entry:
    """What the cache has of a source, which is put there where it is missing."""
    assert source.fingerprint is not None
    key = caches.key_of(source.fingerprint(), split, shape)
    try:
        found = caches.find(folder, key)
    except caches.DamagedError as error:
        found = None
        say(f"{error}; it is made anew")
    if found is not None:
        return found
    needed = source.count * int(np.prod(shape)) * np.dtype(source.dtype).itemsize
    with caches.building(folder, key, needed, lambda: say(f"waiting for another process that reads {name}")) as work:
        if work is not None:
            with caches.Writer(work, shape, source.dtype) as writer:
                for image in _examples(source, name, shape):
                    writer.add(image)
                if not len(writer):
                    _refuse_empty(source.skipped, name)
                writer.finish(name, split, _labels_of(source), source.skipped, source.see_through)
    made = caches.find(folder, key)
    assert made is not None
    return made


def _labels_of(source: Source) -> np.ndarray | None:
    """The classes of what was read; None where there are none that could be used."""
    try:
        return None if source.find_names() is None else source.find_labels()
    except ValueError:  # said to whoever asks for labels
        return None


def _examples(source: Source, name: str, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
    bar = tqdm(source.examples, total=source.count, desc=f"reading {name}", unit="image", delay=2.0)
    return (fit_image(example, shape) for example in bar)


def _warn_of(skipped: list[str], see_through: list[str], count: int, name: str) -> None:
    if skipped:
        many = f"{len(skipped)} image(s) in {name} that cannot be read or are too large"
        warnings.warn(f"Skipped {many}: {some(skipped)}", stacklevel=5)
    if see_through:
        warnings.warn(
            f"{len(see_through)} of {count} images in {name} have transparent pixels, which were laid over white: "
            f"{some(see_through)}",
            stacklevel=5,
        )
    if not count:
        _refuse_empty(skipped, name)


def _refuse_empty(skipped: list[str], name: str) -> None:
    raise ValueError(f"{name} holds no readable image; skipped {len(skipped)}.")


def _allocate(shape: tuple[int, ...], dtype: DTypeLike, memory: int) -> tuple[np.ndarray, bool]:
    """An array, and whether it lies on disk."""
    if int(np.prod(shape)) * np.dtype(dtype).itemsize <= memory:
        return np.empty(shape, dtype), False
    with tempfile.TemporaryFile(prefix="kerasgan-images-") as file:  # it has no name: the map alone keeps it
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape), True
