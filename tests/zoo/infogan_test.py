"""InfoGAN's networks against the paper's tables."""

import itertools

import keras
import numpy as np
import pytest

import kerasgan


def test_the_mnist_networks():
    """Table 1, its weights counted by hand; a normalised layer has a scale and a shift in place of a bias."""
    gan = kerasgan.create_model("infogan")
    assert (gan.latent.noise, gan.latent.categorical, gan.latent.continuous, gan.latent.dim) == (62, (10,), 2, 74)
    generator = 74 * 1024 + 2 * 1024 + 1024 * 6272 + 2 * 6272 + 16 * 128 * 64 + 2 * 64 + 16 * 64 + 1
    trunk = 16 * 64 + 64 + 16 * 64 * 128 + 2 * 128 + 49 * 128 * 1024 + 2 * 1024
    heads = 1024 + 1 + 1024 * 128 + 2 * 128 + 128 * 12 + 12
    assert sum(int(np.prod(w.shape)) for w in gan.generator.trainable_weights) == generator
    assert sum(int(np.prod(w.shape)) for w in gan.discriminator.trainable_weights) == trunk + heads
    assert gan.value_range == (0.0, 1.0)
    assert slopes(gan) == pytest.approx([0.1] * 4)


def test_narrower_networks():
    """Half as wide: a quarter of the weights between hidden layers, counted by hand as above. Q's own stay."""
    gan = kerasgan.create_model("infogan", width=32)
    generator = 74 * 512 + 2 * 512 + 512 * 3136 + 2 * 3136 + 16 * 64 * 32 + 2 * 32 + 16 * 32 + 1
    trunk = 16 * 32 + 32 + 16 * 32 * 64 + 2 * 64 + 49 * 64 * 512 + 2 * 512
    heads = 512 + 1 + 512 * 128 + 2 * 128 + 128 * 12 + 12
    assert sum(int(np.prod(w.shape)) for w in gan.generator.trainable_weights) == generator
    assert sum(int(np.prod(w.shape)) for w in gan.discriminator.trainable_weights) == trunk + heads


def slopes(gan):
    return [layer.negative_slope for layer in gan.discriminator.layers if isinstance(layer, keras.layers.LeakyReLU)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "side"), [(32, 2), (64, 4)])
def test_larger_images(size, side, channels):
    settings = {"categorical": (10, 10), "continuous": 1, "leak": 0.01}
    gan = kerasgan.create_model("infogan", image_shape=(size, size, channels), **settings)
    maps = [layer.output.shape[1:] for layer in gan.generator.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert maps == [(side * 2**i, side * 2**i, width) for i, width in enumerate((256, 128, 64, channels), 1)]
    maps = [layer.output.shape[-1] for layer in gan.discriminator.layers if isinstance(layer, keras.layers.Conv2D)]
    assert maps == [64, 128, 256]
    assert slopes(gan) == pytest.approx([0.01] * 4)
    images = gan.generate(2, codes={"categorical": [3, 4], "continuous": 0.1})
    assert images.shape == (2, size, size, channels)
    assert gan.infer_codes(images)["categorical"].shape == (2, 2, 10)


def test_d_and_q_share_all_but_their_heads():
    gan = kerasgan.create_model("infogan")
    first = gan.discriminator.layers[1]
    assert isinstance(first, keras.layers.Conv2D)
    outputs = gan.discriminator(np.random.default_rng(0).uniform(size=(2, 28, 28, 1)).astype(np.float32))
    assert {name: tuple(output.shape) for name, output in outputs.items()} == {"logits": (2, 1), "codes": (2, 12)}
    first.set_weights([np.zeros_like(weight) for weight in first.get_weights()])  # the only way in
    images = np.random.default_rng(1).uniform(size=(2, 28, 28, 1)).astype(np.float32)
    for output in gan.discriminator(images, training=False).values():
        np.testing.assert_array_equal(output[0], output[1])


def test_the_recipe():
    gan = kerasgan.create_model("infogan")
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(2e-4)
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(1e-3)
    assert gan.d_optimizer.beta_1 == gan.g_optimizer.beta_1 == 0.5
    assert gan.loss.information_weight == 1.0
    assert gan.fresh_noise
    assert type(gan.loss.adversarial).__name__ == "NonSaturating"
    assert type(kerasgan.create_model("infogan", loss="kl").loss.adversarial).__name__ == "KL"


@pytest.mark.slow
@pytest.mark.parametrize("learner", ["d_optimizer", "g_optimizer"])
def test_either_update_alone_raises_the_bound(learner):
    """One network is held still: Q learns to read a random generator, or the generator to be read by a random Q."""
    gan = kerasgan.create_model("infogan")
    held = {"d_optimizer": keras.optimizers.SGD(0.0), "g_optimizer": keras.optimizers.SGD(0.0)}
    held[learner] = keras.optimizers.Adam(1e-3, beta_1=0.5)
    gan.compile(**held, loss=kerasgan.losses.InfoGAN(information_weight=50.0))
    images = np.random.default_rng(0).uniform(size=(16, 28, 28, 1)).astype(np.float32)
    logs = [gan.fit(images, batch_size=16, verbose=0).history["mutual_information"][0] for _ in range(25)]
    assert np.mean(logs[-3:]) > np.mean(logs[:3]) + 0.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *[
            ({"image_shape": shape}, r"infogan makes square images of 28, 32 or 64 pixels with 1 or 3 channels; found")
            for shape in itertools.chain([(2,), (30, 30, 1), (28, 28, 2), (28, 32, 1)])
        ],
        ({"loss": "ebgan"}, r"builds on a logit loss"),
        ({"information_weight": -0.5}, r"information_weight must be a finite number, at least 0; found -0.5"),
        ({"width": 0}, r"width must be a whole number, at least 1; found 0"),
        ({"categorical": (1,)}, r"2 or more; found \(1,\)"),
    ],
)
def test_what_it_cannot_build(options, message):
    with pytest.raises(ValueError, match=message):
        kerasgan.create_model("infogan", **options)
