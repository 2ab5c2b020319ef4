"""What changes along a training, against its formulas in numpy; saved and resumed to the bit, whatever changes."""

import dataclasses
import json
import math
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import assert_same_weights, small_gan, small_images

import kerasgan
from kerasgan import augment, optimizers, penalties, presets, registry, runs, schedules

ASKED = {  # of a run
    "generator_width": 4,
    "discriminator_width": 4,
    "latent_dim": 4,
    "batch_size": 8,
    "learning_rate": "cosine(0.001, 0.0, 9)",
    "generator_learning_rate": "cosine(0.002, 0.0001, 9)",
    "penalties": "r1(cosine(0.1, 0.01, 9), every=2)",
    "augment": "diffaugment(translation, probability=cosine(0, 0.5, 9))",
    "ema_decay": "halving(cosine(0, 5, 9))",
}
KERAS = keras.optimizers.schedules
ALL = {
    "penalties": "r1(cosine(0.5, 0.05, 5), every=2), r2(cosine(0, 0.2, 5))",
    "augment": "diffaugment(color, translation, probability=cosine(0, 0.6, 5))",
    "loss": "relativistic",
}


def cosine(t, start, end, steps):
    """R3GAN's way to write it: a share that falls from 1 to 0."""
    falling = 0.5 * (1 + np.cos(np.pi * min(t, steps) / steps))
    return start + (1 - falling) * (end - start)


def scheduled_gan(d_steps=1, **options):
    """A small GAN with a schedule wherever one can be."""
    gan = small_gan(ema_decay="halving(cosine(0, 4, 5))", **options)
    adams = (
        optimizers.Adam("cosine(0.002, 0.0005, 5)", beta_1=0.0, beta_2="cosine(0.9, 0.99, 5)"),
        optimizers.Adam("cosine(0.004, 0.001, 5)", beta_1=0.0, beta_2=KERAS.PolynomialDecay(0.9, 5, 0.99)),
    )
    gan.compile(*adams, d_steps=d_steps, **ALL)
    return gan


class TestValues:
    @pytest.mark.parametrize(("start", "end", "steps"), [(2e-4, 5e-5, 39062), (0, 9765, 7), (0.9, 0.99, 1), (1, 1, 3)])
    def test_cosine(self, start, end, steps):
        schedule = schedules.Cosine(start, end, steps)
        for t in (0, 1, steps // 3, steps - 1, steps, steps + 1, 10 * steps):
            found = schedule(tf.constant(t, tf.int64))
            assert found.dtype == tf.float32
            np.testing.assert_allclose(found, cosine(t, start, end, steps), rtol=1e-4, atol=1e-6 * max(start, end))
        np.testing.assert_allclose(schedule(0), np.float32(start), rtol=2e-7)
        assert float(schedule(steps)) == float(schedule(10 * steps)) == np.float32(end)

    def test_halving(self):
        """After as many steps as the half-life the average has forgotten half; one of 0 remembers nothing."""
        assert schedules.at(schedules.Halving(250), 7) ** 250 == pytest.approx(0.5)
        growing = schedules.Halving(schedules.Cosine(0, 1000, 10))
        for t in (0, 1, 5, 10, 50):
            half_life = cosine(t, 0, 1000, 10)
            expected = 0.5 ** (1 / max(half_life, 1e-8))
            np.testing.assert_allclose(1 - schedules.at(growing, t), 1 - expected, rtol=1e-3)
        assert float(schedules.at(growing, 0)) == 0.0
        assert schedules.at(schedules.Halving(0), 0) == 0.0

    def test_numbers_and_what_never_changes_are_floats(self):
        for value, expected in (
            (0.3, 0.3),
            (schedules.Cosine(0.3, 0.3, 5), 0.3),
            (schedules.Halving(1), 0.5),
            (schedules.Halving(schedules.Cosine(1, 1, 9)), 0.5),
        ):
            assert isinstance(schedules.at(value, tf.constant(3)), float)
            assert schedules.at(value, 3) == expected

    def test_keras_own(self):
        schedule = KERAS.ExponentialDecay(0.5, 2, 0.25)
        for t in (0, 1, 4):
            assert float(schedules.at(schedule, tf.constant(t, tf.int64))) == pytest.approx(0.5 * 0.25 ** (t / 2))


class TestReading:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("cosine(0.0002, 5e-05, 39062)", "cosine(0.0002, 5e-05, 39062)"),
            ("cosine(start=1, steps=3, end=0)", "cosine(1.0, 0.0, 3)"),
            (" halving( cosine(0,9765,39062) ) ", "halving(cosine(0.0, 9765.0, 39062))"),
            ("halving(10)", "halving(10.0)"),
            (schedules.Cosine(np.float32(0.5), np.int64(1), np.int64(4)), "cosine(0.5, 1.0, 4)"),
        ],
    )
    def test_schedules(self, value, text):
        found = schedules.get(value)
        assert schedules.text(found) == text
        assert schedules.text(schedules.get(text)) == text
        config = json.loads(json.dumps(schedules.serialize(found)))
        assert schedules.text(schedules.get(config)) == text
        assert type(schedules.get(config)) is type(found)

    def test_numbers_and_none(self):
        assert schedules.get(None) is None
        assert [schedules.get(value) for value in (1, 0.5, np.float32(0.5), "0.5", " 1e-3 ")] == [
            1,
            0.5,
            0.5,
            0.5,
            1e-3,
        ]
        assert schedules.serialize(0.5) == 0.5
        assert schedules.serialize(None) is None

    def test_keras_own(self):
        schedule = KERAS.ExponentialDecay(0.5, 2, 0.25)
        assert schedules.get(schedule) is schedule
        again = schedules.get(schedules.serialize(schedule))
        assert again.get_config() == schedule.get_config()
        assert schedules.text(schedule).startswith("ExponentialDecay(initial_learning_rate=0.5, decay_steps=2, ")

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("cosin(1, 0, 10)", r"^A setting .* found 'cosin\(1, 0, 10\)'\. Did you mean 'cosine'\?$"),
            ("fast", r"is a number, or a schedule such as 'cosine\(0.1, 0.01, 1000\)'; found 'fast'\.$"),
            ("", "found ''"),
            ("cosine(1, 0, 5), cosine(1, 0, 5)", "a schedule such as"),
            ("cosine(1, 0, 5) + 1", "a schedule such as"),
            ("__import__('os').system('true')", "a schedule such as"),
            ("nan", "found 'nan'"),
            (math.nan, "found nan"),
            (True, "found True"),
            ([0.5], r"found \[0.5\]"),
            (schedules.Cosine, "found <class"),
            ("cosine", r"^cosine takes start, end, steps, such as cosine\(0.1, 0.01, 1000\); found cosine\(\)\.$"),
            ("cosine(1, 0)", r"found cosine\(1, 0\)"),
            ("cosine(1, 0, 5, 6)", r"cosine takes start, end, steps"),
            ("cosine(1, 0, 5, warmup=6)", r"found cosine\(1, 0, 5, warmup=6\)"),
            ("halving", r"^halving takes half_life, such as halving\(1000\); found halving\(\)\.$"),
            ("cosine(1, 0, 0)", r"^steps of cosine must be a whole number, at least 1; found 0\.$"),
            ("cosine(1, 0, -3)", r"found -3\.$"),
            ("cosine(1, 0, 2.5)", r"found 2.5\.$"),
            ("cosine(nan, 0, 5)", r"^start of cosine must be a finite number; found 'nan'\.$"),
            ("cosine(0, 1e999, 5)", r"^end of cosine must be a finite number; found inf\.$"),
            ("cosine(cosine(1, 0, 5), 0, 5)", r"start of cosine must be a finite number; found cosine\(1, 0, 5\)\.$"),
            ("halving(-1)", r"^half_life of halving must be a finite number, at least 0; found -1\.$"),
            ("halving(cosine(5, -1, 5))", r"half_life of halving must be .* cosine\(5.0, -1.0, 5\) reaches -1\.$"),
            ("halving(halving(5))", r"^half_life of halving is not the decay of an average"),
            (
                {"class_name": "Normal", "config": {"dim": 3}, "registered_name": "kerasgan>Normal"},
                r"this config describes a Normal",
            ),
        ],
    )
    def test_refused(self, value, message):
        with pytest.raises(ValueError, match=message) as refused:
            schedules.get(value)
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (
                lambda: penalties.get("r1(cosine(1, -1, 5))"),
                r"^The weight of r1 must be .* at every step; cosine.* -1\.",
            ),
            (lambda: penalties.R1(KERAS.PolynomialDecay(1.0, 10, -1.0)), r"PolynomialDecay\(.*\) reaches -"),
            (lambda: penalties.R1(None), "^The weight of r1 must be a finite number, at least 0; found None"),
            (lambda: penalties.get("r1(cosin(1, 0, 5))"), r"^The weight of r1 is a number, or .* mean 'cosine'\?$"),
            (
                lambda: penalties.get("r1(halving(5))"),
                r"^The weight of r1 is not the decay of an average, which halving",
            ),
            (lambda: penalties.get("r1(5, every=cosine(1, 9, 5))"), r"every of r1 must be .* found cosine\(1, 9, 5\)"),
            (
                lambda: penalties.get("gradient_penalty(target=cosine(1, 0, 5))"),
                r"^The target of gradient_penalty must",
            ),
            (lambda: penalties.get("cosine(1, 0, 5)"), r"^A schedule is the weight of a penalty, such as 'r1\(cosine"),
            (lambda: augment.get("color, cosine(1, 0, 5)"), r"^A schedule is the probability of augmentation, such as"),
            (lambda: augment.get("diffaugment(cosine(1, 0, 5))"), r"^Unknown augmentation cosine\(1, 0, 5\)"),
            (lambda: augment.get("diffaugment(color, probability=1.5)"), r"^The probability .* from 0 to 1; found 1.5"),
            (lambda: augment.DiffAugment("color", math.nan), r"^The probability .* from 0 to 1; found nan"),
            (lambda: augment.get("diffaugment(color, probability=cosine(0, 2, 5))"), r"reaches 2\.$"),
            (
                lambda: augment.get("diffaugment(color, p=.5)"),
                r"^diffaugment takes transforms, and probability=; found",
            ),
            (lambda: augment.get("adaptive(target=cosine(0, .6, 5))"), r"target must lie between .* found cosine"),
            (lambda: augment.get("diffaugment(color), cutout"), r"^diffaugment stands alone"),
            (lambda: augment.DiffAugment(["diffaugment"]), r"^diffaugment is no transform, but takes some"),
            (lambda: optimizers.Adam("halving(5)"), "^learning_rate is not the decay of an average"),
            (lambda: optimizers.Adam("cosine(1, -1, 5)"), r"^learning_rate must be .* reaches -1\.$"),
            (
                lambda: optimizers.Adam(beta_1="cosine(0, 1, 5)"),
                r"^beta_1 is a number; .* Found 'cosine\(0, 1, 5\)'\.$",
            ),
            (
                lambda: optimizers.Adam(beta_2="cosine(.9, 1, 5)"),
                r"^beta_2 must be at least 0 and below 1, .* reaches 1",
            ),
            (lambda: small_gan(ema_decay="cosine(0, 2, 5)"), r"^ema_decay must be a number from 0 to 1, .* reaches 2"),
            (lambda: small_gan(ema_decay="1.5"), r"^ema_decay must lie between 0 and 1, or be None; found 1.5\.$"),
            (lambda: small_gan(ema_decay=math.nan), r"^ema_decay must lie between 0 and 1, or be None; found nan\.$"),
            (lambda: small_gan(ema_decay="slow"), r"^ema_decay is a number, or a schedule such as .* found 'slow'"),
        ],
    )
    def test_out_of_place_or_range(self, make, message):
        with pytest.raises(ValueError, match=message) as refused:
            make()
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("learning_rate", "fast", r"^dcgan's learning_rate is a number, or a schedule such as .* found 'fast'\.$"),
            (
                "generator_learning_rate",
                "cosin(1, 0, 5)",
                r"^dcgan's generator_learning_rate .* Did you mean 'cosine'\?$",
            ),
            ("ema_decay", "", r"^dcgan's ema_decay is a number, or a schedule .* found ''\.$"),
            ("beta_1", "cosine(0, 1, 5)", r"^dcgan's beta_1 must be of type float; found 'cosine\(0, 1, 5\)'\.$"),
            ("d_steps", "cosine(1, 5, 5)", r"^dcgan's d_steps must be of type int; found"),
        ],
    )
    def test_recipes(self, field, value, message):
        with pytest.raises(ValueError, match=message):
            registry.get_recipe("dcgan", **{field: value})


class TestAdam:
    def numpy_adam(self, gradients, rate, beta_1, beta_2, epsilon=1e-7, every=1):
        """PyTorch's with betas that are set before each update: the correction is that of the current ones. Epsilon is
        added before it, as Keras does (the `epsilon hat` of arXiv:1412.6980, section 2).
        """
        w, m, v, found = np.ones(gradients.shape[1]), 0.0, 0.0, []
        for t, gradient in enumerate(gradients.astype(np.float64)):
            if (t + 1) % every == 0:
                gradient = gradients[t + 1 - every : t + 1].astype(np.float64).mean(axis=0)
                updates, beta = (t + 1) // every, beta_2(t)
                m = beta_1 * m + (1 - beta_1) * gradient
                v = beta * v + (1 - beta) * gradient**2
                alpha = rate(t) * np.sqrt(1 - beta**updates) / (1 - beta_1**updates)
                w = w - alpha * m / (np.sqrt(v) + epsilon)
            found.append(w)
        return np.stack(found)

    @pytest.mark.parametrize("every", [1, 3])
    @pytest.mark.parametrize("scaled", [False, True])
    @pytest.mark.parametrize("graph", [False, True])
    def test_beta_2(self, every, scaled, graph):
        """By itself, in a loss scale, with accumulated gradients, which schedules then count, as Keras's rates do."""
        gradients = np.random.default_rng(0).normal(size=(14, 5)).astype(np.float32)
        adam = optimizers.Adam(
            "cosine(0.05, 0.01, 9)",
            beta_1=0.5,
            beta_2="cosine(0.5, 0.99, 10)",
            gradient_accumulation_steps=every if every > 1 else None,
        )
        weight = keras.Variable(np.ones(5, np.float32))
        optimizer = keras.optimizers.LossScaleOptimizer(adam, initial_scale=8.0) if scaled else adam
        optimizer.build([weight])
        scale = 8.0 if scaled else 1.0
        step = tf.function(lambda g: optimizer.apply([g * scale], [weight])) if graph else None
        found = []
        for gradient in tf.constant(gradients):
            step(gradient) if graph else optimizer.apply([gradient * scale], [weight])
            found.append(weight.numpy())
        expected = self.numpy_adam(
            gradients, lambda t: cosine(t, 0.05, 0.01, 9), 0.5, lambda t: cosine(t, 0.5, 0.99, 10), every=every
        )
        np.testing.assert_allclose(np.stack(found), expected, atol=1e-5)

    def test_two_updates_on_paper(self):
        """beta_2 falls from .9 to .5 in one step: v is .1, then .5 .1 + .5 9, and its correction 1 - .5^2."""
        weight, adam = keras.Variable([2.0]), optimizers.Adam(0.1, beta_1=0.0, beta_2=schedules.Cosine(0.9, 0.5, 1))
        adam.apply([keras.ops.array([1.0])], [weight])
        assert weight.numpy().item() == pytest.approx(1.9, abs=1e-6)
        adam.apply([keras.ops.array([3.0])], [weight])
        assert weight.numpy().item() == pytest.approx(1.9 - 0.1 * 3 / ((0.05 + 4.5) / 0.75) ** 0.5, abs=1e-6)

    def test_config_round_trip(self):
        adam = optimizers.Adam("cosine(0.05, 0.01, 9)", 0.5, "halving(cosine(1, 9, 4))", epsilon=1e-8)
        for optimizer in (adam, keras.optimizers.LossScaleOptimizer(adam)):
            config = json.loads(json.dumps(keras.saving.serialize_keras_object(optimizer)))
            again = keras.saving.deserialize_keras_object(config)
            again = getattr(again, "inner_optimizer", again)
            assert again.get_config() == adam.get_config()
            assert schedules.text(again.beta_2) == "halving(cosine(1.0, 9.0, 4))"

    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ({"learning_rate": "cosine(1, 0, 5)"}, "learning_rate"),
            ({"beta_2": "cosine(0, .9, 5)"}, "beta_2"),
            ({"learning_rate": "cosine(1, 0, 5)", "beta_2": "cosine(0, .9, 5)"}, "learning_rate and beta_2"),
        ],
    )
    def test_no_correction_for_lazy_penalties(self, given, named):
        with pytest.raises(ValueError, match=rf"found Adam with a schedule of {named}\. Set lazy_correction=False\."):
            penalties.correct_for_lazy(optimizers.Adam(**given), penalties.get("r1(1, every=2)"))


class TestPenalties:
    def test_the_weight_goes_by_the_discriminators_updates(self):
        """D(x) = w x has R1 = w^2, and its gradient 2 w: SGD takes 2 w times what is paid from w, with nothing else."""
        critic = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        x = tf.ones((4, 1))
        for every in (1, 2):
            critic.set_weights([np.float32([[3.0]])])
            (penalty,) = penalties.get(f"r1(cosine(0.2, 0.02, 4), every={every})")
            sgd, w = keras.optimizers.SGD(1.0), 3.0
            for update in range(7):
                payment = penalties.Payment(lambda x, kind: critic(x), x, x, x)
                zero = [tf.zeros((1, 1))]
                gradients = payment.add([penalty], zero, critic.trainable_variables, sgd, tf.constant(update, tf.int64))
                due = update % every == 0
                values, paid = payment.values["r1"]
                assert float(paid) == due
                if due:
                    np.testing.assert_allclose(values, [w**2] * 4, rtol=1e-5)  # without its weight
                sgd.apply(gradients, critic.trainable_variables)
                w -= due * every * cosine(update, 0.2, 0.02, 4) * 2 * w
                np.testing.assert_allclose(critic.get_weights()[0], [[w]], rtol=1e-5)

    def test_in_the_game_with_two_updates_to_a_step(self):
        """The step counts to 3 and D's updates to 6: each weight is that of D's own count."""

        seen = []

        class Counting(schedules.Cosine):
            def __call__(self, step):
                seen.append(int(step))
                return super().__call__(step)

        gan = small_gan()
        gan.compile(d_steps=2, penalties=penalties.R1(Counting(1, 0, 10)), run_eagerly=True)
        gan.fit(small_images(24), batch_size=8, shuffle=False, verbose=0)
        assert seen == [0, 1, 2, 3, 4, 5]

    def test_round_trip(self):
        found = penalties.get("r1(cosine(1, 0.1, 50), every=4), gradient_penalty(cosine(10, 5, 20), target=0)")
        again = penalties.get(json.loads(json.dumps(penalties.serialize(found))))
        assert [schedules.text(penalty.weight) for penalty in again] == [
            "cosine(1.0, 0.1, 50)",
            "cosine(10.0, 5.0, 20)",
        ]
        assert [penalty.get_config() for penalty in again] == [penalty.get_config() for penalty in found]


class TestAugmentation:
    def images(self, n=2000):
        return tf.constant(np.random.default_rng(0).uniform(-1, 1, (n, 8, 8, 3)).astype(np.float32))

    def test_each_transform_by_itself(self):
        """Of two transforms with p = .3 both, one and none are as frequent as coins say, and where a number says so."""
        names = ("color", "translation")
        both = augment.DiffAugment(names, probability=0.3)
        images = self.images()
        u = tf.constant(np.random.default_rng(1).uniform(size=(2000, both.noise.dim)).astype(np.float32))
        found = both(images, u).numpy()
        color, translation = (u.numpy()[:, place] < 0.3 for place in (0, 4))
        expected = images.numpy().copy()
        changed = augment.color(images, u[:, 1:4]).numpy()
        expected[color] = changed[color]
        moved = augment.translation(tf.constant(expected), u[:, 5:7]).numpy()
        expected[translation] = moved[translation]
        np.testing.assert_array_equal(found, expected)
        assert (color & translation).mean() == pytest.approx(0.09, abs=0.02)

    def test_a_schedule_goes_by_the_step(self):
        augmentation = augment.get("diffaugment(color, translation, probability=cosine(0, 0.8, 10))")
        images = self.images(500)
        u = tf.constant(np.random.default_rng(1).uniform(size=(500, augmentation.noise.dim)).astype(np.float32))
        for step in (0, 3, 10, 11):
            p = float(cosine(step, 0, 0.8, 10))
            expected = augment.DiffAugment(("color", "translation"), p)(images, u) if p else images
            np.testing.assert_array_equal(augmentation(images, u, step=tf.constant(step, tf.int64)), expected)
            assert float(augmentation.logged(step)["augment_p"]) == pytest.approx(p, abs=1e-6)

    @pytest.mark.parametrize("probability", [1, 1.0, "1", "cosine(1, 1, 5)"])
    def test_always_is_what_it_was(self, probability):
        images, names = self.images(20), ("color", "translation", "cutout")
        plain = augment.DiffAugment(names)
        u = tf.constant(np.random.default_rng(1).uniform(size=(20, plain.noise.dim)).astype(np.float32))
        always = augment.DiffAugment(names, probability)
        np.testing.assert_array_equal(always(images, u), plain(images, u))
        assert always.chance(3) is None

    @pytest.mark.parametrize(
        ("text", "transforms", "probability"),
        [
            ("diffaugment", ("color", "translation", "cutout"), "1.0"),
            ("diffaugment(color)", ("color",), "1.0"),
            ("diffaugment(color, translation, probability=.5)", ("color", "translation"), "0.5"),
            ("diffaugment(probability=cosine(0, .3, 5))", ("color", "translation", "cutout"), "cosine(0.0, 0.3, 5)"),
        ],
    )
    def test_reading(self, text, transforms, probability):
        found = augment.get(text)
        for augmentation in (found, augment.get(json.loads(json.dumps(augment.serialize(found))))):
            assert augmentation.transforms == transforms
            assert schedules.text(augmentation.probability) == probability

    def test_a_config_of_before(self):
        config = {**augment.serialize(augment.DiffAugment("color")), "config": {"transforms": ["color"]}}
        assert augment.get(config).probability == 1.0


class TestAverage:
    @pytest.mark.parametrize(
        ("decay", "at"),
        [
            ("halving(cosine(0, 3, 4))", lambda t: 0.5 ** (1 / max(cosine(t, 0, 3, 4), 1e-8))),
            (schedules.Halving(2), lambda t: 0.5**0.5),
            (KERAS.PolynomialDecay(0.2, 4, 0.6), lambda t: 0.2 + 0.4 * min(t, 4) / 4),
            ("0.9", lambda t: min(0.9, (2 + t) / (11 + t))),  # a number, with the warm-up that numbers have
        ],
    )
    def test_it_follows_by_its_schedule(self, decay, at):
        gan = small_gan(ema_decay=decay)
        expected = gan.ema_generator.layers[0].kernel.numpy().astype(np.float64)
        for t in range(6):
            gan.train_on_batch(small_images(8))
            weight = gan.generator.layers[0].kernel.numpy()
            expected = at(t) * expected + (1 - at(t)) * weight
            np.testing.assert_allclose(gan.ema_generator.layers[0].kernel.numpy(), expected, rtol=1e-4, atol=1e-6)

    def test_what_cards_and_exports_say(self, tmp_path):
        gan = small_gan(ema_decay="halving(cosine(0, 3, 4))")
        folder = gan.save_to_preset(tmp_path / "preset")
        assert presets.read_metadata(folder)["ema_decay"] == "halving(cosine(0.0, 3.0, 4))"
        assert "average (decay halving(cosine(0.0, 3.0, 4)))" in (folder / "README.md").read_text()
        again = kerasgan.GAN.from_preset(folder)
        assert repr(again.ema_decay) == "halving(cosine(0.0, 3.0, 4))"
        from kerasgan.serving import savedmodel

        assert "decay halving(cosine(0.0, 3.0, 4)), batch" in savedmodel._facts(gan, False)["generator"]
        assert "decay 0.9, batch" in savedmodel._facts(small_gan(ema_decay=0.9), False)["generator"]


class TestInTheGame:
    def test_a_resumed_training_ends_as_an_uncut_one(self, tmp_path):
        """With a schedule of everything: 3 steps, a file, 3 steps, against 6; weights, average, optimizers and logs."""
        images, how = small_images(96), {"batch_size": 16, "shuffle": False, "verbose": 0}
        whole, first = (scheduled_gan(d_steps=2) for _ in range(2))
        whole.fit(images[:48], **how)
        expected = whole.fit(images[48:], **how).history
        first.fit(images[:48], **how)
        first.save(tmp_path / "gan.keras")
        second = keras.saving.load_model(tmp_path / "gan.keras")
        assert int(second.step.numpy()) == 3
        assert second.fit(images[48:], **how).history == expected
        np.testing.assert_array_equal(second.generate(4), whole.generate(4))
        assert_same_weights(second, whole)
        for name in ("d_optimizer", "g_optimizer"):
            for a, b in zip(getattr(second, name).variables, getattr(whole, name).variables, strict=True):
                np.testing.assert_array_equal(a.numpy(), b.numpy())

    def test_probabilities_are_logged_as_the_mean_of_the_steps(self):
        gan = scheduled_gan()
        history = gan.fit(small_images(24), batch_size=8, shuffle=False, verbose=0).history
        expected = np.mean([cosine(t, 0, 0.6, 5) for t in range(3)])
        assert history["augment_p"] == [pytest.approx(expected, abs=1e-6)]
        fixed = small_gan()
        fixed.compile(augment="diffaugment(color, probability=.5)")
        assert "augment_p" not in fixed.fit(small_images(8), batch_size=8, verbose=0).history

    def test_what_never_changes_gives_the_same_graph_and_bits(self):
        """A schedule from a number to itself is that number; and a number leaves no trace of a schedule."""

        def trained(weight, probability, beta):
            gan = small_gan()
            gan.compile(
                *(optimizers.Adam(1e-3, beta_1=0.5, beta_2=beta) for _ in range(2)),
                penalties=f"r1({weight}, every=2), r2({weight})",
                augment=augment.DiffAugment(("color", "translation"), probability),
            )
            gan.fit(small_images(24), batch_size=8, shuffle=False, verbose=0)
            step = tf.function(gan.train_step).get_concrete_function(tf.TensorSpec((8, 8, 8, 1), tf.float32))
            kinds = [node.op for node in step.graph.as_graph_def().node]
            return gan, kinds

        plain, operations = trained("0.25", 1.0, 0.99)
        constant, same = trained("cosine(0.25, 0.25, 7)", 1.0, "cosine(0.99, 0.99, 7)")
        assert same == operations
        assert "Cos" not in operations
        assert_same_weights(constant, plain)
        _, more = trained("cosine(0.25, 0.5, 7)", "cosine(1, 0, 7)", "cosine(0.99, 0.9, 7)")
        assert len(more) > len(operations)


class TestRuns:
    @pytest.fixture
    def dataset(self, tmp_path):
        images = np.random.default_rng(0).integers(0, 256, (24, 28, 28, 1), dtype=np.uint8)
        np.savez(tmp_path / "images.npz", images=images)
        return str(tmp_path / "images.npz")

    def test_config_and_resume(self, dataset, tmp_path):
        config = runs.resolve("dcgan", dataset, epochs=2, **ASKED)
        assert {name: config.recipe[name] for name in ASKED if name != "batch_size"} == {
            name: value for name, value in ASKED.items() if name != "batch_size"
        }
        gan = registry.create_model("dcgan", **config.recipe)
        assert repr(gan.d_optimizer._learning_rate) == "cosine(0.001, 0.0, 9)"
        assert repr(gan.g_optimizer._learning_rate) == "cosine(0.002, 0.0001, 9)"
        whole = runs.train(config, tmp_path / "whole", verbose=0)
        runs.train(dataclasses.replace(config, epochs=1), tmp_path / "run", verbose=0)
        longer = runs.with_epochs(runs.read_config(tmp_path / "run"), 2)
        assert longer == config
        assert_same_weights(runs.train(longer, tmp_path / "run", resume=True, verbose=0), whole)
        command = runs.command(config)
        for name in ("learning_rate", "ema_decay", "augment"):
            assert f"'--{name}={ASKED[name]}'" in command

    def test_differences(self, dataset):
        config = runs.resolve("dcgan", dataset, **ASKED)
        same = {
            "learning_rate": "cosine(1e-3,0,9)",
            "ema_decay": "halving( cosine(0, 5, 9) )",
            "penalties": "r1(cosine(.1,.01,9),every=2)",
        }
        assert runs.differences(config, same) == []
        assert runs.differences(config, {"ema_decay": 0.9, "learning_rate": "cosine(0.001, 0, 8)"}) == [
            "ema_decay: halving(cosine(0, 5, 9)) -> 0.9",
            "learning_rate: cosine(0.001, 0.0, 9) -> cosine(0.001, 0, 8)",
        ]
        assert runs.differences(config, {"ema_decay": ""}) == ["ema_decay: halving(cosine(0, 5, 9)) -> None"]
        assert runs.resolve("dcgan", dataset, **{**ASKED, "ema_decay": ""}).recipe["ema_decay"] is None

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            ({"ema_decay": "cosine(0, 2, 5)"}, "ema_decay must be a number from 0 to 1, at every step"),
            ({"ema_decay": "slow"}, "dcgan's ema_decay is a number, or a schedule"),
            ({"learning_rate": "cosine(1, 0, 0)"}, "steps of cosine must be a whole number, at least 1; found 0"),
            ({"penalties": "r1(cosine(1, -1, 5))"}, "The weight of r1 must be a finite number, at least 0"),
        ],
    )
    def test_refused_before_anything_is_written(self, dataset, setting, message):
        with pytest.raises(ValueError, match=message):
            runs.resolve("dcgan", dataset, **{**ASKED, **setting})

    def test_the_command(self, dataset, tmp_path, capsys):
        from kerasgan import cli

        given = [f"--{name}={value}" for name, value in ASKED.items()]
        options = ["train", "--model=dcgan", f"--dataset={dataset}", f"--output={tmp_path / 'run'}", "--quiet"]
        assert cli.main([*options, "--epochs=1", *given]) == 0
        assert runs.read_config(tmp_path / "run").recipe["ema_decay"] == ASKED["ema_decay"]
        again = [*options, "--resume", "--ema_decay=halving(cosine(0,5.0,9))", "--set=learning_rate=cosine(1e-3,0,9)"]
        assert cli.main(again) == 0
        assert cli.main([*options, "--resume", "--ema_decay=.9"]) != 0
        assert "ema_decay: halving(cosine(0, 5, 9)) -> 0.9" in capsys.readouterr().err


def test_a_recipe_with_numbers_imports_no_tensorflow():
    code = (
        "import sys; from kerasgan import registry; registry.list_models(); "
        "registry.get_recipe('dcgan', ema_decay=.9, learning_rate=1e-3); assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
