"""Long trainings in little: does memory stay flat, and is nothing traced twice?

    python benchmarks/soak.py [--toy_steps=20000] [--dcgan_steps=2000]

`fit` of a GAN on points and of the DCGAN at 28x28, `generate` and `SampleGrid` in a loop: for each the resident memory
after a tenth of the way and at its end, in MB, and how often `train_step` was traced. The exit status is 1 where memory
grew by 3 % or more, or a graph was traced again.
"""

import gc
import os
import pathlib
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

import kerasgan

FLAGS = flags.FLAGS
flags.DEFINE_integer("toy_steps", 20_000, "of a GAN on points in the plane")
flags.DEFINE_integer("dcgan_steps", 2_000, "of the DCGAN, batches of 128")
flags.DEFINE_integer("loops", 500, "calls of generate, and pictures of SampleGrid")

LIMIT = 0.03


def resident() -> float:
    """MB of this process in memory now."""
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Memory(keras.callbacks.Callback):
    """Resident memory at ten points of a training; and how often its step was traced."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps
        self.seen = []
        self.traces = 0

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.step.numpy())
        if step % (self.steps // 10) == 0:
            self.seen.append(resident())

    def on_train_end(self, logs=None):
        counts = [part.experimental_get_tracing_count() for part in _functions(self.model.train_function)]
        self.traces = max(counts, default=0)


def _functions(function):
    """The `tf.function`s that Keras's train function is or encloses."""
    found, waiting = [], [function]
    while waiting:
        one = waiting.pop()
        if hasattr(one, "experimental_get_tracing_count"):
            found.append(one)
        waiting += [
            cell.cell_contents for cell in getattr(one, "__closure__", None) or () if callable(cell.cell_contents)
        ]
    return found


def soak_fit(gan, images, batch_size, steps, folder):
    """Many epochs, with what a run of the command does at their ends."""
    epochs = max(2, steps // (len(images) // batch_size))
    memory = Memory(steps)
    data = kerasgan.data.load(images, batch_size=batch_size, like=gan)
    callbacks = [memory, kerasgan.callbacks.HistoryTable(folder / "history.csv")]
    callbacks += [kerasgan.callbacks.TrainingCheckpoint(folder / "checkpoints"), kerasgan.callbacks.StopOnDivergence()]
    if gan.value_range is not None:
        callbacks.append(kerasgan.callbacks.SampleGrid(folder / "samples"))
    gan.fit(data, epochs=epochs, verbose=0, callbacks=callbacks)
    return memory.seen, memory.traces


def soak_loop(call, count):
    seen = []
    for i in range(count):
        call(i)
        if i % (count // 10) == count // 10 - 1:
            seen.append(resident())
    return seen, 1


def main(_):
    cases = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        gan = kerasgan.create_model(
            "vanilla_gan", image_shape=(2,), ema_decay=0.99, generator_units=64, discriminator_units=16
        )
        points = kerasgan.toys.ring().sample(100_000, 0)
        start = time.monotonic()
        cases[f"fit, points, {FLAGS.toy_steps} steps"] = soak_fit(gan, points, 100, FLAGS.toy_steps, folder / "toy")
        print(f"{time.monotonic() - start:.0f} s", flush=True)

        gan = kerasgan.create_model("dcgan", image_shape=(28, 28, 1), ema_decay=0.999)
        images = np.random.default_rng(0).integers(0, 256, (12_800, 28, 28, 1), dtype=np.uint8)
        start = time.monotonic()
        cases[f"fit, DCGAN, {FLAGS.dcgan_steps} steps"] = soak_fit(
            gan, images, 128, FLAGS.dcgan_steps, folder / "dcgan"
        )
        print(f"{time.monotonic() - start:.0f} s", flush=True)

        sizes = (1, 3, 16, 64)
        cases["generate"] = soak_loop(lambda i: gan.generate(sizes[i % len(sizes)], seed=i), FLAGS.loops)
        grid = kerasgan.callbacks.SampleGrid(folder / "grids")
        grid.set_model(gan)
        cases["SampleGrid"] = soak_loop(lambda i: (gan.step.assign_add(1), grid._write()), FLAGS.loops // 5)

    failed = False
    print(f"\n{'':28}{'a tenth':>10}{'the end':>10}{'growth':>10}{'traces':>8}")
    for name, (seen, traces) in cases.items():
        growth = seen[-1] / seen[0] - 1
        failed |= growth >= LIMIT or traces != 1
        print(f"{name:28}{seen[0]:>10.0f}{seen[-1]:>10.0f}{growth:>10.1%}{traces:>8}")
        print("    " + " ".join(f"{value:.0f}" for value in seen))
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}")
    return int(failed)


if __name__ == "__main__":
    app.run(lambda argv: sys.exit(main(argv)))
