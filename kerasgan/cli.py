"""The `kerasgan` command: reads flags, calls the library, and turns its errors into one line.

Exit status: 0 done, 1 the work failed, 2 the command line was wrong, 3 the training diverged (and would again), 130
interrupted.
"""

import os
import shlex
import sys
import warnings

from absl import flags

from kerasgan import registry
from kerasgan.errors import first_line, suggestion

USAGE = """\
kerasgan trains, samples and exports generative adversarial networks.

  kerasgan list                                                                        GAN families, trained presets
  kerasgan train --model=dcgan --dataset=fashion_mnist --epochs=20 --output=runs/dcgan
  kerasgan train --output=runs/dcgan --resume                                          go on after an interruption
  kerasgan sample --preset=dcgan_fashion_mnist --n=64 --seed=0 --output=samples.png
  kerasgan evaluate --preset=runs/dcgan --dataset=fashion_mnist --output=report.json   scores and pictures
  kerasgan preset --run=runs/dcgan --output=presets/my_dcgan                           the best epoch, with its scores
  kerasgan export --preset=runs/dcgan --output=saved_models/my_dcgan                   the next version for TF Serving
  kerasgan verify saved_models/my_dcgan/1                                              the proof that it can be served
  kerasgan sample --server=http://localhost:8501 --model=my_dcgan --output=samples.png

`kerasgan COMMAND --help` lists a command's options.
"""


class UsageError(ValueError):
    """The command line is wrong."""


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ("--help", "-h", "-help", "help"):
        print(USAGE, end="")
        return 0 if argv else 2
    # TensorFlow's own start-up messages; set before anything imports it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.showwarning = lambda message, *_args, **_kwargs: _say(f"warning: {message}")
    try:
        command = argv[0]
        if command not in COMMANDS:
            raise UsageError(
                f"unknown command {command!r}; there are {', '.join(COMMANDS)}.{suggestion(command, COMMANDS)}"
            )
        run, define = COMMANDS[command]
        values = flags.FlagValues()
        define(values)
        if "--help" in argv[1:] or "-h" in argv[1:]:
            print(f"kerasgan {command}\n\n{values.get_help()}")
            return 0
        rest = _parse(values, argv)
        if command in TAKES_FOLDER:
            if len(rest) != 1:
                raise UsageError(f"{command} takes one folder; found {' '.join(rest) or 'none'}.")
        elif rest:
            raise UsageError(f"{command} takes options only; found {rest[0]!r}.")
        return run(values, *rest) or 0
    except UsageError as error:
        _say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except BrokenPipeError:
        return 1
    except (ValueError, OSError, RuntimeError) as error:
        _say(f"error: {error}")
        return 1
    except Exception as error:  # TensorFlow's own, such as a full disk while it exports, derive from nothing narrower
        if not type(error).__module__.startswith("tensorflow."):
            raise
        _say(f"error: {first_line(error)}")
        return 1


def _parse(values: flags.FlagValues, argv: list[str]) -> list[str]:
    try:
        return values(["kerasgan", *argv[1:]])[1:]
    except flags.UnrecognizedFlagError as error:
        wrong, known = f"--{error.flagname}", [f"--{name}" for name in values]
        raise UsageError(f"unknown option {wrong}.{suggestion(wrong, known)}") from None
    except flags.Error as error:
        raise UsageError(" ".join(str(error).split())) from None


def _import_tensorflow() -> None:
    """TensorFlow greets on stderr before any log level applies; what we have to say should stand alone there."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import tensorflow  # noqa: F401
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def _say(text: str) -> None:
    print(f"kerasgan: {text}", file=sys.stderr, flush=True)


def _required(values, *names) -> None:
    for name in names:
        if values[name].value is None:
            raise UsageError(f"--{name} is missing.")


def _define_list(values):
    del values


def _list(values):
    del values
    width = max(len(name) for name in registry.list_models())
    for name in registry.list_models():
        print(f"{name:{width}}  {registry.get_family(name).summary}")
    from kerasgan import presets

    if presets.list_presets():
        print(f"\ntrained, for --preset: {', '.join(presets.list_presets())}")


def _define_real(values):
    """What real samples are, and what generated ones are compared with them by."""
    flags.DEFINE_string(
        "dataset",
        None,
        "tensorflow-datasets name, folder:PATH, a .npz file of images, or a toy such as ring",
        flag_values=values,
    )
    flags.DEFINE_string(
        "features",
        None,
        "to score by: fashion_mnist_classifier (28x28 grey), inception (RGB) or a .keras file",
        flag_values=values,
    )


def _define_train(values):
    flags.DEFINE_string(
        "recipe",
        None,
        "train as a preset was, such as dcgan_fashion_mnist; other options change it",
        flag_values=values,
    )
    flags.DEFINE_string("model", None, "GAN family, see `kerasgan list`", flag_values=values)
    _define_real(values)
    flags.DEFINE_string("output", None, "the run's folder; with --recipe default runs/RECIPE", flag_values=values)
    flags.DEFINE_string("split", None, "such as train or train[:10%]; default train", flag_values=values)
    flags.DEFINE_string(
        "validation_split",
        None,
        "score every epoch on this, and keep the best in best.keras; such as train[90%:] beside --split=train[:90%]",
        flag_values=values,
    )
    flags.DEFINE_integer("epochs", None, "passes over the data; default the recipe's", flag_values=values)
    flags.DEFINE_integer("batch_size", None, "images per step; default the recipe's times d_steps", flag_values=values)
    flags.DEFINE_string(
        "loss", None, "minimax, non_saturating, kl, ebgan or infogan; default the recipe's", flag_values=values
    )
    flags.DEFINE_integer("d_steps", None, "discriminator updates per generator update", flag_values=values)
    flags.DEFINE_bool("fresh_noise", None, "new noise for the generator's update", flag_values=values)
    flags.DEFINE_float("ema_decay", None, "keep an average of the generator, such as .999", flag_values=values)
    flags.DEFINE_string("precision", None, "float32, bfloat16 or float16; default float32", flag_values=values)
    flags.DEFINE_bool(
        "sync_batch_norm", None, "batch statistics over all devices, not of each by itself", flag_values=values
    )
    flags.DEFINE_integer("seed", None, "of weights, noise and data order", flag_values=values)
    flags.DEFINE_list(
        "image_shape", None, "height,width,channels, or n for points; default the dataset's own", flag_values=values
    )
    flags.DEFINE_multi_string(
        "set", None, "another field of the recipe, such as generator_width=32", flag_values=values
    )
    flags.DEFINE_bool(
        "resume", False, "go on with the run in the output folder; begin it where there is none", flag_values=values
    )
    flags.DEFINE_integer(
        "checkpoint_steps",
        None,
        "write a checkpoint every so many steps, besides each epoch's",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_string(
        "on_divergence",
        "stop",
        "or restore: set back to the newest checkpoint, at most 3 times; or ignore",
        flag_values=values,
    )
    flags.DEFINE_string("strategy", "none", "none, mirrored or multi_worker (with TF_CONFIG)", flag_values=values)
    flags.DEFINE_integer(
        "keep_checkpoints", 2, "how many of the newest checkpoints to keep", lower_bound=1, flag_values=values
    )
    flags.DEFINE_bool("overwrite", False, "replace the run in the output folder", flag_values=values)


def _train(values):
    if values.resume and values.overwrite:
        raise UsageError("--resume and --overwrite exclude each other.")
    recipe = None if values.recipe is None else registry.get_preset_recipe(values.recipe)
    if recipe is not None and values.output is None:
        values.output = f"runs/{recipe.name}"
    _required(values, "output")
    how = ("output", "resume", "overwrite", "checkpoint_steps", "keep_checkpoints", "on_divergence", "strategy")
    asked = {name: values[name].value for name in values if name not in ("recipe", "set", *how)}
    if values.image_shape is not None:
        try:
            asked["image_shape"] = tuple(map(int, values.image_shape))
        except ValueError:
            raise UsageError(f"--image_shape is height,width,channels; found {','.join(values.image_shape)}.") from None
    settings = _settings(values.set or [])
    for name in settings:
        if name in values:
            raise UsageError(f"--set={name}=... has an option of its own: use --{name}.")
    asked.update(settings)
    if recipe is not None:
        asked = _with_recipe(recipe, asked)

    _import_tensorflow()
    from kerasgan import runs, strategies

    strategy = strategies.get(values.strategy)  # before TensorFlow does anything, as reading a dataset's shape
    # A scheduler that starts a job again gives it the same command; so the first time --resume begins a run.
    resume = values.resume and (runs.holds_run(values.output) or asked["model"] is None)
    runs.check_output(values.output, resume, values.overwrite)
    if resume:
        config = runs.read_config(values.output)
        epochs = asked.pop("epochs")
        changed = runs.differences(config, asked)
        if changed:
            raise UsageError(f"--resume goes on with the run's own settings; these differ: {'; '.join(changed)}.")
        config = runs.with_epochs(config, epochs)
    else:
        for name in ("model", "dataset"):
            if asked[name] is None:
                raise UsageError(f"--{name} is missing.")
        if asked["split"] is None:
            del asked["split"]
        config = runs.resolve(**asked)
    try:
        runs.train(
            config,
            values.output,
            resume,
            values.overwrite,
            checkpoint_steps=values.checkpoint_steps,
            keep=values.keep_checkpoints,
            strategy=strategy,
            on_divergence=values.on_divergence,
        )
    except KeyboardInterrupt:
        _say(f"interrupted; go on with: kerasgan train --output={values.output} --resume")
        raise
    except runs.DivergedError as error:  # a status of its own, so that a scheduler does not try again
        _say(f"error: {error}")
        return 3
    _say(f"done: {values.output}/final.keras, samples/, history.csv, curves.png")
    return 0


def _with_recipe(recipe: registry.PresetRecipe, asked: dict) -> dict:
    """What was asked for on the command line, and behind it what a preset's recipe says."""
    if asked["model"] not in (None, recipe.model):
        raise UsageError(f"--recipe={recipe.name} trains {recipe.model}; it excludes --model={asked['model']}.")
    own = {name: getattr(recipe, name) for name in ("model", "dataset", "split", "validation_split")}
    for name, value in {**own, **recipe.settings}.items():
        if asked.get(name) is None:
            asked[name] = value
    return asked


def _settings(pairs: list[str]) -> dict:
    """`["width=32"]` -> `{"width": 32}`; values are read as Python literals where they are ones."""
    import ast

    settings = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"--set is name=value; found {pair!r}.")
        try:
            settings[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            settings[name] = text
    return settings


def _define_preset(values):
    flags.DEFINE_string(
        "preset",
        None,
        "a preset's name (see `kerasgan list`), a preset's or run's folder, a .keras file, or an https:// archive",
        flag_values=values,
    )
    flags.DEFINE_string("sha256", None, "of the archive, where --preset is an https:// address", flag_values=values)


def _define_sample(values):
    _define_preset(values)
    flags.DEFINE_string("server", None, "draw at a server: http://HOST:8501 or grpc://HOST:8500", flag_values=values)
    flags.DEFINE_string("model", None, "the model's name at the server", flag_values=values)
    flags.DEFINE_string("output", None, "the PNG to write", flag_values=values)
    flags.DEFINE_integer("n", 64, "how many samples", flag_values=values)
    flags.DEFINE_integer("seed", 0, "of the first sample", flag_values=values)


def _sample(values):
    from kerasgan.files import check_output_file

    _required(values, "output")
    output = check_output_file(values.output)
    if output.suffix.lower() != ".png":
        raise UsageError(f"--output must end in .png; found {values.output}.")
    samples = _samples_of_preset(values) if values.server is None else _samples_of_server(values)
    from kerasgan import plots

    plots.samples(samples, output)
    _say(f"wrote {values.n} samples to {output}")


def _samples_of_preset(values):
    if values.model is not None:
        raise UsageError("--model names a model at a --server; here it is --preset.")
    _required(values, "preset")
    _import_tensorflow()
    from kerasgan import presets

    return presets.load(values.preset, values.sha256).generate(values.n, values.seed)


def _samples_of_server(values):
    if values.preset is not None:
        raise UsageError("--preset and --server exclude each other; a server's model is named with --model.")
    _required(values, "model")
    from kerasgan.serving import Client

    if values.server.startswith("grpc"):
        _import_tensorflow()
    return Client(values.server, values.model).generate(values.n, seed=values.seed)


def _define_evaluate(values):
    _define_preset(values)
    _define_real(values)
    flags.DEFINE_string(
        "split", None, "of the dataset, unseen in training; default test where there is one", flag_values=values
    )
    flags.DEFINE_string(
        "training_split",
        "train",
        "what it was trained on: the reference, and where neighbours are sought",
        flag_values=values,
    )
    flags.DEFINE_integer("n", 10_000, "samples of each kind, at most", flag_values=values)
    flags.DEFINE_integer("seed", 0, "of the first generated sample", flag_values=values)
    flags.DEFINE_bool("resize", False, "bring the dataset's images to the model's size and colours", flag_values=values)
    flags.DEFINE_string("output", None, "the JSON report; the pictures go beside it as .png", flag_values=values)


def _evaluate(values):
    from kerasgan.files import check_output_file

    _required(values, "preset", "dataset", "output")
    output = check_output_file(values.output)
    if output.suffix.lower() != ".json":
        raise UsageError(f"--output must end in .json; found {values.output}.")
    check_output_file(output.with_suffix(".png"))
    if values.n < 1 or values.seed < 0:
        raise UsageError(f"--n must be at least 1 and --seed at least 0; found {values.n} and {values.seed}.")
    _import_tensorflow()
    from kerasgan import evaluation, presets

    report = evaluation.evaluate(
        presets.load(values.preset, values.sha256),
        values.dataset,
        values.split,
        values.training_split,
        values.n,
        values.features,
        values.seed,
        values.resize,
        progress=sys.stderr.isatty(),
    )
    given = [f"--{name}={values[name].value}" for name in values if values[name].value not in (None, False)]
    command = shlex.join(["kerasgan", "evaluate", *given])
    written = report.write(output, command=command, preset=values.preset, versions=presets.versions())
    print(report.table(), flush=True)
    _say(f"wrote {' and '.join(map(str, written))}")


def _define_make(values):
    flags.DEFINE_string("run", None, "the folder of a finished run", flag_values=values)
    flags.DEFINE_string("output", None, "the preset's folder; its name is the preset's", flag_values=values)
    flags.DEFINE_string("licence", None, "what the model card says of it", flag_values=values)


def _make(values):
    from kerasgan.files import check_writable

    _required(values, "run", "output")
    check_writable(values.output)
    _import_tensorflow()
    from kerasgan import runs

    folder = runs.make_preset(values.run, values.output, values.licence, progress=sys.stderr.isatty())
    _say(f"wrote {folder}; its scores are in {folder}/README.md")


def _define_export(values):
    _define_preset(values)
    flags.DEFINE_string("output", None, "the model's folder; the next version goes into it", flag_values=values)
    flags.DEFINE_bool(
        "all", False, "export every preset in the folder --output, or in saved_models", flag_values=values
    )
    flags.DEFINE_bool(
        "xla", False, "compile with XLA; the server needs --xla_cpu_compilation_enabled", flag_values=values
    )


def _export(values):
    from kerasgan.files import check_writable

    if values.all and values.preset is not None:
        raise UsageError("--all and --preset exclude each other.")
    if not values.all:
        _required(values, "preset", "output")
    output = "saved_models" if values.output is None else values.output
    if not output or "://" in output:
        raise UsageError(f"--output must be a folder on this machine; found {output!r}.")
    check_writable(output)
    _import_tensorflow()
    from kerasgan.serving import repository

    if values.all:
        written = repository.publish_all(output, xla=values.xla)
    else:
        written = [repository.publish_preset(values.preset, output, xla=values.xla, sha256=values.sha256)]
    for version in written:
        _say(f"wrote {version}")


def _define_verify(values):
    flags.DEFINE_string(
        "preset", None, "what the version was exported from, to compare its images with", flag_values=values
    )
    flags.DEFINE_bool(
        "xla", False, "leave XLA on, as a server with --xla_cpu_compilation_enabled does", flag_values=values
    )


def _verify(values, folder):
    _import_tensorflow()
    from kerasgan import serving

    report = serving.verify(folder, values.preset, xla=values.xla, progress=sys.stderr.isatty())
    print(report.table(), flush=True)
    failed = ", ".join(check.name for check in report.failed)
    _say(f"{folder} can be served" if report.passed else f"{folder} must not be served: {failed}")
    return 0 if report.passed else 1


COMMANDS = {
    "list": (_list, _define_list),
    "train": (_train, _define_train),
    "sample": (_sample, _define_sample),
    "evaluate": (_evaluate, _define_evaluate),
    "preset": (_make, _define_make),
    "export": (_export, _define_export),
    "verify": (_verify, _define_verify),
}
TAKES_FOLDER = ("verify",)


if __name__ == "__main__":
    sys.exit(main())
