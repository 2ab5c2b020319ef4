"""A run while it trains: how far it is, its newest samples and its curves, from what it writes."""

import csv
import pathlib

from kerasgan.callbacks import read_history
from kerasgan.runs import read_config
from kerasgan.runs.report import meanings, page, pictures

FILES = ("config.json", "history.csv", "final.keras")


def stamp_of(run: pathlib.Path) -> tuple:
    """Changes whenever there is something new to show."""
    times = [file.stat().st_mtime_ns if (file := run / name).is_file() else 0 for name in FILES]
    newest = pictures.frames_of(run / "samples")[-1:]
    return (*times, *[(str(path), step) for step, path in newest])


def as_html(run: pathlib.Path) -> str:
    """The state of a run, its newest samples, and its curves with what they mean."""
    try:
        config = read_config(run)
        history = read_history(run / "history.csv")
        epochs = [int(epoch) for epoch in history.get("epoch", ())]
        steps = [int(step) for step in history.get("step", ())]
    except (ValueError, TypeError, KeyError, OSError, csv.Error):  # as while a file is replaced
        return "<p>This run cannot be read just now.</p>"
    done = (run / "final.keras").is_file()
    end = f"{config.epochs} epochs" if config.steps is None else f"{config.steps:,} steps"
    at = f"{epochs[-1]} epochs, {steps[-1]:,} steps" if epochs and steps else "no epoch yet"
    parts = [page.paragraph(f"{'Finished' if done else 'Training'}: {at} of {end}.")]
    frames = pictures.frames_of(run / "samples")
    if frames and (shown := pictures.of_file(frames[-1][1])) is not None:
        says = f"Samples after {frames[-1][0]:,} steps, always of the same seeds"
        parts.append(f'<div class="kg-run">{page.figure(shown, says, says, pixels=True)}</div>')
    curves = []
    for title, names, sentence in meanings.panels_of(history):
        last = ", ".join(f"{name} {history[name][-1]:.4g}" for name in names)
        picture = pictures.curve(history, names, history["epoch"])
        curves.append(page.figure(picture, f"Curve, at its end {last}", sentence, heading=title))
    if curves:
        parts.append(f'<div class="kg-run kg-curves">{"".join(curves)}</div>')
    return "".join(parts)
