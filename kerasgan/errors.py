"""Errors that many places have in common: other libraries' quoted in ours, and numbers out of range."""

import difflib
import numbers
import re


def first_line(error: BaseException | str) -> str:
    """An error's first line, without what TensorFlow puts before it: `{{node ...}}`, or "Graph execution error" and the
    Python lines where the graph was traced. Of an empty error, its kind.
    """
    text = str(error).strip()
    if text.startswith("Graph execution error:"):
        text = re.split(r"^  File .*$|most recent call last\):$", text, flags=re.MULTILINE)[-1].strip() or text
    lines = text.splitlines()
    return re.sub(r"^(\{\{.*?\}\} )+", "", lines[0]) if lines else type(error).__name__


def check_whole(name: str, number, least: int) -> None:
    """Refuses what is not a whole number, or too small.

    Raises:
        ValueError: it says what was found.
    """
    if isinstance(number, bool) or not isinstance(number, numbers.Integral) or number < least:
        raise ValueError(f"{name} must be a whole number, at least {least}; found {number!r}.")


def suggestion(name: str, known) -> str:
    """` Did you mean 'x'?` for the known name nearest to a wrong one, or nothing."""
    close = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
