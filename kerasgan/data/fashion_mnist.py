"""Gets Fashion-MNIST, also where its web site cannot be reached.

`python -m kerasgan.data.fashion_mnist` tries, in this order: a copy that tensorflow-datasets has prepared already;
Debian's package `dataset-fashion-mnist`; tensorflow-datasets' own download. The package holds the original images,
compressed anew without name and time; with the original gzip header put back the archives are byte for byte those that
tensorflow-datasets expects, so that its own checksums judge them.
"""

import pathlib
import struct
import subprocess
import tempfile

from kerasgan.data import packages
from kerasgan.data.packages import NotAvailableError
from kerasgan.errors import first_line
from kerasgan.messages import say

PACKAGE = "dataset-fashion-mnist"
INSTALLED = pathlib.Path("/usr/share/datasets/fashion-mnist")

# The archives, and the modification time in each one's original gzip header.
ARCHIVES = {
    "train-images-idx3-ubyte.gz": 1504176606,
    "train-labels-idx1-ubyte.gz": 1504176606,
    "t10k-images-idx3-ubyte.gz": 1504176627,
    "t10k-labels-idx1-ubyte.gz": 1504176627,
}

REMEDIES = """\
Fashion-MNIST could not be had: {reasons}
Any one of these helps:
  1. on Debian or Ubuntu:  sudo apt-get update && sudo apt-get install {package}
  2. with access to the web:  tfds build fashion_mnist
  3. copy the folder fashion_mnist/ of a machine that has it into {data_dir}
and then repeat the command."""


def restore_archive(packed: bytes, name: str) -> bytes:
    """Puts the original gzip header back.

    Args:
        packed: Debian's archive, whose header is the ten bytes of a gzip member without name and time.
        name: the archive's file name, one of `ARCHIVES`.

    Raises:
        ValueError: `packed` does not begin with such a header.
    """
    if packed[:4] != b"\x1f\x8b\x08\x00":
        raise ValueError(f"{name} is not a gzip archive without a file name; cannot restore its header.")
    header = b"\x1f\x8b\x08\x08" + struct.pack("<I", ARCHIVES[name]) + b"\x00\x03"
    return header + name.removesuffix(".gz").encode() + b"\x00" + packed[10:]


def prepare(data_dir: str | None = None) -> None:
    """Makes sure that `tfds.load("fashion_mnist")` finds its data.

    Args:
        data_dir: tensorflow-datasets' folder; None is its default.

    Raises:
        NotAvailableError: it was not there and could not be had.
    """
    import tensorflow_datasets as tfds

    if is_prepared(data_dir):
        return
    builder = tfds.builder("fashion_mnist", data_dir=data_dir)
    reasons = []
    with tempfile.TemporaryDirectory(prefix="kerasgan-fashion-mnist-") as temporary:
        folder = pathlib.Path(temporary)
        try:
            archives = _find_archives(folder)
            for name in ARCHIVES:
                (folder / name).write_bytes(restore_archive((archives / name).read_bytes(), name))
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            reasons.append(f"Debian's package: {error}")
        else:
            say("preparing the 70,000 images for tensorflow-datasets (about half a minute)")
            builder.download_and_prepare(
                download_config=tfds.download.DownloadConfig(manual_dir=folder),
                download_dir=folder / "downloads",
            )
            return
    say("downloading Fashion-MNIST from its web site; without a network this gives up after some minutes")
    try:
        builder.download_and_prepare()
    except Exception as error:  # whatever the network, the server or the disk may answer
        reasons.append(f"download: {first_line(error)}")
        raise NotAvailableError(
            REMEDIES.format(reasons="; ".join(reasons), package=PACKAGE, data_dir=builder.data_path.parent.parent)
        ) from error


def is_prepared(data_dir: str | None = None) -> bool:
    """Whether tensorflow-datasets has Fashion-MNIST ready on this machine."""
    return packages.is_prepared("fashion_mnist", data_dir)


def _find_archives(folder: pathlib.Path) -> pathlib.Path:
    """The folder with Debian's four archives: the installed package's, or one unpacked below `folder`."""
    if all((INSTALLED / name).is_file() for name in ARCHIVES):
        return INSTALLED
    return packages.fetch((PACKAGE,), folder, "31 MB") / INSTALLED.relative_to("/")


def main() -> None:
    """The command."""
    packages.prepare_by_command(prepare, "Fashion-MNIST")


if __name__ == "__main__":
    main()
