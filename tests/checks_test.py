"""What a GAN refuses or warns of, and what must not pass in silence."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import small_gan, small_images

import kerasgan
from kerasgan import losses


def with_first_relu():
    """A discriminator whose first layer is a fused Dense with ReLU."""
    gan = small_gan()
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    gan = kerasgan.GAN(gan.generator, discriminator, gan.latent)
    gan.compile()
    return gan


@pytest.mark.parametrize(("player", "loss"), [("generator", "g_loss"), ("discriminator", "d_loss")])
def test_weights_that_are_no_numbers_show_in_the_losses(player, loss):
    gan = with_first_relu()
    network = getattr(gan, player)
    weights = network.get_weights()
    weights[0][:] = np.nan
    network.set_weights(weights)
    lost = gan.fit(small_images(16), batch_size=8, epochs=3, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert np.isnan(lost.history[loss]).all()
    assert int(gan.step.numpy()) == 2  # it was the first epoch that ended it


def test_weights_are_looked_at_in_the_midst_of_a_long_epoch():
    gan = with_first_relu()

    class Lose(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 10:
                first, *others = self.model.discriminator.get_weights()
                self.model.discriminator.set_weights([first + np.nan, *others])

    callbacks = [Lose(), keras.callbacks.TerminateOnNaN()]
    gan.fit(tf.data.Dataset.from_tensors(small_images(4)).repeat(1000), verbose=0, callbacks=callbacks)
    assert int(gan.step.numpy()) == 500


def test_terminate_on_nan_is_prepared_once():
    gan, callback = small_gan(), keras.callbacks.TerminateOnNaN()
    gan.fit(small_images(8), verbose=0, callbacks=[callback])
    prepared = callback.on_batch_end
    gan.fit(small_images(8), verbose=0, callbacks=callback)
    assert callback.on_batch_end is prepared


def test_weights_of_samples_and_classes_are_refused():
    gan, images = small_gan(), small_images(16)
    ones = np.ones(16, np.float32)
    pairs = tf.data.Dataset.from_tensor_slices((images, ones, ones)).batch(8)
    for play in (
        lambda: gan.fit(images, sample_weight=ones, verbose=0),
        lambda: gan.fit(images, np.zeros(16, int), class_weight={0: 2.0}, verbose=0),
        lambda: gan.fit(pairs, verbose=0),
        lambda: gan.evaluate(images, sample_weight=ones, verbose=0),
        lambda: gan.train_on_batch(images, sample_weight=ones),
    ):
        with pytest.raises(ValueError, match=r"A GAN takes no sample_weight or class_weight"):
            play()
    assert int(gan.step.numpy()) == 0
    gan.fit(images, np.zeros(16, int), verbose=0)  # labels are left aside


def test_losses_of_a_networks_own_are_refused_wherever_they_come_from():
    gan = small_gan()

    @keras.saving.register_keras_serializable("checks_test")
    class Adds(keras.layers.Layer):
        def call(self, x):
            self.add_loss(keras.ops.mean(x))
            return x

    def network(*layers):
        return keras.Sequential([keras.Input((4,)), *layers, keras.layers.Reshape((8, 8, 1))])

    regular = network(keras.layers.Dense(64, activity_regularizer="l2"))
    with pytest.raises(ValueError, match=r"The generator has losses of its own"):
        kerasgan.GAN(regular, gan.discriminator, gan.latent)
    adding = kerasgan.GAN(network(keras.layers.Dense(64), Adds()), gan.discriminator, gan.latent)
    adding.compile()
    with pytest.raises(ValueError, match=r"The generator has losses of its own"):
        adding.fit(small_images(8), verbose=0)
    judge = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), Adds(), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"The discriminator has losses of its own"):
        kerasgan.GAN(gan.generator, judge, gan.latent).compile()


def test_xla_is_used_only_where_it_is_asked_for(monkeypatch):
    """Keras's "auto" is XLA wherever there is a GPU, and XLA drops the checks of what the graph is fed."""
    monkeypatch.setattr(keras.Model, "_resolve_auto_jit_compile", lambda self: True)  # what a GPU makes of it
    gan = small_gan()
    for asked, used in (({}, False), ({"jit_compile": "auto"}, False), ({"jit_compile": True}, True)):
        gan.compile(**asked)
        assert gan.jit_compile is used


@pytest.mark.parametrize("options", [{}, {"run_eagerly": True}])
def test_bad_samples_are_named_however_a_step_is_taken(options):
    gan = small_gan()
    gan.compile(**options)
    rule = r"Real samples must be floats of shape \(B, 8, 8, 1\) with values from -1 to 1, none of them NaN; found"
    bad = 5 * small_images(8)
    for play in (gan.train_on_batch, gan.test_on_batch, lambda x: gan.fit(x, verbose=0)):
        with pytest.raises(ValueError, match=rule + r" values from -4\.\d+ to 4\.\d+\.$"):
            play(bad)
        with pytest.raises(ValueError, match=rule + r" values from -?nan to -?nan\.$"):
            play(np.full_like(bad, np.nan))


def test_images_from_0_to_1_deserve_a_warning(recwarn):
    gan = small_gan()
    gan.fit((small_images(16) + 1) / 2, batch_size=8, verbose=0)
    said = [str(warning.message) for warning in recwarn if "no value below 0" in str(warning.message)]
    assert len(said) == 1
    assert "this model's samples go from -1 to 1: images in [0, 1] must be rescaled" in said[0]
    recwarn.clear()
    small_gan().fit(small_images(16), batch_size=8, verbose=0)
    vanilla = kerasgan.create_model("vanilla_gan", generator_units=4, discriminator_units=2)
    vanilla.fit(np.full((8, 28, 28, 1), 0.9, np.float32), verbose=0)
    assert not [warning for warning in recwarn if "no value below 0" in str(warning.message)]


def test_sigmoids_where_they_do_not_belong_deserve_a_warning(recwarn):
    gan = small_gan()

    def ends(shape, *last):
        return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), *last])

    generator = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(64), keras.layers.Reshape((8, 8, 1)), keras.layers.Activation("sigmoid")]
    )
    with pytest.warns(UserWarning, match=r"generator ends in a sigmoid, .* and value_range is \(-1, 1\)"):
        kerasgan.GAN(generator, gan.discriminator, gan.latent)
    with pytest.warns(UserWarning, match=r"discriminator ends in a sigmoid, and its loss takes .* for logits"):
        kerasgan.GAN(gan.generator, ends((8, 8, 1), keras.layers.Dense(1, "sigmoid")), gan.latent).compile()
    recwarn.clear()
    kerasgan.GAN(generator, ends((8, 8, 1), keras.layers.Dense(1)), gan.latent, (0, 1)).compile()
    assert not [warning for warning in recwarn if "sigmoid" in str(warning.message)]


def test_a_callback_for_one_optimizer_says_which():
    for callback in (keras.callbacks.LearningRateScheduler(lambda epoch: 1e-3), keras.callbacks.ReduceLROnPlateau()):
        with pytest.raises(ValueError, match=r"changes model.optimizer, of which a GAN has two: give kerasgan"):
            small_gan().fit(small_images(8), verbose=0, callbacks=[callback])
    gan = small_gan()
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.25)
    gan.fit(small_images(8), verbose=0, callbacks=[kerasgan.callbacks.for_optimizer("g_optimizer", schedule)])
    assert float(gan.g_optimizer.learning_rate) == 0.25


def test_a_loss_declares_its_diagnostics():
    @keras.saving.register_keras_serializable("checks_test")
    class Secretive(losses.NonSaturating):
        def diagnostics(self, real_outputs, fake_outputs, z, latent):
            given = super().diagnostics(real_outputs, fake_outputs, z, latent)
            return {**given, "margin": given["d_real"] - given["d_fake"]}

    with pytest.raises(ValueError, match=r"Secretive.diagnostics must give what .* lists: .*found .*margin"):
        small_gan().compile(loss=Secretive())


def test_only_keras_files(tmp_path):
    for name in ("gan.h5", "gan"):
        with pytest.raises(ValueError, match=rf"A GAN is saved as a .keras file; found '.*{name}'"):
            small_gan().save(tmp_path / name)
    assert not list(tmp_path.iterdir())
