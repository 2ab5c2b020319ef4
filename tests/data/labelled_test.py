"""Labels: each belongs to its sample, whatever the source, the split and the order; and what is said of bad ones."""

import types

import keras
import numpy as np
import pytest
from PIL import Image

from kerasgan import data
from kerasgan.data import folder as folder_source
from kerasgan.data import tfds as tfds_source

KINDS = 3  # of the pictures here: the class of one is its number modulo this


def marked(n):
    """n images of 4x4 whose every pixel is their number."""
    return np.repeat(np.arange(n, dtype=np.uint8), 16).reshape(n, 4, 4, 1)


def kinds(n):
    return np.arange(n) % KINDS


def numbers_of(batch):
    """The numbers that `marked` images show, in the model's range."""
    return np.rint((np.asarray(batch)[:, 0, 0, 0] + 1) * 127.5).astype(int).tolist()


def pairs_of(dataset):
    """One pass over a labelled dataset: (number, label) of each picture."""
    return [pair for x, y in dataset.as_numpy_iterator() for pair in zip(numbers_of(x), y.tolist(), strict=True)]


def model(*names, shape=(4, 4, 1)):
    """What `load` asks of a conditional GAN."""
    return types.SimpleNamespace(
        sample_shape=shape, value_range=(-1.0, 1.0), d_steps=1, loss=None, class_names=names or None
    )


def class_folder(folder, names=("ants", "bees", "cats"), n=30):
    """n pictures, each of its own grey, in the folder of its number modulo the number of names."""
    for i in range(n):
        path = folder / names[i % len(names)] / ("deeper" if i % 5 == 0 else ".") / f"{n - i:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), i).save(path)
    return f"folder:{folder}"


# -- each label belongs to its sample ----------------------------------------------------------------------------------


def test_labels_go_with_their_samples_through_every_order():
    options = {"batch_size": 4, "seed": 3, "labels": kinds(30)}
    dataset = data.load(marked(30), **options)
    assert dataset.element_spec[0].shape == (4, 4, 4, 1)
    assert dataset.element_spec[1].shape == (4,)
    assert dataset.element_spec[1].dtype == "int32"
    passes = [pairs_of(dataset) for _ in range(3)]
    for one in passes:
        assert len({number for number, _ in one}) == 28  # the incomplete batch is left out
        assert all(label == number % KINDS for number, label in one)
    assert passes[0] != passes[1]
    plain = data.load(marked(30), batch_size=4, seed=3)  # the same order as without labels
    assert [[x for batch in plain for x in numbers_of(batch)] for _ in range(3)] == [
        [number for number, _ in one] for one in passes
    ]
    resumed = data.load(marked(30), start_step=9, **options)  # 7 batches are an epoch
    assert [pairs_of(resumed) for _ in range(2)] == [passes[1][8:], passes[2]]
    whole = [(i, i % KINDS) for i in range(30)]
    assert pairs_of(data.in_order(dataset)) == whole
    assert pairs_of(data.load(marked(30), "all", **options)) == whole
    assert pairs_of(data.load(marked(30), drop_remainder=True, shuffle=False, **options)) == whole[:28]


def test_slices_of_an_array_cut_its_labels_too():
    for split, rows in (("train[20%:50%]", range(6, 15)), ("all[-4:]", range(26, 30))):
        dataset = data.load(marked(30), split, 2, shuffle=False, labels=kinds(30).tolist())
        assert pairs_of(dataset) == [(i, i % KINDS) for i in rows]


def test_labels_as_other_libraries_give_them():
    for labels in (kinds(6).astype(np.uint8)[:, None], keras.ops.convert_to_tensor(kinds(6)), list(kinds(6))):
        assert pairs_of(data.load(marked(6), "all", 6, labels=labels)) == [(i, i % KINDS) for i in range(6)]
    points = np.arange(6, dtype=np.float32)[:, None]
    ((x, y),) = data.load(points, "all", 6, labels=kinds(6))
    np.testing.assert_array_equal(x, points)
    np.testing.assert_array_equal(y, kinds(6))


def test_class_folders_are_those_of_keras(tmp_path):
    name = class_folder(tmp_path, ("b10", "B2", "b9"))
    (tmp_path / ".hidden").mkdir()
    theirs = keras.utils.image_dataset_from_directory(
        tmp_path, color_mode="grayscale", image_size=(4, 4), batch_size=30, shuffle=False, verbose=False
    )
    assert data.classes_of(name) == tuple(theirs.class_names) == ("B2", "b10", "b9")
    ((images, labels),) = theirs.as_numpy_iterator()
    expected = dict(zip(images[:, 0, 0, 0].astype(int).tolist(), labels.tolist(), strict=True))
    dataset = data.load(name, batch_size=7, labels=True)
    found = pairs_of(data.in_order(dataset))
    assert dict(found) == expected
    assert len(found) == 30
    assert set(pairs_of(dataset)) <= set(found)
    assert data.class_names_of(dataset) == ("B2", "b10", "b9")


def test_slices_of_class_folders(tmp_path):
    name = class_folder(tmp_path)
    shown = []
    for split in ("train[:70%]", "train[70%:]", "train[:2]"):  # the last holds no more than two of the classes
        samples, labels, names = data.load_labelled_array(name, split)
        np.testing.assert_array_equal(samples, data.load_array(name, split))
        assert labels.dtype == np.int64
        assert labels.tolist() == [number % KINDS for number in samples[:, 0, 0, 0].tolist()]
        assert names == ("ants", "bees", "cats")
        shown.extend(samples[:, 0, 0, 0].tolist())
        alone, names = data.load_labels(name, split)
        np.testing.assert_array_equal(alone, labels)
        assert names == ("ants", "bees", "cats")
    assert sorted(shown[:30]) == list(range(30))
    counts = data.label_counts(data.load(name, "train[:2]", 1, labels=True))
    assert counts.sum() == 2
    assert len(counts) == 3


def test_unreadable_files_are_missing_from_both(tmp_path, monkeypatch):
    name = class_folder(tmp_path)
    (tmp_path / "ants" / "000.png").write_bytes(b"nothing")
    (tmp_path / "cats" / "028.png").write_bytes(b"nothing")
    (tmp_path / "cats" / "zzz.png").write_bytes(b"nothing")
    reads = []
    read_image = folder_source.read_image
    monkeypatch.setattr(folder_source, "read_image", lambda files, name: reads.append(name) or read_image(files, name))
    with pytest.warns(UserWarning, match=r"Skipped 3 image\(s\)"):
        dataset = data.load(name, "all", 8, like=model("ants", "bees", "cats"))
    assert len(reads) == 32  # each file once: 30, of which one has been spoilt, and two new ones
    assert sorted(pairs_of(dataset)) == [(i, i % KINDS) for i in range(30) if i != 2]
    reads.clear()
    labels, _ = data.load_labels(name)
    assert labels.tolist() == [0] * 10 + [1] * 10 + [2] * 9
    assert len(reads) == 32


def test_labels_of_files(tmp_path):
    np.savez(tmp_path / "named.npz", images=marked(9), labels=kinds(9), class_names=["x", "y", "z", "unused"])
    np.savez(tmp_path / "numbered.npz", images=marked(9), labels=kinds(9).astype(np.uint8))
    named, numbered = tmp_path / "named.npz", str(tmp_path / "numbered.npz")
    for source, names in ((named, ("x", "y", "z", "unused")), (numbered, ("0", "1", "2"))):
        assert data.classes_of(source) == names
        labels, found = data.load_labels(source, "train[4:]")
        assert (labels.tolist(), found) == ([1, 2, 0, 1, 2], names)
        dataset = data.load(source, batch_size=3, labels=True)
        assert all(label == number % KINDS for number, label in pairs_of(dataset))
        assert pairs_of(data.in_order(dataset)) == [(i, i % KINDS) for i in range(9)]
        assert data.label_counts(dataset).tolist() == [3, 3, 3, 0][: len(names)]
        assert data.class_names_of(dataset) == names


def test_labels_of_a_dataset_of_tensorflow_datasets(fashion_mnist):
    import tensorflow_datasets as tfds

    like = model(*(str(i) for i in range(10)), shape=(28, 28, 1))
    dataset = data.load(fashion_mnist, "train[100:300]", 40, like=like, seed=5)
    examples = tfds.load("fashion_mnist", split="train[100:300]", batch_size=-1, as_supervised=True)
    expected = {image.tobytes(): label for image, label in zip(*map(np.asarray, examples), strict=True)}
    seen = 0
    for x, y in dataset.as_numpy_iterator():
        for image, label in zip(np.rint((x + 1) * 127.5).astype(np.uint8), y, strict=True):
            assert expected[image.tobytes()] == label
            seen += 1
    assert seen == 200
    assert data.label_counts(dataset).tolist() == np.bincount(np.asarray(examples[1]), minlength=10).tolist()
    assert data.class_names_of(dataset)[7:] == data.classes_of(fashion_mnist)[7:] == ("Sneaker", "Bag", "Ankle boot")
    labels, names = data.load_labels(fashion_mnist, "train[100:300]")
    assert labels.tolist() == np.asarray(examples[1]).tolist()
    assert names[7] == "Sneaker"


def test_large_sources_keep_their_labels(tmp_path, monkeypatch):
    name = class_folder(tmp_path)
    monkeypatch.setattr(data, "MEMORY_LIMIT", 100)
    assert isinstance(data.load_labelled_array(name)[0], np.memmap)
    assert all(label == number % KINDS for number, label in pairs_of(data.load(name, batch_size=5, labels=True)))


# -- when there are labels ---------------------------------------------------------------------------------------------


def test_a_conditional_model_gets_labels_and_no_other_does(tmp_path):
    name = class_folder(tmp_path)
    for like, labels, pairs in (
        (None, None, False),
        (None, True, True),
        (model(), None, False),
        (model(), True, True),
        (model("ants", "bees", "cats"), None, True),
        (model("ants", "bees", "cats"), False, False),
    ):
        dataset = data.load(name, batch_size=5, like=like, labels=labels)
        assert isinstance(dataset.element_spec, tuple) == pairs
        assert (data.label_counts(dataset) is not None) == (data.class_names_of(dataset) is not None) == pairs
        assert isinstance(data.in_order(dataset).element_spec, tuple) == pairs


def test_what_a_dataset_knows_of_its_classes():
    labels = np.array([0, 2, 2, 2, 5])
    dataset = data.load(marked(5), batch_size=2, labels=labels)
    assert data.label_counts(dataset).tolist() == [1, 0, 3, 0, 0, 1]  # the incomplete batch counts
    assert data.label_counts(dataset).dtype == np.int64
    assert data.class_names_of(dataset) == ("0", "1", "2", "3", "4", "5")
    named = data.load(marked(5), batch_size=2, labels=labels, class_names=list("abcdef"), like=model(*"abcdef"))
    assert data.class_names_of(named) == tuple("abcdef")
    wider = data.load(marked(5), batch_size=2, labels=labels, like=model(*"abcdefgh"))
    assert data.label_counts(data.in_order(wider)).tolist() == [1, 0, 3, 0, 0, 1, 0, 0]
    assert data.class_names_of(wider) == tuple("abcdefgh")
    for other in (dataset.take(1), data.load(marked(5), batch_size=2), labels, None):
        assert data.label_counts(other) is None
        assert data.class_names_of(other) is None


def test_sources_without_classes(tmp_path, picture_folder):
    np.save(tmp_path / "a.npy", marked(3))
    np.savez(tmp_path / "only.npz", labels=marked(3))  # the only array of a file is its images, whatever it is called
    (picture_folder / "notes").mkdir()
    for source in ("ring", marked(3), tmp_path / "a.npy", tmp_path / "only.npz", picture_folder):
        assert data.classes_of(source) is None
        assert data.load_labels(source) is None
    assert len(data.load_array(tmp_path / "only.npz")) == 3


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2], "the labels of the array are 3, its samples 4; each must have its own"),
        ([0.0, 1.0, 2.0, 0.0], r"must be whole numbers \[N\], a class for each sample; found float64 of shape \(4,\)"),
        (np.eye(4, dtype=int), r"must be whole numbers \[N\].*found int64 of shape \(4, 4\)"),
        ([True, False, True, False], "must be whole numbers .*found bool"),
        (["a", "b", "a", "b"], "must be whole numbers .*found <U1"),
        ([[0], [1, 2], [0], [1]], "the labels of the array are no array of whole numbers"),
        (3, r"found int64 of shape \(\)"),
        (np.zeros(0, int), r"found int64 of shape \(0,\)"),
        ([0, 1, -1, 0], "the labels of the array hold -1 in row 2; classes are counted from 0"),
        ([0, 1, 1700000000, 0], "hold 1700000000 in row 2, which would be one of 1700000001 classes"),
        (True, r"^the array has no labels: give them beside it, labels=\[\.\.\.\], a whole number for each sample\.$"),
    ],
)
def test_bad_labels_of_an_array_are_named(labels, message):
    with pytest.raises(ValueError, match=message) as caught:
        data.load(marked(4), batch_size=1, labels=labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": [0, 1, 2, 3], "class_names": ["a", "b"]}, r"hold 3 in row 3, and there are 2 class_names \(a, b\)"),
        ({"labels": [0, 1, 1, 0], "class_names": ["a", "a"]}, "class_names holds 'a' twice"),
        ({"labels": [0, 1, 1, 0], "class_names": "ab"}, "class_names must be a list of texts.*found 'ab'"),
        ({"labels": [0, 1, 1, 0], "class_names": [1, 2]}, r"class_names must be a list of texts.*found \[1, 2\]"),
        ({"class_names": ["a", "b"]}, "class_names are those of labels that are given beside an array"),
        ({"like": model("a", "b")}, r"^The model has classes \(a, b\), and the array has no labels: give them beside"),
        (
            {"labels": [0, 6, 1, 0], "like": model(*"abc")},
            r"^the array has 7 classes \(0, 1, 2, 3, 4, \.\.\.\), the model has 3 \(a, b, c\)\. .*classes=7\.$",
        ),
        (
            {"labels": [0, 1, 1, 0], "class_names": ["a", "b"], "like": model(*"abc")},
            r"^the array has 2 classes \(a, b\), the model has 3 \(a, b, c\): names must be the same, in the",
        ),
        (
            {"labels": [0, 1, 1, 0], "class_names": ["a", "c", "b"], "like": model(*"abc"), "called": "letters"},
            r"^letters has 3 .*in the same order, and class 1 is 'c' in the data, 'b' in the model\.$",
        ),
    ],
)
def test_classes_that_do_not_fit_are_named(options, message):
    with pytest.raises(ValueError, match=message) as caught:
        data.load(marked(4), batch_size=1, **options)
    assert "\n" not in str(caught.value)


def test_what_is_wrong_with_class_folders_is_said_before_an_image_is_read(tmp_path, picture_folder, monkeypatch):
    monkeypatch.setattr(folder_source, "read_image", lambda files, name: pytest.fail(f"read {name}"))
    flat = r"pictures has no labels: its images do not lie in sub-folders, one for each class\.$"
    conditional = model("ants", "bees", "cats")
    with pytest.raises(ValueError, match=f"^{picture_folder.parent}/{flat}"):
        data.load(picture_folder, batch_size=1, labels=True)
    with pytest.raises(
        ValueError, match=rf"^The model has classes \(ants, bees, cats\), and .*/{flat[:-1]} labels=False"
    ):
        data.load(picture_folder, batch_size=1, like=conditional)
    name = class_folder(tmp_path / "pets")
    with pytest.raises(ValueError, match=r"has 3 classes \(ants, bees, cats\), the model has 2 \(0, 1\)"):
        data.load(name, batch_size=1, like=model("0", "1"))
    (tmp_path / "pets" / "dogs").mkdir()
    (tmp_path / "pets" / "dogs" / "notes.txt").write_text("none yet")
    empty = r"pets has class folders without an image \(dogs\): fill or remove them; the others are ants, bees, cats\.$"
    for ask in (
        lambda: data.load(name, batch_size=1, labels=True),
        lambda: data.load(name, batch_size=1, like=conditional),
        lambda: data.load_labelled_array(name),
        lambda: data.classes_of(name),
    ):
        with pytest.raises(ValueError, match=empty):
            ask()
    assert data.load_labels(name) is None
    (tmp_path / "pets" / "dogs" / "notes.txt").unlink()
    (tmp_path / "pets" / "dogs").rmdir()
    Image.new("L", (4, 4)).save(tmp_path / "pets" / "stray.png")
    with pytest.raises(
        ValueError, match=r"has class folders \(ants, bees, cats\) and 1 image\(s\) beside them \(stray.png\)"
    ):
        data.load(name, batch_size=1, labels=True)
    assert data.load_labels(name) is None
    (tmp_path / "pets" / ".trash").mkdir()
    (tmp_path / "pets" / "stray.png").rename(tmp_path / "pets" / ".trash" / "old.png")
    with pytest.raises(ValueError, match=r"\(ants, bees, cats\) and 1 image\(s\) beside them \(.trash/old.png\)"):
        data.load(name, batch_size=1, labels=True)


def test_flawed_class_folders_are_images_all_the_same(tmp_path):
    name = class_folder(tmp_path)
    Image.new("L", (4, 4), 200).save(tmp_path / "stray.png")
    (tmp_path / "dogs").mkdir()
    assert len(data.load_array(name)) == 31
    assert len(data.load(name, batch_size=1, like=model())) == 31


def test_a_class_of_which_nothing_can_be_read(tmp_path):
    name = class_folder(tmp_path)
    (tmp_path / "dogs").mkdir()
    (tmp_path / "dogs" / "a.png").write_bytes(b"nothing")
    with (
        pytest.warns(UserWarning, match="Skipped 1 image"),
        pytest.raises(ValueError, match=r"class folders without a readable image \(dogs\)"),
    ):
        data.load(name, batch_size=1, labels=True)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("ring", {"labels": True}, r"^ring has no labels: the points of a toy are all of one kind\.$"),
        (np.zeros((4, 2)), {"labels": True}, r"^the array has no labels: give them beside it"),
        ("ring", {"labels": [0, 1]}, r"^Labels are given by hand for an array of samples; of ring take its own"),
        ("ring", {"like": model("a", "b", shape=(2,))}, r"^The model has classes \(a, b\), and ring has no labels"),
    ],
)
def test_points_have_no_labels_of_their_own(source, options, message):
    with pytest.raises(ValueError, match=message):
        data.load(source, batch_size=1, **options)


def test_a_dataset_without_labels_says_so_before_it_is_downloaded(monkeypatch):
    monkeypatch.setattr(tfds_source, "_prepare", lambda *_: pytest.fail("downloads"))
    assert data.classes_of("celeb_a") is None
    with pytest.raises(ValueError, match=r"^celeb_a has no labels: .* has attributes, .*, and no 'label'"):
        data.load("celeb_a", batch_size=1, labels=True)
    names = tuple("abcdefghij")

    def prepare(builder, *_):
        builder.info.features["label"].names = list(names)

    monkeypatch.setattr(tfds_source, "_prepare", prepare)
    assert data.classes_of("cifar10") == names  # which come with its files


def test_files_with_bad_labels_are_named(tmp_path):
    path = tmp_path / "a.npz"
    for content, message in (
        ({}, r"a.npz has no labels: it holds images alone"),
        ({"labels": np.eye(4)}, r"the labels of .*a.npz must be whole numbers \[N\].*found float64 of shape \(4, 4\)"),
        ({"labels": [0, 1]}, r"the labels of .*a.npz are 2, its samples 4"),
        ({"labels": [0, 1, 2, 1], "class_names": ["a", "b"]}, r"hold 2 in row 2, and there are 2 class_names"),
        ({"labels": [0, 1, 0, 1], "class_names": [1.0, 2.0]}, r"class_names must be a list of texts"),
    ):
        np.savez(path, images=marked(4), **content)
        with pytest.raises(ValueError, match=message) as caught:
            data.load(path, batch_size=1, labels=True)
        assert "\n" not in str(caught.value)
        assert len(data.load(path, batch_size=1)) == 4
        assert data.load_labels(path) is None
