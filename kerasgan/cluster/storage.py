"""A run's folder that lies in an object store: S3 and what speaks like it, or whatever else fsspec knows.

Training writes to a folder of its own, which is copied there with every checkpoint, and fetched by who goes on.
"""

import contextlib
import pathlib
import tempfile
import time
import urllib.parse
import uuid
from typing import Any

from kerasgan import checkpoints
from kerasgan.errors import first_line
from kerasgan.files import Path

OWNER = "owner"  # which process pushes; in the store alone
TIMES, PAUSE = 3, 2.0  # that something is tried, and the seconds between


class StorageError(ValueError):
    """The object store cannot be reached, or refuses."""


def is_remote(output: Any) -> bool:
    """Whether it is an address such as `s3://bucket/runs/dcgan`, and no path."""
    return "://" in str(output)


class Mirror:
    """A folder in an object store, and copies of it on machines.

    Credentials are the store's own library's business (for S3 those of the AWS tools); they are neither read nor said
    here.

    Args:
        address: such as `s3://bucket/runs/dcgan`.

    Attributes:
        filesystem: fsspec's.
        path: in it.

    Raises:
        StorageError: there is no library for such addresses, or they are none.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        if "@" in urllib.parse.urlsplit(self.address).netloc:  # it would stand in logs; it is not repeated here either
            raise StorageError(
                "A password does not belong into an address; the store's own settings have a place for it."
            )
        try:
            import fsspec
            import fsspec.implementations.local

            self.filesystem, self.path = fsspec.core.url_to_fs(self.address)
        except ImportError as error:  # it says what to install
            raise StorageError(f"{self.address} cannot be used: {first_line(error)}.") from None
        except Exception as error:  # a library's own
            raise StorageError(f"{self.address} is no address of a folder: {first_line(error)}.") from None
        if isinstance(self.filesystem, fsspec.implementations.local.LocalFileSystem):
            self.filesystem.auto_mkdir = True  # as stores do, which have no folders
        self._claim: bytes | None = None
        self._sent: dict[str, tuple[int, int]] = {}

    def claim(self) -> None:
        """Says that this process is the one that pushes from now on; whoever was before is refused at its next push.
        There are no locks in an object store.

        Raises:
            StorageError: it cannot be reached, or refuses.
        """
        claim = uuid.uuid4().bytes
        self._tried(lambda: self.filesystem.pipe_file(f"{self.path}/{OWNER}", claim))
        self._claim = claim

    def pull(self, folder: pathlib.Path, *names: str) -> None:
        """Fetches what is there, or of it the files and folders of these names; nothing where there is nothing.

        Raises:
            StorageError: it cannot be reached.
        """

        def fetch() -> None:
            for name in there:
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                self.filesystem.get_file(f"{self.path}/{name}", str(target))
                self._sent[name] = _state_of(target)

        there = [name for name in self.names() if name != OWNER and (not names or name.split("/")[0] in names)]
        self._tried(fetch)

    def push(self, folder: pathlib.Path) -> None:
        """Copies there what has changed since the last time, checkpoints last, and then removes what is gone here: so
        there is a whole checkpoint at any time.

        Raises:
            StorageError: it cannot be reached, or refuses, or another process has claimed it.
        """
        if self._claim is not None and self.read(OWNER) != self._claim:
            raise StorageError(f"Another training has taken {self.address} over; this one ends here.")
        names = [str(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file()]
        names = [name for name in names if not name.rsplit("/", 1)[-1].startswith(".")]

        def send() -> None:
            for name in sorted(names, key=lambda name: name.startswith("checkpoints/")):
                state = _state_of(folder / name)
                if self._sent.get(name) != state:
                    self.filesystem.put_file(str(folder / name), f"{self.path}/{name}")
                    self._sent[name] = state
            for name in set(self._sent) - set(names):
                self.filesystem.rm_file(f"{self.path}/{name}")
                del self._sent[name]

        self._tried(send)

    def names(self) -> list[str]:
        """What is there, such as `checkpoints/step-00000100.keras`.

        Raises:
            StorageError: it cannot be reached.
        """

        def find() -> None:
            self.filesystem.invalidate_cache()
            with contextlib.suppress(FileNotFoundError):  # not `exists`, which takes an error for a no
                found.extend(path.removeprefix(self.path).lstrip("/") for path in self.filesystem.find(self.path))

        found: list[str] = []
        self._tried(find)
        return found

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            StorageError: it is not there, or cannot be reached.
        """
        found: list[bytes] = []
        self._tried(lambda: found.append(self.filesystem.cat_file(f"{self.path}/{name}")))
        return found[-1]

    def put(self, path: pathlib.Path, name: str) -> None:
        """Copies one file there.

        Raises:
            StorageError: it cannot be reached, or refuses.
        """
        self._tried(lambda: self.filesystem.put_file(str(path), f"{self.path}/{name}"))

    def remove(self, *names: str) -> None:
        """Removes files and folders of these names.

        Raises:
            StorageError: it cannot be reached, or refuses.
        """

        def remove() -> None:
            for name in there:
                self.filesystem.rm_file(f"{self.path}/{name}")

        there = [name for name in self.names() if name.split("/")[0] in names]
        self._tried(remove)

    def _tried(self, act):
        for left in reversed(range(TIMES)):
            try:
                act()
                return
            except Exception as error:  # a library's own, of a network that may come back
                if not left:
                    raise StorageError(
                        f"{self.address} cannot be used: {type(error).__name__}: {first_line(error)}"
                    ) from None
                time.sleep(PAUSE)


class Place:
    """Where a run lies, as this machine sees it: a folder, or a copy of what one in an object store says of itself.

    Args:
        output: the folder, or an address.

    Attributes:
        output: absolute, or the address.
        folder: what can be looked at; of an address a temporary copy of the files that say what the run is.
        mirror: of an address.
    """

    LOOKED_AT = ("config.json", "history.csv", "diverged.json")

    def __init__(self, output: Path) -> None:
        self.mirror = Mirror(str(output)) if is_remote(output) else None
        if self.mirror is None:
            self.output = str(pathlib.Path(output).absolute())
            self.folder = pathlib.Path(output)
        else:
            self.output = self.mirror.address
            self._temporary = tempfile.TemporaryDirectory(prefix="kerasgan-run-")
            self.folder = pathlib.Path(self._temporary.name) / "run"
            self.look()

    def check(self, resume: bool, overwrite: bool) -> None:
        """Whether a run may be written there; see `kerasgan.runs.train` for what it raises."""
        from kerasgan import runs

        try:
            runs.check_output(self.folder, resume, overwrite)
        except ValueError as error:
            raise type(error)(str(error).replace(str(self.folder), self.output)) from None

    def look(self) -> None:
        """Brings the copy up to date."""
        if self.mirror is not None:
            self.mirror.pull(self.folder, *self.LOOKED_AT)

    def newest(self) -> int:
        """The step of the newest checkpoint; -1 where there is none."""
        if self.mirror is None:
            found = checkpoints.paths(self.folder / "checkpoints")
        else:
            names = [pathlib.PurePath(name) for name in self.mirror.names()]
            found = [pathlib.Path(name.name) for name in names if name.match("checkpoints/step-*.keras")]
        return max(map(checkpoints.step_of, found), default=-1)


def _state_of(path):
    status = path.stat()
    return status.st_size, status.st_mtime_ns
