"""Noto Color Emoji: a font of a few glyphs as a dataset, the real one where it is prepared, and what is said of bad
files.
"""

import collections
import io
import itertools
import re
import struct
import subprocess
import sys
import urllib.error

import numpy as np
import pytest
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables import C_B_D_T_, E_B_L_C_, BitmapGlyphMetrics
from fontTools.ttLib.tables._g_l_y_f import Glyph
from PIL import Image, ImageDraw, ImageFont

import kerasgan
from kerasgan import data
from kerasgan.data import noto_emoji as noto
from kerasgan.data.noto_emoji import emoji, files
from kerasgan.data.noto_emoji import font as fonts

TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
WAVE, GRIN, FOG = "\U0001f44b", "\U0001f600", "\U0001f636\u200d\U0001f32b\ufe0f"
FLAGS = [chr(0x1F1E6 + first) + chr(0x1F1E6 + second) for first in range(6) for second in range(6)]
NAMES = {GRIN: "grinning face", WAVE: "waving hand", FOG: "face in clouds", FLAGS[0]: "flag: Nowhere"}


def picture(number, size=(136, 128)):
    """A disc on nothing, half transparent at its left, in a colour of its own."""
    image = Image.new("RGBA", size)
    draw = ImageDraw.Draw(image)
    draw.ellipse((8, 4, 127, 123), fill=(5 * number % 256, 77 * number % 256, 200, 255))
    draw.rectangle((20, 50, 60, 80), fill=(200, 10, 3 * number, 128))
    return image


def packed(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def save_font(path, pictures, ligatures=()):
    """A font with a table CBDT.

    Args:
        path: of the file.
        pictures: the PNG of each glyph, by the one character that it is of, or by a name.
        ligatures: pairs of characters and the name of the glyph that stands for them.
    """
    characters = {text for text in pictures if len(text) == 1} | {text for parts, _ in ligatures for text in parts}
    names = {text: f"u{ord(text):04X}" for text in sorted(characters)}
    glyphs = {names.get(text, text): png for text, png in pictures.items()}
    order = [".notdef", *names.values(), *(name for name in glyphs if name not in names.values())]
    builder = FontBuilder(2048, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap({ord(text): name for text, name in names.items()})
    builder.setupGlyf({name: Glyph() for name in order})
    builder.setupHorizontalMetrics(dict.fromkeys(order, (2550, 0)))
    builder.setupHorizontalHeader(ascent=1900, descent=-500)
    builder.setupNameTable({"familyName": "Tiny", "styleName": "Regular", "version": "Version 0.1"})
    builder.setupOS2()
    builder.setupPost()
    if ligatures:
        lines = [f"sub {' '.join(names[text] for text in parts)} by {name};" for parts, name in ligatures]
        addOpenTypeFeaturesFromString(builder.font, f"feature ccmp {{ {' '.join(lines)} }} ccmp;")
    if glyphs:
        add_pictures(builder.font, {name: glyphs[name] for name in order if name in glyphs})
    builder.font.save(path)


def add_pictures(font, glyphs):
    """The tables CBLC and CBDT: one size, 109 pixels per em, each picture behind its own small metrics (format 17)."""
    bitmaps = {}
    for name, png in glyphs.items():
        bitmap = C_B_D_T_.cbdt_bitmap_format_17(b"", font)
        width, height = struct.unpack(">II", png[16:24])
        metrics = BitmapGlyphMetrics.SmallGlyphMetrics()
        metrics.height, metrics.width, metrics.BearingX, metrics.BearingY, metrics.Advance = height, width, 0, 101, 136
        bitmap.metrics, bitmap.imageData = metrics, png
        bitmaps[name] = bitmap
    index = E_B_L_C_.eblc_index_sub_table_1(b"", font)
    index.indexFormat, index.imageFormat, index.imageDataOffset = 1, 17, 4
    index.names = list(glyphs)
    ids = [font.getGlyphID(name) for name in glyphs]
    index.firstGlyphIndex, index.lastGlyphIndex = min(ids), max(ids)
    size = E_B_L_C_.BitmapSizeTable()
    size.colorRef, size.flags, size.bitDepth = 0, 1, 32
    size.ppemX = size.ppemY = 109
    size.startGlyphIndex, size.endGlyphIndex = min(ids), max(ids)
    for direction in ("hori", "vert"):
        line = E_B_L_C_.SbitLineMetrics()
        for name in ("caretSlopeDenominator", "caretSlopeNumerator", "caretOffset", "minOriginSB", "minAdvanceSB"):
            setattr(line, name, 0)
        line.maxBeforeBL = line.minAfterBL = line.pad1 = line.pad2 = 0
        line.ascender, line.descender, line.widthMax = 101, -27, 136
        setattr(size, direction, line)
    strike = E_B_L_C_.Strike()
    strike.bitmapSizeTable, strike.indexSubTables = size, [index]
    font["CBLC"], font["CBDT"] = newTable("CBLC"), newTable("CBDT")
    font["CBLC"].version = font["CBDT"].version = 3.0
    font["CBLC"].strikes, font["CBDT"].strikeData = [strike], [bitmaps]


def save_list(path, texts, group="Flags"):
    lines = ["# Version: 15.0"]
    for text in texts:
        in_group = {GRIN: "Smileys & Emotion", FOG: "Smileys & Emotion", WAVE: "People & Body"}.get(text[0], group)
        numbers = " ".join(f"{ord(character):X}" for character in text)
        name = NAMES.get(text, "waving hand in a tone" if text[0] == WAVE else f"flag: {numbers}")
        lines += [f"# group: {in_group}", "# subgroup: some", f"{numbers} ; fully-qualified     # {text} E1.0 {name}"]
    lines += ["# group: Component", "1F3FB ; component # \U0001f3fb E1.0 light skin tone"]
    lines += ["# group: Symbols", "2764 ; unqualified # \u2764 E0.6 red heart", "#EOF"]
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def own(tmp_path):
    """A folder with a font of 43 pictures, in which two flags share one, and a list of 43 emoji, one without any."""
    folder = tmp_path / "own"
    folder.mkdir()
    texts = [GRIN, WAVE, *(WAVE + tone for tone in TONES), *FLAGS[:-1]]
    pictures = {text if len(text) == 1 else f"lig{i}": packed(picture(i)) for i, text in enumerate(texts)}
    ligatures = [(text, f"lig{i}") for i, text in enumerate(texts) if len(text) > 1]
    pictures["nobody"] = packed(picture(99))
    save_font(folder / "NotoColorEmoji.ttf", pictures, [*ligatures, (FLAGS[-1], "lig8")])
    save_list(folder / "emoji-test.txt", [*texts, FLAGS[-1], FOG])
    return folder


def rows_of(data_dir):
    import tensorflow_datasets as tfds

    builder = tfds.builder("noto_emoji", data_dir=data_dir)
    return {split: list(tfds.as_numpy(builder.as_dataset(split=split))) for split in builder.info.splits}, builder


def test_a_font_of_ones_own(own, tmp_path):
    noto.prepare(str(tmp_path / "tfds"), str(own))
    rows, builder = rows_of(tmp_path / "tfds")
    assert list(rows) == ["train", "validation", "test"]
    found = {row["codepoints"].decode(): (split, row) for split in rows for row in rows[split]}
    assert len(found) == sum(map(len, rows.values())) == 42
    texts = [GRIN, WAVE, *(WAVE + tone for tone in TONES), *FLAGS[:-1]]
    for i, text in enumerate(texts):
        _, row = found[" ".join(f"{ord(character):X}" for character in text)]
        rgba = np.asarray(picture(i)).astype(float)[:, 4:132]
        alpha = rgba[..., 3:] / 255
        np.testing.assert_allclose(row["image"], rgba[..., :3] * alpha + 255 * (1 - alpha), atol=1)
        group = {GRIN: 0, WAVE: 1}.get(text[0], 8)
        assert row["label"] == group
        assert builder.info.features["label"].int2str(group) == {0: "Smileys & Emotion", 1: "People & Body"}.get(
            group, "Flags"
        )
    assert found["1F44B"][1]["name"] == b"waving hand"
    assert len({found[key][0] for key in found if key.startswith("1F44B")}) == 1
    assert dict(builder.info.metadata) == {
        "font_version": "Version 0.1",
        "font_sha256": builder.info.metadata["font_sha256"],
        "emoji_version": "15.0",
        "emoji": 44,
        "emoji_without_picture": 1,
        "emoji_with_anothers_picture": 1,
        "pictures_without_emoji": 1,
    }
    assert "SIL Open Font License 1.1" in builder.info.redistribution_info.license
    # Prepared once more it is the same, and what is there already is left.
    noto.prepare(str(tmp_path / "again"), str(own))
    again, _ = rows_of(tmp_path / "again")
    for first, second in zip(itertools.chain(*rows.values()), itertools.chain(*again.values()), strict=True):
        assert first["codepoints"] == second["codepoints"]
    noto.prepare(str(tmp_path / "tfds"), str(own))
    assert data.splits_of("noto_emoji", data_dir=str(tmp_path / "tfds")) == ("train", "validation", "test")


def test_freetype_draws_the_same(own):
    """The pictures of single characters, as Pillow's text has them by FreeType."""
    font = fonts.Font(own / "NotoColorEmoji.ttf")
    freetype = ImageFont.truetype(own / "NotoColorEmoji.ttf", 109, layout_engine=ImageFont.Layout.BASIC)
    for text in (GRIN, WAVE):
        drawn = Image.new("RGB", (136, 200), "white")
        ImageDraw.Draw(drawn).text((0, 20), text, font=freetype, embedded_color=True)
        theirs = np.asarray(drawn).astype(int)
        top = np.flatnonzero((theirs < 255).any((1, 2)))[0] - 4  # the disc begins in row 4
        np.testing.assert_allclose(font.draw(font.find(text)), theirs[top : top + 128, 4:132], atol=2)


def test_ligatures_take_whole_texts_alone(own):
    font = fonts.Font(own / "NotoColorEmoji.ttf")
    assert font.find(WAVE + TONES[0]) == "lig2"
    assert font.find(WAVE + "\ufe0f") == font.find(WAVE) == "u1F44B"
    for nothing in (WAVE + GRIN, WAVE + TONES[0] + TONES[1], FLAGS[0] + WAVE, FLAGS[0][0], TONES[0], "A", FOG):
        assert font.find(nothing) is None


def test_pictures_of_other_sizes_are_fitted():
    image = Image.new("RGBA", (136, 128))
    image.paste((0, 0, 255, 255), (4, 0, 132, 128))
    assert (fonts.draw(image) == (0, 0, 255)).all()  # cropped, not made smaller
    image.paste((0, 0, 255, 255), (0, 0, 136, 128))
    whole = fonts.draw(image)  # 128 x 120, four rows of white above and below
    assert whole.shape == (128, 128, 3)
    assert (whole[4:124] == (0, 0, 255)).all()
    assert (whole[[0, 3, 124, 127]] == 255).all()
    small = fonts.draw(Image.new("RGBA", (64, 32), (9, 9, 9, 255)))
    assert (small == 9).all(2).sum() == 64 * 32
    assert (fonts.draw(Image.new("RGBA", (136, 128))) == 255).all()


@pytest.mark.parametrize(
    ("variants", "base"),
    [
        ("\U0001f44b \U0001f44b\U0001f3fb \U0001f44b\U0001f3ff", "\U0001f44b"),
        # health workers; with red hair; older persons
        ("\U0001f468\U0001f3fd\u200d\u2695\ufe0f \U0001f469\u200d\u2695\ufe0f", "\U0001f9d1\u200d\u2695"),
        (
            "\U0001f468 \U0001f469\U0001f3fb \U0001f469\U0001f3fb\u200d\U0001f9b0 \U0001f9d1\u200d\U0001f9b2",
            "\U0001f9d1",
        ),
        ("\U0001f474 \U0001f475\U0001f3fe", "\U0001f9d3"),
        # surfing; holding hands; shaking them; families
        ("\U0001f3c4\U0001f3fb\u200d\u2640\ufe0f \U0001f3c4\u200d\u2642\ufe0f \U0001f3c4", "\U0001f3c4"),
        (
            "\U0001f46b\U0001f3fb \U0001f469\U0001f3fb\u200d\U0001f91d\u200d\U0001f468\U0001f3ff \U0001f46d",
            "\U0001f9d1\u200d\U0001f91d\u200d\U0001f9d1",
        ),
        ("\U0001faf1\U0001f3fb\u200d\U0001faf2\U0001f3ff \U0001f91d\U0001f3fb", "\U0001f91d"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f466 \U0001f469\u200d\U0001f467\u200d\U0001f467", "\U0001f46a"),
        # what is no variant stays: the female sign, rainbow flag, a skin tone, Japan
        ("\u2640\ufe0f", "\u2640"),
        ("\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f3f3\u200d\U0001f308"),
        ("\U0001f3fb", "\U0001f3fb"),
        ("\U0001f1ef\U0001f1f5", "\U0001f1ef\U0001f1f5"),
    ],
)
def test_variants_have_one_base(variants, base):
    assert {emoji.base_of(text) for text in variants.split()} == {base}


def test_splits_follow_from_the_base_alone():
    drawn = collections.Counter(emoji.split_of(chr(0x4E00 + i)) for i in range(10_000))
    assert drawn["test"] == pytest.approx(1000, abs=100)
    assert drawn["validation"] == pytest.approx(1000, abs=100)
    assert emoji.place_of(GRIN) == 0xBBE9B6576A8D / 2**48  # printf '0 😀' | sha256sum


# -- bad files ---------------------------------------------------------------------------------------------------------


def told(own, tmp_path, match):
    with pytest.raises(ValueError, match=match) as caught:
        noto.prepare(str(tmp_path / "tfds"), str(own))
    assert "\n" not in str(caught.value)
    assert not noto.is_prepared(str(tmp_path / "tfds"))
    with pytest.raises(ValueError, match=r"There is no folder .*nowhere"):
        noto.prepare(str(tmp_path / "tfds"), str(own / "nowhere"))


def test_a_font_without_bitmaps(own, tmp_path):
    save_font(own / "NotoColorEmoji.ttf", {})
    told(
        own, tmp_path, r"NotoColorEmoji.ttf has no pictures as PNG \(table CBDT\); .* in glyf. Take NotoColorEmoji.ttf"
    )


def test_a_font_of_outlines_in_colour(own, tmp_path):
    font = TTFont(own / "NotoColorEmoji.ttf")
    del font["CBDT"], font["CBLC"]
    font["COLR"] = newTable("COLR")
    font["COLR"].version, font["COLR"].ColorLayers = 0, {}
    font.save(own / "NotoColorEmoji.ttf")
    told(own, tmp_path, r"no pictures as PNG .* in COLR, glyf")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.99])
def test_a_broken_font(own, tmp_path, share):
    whole = (own / "NotoColorEmoji.ttf").read_bytes()
    (own / "NotoColorEmoji.ttf").write_bytes(whole[: int(share * len(whole))])
    told(own, tmp_path, r"Cannot read a font from .*NotoColorEmoji.ttf")


def test_no_font_at_all_and_a_damaged_picture(own, tmp_path):
    (own / "NotoColorEmoji.ttf").write_bytes(b"<html>Not found</html>" * 100)
    told(own, tmp_path, r"Cannot read a font from .*NotoColorEmoji.ttf: Not a TrueType")
    save_font(own / "NotoColorEmoji.ttf", {GRIN: packed(picture(0))[:200]})
    told(own, tmp_path, r"The picture of glyph 'u1F600' is damaged")
    save_font(own / "NotoColorEmoji.ttf", {"A": packed(picture(0))})
    told(own, tmp_path, r"NotoColorEmoji.ttf has a picture for none of the 44 emoji in .*emoji-test.txt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "emoji-test.txt names no emoji; it should be Unicode's"),
        (b"<html>Not found</html>", "names no emoji"),
        (b"1F600 ; fully-qualified # x E1.0 grinning face", "emoji in a group ''; known are Smileys & Emotion, "),
        (b"\xff\xfe\x00", "Cannot read Unicode's list of emoji from .*emoji-test.txt: .*utf-8"),
    ],
)
def test_a_bad_list(own, tmp_path, content, message):
    (own / "emoji-test.txt").write_bytes(content)
    told(own, tmp_path, message)


@pytest.fixture
def bare_machine(monkeypatch, tmp_path):
    """Nothing installed, no apt-get, no web."""
    asked = []

    def refuse(url, timeout):
        asked.append((url, timeout))
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(files, "INSTALLED", {name: tmp_path / "no" / name for name in files.INSTALLED})
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    return asked


def test_when_nothing_helps_remedies_are_named(bare_machine, tmp_path, capsys):
    for ask in (noto.prepare, lambda folder: data.load_array("noto_emoji", data_dir=folder)):
        with pytest.raises(noto.NotAvailableError) as caught:
            ask(str(tmp_path / "tfds"))
        text = str(caught.value)
        first, *_ = text.splitlines()
        assert first == (
            "NotoColorEmoji.ttf and emoji-test.txt could not be had: Debian's package: there is no apt-get on this "
            f"machine; {files.URLS['NotoColorEmoji.ttf']}: <urlopen error no network>"
        )
        manual = tmp_path / "tfds" / "downloads" / "manual"
        for remedy in ("apt-get install fonts-noto-color-emoji unicode-data", f"into {manual}", "copy the folder"):
            assert remedy in text
    assert len(bare_machine) == 2  # one try each: nothing is tried for minutes
    assert "Traceback" not in capsys.readouterr().err


def test_one_file_is_missing(bare_machine, own, tmp_path):
    (own / "emoji-test.txt").unlink()
    with pytest.raises(
        noto.NotAvailableError, match=r"(?s)^emoji-test.txt could not be had: .*apt-get install unicode-data\n"
    ) as e:
        noto.prepare(str(tmp_path / "tfds"), str(own))
    assert "fonts-noto" not in str(e.value)


def test_files_from_the_web_are_held_against_their_checksums(bare_machine, own, tmp_path, monkeypatch):
    (own / "emoji-test.txt").rename(tmp_path / "the list")
    content = (tmp_path / "the list").read_bytes()
    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: io.BytesIO(content))
    with pytest.raises(
        noto.NotAvailableError, match=r"emoji-test.txt: the checksum of the \d+ bytes is \w{64}, not 8445f2"
    ):
        noto.prepare(str(tmp_path / "tfds"), str(own))
    run = subprocess.run(
        ["sha256sum", str(tmp_path / "the list")],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    monkeypatch.setitem(files.CHECKSUMS, "emoji-test.txt", run.stdout.split()[0])
    noto.prepare(str(tmp_path / "tfds"), str(own))
    assert noto.is_prepared(str(tmp_path / "tfds"))


def test_git_names_the_font():
    # printf 'hello\n' | git hash-object --stdin
    with pytest.raises(ValueError, match="of the 6 bytes is ce013625030ba8dba906f756967f9e9ca394464a, not cf7a47e9"):
        files.check_content("NotoColorEmoji.ttf", b"hello\n")


# -- the real ones -----------------------------------------------------------------------------------------------------


def base_name(name):
    """An English name without what varies: an independent account of what belongs together."""
    name = re.sub(r"(: |, )?(light|medium-light|medium|medium-dark|dark) skin tone", "", name)
    name = re.sub(r"(: |, )((red|curly|white) hair|bald)", "", name)
    if name.endswith((" dancing", "’s room")):  # other pictures, not the same of another person
        return name
    for whatever in ("family", "holding hands"):
        if whatever in name:
            return whatever
    name = re.sub(r"\b(boy|girl|child)\b", "child", name)
    return re.sub(r"\b((wo)?m[ae]n|person|people)\b", "", name).strip(" :,")


def test_the_real_pictures(noto_emoji):
    rows, builder = rows_of(None)
    counts = {split: len(rows[split]) for split in rows}
    names = {row["name"].decode(): (split, row) for split in rows for row in rows[split]}
    assert len(names) == sum(counts.values()) > 3000
    meta = builder.info.metadata
    if meta["font_version"].startswith("Version 2.042;") and meta["emoji_version"] == "15.0":  # Debian 12's
        # 3,655 is what the list itself says at its end; 14 are two flags of Norway's, snowboarders in snowsuits, ...
        assert meta["emoji"] - meta["emoji_with_anothers_picture"] == sum(counts.values()) == 3655 - 14
        assert meta["emoji_without_picture"] == 0
        assert meta["pictures_without_emoji"] == 279
        assert counts == {"train": 2987, "validation": 302, "test": 352}
    groups = builder.info.features["label"]
    for name, group in {
        "grinning face": "Smileys & Emotion",
        "waving hand: dark skin tone": "People & Body",
        "dog face": "Animals & Nature",
        "pizza": "Food & Drink",
        "rocket": "Travel & Places",
        "soccer ball": "Activities",
        "telephone": "Objects",
        "red heart": "Smileys & Emotion",
        "keycap: 1": "Symbols",
        "flag: Japan": "Flags",
        "flag: Scotland": "Flags",
    }.items():
        assert groups.int2str(names[name][1]["label"]) == group
    # What is in them: Japan's is red on white, the face yellow, and the last skin tone darker than the first.
    assert names["flag: Japan"][1]["image"][64, 64].tolist() == pytest.approx([220, 30, 40], abs=40)
    assert names["grinning face"][1]["image"][40, 64].tolist() == pytest.approx([250, 195, 50], abs=45)
    light, dark = (names[f"waving hand: {tone} skin tone"][1]["image"].mean() for tone in ("light", "dark"))
    assert light > dark + 10
    for split in rows:
        images = np.stack([row["image"] for row in rows[split]])
        assert images.shape == (counts[split], 128, 128, 3)
        assert (images == 255).mean() > 0.2  # white around them
        share = np.bincount([row["label"] for row in rows[split]], minlength=9) / counts[split]
        assert share.min() > 0.02  # all nine groups


def test_variants_are_on_one_side(noto_emoji):
    rows, _ = rows_of(None)
    sides = collections.defaultdict(set)
    pictures = collections.Counter()
    for split in rows:
        for row in rows[split]:
            sides[base_name(row["name"].decode())].add(split)
            pictures[row["image"].tobytes()] += 1
    assert max(pictures.values()) == 1
    assert {name for name in sides if len(sides[name]) > 1} == set()
    assert len(sides) > 1500
    # A slice parts the variants of one emoji at most, wherever it is cut.
    for cut in range(100, 2900, 7):
        before, after = (
            {base_name(row["name"].decode()) for row in part} for part in (rows["train"][:cut], rows["train"][cut:])
        )
        assert len(before & after) <= 1


def test_by_name_and_like_a_gan(noto_emoji):
    small = {"generator_width": 4, "discriminator_width": 4}
    gan = kerasgan.create_model("dcgan", image_shape=(64, 64, 3), **small)
    batch = next(iter(data.load(noto_emoji, split="test", batch_size=16, like=gan))).numpy()
    assert batch.shape == (16, 64, 64, 3)
    assert batch.min() >= -1.0
    assert batch.max() == 1.0
    # Antialiased: near the mean of each 2x2 pixels, where every second pixel alone would be off by far.
    whole = data.load_array(noto_emoji, "test")[:16].astype(float) / 127.5 - 1
    means = whole.reshape(16, 64, 2, 64, 2, 3).mean((2, 4))
    assert np.abs(batch - means).mean() < 0.03
    assert np.abs(batch - means).mean() < np.abs(batch - whole[:, ::2, ::2]).mean() / 2
    assert data.image_shape_of(noto_emoji) == (128, 128, 3)
    assert data.classes_of(noto_emoji) == emoji.GROUPS
    assert data.with_version(noto_emoji) == "noto_emoji:1.0.0"
    labels, names = data.load_labels(noto_emoji, "validation")
    assert set(labels) == set(range(9))
    assert names == emoji.GROUPS
    batch, classes = next(iter(data.load(noto_emoji, batch_size=32, labels=True, image_shape=(64, 64, 3))))
    assert batch.shape == (32, 64, 64, 3)
    assert classes.shape == (32,)


@pytest.mark.parametrize("first", ["kerasgan.data", "tensorflow_datasets"])
def test_tensorflow_datasets_knows_the_name(first):
    second = {"kerasgan.data": "tensorflow_datasets", "tensorflow_datasets": "kerasgan.data"}[first]
    code = f"import {first}, {second}, tensorflow_datasets as tfds; print(tfds.builder_cls('noto_emoji').__module__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "kerasgan.data.noto_emoji"


def test_the_command(noto_emoji):
    del noto_emoji
    run = subprocess.run(
        [sys.executable, "-W", "always", "-m", "kerasgan.data.noto_emoji"], capture_output=True, text=True
    )
    assert run.returncode == 0
    assert run.stderr.rstrip().endswith("kerasgan: Noto Color Emoji is ready")
    assert "RuntimeWarning" not in run.stderr
