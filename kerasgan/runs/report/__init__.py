"""How a training went, on one page: `report.html` in the run's folder.

`write` makes it from what lies in the folder, and measures the newest networks; `write_after` is the end of `train`,
which has the networks and the samples at hand and takes seconds. `signs` says what is found, `page` is the HTML.
"""

import csv
import dataclasses
import pathlib
import shlex
import warnings
from typing import TYPE_CHECKING

import numpy as np

from kerasgan.callbacks import read_history
from kerasgan.errors import first_line
from kerasgan.files import Path, check_output_file, replacing
from kerasgan.runs.config import Config, read_config
from kerasgan.runs.folder import REPORT, reason_of
from kerasgan.runs.report import sections
from kerasgan.runs.report.measured import Measured, Real, measure
from kerasgan.runs.report.signs import Finding, Past, find
from kerasgan.runs.unseen import choose_splits, overlap, training_of

if TYPE_CHECKING:
    from kerasgan.gan import GAN

__all__ = ["Finding", "Measured", "Past", "find", "write", "write_after"]

N = 500  # samples of each kind
N_AFTER = 100  # at the end of a training, where nobody has asked for it
MEASURED = ("collapse", "overfitting", "copies")


def write(
    run: Path, output: Path | None = None, n: int = N, seed: int = 0, progress: bool = False
) -> tuple[pathlib.Path, list[Finding]]:
    """Writes the report of a run, whether it is finished, lost or going on just now; nothing else is changed there.

    Args:
        run: the folder.
        output: the HTML file; None is `report.html` in it.
        n: how many generated, training and held-out samples to measure by, at most.
        seed: of the first generated sample, and of the choice of real ones.
        progress: show bars on the terminal.

    Returns:
        The file, and what it says, those findings that ask for something first.

    Raises:
        ValueError: `run` holds no run, or its `config.json` or `history.csv` cannot be read.
    """
    run = pathlib.Path(run)
    config = read_config(run)
    output = check_output_file(run / REPORT if output is None else output)
    past = _past_of(run, run, config)
    gan, why = _newest(run)
    measured = None
    if gan is None:
        measured = Measured(0, seed, 0, left_out=dict.fromkeys(MEASURED, why))
    else:
        training, held_out, left_out = _read_real(run, config, gan)
        measured = _measured(gan, training, held_out, n, seed, True, progress, left_out)
    return output, _write(run, output, past, measured)


def write_after(
    folder: pathlib.Path,
    run: pathlib.Path,
    config: Config,
    gan: "GAN | None",
    training: np.ndarray,
    labels: np.ndarray | None = None,
    held_out: np.ndarray | None = None,
) -> None:
    """Writes the report of a training that has just ended, from what it has in memory. Where that fails there is one
    warning and no error: the training is done.

    Args:
        folder: of the run.
        run: the same, as commands are to name it.
        config: of the run.
        gan: the networks; None where they are not to be asked, as by one of several workers.
        training, labels: what it was trained on, and of a conditional model the classes.
        held_out: what it was scored on; None where it was not, or where its classes are not at hand.
    """
    more = f"`kerasgan report {shlex.quote(str(run))}` measures it."
    try:
        if gan is None:
            measured = Measured(0, 0, 0, left_out=dict.fromkeys(MEASURED, more))
        else:
            left_out = {} if held_out is not None else dict.fromkeys(("overfitting", "copies"), more)
            unseen = None if held_out is None else Real(held_out, None, str(config.validation_split))
            real = Real(training, labels, config.split)
            measured = _measured(gan, real, unseen, N_AFTER, 0, False, False, left_out)
        past = dataclasses.replace(_past_of(folder, run, config), just_ended=True)
        _write(folder, folder / REPORT, past, measured)
    except Exception as error:  # whatever it is, it must not cost the training
        warnings.warn(f"{run / REPORT} could not be written: {first_line(error)}", stacklevel=2)


def _past_of(folder: pathlib.Path, run: pathlib.Path, config: Config) -> Past:
    try:
        history = read_history(folder / "history.csv")
        if history and not {"epoch", "step"} <= set(history):
            raise ValueError("it has no columns epoch and step")
        epochs, steps = ([int(value) for value in history.get(name, [])] for name in ("epoch", "step"))
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        raise ValueError(f"Cannot read {folder / 'history.csv'}: {first_line(error)}.") from None
    reason = reason_of(folder)
    end, reached = (config.steps, steps) if config.epochs is None else (config.epochs, epochs)
    there = bool(reached) and end is not None and reached[-1] >= end
    finished = there and reason is None and (folder / "final.keras").is_file()
    return Past(shlex.quote(str(run)), config, history, finished, reason)


def _newest(run: pathlib.Path) -> "tuple[GAN | None, str]":
    """The networks as the training left them, or None and why. A training that is going on may take a checkpoint away
    while it is read; then there is a newer one.
    """
    from kerasgan import checkpoints, presets

    why = ""
    for _ in range(3):
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Passed over the checkpoint")
                gan = checkpoints.restore(run / "checkpoints")
            return (presets.load(run) if gan is None else gan), ""
        except ValueError as error:
            why = str(error)
    return None, why


def _read_real(run: pathlib.Path, config: Config, gan: "GAN") -> tuple[Real | None, Real | None, dict[str, str]]:
    """What a run was trained on, what is left over, and why one of them is missing, by the names of the signs."""
    from kerasgan import data

    def read(split: str) -> Real:
        if gan.class_names is None:
            return Real(data.load_array(config.dataset, split, gan.sample_shape), None, split)
        samples, labels, _ = data.load_labelled_array(config.dataset, split, gan.sample_shape)
        return Real(samples, labels, split)

    trained = training_of(run)
    if trained is None or trained.split is None:
        why = f"An older kerasgan cut {config.split} of {config.dataset} otherwise: what it was trained on is unknown."
        return None, None, dict.fromkeys(MEASURED, why)
    try:
        training = read(config.split)
        split = config.validation_split
        if split is None:
            split, _ = choose_splits(config.split, data.splits_of(config.dataset))
        if overlap(split, config.split):
            why = (
                f"There are no samples of {config.dataset} that it was not trained on. Train with "
                "`--split='train[:90%]' --validation_split='train[90%:]'` to keep some back."
            )
            return training, None, dict.fromkeys(("overfitting", "copies"), why)
        return training, read(split), {}
    except (ValueError, OSError) as error:
        why = f"The training samples cannot be read: {first_line(error)}"
        return None, None, dict.fromkeys(MEASURED, why)


def _measured(
    gan: "GAN",
    training: Real | None,
    held_out: Real | None,
    n: int,
    seed: int,
    thorough: bool,
    progress: bool,
    left_out: dict[str, str],
) -> Measured:
    try:
        return measure(gan, training, held_out, n, seed, thorough, progress, left_out)
    except ValueError as error:  # a generator that gives NaN
        return Measured(int(gan.step.numpy()), seed, n, left_out=dict.fromkeys(MEASURED, str(error)))


def _write(folder: pathlib.Path, output: pathlib.Path, past: Past, measured: Measured) -> list[Finding]:
    found = find(past, measured)
    with replacing(output) as temporary:
        temporary.write_text(sections.whole(folder, past, measured, found), encoding="utf-8")
    return found
