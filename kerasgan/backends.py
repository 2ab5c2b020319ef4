"""What Keras computes with: kerasgan needs TensorFlow, and says so where Keras is set to something else."""

import json
import os
import pathlib
import sys


class BackendError(ImportError):
    """Keras is set to another backend than TensorFlow."""


def check() -> None:
    """Refuses another backend, whether Keras is imported already or would be with it. Imports nothing.

    Raises:
        BackendError: which one, and what to do.
    """
    backend, where = _configured()
    if backend != "tensorflow":
        raise BackendError(
            f"kerasgan needs Keras with TensorFlow; {where} sets it to {backend!r}. "
            "Set KERAS_BACKEND=tensorflow before Keras is imported."
        )


def _configured() -> tuple[str, str]:
    """Keras's backend, and what named it."""
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "config"):
        return keras.config.backend(), "KERAS_BACKEND or keras.json"
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"], "KERAS_BACKEND"
    home = pathlib.Path(os.environ.get("KERAS_HOME") or pathlib.Path.home() / ".keras")
    try:
        named = json.loads((home / "keras.json").read_text(encoding="utf-8")).get("backend", "tensorflow")
    except (OSError, ValueError, AttributeError):  # none, or none that Keras could read either
        named = "tensorflow"
    return str(named), str(home / "keras.json")
