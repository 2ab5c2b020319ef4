"""Fashion-MNIST: how it is had, its images, labels and splits."""

import gzip
import io
import subprocess
import sys

import numpy as np
import pytest

from kerasgan import data
from kerasgan.data import fashion_mnist


def test_the_original_gzip_header_is_restored():
    content = b"sixty thousand garments" * 10
    packed = gzip.compress(content, mtime=0)
    packed = packed[:9] + b"\x03" + packed[10:]  # Debian's: no name, no time, made on Unix
    restored = fashion_mnist.restore_archive(packed, "t10k-labels-idx1-ubyte.gz")
    with gzip.GzipFile(fileobj=io.BytesIO(restored)) as file:
        assert file.read() == content
        assert file.mtime == 1504176627  # 2017-08-31, read by gzip itself
    assert restored[10:34] == b"t10k-labels-idx1-ubyte\x00" + restored[33:34]
    with pytest.raises(ValueError, match="cannot restore its header"):
        fashion_mnist.restore_archive(restored, "t10k-labels-idx1-ubyte.gz")


def test_when_nothing_helps_three_remedies_are_named(monkeypatch, tmp_path):
    import tensorflow_datasets as tfds

    def fail(self, **kwargs):
        raise ConnectionError("no network")

    monkeypatch.setattr(fashion_mnist, "INSTALLED", tmp_path / "nowhere")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(fashion_mnist.NotAvailableError) as caught:
        fashion_mnist.prepare(data_dir=tmp_path)
    text = str(caught.value)
    assert "there is no apt-get on this machine" in text
    assert "no network" in text
    for remedy in ("apt-get install dataset-fashion-mnist", "tfds build fashion_mnist", str(tmp_path)):
        assert remedy in text


def test_fashion_mnist_by_name(fashion_mnist):
    dataset = data.load(fashion_mnist, split="train[:1%]", batch_size=100)
    assert len(dataset) == 6
    assert dataset.element_spec.shape == (100, 28, 28, 1)
    batch = next(iter(dataset)).numpy()
    assert batch.min() == -1.0
    assert batch.max() == 1.0
    assert data.image_shape_of(fashion_mnist) == (28, 28, 1)
    # The data set's own published mean of its test images is 73.15 of 255 (28.68 %).
    assert data.load_array(fashion_mnist, "test").mean() == pytest.approx(73.15, abs=0.05)
    with pytest.raises(ValueError, match=r"has no split 'validation'; it has .*train"):
        data.load(fashion_mnist, split="validation", batch_size=1)


def test_labels_and_splits(fashion_mnist):
    labels, names = data.load_labels(fashion_mnist, "test")
    assert np.bincount(labels).tolist() == [1000] * 10  # as its authors made it
    assert names[:2] == ("T-shirt/top", "Trouser")
    images = data.load_array(fashion_mnist, "test")
    heights = [(images[labels == label] > 0).any((2, 3)).sum(1).mean() for label in (1, 7)]
    assert heights[0] > 20 > heights[1]  # trousers are tall and sneakers are not: the labels are those of the images
    assert data.load_labels("ring") is None
    assert data.splits_of(fashion_mnist) == ("train", "test")
    assert data.splits_of("ring") == ("train", "test")
    assert data.splits_of(images) == ("train",)
    assert data.with_version(fashion_mnist) == "fashion_mnist:3.0.1"
    assert data.with_version("ring") == "ring"


def test_the_old_name_still_works():
    code = "import kerasgan.fashion_mnist as old, kerasgan.data.fashion_mnist as new; print(old.prepare is new.prepare)"
    run = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "True"
    assert "DeprecationWarning: kerasgan.fashion_mnist has become kerasgan.data.fashion_mnist" in run.stderr


@pytest.mark.parametrize("module", ["kerasgan.fashion_mnist", "kerasgan.data.fashion_mnist"])
def test_the_command(fashion_mnist, module):
    del fashion_mnist
    run = subprocess.run([sys.executable, "-m", module], capture_output=True, text=True)
    assert run.returncode == 0
    assert run.stderr.rstrip().endswith("kerasgan: Fashion-MNIST is ready")
    assert ("DeprecationWarning" in run.stderr) == (module == "kerasgan.fashion_mnist")
