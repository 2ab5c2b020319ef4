"""The game with labels, penalties and augmentation: who sees which label, what is kept, and what is refused in time."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import assert_same_weights, small_images, weights_of

import kerasgan
from kerasgan import latents

NAMES = ("Shirt", "Bag", "Boot")
X = small_images(16)
Y = np.int64([0, 2, 1, 1, 2, 2, 0, 2, 1, 0, 2, 2, 1, 0, 2, 2])
EVERYTHING = {
    "loss": "relativistic",
    "penalties": "r1(.5, every=2), gradient_penalty(1)",
    "augment": "adaptive(color, translation, interval=1, images=40, target=-.9)",
}


class Spy(keras.layers.Layer):
    """Keeps what it is given, where Python runs it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = []

    def call(self, x):
        if tf.executing_eagerly() and hasattr(x, "numpy"):
            self.seen.append(x.numpy())
        return x

    def compute_output_shape(self, shape):
        return shape


def conditional_gan(seed=0, names=NAMES, dropout=False, ema_decay=None, **rules):
    keras.utils.set_random_seed(seed)
    latent = latents.Labelled(4, 3, names)
    generator = keras.Sequential(
        [keras.Input((7,)), keras.layers.Dense(64, activation="tanh"), keras.layers.Reshape((8, 8, 1))]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation="tanh"),
            *([keras.layers.Dropout(0.3)] if dropout else []),
            keras.layers.Dense(3),
        ]
    )
    gan = kerasgan.GAN(generator, discriminator, latent, seed=seed, ema_decay=ema_decay)
    gan.compile(**rules)
    return gan


def spied_gan(**rules):
    """The same, with watchers before both networks and run by Python."""
    gan = conditional_gan()
    spies = Spy(), Spy()
    watched = [
        keras.Sequential([keras.Input(network.input_shape[1:]), spy, *network.layers])
        for spy, network in zip(spies, (gan.generator, gan.discriminator), strict=True)
    ]
    gan = kerasgan.GAN(*watched, gan.latent)
    gan.compile(run_eagerly=True, **rules)
    for spy in spies:
        spy.seen.clear()
    return gan, *(spy.seen for spy in spies)


def labels_in(z):
    return np.argmax(z[:, 4:], axis=1)


class TestLabels:
    @pytest.mark.parametrize(("d_steps", "fresh_noise"), [(1, False), (2, True)])
    def test_generated_samples_take_the_labels_of_the_real_ones_row_by_row(self, d_steps, fresh_noise):
        gan, z, images = spied_gan(d_steps=d_steps, fresh_noise=fresh_noise)
        gan.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
        minibatches = Y.reshape(-1, 8 // d_steps)
        if fresh_noise:  # the generator's own update has the labels of the last minibatch
            minibatches = [minibatches[i] for i in (0, 1, 1, 2, 3, 3)]
        assert len(z) == len(minibatches)
        for given, expected in zip(z, minibatches, strict=True):
            np.testing.assert_array_equal(labels_in(given), expected)
        assert len(np.unique(np.concatenate(z)[:, 0])) == len(np.concatenate(z))
        real = images[0:1] + images[2:3] if d_steps == 2 else images[0:1] + images[3:4]
        np.testing.assert_array_equal(np.concatenate(real), X[:8] if d_steps == 2 else X)

    def test_in_evaluation_too(self):
        gan, z, _ = spied_gan()
        gan.evaluate(X, Y[:, None], batch_size=8, verbose=0)
        np.testing.assert_array_equal(np.concatenate([labels_in(given) for given in z]), Y)

    def test_the_loss_reads_the_column_of_the_own_label(self):
        """D gives (1, 2, 3) whatever it sees, and Wasserstein's generator loss is minus the own column."""
        gan = conditional_gan(loss="wasserstein", run_eagerly=True)
        gan.discriminator.layers[-1].set_weights([np.zeros((8, 3)), np.float32([1, 2, 3])])
        gan.d_optimizer.learning_rate = 0.0
        logs = gan.train_on_batch(X[:4], np.array([0, 2, 2, 1]), return_dict=True)
        assert logs["g_loss"] == pytest.approx(-(1 + 3 + 3 + 2) / 4)
        assert logs["critic_gap"] == pytest.approx(0.0, abs=1e-6)
        assert gan.test_on_batch(X[:2], np.array([2, 2]), return_dict=True)["g_loss"] == pytest.approx(-3)

    def test_only_the_columns_of_labels_that_occur_learn(self):
        gan = conditional_gan(d_optimizer=keras.optimizers.SGD(0.1), penalties="r1(1)", run_eagerly=True)
        before = gan.discriminator.layers[-1].get_weights()[0]
        gan.train_on_batch(X[:4], np.array([0, 2, 2, 0]))
        moved = np.abs(gan.discriminator.layers[-1].get_weights()[0] - before).max(0)
        assert moved[1] == 0
        assert min(moved[0], moved[2]) > 1e-4

    def test_image_i_is_that_of_its_seed_and_its_label(self):
        gan = conditional_gan()
        images = gan.generate(5, seed=3, labels=["Bag", 0, 2, "Bag", "Boot"], batch_size=2)
        for i, label in enumerate([1, 0, 2, 1, 2]):
            z = gan.latent.with_labels(gan.latent.from_seeds([3 + i]), [label])
            np.testing.assert_allclose(images[i], (gan.generator(z)[0] + 1) / 2, atol=1e-6)
            np.testing.assert_allclose(gan.generate(1, seed=3 + i, labels=NAMES[label])[0], images[i], atol=1e-6)
        np.testing.assert_array_equal(gan.generate(2, labels=1), gan.generate(2, labels="Bag"))
        own = labels_in(gan.latent.from_seeds(np.arange(6)).numpy())
        np.testing.assert_array_equal(gan.generate(6, labels=own), gan.generate(6))
        assert np.abs(gan.generate(2, labels=1) - gan.generate(2, labels=2)).max() > 0.01

    def test_shares_are_those_of_the_data_once_training_has_begun(self):
        gan = conditional_gan(names=None)
        assert gan.class_names == ("0", "1", "2")
        before = gan.generate(40)
        gan.fit(X, np.where(Y == 1, 2, Y), batch_size=16, verbose=0)
        assert gan.latent.shares == (0.25, 0.0, 0.75)
        drawn = labels_in(gan.latent.from_seeds(np.arange(40)).numpy())
        assert set(drawn) == {0, 2}
        np.testing.assert_array_equal(gan.generate(40, labels=drawn), gan.generate(40))  # not by an older graph
        assert before.shape == (40, 8, 8, 1)

    def test_a_list_of_labels_is_an_array_of_them(self):
        """Keras takes a list for as many outputs."""
        one, other = conditional_gan(), conditional_gan()
        one.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
        other.fit(X, Y.tolist(), batch_size=8, shuffle=False, verbose=0)
        assert_same_weights(one, other)
        assert other.evaluate(X, y=Y.tolist(), batch_size=8, verbose=0) == one.evaluate(X, Y, batch_size=8, verbose=0)

    def test_an_unconditional_gan_leaves_labels_aside(self):
        gans = []
        for y in (None, Y):
            gan = unconditional_gan()
            gan.fit(X, y, batch_size=8, shuffle=False, verbose=0)
            gans.append(gan)
        assert gans[0].class_names is None
        assert_same_weights(*gans)
        with pytest.raises(
            ValueError, match=r"knows no classes: its latent is Normal, not Labelled\. Leave labels out"
        ):
            gan.generate(1, labels=0)


def unconditional_gan(**rules):
    keras.utils.set_random_seed(0)
    generator = keras.Sequential([keras.Input((4,)), keras.layers.Dense(64), keras.layers.Reshape((8, 8, 1))])
    discriminator = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    gan = kerasgan.GAN(generator, discriminator, latents.Normal(4))
    gan.compile(**rules)
    return gan


@pytest.fixture(scope="module")
def gan():
    return conditional_gan(penalties="r1(1)", augment="adaptive")


class TestWhatIsRefused:
    """Each in one line, before a number has changed."""

    def refused(self, gan, message, *args, **kwargs):
        before = weights_of(gan)
        with pytest.raises(ValueError, match=message) as error:
            gan.fit(*args, batch_size=8, verbose=0, **kwargs)
        assert "\n" not in str(error.value)
        for weight, old in zip(weights_of(gan), before, strict=True):
            np.testing.assert_array_equal(weight, old)
        assert int(gan.step.value) == 0

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (None, r"takes batches \(samples, labels\) with labels from 0 to 2, .*; found samples alone"),
            (Y.astype(np.float32), r"as whole numbers; found float"),
            (Y == 1, r"as whole numbers; found bool"),
            (Y + 1, r"Labels must lie from 0 to 2; found 1 to 3"),
            (Y - 1, r"Labels must lie from 0 to 2; found -1 to 1"),
            (np.eye(3, dtype=np.int32)[Y], r"found shape \(\w+, 3\)"),
            (np.array(NAMES)[Y], r"as whole numbers; found <U5"),
        ],
        ids=["none", "floats", "truth values", "above", "below", "one-hot", "names"],
    )
    def test_arrays(self, gan, y, message):
        self.refused(gan, message, X, y)

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (Y + 1, r"Labels must lie from 0 to 2; found 1 to 3\."),
            (Y - 1, r"found -1 to 1\."),
            (Y + 2**32, r"found 4294967296 to 4294967298\."),
            (np.uint64(Y) + np.uint64(2**63), r"found -9223372036854775808 to "),
        ],
        ids=["above", "below", "that int32 takes for classes", "that int64 takes for others"],
    )
    def test_datasets(self, gan, y, message):
        self.refused(gan, message, tf.data.Dataset.from_tensor_slices((X, y)).batch(8))

    @pytest.mark.parametrize("method", ["evaluate", "train_on_batch", "test_on_batch"])
    @pytest.mark.parametrize("kind", [list, np.array, lambda names: np.array(names, object)])
    def test_texts(self, gan, method, kind):
        for given in ({"y": kind([NAMES[y] for y in Y])}, {"y": kind([0.5] * len(X))}):
            with pytest.raises(ValueError, match=r"from 0 to 2, .*, as whole numbers; found \S+\.$") as error:
                getattr(gan, method)(X, **given)
            assert "\n" not in str(error.value)

    def test_another_number_of_labels_than_of_samples(self, gan):
        self.refused(gan, r"There must be a label for each sample; found 15 labels of 16 samples", X, Y[:-1])
        pairs = tf.data.Dataset.from_tensors((X[:8], Y[:7]))
        self.refused(gan, r"There must be a label for each sample; labels found: 7\.", pairs)

    def test_generate(self, gan):
        with pytest.raises(ValueError, match=r"There is no class 'Boots'; there are .*\. Did you mean 'Boot'\?"):
            gan.generate(2, labels="Boots")
        with pytest.raises(ValueError, match=r"a list of 3; found a list of 2"):
            gan.generate(3, labels=[0, 1])

    def test_a_discriminator_of_another_width(self):
        gan = conditional_gan()
        narrow = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
        other = kerasgan.GAN(gan.generator, narrow, gan.latent)
        with pytest.raises(ValueError, match=r"with 3 classes needs one logit for each, .*; it gives shape \(B, 1\)"):
            other.compile()

    def test_a_loss_that_cannot_say_when_d_is_right(self):
        class Silent(kerasgan.losses.AdversarialLoss):
            def discriminator_loss(self, real_outputs, fake_outputs, z, latent):
                return kerasgan.losses.logits_of(fake_outputs) - kerasgan.losses.logits_of(real_outputs)

            def generator_loss(self, fake_outputs, z, latent):
                return -kerasgan.losses.logits_of(fake_outputs)

        gan = conditional_gan(loss=Silent(), augment="adaptive(color)")
        self.refused(gan, r"Silent does not say when its discriminator is right", X, Y)


class TestKept:
    def test_keras_file(self, tmp_path):
        """A training that is saved and loaded ends as one that never was: labels, p, lazy penalties and all."""
        first = conditional_gan(dropout=True, ema_decay=0.9, run_eagerly=True, **EVERYTHING)
        first.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)  # 4 steps
        first.train_on_batch(X[:8], Y[:8])  # an odd one: the next pays no r1
        p = first.augment.p.numpy()
        assert 0 < p <= 1
        first.save(tmp_path / "gan.keras")
        second = keras.saving.load_model(tmp_path / "gan.keras")
        assert second.class_names == NAMES
        assert second.latent.shares == (4 / 16, 4 / 16, 8 / 16)
        assert [(k.name, k.weight, k.every) for k in second.penalties] == [
            ("r1", 0.5, 2),
            ("gradient_penalty", 1.0, 1),
        ]
        assert second.augment.get_config() == first.augment.get_config()
        assert {name: v.numpy() for name, v in second.augment.variables().items()} == {
            name: v.numpy() for name, v in first.augment.variables().items()
        }
        assert second.loss.reads_real
        np.testing.assert_array_equal(second.generate(4, labels="Bag"), first.generate(4, labels="Bag"))
        logs = [gan.fit(X, Y, batch_size=8, shuffle=False, verbose=0).history for gan in (first, second)]
        assert logs[0] == logs[1]
        assert_same_weights(first, second)
        assert first.augment.p.numpy() == second.augment.p.numpy()

    def test_preset(self, tmp_path):
        gan = conditional_gan(run_eagerly=True, **EVERYTHING)
        gan.train_on_batch(X[:8], Y[:8])
        gan.save_to_preset(tmp_path / "preset")
        again = kerasgan.GAN.from_preset(tmp_path / "preset")
        assert again.class_names == NAMES
        np.testing.assert_array_equal(again.generate(2, labels="Boot"), gan.generate(2, labels="Boot"))
        assert [k.get_config() for k in again.penalties] == [k.get_config() for k in gan.penalties]
        assert again.augment.get_config() == gan.augment.get_config()

    def test_compiling_again_forgets(self):
        gan = unconditional_gan(run_eagerly=True, augment="adaptive(color, interval=1, images=8, target=-.9)")
        assert "augment_p" in gan.train_on_batch(X[:8], return_dict=True)
        gan.compile(run_eagerly=True)
        assert (gan.penalties, gan.augment) == ((), None)
        assert sorted(gan.train_on_batch(X[:8], return_dict=True)) == [
            "d_fake",
            "d_loss",
            "d_real",
            "g_loss",
            "jsd",
            "value",
        ]


def trained(**rules):
    """Four steps with all of it switched on, and what they logged."""
    gan = conditional_gan(**{**EVERYTHING, **rules})
    return gan, gan.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0).history


TWICE = {"d_steps": 2, "penalties": "r1(.5, every=3)"}  # eight updates of D: the first, the fourth, the seventh


@pytest.fixture(scope="module")
def plainly():
    return trained(**TWICE)


class TestTheSameGame:
    @pytest.mark.parametrize(
        "rules",
        [{"run_eagerly": True}, {"steps_per_execution": 2}],
        ids=["eager", "two steps at once"],
    )
    def test_however_it_is_run(self, plainly, rules):
        self.assert_close(trained(**TWICE, **rules), plainly)

    def test_compiled_by_xla(self):
        self.assert_close(trained(jit_compile=True), trained(run_eagerly=True))

    def assert_close(self, found, expected):
        (gan, history), (plainly, expected_history) = found, expected
        for found, expected in zip(weights_of(gan), weights_of(plainly), strict=True):
            np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-5)
        assert gan.augment.p.numpy() == pytest.approx(float(plainly.augment.p.numpy()), abs=1e-6)
        for name, values in expected_history.items():
            np.testing.assert_allclose(history[name], values, rtol=5e-3, atol=1e-4)

    def test_what_is_logged(self, plainly):
        _, history = plainly
        assert sorted(history) == ["augment_p", "d_loss", "g_loss", "pair_accuracy", "pair_jsd", "r1"]
        assert np.isfinite(np.concatenate(list(history.values()))).all()

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_half_precision(self, policy):
        keras.config.set_dtype_policy(policy)
        try:
            gan = conditional_gan(run_eagerly=True, **EVERYTHING)
        finally:
            keras.config.set_dtype_policy("float32")
        before = weights_of(gan)
        history = gan.fit(X, Y, batch_size=8, epochs=2, verbose=0).history
        assert np.isfinite(np.concatenate(list(history.values()))).all()
        assert all(np.isfinite(weight).all() for weight in weights_of(gan))
        assert max(np.abs(a - b).max() for a, b in zip(weights_of(gan), before, strict=True)) > 1e-4

    def test_zero_weights_are_the_game_without(self):
        """Penalties that weigh nothing and a p that stays 0 leave the bits as they were."""
        gans = [
            unconditional_gan(run_eagerly=True),
            unconditional_gan(
                run_eagerly=True, penalties="r1(0), r2(0, every=2), gradient_penalty(0)", augment="adaptive(target=.99)"
            ),
        ]
        for gan in gans:
            gan.discriminator.set_weights([np.zeros((64, 1)), np.float32([-1.0])])  # D is wrong of every real sample
            gan.fit(X, batch_size=8, shuffle=False, verbose=0)
        assert gans[1].augment.p.numpy() == 0
        assert_same_weights(*gans)


@pytest.mark.parametrize(
    ("loss", "kinds", "expected"),
    [
        *((loss, None, 3) for loss in ("minimax", "non_saturating", "kl", "hinge", "least_squares", "wasserstein")),
        ("relativistic", None, 4),
        ("non_saturating", "r1(1), r2(1)", 5),
    ],
)
def test_who_pays_for_looking_at_real_samples_again(loss, kinds, expected):
    gan, _, images = spied_gan(loss=loss, penalties=kinds)
    gan.train_on_batch(X[:4], Y[:4])
    assert len(images) == expected
    # Real, generated, whatever penalties look at; then G's update, real ones first where its loss reads them.
    real = [np.array_equal(seen, X[:4]) for seen in images]
    assert real[:2] == [True, False]
    assert real[-2:] == [loss == "relativistic", False]


def test_a_gan_of_a_family_takes_all_of_it_from_strings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gan = kerasgan.create_model(
            "dcgan",
            classes=NAMES,
            generator_width=4,
            discriminator_width=4,
            loss="hinge",
            penalties="r1(5, every=16)",
            augment="color,translation",
            lazy_correction=True,
        )
    assert gan.class_names == NAMES
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(2e-4 * 16 / 17, rel=1e-6)
    assert gan.d_optimizer.beta_1 == pytest.approx(0.5 ** (16 / 17))
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(2e-4, rel=1e-6)
    assert gan.augment.transforms == ("color", "translation")
    assert isinstance(gan.loss, kerasgan.losses.Hinge)


def test_the_correction_is_refused_where_there_is_no_adam():
    with pytest.raises(ValueError, match=r"changes Adam's constant rate and its betas; found .*SGD"):
        kerasgan.create_model("vanilla_gan", penalties="r1(5, every=16)", lazy_correction=True)
