"""Latents are stateless, and a row of `from_seeds` depends on its own seed alone."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import latents

LATENTS = [
    latents.Normal(7),
    latents.Uniform(7, -2.0, 3.0),
    latents.Coded(2, (3,), 2),
    latents.Labelled(4, 3, ("a", "b", "c"), (1, 2, 3)),
]


@pytest.mark.parametrize("latent", LATENTS, ids=lambda latent: type(latent).__name__)
class TestEveryLatent:
    def test_a_row_depends_on_its_own_seed_alone(self, latent):
        seeds = [3, 0, 2**40, 3, 2**63 - 1]
        together = latent.from_seeds(tf.constant(seeds, tf.int64)).numpy()
        assert together.shape == (5, 7)
        assert together.dtype == np.float32
        for row, seed in zip(together, seeds, strict=True):
            np.testing.assert_array_equal(latent.from_seeds(tf.constant([seed], tf.int64))[0], row)
        np.testing.assert_array_equal(together[0], together[3])
        assert len(np.unique(together[:, 0])) == 4

    def test_high_and_low_halves_of_a_seed_both_count(self, latent):
        first, second = latent.from_seeds(tf.constant([5, 5 + 2**32], tf.int64)).numpy()
        assert not np.array_equal(first, second)

    def test_a_batch_follows_from_its_seed(self, latent):
        first = latent.sample(4, [1, 2]).numpy()
        np.testing.assert_array_equal(first, latent.sample(4, [1, 2]))
        assert not np.array_equal(first, latent.sample(4, [1, 3]))
        assert not np.array_equal(first, latent.sample(4, [2, 2]))

    def test_the_same_in_a_graph(self, latent):
        seeds = tf.constant([1, 8], tf.int64)
        np.testing.assert_array_equal(tf.function(latent.from_seeds)(seeds), latent.from_seeds(seeds))

    def test_the_same_under_xla(self, latent):
        compiled = tf.function(lambda seed: latent.sample(33, seed), jit_compile=True, autograph=False)
        np.testing.assert_allclose(compiled(tf.constant([4, 2])), latent.sample(33, [4, 2]), rtol=5e-6, atol=1e-6)

    def test_config_round_trip(self, latent):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(latent))
        assert type(again) is type(latent)
        np.testing.assert_array_equal(again.sample(3, [0, 1]), latent.sample(3, [0, 1]))


def test_moments_over_neighbouring_seeds():
    """Seeds 0, 1, 2, ... must not give related vectors: moments of 4,000 of them, each within 4 standard errors."""
    seeds = tf.range(4000, dtype=tf.int64)
    for latent in (latents.Normal(5), latents.Uniform(5, -(3**0.5), 3**0.5)):
        x = tf.function(latent.from_seeds, autograph=False)(seeds).numpy()  # eagerly it takes a minute
        assert np.abs(x.mean(0)).max() < 4 / np.sqrt(4000)
        assert np.abs(x.var(0) - 1).max() < 4 * np.sqrt(2 / 4000)
        assert np.abs(np.corrcoef(x.T) - np.eye(5)).max() < 4 / np.sqrt(4000)
        assert abs(np.corrcoef(x[:-1, 0], x[1:, 0])[0, 1]) < 4 / np.sqrt(4000)


def test_uniform_keeps_its_bounds():
    x = latents.Uniform(50, -2.0, 3.0).sample(2000, [0, 0]).numpy()
    assert x.min() >= -2.0
    assert x.max() < 3.0
    assert x.mean() == pytest.approx(0.5, abs=4 * 5 / 12**0.5 / 100_000**0.5)


def test_normal_is_normal():
    """Kolmogorov-Smirnov distance of 100,000 draws from the normal distribution function, 1 % critical value."""
    x = np.sort(latents.Normal(100).sample(1000, [7, 7]).numpy().ravel().astype(np.float64))
    cdf = np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x])
    ranks = np.arange(1, len(x) + 1) / len(x)
    assert max(np.abs(ranks - cdf).max(), np.abs(ranks - 1 / len(x) - cdf).max()) < 1.63 / math.sqrt(len(x))


@pytest.mark.parametrize("dim", [0, -3, 2.5, True, float("inf"), float("nan"), "3"])
def test_dimensions_must_be_whole_and_positive(dim):
    with pytest.raises(ValueError, match=r"whole number of dimensions"):
        latents.Normal(dim)


@pytest.mark.parametrize("bounds", [(1, 1), (2, -2), (0, float("inf")), (float("nan"), 1)])
def test_uniform_needs_finite_bounds_in_order(bounds):
    with pytest.raises(ValueError, match=r"finite bounds with low < high"):
        latents.Uniform(3, *bounds)


def test_a_number_is_never_exactly_0_or_1():
    """At 1 a normal number would be infinite; the largest of 2**32 bit patterns would round to it."""
    u = latents._to_unit(tf.constant([0, 2**32 - 1, 2**31], tf.uint32)).numpy()
    assert u[0] == np.float32(2.0**-25)
    assert u[1] == np.float32(1 - 2.0**-24) < 1
    assert u[2] == pytest.approx(0.5, abs=1e-7)
    assert np.isfinite(tf.math.erfinv(2 * u - 1)).all()


class TestCoded:
    latent = latents.Coded(5, (10, 3), 2)

    def test_parts(self):
        assert (self.latent.noise, self.latent.code_dim, self.latent.dim) == (5, 15, 20)
        assert self.latent.code_names == ("categorical_0", "categorical_1", "continuous_0", "continuous_1")
        z = self.latent.sample(4000, [3, 4])
        parts = self.latent.split(z)
        assert parts["noise"].shape == (4000, 5)
        assert [one_hot.shape for one_hot in parts["categorical"]] == [(4000, 10), (4000, 3)]
        assert parts["continuous"].shape == (4000, 2)
        for one_hot, k in zip(parts["categorical"], (10, 3), strict=True):
            counts = one_hot.numpy().sum(0)
            assert set(np.unique(one_hot)) == {0.0, 1.0}
            np.testing.assert_array_equal(one_hot.numpy().sum(1), 1)
            assert np.abs(counts - 4000 / k).max() < 4 * np.sqrt(4000 / k)
        for part in (parts["noise"].numpy(), parts["continuous"].numpy()):
            assert np.abs(part).max() < 1
            assert part.var() == pytest.approx(1 / 3, rel=0.05)
        numbers = np.concatenate([parts["noise"], parts["continuous"]], axis=1)
        assert np.abs(np.corrcoef(numbers.T) - np.eye(7)).max() < 4.5 / np.sqrt(4000)

    def test_join_undoes_split(self):
        z = self.latent.sample(6, [0, 0])
        parts = self.latent.split(z)
        categories = np.stack([one_hot.numpy().argmax(1) for one_hot in parts["categorical"]], axis=1)
        np.testing.assert_array_equal(self.latent.join(parts["noise"], categories, parts["continuous"]), z)
        np.testing.assert_array_equal(self.latent.with_codes(z), z)

    def test_with_codes_leaves_the_rest(self):
        z = self.latent.sample(2, [0, 0]).numpy()
        changed = self.latent.with_codes(z, continuous=np.float32([[2, -2], [0, 1]])).numpy()
        np.testing.assert_array_equal(changed[:, :18], z[:, :18])
        np.testing.assert_array_equal(changed[:, 18:], [[2, -2], [0, 1]])
        changed = self.latent.with_codes(z, categorical=np.array([[7, 0], [1, 2]])).numpy()
        np.testing.assert_array_equal(changed[:, :5], z[:, :5])
        np.testing.assert_array_equal(changed[:, 18:], z[:, 18:])
        assert changed[0, 5 + 7] == changed[0, 15] == changed[1, 5 + 1] == changed[1, 15 + 2] == 1
        assert changed[:, 5:18].sum() == 4

    def test_read(self):
        scores = np.zeros((2, 15), np.float32)
        scores[:, 0] = np.log(11.0)
        scores[:, 13:] = [[0.5, -3], [0, 0]]
        read = self.latent.read(scores)
        assert read["categorical"].shape == (2, 2, 10)
        np.testing.assert_allclose(read["categorical"][0, 0], [11 / 20] + [1 / 20] * 9, rtol=1e-5)
        np.testing.assert_allclose(read["categorical"][1, 1], [1 / 3] * 3 + [0] * 7, rtol=1e-5)
        np.testing.assert_array_equal(read["continuous"], scores[:, 13:])
        only = latents.Coded(1, (), 2).read(np.float32([[1, 2]]))
        assert only["categorical"].shape == (1, 0, 0)

    def test_noise_of_another_kind(self):
        latent = latents.Coded(latents.Normal(3), (2,), 0)
        assert (latent.noise, latent.dim) == (3, 5)
        noise = latent.split(latent.sample(4000, [0, 0]))["noise"].numpy()
        assert noise.var() == pytest.approx(1.0, rel=0.1)
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(latent))
        np.testing.assert_array_equal(again.sample(3, [0, 1]), latent.sample(3, [0, 1]))

    @pytest.mark.parametrize(
        ("codes", "categorical", "continuous"),
        [
            ({"categorical": [3, 1]}, [[3, 1]] * 3, None),
            ({"categorical": [[0, 1], [1, 2], [9, 0]], "continuous": 0.5}, [[0, 1], [1, 2], [9, 0]], [[0.5, 0.5]] * 3),
            ({"continuous": [[0, 1], [1, 2], [9, 0]]}, None, [[0, 1], [1, 2], [9, 0]]),
        ],
    )
    def test_codes_as_users_give_them(self, codes, categorical, continuous):
        checked = self.latent.check_codes(codes, 3)
        for kind, expected in (("categorical", categorical), ("continuous", continuous)):
            if expected is None:
                assert kind not in checked
            else:
                np.testing.assert_array_equal(checked[kind], expected)

    def test_one_code_takes_one_value_per_sample(self):
        checked = latents.Coded(1, (4,), 1).check_codes({"categorical": [3, 0, 1], "continuous": [0, 1, 2]}, 3)
        np.testing.assert_array_equal(checked["categorical"], [[3], [0], [1]])
        np.testing.assert_array_equal(checked["continuous"], [[0], [1], [2]])

    @pytest.mark.parametrize(
        ("codes", "message"),
        [
            ({"categorical": [10, 0]}, r"code 0 has the categories 0 to 9, as whole numbers; found 10"),
            ({"categorical": [0, 3]}, r"code 1 has the categories 0 to 2.*found 3"),
            ({"categorical": [0, -1]}, r"found -1"),
            ({"categorical": [0.5, 0]}, r"found 0.5"),
            ({"categorical": [1, 1, 1]}, r"one number or have shape \[2\] or \[4, 2\]; found shape \[3\]"),
            ({"continuous": [[1, 1]] * 3}, r"continuous codes .* found shape \[3, 2\]"),
            ({"continuous": [1, float("nan")]}, r"continuous codes must be finite"),
            ({"continuous": [1, 1e300]}, r"continuous codes must be finite"),
            ({"continuous": "left"}, r"continuous codes must be numbers; found 'left'"),
            ({"colour": 1}, r"dict with 'categorical', 'continuous' or both; found colour"),
            ([1, 2], r"dict with .*; found list"),
        ],
    )
    def test_wrong_codes(self, codes, message):
        with pytest.raises(ValueError, match=message):
            self.latent.check_codes(codes, 4)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((5, (1,), 0), r"2 or more; found \(1,\)"),
            ((5, 10, 0), r"must list how many categories"),
            ((5, (10,), -1), r"continuous must be a whole number of codes, at least 0; found -1"),
            ((5, (), 0), r"at least one categorical or continuous code"),
            ((0, (10,), 0), r"whole number of dimensions, at least 1; found 0"),
        ],
    )
    def test_wrong_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            latents.Coded(*arguments)

    def test_wrong_vectors(self):
        with pytest.raises(ValueError, match=r"vectors have 19 numbers; this latent's have 20"):
            self.latent.split(tf.zeros((1, 19)))
        with pytest.raises(ValueError, match=r"This latent has no continuous codes"):
            latents.Coded(1, (2,), 0).check_codes({"continuous": 1}, 1)


class TestLabelled:
    latent = latents.Labelled(latents.Normal(3), 4, ("Shirt", "Bag", "Sneaker", "Boot"))

    @staticmethod
    def labels_of(latent, z):
        one_hot = latent.split(z)["labels"].numpy()
        assert set(np.unique(one_hot)) == {0.0, 1.0}
        np.testing.assert_array_equal(one_hot.sum(1), 1)
        return one_hot.argmax(1)

    def test_parts(self):
        assert (self.latent.noise, self.latent.classes, self.latent.dim) == (3, 4, 7)
        assert self.latent.names == self.latent.class_names == ("Shirt", "Bag", "Sneaker", "Boot")
        assert self.latent.shares is None
        z = self.latent.sample(2000, [0, 0])
        noise = self.latent.split(z)["noise"].numpy()
        assert noise.var() == pytest.approx(1.0, rel=0.1)
        labels = self.labels_of(self.latent, z)
        assert np.abs(np.corrcoef(np.c_[noise, labels].T) - np.eye(4)).max() < 4.5 / np.sqrt(2000)
        unnamed = latents.Labelled(2, 3)
        assert (unnamed.names, unnamed.class_names) == (None, ("0", "1", "2"))
        assert np.abs(unnamed.sample(500, [0, 0])[:, :2]).max() < 1  # numbers of noise are uniform

    @pytest.mark.parametrize(
        ("shares", "critical"),
        # The 1 % points of chi-square with 3, 3 and 2 degrees of freedom; a class of share 0 must not occur.
        [(None, 11.34), ((0.1, 0.2, 0.3, 0.4), 11.34), ((30, 0, 60, 10), 9.21), ((0, 1, 1, 0), 6.63)],
    )
    def test_labels_follow_the_shares(self, shares, critical):
        latent = latents.Labelled(1, 4, shares=shares)
        expected = np.full(4, 0.25) if shares is None else np.array(shares) / np.sum(shares)
        in_one = latent.sample(4000, [11, 0])
        by_seed = tf.function(latent.from_seeds, autograph=False)(tf.range(4000, dtype=tf.int64))
        for z in (in_one, by_seed):
            counts = np.bincount(self.labels_of(latent, z), minlength=4)
            there = expected > 0
            assert not counts[~there].any()
            assert ((counts[there] - 4000 * expected[there]) ** 2 / (4000 * expected[there])).sum() < critical

    def test_other_labels_leave_the_noise(self):
        z = self.latent.sample(5, [2, 3]).numpy()
        changed = self.latent.with_labels(z, np.int32([3, 0, 1, 1, 2])).numpy()
        np.testing.assert_array_equal(changed[:, :3], z[:, :3])
        np.testing.assert_array_equal(changed[:, 3:].argmax(1), [3, 0, 1, 1, 2])
        np.testing.assert_array_equal(changed[:, 3:].sum(1), 1)
        np.testing.assert_array_equal(self.latent.with_labels(z, np.int64([3, 0, 1, 1, 2])), changed)
        with pytest.raises(ValueError, match=r"vectors have 6 numbers; this latent's have 7"):
            self.latent.with_labels(tf.zeros((1, 6)), [0])

    def test_the_noise_does_not_depend_on_the_shares(self):
        uneven = latents.Labelled(latents.Normal(3), 4, shares=(1, 0, 0, 0))
        seeds = tf.constant([4, 7], tf.int64)
        np.testing.assert_array_equal(uneven.from_seeds(seeds)[:, :3], self.latent.from_seeds(seeds)[:, :3])

    def test_record(self):
        latent = latents.Labelled(1, 3)
        latent.record(np.array([10, 30, 0]))
        assert latent.shares == (0.25, 0.75, 0.0)
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(latent))
        assert (again.shares, again.names, again.classes) == ((0.25, 0.75, 0.0), None, 3)
        for wrong in ([1, 2], [1, -1, 1], [0, 0, 0], [1, float("nan"), 1], 3):
            with pytest.raises(ValueError, match=r"shares must be 3 numbers, none negative and not all 0; found"):
                latent.record(wrong)
        assert latent.shares == (0.25, 0.75, 0.0)

    def test_round_trip(self):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(self.latent))
        assert again.get_config() == self.latent.get_config()
        assert again.names == self.latent.names
        assert isinstance(again.noise_latent, latents.Normal)

    @pytest.mark.parametrize(
        ("labels", "expected"),
        [
            ("Bag", [1, 1, 1]),
            (3, [3, 3, 3]),
            (np.int64(2), [2, 2, 2]),
            (np.array(2), [2, 2, 2]),
            (["Boot", 0, "Bag"], [3, 0, 1]),
            ((0, 1, 2), [0, 1, 2]),
            (range(3), [0, 1, 2]),
            (np.array([2, 0, 1], np.uint8), [2, 0, 1]),
            (np.array(["Boot", "Bag", "Shirt"]), [3, 1, 0]),
            (tf.constant([3, 2, 1]), [3, 2, 1]),
            (tf.constant(1), [1, 1, 1]),
        ],
    )
    def test_labels_as_users_give_them(self, labels, expected):
        found = self.latent.check_labels(labels, 3)
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, expected)

    def test_numbers_as_names(self):
        np.testing.assert_array_equal(latents.Labelled(1, 12).check_labels(["3", 11], 2), [3, 11])
        np.testing.assert_array_equal(latents.Labelled(1, 2, ("1", "0")).check_labels(["1", 1], 2), [0, 1])

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ("bags", r"There is no class 'bags'; there are Shirt, Bag, Sneaker, Boot\. Did you mean 'Bag'\?"),
            ("trousers", r"There is no class 'trousers'; there are Shirt, Bag, Sneaker, Boot\.$"),
            (["Bag", "snaeker", 0], r"no class 'snaeker'.*Did you mean 'Sneaker'\?"),
            (4, r"class's name or a whole number from 0 to 3; found 4"),
            (-1, r"found -1"),
            ([0, 1, 4], r"found 4"),
            (1.0, r"found 1.0"),
            (np.array([0.0, 1.0, 2.0]), r"found 0.0"),
            (True, r"found True"),
            ([True, False, True], r"found True"),
            (np.array([True, False, True]), r"found True"),
            ([0, 1], r"labels must be one class, or a list of 3; found a list of 2"),
            ([], r"a list of 3; found a list of 0"),
            (np.zeros((3, 1), int), r"found \[0\]"),
            ([[0], [1, 2], [3]], r"found \[0\]"),
            ([None, 1, 2], r"found None"),
            ({0, 1, 2}, r"found \{0, 1, 2\}"),
        ],
    )
    def test_wrong_labels(self, labels, message):
        with pytest.raises(ValueError, match=message) as refused:
            self.latent.check_labels(labels, 3)
        assert "\n" not in str(refused.value)

    def test_of_many_classes_some_are_named(self):
        with pytest.raises(ValueError, match=r"there are 0, 1, 2, .*, 11, \.\.\.\.$"):
            latents.Labelled(1, 1000).check_labels("zebra", 1)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((3, 1), r"classes must be a whole number, at least 2; found 1"),
            ((3, 2.5), r"classes must be a whole number, at least 2; found 2.5"),
            ((3, True), r"classes must be .* found True"),
            ((3, "ten"), r"classes must be .* found 'ten'"),
            ((0, 3), r"whole number of dimensions, at least 1; found 0"),
            ((3, 3, ("a", "b")), r"a name for each of the 3 classes, none of them twice; found 2, 2 of them different"),
            ((3, 3, ("a", "b", "a")), r"none of them twice; found 3, 2 of them different"),
            ((3, 3, None, (1, 1)), r"shares must be 3 numbers"),
        ],
    )
    def test_wrong_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            latents.Labelled(*arguments)

    def test_for_classes(self):
        noise = latents.Normal(3)
        assert latents.for_classes(noise, None) is noise
        assert latents.for_classes(noise, 4).class_names == ("0", "1", "2", "3")
        named = latents.for_classes(noise, ("a", "b"))
        assert (named.classes, named.names, named.noise) == (2, ("a", "b"), 3)
