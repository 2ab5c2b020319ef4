"""The means that are logged, and the optimizers' own averages at the end of `fit`."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import small_gan, small_images

import kerasgan
from kerasgan import progress


def test_evaluation_in_the_midst_of_an_epoch_leaves_its_means_alone():
    class Evaluate(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                before = self.model.running_means(), self.model.samples_logged()
                self.model.evaluate(small_images(16), verbose=0)
                self.model.test_on_batch(small_images(8))
                assert (self.model.running_means(), self.model.samples_logged()) == before

    histories = [
        small_gan().fit(small_images(), batch_size=8, shuffle=False, verbose=0, callbacks=callbacks).history
        for callbacks in ([], [Evaluate()])
    ]
    assert histories[0] == histories[1]


def test_metrics_of_a_subclass_begin_anew_with_every_epoch():
    class Counts(kerasgan.GAN):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.steps = keras.metrics.Mean(name="steps")

        def train_step(self, data):
            logs = super().train_step(data)
            self.steps.update_state(tf.cast(self.step.value, tf.float32))
            return {**logs, "steps": self.steps.result()}

    gan = small_gan()
    counts = Counts(gan.generator, gan.discriminator, gan.latent)
    counts.compile()
    history = counts.fit(small_images(), batch_size=8, epochs=2, verbose=0).history
    assert history["steps"] == [4.5, 12.5]  # of the steps 1 to 8, and 9 to 16


def test_an_optimizers_own_average_takes_the_weights_place_when_fit_ends():
    gan = small_gan()
    optimizers = [keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5) for _ in range(2)]
    gan.compile(*optimizers)

    class Note(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.weights = []

        def on_train_batch_end(self, batch, logs=None):
            networks = self.model.discriminator, self.model.generator
            self.weights.append([[v.numpy() for v in network.trainable_variables] for network in networks])

    note = Note()
    gan.fit(small_images(24), batch_size=8, shuffle=False, verbose=0, callbacks=[note])
    for i, network in enumerate((gan.discriminator, gan.generator)):
        for j, variable in enumerate(network.trainable_variables):
            average = note.weights[0][i][j]  # Keras begins the average with the first update
            for weights in note.weights[1:]:
                average = 0.5 * average + 0.5 * weights[i][j]
            np.testing.assert_allclose(variable.numpy(), average, rtol=1e-4, atol=1e-6)


def test_weights_of_networks_with_other_dropout_are_refused(tmp_path):
    small_gan(dropout=False).save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match=r"of a GAN with 0 random layers such as dropout; this one has 1"):
        small_gan().load_weights(tmp_path / "w.weights.h5")


def test_a_penalty_is_logged_as_the_mean_of_its_samples_however_batches_divide_them():
    means = progress.RunningMeans(("d_loss", "r1"))
    for values, paid in (([1.0, 2.0, 6.0], 1.0), ([100.0, 100.0], 0.0), ([11.0], 1.0)):
        means.update_where(r1=(tf.constant(values), tf.constant(paid)))
    assert float(means.results()["r1"]) == 5.0


def test_an_epoch_that_goes_on_with_another_penalty_logs_it_from_there(tmp_path):
    gan = small_gan()
    gan.fit(small_images(16), batch_size=8, verbose=0)
    gan.save(tmp_path / "x.keras")
    loaded = keras.saving.load_model(tmp_path / "x.keras")
    loaded.compile(penalties="r1(0)")
    loaded.continue_epoch()
    history = loaded.fit(small_images(16), batch_size=8, verbose=0).history
    assert history["r1"][0] > 0
    assert loaded.samples_logged() == 32
    assert loaded.progress.training.states()["r1"][1] == 16
