"""Pipelines of real images: shapes, ranges, order, and what is said of bad sources."""

import gzip
import io

import numpy as np
import pytest
from conftest import small_gan
from PIL import Image

from kerasgan import data, toys
from kerasgan.data import fashion_mnist


def batches(*args, **options):
    return [batch.numpy() for batch in data.load(*args, **options)]


def marked(n):
    """n images of 4x4 whose every pixel is their number."""
    return np.repeat(np.arange(n, dtype=np.uint8), 16).reshape(n, 4, 4, 1)


def order(*args, **options):
    """The numbers of `marked` images in the order in which they come."""
    return [round(image[0, 0, 0] * 255) for b in batches(*args, value_range=(0, 1), **options) for image in b]


def test_values_and_shapes():
    images = np.array([0, 51, 255], np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)
    (batch,) = batches(images, batch_size=3, shuffle=False)
    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch[:, 0, 0, 0], [-1.0, -0.6, 1.0], atol=1e-6)
    (batch,) = batches(images, batch_size=3, shuffle=False, value_range=(0, 1), image_shape=(8, 8, 3))
    assert batch.shape == (3, 8, 8, 3)
    np.testing.assert_allclose(batch[:, 5, 2, 1], [0.0, 0.2, 1.0], atol=1e-6)
    (batch,) = batches(images / np.float32(255), batch_size=3, shuffle=False)
    np.testing.assert_allclose(batch[:, 0, 0, 0], [-1.0, -0.6, 1.0], atol=1e-6)
    assert data.load(images, batch_size=2).element_spec.shape == (2, 4, 4, 1)
    assert len(data.load(images, batch_size=2)) == 1


def test_like_a_model():
    (batch,) = batches(marked(8), batch_size=8, like=small_gan())
    assert batch.shape == (8, 8, 8, 1)
    assert batch.min() == -1


def test_the_order_is_a_function_of_seed_and_epoch():
    dataset = data.load(marked(20), batch_size=4, seed=1, value_range=(0, 1))
    passes = [[round(x * 255) for b in dataset for x in b.numpy()[:, 0, 0, 0]] for _ in range(3)]
    assert all(sorted(one) == list(range(20)) for one in passes)
    assert passes[0] != passes[1] != passes[2] != passes[0]
    assert order(marked(20), batch_size=4, seed=1) == passes[0]
    assert order(marked(20), batch_size=4, seed=2) != passes[0]
    # A resumed training goes on in the middle of epoch 1: 5 batches of epoch 0 and 2 of epoch 1 are behind it.
    resumed = data.load(marked(20), batch_size=4, seed=1, value_range=(0, 1), start_step=7)
    again = [[round(x * 255) for b in resumed for x in b.numpy()[:, 0, 0, 0]] for _ in range(2)]
    assert again == [passes[1][8:], passes[2]]


def test_the_last_batch():
    images = marked(10)
    assert [len(b) for b in batches(images, batch_size=4)] == [4, 4]
    assert [len(b) for b in batches(images, batch_size=4, drop_remainder=False)] == [4, 4, 2]
    assert [len(b) for b in batches(images, batch_size=4, shuffle=False)] == [4, 4, 2]
    assert order(images, batch_size=4, shuffle=False) == list(range(10))


@pytest.mark.parametrize(
    ("split", "expected"),
    [("train[:10%]", [0, 1]), ("train[15:]", [15, 16, 17, 18, 19]), ("train[50%:60%]", [10, 11]), ("all[-1:]", [19])],
)
def test_slices_of_an_array(split, expected):
    assert order(marked(20), split, batch_size=1, shuffle=False) == expected


# -- bringing to size --------------------------------------------------------------------------------------------------


def test_centre_crop():
    image = np.zeros((4, 10, 1), np.uint8)
    image[:, 3:7] = 200
    np.testing.assert_array_equal(data.fit_image(image, (4, 4, 1)), np.full((4, 4, 1), 200))
    np.testing.assert_array_equal(data.fit_image(image.transpose(1, 0, 2), (4, 4, 1)), np.full((4, 4, 1), 200))


def test_shrinking_does_not_alias():
    """A one-pixel checkerboard shrunk eightfold is grey; picking pixels would make it black or white."""
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None]
    small = data.fit_image(board, (8, 8, 1))
    assert np.abs(small.astype(int) - 128).max() <= 2
    as_float = data.fit_image(board.astype(np.float32) / 255, (8, 8, 1))
    np.testing.assert_allclose(as_float, 0.5, atol=0.01)
    assert as_float.dtype == np.float32


def test_grey_and_rgb():
    colour = np.zeros((2, 2, 3), np.uint8)
    colour[..., 0], colour[..., 1], colour[..., 2] = 10, 100, 200
    luma = round(0.299 * 10 + 0.587 * 100 + 0.114 * 200)
    np.testing.assert_array_equal(data.fit_image(colour, (2, 2, 1)), np.full((2, 2, 1), luma))
    pillow = np.asarray(Image.fromarray(colour).convert("L"))
    assert np.abs(pillow.astype(int) - luma).max() <= 1
    grey = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)
    np.testing.assert_array_equal(data.fit_image(grey, (2, 2, 3)), np.repeat(grey, 3, 2))


# -- folders and files -------------------------------------------------------------------------------------------------


def test_a_folder_of_many_kinds(tmp_path):
    grey = np.full((6, 6), 100, np.uint8)
    (tmp_path / "deeper").mkdir()
    Image.fromarray(grey).save(tmp_path / "a.png")
    Image.fromarray(np.stack([grey] * 3, -1)).save(tmp_path / "b.bmp")
    Image.fromarray(np.stack([grey] * 3, -1)).save(tmp_path / "c.webp", lossless=True)
    Image.fromarray(np.stack([grey] * 3, -1)).save(tmp_path / "deeper" / "d.JPG", quality=100)
    Image.fromarray(grey.astype(np.uint16) * 256 + 7).save(tmp_path / "e.png")  # 16 bits
    transparent = np.dstack([np.full((6, 6, 3), 9, np.uint8), np.zeros((6, 6), np.uint8)])
    Image.fromarray(transparent).save(tmp_path / "f.png")
    (tmp_path / "g.png").write_bytes(b"not a picture")
    (tmp_path / "h.bmp").write_bytes((tmp_path / "b.bmp").read_bytes()[:60])
    (tmp_path / "notes.txt").write_text("not looked at")
    with pytest.warns(UserWarning, match=r"Skipped 2 unreadable image\(s\) in folder:.*: g.png, h.bmp"):
        images = data.load_array(f"folder:{tmp_path}", image_shape=(6, 6, 1))
    assert images.dtype == np.uint8
    by_value = sorted(images[:, 3, 3, 0].tolist())
    assert by_value[-1] == 255  # transparency over white
    assert all(abs(value - 100) <= 2 for value in by_value[:-1])
    assert len(images) == 6


def test_a_picture_that_unpacks_to_far_more_than_its_file_is_skipped(tmp_path):
    Image.new("1", (6000, 6000)).save(tmp_path / "bomb.png")
    assert (tmp_path / "bomb.png").stat().st_size < 10_000
    Image.new("L", (6, 6)).save(tmp_path / "good.png")
    with pytest.warns(UserWarning, match=r"Skipped 1 unreadable .*: bomb.png"):
        assert len(data.load_array(f"folder:{tmp_path}", image_shape=(6, 6, 1))) == 1


def test_exif_orientation_is_applied(tmp_path):
    left_white = np.zeros((8, 8), np.uint8)
    left_white[:, :4] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    Image.fromarray(left_white).save(tmp_path / "a.jpg", exif=exif, quality=100)
    (image,) = data.load_array(f"folder:{tmp_path}", image_shape=(8, 8, 1))
    assert image[:3].min() > 250
    assert image[5:].max() < 5


def test_a_folder_knows_its_shape_if_all_agree(picture_folder):
    assert data.image_shape_of(f"folder:{picture_folder}") == (12, 12, 1)
    assert data.load_array(f"folder:{picture_folder}").shape == (12, 12, 12, 1)
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(picture_folder / "z.png")
    assert data.image_shape_of(f"folder:{picture_folder}") is None
    with pytest.raises(ValueError, match=r"differ in size; give image_shape"):
        data.load_array(f"folder:{picture_folder}")


def test_numpy_files(tmp_path):
    np.savez(tmp_path / "one.npz", marked(5))
    np.savez_compressed(tmp_path / "two.npz", images=marked(6), labels=np.arange(6))
    np.save(tmp_path / "three.npy", marked(7)[..., 0])
    for name, n in (("one.npz", 5), ("two.npz", 6), ("three.npy", 7)):
        assert order(str(tmp_path / name), batch_size=1, shuffle=False) == list(range(n))


def test_large_sources_go_to_a_temporary_file(monkeypatch, picture_folder):
    in_memory = data.load_array(f"folder:{picture_folder}", image_shape=(8, 8, 3))
    monkeypatch.setattr(data, "MEMORY_LIMIT", 100)
    on_disk = data.load_array(f"folder:{picture_folder}", image_shape=(8, 8, 3))
    assert isinstance(on_disk, np.memmap)
    np.testing.assert_array_equal(on_disk, in_memory)


def test_toys_are_points_as_they_are():
    (batch,) = batches("ring", split="test[:1%]", batch_size=100)
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch, toys.ring().sample(10_000, seed=1)[:100])
    assert len(data.load("grid", batch_size=100)) == 1000
    assert data.image_shape_of("swiss_roll") == (2,)
    train = data.load_array("gaussian")
    assert train.shape == (100_000, 1)
    assert not np.isin(data.load_array("gaussian", "test"), train).all()
    own = np.array([[1.5, -300.0], [0.0, 7.0]])
    (batch,) = batches(own, batch_size=2, shuffle=False, value_range=(0, 1))
    np.testing.assert_array_equal(batch, own)


# -- bad sources -------------------------------------------------------------------------------------------------------


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


def test_a_batch_must_divide_by_k():
    gan = small_gan()
    gan.compile(d_steps=3)
    with pytest.raises(ValueError, match=r"batch_size=4 must divide into d_steps=3 minibatches"):
        data.load(marked(9), batch_size=4, like=gan)


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


# -- Fashion-MNIST -----------------------------------------------------------------------------------------------------


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
