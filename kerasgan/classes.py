"""Classes: whole numbers from 0 on, and their names; as a user asks for them, and as data and model have them.

A client of a server asks too, and does without TensorFlow; so nothing here needs it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kerasgan.errors import suggestion


def check_labels(labels: Any, n: int, names: Sequence[str]) -> np.ndarray:
    """What a user asks of n samples' classes, as whole numbers.

    Args:
        labels: one class for all samples, or a list, array or tensor of n: each a name, or a whole number from 0.
        n: how many samples.
        names: of the classes, in the order of their labels.

    Returns:
        int32 `[n]`.

    Raises:
        ValueError: a class that there is not, or a list of another length.
    """
    if hasattr(labels, "__array__"):
        labels = np.asarray(labels).tolist()  # Python's own numbers and texts
    if isinstance(labels, (str, bytes)) or not isinstance(labels, Sequence):
        return np.full(n, _label(labels, names), np.int32)
    if len(labels) != n:
        raise ValueError(f"labels must be one class, or a list of {n}; found a list of {len(labels)}.")
    return np.array([_label(label, names) for label in labels], np.int32)


def _label(label: Any, names: Sequence[str]) -> int:
    if isinstance(label, bytes):  # as TensorFlow's texts come
        label = label.decode(errors="replace")
    if isinstance(label, str):
        if label in names:
            return names.index(label)
        some = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        raise ValueError(f"There is no class {label!r}; there are {some}.{suggestion(label, names)}")
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)) or not 0 <= label < len(names):
        raise ValueError(f"A label is a class's name or a whole number from 0 to {len(names) - 1}; found {label!r}.")
    return int(label)


def from_texts(texts: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """Labels as they are typed, where "3" is the number unless a class is called so."""
    whole = re.compile(r"-?\d+")
    return [int(x) if isinstance(x, str) and whole.fullmatch(x) and x not in names else x for x in texts]


def numbered(count: int) -> tuple[str, ...]:
    """What classes without names are called: ("0", "1", ...)."""
    return tuple(map(str, range(count)))


def check_same(names: tuple[str, ...], model: tuple[str, ...], of: str) -> None:
    """Refuses classes that a model does not have, or calls by other names. Numbers alone go by their order.

    Args:
        names: of the data's classes.
        model: of the model's.
        of: how messages call the data.

    Raises:
        ValueError: it says how many there are on both sides, and the first of them.
    """
    both = f"{of} has {len(names)} classes ({some(names)}), the model has {len(model)} ({some(model)})"
    if len(names) > len(model):
        raise ValueError(f"{both}. Make the model with classes={len(names)}.")
    if numbered(len(names)) == names or numbered(len(model)) == model or names == model:
        return
    if len(names) < len(model):
        raise ValueError(f"{both}: names must be the same, in the same order.")
    first = next(i for i in range(len(names)) if names[i] != model[i])
    raise ValueError(
        f"{both}: names must be the same, in the same order, and class {first} is {names[first]!r} in the data, "
        f"{model[first]!r} in the model."
    )


def some(names: Iterable[str]) -> str:
    """The first of many names, for a message."""
    names = tuple(names)
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
