"""Trainings that are lost are noticed, stopped or set back."""

import types
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import small_gan, small_images
from fits import fit

import kerasgan
from kerasgan import callbacks


def test_a_loss_that_is_no_number_stops_with_advice():
    gan = small_gan()
    gan.compile(keras.optimizers.SGD(1e30), keras.optimizers.SGD(1e30))
    guard = callbacks.StopOnDivergence()
    with pytest.warns(UserWarning, match=r"Training diverged at step \d+: .*_loss is (nan|inf|-inf)"):
        assert len(fit(gan, guard, epochs=5).epoch) == 1
    assert "What may help" in guard.reason
    guard = callbacks.StopOnDivergence()
    fit(small_gan(), guard, epochs=3)
    assert guard.reason is None


def logs_of(d_real, d_fake):
    """What `fit` logs at the end of each step: means since the epoch began."""
    for step in range(1, len(d_real) + 1):
        yield {"d_loss": 1.0, "g_loss": 1.0, "d_real": np.mean(d_real[:step]), "d_fake": np.mean(d_fake[:step])}


@pytest.mark.parametrize(
    ("d_real", "d_fake", "loss", "stops_at"),
    [
        ([0.5] * 3 + [0.999] * 9, [0.001] * 12, "non_saturating", 7),  # sure of real ones from step 4 on, for 4 steps
        ([0.999] * 12, [0.5] * 3 + [0.001] * 9, "minimax", 7),
        ([0.999, 0.999, 0.999, 0.5] * 3, [0.001] * 12, "kl", None),  # never 4 times in a row
        ([0.999] * 12, [0.02] * 12, "kl", None),
        ([0.999] * 12, [0.001] * 12, "least_squares", None),  # means of numbers that know no bounds
    ],
)
def test_a_discriminator_that_has_won(d_real, d_fake, loss, stops_at):
    gan = types.SimpleNamespace(
        step=tf.Variable(0),
        stop_training=False,
        loss=kerasgan.losses.get(loss),
        running_means=lambda: {"d_real": 0.0, "d_fake": 0.0},
        samples_logged=lambda: 10.0 * int(gan.step),
        distribute_strategy=tf.distribute.get_strategy(),
        generator=types.SimpleNamespace(variables=[]),
        discriminator=types.SimpleNamespace(variables=[]),
    )
    guard = callbacks.StopOnDivergence(patience=4)
    guard.set_model(gan)
    guard.on_train_begin()
    guard.on_epoch_begin(0)
    with warnings.catch_warnings(record=True) as said:
        for batch, logs in enumerate(logs_of(d_real, d_fake)):
            gan.step.assign_add(1)
            guard.on_train_batch_end(batch, logs)
            if gan.stop_training:
                break
    assert (int(gan.step) if gan.stop_training else None) == stops_at
    assert len(said) == (stops_at is not None)
    if stops_at:
        assert (
            "at step 7: for 4 steps D gave real samples more than 0.99 and generated ones less than 0.01"
            in guard.reason
        )


LOSSES = ("hinge", "least_squares", "wasserstein", "relativistic")


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_is_watched_for_its_numbers(loss):
    gan = small_gan()
    gan.compile(keras.optimizers.SGD(1e30), keras.optimizers.SGD(1e30), loss=loss)
    guard = callbacks.StopOnDivergence()
    with pytest.warns(UserWarning, match=r"Training diverged at step \d+: "):
        assert len(fit(gan, guard, epochs=5).epoch) == 1
    assert int(gan.step) <= 4


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_without_bounds_may_grow(loss):
    """Of a discriminator that gives millions, and that rates of 0 leave so."""
    gan = small_gan(dropout=False)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), loss=loss)
    gan.discriminator.weights[-2].assign(1e6 * gan.discriminator.weights[-2])
    guard = callbacks.StopOnDivergence(patience=1)
    history = fit(gan, guard, epochs=2).history
    assert guard.reason is None
    assert max(abs(history["d_loss"][0]), abs(history["g_loss"][0])) > 1e3


def test_a_lost_training_is_set_back_but_not_for_ever(tmp_path):
    """A weight that turns NaN in every epoch's third step: the checkpoint is restored twice, then training stops."""

    class Poison(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                restored.append(np.isfinite(self.model.generator.get_weights()[0]).all())
                self.model.generator.weights[0].assign(np.full((4, 16), np.nan))

    restored = []
    gan = small_gan(ema_decay=0.9)
    checkpoint = callbacks.TrainingCheckpoint(tmp_path)
    fit(gan, checkpoint, epochs=1)
    good = callbacks.restore(tmp_path)
    guard = callbacks.StopOnDivergence("restore", tmp_path, most_restores=2)
    with pytest.warns(UserWarning, match="d_loss is nan") as said:
        history = gan.fit(small_images(24), batch_size=8, epochs=9, verbose=0, callbacks=[Poison(), guard])
    assert [str(warning.message)[:60] for warning in said] == [
        "At step 7 d_loss is nan and g_loss is nan; set back to the c",
        "At step 10 d_loss is nan and g_loss is nan; set back to the c"[:60],
        "Training diverged at step 13: d_loss is nan and g_loss is na",
    ]
    assert len(history.epoch) == 3
    assert restored == [True, True, True]
    assert int(good.step) == 4


def test_there_is_no_set_back_before_the_first_checkpoint(tmp_path):
    gan = small_gan()
    gan.compile(keras.optimizers.SGD(1e30), keras.optimizers.SGD(1e30))
    guard = callbacks.StopOnDivergence("restore", tmp_path)
    with pytest.warns(UserWarning, match="Training diverged"):
        fit(gan, guard, epochs=5)
    assert guard.reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"action": "panic"}, "action must be 'stop' or 'restore'; found 'panic'"),
        ({"action": "restore"}, "needs the folder"),
        ({"patience": 0}, "patience must be a whole number, at least 1; found 0"),
        ({"margin": 0.5}, "margin must lie between 0 and .5; found 0.5"),
    ],
)
def test_what_stop_on_divergence_takes(options, message):
    with pytest.raises(ValueError, match=message):
        callbacks.StopOnDivergence(**options)


def hiding_gan():
    """A discriminator that begins with a Dense of fused ReLU, which gives 0 for NaN in a graph: as `vanilla_gan`'s."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    generator = keras.Sequential([keras.Input((4,)), layers.Dense(64, activation="tanh"), layers.Reshape((8, 8, 1))])
    discriminator = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(16, activation="relu"), layers.Dense(1)]
    )
    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(4))
    gan.compile()
    return gan


def poison(at_step):
    """A generator's weight that becomes NaN in the midst of training."""

    def assign(gan):
        weight = gan.generator.weights[0]
        if int(gan.step) == at_step:
            weight.assign(np.full(weight.shape, np.nan))

    callback = keras.callbacks.Callback()
    callback.on_train_batch_end = lambda batch, logs=None: assign(callback.model)
    return callback


@pytest.fixture
def blind_losses(monkeypatch):
    """Whatever they are, what is logged of them is finite."""
    on_train_batch_end = callbacks.StopOnDivergence.on_train_batch_end

    def blind(self, batch, logs=None):
        on_train_batch_end(self, batch, {**logs, "d_loss": 1.386, "g_loss": 0.693})

    monkeypatch.setattr(callbacks.StopOnDivergence, "on_train_batch_end", blind)


@pytest.mark.usefixtures("blind_losses")
@pytest.mark.parametrize(("bad_step", "noticed"), [(2, 4), (6, 8)])
def test_nan_behind_finite_losses_is_noticed_at_the_end_of_the_epoch(bad_step, noticed):
    gan, guard = hiding_gan(), callbacks.StopOnDivergence()
    with pytest.warns(UserWarning, match="numbers that are NaN or infinite in generator: "):
        history = fit(gan, guard, poison(bad_step), epochs=5)
    assert guard.reason.startswith(f"Training diverged at step {noticed}: ")
    assert len(history.epoch) == noticed // 4


@pytest.mark.usefixtures("blind_losses")
def test_nan_behind_finite_losses_is_noticed_within_long_epochs():
    gan, guard = hiding_gan(), callbacks.StopOnDivergence()
    with pytest.warns(UserWarning, match=r"Training diverged at step 200: .* generator: .* more"):
        gan.fit(small_images(400), batch_size=1, verbose=0, callbacks=[guard, poison(150)])
    assert int(gan.step) == 200


@pytest.mark.usefixtures("blind_losses")
def test_nan_behind_finite_losses_is_set_back(tmp_path):
    gan = hiding_gan()
    guard = callbacks.StopOnDivergence("restore", tmp_path)
    with pytest.warns(
        UserWarning, match=r"At step 8 there are numbers .*; set back to the checkpoint of step 4, 1 of 3"
    ):
        fit(gan, guard, poison(6), callbacks.TrainingCheckpoint(tmp_path, every="epoch", keep=9), epochs=4)
    assert guard.reason is None
    assert all(np.isfinite(weight).all() for weight in gan.get_weights())
    assert int(callbacks.restore(tmp_path).step) == 16


def test_another_callback_may_evaluate_within_an_epoch():
    """And with what it leaves in the running means: nothing divides by zero, nothing is taken for a victory."""

    class Evaluates(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.evaluate(small_images(8), batch_size=8, verbose=0)

    guard = callbacks.StopOnDivergence(patience=1)
    fit(small_gan(), Evaluates(), guard, Evaluates(), epochs=3)
    assert guard.reason is None


def test_means_that_begin_anew_are_no_victory():
    gan = types.SimpleNamespace(
        step=tf.Variable(3),
        running_means=lambda: {"d_real": 0.5, "d_fake": 0.5},
        samples_logged=lambda: 8.0,
        distribute_strategy=tf.distribute.get_strategy(),
    )
    guard = callbacks.StopOnDivergence(patience=1)
    guard.set_model(gan)
    guard.on_epoch_begin(0)
    gan.step.assign_add(1)
    assert not guard._has_won({"d_real": 0.999, "d_fake": 0.001})  # as many samples as before: others than before
