"""Augmentation, sample by sample, against plain numpy written from the paper (arXiv:2006.10738) and its authors' code;
the control of p by hand.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasgan
from kerasgan import augment, latents

SHAPES = [(8, 8, 1), (9, 14, 3), (32, 32, 3), (5, 3, 2)]
JUST_ABOVE_0, JUST_BELOW_1 = 2.0**-25, 1 - 2.0**-24  # the ends of what `latents.Uniform` can give


def images_of(shape, n=6, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, *shape)).astype(np.float32)


def numbers_of(n, count, seed=1):
    return latents.Uniform(count, 0.0, 1.0).sample(n, [seed, 0]).numpy()


def color(image, u):
    image = image.astype(np.float64) + (u[0] - 0.5)
    out = np.empty_like(image)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            grey = image[i, j].mean()
            out[i, j] = grey + 2 * u[1] * (image[i, j] - grey)
    return out.mean() + (0.5 + u[2]) * (out - out.mean())


def translation(image, u):
    height, width, _ = image.shape
    out, by = np.zeros_like(image), []
    for side, number in ((height, u[0]), (width, u[1])):
        most = int(side * 0.125 + 0.5)
        by.append(int(np.floor(np.float64(number) * (2 * most + 1))) - most)  # one of -most, ..., most
    for i in range(height):
        for j in range(width):
            if 0 <= i - by[0] < height and 0 <= j - by[1] < width:
                out[i, j] = image[i - by[0], j - by[1]]
    return out


def cutout(image, u):
    """As in the authors' code: whatever reaches beyond is drawn back to the border, which is cut already."""
    height, width, _ = image.shape
    length = int(height * 0.5 + 0.5), int(width * 0.5 + 0.5)
    offset = [
        int(np.floor(np.float64(number) * (side + 1 - size % 2)))
        for number, side, size in zip(u, (height, width), length, strict=True)
    ]
    out = image.copy()
    for i in range(length[0]):
        for j in range(length[1]):
            row, column = i + offset[0] - length[0] // 2, j + offset[1] - length[1] // 2
            out[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)] = 0
    return out


def affine(image, u):
    """Line by line with `np.interp`, which goes on beyond the ends with what stands there."""
    out = image.astype(np.float64)
    for numbers in (u[:3], u[3:]):
        stretch, slant, shift = (2 * np.float64(number) - 1 for number in numbers)
        lines, side, channels = out.shape
        moved = np.empty_like(out)
        for line in range(lines):
            along = np.arange(side) - (side - 1) / 2
            beside = line - (lines - 1) / 2
            places = (side - 1) / 2 + (1 + 0.2 * stretch) * along + 0.4 * slant * beside + shift * side / 14
            for channel in range(channels):
                moved[line, :, channel] = np.interp(places, np.arange(side), out[line, :, channel])
        out = moved.swapaxes(0, 1)  # the columns next, and then back
    return out


PLAIN = {"color": color, "translation": translation, "cutout": cutout, "affine": affine}
ATOL = {"affine": 2e-5}  # float32 knows a place among 32 pixels to 2e-6, and neighbours differ by up to 2


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
class TestEachTransform:
    def test_against_plain_numpy(self, name, shape):
        transform, count = augment.TRANSFORMS[name]
        images, u = images_of(shape, 12), numbers_of(12, count)
        found = transform(tf.constant(images), tf.constant(u)).numpy()
        for image, numbers, augmented in zip(images, u, found, strict=True):
            np.testing.assert_allclose(augmented, PLAIN[name](image, numbers), atol=ATOL.get(name, 2e-6))
        assert not np.array_equal(found, images)

    def test_at_the_ends_of_its_numbers(self, name, shape):
        transform, count = augment.TRANSFORMS[name]
        ends = np.float32([JUST_ABOVE_0, JUST_BELOW_1])
        u = np.stack(np.meshgrid(*[ends] * count), -1).reshape(-1, count)
        images = images_of(shape, len(u))
        found = transform(tf.constant(images), tf.constant(u)).numpy()
        for image, numbers, augmented in zip(images, u, found, strict=True):
            np.testing.assert_allclose(augmented, PLAIN[name](image, numbers), atol=ATOL.get(name, 2e-6))

    def test_gradient_against_finite_differences(self, name, shape):
        """Each transform is affine in the image, so that differences of the plain version are exact."""
        transform, count = augment.TRANSFORMS[name]
        images, u = images_of(shape, 2), numbers_of(2, count, seed=5)
        weights = np.random.default_rng(3).normal(size=images.shape)
        x = tf.constant(images)
        with tf.GradientTape() as tape:
            tape.watch(x)
            objective = tf.reduce_sum(transform(x, tf.constant(u)) * weights.astype(np.float32))
        found = tape.gradient(objective, x).numpy()
        pixels = np.random.default_rng(4).integers(0, shape, (12, 3))
        for row in range(2):
            for pixel in map(tuple, pixels):
                values = []
                for step in (0.5, -0.5):
                    moved = images[row].astype(np.float64)
                    moved[pixel] += step
                    values.append((PLAIN[name](moved, u[row]) * weights[row]).sum())
                assert found[row][pixel] == pytest.approx(values[0] - values[1], abs=1e-4)
        assert np.abs(found).max() > 0.1


def test_every_shift_and_every_centre_is_equally_frequent():
    """4,000 draws on 16 pixels: 5 shifts, and 17 centres of a square of 8; chi-square below its 1 % point."""
    u = numbers_of(4000, 2)
    ramp = np.tile(np.arange(1, 17, dtype=np.float32)[None, :, None, None], (4000, 1, 16, 1))
    moved = augment.translation(tf.constant(ramp), tf.constant(u)).numpy()[:, 8, 8, 0]
    shifts = np.bincount((moved - 7).astype(int), minlength=5)
    assert len(shifts) == 5
    assert ((shifts - 800) ** 2 / 800).sum() < 13.28
    cut = augment.cutout(tf.ones((4000, 16, 16, 1)), tf.constant(u)).numpy()[..., 0] == 0
    rows = cut.any(2)
    first, count = rows.argmax(1), rows.sum(1)
    centres = np.bincount(np.where(first == 0, count - 4, first + 4), minlength=17)
    assert len(centres) == 17
    assert ((centres - 4000 / 17) ** 2 / (4000 / 17)).sum() < 32.0


def test_diff_augment_applies_all_in_order():
    images = images_of((8, 8, 3))
    for names in (("color", "translation", "cutout"), ("cutout", "color"), ("translation",)):
        augmentation = augment.DiffAugment(names)
        u = numbers_of(6, augmentation.noise.dim)
        assert augmentation.noise.dim == sum({"color": 4, "translation": 3, "cutout": 3}[name] for name in names)
        found = augmentation(tf.constant(images), tf.constant(u)).numpy()
        for image, numbers, augmented in zip(images, u, found, strict=True):
            place = 0
            for name in names:
                count = augment.TRANSFORMS[name][1]
                image = PLAIN[name](image, numbers[place + 1 : place + 1 + count])
                place += 1 + count
            np.testing.assert_allclose(augmented, image, atol=2e-6)


def test_a_row_depends_on_its_own_numbers_alone():
    augmentation, images = augment.DiffAugment(), images_of((8, 8, 3))
    u = numbers_of(6, augmentation.noise.dim)
    together = augmentation(tf.constant(images), tf.constant(u)).numpy()
    alone = augmentation(tf.constant(images[3:4]), tf.constant(u[3:4])).numpy()
    np.testing.assert_allclose(together[3:4], alone, atol=1e-6)


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (-2.0, 6.0)])
def test_value_ranges_are_equivalent(value_range):
    """Grey of the range comes in from outside, and colours move by the same share of it."""
    low, high = value_range
    augmentation, images = augment.DiffAugment(), images_of((8, 8, 3))
    u = tf.constant(numbers_of(6, augmentation.noise.dim))
    rescaled = augmentation(tf.constant(low + (high - low) * (images + 1) / 2), u, value_range).numpy()
    expected = augmentation(tf.constant(images), u).numpy()
    np.testing.assert_allclose(2 * (rescaled - low) / (high - low) - 1, expected, atol=5e-6)


def test_half_precision_images():
    augmentation, images = augment.DiffAugment(), tf.cast(images_of((8, 8, 3)), tf.float16)
    u = tf.constant(numbers_of(6, augmentation.noise.dim))
    found = augmentation(images, u)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, augmentation(tf.cast(images, tf.float32), u))


def follow(augmentation, *batches):
    """p after each batch of confidences."""
    found = []
    for confidence in batches:
        augmentation.follow(lambda confidence=confidence: tf.constant(confidence, tf.float32))
        found.append(augmentation.p.numpy())
    return found


class TestAdaptive:
    def test_p_by_hand(self):
        """Two updates of 4 from one change to the next, 40 images from 0 to 1: steps of 8 / 40."""
        augmentation = augment.Adaptive(target=0.5, interval=2, images=40)
        sure, unsure = [3.0, 0.1, 2.0, 1.0], [1.0, -2.0, 0.5, -0.1]  # mean signs 1 and 0
        found = follow(augmentation, sure, sure, sure, unsure, unsure, sure, sure, sure, unsure, unsure)
        # r_t of each pair: 1; .5, which is the target itself; .5; 1; 0
        np.testing.assert_allclose(found, [0, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.4, 0.4, 0.2], atol=1e-6)

    def test_a_zero_is_neither_right_nor_wrong(self):
        augmentation = augment.Adaptive(target=0.3, interval=1, images=10)
        assert follow(augmentation, [0.0, 0.0, 1.0, 0.0])[-1] == 0.0  # r_t = .25
        assert follow(augmentation, [0.0, 1.0, 1.0, 0.0])[-1] == pytest.approx(0.4)  # .5

    def test_p_stays_between_0_and_1(self):
        augmentation = augment.Adaptive(interval=1, images=10)
        assert follow(augmentation, [-1.0] * 4, [1.0] * 4, [1.0] * 4, [1.0] * 4, [1.0] * 4, [-1.0] * 4) == [
            0.0,
            pytest.approx(0.4),
            pytest.approx(0.8),
            1.0,
            1.0,
            pytest.approx(0.6),
        ]

    def test_batches_of_several_sizes_count_by_their_images(self):
        augmentation = augment.Adaptive(interval=2, images=100)
        assert follow(augmentation, [1.0] * 6, [1.0] * 2)[-1] == pytest.approx(0.08)

    def test_in_a_graph(self):
        augmentation = augment.Adaptive(interval=2, images=40)
        step = tf.function(lambda x: augmentation.follow(lambda: x), autograph=False)
        for _ in range(4):
            step(tf.ones(4))
        assert augmentation.p.numpy() == pytest.approx(0.4)

    def test_beginning_begins_anew(self):
        augmentation = augment.Adaptive(interval=2, images=10)
        follow(augmentation, [1.0] * 5, [1.0] * 5, [1.0] * 5)
        assert augmentation.p.numpy() == 1.0
        assert all(variable.numpy() == 0 for variable in augment.get(augmentation).variables().values())

    def test_p_of_0_and_of_1(self):
        adaptive, always, images = augment.Adaptive(), augment.DiffAugment(), images_of((8, 8, 3))
        u = tf.constant(numbers_of(6, adaptive.noise.dim))
        np.testing.assert_array_equal(adaptive(tf.constant(images), u), images)
        adaptive.p.assign(1.0)
        np.testing.assert_array_equal(adaptive(tf.constant(images), u), always(tf.constant(images), u))

    def test_each_transform_is_drawn_for_each_sample_with_probability_p(self):
        adaptive = augment.Adaptive(("color", "cutout"))
        adaptive.p.assign(0.3)
        n = 4000
        u = tf.constant(numbers_of(n, adaptive.noise.dim, seed=9))
        found = adaptive(tf.fill((n, 4, 4, 1), 0.625), u).numpy()[..., 0]
        cut = (found == 0).any((1, 2))
        coloured = found.max((1, 2)) != 0.625
        share, both = np.sqrt(0.3 * 0.7 / n), np.sqrt(0.09 * 0.91 / n)
        assert abs(cut.mean() - 0.3) < 3 * share
        assert abs(coloured.mean() - 0.3) < 3 * share
        assert abs((cut & coloured).mean() - 0.09) < 3 * both  # one by one, not all or none
        # Whoever is spared is spared wholly, and no gradient of the other branch comes through.
        assert (found[~cut & ~coloured] == 0.625).all()

    def test_the_gradient_of_spared_samples_is_one(self):
        adaptive = augment.Adaptive(("cutout",))
        adaptive.p.assign(0.5)
        x, u = tf.ones((2, 4, 4, 1)), tf.constant([[0.9, 0.5, 0.5], [0.1, 0.5, 0.5]])
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(adaptive(x, u))
        gradient = tape.gradient(total, x).numpy()
        np.testing.assert_array_equal(gradient[0], np.ones((4, 4, 1)))
        assert gradient[1].sum() == 16 - 4

    def test_round_trip(self):
        adaptive = augment.Adaptive(("color", "cutout"), target=0.5, interval=2, images=1000)
        again = augment.get(augment.serialize(adaptive))
        assert isinstance(again, augment.Adaptive)
        assert (
            again.get_config()
            == adaptive.get_config()
            == {"transforms": ["color", "cutout"], "target": 0.5, "interval": 2, "images": 1000}
        )


class TestReading:
    @pytest.mark.parametrize(
        ("identifier", "transforms"),
        [
            ("color,translation", ("color", "translation")),
            ("cutout", ("cutout",)),
            (" translation , color ", ("translation", "color")),
            (("color", "cutout"), ("color", "cutout")),
            (["cutout"], ("cutout",)),
            (augment.DiffAugment("color"), ("color",)),
            (augment.DiffAugment(), ("color", "translation", "cutout")),
        ],
    )
    def test_transforms(self, identifier, transforms):
        found = augment.get(identifier)
        assert isinstance(found, augment.DiffAugment)
        assert found.transforms == transforms
        assert augment.get(augment.serialize(found)).transforms == transforms

    @pytest.mark.parametrize(
        ("text", "config"),
        [
            ("adaptive", {}),
            ("adaptive()", {}),
            ("adaptive(color, target=.5)", {"transforms": ["color"], "target": 0.5}),
            ("adaptive(color, translation, images=20000)", {"transforms": ["color", "translation"], "images": 20000}),
            ("adaptive(interval=8, target=-.1)", {"interval": 8, "target": -0.1}),
        ],
    )
    def test_adaptive(self, text, config):
        default = {"transforms": ["color", "translation", "cutout"], "target": 0.6, "interval": 4, "images": 500_000}
        found = augment.get(text)
        assert isinstance(found, augment.Adaptive)
        assert found.get_config() == {**default, **config}

    def test_none(self):
        assert augment.get(None) is None
        assert augment.get("") is None
        assert augment.get(None, None) is None
        assert augment.serialize(None) is None

    @pytest.mark.parametrize(
        ("identifier", "message"),
        [
            (
                "colour",
                r"Unknown augmentation 'colour'\. Known: color, translation, cutout, affine, .*\..*'color'\?",
            ),
            (
                "color, flip",
                r"Unknown augmentation 'flip'\. Known: color, translation, cutout, affine, adaptive and diffaugment\.$",
            ),
            ("adaptiv", r"Did you mean 'adaptive'\?"),
            ("adaptive(translate)", r"Unknown augmentation 'translate'.*Did you mean 'translation'\?"),
            ("color, adaptive", r"adaptive stands alone, its transforms in brackets.*; found 'color, adaptive'"),
            ("adaptive(color), cutout", r"adaptive stands alone"),
            ("color, color", r"none of them twice; found \['color', 'color'\]"),
            ([], r"needs transforms"),
            ("color(.5)", r"color takes no arguments in an augmentation"),
            ("adaptive(p=.5)", r"adaptive takes transforms, and target=, interval= and images="),
            ("adaptive(target=1)", r"target must lie between -1 and 1; found 1"),
            ("adaptive(target=high)", r"target must lie between -1 and 1; found 'high'"),
            ("adaptive(interval=0)", r"interval must be a whole number, at least 1; found 0"),
            ("adaptive(images=0.5)", r"images must be a whole number, at least 1; found 0.5"),
            ("color translation", r"augmentations are names between commas"),
            (3, r"one of kerasgan.augment or a string such as 'color,translation'; found 3"),
            (
                {"class_name": "Normal", "config": {"dim": 3}, "registered_name": "kerasgan>Normal"},
                r"describes a Normal",
            ),
        ],
    )
    def test_refused(self, identifier, message):
        with pytest.raises(ValueError, match=message) as refused:
            augment.get(identifier)
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize("identifier", ["color", "adaptive"])
    def test_samples_that_are_no_images(self, identifier):
        generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        gan = kerasgan.GAN(generator, discriminator, latents.Normal(2), value_range=None)
        with pytest.raises(
            ValueError, match=r"transforms images, and this model's samples are none .* Leave augment out"
        ):
            gan.compile(augment=identifier)


class Spy(keras.layers.Layer):
    """Keeps what a discriminator is given, where Python runs it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = []

    def call(self, x, training=None):
        if tf.executing_eagerly() and hasattr(x, "numpy"):
            self.seen.append((x.numpy(), training))
        return x

    def compute_output_shape(self, shape):
        return shape


def spied_gan(**rules):
    """A generator that always gives .625, and a discriminator that is watched."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(64), keras.layers.Reshape((8, 8, 1))]
    generator = keras.Sequential([keras.Input((2,)), *layers])
    generator.set_weights([np.zeros((2, 64)), np.full(64, 0.625)])
    spy = Spy()
    discriminator = keras.Sequential(
        [keras.Input((8, 8, 1)), spy, keras.layers.Flatten(), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    )
    gan = kerasgan.GAN(generator, discriminator, latents.Normal(2), seed=3)
    still = {name: keras.optimizers.SGD(0.0) for name in ("d_optimizer", "g_optimizer")}
    gan.compile(**{"run_eagerly": True, **still, **rules})
    spy.seen.clear()
    return gan, spy.seen


class TestInTheGame:
    def test_both_players_see_both_kinds_through_the_same_family(self):
        """Of a constant picture cutout leaves which rectangle it took; each must be one of the family's."""
        gan, seen = spied_gan(augment="cutout", loss="relativistic", penalties="r1(1), gradient_penalty(1)", d_steps=2)
        gan.train_on_batch(np.full((24, 8, 8, 1), -0.625, np.float32))
        names = ["real", "fake", "r1", "lines"] * 2 + ["real for G", "fake for G"]
        assert len(seen) == len(names)
        family = {}
        for centre in np.ndindex(9, 9):
            u = (np.float64(centre) + 0.5) / 9
            family[cutout(np.ones((8, 8, 1)), u).tobytes()] = centre
        drawn = []
        for name, (images, training) in zip(names, seen, strict=True):
            assert training
            value = -0.625 if "real" in name or name == "r1" else None if name == "lines" else 0.625
            if value is not None:
                assert set(np.unique(images)) == {0.0, np.float32(value)}
            drawn.append([family[(image != 0).astype(np.float64).tobytes()] for image in images])
        as_real = drawn[2], drawn[6]
        assert as_real == (drawn[0], drawn[4])  # R1 looks at the pictures of this update
        others = [d for i, d in enumerate(drawn) if i not in (2, 6)]
        for i, one in enumerate(others):  # and everything else is drawn by itself
            for other in others[:i]:
                assert sum(a == b for a, b in zip(one, other, strict=True)) < len(one) / 2
        assert len({centre for centres in others for centre in centres}) > 40

    def test_steps_differ_and_seeds_repeat(self):
        runs = []
        for _ in range(2):
            gan, seen = spied_gan(augment="color,translation")
            for _ in range(2):
                gan.train_on_batch(images_of((8, 8, 1)))
            runs.append([images for images, _ in seen])
        for first, second in zip(*runs, strict=True):
            np.testing.assert_array_equal(first, second)
        assert not np.array_equal(runs[0][0], runs[0][3])  # the same pictures in the next step

    def test_whoever_judges_sees_what_was_made(self):
        gan, seen = spied_gan(augment="color,cutout")
        images = images_of((8, 8, 1))
        gan.evaluate(images, verbose=0)
        gan.test_on_batch(images)
        assert len(seen) == 4
        for given, training in seen:
            assert not training
            assert (given == 0.625).all() or np.array_equal(given, images)
        np.testing.assert_allclose(gan.generate(3), (0.625 + 1) / 2)
        np.testing.assert_allclose(gan(tf.zeros((2, 2))), 0.625)

    def test_the_generators_gradient_passes_through(self, monkeypatch):
        """Behind a transform that leaves nothing G learns nothing; behind one that doubles, twice as much."""
        monkeypatch.setitem(augment.TRANSFORMS, "nothing", (lambda images, u: images * 0.0, 1))
        monkeypatch.setitem(augment.TRANSFORMS, "double", (lambda images, u: images * 2.0, 1))
        steps = {}
        for name in (None, "nothing", "double"):
            gan, _ = spied_gan(augment=name, loss="wasserstein", g_optimizer=keras.optimizers.SGD(1.0))
            before = gan.generator.get_weights()[1]
            # A linear critic, whose gradient does not depend on where it is taken.
            gan.discriminator.layers[2].activation = keras.activations.linear
            gan.train_on_batch(images_of((8, 8, 1)))
            steps[name] = gan.generator.get_weights()[1] - before
        assert np.abs(steps[None]).max() > 1e-3
        np.testing.assert_array_equal(steps["nothing"], np.zeros(64))
        np.testing.assert_allclose(steps["double"], 2 * steps[None], rtol=1e-4, atol=1e-6)

    def test_p_follows_the_losss_confidence_and_is_logged(self):
        """D says .5 + sum(x) of everything: real samples of 1 it knows, and p rises by 6 / 60 an update."""
        gan, _ = spied_gan(augment="adaptive(color, interval=1, images=60)", d_steps=2)
        gan.discriminator.set_weights([np.ones((64, 4)), np.zeros(4), np.ones((4, 1)), np.zeros(1)])
        for step in range(3):
            logs = gan.train_on_batch(np.ones((12, 8, 8, 1), np.float32), return_dict=True)
            assert gan.augment.p.numpy() == pytest.approx(0.2 * (step + 1), abs=1e-6)
        assert logs["augment_p"] == pytest.approx((0.5 + 0.6) / 2, abs=1e-6)  # of the last step's two
        gan.discriminator.set_weights([np.ones((64, 4)), np.zeros(4), -np.ones((4, 1)), np.zeros(1)])
        gan.train_on_batch(np.ones((12, 8, 8, 1), np.float32))
        assert gan.augment.p.numpy() == pytest.approx(0.4, abs=1e-6)
        assert "augment_p" not in gan.test_on_batch(np.ones((12, 8, 8, 1), np.float32), return_dict=True)


@pytest.mark.parametrize("wrong", [5, None, {"color"}])
def test_transforms_that_are_no_list(wrong):
    with pytest.raises(ValueError, match="Transforms are a list of names"):
        augment.DiffAugment(wrong)


def test_lists_of_other_things():
    with pytest.raises(ValueError, match=r"^adaptive is no transform, but takes some"):
        augment.get(["color", "adaptive"])
    with pytest.raises(ValueError, match=r"^Unknown augmentation \['color'\]"):
        augment.get([["color"]])
    with pytest.raises(ValueError, match=r"such as 'color, cutout'; found 'color cutout'"):
        augment.get("color cutout")
