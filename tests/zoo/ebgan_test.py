"""EBGAN's networks against the paper, and its energy against numpy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasgan
from kerasgan import losses


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (64, 64, 1), (2,)])
def test_the_energy_is_the_euclidean_norm_of_the_reconstruction_error(shape):
    gan = kerasgan.create_model("ebgan", image_shape=shape, generator_width=4, discriminator_width=4)
    samples = np.random.default_rng(0).uniform(-1, 1, (3, *shape)).astype(np.float32)
    outputs = gan.discriminator(samples, training=False)
    assert outputs["reconstruction"].shape == samples.shape
    error = (outputs["reconstruction"].numpy() - samples).reshape(3, -1)
    np.testing.assert_allclose(outputs["energy"], np.sqrt((error**2).sum(1)), rtol=1e-5)
    assert outputs["encoding"].shape[0] == 3
    assert len(outputs["encoding"].shape) == 2
    assert gan.generate(2).shape == (2, *shape)


def test_the_gradient_flows_through_reconstruction_and_target():
    """E(x) = |W x - x| with a linear autoencoder: dE/dx = (W - I)^T (W - I) x / E; W^T ... alone would be detached."""
    gan = kerasgan.create_model("ebgan", image_shape=(2,), generator_width=4, discriminator_width=3)
    encoder, decoder = (layer for layer in gan.discriminator.layers if isinstance(layer, keras.layers.Dense))
    encode = np.abs(np.random.default_rng(0).normal(size=(2, 3))).astype(np.float32)
    decode = np.random.default_rng(1).normal(size=(3, 2)).astype(np.float32)
    encoder.set_weights([encode, np.zeros(3)])
    decoder.set_weights([decode, np.zeros(2)])
    x = tf.constant([[0.7, 0.4]])  # positive, so that every ReLU is open
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = losses.EBGAN(1.0).generator_loss(gan.discriminator(x, training=True), None, None)
    residual = (encode @ decode).T - np.eye(2)
    by_hand = residual.T @ residual @ x.numpy()[0] / np.linalg.norm(residual @ x.numpy()[0])
    np.testing.assert_allclose(tape.gradient(loss, x)[0], by_hand, rtol=1e-4)


def test_a_perfect_reconstruction_has_a_finite_gradient():
    gan = kerasgan.create_model("ebgan", image_shape=(2,), generator_width=4, discriminator_width=3)
    x = tf.zeros((1, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        energy = gan.discriminator(x, training=True)["energy"]
    assert np.isfinite(tape.gradient(energy, x)).all()


def test_the_energy_is_float32_whatever_the_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        gan = kerasgan.create_model("ebgan", image_shape=(32, 32, 1), generator_width=2, discriminator_width=2)
    finally:
        keras.config.set_dtype_policy("float32")
    images = np.random.default_rng(0).uniform(-1, 1, (3, 32, 32, 1)).astype(np.float32)
    outputs = gan.discriminator(images, training=False)
    error = (outputs["reconstruction"].numpy() - images).reshape(3, -1)
    np.testing.assert_allclose(outputs["energy"], np.sqrt((error**2).sum(1)), rtol=1e-5)  # bfloat16 has 1/256
    assert outputs["energy"].dtype == outputs["reconstruction"].dtype == tf.float32


def test_the_fully_connected_networks_of_the_grid_search():
    """G: 5 layers of weights, 800 wide; D: 784 -> 1024 -> 784. Weights counted by hand; G's four norms have 2 each."""
    gan = kerasgan.create_model("ebgan")
    generator = 100 * 800 + 3 * 800 * 800 + 4 * 2 * 800 + 800 * 784 + 784
    discriminator = 784 * 1024 + 1024 + 1024 * 784 + 784
    assert sum(int(np.prod(w.shape)) for w in gan.generator.trainable_weights) == generator
    assert gan.discriminator.count_params() == discriminator
    for network, deviation in ((gan.generator, 0.02), (gan.discriminator, 0.002)):
        for layer in network.layers:
            if isinstance(layer, keras.layers.Dense):
                assert np.std(layer.kernel) == pytest.approx(deviation, rel=0.02)
    assert (gan.loss.margin, gan.loss.pulling_away_weight) == (10.0, 0.0)
    for optimizer in (gan.d_optimizer, gan.g_optimizer):
        assert float(optimizer.learning_rate) == pytest.approx(1e-3)


def test_the_convolutional_networks():
    """(1024)4c-(512)4c2s-(256)4c2s-(128)4c2s-(3)4c2s, and 64-128-256-128-64-3 of the autoencoder, by hand."""
    gan = kerasgan.create_model("ebgan", image_shape=(64, 64, 3))
    maps = [layer.output.shape[1:] for layer in gan.generator.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert maps == [(8, 8, 512), (16, 16, 256), (32, 32, 128), (64, 64, 3)]
    kinds = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
    maps = [layer.output.shape[1:] for layer in gan.discriminator.layers if isinstance(layer, kinds)]
    assert maps == [(32, 32, 64), (16, 16, 128), (8, 8, 256), (16, 16, 128), (32, 32, 64), (64, 64, 3)]
    assert gan.discriminator.output["encoding"].shape == (None, 8 * 8 * 256)
    assert gan.loss.margin == 20.0
    assert kerasgan.registry.get_recipe("ebgan", image_shape=(32, 32, 3)).margin == 10.0  # a quarter of the numbers


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"image_shape": (30, 30, 1)},
            r"square images of 28, 32 or 64 pixels .*, or vectors \(n,\); found image_shape",
        ),
        ({"image_shape": (0,)}, r"found image_shape=\(0,\)"),
        ({"loss": "kl"}, r"its loss is 'ebgan'; found loss='kl'"),
        ({"margin": 0}, r"margin must be a finite number above 0; found 0"),
        ({"pulling_away_weight": -1.0}, r"pulling_away_weight must be a finite number, at least 0; found -1"),
        ({"generator_layers": 0}, r"generator_layers must be at least 1; found 0"),
    ],
)
def test_what_it_cannot_build(options, message):
    with pytest.raises(ValueError, match=message):
        kerasgan.create_model("ebgan", **options)
