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
import warnings
from importlib import metadata

from kerasgan import __version__, registry
from kerasgan.errors import check_whole, first_line
from kerasgan.files import check_writable, leftovers, replacing

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


class DivergedError(ValueError):
    """The training is lost: see `kerasgan.callbacks.StopOnDivergence`. From its last checkpoint it would be again."""


class WorkerLostError(RuntimeError):
    """A training over several machines cannot go on, because one of them is gone."""


def resolve(
    model, dataset, split="train", epochs=None, batch_size=None, validation_split=None, features=None, **overrides
) -> Config:
    """Fills in what was not asked for from the family's recipe and the dataset, and checks the whole.

    Without a `precision` it is float32, whatever Keras's own policy.

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
    recipe = _settled(recipe)
    epochs = recipe.epochs if epochs is None else epochs
    batch_size = recipe.batch_size * recipe.d_steps if batch_size is None else batch_size
    for name, number in (("epochs", epochs), ("batch_size", batch_size), ("d_steps", recipe.d_steps)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1; found {number}.")
    if batch_size % recipe.d_steps:
        raise ValueError(f"batch_size={batch_size} must divide into d_steps={recipe.d_steps} minibatches.")
    return Config(model, dataset, split, epochs, batch_size, dataclasses.asdict(recipe), validation_split, features)


def _settled(recipe):
    return dataclasses.replace(recipe, precision=recipe.precision or "float32")


def train(
    config: Config,
    output,
    resume: bool = False,
    overwrite: bool = False,
    verbose="auto",
    checkpoint_steps: int | None = None,
    keep: int = 2,
    strategy=None,
    on_divergence: str = "stop",
):
    """Trains as a config says and leaves everything in a run folder.

    Args:
        config: from `resolve`, or from `read_config` to resume.
        output: the folder. Of several workers all must see it, and the first alone writes to it.
        resume: go on from the newest checkpoint there.
        overwrite: delete a run that is there.
        verbose: as in `keras.Model.fit`.
        checkpoint_steps: write a checkpoint every so many steps, besides those at the ends of epochs.
        keep: how many of the newest checkpoints to keep; with `on_divergence="restore"` at least as many as reach back
            to before a discriminator that has won began to.
        strategy: of `kerasgan.strategies.get`; None is one device. A step still takes `config.batch_size` images, which
            the devices share.
        on_divergence: "stop" and "restore" are `kerasgan.callbacks.StopOnDivergence`'s actions; "ignore" lets a
            discriminator win, and stops at a loss that is no finite number all the same.

    Returns:
        The trained GAN.

    Raises:
        AlreadyThereError: the folder is not empty, and neither `resume` nor `overwrite` says what to do with it.
        DivergedError: the training is lost; the run folder holds it up to there, without `final.keras`.
        ValueError: anything else that is wrong with the request, in which case nothing was written.
        WorkerLostError: of several workers another one ended; all must be started again.
        KeyboardInterrupt: after a checkpoint was written.
    """
    output = pathlib.Path(output)
    if resume and overwrite:
        raise ValueError("resume and overwrite exclude each other.")
    check_output(output, resume, overwrite)

    import keras
    import tensorflow as tf

    from kerasgan import callbacks, data, plots, strategies

    if on_divergence not in ("stop", "restore", "ignore"):
        raise ValueError(f"on_divergence must be stop, restore or ignore; found {on_divergence!r}.")
    strategy = strategies.get("none") if strategy is None else strategy
    replicas = strategy.num_replicas_in_sync
    if config.batch_size % (replicas * config.recipe["d_steps"]):
        raise ValueError(f"batch_size={config.batch_size} must divide among {replicas} devices.")
    with strategy.scope():
        gan = callbacks.restore(output / "checkpoints") if resume else None
        if gan is None:
            keras.utils.set_random_seed(config.recipe["seed"])
            gan = registry.create_model(config.model, **config.recipe)
    step = int(gan.step.numpy())
    if strategies.agreed(step, strategy) != step:
        raise ValueError(f"Workers see other checkpoints in {output}; this one has found step {step}.")
    images = data.load_array(config.dataset, config.split, gan.sample_shape)
    load = functools.partial(
        data.load, images, batch_size=config.batch_size, like=gan, seed=config.recipe["seed"], shuffle=True
    )
    epoch_steps = len(load())
    score = None
    if config.validation_split is not None:
        score = callbacks.EvaluateSamples(config.dataset, config.validation_split, features=config.features)
        monitor, _ = score.prepare(gan)

    if on_divergence == "restore":  # a discriminator that wins is noticed so many steps later
        an_epochs = math.ceil(epoch_steps / (checkpoint_steps or epoch_steps))
        keep = max(keep, math.ceil(callbacks.StopOnDivergence.PATIENCE / epoch_steps) * an_epochs + 1)

    with strategies.writable(strategy, output) as folder:
        checkpoint = callbacks.TrainingCheckpoint(folder / "checkpoints", every=checkpoint_steps, keep=keep)
        others = [callbacks.WallTime(folder / "time.json"), callbacks.HistoryTable(folder / "history.csv")]
        if score is not None:
            best = callbacks.BestModel(folder / "best.keras", monitor, output / "history.csv")
            others = [score, best, *others]
        if plots.can_draw(gan.sample_shape):
            real = images[:2500] if images.ndim == 2 else None
            others = [callbacks.SampleGrid(folder / "samples", real=real), *others]
        guard = callbacks.StopOnDivergence(
            "restore" if on_divergence == "restore" else "stop",
            output / "checkpoints",  # where every worker can read what the first wrote
            **({"patience": None} if on_divergence == "ignore" else {}),
        )
        _prepare_folder(config, folder, overwrite)
        start = int(gan.step.numpy())
        if start == 0:  # what a run has left that was killed before its first checkpoint
            shutil.rmtree(folder / "samples", ignore_errors=True)
            (folder / "history.csv").unlink(missing_ok=True)
        try:
            if replicas == 1:
                gan.steps_per_execution = _steps_per_execution(gan, epoch_steps, checkpoint_steps)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Training diverged")  # it becomes an error below
                _fit(gan, load, config.epochs, verbose, [guard, *others, checkpoint])
        except KeyboardInterrupt:
            # Before the first step there is nothing new, at the end of an epoch the other callbacks may not have seen
            # it, and of several workers all would have to write: then the last checkpoint stays the newest.
            step = int(gan.step.numpy())
            if step > start and step % epoch_steps and not strategies.has_workers(strategy):
                checkpoint.write()
            raise
        except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
            if not strategies.has_workers(strategy):
                raise
            raise WorkerLostError(
                f"Another worker is gone: {first_line(error)}. Start all of them again with --resume."
            ) from None
        _draw_curves(folder)
        if guard.reason is not None:
            raise DivergedError(f"{guard.reason} What it came to is in {output}.")
        with replacing(folder / "final.keras") as temporary:
            gan.save(temporary)
        strategies.agreed(0.0, strategy)  # nobody leaves before all have written: who is alone cannot go on
    return gan


def _prepare_folder(config, folder, overwrite):
    if overwrite:
        _delete_run(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for part, *names in ((".", *PARTS), ("checkpoints", "step-*.keras"), ("samples", "step-*.png", "samples.gif")):
        for path in leftovers(folder / part, *names):  # of a run that was killed in the midst of writing
            path.unlink()
    _write_config(config, folder)


def _steps_per_execution(gan, epoch_steps, checkpoint_steps) -> int:
    """How many steps to take at once: networks without convolutions take so few milliseconds for one that Keras's loop
    around it counts (`benchmarks/train_step.py`). At most 10 and a tenth of an epoch, and such that epochs and
    checkpoints end where they should.
    """
    if any(hasattr(layer, "kernel_size") for layer in gan._flatten_layers()):
        return 1
    ends = (epoch_steps, checkpoint_steps or 0, int(gan.step.numpy()))
    most = min(10, max(1, epoch_steps // 10))
    return max(k for k in range(1, most + 1) if all(end % k == 0 for end in ends))


def _fit(gan, load, epochs, verbose, callbacks):
    """Fits from the step that a GAN is at to the end of so many epochs."""
    import tensorflow as tf

    epoch_steps = len(load())
    while (step := int(gan.step.numpy())) < epochs * epoch_steps and not gan.stop_training:
        epoch, taken = divmod(step, epoch_steps)
        batches = load(start_step=step)
        if taken:  # ends the epoch that was cut; `fit` takes all epochs to be as long as the first
            gan.continue_epoch()
            left = epoch_steps - taken
            batches = batches.take(left).apply(tf.data.experimental.assert_cardinality(left))
        gan.fit(
            batches,
            epochs=epoch + 1 if taken else epochs,
            initial_epoch=epoch,
            verbose=verbose,
            callbacks=callbacks,
        )


def _draw_curves(folder):
    from kerasgan import callbacks, plots

    history = callbacks.read_history(folder / "history.csv")
    if history:
        plots.curves(history, folder / "curves.png", x=history["epoch"])


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
    usual = dataclasses.asdict(_settled(registry.get_recipe(config.model, image_shape=config.recipe["image_shape"])))
    for name, value in config.recipe.items():
        if value != usual[name] and name not in ("epochs", "batch_size"):
            own = name in ("loss", "d_steps", "fresh_noise", "ema_decay", "precision", "sync_batch_norm", "seed")
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
        return _checked(Config(**fields))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"Cannot read {path}: {error!r}.") from None


def _checked(config):
    """A config as `resolve` makes it: a file may be damaged, or of an older version that did not say everything."""
    recipe = _settled(registry.get_recipe(config.model, **config.recipe))
    for name in ("epochs", "batch_size"):
        check_whole(name, getattr(config, name), 1)
    for name, kinds in (("dataset", str), ("split", str), ("validation_split", str | None), ("features", str | None)):
        if not isinstance(getattr(config, name), kinds):
            raise ValueError(f"{name} is {getattr(config, name)!r}")
    return dataclasses.replace(config, recipe=dataclasses.asdict(recipe))


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


def holds_run(output) -> bool:
    """Whether there is a run in a folder, begun or finished."""
    return (pathlib.Path(output) / "config.json").is_file()


def check_output(output, resume: bool, overwrite: bool) -> None:
    """Whether a run may be written to a folder; see `train` for what it raises."""
    output = check_writable(output)
    if resume and not holds_run(output):
        raise ValueError(f"There is no run to resume in {output}.")
    if holds_run(output) and not (resume or overwrite):
        raise AlreadyThereError(f"{output} holds a run already; go on with --resume or replace it with --overwrite.")
    if output.is_dir() and not holds_run(output) and not set(output.iterdir()) <= set(leftovers(output, *PARTS)):
        raise AlreadyThereError(f"{output} holds other files; choose a new or an empty folder.")


def _delete_run(output: pathlib.Path) -> None:
    for part in reversed(PARTS):  # config.json last: without it the rest would be taken for somebody else's files
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
