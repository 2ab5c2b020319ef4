"""Pictures of samples and of trainings, written as PNG and GIF, and films of samples."""

import math
import os
import pathlib
import shutil
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont
from PIL import features as pillow

from kerasgan.files import replacing

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from kerasgan.gan import GAN

ROUNDING = 1e-3  # less than half a step of 256 greys
MOST_CLASSES = 16  # that a picture shows where nobody says which
MOST_COLUMNS = 16  # of one class, which then has several rows
LONGEST_NAME = 24  # letters beside a row
LINE = 16  # pixels that a name beside a row needs
FILMS = (".gif", ".webp", ".mp4")
PENALTIES = "penalties, without their weights"  # a panel of `curves`


def grid(
    images: ArrayLike,
    path: str | os.PathLike | None = None,
    columns: int | None = None,
    gap: int = 2,
    row_names: Sequence[str] | None = None,
    enlarge: int = 1,
) -> np.ndarray:
    """Lays images out in rows.

    Args:
        images: float `[N, H, W, C]` in [0, 1] with C 1 or 3. Numbers beyond are cut off there, with a warning; NaN is
            drawn black.
        path: where to write a PNG; None writes nothing.
        columns: images per row; None makes the grid as square as it gets.
        gap: white pixels between images.
        row_names: a name for each row, which is drawn at its left; rows lower than a line of text are enlarged. "" is
            none.
        enlarge: how many pixels wide each is drawn, gaps included; names are not enlarged.

    Returns:
        uint8 `[height, width, C]`.

    Raises:
        ValueError: images of another shape, or none, or more or fewer names than rows.
    """
    drawn = np.asarray(images, np.float32)
    if drawn.ndim != 4 or drawn.shape[3] not in (1, 3) or not len(drawn):
        raise ValueError(f"A grid needs images [N, H, W, 1 or 3]; found shape {drawn.shape}.")
    finite = drawn[np.isfinite(drawn)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    if low < -ROUNDING or high > 1.0 + ROUNDING:
        warnings.warn(  # and no error, which would end the training that is being watched
            f"A grid shows images in [0, 1] and cuts off the rest; found values from {low:g} to {high:g}. What a "
            "generator or predict gives is brought there by gan.to_unit_range(samples); gan.generate does so.",
            stacklevel=2,
        )
    n, height, width, channels = drawn.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8)
    pixels = np.rint(np.clip(np.nan_to_num(drawn), 0.0, 1.0) * 255.0).astype(np.uint8)  # a diverged G draws black
    for i, image in enumerate(pixels):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image
    if row_names is not None:
        if len(row_names) != rows:
            raise ValueError(f"A grid of {rows} rows needs a name for each; found {len(row_names)}.")
        enlarge = max(enlarge, math.ceil(LINE / (height + gap)))
    sheet = sheet.repeat(enlarge, 0).repeat(enlarge, 1)
    if row_names is not None:
        sheet = _named(sheet, row_names, enlarge * (height + gap), enlarge * gap)
    if path is not None:
        write(sheet, path)
    return sheet


def _named(sheet: np.ndarray, names: Sequence[str], pitch: int, gap: int) -> np.ndarray:
    """A sheet `[height, width, C]` with names at the left, each in the middle of its row; a row and its gap are `pitch`
    pixels high.
    """
    font = ImageFont.load_default(min(15, pitch // 2 + 2))
    texts = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in names]
    width = math.ceil(max(font.getlength(text) for text in texts)) + 8
    margin = Image.new("L", (width, sheet.shape[0]), 255)
    pen = ImageDraw.Draw(margin)
    for i, text in enumerate(texts):
        pen.text((width - 6, i * pitch + (pitch - gap) / 2), text, fill=0, font=font, anchor="rm")
    grey = np.asarray(margin)[..., None]
    return np.concatenate([np.broadcast_to(grey, (*grey.shape[:2], sheet.shape[2])), sheet], axis=1)


def class_samples(
    images: ArrayLike, names: Sequence[str], path: str | os.PathLike | None = None, enlarge: int = 1
) -> np.ndarray:
    """Lays images of several classes out in rows, with each class's name at its left.

    Args:
        images: as for `grid`, `[classes * k, H, W, C]`: the k of the first class, then those of the next. More than 16
            of a class take several rows.
        names: of the classes.
        path: where to write a PNG; None writes nothing.
        enlarge: as for `grid`.

    Returns:
        uint8 `[height, width, C]`.

    Raises:
        ValueError: images of another shape, or not equally many of each class.
    """
    drawn = np.asarray(images, np.float32)
    if not len(names) or not len(drawn) or len(drawn) % len(names):
        raise ValueError(
            f"A row of each class needs equally many images of all; found {len(drawn)} of {len(names)} classes."
        )
    each = len(drawn) // len(names)
    rows = math.ceil(each / MOST_COLUMNS)
    columns = math.ceil(each / rows)
    blank = np.ones((len(names), rows * columns - each, *drawn.shape[1:]), np.float32)
    drawn = np.concatenate([drawn.reshape(len(names), each, *drawn.shape[1:]), blank], axis=1)
    beside = [text for name in names for text in (name, *[""] * (rows - 1))]
    return grid(drawn.reshape(-1, *drawn.shape[2:]), path, columns, row_names=beside, enlarge=enlarge)


def by_class(
    gan: "GAN",
    path: str | os.PathLike | None = None,
    each: int = 8,
    seed: int = 0,
    enlarge: int = 1,
) -> np.ndarray:
    """Draws images of a conditional GAN, a row for each class, and lays them out as `class_samples` does. The images of
    a column have the same noise. Of more than 16 classes it shows the first 16.

    Args:
        gan: a GAN with `class_names`, whose samples are images.
        path: where to write a PNG; None writes nothing.
        each: how many images of each class.
        seed: of the first image in each row.
        enlarge: as for `grid`.

    Returns:
        uint8 `[height, width, C]`.

    Raises:
        ValueError: the GAN knows no classes.
    """
    if gan.class_names is None:
        raise ValueError("A picture with a row for each class needs a conditional GAN; this one knows no classes.")
    names = gan.class_names[:MOST_CLASSES]
    images = np.concatenate([gan.generate(each, seed, labels=label) for label in range(len(names))])
    return class_samples(images, names, path, enlarge)


def points(samples: ArrayLike, path: str | os.PathLike | None = None, real: ArrayLike | None = None) -> np.ndarray:
    """Draws points of the plane as a scatter plot, numbers as a histogram.

    Args:
        samples: float `[N, 2]` or `[N, 1]`.
        path: where to write a PNG; None writes nothing.
        real: points of the data, drawn behind in grey; where they are given the axes are theirs.

    Returns:
        uint8 `[height, width, 3]`.

    Raises:
        ValueError: samples or real points of another shape, or none.
    """
    drawn = np.asarray(samples, np.float32)
    if drawn.ndim != 2 or drawn.shape[1] not in (1, 2) or not len(drawn):
        raise ValueError(f"A picture of points needs samples [N, 1] or [N, 2]; found shape {drawn.shape}.")
    behind = None if real is None else np.asarray(real, np.float32)
    if behind is not None and (behind.ndim != 2 or behind.shape[1] != drawn.shape[1] or not len(behind)):
        raise ValueError(f"The real points behind samples {drawn.shape} must have their form; found {behind.shape}.")
    drawn = drawn[np.isfinite(drawn).all(1)]  # a diverged generator draws nothing
    shown = drawn if behind is None else behind
    low, high = (shown.min(0), shown.max(0)) if len(shown) else (np.zeros(2), np.ones(2))
    middle, reach = (low + high) / 2, 0.6 * max(float(np.max(high - low)), 1e-3)

    figure, canvas = _figure((4.0, 4.0))
    axes = figure.add_subplot()
    axes.set_xlim(middle[0] - reach, middle[0] + reach)
    if drawn.shape[1] == 2:
        axes.set_ylim(middle[1] - reach, middle[1] + reach)
        axes.set_aspect("equal")
        if behind is not None:
            axes.plot(*behind.T, ".", markersize=2, color="0.75")
        axes.plot(*drawn.T, ".", markersize=2, color="tab:red")
    else:
        bins = np.linspace(middle[0] - reach, middle[0] + reach, 61).tolist()
        if behind is not None:
            axes.hist(behind[:, 0], bins, density=True, color="0.75")
        axes.hist(drawn[:, 0], bins, density=True, histtype="step", color="tab:red")
    canvas.draw()
    sheet = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    if path is not None:
        write(sheet, path)
    return sheet


def page(
    sections: Sequence[tuple[str, np.ndarray]], path: str | os.PathLike | None = None, margin: int = 12
) -> np.ndarray:
    """Lays pictures out below each other, each under a heading.

    Args:
        sections: headings, and uint8 `[height, width, 1 or 3]`. Narrow pictures are enlarged, by whole numbers.
        path: where to write a PNG; None writes nothing.
        margin: white pixels around everything.

    Returns:
        uint8 `[height, width, 3]`, or `[height, width, 1]` where all pictures are grey.
    """
    font = ImageFont.load_default(15)
    titles = [title for title, _ in sections]
    sheets = []
    for _, sheet in sections:
        factor = max(1, 720 // sheet.shape[1])
        sheets.append(np.broadcast_to(sheet, (*sheet.shape[:2], 3)).repeat(factor, 0).repeat(factor, 1))
    heading = 24
    width = 2 * margin + max(max(sheet.shape[1] for sheet in sheets), *(int(font.getlength(title)) for title in titles))
    height = margin + sum(heading + sheet.shape[0] + margin for sheet in sheets)
    whole = Image.new("RGB", (width, height), "white")
    pen, top = ImageDraw.Draw(whole), margin
    for title, sheet in zip(titles, sheets, strict=True):
        pen.text((margin, top), title, fill="black", font=font)
        whole.paste(Image.fromarray(sheet), (margin, top + heading))
        top += heading + sheet.shape[0] + margin
    pixels = np.asarray(whole)
    if all(sheet.shape[2] == 1 for _, sheet in sections):
        pixels = pixels[..., :1]
    if path is not None:
        write(pixels, path)
    return pixels


def write(pixels: np.ndarray, path: str | os.PathLike) -> None:
    """Writes uint8 `[height, width, 1 or 3]` as a PNG."""
    with replacing(path) as temporary:
        picture(pixels).save(temporary, format="PNG")


def can_draw(shape: tuple[int, ...]) -> bool:
    """Whether samples of this shape have a picture: images, points of the plane, numbers."""
    return (len(shape) == 3 and shape[2] in (1, 3)) or shape in ((1,), (2,))


def samples(samples: ArrayLike, path: str | os.PathLike | None = None, real: ArrayLike | None = None) -> np.ndarray:
    """A picture of whatever a generator gives: a `grid` of images, or `points`."""
    return grid(samples, path) if np.ndim(samples) == 4 else points(samples, path, real)


def animation(
    frames: Sequence[pathlib.Path], path: str | os.PathLike, longest: int = 150, milliseconds: int = 120
) -> None:
    """Joins PNG files of one size into an endless GIF.

    Args:
        frames: the files in order; the last one is shown longer.
        path: where to write.
        longest: at most so many frames; more are thinned out evenly, first and last kept.
        milliseconds: how long each is shown.
    """
    if len(frames) > longest:
        frames = [frames[i] for i in np.linspace(0, len(frames) - 1, longest).round().astype(int)]
    # Median cut, Pillow's own choice, takes seconds for a grid of a hundred thousand colours.
    pictures = [Image.open(frame).convert("RGB").quantize(method=Image.Quantize.FASTOCTREE) for frame in frames]
    with replacing(path) as temporary:
        pictures[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=pictures[1:],
            duration=[milliseconds] * (len(pictures) - 1) + [2000],
            loop=0,
        )


def film(images: ArrayLike, path: str | os.PathLike, milliseconds: int = 50, enlarge: int = 1) -> None:
    """Writes images one after the other: as a GIF or WebP, which begin again at their end, or as an MP4.

    A WebP has every pixel as it is, a GIF that of grey images; colours of a GIF are 256 for each image. An MP4 (H.264)
    is written by ffmpeg, that of the package imageio-ffmpeg or one on the PATH.

    Args:
        images: as for `grid`.
        path: where to write; its suffix chooses.
        milliseconds: how long each is shown; a GIF knows whole hundredths of a second.
        enlarge: how many pixels wide each is drawn.

    Raises:
        ValueError: images of another shape, or none, another suffix, or nothing that could write the file.
        OSError: ffmpeg failed.
    """
    path = check_film(path)
    frames = [grid(image[None], enlarge=enlarge) for image in np.asarray(images, np.float32)]
    if not frames:
        raise ValueError("A film needs an image at least; found none.")
    suffix = path.suffix.lower()
    with replacing(path) as temporary:
        if suffix == ".mp4":
            _encode(frames, temporary, milliseconds)
            return
        pictures = [Image.fromarray(frame[..., 0] if frame.shape[2] == 1 else frame) for frame in frames]
        if suffix == ".gif" and pictures[0].mode == "RGB":
            pictures = [picture.quantize(method=Image.Quantize.FASTOCTREE) for picture in pictures]
        options: dict[str, Any] = {} if suffix == ".gif" else {"lossless": True}
        options |= {"append_images": pictures[1:], "duration": milliseconds, "loop": 0}
        pictures[0].save(temporary, save_all=True, **options)


def check_film(path: str | os.PathLike) -> pathlib.Path:
    """The path, if `film` can write a file of that suffix here.

    Raises:
        ValueError: another suffix, or nothing that could write the file.
    """
    path = pathlib.Path(path)
    suffix = path.suffix.lower()
    if suffix not in FILMS:
        raise ValueError(f"A film is a {', '.join(FILMS[:-1])} or {FILMS[-1]}; found {path.name}.")
    if suffix == ".webp" and not pillow.check("webp"):
        raise ValueError("This Pillow is built without WebP; write a .gif, or install another Pillow.")
    if suffix == ".mp4" and _ffmpeg() is None:
        raise ValueError("An .mp4 needs ffmpeg: pip install imageio-ffmpeg, or write a .gif or .webp.")
    return path


def _ffmpeg():
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):  # not installed, or for this machine there is no program in it
        return shutil.which("ffmpeg")


def _encode(frames, path, milliseconds):
    height, width, _ = frames[0].shape
    pixels = b"".join(np.broadcast_to(frame, (height, width, 3)).tobytes() for frame in frames)
    command = [_ffmpeg(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pixel_format", "rgb24"]
    command += ["-video_size", f"{width}x{height}", "-framerate", f"{1000 / milliseconds:g}", "-i", "-"]
    # H.264 as every player takes it has colours at half the resolution, and needs even sides.
    command += ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "16"]
    command += ["-movflags", "+faststart", "-f", "mp4", str(path)]
    done = subprocess.run(command, input=pixels, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise OSError(f"ffmpeg wrote no film: {said[-1]}")


def curves(
    history: Mapping[str, Sequence[float]],
    path: str | os.PathLike | None = None,
    x: Sequence[float] | None = None,
    xlabel: str = "epoch",
) -> np.ndarray:
    """Plots what `fit` logged, one panel for each kind of value.

    Args:
        history: name -> one number per point, such as `gan.fit(...).history`.
        path: where to write a PNG; None writes nothing.
        x: the points' positions; None counts from 1.
        xlabel: what `x` counts.

    Returns:
        uint8 `[height, width, 3]`.
    """
    panels = {
        "losses": [name for name in history if name.endswith("_loss")],
        "discriminator": _logged(history, "d_real", "d_fake"),
        "nats": _logged(history, "value", "jsd"),
        "total variation": _logged(history, "total_variation"),
        "critic's gap": _logged(history, "critic_gap"),
        "pairs: accuracy, and JSD in nats": _logged(history, "pair_accuracy", "pair_jsd"),
        "energy": [name for name in history if name.removeprefix("val_").startswith("energy_")],
        PENALTIES: _logged(history, "r1", "r2", "gradient_penalty"),
        "probability of augmentation": _logged(history, "augment_p"),
        "Fréchet distance": [name for name in history if name in ("fcd", "fid", "frechet_distance")],
        "kernel distance": [name for name in history if name == "kid"],
        "label accuracy": _logged(history, "label_accuracy"),
        "mutual information, nats": [name for name in history if "mutual_information" in name],
    }
    known = {name for names in panels.values() for name in names}
    panels["other"] = [name for name in history if name not in known and name not in ("epoch", "step")]
    panels = {title: names for title, names in panels.items() if names}

    rows = math.ceil(len(panels) / 5)
    columns = math.ceil(len(panels) / max(rows, 1))
    figure, canvas = _figure((4.5 * columns, 3.2 * rows))
    figure.set_dpi(110)
    places = figure.subplots(rows, columns, squeeze=False).flat
    for axes, (title, names) in zip(places, panels.items(), strict=False):
        for name in names:
            positions = range(1, len(history[name]) + 1) if x is None else x
            label = name.replace("mutual_information_", "")
            axes.plot(positions, history[name], label=label, marker="." if len(history[name]) < 3 else None)
        axes.set_title(title)
        axes.set_xlabel(xlabel)
        axes.grid(alpha=0.3)
        axes.legend()
        if title == PENALTIES and any(value > 0 for name in names for value in history[name]):
            axes.set_yscale("log")
    for axes in list(figure.axes)[len(panels) :]:
        axes.remove()
    canvas.draw()
    sheet = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    if path is not None:
        write(sheet, path)
    return sheet


def _logged(history: Mapping[str, Sequence[float]], *names: str) -> list[str]:
    """Which of these stand in a history, as they are or as Keras calls them of held-out samples."""
    return [name for name in history if name.removeprefix("val_") in names]


def _figure(size: tuple[float, float]) -> "tuple[Figure, FigureCanvasAgg]":
    """A figure of so many inches and its canvas, without any window system."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, FigureCanvasAgg(figure)


def picture(pixels: np.ndarray) -> Image.Image:
    """Uint8 `[height, width, 1 or 3]`, as the other functions give it, as an image that a notebook shows."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
