"""The 2014 model against its authors' mnist.yaml."""

import math

import keras
import numpy as np
import pytest

import kerasgan
from kerasgan import runs
from kerasgan.optimizers import Adam
from kerasgan.zoo.vanilla_gan import networks


@pytest.fixture(scope="module")
def gan():
    return kerasgan.create_model("vanilla_gan")


def test_the_number_of_weights(gan):
    """Counted by hand from the layer sizes."""
    generator = 100 * 1200 + 1200 + 1200 * 1200 + 1200 + 1200 * 784 + 784
    discriminator = 784 * 1200 + 1200 + 240 * 1200 + 1200 + 240 + 1
    assert gan.generator.count_params() == generator
    assert gan.discriminator.count_params() == discriminator


def test_initial_weights(gan):
    for network, bound in ((gan.generator, 0.05), (gan.discriminator, 0.005)):
        for weight in network.trainable_weights:
            values = weight.numpy()
            if values.ndim == 1:
                assert np.all(values == 0)
            else:
                assert np.abs(values).max() <= bound
                assert values.std() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_a_generator_that_begins_with_the_mean_image(tmp_path):
    """Pixels that are 0, 51 of 255 and 255 in all images, and one that is 255 in every fourth."""
    images = np.zeros((8, 2, 2, 1), np.uint8)
    images[:, 0, 1], images[:, 1, 0], images[::4, 1, 1] = 51, 255, 255
    np.savez(tmp_path / "images.npz", images=images)
    small = {"image_shape": (2, 2, 1), "generator_units": 2, "discriminator_units": 2, "batch_size": 4}
    # Two steps of next to no length leave it where a run begins it.
    still = {"learning_rate": 1e-12, "learning_rate_floor": 0.0, "output_bias": "marginals"}
    config = runs.resolve("vanilla_gan", str(tmp_path / "images.npz"), steps=2, **small, **still)
    bias = runs.train(config, tmp_path / "run", verbose=0).generator.layers[-3].bias.numpy()
    np.testing.assert_allclose(bias, [-math.log(1e7), -math.log(4.0), math.log(1e7), -math.log(3.0)], rtol=1e-6)
    gan = kerasgan.create_model("vanilla_gan", **config.recipe)
    networks.begin_with_mean(gan.generator, images.astype(np.float32) / 255.0)
    np.testing.assert_allclose(gan.generator.layers[-3].bias, bias, rtol=1e-5)


def test_biases_that_there_are_not():
    with pytest.raises(ValueError, match=r"^output_bias must be zeros or marginals; found 'mean'\.$"):
        kerasgan.create_model("vanilla_gan", output_bias="mean")
    with pytest.raises(ValueError, match=r"^output_bias=marginals is of pixels, from 0 to 1; found image_shape=\(2,\)"):
        kerasgan.create_model("vanilla_gan", output_bias="marginals", image_shape=(2,))


def test_maxout_is_the_largest_of_five_pieces(gan):
    images = np.random.default_rng(0).uniform(size=(3, 28, 28, 1)).astype(np.float32)
    x = images.reshape(3, 784)
    dense = [layer for layer in gan.discriminator.layers if isinstance(layer, keras.layers.Dense)]
    for layer in dense[:2]:
        kernel, bias = (w.numpy() for w in layer.weights)
        pieces = [x @ kernel[:, p : p + 240] + bias[p : p + 240] for p in range(0, 1200, 240)]
        x = np.max(pieces, axis=0)
        assert x.shape == (3, 240)
    logits = x @ dense[2].kernel.numpy() + dense[2].bias.numpy()
    np.testing.assert_allclose(gan.discriminator(images, training=False), logits, atol=1e-5)


def test_dropout_of_inputs_and_hidden_units(gan):
    rates = [layer.rate for layer in gan.discriminator.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.2, 0.5, 0.5]
    small = {"generator_units": 4, "discriminator_units": 4}
    other = kerasgan.create_model("vanilla_gan", input_dropout=0.0, dropout=0.3, **small).discriminator
    assert [layer.rate for layer in other.layers if isinstance(layer, keras.layers.Dropout)] == [0.0, 0.3, 0.3]


@pytest.mark.parametrize("setting", [{"input_dropout": 1.0}, {"dropout": -0.1}])
def test_a_share_of_dropout_that_is_none(setting):
    ((field, found),) = setting.items()
    with pytest.raises(ValueError, match=f"^{field} must be at least 0 and below 1; found {found}.$"):
        kerasgan.create_model("vanilla_gan", **setting)


def test_noise_has_unit_variance(gan):
    z = gan.latent.sample(1000, [0, 0]).numpy()
    assert z.shape == (1000, 100)
    assert np.abs(z).max() <= math.sqrt(3)
    assert z.var() == pytest.approx(1.0, abs=0.02)


def test_the_schedules(gan):
    for optimizer, rate in ((gan.g_optimizer, 0.1), (gan.d_optimizer, 0.05)):
        config = optimizer.get_config()
        assert config["initial_momentum"] == 0.5
        assert config["final_momentum"] == 0.7
        assert config["ramp_steps"] == 250 * 50_000 // 100
        assert float(optimizer.learning_rate) == pytest.approx(rate)


def test_adam_instead():
    options = {"generator_units": 4, "discriminator_units": 4, "learning_rate": 5e-4}
    gan = kerasgan.create_model("vanilla_gan", optimizer="adam", generator_learning_rate=1e-3, **options)
    for optimizer, rate in ((gan.g_optimizer, 1e-3), (gan.d_optimizer, 5e-4)):
        assert isinstance(optimizer, Adam)
        assert float(optimizer.beta_1) == 0.5
        assert float(optimizer.learning_rate) == pytest.approx(rate)
    with pytest.raises(ValueError, match="optimizer must be sgd or adam; found 'adan'"):
        kerasgan.create_model("vanilla_gan", optimizer="adan")


def test_images_lie_between_zero_and_one(gan):
    assert gan.value_range == (0.0, 1.0)
    assert gan.generate(2).shape == (2, 28, 28, 1)
    with pytest.raises(ValueError, match=r"with 1 or 3 channels, or vectors \(n,\); found image_shape"):
        kerasgan.create_model("vanilla_gan", image_shape=(28, 28))
