"""The commands but `train`: for each its options, and what does the work."""

import functools
import pathlib
import re
import shlex
import sys
from typing import Any

from absl import flags

from kerasgan import registry
from kerasgan.cli import clusters
from kerasgan.cli.options import (
    Options,
    UsageError,
    define_features,
    define_preset,
    define_real,
    import_tensorflow,
    required,
)
from kerasgan.files import check_output_file, check_writable
from kerasgan.formats import table
from kerasgan.messages import say

SAMPLES, FRAMES = 64, 60  # of `kerasgan sample`
SMALLEST = 128  # pixels that a film is high, about; smaller images are enlarged
OWN_FOLDERS = ("presets", "saved_models", "runs")  # where the README and the examples of `--help` put what is made


def define_list() -> Options:
    """The options of `kerasgan list`."""
    return Options("list", "the GAN families, the trained presets, and what lies in ./presets, ./saved_models, ./runs")


def list_all(values: flags.FlagValues, options: Options) -> None:
    """Prints what there is to train and to use."""
    del values, options
    from kerasgan import presets

    width = max(len(name) for name in registry.list_models())
    for name in registry.list_models():
        print(f"{name:{width}}  {registry.get_family(name).summary}")
    trained = presets.list_presets()
    if trained:
        print(f"\ntrained, for --preset: {', '.join(trained)}")
    recipes = [name for name in registry.list_preset_recipes() if name not in trained]
    if recipes:
        print(f"\nrecipes without weights, for kerasgan train --recipe: {', '.join(recipes)}")
    own = _own()
    if own:
        width = max(map(len, own))
        print("\nyour own, for --preset:")
        for path, what in own.items():
            print(f"{path:{width}}  {what}")


def _own() -> dict[str, str]:
    """The presets and runs below the working folder, and what each is."""
    from kerasgan import presets, runs

    shipped = {presets.find(name).resolve() for name in presets.list_presets()}
    own = {}
    for folder in sorted(path for root in OWN_FOLDERS for path in pathlib.Path(root).glob("*")):
        if folder.resolve() in shipped or not (presets.is_preset(folder) or runs.holds_run(folder)):
            continue
        try:
            own[str(folder)] = _about_preset(folder) if presets.is_preset(folder) else _about_run(folder)
        except ValueError as error:
            own[str(folder)] = str(error)
    return own


def _about_preset(folder: Any) -> str:
    from kerasgan import presets

    facts = presets.read_metadata(folder)
    on = f" on {facts['dataset']}" if facts.get("dataset") else ""
    return f"preset: {facts.get('model', 'a GAN')}{on}{_by(facts.get('classes'))}"


def _about_run(folder: Any) -> str:
    from kerasgan import runs

    config = runs.read_config(folder)
    state = "finished" if (folder / "final.keras").is_file() else "not finished"
    return f"run: {config.model} on {config.dataset}{_by(config.recipe['classes'])}, {state}"


def _by(classes: Any) -> str:
    return "" if classes is None else f" by {classes if isinstance(classes, int) else len(classes)} classes"


def define_sample() -> Options:
    """The options of `kerasgan sample`."""
    options = Options(
        "sample",
        "draws samples as one picture, or as a film that goes from one to the next",
        "kerasgan sample --preset=dcgan_fashion_mnist --n=64 --seed=0 --output=samples.png",
        "kerasgan sample --preset=runs/clothes --labels=Sneaker,Bag --output=classes.png",
        "kerasgan sample --preset=dcgan_fashion_mnist --interpolate=3,17,5 --output=walk.gif",
        "kerasgan sample --server=http://localhost:8501 --model=my_dcgan --output=samples.png",
    )
    options.group("Needed")
    options.text("output", "the .png to write; with --interpolate a .gif, .webp or .mp4 (which needs ffmpeg)")
    options.group("From where (a preset, or a model at a server)")
    define_preset(options)
    options.text("server", "draw at a server: http://HOST:8501 or grpc://HOST:8500")
    options.text("model", "the model's name at the server")
    options.group("Which")
    options.whole("n", f"how many samples, default {SAMPLES}; with --interpolate frames, default {FRAMES}")
    options.whole("seed", "of the first sample; with --labels of the first of each class", 0)
    options.words(
        "labels",
        "of a conditional model: classes, by name or number, to share the samples among; each has rows of its own, of "
        "the same seeds. With --interpolate one class for all seeds, or one for each",
    )
    options.words(
        "interpolate",
        "seeds: draws a film that goes from the sample of each to that of the next, and from the last to the first",
    )
    options.group(
        "By the million, on a Ray cluster (--output is then a folder, or an address such as s3://bucket/faces)"
    )
    clusters.define(options)
    options.text("format", "of the files: webdataset, parquet or arrayrecord", "webdataset")
    options.whole("shard_size", "samples in a file", 10_000, least=1)
    return options


def sample(values: flags.FlagValues, options: Options) -> None:
    """Draws samples, here or at a server."""
    del options
    required(values, "output")
    if clusters.check(values):
        clusters.sample(values)
        return
    output = check_output_file(values.output)
    if values.interpolate is not None:
        _interpolate(values, output)
        return
    if output.suffix.lower() != ".png":
        raise UsageError(f"--output must end in .png; found {values.output}.")
    n = SAMPLES if values.n is None else values.n
    if values.labels is not None and not 1 <= len(values.labels) <= n:
        raise UsageError(f"--labels names one class or more, and each needs a sample of --n={n}.")
    draw, names = _draws_preset(values) if values.server is None else _draws_server(values)
    from kerasgan import plots

    if values.labels is None:
        plots.samples(draw(n), output)
    else:
        _draw_classes(draw, n, names, values, output)
    say(f"wrote {n} samples to {output}")


def _interpolate(values, output):
    """A film of samples, from that of each seed to that of the next, and back to the first."""
    seeds = [int(text) for text in values.interpolate if re.fullmatch(r"\d+", text)]
    if len(seeds) < 2 or len(seeds) < len(values.interpolate):
        found = ",".join(values.interpolate)
        raise UsageError(f"--interpolate takes two seeds or more, whole numbers such as 3,17,5; found {found!r}.")
    if values["seed"].present:
        raise UsageError("--seed and --interpolate exclude each other; --interpolate names the seeds.")
    if values.server is not None:
        raise UsageError("--interpolate needs a --preset; a server does not tell which way its latent vectors go.")
    n = FRAMES if values.n is None else values.n
    if n < len(seeds):
        raise UsageError(f"--interpolate names {len(seeds)} seeds, each of which needs a frame; found --n={n}.")
    if values.labels is not None and len(values.labels) not in (1, len(seeds)):
        raise UsageError(f"--labels must name one class, or one for each of the {len(seeds)} seeds of --interpolate.")
    from kerasgan import plots

    if output.suffix.lower() not in plots.FILMS:
        raise UsageError(f"With --interpolate --output must end in {', '.join(plots.FILMS)}; found {values.output}.")
    plots.check_film(output)
    gan = _load_preset(values)
    from kerasgan import explore

    if gan.value_range is None:
        raise ValueError(f"--interpolate draws images; the samples of {values.preset} are points.")
    labels = None if values.labels is None else _as_labels(values, gan.class_names)
    if labels is not None:
        labels = labels[0] if len(labels) == 1 else [*labels, labels[0]]
    images = explore.interpolate(gan, [*seeds, seeds[0]], n + 1, labels=labels)[:-1]  # the last is the first again
    plots.film(images, output, enlarge=max(1, SMALLEST // images.shape[1]))
    say(f"wrote {n} frames to {output}")


def _as_labels(values, names):
    """--labels as a model takes them."""
    if names is None:
        raise ValueError(f"{values.preset or values.model} knows no classes; leave --labels out.")
    from kerasgan.classes import from_texts

    return from_texts(values.labels, names)


def _load_preset(values):
    if values.model is not None:
        raise UsageError("--model names a model at a --server; here it is --preset.")
    required(values, "preset")
    import_tensorflow()
    from kerasgan import presets

    return presets.load(values.preset, values.sha256, compile=False)  # nothing is trained here: a quarter faster


def _draws_preset(values):
    """A function that draws n samples of a preset, of a label or of any; and the names of its classes, or None."""
    gan = _load_preset(values)
    return functools.partial(gan.generate, seed=values.seed), gan.class_names


def _draws_server(values):
    """The same at a server."""
    if values.preset is not None:
        raise UsageError("--preset and --server exclude each other; a server's model is named with --model.")
    required(values, "model")
    from kerasgan.serving import Client

    if values.server.startswith("grpc"):
        import_tensorflow()
    client = Client(values.server, values.model)
    names = None if values.labels is None else client.class_names
    return functools.partial(client.generate, seed=values.seed), names


def _draw_classes(draw, n, names, values, output):
    """A picture with rows for each class that was asked for: of points, one of them all."""
    import numpy as np

    from kerasgan import plots

    labels = _as_labels(values, names)
    most, rest = -(-n // len(labels)), n % len(labels)
    drawn = [draw(most - (0 < rest <= i), labels=label) for i, label in enumerate(labels)]
    if drawn[0].ndim != 4:
        plots.samples(np.concatenate(drawn), output)
        return
    padded = [np.pad(each, [(0, most - len(each)), *[(0, 0)] * 3], constant_values=1.0) for each in drawn]
    plots.class_samples(np.concatenate(padded), [names[x] if isinstance(x, int) else x for x in labels], output)


def define_evaluate() -> Options:
    """The options of `kerasgan evaluate`."""
    options = Options(
        "evaluate",
        "scores a trained GAN against real samples that it has not seen",
        "kerasgan evaluate --preset=runs/dcgan --output=report.json",
        "kerasgan evaluate --preset=dcgan_fashion_mnist --dataset=fashion_mnist --split=test --output=report.json",
    )
    options.group("Needed")
    define_preset(options)
    options.text("output", "the JSON report; the pictures go beside it as .png")
    options.group("Real samples (a run, and a preset made of one, say themselves what they were trained on)")
    define_real(options)
    options.text("split", "of the dataset, unseen in training; default test, else validation, else what is left over")
    options.text("training_split", "what it was trained on: the reference, and where neighbours are sought")
    options.switch("resize", "bring the dataset's images to the model's size and colours")
    options.group("How many")
    options.whole("n", "samples of each kind, at most", 10_000)
    options.whole("seed", "of the first generated sample", 0)
    options.group("The Fréchet distance alone, of as many samples as --n says, on a Ray cluster")
    clusters.define(options)
    return options


def evaluate(values: flags.FlagValues, options: Options) -> None:
    """Scores a GAN, prints the table and writes the report."""
    del options
    required(values, "preset", "output")
    output = check_output_file(values.output)
    if output.suffix.lower() != ".json":
        raise UsageError(f"--output must end in .json; found {values.output}.")
    check_output_file(output.with_suffix(".png"))
    if values.n < 1 or values.seed < 0:
        raise UsageError(f"--n must be at least 1 and --seed at least 0; found {values.n} and {values.seed}.")
    import_tensorflow()
    from kerasgan import evaluation, presets

    gan = presets.load(values.preset, values.sha256)
    misleading = _choose_real(values, gan)
    given = [f"--{name}={values[name].value}" for name in values if values[name].value not in (None, False)]
    command = shlex.join(["kerasgan", "evaluate", *given])
    if clusters.check(values):
        clusters.evaluate(values, gan, command, output, misleading)
        return
    report = evaluation.evaluate(
        gan,
        values.dataset,
        values.split,
        values.training_split,
        values.n,
        values.features,
        values.seed,
        values.resize,
        progress=sys.stderr.isatty(),
    )
    written = report.write(output, command=command, preset=values.preset, versions=presets.versions())
    print(report.table(), flush=True)
    if misleading:
        say(f"warning: {misleading}")
    say(f"wrote {' and '.join(map(str, written))}")


def _choose_real(values: Any, gan: Any) -> str | None:
    """Fills in what was not asked for from what the run or preset says of itself; returns why scores would mislead."""
    from kerasgan import data, presets, runs

    known = runs.training_of(presets.find(values.preset, values.sha256))
    if values.dataset is None:
        if known is None:
            raise UsageError(f"--dataset is missing, and {values.preset} does not say what it was trained on.")
        values.dataset = known.dataset
    is_own = known is not None and known.is_on(values.dataset)
    trained = known.split if known is not None and is_own else None
    if known is not None and is_own:
        values.features = values.features or known.features
        if not values.resize and gan.value_range is not None:
            values.resize = data.image_shape_of(values.dataset) not in (None, gan.sample_shape)
    splits = data.splits_of(values.dataset)
    values.split, values.training_split = runs.choose_splits(trained, splits, values.split, values.training_split)
    if is_own and trained is None:
        return (
            f"an older kerasgan cut {values.dataset} otherwise; which pictures {values.preset} was trained on is not "
            "known, and the scores are too good where they are scored on."
        )
    # (With what it was trained on as the reference, `evaluate` says so itself.)
    if trained not in (None, values.training_split) and runs.overlap(values.split, trained):
        return (
            f"scored on {values.split} of {values.dataset}, which shares samples with {trained}, what it was trained "
            "on: the scores are too good. Keep some back, as with train --split='train[:90%]'."
        )
    return None


def define_make() -> Options:
    """The options of `kerasgan preset`."""
    options = Options(
        "preset",
        "makes a preset of a finished run: its best epoch in half the space, with scores and a card",
        "kerasgan preset --run=runs/dcgan --output=presets/my_dcgan",
    )
    options.group("Needed")
    options.text("run", "the folder of a finished run")
    options.text("output", "the preset's folder; its name is the preset's")
    options.group("For the card")
    options.text("licence", "what the model card says of it")
    define_features(options)
    return options


def make(values: flags.FlagValues, options: Options) -> None:
    """Makes a preset of a run."""
    del options
    required(values, "run", "output")
    check_writable(values.output)
    import_tensorflow()
    from kerasgan import runs

    bars = sys.stderr.isatty()
    folder = runs.make_preset(values.run, values.output, values.licence, progress=bars, features=values.features)
    say(f"wrote {folder}; its scores are in {folder}/README.md")


def define_export() -> Options:
    """The options of `kerasgan export`."""
    options = Options(
        "export",
        "writes the next version of a model for TensorFlow Serving, or a file for another runtime",
        "kerasgan export --preset=runs/dcgan --output=saved_models/my_dcgan",
        "kerasgan export --preset=dcgan_fashion_mnist --format=onnx --output=dcgan.onnx",
        "kerasgan export --all",
    )
    options.group("Needed (or --all)")
    define_preset(options)
    options.text("output", "the model's folder, into which the next version goes; or the file of another --format")
    options.group("Besides")
    options.text("format", f"{', '.join((table.SERVABLE, *table.FORMATS))}; default {table.SERVABLE}")
    options.text("precision", "of a file: float32, float16 or, of litert, int8; default float32")
    options.switch(
        "all",
        "export every preset in the folder --output, or in saved_models; with another --format every trained preset, a "
        "file each in the folder --output",
    )
    options.switch("xla", "compile with XLA; the server needs --xla_cpu_compilation_enabled")
    return options


def export(values: flags.FlagValues, options: Options) -> None:
    """Writes a version for TensorFlow Serving, or files for other runtimes."""
    del options
    if values.all and values.preset is not None:
        raise UsageError("--all and --preset exclude each other.")
    if not values.all:
        required(values, "preset", "output")
    if values.format not in (None, table.SERVABLE):
        _export_files(values)
        return
    if values.precision is not None:
        raise UsageError("--precision is of files; a servable computes as the model does.")
    output = "saved_models" if values.output is None else values.output
    if not output or "://" in output:
        raise UsageError(f"--output must be a folder on this machine; found {output!r}.")
    check_writable(output)
    import_tensorflow()
    from kerasgan.serving import repository

    if values.all:
        for version in repository.publish_all(output, xla=values.xla):
            say(f"wrote {version}")
    else:
        say(f"wrote {repository.publish_preset(values.preset, output, xla=values.xla, sha256=values.sha256)}")


def _export_files(values):
    """Files of another format than TensorFlow's."""
    kind = table.by_name(values.format)
    if values.xla:
        raise UsageError(f"--xla is TensorFlow's; it says nothing of {kind.name}.")
    required(values, "output")
    if values.all:
        check_writable(values.output)
    elif pathlib.Path(values.output).suffix.lower() != kind.ending:
        raise UsageError(f"--output must end in {kind.ending} for --format={kind.name}; found {values.output}.")
    else:
        check_output_file(values.output)
    kind.check_precision(values.precision)
    import_tensorflow()
    kind.check_extra(*kind.writers)
    from kerasgan import formats, presets

    targets = {values.preset: pathlib.Path(values.output)}
    if values.all:
        targets = {name: pathlib.Path(values.output, f"{name}{kind.ending}") for name in presets.list_presets()}
    for preset, path in targets.items():
        gan = presets.load(preset, values.sha256)
        name = preset if preset in presets.list_presets() else None  # a path would tell others of this machine
        formats.export(gan, path, kind.name, values.precision, preset=name)
        say(f"wrote {path}; kerasgan verify {shlex.quote(str(path))} tries it")


def define_verify() -> Options:
    """The options of `kerasgan verify`."""
    options = Options(
        "verify",
        "loads a version as a server does, and tries all that it promises; or runs a file of another format",
        "kerasgan verify saved_models/my_dcgan/1",
        "kerasgan verify dcgan.onnx",
    )
    options.group("Besides the folder or file")
    options.text("preset", "what it was exported from, to compare its images, or its time, with")
    options.switch("xla", "leave XLA on, as a server with --xla_cpu_compilation_enabled does")
    return options


def verify(values: flags.FlagValues, options: Options, folder: str) -> int:
    """Verifies an exported version or file; returns the exit status."""
    del options
    if table.by_path(folder) is not None and not pathlib.Path(folder).is_dir():
        return _verify_file(values, folder)
    import_tensorflow()
    from kerasgan import serving

    report = serving.verify(folder, values.preset, xla=values.xla, progress=sys.stderr.isatty())
    print(report.table(), flush=True)
    failed = ", ".join(check.name for check in report.failed)
    say(f"{folder} can be served" if report.passed else f"{folder} must not be served: {failed}")
    return 0 if report.passed else 1


def _verify_file(values, path):
    if values.xla:
        raise UsageError("--xla is TensorFlow's; it says nothing of a file of another format.")
    from kerasgan import formats

    report = formats.verify(path, values.preset)
    print(report.table(), flush=True)
    say(f"{path} draws what its model draws" if report.passed else f"{path} must not be used")
    return 0 if report.passed else 1


def define_report() -> Options:
    """The options of `kerasgan report`."""
    options = Options(
        "report",
        "writes a page about a run: samples over time, curves, nearest training pictures, what to try next",
        "kerasgan report runs/dcgan",
        "kerasgan report runs/dcgan --output=dcgan.html",
    )
    options.group("Besides the run's folder (of a training that is finished, lost, or going on)")
    options.text("output", "the HTML file, with everything in it; default report.html in the folder")
    options.whole("n", "samples of each kind to measure by, at most", 500, least=10)
    options.whole("seed", "of the first generated sample, and of the choice of real ones", 0, least=0)
    return options


def report(values: flags.FlagValues, options: Options, folder: str) -> None:
    """Writes the report of a run, and prints what it found."""
    del options
    if values.output is not None and check_output_file(values.output).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--output must end in .html; found {values.output}.")
    import_tensorflow()
    from kerasgan.runs import report as reports

    written, found = reports.write(folder, values.output, values.n, values.seed, progress=sys.stderr.isatty())
    for each in found:
        print(f"{each.level:8} {each.title}", flush=True)
    say(f"wrote {written}")
