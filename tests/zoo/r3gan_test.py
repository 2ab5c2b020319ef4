"""R3GAN's networks and recipe against the paper's, counted by hand and computed by numpy."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasgan
from kerasgan import registry
from kerasgan.layers import Basis, Downsample, GroupedConv2D, Upsample
from kerasgan.zoo.r3gan import networks


def size(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


def block(width, group=16):
    """1x1 from w to 2w with biases, 3x3 in groups with biases, 1x1 back without."""
    inside = 2 * width
    return width * inside + inside + 9 * group * inside + inside + inside * width


# What the authors' train.py sets: widths from 4x4 up, blocks of two for each.
CIFAR_10 = (32, [768] * 4)
FFHQ_64 = (64, [768] * 4 + [384])


@pytest.mark.parametrize(("side", "widths"), [CIFAR_10, FFHQ_64], ids=["CIFAR-10", "FFHQ-64"])
@pytest.mark.parametrize("classes", [0, 10])
def test_the_papers_networks_have_the_references_parameters(side, widths, classes):
    """From the structure of `R3GAN/Networks.py`; the same counts as its `parameters()` give."""
    recipe = registry.get_recipe("r3gan", image_shape=(side, side, 3))
    assert recipe.widths == widths
    blocks = sum(2 * block(width) for width in widths)
    between = sum(a * b for a, b in itertools.pairwise(widths) if a != b)
    maps = recipe.widths, recipe.blocks, recipe.group_width
    generator = networks.generator((side, side, 3), recipe.latent_dim, classes, recipe.embedding_dim, *maps, 0)
    joined = 64 + (64 if classes else 0)
    expected = classes * 64 + joined * 768 + 16 * 768 + blocks + between + widths[-1] * 3
    assert size(generator) == expected
    discriminator = networks.discriminator((side, side, 3), classes, *maps, 0)
    head = 768 * 768 + classes * 768 if classes else 768
    assert size(discriminator) == 3 * widths[-1] + blocks + between + 16 * 768 + head


def test_the_groups_are_the_papers():
    recipe = registry.get_recipe("r3gan", image_shape=(256, 256, 3))
    assert recipe.widths == [768, 768, 768, 768, 384, 192, 96]
    assert [2 * width // recipe.group_width for width in recipe.widths] == [96, 96, 96, 96, 48, 24, 12]


@pytest.mark.parametrize(("side", "first", "stages"), [(28, 7, 3), (32, 4, 4), (64, 4, 5), (128, 4, 6)])
@pytest.mark.parametrize("classes", [None, 3])
def test_shapes(side, first, stages, classes):
    settings = {"image_shape": (side, side, 3), "width": 64, "full_width_until": first, "blocks": 1, "group_width": 2}
    gan = kerasgan.create_model("r3gan", classes=classes, **settings)
    basis = next(layer for layer in gan.generator.layers if isinstance(layer, Basis))
    assert basis.output.shape[1:] == (first, first, 64)
    assert sum(isinstance(layer, Upsample) for layer in gan.generator.layers) == stages - 1
    assert sum(isinstance(layer, Downsample) for layer in gan.discriminator.layers) == stages - 1
    images = gan.generate(2)
    assert images.shape == (2, side, side, 3)
    assert gan.discriminator(images).shape == (2, classes or 1)
    assert gan.latent.dim == 64 + (classes or 0)


def noise_map(gan):
    """The linear layer before the learned basis."""
    return gan.generator.layers[[isinstance(layer, Basis) for layer in gan.generator.layers].index(True) - 1]


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize(("settings", "fixed"), [({}, True), ({"fixed_noise_map": False}, False)])
def test_a_small_network_keeps_its_map_of_the_noise(settings, fixed, classes):
    gan = kerasgan.create_model("r3gan", image_shape=(28, 28, 1), width=64, penalties=None, classes=classes, **settings)
    before = noise_map(gan).kernel.numpy()
    assert before.shape == (64 + (64 if classes else 0), 64)
    images = np.random.default_rng(0).uniform(-1, 1, (32, 28, 28, 1)).astype(np.float32)
    batches = (images, np.arange(32, dtype=np.int32) % 3) if classes else images
    gan.fit(tf.data.Dataset.from_tensor_slices(batches).batch(16), epochs=1, verbose=0)
    assert gan.step == 2
    assert np.array_equal(noise_map(gan).kernel, before) == fixed


def test_the_papers_networks_train_their_map_of_the_noise():
    assert not registry.get_recipe("r3gan", image_shape=(64, 64, 3)).fixed_noise_map
    assert registry.get_recipe("r3gan", image_shape=(64, 64, 3), small=True).fixed_noise_map


def test_a_fresh_network_is_its_transitions_alone():
    """Fix-up: the last convolution of every block is 0, so that blocks begin as the identity; the others have the
    deviation sqrt(2 / 1.04) L^(-1/4) / sqrt(fan in) for L blocks."""
    network = networks.generator((28, 28, 1), 64, 0, 64, [128, 64, 32], 2, 16, 0)
    last = [layer for layer in network.layers if layer.name.startswith("conv2d") and layer.kernel.shape[2] == 256]
    back = [layer for layer in last if layer.kernel.shape[3] == 128]
    assert len(back) == 2
    assert not any(layer.kernel.numpy().any() for layer in back)
    grouped = [layer for layer in network.layers if isinstance(layer, GroupedConv2D)]
    assert len(grouped) == 6
    gain = np.sqrt(2 / 1.04) * 6**-0.25
    assert grouped[0].kernel.numpy().std() == pytest.approx(gain / np.sqrt(9 * 16), rel=0.02)
    assert not any(layer.bias.numpy().any() for layer in grouped)


def doubled(x):
    """Bilinear by hand, in one dimension after the other: (3 x_i + x_{i-1}) / 4 and (3 x_i + x_{i+1}) / 4."""
    for axis in (1, 2):
        x = np.moveaxis(x, axis, 0)
        padded = np.concatenate([0 * x[:1], x, 0 * x[:1]])
        pairs = (3 * x + padded[:-2]) / 4, (3 * x + padded[2:]) / 4
        x = np.moveaxis(np.stack(pairs, 1).reshape(-1, *x.shape[1:]), 0, axis)
    return x


def halved(x):
    """[1, 3, 3, 1] / 8 at every other place, zeros outside."""
    for axis in (1, 2):
        x = np.moveaxis(x, axis, 0)
        p = np.concatenate([0 * x[:1], x, 0 * x[:1]])
        x = np.moveaxis((p[0:-3:2] + 3 * p[1:-2:2] + 3 * p[2:-1:2] + p[3::2]) / 8, 0, axis)
    return x


def test_resampling_with_zeros_outside():
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(Upsample()(x), doubled(x), atol=1e-6)
    np.testing.assert_allclose(Downsample()(x), halved(x), atol=1e-6)


@pytest.mark.parametrize(("layer", "resample"), [(Upsample, doubled), (Downsample, halved)])
def test_gradients_of_resampling_are_the_transposed_matrix(layer, resample):
    """The matrix from what numpy makes of each pixel by itself; the second time the tape differentiates the gradient,
    which gives the matrix again."""
    generator = np.random.default_rng(0)
    pixels = np.eye(24).reshape(24, 4, 6, 1)
    matrix = resample(pixels).reshape(24, -1)  # (pixels of x, pixels of the outputs)
    x = tf.constant(generator.normal(size=(1, 4, 6, 1)), tf.float32)
    towards = tf.Variable(generator.normal(size=(1, *resample(pixels[:1]).shape[1:])), dtype=tf.float32)
    again = tf.constant(generator.normal(size=x.shape), tf.float32)
    layer = layer()
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(x)
            outputs = layer(x)
        first = inner.gradient(outputs, x, output_gradients=towards)
    second = outer.gradient(first, towards, output_gradients=again)
    np.testing.assert_allclose(np.ravel(first), matrix @ np.ravel(towards), atol=1e-6)
    np.testing.assert_allclose(np.ravel(second), np.ravel(again) @ matrix, atol=1e-6)


@pytest.mark.parametrize("layer", [Upsample, Downsample])
def test_xla_can_differentiate_resampling(layer):
    layer = layer()

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(layer(x)))
        return tape.gradient(loss, x)

    x = tf.random.stateless_normal((2, 4, 4, 3), (0, 1))
    compiled = tf.function(gradient, jit_compile=True)(x)
    np.testing.assert_allclose(compiled, gradient(x), rtol=1e-5, atol=1e-6)


def test_a_fresh_block_is_the_identity():
    inputs = keras.Input((5, 5, 4))
    network = keras.Model(inputs, networks._block(inputs, 4, 3, iter(range(9))))
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 4)).astype(np.float32)
    np.testing.assert_array_equal(network(x), x)


def test_the_basis_is_a_map_for_each_channel_times_a_number():
    layer = Basis(2)
    layer.build((None, 3))
    maps = np.arange(12.0).reshape(2, 2, 3)
    layer.maps.assign(maps)
    x = np.array([[1.0, 0.0, -2.0], [0.5, 3.0, 1.0]], np.float32)
    y = layer(x).numpy()
    assert y.shape == (2, 2, 2, 3)
    np.testing.assert_array_equal(y[0, 1, 0], [6.0, 0.0, -16.0])  # maps[1, 0] is 6, 7, 8
    np.testing.assert_array_equal(y, [[[maps[i, j] * row for j in range(2)] for i in range(2)] for row in x])


def test_a_class_has_a_linear_head_of_its_own():
    """The authors' (feature * embedding(one-hot label)).sum() by numpy: column c of the last kernel is the embedding of
    class c."""
    network = networks.discriminator((32, 32, 3), 3, [16] * 4, 1, 4, 0)
    feature, logits = network.layers[-2:]
    embedding = logits.kernel.numpy()  # (16, 3)
    assert (feature.kernel.shape, feature.use_bias, logits.use_bias) == ((16, 16), False, False)
    images = np.random.default_rng(0).normal(size=(4, 32, 32, 3)).astype(np.float32)
    judged = network(images).numpy()
    features = keras.Model(network.input, feature.output)(images).numpy()
    for label in range(3):
        by_embedding = (features * (np.eye(3)[label] @ embedding.T)).sum(axis=1)
        np.testing.assert_allclose(judged[:, label], by_embedding, rtol=1e-4, atol=1e-5)


def test_the_heads_begin_with_the_deviation_of_the_authors_embedding():
    """1 / sqrt(width * classes), and 1 / sqrt(width) without classes."""
    for classes, deviation in ((10, 1 / np.sqrt(256 * 10)), (0, 1 / np.sqrt(256))):
        network = networks.discriminator((32, 32, 3), classes, [256] * 4, 1, 16, 0)
        assert network.get_layer("logits").kernel.numpy().std() == pytest.approx(deviation, rel=0.15)


def test_a_block_by_numpy():
    rng = np.random.default_rng(0)
    inputs = keras.Input((5, 5, 4))
    network = keras.Model(inputs, networks._block(inputs, 4, 3, iter(range(9))))
    weights = [rng.normal(size=w.shape).astype(np.float32) for w in network.trainable_weights]
    network.set_weights(weights)
    first, bias, grouped, grouped_bias, last = weights
    x = rng.normal(size=(2, 5, 5, 4)).astype(np.float32)

    def leaky(y):
        return np.where(y > 0, y, 0.2 * y)

    y = leaky(x @ first[0, 0] + bias)
    padded = np.pad(y, ((0, 0), (1, 1), (1, 1), (0, 0)))
    z = np.zeros_like(y)
    for group in range(2):  # 8 channels in groups of 4
        of = slice(4 * group, 4 * group + 4)
        for i in range(3):
            for j in range(3):
                z[..., of] += padded[:, i : i + 5, j : j + 5, of] @ grouped[i, j, :, of]
    expected = x + leaky(z + grouped_bias) @ last[0, 0]
    np.testing.assert_allclose(network(x), expected, rtol=1e-4, atol=1e-4)


def test_the_papers_schedules():
    recipe = registry.get_recipe("r3gan", image_shape=(32, 32, 3))
    assert (recipe.batch_size, recipe.epochs, recipe.loss, recipe.fresh_noise) == (512, 400, "relativistic", True)
    assert recipe.learning_rate == "cosine(0.0002, 5e-05, 39062)"  # 20 M images in batches of 512
    assert recipe.beta_2 == "cosine(0.9, 0.99, 39062)"
    assert recipe.penalties == "r1(cosine(0.025, 0.0025, 39062)), r2(cosine(0.025, 0.0025, 39062))"
    assert recipe.ema_decay == "halving(cosine(0, 9765.62, 39062))"
    assert recipe.augment == "diffaugment(color, translation, cutout, probability=cosine(0, 0.55, 39062))"
    faces = registry.get_recipe("r3gan", image_shape=(64, 64, 3), batch_size=64, schedule_images=6400)
    assert faces.penalties == "r1(cosine(1, 0.1, 100)), r2(cosine(1, 0.1, 100))"
    assert faces.ema_decay == "halving(cosine(0, 7812.5, 100))"
    large = registry.get_recipe("r3gan", image_shape=(256, 256, 3))
    assert large.penalties == "r1(cosine(75, 7.5, 78125)), r2(cosine(75, 7.5, 78125))"


def test_the_schedules_of_28_pixels():
    recipe = registry.get_recipe("r3gan")
    assert (recipe.image_shape, recipe.batch_size, recipe.epochs, recipe.augment) == ((28, 28, 1), 16, 20, None)
    assert recipe.learning_rate == "cosine(0.001, 5e-05, 68740)"  # 1,099,840 images in batches of 16: 20 epochs
    assert recipe.penalties == "r1(0.25, every=8), r2(0.25, every=8)"
    assert recipe.ema_decay == "halving(cosine(0, 312.5, 68740))"  # 5,000 images
    short = registry.get_recipe("r3gan", batch_size=32, schedule_images=3200)
    assert short.learning_rate == "cosine(0.001, 5e-05, 100)"
    assert short.beta_2 == "cosine(0.9, 0.99, 100)"
    assert short.ema_decay == "halving(cosine(0, 0.454612, 100))"  # as large a part of the schedule: 312.5 / 68,740


def test_small_settings_for_any_size():
    recipe = registry.get_recipe("r3gan", image_shape=(64, 64, 3), small=True, schedule_images=160_000)
    assert (recipe.widths, recipe.blocks, recipe.batch_size) == ([128, 128, 64, 32, 16], 1, 16)
    assert recipe.learning_rate == "cosine(0.001, 5e-05, 10000)"
    assert recipe.penalties == "r1(0.25, every=8), r2(0.25, every=8)"
    assert recipe.augment == "diffaugment(color, translation, probability=cosine(0, 0.5, 10000))"  # no cutout
    assert recipe.ema_decay == "halving(cosine(0, 125, 10000))"
    assert registry.get_recipe("r3gan", image_shape=(64, 64, 3)).small is False
    assert registry.get_recipe("r3gan", image_shape=(128, 128, 1), small=True).widths == [128, 128, 64, 32, 16, 8]
    assert registry.get_recipe("r3gan", image_shape=(256, 256, 1), small=True).widths[-1] == 8
    with pytest.raises(ValueError, match=r"^The paper has no network for 28 pixels; leave small=False out\.$"):
        registry.get_recipe("r3gan", small=False)


def test_a_field_that_is_set_takes_the_place_of_its_schedule_alone():
    recipe = registry.get_recipe("r3gan", learning_rate=1e-4, penalties="r1(1)", schedule_images=1600)
    assert (recipe.learning_rate, recipe.penalties) == (1e-4, "r1(1)")
    assert recipe.beta_2 == "cosine(0.9, 0.99, 100)"


def test_none_is_none():
    recipe = registry.get_recipe("r3gan", penalties=None, ema_decay=None, image_shape=(32, 32, 3), augment=None)
    assert (recipe.penalties, recipe.ema_decay, recipe.augment) == (None, None, None)
    none = {"penalties": None, "ema_decay": None, "augment": None}
    small = {"image_shape": (32, 32, 3), "width": 16, "full_width_until": 32, "blocks": 1, "group_width": 4}
    gan = kerasgan.create_model("r3gan", **none, **small)
    assert (gan.penalties, gan.augment, gan.ema_decay) == ((), None, None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_shape": (48, 48, 3)}, r"28, 32, 64, 128 or 256 pixels with 1 or 3 channels; found .*48"),
        ({"image_shape": (64, 64, 2)}, r"1 or 3 channels; found .*2"),
        ({"width": 100}, "width must be a multiple of 32, so that 2 halvings leave whole groups of 16 .* found 100"),
        ({"blocks": 0}, "blocks must be at least 1; found 0"),
        ({"schedule_images": 0}, "schedule_images must be at least 1; found 0"),
        ({"learning_rate": "cosin(1, 2, 3)"}, "Did you mean 'cosine'"),
    ],
)
def test_what_cannot_be_built(settings, message):
    with pytest.raises(ValueError, match=message) as error:
        kerasgan.create_model("r3gan", **settings)
    assert "\n" not in str(error.value)
