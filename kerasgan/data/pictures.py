"""Where files of pictures lie: a folder, with all below it, or a `.zip` archive, which is read as it is.

Nothing of an archive is unpacked to disk, so that the names in it, whatever they are, lead nowhere.
"""

import io
import os
import pathlib
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from kerasgan.data.images import SUFFIXES
from kerasgan.errors import first_line

ARCHIVE = ".zip"
LARGEST_FILE = 2**28  # bytes of one picture in an archive; a few kB of it can unpack to gigabytes

_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)  # of an archive's own content


class _Paths(Sequence):
    """Paths that are made when they are asked for: of 200,000 that takes seconds, and a cache does without."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, index: Any) -> Any:
        found = self._texts[index]
        return list(map(pathlib.PurePath, found)) if isinstance(index, slice) else pathlib.PurePath(found)


class Pictures:
    """The files of pictures in a folder or an archive.

    Attributes:
        path: of the folder or archive.
        files: where each lies in it, in the order of their paths.
        folders: names of the folders that lie directly in it and are not hidden, in their order; they may hold none.
        links: links to folders, which are not followed.
        fingerprint: gives what changes where a file does, or another comes or goes: names, sizes and times.
    """

    def __init__(
        self,
        path: pathlib.Path,
        files: Sequence[pathlib.PurePath],
        folders: list[str],
        open_file: Callable[[pathlib.PurePath], BinaryIO],
        fingerprint: Callable[[], Any],
        links: tuple[str, ...] = (),
    ) -> None:
        self.path = path
        self.files = files
        self.folders = folders
        self.links = links
        self.fingerprint = fingerprint
        self._open = open_file

    def open(self, file: pathlib.PurePath) -> BinaryIO:
        """A picture's file, to read.

        Raises:
            OSError: it cannot be read, or is none that anybody would keep a picture in.
        """
        try:
            return self._open(file)
        except _FAULTS as error:
            raise OSError(first_line(error)) from None


def find_pictures(path: pathlib.Path) -> Pictures:
    """The pictures in a folder or an archive, by their names' endings; nothing of them is read.

    Raises:
        ValueError: there is no such thing, it cannot be read, or it holds no picture.
    """
    if path.is_dir():
        found = _in_folder(path)
    elif path.is_file() and path.suffix.lower() == ARCHIVE:
        found = _in_archive(path)
    else:
        raise ValueError(f"There is no folder {path}.")
    if not found.files:
        links = f"; links to folders are not followed ({', '.join(found.links[:3])})" if found.links else ""
        raise ValueError(f"{path} holds no images ({', '.join(SUFFIXES)}){links}.")
    return found


def _in_folder(path):
    found: list[str] = []  # as texts: of 200,000 files pathlib makes seconds
    links: list[str] = []
    folders = [""]
    while folders:
        within = folders.pop()
        try:
            entries = list(os.scandir(os.path.join(path, within)))
        except OSError:  # it may not be read, or has vanished
            continue
        before = os.path.join(within, "")
        for entry in entries:
            name = before + entry.name
            if _is(entry.is_dir):
                (links if entry.is_symlink() else folders).append(name)
            elif os.path.splitext(entry.name)[1].lower() not in SUFFIXES:
                continue
            elif _is(entry.is_file) or not os.path.exists(entry.path):  # of a link to nothing is said that it is one
                found.append(name)
    found.sort(key=lambda name: name.replace(os.sep, "\0"))  # part by part: nothing in a name comes before that
    direct = sorted(entry.name for entry in os.scandir(path) if _is(entry.is_dir) and entry.name[0] != ".")

    def fingerprint() -> Any:
        before = os.path.join(path, "")
        return ["folder", [[name, *_size_and_time(before + name)] for name in found]]

    return Pictures(
        path, _Paths(found), direct, lambda file: open(path / file, "rb"), fingerprint, tuple(sorted(links))
    )


def _is(kind):
    try:
        return kind()
    except OSError:  # of links in a circle
        return False


def _size_and_time(file):
    try:
        found = os.stat(file)
    except OSError:  # it has vanished since it was listed
        return None, None
    return found.st_size, found.st_mtime_ns


def _in_archive(path):
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise ValueError(f"{path} is no archive that can be read: {first_line(error)}.") from None
    entries: dict[pathlib.PurePath, zipfile.ZipInfo] = {}
    folders = set()
    for entry in archive.infolist():
        name = pathlib.PurePosixPath(entry.filename.replace("\\", "/"))
        if "__MACOSX" in name.parts or name.name.startswith("._"):  # a Mac's notes beside each file
            continue
        folders.add(name if entry.is_dir() else name.parent)
        if not entry.is_dir() and name.suffix.lower() in SUFFIXES:
            entries[name] = entry
    if any(entry.flag_bits & 1 for entry in entries.values()):
        raise ValueError(f"The pictures in {path} are encrypted; unpack it, and give the folder.")
    top = _common_folder(list(entries))
    within = {name.relative_to(top): entry for name, entry in entries.items()}
    direct = {folder.relative_to(top).parts[0] for folder in folders if top in folder.parents}

    def open_file(file):
        entry = within[file]
        if entry.file_size > LARGEST_FILE:
            raise OSError(f"it unpacks to {entry.file_size} bytes")
        with archive.open(entry) as content:  # which gives no more than the size that the archive tells
            return io.BytesIO(content.read())

    return Pictures(
        path,
        sorted(within),
        sorted(name for name in direct if name[0] != "."),
        open_file,
        lambda: ["archive", str(path.absolute()), *_size_and_time(path)],
    )


def _common_folder(files):
    """Where all files of an archive lie: what was packed is often one folder, which its own name comes before."""
    if not files:
        return pathlib.PurePosixPath()
    common = files[0].parent
    while not all(common in file.parents for file in files):
        common = common.parent
    # Of one class folder alone nobody can tell that it is one.
    return common
