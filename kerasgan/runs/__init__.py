"""A training run on disk: one folder with its configuration, checkpoints, history, pictures and result.

config.json    what was asked for, resolved: everything that the result depends on
checkpoints/   the newest states, to go on from
history.csv    one line per epoch
time.json      how long it took
samples/       pictures of the same seeds as training went on, and samples.gif (not of vectors of 3 and more numbers)
curves.png     the history as a picture
final.keras    the trained GAN, with both optimizers
best.keras     the GAN of the epoch with the lowest Fréchet distance, where there is a split to judge by
diverged.json  of a training that was stopped as lost, at which step and why
report.html    how it went, on one page: see `runs.report`
"""

from kerasgan.runs.choices import Choice, choose_game, choose_length, time_step
from kerasgan.runs.config import (
    Config,
    command,
    differences,
    holds_run,
    read_config,
    resolve,
    resolve_recipe,
    with_end,
    with_epochs,
)
from kerasgan.runs.folder import PARTS, AlreadyThereError, BusyError, check_output
from kerasgan.runs.preset import make_preset
from kerasgan.runs.training import DivergedError, WorkerLostError, train
from kerasgan.runs.unseen import choose_splits, overlap, training_of

__all__ = [
    "PARTS",
    "AlreadyThereError",
    "BusyError",
    "Choice",
    "Config",
    "DivergedError",
    "WorkerLostError",
    "check_output",
    "choose_game",
    "choose_length",
    "choose_splits",
    "command",
    "differences",
    "holds_run",
    "make_preset",
    "overlap",
    "read_config",
    "resolve",
    "resolve_recipe",
    "time_step",
    "train",
    "training_of",
    "with_end",
    "with_epochs",
]
