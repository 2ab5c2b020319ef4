"""What an evaluation found: as JSON, as a table, as pictures."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasgan import cards, plots
from kerasgan.files import replacing
from kerasgan.metrics import Score


@dataclasses.dataclass(frozen=True)
class Report:
    """What `evaluate` found.

    Attributes:
        model: the GAN's name.
        steps: how many it has been trained for.
        dataset, split, training_split: the real samples.
        scores: of the generated samples, by name.
        reference: the same scores of training samples in their place; empty where the splits are one and the same.
        losses: what `gan.evaluate` gives for the real samples: losses and diagnostics, in inference mode.
        class_shares: how many of the generated images the classifier takes for each class, from 0 to 1; None where
            the features come without a classifier.
        classes: of a conditional model, by the names of its classes: "share_asked", how large a part of the samples it
            has, from 0 to 1; where they could be measured "accuracy", how often the classifier says the class that was
            asked for, and, under its own name, the Fréchet distance from the real samples of the class; and
            "reference", the same two of real samples. None for others.
        left_out: what could not be measured, or with reserve, and why; a sentence each.
        page: the pictures, uint8 `[height, width, 3]`, or None for samples without a picture.
        features: what images were compared by, "coordinates" for samples that are none; None where there were none.
        halves: the Fréchet and the kernel distance of one half of the real samples from the other, by name.
        nearest: of the page the samples with their nearest training images: a title, and the picture; or None.
    """

    model: str
    steps: int
    dataset: str
    split: str
    training_split: str
    scores: dict[str, Score]
    reference: dict[str, Score]
    losses: dict[str, float]
    class_shares: dict[str, float] | None
    page: np.ndarray | None
    classes: dict[str, dict[str, Any]] | None = None
    left_out: tuple[str, ...] = ()
    features: str | None = None
    halves: dict[str, Score] = dataclasses.field(default_factory=dict)
    nearest: tuple[str, np.ndarray] | None = None

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures, as `json.dumps` takes it."""
        pictures = ("page", "nearest")
        names = [field.name for field in dataclasses.fields(self) if field.name not in pictures]
        content = {name: getattr(self, name) for name in names}
        for kind in ("scores", "reference", "halves"):
            content[kind] = {name: score.to_json() for name, score in content[kind].items()}
        content["classes"] = self.classes and {name: _as_json(found) for name, found in self.classes.items()}
        content["left_out"] = list(self.left_out)
        return content

    def write(self, path: str | os.PathLike, **facts: Any) -> list[pathlib.Path]:
        """Writes the report as JSON, and the pictures beside it under the same name with `.png`.

        Args:
            path: the JSON file.
            **facts: more for the JSON to say, such as the command.

        Returns:
            The files written.
        """
        path = pathlib.Path(path)
        written = [path]
        if self.page is not None:
            written.append(path.with_suffix(".png"))
            plots.write(self.page, written[-1])
        with replacing(path) as temporary:
            temporary.write_text(json.dumps({**facts, **self.to_json()}, indent=2) + "\n", encoding="utf-8")
        return written

    def table(self) -> str:
        """The scores as lines of text."""
        rows = [("", "generated", "training images", "n", "features")]
        content = self.to_json()
        for name, score in self.scores.items():
            rows.append(
                (
                    name,
                    cards.number(content["scores"][name]),
                    cards.number(content["reference"].get(name)),
                    f"{score.n_real}/{score.n_fake}" if score.n_real else f"{score.n_fake}",
                    score.features,
                )
            )
        lines = _aligned(rows)
        if self.halves:
            lines.append(cards.of_halves(content["halves"]))
        if self.classes:
            lines += ["", *_aligned(cards.class_rows(content["classes"])), ""]
        if self.class_shares:
            lines.append(f"classes of the generated images: {cards.shares(self.class_shares)}")
        if self.losses:
            lines.append("losses: " + ", ".join(f"{name} {value:.4g}" for name, value in self.losses.items()))
        return "\n".join([*lines, *self.left_out])


def _as_json(found: Any) -> Any:
    """Scores of a class, and scores within them, as `json.dumps` takes them."""
    if isinstance(found, dict):
        return {name: _as_json(value) for name, value in found.items()}
    return found.to_json() if isinstance(found, Score) else found


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
