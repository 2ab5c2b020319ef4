"""The registry of GAN families: a name, the paper's recipe, and the function that builds the parts.

Importing this module imports no TensorFlow, nor does listing the families: a family's `__init__` registers its name
and its recipe, and imports its networks only when a model is built.
"""

import contextlib
import dataclasses
import importlib
import pkgutil
import types
import typing
from collections.abc import Callable
from typing import Any

from kerasgan.errors import suggestion

if typing.TYPE_CHECKING:
    from kerasgan.gan import GAN


Build = Callable[[Any], "GAN"]
MOST_CLASSES = 100_000  # each is an output of the discriminator, and has a name
# Notes of a recipe without weights begin so.
UNTRAINED = "A recipe alone: no preset ships, and nobody has trained it yet."
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}  # and Keras's policies


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """What every family's recipe says; a family adds its own fields and its paper's values.

    Attributes:
        image_shape: (height, width, channels) of the samples; (n,) for vectors of n numbers that are not images,
            such as points in the plane, which fully connected families take.
        batch_size: m of Algorithm 1, real images per discriminator update.
        epochs: passes over the data in a full training.
        loss: alias of the adversarial loss.
        d_steps: k of Algorithm 1.
        fresh_noise: new noise for the generator's update.
        ema_decay: of the averaged generator: a number, a schedule (`kerasgan.schedules`) as a string, such as
            "halving(cosine(0, 9765, 39062))", or None.
        precision: "float32"; "bfloat16" or "float16" compute in it and keep the weights in float32 (Keras's mixed
            policies). Losses are always float32; under float16 both optimizers scale them. None is Keras's own policy,
            `keras.config.dtype_policy()`.
        sync_batch_norm: compute batch-normalisation statistics over the batches of all devices, not of each by itself.
        seed: of weights, noise and data order.
        classes: of a conditional GAN, how many or their names; None is unconditional.
        penalties: on the discriminator's gradient, as `GAN.compile` takes them in a string: "r1(5, every=16)".
        lazy_correction: change the discriminator's Adam for lazy penalties (`penalties.correct_for_lazy`).
        augment: of what the discriminator sees, as a string: "color,translation", "adaptive".
    """

    #: Why a family has no classes, for those that have none.
    no_classes: typing.ClassVar[str | None] = None

    image_shape: tuple[int, ...] = (28, 28, 1)
    batch_size: int = 128
    epochs: int = 20
    loss: str = "non_saturating"
    d_steps: int = 1
    fresh_noise: bool = False
    ema_decay: float | str | None = None
    precision: str | None = None
    sync_batch_norm: bool = False
    seed: int = 0
    classes: int | tuple[str, ...] | None = None
    penalties: str | None = None
    lazy_correction: bool = False
    augment: str | None = None

    def rules(self) -> dict[str, Any]:
        """What `GAN.compile` takes beside optimizers and loss."""
        return {name: getattr(self, name) for name in ("d_steps", "fresh_noise", "penalties", "augment")}

    def prepare(self, gan: "GAN", samples: Any) -> None:
        """What is done to a new model with the samples that it is to be trained on; here nothing. A run does it before
        its first step, unless it begins with the weights of another model.

        Args:
            gan: of this recipe.
            samples: `[N, ...]`, as `kerasgan.data.load_array` gives them.
        """


@dataclasses.dataclass(frozen=True)
class Family:
    """One registered GAN."""

    name: str
    summary: str
    recipe: type[Recipe]
    build: Build


@dataclasses.dataclass(frozen=True)
class PresetRecipe:
    """How a trained preset was made: what `kerasgan train --recipe=NAME` does.

    Attributes:
        name: the preset's, `<model>_<dataset>`.
        model: the family's name.
        dataset, split: what it is trained on, as `kerasgan.data.load` takes it.
        validation_split: what the best epoch is chosen on.
        score_every: how many epochs from one score on it to the next.
        settings: fields of the family's recipe, where they differ from the paper's.
        notes: what earned those settings their place, for the model card (Markdown).
    """

    name: str
    model: str
    dataset: str
    split: str
    validation_split: str
    settings: dict[str, Any]
    notes: str = ""
    score_every: int = 1


_families: dict[str, Family] = {}
_presets: dict[str, PresetRecipe] = {}


def register(name: str, recipe: type[Recipe], summary: str) -> Callable[[Build], Build]:
    """Decorates the function that builds a family's compiled `GAN` from its recipe.

    Args:
        name: the public name, lower case with underscores.
        recipe: a frozen dataclass derived from `Recipe`; its defaults are the paper's.
        summary: one line for `kerasgan list`.

    Raises:
        ValueError: the name is taken.
    """

    def add(build: Build) -> Build:
        if name in _families:
            raise ValueError(f"{name!r} is registered already, by {_families[name].build.__module__}.")
        _families[name] = Family(name, summary, recipe, build)
        return build

    return add


def register_preset(
    name: str,
    model: str,
    dataset: str,
    split: str,
    validation_split: str,
    notes: str = "",
    score_every: int = 1,
    **settings: Any,
) -> None:
    """Registers how a preset is trained; the arguments are `PresetRecipe`'s.

    Raises:
        ValueError: the name is taken.
    """
    if name in _presets:
        raise ValueError(f"The preset {name!r} is registered already.")
    _presets[name] = PresetRecipe(name, model, dataset, split, validation_split, settings, notes, score_every)


def list_preset_recipes() -> list[str]:
    """The names that `get_preset_recipe` takes, sorted."""
    _discover()
    return sorted(_presets)


def get_preset_recipe(name: str) -> PresetRecipe:
    """How the preset of that name is trained.

    Raises:
        ValueError: there is none; the message lists the known ones.
    """
    _discover()
    return _look_up("recipe", name, _presets)


def _discover() -> dict[str, Family]:
    zoo = importlib.import_module("kerasgan.zoo")
    for module in pkgutil.iter_modules(zoo.__path__):
        importlib.import_module(f"kerasgan.zoo.{module.name}")
    return _families


def list_models() -> list[str]:
    """The names that `create_model` takes, sorted."""
    return sorted(_discover())


def _look_up(what: str, name: str, known: dict) -> Any:
    if name not in known:
        raise ValueError(f"Unknown {what} {name!r}. Known: {', '.join(sorted(known))}.{suggestion(name, known)}")
    return known[name]


def get_family(name: str) -> Family:
    """The registered family of that name.

    Raises:
        ValueError: there is none; the message lists the known ones.
    """
    return _look_up("model", name, _discover())


def get_recipe(name: str, **overrides: Any) -> Recipe:
    """The recipe of a family with some fields changed.

    Raises:
        ValueError: unknown model or field, or a value that the family cannot use.
    """
    family = get_family(name)
    fields = [field.name for field in dataclasses.fields(family.recipe)]
    for asked in overrides:
        if asked not in fields:
            raise ValueError(
                f"{name} has no setting {asked!r}. It has: {', '.join(sorted(fields))}.{suggestion(asked, fields)}"
            )
    overrides = {field: tuple(value) if isinstance(value, list) else value for field, value in overrides.items()}
    if isinstance(overrides.get("classes"), str):
        raise ValueError(
            "classes are a whole number or names in brackets, such as 10 or ('Bag', 'Sneaker'); found "
            f"{overrides['classes']!r}. kerasgan train --conditional takes those of the dataset."
        )
    for field in dataclasses.fields(family.recipe):
        if field.name in overrides and not _is_of(overrides[field.name], field.type):
            kind = getattr(field.type, "__name__", str(field.type))
            raise ValueError(f"{name}'s {field.name} must be of type {kind}; found {overrides[field.name]!r}.")
        if isinstance(overrides.get(field.name), str) and _takes_schedules(field.type):
            from kerasgan import schedules

            schedules.get(overrides[field.name], f"{name}'s {field.name}")
    recipe = family.recipe(**overrides)
    if recipe.precision is not None and recipe.precision not in PRECISIONS:
        raise ValueError(
            f"precision must be one of {', '.join(PRECISIONS)}; found {recipe.precision!r}."
            f"{suggestion(recipe.precision, PRECISIONS)}"
        )
    if recipe.classes is not None and recipe.no_classes:
        raise ValueError(f"{name} takes no classes: {recipe.no_classes}.")
    _check_classes(recipe.classes)
    if not 0 <= recipe.seed < 2**31:
        raise ValueError(f"seed must be from 0 to 2**31 - 1; found {recipe.seed}.")
    return recipe


def _check_classes(classes):
    if classes is None:
        return
    count = classes if isinstance(classes, int) else len(classes)
    if count < 2:
        raise ValueError(f"classes must be at least 2, or the names of as many; found {classes!r}.")
    if count > MOST_CLASSES:
        raise ValueError(f"There may be {MOST_CLASSES} classes; found {count}.")
    if isinstance(classes, tuple) and (len(set(classes)) < count or "" in classes):
        wrong = next(name for name in classes if not name or classes.count(name) > 1)
        raise ValueError(f"Each of the {count} classes needs a name of its own; found {wrong!r} among them.")


def _is_of(value: Any, annotation: Any) -> bool:
    """Whether a value is of an annotated type; whole numbers pass for floats, truth values for no number."""
    kinds = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    if isinstance(value, tuple):
        of = [typing.get_args(kind)[0] for kind in kinds if typing.get_origin(kind) is tuple]
        return any(all(_is_of(item, kind) for item in value) for kind in of)
    kinds = tuple(typing.get_origin(kind) or kind for kind in kinds)
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds) or (isinstance(value, int) and float in kinds)


def _takes_schedules(annotation: Any) -> bool:
    """Whether a field is a number or, as a string, a schedule."""
    return {float, str} <= set(typing.get_args(annotation))


def create_model(name: str, **overrides: Any) -> "GAN":
    """A compiled, untrained GAN with its paper's recipe.

    Weights are drawn from the recipe's `seed`: the same call gives the same weights.

    Args:
        name: one of `list_models()`.
        **overrides: fields of the family's recipe, such as `image_shape=(32, 32, 3)`, `classes=10`, `loss="kl"`,
            `penalties="r1(5, every=16)"` or `augment="color,translation"`.

    Raises:
        ValueError: unknown model, field or value; an image shape that the family cannot build.
    """
    recipe = get_recipe(name, **overrides)
    with _policy(recipe.precision):
        gan = get_family(name).build(recipe)
    for field, made in (("classes", gan.class_names), ("penalties", gan.penalties), ("augment", gan.augment)):
        if getattr(recipe, field) and not made:
            raise ValueError(f"{name} has no use for {field}, which it is given: {getattr(recipe, field)!r}.")
    if recipe.sync_batch_norm:
        _synchronise(gan)
    if recipe.lazy_correction:
        from kerasgan.penalties import correct_for_lazy

        correct_for_lazy(gan.d_optimizer, gan.penalties)
    return gan


def _synchronise(gan):
    import keras

    for layer in gan._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


@contextlib.contextmanager
def _policy(precision):
    """What layers are built with; Keras's own policy is as it was afterwards."""
    if precision is None:
        yield
        return
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(PRECISIONS[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
