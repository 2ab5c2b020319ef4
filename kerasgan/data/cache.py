"""Pictures that were decoded and brought to size once, kept on disk for the next time.

An entry is a folder that its key names: `index.json` says what is in it, `0000.rows`, `0001.rows`, ... hold the pixels
of so many pictures each, one behind the other and not compressed, and `labels.npy` their classes, where they have any.
Of the formats that are read in any order and in little
memory that is read the fastest (`benchmarks/storage.py`), and it needs no library; it takes twice the room of PNG.
The order of training follows from seed and epoch, and is not kept.

The key is made of what the entry was made of: where the pictures come from, the name, size and time of every file, the
split, and the size that they are brought to. So a folder that has changed has another key. An entry appears whole or
not at all; two processes that want the same one make it once.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasgan.data.rows import Rows
from kerasgan.errors import first_line
from kerasgan.files import Path, cache_folder, check_writable, free_space, locked, size_of

FORMAT = 1  # of entries; another makes other keys
SHARD = 256 * 1024**2  # bytes of pixels in a file, at most
INDEX, LABELS, USED = "index.json", "labels.npy", "used"
BUILDING = ".building-"


def default_folder() -> pathlib.Path:
    """`data` in `$KERASGAN_CACHE`, or in `~/.cache/kerasgan`."""
    return cache_folder() / "data"


@dataclasses.dataclass
class Entry:
    """What a cache holds of one source.

    Attributes:
        folder: where it lies.
        name: the source, as it was called.
        split: of it.
        rows: the samples.
        labels: int64 `[N]`, or None.
        skipped, see_through: names of files that could not be read, and that had transparent pixels.
    """

    folder: pathlib.Path
    name: str
    split: str
    rows: Rows
    labels: np.ndarray | None
    skipped: list[str]
    see_through: list[str]

    @property
    def bytes(self) -> int:
        """What it takes on disk."""
        return size_of(self.folder)

    @property
    def last_used(self) -> float:
        """When it was last opened, in seconds since 1970."""
        with contextlib.suppress(OSError):
            return (self.folder / USED).stat().st_mtime
        return (self.folder / INDEX).stat().st_mtime


class DamagedError(ValueError):
    """An entry cannot be read."""


def key_of(fingerprint: Any, split: str, shape: tuple[int, ...]) -> str:
    """The name of an entry: 32 hexadecimal digits.

    Args:
        fingerprint: what the samples come from, as JSON can say it.
        split: of it.
        shape: of a sample.
    """
    said = json.dumps([FORMAT, fingerprint, split, list(shape)], sort_keys=True)
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def open_entry(folder: pathlib.Path) -> Entry:
    """Reads an entry's index; no pixels.

    Raises:
        DamagedError: a file of it is missing, or is not as long as the index says; which one.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        shape, dtype = tuple(index["shape"]), np.dtype(index["dtype"])
        counts = [int(count) for count in index["counts"]]
        files = [folder / f"{i:04d}.rows" for i in range(len(counts))]
        for file, count in zip(files, counts, strict=True):
            due = count * int(np.prod(shape)) * dtype.itemsize
            found = file.stat().st_size
            if found != due:
                raise DamagedError(f"{file} has {found:,} bytes, and should have {due:,}")
        labels = np.load(folder / LABELS, allow_pickle=False) if index["labelled"] else None
        about = {name: index[name] for name in ("name", "split", "skipped", "see_through")}
        return Entry(folder, rows=Rows(files, counts, shape, dtype), labels=labels, **about)
    except DamagedError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in json and numpy
        raise DamagedError(f"{folder} cannot be read ({first_line(error)})") from None


def find(cache: Path, key: str) -> Entry | None:
    """The entry of a key, or None.

    Raises:
        DamagedError: as `open_entry`.
    """
    folder = pathlib.Path(cache) / key
    if not (folder / INDEX).is_file():
        return None
    entry = open_entry(folder)
    with contextlib.suppress(OSError):  # a cache that may be read only is one all the same
        (folder / USED).touch()
    return entry


@contextlib.contextmanager
def building(
    cache: Path, key: str, needed: int, say_waiting: Callable[[], None] = lambda: None
) -> Iterator[pathlib.Path | None]:
    """A folder to write an entry in, which takes its place at the end unless an error comes first. Whoever comes while
    another process writes the same entry waits for it, and is given None.

    Args:
        cache, key: as for `find`.
        needed: bytes that it will take.
        say_waiting: called before it waits.

    Raises:
        ValueError: the cache cannot be written to, or its disk has not that much room.
    """
    cache = check_writable(cache)
    target, work = cache / key, cache / f"{BUILDING}{key}"
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"Cannot write to the cache {cache}: {first_line(error)}.") from None
    with locked(work, wait=False) as ours:
        waits = not ours and work.is_dir()
    if waits:
        say_waiting()
    with locked(work):
        if target.is_dir() and _is_whole(target):  # somebody else made it meanwhile
            shutil.rmtree(work, ignore_errors=True)
            yield None
            return
        for left in work.iterdir() if work.is_dir() else ():  # by one that was killed
            left.unlink()
        work.mkdir(parents=True, exist_ok=True)
        free = free_space(cache)
        if needed > free:
            raise ValueError(
                f"The cache needs {needed / 1e9:.1f} GB in {cache}, which has {free / 1e9:.1f} GB left; name another "
                "folder (cache=PATH, --cache=PATH), clear some (kerasgan cache clear), or do without."
            )
        try:
            yield work
            shutil.rmtree(target, ignore_errors=True)  # one that is damaged
            os.replace(work, target)
        except OSError as error:
            shutil.rmtree(work, ignore_errors=True)
            raise ValueError(f"Cannot write to the cache {cache}: {first_line(error)}.") from None
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise


def _is_whole(folder):
    try:
        open_entry(folder)
    except DamagedError:
        return False
    return True


class Writer:
    """Writes the samples of an entry, one by one, and then its index.

    Args:
        folder: that of `building`.
        shape, dtype: of a sample.
    """

    def __init__(self, folder: pathlib.Path, shape: tuple[int, ...], dtype: Any) -> None:
        self._folder, self._shape, self._dtype = folder, shape, np.dtype(dtype)
        self._each = max(1, SHARD // max(1, int(np.prod(shape)) * self._dtype.itemsize))
        self._counts: list[int] = []
        self._file: Any = None

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: Any) -> None:
        self._close()

    def __len__(self) -> int:
        return sum(self._counts)

    def add(self, sample: np.ndarray) -> None:
        """A sample of the shape and dtype."""
        if not self._counts or self._counts[-1] == self._each:
            self._close()
            self._file = open(self._folder / f"{len(self._counts):04d}.rows", "wb", buffering=1024**2)  # noqa: SIM115
            self._counts.append(0)
        self._file.write(np.ascontiguousarray(sample, self._dtype).data)
        self._counts[-1] += 1

    def finish(
        self, name: str, split: str, labels: np.ndarray | None, skipped: list[str], see_through: list[str]
    ) -> None:
        """Writes what `Entry` says of the samples."""
        self._close()
        if labels is not None:
            np.save(self._folder / LABELS, labels)
        index = {
            "format": FORMAT,
            "name": name,
            "split": split,
            "shape": list(self._shape),
            "dtype": self._dtype.name,
            "counts": self._counts,
            "labelled": labels is not None,
            "skipped": skipped,
            "see_through": see_through,
            "made": time.time(),
        }
        (self._folder / INDEX).write_text(json.dumps(index), encoding="utf-8")

    def _close(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None


def entries(cache: Path | None = None) -> list[Entry | DamagedError]:
    """What a cache holds, the one that was used last first; of what cannot be read the error."""
    folder = default_folder() if cache is None else pathlib.Path(cache)
    found: list[Entry | DamagedError] = []
    for entry in sorted(folder.glob("*/" + INDEX)):
        try:
            found.append(open_entry(entry.parent))
        except DamagedError as error:
            found.append(error)
    return sorted(found, key=lambda each: -each.last_used if isinstance(each, Entry) else 0.0)


def clear(cache: Path | None = None, older: float = 0.0) -> tuple[int, int]:
    """Removes entries, and what builders that were killed have left.

    Args:
        cache: None is the default one.
        older: days since an entry was used; others stay.

    Returns:
        How many were removed, and the bytes that they took.

    Raises:
        ValueError: one of them cannot be removed.
    """
    folder = default_folder() if cache is None else pathlib.Path(cache)
    count = freed = 0
    for path in [*folder.glob("*/" + INDEX), *folder.glob(BUILDING + "*")]:
        entry = path.parent if path.name == INDEX else path
        used = entry / USED if (entry / USED).exists() else path
        if time.time() - used.stat().st_mtime < 86400.0 * older:
            continue
        with locked(entry, wait=False) as ours:
            if not ours:  # somebody is building it
                continue
            freed += size_of(entry)
            try:
                shutil.rmtree(entry)
            except OSError as error:
                raise ValueError(f"Cannot remove {entry}: {first_line(error)}.") from None
            count += 1
    return count, freed
