"""Classes as a user asks for them, by name or number.

A client of a server asks too, and does without TensorFlow; so nothing here needs it.
"""

from collections.abc import Sequence
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
