"""What the end of an epoch costs: many short epochs against one long one of as many steps.

    python benchmarks/small_data.py [--rounds=5] [--epochs=12] [--steps=10] [--images=photos.npz]

The DCGAN at 64x64x3, width 16, batch 32, with an averaged generator, trained by `runs.train` as the command does, with
checkpoints, history and grids of samples. Both trainings take turns in one process, each in a temporary folder. Prints
medians in seconds: "training" is from the end of the first step (before it lie tracing and the grid of step 0) to the
end of `fit`, "processor" what all cores together spent in that time, which other programs on the machine disturb less,
and "whole" all of `runs.train`. The ratio is the median over rounds of that of two neighbours.
"""

import os
import pathlib
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from absl import app, flags

import kerasgan
from kerasgan import runs

FLAGS = flags.FLAGS
flags.DEFINE_integer("rounds", 5, "turns of each")
flags.DEFINE_integer("epochs", 12, "of the training with short ones")
flags.DEFINE_integer("steps", 10, "in each of these")
flags.DEFINE_string("images", None, "an .npz of images 64x64x3 to train on; default is noise")

BATCH = 32
SETTINGS = {"batch_size": BATCH, "ema_decay": 0.99, "generator_width": 16, "discriminator_width": 16}


class Clock(keras.callbacks.Callback):
    """Seconds on the wall and of the processor, from the end of the first step to that of the training."""

    first = None

    def on_train_batch_end(self, batch, logs=None):
        self.first = self.first or self.now()

    def on_train_end(self, logs=None):
        self.seconds = [end - start for start, end in zip(self.first, self.now(), strict=True)]

    def now(self):
        return time.perf_counter(), time.process_time()


def train(dataset, epochs, output):
    """Seconds of the training, of the processor in it, and of everything."""
    clock, fit = Clock(), kerasgan.GAN.fit
    kerasgan.GAN.fit = lambda gan, *args, callbacks, **options: fit(
        gan, *args, callbacks=[*callbacks, clock], **options
    )
    start = time.perf_counter()
    try:
        runs.train(runs.resolve("dcgan", str(dataset), epochs=epochs, **SETTINGS), output, verbose=0)
    finally:
        kerasgan.GAN.fit = fit
    return *clock.seconds, time.perf_counter() - start


def images_of(n):
    if FLAGS.images is None:
        return np.random.default_rng(0).integers(0, 256, (n, 64, 64, 3), dtype=np.uint8)
    with np.load(FLAGS.images) as archive:
        images = archive["images"]
    return np.resize(images, (n, *images.shape[1:]))


def main(_):
    kinds = {
        f"{FLAGS.epochs} epochs of {FLAGS.steps} steps": (FLAGS.epochs, FLAGS.steps),
        f"1 epoch of {FLAGS.epochs * FLAGS.steps} steps": (1, FLAGS.epochs * FLAGS.steps),
    }
    seconds = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for epochs, steps in kinds.values():
            np.savez(folder / f"{epochs}.npz", images=images_of(steps * BATCH))
        for done in range(FLAGS.rounds):
            for name, (epochs, _) in kinds.items():
                seconds[name].append(train(folder / f"{epochs}.npz", epochs, folder / f"run-{epochs}-{done}"))
    print(f"{'':24}{'training':>12}{'processor':>12}{'whole':>12}")
    for name, rows in seconds.items():
        print(f"{name:24}" + "".join(f"{statistics.median(column):>12.2f}" for column in zip(*rows, strict=True)))
    pairs = zip(*seconds.values(), strict=True)
    ratios = [[many / one for many, one in zip(*pair, strict=True)] for pair in pairs]
    print(f"{'ratio':24}" + "".join(f"{statistics.median(column):>12.2f}" for column in zip(*ratios, strict=True)))


if __name__ == "__main__":
    app.run(main)
