"""Samples and curves while `fit` runs, in a notebook and in a terminal."""

import shutil
import sys
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kerasgan import plots
from kerasgan.callbacks.frequency import Budget, check_frequency

BARS = "▁▂▃▄▅▆▇█"  # of a curve in a line of text, from its lowest to its highest value
CURVES = ("d_loss", "g_loss", "fcd", "fid", "frechet_distance")  # that a terminal shows
WIDEST = 40  # values of a curve in a terminal; more are thinned out


class LivePlot(keras.callbacks.Callback):
    """Shows samples, always of the same seeds, and curves while `fit` runs.

    A notebook shows one picture below the cell, which is drawn anew; a terminal a row of samples in coloured half
    blocks and the losses in a line each, below each other as the training goes on. Where the output is a file nothing
    is shown: `SampleGrid` and `HistoryTable` write.

    Args:
        n: how many samples; of a conditional model the classes share them. A terminal shows as many as have room.
        seed: of the first one.
        every: "epoch", or a number of epochs; None is each epoch, but where they are short only so often that it takes
            a twentieth of the time.

    Raises:
        ValueError: `every` is none of these; when `fit` begins, samples that have no picture.
    """

    SHARE = 0.05  # of the time

    def __init__(self, n: int = 16, seed: int = 0, every: str | int | None = None) -> None:
        super().__init__()
        self.n = n
        self.seed = seed
        self.every = check_frequency(every)
        self._budget = Budget(self.SHARE)
        self._place: Any = None  # what a notebook draws anew
        self._history: dict[str, list[float]] = {}
        self._epochs: list[float] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not plots.can_draw(self.model.sample_shape):
            raise ValueError(f"LivePlot shows images and points; this model's samples have {self.model.sample_shape}.")
        self._history, self._epochs, self._place = {}, [], None
        self._budget = Budget(self.SHARE)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epochs.append(epoch + 1)
        for name, value in (logs or {}).items():
            self._history.setdefault(name, []).append(float(value))
        if self._is_due(epoch):
            self._show()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._epochs:
            self._show()

    def _is_due(self, epoch):
        if isinstance(self.every, int):
            return (epoch + 1) % self.every == 0
        first = len(self._epochs) == 1
        return self.every == "epoch" or first or self._budget.allows(self.model.distribute_strategy)

    def _show(self) -> None:
        whole = {name: values for name, values in self._history.items() if len(values) == len(self._epochs)}
        with self._budget.spending():
            if in_notebook():
                self._show_picture(whole)
            elif sys.stdout.isatty():
                images = len(self.model.sample_shape) == 3
                samples = self.model.generate(min(self.n, 8), self.seed) if images else None
                print("\n" + "\n".join(as_text(samples, whole, shutil.get_terminal_size().columns)), flush=True)

    def _show_picture(self, history):
        from IPython.display import display

        sheets = [
            ("samples", np.asarray(self.model.show(self.n if len(self.model.sample_shape) == 3 else 2500, self.seed))),
            ("curves", plots.curves(history, x=self._epochs)),
        ]
        sheets = [(title, sheet if sheet.ndim == 3 else sheet[..., None]) for title, sheet in sheets]
        picture = plots.picture(plots.page(sheets))
        if self._place is None:
            self._place = display(picture, display_id=True)
        else:
            self._place.update(picture)


def in_notebook() -> bool:
    """Whether this runs in a kernel that shows pictures, such as Jupyter's, rather than in a terminal."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def as_text(images: np.ndarray | None, history: dict[str, list[float]], columns: int) -> list[str]:
    """Samples and curves as lines of text for a terminal of so many columns.

    Args:
        images: float `[N, H, W, 1 or 3]` in [0, 1], of which as many are shown as have room; or None.
        history: name -> one number per epoch.
        columns: characters in a line.

    Returns:
        Lines; each character of the samples is two pixels, one above the other, in their colours (24 bits).
    """
    lines = []
    if images is not None:
        side = max(8, min(images.shape[1], columns // 2))
        fits = max(1, (columns + 1) // (side + 1))
        lines += half_blocks(np.concatenate(_spaced(images[:fits], side), axis=1))
    for name in CURVES:
        if name in history:
            values = history[name]
            lines.append(f"{name:>8} {sparkline(values)} {values[-1]:.4g}")
    return lines


def _spaced(images, side):
    """Small images with a column between them, uint8 `[side, side (+ 1), 3]` each."""
    from PIL import Image

    sheets = []
    for image in images:
        pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
        small = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).convert("RGB")
        small = small.resize((side, side), Image.Resampling.BOX)
        sheets += [np.asarray(small), np.zeros((side, 1, 3), np.uint8)]
    return sheets[:-1]


def half_blocks(pixels: np.ndarray) -> list[str]:
    """Uint8 `[H, W, 3]` as lines of "▀", whose colour is the upper of two pixels and whose ground is the lower."""
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, np.zeros_like(pixels[:1])])
    lines = []
    for upper, lower in zip(pixels[::2], pixels[1::2], strict=True):
        cells = [
            f"\x1b[38;2;{a[0]};{a[1]};{a[2]};48;2;{b[0]};{b[1]};{b[2]}m▀" for a, b in zip(upper, lower, strict=True)
        ]
        lines.append("".join(cells) + "\x1b[0m")
    return lines


def sparkline(values: Sequence[float]) -> str:
    """Numbers as a line of bars from the lowest to the highest; what is no finite number is a blank."""
    numbers = np.asarray(values, float)
    if len(numbers) > WIDEST:
        numbers = numbers[np.linspace(0, len(numbers) - 1, WIDEST).round().astype(int)]
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return " " * len(numbers)
    low, high = finite.min(), finite.max()
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((x - low) * scale)] if np.isfinite(x) else " " for x in numbers)
