"""What a file says of itself: JSON in the place that its format has for such, under the key `kerasgan`.

It holds what a program needs that draws with the file and knows nothing else: how z is made up, which classes there
are, what the numbers of the samples mean. And some z with what the model itself drew from them, so that a copy of the
file can be checked anywhere.
"""

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np

import kerasgan

if TYPE_CHECKING:
    from kerasgan.gan import GAN

KEY = "kerasgan"
VERSION = 1  # of this description
ROWS = 4  # samples that are recorded
VALUES = 4096  # of each, at most
MOST_CLASSES = 1000  # whose names are written down


def describe(gan: "GAN", precision: str) -> dict[str, Any]:
    """The description of a file without what is recorded.

    Returns:
        "kerasgan", the version that wrote it; "description", the version of this; "model"; "precision" of the file's
        numbers; "input" and "output" with their name, shape (None is the batch) and dtype, the output's with its
        "range" where samples are images; "latent", the parts of z in their order; "class_names"; "value_range" of the
        generator itself; "steps" it was trained for, "weights_sha256" and "libraries".
    """
    from kerasgan import presets
    from kerasgan.serving.savedmodel import weights_digest

    names = gan.class_names
    return {
        KEY: kerasgan.__version__,
        "description": VERSION,
        "model": gan.name,
        "precision": precision,
        "input": {"name": "z", "shape": [None, gan.latent.dim], "dtype": "float32"},
        "output": {
            "name": output_name(gan),
            "shape": [None, *gan.sample_shape],
            "dtype": "float32",
            "range": None if gan.value_range is None else [0.0, 1.0],
        },
        "latent": parts_of(gan.latent),
        "class_names": None if names is None else list(names)[:MOST_CLASSES],
        "value_range": None if gan.value_range is None else list(gan.value_range),
        "steps": int(gan.step.numpy()),
        "weights_sha256": weights_digest(gan),
        "libraries": presets.versions(),
    }


def output_name(gan: "GAN") -> str:
    """As a servable calls it."""
    return "samples" if gan.value_range is None else "images"


def parts_of(latent: Any) -> list[dict[str, Any]]:
    """The parts of z, in their order.

    Returns:
        For each "part" ("noise", "label", "categorical" or "continuous"), "from", the first of its numbers, and
        "size", how many it has; of noise "kind" ("Normal" or "Uniform", or another class's name) and of a uniform one
        "low" and "high"; of a label its classes' "shares", None where they are equal. A label and a categorical code
        are a 1 among zeros; continuous codes are drawn uniformly from (-1, 1).
    """
    from kerasgan.latents import Coded, Labelled

    if isinstance(latent, Labelled):
        noise = parts_of(latent.noise_latent)
        shares = None if latent.shares is None else list(latent.shares)
        return [*noise, {"part": "label", "from": latent.noise, "size": latent.classes, "shares": shares}]
    if isinstance(latent, Coded):
        parts, at = parts_of(latent.noise_latent), latent.noise
        for size in latent.categorical:
            parts.append({"part": "categorical", "from": at, "size": size})
            at += size
        if latent.continuous:
            parts.append({"part": "continuous", "from": at, "size": latent.continuous})
        return parts
    config = {key: value for key, value in latent.get_config().items() if key in ("low", "high")}
    return [{"part": "noise", "from": 0, "size": latent.dim, "kind": type(latent).__name__, **config}]


def record(z: np.ndarray, samples: np.ndarray) -> dict[str, Any]:
    """What the model draws from some z, for `compare`: of large samples every so many-th value.

    Args:
        z: float32 `[ROWS, dim]`.
        samples: float32 `[ROWS, ...]`.
    """
    flat = samples.reshape(len(samples), -1)
    every = -(-flat.shape[1] // VALUES)
    return {"z": _encode(z), "rows": len(z), "every": every, "samples": _encode(flat[:, ::every])}


def recorded_z(recorded: dict[str, Any]) -> np.ndarray:
    return _decode(recorded["z"], recorded["rows"])


def compare(recorded: dict[str, Any], samples: np.ndarray) -> dict[str, float]:
    """The largest and the mean absolute difference of samples from the recorded ones; NaN counts as infinitely far.

    Raises:
        ValueError: they have another size.
    """
    expected = _decode(recorded["samples"], recorded["rows"])
    found = samples.reshape(len(samples), -1)[:, :: recorded["every"]]
    if found.shape != expected.shape:
        raise ValueError(f"it draws {found.shape} values where the model drew {expected.shape}")
    differences = np.nan_to_num(np.abs(found.astype(np.float64) - expected), nan=np.inf)
    return {"largest": float(differences.max()), "mean": float(differences.mean())}


def to_text(description: dict[str, Any]) -> str:
    return json.dumps(description, ensure_ascii=False)


def from_text(text: str | None) -> dict[str, Any]:
    """Reads what `to_text` wrote.

    Raises:
        ValueError: there is none, or it is of a newer kerasgan, or damaged.
    """
    if not text:
        raise ValueError("it has no description by kerasgan: another program wrote it")
    try:
        description = json.loads(text)
        version = description["description"]
    except (ValueError, TypeError, KeyError):
        raise ValueError("its description is damaged") from None
    if version != VERSION:
        raise ValueError(f"its description is of version {version}, and this kerasgan knows {VERSION}")
    return description


def _encode(array):
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


def _decode(text, rows):
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(rows, -1)
