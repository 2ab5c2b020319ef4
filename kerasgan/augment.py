"""Augmentation of whatever the discriminator sees: what few pictures need, so that it cannot learn them by heart.

The transforms are differentiable, so that the generator's gradient passes through them, and both players see real and
generated samples through the same family of them, in both updates: then the generator learns the data and not its
augmentation (Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", arXiv:2006.10738). They
are drawn for each sample by itself from noise that follows from seed and step, so that a resumed training goes on with
the same ones. What `generate`, `evaluate` and `score` see is never augmented.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasgan import expressions, schedules
from kerasgan.errors import check_whole, is_number, suggestion
from kerasgan.latents import Uniform

Transform = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # images [B, H, W, C] in [-1, 1], u [B, numbers] -> images


def color(images: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
    """Brightness + U(-.5, .5), saturation times U(0, 2) about each pixel's mean, contrast times U(.5, 1.5) about each
    image's mean (arXiv:2006.10738, appendix; the authors' `DiffAugment`).

    Args:
        images: float32 `[B, H, W, C]` in [-1, 1].
        u: float32 `[B, 3]` in (0, 1): one for each of the three.

    Returns:
        float32 `[B, H, W, C]`, not bound to [-1, 1].
    """
    brightness, saturation, contrast = (u[:, i, tf.newaxis, tf.newaxis, tf.newaxis] for i in range(3))
    images += brightness - 0.5
    if images.shape[3] > 1:  # grey is its own mean
        grey = tf.reduce_mean(images, axis=3, keepdims=True)
        images = grey + 2.0 * saturation * (images - grey)
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + (0.5 + contrast) * (images - mean)


def translation(images: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
    """Moves each image by whole pixels, up to an eighth of its side in either direction; 0 comes in from outside.

    Args:
        images: float32 `[B, H, W, C]`.
        u: float32 `[B, 2]` in (0, 1): down and to the right.
    """
    for axis in (1, 2):
        side = images.shape[axis]
        most = int(side / 8 + 0.5)
        by = tf.cast(u[:, axis - 1] * (2 * most + 1), tf.int32) - most  # u < 1, so at most `most`
        padding = [[0, 0]] * axis + [[most, most]] + [[0, 0]] * (3 - axis)
        places = tf.range(side)[tf.newaxis] + most - by[:, tf.newaxis]  # (B, side): where each line comes from
        images = tf.gather(tf.pad(images, padding), places, axis=axis, batch_dims=1)
    return images


def cutout(images: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
    """Sets a square of half the side to 0, its centre anywhere in the image, so that it may reach beyond.

    Args:
        images: float32 `[B, H, W, C]`.
        u: float32 `[B, 2]` in (0, 1): the centre's row and column.
    """
    inside = []
    for axis in (1, 2):
        side = images.shape[axis]
        length = int(side / 2 + 0.5)
        centre = tf.cast(u[:, axis - 1] * (side + 1 - length % 2), tf.int32)  # of an even length between two pixels
        first = (centre - length // 2)[:, tf.newaxis]
        places = tf.range(side)[tf.newaxis]
        inside.append((places >= first) & (places < first + length))  # (B, side)
    cut = inside[0][:, :, tf.newaxis] & inside[1][:, tf.newaxis, :]  # (B, H, W)
    return images * tf.cast(~cut, images.dtype)[..., tf.newaxis]


def affine(images: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
    """Stretches, slants and shifts each image, first its rows and then its columns: what stands t from the middle of a
    line that is l from the middle of the image comes from (1 + U(-.2, .2)) t + U(-.4, .4) l + U(-1/14, 1/14) of the
    side. Slants of both, one against the other, turn. In from outside comes what is at the edge. (Not of DiffAugment,
    whose transforms neither turn nor slant.)

    Args:
        images: float32 `[B, H, W, C]`.
        u: float32 `[B, 6]` in (0, 1): stretch, slant and shift of the rows, then of the columns.
    """
    for axis, (stretch, slant, shift) in ((2, tf.unstack(u[:, :3], axis=1)), (1, tf.unstack(u[:, 3:], axis=1))):
        # Linear between pixels, as a product with a matrix for each line: exact gradients, the same on every device.
        side, across = images.shape[axis], images.shape[3 - axis]
        middle = (side - 1) / 2.0
        along = tf.range(side, dtype=tf.float32) - middle
        line = tf.range(across, dtype=tf.float32)[:, tf.newaxis] - (across - 1) / 2.0
        stretch, slant, shift = (
            most * (2.0 * number - 1.0)[:, tf.newaxis, tf.newaxis]
            for most, number in ((0.2, stretch), (0.4, slant), (side / 14.0, shift))
        )
        source = tf.clip_by_value(middle + (1.0 + stretch) * along + slant * line + shift, 0.0, side - 1.0)
        weights = tf.nn.relu(1.0 - tf.abs(source[..., tf.newaxis] - tf.range(side, dtype=tf.float32)))
        product = "blsc,blts->bltc" if axis == 2 else "bslc,blts->btlc"  # of line l: t comes from places s
        images = tf.einsum(product, images, weights)
    return images


TRANSFORMS: dict[str, tuple[Transform, int]] = {  # and how many random numbers each takes for an image
    "color": (color, 3),
    "translation": (translation, 2),
    "cutout": (cutout, 2),
    "affine": (affine, 6),
}
ALONE = {"adaptive": "target=, interval= and images=", "diffaugment": "probability="}  # kinds, what they take besides


class Augmentation:
    """Base of the augmentations: transforms in a fixed order, each drawn for each sample.

    Args:
        transforms: names of `TRANSFORMS`, in the order in which they are applied.

    Attributes:
        noise: the latent that the random numbers of one sample are drawn from, uniform on (0, 1).

    Raises:
        ValueError: an unknown transform (the message lists the known ones), one twice, or none.
    """

    def __init__(self, transforms: Sequence[str]) -> None:
        if not isinstance(transforms, (str, list, tuple)):
            raise ValueError(f"Transforms are a list of names, such as ['color', 'cutout']; found {transforms!r}.")
        self.transforms = (transforms,) if isinstance(transforms, str) else tuple(transforms)
        for name in self.transforms:
            if isinstance(name, str) and name in ALONE:
                raise ValueError(f"{name} is no transform, but takes some: augment='{name}(color, cutout)'.")
            if not isinstance(name, str) or name not in TRANSFORMS:
                raise ValueError(
                    f"Unknown augmentation {name!r}. Known: {', '.join(TRANSFORMS)}, {' and '.join(ALONE)}."
                    f"{suggestion(str(name), (*TRANSFORMS, *ALONE))}"
                )
        if not self.transforms or len(set(self.transforms)) < len(self.transforms):
            raise ValueError(f"An augmentation needs transforms, none of them twice; found {list(self.transforms)}.")
        # Of each, its own numbers, and one that says whether a sample is spared.
        self.noise = Uniform(sum(TRANSFORMS[name][1] + 1 for name in self.transforms), 0.0, 1.0)

    def chance(self, step: Any) -> Any:
        """How probable each transform is for each sample in a step, float32; None is always."""
        return None

    def __call__(
        self, images: tf.Tensor, u: tf.Tensor, value_range: tuple[float, float] = (-1.0, 1.0), step: Any = 0
    ) -> tf.Tensor:
        """The images as a discriminator sees them.

        Args:
            images: floats `[B, H, W, C]` in `value_range`.
            u: float32 `[B, noise.dim]` in (0, 1); each image's transforms follow from its own row.
            value_range: (low, high); the transforms are defined on (-1, 1), where 0 is grey.
            step: how many the game has had, for a probability that is a schedule.

        Returns:
            float32 `[B, H, W, C]`; colours may go beyond the range.
        """
        low, high = value_range
        half, middle = (high - low) / 2.0, (high + low) / 2.0
        on_unit = (half, middle) == (1.0, 0.0)
        images = tf.cast(images, tf.float32)  # a generator may give half precision
        images = images if on_unit else (images - middle) / half
        p, place = self.chance(step), 0
        for name in self.transforms:
            transform, numbers = TRANSFORMS[name]
            transformed = transform(images, u[:, place + 1 : place + 1 + numbers])
            if p is None:
                images = transformed
            else:
                images = tf.where((u[:, place] < p)[:, tf.newaxis, tf.newaxis, tf.newaxis], transformed, images)
            place += 1 + numbers
        return images if on_unit else images * half + middle

    def variables(self) -> dict[str, keras.Variable]:
        """What a training that goes on must find again, by name."""
        return {}

    def logged(self, step: Any = 0) -> dict[str, Any]:
        """What `fit` logs of it in a step, scalars by name."""
        return {}

    def begin(self, value_range: tuple[float, float] | None) -> None:
        """Is told, where `GAN.compile` is called, what it will be given; makes its variables anew.

        Raises:
            ValueError: the samples are not images.
        """
        if value_range is None:
            raise ValueError(
                f"{type(self).__name__} transforms images, and this model's samples are none (value_range=None). "
                "Leave augment out."
            )

    def follow(self, confidence: Callable[[], tf.Tensor]) -> None:
        """Learns, after an update of the discriminator, how sure it was of real samples, `[B]`; operations of the
        training graph.
        """

    def get_config(self) -> dict[str, Any]:
        return {"transforms": list(self.transforms)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Augmentation":
        return cls(**config)


@keras.saving.register_keras_serializable("kerasgan")
class DiffAugment(Augmentation):
    """Every transform for every sample, or for each with a probability: differentiable augmentation (arXiv:2006.10738).

    A probability that grows from 0 is R3GAN's (arXiv:2501.05441): a discriminator overfits late in a training.

    Args:
        transforms: names of `TRANSFORMS`, in order; the paper takes all three for few images. Cutout
            can leak into what is generated, as grey patches, where the data's background is not grey. "affine", which
            is not the paper's, can leak as well: what is generated may come out slanted.
        probability: of each transform for each sample, all drawn independently: a number from 0 to 1, or a schedule
            (see `kerasgan.schedules`) of the game's steps, which is logged as `augment_p`.

    Raises:
        ValueError: an unknown transform, one twice, or none; a probability that is not or does not stay from 0 to 1.
    """

    def __init__(self, transforms: Sequence[str] = ("color", "translation", "cutout"), probability: Any = 1.0) -> None:
        super().__init__(transforms)
        self.probability = schedules.checked("The probability of diffaugment", probability, 1.0)

    def chance(self, step: Any) -> Any:
        p = schedules.at(self.probability, step)
        return None if isinstance(p, float) and p == 1.0 else p

    def logged(self, step: Any = 0) -> dict[str, Any]:
        """`augment_p`: the probability where it is a schedule, its mean since the epoch began."""
        scheduled = isinstance(self.probability, schedules.Schedule)
        return {"augment_p": schedules.at(self.probability, step)} if scheduled else {}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "probability": schedules.serialize(self.probability)}


@keras.saving.register_keras_serializable("kerasgan")
class Adaptive(Augmentation):
    """Each transform with a probability p that follows how far the discriminator overfits: the control of adaptive
    discriminator augmentation (Karras et al. 2020, arXiv:2006.06676, section 3.2) on the transforms of `DiffAugment`.

    Every `interval` updates of the discriminator p is moved towards where the mean sign of its confidence in real
    samples, r_t, is `target`: up where it is above, else down, at a speed that takes p from 0 to 1 in `images` real
    ones. Below p = .8 augmentation does not leak into what is generated (section 2.2 there).

    For losses whose discriminator has no zero of its own (Wasserstein, relativistic, energies) r_t is the mean sign of
    the difference between the real sample and the generated one in the same row. The paper does not have that.

    Args:
        transforms: as for `DiffAugment`.
        target: of r_t; the paper's .6.
        interval: updates from one change of p to the next; the paper's 4.
        images: real ones in which p can go from 0 to 1; the paper's 500,000. Short trainings need fewer.

    Raises:
        ValueError: an unknown transform, one twice or none, a target outside (-1, 1), or numbers below 1.
    """

    def __init__(
        self,
        transforms: Sequence[str] = ("color", "translation", "cutout"),
        target: float = 0.6,
        interval: int = 4,
        images: int = 500_000,
    ) -> None:
        super().__init__(transforms)
        if not is_number(target) or not -1.0 < target < 1.0:
            raise ValueError(f"target must lie between -1 and 1; found {target!r}.")
        check_whole("interval", interval, 1)
        check_whole("images", images, 1)
        self.target = float(target)
        self.interval = int(interval)
        self.images = int(images)
        self._make_variables()

    def begin(self, value_range: tuple[float, float] | None) -> None:
        super().begin(value_range)
        self._make_variables()

    def _make_variables(self):
        def number(name):
            options = {"dtype": "float32", "trainable": False, "aggregation": "only_first_replica"}
            return keras.Variable(0.0, name=name, **options)

        self.p, self._signs, self._updates, self._seen = (
            number(name) for name in ("augment_p", "augment_signs", "augment_updates", "augment_images")
        )

    def chance(self, step: Any) -> Any:
        return self.p.value

    def variables(self) -> dict[str, keras.Variable]:
        return {variable.name: variable for variable in (self.p, self._signs, self._updates, self._seen)}

    def logged(self, step: Any = 0) -> dict[str, Any]:
        """`augment_p`: the probability, its mean since the epoch began."""
        return {"augment_p": self.p.value}

    def follow(self, confidence: Callable[[], tf.Tensor]) -> None:
        of_batch = tf.sign(confidence())  # (B,)
        sign, rows = tf.reduce_mean(of_batch), tf.cast(tf.shape(of_batch)[0], tf.float32)
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync > 1:
            sign = context.all_reduce(tf.distribute.ReduceOp.MEAN, sign)
            rows *= context.num_replicas_in_sync
        signs, updates, seen = self._signs + sign, self._updates + 1.0, self._seen + rows
        due = updates >= self.interval
        step = tf.sign(signs / updates - self.target) * seen / self.images
        self.p.assign(tf.where(due, tf.clip_by_value(self.p + step, 0.0, 1.0), self.p))
        for variable, value in ((self._signs, signs), (self._updates, updates), (self._seen, seen)):
            variable.assign(tf.where(due, 0.0, value))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "target": self.target,
            "interval": self.interval,
            "images": self.images,
        }


def get(identifier: Any, value_range: tuple[float, float] | None = (-1.0, 1.0)) -> Augmentation | None:
    """An augmentation from whatever `GAN.compile` takes, ready to begin.

    Args:
        identifier: None; a string: transforms such as "color, translation", or "adaptive" or "diffaugment", with what
            it takes in brackets, such as "adaptive(color, translation, target=.5)" or
            "diffaugment(color, probability=cosine(0, .3, 10000))"; an `Augmentation`; or what `serialize`
            returned.
        value_range: of the samples that it will be given; None where they are not images.

    Raises:
        ValueError: an unknown transform (the message lists the known ones), arguments that there are not, or samples
            that are not images.
    """
    augmentation = _read(identifier)
    if augmentation is not None:
        augmentation.begin(value_range)
    return augmentation


def _read(identifier: Any) -> Augmentation | None:
    if identifier is None or identifier == "" or isinstance(identifier, Augmentation):
        return identifier or None
    if isinstance(identifier, dict):
        augmentation = keras.saving.deserialize_keras_object(identifier)
        if isinstance(augmentation, Augmentation):
            return augmentation
        raise ValueError(f"This config describes a {type(augmentation).__name__}, not an augmentation.")
    if isinstance(identifier, (list, tuple)):
        return DiffAugment(identifier)
    if not isinstance(identifier, str):
        raise ValueError(
            f"An augmentation is one of kerasgan.augment or a string such as 'color,translation'; found {identifier!r}."
        )
    calls = expressions.read_calls(identifier, "augmentations", "color, cutout")
    if len(calls) == 1 and calls[0].name in ALONE:
        name = calls[0].name
        given: dict[str, Any] = {"transforms": calls[0].arguments} if calls[0].arguments else {}
        try:
            return (Adaptive if name == "adaptive" else DiffAugment)(**given, **calls[0].options)
        except TypeError:
            raise ValueError(f"{name} takes transforms, and {ALONE[name]}; found {identifier!r}.") from None
    for call in calls:
        if call.name in ALONE:
            raise ValueError(
                f"{call.name} stands alone, its transforms in brackets, as in '{call.name}(color)'; "
                f"found {identifier!r}."
            )
        if call.name in schedules.KNOWN:
            raise ValueError(
                "A schedule is the probability of augmentation, such as "
                f"'diffaugment(color, probability=cosine(0, 0.3, 10000))'; found {identifier!r}."
            )
        if call.arguments or call.options:
            raise ValueError(f"{call.name} takes no arguments in an augmentation; found {identifier!r}.")
    return DiffAugment([call.name for call in calls])


def serialize(augmentation: Augmentation | None) -> dict[str, Any] | None:
    """The config from which `get` makes the augmentation again."""
    return None if augmentation is None else keras.saving.serialize_keras_object(augmentation)
