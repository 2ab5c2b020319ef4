"""Files that appear whole or not at all, and folders that one process at a time writes to."""

import contextlib
import hashlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


Path = str | os.PathLike


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[pathlib.Path]:
    """A path beside `path` to write to; what is there at the end takes `path`'s place, unless an error came first.

    The suffixes are kept, because writers choose their format by them. Folders above `path` are made.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = "".join(path.suffixes)
    handle, name = tempfile.mkstemp(prefix=f".{path.name.removesuffix(suffix)}-", suffix=suffix, dir=path.parent)
    os.close(handle)
    temporary = pathlib.Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())  # or a power cut could leave the new name with the old disk blocks
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp's own mode is private
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def cache_folder() -> pathlib.Path:
    """Where kerasgan keeps what it fetched or made, and can fetch or make again: `$KERASGAN_CACHE`, or
    `~/.cache/kerasgan`.
    """
    return pathlib.Path(os.environ.get("KERASGAN_CACHE") or pathlib.Path.home() / ".cache" / "kerasgan")


def leftovers(folder: Path, *names: str) -> list[pathlib.Path]:
    """What `replacing` leaves in a folder when its process is killed, of files named so; `*` is anything."""
    found: list[pathlib.Path] = []
    for name in names:
        suffix = "".join(pathlib.PurePath(name).suffixes)
        found += pathlib.Path(folder).glob(f".{name.removesuffix(suffix)}-????????{suffix}")
    return found


def check_output_file(path: Path) -> pathlib.Path:
    """The path, if a file can be written there.

    Raises:
        ValueError: it is a folder, or the nearest folder above it that exists is none or is not writable.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the name of a file.")
    check_writable(path.parent)
    return path


def check_writable(folder: Path) -> pathlib.Path:
    """The folder, if it is or could be made one that can be written to.

    Raises:
        ValueError: it or something above it is a file, or is not writable.
    """
    folder = pathlib.Path(folder)
    nearest = _nearest(folder)
    if not nearest.is_dir():
        raise ValueError(f"{nearest} is a file; a folder is needed there.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"{nearest} is not writable.")
    return folder


def free_space(folder: Path) -> int:
    """The bytes that are free on the disk where a folder is or would be made."""
    return shutil.disk_usage(_nearest(pathlib.Path(folder))).free


def size_of(path: Path) -> int:
    """The bytes that a file, or all files in a folder, take; 0 where there is nothing."""
    path = pathlib.Path(path)
    parts = path.rglob("*") if path.is_dir() else [path]
    return sum(part.stat().st_size for part in parts if part.is_file())


def _nearest(folder: pathlib.Path) -> pathlib.Path:
    """The folder, or the nearest thing above it that exists."""
    nearest = folder.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    return nearest


@contextlib.contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[bool]:
    """Holds a folder's lock, which the system releases when the process dies; gives whether it could be had.

    It cannot where somebody else holds it, or has just removed the folder, or is another user; nor, ever, on a file
    system without locks.
    """
    with contextlib.ExitStack() as stack:
        try:
            _lock(folder, wait, stack)
        except OSError:
            yield False
        else:
            yield True


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds a folder's lock, as `locked` does; on a file system without locks, nothing.

    Raises:
        BlockingIOError: somebody else holds it.
    """
    with contextlib.ExitStack() as stack:
        try:
            _lock(folder, False, stack)
        except BlockingIOError:
            raise
        except OSError:
            pass  # there are no locks here, or the folder is another user's: nothing can be said
        yield


def _lock(folder, wait, stack):
    if fcntl is None:
        raise OSError("this system has no flock")
    descriptor = os.open(folder, os.O_RDONLY)
    stack.callback(os.close, descriptor)
    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def sha256_of(path: Path) -> str:
    """Of a file's bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
