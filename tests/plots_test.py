"""Where the pixels go, and that files appear whole or not at all."""

import os
import sys
import warnings

import numpy as np
import pytest
from conftest import quarters_gan, small_gan
from PIL import Image

from kerasgan import plots
from kerasgan.files import check_output_file, check_writable, replacing


def test_a_grid_puts_image_i_in_row_i_over_columns(tmp_path):
    images = np.linspace(0, 1, 5, dtype=np.float32)[:, None, None, None] * np.ones((1, 3, 4, 1), np.float32)
    sheet = plots.grid(images, tmp_path / "new" / "grid.png", columns=3, gap=1)
    assert sheet.shape == (2 * 3 + 1, 3 * 4 + 2, 1)
    np.testing.assert_array_equal(sheet[0:3, 5:9], np.full((3, 4, 1), round(0.25 * 255)))
    np.testing.assert_array_equal(sheet[4:7, 5:9], np.full((3, 4, 1), 255))
    np.testing.assert_array_equal(sheet[4:7, 0:4], np.full((3, 4, 1), round(0.75 * 255)))
    assert (sheet[3] == 255).all()  # the gap
    with Image.open(tmp_path / "new" / "grid.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), sheet[..., 0])
    assert plots.grid(np.zeros((10, 2, 2, 3)), gap=0).shape == (3 * 2, 4 * 2, 3)


@pytest.mark.parametrize("shape", [(0, 4, 4, 1), (2, 4, 4), (2, 4, 4, 2)])
def test_a_grid_says_what_it_needs(shape):
    with pytest.raises(ValueError, match="A grid needs images"):
        plots.grid(np.zeros(shape))


def test_names_stand_at_the_left_of_their_rows(tmp_path):
    """What is not the names is the grid without them; each name lies beside its own row, none where it is empty."""
    images = np.linspace(0, 1, 6, dtype=np.float32)[:, None, None, None] * np.ones((1, 28, 28, 1), np.float32)
    plain = plots.grid(images, columns=2)
    sheet = plots.grid(images, tmp_path / "named.png", columns=2, row_names=["Bag", "", "Ankle boot"])
    width = sheet.shape[1] - plain.shape[1]
    np.testing.assert_array_equal(sheet[:, width:], plain)
    ink = [int((sheet[30 * i : 30 * i + 28, :width] < 128).sum()) for i in range(3)]
    assert ink[1] == 0
    assert 0 < ink[0] < ink[2]
    assert (sheet[28:30, :width] == 255).all()  # the gap
    with Image.open(tmp_path / "named.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), sheet[..., 0])

    small = plots.grid(images[:4, :3, :3].repeat(3, 3), columns=2, gap=1, row_names=["a", "b"])
    assert small.shape[0] == 2 * 16 - 4  # rows of 3 pixels and a gap of 1, enlarged four times for a line of text
    large = plots.grid(images, columns=2, row_names=["a", "b", "c"], enlarge=2)
    np.testing.assert_array_equal(large[:, -2 * plain.shape[1] :], plain.repeat(2, 0).repeat(2, 1))
    long = plots.grid(images, columns=2, row_names=["a" * 24, "b" * 200, "c"])
    assert long.shape[1] < 400
    with pytest.raises(ValueError, match="A grid of 3 rows needs a name for each; found 2"):
        plots.grid(images, columns=2, row_names=["a", "b"])


def test_classes_have_rows(tmp_path):
    """Up to 16 in one row, more in several that are as full as they get; what is left over stays white."""

    def sheet_of(each):
        images = (np.arange(2 * each) % each + 1) / 256 * np.repeat([0, 1], each)
        sheet = plots.class_samples(images[:, None, None, None] * np.ones((1, 16, 16, 1)), ["dark", "not"])
        cells = sheet[::18, ::-18][:, ::-1]  # the first line of each row, from the right
        return cells[..., 0]

    assert sheet_of(3)[:, -3:].tolist() == [[0, 0, 0], [1, 2, 3]]
    rows = sheet_of(17)
    assert rows.shape[0] == 4
    assert rows[1, -9:].tolist() == [0] * 8 + [255]
    assert rows[2:, -9:].tolist() == [[*range(1, 10)], [*range(10, 18), 255]]
    for images, names in ((np.zeros((5, 4, 4, 1)), ["a", "b"]), (np.zeros((4, 4, 4, 1)), [])):
        with pytest.raises(ValueError, match="needs equally many images of all; found"):
            plots.class_samples(images, names)


def test_a_picture_of_a_conditional_model_has_a_row_for_each_class():
    """The last pixels of each row are those of the seeds asked for, with the same noise in each."""
    gan = quarters_gan()
    sheet = plots.by_class(gan, each=3, seed=5)
    for label, name in enumerate(gan.class_names):
        drawn = plots.grid(gan.generate(3, 5, labels=name), columns=3).repeat(2, 0).repeat(2, 1)
        np.testing.assert_array_equal(sheet[20 * label : 20 * label + 16, -drawn.shape[1] :], drawn)
    with pytest.raises(ValueError, match="needs a conditional GAN; this one knows no classes"):
        plots.by_class(small_gan())


def test_a_grid_of_the_generators_own_range_is_warned_of():
    """What `predict` gives of a model in [-1, 1] would lose its darker half without a word."""
    with pytest.warns(UserWarning, match=r"found values from -1 to 1\. What .* gan\.to_unit_range\(samples\)"):
        sheet = plots.grid(np.linspace(-1, 1, 4).reshape(4, 1, 1, 1), columns=4, gap=0)
    assert sheet.ravel().tolist() == [0, 0, 85, 255]
    with pytest.warns(UserWarning, match="found values from 0 to 255"):
        plots.grid(np.array([0, 255], np.uint8).reshape(2, 1, 1, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert plots.grid(np.array([-1e-4, 1.0001]).reshape(2, 1, 1, 1), gap=0).ravel().tolist() == [0, 255]
        assert plots.grid(np.array([np.nan, np.inf, -np.inf, 0.2]).reshape(4, 1, 1, 1), gap=0).ravel().tolist() == [
            0,
            255,
            0,
            51,
        ]
        assert not plots.grid(np.full((1, 2, 2, 1), np.nan)).any()


def test_an_animation_keeps_first_and_last_frame(tmp_path):
    frames = []
    for i in range(9):
        frames.append(tmp_path / f"{i}.png")
        Image.fromarray(np.full((4, 4), i * 20, np.uint8)).save(frames[-1])
    plots.animation(frames, tmp_path / "all.gif", longest=4)
    with Image.open(tmp_path / "all.gif") as gif:
        assert gif.n_frames == 4
        values = []
        for i in range(4):
            gif.seek(i)
            values.append(np.asarray(gif.convert("L"))[0, 0])
    assert (values[0], values[-1]) == (0, 160)


def frames_of(path):
    with Image.open(path) as picture:
        assert picture.info["loop"] == 0
        frames = []
        for i in range(picture.n_frames):
            picture.seek(i)
            frames.append(np.asarray(picture.convert("RGB")))
    return np.stack(frames)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".GIF"])
def test_a_film_has_every_image(tmp_path, suffix):
    images = np.random.default_rng(0).uniform(0, 1, (5, 6, 7, 1))
    path = tmp_path / "new" / f"film{suffix}"
    plots.film(images, path, enlarge=2)
    expected = np.rint(images * 255).repeat(2, 1).repeat(2, 2).repeat(3, 3)
    np.testing.assert_array_equal(frames_of(path), expected)
    assert os.listdir(path.parent) == [path.name]


def test_a_film_in_colour(tmp_path):
    images = np.zeros((3, 6, 6, 3))
    images[[0, 1, 2], :, :, [0, 1, 2]] = 1.0  # red, green, blue
    for suffix in (".gif", ".webp"):
        plots.film(images, tmp_path / f"film{suffix}")
        np.testing.assert_array_equal(frames_of(tmp_path / f"film{suffix}"), images * 255)


FFMPEG = """#!{python}
import pathlib, sys
pathlib.Path("asked.txt").write_text("\\n".join(sys.argv[1:]))
pathlib.Path("given.raw").write_bytes(sys.stdin.buffer.read())
if "{fails}":
    sys.exit("a warning\\nUnknown encoder 'libx264'")
pathlib.Path(sys.argv[-1]).write_bytes(b"a film")
"""


@pytest.mark.parametrize("fails", ["", "yes"])
def test_ffmpeg_is_given_the_pixels(tmp_path, monkeypatch, fails):
    """A stand-in for ffmpeg says what it was asked for and given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(ValueError, match=r"An .mp4 needs ffmpeg: pip install imageio-ffmpeg, or write a .gif or .webp"):
        plots.check_film("film.mp4")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ffmpeg"
    program.write_text(FFMPEG.format(python=sys.executable, fails=fails))
    program.chmod(0o755)
    images = np.random.default_rng(0).uniform(0, 1, (5, 6, 7, 1))
    if fails:
        with pytest.raises(OSError, match="ffmpeg wrote no film: Unknown encoder 'libx264'"):
            plots.film(images, "film.mp4")
        assert not (tmp_path / "film.mp4").exists()
        return
    plots.film(images, "film.mp4", milliseconds=40)
    assert (tmp_path / "film.mp4").read_bytes() == b"a film"
    given = np.frombuffer((tmp_path / "given.raw").read_bytes(), np.uint8).reshape(5, 6, 7, 3)
    np.testing.assert_array_equal(given, np.rint(images * 255).repeat(3, 3))
    asked = (tmp_path / "asked.txt").read_text()
    assert "-video_size\n7x6\n-framerate\n25\n" in asked


def test_a_film_says_what_it_needs(tmp_path):
    with pytest.raises(ValueError, match=r"A film is a .gif, .webp or .mp4; found film.png"):
        plots.film(np.zeros((2, 4, 4, 1)), tmp_path / "film.png")
    with pytest.raises(ValueError, match="A grid needs images"):
        plots.film(np.zeros((2, 4)), tmp_path / "film.gif")
    with pytest.raises(ValueError, match="A film needs an image at least; found none"):
        plots.film(np.zeros((0, 4, 4, 1)), tmp_path / "film.gif")
    assert not list(tmp_path.iterdir())


def test_curves_are_drawn(tmp_path):
    history = {"d_loss": [1.0, 0.5], "g_loss": [1.0, 2.0], "d_real": [0.5, 0.6], "jsd": [0.1, 0.2], "fcd": [9.0, 8.0]}
    plots.curves(history, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 1500  # four panels
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 20


def test_each_kind_of_value_has_a_panel(tmp_path, monkeypatch):
    """The new losses', penalties' and augmentation's, of fit and of held-out samples; penalties on a logarithmic axis,
    where there is one.
    """
    figures = []
    make = plots._figure
    monkeypatch.setattr(plots, "_figure", lambda size: figures.append(make(size)) or figures[-1])
    names = {
        "losses": ["d_loss", "val_d_loss"],
        "discriminator": ["d_real", "d_fake"],
        "nats": ["value", "jsd"],
        "total variation": ["total_variation", "val_total_variation"],
        "critic's gap": ["critic_gap"],
        "pairs: accuracy, and JSD in nats": ["pair_accuracy", "pair_jsd"],
        "penalties, without their weights": ["r1", "r2", "gradient_penalty"],
        "probability of augmentation": ["augment_p"],
        "label accuracy": ["label_accuracy"],
        "other": ["learning_rate"],
    }
    history = {name: [0.0, 0.1] for of_panel in names.values() for name in of_panel}
    plots.curves(history, tmp_path / "curves.png")
    axes = figures[0][0].axes
    assert {a.get_title(): [text.get_text() for text in a.get_legend().get_texts()] for a in axes} == names
    assert {a.get_title() for a in axes if a.get_yscale() == "log"} == {"penalties, without their weights"}
    with Image.open(tmp_path / "curves.png") as picture:
        assert abs(picture.width / picture.height - (5 * 4.5) / (2 * 3.2)) < 0.01  # two rows of five
    plots.curves({"r1": [0.0, 0.0]}, tmp_path / "curves.png")
    assert figures[1][0].axes[0].get_yscale() == "linear"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_places_that_cannot_be_written_to(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a folder; give the name of a file"):
        check_output_file(tmp_path)
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match="is a file; a folder is needed there"):
            check_writable(path)
    assert check_writable(tmp_path / "new" / "deep") == tmp_path / "new" / "deep"
    assert not (tmp_path / "new").exists()
    with pytest.raises(ValueError, match="is not writable"):
        monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
        check_writable(tmp_path)


def test_points_are_drawn_where_they_lie(tmp_path):
    """One red point in the upper right quarter; the axes are those of the real points, equal in both directions."""
    real = np.array([[-1, -1], [1, 1]], np.float32)
    picture = plots.points([[0.5, 0.5]], tmp_path / "points.png", real=real).astype(int)
    red = np.argwhere((picture[..., 0] > 180) & (picture[..., 1] < 80))
    height, width, _ = picture.shape
    assert len(red)
    assert (red[:, 0] < 0.48 * height).all()
    assert (red[:, 1] > 0.52 * width).all()
    grey = np.argwhere((picture.max(2) - picture.min(2) == 0) & (picture[..., 0] > 180) & (picture[..., 0] < 210))
    assert len(grey)
    with Image.open(tmp_path / "points.png") as saved:
        np.testing.assert_array_equal(np.asarray(saved), picture)


def test_numbers_are_a_histogram_and_nan_is_left_out():
    assert plots.points(np.array([[0.0], [np.nan], [1.0]])).shape[2] == 3
    assert plots.points(np.full((4, 2), np.nan)).shape[2] == 3
    assert plots.samples(np.zeros((4, 5, 5, 1))).shape == (12, 12, 1)
    assert plots.samples(np.zeros((4, 2))).shape[2] == 3
    assert plots.points([[0.5, 0.5]], real=[[0, 0], [1, 1]]).shape[2] == 3
    with pytest.raises(ValueError, match=r"behind samples \(1, 2\) must have their form; found \(4, 1\)"):
        plots.points([[0.5, 0.5]], real=np.zeros((4, 1)))
    for wrong in (np.zeros((0, 2)), np.zeros((3, 5))):
        with pytest.raises(ValueError, match=r"needs samples \[N, 1\] or \[N, 2\]"):
            plots.points(wrong)
