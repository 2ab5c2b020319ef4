"""Reading a folder of many JPEGs: our cache beside `image_dataset_from_directory` and PyTorch's DataLoader.

    python benchmarks/reading.py --pictures=runs/many [--turns=3]

(`many_pictures.py` makes 200,000.) All give shuffled batches of 64 pictures of 128x128, in processes of their own and
in turns. Prints for each: the seconds from the call to the first batch, images per second after it, and what the
process and its workers have grown by. The first start of ours, which makes the cache, is timed once.

Then ours and Keras's train a narrow DCGAN: seconds from the call to the end of the first step, images per second, and,
of TensorFlow's profile of so many steps, the share of the time in which the step waited for its batch.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags
from keras_step import Clock
from memory import cost_of_reading, own_megabytes
from tensorflow.tsl.profiler.protobuf import xplane_pb2
from tqdm import tqdm
from turns import Worker, has_torch

import kerasgan
from kerasgan import data

FLAGS = flags.FLAGS
flags.DEFINE_string("pictures", "runs/many", "a folder of JPEGs")
flags.DEFINE_string("cache", "runs/reading", "the folder of our cache")
flags.DEFINE_integer("side", 128, "pixels that they are brought to: 32, 64 or 128")
flags.DEFINE_integer("batches", 100, "batches to read in a turn", lower_bound=1)
flags.DEFINE_integer("steps", 30, "of a training in a turn", lower_bound=2)
flags.DEFINE_integer("turns", 3, "turns of each", lower_bound=1)
flags.DEFINE_integer("width", 8, "of the DCGAN: the narrower, the less time to read meanwhile", lower_bound=1)
flags.DEFINE_string("one", None, "used by the benchmark itself: what to do, in a process of its own")

BATCH = 64


def open_batches(name, gan):
    """Shuffled batches float32 `[64, H, W, 3]` in [-1, 1]."""
    if name == "kerasgan":
        return data.load(f"folder:{FLAGS.pictures}", batch_size=BATCH, like=gan, cache=FLAGS.cache)
    batches = keras.utils.image_dataset_from_directory(
        FLAGS.pictures, labels=None, batch_size=BATCH, image_size=(FLAGS.side, FLAGS.side), verbose=False
    )
    return batches.map(lambda images: images / 127.5 - 1.0, num_parallel_calls=2).prefetch(2)


def read(name, gan):
    """What reading costs."""
    return cost_of_reading(lambda: open_batches(name, gan), BATCH, FLAGS.batches)


def train(name, gan):
    """What a training waits for."""
    before = own_megabytes()
    clock = Clock()
    began = time.perf_counter()
    batches = open_batches(name, gan)
    gan.fit(batches, epochs=1, steps_per_epoch=FLAGS.steps, verbose=0, callbacks=[clock])
    memory = own_megabytes() - before
    rate = BATCH * (FLAGS.steps - 1) / (clock.ends[-1] - clock.ends[0])
    with tempfile.TemporaryDirectory() as folder:
        gan.fit(batches, epochs=1, steps_per_epoch=FLAGS.steps, verbose=0, callbacks=[Profile(folder)])
        waited = waiting_share(folder)
    return {"first": clock.ends[0] - began, "rate": rate, "memory": memory, "waited": waited}


class Profile(keras.callbacks.Callback):
    """Profiles all steps but the first, which fills the buffers of a new iterator."""

    def __init__(self, folder):
        super().__init__()
        self._folder = folder

    def on_train_batch_end(self, batch, logs=None):
        if batch == 0:
            tf.profiler.experimental.start(self._folder)

    def on_train_end(self, logs=None):
        tf.profiler.experimental.stop()


def waiting_share(folder) -> float:
    """The part of a profile's time in which a step waited for its next batch."""
    (path,) = pathlib.Path(folder).rglob("*.xplane.pb")
    space = xplane_pb2.XSpace.FromString(path.read_bytes())
    waited, begin, end = 0.0, np.inf, 0.0
    for plane in space.planes:
        if plane.name != "/host:CPU":
            continue
        for line in plane.lines:
            for event in line.events:
                began = line.timestamp_ns * 1e3 + event.offset_ps
                begin, end = min(begin, began), max(end, began + event.duration_ps)
                if plane.event_metadata[event.metadata_id].name.startswith("IteratorGetNext"):
                    waited += event.duration_ps
    return waited / (end - begin)


def in_a_process(task):
    """The answer of `--one=task`."""
    arguments = [f"--{name}={FLAGS[name].value}" for name in ("pictures", "cache", "side", "batches", "steps", "width")]
    done = subprocess.run([sys.executable, __file__, f"--one={task}", *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"A process failed with exit status {done.returncode}; what it said stands above.")
    return json.loads(done.stdout.splitlines()[-1])


def torch_reads(_):
    workers = len(os.sched_getaffinity(0))
    settings = {"side": FLAGS.side, "batch": BATCH, "batches": FLAGS.batches, "workers": workers}
    with Worker("torch_reading", "contestants", folder=FLAGS.pictures, **settings) as worker:
        return worker.runners["read"]()


def one(task):
    """Prints the answer to a task, as JSON."""
    what, name = task.split(":")
    options = {"generator_width": FLAGS.width, "discriminator_width": FLAGS.width}
    gan = kerasgan.create_model("dcgan", image_shape=(FLAGS.side, FLAGS.side, 3), **options)
    print(json.dumps({"read": read, "train": train}[what](name, gan)))


def main(_):
    if FLAGS.one:
        one(FLAGS.one)
        return
    built = not any(pathlib.Path(FLAGS.cache).glob("*")) and in_a_process("read:kerasgan")
    if built:
        print(f"kerasgan's first start, which makes the cache: {built['first']:.0f} s to the first batch", flush=True)
    readers = dict.fromkeys(("read:kerasgan", "read:image_dataset_from_directory"), in_a_process)
    if has_torch():
        readers["read:DataLoader"] = torch_reads
    readers |= dict.fromkeys(("train:kerasgan", "train:image_dataset_from_directory"), in_a_process)
    found = {task: [] for task in readers}
    for turn in tqdm(range(FLAGS.turns), desc="turns"):
        for task in list(readers)[:: -1 if turn % 2 else 1]:
            found[task].append(readers[task](task))
    print("| | first, s | images/s | grown by, MB | waiting, % of the step |\n|---|---|---|---|---|")
    for task, answers in found.items():
        cells = [np.median([answer[key] for answer in answers]) for key in ("first", "rate", "memory")]
        waited = [100 * answer["waited"] for answer in answers if "waited" in answer]
        share = f"{np.median(waited):.2f}" if waited else ""
        print(f"| {task} | {cells[0]:.2f} | {cells[1]:,.0f} | {cells[2]:.0f} | {share} |")


if __name__ == "__main__":
    app.run(main)
