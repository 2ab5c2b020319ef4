"""Images a second on a Ray cluster of this machine, with one process and with two, beside a plain loop.

    python benchmarks/cluster_drawing.py [--preset=r3gan_fashion_mnist] [--n=8000] [--rounds=2]

Each draws WebDataset files of 500 images into a temporary folder. What counts is the time from the first file of each
process to the last file, without the start of Ray and of TensorFlow. The plain loop has one thread, as each process.
Then two processes are given files that hold nothing: how many can be given out in a second, whatever is drawn?
"""

import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_string("preset", "r3gan_fashion_mnist", "what draws")
flags.DEFINE_integer("n", 8000, "images of each", lower_bound=2000)
flags.DEFINE_integer("files", 2000, "empty ones to give out", lower_bound=2)
flags.DEFINE_integer("rounds", 2, "turns of each", lower_bound=1)

SIZE = 500


def on_ray(workers: int) -> float:
    """Images a second of so many processes."""
    from kerasgan import cluster

    with tempfile.TemporaryDirectory() as folder:
        cluster.draw(FLAGS.preset, FLAGS.n, folder, workers, "local", size=SIZE)
        times = sorted(path.stat().st_mtime for path in pathlib.Path(folder).glob("shard-*"))
    return (len(times) - workers) * SIZE / (times[-1] - times[workers - 1])


def by_itself() -> float:
    """Images a second of the same work in this process."""
    import tensorflow as tf

    from kerasgan.cluster import drawing

    tf.config.threading.set_intra_op_parallelism_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        job = {"preset": FLAGS.preset, "output": folder, "of": 5, "form": "webdataset", "labels": None}
        work = drawing.hand(job)
        first, *others = drawing.shards_of(5 * SIZE, 0, SIZE)
        work(first)
        began = time.perf_counter()
        for shard in others:
            work(shard)
        return len(others) * SIZE / (time.perf_counter() - began)


def nothing(_job):
    """A worker that draws nothing."""
    return lambda shard: b""


def handed_out(files: int) -> float:
    """Files a second, from the first to the last, that two processes are given and have nothing to do for."""
    from kerasgan.cluster import connecting, drawing, spreading

    with connecting.connected("local", 2) as ray:
        answers = spreading.spread(ray, nothing, {}, drawing.shards_of(files, 0, 1), 2)
        next(answers)
        began = time.perf_counter()
        rest = sum(1 for _ in answers)
        return rest / (time.perf_counter() - began)


def main(_):
    alone = by_itself()
    print(f"a plain loop: {alone:.0f} images a second")
    for _ in range(FLAGS.rounds):
        for workers in (1, 2):
            print(f"{workers} process(es) on Ray: {on_ray(workers):.0f} images a second", flush=True)
    print(f"handed out: {handed_out(FLAGS.files):.0f} files a second")


if __name__ == "__main__":
    app.run(main)
