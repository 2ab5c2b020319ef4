"""Folders of images: what is read, in which shape, and how they are cut."""

import hashlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from kerasgan import data


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
    with (
        pytest.warns(UserWarning, match=r"Skipped 2 image\(s\) in folder:.* that cannot be read .*: g.png, h.bmp"),
        pytest.warns(UserWarning, match=r"1 of 6 images .* laid over white: f.png"),
    ):
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
    with pytest.warns(UserWarning, match=r"Skipped 1 image\(s\) .* too large: bomb.png"):
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


def test_large_sources_go_to_a_temporary_file(monkeypatch, picture_folder):
    in_memory = data.load_array(f"folder:{picture_folder}", image_shape=(8, 8, 3))
    monkeypatch.setattr(data, "MEMORY_LIMIT", 100)
    on_disk = data.load_array(f"folder:{picture_folder}", image_shape=(8, 8, 3))
    assert isinstance(on_disk, np.memmap)
    np.testing.assert_array_equal(on_disk, in_memory)


def turned(path, height, width, orientation, **options):
    """A picture that is `height` x `width` as it is stored, with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("L", (width, height)).save(path, exif=exif, **options)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_the_shape_is_that_of_the_upright_pictures(tmp_path, ending):
    turned(tmp_path / f"a.{ending}", 30, 60, 6)  # lies on its side: 60 high and 30 wide as it is shown
    turned(tmp_path / f"b.{ending}", 30, 60, 8)
    turned(tmp_path / f"c.{ending}", 60, 30, 3)  # upside down
    Image.new("L", (30, 60)).save(tmp_path / f"d.{ending}")
    assert data.image_shape_of(f"folder:{tmp_path}") == (60, 30, 3 if ending == "webp" else 1)  # WebP has no grey
    assert data.load_array(f"folder:{tmp_path}").shape[:3] == (4, 60, 30)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_set_upright_as_pillow_does_it(tmp_path, orientation):
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    (found,) = data.load_array(f"folder:{tmp_path}")
    np.testing.assert_array_equal(found[..., 0], expected)


def test_exif_data_that_cannot_be_written_anew_do_no_harm(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x011A] = 72.0  # a resolution, as a fraction
    Image.new("L", (30, 60)).save(tmp_path / "a.jpg", exif=exif)
    content = (tmp_path / "a.jpg").read_bytes()
    entry = content.index(bytes.fromhex("011a0005"))
    damaged = content[: entry + 2] + bytes.fromhex("0002") + content[entry + 4 :]  # a text, says the file
    (tmp_path / "a.jpg").write_bytes(damaged)
    assert data.image_shape_of(f"folder:{tmp_path}") == (30, 60, 1)
    assert data.load_array(f"folder:{tmp_path}").shape == (1, 30, 60, 1)


def test_an_orientation_behind_the_pixels_of_a_png_counts_too(tmp_path):
    turned(tmp_path / "a.png", 30, 60, 6)
    content = (tmp_path / "a.png").read_bytes()
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    exif, last = content[start:end], content.rindex(b"IEND") - 4
    (tmp_path / "a.png").write_bytes(content[:start] + content[end:last] + exif + content[last:])
    assert data.image_shape_of(f"folder:{tmp_path}") == (60, 30, 1)
    assert data.load_array(f"folder:{tmp_path}").shape == (1, 60, 30, 1)


def test_grey_and_colour_of_one_size_are_colour(tmp_path):
    Image.new("L", (6, 6), 100).save(tmp_path / "a.png")
    Image.new("RGB", (6, 6), (1, 2, 3)).save(tmp_path / "b.png")
    assert data.image_shape_of(f"folder:{tmp_path}") == (6, 6, 3)
    images = data.load_array(f"folder:{tmp_path}")
    assert images[:, 0, 0].tolist() == [[100, 100, 100], [1, 2, 3]]


def test_what_is_too_large_to_be_read_has_no_say_in_the_shape(tmp_path):
    Image.new("1", (6000, 6000)).save(tmp_path / "bomb.png")
    Image.new("L", (6, 6)).save(tmp_path / "good.png")
    assert data.image_shape_of(f"folder:{tmp_path}") == (6, 6, 1)


def test_transparency_is_said_once(tmp_path, recwarn):
    for i in range(3):
        Image.new("RGBA", (6, 6), (10, 20, 30, 255)).save(tmp_path / f"{i}.png")  # an alpha channel that hides nothing
    assert data.load_array(f"folder:{tmp_path}")[:, 0, 0].tolist() == [[10, 20, 30]] * 3
    assert not recwarn
    for i in range(2):
        Image.new("RGBA", (6, 6), (10, 20, 30, 0)).save(tmp_path / f"clear{i}.png")
    images = data.load_array(f"folder:{tmp_path}")
    assert images[3:, 0, 0].tolist() == [[255] * 3] * 2
    (said,) = (str(warning.message) for warning in recwarn)
    assert said.startswith("2 of 5 images in folder:")
    assert said.endswith("have transparent pixels, which were laid over white: clear0.png, clear1.png")


# -- splits ------------------------------------------------------------------------------------------------------------


def pets(folder, n=50):
    """n cats and n dogs, each picture of its own grey: cats below n, dogs from n on."""
    for i in range(2 * n):
        path = folder / ("cats" if i < n else "dogs") / f"{i:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), i).save(path)
    return f"folder:{folder}"


def greys(name, split):
    return data.load_array(name, split)[:, 0, 0, 0].tolist()


def test_slices_of_a_folder_are_random_samples_that_make_the_whole(tmp_path):
    name = pets(tmp_path / "one")
    assert greys(name, "train") == greys(name, "all") == list(range(100))  # in the order of their paths
    first, second = greys(name, "train[:50%]"), greys(name, "train[50%:]")
    assert sorted(first + second) == list(range(100))
    cats = sum(grey < 50 for grey in second)
    assert 10 < cats < 40  # of 50, hypergeometric with mean 25 and standard deviation 2.5
    assert 2 < sum(grey < 50 for grey in second[:10]) < 8  # and so are the first few of them
    by_name = sorted(
        range(100), key=lambda i: hashlib.sha256(f"{'cats' if i < 50 else 'dogs'}/{i:03d}.png".encode()).hexdigest()
    )
    assert first + second == by_name  # whatever the folder is called, and whoever lists it
    assert greys(pets(tmp_path / "two" / "copy"), "train[:50%]") == first
    assert greys(name, "all[-3:]") == by_name[-3:]
    Image.new("L", (4, 4), 255).save(tmp_path / "one" / "cats" / "new.png")
    assert set(greys(name, "train[:50%]")) - {255} <= set(by_name[:51])  # those that were on one side stay there


def test_rows_toys_and_their_slices_have_an_order(tmp_path):
    rows = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    np.save(tmp_path / "rows.npy", rows)
    assert greys(rows, "train[50%:]") == greys(tmp_path / "rows.npy", "train[50%:]") == [5, 6, 7, 8, 9]
    np.testing.assert_array_equal(data.load_array("ring", "train[10:20]"), data.load_array("ring")[10:20])
