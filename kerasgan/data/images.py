"""Images: out of files, and to size."""

import pathlib
import struct
from typing import Any, BinaryIO, Protocol

import numpy as np
from PIL import ExifTags, Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")  # of Pillow's many some run other programs, whatever a file's name says
JPEG = ("JPEG", "MPO")  # of which phones put two into one file
LARGEST_IMAGE = 2**25  # pixels; a file of a few kB can unpack to gigabytes
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")

_GREY = ("1", "L", "I", "I;16", "F")  # Pillow's modes
_UPRIGHT = {  # what sets upright a picture of that EXIF orientation; from 5 on, width becomes height
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations of pictures that lie on their side
FAULTS = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)  # what Pillow's decoders raise


def fit_image(image: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Centre-crops to the aspect ratio of `shape`, resizes with antialiasing, and converts between grey and RGB.

    Args:
        image: `[h, w, c]` with c 1 or 3; uint8, or float32 in [0, 1].
        shape: (H, W, C) with C 1 or 3.

    Returns:
        `[H, W, C]` of the same dtype. Grey is the luma of ITU-R 601, as Pillow computes it.
    """
    height, width, channels = shape
    if image.shape[2] != channels:
        if channels == 3:
            image = np.repeat(image, 3, axis=2)
        else:
            luma = image @ np.array([0.299, 0.587, 0.114], np.float32)
            image = (np.rint(luma) if image.dtype == np.uint8 else luma)[..., None].astype(image.dtype)
    if image.shape == shape:
        return image
    h, w, _ = image.shape
    crop_w, crop_h = min(w, h * width / height), min(h, w * height / width)
    left, top = (w - crop_w) / 2, (h - crop_h) / 2
    box = (left, top, left + crop_w, top + crop_h)
    # Pillow's bicubic widens its kernel when it shrinks an image, which is what antialiasing means here.
    resized = [
        np.asarray(Image.fromarray(image[..., c]).resize((width, height), Image.Resampling.BICUBIC, box=box))
        for c in range(channels)
    ]
    result = np.stack(resized, axis=-1)
    return result if image.dtype == np.uint8 else np.clip(result, 0.0, 1.0)


class Files(Protocol):
    """What files are read from."""

    def open(self, file: pathlib.PurePath) -> BinaryIO:
        """One of them, to read; an OSError says that it cannot be."""


def read_image(files: Files, name: pathlib.PurePath) -> tuple[np.ndarray, bool] | None:
    """The picture in a file, upright as its EXIF orientation says; the first of one that moves.

    Returns:
        uint8 `[h, w, 1 or 3]`, and whether it has transparent pixels, which are laid over white; None where the file
        is no readable image or too large a one. (Of JPEG those that are too large are read at a half, a quarter or an
        eighth of their size, which costs no more memory than that.)
    """
    try:
        with files.open(name) as content, Image.open(content, formats=FORMATS) as file:
            image: Any = file  # what Pillow makes of it changes its class
            if not _made_small_enough(image):
                return None
            image.load()  # or what stands behind a PNG's pixels is not seen
            # Pillow's own `exif_transpose` also writes the EXIF data anew, and fails at what cameras put there.
            if (orientation := image.getexif().get(ExifTags.Base.Orientation)) in _UPRIGHT:
                image = image.transpose(_UPRIGHT[orientation])
            image, see_through = flatten(image)
            pixels = np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    except FAULTS:
        return None
    return (pixels if pixels.ndim == 3 else pixels[..., None]), see_through


def flatten(image: Any) -> tuple[Any, bool]:
    """An image of 8 bits with what is transparent laid over white, and whether anything is."""
    if image.mode.startswith("I"):  # 16 bits
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)), False
    if image.mode not in ("LA", "PA", "RGBA") and "transparency" not in image.info:
        return image, False
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image), image.getextrema()[3][0] < 255


def _made_small_enough(image: Any) -> bool:
    """Whether an image that has not been decoded yet can be, of a JPEG at part of its size where it must be."""
    width, height = image.size
    if image.format in JPEG:
        part = next((part for part in (1, 2, 4, 8) if width * height <= part**2 * LARGEST_IMAGE), 1)
        if part > 1:
            image.draft(None, (width // part, height // part))
    return image.width * image.height <= LARGEST_IMAGE


def read_shape(files: Files, name: pathlib.PurePath) -> tuple[int, int, int] | None:
    """The (height, width, channels) that `read_image` would give, from a file's head alone where that says it; None
    where the head is no image's or one of too large an image.
    """
    try:
        with files.open(name) as file, Image.open(file, formats=FORMATS) as image:
            if not _made_small_enough(image):
                return None
            width, height = image.size
            # Of a square it makes no difference. Where a PNG does not say it before its pixels Pillow decodes all of
            # them to look behind, which takes far longer than to look whether anything is there.
            if width != height and (image.format != "PNG" or "exif" in image.info or _may_be_turned(file)):
                turned = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
                width, height = (height, width) if turned else (width, height)
            return height, width, 1 if image.mode in _GREY else 3
    except FAULTS:
        return None


def _may_be_turned(file: BinaryIO) -> bool:
    """Whether a PNG has chunks that can tell an orientation: EXIF, or texts, which can hold EXIF and XMP."""
    place = file.tell()
    file.seek(8)
    kind = b""
    while kind not in (b"eXIf", b"iTXt", b"tEXt", b"zTXt") and len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        file.seek(length + 4, 1)  # the chunk and its checksum
    file.seek(place)
    return kind in (b"eXIf", b"iTXt", b"tEXt", b"zTXt")
