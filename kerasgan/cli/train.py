"""`kerasgan train`."""

import dataclasses
import os
import pathlib
import sys
import time
from typing import Any

from absl import flags

from kerasgan import registry
from kerasgan.cli.options import Options, UsageError, define_real, import_tensorflow, literal, required
from kerasgan.messages import say

WIDEST = 34  # of the left column of a table, in characters

# How a training goes about it; the others say what it comes to, and stand in the run's config.json.
DEFAULT = "default"  # of --cache
HOW = (
    *("output", "resume", "overwrite", "checkpoint_steps", "keep_checkpoints", "on_divergence", "strategy"),
    *("minutes", "quiet", "cache", "workers", "ray"),
)


def define() -> Options:
    """The options of `kerasgan train`."""
    options = Options(
        "train",
        "trains a GAN and leaves everything in a run folder",
        "kerasgan train photos",
        "kerasgan train photos --minutes=120 --output=runs/long",
        "kerasgan train --model=dcgan --dataset=fashion_mnist --output=runs/dcgan",
        "kerasgan train --model=dcgan --dataset=folder:photos --image_shape=64,64,3 --learning_rate=1e-4 \\\n"
        "      --ema_decay=.999 --minutes=60 --output=runs/photos",
        "kerasgan train --output=runs/photos --resume",
        "kerasgan train --model=dcgan --dataset=fashion_mnist --conditional --penalties='r1(5, every=16)' \\\n"
        "      --augment=color,translation --output=runs/clothes",
        "kerasgan train photos --from=r3gan_noto_emoji --output=runs/finer",
        "kerasgan train --recipe=dcgan_fashion_mnist",
    )
    options.group("What a new run needs (--recipe alone says it all, and so does a folder, a .zip or a dataset's name)")
    options.text("model", "GAN family, see `kerasgan list`")
    define_real(options)
    options.text("output", "the run's folder; default runs/RECIPE with --recipe, and runs/photos of a folder photos")
    options.text("recipe", "train as a preset was, such as dcgan_fashion_mnist; other options change it")

    options.group("Beginning with a trained GAN")
    options.text(
        "from", "its weights: a preset, a run or a run's .keras file, of whose family and networks this is then"
    )
    options.text("freeze", "layers that stay as they are: discriminator:4 is its first 4; generator:2; or both, A,B")

    options.group("Data")
    options.text("split", "such as train or train[:90%]; default train")
    options.text(
        "validation_split",
        "score every epoch on this, and keep the best in best.keras; such as train[90%:] beside --split=train[:90%]; "
        "empty for none where the recipe has one",
    )
    options.whole("score_every", "score every so many epochs only; default 1", least=1)
    options.words("image_shape", "height,width,channels, or n for points; default the dataset's own")
    options.whole("batch_size", "images per step; default the recipe's times d_steps")

    options.group("How long (one of --epochs and --steps; default the recipe's epochs)")
    options.whole("epochs", "passes over the data")
    options.whole("steps", "generator updates, which may end in the midst of an epoch")
    options.number("minutes", "stop after this time, with a checkpoint from which --resume goes on")

    options.group("The game")
    options.switch("conditional", "ask for classes: the dataset's, by their names (`kerasgan sample --labels`)", None)
    options.text(
        "loss",
        "minimax, non_saturating, kl, hinge, least_squares, wasserstein, relativistic, ebgan or infogan; default the "
        "recipe's",
    )
    options.text(
        "penalties",
        "on the discriminator's gradient: r1(5), r2(5), gradient_penalty(10), in brackets the weight; r1(5, every=16) "
        "is paid in each 16th update, 16 times as much; r1(cosine(5, 0.5, 10000)) falls; empty for none where the "
        "recipe has some",
    )
    options.switch("lazy_correction", "change the discriminator's Adam to suit penalties with every=", None)
    options.text(
        "augment",
        "what the discriminator sees, for few images: color, translation, cutout and affine between commas, or "
        "adaptive, or diffaugment(color, probability=cosine(0, 0.3, 10000)); empty for none where the recipe has some",
    )
    options.whole("d_steps", "discriminator updates per generator update")
    options.switch("fresh_noise", "new noise for the generator's update", None)
    options.text(
        "ema_decay",
        "keep an average of the generator, such as .999, or a schedule such as halving(cosine(0, 2500, 10000)); empty "
        "for none where the recipe has one",
    )
    options.text("precision", "float32, bfloat16 or float16; default float32")
    options.switch("sync_batch_norm", "batch statistics over all devices, not of each by itself", None)
    options.whole("seed", "of weights, noise and data order")
    options.repeated("set", "NAME=VALUE, the same as --NAME=VALUE for a field of the recipe (below)")

    options.group("Going on, and what is kept")
    options.switch("resume", "go on with the run in the output folder; begin it where there is none")
    options.switch("overwrite", "replace the run in the output folder")
    options.text(
        "cache",
        "a folder in which pictures that were decoded and brought to size are kept for the next start; `default` is "
        "~/.cache/kerasgan/data. `kerasgan cache list` shows what is there",
    )
    options.whole("checkpoint_steps", "write a checkpoint every so many steps, besides each epoch's", least=1)
    options.whole("keep_checkpoints", "how many of the newest checkpoints to keep", 2, least=1)
    options.text("on_divergence", "or restore: set back to the newest checkpoint, at most 3 times; or ignore", "stop")

    options.group("Where and how loudly")
    options.text("strategy", "none, mirrored or multi_worker (with TF_CONFIG)", "none")
    options.text("workers", "processes of a Ray cluster that train together, such as 4, or 2-4: the least and the most")
    options.text("ray", "where that cluster is: auto, the one on this machine; local, one for this alone; HOST:PORT")
    options.switch("quiet", "say nothing but warnings and errors")

    usual = registry.Recipe()
    rows = [("all", _shown(usual, [field.name for field in dataclasses.fields(usual)]))]
    for name in registry.list_models():
        recipe = registry.get_recipe(name)
        own = [field.name for field in dataclasses.fields(recipe)]
        for field in own:
            options.field(field)
        unlike = [field for field in own if getattr(recipe, field) != getattr(usual, field, object)]
        rows.append((name, _shown(recipe, unlike)))
    options.note("The families' recipes, every field an option (values for 28x28x1; None is none)", rows)
    return options


def _shown(recipe: Any, fields: Any) -> str:
    values = {field: str(getattr(recipe, field)).replace(" ", "") for field in fields if field != "image_shape"}
    return " ".join(f"--{field}={value}" for field, value in values.items())


def run(values: flags.FlagValues, options: Options, pictures: str | None = None) -> int:
    """Trains; returns the exit status.

    Args:
        values, options: of the command line.
        pictures: what is to be looked at and trained on, where the command chooses what was not said.
    """
    if values.resume and values.overwrite:
        raise UsageError("--resume and --overwrite exclude each other.")
    if values.epochs is not None and values.steps is not None:
        raise UsageError("--epochs and --steps exclude each other.")
    if values.workers is not None and values.strategy != "none":
        raise UsageError("--workers and --strategy exclude each other: Ray's workers are multi_worker.")
    if values.ray is not None and values.workers is None:
        raise UsageError("--ray is where --workers=N train; say how many.")
    recipe = None if values.recipe is None else registry.get_preset_recipe(values.recipe)
    if recipe is not None and values.output is None:
        values["output"].value = f"runs/{recipe.name}"
    if pictures is not None:
        _take(pictures, values)
    required(values, "output")
    asked = _asked(values, options)
    if recipe is not None:
        asked = _with_recipe(recipe, asked)

    import_tensorflow()
    from kerasgan import cluster, runs, strategies

    if cluster.is_remote(values.output) and values.workers is None:
        raise UsageError(f"--output={values.output} is no folder; addresses are for trainings with --workers.")
    place = cluster.Place(values.output)
    strategy = strategies.get(values.strategy)  # before TensorFlow does anything, as reading a dataset's shape
    # A scheduler that starts a job again gives it the same command; so the first time --resume begins a run.
    resume = values.resume and (runs.holds_run(place.folder) or asked["model"] is None)
    place.check(resume, values.overwrite)
    if resume:
        config = runs.read_config(place.folder)
        asked = {name: value for name, value in asked.items() if name not in ("epochs", "steps")}
        changed = runs.differences(config, asked)
        if changed:
            raise UsageError(f"--resume goes on with the run's own settings; these differ: {'; '.join(changed)}.")
        config = runs.with_end(config, values.epochs, values.steps)
    else:
        if pictures is not None:
            asked = _choose(asked, values)
        for name in ("model", "dataset"):
            if asked[name] is None and not (name == "model" and asked["begin_from"] is not None):
                raise UsageError(f"--{name} is missing.")
        if asked["split"] is None:
            del asked["split"]
        config = runs.resolve(**asked)
    again = f"kerasgan train --output={values.output} --resume"
    if values.workers is not None:
        again += f" --workers={values.workers}" + (f" --ray={values.ray}" if values.ray else "")
    began = time.time()
    how = {
        "resume": resume,
        "overwrite": values.overwrite,
        "checkpoint_steps": values.checkpoint_steps,
        "keep": values.keep_checkpoints,
        "on_divergence": values.on_divergence,
        "minutes": values.minutes,
        "cache": True if values.cache == DEFAULT else values.cache,
    }
    try:
        if values.workers is None:
            gan = runs.train(config, values.output, verbose=_verbosity(values.quiet), strategy=strategy, **how)
            stopped_at = int(gan.step.numpy()) if gan.stop_training else None
        else:
            outcome = _train_on_ray(config, values, how)
            stopped_at = outcome.step if outcome.stopped else None
    except KeyboardInterrupt:
        say(f"interrupted; go on with: {again}")
        raise
    except runs.DivergedError as error:  # a status of its own, so that a scheduler does not try again
        _say_where(values, began)
        say(f"error: {error}")
        return 3
    _say_where(values, began)
    if not values.quiet:
        if stopped_at is not None:
            say(f"stopped after {values.minutes:g} minutes, at step {stopped_at}; go on with: {again}")
        else:
            say(f"done: {values.output}/final.keras, samples/, history.csv, curves.png")
    return 0


def _train_on_ray(config: Any, values: Any, how: dict[str, Any]) -> Any:
    from kerasgan import cluster, runs

    workers = cluster.parse_workers(values.workers)
    outcome = cluster.train(config, values.output, workers, values.ray or "auto", verbose=not values.quiet, **how)
    if outcome.lost is not None:
        raise runs.DivergedError(outcome.lost)
    return outcome


def _take(pictures: str, values: Any) -> None:
    """A folder, archive or dataset given without an option: what is trained on, and where the run goes."""
    for name in ("dataset", "recipe"):
        if values[name].value is not None:
            raise UsageError(f"{pictures!r} and --{name} both say what to train on; leave one out.")
    values["dataset"].value = pictures
    if values.output is None:
        values["output"].value = f"runs/{pathlib.Path(os.path.abspath(pictures)).stem}"


def _choose(asked: dict[str, Any], values: Any) -> dict[str, Any]:
    """What was asked for, and for the rest what the pictures, the machine and the time make sensible; it is said."""
    from kerasgan import runs
    from kerasgan.data.survey import survey
    from kerasgan.runs.origin import origin_of

    origin = None if asked["begin_from"] is None else origin_of(asked["begin_from"])  # before all pictures are read
    known = {**asked, "minutes": values.minutes}
    found = survey(asked["dataset"])
    _print_table(f"{asked['dataset']} holds", found.rows(), values.quiet)
    chosen = runs.choose_game(found, known, origin)
    asked = {**asked, **{choice.option: choice.value for choice in chosen}}
    settled = {name: value for name, value in asked.items() if not (name == "split" and value is None)}
    if settled.get("epochs") is None and settled.get("steps") is None:
        settled["steps"] = 1000  # in place of those that follow from the time of one, which this is to be measured by
    config = runs.resolve(**settled)
    if not values.quiet:
        say("measuring how long a step takes")
    chosen += runs.choose_length(found, config, known, runs.time_step(config))
    rows = [(choice.flag, choice.why) for choice in chosen]
    _print_table("chosen, each an option that can be given", rows, values.quiet)
    of_the_training = {choice.option: choice.value for choice in chosen}
    if "minutes" in of_the_training:
        values["minutes"].value = of_the_training.pop("minutes")
    return {**asked, **of_the_training}


def _print_table(title: str, rows: list[tuple[str, str]], quiet: bool) -> None:
    if quiet:
        return
    width = max(len(left) for left, _ in rows if len(left) <= WIDEST)
    print(f"{title}:")
    for left, text in rows:
        print(f"  {left:{width}}  {text}" if len(left) <= WIDEST else f"  {left}\n{'':{width + 4}}{text}")
    print(flush=True)


def _say_where(values: Any, began: float) -> None:
    """Where the training's report is, if it was written."""
    report = pathlib.Path(values.output) / "report.html"
    if not values.quiet and report.is_file() and report.stat().st_mtime >= began - 1.0:
        say(f"{report} shows how it went, and says what to try next")


def _verbosity(quiet: Any) -> str | int:
    """Keras's: on a terminal a bar that moves; in a file a line for each epoch, without the signs that move it."""
    if quiet:
        os.environ["TQDM_DISABLE"] = "1"
        return 0
    return "auto" if sys.stdout.isatty() else 2


def _asked(values: Any, options: Any) -> dict[str, Any]:
    """What the command line says of the run's config; None where it says nothing."""
    asked = {name: values[name].value for name in values if name not in ("recipe", "set", *HOW, *options.fields)}
    asked["begin_from"] = asked.pop("from")
    if values.image_shape is not None:
        try:
            asked["image_shape"] = tuple(map(int, values.image_shape))
        except ValueError:
            raise UsageError(f"--image_shape is height,width,channels; found {','.join(values.image_shape)}.") from None
    if values.ema_decay is not None:
        asked["ema_decay"] = literal(values.ema_decay)  # a number, or a schedule's text
    fields = {name: literal(values[name].value) for name in options.fields if values[name].value is not None}
    for pair in values.set or []:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"--set is name=value; found {pair!r}.")
        if name in values and name not in options.fields:
            raise UsageError(f"--set={name}=... has an option of its own: use --{name}.")
        if name in fields:
            raise UsageError(f"{name} is given twice: {fields[name]} and {text}.")
        fields[name] = literal(text)
    return {**asked, **fields}


def _with_recipe(recipe: registry.PresetRecipe, asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked for on the command line, and behind it what a preset's recipe says."""
    if asked["model"] not in (None, recipe.model):
        raise UsageError(f"--recipe={recipe.name} trains {recipe.model}; it excludes --model={asked['model']}.")
    own = {name: getattr(recipe, name) for name in ("model", "dataset", "split", "validation_split", "score_every")}
    for name, value in {**own, **recipe.settings}.items():
        if name == "classes" and asked["conditional"] is not None:
            continue  # it says which
        if asked.get(name) is None and not (name == "epochs" and asked["steps"] is not None):
            asked[name] = value
    return asked
