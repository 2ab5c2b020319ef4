"""Folders of images: what is read, in which shape, and how they are cut."""

import numpy as np
import pytest
from PIL import Image

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


def test_large_sources_go_to_a_temporary_file(monkeypatch, picture_folder):
    in_memory = data.load_array(f"folder:{picture_folder}", image_shape=(8, 8, 3))
    monkeypatch.setattr(data, "MEMORY_LIMIT", 100)
    on_disk = data.load_array(f"folder:{picture_folder}", image_shape=(8, 8, 3))
    assert isinstance(on_disk, np.memmap)
    np.testing.assert_array_equal(on_disk, in_memory)
