"""The z of a picture: of generators where it is known, and of the preset's own samples."""

import re

import keras
import numpy as np
import pytest
from conftest import coded_gan, quarters_gan, small_gan

import kerasgan
from kerasgan import explore, latents


def linear_gan(latent, spread=0.1):
    """G(z) = W z in (-1, 1), of 8x8 samples."""
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(64, use_bias=False, kernel_initializer=keras.initializers.RandomNormal(0, spread, 0))
    generator = keras.Sequential([keras.Input((latent.dim,)), dense, keras.layers.Reshape((8, 8, 1))])
    return kerasgan.GAN(generator, small_gan().discriminator, latent)


def test_of_a_linear_generator_it_is_least_squares():
    gan = linear_gan(latents.Normal(4))
    images = np.random.default_rng(0).uniform(0.3, 0.7, (3, 8, 8, 1)).astype(np.float32)
    [kernel] = gan.generator.get_weights()
    targets = (2 * images - 1).reshape(3, 64)
    expected = np.linalg.lstsq(kernel.T, targets.T, rcond=None)[0].T
    z, errors = explore.invert(gan, images, steps=300)
    assert z.dtype == errors.dtype == np.float32
    assert (z.shape, errors.shape) == ((3, 4), (3,))
    np.testing.assert_allclose(z, expected, atol=1e-3)
    np.testing.assert_allclose(errors, np.mean((expected @ kernel / 2 - targets / 2) ** 2, axis=1), rtol=1e-4)
    again, _ = explore.invert(gan, images[1:], steps=300, batch_size=3)  # whatever stands beside it
    np.testing.assert_allclose(again, z[1:], atol=1e-3)
    np.testing.assert_array_equal(explore.invert(gan, images, steps=300)[0], z)


def test_the_error_is_that_of_what_generate_gives():
    """A generator that leaves its range: pixels beyond are cut off, and come back where they should be others."""
    gan = linear_gan(latents.Normal(4), spread=2.0)
    images = gan.generate(3, seed=9_000)
    assert np.mean((images == 0) | (images == 1)) > 0.5
    z, errors = explore.invert(gan, images, steps=300)
    np.testing.assert_allclose(errors, np.mean((gan.generate(z=z) - images) ** 2, axis=(1, 2, 3)), atol=1e-6)
    assert errors.max() < 1e-4


def test_uniform_noise_stays_in_its_cube():
    gan = linear_gan(latents.Uniform(4, -0.5, 0.5))
    images = gan.generate(z=np.array([[2.0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]]))
    z, errors = explore.invert(gan, images)
    np.testing.assert_allclose(z[1], [0.1, 0.2, 0.3, 0.4], atol=1e-3)
    assert np.abs(z).max() == z[0, 0] == 0.5
    assert errors[0] > 1e-3 > 1e-6 > errors[1]


def test_a_class_is_found_or_kept():
    gan = quarters_gan()
    images = gan.generate(4, seed=50, labels=["d", "a", "c", "b"])
    z, errors = explore.invert(gan, images, candidates=40)
    np.testing.assert_array_equal(z[:, 2:], np.eye(4)[[3, 0, 2, 1]])
    assert errors.max() < 1e-6
    kept, worse = explore.invert(gan, images, labels="b", starts=20, candidates=40)  # of which ten are of "b"
    np.testing.assert_array_equal(kept[:, 2:], np.eye(4)[[1] * 4])
    assert worse[3] < 1e-6 < 1e-3 < worse[:3].min()


def test_codes_are_found():
    gan = coded_gan()  # whose samples are z
    wanted = gan.draw_latents(3, seed=5000, codes={"categorical": [2, 0, 1]})
    z, errors = explore.invert(gan, wanted, candidates=200)
    np.testing.assert_allclose(z, wanted, atol=1e-3)
    np.testing.assert_array_equal(z[:, 2:5], np.eye(3)[[2, 0, 1]])
    assert errors.max() < 1e-6


def test_a_presets_own_samples_are_found_again():
    gan = kerasgan.GAN.from_preset("dcgan_fashion_mnist")
    images = gan.generate(2, seed=5000)
    others = gan.generate(1000)
    nearest = [np.mean((others - image) ** 2, axis=(1, 2, 3)).min() for image in images]
    z, errors = explore.invert(gan, images, steps=100)
    assert np.all(errors < 0.35 * np.array(nearest)), (errors, nearest)
    np.testing.assert_allclose(errors, np.mean((gan.generate(z=z) - images) ** 2, axis=(1, 2, 3)), rtol=1e-3)


IMAGES = np.zeros((1, 8, 8, 1), np.float32)


@pytest.mark.parametrize(
    ("images", "asked", "message"),
    [
        (IMAGES[..., 0], {}, "invert needs floats of shape (N, 8, 8, 1) in [0, 1]; found float32 of shape (1, 8, 8)."),
        (IMAGES.astype(np.uint8), {}, "found uint8"),
        (IMAGES - 1, {}, "found values from -1 to -1."),
        (IMAGES, {"starts": 0}, "starts must be a whole number, at least 1; found 0."),
        (IMAGES, {"candidates": 3}, "candidates must be a whole number, at least 4; found 3."),
        (IMAGES, {"learning_rate": -1}, "learning_rate must be a finite number, at least 0; found -1."),
        (IMAGES, {"labels": 0}, "This model knows no classes"),
    ],
)
def test_mistakes(images, asked, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explore.invert(small_gan(), images, **asked)
    with pytest.raises(ValueError, match="There is no class 'e'"):
        explore.invert(quarters_gan(), IMAGES, labels="e")
    with pytest.raises(ValueError, match="invert needs finite samples; found NaN or infinity"):
        explore.invert(coded_gan(), np.full((1, 7), np.nan, np.float32))
