"""How samples are drawn: by graphs that are made once, into the one array that is handed out."""

import re
import tracemalloc

import numpy as np
import pytest
import tensorflow as tf
from conftest import coded_gan, quarters_gan, small_gan, small_images


def test_the_samples_are_held_once():
    gan = small_gan()
    gan.generate(1)
    tracemalloc.start()
    samples = gan.generate(20_000, batch_size=500)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.3 * samples.nbytes


def test_a_graph_is_made_once_and_follows_the_weights():
    gan = small_gan()
    calls = []
    call = gan.generator.call
    gan.generator.call = lambda *args, **kwargs: calls.append(1) or call(*args, **kwargs)
    before = gan.generate(3)
    gan.generate(5, seed=7)
    assert len(calls) == 1
    del gan.generator.call
    gan.fit(small_images(), batch_size=8, verbose=0)
    after = gan.generate(3)
    assert not np.array_equal(before, after)
    by_hand = (gan.generator(gan.latent.from_seeds([0, 1, 2]), training=False).numpy() + 1) / 2
    np.testing.assert_allclose(after, by_hand, atol=1e-6)


def test_codes_and_seeds_draw_from_the_same_noise():
    gan = coded_gan()
    seeds = gan.generate(4, seed=3)
    z = gan.latent.from_seeds(np.arange(3, 7)).numpy()
    np.testing.assert_array_equal(seeds, z)  # its generator gives z as it is
    np.testing.assert_array_equal(gan.generate(4, seed=3, codes={"categorical": z[:, 2:5].argmax(1)}), z)


@pytest.mark.parametrize("make", [small_gan, coded_gan, quarters_gan])
def test_latents_are_what_is_drawn_from(make):
    """By number, by seeds, by z: the same samples; and the same z as the latent's own."""
    gan = make()
    z = gan.draw_latents(5, seed=3)
    assert (z.dtype, z.shape) == (np.float32, (5, gan.latent.dim))
    np.testing.assert_array_equal(z, gan.latent.from_seeds(np.arange(3, 8)))
    samples = gan.generate(5, seed=3)
    np.testing.assert_allclose(gan.generate(z=z, batch_size=2), samples, atol=1e-6)
    np.testing.assert_allclose(gan.generate(seeds=range(3, 8)), samples, atol=1e-6)
    np.testing.assert_allclose(gan.generate(2, seeds=[7, 3]), samples[[4, 0]], atol=1e-6)
    np.testing.assert_array_equal(gan.draw_latents(seeds=np.uint64([7, 3])), z[[4, 0]])
    np.testing.assert_allclose(gan.generate(3, z=tf.constant(z[:3], tf.float64)), samples[:3], atol=1e-6)


def test_codes_and_labels_take_the_place_of_those_in_z():
    gan = coded_gan()  # whose generator gives z as it is
    z = gan.draw_latents(3)
    asked = {"categorical": [2, 0, 1], "continuous": [0.5, -2]}
    expected = np.concatenate([z[:, :2], np.eye(3)[[2, 0, 1]], [[0.5, -2]] * 3], axis=1)
    np.testing.assert_array_equal(gan.generate(z=z, codes=asked), expected)
    np.testing.assert_array_equal(gan.draw_latents(3, codes=asked), expected)
    mixed = z.copy()
    mixed[:, 2:5] = [0.5, 0.2, 0.3]  # of categories; other continuous codes leave it so
    expected = np.concatenate([mixed[:, :5], [[0.5, -2]] * 3], axis=1)
    np.testing.assert_array_equal(gan.generate(z=mixed, codes={"continuous": [0.5, -2]}), expected)

    gan = quarters_gan()
    z = gan.draw_latents(3)
    labelled = gan.draw_latents(seeds=[0, 1, 2], labels=["d", 0, "b"])
    np.testing.assert_array_equal(labelled, np.concatenate([z[:, :2], np.eye(4)[[3, 0, 1]]], axis=1))
    np.testing.assert_array_equal(gan.generate(z=z, labels=["d", 0, "b"], batch_size=2), gan.generate(z=labelled))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "Say which samples to draw: n, how many, or a list of seeds, or z."),
        ({"seeds": [1], "n": 2}, "There are 1 seeds, which is how many samples are drawn; found n=2."),
        ({"seeds": [1], "seed": 2}, "seeds say themselves where they begin; found seed=2 beside them."),
        ({"seeds": []}, "seeds must be a list of whole numbers, each from 0 to below 2**63; found []."),
        ({"seeds": 5}, "found 5."),
        ({"seeds": [1.0]}, "found [1.0]."),
        ({"seeds": [True]}, "found [True]."),
        ({"seeds": [[1], [2, 3]]}, "found [[1], [2, 3]]."),
        ({"seeds": [3, -1]}, "found -1."),
        ({"seeds": np.uint64([2**63])}, "found 9223372036854775808."),
        ({"seeds": [2**70]}, "found [1180591620717411303424]."),
        (
            {"z": np.zeros((1, 4)), "seeds": [1]},
            "z says itself which samples to draw; give z, or seeds, or n and seed.",
        ),
        ({"z": np.zeros((1, 4)), "seed": 1}, "z says itself which samples to draw"),
        ({"z": np.zeros((1, 4)), "n": 2}, "z has 1 rows, which is how many samples are drawn; found n=2."),
        ({"z": np.zeros((1, 5))}, "of shape (n, 4), with one row at least; found shape (1, 5)."),
        ({"z": np.zeros(4)}, "found shape (4,)."),
        ({"z": np.zeros((0, 4))}, "found shape (0, 4)."),
        ({"z": [[1, 2, 3, np.nan]]}, "z must be finite numbers of shape (n, 4); found NaN or infinity."),
        ({"z": [[1, 2, 3, 1e300]]}, "found NaN or infinity."),
        ({"z": [["a"] * 4]}, "found [['a', 'a', 'a', 'a']]."),
        ({"z": np.zeros((1, 4)), "labels": 0}, "This model knows no classes: its latent is Normal, not Labelled."),
        ({"z": np.zeros((1, 4)), "codes": {"continuous": 0}}, "This model has no codes: its latent is Normal"),
    ],
)
def test_what_says_nothing_or_two_things_at_once(asked, message):
    gan = small_gan()
    calls = [gan.generate] if "z" in asked else [gan.generate, gan.draw_latents]
    for call in calls:
        with pytest.raises(ValueError, match=re.escape(message)) as found:
            call(**asked)
        assert "\n" not in str(found.value)
