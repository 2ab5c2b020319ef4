"""The parts of the page, from what is known of a run."""

import contextlib
import json
import pathlib
import time
from collections.abc import Sequence

import numpy as np

from kerasgan import __version__, cards
from kerasgan.runs.config import command
from kerasgan.runs.report import page, pictures
from kerasgan.runs.report.meanings import panels_of
from kerasgan.runs.report.measured import Measured
from kerasgan.runs.report.signs import Finding, Past


def whole(folder: pathlib.Path, past: Past, measured: Measured, found: Sequence[Finding]) -> str:
    """The page as HTML.

    Args:
        folder: of the run.
        past, measured: what is known of it.
        found: its signs.
    """
    parts = [
        _head(folder, past, measured),
        page.section("What was found, and what to try next", *map(page.finding, found)),
        _samples(folder, past, measured),
        _nearest(past, measured),
        _curves(past),
        _scores(past),
        _about(past, measured),
    ]
    return page.page(f"Training report: {folder.absolute().name}", [part for part in parts if part])


def _head(folder, past, measured):
    config, history = past.config, past.history
    epochs = len(history.get("epoch", ()))
    of = f"{config.epochs} epochs" if config.steps is None else f"{config.steps:,} steps"
    state = "finished" if past.finished else "stopped as lost" if past.reason else "not finished"
    by = f", by {len(config.recipe['classes'])} classes" if isinstance(config.recipe.get("classes"), tuple) else ""
    rows = [
        ("state", f"{state}: {epochs} epochs, {max(past.steps, measured.step):,} steps, of {of}"),
        ("model", f"{config.model} for {' x '.join(map(str, config.recipe['image_shape']))}{by}"),
        ("data", f"{config.dataset}, {config.split}"),
        ("held out", config.validation_split or "none in training"),
        ("loss", config.recipe["loss"]),
    ]
    try:
        seconds = json.loads((folder / "time.json").read_text(encoding="utf-8"))
        rows.append(("time", f"{seconds['seconds'] / 60:,.1f} minutes on {cards.hardware(seconds)}"))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return page.facts(rows)


def _samples(folder, past, measured):
    last = max(past.steps, measured.step)
    figures = []
    for step, path in pictures.frames_of(folder / "samples", last or None):
        picture = pictures.of_file(path)
        if picture is not None:
            alt = f"Generated samples after {step:,} steps"
            figures.append(page.figure(picture, alt, f"after {step:,} steps", pixels=picture[1] < 400))
    if not figures:
        return page.section("Samples over time", page.paragraph("There are no pictures of samples in this run."))
    says = (
        "The same seeds as the training went on, from its beginning to its end. Look for repetitions within a picture, "
        "and for pictures that stop changing or get worse."
    )
    return page.section("Samples over time", page.paragraph(says), page.grid(figures))


def _nearest(past, measured):
    if measured.nearest is None:
        return ""
    picture = pictures.of_pixels(measured.nearest)
    caption = (
        f"In the first row samples of the seeds from {measured.seed} on, none left out, after {measured.step:,} steps; "
        f"below each the three nearest to it of {measured.searched:,} training pictures, in pixels, nearest first."
    )
    says = "Whether it copies what it was trained on everybody can see here."
    alt = "A row of generated samples, and below each three training pictures"
    whole = page.figure(picture, alt, caption)
    return page.section("Nearest training pictures", page.paragraph(says), whole)


def _curves(past):
    history = past.history
    figures = []
    for title, names, sentence in panels_of(history):
        alt = "; ".join(
            f"{name} from {_finite(history[name])[0]:.3g} to {_finite(history[name])[-1]:.3g}" for name in names
        )
        figures.append(
            page.figure(pictures.curve(history, names, history["epoch"]), f"Curve: {alt}", sentence, heading=title)
        )
    if not figures:
        return page.section("Curves", page.paragraph("No epoch has ended yet."))
    says = "Means over each epoch, as `fit` logs them. What counts is not a low loss but the balance of the two."
    return page.section("Curves, and what they mean", page.paragraph(says), page.grid(figures))


def _scores(past):
    history = past.history
    names = [name for name in cards.MEASURES if name in history and _finite(history[name])]
    if not names:
        says = (
            "None in training. `--validation_split` scores every epoch, and `kerasgan evaluate "
            f"--preset={past.run} --output=report.json` scores what there is."
        )
        return page.section("Scores", page.paragraph(says))
    best = next((name for name in ("fcd", "fid", "frechet_distance") if name in names), None)
    rows = [("", *([f"best epoch by {best}"] if best else []), "last epoch", "what it is")]
    at = None
    if best is not None:
        at = int(np.nanargmin([value if np.isfinite(value) else np.inf for value in history[best]]))
        rows[0] = ("", f"epoch {int(history['epoch'][at])}, the best by {best}", rows[0][2], rows[0][3])
    for name in names:
        cells = [f"{history[name][i]:.4g}" for i in ([] if at is None else [at]) + [-1]]
        rows.append((name, *cells, cards.MEASURES[name]))
    by = f" by the features {past.config.features}" if past.config.features else ""
    says = f"Measured in training on {past.config.validation_split}{by}, of 5,000 samples of each kind at most."
    after = (
        "An epoch that was chosen by a score has too good a score: report those of other samples, as `kerasgan "
        f"evaluate --preset={past.run} --output=report.json` gives them."
    )
    return page.section("Scores", page.paragraph(says), page.table(rows, "Scores"), page.paragraph(after))


def _about(past, measured):
    lines = []
    if measured.n and measured.step:
        lines.append(
            f"Measured of the networks of step {measured.step:,}, with {measured.n} samples of each kind at most and "
            f"seed {measured.seed}: the generator as `generate` draws, and D in inference mode, without augmentation."
        )
    if past.just_ended:
        lines.append(f"`kerasgan report {past.run}` measures by more samples, and what is missing here.")
    with contextlib.suppress(ValueError, OSError):  # where data are gone
        lines.append(f"Trained by `{command(past.config)}`")
    lines.append(f"Written by kerasgan {__version__} on {time.strftime('%Y-%m-%d %H:%M')}.")
    return page.section("How this was made", *[page.paragraph(line, soft=True) for line in lines])


def _finite(values):
    return [value for value in values if np.isfinite(value)]
