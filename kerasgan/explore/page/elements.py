"""The page's own pieces of HTML: samples as buttons, a picture with its downloads, a field for a file. Everything that
comes from a GAN or from a file is escaped.
"""

import base64
import io
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasgan import plots
from kerasgan.data.images import fit_image, read_image
from kerasgan.runs.report.page import text

LARGEST_FILE = 10 * 2**20  # bytes of an uploaded picture
CSS = """
.kg-grid { display: grid; gap: .4rem; grid-template-columns: repeat(auto-fill, minmax(4.6rem, 1fr)); }
.kg-grid button { padding: .2rem; border: 2px solid transparent; border-radius: .4rem; background: none;
  color: inherit; font: inherit; font-size: .8rem; line-height: 1.3; cursor: pointer; overflow-wrap: anywhere; }
.kg-grid button:hover, .kg-grid button:focus-visible { border-color: currentColor; }
.kg-grid img, .kg-picture img { display: block; width: 100%; height: auto; background: #fff; border-radius: .2rem;
  image-rendering: pixelated; }
.kg-picture { margin: 0; max-width: 22rem; }
.kg-picture figcaption { margin: .3rem 0; }
.kg-picture a, .kg-file label { display: inline-block; padding: .4rem .7rem; border: 1px solid currentColor;
  border-radius: .4rem; color: inherit; text-decoration: none; }
.kg-file input { display: block; margin: .5rem 0; max-width: 100%; }
.kg-pair { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 12rem), 1fr)); }
.kg-pair h3 { margin: 0 0 .3rem; font-size: 1rem; }
.kg-curves { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); }
.kg-run { max-width: 60rem; } .kg-run figure { margin: 0 0 1rem; } .kg-run h3 { margin: 0 0 .3rem; font-size: 1rem; }
.kg-run img { max-width: 100%; height: auto; background: #fff; border-radius: .2rem; }
.kg-run img.pixels { image-rendering: pixelated; }
footer { display: none !important; }
"""
#: A click on a sample, or Enter on it, tells its seed.
PICK = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-seed]');
  if (button) trigger('pick', {seed: Number(button.dataset.seed), label: button.dataset.label || null});
});
"""
#: A picture is read in the browser and sent as text: the server is given no file and no name of one.
READ = """
element.addEventListener('change', (event) => {
  const file = event.target.files && event.target.files[0];
  if (!file) return;
  if (file.size > LARGEST) { trigger('chosen', {data: null, bytes: file.size}); return; }
  const reader = new FileReader();
  reader.onload = () => trigger('chosen', {data: reader.result, bytes: file.size});
  reader.onerror = () => trigger('chosen', {data: '', bytes: file.size});
  reader.readAsDataURL(file);
});
""".replace("LARGEST", str(LARGEST_FILE))


def uri_of(image: np.ndarray, enlarge: int = 1) -> str:
    """Float `[H, W, C]` in [0, 1] as a PNG in a `data:` URI."""
    file = io.BytesIO()
    plots.picture(plots.grid(image[None], enlarge=enlarge)).save(file, format="PNG")
    return data_uri(file.getvalue(), "image/png")


def data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def samples(drawn: Sequence[tuple[int, str, np.ndarray]]) -> str:
    """Samples as buttons: of each the seed, the class or "", and the image."""
    cells = []
    for seed, label, image in drawn:
        says = f"Seed {seed}" + (f", {label}" if label else "")
        enlarge = max(1, 96 // image.shape[1])
        cells.append(
            f'<button type="button" data-seed="{seed}" data-label="{text(label)}" aria-label="{text(says)}: change it">'
            f'<img alt="" src="{uri_of(image, enlarge)}">{text(seed)}{" " + text(label) if label else ""}</button>'
        )
    return f'<div class="kg-grid" role="group" aria-label="Samples">{"".join(cells)}</div>'


def picture(image: np.ndarray, enlarge: int, says: str, name: str) -> str:
    """A sample with what it is, and the button that downloads it as a PNG of this name."""
    uri = uri_of(image, enlarge)
    return (
        f'<figure class="kg-picture"><img alt="{text(says)}" src="{uri}">'
        f'<figcaption aria-live="polite">{text(says)}</figcaption>'
        f'<a href="{uri}" download="{text(file_name(name))}.png">Download PNG</a></figure>'
    )


def film(content: bytes, says: str, name: str) -> str:
    """A GIF with the button that downloads it."""
    uri = data_uri(content, "image/gif")
    return (
        f'<figure class="kg-picture"><img alt="{text(says)}" src="{uri}"><figcaption>{text(says)}</figcaption>'
        f'<a href="{uri}" download="{text(file_name(name))}.gif">Download GIF</a></figure>'
    )


def pair(first: tuple[str, np.ndarray], second: tuple[str, np.ndarray], enlarge: int) -> str:
    """Two images beside each other, each under what it is."""
    parts = [
        f'<figure class="kg-picture"><h3>{text(says)}</h3><img alt="{text(says)}" src="{uri_of(image, enlarge)}">'
        "</figure>"
        for says, image in (first, second)
    ]
    return f'<div class="kg-pair">{"".join(parts)}</div>'


def file_field(name: str) -> str:
    """A field that takes a picture from the user's machine."""
    return (
        f'<div class="kg-file"><label for="{text(name)}">A picture of yours (PNG, JPEG, WebP or BMP, up to '
        f'{LARGEST_FILE // 2**20} MB)</label><input id="{text(name)}" type="file" '
        'accept="image/png,image/jpeg,image/webp,image/bmp"></div>'
    )


def file_name(name: str) -> str:
    """A name that every system takes for a file."""
    return re.sub(r"[^\w.-]+", "_", name)


class _Uploaded:
    """What `read_image` reads from: the bytes that a browser sent."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def open(self, file: pathlib.PurePath) -> io.BytesIO:
        del file
        return io.BytesIO(self.content)


def uploaded(data: Any, shape: tuple[int, int, int]) -> np.ndarray:
    """A picture as the browser sends it, a `data:` URI, as float32 `[H, W, C]` in [0, 1] of this shape: cut to its
    proportions about the middle, and made smaller.

    Raises:
        ValueError: too large a file, or no picture that can be read; for whoever chose it to read.
    """
    if data is None:
        raise ValueError(f"This file is larger than {LARGEST_FILE // 2**20} MB; save the picture smaller.")
    found = re.fullmatch(r"data:[\w.+/-]*;base64,([A-Za-z0-9+/=]*)", data) if isinstance(data, str) else None
    try:
        content = base64.b64decode(found[1] if found else "", validate=True)
    except ValueError:
        content = b""
    if len(content) > LARGEST_FILE:
        return uploaded(None, shape)
    read = read_image(_Uploaded(content), pathlib.PurePath("picture")) if content else None
    if read is None:
        raise ValueError("This file is no picture that can be read; PNG, JPEG, WebP and BMP are.")
    return fit_image(read[0], shape).astype(np.float32) / np.float32(255.0)
