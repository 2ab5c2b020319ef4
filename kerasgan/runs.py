"""A training run on disk: one folder with its configuration, checkpoints, history, pictures and result.

config.json    what was asked for, resolved: everything that the result depends on
checkpoints/   the newest states, to go on from
history.csv    one line per epoch
time.json      how long it took
samples/       pictures of the same seeds as training went on, and samples.gif (not of vectors of 3 and more numbers)
curves.png     the history as a picture
final.keras    the trained GAN, with both optimizers
best.keras     the GAN of the epoch with the lowest Fréchet distance, where there is a split to judge by
"""

import dataclasses
import functools
import json
import math
import pathlib
import shlex
import shutil
from importlib import metadata

from kerasgan import __version__, registry
from kerasgan.files import check_writable, replacing

PARTS = (
    "config.json",
    "checkpoints",
    "history.csv",
    "time.json",
    "samples",
    "curves.png",
    "final.keras",
    "best.keras",
)


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run is made from.

    Attributes:
        model: a name of `kerasgan.list_models()`.
        dataset: what `kerasgan.data.load` takes as its name.
        split: of the dataset.
        epochs: passes over the data.
        batch_size: images per `train_step`: `recipe["d_steps"]` minibatches.
        recipe: every field of the family's recipe.
        validation_split: what each epoch is scored on, or None.
        features: what it is scored by, as `kerasgan.features.get` takes it.
    """

    model: str
    dataset: str
    split: str
    epochs: int
    batch_size: int
    recipe: dict
    validation_split: str | None = None
    features: str | None = None


class AlreadyThereError(ValueError):
    """The output folder holds a run, or something else."""


def resolve(
    model, dataset, split="train", epochs=None, batch_size=None, validation_split=None, features=None, **overrides
) -> Config:
    """Fills in what was not asked for from the family's recipe and the dataset, and checks the whole.

    Raises:
        ValueError: whatever is wrong with the request.
    """
    from kerasgan import data

    family = registry.get_family(model)
    shape = None
    if overrides.get("image_shape") is None:
        overrides["image_shape"] = shape = data.image_shape_of(dataset, split)
        if shape is None:
            raise ValueError(f"The images of {dataset} differ in size; give --image_shape=height,width,channels.")
    try:
        recipe = registry.get_recipe(family.name, **{k: v for k, v in overrides.items() if v is not None})
    except ValueError as error:
        if shape is None or "image_shape=" not in str(error):
            raise
        what = "points" if len(shape) == 1 else "images"
        raise ValueError(f"{str(error).removesuffix('.')}, the shape of {dataset}'s {what}.") from None
    epochs = recipe.epochs if epochs is None else epochs
    batch_size = recipe.batch_size * recipe.d_steps if batch_size is None else batch_size
    for name, number in (("epochs", epochs), ("batch_size", batch_size), ("d_steps", recipe.d_steps)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1; found {number}.")
    if batch_size % recipe.d_steps:
        raise ValueError(f"batch_size={batch_size} must divide into d_steps={recipe.d_steps} minibatches.")
    return Config(model, dataset, split, epochs, batch_size, dataclasses.asdict(recipe), validation_split, features)


def train(config: Config, output, resume: bool = False, overwrite: bool = False, verbose="auto"):
    """Trains as a config says and leaves everything in a run folder.

    Args:
        config: from `resolve`, or from `read_config` to resume.
        output: the folder.
        resume: go on from the newest checkpoint there.
        overwrite: delete a run that is there.
        verbose: as in `keras.Model.fit`.

    Returns:
        The trained GAN.

    Raises:
        AlreadyThereError: the folder is not empty, and neither `resume` nor `overwrite` says what to do with it.
        ValueError: anything else that is wrong with the request, in which case nothing was written; or the training
            diverged, in which case the run folder holds it up to there, without `final.keras`.
        KeyboardInterrupt: after a checkpoint was written.
    """
    output = pathlib.Path(output)
    check_output(output, resume, overwrite)

    import keras
    import tensorflow as tf

    from kerasgan import callbacks, data, plots

    gan = callbacks.restore(output / "checkpoints") if resume else None
    if gan is None:
        keras.utils.set_random_seed(config.recipe["seed"])
        gan = registry.create_model(config.model, **config.recipe)
    images = data.load_array(config.dataset, config.split, gan.sample_shape)
    load = functools.partial(
        data.load, images, batch_size=config.batch_size, like=gan, seed=config.recipe["seed"], shuffle=True
    )
    epoch_steps = len(load())

    judges = []
    if config.validation_split is not None:
        score = callbacks.EvaluateSamples(config.dataset, config.validation_split, features=config.features)
        monitor, _ = score.prepare(gan)
        judges = [score, callbacks.BestModel(output / "best.keras", monitor, output / "history.csv")]

    if overwrite:
        _delete_run(output)
    output.mkdir(parents=True, exist_ok=True)
    _write_config(config, output)

    checkpoint = callbacks.TrainingCheckpoint(output / "checkpoints")
    pictures = []
    if plots.can_draw(gan.sample_shape):
        pictures.append(callbacks.SampleGrid(output / "samples", real=images[:2500] if images.ndim == 2 else None))
    try:
        while (step := int(gan.step.numpy())) < config.epochs * epoch_steps and not gan.stop_training:
            epoch, taken = divmod(step, epoch_steps)
            batches = load(start_step=step)
            if taken:  # ends the epoch that was cut; `fit` takes all epochs to be as long as the first
                left = epoch_steps - taken
                batches = batches.take(left).apply(tf.data.experimental.assert_cardinality(left))
            gan.fit(
                batches,
                epochs=epoch + 1 if taken else config.epochs,
                initial_epoch=epoch,
                verbose=verbose,
                callbacks=[
                    keras.callbacks.TerminateOnNaN(),
                    *pictures,
                    *judges,
                    callbacks.WallTime(output / "time.json"),
                    callbacks.HistoryTable(output / "history.csv"),
                    checkpoint,
                ],
            )
    except KeyboardInterrupt:
        checkpoint.write()
        raise
    history = callbacks.read_history(output / "history.csv")
    if history:
        plots.curves(history, output / "curves.png", x=history["epoch"])
        if not all(math.isfinite(history[name][-1]) for name in ("d_loss", "g_loss")):
            raise ValueError(
                f"Training diverged in epoch {history['epoch'][-1]:.0f}: a loss is no longer a finite number. "
                f"The last good state is in {output / 'checkpoints'}."
            )
    with replacing(output / "final.keras") as temporary:
        gan.save(temporary)
    return gan


def resolve_recipe(name: str) -> Config:
    """The config of `kerasgan train --recipe=NAME`.

    Raises:
        ValueError: an unknown name.
    """
    recipe = registry.get_preset_recipe(name)
    return resolve(
        recipe.model, recipe.dataset, recipe.split, validation_split=recipe.validation_split, **recipe.settings
    )


def command(config: Config) -> str:
    """The command that trains as a config says."""
    for name in registry.list_preset_recipes():
        if registry.get_preset_recipe(name).model == config.model and resolve_recipe(name) == config:
            return f"kerasgan train --recipe={name}"
    given = [f"--{name}={getattr(config, name)}" for name in ("model", "dataset", "split", "epochs", "batch_size")]
    for name in ("validation_split", "features"):
        if getattr(config, name) is not None:
            given.append(f"--{name}={getattr(config, name)}")
    usual = dataclasses.asdict(registry.get_recipe(config.model, image_shape=config.recipe["image_shape"]))
    for name, value in config.recipe.items():
        if value != usual[name] and name not in ("epochs", "batch_size"):
            own = name in ("loss", "d_steps", "fresh_noise", "ema_decay", "seed")
            given.append(f"--{name}={value}" if own else f"--set={name}={value}")
    if "image_shape" not in " ".join(given):
        given.append(f"--image_shape={','.join(map(str, config.recipe['image_shape']))}")
    return " ".join(["kerasgan train", *(shlex.quote(part) for part in given)])


def make_preset(run, output, licence: str | None = None, progress: bool = False) -> pathlib.Path:
    """Makes a preset of a run: its best model, stored as float16, with its scores and its card.

    The scores are those of the weights as they are stored, on the dataset's test split; beside them stand those of the
    last epoch and of real training images.

    Args:
        run: the run's folder.
        output: the preset's folder, named as the preset is to be called.
        licence: what the card says of it.
        progress: show bars on the terminal.

    Returns:
        `output`.

    Raises:
        ValueError: `run` holds no finished run, or there is nothing to score it by (see `evaluation.evaluate`).
    """
    from kerasgan import callbacks, data, evaluation, presets

    run, output = pathlib.Path(run), check_writable(output)
    config = read_config(run)
    if not (run / "final.keras").is_file():
        raise ValueError(f"The run in {run} is not finished; go on with: kerasgan train --output={run} --resume")
    gan = presets.load(run)
    history = callbacks.read_history(run / "history.csv")
    recipe = registry.get_preset_recipe(output.name) if output.name in registry.list_preset_recipes() else None
    facts = {
        "recipe": command(config),
        "dataset": data.with_version(config.dataset),
        "split": config.split,
        "validation_split": config.validation_split,
        "epochs": config.epochs,
        "epoch": 1 + history["step"].index(int(gan.step.numpy())),
        **json.loads((run / "time.json").read_text()),
        "licence": licence,
        "notes": recipe.notes if recipe is not None else "",
    }
    presets.save(gan, output, facts, half=True)
    resize = data.image_shape_of(config.dataset, config.split) not in (None, gan.sample_shape)
    options = {"features": config.features, "resize": resize, "progress": progress}
    report = evaluation.evaluate(presets.load(output), config.dataset, **options).to_json()
    last = None
    if (run / "best.keras").is_file():
        last = evaluation.evaluate(presets.load(run / "final.keras"), config.dataset, **options).to_json()
    by = "" if config.features is None else f" --features={config.features}"
    by += " --resize" if resize else ""
    presets.add_metadata(
        output,
        evaluation=f"kerasgan evaluate --preset={output.name} --dataset={config.dataset}{by} --output=report.json",
        last=last and last["scores"],
        **{key: report[key] for key in ("scores", "reference", "class_shares", "losses")},
    )
    return output


def read_config(output) -> Config:
    """The config of the run in a folder.

    Raises:
        ValueError: there is none, or it cannot be read.
    """
    path = pathlib.Path(output) / "config.json"
    if not path.is_file():
        raise ValueError(f"{output} holds no run: there is no config.json.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        fields = {field.name: content[field.name] for field in dataclasses.fields(Config) if field.name in content}
        fields["recipe"] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields["recipe"].items()}
        return Config(**fields)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"Cannot read {path}: {error!r}.") from None


def with_epochs(config: Config, epochs: int | None) -> Config:
    """The config of a run that is resumed, to go on for more epochs than it was first asked for; None changes nothing.

    Raises:
        ValueError: fewer epochs than before.
    """
    if epochs is None:
        return config
    if epochs < config.epochs:
        raise ValueError(f"This run was asked for {config.epochs} epochs; --epochs={epochs} would be fewer.")
    return dataclasses.replace(config, epochs=epochs)


def differences(old: Config, new: dict) -> list[str]:
    """Where settings given anew differ from a run's own, as `name: old -> new`. Unset ones (None) do not count."""
    was = {**old.recipe, **dataclasses.asdict(old)}
    changed = []
    for name, value in new.items():
        value = tuple(value) if isinstance(value, list) else value
        if value is not None and was.get(name) != value:
            changed.append(f"{name}: {was.get(name)} -> {value}")
    return changed


def check_output(output, resume: bool, overwrite: bool) -> None:
    """Whether a run may be written to a folder; see `train` for what it raises."""
    output = check_writable(output)
    if not output.is_dir():
        if resume:
            raise ValueError(f"There is no run to resume in {output}.")
        return
    holds_run = (output / "config.json").is_file()
    if resume:
        if not holds_run:
            raise ValueError(f"There is no run to resume in {output}.")
    elif holds_run and not overwrite:
        raise AlreadyThereError(f"{output} holds a run already; go on with --resume or replace it with --overwrite.")
    elif not holds_run and any(output.iterdir()):
        raise AlreadyThereError(f"{output} holds other files; choose a new or an empty folder.")


def _delete_run(output: pathlib.Path) -> None:
    for part in PARTS:
        path = output / part
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _write_config(config: Config, output: pathlib.Path) -> None:
    versions = {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
    content = {**dataclasses.asdict(config), "versions": {"kerasgan": __version__, **versions}}
    with replacing(output / "config.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
