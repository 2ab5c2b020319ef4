"""The average of the generator: what it follows, when its batch statistics are computed, and who waits for them."""

import threading

import keras
import numpy as np
import pytest
from conftest import assert_same_weights, small_gan, small_images, weights_of

import kerasgan


def trained(epochs=1, **options):
    gan = small_gan(ema_decay=0.9, **options)
    gan.fit(small_images(), batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return gan


def statistics_of(gan):
    norm = gan.ema_generator.layers[1]
    return [norm.moving_mean.numpy(), norm.moving_variance.numpy()]


def test_a_frozen_layer_stays_as_it_is_and_the_average_goes_on(tmp_path):
    """Fine-tuning: layers are frozen after the average was made, without and with compiling anew, and thawed again."""
    gan = trained()
    frozen, free = gan.generator.layers[0], gan.generator.layers[3]
    frozen.trainable = False
    for recompile in (False, True):
        if recompile:
            gan.compile()
        before, moved = frozen.get_weights(), free.get_weights()
        gan.fit(small_images(), batch_size=8, verbose=0)
        for a, b in zip(before, frozen.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        assert not np.array_equal(moved[0], free.get_weights()[0])
    images = gan.generate(3)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert not loaded.generator.layers[0].trainable
    assert_same_weights(loaded, gan)
    np.testing.assert_array_equal(loaded.generate(3), images)

    frozen.trainable = True
    before = frozen.get_weights()
    gan.fit(small_images(), batch_size=8, verbose=0)
    assert not np.array_equal(before[0], frozen.get_weights()[0])


def test_the_average_of_a_frozen_layer_goes_to_its_weights():
    """By hand: e <- w + keep (e - w), of a w that does not move any more."""
    gan = trained()
    gan.generator.layers[0].trainable = False
    weight, average = (net.layers[0].kernel.numpy().astype(np.float64) for net in (gan.generator, gan.ema_generator))
    step = int(gan.step.numpy())
    gan.fit(small_images(16), batch_size=8, verbose=0)
    for done in (step + 1, step + 2):
        average = weight + min(0.9, (1 + done) / (10 + done)) * (average - weight)
    np.testing.assert_allclose(gan.ema_generator.layers[0].kernel.numpy(), average, rtol=1e-5, atol=1e-7)


def test_a_frozen_normalisation_keeps_the_statistics_that_training_uses():
    gan = trained()
    norm = gan.generator.layers[1]
    norm.trainable = False
    gan.fit(small_images(), batch_size=8, verbose=0)
    gan.generate(1)
    np.testing.assert_array_equal(statistics_of(gan)[0], norm.moving_mean.numpy())


def test_statistics_are_computed_when_something_is_drawn_and_not_before(tmp_path):
    gan = trained()
    fresh = trained()
    fresh.generate(1)
    stale = statistics_of(gan)
    assert not np.array_equal(stale[0], statistics_of(fresh)[0])
    z = gan.latent.from_seeds(np.arange(4))
    expected = fresh.generate(4)
    for draw in (lambda gan: gan(z).numpy(), lambda gan: gan.predict(z, verbose=0)):
        late = trained()
        np.testing.assert_allclose((draw(late) + 1) / 2, expected, atol=1e-6)
    gan.save(tmp_path / "gan.keras")
    np.testing.assert_array_equal(statistics_of(gan)[0], statistics_of(fresh)[0])


def test_without_batch_statistics_drawing_changes_nothing_that_is_saved():
    """Whether somebody has looked at samples on the way must not show in a resumed training."""
    generator = keras.Sequential([keras.Input((4,)), keras.layers.Dense(64), keras.layers.Reshape((8, 8, 1))])
    parts = small_gan()
    drawn = kerasgan.GAN(generator, parts.discriminator, kerasgan.latents.Normal(4), ema_decay=0.9)
    drawn.compile(loss="hinge")
    drawn.fit(small_images(16), batch_size=8, verbose=0)
    before = weights_of(drawn)
    drawn.generate(2)
    for a, b in zip(before, weights_of(drawn), strict=True):
        np.testing.assert_array_equal(a, b)


def test_drawing_in_a_callback_and_after_an_interruption_uses_statistics_of_that_step():
    class Draw(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 4:
                z = self.model.latent.from_seeds(np.arange(4))
                self.drawn = [self.model(z).numpy(), self.model.predict(z, verbose=0)]
                raise KeyboardInterrupt

    gan, draw = small_gan(ema_decay=0.9), Draw()
    with pytest.raises(KeyboardInterrupt):
        gan.fit(small_images(), batch_size=8, shuffle=False, verbose=0, callbacks=[draw])
    uncut = small_gan(ema_decay=0.9)
    uncut.fit(small_images(40), batch_size=8, shuffle=False, verbose=0)
    for drawn in (*draw.drawn, gan(gan.latent.from_seeds(np.arange(4))).numpy()):
        np.testing.assert_allclose((drawn + 1) / 2, uncut.generate(4), atol=1e-6)


def test_threads_that_draw_at_once_get_the_same_images():
    def trained():
        gan = small_gan(ema_decay=0.9)
        gan.train_on_batch(small_images(8))
        return gan

    expected = trained().generate(6)
    for _ in range(2):
        gan, drawn = trained(), [None] * 4

        def draw(i, gan=gan, drawn=drawn):
            drawn[i] = gan.generate(6)

        threads = [threading.Thread(target=draw, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for images in (*drawn, gan.generate(6)):
            np.testing.assert_array_equal(images, expected)


def test_drawing_moves_no_weight_that_is_divided_by_its_norm():
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.SpectralNormalization(keras.layers.Dense(16)),
            kerasgan.layers.BatchNormalization(),
            keras.layers.Dense(64, activation="tanh"),
            keras.layers.Reshape((8, 8, 1)),
        ]
    )
    gan = kerasgan.GAN(generator, small_gan().discriminator, kerasgan.latents.Normal(4), ema_decay=0.9)
    gan.compile()
    gan.fit(small_images(), batch_size=8, verbose=0)
    before = gan.ema_generator.layers[0].get_weights()
    first = gan.generate(3)
    for a, b in zip(before[:1], gan.ema_generator.layers[0].get_weights()[:1], strict=True):
        np.testing.assert_array_equal(a, b)
    gan._average._compute_statistics()
    np.testing.assert_array_equal(gan.generate(3), first)


def test_the_decay_is_fixed():
    gan = small_gan(ema_decay=0.9)
    with pytest.raises(AttributeError):
        gan.ema_decay = 0.5
    assert gan.get_config()["ema_decay"] == 0.9


def test_a_generator_that_keras_cannot_copy():
    class Own(keras.Model):
        def __init__(self, units):
            super().__init__()
            self.dense, self.reshape = keras.layers.Dense(units), keras.layers.Reshape((8, 8, 1))

        def call(self, z):
            return self.reshape(self.dense(z))

    generator = Own(64)
    generator(np.zeros((1, 4), np.float32))
    parts = generator, small_gan().discriminator, kerasgan.latents.Normal(4)
    with pytest.raises(ValueError, match=r"ema_decay needs a generator that Keras can copy: .* Own cannot be copied"):
        kerasgan.GAN(*parts, ema_decay=0.9)
    gan = kerasgan.GAN(*parts)  # it does not say what it gives, and is tried
    assert gan.sample_shape == (8, 8, 1)
    gan.compile()
    gan.fit(small_images(8), batch_size=8, verbose=0)
    assert gan.generate(2).shape == (2, 8, 8, 1)


def test_a_layer_that_is_used_twice_is_averaged_once():
    keras.utils.set_random_seed(0)
    shared, z = keras.layers.Dense(4), keras.Input((4,))
    x = keras.layers.Dense(64, activation="tanh")(shared(shared(z)))
    generator = keras.Model(z, keras.layers.Reshape((8, 8, 1))(x))
    gan = kerasgan.GAN(generator, small_gan().discriminator, kerasgan.latents.Normal(4), ema_decay=0.9)
    before = gan.ema_generator.get_weights()[0].astype(np.float64)
    gan.compile()
    gan.fit(small_images(8), verbose=0)
    keep = 2 / 11  # after one step
    expected = keep * before + (1 - keep) * generator.get_weights()[0]
    np.testing.assert_allclose(gan.ema_generator.get_weights()[0], expected, rtol=1e-5, atol=1e-7)

    first, second = (keras.Sequential([keras.Input((4,)), shared]) for _ in range(2))
    nested = keras.Model(z, keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(second(first(z)))))
    with pytest.raises(ValueError, match=r"ema_decay needs a generator that Keras can copy"):  # Keras copies it twice
        kerasgan.GAN(nested, gan.discriminator, gan.latent, ema_decay=0.9)
