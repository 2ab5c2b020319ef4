"""Penalties against gradients known in closed form, finite differences in float64, and updates worked out by hand."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import small_images, weights_of

import kerasgan
from kerasgan import labels, latents, penalties
from kerasgan.losses import scores_of

REAL = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
FAKE = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
U = np.linspace(0.1, 0.9, 5, dtype=np.float32)[:, None]


def plain():
    """An optimizer without a loss scale."""
    return keras.optimizers.SGD(1.0)


def linear(*slopes):
    """D(x) = w . x + b on vectors."""
    discriminator = keras.Sequential([keras.Input((len(slopes),)), keras.layers.Dense(1)])
    discriminator.set_weights([np.float32(slopes)[:, None], np.float32([0.7])])
    return discriminator


class TestValues:
    def test_of_a_linear_discriminator(self):
        critic = lambda x: scores_of(linear(1.0, -2.0, 0.5)(x))  # noqa: E731
        np.testing.assert_allclose(penalties.R1(3.0)(critic, REAL, FAKE), [5.25] * 5, rtol=1e-6)
        np.testing.assert_allclose(penalties.R2(3.0)(critic, REAL, FAKE), [5.25] * 5, rtol=1e-6)
        for target in (1.0, 0.0, 2.5):
            found = penalties.GradientPenalty(target=target)(critic, REAL, FAKE, U)
            np.testing.assert_allclose(found, [(math.sqrt(5.25) - target) ** 2] * 5, rtol=1e-5)

    def test_of_a_quadratic_discriminator(self):
        """D(x) = x . A x / 2 with a symmetric A has the gradient A x: each penalty where it says it is taken."""
        a = np.float32([[2.0, -1.0, 0.0], [-1.0, 1.0, 0.5], [0.0, 0.5, -3.0]])
        critic = lambda x: tf.reduce_sum(x * (x @ a), axis=1) / 2  # noqa: E731
        for penalty, points in ((penalties.R1(1.0), REAL), (penalties.R2(1.0), FAKE)):
            np.testing.assert_allclose(penalty(critic, REAL, FAKE), ((points @ a) ** 2).sum(1), rtol=1e-5)
        on_lines = (1 - U) * REAL + U * FAKE  # U says how far from the real sample
        slopes = np.linalg.norm(on_lines @ a, axis=1)
        found = penalties.GradientPenalty()(critic, REAL, FAKE, U)
        np.testing.assert_allclose(found, (slopes - 1) ** 2, rtol=1e-4)

    def test_of_images_it_is_the_sum_over_all_pixels(self):
        images = np.random.default_rng(2).normal(size=(3, 4, 2, 2)).astype(np.float32)
        critic = lambda x: tf.reduce_sum(x**2, axis=(1, 2, 3)) / 2  # noqa: E731
        value = penalties.R1(1.0)(critic, images, images)
        np.testing.assert_allclose(value, (images**2).sum((1, 2, 3)), rtol=1e-5)
        u = np.float32([[0.0], [0.5], [1.0]])
        value = penalties.GradientPenalty(target=0.0)(critic, images, np.zeros_like(images), u)
        by_hand = (images**2).sum((1, 2, 3)) * np.float32([1.0, 0.25, 0.0])
        np.testing.assert_allclose(value, by_hand, rtol=1e-5, atol=1e-6)

    def test_r1_of_the_log_ratio_of_two_normals(self):
        """log p/q = 1.125 - 1.5 x for N(0, 1) and N(1.5, 1): 2.25 everywhere."""
        x = np.linspace(-3, 3, 7, dtype=np.float32)[:, None]
        np.testing.assert_allclose(penalties.R1(1.0)(lambda x: 1.125 - 1.5 * x[:, 0], x, x), [2.25] * 7, rtol=1e-6)

    def test_of_a_class_head_it_is_that_of_the_own_column(self):
        discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, use_bias=False)])
        w = np.random.default_rng(3).normal(size=(3, 4)).astype(np.float32)
        discriminator.set_weights([w])
        own = np.int32([2, 0, 3, 3, 1])
        value = pay([penalties.R1(1.0)], discriminator, judge=lambda x, kind: labels.own_column(discriminator(x), own))
        np.testing.assert_allclose(value[1].values["r1"][0], (w**2).sum(0)[own], rtol=1e-5)

    def test_of_an_energy(self):
        """D(x) = |x - c| has a slope of 1 everywhere, and |x - c|^2 one of 2 |x - c|."""
        centre = np.float32([0.1, -0.2, 5.0])
        variable = linear(1.0, 0.0, 0.0)
        of_norm = {
            "energy": lambda x: tf.norm(x - centre, axis=1),
            "square": lambda x: tf.norm(x - centre, axis=1) ** 2,
        }
        for kind, slopes in (("energy", np.ones(5)), ("square", 2 * np.linalg.norm(REAL - centre, axis=1))):
            judge = lambda x, _, kind=kind: {"energy": of_norm[kind](x), "encoding": x}  # noqa: E731
            paid = pay([penalties.R1(1.0), penalties.GradientPenalty(1.0)], variable, judge=judge)[1]
            np.testing.assert_allclose(paid.values["r1"][0], slopes**2, rtol=1e-4)
            if kind == "energy":
                np.testing.assert_allclose(paid.values["gradient_penalty"][0], 0.0, atol=1e-6)

    def test_no_slope_at_all_has_a_gradient(self):
        """Where D is flat the root has no derivative; nothing may become NaN."""
        discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
        discriminator.set_weights([np.ones((3, 4)), np.zeros(4), np.zeros((4, 1)), np.zeros(1)])
        for penalty, value in ((penalties.GradientPenalty(1.0), 1.0), (penalties.R1(1.0), 0.0)):
            gradients, paid = pay([penalty], discriminator)
            np.testing.assert_allclose(paid.values[penalty.name][0], value, rtol=1e-6)
            for gradient in gradients:
                np.testing.assert_array_equal(gradient, np.zeros(gradient.shape))

    def test_half_precision_samples(self):
        """What a generator gives may be float16, what the data gives is float32."""
        critic = lambda x: tf.reduce_sum(x**2, axis=1)  # noqa: E731
        for penalty in (penalties.R2(1.0), penalties.GradientPenalty()):
            found = penalty(critic, tf.constant(REAL), tf.cast(FAKE, tf.float16), U)
            assert found.dtype == tf.float32
            np.testing.assert_allclose(found, penalty(critic, REAL, FAKE, U), rtol=5e-3, atol=2e-5)


def pay(kinds, discriminator, judge=None, optimizer=None, update=0, base=None):
    """What one update pays: gradients, and the payment."""
    judge = judge or (lambda x, kind: discriminator(x, training=True))
    payment = penalties.Payment(judge, tf.constant(REAL), tf.constant(FAKE), tf.constant(U))
    variables = discriminator.trainable_variables
    base = [tf.zeros(v.shape) for v in variables] if base is None else base
    return payment.add(kinds, base, variables, optimizer or plain(), update), payment


class TestGradients:
    """In the discriminator's weights, of D(x) = v . tanh(W x + b)."""

    start = (
        np.random.default_rng(4).normal(size=(3, 4)),
        np.random.default_rng(5).normal(size=4),
        np.random.default_rng(6).normal(size=(4, 1)),
        np.zeros(1),
    )

    def objective(self, penalty, w, b, v, _):
        """The weighted mean, in float64, by the chain rule on paper: grad D = W (v (1 - tanh^2))."""
        points = {penalties.REAL: REAL, penalties.FAKE: FAKE, penalties.LINES: REAL + U * (FAKE - REAL)}[penalty.kind]
        h = np.tanh(points.astype(np.float64) @ w + b)
        squares = (((1 - h**2) * v[:, 0]) @ w.T) ** 2
        if penalty.kind != penalties.LINES:
            return penalty.weight * squares.sum(1).mean()
        return penalty.weight * ((np.sqrt(squares.sum(1)) - penalty.target) ** 2).mean()

    @pytest.mark.parametrize(
        "penalty",
        [
            penalties.R1(0.7),
            penalties.R2(2.0),
            penalties.GradientPenalty(),
            penalties.GradientPenalty(3.0, target=0.0),
        ],
        ids=["r1", "r2", "gradient_penalty", "gradient_penalty_0"],
    )
    def test_against_finite_differences(self, penalty):
        discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
        discriminator.set_weights(self.start)
        gradients, payment = pay([penalty], discriminator)
        mean = np.mean(payment.values[penalty.name][0])
        assert penalty.weight * mean == pytest.approx(self.objective(penalty, *self.start), rel=1e-4)
        largest = 0.0
        for place, found in enumerate(np.asarray(gradient) for gradient in gradients):
            for index in np.ndindex(found.shape):
                slopes = []
                for step in (1e-5, -1e-5):
                    moved = [x.copy() for x in self.start]
                    moved[place][index] += step
                    slopes.append(self.objective(penalty, *moved))
                slope = (slopes[0] - slopes[1]) / 2e-5
                assert found[index] == pytest.approx(slope, abs=2e-4, rel=1e-3)
                largest = max(largest, abs(slope))
        assert largest > 0.1

    def test_they_are_added_to_those_of_the_loss(self):
        """Of a linear D the value is |w|^2, its gradient 2 w; the bias has none of its own. No half in the weight."""
        base = [tf.constant([[1.0], [2.0], [3.0]]), tf.constant([-4.0])]
        gradients, payment = pay([penalties.R1(5.0), penalties.R2(0.5)], linear(1.0, -2.0, 0.5), base=base)
        np.testing.assert_allclose(gradients[0][:, 0], [1 + 11 * 1.0, 2 - 11 * 2.0, 3 + 11 * 0.5], rtol=1e-5)
        np.testing.assert_array_equal(gradients[1], [-4.0])
        assert [float(due) for _, due in payment.values.values()] == [1.0, 1.0]

    @pytest.mark.parametrize("graph", [False, True])
    def test_lazy_ones_are_paid_in_every_third_update(self, graph):
        discriminator, optimizer = linear(1.0, -2.0, 0.5), plain()
        kinds = [penalties.R1(5.0, every=3), penalties.R2(1.0)]

        def paid(update):
            gradients, payment = pay(kinds, discriminator, optimizer=optimizer, update=update)
            return gradients[0], *payment.values["r1"]

        if graph:
            paid = tf.function(paid, autograph=False)
        for update in range(7):
            gradient, value, due = paid(tf.constant(update, tf.int64))
            weight = 5.0 * 3 + 1.0 if update in (0, 3, 6) else 1.0
            np.testing.assert_allclose(gradient[:, 0], 2 * weight * np.float32([1.0, -2.0, 0.5]), rtol=1e-5)
            assert float(due) == (update in (0, 3, 6))
            np.testing.assert_allclose(value, 5.25 * float(due), rtol=1e-5)


class TestHalfPrecision:
    def discriminator(self, policy, gain=1.0):
        keras.utils.set_random_seed(0)
        layers = [
            keras.layers.Reshape((8, 8, 1), dtype=policy),
            keras.layers.Conv2D(8, 5, strides=2, padding="same", activation="tanh", dtype=policy),
            keras.layers.Conv2D(16, 5, strides=2, padding="same", activation="tanh", dtype=policy),
            keras.layers.Flatten(dtype=policy),
            keras.layers.Dense(1, dtype=policy),
        ]
        discriminator = keras.Sequential([keras.Input((64,)), *layers])
        discriminator.set_weights([gain * weight for weight in discriminator.get_weights()])
        return discriminator

    def gradients(self, discriminator, optimizer, weight=0.02):
        x = tf.constant(small_images(32).reshape(32, 64))
        payment = penalties.Payment(lambda x, kind: discriminator(x), x, x, tf.zeros((32, 1)))
        variables = discriminator.trainable_variables
        base = [tf.zeros(v.shape) for v in variables]
        gradients = payment.add([penalties.R1(weight)], base, variables, optimizer, 0)
        return [gradient.numpy() for gradient in gradients], payment.values["r1"]

    @pytest.mark.parametrize(
        ("policy", "scale", "error"),
        [("mixed_bfloat16", None, 0.05), ("mixed_float16", 2.0**15, 0.01), ("mixed_float16", 2.0**9, 0.01)],
    )
    def test_gradients_are_close_to_those_of_float32(self, policy, scale, error):
        optimizer = plain()
        if scale:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=scale)
            optimizer.build(self.discriminator(policy).trainable_variables)
        expected, (value, _) = self.gradients(self.discriminator("float32"), plain())
        found, (value_of_half, due) = self.gradients(self.discriminator(policy), optimizer)
        np.testing.assert_allclose(value_of_half, value, rtol=3 * error)
        assert value_of_half.dtype == tf.float32
        assert float(due) == 1.0
        for half, single in zip(found, expected, strict=True):
            half = half / (scale or 1.0)  # as the optimizer will
            assert np.linalg.norm(half - single) <= error * np.linalg.norm(single)
        assert np.linalg.norm(expected[0]) > 1e-4

    def test_a_steep_discriminator_overflows_no_sooner_than_the_scale_lets_it(self):
        """A slope of 40 to each pixel times 2^15 is beyond float16; with the root of the scale there is room."""
        optimizer = keras.optimizers.LossScaleOptimizer(plain(), initial_scale=2.0**15)
        discriminator = keras.Sequential([keras.Input((64,)), keras.layers.Dense(1, dtype="mixed_float16")])
        discriminator.set_weights([np.full((64, 1), 40.0), np.zeros(1)])
        optimizer.build(discriminator.trainable_variables)
        gradients, (value, due) = self.gradients(discriminator, optimizer, weight=1e-3)
        np.testing.assert_allclose(value, 64 * 40.0**2, rtol=1e-3)
        np.testing.assert_allclose(gradients[0] / 2.0**15, 2e-3 * 40.0, rtol=2e-3)
        assert float(due) == 1.0


def frozen_gan(discriminator, seed=0, **rules):
    """A GAN on vectors of 3 whose generator stands still, for updates of the discriminator worked out by hand."""
    keras.utils.set_random_seed(seed)
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    gan = kerasgan.GAN(generator, discriminator, latents.Normal(2), value_range=None, seed=seed)
    gan.compile(**{"d_optimizer": keras.optimizers.SGD(0.01), "g_optimizer": keras.optimizers.SGD(0.0), **rules})
    return gan


class TestInTheGame:
    def test_updates_by_hand_beside_a_game_without(self):
        """Of a linear D Wasserstein's gradient does not depend on w, so that two games differ by the penalty alone."""
        x = np.random.default_rng(7).normal(size=(5 * 6, 3)).astype(np.float32)
        dataset = tf.data.Dataset.from_tensor_slices(x).batch(6)
        gans = [
            frozen_gan(linear(1.0, -2.0, 0.5), loss="wasserstein", penalties=kinds)
            for kinds in (None, "r1(5, every=2)")
        ]
        found = [[], []]
        for gan, weights in zip(gans, found, strict=True):
            end = keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda batch, logs, gan=gan, weights=weights: weights.append(
                    gan.discriminator.get_weights()[0][:, 0]
                )
            )
            gan.fit(dataset, epochs=1, verbose=0, callbacks=[end])
        w, by_hand = np.float32([1.0, -2.0, 0.5]), []
        before = w
        for update in range(5):
            step = found[0][update] - before  # of the loss
            before = found[0][update]
            w = w + step - 0.01 * 5 * 2 * 2 * w * (update % 2 == 0)
            by_hand.append(w)
        np.testing.assert_allclose(found[1], by_hand, rtol=1e-4, atol=1e-6)

    def test_logged_without_the_weight_as_a_mean_over_the_updates_that_paid(self):
        """Updates count, not steps: with d_steps=2 those of 3 are 0, 3, ...; D stands still, so values are known."""
        w, b, v, c = (x.astype(np.float32) for x in TestGradients.start)
        discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
        discriminator.set_weights([w, b, v, c])
        gan = frozen_gan(
            discriminator, d_optimizer=keras.optimizers.SGD(0.0), penalties="r1(5, every=3), r2(7)", d_steps=2
        )
        x = np.random.default_rng(8).normal(size=(3 * 8, 3)).astype(np.float32)
        history = gan.fit(tf.data.Dataset.from_tensor_slices(x).batch(8), verbose=0).history
        assert sorted(history) == ["d_fake", "d_loss", "d_real", "g_loss", "jsd", "r1", "r2", "value"]
        minibatches = x.reshape(6, 4, 3)
        h = np.tanh(minibatches[[0, 3]] @ w + b)
        by_hand = ((((1 - h**2) * v[:, 0]) @ w.T) ** 2).sum(-1).mean()
        assert history["r1"] == [pytest.approx(by_hand, rel=1e-4)]

    def test_the_updates_between_cost_nothing(self):
        calls = []

        class Counted(keras.layers.Layer):
            def call(self, x):
                calls.append(x)
                return x

        discriminator = keras.Sequential([keras.Input((3,)), Counted(), keras.layers.Dense(1)])
        gan = frozen_gan(discriminator, penalties="r1(5, every=3), r2(1, every=2)", run_eagerly=True)
        counts = []
        for _ in range(7):
            calls.clear()
            gan.train_on_batch(REAL)
            counts.append(len(calls))
        assert counts == [3 + due for due in (2, 0, 1, 1, 1, 0, 2)]

    def test_an_update_that_overflows_is_left_out_and_not_logged(self):
        """|w| = 500 at a scale of 2^15: float16 holds no gradient of 500 * 181; with 2^14, 500 * 128, it does."""
        discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, dtype="mixed_float16")])
        discriminator.set_weights([np.full((3, 1), 500.0), np.zeros(1)])
        # The weight keeps what comes after in range; the loss is Wasserstein's, whose gradients are small.
        rules = {"loss": "wasserstein", "penalties": [penalties.R1(1e-6)]}
        gan = frozen_gan(discriminator, **rules)
        scale = gan.d_optimizer.dynamic_scale
        scale.assign(2.0**15)
        x = tf.data.Dataset.from_tensor_slices(REAL).batch(5)
        assert gan.fit(x, verbose=0).history["r1"] == [0.0]  # nothing paid yet
        np.testing.assert_array_equal(discriminator.get_weights()[0], np.full((3, 1), 500.0))
        assert float(scale) == 2.0**14
        assert gan.fit(x.repeat(2), verbose=0).history["r1"] == [pytest.approx(3 * 500.0**2, rel=1e-2)]
        assert np.abs(discriminator.get_weights()[0] - 500.0).max() > 0
        assert all(np.isfinite(weight).all() for weight in weights_of(gan))

    def test_batch_normalisation_is_warned_of(self):
        for norm in (keras.layers.BatchNormalization(), kerasgan.layers.BatchNormalization()):
            with_norm = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), norm, keras.layers.Dense(1)])
            with pytest.warns(
                UserWarning, match=r"batch normalisation \(.*\) beside the penalty r1, .* Leave the norm out"
            ):
                frozen_gan(with_norm, penalties="r1(1)")


class TestReading:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (None, []),
            ("", []),
            ([], []),
            ("r1(5, every=16), r2(5)", [("r1", 5.0, 16), ("r2", 5.0, 1)]),
            ("r1(every=16, weight=5)", [("r1", 5.0, 16)]),
            ("r2(.5,4)", [("r2", 0.5, 4)]),
            ("gradient_penalty", [("gradient_penalty", 10.0, 1)]),
            (["r1(1)", penalties.R2(2.0)], [("r1", 1.0, 1), ("r2", 2.0, 1)]),
            (penalties.R1(0), [("r1", 0.0, 1)]),
        ],
    )
    def test_what_compile_takes(self, text, expected):
        found = penalties.get(text)
        assert [(penalty.name, penalty.weight, penalty.every) for penalty in found] == expected
        again = penalties.get(penalties.serialize(found))
        assert [type(penalty) for penalty in again] == [type(penalty) for penalty in found]
        assert [penalty.get_config() for penalty in again] == [penalty.get_config() for penalty in found]

    def test_target(self):
        (penalty,) = penalties.get("gradient_penalty(1, target=0, every=2)")
        assert penalty.get_config() == {"weight": 1.0, "every": 2, "target": 0.0}
        (again,) = penalties.get(penalties.serialize([penalty]))
        assert again.target == 0.0

    @pytest.mark.parametrize(
        ("identifier", "message"),
        [
            ("r3(5)", r"Unknown penalty 'r3'\. Known: gradient_penalty, r1, r2\."),
            ("gradient-penalty", r"penalties are names between commas, .*; found 'gradient-penalty'"),
            ("gradient_penality", r"Did you mean 'gradient_penalty'\?"),
            ("r1", r"r1 takes weight, every, such as r1\(5, every=16\)"),
            ("gradient_penalty(1, 1, 1, 1)", r"gradient_penalty takes weight, target, every"),
            ("r1(5, target=1)", r"r1 takes weight, every"),
            ("r1(5, weight=5)", r"r1 takes weight, every"),
            ("r1(-5)", r"weight of r1 must be a finite number, at least 0; found -5"),
            ("r1(1e999)", r"weight of r1 must be a finite number, at least 0; found inf"),
            ("r1(True)", r"weight of r1 .* found True"),
            ("r1(high)", r"weight of r1 .* found 'high'"),
            ("r1(5, every=0)", r"every of r1 must be a whole number, at least 1; found 0"),
            ("r1(5, every=1.5)", r"every of r1 must be a whole number, at least 1; found 1.5"),
            ("gradient_penalty(target=-1)", r"target of gradient_penalty must be .* found -1"),
            ("r1(5), r1(6)", r"The penalty r1 is asked for 2 times; give it one weight"),
            ("r1(5) r2(5)", r"names between commas, such as 'r1\(5, every=16\)'; found 'r1\(5\) r2\(5\)'"),
            ("r1(2 * 3)", r"names between commas"),
            ("r1(__import__('os'))", r"The weight of r1 is a number, or a schedule .* found __import__\('os'\)\."),
            ("r1(__import__('os').system('true'))", r"names between commas"),
            ("r1({[]: 1})", r"names between commas"),
            ("5", r"names between commas"),
            (5, r"Penalties are kerasgan.penalties or strings .*; found 5"),
            (penalties.R1, r"Penalties are kerasgan.penalties or strings .*; found <class"),
            (
                {"class_name": "Normal", "config": {"dim": 3}, "registered_name": "kerasgan>Normal"},
                r"describes a Normal",
            ),
        ],
    )
    def test_what_it_refuses(self, identifier, message):
        with pytest.raises(ValueError, match=message) as refused:
            penalties.get(identifier)
        assert "\n" not in str(refused.value)

    def test_lines_need_places(self):
        with pytest.raises(ValueError, match=r"gradient_penalty needs u \[B, 1\]"):
            penalties.GradientPenalty()(lambda x: x[:, 0], REAL, FAKE)


def test_numbers_of_numpy_and_an_every_that_no_graph_counts_to():
    assert penalties.R1(np.float32(5), every=np.int64(2)).get_config() == {"weight": 5.0, "every": 2}
    with pytest.raises(ValueError, match=r"^every of r1 must be below 2\*\*31; found 9{21}\.$"):
        penalties.get(f"r1(1, every={'9' * 21})")
