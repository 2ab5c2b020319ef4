"""The game itself, against steps worked out by hand, and its life as a Keras model."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import assert_same_weights, coded_gan, small_gan, small_images, weights_of

import kerasgan
from kerasgan import losses


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class LinearGame:
    """G(z) = a z + b and D(x) = sigmoid(w x + c) on the line, in numpy: the gradients fit on one page."""

    def __init__(self, d_rate, g_rate, d_steps=1, fresh_noise=False, loss="non_saturating"):
        self.a, self.b, self.w, self.c = 0.5, -1.0, 0.8, 0.1
        self.d_rate, self.g_rate, self.d_steps, self.fresh_noise, self.loss = d_rate, g_rate, d_steps, fresh_noise, loss

    def keras_model(self):
        generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        discriminator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        generator.set_weights([np.array([[self.a]]), np.array([self.b])])
        discriminator.set_weights([np.array([[self.w]]), np.array([self.c])])
        gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(1), value_range=None, seed=3)
        gan.compile(
            keras.optimizers.SGD(self.d_rate),
            keras.optimizers.SGD(self.g_rate),
            loss=self.loss,
            d_steps=self.d_steps,
            fresh_noise=self.fresh_noise,
        )
        return gan

    def step(self, real, noise):
        """Plays Algorithm 1 once on `real` (d_steps, B), drawing z from the iterator `noise`."""
        for x in real:
            z = next(noise)
            fake = self.a * z + self.b
            # d/dl of softplus(-l) is D - 1; of softplus(l) it is D.
            real_slope = sigmoid(self.w * x + self.c) - 1
            fake_slope = sigmoid(self.w * fake + self.c)
            w_gradient = np.mean(real_slope * x) + np.mean(fake_slope * fake)
            c_gradient = np.mean(real_slope) + np.mean(fake_slope)
            self.w -= self.d_rate * w_gradient
            self.c -= self.d_rate * c_gradient
        if self.fresh_noise:
            z = next(noise)
            fake = self.a * z + self.b
        d = sigmoid(self.w * fake + self.c)
        slope = {"minimax": -d, "non_saturating": -(1 - d), "kl": -np.ones_like(d)}[self.loss] * self.w
        self.a -= self.g_rate * np.mean(slope * z)
        self.b -= self.g_rate * np.mean(slope)


@pytest.mark.parametrize("loss", ["minimax", "non_saturating", "kl"])
@pytest.mark.parametrize(("d_steps", "fresh_noise"), [(1, False), (1, True), (3, False), (3, True)])
def test_two_rounds_of_algorithm_1_by_hand(monkeypatch, loss, d_steps, fresh_noise):
    game = LinearGame(0.3, 0.2, d_steps, fresh_noise, loss)
    gan = game.keras_model()
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(8, 4)).astype(np.float32)
    handed_out = iter(draws)
    monkeypatch.setattr(gan, "_noise", lambda *args: tf.constant(next(handed_out))[:, None])
    real = rng.normal(2.0, 1.0, size=(2, d_steps, 4)).astype(np.float32)
    noise = iter(draws.astype(np.float64))
    for minibatches in real:
        gan.train_step(tf.constant(minibatches.reshape(-1, 1)))
        game.step(minibatches.astype(np.float64), noise)
    found = [*gan.generator.get_weights(), *gan.discriminator.get_weights()]
    np.testing.assert_allclose([w.item() for w in found], [game.a, game.b, game.w, game.c], rtol=2e-5)
    assert int(gan.step.numpy()) == 2
    assert int(gan.d_optimizer.iterations.numpy()) == 2 * d_steps
    assert int(gan.g_optimizer.iterations.numpy()) == 2


class Recorder(keras.layers.Layer):
    """Passes its input on and notes what it saw."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def call(self, x, training=None):
        if not hasattr(x, "numpy"):
            return x  # Keras traces shapes
        self.seen.append((keras.ops.convert_to_numpy(x), bool(training)))
        return x


def recorded_gan(**options):
    g_record, d_record = Recorder(), Recorder()
    generator = keras.Sequential([keras.Input((2,)), g_record, keras.layers.Dense(3)])
    discriminator = keras.Sequential([keras.Input((3,)), d_record, keras.layers.Dense(1)])
    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(2), value_range=None)
    gan.compile(run_eagerly=True, **options)
    g_record.seen.clear()
    d_record.seen.clear()
    return gan, g_record.seen, d_record.seen


def test_real_and_generated_pass_apart_and_each_update_has_its_own_minibatch():
    gan, g_seen, d_seen = recorded_gan(d_steps=2)
    real = np.arange(24, dtype=np.float32).reshape(8, 3)
    gan.fit(real, batch_size=8, epochs=1, shuffle=False, verbose=0)
    # Two discriminator updates of (real, fake), then the generator's update on the last fake once more.
    assert [len(x) for x, _ in d_seen] == [4] * 5
    assert all(training for _, training in d_seen + g_seen)
    np.testing.assert_array_equal(d_seen[0][0], real[:4])
    np.testing.assert_array_equal(d_seen[2][0], real[4:])
    np.testing.assert_array_equal(d_seen[4][0], d_seen[3][0])
    assert len(g_seen) == 2
    assert not np.array_equal(g_seen[0][0], g_seen[1][0])


@pytest.mark.parametrize(("fresh_noise", "forwards"), [(False, 1), (True, 2)])
def test_one_generator_forward_a_step_unless_fresh_noise_is_asked_for(fresh_noise, forwards):
    gan, g_seen, d_seen = recorded_gan(fresh_noise=fresh_noise)
    gan.fit(np.ones((4, 3), np.float32), batch_size=4, verbose=0)
    assert len(g_seen) == forwards
    assert len(d_seen) == 3
    assert np.array_equal(d_seen[1][0], d_seen[2][0]) is not fresh_noise


def test_the_generator_step_computes_no_gradient_of_discriminator_weights():
    """DCGAN's filter gradients in the graph: 2 convolutions of D on real and on fake, 2 of G. Not 2 more of D."""
    gan = kerasgan.create_model("dcgan", generator_width=2, discriminator_width=2)
    graph = tf.function(gan.train_step).get_concrete_function(tf.TensorSpec((4, 28, 28, 1))).graph
    # TensorFlow writes down both gradients of a convolution; what nothing reads is pruned before it runs.
    used = [op for op in graph.get_operations() if op.type == "Conv2DBackpropFilter" and op.outputs[0].consumers()]
    assert len(used) == 2 * 2 + 2


@pytest.mark.parametrize("options", [{"steps_per_execution": 4}, {"jit_compile": True}, {"run_eagerly": True}])
def test_every_way_to_run_gives_the_same_game(options):
    # Keras draws dropout masks in another order under XLA.
    plain, other = (small_gan(dropout="jit_compile" not in options) for _ in range(2))
    other.compile(**options)
    for gan in (plain, other):
        gan.fit(small_images(), batch_size=8, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(weights_of(plain), weights_of(other), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    first, second, other = small_gan(seed=5), small_gan(seed=5), small_gan(seed=6)
    for gan in (first, second, other):
        gan.fit(small_images(), batch_size=8, epochs=1, shuffle=False, verbose=0)
    assert_same_weights(first, second)
    assert not np.array_equal(first.generator.get_weights()[0], other.generator.get_weights()[0])


def test_logs_and_evaluation():
    gan = small_gan()
    history = gan.fit(small_images(), batch_size=16, epochs=2, verbose=0, validation_data=small_images(32, 1)).history
    names = {"d_loss", "g_loss", "d_real", "d_fake", "value", "jsd"}
    assert set(history) == names | {f"val_{name}" for name in names}
    before = weights_of(gan)[: len(gan.weights)]
    first = gan.evaluate(small_images(40, 2), batch_size=16, return_dict=True, verbose=0)
    again = gan.evaluate(small_images(40, 2), batch_size=16, return_dict=True, verbose=0)
    assert first == again
    assert set(first) == names
    for a, b in zip(before, weights_of(gan), strict=False):
        np.testing.assert_array_equal(a, b)
    assert first["d_loss"] == pytest.approx(-first["value"], rel=1e-5)
    assert first["jsd"] == pytest.approx((first["value"] + np.log(4)) / 2, abs=1e-5)


def test_logged_losses_are_those_of_the_batch():
    gan = small_gan(dropout=False)
    real = tf.constant(small_images(8))
    z = gan._noise(real, 0, gan.step, 0)
    fake = gan.generator(z, training=True)
    l_real, l_fake = (gan.discriminator(x, training=True).numpy().astype(np.float64)[:, 0] for x in (real, fake))
    logs = gan.train_step(real)
    expected = np.mean(-np.log(sigmoid(l_real)) - np.log(1 - sigmoid(l_fake)))
    assert float(logs["d_loss"]) == pytest.approx(expected, rel=1e-4)
    assert float(logs["d_real"]) == pytest.approx(sigmoid(l_real).mean(), rel=1e-4)
    assert float(logs["d_fake"]) == pytest.approx(sigmoid(l_fake).mean(), rel=1e-4)


# -- samples -----------------------------------------------------------------------------------------------------------


def test_sample_i_is_that_of_seed_plus_i():
    gan = small_gan()
    images = gan.generate(7, seed=3, batch_size=4)
    assert images.shape == (7, 8, 8, 1)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1
    for i in (0, 4, 6):
        np.testing.assert_allclose(gan.generate(1, seed=3 + i)[0], images[i], atol=1e-6)
    np.testing.assert_allclose(images, (gan(gan.latent.from_seeds(np.arange(3, 10))).numpy() + 1) / 2, atol=1e-6)


@pytest.mark.parametrize("bad", [{"n": 0}, {"n": 2.5}, {"n": 1, "seed": -1}, {"n": 1, "batch_size": 0}])
def test_generate_says_what_it_takes(bad):
    with pytest.raises(ValueError, match=r"must be a whole number, at least"):
        small_gan().generate(**bad)


def test_codes_are_set_and_read():
    gan = coded_gan()
    free = gan.generate(4, seed=5)
    fixed = gan.generate(4, seed=5, codes={"categorical": [0, 1, 2, 1], "continuous": [0.5, -2]}, batch_size=3)
    np.testing.assert_array_equal(fixed[:, :2], free[:, :2])  # the noise is the seeds' own
    np.testing.assert_array_equal(fixed[:, 2:5], np.eye(3)[[0, 1, 2, 1]])
    np.testing.assert_array_equal(fixed[:, 5:], [[0.5, -2]] * 4)
    half = gan.generate(4, seed=5, codes={"categorical": 2})
    np.testing.assert_array_equal(half[:, 5:], free[:, 5:])

    read = gan.infer_codes(fixed, batch_size=3)
    assert read["categorical"].shape == (4, 1, 3)
    np.testing.assert_array_equal(read["categorical"][:, 0].argmax(1), [0, 1, 2, 1])
    np.testing.assert_allclose(read["categorical"][0, 0, 0], np.exp(10) / (np.exp(10) + 2), rtol=1e-5)
    np.testing.assert_allclose(read["continuous"], [[5, -20]] * 4)


def test_codes_of_images():
    gan = kerasgan.create_model("infogan")
    images = gan.generate(2)
    read = gan.infer_codes(images)
    expected = gan.discriminator(images, training=False)["codes"]  # this model's range is [0, 1], like the images'
    np.testing.assert_allclose(read["continuous"], expected[:, 10:], atol=1e-6)
    for wrong, found in (
        (images[..., 0], r"found float32 of shape \(2, 28, 28\)"),
        ((255 * images).astype(np.uint8), "found uint8"),
        (2 * images - 1, "found values from -"),
        (images + np.nan, "found values from nan to nan"),
    ):
        with pytest.raises(
            ValueError, match=rf"infer_codes needs floats of shape \(N, 28, 28, 1\) in \[0, 1\]; {found}"
        ):
            gan.infer_codes(wrong)
    with pytest.raises(ValueError, match=r"batch_size must be a whole number, at least 1; found 0"):
        gan.infer_codes(images, batch_size=0)


def test_codes_where_there_are_none():
    gan = small_gan()
    for ask in (lambda: gan.generate(2, codes={"categorical": 1}), lambda: gan.infer_codes(gan.generate(2))):
        with pytest.raises(ValueError, match=r"This model has no codes: its latent is Normal, not Coded"):
            ask()
    latent = kerasgan.latents.Coded(2, (2,), 0)
    plain = kerasgan.GAN(gan.generator, gan.discriminator, latent)
    with pytest.raises(ValueError, match=r"discriminator gives no 'codes' to read"):
        plain.infer_codes(plain.generate(2))
    with pytest.raises(ValueError, match=r"found 5"):
        plain.generate(2, codes={"categorical": 5})
    with pytest.raises(ValueError, match=r"needs a latent with codes"):
        gan.compile(loss="infogan")


def test_a_loss_that_does_not_fit_the_discriminator_is_found_by_compile():
    with pytest.raises(ValueError, match=r"EBGAN reads energies: .* found one tensor"):
        small_gan().compile(loss="ebgan")
    with pytest.raises(ValueError, match=r"reads logits, but the discriminator gives only encoding, energy"):
        kerasgan.create_model("ebgan", image_shape=(2,), generator_width=2).compile(loss="kl")
    gan = kerasgan.create_model("infogan")
    with pytest.raises(ValueError, match=r"codes have 12 numbers; this latent's 1 categorical and 0 .* have 4"):
        latent = kerasgan.latents.Coded(70, (4,), 0)
        kerasgan.GAN(gan.generator, gan.discriminator, latent, (0, 1)).compile(loss="infogan")


def test_a_batch_too_small_for_the_loss():
    gan = kerasgan.create_model("ebgan", image_shape=(2,), generator_width=4, pulling_away_weight=0.1, d_steps=2)
    points = np.zeros((5, 2), np.float32)
    with pytest.raises(ValueError, match=r"EBGAN needs at least 4 samples in a batch; found 2"):
        gan.fit(points[:2], batch_size=2, verbose=0)
    assert int(gan.step.numpy()) == 0
    held_out = gan.evaluate(points, batch_size=2, verbose=0, return_dict=True)  # the last batch is of one sample
    assert all(np.isfinite(value) for value in held_out.values())
    labels = np.zeros(5, int)
    with pytest.warns(UserWarning, match=r"The last 1 samples are left out: they are too few for a batch of their own"):
        gan.fit(points, labels, batch_size=4, epochs=2, verbose=0)
    assert int(gan.step.numpy()) == 2


def test_ema_follows_its_formula_and_is_what_generate_uses():
    gan = small_gan(ema_decay=0.9)
    np.testing.assert_array_equal(gan.ema_generator.get_weights()[0], gan.generator.get_weights()[0])
    average = gan.generator.get_weights()[0].astype(np.float64)
    for step in (1, 2, 3):
        gan.fit(small_images(8), batch_size=8, verbose=0)
        keep = min(0.9, (1 + step) / (10 + step))
        average = keep * average + (1 - keep) * gan.generator.get_weights()[0]
    np.testing.assert_allclose(gan.ema_generator.get_weights()[0], average, rtol=1e-5, atol=1e-7)
    images = gan.generate(4)
    by_hand = (gan.ema_generator(gan.latent.from_seeds(np.arange(4)), training=False).numpy() + 1) / 2
    np.testing.assert_allclose(images, by_hand, atol=1e-6)


def test_batch_statistics_of_the_average_are_those_of_its_own_activations():
    from kerasgan.averages import STATISTICS_BATCH_SIZE, STATISTICS_BATCHES

    gan = small_gan(ema_decay=0.99)
    gan.fit(small_images(), batch_size=8, epochs=3, verbose=0)
    gan.generate(1)
    dense, norm = gan.ema_generator.layers[:2]
    z = [gan.latent.sample(STATISTICS_BATCH_SIZE, [gan.seed, i]) for i in range(STATISTICS_BATCHES)]
    activations = np.stack([dense(batch).numpy() for batch in z])  # (batches, B, units)
    np.testing.assert_allclose(norm.moving_mean, activations.mean((0, 1)), atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, activations.var(1).mean(0), rtol=1e-4)
    assert norm.momentum == 0.99


# -- precision ---------------------------------------------------------------------------------------------------------


def half_gan(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return small_gan(dropout=False)
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(("policy", "scaled"), [("mixed_float16", True), ("mixed_bfloat16", False)])
def test_mixed_precision_keeps_weights_losses_and_logs_in_float32(policy, scaled):
    gan = half_gan(policy)
    for optimizer in (gan.d_optimizer, gan.g_optimizer):
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) == scaled
    logs = gan.fit(small_images(), batch_size=8, epochs=3, shuffle=False, verbose=0).history
    exact = small_gan(dropout=False).fit(small_images(), batch_size=8, epochs=3, shuffle=False, verbose=0).history
    for name, values in exact.items():
        np.testing.assert_allclose(logs[name], values, rtol=0.03, atol=0.01, err_msg=name)
    assert {variable.dtype for variable in gan.trainable_variables} == {"float32"}
    assert {metric.variables[0].dtype for metric in gan.metrics} == {"float32"}
    assert gan.generate(2).dtype == np.float32


@pytest.mark.parametrize("player", ["d_optimizer", "g_optimizer"])
def test_an_overflow_shrinks_the_scale_and_skips_the_step(player):
    gan = half_gan("mixed_float16")
    gan.fit(small_images(8), batch_size=8, verbose=0)
    optimizer = getattr(gan, player)
    network = gan.discriminator if player == "d_optimizer" else gan.generator
    optimizer.dynamic_scale.assign(2.0**40)  # gradients in float16 end at 65504
    before, steps = network.get_weights(), int(optimizer.inner_optimizer.iterations)
    trainable = [i for i, weight in enumerate(network.weights) if weight.trainable]
    gan.fit(small_images(8), batch_size=8, verbose=0)
    assert float(optimizer.dynamic_scale) == 2.0**39
    assert int(optimizer.inner_optimizer.iterations) == steps
    for i in trainable:
        np.testing.assert_array_equal(network.get_weights()[i], before[i])
    for _ in range(60):  # until it fits; then training goes on
        gan.fit(small_images(8), batch_size=8, verbose=0)
        if int(optimizer.inner_optimizer.iterations) > steps:
            break
    assert int(optimizer.inner_optimizer.iterations) > steps
    assert all(np.isfinite(weights).all() for weights in network.get_weights())


def test_a_loaded_half_precision_gan_that_is_compiled_anew_scales_its_losses(tmp_path):
    half_gan("mixed_float16").save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    loaded.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
    for optimizer in (loaded.d_optimizer, loaded.g_optimizer):
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def test_the_loss_scales_are_saved(tmp_path):
    gan = half_gan("mixed_float16")
    gan.d_optimizer.dynamic_scale.assign(2.0**100)
    gan.fit(small_images(8), batch_size=8, verbose=0)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert float(loaded.d_optimizer.dynamic_scale) == 2.0**99
    assert_same_weights(gan, loaded)


# -- saving ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_keras_file_round_trip_goes_on_where_it_stopped(tmp_path, ema_decay):
    """A loaded model that trains on equals, bit for bit, one that was never saved: dropout, noise, optimizers, k."""
    original = small_gan(ema_decay=ema_decay)
    original.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        kerasgan.optimizers.Adam(1e-3),
        loss=losses.KL(label_smoothing=0.1),
        d_steps=2,
        fresh_noise=True,
        steps_per_execution=2,
    )
    original.fit(small_images(), batch_size=8, epochs=2, shuffle=False, verbose=0)
    original.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")

    assert_same_weights(original, loaded)
    assert isinstance(loaded.loss, losses.KL)
    assert loaded.loss.label_smoothing == 0.1
    assert (loaded.d_steps, loaded.fresh_noise, loaded.steps_per_execution) == (2, True, 2)
    assert isinstance(loaded.d_optimizer, keras.optimizers.SGD)
    assert isinstance(loaded.latent, kerasgan.latents.Normal)
    np.testing.assert_array_equal(loaded.generate(5), original.generate(5))

    for gan in (original, loaded):
        gan.fit(small_images(), batch_size=8, epochs=1, shuffle=False, verbose=0)
    assert_same_weights(original, loaded)


def test_an_uncompiled_model_can_be_saved(tmp_path):
    gan = small_gan()
    bare = kerasgan.GAN(gan.generator, gan.discriminator, gan.latent)
    bare.save(tmp_path / "bare.keras")
    loaded = keras.saving.load_model(tmp_path / "bare.keras")
    np.testing.assert_array_equal(loaded.generate(2), bare.generate(2))


def test_there_is_no_optimizer_but_the_two():
    gan = small_gan()
    assert gan.optimizer is None
    gan.compile(loss="kl")
    gan.compile(loss="minimax", d_steps=2)
    assert isinstance(gan.loss, losses.Minimax)
    for optimizer in (gan.d_optimizer, gan.g_optimizer):
        assert optimizer.built
        assert optimizer.get_config()["beta_1"] == 0.5
        assert float(optimizer.learning_rate) == pytest.approx(2e-4)


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"d_steps": 0}, "d_steps must be a whole number, at least 1; found 0"),
        ({"d_steps": 1.5}, "d_steps must be a whole number"),
        ({"loss": "wgan"}, "Unknown adversarial loss 'wgan'. Known: ebgan, hinge, infogan, kl, least_squares, minimax"),
        ({"optimizer": "adam"}, "does not take optimizer. It takes d_optimizer, g_optimizer"),
        ({"d_optimizer": "adamm"}, "adamm"),
    ],
)
def test_compile_says_what_it_takes(options, message):
    gan = small_gan()
    with pytest.raises(ValueError, match=message):
        gan.compile(**options)
    gan.fit(small_images(8), batch_size=8, verbose=0)  # what was compiled before still stands


def test_one_optimizer_cannot_serve_two():
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ValueError, match=r"must be two objects|already been built|unknown variables|built"):
        small_gan().compile(optimizer, optimizer)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (small_images(8) * 200, r"floats of shape \(B, 8, 8, 1\) with values from -1 to 1.*found values from -1"),
        (np.where(small_images(8) > 0.9, np.nan, small_images(8)), "none of them NaN; found values from"),
        (small_images(8)[..., 0], r"found shape \(8, 8, 8\)"),
        (np.zeros((8, 9, 8, 1), np.float32), r"found shape \(8, 9, 8, 1\)"),
        (np.zeros((8, 8, 8, 1), np.uint8), r"found uint8. kerasgan.data.load"),
    ],
    ids=["range", "nan", "channel", "size", "uint8"],
)
def test_real_images_must_fit(images, message):
    gan = small_gan()
    before = weights_of(gan)
    with pytest.raises(ValueError, match=message):
        gan.fit(images, batch_size=8, verbose=0)
    with pytest.raises(ValueError, match=message):
        gan.evaluate(images, batch_size=8, verbose=0)
    for a, b in zip(before, weights_of(gan), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_misshapen_batch_is_found_after_tracing_has_blurred_the_shape():
    gan = small_gan()
    gan.fit(small_images(20), batch_size=8, verbose=0)
    with pytest.raises(ValueError, match=r"Real samples must have shape \(\?,8,8,1\); found \(8,8,8\)"):
        gan.fit(small_images(8)[..., 0], batch_size=8, verbose=0)


def test_a_dataset_of_dicts_or_short_batches_is_refused():
    gan = small_gan()
    with pytest.raises(ValueError, match=r"found a dict. Map the dataset to its images"):
        gan.fit(tf.data.Dataset.from_tensors({"image": small_images(8)}), verbose=0)
    gan.compile(d_steps=3)
    with pytest.raises(ValueError, match=r"A batch must divide into d_steps=3 minibatches; its size is 8"):
        gan.fit(small_images(8), batch_size=8, verbose=0)
    unknown_size = tf.data.Dataset.from_tensor_slices(small_images(8)).batch(4)
    with pytest.raises(ValueError, match=r"A batch must divide into d_steps=3 minibatches; its size is 4"):
        gan.fit(unknown_size, verbose=0)


def test_parts_must_fit_each_other():
    gan = small_gan()
    parts = (gan.generator, gan.discriminator, gan.latent)
    with pytest.raises(ValueError, match=r"the latent gives \(None, 5\)"):
        kerasgan.GAN(gan.generator, gan.discriminator, kerasgan.latents.Normal(5))
    with pytest.raises(ValueError, match=r"discriminator takes \(None, 4\)"):
        kerasgan.GAN(gan.generator, gan.generator, gan.latent)
    with pytest.raises(ValueError, match=r"latent must be one of kerasgan.latents"):
        kerasgan.GAN(gan.generator, gan.discriminator, 4)
    with pytest.raises(ValueError, match=r"generator must be a built keras.Model"):
        kerasgan.GAN(keras.Sequential(), gan.discriminator, gan.latent)
    regular = keras.Sequential([keras.Input((4,)), keras.layers.Dense(64, kernel_regularizer="l2")])
    with pytest.raises(ValueError, match=r"generator has losses of its own"):
        kerasgan.GAN(regular, gan.discriminator, gan.latent)
    for options, message in (
        ({"value_range": (1, 1)}, "value_range must be"),
        ({"ema_decay": 1.0}, "ema_decay must lie between 0 and 1"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": 2**31}, "seed must be a whole number"),
    ):
        with pytest.raises(ValueError, match=message):
            kerasgan.GAN(*parts, **options)
