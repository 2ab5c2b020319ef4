"""Errors that many places have in common: other libraries' quoted in ours, and numbers out of range."""

import difflib
import math
import numbers
import re
from collections.abc import Iterable
from typing import Any


def first_line(error: BaseException | str) -> str:
    """An error's first line, without what TensorFlow puts before it: `{{node ...}}`, or "Graph execution error" and the
    Python lines where the graph was traced. Of an empty error, its kind.
    """
    text = str(error).strip()
    if text.startswith("Graph execution error:"):
        text = re.split(r"^  File .*$|most recent call last\):$", text, flags=re.MULTILINE)[-1].strip() or text
    lines = text.splitlines()
    return re.sub(r"^(\{\{.*?\}\} )+", "", lines[0]) if lines else type(error).__name__


def check_whole(name: str, number: object, least: int) -> None:
    """Refuses what is not a whole number, or too small.

    Raises:
        ValueError: it says what was found.
    """
    if isinstance(number, bool) or not isinstance(number, numbers.Integral) or number < least:
        raise ValueError(f"{name} must be a whole number, at least {least}; found {number!r}.")


def checked_weight(name: str, number: Any) -> float:
    """A number as a float.

    Raises:
        ValueError: it is negative or no finite number.
    """
    if not is_number(number) or not 0.0 <= float(number) < math.inf:
        raise ValueError(f"{name} must be a finite number, at least 0; found {number!r}.")
    return float(number)


def is_number(value: object) -> bool:
    """Whether a value is a real number, of Python or numpy; truth values are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def suggestion(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the known name nearest to a wrong one, or nothing where none is near.

    Capitals, dashes in front of an option, and `-` in the place of `_` do not count.
    """
    plain = {_plain(candidate): candidate for candidate in known}
    # Of two letters in four that agree anything would be near: "wgan" is not a misspelt "ebgan".
    close = difflib.get_close_matches(_plain(str(name)), plain, n=1, cutoff=0.7)
    return f" Did you mean {plain[close[0]]!r}?" if close else ""


def _plain(name: str) -> str:
    return name.lstrip("-").replace("-", "_").casefold()
