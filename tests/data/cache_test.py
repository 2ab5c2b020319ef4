"""What was decoded once and is kept: the same samples, found again, and what can go wrong with it."""

import json
import multiprocessing
import os
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from kerasgan import data
from kerasgan.data import cache, reading
from kerasgan.data.rows import Rows, UnreadableError

SHAPE = (8, 8, 3)


@pytest.fixture
def photos(tmp_path):
    """30 pictures of two classes, one file that is none, and one picture with a hole in it."""
    folder = tmp_path / "photos"
    random = np.random.default_rng(0)
    for i in range(30):
        path = folder / ("cats", "dogs")[i % 2] / f"{i:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (12, 10, 3), dtype=np.uint8)).save(path)
    (folder / "cats" / "broken.png").write_bytes(b"no picture")
    Image.fromarray(np.zeros((9, 9, 4), np.uint8)).save(folder / "dogs" / "hole.png")
    return folder


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "cache"


def refuse_to_read(monkeypatch):
    monkeypatch.setattr(reading, "fit_image", lambda *_: pytest.fail("a picture was decoded again"))


@pytest.mark.filterwarnings("ignore:Skipped 1 image", "ignore:1 of 31 images")
@pytest.mark.parametrize("memory", [data.MEMORY_LIMIT, 100])
def test_the_second_start_gives_the_same_and_decodes_nothing(photos, kept, monkeypatch, memory):
    monkeypatch.setattr(data, "MEMORY_LIMIT", memory)
    images, labels, names = data.load_labelled_array(photos, "train", SHAPE)
    first, first_labels, _ = data.load_labelled_array(photos, "train", SHAPE, cache=kept)
    refuse_to_read(monkeypatch)
    second, second_labels, second_names = data.load_labelled_array(photos, "train", SHAPE, cache=kept)
    assert isinstance(second, np.ndarray if memory > 100 else Rows)
    for found, of in ((first, first_labels), (second, second_labels)):
        np.testing.assert_array_equal(np.asarray(found), images)
        np.testing.assert_array_equal(of, labels)
    assert (second.shape, second.dtype, second_names) == (images.shape, images.dtype, names)


@pytest.mark.filterwarnings("ignore:Skipped 1 image", "ignore:1 of 31 images")
@pytest.mark.parametrize("start", [0, 5])
def test_batches_are_those_of_memory_in_the_same_order(photos, kept, monkeypatch, start):
    options = {"batch_size": 4, "image_shape": SHAPE, "seed": 3, "start_step": start, "labels": True}
    expected = [batch for _ in range(2) for batch in data.load(photos, **options).as_numpy_iterator()]
    monkeypatch.setattr(data, "MEMORY_LIMIT", 100)
    found = [batch for _ in range(2) for batch in data.load(photos, cache=kept, **options).as_numpy_iterator()]
    for (a, i), (b, j) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(i, j)


def test_what_was_left_out_is_said_again(photos, kept):
    for _ in range(2):
        with pytest.warns(UserWarning, match="broken.png"), pytest.warns(UserWarning, match="hole.png"):
            data.load_array(photos, "train", SHAPE, cache=kept)


@pytest.mark.filterwarnings("ignore:Skipped", "ignore:.*transparent")
def test_a_folder_that_changed_is_read_anew(photos, kept):
    def count():
        return len(data.load_array(photos, "train", SHAPE, cache=kept)), len(cache.entries(kept))

    assert count() == (31, 1)
    shutil.copy(photos / "cats" / "00.png", photos / "cats" / "more.png")
    assert count() == (32, 2)
    time.sleep(0.01)
    Image.fromarray(np.full((9, 9, 3), 7, np.uint8)).save(photos / "cats" / "more.png")
    assert count() == (32, 3)
    (photos / "cats" / "more.png").unlink()
    assert count() == (31, 3)  # the first one again
    assert len(data.load_array(photos, "train[:50%]", SHAPE, cache=kept)) < 31
    data.load_array(photos, "train", (4, 4, 3), cache=kept)
    assert len(cache.entries(kept)) == 5


@pytest.mark.filterwarnings("ignore:Skipped", "ignore:.*transparent")
@pytest.mark.parametrize("harm", ["cut", "gone", "index"])
def test_a_damaged_entry_is_made_anew(photos, kept, capsys, harm):
    expected = np.asarray(data.load_array(photos, "train", SHAPE, cache=kept))
    (entry,) = cache.entries(kept)
    if harm == "index":
        (entry.folder / "index.json").write_text('{"shape": [8')
    elif harm == "gone":
        (entry.folder / "0000.rows").unlink()
    else:
        os.truncate(entry.folder / "0000.rows", 100)
    (found,) = cache.entries(kept)
    assert isinstance(found, cache.DamagedError)
    capsys.readouterr()
    np.testing.assert_array_equal(data.load_array(photos, "train", SHAPE, cache=kept), expected)
    said = capsys.readouterr().err
    assert "made anew" in said
    assert ("0000.rows" in said) == (harm != "index")
    assert isinstance(cache.entries(kept)[0], cache.Entry)


@pytest.mark.filterwarnings("ignore:Skipped", "ignore:.*transparent")
def test_an_interruption_leaves_nothing_and_a_killed_builder_no_harm(photos, kept, monkeypatch):
    real = reading.fit_image
    calls = iter(range(5))

    def interrupted(*arguments):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(reading, "fit_image", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.load_array(photos, "train", SHAPE, cache=kept)
    assert not list(kept.iterdir())
    monkeypatch.setattr(reading, "fit_image", real)
    source = data.sources.open_source(photos, "train", None)
    key = cache.key_of(source.fingerprint(), "train", SHAPE)
    (kept / f".building-{key}").mkdir()
    (kept / f".building-{key}" / "0000.rows").write_bytes(b"half")
    assert len(data.load_array(photos, "train", SHAPE, cache=kept)) == 31
    assert len(list(kept.iterdir())) == 1


def build(photos, kept, answers):
    images = data.load_array(photos, "train", SHAPE, cache=kept)
    answers.put(int(np.asarray(images).astype(np.int64).sum()))


@pytest.mark.filterwarnings("ignore:Skipped", "ignore:.*transparent")
def test_two_processes_make_it_once(photos, kept, monkeypatch):
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    both = [context.Process(target=build, args=(photos, kept, answers)) for _ in range(2)]
    for process in both:
        process.start()
    found = {answers.get(timeout=120) for _ in both}
    for process in both:
        process.join(60)
        assert process.exitcode == 0
    assert found == {int(data.load_array(photos, "train", SHAPE).astype(np.int64).sum())}
    assert len(list(kept.iterdir())) == 1


def test_no_room_no_rights_and_no_folder(photos, kept, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "free_space", lambda _: 1000)
    with pytest.raises(ValueError, match=r"The cache needs 0\.0 GB in .*cache, which has 0\.0 GB left"):
        data.load_array(photos, "train", SHAPE, cache=kept)
    monkeypatch.undo()
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file; a folder is needed there"):
        data.load_array(photos, "train", SHAPE, cache=tmp_path / "file")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.Writer, "add", full)
    with pytest.raises(ValueError, match=r"Cannot write to the cache .*No space left on device"):
        data.load_array(photos, "train", SHAPE, cache=kept)
    assert not list(kept.iterdir())


def test_a_folder_without_a_readable_picture_leaves_no_entry(tmp_path, kept):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(b"none")
    with pytest.raises(ValueError, match="holds no readable image; skipped 1"):
        data.load_array(tmp_path / "photos", "train", SHAPE, cache=kept)
    assert not list(kept.iterdir())


@pytest.mark.filterwarnings("ignore:Skipped", "ignore:.*transparent")
def test_clear_takes_what_is_old_and_leaves_what_is_being_built(photos, kept):
    data.load_array(photos, "train", SHAPE, cache=kept)
    data.load_array(photos, "train", (4, 4, 3), cache=kept)
    first, second = cache.entries(kept)
    past = time.time() - 3 * 86400
    os.utime(second.folder / "used", (past, past))
    assert cache.clear(kept, older=2)[0] == 1
    assert [entry.folder for entry in cache.entries(kept)] == [first.folder]
    with cache.building(kept, "0" * 32, 10) as work:
        count, freed = cache.clear(kept)
        assert count == 1
        assert freed > 0
        assert work.is_dir()
        (work / "index.json").write_text(json.dumps({}))


def rows(tmp_path):
    array = np.arange(60, dtype=np.float32).reshape(10, 2, 3)
    files = []
    for i, part in enumerate((array[:4], array[4:5], array[5:])):
        files.append(tmp_path / f"{i}.rows")
        files[-1].write_bytes(part.tobytes())
    return array, Rows(files, (4, 1, 5), (2, 3), np.float32)


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        slice(None),
        slice(3, 6),
        slice(8, 2),
        slice(9, 2, -2),
        [9, 0, 4, 4],
        np.array([[1, 2], [8, 5]]),
        np.arange(10) > 6,
    ],
    ids=str,
)
def test_rows_are_indexed_as_arrays_are(tmp_path, index):
    array, found = rows(tmp_path)
    np.testing.assert_array_equal(found[index], array[index])
    assert found[index].dtype == array.dtype
    part = found.part(slice(2, 9))
    smaller = array[2:9]
    assert part.shape == smaller.shape
    np.testing.assert_array_equal(np.asarray(part), smaller)
    np.testing.assert_array_equal(part[[0, 6, -1]], smaller[[0, 6, -1]])


def test_rows_that_are_not_there(tmp_path):
    _, found = rows(tmp_path)
    with pytest.raises(IndexError):
        found[10]
    with pytest.raises(ValueError, match="steps of 2"):
        found.part(slice(0, 9, 2))
    os.truncate(tmp_path / "2.rows", 30)
    found[:6]
    with pytest.raises(UnreadableError, match=r"Cannot read .*2\.rows \(it ends too early\)"):
        found[7]
    (tmp_path / "1.rows").unlink()
    _, again = found, Rows([tmp_path / "1.rows"], (1,), (2, 3), np.float32)
    with pytest.raises(UnreadableError, match=r"1\.rows"):
        again[0]
