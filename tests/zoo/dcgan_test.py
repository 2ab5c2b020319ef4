"""DCGAN's networks against the paper's rules."""

import itertools

import keras
import numpy as np
import pytest

import kerasgan
from kerasgan.zoo.dcgan import networks


def kinds(network):
    return [type(layer).__name__ for layer in network.layers]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "first", "doublings"), [(28, 7, 2), (32, 4, 3), (64, 4, 4), (128, 4, 5)])
def test_shapes(size, first, doublings, channels):
    gan = kerasgan.create_model("dcgan", image_shape=(size, size, channels), generator_width=2, discriminator_width=2)
    reshaped = next(layer for layer in gan.generator.layers if isinstance(layer, keras.layers.Reshape))
    assert reshaped.output.shape[1:] == (first, first, 2 * 2 ** (doublings - 1))
    assert gan.generator.output_shape == (None, size, size, channels)
    last = [layer for layer in gan.discriminator.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    assert last.output.shape[1:] == reshaped.output.shape[1:]  # the two networks mirror each other
    images = gan.generate(2)
    assert images.shape == (2, size, size, channels)
    assert gan.discriminator(images).shape == (2, 1)


def test_the_generator_of_figure_1():
    """1024, 512, 256, 128 and 3 channels at 4 to 64 pixels: the weights counted by hand."""
    generator = networks.generator((64, 64, 3), 100, 128, 0)
    maps = [1024, 512, 256, 128, 3]
    kernels = 100 * 4 * 4 * 1024 + sum(25 * a * b for a, b in itertools.pairwise(maps))
    scales = 2 * sum(maps[:-1])
    assert sum(int(np.prod(w.shape)) for w in generator.trainable_weights) == kernels + scales
    recipe = kerasgan.registry.get_recipe("dcgan", image_shape=(64, 64, 3))
    assert (recipe.generator_width, recipe.discriminator_width) == (128, 128)


def test_the_rules_of_section_3():
    gan = kerasgan.create_model("dcgan", image_shape=(32, 32, 3), generator_width=4, discriminator_width=4)
    assert kinds(gan.generator) == (
        ["InputLayer", "Dense", "Reshape", "BatchNormalization", "ReLU"]
        + ["Conv2DTranspose", "BatchNormalization", "ReLU"] * 2
        + ["Conv2DTranspose", "Activation"]
    )
    assert kinds(gan.discriminator) == (
        ["InputLayer", "Conv2D", "LeakyReLU"] + ["Conv2D", "BatchNormalization", "LeakyReLU"] * 2 + ["Flatten", "Dense"]
    )
    assert gan.generator.layers[-1].activation is keras.activations.tanh
    for network in (gan.generator, gan.discriminator):
        for layer in network.layers:
            if isinstance(layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose)):
                assert layer.strides == (2, 2)
                assert layer.kernel_size == (5, 5)
            if isinstance(layer, keras.layers.LeakyReLU):
                assert layer.negative_slope == pytest.approx(0.2)
            assert getattr(layer, "bias", None) is None


def test_initial_weights():
    generator = networks.generator((28, 28, 1), 100, 64, 0)
    dense, norm = generator.layers[1], generator.layers[3]
    assert np.std(dense.kernel) == pytest.approx(0.02, rel=0.02)
    assert abs(np.mean(dense.kernel)) < 1e-4
    assert np.mean(norm.gamma) == pytest.approx(1.0, abs=0.01)
    assert np.std(norm.gamma) == pytest.approx(0.02, rel=0.3)
    assert np.all(norm.beta.numpy() == 0)
    kernels = [w.numpy() for w in generator.trainable_weights if len(w.shape) == 4]
    assert not np.array_equal(kernels[1].ravel()[:50], kernels[0].ravel()[:50])  # each layer has its own draw


def test_the_optimizers():
    gan = kerasgan.create_model("dcgan", generator_width=2, discriminator_width=2)
    for optimizer in (gan.d_optimizer, gan.g_optimizer):
        assert isinstance(optimizer, keras.optimizers.Adam)
        assert float(optimizer.learning_rate) == pytest.approx(2e-4)
        assert optimizer.beta_1 == 0.5
        assert optimizer.beta_2 == 0.999


@pytest.mark.parametrize("shape", [(30, 30, 1), (28, 32, 1), (28, 28, 2), (28, 28), (256, 256, 3)])
def test_sizes_that_it_cannot_build(shape):
    with pytest.raises(ValueError, match=r"square images of 28, 32, 64 or 128 pixels with 1 or 3 channels; found"):
        kerasgan.create_model("dcgan", image_shape=shape)
