"""Splits and slices, in tensorflow-datasets' notation: "train", "train[:10%]", "test[-500:]"."""

import re
from typing import Any

ONE_SPLIT = "one split, 'train', and slices of it such as 'train[:10%]'"


def check_split(split: Any) -> None:
    """Refuses what is not the name of a split.

    Raises:
        ValueError: it says what was found.
    """
    if not isinstance(split, str):
        raise ValueError(f"split must be a name or slice such as 'train' or 'train[:10%]'; found {split!r}.")


def is_slice(split: str) -> bool:
    """Whether a split has brackets, and so may leave something out."""
    return "[" in split


def cut(
    split: str,
    count: int,
    name: str,
    known: tuple[str, ...] = ("train", "all"),
    has: str = ONE_SPLIT,
    what: str = "samples",
) -> slice:
    """`train`, or `train[a:b]` with whole numbers or percentages -> which of `count` samples it takes.

    Args:
        split: the notation.
        count: how many samples the whole split has.
        name: of the source, for messages.
        known: the splits that the source has.
        has: the same as a message says it.
        what: what the source has so many of.

    Raises:
        ValueError: another split, or a slice that holds nothing.
    """
    match = re.fullmatch(rf"(?:{'|'.join(known)})(?:\[(-?\d+%?)?:(-?\d+%?)?\])?", split)
    if not match:
        raise ValueError(f"{name} has {has}; found {split!r}.")

    def bound(text):
        if text is None:
            return None
        return round(int(text[:-1]) * count / 100) if text.endswith("%") else int(text)

    part = slice(bound(match.group(1)), bound(match.group(2)))
    if not len(range(count)[part]):
        raise ValueError(f"Split {split!r} of {name} holds none of its {count} {what}.")
    return part
