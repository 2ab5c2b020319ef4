"""Codes of InfoGAN's latent, as a user asks for them.

A client of a server asks too, and does without TensorFlow; so nothing here needs it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np


def check_codes(codes: dict[str, Any], n: int, categorical: Sequence[int], continuous: int) -> dict[str, np.ndarray]:
    """What a user asks of n samples' codes, as arrays.

    Args:
        codes: dict with "categorical" (whole numbers), "continuous" (numbers), or both. Each is one value for all
            samples, one row for all of them, or one row per sample; where there is one code of the kind, one value per
            sample will do too.
        n: how many samples.
        categorical: how many categories each categorical code has.
        continuous: how many continuous codes there are.

    Returns:
        The given kinds: "categorical" int32 `[n, len(categorical)]`, "continuous" float32 `[n, continuous]`.

    Raises:
        ValueError: another key or shape, a category out of range, or a number that is not finite.
    """
    if not isinstance(codes, dict) or not set(codes) <= {"categorical", "continuous"}:
        found = ", ".join(map(str, codes)) if isinstance(codes, dict) else type(codes).__name__
        raise ValueError(f"codes must be a dict with 'categorical', 'continuous' or both; found {found}.")
    checked = {}
    if "categorical" in codes:
        rows = _rows(codes["categorical"], n, len(categorical), "categorical")
        for i, k in enumerate(categorical):
            wrong = [c for c in rows[:, i] if c != int(c) or not 0 <= c < k]
            if wrong:
                raise ValueError(
                    f"Categorical code {i} has the categories 0 to {k - 1}, as whole numbers; found {wrong[0]:g}."
                )
        checked["categorical"] = rows.astype(np.int32)
    if "continuous" in codes:
        checked["continuous"] = _rows(codes["continuous"], n, continuous, "continuous")
    return checked


def _rows(values: Any, n: int, count: int, kind: str) -> np.ndarray:
    """float32 `[n, count]` from one value, one row, or n rows."""
    if not count:
        raise ValueError(f"This latent has no {kind} codes.")
    try:
        with np.errstate(over="ignore"):
            array = np.asarray(values, np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"{kind} codes must be numbers; found {values!r}.") from None
    if count == 1 and array.ndim == 1 and len(array) == n:
        array = array[:, None]
    if array.ndim > 2 or array.shape not in ((), (count,), (1, count), (n, count)):
        one = f", [{n}]" if count == 1 else ""
        raise ValueError(
            f"{kind} codes must be one number or have shape [{count}]{one} or [{n}, {count}]; "
            f"found shape {list(array.shape)}."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{kind} codes must be finite numbers.")
    return np.broadcast_to(array, (n, count))
