"""Other datasets of tensorflow-datasets, as `tfds.testing.mock_data` makes them up: nothing is downloaded."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

import kerasgan
from kerasgan import data

CLASSES = tuple("0123456789")  # their names stand in the files that are not there


@pytest.fixture
def made_up(monkeypatch):
    """Random images in the shapes of every dataset; it knows no splits, and gives of any the same 24."""
    monkeypatch.setattr("kerasgan.data.packages.is_prepared", lambda *_: True)  # or MNIST is fetched at every loading
    with tfds.testing.mock_data(num_examples=24, policy=tfds.testing.MockPolicy.USE_CODE):
        yield


def raw(name):
    return np.stack([example["image"] for example in tfds.as_numpy(tfds.load(name, split="train"))])


def dcgan(side, channels=3):
    small = {"generator_width": 4, "discriminator_width": 4}
    return kerasgan.create_model("dcgan", image_shape=(side, side, channels), **small)


@pytest.mark.parametrize(
    ("name", "shape", "side"),
    [
        ("mnist", (28, 28, 1), 28),
        ("cifar10", (32, 32, 3), 32),
        ("stl10", (96, 96, 3), 64),
        ("cifar10", (32, 32, 3), 64),
    ],
)
def test_labelled_images(made_up, name, shape, side):
    assert data.image_shape_of(name) == shape
    gan = dcgan(side, shape[2])
    batches = list(data.load(name, batch_size=8, like=gan).as_numpy_iterator())
    assert [batch.shape for batch in batches] == [(8, side, side, shape[2])] * 3
    assert min(batch.min() for batch in batches) == pytest.approx(-1, abs=0.05)
    assert max(batch.max() for batch in batches) == pytest.approx(1, abs=0.05)
    in_order = np.concatenate(list(data.load(name, "test", batch_size=8, like=gan).as_numpy_iterator()))
    if shape[0] == side:
        np.testing.assert_allclose(in_order, raw(name) / 127.5 - 1, atol=1e-6)
    labels, names = data.load_labels(name)
    assert names == data.classes_of(name) == CLASSES
    theirs = [int(example["label"]) for example in tfds.as_numpy(tfds.load(name, split="train"))]
    assert labels.tolist() == theirs
    (images, classes), *_ = data.load(name, batch_size=8, like=gan, labels=True, shuffle=False).as_numpy_iterator()
    np.testing.assert_array_equal(images, in_order[:8])
    assert classes.tolist() == theirs[:8]


def test_grey_and_colour_become_each_other(made_up):
    assert data.load_array("mnist", image_shape=(32, 32, 3)).shape == (24, 32, 32, 3)
    grey = data.load_array("cifar10", image_shape=(32, 32, 1))
    theirs = [np.asarray(Image.fromarray(image).convert("L")) for image in raw("cifar10")]
    np.testing.assert_allclose(grey[..., 0].astype(int), np.stack(theirs).astype(int), atol=1)


def test_celebrities_are_cropped_to_a_square(made_up):
    """The 178x178 in the middle of 178x218, brought to 64: as PyTorch's DCGAN example has them, whose Resize(64) and
    CenterCrop(64) give the same field of view.
    """
    assert data.image_shape_of("celeb_a") == (218, 178, 3)
    faces = data.load_array("celeb_a", "train", (64, 64, 3))
    assert faces.shape == (24, 64, 64, 3)
    for face, image in zip(faces, raw("celeb_a"), strict=True):
        square = Image.fromarray(image).crop((0, 20, 178, 198))
        resized = np.asarray(square.resize((64, 64), Image.Resampling.BICUBIC))
        np.testing.assert_array_equal(face[2:-2], resized[2:-2])  # ours looks beyond the cut for the rows along it
    assert len(data.load("celeb_a", batch_size=8, like=dcgan(64))) == 3
    assert data.load_labels("celeb_a") is None
    assert data.classes_of("celeb_a") is None
    with pytest.raises(
        ValueError, match=r"celeb_a has no labels: .* it has attributes, .*image, landmarks, and no 'label'"
    ):
        data.load("celeb_a", batch_size=8, labels=True)


def test_large_images_are_read_a_few_at_once(made_up, monkeypatch):
    from kerasgan.data import tfds as source

    whole = data.load_array("celeb_a")
    monkeypatch.setattr(source, "BATCH_BYTES", 1)
    np.testing.assert_array_equal(data.load_array("celeb_a"), whole)
    assert whole.shape == (24, 218, 178, 3)


def test_splits_of_a_real_one_are_still_judged(fashion_mnist):
    with pytest.raises(ValueError, match=r"has no split 'train\[99990:\]'; it has train, test"):
        data.load(fashion_mnist, "train[99990:]")
    with pytest.raises(ValueError, match=r"Split 'train\[1:1\]' of fashion_mnist holds none of its images\."):
        data.load(fashion_mnist, "train[1:1]")


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("celeb_a", "celeb_a:2.1.0"),
        ("celeb_a:2.1.0", "celeb_a:2.1.0"),
        ("celeb_a:2.*.*", "celeb_a:2.1.0"),
        ("cycle_gan:apple2orange", "cycle_gan/apple2orange:3.0.0"),
        ("cycle_gan/apple2orange:3.0.0", "cycle_gan/apple2orange:3.0.0"),
        ("cycle_gan:apple2orange:3.0.0", "cycle_gan/apple2orange:3.0.0"),
    ],
)
def test_versions_and_configurations(made_up, name, whole):
    assert data.with_version(name) == data.with_version(whole) == whole
    assert data.load_array(name, image_shape=(8, 8, 3)).shape == (24, 8, 8, 3)


@pytest.mark.parametrize("name", ["celeb_a:1.0.0", "cycle_gan/apple2orange:1.0.0", "cycle_gan:apple2orange:1.0.0"])
def test_a_version_that_is_not_there(name):
    base = name[:7] if name.startswith("celeb") else "cycle_gan"
    version = "2.1.0" if base == "celeb_a" else "3.0.0"
    with pytest.raises(
        ValueError, match=rf"Dataset '{base}' has no version '1.0.0'; tensorflow-datasets has {version}\.$"
    ):
        data.load(name)
