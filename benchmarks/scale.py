"""What a training step costs on many devices: computing, all-reducing the gradients, and images to be read.

    python benchmarks/scale.py
    python benchmarks/scale.py --here [--workers=1,2,3] [--rounds=40]

On paper: DCGAN of 64x64 and R3GAN of 256x256 with their papers' networks and batches on 8 to 64 GPUs. Parameters and
multiplications are counted from our own steps; speeds are those of `GPU` and `NETWORKS`, each with its source.

`--here` reckons in the same way for processes of this machine, one thread each, and plays the steps: how far is what
was reckoned from what is measured? Times of all-reducing come from sums of single tensors, and those of computing from
one process. Takes five minutes, and a machine that does nothing else.
"""

import dataclasses
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags, logging

FLAGS = flags.FLAGS
flags.DEFINE_bool("here", False, "measure processes of this machine")
flags.DEFINE_list("workers", ["1", "2", "3"], "--here: how many processes; one is needed for the others")
flags.DEFINE_integer("rounds", 40, "--here: steps, and sums of each size", lower_bound=2)
flags.DEFINE_string("worker", None, "for this script's own use: the file of a process's answer")

#: FLOP/s of a GPU: A100, dense bfloat16, and which part of that a training may reach at best. The peak is the data
#: sheet's (NVIDIA A100, 2021). The more one reaches, the heavier weighs what is not computing.
GPU, REACHED = 312e12, 0.4

#: Photos of 256x256 that a core of ours decodes and resizes in a second (docs/datasets.md).
DECODED = 350


@dataclasses.dataclass(frozen=True)
class Network:
    """What a sum over all devices passes through, at its narrowest."""

    name: str
    source: str
    gpus: int  # for up to so many
    bus: float  # bytes/s, as nccl-tests counts them: independent of the number of devices
    latency: float  # seconds of the smallest sum


NETWORKS = (
    Network("NVLink in one machine", "nccl-tests issue 149: 8 A100; latency issue 331", 8, 200e9, 10e-6),
    Network("8 x 100 Gb/s RoCE", "nccl issue 495: two machines of 8 A100; latency as below", 64, 75e9, 163e-6),
    Network("100 Gb/s EFA", "2 machines of 8 V100, a published run of nccl-tests; line rate", 64, 12.5e9, 163e-6),
    Network("10 Gb/s Ethernet", "line rate; latency as above", 64, 1.25e9, 163e-6),
)
PAPERS = {
    "dcgan": {"image_shape": (64, 64, 3)},  # Radford et al. 2015, Figure 1
    "r3gan": {"image_shape": (256, 256, 3)},  # Huang et al. 2024, FFHQ-256
}
HERE = {
    "dcgan": ({"image_shape": (28, 28, 1)}, 32),  # and the images of each process
    "r3gan": ({"image_shape": (28, 28, 1), "small": True}, 16),
}
SIZES = (1, 2**14, 2**18, 2**20, 2**21)  # float32 numbers that are summed up


def parameters(gan):
    """How many numbers the discriminator's and the generator's gradients have."""
    return [
        sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
        for network in (gan.discriminator, gan.generator)
    ]


def ring(numbers, devices, bus, latency):
    """Seconds in which so many float32 are summed: Patarasuk and Yuan 2009, with what every sum takes in any case."""
    return latency + 2 * (devices - 1) / devices * 4 * numbers / bus


def on_paper():
    """Prints a table for each model."""
    import tensorflow as tf
    from keras_step import multiplications

    import kerasgan
    from kerasgan import registry

    for name, settings in PAPERS.items():
        gan, recipe = kerasgan.create_model(name, **settings), registry.get_recipe(name, **settings)
        side, _, channels = recipe.image_shape
        batch = tf.zeros((2, side, side, channels))
        flop = 2 * multiplications(gan.train_step, batch) / len(batch)
        sizes = parameters(gan)
        print(
            f"\n{name}, {side}x{side}x{channels}, batch {recipe.batch_size}: gradients of {sizes[0] / 1e6:.1f} (D) and "
            f"{sizes[1] / 1e6:.1f} (G) million numbers, {4 * sum(sizes) / 1e6:.0f} MB a step; {flop / 1e9:.0f} GFLOP "
            f"an image"
        )
        print(
            "| GPUs | images of each | computing | network | all-reduce | of the step | images/s | read, MB/s "
            "| cores that decode |"
        )
        print("|---" * 9 + "|")
        for gpus in (8, 16, 32, 64):
            computing = flop * recipe.batch_size / gpus / (REACHED * GPU)
            for network in NETWORKS:
                if gpus > network.gpus or (gpus == 8) != (network.gpus == 8):
                    continue
                reducing = sum(ring(numbers, gpus, network.bus, network.latency) for numbers in sizes)
                rate = recipe.batch_size / (computing + reducing)
                print(
                    f"| {gpus} | {recipe.batch_size / gpus:g} | {1e3 * computing:.1f} ms | {network.name} "
                    f"| {1e3 * reducing:.1f} ms | {reducing / (computing + reducing):.0%} | {rate:,.0f} "
                    f"| {rate * side * side * channels / 1e6:,.0f} | {rate / DECODED:,.0f} |"
                )
    print(f"\nComputing at {REACHED:.0%} of {GPU / 1e12:g} TFLOP/s. Networks:")
    for network in NETWORKS:
        print(f"- {network.name}: {network.bus / 1e9:g} GB/s, {1e6 * network.latency:g} us ({network.source})")


def here():
    """Prints what was reckoned and what was measured."""
    if not all(workers.isdigit() and int(workers) for workers in FLAGS.workers) or "1" not in FLAGS.workers:
        raise SystemExit(f"--workers takes numbers of processes, 1 among them; found {','.join(FLAGS.workers)}.")
    found = {int(workers): run(int(workers)) for workers in sorted(FLAGS.workers, key=int)}
    cores = len(os.sched_getaffinity(0))
    for workers, answer in found.items():
        if workers > 1:
            each = zip(SIZES, answer["sums"], strict=True)
            print(f"{workers} processes, sums: " + ", ".join(f"{4 * n / 1e6:.2g} MB {1e3 * s:.2g} ms" for n, s in each))
    print("\n| model | processes | gradients | computing | all-reduce | reckoned | measured | measured / reckoned |")
    print("|---" * 8 + "|")
    for name in HERE:
        alone = found[1]["steps"][name]
        for workers, answer in found.items():
            numbers = answer["parameters"][name]
            computing = alone * -(-workers // cores)  # who shares a core is waited for
            reducing = sum(np.interp(size, SIZES, answer["sums"]) for size in numbers) if workers > 1 else 0.0
            measured = answer["steps"][name]
            print(
                f"| {name} | {workers} | {4 * sum(numbers) / 1e6:.1f} MB | {1e3 * computing:.0f} ms "
                f"| {1e3 * reducing:.0f} ms | {1e3 * (computing + reducing):.0f} ms | {1e3 * measured:.0f} ms "
                f"| {measured / (computing + reducing):.2f} |"
            )


def run(workers):
    """The answer of the first of so many processes; see `work`."""
    ports = []
    sockets = [socket.socket() for _ in range(workers)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
        ports.append(one.getsockname()[1])
    for one in sockets:
        one.close()
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    with tempfile.TemporaryDirectory() as folder:
        processes = [
            subprocess.Popen(
                [sys.executable, __file__, f"--worker={folder}/{i}.json", f"--rounds={FLAGS.rounds}"],
                env=os.environ
                | {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}})},
            )
            for i in range(workers)
        ]
        try:
            if any(process.wait() for process in processes):
                raise SystemExit(f"One of {workers} processes failed; what it said stands above.")
        finally:
            for process in processes:
                process.kill()
        return json.loads(pathlib.Path(folder, "0.json").read_text())


def work():
    """One process of several: seconds of a sum of each of `SIZES`, of a step of each of `HERE`, and parameters."""
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[index % len(cores)]})
    import tensorflow as tf
    from keras_step import timed_fit

    import kerasgan
    from kerasgan import strategies

    tf.config.threading.set_intra_op_parallelism_threads(1)
    logging.set_verbosity(logging.WARNING)  # TensorFlow names every sum
    strategy = strategies.get("multi_worker")
    answer = {"sums": [], "steps": {}, "parameters": {}}

    for size in SIZES:
        numbers = tf.ones([size])

        def own(numbers=numbers):
            context = tf.distribute.get_replica_context()
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(numbers))[0]

        total = tf.function(lambda own=own: strategy.run(own), autograph=False)
        times = []
        for _ in range(FLAGS.rounds):
            began = time.perf_counter()
            float(total())
            times.append(time.perf_counter() - began)
        answer["sums"].append(float(np.median(times)))

    for name, (settings, images) in HERE.items():
        with strategy.scope():
            gan = kerasgan.create_model(name, **settings)
        shape = (images * strategy.num_replicas_in_sync, *settings["image_shape"])
        pictures = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        run = timed_fit(gan, tf.data.Dataset.from_tensors(pictures).repeat())
        run(2)  # tracing
        answer["steps"][name] = float(np.median([run(FLAGS.rounds // 4 + 1) for _ in range(4)]))
        answer["parameters"][name] = parameters(gan)
    pathlib.Path(FLAGS.worker).write_text(json.dumps(answer))


def main(_):
    if FLAGS.worker:
        work()
    elif FLAGS.here:
        here()
    else:
        on_paper()


if __name__ == "__main__":
    app.run(main)
