"""The source of folders and `.zip` archives: all images below one, in PNG, JPEG, WebP and BMP files.

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
import pathlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from kerasgan.classes import some
from kerasgan.data.images import read_image, read_shape
from kerasgan.data.pictures import Pictures, find_pictures
from kerasgan.data.source import Source
from kerasgan.data.splits import cut, is_slice

DECODED_AHEAD = 16  # images of a folder in memory at once, before they are brought to size


def open_folder(folder: pathlib.Path, split: str) -> Source:
    """The images below a folder that a split takes: all in the order of their paths, or some in that of a shuffle.

    Raises:
        ValueError: there is no such folder or split, or there are no images below it.
    """
    pictures = find_pictures(folder)
    files = pictures.files
    part = cut(split, len(files), str(folder), what="images")
    chosen: Sequence[pathlib.PurePath] = files
    if is_slice(split):
        chosen = sorted(files, key=_digest)[part]
    source = Source(len(chosen), np.uint8, lambda: _common_shape(pictures, chosen), ())
    readable: list[pathlib.PurePath] = []
    source.examples = _read(pictures, chosen, source, readable)
    source.find_names = lambda: find_class_folders(pictures)
    source.find_labels = lambda: _find_labels(pictures, source, readable, not is_slice(split))
    source.no_classes = "its images do not lie in sub-folders, one for each class"
    source.fingerprint = pictures.fingerprint
    return source


def find_class_folders(pictures: Pictures) -> tuple[str, ...] | None:
    """The folders in a folder or archive, all of which hold images; None where none does.

    Raises:
        ValueError: some hold none, or there are images beside them.
    """
    names, folder = pictures.folders, pictures.path
    found = {class_of(file) for file in pictures.files}
    if found.isdisjoint(names):
        return None
    if outside := found.difference(names):  # in the folder itself, or in hidden ones
        beside = [file for file in pictures.files if class_of(file) in outside]
        raise ValueError(
            f"{folder} has class folders ({some(names)}) and {len(beside)} image(s) beside them "
            f"({some(file.as_posix() for file in beside)}): move each into the folder of its class."
        )
    empty = [name for name in names if name not in found]
    if empty:
        links = " (links to folders are not followed)" if set(empty) & set(pictures.links) else ""
        raise ValueError(
            f"{folder} has class folders without an image ({some(empty)}){links}: fill or remove them; the others "
            f"are {some(name for name in names if name in found)}."
        )
    return tuple(names)


def class_of(file: pathlib.PurePath) -> str | None:
    """The first folder on the way to a file; None where it lies in none."""
    return file.parts[0] if len(file.parts) > 1 else None


def _find_labels(pictures: Pictures, source: Source, readable: list[pathlib.PurePath], whole: bool) -> np.ndarray:
    names = find_class_folders(pictures) or ()
    for _ in source.examples:  # those that were not asked for: which are readable shows when they are read
        pass
    number = {name: i for i, name in enumerate(names)}
    labels = np.array([number[str(class_of(file))] for file in readable], np.int64)
    missing = np.flatnonzero(np.bincount(labels, minlength=len(names)) == 0)
    if whole and len(missing):
        raise ValueError(
            f"{pictures.path} has class folders without a readable image ({some(names[i] for i in missing)})."
        )
    return labels


def _digest(path: pathlib.PurePath) -> bytes:
    # Systems keep one and the same accented name in one or two characters, and as bytes that need not be UTF-8.
    name = unicodedata.normalize("NFC", path.as_posix())
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def _common_shape(pictures: Pictures, files: Sequence[pathlib.PurePath]) -> tuple[int, int, int] | None:
    """The size that all images have, grey ones being RGB among others of that; None where they differ."""
    size, channels = None, 1
    for file in files:
        shape = read_shape(pictures, file)
        if shape is None:
            continue  # it is named and counted when it is read
        if size not in (None, shape[:2]):
            return None
        size, channels = shape[:2], max(channels, shape[2])
    return size and (*size, channels)


def _read(
    pictures: Pictures, files: Sequence[pathlib.PurePath], source: Source, readable: list[pathlib.PurePath]
) -> Iterator[np.ndarray]:
    for file, found in in_threads(lambda file: read_image(pictures, file), files):
        if found is None:
            source.skipped.append(file.name)
            continue
        image, see_through = found
        if see_through:
            source.see_through.append(file.name)
        readable.append(file)
        yield image


def in_threads(work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Each item with what `work` makes of it, in their order, a few of them ahead."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ahead: collections.deque = collections.deque()
        remaining = iter(items)
        while True:
            for item in itertools.islice(remaining, DECODED_AHEAD - len(ahead)):
                ahead.append((item, pool.submit(work, item)))
            if not ahead:
                return
            item, working = ahead.popleft()
            yield item, working.result()
