"""Callbacks for `fit`: pictures, checkpoints, scores, and Keras's own callbacks on either optimizer.

Keras's callbacks work as they are where they do not reach for `model.optimizer`, of which a GAN has two;
`for_optimizer` is for those that do.
"""

from kerasgan.callbacks.best_model import BestModel
from kerasgan.callbacks.evaluate_samples import EvaluateSamples
from kerasgan.callbacks.for_optimizer import for_optimizer
from kerasgan.callbacks.history_table import HistoryTable, read_history
from kerasgan.callbacks.live_plot import LivePlot
from kerasgan.callbacks.sample_grid import SampleGrid
from kerasgan.callbacks.stop_on_divergence import StopOnDivergence
from kerasgan.callbacks.training_checkpoint import TrainingCheckpoint
from kerasgan.callbacks.wall_time import WallTime
from kerasgan.checkpoints import restore

__all__ = [
    "BestModel",
    "EvaluateSamples",
    "HistoryTable",
    "LivePlot",
    "SampleGrid",
    "StopOnDivergence",
    "TrainingCheckpoint",
    "WallTime",
    "for_optimizer",
    "read_history",
    "restore",
]
