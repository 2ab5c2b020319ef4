"""Which source a name means, what files and toys give, and what is said of bad ones."""

import pathlib
import sys

import numpy as np
import pytest

from kerasgan import data, toys


def marked(n):
    """n images of 4x4 whose every pixel is their number."""
    return np.repeat(np.arange(n, dtype=np.uint8), 16).reshape(n, 4, 4, 1)


def test_numpy_files(tmp_path):
    np.savez(tmp_path / "one.npz", marked(5))
    np.savez_compressed(tmp_path / "two.npz", images=marked(6), labels=np.arange(6))
    np.save(tmp_path / "three.npy", marked(7)[..., 0])
    for name, n in (("one.npz", 5), ("two.npz", 6), ("three.npy", 7)):
        for source in (str(tmp_path / name), tmp_path / name):
            assert data.load_array(source)[:, 0, 0, 0].tolist() == list(range(n))


def test_toys_are_points_as_they_are():
    (batch,) = data.load("ring", split="test[:1%]", batch_size=100).as_numpy_iterator()
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch, toys.ring().sample(10_000, seed=1)[:100])
    assert len(data.load("grid", batch_size=100)) == 1000
    assert data.image_shape_of("swiss_roll") == (2,)
    train = data.load_array("gaussian")
    assert train.shape == (100_000, 1)
    assert not np.isin(data.load_array("gaussian", "test"), train).all()
    own = np.array([[1.5, -300.0], [0.0, 7.0]])
    (batch,) = data.load(own, batch_size=2, shuffle=False, value_range=(0, 1)).as_numpy_iterator()
    np.testing.assert_array_equal(batch, own)


def nan_images():
    images = np.zeros((4, 8, 8, 1), np.float32)
    images[2, 3, 3] = np.nan
    return images


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (marked(4), {"batch_size": 0}, "batch_size must be a whole number, at least 1; found 0"),
        (marked(4), {"batch_size": 2.0}, "batch_size must be a whole number"),
        (marked(4), {"batch_size": 5}, "the array has 4 samples in split 'train', fewer than one batch of 5"),
        (marked(4), {"split": "test"}, "has one split, 'train', and slices of it"),
        (marked(4), {"split": "train[9:]"}, "holds none of its 4 images"),
        (marked(4), {"image_shape": (4, 4, 2)}, r"image_shape must be \(height, width, 1 or 3\)"),
        (nan_images(), {}, "has NaN in its images"),
        (np.full((4, 8, 8, 1), 3.5), {}, r"holds floats from 3.5 to 3.5; images must lie in \[0, 1\]"),
        (np.full((4, 8, 8, 1), 300), {}, "holds whole numbers from 300 to 300"),
        (np.zeros((4, 8), int), {}, r"must hold images \[N, H, W\].* or points .*; found int64 of shape \(4, 8\)"),
        (np.zeros((0, 8, 8, 1)), {}, r"found float64 of shape \(0, 8, 8, 1\)"),
        (np.full((4, 2), np.inf), {}, "has values that are not finite"),
        ("ring", {"split": "validation"}, r"ring has the splits train and test, .*; found 'validation'"),
        (
            "ring",
            {"image_shape": (28, 28, 1)},
            r"points of shape \(2,\), the model takes \(28, 28, 1\).*Fully connected",
        ),
        ("gaussian", {"image_shape": (2,)}, r"gaussian holds points of shape \(1,\), the model takes \(2,\)"),
        (
            marked(4),
            {"image_shape": (2,)},
            r"holds images, the model takes vectors of shape \(2,\); .*ring, swiss_roll",
        ),
        ("rnig", {}, r"nor a toy \(gaussian, grid, ring, swiss_roll\). Did you mean 'ring'"),
        (np.full((4, 8, 8, 1), "x"), {}, "must be uint8 in 0..255 or floats"),
        ("folder:/no/such/place", {}, "There is no folder /no/such/place"),
        ("/no/such.npz", {}, "There is no file /no/such.npz"),
        ("fashion_mnits", {}, "Unknown dataset 'fashion_mnits'.*Did you mean 'fashion_mnist'"),
        ("imdb_reviews", {}, "has no 'image' feature; it has label, text"),
        ("cifar10:nosuch", {}, "Dataset 'cifar10' has no configuration 'nosuch'; it has none"),
        (
            "cycle_gan:aple2orange",
            {},
            "no configuration 'aple2orange'; it has apple2orange.*Did you mean 'apple2orange'",
        ),
    ],
)
def test_bad_sources_are_named(source, options, message):
    with pytest.raises(ValueError, match=message):
        data.load(source, **{"batch_size": 1, **options})


def test_damaged_files_are_named(tmp_path):
    with pytest.raises(ValueError, match="holds no images"):
        data.load(f"folder:{tmp_path}", batch_size=1)
    np.savez(tmp_path / "a.npz", first=marked(2), second=marked(2))
    with pytest.raises(ValueError, match="it holds first, second; name the array 'images'"):
        data.load(str(tmp_path / "a.npz"), batch_size=1)
    np.savez(tmp_path / "c.npz", marked(200))
    whole = (tmp_path / "c.npz").read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 10):
        (tmp_path / "b.npz").write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"Cannot read images from .*b.npz"):
            data.load(str(tmp_path / "b.npz"), batch_size=1)
    np.save(tmp_path / "p.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        data.load(str(tmp_path / "p.npy"), batch_size=1)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"nothing")
    with (
        pytest.warns(UserWarning, match="Skipped 1"),
        pytest.raises(ValueError, match="holds no readable image; skipped 1"),
    ):
        data.load(f"folder:{tmp_path / 'bad'}", batch_size=1, image_shape=(4, 4, 1))


# -- paths -------------------------------------------------------------------------------------------------------------


def test_a_folder_by_its_path(picture_folder, monkeypatch):
    expected = data.load_array(f"folder:{picture_folder}")
    monkeypatch.chdir(picture_folder.parent)
    monkeypatch.setenv("HOME", str(picture_folder.parent))
    for name in (picture_folder, str(picture_folder), f"{picture_folder}/", "pictures", "./pictures", "~/pictures"):
        np.testing.assert_array_equal(data.load_array(name), expected)
        assert data.image_shape_of(name) == (12, 12, 1)
        assert data.splits_of(name) == ("train",)
        assert data.load_labels(name) is None
        assert data.with_version(name) == name
        assert data.describe(name) == str(name)
    np.testing.assert_array_equal(data.load_array(pathlib.Path("pictures")), expected)
    np.savez(picture_folder.parent / "same.npz", expected)
    np.testing.assert_array_equal(data.load_array("~/same.npz"), expected)


def test_a_dataset_comes_before_a_folder_of_its_name(picture_folder, monkeypatch):
    monkeypatch.chdir(picture_folder.parent)
    picture_folder.rename("fashion_mnist")
    assert data.with_version("fashion_mnist") == "fashion_mnist:3.0.1"
    assert data.image_shape_of("./fashion_mnist") == (12, 12, 1)
    assert data.image_shape_of(pathlib.Path("fashion_mnist")) == (12, 12, 1)
    pathlib.Path("fashion_mnist").rename("ring")
    assert data.image_shape_of("ring") == (2,)
    assert data.image_shape_of("folder:ring") == (12, 12, 1)


@pytest.mark.parametrize("prefix", ["", "folder:"])
@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "./nowhere",
            r"There is no folder nowhere .*\(folder:PATH\); the working directory holds the folders pictures\.",
        ),
        ("pictures/cats/", r"There is no folder pictures/cats .*folder:PATH.*; pictures holds no folders"),
        ("~/nowhere", r"There is no folder .*/nowhere to read images from"),
        ("pictures/*.png", r"pictures/\*.png is a pattern \(it matches 12 files\), .*: folder:pictures$"),
        ("pictures/**", r"is a pattern .*: folder:pictures$"),
        ("*.png", r"is a pattern \(it matches 0 files\), .*: folder:\.$"),
        ("./pictures/00.png", r"pictures/00.png is one image; give the folder it lies in: folder:pictures$"),
        ("./letter.txt", r"letter.txt is neither a folder of images \(folder:PATH\) nor a .zip, .npy or .npz file"),
        ("pictures/dogs", r"There is no folder pictures/dogs .*folder:PATH.*; pictures holds no folders"),
    ],
)
def test_paths_that_are_no_folder(picture_folder, monkeypatch, prefix, path, message):
    monkeypatch.chdir(picture_folder.parent)
    monkeypatch.setenv("HOME", str(picture_folder.parent))
    (picture_folder.parent / "letter.txt").write_text("Dear reader")
    with pytest.raises(ValueError, match=message) as caught:
        data.load(prefix + path)
    assert "\n" not in str(caught.value)


def test_a_path_is_told_without_asking_for_datasets(picture_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)  # an ImportError for whoever asks
    monkeypatch.chdir(picture_folder.parent)
    assert data.image_shape_of("./pictures") == (12, 12, 1)
    assert data.image_shape_of(picture_folder) == (12, 12, 1)
    for path in ("./nowhere", "pictures/*.png", "/no/where", "~/no where"):
        with pytest.raises(ValueError, match="folder:"):
            data.load(path)


def test_what_is_no_source_is_told_what_to_do():
    import tensorflow as tf

    with pytest.raises(ValueError, match=r"makes a tf.data.Dataset and takes none. Give yours to fit as it is, .*map"):
        data.load(tf.data.Dataset.from_tensors(np.zeros((8, 8, 1), np.float32)))
    for nothing in (None, {"images": marked(3)}, b"ring"):
        with pytest.raises(ValueError, match=r"takes a dataset's name, .* or an array; found (NoneType|dict|bytes)"):
            data.load(nothing)
    with pytest.raises(ValueError, match=r"list is no array of samples"):
        data.load([np.zeros((2, 2)), np.zeros((3, 3))])
    with pytest.raises(ValueError, match=r"takes a dataset's name, .*; found generator"):
        data.load(x for x in range(3))
    with pytest.raises(ValueError, match="found an empty name"):
        data.load("")
