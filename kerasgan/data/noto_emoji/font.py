"""Pictures out of a font that holds them as PNG: its tables CBLC and CBDT."""

import collections
import io
import pathlib
from typing import Any

import numpy as np
from PIL import Image

from kerasgan.errors import first_line

SIDE = 128
_PNG = b"\x89PNG\r\n\x1a\n"
_IGNORED = ord("\N{VARIATION SELECTOR-16}")  # asks for the picture in colour, and this font has no other


class Font:
    """A colour font: which picture stands for a text.

    Attributes:
        version: as the font says it.
        pictures: the PNG of each glyph, of the largest size that the font has.
    """

    def __init__(self, path: pathlib.Path) -> None:
        """Reads a font.

        Raises:
            ValueError: there is none, it is damaged, or it has no such pictures.
        """
        from fontTools.ttLib import TTFont

        try:
            with TTFont(path, lazy=False) as font:
                tables = set(font.keys())
                if "CBDT" in tables and "CBLC" in tables:
                    self.version = str(font["name"].getDebugName(5))
                    self.pictures = _pictures(font)
                    self._glyphs = dict(font.getBestCmap())
                    self._ligatures = _ligatures(font) if "GSUB" in tables else {}
        except Exception as error:  # a damaged file can fail anywhere in fontTools
            raise ValueError(f"Cannot read a font from {path}: {first_line(error)}.") from None
        if "CBDT" not in tables or "CBLC" not in tables or not self.pictures:
            kinds = ", ".join(sorted(tables & {"COLR", "SVG ", "sbix", "glyf", "CFF "})) or "none"
            raise ValueError(
                f"{path} has no pictures as PNG (table CBDT); its glyphs are in {kinds}. "
                "Take NotoColorEmoji.ttf, the font of bitmaps."
            )

    def find(self, text: str) -> str | None:
        """The glyph whose picture stands for a whole text; None where the font has none."""
        # What a shaping engine does: from the left, the first ligature in the font's order that fits.
        rest = [self._glyphs.get(ord(character), "") for character in text if ord(character) != _IGNORED]
        shaped: list[str] = []
        while rest:
            for parts, ligature in self._ligatures.get(rest[0], ()):
                if rest[: len(parts)] == parts:
                    shaped.append(ligature)
                    del rest[: len(parts)]
                    break
            else:
                shaped.append(rest.pop(0))
        return shaped[0] if len(shaped) == 1 and shaped[0] in self.pictures else None

    def draw(self, glyph: str) -> np.ndarray:
        """A glyph's picture on white, uint8 `[128, 128, 3]`.

        Raises:
            ValueError: its PNG is damaged.
        """
        try:
            with Image.open(io.BytesIO(self.pictures[glyph]), formats=("PNG",)) as image:
                return draw(image.convert("RGBA"))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise ValueError(f"The picture of glyph {glyph!r} is damaged: {first_line(error)}.") from None


def draw(image: Image.Image) -> np.ndarray:
    """An RGBA picture on a white square, uint8 `[128, 128, 3]`: in the centre as it is where all that is visible of it
    has room, as in Noto's of 136x128, else made smaller.
    """
    box = image.getchannel("A").getbbox() or (0, 0, 0, 0)
    left, top = (image.width - SIDE) // 2, (image.height - SIDE) // 2
    if box[0] < left or box[1] < top or box[2] > left + SIDE or box[3] > top + SIDE:
        scale = SIDE / max(image.size)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)  # Pillow weighs colours by their opacity
        left, top = (image.width - SIDE) // 2, (image.height - SIDE) // 2
    square = Image.new("RGBA", (SIDE, SIDE), "white")
    cropped = image.crop((left, top, left + SIDE, top + SIDE))  # transparent where it reaches beyond
    return np.asarray(Image.alpha_composite(square, cropped).convert("RGB"))


def _pictures(font: Any) -> dict[str, bytes]:
    strikes = zip(font["CBLC"].strikes, font["CBDT"].strikeData, strict=True)
    strike: dict[str, Any] = max(strikes, key=lambda pair: pair[0].bitmapSizeTable.ppemY, default=(None, {}))[1]
    found = {glyph: getattr(bitmap, "imageData", b"") for glyph, bitmap in strike.items()}
    return {glyph: bytes(data) for glyph, data in found.items() if data.startswith(_PNG)}


def _ligatures(font: Any) -> dict[str, list[tuple[list[str], str]]]:
    """By their first glyph the ligatures that the font's features make: all their glyphs, and the one for them."""
    table = font["GSUB"].table
    found: dict[str, list[tuple[list[str], str]]] = collections.defaultdict(list)
    used = {index for record in table.FeatureList.FeatureRecord for index in record.Feature.LookupListIndex}
    for index in sorted(used):
        for subtable in table.LookupList.Lookup[index].SubTable:
            subtable = getattr(subtable, "ExtSubTable", subtable)
            for first, ligatures in getattr(subtable, "ligatures", {}).items():
                found[first] += [([first, *each.Component], each.LigGlyph) for each in ligatures]
    return dict(found)
