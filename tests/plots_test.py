"""Where the pixels go, and that files appear whole or not at all."""

import warnings

import numpy as np
import pytest
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


def test_curves_are_drawn(tmp_path):
    history = {"d_loss": [1.0, 0.5], "g_loss": [1.0, 2.0], "d_real": [0.5, 0.6], "jsd": [0.1, 0.2], "fcd": [9.0, 8.0]}
    plots.curves(history, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 1500  # four panels
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 20


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
