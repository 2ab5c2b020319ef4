"""The pictures of a report: small enough to lie in its page, as `data:` URIs."""

import base64
import io
import math
import pathlib
import tempfile
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from kerasgan import checkpoints, plots

FRAMES = 9  # of samples over time
LARGEST = 90_000  # bytes of a file that is shown as it is
MOST = 300_000  # numbers of a picture that keeps all its colours
WIDEST = 640  # pixels, beyond which a picture is made smaller


def frames_of(folder: pathlib.Path, last: int | None = None) -> list[tuple[int, pathlib.Path]]:
    """Pictures of samples, evenly spaced over the training, the first and the last among them, each with its step.

    Args:
        folder: of the pictures.
        last: the newest step that is the run's own; later ones are of a training that went on from there before.
    """
    found = [(checkpoints.step_of(path), path) for path in checkpoints.by_step(folder.glob("step-*.png"))]
    found = [(step, path) for step, path in found if last is None or step <= last]
    if len(found) <= FRAMES:
        return found
    return [found[round(i)] for i in np.linspace(0, len(found) - 1, FRAMES)]


def of_file(path: pathlib.Path) -> tuple[str, int, int] | None:
    """A picture as `data:` URI, and its width and height; None where it cannot be read, as while it is replaced."""
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content)) as opened:
            picture = opened.copy()
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    if len(content) <= LARGEST and picture.width <= WIDEST:
        return _uri(content), *picture.size
    return _of_picture(picture)


def of_pixels(pixels: np.ndarray) -> tuple[str, int, int]:
    """The same of uint8 `[height, width, 1 or 3]`."""
    return _of_picture(Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))


def curve(history: Mapping[str, Sequence[float]], names: Sequence[str], x: Sequence[float]) -> tuple[str, int, int]:
    """Some columns of a history over the epochs x, as one panel of `plots.curves`."""
    shown = {name: [value if math.isfinite(value) else math.nan for value in history[name]] for name in names}
    with tempfile.TemporaryDirectory(prefix="kerasgan-report-") as folder:
        path = pathlib.Path(folder) / "curve.png"
        plots.curves(shown, path, x)
        with Image.open(path) as picture:
            return _of_picture(picture.convert("RGB"))


def _of_picture(picture: Image.Image) -> tuple[str, int, int]:
    if picture.width > WIDEST:
        height = max(1, round(picture.height * WIDEST / picture.width))
        picture = picture.convert("RGB" if picture.mode != "L" else "L").resize((WIDEST, height))
    shown = picture
    if picture.width * picture.height * len(picture.getbands()) > MOST:
        shown = picture.convert("RGB").quantize(128, method=Image.Quantize.FASTOCTREE)
    file = io.BytesIO()
    shown.save(file, format="PNG")
    return _uri(file.getvalue()), *picture.size


def _uri(content):
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"
