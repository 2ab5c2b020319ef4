"""GANs that have been trained for as long, on the same pictures, with the same scores: `quality.py` has the flags.

Each contestant has a process of its own, and a clock that counts its training steps (`clock.py`). They take turns of a
minute, always the one that has spent the least, so that a machine that is busy with other things slows all alike. After
each turn the contestant is kept; whoever starts the same command again goes on from there, and one that has its result
for so many minutes is only drawn from. The PyTorch contestants, which have no schedule, go on from 12 minutes to 120;
ours, whose schedules are to end with the training, begins anew.

Or they are trained side by side, each on a processor of its own, which takes half as long with two of them.

The real pictures of the scores are all there are, training pictures among them, because a test split of 350 is fewer
than the features have dimensions. So a generator that copies would score well; two columns tell: the mean distance to
the nearest training picture, and KID against the test pictures alone, which is unbiased however few there are. A
folder of one's own has no test pictures.
"""

import ast
import concurrent.futures
import importlib.util
import json
import os
import pathlib
import platform
import shlex
import sys

import numpy as np
from machine import processor
from turns import Worker

from kerasgan import data, evaluation, metrics, plots, presets, registry, runs
from kerasgan import features as extractors
from kerasgan.evaluation.judge import BLOCK, unit_of
from kerasgan.files import replacing

SHAPE = (64, 64, 3)  # of what a recipe is trained on; a trained model has its own
TURN = 60.0
# (title, module, package, settings): DCGAN's example at half its width, and its own batch
OTHERS = (
    ("PyTorch's DCGAN example", "torch_dcgan", "torch", {"width": 32, "batch": 64}),
    ("lightweight-gan", "torch_lightweight_gan", "lightweight_gan", {"width": 64, "batch": 8}),
)
SHOWN = ("fcd", "kid", "precision", "recall", "density", "coverage", "nearest_training_image", "kid_test")


def parse_settings(pairs):
    """`["width=64", "penalties=r1(5)"]` -> `{"width": 64, "penalties": "r1(5)"}`.

    Raises:
        ValueError: one without a name.
    """
    settings = {}
    for pair in pairs:
        name, found, text = pair.partition("=")
        if not found or not name.isidentifier():
            raise ValueError(f"--set takes NAME=VALUE, such as width=64; found {pair!r}.")
        try:
            settings[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            settings[name] = text
    return settings


def resolve(ours, dataset, split, settings):
    """The config that the name of a recipe or a family stands for; None where it is a trained model, to be scored.

    Raises:
        ValueError: there is no such thing, or settings that it has not.
    """
    if ours in registry.list_preset_recipes():
        recipe = registry.get_preset_recipe(ours)
        return runs.resolve(recipe.model, dataset, split, **{**recipe.settings, **settings, "image_shape": SHAPE})
    if ours in registry.list_models():
        return runs.resolve(ours, dataset, split, **{**settings, "image_shape": SHAPE})
    try:
        presets.find(ours)
    except ValueError as error:
        recipes = ", ".join(registry.list_preset_recipes())
        raise ValueError(f"{str(error).removesuffix('.')}; recipes to train by are {recipes}.") from None
    if settings:
        raise ValueError(f"{ours} is trained already: --set is for the names of recipes and families.")
    return None


class Contestant:
    """One that is trained for so many seconds, in a process of its own.

    Args:
        title: in tables.
        module: of this folder; has `by_seconds`.
        folder: of its training.
        minutes: the budget.
        suffix: of the model's file.
        settings: what the training depends on; a training with others is not gone on with.
        arguments: of `by_seconds`.
        core: the one processor that it may compute on; None is all.

    Raises:
        ValueError: the folder holds a training with other settings.
    """

    def __init__(self, title, module, folder, minutes, suffix, settings, arguments, core=None):
        self.title, self.seconds = title, 60.0 * minutes
        self.result = folder / f"{minutes:g}min{suffix}"
        self.facts_path = self.result.with_suffix(".json")
        written = folder / "settings.json"
        settings = json.loads(json.dumps({**settings, **({} if core is None else {"cores": 1})}))
        if written.is_file() and (found := json.loads(written.read_text())) != settings:
            other = [name for name in {**found, **settings} if found.get(name) != settings.get(name)]
            raise ValueError(
                f"{folder} holds a training with other settings ({', '.join(other)}); give another --folder."
            )
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(written) as temporary:
            temporary.write_text(json.dumps(settings, indent=2) + "\n")
        self._worker = lambda: Worker(module, "by_seconds", core, folder=folder, **arguments)
        self.worker = None

    @property
    def is_done(self):
        return self.facts_path.is_file() and self.result.is_file()

    def begin(self):
        """Starts the process.

        Raises:
            ValueError: it has been trained for longer, and nothing was kept at this time.
        """
        self.worker = self._worker()
        if not self.is_done and self.spent > self.seconds + TURN:
            raise ValueError(
                f"{self.result.parent} has been trained for {self.spent / 60:.0f} minutes already, and nothing was "
                f"kept after {self.seconds / 60:g}; give another --folder."
            )

    @property
    def spent(self):
        return self.worker.runners["spent"]()

    def play(self):
        """A turn; keeps the result where it was the last."""
        if self.worker.runners["train"](min(self.spent + TURN, self.seconds)) >= self.seconds:
            self.keep()

    def keep(self):
        facts = self.worker.runners["keep"](self.result)
        with replacing(self.facts_path) as temporary:
            temporary.write_text(json.dumps(facts, indent=2) + "\n")

    def draw(self, n, seed, batch_statistics):
        return self.worker.runners["draw"](self.result, n, seed, batch_statistics)

    @property
    def facts(self):
        return json.loads(self.facts_path.read_text())

    def end(self):
        if self.worker is not None:
            self.worker.__exit__()


def _play_to_the_end(contestant):
    while not contestant.is_done:
        contestant.play()


def train(contestants, side_by_side):
    """Lets those without a result take turns, or all play at once, until all have one."""
    for one in contestants:
        one.begin()
        if not one.is_done and one.spent >= one.seconds:  # cut between its last turn and that
            one.keep()
    if side_by_side:
        with concurrent.futures.ThreadPoolExecutor(len(contestants)) as pool:
            for played in [pool.submit(_play_to_the_end, one) for one in contestants]:
                played.result()
    while waiting := [one for one in contestants if not one.is_done]:
        min(waiting, key=lambda one: one.spent).play()


def cores_for(n):
    """One processor for each of n contestants.

    Raises:
        ValueError: there are fewer.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < n:
        raise ValueError(f"--side_by_side needs a processor for each of {n} contestants; found {len(cores)}.")
    return cores[:n]


def of_test(extractor, test_features, samples, seed):
    """KID against few real samples: the mean over disjoint blocks of as many generated ones."""
    features = features_of(extractor, samples)
    n = min(len(test_features), len(features))
    parts = [features[i : i + n] for i in range(0, len(features) - n + 1, n)]
    values = [metrics.kernel_distance(test_features[:n], part, block=n // 2)[0] for part in parts]
    name = extractor.name
    return metrics.Score("kid_test", float(np.mean(values)), None, n, n * len(parts), name, seed)


def features_of(extractor, samples):
    """Of uint8, or floats in [0, 1], `[N, H, W, C]`: float32 `[N, D]`."""
    blocks = (unit_of(samples[i : i + BLOCK]) for i in range(0, len(samples), BLOCK))
    return extractor.extract(blocks)["features"]


def score(drawn, real, test, training, extractor, seed=0):
    """Scores of samples `{title: samples}`, and of real pictures, `{title: {name: Score}}`; `test` may be None."""
    test_features = None if test is None else features_of(extractor, test)
    judge = evaluation.Judge(real, training, extractor, progress=True)
    scores = {}
    for title, samples in drawn.items():
        scores[title], _ = judge.score(samples, seed)
        if test is not None:
            scores[title]["kid_test"] = of_test(extractor, test_features, samples, seed)
    order = np.random.default_rng(0).permutation(len(real))
    one, other = real[order[: len(real) // 2]], real[order[len(real) // 2 :]]
    scores["real: half of all against the other half"], _ = evaluation.Judge(one, None, extractor).score(other, None)
    if test is not None:
        scores["real: training against test pictures"] = {
            **judge.nearest(unit_of(test), None),
            "kid_test": of_test(extractor, test_features, training, None),
        }
    return scores


def print_table(scores, facts, minutes):
    shown = [name for name in SHOWN if any(name in of_one for of_one in scores.values())]
    print(f"\n{'':42}" + "".join(f"{name[:12]:>13}" for name in shown) + f"{'n':>14}")
    for title, of_one in scores.items():
        values = "".join(f"{of_one[name].value:13.4g}" if name in of_one else f"{'':13}" for name in shown)
        first = next(iter(of_one.values()))
        print(f"{title:42}{values}{f'{first.n_real}, {first.n_fake}':>14}")
    for title, of_one in facts.items():
        seconds = of_one.get("seconds")
        time = "an unknown time" if seconds is None else f"{seconds / 60:.1f} minutes"
        print(f"{title}: {of_one['steps']} steps in {time}, ", end="")
        g, d = of_one["parameters"]
        print(f"batches of {of_one.get('batch_size', '?')}, {g / 1e6:.2f} M parameters in G and {d / 1e6:.2f} M in D")
    print(f"Each was given {minutes:g} minutes of training steps; samples from seed 0.")


def facts_of_trained(ours, gan):
    """What is known of a model that was not trained here."""
    path = presets.find(ours)
    known = presets.read_metadata(path) if path.is_dir() else {}
    if (path / "time.json").is_file():  # a run; its seconds count saving and drawing too
        known = json.loads((path / "time.json").read_text())
    return {
        "steps": int(gan.step.numpy()),
        "seconds": known.get("seconds"),
        "parameters": [int(network.count_params()) for network in (gan.generator, gan.discriminator)],
        "libraries": presets.versions(),
    }


def contest(dataset, ours, split, settings, minutes, folder, n, features, batch_statistics, side_by_side, output):
    """Trains, draws and scores; prints a table, and writes JSON and a page of pictures.

    Raises:
        ValueError: whatever is wrong with the request.
    """
    folder, output = pathlib.Path(folder), pathlib.Path(output)
    config = resolve(ours, dataset, split, settings)
    gan = presets.load(ours) if config is None else None
    shape = SHAPE if gan is None else gan.sample_shape
    extractor = extractors.get(features, shape)
    if data.classes_of(dataset, split) is None:
        training, labels, names = data.load_array(dataset, split, shape), None, None
    else:
        training, labels, names = data.load_labelled_array(dataset, split, shape)
    by_split = {name: data.load_array(dataset, name, shape) for name in data.splits_of(dataset)}
    real, test = np.concatenate(list(by_split.values())), by_split.get("test")
    if test is not None and n < len(test):
        raise ValueError(f"--n must be {len(test)} at least, as many as there are test pictures; found {n}.")
    title = f"ours: {ours}"
    entered, drawn, facts = [], {}, {}
    common = {"dataset": data.with_version(dataset), "split": split}
    if gan is not None:
        drawn[title], facts[title] = evaluation.generate(gan, n, 0), facts_of_trained(ours, gan)
    else:
        of_ours = {"model": config.model, "batch": config.batch_size, "settings": config.recipe}
        arguments = {"images": training, "labels": labels, "class_names": names, **of_ours}
        place = folder / f"ours-{minutes:g}min"
        entered.append((title, "keras_by_seconds", place, minutes, ".keras", {**common, **of_ours}, arguments))
    for other, module, package, of_other in OTHERS:
        if importlib.util.find_spec(package) is None:
            print(f"{other} is left out, because it is not installed: pip install {package.replace('_', '-')}.")
            continue
        of_other = {**of_other, "seed": 0}
        arguments = {"images": training, **of_other}
        entered.append((other, module, folder / module, minutes, ".pt", {**common, **of_other}, arguments))
    cores = cores_for(len(entered)) if side_by_side else [None] * len(entered)
    contestants = [Contestant(*entry, core) for entry, core in zip(entered, cores, strict=True)]
    try:
        train(contestants, side_by_side)
        for one in contestants:
            drawn[one.title], facts[one.title] = one.draw(n, 0, batch_statistics), one.facts
    finally:
        for one in contestants:
            one.end()
    scores = score(drawn, real, test, training, extractor)
    print_table(scores, facts, minutes)
    content = {
        "command": shlex.join(["python", *sys.argv]),
        "minutes": minutes,
        **common,
        "settings": None if config is None else config.recipe,
        "moving_statistics": not batch_statistics,
        "side_by_side": side_by_side,
        "machine": {"cores": os.cpu_count(), "processor": processor()},
        "libraries": {
            "python": platform.python_version(),
            **presets.versions(),
            **{name: version for of_one in facts.values() for name, version in of_one["libraries"].items()},
        },
        "trainings": facts,
        "scores": {
            title: {name: value.to_json() for name, value in of_one.items()} for title, of_one in scores.items()
        },
    }
    with replacing(output) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")
    shown = real if test is None else test
    order = np.random.default_rng(0).permutation(len(shown))[:36]  # neighbours in the data are variants of one picture
    pictures = {"real pictures" if test is None else "real test pictures": unit_of(shown[order]), **drawn}
    sheets = [(name, plots.grid(np.clip(samples[:36], 0, 1), columns=12)) for name, samples in pictures.items()]
    plots.page(sheets, output.with_suffix(".png"))
