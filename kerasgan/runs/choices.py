"""What `kerasgan train PHOTOS` chooses by itself, and why: from what lies in the folder, the machine and the time.

The figures behind the rules are in docs/own_pictures.md.
"""

import dataclasses
import math
import time
import typing
from typing import Any

from kerasgan import registry
from kerasgan.runs.config import Config

if typing.TYPE_CHECKING:
    from kerasgan.data.survey import Survey
    from kerasgan.runs.origin import Origin

FAMILIES = ("r3gan", "dcgan")  # to choose from
FEW = 1000  # pictures, of which half an hour of a CPU makes more with DCGAN; measured of 300 and of 2,700
MINUTES = 30.0
FEWEST = 16  # pictures: a batch
SMALLEST_SIDE = 16  # pixels; pictures of less have nothing to learn
FEWEST_OF_A_CLASS = 10
HELD_BACK_FROM = 500  # pictures on: of fewer, a tenth says nothing
SCORES = 4  # of a training, besides that of its first epoch
AUGMENTED_TO = 20_000  # pictures; of so many the discriminator knows none by heart
AUGMENTATION = "diffaugment(color, translation, probability=cosine(0, 0.5, {}))"  # of fewer
FINE_TUNING = (3e-4, 5e-5)  # rates at the start and at the end
STARTING = 45.0  # seconds until the first step: reading, building, tracing
SHARE = 0.85  # of the time that is planned to be trained in: steps are not all alike, and epochs' ends cost


@dataclasses.dataclass(frozen=True)
class Choice:
    """One option of `kerasgan train` with what was chosen for it, and the reason."""

    option: str
    value: Any
    why: str

    @property
    def flag(self) -> str:
        """As it would be written on the command line."""
        if isinstance(self.value, bool) and self.option in ("conditional",):
            return f"--{'' if self.value else 'no'}{self.option}"
        value = ",".join(map(str, self.value)) if isinstance(self.value, tuple) else self.value
        return f"--{self.option}='{value}'" if " " in str(value) else f"--{self.option}={value}"


def choose_game(found: "Survey", asked: dict[str, Any], origin: "Origin | None" = None) -> list[Choice]:
    """What can be said before a step is timed: family, size, classes, what is held back, precision.

    Args:
        found: what lies in the folder.
        asked: options that the user gave, which are left alone; None is one that he did not.
        origin: of the trained GAN that it is to begin with.

    Raises:
        ValueError: too few or too small pictures to learn from, or classes that nobody can tell apart.
    """
    import numpy as np  # here, as listing what there is needs none

    chosen = []

    def choose(option: str, value: Any, why: str) -> None:
        if asked.get(option) is None:
            chosen.append(Choice(option, value, why))

    if asked.get("batch_size") is None and found.count < FEWEST:
        raise ValueError(
            f"{found.name} holds {found.count} picture(s) that can be read; training needs {FEWEST} at least, and a "
            "hundred to learn anything."
        )
    side = int(np.median(found.sides))
    if asked.get("image_shape") is None and side < SMALLEST_SIDE:
        raise ValueError(
            f"The pictures in {found.name} are {side} pixels small; there is nothing to learn below {SMALLEST_SIDE}. "
            "--image_shape=32,32,3 enlarges them all the same."
        )
    if origin is None:
        shape, why_shape = _shape(found, side)
        model, why = _family(found.count, (asked.get("image_shape") or shape)[0], asked)
        choose("model", model, why)
        model = asked.get("model") or model
        if side >= 128 and model in FAMILIES:
            why_shape += "; 128 takes four times as long"
    else:
        model = asked.get("model") or origin.model
        shape, why_shape = tuple(origin.recipe["image_shape"]), f"what {asked['begin_from']} makes"
    if model == "r3gan":
        choose("small", True, "the network for hours on a CPU; the paper's wants days of several GPUs")
    choose("image_shape", shape, why_shape)
    conditional, why = _classes(found, model)
    if conditional is not None:
        choose("conditional", conditional, why)
    if found.count >= HELD_BACK_FROM and asked.get("split") is None and asked.get("validation_split") is None:
        choose("split", "train[:90%]", "the rest is held back to score on")
        choose("validation_split", "train[90%:]", f"{found.count - round(0.9 * found.count)} pictures not trained on")
    choose("precision", *_precision(model, (asked.get("image_shape") or shape)[0]))
    if origin is None and model != "r3gan":
        choose("ema_decay", 0.999, "an average of the generator draws calmer pictures")
        if model == "dcgan":
            for option in ("generator_width", "discriminator_width"):
                choose(option, 32, "a quarter of the paper's, for a CPU")
    batch_size, why = _batch(model, found.count, origin is None)
    if batch_size is not None:
        choose("batch_size", batch_size, why)
    return chosen


def _family(count, size, asked):
    options = {name: {field.name for field in dataclasses.fields(registry.get_recipe(name))} for name in FAMILIES}
    own = [name for name in options["r3gan"] - options["dcgan"] if asked.get(name) is not None]
    if count < FEW and size == 64 and not own and not has_gpu():
        return "dcgan", "of few pictures, on a CPU, ahead of r3gan in half an hour"
    return "r3gan", "ahead of dcgan on emoji in FCD, precision and coverage"


def has_gpu() -> bool:
    """Whether TensorFlow sees a GPU."""
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _shape(found, side):
    channels, colours = (1, "all of them grey") if found.grey == found.count else (3, "in colour")
    if channels == 1 and (found.sizes == 28).all():
        return (28, 28, 1), f"their own size, {colours}"
    size = 64 if side >= 56 else 32
    return (size, size, channels), f"half of them have {side} pixels and more on the shorter side, {colours}"


def _batch(model, count, from_nothing):
    """How many pictures a batch is to have, or None where it is the family's own number; and why."""
    usual, why = registry.get_recipe(model).batch_size, ""
    if model == "dcgan" and from_nothing:
        usual, why = usual // 4, "a quarter of the paper's: on a CPU more updates are worth more than larger ones"
    if model != "r3gan" and count < usual:  # too few for any to be held back
        return 1 << count.bit_length() - 1, f"there are no {usual} pictures for a batch of the family's usual size"
    return (usual if why else None), why


def _classes(found, model):
    """Whether to ask for classes, or None where the family takes none; and why."""
    from kerasgan.classes import some

    try:
        registry.get_recipe(model, classes=2)
    except ValueError:
        return None, ""
    if found.classes is None or len(found.classes) < 2:
        return (None, "") if found.classes is None else (False, "one folder is no choice of classes")
    folded: dict[str, str] = {}
    for name in found.classes:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise ValueError(
                f"{found.name} has the class folders {other!r} and {name!r}, which differ in case only: put them "
                "together or rename one; --noconditional leaves classes out."
            )
    small = [f"{name} ({count})" for name, count in found.classes.items() if count < FEWEST_OF_A_CLASS]
    if small:
        return False, f"too few pictures of {some(small)}: a class needs {FEWEST_OF_A_CLASS}"
    return True, f"{len(found.classes)} folders of {min(found.classes.values())} pictures and more are its classes"


def _precision(model, side):
    if model == "r3gan" and side == 28:
        return "float32", "in bfloat16 the discriminator wins at 28 pixels"
    gain = speed_of_bfloat16()
    if gain > 1.5:
        return "bfloat16", f"this machine multiplies matrices {gain:.1f} times as fast in it"
    return "float32", "this machine gains little by bfloat16"


def speed_of_bfloat16() -> float:
    """How many times as fast this machine multiplies matrices in bfloat16 as in float32."""
    import tensorflow as tf

    seconds = {}
    for dtype in (tf.float32, tf.bfloat16):
        matrix = tf.ones((1024, 1024), dtype)
        product = tf.function(lambda a: tf.reduce_sum(tf.linalg.matmul(a, a)))
        product(matrix)
        times = []
        for _ in range(5):
            start = time.perf_counter()
            product(matrix).numpy()
            times.append(time.perf_counter() - start)
        seconds[dtype] = min(times)
    return seconds[tf.float32] / seconds[tf.bfloat16]


def choose_length(found: "Survey", config: Config, asked: dict[str, Any], seconds: float) -> list[Choice]:
    """How long to train, and what follows from it: schedules, augmentation, how often to score.

    Args:
        found: what lies in the folder.
        config: of the game that was chosen.
        asked: options that the user gave.
        seconds: of one step, as `time_step` measures it.
    """
    chosen = []
    minutes = asked.get("minutes") or MINUTES
    held_back = found.count - round(0.9 * found.count) if config.validation_split else 0
    trained = found.count - held_back
    epoch_steps = max(1, trained // config.batch_size)
    if asked.get("steps") is not None:
        steps = asked["steps"]
    elif asked.get("epochs") is not None:
        steps = asked["epochs"] * epoch_steps
    else:
        scoring = (SCORES + 1) * (held_back / 80 + 5.0) if held_back else 0.0
        steps = max(1, int((60.0 * minutes * SHARE - STARTING - scoring) / seconds))
        if held_back and steps > epoch_steps:  # the best epoch is kept, and the last should be one that it can be
            steps -= steps % epoch_steps
        chosen.append(
            Choice("steps", steps, f"what {minutes:g} minutes have time for at {1e3 * seconds:.0f} ms a step")
        )
        if asked.get("minutes") is None:
            chosen.append(Choice("minutes", minutes, "an end all the same, should the machine be slower than now"))
    if "schedule_images" in config.recipe and asked.get("schedule_images") is None:
        images = steps * config.batch_size
        chosen.append(Choice("schedule_images", images, "rates and average change until the last step"))
    if config.begin_from is not None and "schedule_images" in config.recipe and asked.get("learning_rate") is None:
        rate = f"cosine({FINE_TUNING[0]:g}, {FINE_TUNING[1]:g}, {steps})"
        chosen.append(Choice("learning_rate", rate, "slower than from nothing, or the start is thrown away"))
    if config.recipe["augment"] is None or config.model == "r3gan":
        chosen += _augment(trained, config, asked, steps)
    if held_back and asked.get("score_every") is None:
        epochs = steps / epoch_steps
        every = max(1, math.ceil(epochs / SCORES))
        chosen.append(Choice("score_every", every, f"so that {epochs:.0f} epochs are scored {SCORES} times or so"))
    return chosen


def _augment(trained, config, asked, steps):
    if asked.get("augment") is not None:
        return []
    if trained > AUGMENTED_TO:
        return [Choice("augment", "", f"none: {trained} pictures are many")]
    # One half from the start was worse in three of six pairs of trainings, and better in one (docs/own_pictures.md).
    text = AUGMENTATION.format(steps)
    return [Choice("augment", text, f"{trained} pictures: the discriminator would learn them by heart")]


def time_step(config: Config, steps: int = 16) -> float:
    """Seconds of a training step, on random images, with a model that is thrown away; of 16 steps a penalty that is
    paid in every 8th takes its part.

    Raises:
        ValueError: there are no such layers to freeze.
    """
    import numpy as np
    import tensorflow as tf

    from kerasgan import transfer
    from kerasgan.data.pipeline import untuned

    # Augmentation costs a tenth of a step of the small DCGAN, and is chosen for all but many pictures.
    augment = AUGMENTATION.format(steps) if config.recipe["augment"] is None else config.recipe["augment"]
    gan = registry.create_model(config.model, **{**config.recipe, "augment": augment})
    if config.freeze is not None:
        transfer.freeze(gan, config.freeze)
    noise = np.random.default_rng(0)
    low, high = gan.value_range or (-1.0, 1.0)
    images = noise.uniform(low, high, (config.batch_size, *gan.sample_shape)).astype(np.float32)
    images[0, 0, 0] = low  # as images have it
    batch: Any = images
    if gan.class_names is not None:
        batch = images, np.arange(config.batch_size, dtype=np.int32) % len(gan.class_names)
    data = tf.data.Dataset.from_tensors(batch).repeat(steps).with_options(untuned())  # or its end would be timed too
    gan.fit(data.take(1), verbose=0)
    start = time.perf_counter()
    gan.fit(data, verbose=0)
    return (time.perf_counter() - start) / steps
