"""Noto Color Emoji as a dataset of tensorflow-datasets, "noto_emoji": some 3,600 pictures of 128x128 on white.

Their classes are the nine groups of Unicode's list, "Smileys & Emotion" to "Flags". More than half of them are persons
in five skin tones and two or three genders, which are near copies of each other: all variants of an emoji are in the
same split, `train`, `validation` or `test`, and stand together there, so that a slice such as `train[:90%]` parts the
variants of one emoji at most.

`python -m kerasgan.data.noto_emoji` prepares it. The font and the list are those in tensorflow-datasets' folder
for files got by hand, else those that are installed (Debian's `fonts-noto-color-emoji` and `unicode-data`), else those
of Debian's packages, which need not be installed, else those of the web. What is in it depends on their versions,
which `builder.info.metadata` tells; in which split an emoji is does not.

- A picture that several emoji share is there once, under the first one's name: 14 of the 3,655 emoji of
  version 15.0 are left out so, eight of them flags of one country's parts.
- Pictures of the font that the list has no name for are left out, 279 of the 3,926 of version 2.042: those of newer
  versions, flags of provinces, letters, digits and skin tones by themselves.
"""

import hashlib
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from kerasgan.data import packages
from kerasgan.data.noto_emoji.emoji import GROUPS, SHARES, Emoji, place_of, read_list, split_of
from kerasgan.data.noto_emoji.files import FONT, LIST, find_files
from kerasgan.data.noto_emoji.font import SIDE, Font
from kerasgan.data.packages import NotAvailableError
from kerasgan.messages import say

__all__ = ["GROUPS", "NotAvailableError", "NotoEmoji", "is_prepared", "main", "prepare"]

_DESCRIPTION = """\
The pictures of the font Noto Color Emoji, 128x128 on white, with the group, subgroup and name that Unicode's list of
emoji gives them. Of pictures that are the same one is kept. Variants of an emoji by skin tone, gender and hair are all
in the same split, and together there.
"""
_LICENSE = (
    "The font and its pictures: SIL Open Font License 1.1, Copyright Google Inc. "
    "Names and groups: Unicode License (https://www.unicode.org/license.txt), Copyright Unicode, Inc."
)
_CITATION = """\
@misc{noto_color_emoji,
  title = {Noto Color Emoji},
  author = {{Google}},
  howpublished = {\\url{https://github.com/googlefonts/noto-emoji}},
  note = {Version 2.042, SIL Open Font License 1.1},
  year = {2023}
}
@techreport{uts51,
  title = {Unicode Technical Standard \\#51: Unicode Emoji},
  author = {{Unicode, Inc.}},
  howpublished = {\\url{https://www.unicode.org/reports/tr51/}},
  note = {emoji-test.txt, version 15.0},
  year = {2022}
}"""


class NotoEmoji(tfds.core.GeneratorBasedBuilder):
    """The builder of "noto_emoji": features `image` uint8 `[128, 128, 3]`, `label`, and the texts `name` ("waving hand:
    dark skin tone"), `codepoints` ("1F44B 1F3FF") and `subgroup` ("hand-fingers-open"); splits train, validation, test.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "First release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Nothing need be done by hand where Debian's packages or the web can be had. A font {FONT} with bitmaps and "
        f"Unicode's {LIST} in the folder are taken before all others."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(SIDE, SIDE, 3), encoding_format="png"),
                    "label": tfds.features.ClassLabel(names=list(GROUPS)),
                    "name": tfds.features.Text(),
                    "codepoints": tfds.features.Text(),
                    "subgroup": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://github.com/googlefonts/noto-emoji",
            license=_LICENSE,
            citation=_CITATION,
            disable_shuffling=True,  # the order keeps variants together
            metadata=tfds.core.MetadataDict(),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
        try:
            manual_dir = pathlib.Path(dl_manager.manual_dir)
        except AssertionError:  # it is empty, or not there
            manual_dir = pathlib.Path(dl_manager.download_dir) / "manual"
        with tempfile.TemporaryDirectory(prefix="kerasgan-noto-emoji-") as temporary:
            files = find_files(manual_dir, self.data_path.parent.parent, pathlib.Path(temporary))
            font = Font(files[FONT])
            font_hash = hashlib.sha256(files[FONT].read_bytes()).hexdigest()
            version, listed = read_list(files[LIST])
        named = [(emoji, glyph) for emoji in listed if (glyph := font.find(emoji.text)) is not None]
        if not named:
            raise ValueError(f"{files[FONT]} has a picture for none of the {len(listed)} emoji in {files[LIST]}.")
        pictures: dict[bytes, tuple[Emoji, np.ndarray]] = {}
        for emoji, glyph in named:
            picture = font.draw(glyph)
            pictures.setdefault(hashlib.sha256(picture.tobytes()).digest(), (emoji, picture))
        kept = sorted(pictures.values(), key=lambda pair: place_of(pair[0].base))  # within a base in the list's order
        self.info.metadata.update(
            font_version=font.version,
            font_sha256=font_hash,
            emoji_version=version,
            emoji=len(listed),
            emoji_without_picture=len(listed) - len(named),
            emoji_with_anothers_picture=len(named) - len(kept),
            pictures_without_emoji=len(font.pictures) - len({glyph for _, glyph in named}),
        )
        return {
            split: self._generate_examples([pair for pair in kept if split_of(pair[0].base) == split])
            for split in reversed(SHARES)
        }

    def _generate_examples(self, pairs: list[tuple[Emoji, np.ndarray]]) -> Iterator[tuple[int, dict[str, Any]]]:
        for i, (emoji, picture) in enumerate(pairs):
            yield (
                i,
                {
                    "image": picture,
                    "label": emoji.group,
                    "name": emoji.name,
                    "codepoints": emoji.codepoints,
                    "subgroup": emoji.subgroup,
                },
            )


def prepare(data_dir: str | None = None, manual_dir: str | None = None) -> None:
    """Makes sure that `tfds.load("noto_emoji")` finds its data.

    Args:
        data_dir: tensorflow-datasets' folder; None is its default.
        manual_dir: a folder with your own NotoColorEmoji.ttf or emoji-test.txt; None is `downloads/manual` in
            `data_dir`, tensorflow-datasets' default.

    Raises:
        NotAvailableError: it was not there and could not be had.
        ValueError: the font or the list is damaged or another than expected.
    """
    if is_prepared(data_dir):
        return
    builder = NotoEmoji(data_dir=data_dir)
    if manual_dir is not None and not pathlib.Path(manual_dir).is_dir():
        raise ValueError(f"There is no folder {manual_dir} to take the font {FONT} and {LIST} from.")
    say("preparing Noto Color Emoji for tensorflow-datasets (about half a minute)")
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=manual_dir))


def is_prepared(data_dir: str | None = None) -> bool:
    """Whether tensorflow-datasets has Noto Color Emoji ready on this machine."""
    return packages.is_prepared("noto_emoji", data_dir)


def main() -> None:
    """The command."""
    packages.prepare_by_command(prepare, "Noto Color Emoji")
