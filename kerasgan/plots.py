"""Pictures of samples and of trainings, written as PNG and GIF."""

import math
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from kerasgan.files import replacing


def grid(images, path=None, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """Lays images out in rows.

    Args:
        images: float `[N, H, W, C]` in [0, 1] with C 1 or 3.
        path: where to write a PNG; None writes nothing.
        columns: images per row; None makes the grid as square as it gets.
        gap: white pixels between images.

    Returns:
        uint8 `[height, width, C]`.

    Raises:
        ValueError: images of another shape, or none.
    """
    images = np.nan_to_num(np.asarray(images, np.float32))  # a diverged generator draws black
    if images.ndim != 4 or images.shape[3] not in (1, 3) or not len(images):
        raise ValueError(f"A grid needs images [N, H, W, 1 or 3]; found shape {images.shape}.")
    n, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8)
    for i, image in enumerate(np.rint(np.clip(images, 0.0, 1.0) * 255.0).astype(np.uint8)):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image
    if path is not None:
        with replacing(path) as temporary:
            _picture(sheet).save(temporary, format="PNG")
    return sheet


def animation(frames: Sequence[pathlib.Path], path, longest: int = 150, milliseconds: int = 120) -> None:
    """Joins PNG files of one size into an endless GIF.

    Args:
        frames: the files in order; the last one is shown longer.
        path: where to write.
        longest: at most so many frames; more are thinned out evenly, first and last kept.
        milliseconds: how long each is shown.
    """
    if len(frames) > longest:
        frames = [frames[i] for i in np.linspace(0, len(frames) - 1, longest).round().astype(int)]
    pictures = [Image.open(frame).convert("P", palette=Image.Palette.ADAPTIVE) for frame in frames]
    with replacing(path) as temporary:
        pictures[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=pictures[1:],
            duration=[milliseconds] * (len(pictures) - 1) + [2000],
            loop=0,
        )


def curves(history: Mapping[str, Sequence[float]], path, x: Sequence[float] | None = None, xlabel="epoch") -> None:
    """Plots what `fit` logged, one panel for each kind of value.

    Args:
        history: name -> one number per point, such as `gan.fit(...).history`.
        path: where to write a PNG.
        x: the points' positions; None counts from 1.
        xlabel: what `x` counts.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = {
        "losses": [name for name in history if name.endswith("_loss")],
        "discriminator": [name for name in history if name.endswith(("d_real", "d_fake"))],
        "nats": [name for name in history if name.endswith(("value", "jsd"))],
    }
    known = {name for names in panels.values() for name in names}
    panels["other"] = [name for name in history if name not in known and name not in ("epoch", "step")]
    panels = {title: names for title, names in panels.items() if names}

    figure = Figure(figsize=(4.5 * len(panels), 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, names) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for name in names:
            points = range(1, len(history[name]) + 1) if x is None else x
            axes.plot(points, history[name], label=name, marker="." if len(history[name]) < 3 else None)
        axes.set_title(title)
        axes.set_xlabel(xlabel)
        axes.grid(alpha=0.3)
        axes.legend()
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
