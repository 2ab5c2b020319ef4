"""Labels in the game: columns and their gradients by hand, and everything that is no label, one by one."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import quarters_gan

from kerasgan import data, labels, latents

LATENT = latents.Labelled(2, 3)


class TestOwnColumn:
    logits = np.float32([[1, 2, 3], [4, 5, 6], [7, 8, 9], [-1, -2, -3]])
    own = np.int32([2, 0, 0, 1])

    def test_values(self):
        np.testing.assert_array_equal(labels.own_column(tf.constant(self.logits), self.own), [[3], [4], [7], [-2]])
        found = labels.own_column({"logits": tf.constant(self.logits), "encoding": "as it is"}, self.own)
        np.testing.assert_array_equal(found["logits"], [[3], [4], [7], [-2]])
        assert found["encoding"] == "as it is"

    def test_without_labels_nothing_changes(self):
        for outputs in (tf.constant(self.logits), {"energy": tf.zeros(4)}):
            assert labels.own_column(outputs, None) is outputs

    def test_first_and_second_derivatives(self):
        x = tf.constant(self.logits)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                total = tf.reduce_sum(labels.own_column(x**2, self.own))
            first = inner.gradient(total, x)
            of_first = tf.reduce_sum(first**2) / 2
        chosen = np.eye(3, dtype=np.float32)[self.own]
        np.testing.assert_array_equal(first, 2 * self.logits * chosen)
        np.testing.assert_array_equal(outer.gradient(of_first, x), 4 * self.logits * chosen)

    def test_half_precision(self):
        found = labels.own_column(tf.cast(self.logits, tf.float16), self.own)
        assert found.dtype == tf.float32
        np.testing.assert_array_equal(found, [[3], [4], [7], [-2]])


def discriminator_of(width, name=None):
    x = keras.Input((5,))
    outputs = keras.layers.Dense(width)(x)
    return keras.Model(x, {name: outputs} if name else outputs)


class TestCheckDiscriminator:
    @pytest.mark.parametrize("name", [None, "logits"])
    def test_one_logit_for_each_class(self, name):
        labels.check_discriminator(discriminator_of(3, name), LATENT, (5,))
        for width in (1, 2, 4):
            with pytest.raises(
                ValueError,
                match=rf"with 3 classes needs one logit for each, shape \(B, 3\); it gives shape \(B, {width}\)",
            ):
                labels.check_discriminator(discriminator_of(width, name), LATENT, (5,))

    def test_others(self):
        with pytest.raises(ValueError, match=r"shape \(B, 3\); it gives no logits\."):
            labels.check_discriminator(discriminator_of(3, "energy"), LATENT, (5,))
        flat = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3), keras.layers.Reshape((3, 1))])
        with pytest.raises(ValueError, match=r"it gives shape \(B, 3, 1\)"):
            labels.check_discriminator(flat, LATENT, (5,))
        labels.check_discriminator(discriminator_of(1), latents.Normal(3), (5,))  # knows of no classes


class TestBatches:
    @pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
    @pytest.mark.parametrize("shape", [(4,), (4, 1)])
    def test_whole_numbers(self, dtype, shape):
        found = labels.check_labels(np.reshape([2, 0, 1, 1], shape).astype(dtype), LATENT)
        assert found.dtype == tf.int64
        np.testing.assert_array_equal(found, [2, 0, 1, 1])

    def test_an_unconditional_gan_leaves_them_aside(self):
        for y in (None, np.zeros(3), "whatever"):
            assert labels.check_labels(y, latents.Normal(2)) is None

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (None, r"found samples alone\. kerasgan.data.load\(\.\.\., like=gan\) gives both"),
            (np.float32([0, 1]), r"as whole numbers; found float32"),
            (np.array([True, False]), r"as whole numbers; found bool"),
            (np.array(["a", "b"]), r"as whole numbers; found string"),
            (np.eye(3, dtype=np.int32), r"found shape \(3, 3\)"),
            (np.int32(1), r"found shape \(\)"),
        ],
    )
    def test_what_is_none(self, y, message):
        with pytest.raises(
            ValueError, match=r"takes batches \(samples, labels\) with labels from 0 to 2, shape \(B,\)"
        ) as refused:
            labels.check_labels(y, LATENT)
        assert refused.match(message)


class TestShares:
    def latent(self, **options):
        return latents.Labelled(2, 3, **options)

    @pytest.mark.parametrize("shape", [(4,), (4, 1)])
    @pytest.mark.parametrize("kind", [np.array, tf.constant, list])
    def test_of_an_array(self, kind, shape):
        latent = self.latent()
        y = np.reshape([1, 1, 0, 1], shape)
        assert labels.record_shares(latent, np.zeros((4, 5), np.float32), kind(y))
        assert latent.shares == (0.25, 0.75, 0.0)
        assert not labels.record_shares(latent, np.zeros((1, 5), np.float32), kind([2]))
        assert latent.shares == (0.25, 0.75, 0.0)  # those of the beginning

    def test_of_a_dataset_and_its_names(self, tmp_path):
        images = np.zeros((6, 8, 8, 1), np.uint8)
        np.savez(tmp_path / "x.npz", images=images, labels=[0, 2, 2, 0, 0, 2], class_names=["a", "b", "c"])
        dataset = data.load(
            str(tmp_path / "x.npz"), image_shape=(8, 8, 1), value_range=(-1, 1), batch_size=2, labels=True
        )
        latent = self.latent()
        assert labels.record_shares(latent, dataset, None)
        assert latent.shares == (0.5, 0.0, 0.5)
        assert latent.names == ("a", "b", "c")
        with pytest.raises(
            ValueError, match=r"^The data has 3 classes, the model 2\. Make the model with classes=3\.$"
        ):
            labels.record_shares(latents.Labelled(2, 2), dataset, None)
        wider = latents.Labelled(2, 5)
        assert labels.record_shares(wider, dataset, None)
        assert wider.shares == (0.5, 0.0, 0.5, 0.0, 0.0)
        assert wider.names is None

    def test_names_once_given_stay(self):
        latent = self.latent(names=("x", "y", "z"))
        labels.record_shares(latent, np.zeros((2, 5), np.float32), np.array([0, 1]))
        assert latent.names == ("x", "y", "z")

    @pytest.mark.parametrize("y", [None, np.zeros(0, int), np.eye(3, dtype=int)])
    def test_of_nothing(self, y):
        latent = self.latent()
        assert not labels.record_shares(latent, np.zeros((3, 5), np.float32), y)
        assert latent.shares is None

    def test_out_of_range(self):
        for y, found in (([0, 3], "0 to 3"), ([-1, 1], "-1 to 1")):
            with pytest.raises(ValueError, match=rf"Labels must lie from 0 to 2; found {found}"):
                labels.record_shares(self.latent(), np.zeros((2, 5), np.float32), np.array(y))

    @pytest.mark.parametrize("y", [np.float32([0, 1]), np.array(["a", "b"]), np.array([True, False])])
    def test_no_whole_numbers(self, y):
        with pytest.raises(ValueError, match=rf"from 0 to 2, shape \(B,\), as whole numbers; found {y.dtype}\.$"):
            labels.record_shares(self.latent(), np.zeros((2, 5), np.float32), y)

    def test_another_number_than_of_samples(self):
        for samples in (np.zeros((2, 5), np.float32), tf.zeros((2, 5))):
            with pytest.raises(ValueError, match=r"a label for each sample; found 3 labels of 2 samples\.$"):
                labels.record_shares(self.latent(), samples, np.array([0, 1, 1]))

    def test_an_unconditional_latent_records_nothing(self):
        assert not labels.record_shares(latents.Normal(2), np.zeros((2, 5), np.float32), np.array([0, 1]))


class TestArrays:
    """Keras takes no lists, and says in many lines what is wrong with labels beside an array."""

    x = np.zeros((4, 5), np.float32)

    def test_a_list_becomes_an_array(self):
        found = labels.as_array(self.x, [2, 0, 1, 1], LATENT)
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, [2, 0, 1, 1])

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            ([0, 1, 2], r"a label for each sample; found 3 labels of 4 samples\.$"),
            (np.zeros(0, int), r"found 0 labels of 4 samples\.$"),
            (["a"] * 4, r"as whole numbers; found <U1\.$"),
            ({"y": 1}, r"as whole numbers; found object\.$"),
            ([[0], [1, 2], 0, 0], r"as whole numbers; found object\.$"),
            (1, r"found shape \(\)\.$"),
        ],
    )
    def test_what_is_none(self, y, message):
        with pytest.raises(ValueError, match=message):
            labels.as_array(self.x, y, LATENT)

    def test_an_unconditional_gan_leaves_them_aside(self):
        assert labels.as_array(self.x, "whatever", latents.Normal(2)) == "whatever"

    def test_evaluation_says_it_too(self):
        gan = quarters_gan()
        images = np.zeros((4, 8, 8, 1), np.float32)
        gan.evaluate(images, [0, 1, 2, 3], verbose=0)
        gan.evaluate(images, y=[[0], [1], [2], [3]], verbose=0)  # after which the graph knows no shape of labels
        gan.evaluate(images, np.array([[0], [1], [2], [3]]), verbose=0)
        for wrong in ([0, 1], ["a"] * 4, 1):
            with pytest.raises(ValueError, match=r"\A.*(a label for each sample|as whole numbers|shape \(\)).*\Z"):
                gan.evaluate(images, wrong, verbose=0)


def test_a_number_beyond_int32_stays_what_it_is():
    given = np.array([2**32, 2**63 - 1, -(2**40), 1])  # of which int32 would make classes
    np.testing.assert_array_equal(labels.check_labels(given, LATENT), given)


def test_a_dataset_of_other_names():
    dataset = data.load(
        np.zeros((6, 8, 8, 1), np.uint8), labels=[0, 1, 2, 0, 1, 2], class_names=["a", "b", "c"], batch_size=2
    )
    with pytest.raises(ValueError, match=r"^The data has 3 classes \(a, b, c\), .* class 0 is 'a' in the data, 'x' in"):
        labels.record_shares(latents.Labelled(2, 3, names=("x", "b", "c")), dataset, None)
