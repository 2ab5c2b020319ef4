"""Files out of Debian's packages, for which nobody needs to be root; and what is said where a dataset cannot be had."""

import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable

from kerasgan.messages import say


class NotAvailableError(RuntimeError):
    """A dataset is not here and none of the ways to get it worked; the message says what helps."""


def fetch(packages: tuple[str, ...], folder: pathlib.Path, size: str) -> pathlib.Path:
    """Downloads packages with apt-get and unpacks them.

    Args:
        packages: their names.
        folder: an empty one, for the packages and what is in them.
        size: of the downloads, for the message: "31 MB".

    Returns:
        The folder that stands for `/`: what a package installs as /usr/share/x lies in usr/share/x below it.

    Raises:
        OSError: there is no apt-get here, or it downloaded nothing.
        subprocess.SubprocessError: it failed; the error quotes it.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise OSError(f"there is no {tool} on this machine")
    say(f"fetching Debian's package {' and '.join(packages)} ({size})")
    options = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=30"]
    if os.geteuid() == 0:
        options += ["-o", "APT::Sandbox::User=root"]  # or apt warns that its own user cannot write here
    download = ["download", *packages]
    try:
        run(["apt-get", *options, *download], folder)
    except subprocess.CalledProcessError:
        # The machine's package lists are empty or old. A private copy of them needs no rights.
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        options += ["-o", f"Dir::State::Lists={folder / 'lists'}", "-o", f"Dir::Cache={folder / 'cache'}"]
        run(["apt-get", *options, "update"], folder)
        run(["apt-get", *options, *download], folder)
    root = folder / "package"
    for package in packages:
        found = list(folder.glob(f"{package}_*.deb"))
        if not found:
            raise OSError(f"apt-get downloaded no {package}")
        run(["dpkg-deb", "-x", str(found[0]), str(root)], folder)
    return root


def is_prepared(name: str, data_dir: str | None = None) -> bool:
    """Whether tensorflow-datasets has a dataset ready on this machine, in the folder that is its own or another."""
    import tensorflow_datasets as tfds

    return (tfds.builder(name, data_dir=data_dir).data_path / "dataset_info.json").exists()


def prepare_by_command(prepare: Callable[[], None], called: str) -> None:
    """What a dataset's module does as a command: exit status 1, and what helps, where its pictures cannot be had."""
    try:
        prepare()
    except (NotAvailableError, ValueError) as error:
        sys.exit(str(error))
    say(f"{called} is ready")


def run(command: list[str], folder: pathlib.Path, mark: str = "E:") -> None:
    """Runs a program in a folder, for ten minutes at most.

    Args:
        command: the program and its arguments.
        folder: where.
        mark: what its lines begin with that say what went wrong.

    Raises:
        OSError: there is no such program.
        subprocess.SubprocessError: it failed; the error quotes the first of those lines.
    """
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=600)
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.startswith(mark)]
        raise subprocess.CalledProcessError(
            error.returncode, f"{command[0]} ({said[0] if said else 'no message'})"
        ) from error
