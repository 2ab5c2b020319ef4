"""How long one training step takes, beside what one would otherwise write and beside what the machine can do.

In turns, so that a busy machine slows all of them alike, and each framework in a process of its own:

  fit                 ours: `GAN.fit`
  bare loop           a plain `tf.function` with the same mathematics, networks and optimizers, called in a Python loop
  two forwards        the same, but the generator's update draws and generates anew
  usual Keras         the same, with Keras's own BatchNormalization and Adam, as Keras's examples are written
  torch, torch.compile    the same networks and step in PyTorch, where it is installed (pip install .[bench])

Each is run in float32 and in bfloat16 (Keras's mixed_bfloat16, PyTorch's autocast).

    python benchmarks/train_step.py [--rounds=12] [--steps=10] [--models=dcgan,vanilla_gan]
    python benchmarks/train_step.py --additions --models=dcgan --steps=16

The second times `fit` with each of what can be added to the game beside the plain `fit`, and PyTorch's eager step with
the same beside its plain one: labels, lazy R1 (a turn is a whole number of its rounds), augmentation, the other losses.

It prints, for each, the median over the rounds of the milliseconds per step, and between which two lie the middle half
of the rounds; images per second; the ratio to `fit`: the median over the rounds of the ratio of one round's turns; the
limit of the machine, and its share in the step; and the process's peak memory after each one was set up, in the order
of the table. A turn is timed from the end of its first step to the end of its last, so that what `fit` does once per
call does not count.

The limit is the time that the step's multiplications would take if each were done as fast as those of a product of two
large matrices in the same precision, which has its turns among the others (the faster framework's counts). Counted are
the multiplications of convolutions and matrix products in the graph that is run: forward, and each gradient that is
asked for. Normalisation, activations and the optimizers have none that count, but take time; so a share of 100 % is
out of reach, and what is missing to it is what there is left to win.
"""

import contextlib
import importlib.metadata
import os

import numpy as np
from absl import app, flags
from turns import Worker, has_torch, take_turns

FLAGS = flags.FLAGS
flags.DEFINE_integer("rounds", 12, "how often each contestant has its turn")
flags.DEFINE_integer("steps", 10, "steps in a turn")
flags.DEFINE_list("models", ["dcgan", "vanilla_gan"], "which models; also points, a small one on toy data")
flags.DEFINE_list("precisions", ["float32", "bfloat16"], "which precisions")
flags.DEFINE_bool("additions", False, "time what can be added to the game, not what one would otherwise write")
flags.DEFINE_bool("torch", True, "whether to run PyTorch where it is installed")

BATCH = {"dcgan": 128, "vanilla_gan": 100, "points": 100}


PRODUCT = 2048  # rows and columns of the matrices whose product says what the machine can do


def measure(model, precision, with_torch):
    modules = ["keras_step", *(["torch_step"] if with_torch and model != "points" else [])]
    arguments = {"model": model, "batch_size": BATCH[model], "precision": precision, "size": PRODUCT}
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(Worker(module, "contestants", **arguments)) for module in modules]
        facts, runners = {}, {}
        for module, worker in zip(modules, workers, strict=True):
            facts |= worker.runners.pop("facts")()
            runners |= {name if name in facts else (module, name): run for name, run in worker.runners.items()}
        seconds = take_turns(runners, FLAGS.rounds, FLAGS.steps, title=f"{model} {precision}")
    products = [seconds.pop((module, "matrix product")) for module in modules]
    print_table(model, precision, seconds, facts, max(PRODUCT**3 / np.median(product) for product in products))


def measure_additions(model, precision, with_torch):
    arguments = {"model": model, "batch_size": BATCH[model], "precision": precision}
    bases = {"keras_step": "fit", **({"torch_step": "torch"} if with_torch else {})}
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(name, "additions", **arguments)) for name in bases}
        runners = {(module, name): run for module, worker in workers.items() for name, run in worker.runners.items()}
        seconds = take_turns(runners, FLAGS.rounds, FLAGS.steps, title=f"{model} {precision}")
    print(f"\n{model}, batch {BATCH[model]}, {precision}")
    print(f"{'':28} {'ms/step':>8} {'(half of them)':>16} {'/ plain':>8}")
    for (module, name), times in seconds.items():
        low, median, high = 1e3 * np.percentile(times, (25, 50, 75))
        ratio = np.median(np.divide(times, seconds[module, bases[module]]))
        print(f"{name:28} {median:8.1f} {f'({low:.1f} to {high:.1f})':>16} {ratio:8.3f}", flush=True)


def print_table(model, precision, seconds, facts, rate):
    print(f"\n{model}, batch {BATCH[model]}, {precision}; a matrix product makes {rate / 1e9:.0f} Gmult/s")
    print(
        f"{'':28} {'ms/step':>8} {'(half of them)':>16} {'images/s':>9} {'/ fit':>6} {'Gmult':>6} {'limit':>7} "
        f"{'share':>6} {'peak MB':>8}"
    )
    for name, times in seconds.items():
        low, median, high = 1e3 * np.percentile(times, (25, 50, 75))
        spread, images = f"({low:.1f} to {high:.1f})", BATCH[model] / median * 1e3
        ratio = np.median(np.divide(times, seconds["fit"]))
        multiplications, peak = facts[name]
        limit = 1e3 * multiplications / rate
        print(
            f"{name:28} {median:8.1f} {spread:>16} {images:9.0f} {ratio:6.3f} {multiplications / 1e9:6.2f} "
            f"{limit:7.1f} {limit / median:6.0%} {peak:8.0f}",
            flush=True,
        )


def main(_):
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("tensorflow", "keras")), end="")
    print(f", {os.cpu_count()} CPUs")
    with_torch = FLAGS.torch and has_torch()
    if with_torch:
        print(f"torch {importlib.metadata.version('torch')}")
    for model in FLAGS.models:
        for precision in FLAGS.precisions:
            (measure_additions if FLAGS.additions else measure)(model, precision, with_torch)


if __name__ == "__main__":
    app.run(main)
