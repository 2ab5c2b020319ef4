"""Samples and curves while `fit` runs."""

import io
import sys
import types

import numpy as np
import pytest

from kerasgan import callbacks, create_model
from kerasgan.callbacks import live_plot

SMALL = {"image_shape": (32, 32, 1), "generator_width": 4, "discriminator_width": 4}


def fit(**options):
    gan = create_model("dcgan", **SMALL)
    images = np.random.default_rng(0).uniform(-1, 1, (8, 32, 32, 1)).astype(np.float32)
    gan.fit(images, batch_size=4, epochs=3, verbose=0, callbacks=[callbacks.LivePlot(**options)])
    return gan


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_samples_and_losses(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    fit(n=4, every=2)
    shown = terminal.getvalue()
    assert shown.count("d_loss") == shown.count("g_loss") == 2  # at the end of the second epoch, and of the last
    assert shown.count("\x1b[0m") == 2 * 16  # lines of two pixels of 32


def test_a_file_is_not_written_into(capsys):
    fit()
    assert capsys.readouterr().out == ""


def test_a_notebook_has_one_picture_that_is_drawn_anew(monkeypatch):
    shown, updated = [], []
    place = types.SimpleNamespace(update=updated.append)
    display = types.ModuleType("IPython.display")
    display.display = lambda picture, display_id: (shown.append(picture), place)[1]
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(live_plot, "in_notebook", lambda: True)
    fit(every="epoch")
    assert len(shown) == 1
    assert len(updated) == 3  # the second epoch, the third, and the end
    assert shown[0].size[0] > 100


def test_samples_without_a_picture():
    gan = create_model("vanilla_gan", image_shape=(7,), generator_units=4, discriminator_units=2)
    with pytest.raises(ValueError, match=r"^LivePlot shows images and points; this model's samples have \(7,\)\.$"):
        gan.fit(np.zeros((4, 7), np.float32), batch_size=2, verbose=0, callbacks=[callbacks.LivePlot()])
    with pytest.raises(ValueError, match="every must be 'epoch'"):
        callbacks.LivePlot(every=0)


def test_no_kernel_is_no_notebook():
    assert not live_plot.in_notebook()


def test_half_blocks_are_two_pixels_in_their_colours():
    pixels = np.array([[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]]], np.uint8)
    assert live_plot.half_blocks(pixels) == [
        "\x1b[38;2;1;2;3;48;2;4;5;6m▀\x1b[0m",
        "\x1b[38;2;7;8;9;48;2;0;0;0m▀\x1b[0m",
    ]


def test_sparklines():
    assert live_plot.sparkline([0, 7, 3.6, float("nan"), 1]) == "▁█▅ ▂"
    assert live_plot.sparkline([2, 2]) == "▁▁"
    assert live_plot.sparkline([float("nan")]) == " "
    assert len(live_plot.sparkline(range(1000))) == 40


def test_as_many_samples_as_have_room():
    images = np.ones((8, 28, 28, 1), np.float32)
    lines = live_plot.as_text(images, {"d_loss": [1.0, 2.0]}, columns=60)
    assert lines[0].count("▀") == 28 + 1 + 28
    assert len(lines) == 14 + 1
    assert lines[-1] == "  d_loss ▁█ 2"
