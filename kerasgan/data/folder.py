"""The source of folders: all images below one, in PNG, JPEG, WebP and BMP files.

Files have no order of their own, and that of their names puts the cats before the dogs. So a slice is cut from them as
the SHA-256 of their names orders them: a random sample, with the rest of which it makes the whole, on every machine;
and a file that is added moves none of the others to the other side of a percentage but those at its edge.
"""

import collections
import concurrent.futures
import hashlib
import itertools
import pathlib
import unicodedata
from collections.abc import Iterator

import numpy as np

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
    if is_slice(split):
        files = sorted(files, key=lambda path: _digest(path.relative_to(folder)))[part]
    source = Source(len(files), np.uint8, lambda: _common_shape(files), ())
    source.examples = _read(files, source)
    return source


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


def _read(files: list[pathlib.Path], source: Source) -> Iterator[np.ndarray]:
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
            yield image
