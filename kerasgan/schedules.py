"""What changes along a training: rates, betas, weights of penalties, probabilities, the decay of an average.

A schedule is a pure function of a counter of updates that is saved with the model: an optimizer's own for its rate and
its beta_2, the discriminator's updates for the weight of a penalty, the steps of the game for augmentation and the
average. So there is nothing else to save, and a training that is resumed goes on bit for bit. The counters count what
is done: the first update is that of step 0.

All are `keras.optimizers.schedules.LearningRateSchedule`, and Keras's own do wherever these do. In a recipe and on the
command line they are strings, such as "cosine(0.0002, 5e-05, 39062)".
"""

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule as Schedule

from kerasgan import expressions
from kerasgan.errors import check_whole, is_number, suggestion

# Where the range of a schedule that is not ours is looked at: step 0, and every power of 2 that a training may reach.
PROBES = (0, *(2**i for i in range(31)))

SHORTEST = 1e-8  # half-life, in steps: it keeps 1 / 0 away, and 0.5 ** 1e8 is 0


@keras.saving.register_keras_serializable("kerasgan")
class Cosine(Schedule):
    """Half a wave from one value to another: `end + (start - end) (1 + cos(pi min(t / steps, 1))) / 2`, float32.

    Loshchilov and Hutter 2016, arXiv:1608.03983, Eq. 5, without restarts; it is what R3GAN changes all its settings by
    (arXiv:2501.05441, appendix).

    Args:
        start, end: the values at step 0, and from `steps` on.
        steps: how many updates it takes.

    Raises:
        ValueError: an end that is no finite number, or `steps` below 1.
    """

    def __init__(self, start: float, end: float, steps: int) -> None:
        for name, number in (("start", start), ("end", end)):
            if not is_number(number) or not math.isfinite(number):
                raise ValueError(f"{name} of cosine must be a finite number; found {number!r}.")
        check_whole("steps of cosine", steps, 1)
        self.start, self.end, self.steps = float(start), float(end), int(steps)

    def __call__(self, step: Any) -> tf.Tensor:
        share = ops.minimum(ops.cast(step, "float32") / self.steps, 1.0)
        return self.end + (self.start - self.end) * (1.0 + ops.cos(math.pi * share)) / 2.0

    def __repr__(self) -> str:
        return f"cosine({self.start!r}, {self.end!r}, {self.steps})"

    def get_config(self) -> dict[str, Any]:
        return {"start": self.start, "end": self.end, "steps": self.steps}


@keras.saving.register_keras_serializable("kerasgan")
class Halving(Schedule):
    """The decay of an average by its half-life: `0.5 ** (1 / half_life(t))`, float32; 0 where the half-life is 0.

    Args:
        half_life: in steps, a number or a schedule: after so many what the average has seen weighs half.

    Raises:
        ValueError: a half-life that is or becomes negative, or is neither number nor schedule.
    """

    def __init__(self, half_life: Any) -> None:
        self.half_life = checked("half_life of halving", half_life)

    def __call__(self, step: Any) -> tf.Tensor:
        return ops.power(0.5, 1.0 / ops.maximum(ops.cast(at(self.half_life, step), "float32"), SHORTEST))

    def __repr__(self) -> str:
        return f"halving({text(self.half_life)})"

    def get_config(self) -> dict[str, Any]:
        return {"half_life": serialize(self.half_life)}


KNOWN: dict[str, type[Schedule]] = {"cosine": Cosine, "halving": Halving}


def get(value: Any, what: str = "A setting that may change") -> Any:
    """A number or a schedule from whatever takes one.

    Args:
        value: a number; a schedule, of this module or of Keras; a string, such as "0.1" or "cosine(0.1, 0.01, 1000)";
            what `serialize` returned; or None, which stays None.
        what: for messages, such as "learning_rate".

    Raises:
        ValueError: anything else, or arguments that a schedule does not take.
    """
    if value is None or isinstance(value, Schedule):
        return value
    if is_number(value) and math.isfinite(value):
        return float(value)
    if isinstance(value, dict):
        schedule = keras.saving.deserialize_keras_object(value)
        if isinstance(schedule, Schedule):
            return schedule
        raise ValueError(f"{what} is a number or a schedule; this config describes a {type(schedule).__name__}.")
    if isinstance(value, str):
        try:
            return get(float(value), what)
        except ValueError:
            calls = _calls(value)
    else:
        calls = [value] if isinstance(value, expressions.Call) else []
    if len(calls) == 1 and calls[0].name in KNOWN:
        return _made(calls[0])
    meant = suggestion(calls[0].name, KNOWN) if len(calls) == 1 else ""
    raise ValueError(f"{what} is a number, or a schedule such as 'cosine(0.1, 0.01, 1000)'; found {value!r}.{meant}")


def _calls(string):
    try:
        return expressions.read_calls(string, "schedules")
    except ValueError:
        return []


def _made(call):
    try:
        return KNOWN[call.name](*call.arguments, **call.options)
    except TypeError:
        takes, example = (
            ("start, end, steps", "cosine(0.1, 0.01, 1000)")
            if call.name == "cosine"
            else ("half_life", "halving(1000)")
        )
        raise ValueError(f"{call.name} takes {takes}, such as {example}; found {call!r}.") from None


def checked(what: str, value: Any, most: float = math.inf, below: bool = False, decays: bool = False) -> Any:
    """`get`, of something that must not leave a range, whatever the step.

    Args:
        what: for messages, such as "probability".
        value: as for `get`, but not None.
        most: the end of the range, which begins at 0.
        below: whether `most` itself is too much.
        decays: whether it is the decay of an average, and a `Halving` makes sense.

    Raises:
        ValueError: `get`'s reasons, or a value out of the range.
    """
    schedule = get(value, what) if value is not None and not is_number(value) else value
    rule = "a finite number, at least 0" if most == math.inf else f"a number from 0 to {most:g}"
    rule = f"at least 0 and below {most:g}" if below else rule

    def fits(number: float) -> bool:
        return 0.0 <= number <= most and number < (most if below else math.inf)

    if not isinstance(schedule, Schedule):
        if not is_number(schedule) or not fits(float(schedule)):
            raise ValueError(f"{what} must be {rule}; found {value!r}.")
        return float(schedule)
    if isinstance(schedule, Halving):
        if not decays:
            raise ValueError(f"{what} is not the decay of an average, which halving gives; found {schedule!r}.")
        return schedule
    ends = (schedule.start, schedule.end) if isinstance(schedule, Cosine) else map(float, map(schedule, PROBES))
    wrong = next((number for number in ends if not fits(number)), None)
    if wrong is not None:
        raise ValueError(f"{what} must be {rule}, at every step; {text(schedule)} reaches {wrong:g}.")
    return schedule


def at(value: float | Schedule, step: Any) -> Any:
    """What a number or schedule is at a step.

    Args:
        value: as `get` gives it.
        step: how many updates there have been, a whole number or a tensor of one.

    Returns:
        The number; of a schedule float32, or a float where it never changes, so that it costs a graph nothing.
    """
    if not isinstance(value, Schedule):
        return value
    if isinstance(value, Cosine) and value.start == value.end:
        return value.start
    if isinstance(value, Halving):
        half_life = at(value.half_life, step)
        if isinstance(half_life, float):
            return 0.5 ** (1.0 / max(half_life, SHORTEST))
    return tf.cast(value(step), tf.float32)


def serialize(value: float | Schedule | None) -> Any:
    """The number, or the config from which `get` makes the schedule again."""
    return keras.saving.serialize_keras_object(value) if isinstance(value, Schedule) else value


def text(value: float | Schedule) -> str:
    """A number or schedule in words: what `get` reads, or of a schedule of Keras's its name and arguments."""
    if not isinstance(value, Schedule) or isinstance(value, (Cosine, Halving)):
        return repr(value)
    arguments = ", ".join(f"{name}={given!r}" for name, given in value.get_config().items() if name != "name")
    return f"{type(value).__name__}({arguments})"
