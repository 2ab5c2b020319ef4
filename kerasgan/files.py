"""Files that appear whole or not at all."""

import contextlib
import hashlib
import os
import pathlib
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path) -> Iterator[pathlib.Path]:
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


def leftovers(folder, *names) -> list[pathlib.Path]:
    """What `replacing` leaves in a folder when its process is killed, of files named so; `*` is anything."""
    found = []
    for name in names:
        suffix = "".join(pathlib.PurePath(name).suffixes)
        found += pathlib.Path(folder).glob(f".{name.removesuffix(suffix)}-????????{suffix}")
    return found


def check_output_file(path) -> pathlib.Path:
    """The path, if a file can be written there.

    Raises:
        ValueError: it is a folder, or the nearest folder above it that exists is none or is not writable.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the name of a file.")
    check_writable(path.parent)
    return path


def check_writable(folder) -> pathlib.Path:
    """The folder, if it is or could be made one that can be written to.

    Raises:
        ValueError: it or something above it is a file, or is not writable.
    """
    folder = pathlib.Path(folder)
    nearest = folder.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir():
        raise ValueError(f"{nearest} is a file; a folder is needed there.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"{nearest} is not writable.")
    return folder


def sha256_of(path) -> str:
    """Of a file's bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
