"""What a folder of pictures is said to hold: compared with pictures made for it."""

import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from kerasgan.data.survey import NEAR, find_copies, perceptual_hash, survey


def noise(seed, height=40, width=40, channels=3):
    values = np.random.default_rng(seed).integers(0, 256, (8, 8, channels), np.uint8)
    return Image.fromarray(values.squeeze()).resize((width, height), Image.Resampling.BILINEAR)


def test_a_folder_of_all_kinds(tmp_path):
    for name in ("cats", "ἀγέλη κυνῶν"):  # blanks, and letters that are not Latin
        (tmp_path / name).mkdir()
    cats, dogs = tmp_path / "cats", tmp_path / "ἀγέλη κυνῶν"
    noise(0, 30, 50).save(cats / "wide.png")
    noise(1, 50, 30).save(cats / "upright.webp")
    exif = Image.Exif()
    exif[0x0112] = 6
    noise(2, 30, 50).save(cats / "turned.jpg", exif=exif)
    noise(3, channels=1).save(dogs / "grey.png")
    noise(4, channels=1).convert("RGB").save(dogs / "grey_too.jpg", quality=90)
    see_through = noise(5)
    see_through.putalpha(100)
    see_through.save(dogs / "see_through.png")
    palette = noise(6).convert("P")
    palette.info["transparency"] = 0
    palette.save(dogs / "palette.png", transparency=palette.getpixel((0, 0)))
    noise(7).convert("CMYK").save(dogs / "cmyk.jpg")
    Image.fromarray(np.arange(1600, dtype=np.uint16).reshape(40, 40) * 40).save(dogs / "deep.png")  # 16 bits
    noise(8).save(dogs / "moving.webp", save_all=True, append_images=[noise(9)])
    noise(8, 80, 80).save(cats / "twin.png")  # the first picture of the one that moves, scaled
    (dogs / "cut.jpg").write_bytes((cats / "turned.jpg").read_bytes()[:300])
    (dogs / "text.png").write_text("no picture")
    Image.new("1", (6000, 6000)).save(dogs / "bomb.png")
    os.symlink(tmp_path, cats / "round")  # in a circle
    os.symlink("itself", tmp_path / "itself")
    os.symlink("nowhere", cats / "gone.png")
    os.symlink("circle.png", cats / "circle.png")

    found = survey(f"folder:{tmp_path}")
    assert found.count == 11
    assert found.formats == {"PNG": 6, "JPEG": 3, "WEBP": 2}
    assert sorted(map(tuple, found.sizes.tolist()))[-1] == (80, 80)
    assert ((found.sizes == (50, 30)).all(axis=1)).sum() == 2  # and the turned one is upright
    assert (found.grey, found.turned, found.see_through, found.moving) == (3, 1, 2, 1)
    broken = sorted(name.rpartition("/")[2] for name in found.broken)
    assert broken == ["bomb.png", "circle.png", "cut.jpg", "gone.png", "text.png"]
    assert found.copies == (("cats/twin.png", "ἀγέλη κυνῶν/moving.webp"),)
    assert found.classes == {"cats": 4, "ἀγέλη κυνῶν": 7}
    assert found.links == (os.path.join("cats", "round"),)
    rows = dict(found.rows())
    assert rows["pictures"] == "11 (6 PNG, 3 JPEG, 2 WEBP)"
    assert rows["orientation"] == "2 upright, 1 wide, 8 square; 1 turned, as their EXIF orientation says"
    assert rows["left out"].startswith("5 that cannot be read or are too large: ")


def test_hashes_of_scaled_brightened_and_compressed_pictures_are_near_and_those_of_others_far(tmp_path):
    images = [noise(seed, 64, 64) for seed in range(20)]
    hashes = np.array([perceptual_hash(image) for image in images])
    for image, own in zip(images, hashes, strict=True):
        image.resize((100, 90)).point(lambda value: value * 0.8 + 20).save(tmp_path / "changed.jpg", quality=60)
        with Image.open(tmp_path / "changed.jpg") as changed:
            differ = [int(bits).bit_count() for bits in perceptual_hash(changed) ^ own]
        assert sum(differ) <= NEAR
    distances = [
        sum(int(bits).bit_count() for bits in one ^ other) for i, one in enumerate(hashes) for other in hashes[:i]
    ]
    assert min(distances) > 4 * NEAR


def test_copies_are_found_from_one_to_the_next():
    base = np.zeros(8, np.uint16)
    near, further, far = base.copy(), base.copy(), base.copy()
    near[0] = 0b111111  # 6 bits away
    further[0], further[7] = 0b111111, 0b111111  # 6 from `near`, 12 from `base`
    far[:7] = 1  # 7 bits, of which 6 would be near
    assert find_copies(np.array([base, far, near, base, further])) == [[0, 2, 3, 4]]
    assert find_copies(np.array([base])) == []


@pytest.fixture
def archive(tmp_path):
    """Writes an archive of what it is given, names and contents."""

    def write(**options):
        path = tmp_path / "pictures.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in options["files"].items():
                file.writestr(name, content)
        return path

    return write


def png(image, tmp_path):
    image.save(tmp_path / "one.png")
    return (tmp_path / "one.png").read_bytes()


def test_an_archive_is_read_as_it_is_and_its_names_lead_nowhere(archive, tmp_path):
    picture = png(noise(0), tmp_path)
    path = archive(
        files={
            "photos/cats/a.png": picture,
            "photos/dogs/b.png": png(noise(1), tmp_path),
            "photos/cats/../../../out.png": png(noise(2), tmp_path),
            "__MACOSX/photos/cats/._a.png": b"a Mac's notes",
            "photos/dogs/zeros.png": bytes(2**28 + 1),  # 260 kB in the archive
        }
    )
    before = sorted(tmp_path.rglob("*"))
    found = survey(str(path))
    assert found.count == 3
    assert [name.rpartition("/")[2] for name in found.broken] == ["zeros.png"]
    assert sorted(tmp_path.rglob("*")) == before


def test_the_folder_that_an_archive_was_packed_from_is_no_class(archive, tmp_path):
    files = {f"photos/{name}/{i}.png": png(noise(i), tmp_path) for name in ("cats", "dogs") for i in range(2)}
    assert survey(str(archive(files=files))).classes == {"cats": 2, "dogs": 2}


def test_other_sources_say_it_of_themselves(tmp_path):
    np.savez(
        tmp_path / "x.npz",
        images=np.zeros((5, 8, 9, 1), np.uint8),
        labels=[0, 1, 1, 1, 0],
        class_names=["a", "b"],
    )
    found = survey(str(tmp_path / "x.npz"))
    assert (found.count, found.grey, found.classes) == (5, 5, {"a": 2, "b": 3})
    assert dict(found.rows())["sizes"] == "9x8"
    with pytest.raises(ValueError, match=r"^ring holds points and no pictures: kerasgan train --model=vanilla_gan"):
        survey("ring")


def test_what_nobody_can_train_on(tmp_path, archive):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match=r"empty holds no images \(\.png"):
        survey(f"folder:{empty}")
    (empty / "a.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"empty holds no readable image; 1 cannot be read: a.png\.$"):
        survey(f"folder:{empty}")
    with pytest.raises(ValueError, match=r"pictures.zip holds no images"):
        survey(str(archive(files={"a.txt": b"text"})))
    (tmp_path / "pictures.zip").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"pictures.zip is no archive that can be read: File is not a zip file\.$"):
        survey(str(tmp_path / "pictures.zip"))
