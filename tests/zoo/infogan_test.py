"""InfoGAN's networks against the paper's tables."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasgan
from kerasgan.losses.infogan import mutual_information


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


def small_gan(**rules):
    """Codes of three categories and one number, read from 4x4 images by a layer without a bias."""
    keras.utils.set_random_seed(0)
    latent = kerasgan.latents.Coded(2, (3,), 1)
    z, images = keras.Input((latent.dim,)), keras.Input((4, 4, 1))
    samples = keras.layers.Reshape((4, 4, 1))(keras.layers.Dense(16, "tanh")(z))
    flat = keras.layers.Flatten()(images)
    outputs = {
        "logits": keras.layers.Dense(1)(flat),
        "codes": keras.layers.Dense(latent.code_dim, use_bias=False)(flat),
    }
    gan = kerasgan.GAN(keras.Model(z, samples), keras.Model(images, outputs), latent, seed=1)
    gan.compile(**{"d_optimizer": keras.optimizers.SGD(0.0), "g_optimizer": keras.optimizers.SGD(0.1), **rules})
    return gan


class TestCodesOfChangedImages:
    @pytest.fixture(autouse=True)
    def _transforms(self, monkeypatch):
        monkeypatch.setitem(kerasgan.augment.TRANSFORMS, "gone", (lambda images, u: images * 0.0, 1))

    real = np.random.default_rng(0).uniform(-1, 1, (8, 4, 4, 1)).astype(np.float32)

    def played(self, **rules):
        gan = small_gan(**rules)
        return gan, gan.train_on_batch(self.real, return_dict=True)

    def test_categories_come_from_the_changed_ones_and_all_else_from_the_images(self):
        """Of images without anything in them Q says nothing: three categories alike, 0 nats of log 3."""
        _, plain = self.played(loss="infogan")
        _, changed = self.played(loss=kerasgan.losses.InfoGAN(augment="gone"))
        assert changed["mutual_information_categorical_0"] == pytest.approx(0.0, abs=1e-6)
        categories = plain["mutual_information_categorical_0"]
        assert abs(categories) > 0.05
        for name in ("mutual_information_continuous_0", "d_real", "d_fake"):
            assert changed[name] == pytest.approx(plain[name], rel=1e-6)
        for name in ("d_loss", "g_loss"):  # each is less lambda times the bound
            assert changed[name] == pytest.approx(plain[name] + categories, rel=1e-5)

    def test_the_generator_learns_its_categories_through_the_change(self):
        """Through one that leaves nothing it learns what it learns with a code the less; through affine, more."""
        kernels = {}
        for name in ("gone", "affine"):
            gan, _ = self.played(loss=kerasgan.losses.InfoGAN(augment=name))
            kernels[name] = gan.generator.get_weights()[0]
        gan = small_gan(loss="infogan")
        z = gan._noise(tf.constant(self.real), 0, gan.step, 0)
        with tf.GradientTape() as tape:
            outputs = gan.discriminator(gan.generator(z))
            number = mutual_information(outputs, z, gan.latent)["continuous_0"]
            loss = tf.reduce_mean(tf.nn.softplus(-outputs["logits"][:, 0]) - number)
        kernel = gan.generator.trainable_variables[0].value
        expected = (kernel - 0.1 * tape.gradient(loss, kernel)).numpy()
        np.testing.assert_allclose(kernels["gone"], expected, atol=1e-6)
        assert np.abs(kernels["affine"] - expected).max() > 1e-3

    def test_nothing_is_changed_where_nothing_is_learned(self):
        plain, changed = (small_gan(loss=kerasgan.losses.InfoGAN(augment=name)) for name in (None, "gone"))
        for gan in (plain, changed):
            gan.evaluate(self.real, batch_size=4, verbose=0)
        assert plain.evaluate(self.real, verbose=0) == changed.evaluate(self.real, verbose=0)

    def test_it_is_saved(self, tmp_path):
        gan = small_gan(loss=kerasgan.losses.InfoGAN(augment="diffaugment(affine, probability=.5)"))
        gan.save(tmp_path / "gan.keras")
        augmentation = kerasgan.GAN.from_preset(tmp_path / "gan.keras").loss.augment
        assert (augmentation.transforms, augmentation.probability) == (("affine",), 0.5)

    def test_a_recipe(self):
        assert kerasgan.create_model("infogan").loss.augment is None
        gan = kerasgan.create_model("infogan", code_augment="affine", width=8)
        assert gan.loss.augment.transforms == ("affine",)
        for wrong, message in (
            ("adaptive", "goes by how sure D is"),
            ("afine", "Unknown augmentation 'afine'.*'affine'"),
        ):
            with pytest.raises(ValueError, match=message):
                kerasgan.create_model("infogan", code_augment=wrong)

    def test_points_have_no_pixels_to_change(self):
        latent = kerasgan.latents.Coded(2, (3,), 1)
        z, points = keras.Input((latent.dim,)), keras.Input((2,))
        outputs = {"logits": keras.layers.Dense(1)(points), "codes": keras.layers.Dense(latent.code_dim)(points)}
        networks = keras.Model(z, keras.layers.Dense(2)(z)), keras.Model(points, outputs)
        gan = kerasgan.GAN(*networks, latent, value_range=None)
        with pytest.raises(ValueError, match="transforms images, and this model's samples are none"):
            gan.compile(loss=kerasgan.losses.InfoGAN(augment="affine"))
