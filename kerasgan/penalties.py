"""Penalties on the discriminator's gradient at its samples, which keep the game from running in circles.

Without one the two players of even the smallest GAN circle around the equilibrium for ever (Mescheder, Geiger and
Nowozin 2018, "Which Training Methods for GANs do actually Converge?", arXiv:1801.04406); with R1 or R2 they arrive.

A penalty is a small serialisable object that gives one value per sample, `[B]` float32. The discriminator's objective
becomes its loss plus `weight` times the value; the value is logged under the penalty's name, without the weight. (The
papers write gamma / 2 for the weight of R1 and R2.)

`every=n` is lazy regularisation (Karras et al. 2020, StyleGAN2, arXiv:1912.04958, appendix B): the penalty is paid in
every n-th update of the discriminator only, n times as heavy, and the updates between cost nothing. Adam's moments then
see one large gradient in n; `correct_for_lazy` is that paper's remedy.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from kerasgan import expressions, schedules, strategies
from kerasgan.errors import check_whole, checked_weight, suggestion
from kerasgan.latents import Uniform
from kerasgan.losses import scores_of

# Which samples a discriminator looks at; each kind is augmented by noise of its own.
REAL, FAKE, LINES = 0, 1, 2

LINE = Uniform(1, 0.0, 1.0)  # where between a real and a generated sample

Critic = Callable[[tf.Tensor], tf.Tensor]  # samples [B, ...] -> one number for each, [B]


class Penalty:
    """Base of the penalties. A subclass says where the gradient is taken, and what of it is paid for.

    Args:
        weight: what the value is multiplied with in the discriminator's objective, a number or a schedule (see
            `kerasgan.schedules`) of the discriminator's updates.
        every: pay in every n-th update of the discriminator, n times as much; 1 is every update.

    Attributes:
        name: what it is logged under, and called by in recipes.
        kind: at which samples: REAL, FAKE or LINES.

    Raises:
        ValueError: a weight that is or becomes negative or is no finite number, or `every` below 1.
    """

    name: ClassVar[str]
    kind: ClassVar[int]

    def __init__(self, weight: Any, every: int = 1) -> None:
        self.weight = schedules.checked(f"The weight of {self.name}", weight)
        check_whole(f"every of {self.name}", every, 1)
        if every >= 2**31:  # the graph counts no further than 2**63, and no training so far
            raise ValueError(f"every of {self.name} must be below 2**31; found {every}.")
        self.every = int(every)

    def points(self, real: tf.Tensor, fake: tf.Tensor, u: tf.Tensor | None = None) -> tf.Tensor:
        """Where the gradient is taken, `[B, ...]`."""
        return real if self.kind == REAL else fake

    def value(self, squares: tf.Tensor) -> tf.Tensor:
        """What is paid, `[B]`, for gradients whose squares sum up to `[B]`."""
        return squares

    def __call__(
        self, critic: Critic, real: tf.Tensor, fake: tf.Tensor, u: tf.Tensor | None = None, scale: Any = 1.0
    ) -> tf.Tensor:
        """The value of each sample, without the weight.

        Args:
            critic: samples `[B, ...]` -> float32 `[B]`, each number a function of its own sample.
            real, fake: float32 `[B, ...]`.
            u: for a penalty on lines, float32 `[B, 1]` in (0, 1): where on its line each sample lies.
            scale: what the inner gradient is multiplied with while float16 holds it. Beside an optimizer that scales
                its loss it is the root of that scale: then it lifts the inner gradient and the outer one alike.

        Returns:
            float32 `[B]`.
        """
        real, fake = tf.cast(real, tf.float32), tf.cast(fake, tf.float32)  # a generator may give half precision
        points = tf.stop_gradient(self.points(real, fake, u))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            total = tf.reduce_sum(critic(points)) * scale
        gradient = tf.cast(tape.gradient(total, points), tf.float32) / scale  # (B, ...)
        return self.value(tf.reduce_sum(tf.square(gradient), axis=tuple(range(1, gradient.shape.rank))))

    def get_config(self) -> dict[str, Any]:
        return {"weight": schedules.serialize(self.weight), "every": self.every}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Penalty":
        return cls(**config)


@keras.saving.register_keras_serializable("kerasgan")
class R1(Penalty):
    """`|grad D(x)|^2` at real samples x (arXiv:1801.04406, Eq. 9; there with the weight gamma / 2)."""

    name = "r1"
    kind = REAL


@keras.saving.register_keras_serializable("kerasgan")
class R2(Penalty):
    """`|grad D(G(z))|^2` at generated samples (arXiv:1801.04406, Eq. 10; there with the weight gamma / 2)."""

    name = "r2"
    kind = FAKE


@keras.saving.register_keras_serializable("kerasgan")
class GradientPenalty(Penalty):
    """`(|grad D(x)| - target)^2` on the lines between real and generated samples: WGAN-GP (arXiv:1704.00028, Eq. 3).

    Args:
        weight: the paper's lambda, 10; a number or a schedule.
        target: the slope that is drawn to, 1 in the paper; 0 for losses other than Wasserstein's (arXiv:1705.07215).
        every: as of every penalty.

    Raises:
        ValueError: as of every penalty, or a target that is negative or no finite number.
    """

    name = "gradient_penalty"
    kind = LINES

    def __init__(self, weight: Any = 10.0, target: float = 1.0, every: int = 1) -> None:
        super().__init__(weight, every)
        self.target = checked_weight(f"The target of {self.name}", target)

    def points(self, real: tf.Tensor, fake: tf.Tensor, u: tf.Tensor | None = None) -> tf.Tensor:
        if u is None:
            raise ValueError(f"{self.name} needs u [B, 1]: where on its line each sample lies.")
        return real + tf.reshape(u, [-1] + [1] * (real.shape.rank - 1)) * (fake - real)

    def value(self, squares: tf.Tensor) -> tf.Tensor:
        # The root of 0 has no derivative; with this floor it has 0.
        return tf.square(tf.sqrt(tf.maximum(squares, 1e-24)) - self.target)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target": self.target}


KNOWN: dict[str, type[Penalty]] = {kind.name: kind for kind in (R1, R2, GradientPenalty)}


def get(identifier: Any) -> tuple[Penalty, ...]:
    """Penalties from whatever `GAN.compile` takes.

    Args:
        identifier: None; a string such as "r1(5, every=16), r2(5)"; a `Penalty`; or a list of penalties, strings and
            what `serialize` returned.

    Raises:
        ValueError: an unknown penalty (the message lists the known ones), arguments that it does not take, or one
            twice.
    """
    parts = identifier if isinstance(identifier, (list, tuple)) else [] if identifier is None else [identifier]
    found = [penalty for part in parts for penalty in _read(part)]
    names = [penalty.name for penalty in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"The penalty {name} is asked for {names.count(name)} times; give it one weight.")
    return tuple(found)


def _read(part: Any) -> list[Penalty]:
    if isinstance(part, Penalty):
        return [part]
    if isinstance(part, dict):
        penalty = keras.saving.deserialize_keras_object(part)
        if isinstance(penalty, Penalty):
            return [penalty]
        raise ValueError(f"This config describes a {type(penalty).__name__}, not a penalty.")
    if not isinstance(part, str):
        raise ValueError(f"Penalties are kerasgan.penalties or strings such as 'r1(5, every=16)'; found {part!r}.")
    return [_made(call) for call in expressions.read_calls(part, "penalties", "r1(5, every=16)")]


def _made(call: expressions.Call) -> Penalty:
    if call.name in schedules.KNOWN:
        raise ValueError(
            f"A schedule is the weight of a penalty, such as 'r1(cosine(1, 0.1, 10000))'; found '{call!r}'."
        )
    if call.name not in KNOWN:
        raise ValueError(
            f"Unknown penalty {call.name!r}. Known: {', '.join(sorted(KNOWN))}.{suggestion(call.name, KNOWN)}"
        )
    try:
        return KNOWN[call.name](*call.arguments, **call.options)
    except TypeError:
        takes = "weight, target, every" if call.name == GradientPenalty.name else "weight, every"
        raise ValueError(f"{call.name} takes {takes}, such as {call.name}(5, every=16).") from None


def serialize(penalties: Sequence[Penalty]) -> list[dict[str, Any]]:
    """The configs from which `get` makes the penalties again."""
    return [keras.saving.serialize_keras_object(penalty) for penalty in penalties]


class Payment:
    """What one update of the discriminator pays.

    Args:
        judge: samples `[B, ...]` and their kind -> what the discriminator gives for them.
        real, fake: the samples, `[B, ...]` each.
        lines: `[B, 1]` in (0, 1), for penalties on lines.

    Attributes:
        values: for each penalty by name its values `[B]`, and whether they were paid, 1 or 0.
    """

    def __init__(
        self, judge: Callable[[tf.Tensor, int], Any], real: tf.Tensor, fake: tf.Tensor, lines: tf.Tensor
    ) -> None:
        self.judge = judge
        self.samples = real, fake, lines
        self.values: dict[str, tuple[tf.Tensor, tf.Tensor]] = {}

    def add(
        self,
        penalties: Sequence[Penalty],
        gradients: list,
        variables: Sequence[keras.Variable],
        optimizer: keras.optimizers.Optimizer,
        update: Any,
    ) -> list:
        """The gradients of a loss with those of the penalties.

        Args:
            penalties: those to pay.
            gradients: one for each of `variables`.
            variables: the discriminator's.
            optimizer: which says how losses are scaled.
            update: how many updates the discriminator has had, a whole number; lazy penalties and schedules go by it.
        """
        for penalty in penalties:

            def paid(penalty=penalty, gradients=gradients):
                # The penalty's gradients with the opposite sign, subtracted: a sum of sums becomes `AccumulateNV2` in
                # TensorFlow's graph optimizer, which fails in a branch ("Resource ... tmp_var ... already exists").
                value, less = self._gradients(penalty, variables, optimizer, update)
                # No variable is updated before the penalty has read them all. Where nothing is to be paid for one, such
                # as for the bias below a leaky ReLU, TensorFlow's graph optimizer loses the edge that orders the two.
                with tf.control_dependencies([value]):
                    return [_difference(*pair) for pair in zip(gradients, less, strict=True)], value

            def spared(gradients=gradients):
                return gradients, tf.zeros(tf.shape(self.samples[0])[:1])

            if penalty.every == 1:
                due, (gradients, value) = tf.constant(True), paid()
            else:
                due = tf.equal(tf.cast(update, tf.int64) % penalty.every, 0)
                gradients, value = tf.cond(due, paid, spared)
            if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                # An update that overflows is left out, and its value must not be logged for all the others.
                due &= tf.reduce_all(tf.math.is_finite(value))
                value = tf.where(due, value, 0.0)
            self.values[penalty.name] = value, tf.cast(due, tf.float32)
        return gradients

    def _gradients(self, penalty, variables, optimizer, update):
        weight = schedules.at(penalty.weight, update) * penalty.every
        with tf.GradientTape() as tape:
            scale = tf.sqrt(optimizer.scale_loss(tf.constant(1.0)))
            value = penalty(lambda points: scores_of(self.judge(points, penalty.kind)), *self.samples, scale)
            objective = optimizer.scale_loss(strategies.share_of_mean(-weight * value))
        return value, tape.gradient(objective, [variable.value for variable in variables])


def _difference(gradient, less):
    if less is None:
        return gradient if gradient is None else tf.identity(gradient)
    return -less if gradient is None else gradient - tf.cast(less, gradient.dtype)


def correct_for_lazy(optimizer: keras.optimizers.Optimizer, penalties: Sequence[Penalty]) -> None:
    """Changes Adam's rate and betas to rate c, beta_1^c and beta_2^c, c = n / (n + 1), for penalties of every n-th
    update: StyleGAN2's appendix B, where the n + 1 updates of one round move the weights as n would have.

    Args:
        optimizer: the discriminator's, before its first update; a loss scale around it does not matter.
        penalties: of which the laziest counts.

    Raises:
        ValueError: the optimizer has no betas, or a schedule for its rate or beta_2.
    """
    every = max((penalty.every for penalty in penalties), default=1)
    if every == 1:
        return
    adam = getattr(optimizer, "inner_optimizer", optimizer)
    betas = hasattr(adam, "beta_1")
    given = {"learning_rate": adam._learning_rate, "beta_2": adam.beta_2} if betas else {}
    scheduled = " and ".join(name for name, value in given.items() if isinstance(value, schedules.Schedule))
    if scheduled or not betas:
        raise ValueError(
            "The correction for lazy penalties changes Adam's constant rate and its betas; found "
            f"{type(adam).__name__}{f' with a schedule of {scheduled}' if scheduled else ''}. "
            "Set lazy_correction=False."
        )
    share = every / (every + 1)
    adam.learning_rate = float(adam.learning_rate) * share
    adam.beta_1, adam.beta_2 = adam.beta_1**share, adam.beta_2**share
