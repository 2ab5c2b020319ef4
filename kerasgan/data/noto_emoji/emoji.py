"""Unicode's list of emoji, emoji-test.txt: their names and groups, and which of them are variants of one."""

import dataclasses
import hashlib
import pathlib
import re

# In the list's order. It has a tenth, "Component": skin tones and hair, which are no emoji by themselves.
GROUPS = (
    "Smileys & Emotion",
    "People & Body",
    "Animals & Nature",
    "Food & Drink",
    "Travel & Places",
    "Activities",
    "Objects",
    "Symbols",
    "Flags",
)

SEED = 0  # of the splits
SHARES = {"test": 0.1, "validation": 0.1, "train": 0.8}  # of the bases; of some there is one picture, of some are 104

_LINE = re.compile(r"([0-9A-F]+(?: [0-9A-F]+)*) *; fully-qualified *# \S+ (?:E[\d.]+ )?(.+)")
_VERSION = re.compile(r"# Version: (\S+)")

_VARIATION = "\N{VARIATION SELECTOR-16}"
_JOINER = "\N{ZERO WIDTH JOINER}"
_SKIN_TONES = "\N{EMOJI MODIFIER FITZPATRICK TYPE-1-2}-\N{EMOJI MODIFIER FITZPATRICK TYPE-6}"
_HAIR = "\N{EMOJI COMPONENT RED HAIR}-\N{EMOJI COMPONENT WHITE HAIR}"
_VARIED = re.compile(f"[{_VARIATION}{_SKIN_TONES}]|{_JOINER}[\N{FEMALE SIGN}\N{MALE SIGN}{_HAIR}]")
_ADULT = "\N{ADULT}"
_NEUTRAL = str.maketrans(
    {
        "\N{MAN}": _ADULT,
        "\N{WOMAN}": _ADULT,
        "\N{BOY}": "\N{CHILD}",
        "\N{GIRL}": "\N{CHILD}",
        "\N{OLDER MAN}": "\N{OLDER ADULT}",
        "\N{OLDER WOMAN}": "\N{OLDER ADULT}",
        "\N{PRINCE}": "\N{PERSON WITH CROWN}",
        "\N{PRINCESS}": "\N{PERSON WITH CROWN}",
        "\N{PREGNANT WOMAN}": "\N{PREGNANT PERSON}",
        "\N{PREGNANT MAN}": "\N{PREGNANT PERSON}",
        "\N{FATHER CHRISTMAS}": f"{_ADULT}{_JOINER}\N{CHRISTMAS TREE}",
        "\N{MOTHER CHRISTMAS}": f"{_ADULT}{_JOINER}\N{CHRISTMAS TREE}",
        "\N{TWO MEN HOLDING HANDS}": f"{_ADULT}{_JOINER}\N{HANDSHAKE}{_JOINER}{_ADULT}",
        "\N{TWO WOMEN HOLDING HANDS}": f"{_ADULT}{_JOINER}\N{HANDSHAKE}{_JOINER}{_ADULT}",
        "\N{MAN AND WOMAN HOLDING HANDS}": f"{_ADULT}{_JOINER}\N{HANDSHAKE}{_JOINER}{_ADULT}",
        "\N{KISS}": f"{_ADULT}{_JOINER}\N{HEAVY BLACK HEART}{_JOINER}\N{KISS MARK}{_JOINER}{_ADULT}",
        "\N{COUPLE WITH HEART}": f"{_ADULT}{_JOINER}\N{HEAVY BLACK HEART}{_JOINER}{_ADULT}",
    }
)
_HANDS = "\N{RIGHTWARDS HAND}\N{ZERO WIDTH JOINER}\N{LEFTWARDS HAND}"  # a handshake of two skin tones
_FAMILY = re.compile(f"{_ADULT}({_JOINER}{_ADULT})?({_JOINER}\N{CHILD})+")


@dataclasses.dataclass(frozen=True)
class Emoji:
    """A line of the list.

    Attributes:
        text: its code points.
        name: in English, as Unicode has it: "waving hand: dark skin tone".
        group, subgroup: the headings above it.
    """

    text: str
    name: str
    group: str
    subgroup: str

    @property
    def codepoints(self) -> str:
        """As the list writes them: "1F44B 1F3FF"."""
        return " ".join(f"{ord(character):04X}" for character in self.text)

    @property
    def base(self) -> str:
        """What its variants have in common."""
        return base_of(self.text)


def read_list(path: pathlib.Path) -> tuple[str, list[Emoji]]:
    """The emoji that a list names, in its order and fully qualified: each of them once; and Unicode's version of it.

    Raises:
        ValueError: it is no such list, or has a group that is none of `GROUPS`.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"Cannot read Unicode's list of emoji from {path}: {error}.") from None
    version, group, subgroup = "unknown", "", ""
    found = []
    for line in lines:
        if match := _VERSION.match(line):
            version = match.group(1)
        elif line.startswith("# group:"):
            group = line.removeprefix("# group:").strip()
        elif line.startswith("# subgroup:"):
            subgroup = line.removeprefix("# subgroup:").strip()
        elif match := _LINE.match(line):
            if group not in GROUPS:
                raise ValueError(f"{path} has emoji in a group {group!r}; known are {', '.join(GROUPS)}.")
            text = "".join(chr(int(number, 16)) for number in match.group(1).split())
            found.append(Emoji(text, match.group(2).strip(), group, subgroup))
    if not found:
        raise ValueError(f"{path} names no emoji; it should be Unicode's emoji-test.txt, with its groups.")
    return version, found


def base_of(text: str) -> str:
    """An emoji without its skin tone, gender and hair, in which its variants differ: their pictures are near copies.

    Men, women and persons are one, and so are boys, girls and children; all families are one.
    """
    base = _VARIED.sub("", text).translate(_NEUTRAL).replace(_HANDS, "\N{HANDSHAKE}")
    return "\N{FAMILY}" if _FAMILY.fullmatch(base) else base or text


def place_of(base: str) -> float:
    """A number in [0, 1) for each base, as good as random, the same everywhere and for whatever else the list holds."""
    digest = hashlib.sha256(f"{SEED} {base}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def split_of(base: str) -> str:
    """The split in which all variants of an emoji are: "train", "validation" or "test"."""
    place, end = place_of(base), 0.0
    for split, share in SHARES.items():
        end += share
        if place < end:
            return split
    return "train"  # the shares' sum may be rounded
