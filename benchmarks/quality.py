"""Our DCGAN beside what one would otherwise take, PyTorch's DCGAN example, on the same images with the same scores.

    python benchmarks/quality.py [--ours=dcgan_fashion_mnist] [--torch=runs/torch_dcgan] [--output=runs/quality.json]

The example has a process of its own. First both take training steps in turn: the ratio of the medians says for how many
epochs the example trains in the time of ours, because the wall time of two long trainings says as much of what else the
machine did. Then the example is trained where `--torch` does not hold it yet (`torch_dcgan.py`; an hour on two cores),
and scored twice: after as many images as our preset has seen, and after as much time.

The example draws with the batch's own statistics (it never calls `eval()`) and is scored so; `--moving_statistics`
takes the moving ones. Writes a table, the scores as JSON, and both models' samples as a PNG beside it.

    python benchmarks/quality.py --dataset=noto_emoji --minutes=12 [--ours=r3gan_noto_emoji] [--set=schedule_images=N]

trains ours, PyTorch's DCGAN example at 64x64 and the package lightweight-gan, where that is installed, for so many
minutes each on the training pictures, in turns (or, with `--side_by_side`, at once, each on a processor of its own),
and scores 3,000 pictures of each. Training steps alone are counted, not reading the data, starting, tracing, saving or
drawing. A command that was cut goes on when it is given again. Our schedules should end when the minutes do: `--set`
has the recipe's settings. `--ours` may also be a run, a preset's folder or a `.keras` file (`./saved_models/NAME`, as
a bare name means the recipe), which is scored as it is.

    python benchmarks/quality.py --dataset=folder:photos --minutes=30 --ours=runs/photos --n=500

does so with pictures of one's own, at the size that the run draws.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import equal_time
import numpy as np
from absl import app, flags
from keras_step import timed_fit
from turns import Worker, has_torch, take_turns

from kerasgan import data, evaluation, plots, presets
from kerasgan.files import check_output_file, replacing

FLAGS = flags.FLAGS
flags.DEFINE_string("dataset", "fashion_mnist", "of which images: fashion_mnist, or noto_emoji or folder:PATH")
flags.DEFINE_string(
    "ours", None, "a preset or a run [dcgan_fashion_mnist]; by minutes: also a recipe [r3gan_noto_emoji]"
)
flags.DEFINE_string("torch", "runs/torch_dcgan", "clothes: where the example's generators are, or go")
flags.DEFINE_string("output", None, "the report [runs/quality.json]; by minutes: [runs/quality-MINUTES.json]")
flags.DEFINE_integer("epochs", 20, "clothes: of the example; our preset must have seen as many images")
flags.DEFINE_string("split", None, "what all are trained on [train[:55000]]; by minutes: [train]")
flags.DEFINE_integer("n", None, "images of each kind that are scored [10000]; by minutes: [3000]")
flags.DEFINE_integer("rounds", 10, "clothes: turns of each that are timed")
flags.DEFINE_integer("steps", 8, "clothes: training steps in a turn")
flags.DEFINE_bool("moving_statistics", False, "draw the example's images with the moving batch statistics")
flags.DEFINE_float("minutes", 12.0, "by minutes: that each is trained", lower_bound=0.0)
flags.DEFINE_bool("side_by_side", False, "by minutes: train all at once, each on one processor, rather than in turns")
flags.DEFINE_string("folder", "runs/quality-by-minutes", "by minutes: where the trainings are, or go")
flags.DEFINE_string("features", "efficientnet_lite0", "by minutes: what is compared, as of kerasgan evaluate")
flags.DEFINE_multi_string("set", [], "by minutes: NAME=VALUE, a setting of our recipe")

DEFAULTS = {  # by whether the contest is by minutes
    False: {"ours": "dcgan_fashion_mnist", "split": "train[:55000]", "n": 10_000},
    True: {"ours": "r3gan_noto_emoji", "split": "train", "n": 3_000},
}
OTHERS_FLAGS = {  # what has no meaning then
    False: ("minutes", "folder", "features", "set", "side_by_side"),
    True: ("torch", "epochs", "rounds", "steps"),
}

BATCH = 128  # the example's, and our recipe's
SHOWN = ("fcd", "kid", "precision", "recall", "density", "coverage", "classifier_score", "parzen_nats")


def step_seconds(gan, images, steps_of_the_example):
    """The median seconds of a training step on as many images: ours, the example's."""
    ours = data.load(images[: BATCH * (FLAGS.steps + 1)], batch_size=BATCH, like=gan, shuffle=False)
    runners = {"ours": timed_fit(gan, ours), "example": steps_of_the_example}
    for run in runners.values():
        run(FLAGS.steps)  # traces and compiles
    seconds = take_turns(runners, FLAGS.rounds, FLAGS.steps, title="steps")
    return (float(np.median(values)) for values in seconds.values())


def main(_):
    by_minutes = FLAGS.dataset != "fashion_mnist"
    if by_minutes and FLAGS.dataset != "noto_emoji" and not FLAGS.dataset.startswith("folder:"):
        return f"--dataset must be fashion_mnist, noto_emoji or folder:PATH; found {FLAGS.dataset!r}."
    useless = [f"--{name}" for name in OTHERS_FLAGS[by_minutes] if FLAGS[name].present]
    if useless:
        return f"{', '.join(useless)} has no meaning for --dataset={FLAGS.dataset}."
    for name, value in DEFAULTS[by_minutes].items():
        if FLAGS[name].value is None:
            FLAGS[name].value = value
    return beside_others() if by_minutes else beside_the_example()


def beside_others():
    """What `equal_time.py` does; an error in one line."""
    if FLAGS.n < 2 or not FLAGS.minutes:
        return f"--n must be 2 at least and --minutes above 0; found --n={FLAGS.n} --minutes={FLAGS.minutes:g}."
    if not has_torch():
        return 1
    output = FLAGS.output or f"runs/quality-{FLAGS.minutes:g}.json"
    try:
        equal_time.contest(
            FLAGS.dataset,
            FLAGS.ours,
            FLAGS.split,
            equal_time.parse_settings(FLAGS.set),
            FLAGS.minutes,
            FLAGS.folder,
            FLAGS.n,
            FLAGS.features,
            not FLAGS.moving_statistics,
            FLAGS.side_by_side,
            check_output_file(output),
        )
    except ValueError as error:
        return f"quality.py: {error}"
    return 0


def beside_the_example():
    if not has_torch():
        return 1
    output = check_output_file(FLAGS.output or "runs/quality.json")
    folder = pathlib.Path(FLAGS.torch)
    images = data.load_array("fashion_mnist", FLAGS.split)
    gan = presets.load(FLAGS.ours)
    facts = presets.read_metadata(presets.find(FLAGS.ours))
    judge = evaluation.Judge(
        data.load_array("fashion_mnist", "test")[: FLAGS.n], data.load_array("fashion_mnist", "train"), progress=True
    )
    drawn = {"ours": evaluation.generate(gan, FLAGS.n, 0)}
    with Worker("torch_dcgan", "contestants", images=images[:BATCH]) as worker:
        torch = worker.runners
        ours, example = step_seconds(presets.load(FLAGS.ours), images, torch["steps"])
        equal_time = max(1, round(FLAGS.epochs * ours / example))
        torch["train"](images, folder, max(FLAGS.epochs, equal_time), 0)
        for what, epoch in (("equal images", FLAGS.epochs), ("equal time", equal_time)):
            path = folder / f"epoch-{epoch:02d}.pt"
            samples = torch["draw"](path, FLAGS.n, 0, not FLAGS.moving_statistics)
            drawn[f"PyTorch's example, {what}: epoch {epoch}"] = samples
    scores = {name: judge.score(samples, 0)[0] for name, samples in drawn.items()}

    print(f"\nms per step of {BATCH} images, medians in turns: ours {1e3 * ours:.0f}, ", end="")
    print(f"the example {1e3 * example:.0f} ({example / ours:.2f}x)")
    print(f"{'':44}" + "".join(f"{name:>18}" for name in SHOWN))
    for name, of_one in scores.items():
        print(f"{name:44}" + "".join(f"{of_one[score].value:18.4g}" for score in SHOWN))
    for name in list(scores)[1:]:
        ratio = scores["ours"]["fcd"].value / scores[name]["fcd"].value
        print(f"our FCD over that of {name}: {ratio:.3f}")

    content = {
        "ours": FLAGS.ours,
        "our_steps": int(gan.step.numpy()),
        "our_training": facts.get("recipe"),
        "epochs_of_the_example": FLAGS.epochs,
        "split": FLAGS.split,
        "moving_statistics": FLAGS.moving_statistics,
        "step_milliseconds": {"ours": 1e3 * ours, "example": 1e3 * example},
        "scores": {
            name: {score: value.to_json() for score, value in of_one.items()} for name, of_one in scores.items()
        },
    }
    with replacing(output) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")
    plots.page(
        [(name, plots.grid(samples[:48], columns=12)) for name, samples in drawn.items()], output.with_suffix(".png")
    )
    return 0


if __name__ == "__main__":
    app.run(lambda argv: sys.exit(main(argv)))
