"""Where the font and Unicode's list of emoji are: on this machine, in Debian's packages, on the web."""

import hashlib
import pathlib
import subprocess
import urllib.request

from kerasgan.data import packages
from kerasgan.data.packages import NotAvailableError
from kerasgan.errors import first_line
from kerasgan.messages import say

FONT = "NotoColorEmoji.ttf"
LIST = "emoji-test.txt"

# Where Debian's packages put them, and which packages these are.
INSTALLED = {
    FONT: pathlib.Path("/usr/share/fonts/truetype/noto", FONT),
    LIST: pathlib.Path("/usr/share/unicode/emoji", LIST),
}
PACKAGES = {FONT: "fonts-noto-color-emoji", LIST: "unicode-data"}
SIZES = {FONT: "10 MB", LIST: "8 MB"}

# The font's own release, which Debian builds anew from its sources: other bytes for the same pictures. It is known by
# the name that git gives it in the release, SHA-1 of its length and content; the list by SHA-256.
URLS = {
    FONT: "https://github.com/googlefonts/noto-emoji/raw/v2.042/fonts/NotoColorEmoji.ttf",
    LIST: "https://www.unicode.org/Public/emoji/15.0/emoji-test.txt",
}
CHECKSUMS = {
    FONT: "cf7a47e960cc84bfcbf65bbcf324f56385948b73",
    LIST: "8445f23ac8388e096be19d0262e14fceff856ff52093f2356dc89485f1a853db",
}
SECONDS = 30  # without an answer

REMEDIES = """\
{files} could not be had: {reasons}
Any one of these helps:
  1. on Debian or Ubuntu:  sudo apt-get update && sudo apt-get install {packages}
  2. with access to the web, put {urls} into {manual_dir}
  3. copy the folder noto_emoji/ of a machine that has it into {data_dir}
and then repeat the command."""


def find_files(manual_dir: pathlib.Path, data_dir: pathlib.Path, folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """The font and the list: those that the user has put into `manual_dir`, else those that are installed, else
    Debian's packages, else the web.

    Args:
        manual_dir: tensorflow-datasets' folder for files that one gets by hand; it need not exist.
        data_dir: tensorflow-datasets' folder, for the message.
        folder: an empty one for downloads.

    Returns:
        The paths of `FONT` and `LIST`.

    Raises:
        NotAvailableError: one of them could not be had.
    """
    found = {}
    for name, installed in INSTALLED.items():
        for path in (manual_dir / name, installed):
            if name not in found and path.is_file():
                found[name] = path
    missing = [name for name in INSTALLED if name not in found]
    if not missing:
        return found
    reasons = []
    wanted = tuple(PACKAGES[name] for name in missing)
    try:
        root = packages.fetch(wanted, folder, " and ".join(SIZES[name] for name in missing))
        for name in missing:
            found[name] = root / INSTALLED[name].relative_to("/")
            if not found[name].is_file():
                raise FileNotFoundError(f"{PACKAGES[name]} has no {INSTALLED[name]}")
        return found
    except (OSError, subprocess.SubprocessError) as error:
        reasons.append(f"Debian's package: {error}")
    try:
        for name in missing:
            found[name] = _download(name, folder)
    except (OSError, ValueError) as error:  # a URLError is an OSError
        reasons.append(f"{URLS[name]}: {first_line(error)}")
        raise NotAvailableError(
            REMEDIES.format(
                files=" and ".join(missing),
                reasons="; ".join(reasons),
                packages=" ".join(wanted),
                urls=" and ".join(URLS[name] for name in missing),
                manual_dir=manual_dir,
                data_dir=data_dir,
            )
        ) from error
    return found


def _download(name: str, folder: pathlib.Path) -> pathlib.Path:
    """A file from the web, which is given up at once where there is no network.

    Raises:
        OSError: it could not be had.
        ValueError: it is another file than expected.
    """
    say(f"downloading {URLS[name]}")
    with urllib.request.urlopen(URLS[name], timeout=SECONDS) as answer:
        content = answer.read()
    check_content(name, content)
    path = folder / name
    path.write_bytes(content)
    return path


def check_content(name: str, content: bytes) -> None:
    """Refuses what is not the file of the release.

    Raises:
        ValueError: it says what was found.
    """
    if name == FONT:
        found = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    else:
        found = hashlib.sha256(content).hexdigest()
    if found != CHECKSUMS[name]:
        raise ValueError(f"the checksum of the {len(content)} bytes is {found}, not {CHECKSUMS[name]}")
