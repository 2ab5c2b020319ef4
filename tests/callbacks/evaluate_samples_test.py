"""Scores as training goes on, and what Keras's callbacks make of them."""

import math
import types

import keras
import numpy as np
import pytest
from conftest import assert_same_weights, quarters_classifier, quarters_gan, small_gan, small_images
from fits import fit

from kerasgan import callbacks


@pytest.fixture
def scripted(monkeypatch):
    """`scripted(scores, every)` is an `EvaluateSamples` whose evaluations give these, one after the other; for NaN the
    generator is what has diverged.
    """

    def make(scores, every):
        left = iter(scores)

        class Judge:
            distance_names = ("fcd", "kid")

            def distances(self, samples, seed, asked):
                return {name: types.SimpleNamespace(value=self.next) for name in self.distance_names}

        def prepare(self, gan):
            self._judge = Judge()
            return Judge.distance_names

        def generate(gan, n, seed=0):
            Judge.next = next(left)
            return np.full((1, 8, 8, 1), Judge.next)

        monkeypatch.setattr(callbacks.EvaluateSamples, "prepare", prepare)
        monkeypatch.setattr("kerasgan.GAN.generate", generate)
        return callbacks.EvaluateSamples("unread", every=every)

    return make


def best(path):
    return keras.callbacks.ModelCheckpoint(path, monitor="fcd", mode="min", save_best_only=True)


def test_every_epoch_has_the_newest_score(scripted):
    history = fit(small_gan(), scripted([5.0, 4.0, 6.0, 3.0], every=3), epochs=8).history
    assert history["fcd"] == history["kid"] == [5.0, 5.0, 4.0, 4.0, 4.0, 6.0, 6.0, 3.0]


@pytest.mark.parametrize(
    ("scores", "every", "epoch"),
    [
        ([5.0, 4.0, 6.0, 3.0, 7.0], 1, 4),
        ([5.0, 4.0, 6.0, 7.0], 2, 2),  # scored after epochs 1, 2, 4 and 5
        ([5.0, 6.0, 4.0, 7.0], 2, 4),
        ([5.0, 6.0, 4.0, 3.0], 2, 5),
        ([5.0, 6.0, 7.0, 8.0], 2, 1),
        ([math.nan, 5.0, 6.0, 7.0], 2, 2),  # diverged, and then not: after all
        ([5.0, 4.0, math.nan, 7.0], 2, 2),
        ([9.0, math.nan, 8.0, math.nan, math.nan], 1, 3),
    ],
)
@pytest.mark.filterwarnings("error:Can save best model only", "ignore:Epoch")
def test_kerass_model_checkpoint_keeps_the_best(scripted, tmp_path, scores, every, epoch):
    gan, path = small_gan(), tmp_path / "best.keras"
    history = tmp_path / "history.csv"
    ours = callbacks.BestModel(tmp_path / "ours.keras", "fcd", history)
    fit(gan, scripted(scores, every), best(path), ours, callbacks.HistoryTable(history), epochs=5)
    kept = keras.saving.load_model(path)
    assert int(kept.step) == 4 * epoch
    assert_same_weights(keras.saving.load_model(tmp_path / "ours.keras"), kept)
    assert len(callbacks.read_history(history)["fcd"]) == 5


@pytest.mark.filterwarnings("error:Early stopping conditioned", "ignore:Epoch")
@pytest.mark.parametrize(
    ("scores", "every", "patience", "epochs"),
    [
        ([5.0, 4.0, 3.0, 2.0, 1.0, 0.5], 2, 3, 10),  # it improves with every evaluation
        ([5.0, 4.0, 4.5, 4.6, 4.7], 2, 4, 6),  # not since epoch 2
        ([math.nan, 4.0, 3.0, 2.0, 1.0, 0.5], 2, 3, 10),
        ([5.0, math.nan, math.nan, math.nan], 1, 3, 4),
    ],
)
def test_kerass_early_stopping_stops_where_nothing_gets_better(scripted, scores, every, patience, epochs):
    stopping = keras.callbacks.EarlyStopping("fcd", mode="min", patience=patience)
    assert len(fit(small_gan(), scripted(scores, every), stopping, epochs=10).epoch) == epochs


@pytest.mark.filterwarnings("error:Learning rate reduction is conditioned")
def test_kerass_plateau_sees_the_scores(scripted):
    gan = small_gan()
    plateau = keras.callbacks.ReduceLROnPlateau("fcd", mode="min", patience=3, factor=0.1)
    fit(gan, scripted([5.0, 4.0, 3.0, 2.0, 1.0], every=2), callbacks.for_optimizer("g_optimizer", plateau), epochs=7)
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(2e-4)
    plateau = keras.callbacks.ReduceLROnPlateau("fcd", mode="min", patience=3, factor=0.1)
    fit(gan, scripted([5.0, 6.0, 6.0, 6.0], every=2), callbacks.for_optimizer("g_optimizer", plateau), epochs=4)
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(2e-5)


def test_a_diverged_generator_says_so_and_has_the_worst_of_scores(scripted):
    with pytest.warns(UserWarning, match="Epoch 2: the generator gives numbers that are NaN .* fcd and kid are logged"):
        history = fit(small_gan(), scripted([5.0, math.nan, 4.0], every=1), epochs=3).history
    assert history["fcd"] == [5.0, math.inf, 4.0]


def test_the_label_accuracy_of_a_conditional_model_is_logged():
    """By a classifier of the brightest quarter; of a model whose samples are of the class asked for, but those of "d"
    only where the first number of the noise is positive.
    """
    gan = quarters_gan()
    seeds = np.arange(5, 45)
    latent = gan.latent.from_seeds(seeds).numpy()
    right = (latent[:, 2 + 3] == 0) | (latent[:, 0] > 0)
    assert 0 < right.mean() < 1
    real = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
    score = callbacks.EvaluateSamples(real, "train", n=40, features=quarters_classifier(), seed=5)
    history = fit_labelled(gan, score)
    assert history["label_accuracy"] == [pytest.approx(right.mean())] * 2
    assert set(history) > {"fcd", "kid"}

    for features, made in (
        (quarters_classifier(classes=None), quarters_gan()),  # no classifier
        (quarters_classifier(("a", "b", "c", "e")), quarters_gan()),  # of other classes
        (quarters_classifier(), small_gan()),
    ):
        score = callbacks.EvaluateSamples(real, "train", n=40, features=features)
        assert "label_accuracy" not in fit_labelled(made, score)
    diverged = quarters_gan()
    diverged.generator.weights[0].assign(diverged.generator.weights[0] * np.nan)
    with pytest.warns(UserWarning, match="fcd and kid are logged as infinite"):
        history = fit_labelled(diverged, callbacks.EvaluateSamples(real, "train", n=40, features=quarters_classifier()))
    assert history["label_accuracy"] == [0.0, 0.0]


def fit_labelled(gan, *used):
    """Two epochs that change nothing: the rates are 0."""
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    labels = np.arange(16) % 4
    return gan.fit(small_images(16), labels, batch_size=8, epochs=2, verbose=0, callbacks=list(used)).history


@pytest.mark.parametrize("option", [{"n": 0}, {"every": 0}])
def test_what_evaluate_samples_takes(option):
    with pytest.raises(ValueError, match="must be a whole number, at least 1; found 0"):
        callbacks.EvaluateSamples("fashion_mnist", **option)
