"""What a run is made from: resolved from what was asked for, written to `config.json`, and read again to go on."""

import dataclasses
import json
import pathlib
import re
import shlex
from importlib import metadata
from typing import Any

from kerasgan import __version__, registry
from kerasgan.errors import check_whole
from kerasgan.expressions import read_calls
from kerasgan.files import Path, replacing

TEXTS = ("penalties", "augment", "code_augment", "ema_decay")  # fields of recipes that an empty text sets to none
FLAGS = {"begin_from": "from"}  # fields whose option has another name, one that Python keeps for itself
SHUFFLED_FOLDERS = (0, 2)  # the version from which the pictures of a folder are shuffled before they are cut


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run is made from.

    Attributes:
        model: a name of `kerasgan.list_models()`.
        dataset: what `kerasgan.data.load` takes as its name.
        split: of the dataset.
        epochs: passes over the data; None where `steps` says when to end.
        batch_size: images per `train_step`: `recipe["d_steps"]` minibatches.
        recipe: every field of the family's recipe.
        validation_split: what each epoch is scored on, or None.
        features: what it is scored by, as `kerasgan.features.get` takes it.
        steps: generator updates, which may end in the midst of an epoch; None where `epochs` says when to end.
        score_every: how many epochs from one score on the validation split to the next.
        begin_from: the preset, run or `.keras` file whose weights the training begins with, or None.
        freeze: which layers are not trained, as `kerasgan.transfer.freeze` takes it, or None.
    """

    model: str
    dataset: str
    split: str
    epochs: int | None
    batch_size: int
    recipe: dict
    validation_split: str | None = None
    features: str | None = None
    steps: int | None = None
    score_every: int = 1
    begin_from: str | None = None
    freeze: str | None = None


def resolve(
    model: str | None,
    dataset: str,
    split: str = "train",
    epochs: int | None = None,
    batch_size: int | None = None,
    validation_split: str | None = None,
    features: str | None = None,
    steps: int | None = None,
    score_every: int | None = None,
    conditional: bool | None = None,
    begin_from: str | None = None,
    freeze: str | None = None,
    **overrides: Any,
) -> Config:
    """Fills in what was not asked for from the family's recipe and the dataset, and checks the whole.

    Without a `precision` it is float32, whatever Keras's own policy. An empty `validation_split`, `penalties` or
    `augment` is none. `conditional` takes the names of the dataset's classes for the recipe's `classes`. With
    `begin_from` the networks are the trained GAN's, but for other classes or another size, and so is the family.

    Raises:
        ValueError: whatever is wrong with the request.
    """
    from kerasgan import data

    if begin_from is not None:
        model, overrides = _begin(begin_from, model, overrides)
    family = registry.get_family(model or "")
    none: dict[str, Any] = {name: None for name in TEXTS if _is_blank(overrides.get(name))}
    classes = overrides.pop("classes", None)
    if conditional is False:
        if classes is not None:
            raise ValueError(f"A model without classes (conditional=False) excludes classes={classes}.")
        none["classes"] = None
    elif conditional or classes is not None:
        # A family that takes none says so before the dataset is asked for its own.
        registry.get_recipe(family.name, classes=2 if classes is None else classes)
        overrides["classes"] = _classes_of(dataset, split, classes, bool(conditional))
    shape = None
    if overrides.get("image_shape") is None:
        overrides["image_shape"] = shape = data.image_shape_of(dataset, split)
        if shape is None:
            raise ValueError(f"The images of {dataset} differ in size; give --image_shape=height,width,channels.")
    try:
        recipe = registry.get_recipe(family.name, **{**_given(overrides), **none})
    except ValueError as error:
        if shape is None or "image_shape=" not in str(error):
            raise
        what = "points" if len(shape) == 1 else "images"
        raise ValueError(f"{str(error).removesuffix('.')}, the shape of {dataset}'s {what}.") from None
    if batch_size is not None and min(batch_size, recipe.d_steps) >= 1 and not batch_size % recipe.d_steps:
        # What a recipe gives by images it has worked out by its batch.
        share = {"batch_size": batch_size // recipe.d_steps}
        recipe = registry.get_recipe(family.name, **{**_given(overrides), **none, **share})
    recipe = _settled(recipe)
    _check_game(recipe)
    if epochs is None and steps is None:
        epochs = recipe.epochs
    batch_size = recipe.batch_size * recipe.d_steps if batch_size is None else batch_size
    _check_end(epochs, steps)
    score_every = 1 if score_every is None else score_every
    for name, number in (("batch_size", batch_size), ("d_steps", recipe.d_steps), ("score_every", score_every)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1; found {number}.")
    if batch_size % recipe.d_steps:
        raise ValueError(f"batch_size={batch_size} must divide into d_steps={recipe.d_steps} minibatches.")
    if validation_split and not features:
        from kerasgan.features import needs_saying

        features = needs_saying(recipe.image_shape, dataset)  # to be resumed by the same, wherever that is
    return Config(
        family.name,
        dataset,
        split,
        epochs,
        batch_size,
        dataclasses.asdict(recipe),
        validation_split or None,
        features or None,
        steps,
        score_every,
        begin_from,
        freeze or None,
    )


def _begin(begin_from: str, model: str | None, overrides: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The family of a trained GAN, and the fields of its recipe behind those that are given."""
    from kerasgan.runs.origin import origin_of

    origin = origin_of(begin_from)
    if model not in (None, origin.model):
        raise ValueError(f"{begin_from} is a {origin.model}; it cannot begin a {model}.")
    settings = origin.settings()
    shape, own = overrides.get("image_shape"), settings["image_shape"]
    if shape is not None and shape[-1] != own[-1]:
        raise ValueError(
            f"{begin_from} makes images of {own[-1]} channel(s), and image_shape={tuple(shape)} has {shape[-1]}; "
            f"pictures are turned grey or RGB by themselves: image_shape={(*shape[:-1], own[-1])}."
        )
    return origin.model, {**settings, **_given(overrides)}


def _given(settings):
    return {name: value for name, value in settings.items() if value is not None}


def _is_blank(text):
    return isinstance(text, str) and not text.strip()


def _classes_of(dataset, split, asked, conditional):
    """A model's classes: as asked for, or the dataset's names where it is to be conditional."""
    from kerasgan import data
    from kerasgan.classes import check_same, numbered, some

    own = data.classes_of(dataset, split)
    if own is None:
        raise ValueError(
            f"{dataset} has no classes for a conditional model. A tensorflow-datasets name with labels has, and a "
            "folder with a sub-folder for each class, and a .npz file with labels beside its images."
        )
    if len(own) < 2:
        raise ValueError(f"{dataset} has one class ({some(own)}); a conditional model needs 2 or more to choose from.")
    if conditional and asked not in (None, own, len(own)):
        raise ValueError(
            f"{dataset} has {len(own)} classes ({some(own)}), and classes={asked} is asked for. --conditional alone "
            "takes those of the dataset, by their names."
        )
    if not conditional:
        check_same(own, numbered(asked) if isinstance(asked, int) else asked, dataset)
    return own if conditional else asked


def _check_game(recipe):
    """What a family would refuse when its networks are built, found before."""
    from kerasgan import augment, averages, losses, penalties

    losses.get(recipe.loss)
    if recipe.ema_decay is not None:
        averages.checked_decay(recipe.ema_decay)
    lazy = any(penalty.every > 1 for penalty in penalties.get(recipe.penalties))
    if recipe.lazy_correction and not lazy:
        raise ValueError(
            "lazy_correction corrects Adam for penalties that are paid in every n-th update, such as "
            f"penalties='r1(5, every=16)'; found penalties={recipe.penalties!r}."
        )
    augment.get(recipe.augment, (-1.0, 1.0) if len(recipe.image_shape) == 3 else None)


def _check_end(epochs, steps):
    if epochs is not None and steps is not None:
        raise ValueError(f"A training ends after so many epochs or after so many steps; found {epochs=} and {steps=}.")
    for name, number in (("epochs", epochs), ("steps", steps)):
        if number is not None and number < 1:
            raise ValueError(f"{name} must be at least 1; found {number}.")


def _settled(recipe):
    return dataclasses.replace(recipe, precision=recipe.precision or "float32")


def resolve_recipe(name: str) -> Config:
    """The config of `kerasgan train --recipe=NAME`.

    Raises:
        ValueError: an unknown name.
    """
    recipe = registry.get_preset_recipe(name)
    own = {name: getattr(recipe, name) for name in ("validation_split", "score_every")}
    return resolve(recipe.model, recipe.dataset, recipe.split, **own, **recipe.settings)


def command(config: Config) -> str:
    """The command that trains as a config says."""
    for name in registry.list_preset_recipes():
        recipe = registry.get_preset_recipe(name)
        # A recipe of another dataset is not resolved: that may ask for data which are not here.
        if (recipe.model, recipe.dataset) == (config.model, config.dataset) and resolve_recipe(name) == config:
            return f"kerasgan train --recipe={name}"
    given = []
    options = ("model", "dataset", "split", "epochs", "steps", "batch_size", "validation_split", "features", "freeze")
    for name in (*options, "begin_from"):
        if getattr(config, name) is not None:
            given.append(f"--{FLAGS.get(name, name)}={getattr(config, name)}")
    if config.score_every != 1:
        given.append(f"--score_every={config.score_every}")
    usual = dataclasses.asdict(_settled(registry.get_recipe(config.model, image_shape=config.recipe["image_shape"])))
    for name, value in config.recipe.items():
        if name == "classes" and value is not None and value == _own_classes(config):
            given.append("--conditional")
        elif value != usual[name] and name not in ("epochs", "batch_size"):
            given.append(f"--{name}={'' if value is None and name in TEXTS else value}")
    given.append(f"--image_shape={','.join(map(str, config.recipe['image_shape']))}")
    return " ".join(["kerasgan train", *(shlex.quote(part) for part in given)])


def _own_classes(config):
    """Of the dataset of a config, where it is still there."""
    from kerasgan import data

    try:
        return data.classes_of(config.dataset, config.split)
    except ValueError:
        return None


def holds_run(output: Path) -> bool:
    """Whether there is a run in a folder, begun or finished."""
    return (pathlib.Path(output) / "config.json").is_file()


def read_config(output: Path) -> Config:
    """The config of the run in a folder.

    Raises:
        ValueError: there is none, it cannot be read, or a newer kerasgan wrote it.
    """
    return _read(output)[0]


def _read(output: Any) -> tuple[Config, str]:
    """A run's config, and the version of kerasgan that wrote it."""
    path = pathlib.Path(output) / "config.json"
    if not path.is_file():
        raise ValueError(f"{output} holds no run: there is no config.json.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content.get("versions", {}).get("kerasgan", "0")
        newer = _numbers(version) > _numbers(__version__)
        if not newer:
            fields = {field.name: content[field.name] for field in dataclasses.fields(Config) if field.name in content}
            fields["recipe"] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields["recipe"].items()}
            return _checked(Config(**fields)), version
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"Cannot read {path}: {error!r}.") from None
    raise ValueError(
        f"kerasgan {version} began the run in {output}, and this is {__version__}; "
        "upgrade with pip install -U kerasgan."
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def _checked(config):
    """A config as `resolve` makes it: a file may be damaged, or of an older version that did not say everything."""
    recipe = _settled(registry.get_recipe(config.model, **config.recipe))
    check_whole("batch_size", config.batch_size, 1)
    check_whole("score_every", config.score_every, 1)
    for name in ("epochs", "steps"):
        if getattr(config, name) is not None:
            check_whole(name, getattr(config, name), 1)
    if (config.epochs is None) == (config.steps is None):
        raise ValueError(f"epochs is {config.epochs}, and steps is {config.steps}")
    texts = [(name, str | None) for name in ("validation_split", "features", "begin_from", "freeze")]
    for name, kinds in (("dataset", str), ("split", str), *texts):
        if not isinstance(getattr(config, name), kinds):
            raise ValueError(f"{name} is {getattr(config, name)!r}")
    return dataclasses.replace(config, recipe=dataclasses.asdict(recipe))


def was_cut_otherwise(dataset: object, split: str | None, version: str) -> bool:
    """Whether a version of kerasgan took other pictures for a split than this one does."""
    sliced = split is not None and "[" in split
    return sliced and str(dataset).startswith("folder:") and _numbers(version) < SHUFFLED_FOLDERS


def check_resumable(output: Path) -> None:
    """Whether the run in a folder can go on with the data that it began on.

    Raises:
        ValueError: an older kerasgan cut its folder of pictures in alphabetical order; or `read_config`'s reasons.
    """
    config, version = _read(output)
    for split in (config.split, config.validation_split):
        if was_cut_otherwise(config.dataset, split, version):
            raise ValueError(
                f"kerasgan {version} cut {split} of {config.dataset} in the order of the files' names; folders are "
                f"shuffled now before they are cut, so the run in {output} cannot go on with the same pictures. Train "
                f"anew, or go on with kerasgan {version}."
            )


def with_end(config: Config, epochs: int | None = None, steps: int | None = None) -> Config:
    """The config of a run that is resumed, to go on for longer than it was first asked for; None changes nothing.

    Raises:
        ValueError: less than before, or both.
    """
    if epochs is None and steps is None:
        return config
    _check_end(epochs, steps)
    for name, number in (("epochs", epochs), ("steps", steps)):
        before = getattr(config, name)
        if number is not None and before is not None and number < before:
            raise ValueError(f"This run was asked for {before} {name}; --{name}={number} would be fewer.")
    return dataclasses.replace(config, epochs=epochs, steps=steps)


def with_epochs(config: Config, epochs: int | None) -> Config:
    """`with_end` of so many epochs.

    Raises:
        ValueError: fewer epochs than before.
    """
    return with_end(config, epochs)


def differences(old: Config, new: dict[str, Any]) -> list[str]:
    """Where settings given anew differ from a run's own, as `name: old -> new`. Unset ones (None) do not count; an
    empty text is one that was set to nothing.
    """
    classes = old.recipe["classes"]
    was = {**old.recipe, **dataclasses.asdict(old), "conditional": classes is not None}
    changed = []
    for name, value in new.items():
        if value is None:
            continue
        value = tuple(value) if isinstance(value, list) else value
        value = None if _is_blank(value) else value
        if name in old.recipe and _say_the_same(value, was[name]):
            continue  # whatever the blanks, and ways to write a number
        if name == "classes" and isinstance(classes, tuple) and value == len(classes):
            continue  # the run has their names
        if was.get(name) != value:
            changed.append(f"{name}: {was.get(name)} -> {value}")
    return changed


def _say_the_same(one: Any, other: Any) -> bool:
    """Whether two texts of a recipe are the same names with the same arguments."""
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    try:
        return read_calls(one, "settings") == read_calls(other, "settings")
    except ValueError:
        return False


def write_config(config: Config, output: Path) -> None:
    """Writes a run's `config.json`, with the versions of the libraries that train it."""
    versions = {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
    content = {**dataclasses.asdict(config), "versions": {"kerasgan": __version__, **versions}}
    with replacing(pathlib.Path(output) / "config.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
