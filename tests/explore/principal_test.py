"""Directions of a generator whose principal components are known."""

import re

import keras
import numpy as np
import pytest
from conftest import coded_gan, quarters_gan, small_gan

import kerasgan
from kerasgan import explore, latents


def linear_gan(singular, right, latent):
    """G(z) = U S V'z + c, of 8x8 samples: with white noise its components are U's columns, their z V's."""
    rng = np.random.default_rng(0)
    left, _ = np.linalg.qr(rng.normal(size=(64, len(singular))))
    dense = keras.layers.Dense(64, name="first")
    relu = keras.layers.Activation("relu", name="second")
    reshape = keras.layers.Reshape((8, 8, 1))
    generator = keras.Sequential([keras.Input((latent.dim,)), dense, relu, reshape])
    kernel = (right * singular) @ left.T
    codes = rng.normal(size=(latent.dim - len(kernel), 64)) * 10  # labels and codes, which outweigh all noise
    dense.set_weights([np.concatenate([kernel, codes]), rng.normal(size=64)])
    discriminator = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    return kerasgan.GAN(generator, discriminator, latent)


SINGULAR = np.array([8.0, 4.0, 2.0, 1.0])
RIGHT, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))


@pytest.mark.parametrize(
    "latent",
    [
        latents.Normal(4),
        latents.Uniform(4),
        latents.Labelled(latents.Normal(4), 3),
        latents.Coded(4, (3,), 2),
    ],
)
def test_of_a_linear_generator_they_are_its_right_singular_vectors(latent):
    found = explore.directions(linear_gan(SINGULAR, RIGHT, latent), 4, samples=4000)
    assert (found.dtype, found.shape) == (np.float32, (4, latent.dim))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(found[:, 4:], 0)
    agree = np.abs(np.sum(found[:, :4] * RIGHT.T, axis=1))
    np.testing.assert_array_less(0.998, agree)  # up to the components' own sampling error
    assert np.all(np.take_along_axis(found, np.abs(found).argmax(1)[:, None], 1) > 0)


@pytest.mark.parametrize("samples", [50, 200])  # fewer and more than the activations
def test_they_are_principal_components_and_least_squares(samples):
    """By numpy's singular values and least squares, of a layer that is not linear."""
    gan = linear_gan(SINGULAR, RIGHT, latents.Normal(4))
    z = gan.draw_latents(samples, seed=7).astype(np.float64)
    kernel, bias = gan.generator.layers[0].get_weights()
    y = np.maximum(z @ kernel + bias, 0)
    _, _, components = np.linalg.svd(y - y.mean(0), full_matrices=False)
    coordinates = (y - y.mean(0)) @ components[:3].T
    expected = np.linalg.lstsq(z - z.mean(0), coordinates, rcond=None)[0].T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    expected *= np.sign(np.take_along_axis(expected, np.abs(expected).argmax(1)[:, None], 1))
    found = explore.directions(gan, 3, layer="second", samples=samples, seed=7)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_array_equal(found, explore.directions(gan, 3, layer="second", samples=samples, seed=7))


def test_layers_that_know_the_label_alone_are_passed_over():
    """As in a generator that first makes an embedding of the label."""
    z = keras.Input((6,))
    embedding = keras.layers.Dense(5, name="embedding")(z[:, 4:])
    joined = keras.layers.Dense(64, name="joined")(keras.layers.Concatenate()([z[:, :4], embedding]))
    generator = keras.Model(z, keras.layers.Reshape((8, 8, 1))(joined))
    gan = kerasgan.GAN(generator, small_gan().discriminator, latents.Labelled(latents.Normal(4), 2))
    by_default = explore.directions(gan, 2)
    np.testing.assert_array_equal(by_default, explore.directions(gan, 2, layer="joined"))
    with pytest.raises(ValueError, match="No activations of embedding depend on the noise"):
        explore.directions(gan, 2, layer="embedding")


def test_the_papers_least_squares_agree():
    """z fitted by the coordinates, of very many samples: U of the paper's section 3.2."""
    gan = linear_gan(SINGULAR, RIGHT, latents.Normal(4))
    z = np.random.default_rng(3).normal(size=(20_000, 4))
    kernel, bias = gan.generator.layers[0].get_weights()
    y = np.maximum(z @ kernel + bias, 0)
    y -= y.mean(0)
    _, components = np.linalg.eigh(y.T @ y)
    columns = np.linalg.lstsq(y @ components[:, :-4:-1], z, rcond=None)[0]
    columns /= np.linalg.norm(columns, axis=1, keepdims=True)
    found = explore.directions(gan, 3, layer="second", samples=5000)
    np.testing.assert_array_less(0.98, np.abs(np.sum(columns * found, axis=1)))


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(64)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, z):
        return keras.ops.reshape(self.dense(z), (-1, 8, 8, 1))


def test_mistakes():
    gan = small_gan()
    network = Own()
    network.build((None, 4))
    own = kerasgan.GAN(network, gan.discriminator, gan.latent)
    for model, asked, message in (
        (own, {}, "directions needs a generator whose layers Keras can reach, Sequential or functional; found Own."),
        (gan, {"layer": "nowhere"}, "The generator has no layer 'nowhere'; it has dense"),
        (gan, {"n": 5}, "There are 4 directions at most along which dense"),
        (gan, {"n": 0}, "n must be a whole number, at least 1; found 0."),
        (gan, {"samples": 5}, "samples must be a whole number, at least 6; found 5."),
        (coded_gan(), {"n": 1}, "No activations of any layer depend on the noise"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)) as found:
            explore.directions(model, **{"n": 2, "samples": 50, **asked})
        assert "\n" not in str(found.value)
    assert explore.directions(quarters_gan(), 2).shape == (2, 6)
