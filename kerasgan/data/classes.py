"""Classes as a file or a user gives them beside samples; what is wrong with them, in one line."""

from typing import Any

import numpy as np

from kerasgan.classes import numbered, some
from kerasgan.errors import first_line

MOST_CLASSES = 100_000  # numbers beyond are none of classes, but times or identities


def check_labels(labels: Any, class_names: Any, count: int, called: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as a user or a file gives them.

    Args:
        labels: whole numbers `[N]`, or `[N, 1]` as `keras.datasets` has them.
        class_names: the names of all classes, or None.
        count: N, how many samples there are.
        called: how messages call the labels.

    Returns:
        int64 `[N]`, and the names; ("0", "1", ...) up to the highest label where none are given.

    Raises:
        ValueError: other labels than that, names that are none, or labels without a name.
    """
    try:
        array = np.asarray(labels)
    except Exception as error:  # rows of several lengths, a tensor on another device, a symbolic one
        raise ValueError(f"{called} are no array of whole numbers: {first_line(error)}.") from None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or not array.size or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"{called} must be whole numbers [N], a class for each sample; found {array.dtype} of shape {array.shape}."
        )
    if len(array) != count:
        raise ValueError(f"{called} are {len(array)}, its samples {count}; each must have its own.")
    low, high = int(array.min()), int(array.max())
    if low < 0:
        raise ValueError(f"{called} hold {low} in row {array.argmin()}; classes are counted from 0.")
    if class_names is None:
        if high >= MOST_CLASSES:
            raise ValueError(
                f"{called} hold {high} in row {array.argmax()}, which would be one of {high + 1} classes; classes are "
                f"counted from 0, and there may be {MOST_CLASSES}."
            )
        return array.astype(np.int64), numbered(high + 1)
    names = _checked(class_names)
    if high >= len(names):
        raise ValueError(
            f"{called} hold {high} in row {array.argmax()}, and there are {len(names)} class_names ({some(names)}), "
            "counted from 0."
        )
    return array.astype(np.int64), names


def _checked(class_names: Any) -> tuple[str, ...]:
    names = class_names.tolist() if isinstance(class_names, np.ndarray) else class_names
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"class_names must be a list of texts, one for each class; found {class_names!r:.80}.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"class_names holds {twice!r} twice; each class needs a name of its own.")
    return tuple(names)
