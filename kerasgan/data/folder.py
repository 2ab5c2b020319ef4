"""The source of folders: all images below one, in PNG, JPEG, WebP and BMP files.

Files have no order of their own, and that of their names puts the cats before the dogs. So a slice is cut from them as
the SHA-256 of their names orders them: a random sample, with the rest of which it makes the whole, on every machine;
and a file that is added moves none of the others to the other side of a percentage but those at its edge.

The folders that lie directly in it are classes, in the order of their names, as in
`keras.utils.image_dataset_from_directory`.
"""

import collections
import concurrent.futures
import hashlib
import itertools
import os
import pathlib
import unicodedata
from collections.abc import Iterator

import numpy as np

from kerasgan.classes import some
from kerasgan.data.images import SUFFIXES, read_image, read_shape
from kerasgan.data.source import Source
from kerasgan.data.splits import cut, is_slice

DECODED_AHEAD = 16  # images of a folder in memory at once, before they are brought to size


def open_folder(folder: pathlib.Path, split: str) -> Source:
    """The images below a folder that a split takes: all in the order of their paths, or some in that of a shuffle.

    Raises:
        ValueError: there is no such folder or split, or there are no images below it.
    """
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}.")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise ValueError(f"{folder} holds no images ({', '.join(SUFFIXES)}).")
    part = cut(split, len(files), str(folder), what="images")
    chosen = files
    if is_slice(split):
        chosen = sorted(files, key=lambda path: _digest(path.relative_to(folder)))[part]
    source = Source(len(chosen), np.uint8, lambda: _common_shape(chosen), ())
    readable: list[pathlib.Path] = []
    source.examples = _read(chosen, source, readable)
    source.find_names = lambda: _find_names(folder, files)
    source.find_labels = lambda: _find_labels(folder, files, source, readable, not is_slice(split))
    source.no_classes = "its images do not lie in sub-folders, one for each class"
    return source


def _find_names(folder: pathlib.Path, files: list[pathlib.Path]) -> tuple[str, ...] | None:
    """The folders in a folder, all of which hold images; None where none does.

    Raises:
        ValueError: some hold none, or there are images beside them.
    """
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != ".")
    found = {_class_of(path, folder) for path in files}
    if found.isdisjoint(names):
        return None
    if outside := found.difference(names):  # in the folder itself, or in hidden ones
        beside = [path for path in files if _class_of(path, folder) in outside]
        raise ValueError(
            f"{folder} has class folders ({some(names)}) and {len(beside)} image(s) beside them "
            f"({some(path.relative_to(folder).as_posix() for path in beside)}): move each into the folder of its class."
        )
    empty = [name for name in names if name not in found]
    if empty:
        raise ValueError(
            f"{folder} has class folders without an image ({some(empty)}): fill or remove them; the others "
            f"are {some(name for name in names if name in found)}."
        )
    return tuple(names)


def _class_of(path: pathlib.Path, folder: pathlib.Path) -> str | None:
    """The first folder on the way to a file; None where it lies in `folder` itself."""
    inside = path.parts[len(folder.parts) :]
    return inside[0] if len(inside) > 1 else None


def _find_labels(
    folder: pathlib.Path, files: list[pathlib.Path], source: Source, readable: list[pathlib.Path], whole: bool
) -> np.ndarray:
    names = _find_names(folder, files) or ()
    for _ in source.examples:  # those that were not asked for: which are readable shows when they are read
        pass
    number = {name: i for i, name in enumerate(names)}
    labels = np.array([number[str(_class_of(path, folder))] for path in readable], np.int64)
    missing = np.flatnonzero(np.bincount(labels, minlength=len(names)) == 0)
    if whole and len(missing):
        raise ValueError(f"{folder} has class folders without a readable image ({some(names[i] for i in missing)}).")
    return labels


def _digest(path: pathlib.PurePath) -> bytes:
    # Systems keep one and the same accented name in one or two characters, and as bytes that need not be UTF-8.
    name = unicodedata.normalize("NFC", path.as_posix())
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def _common_shape(files: list[pathlib.Path]) -> tuple[int, int, int] | None:
    """The size that all images have, grey ones being RGB among others of that; None where they differ."""
    size, channels = None, 1
    for path in files:
        shape = read_shape(path)
        if shape is None:
            continue  # it is named and counted when it is read
        if size not in (None, shape[:2]):
            return None
        size, channels = shape[:2], max(channels, shape[2])
    return size and (*size, channels)


def _read(files: list[pathlib.Path], source: Source, readable: list[pathlib.Path]) -> Iterator[np.ndarray]:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ahead: collections.deque = collections.deque()
        remaining = iter(files)
        while True:
            for path in itertools.islice(remaining, DECODED_AHEAD - len(ahead)):
                ahead.append((path, pool.submit(read_image, path)))
            if not ahead:
                return
            path, reading = ahead.popleft()
            found = reading.result()
            if found is None:
                source.skipped.append(path.name)
                continue
            image, see_through = found
            if see_through:
                source.see_through.append(path.name)
            readable.append(path)
            yield image
