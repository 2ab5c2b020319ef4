"""Ways between samples: where they begin, end and lead through."""

import math
import re

import numpy as np
import pytest
from conftest import coded_gan, quarters_gan, small_gan

from kerasgan import explore, latents


def test_normal_noise_goes_on_a_circle_and_its_length_evenly():
    """A quarter turn from 2 to 4 units: after a third of it 30 degrees, and a length of 8 / 3."""
    way = explore.walk(latents.Normal(3), [[2, 0, 0], [0, 4, 0]], 4)
    turns = np.arange(4) * math.pi / 6
    lengths = np.array([2, 8 / 3, 10 / 3, 4])
    expected = np.stack([lengths * np.cos(turns), lengths * np.sin(turns), 0 * turns], axis=1)
    np.testing.assert_allclose(way, expected, atol=1e-6)


def test_lengths_on_the_way_are_those_of_noise():
    z = latents.Normal(512).from_seeds(np.arange(4)).numpy()
    way = explore.walk(latents.Normal(512), z, 31)
    assert way.dtype == np.float32
    np.testing.assert_array_equal(way[::10], z)  # each is passed exactly
    lengths = np.linalg.norm(z, axis=1)
    np.testing.assert_allclose(
        np.linalg.norm(way, axis=1), np.interp(np.arange(31) / 10, np.arange(4), lengths), rtol=1e-5
    )
    steps = np.linalg.norm(np.diff(way / np.linalg.norm(way, axis=1, keepdims=True), axis=0), axis=1)
    np.testing.assert_allclose(steps[:10], steps[0], rtol=1e-4)  # it turns evenly


def test_where_no_circle_is_determined_it_goes_straight():
    ends = np.float32([[3, 0], [-3, 0], [0, 0], [0, 1], [0, 1]])
    way = explore.walk(latents.Normal(2), ends, 9)
    np.testing.assert_array_equal(way[::2], ends)
    np.testing.assert_allclose(way[1::2], (ends[:-1] + ends[1:]) / 2, atol=1e-6)


def test_uniform_noise_goes_straight_and_labels_and_codes_too():
    ends = np.float32([[0.5, -1.0], [-0.5, 1.0]])
    np.testing.assert_allclose(explore.walk(latents.Uniform(2), ends, 3)[1], [0, 0], atol=1e-7)
    for noise, middle in ((latents.Uniform(2), [0.5, 0.5]), (latents.Normal(2), [math.sqrt(0.5)] * 2)):
        labelled = explore.walk(latents.Labelled(noise, 2), [[1, 0, 1, 0], [0, 1, 0, 1]], 3)
        np.testing.assert_allclose(labelled[1], [*middle, 0.5, 0.5], atol=1e-6)
        coded = explore.walk(latents.Coded(noise, (2,), 1), [[1, 0, 1, 0, -1], [0, 1, 0, 1, 0.5]], 3)
        np.testing.assert_allclose(coded[1], [*middle, 0.5, 0.5, -0.25], atol=1e-6)


def test_the_first_image_is_the_first_seeds_and_the_last_the_lasts():
    for gan in (small_gan(), quarters_gan(), coded_gan()):
        images = explore.interpolate(gan, [3, 17, 5], 7)
        assert images.shape == (7, *gan.sample_shape)
        np.testing.assert_allclose(images[[0, 3, 6]], gan.generate(seeds=[3, 17, 5]), atol=1e-6)
        by_z = explore.interpolate(gan, z=gan.draw_latents(seeds=[3, 17, 5]), steps=7)
        np.testing.assert_array_equal(by_z, images)


def test_one_class_all_the_way_or_one_for_each_seed():
    gan = quarters_gan()
    brightest = explore.interpolate(gan, [0, 1, 2], 9, labels="b").reshape(9, 2, 4, 2, 4).mean((2, 4)).reshape(9, 4)
    np.testing.assert_array_equal(brightest.argmax(1), [1] * 9)
    images = explore.interpolate(gan, [0, 0], 5, labels=["a", "c"])
    np.testing.assert_allclose(images[[0, 4]], gan.generate(seeds=[0, 0], labels=["a", "c"]), atol=1e-6)
    np.testing.assert_allclose(images[2], (images[0] + images[4]) / 2, atol=1e-6)  # its generator is linear
    coded = explore.interpolate(coded_gan(), [0, 1], 3, codes={"continuous": [0.5, -2]})
    np.testing.assert_array_equal(coded[:, 5:], [[0.5, -2]] * 3)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "Give seeds to pass, or z; one of the two."),
        ({"seeds": [1, 2], "z": np.zeros((2, 4))}, "Give seeds to pass, or z; one of the two."),
        ({"seeds": [1]}, "A way leads through vectors of shape (2 or more, 4); found shape (1, 4)."),
        ({"z": np.zeros((2, 3))}, "found shape (2, 3)."),
        ({"seeds": [1, 2, 3], "steps": 2}, "A way through 3 samples needs as many steps at least; found steps=2."),
        ({"seeds": [1, 2], "steps": 2.5}, "steps must be a whole number, at least 2; found 2.5."),
        ({"seeds": [1, -2]}, "found -2."),
        ({"seeds": [1, 2], "labels": 0}, "This model knows no classes"),
        ({"z": np.zeros((2, 4)), "labels": 0}, "z holds its labels and codes; give others with seeds."),
    ],
)
def test_mistakes(asked, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explore.interpolate(small_gan(), **asked)
