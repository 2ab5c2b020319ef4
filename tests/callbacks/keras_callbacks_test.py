"""Keras's own callbacks on a model with two optimizers."""

import csv
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import assert_same_weights, small_gan
from fits import fit


def test_model_checkpoint_and_csv_logger(tmp_path):
    gan = small_gan()
    fit(
        gan,
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="g_loss", mode="min", save_best_only=True),
        keras.callbacks.ModelCheckpoint(tmp_path / "last.keras"),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    )
    assert_same_weights(keras.saving.load_model(tmp_path / "last.keras"), gan)
    assert (tmp_path / "best.keras").is_file()
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert {"d_loss", "g_loss", "jsd"} < set(rows[0])


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    fit(small_gan(), keras.callbacks.TensorBoard(tmp_path, update_freq=1, histogram_freq=1), epochs=2)
    files = [*tmp_path.rglob("events.*")]
    tags = {v.tag for f in files for e in tf.compat.v1.train.summary_iterator(str(f)) for v in e.summary.value}
    assert {"epoch_d_loss", "epoch_g_loss", "epoch_jsd"} <= tags


def test_terminate_on_nan_stops():
    gan = small_gan()
    gan.compile(keras.optimizers.SGD(1e30), keras.optimizers.SGD(1e30))
    history = fit(gan, keras.callbacks.TerminateOnNaN(), epochs=5)
    assert len(history.epoch) == 1
    assert not all(np.isfinite(values[-1]) for values in history.history.values())
    assert len(fit(small_gan(), keras.callbacks.TerminateOnNaN(), epochs=3).epoch) == 3


def test_a_lost_optimizer_state_would_be_noticed():
    """The guard itself: pytest turns Keras's warning that a state was not loaded into an error."""
    with warnings.catch_warnings(), pytest.raises(UserWarning, match="Skipping variable loading"):
        warnings.filterwarnings("error", message="Skipping variable loading")
        keras.optimizers.Adam().load_own_variables({str(i): 0 for i in range(6)})
