"""Our DCGAN beside what one would otherwise take, PyTorch's DCGAN example, on the same images with the same scores.

    python benchmarks/quality.py [--ours=dcgan_fashion_mnist] [--torch=runs/torch_dcgan] [--output=runs/quality.json]

The example has a process of its own. First both take training steps in turn: the ratio of the medians says for how many
epochs the example trains in the time of ours, because the wall time of two long trainings says as much of what else the
machine did. Then the example is trained where `--torch` does not hold it yet (`torch_dcgan.py`; an hour on two cores),
and scored twice: after as many images as our preset has seen, and after as much time.

The example draws with the batch's own statistics (it never calls `eval()`) and is scored so; `--moving_statistics`
takes the moving ones. Writes a table, the scores as JSON, and both models' samples as a PNG beside it.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags
from keras_step import timed_fit
from turns import Worker, has_torch, take_turns

from kerasgan import data, evaluation, plots, presets
from kerasgan.files import check_output_file, replacing

FLAGS = flags.FLAGS
flags.DEFINE_string("ours", "dcgan_fashion_mnist", "a preset or a run")
flags.DEFINE_string("torch", "runs/torch_dcgan", "where the example's generators are, or go")
flags.DEFINE_string("output", "runs/quality.json", "the report")
flags.DEFINE_integer("epochs", 20, "of the example; our preset must have seen as many images")
flags.DEFINE_string("split", "train[:55000]", "what both are trained on")
flags.DEFINE_integer("n", 10_000, "images of each kind that are scored")
flags.DEFINE_integer("rounds", 10, "turns of each that are timed")
flags.DEFINE_integer("steps", 8, "training steps in a turn")
flags.DEFINE_bool("moving_statistics", False, "draw the example's images with the moving batch statistics")

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
    if not has_torch():
        return 1
    output = check_output_file(FLAGS.output)
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
