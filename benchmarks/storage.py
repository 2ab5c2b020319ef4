"""Which format pictures should be kept in that are read again and again, in random order.

    python benchmarks/storage.py --pictures=runs/many [--n=20000]

brings pictures (`many_pictures.py`) to 128x128, keeps them in each format, and reads batches of 64 in a random order
through `tf.data`, in turns. Prints for each: seconds to write and to open, megabytes on disk, images read per second,
and by how much the process grew meanwhile. ArrayRecord needs `pip install array_record`.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app, flags
from tqdm import tqdm

FLAGS = flags.FLAGS
flags.DEFINE_string("pictures", "runs/many", "a folder of pictures")
flags.DEFINE_integer("n", 20_000, "how many of them", lower_bound=64)
flags.DEFINE_integer("side", 128, "pixels that they are brought to", lower_bound=1)
flags.DEFINE_integer("batches", 300, "batches to read in a turn", lower_bound=1)
flags.DEFINE_integer("turns", 3, "turns of each", lower_bound=1)
flags.DEFINE_string("folder", "runs/storage", "where the formats are written")
flags.DEFINE_string("one", None, "used by the benchmark itself: read this format, in a process of its own")

BATCH, SHARDS = 64, 8
FORMATS = (
    "rows",
    "rows_memmap",
    "array_record_raw",
    "array_record_zstd",
    "array_record_png",
    "tfrecord_png",
    "snapshot",
)


def images():
    from kerasgan import data

    return data.load_array(f"folder:{FLAGS.pictures}", f"train[:{FLAGS.n}]", (FLAGS.side, FLAGS.side, 3))


def write(name, folder, samples):
    """Writes one format; samples uint8 `[N, H, W, 3]`."""
    folder.mkdir(parents=True)
    parts = np.array_split(np.arange(len(samples)), SHARDS)
    if name == "rows":  # as `data.load(cache=)` keeps them
        for i, rows in enumerate(parts):
            (folder / f"{i}.rows").write_bytes(samples[rows].tobytes())
    elif name == "rows_memmap":
        for i, rows in enumerate(parts):
            np.save(folder / f"{i}.npy", samples[rows])
    elif name.startswith("array_record"):
        from array_record.python import array_record_module

        options = {"array_record_raw": "group_size:1,uncompressed", "array_record_zstd": "group_size:1,zstd:1"}
        for i, rows in enumerate(parts):
            writer = array_record_module.ArrayRecordWriter(
                str(folder / f"{i}.array_record"), options.get(name, "group_size:1,uncompressed")
            )
            for row in rows:
                writer.write(_png(samples[row]) if name.endswith("png") else samples[row].tobytes())
            writer.close()
    elif name == "tfrecord_png":
        for i, rows in enumerate(parts):
            with tf.io.TFRecordWriter(str(folder / f"{i}.tfrecord")) as writer:
                for row in rows:
                    writer.write(_png(samples[row]))
    elif name == "snapshot":
        dataset = tf.data.Dataset.from_generator(
            lambda: iter(samples), output_signature=tf.TensorSpec(samples.shape[1:], tf.uint8)
        )
        dataset.save(str(folder / "saved"), shard_func=lambda _: tf.random.uniform((), 0, SHARDS, tf.int64))


def _png(image):
    return tf.io.encode_png(image, compression=1).numpy()


def _interleave(shards):
    return shards.shuffle(SHARDS).interleave(lambda shard: shard, cycle_length=4)


def open_batches(name, folder):
    """Batches uint8 `[64, H, W, 3]` without an end, in random order."""
    shape = (FLAGS.side, FLAGS.side, 3)
    size = int(np.prod(shape))
    if name in ("tfrecord_png", "snapshot"):
        if name == "tfrecord_png":
            files = tf.data.Dataset.from_tensor_slices([str(path) for path in sorted(folder.glob("*.tfrecord"))])
            dataset = files.shuffle(SHARDS).interleave(tf.data.TFRecordDataset, cycle_length=4, num_parallel_calls=2)
            dataset = dataset.shuffle(2000).repeat()
            dataset = dataset.map(lambda record: tf.io.decode_png(record, 3), num_parallel_calls=2)
        else:
            dataset = tf.data.Dataset.load(str(folder / "saved"), reader_func=_interleave)
            dataset = dataset.shuffle(2000).repeat()
        return dataset.batch(BATCH, drop_remainder=True).prefetch(2)
    if name == "rows_memmap":
        maps = [np.load(folder / f"{i}.npy", mmap_mode="r") for i in range(SHARDS)]
        starts = np.cumsum([0, *(len(part) for part in maps)])

        def read(rows):
            shards = np.searchsorted(starts, rows, "right") - 1
            return np.stack([maps[shard][row - starts[shard]] for shard, row in zip(shards, rows, strict=True)])
    elif name == "rows":
        from kerasgan.data import Rows

        files = [folder / f"{i}.rows" for i in range(SHARDS)]
        kept = Rows(files, [file.stat().st_size // size for file in files], shape, np.uint8)

        def read(rows):
            return kept[rows]
    else:
        from array_record.python import array_record_data_source

        source = array_record_data_source.ArrayRecordDataSource(sorted(map(str, folder.glob("*.array_record"))))

        def read(rows):
            records = source.__getitems__(rows.tolist())
            if name.endswith("png"):
                return np.array(records, object)
            return np.frombuffer(b"".join(records), np.uint8).reshape(-1, *shape)

    random = np.random.default_rng(0)
    count = FLAGS.n - FLAGS.n % BATCH

    def rows():
        while True:
            yield from np.split(random.permutation(FLAGS.n)[:count], count // BATCH)

    dataset = tf.data.Dataset.from_generator(rows, output_signature=tf.TensorSpec((BATCH,), tf.int64))
    kind = tf.string if name.endswith("png") else tf.uint8
    dataset = dataset.map(lambda rows: tf.numpy_function(read, [rows], kind), num_parallel_calls=2)
    if name.endswith("png"):
        dataset = dataset.map(
            lambda records: tf.map_fn(lambda one: tf.io.decode_png(one, 3), records, fn_output_signature=tf.uint8),
            num_parallel_calls=2,
        )
    return dataset.prefetch(2)


def _resident():
    """Megabytes that this process holds and no other could have: anonymous memory."""
    status = pathlib.Path("/proc/self/status").read_text()
    found = dict(line.split(":", 1) for line in status.splitlines() if line.startswith("Rss"))
    return {name: int(value.split()[0]) / 1024 for name, value in found.items()}


def read_one(name):
    """Prints what reading one format costs, as JSON."""
    before = _resident()
    began = time.perf_counter()
    batches = iter(open_batches(name, pathlib.Path(FLAGS.folder) / name))
    first = next(batches)
    opened = time.perf_counter() - began
    assert first.shape[0] == BATCH
    began = time.perf_counter()
    for _ in range(FLAGS.batches):
        next(batches)
    rate = FLAGS.batches * BATCH / (time.perf_counter() - began)
    after = _resident()
    grown = {kind: after[kind] - before[kind] for kind in after}
    print(json.dumps({"open": opened, "rate": rate, **grown}))


def main(_):
    if FLAGS.one:
        read_one(FLAGS.one)
        return 0
    folder = pathlib.Path(FLAGS.folder)
    samples, written = None, folder / "written.json"
    seconds = json.loads(written.read_text()) if written.is_file() else {}
    formats = [name for name in FORMATS if not name.startswith("array_record") or _has_array_record()]
    for name in tqdm(formats, desc="writing"):
        if name in seconds:
            continue
        samples = images() if samples is None else samples
        shutil.rmtree(folder / name, ignore_errors=True)
        began = time.perf_counter()
        write(name, folder / name, samples)
        seconds[name] = time.perf_counter() - began
        written.write_text(json.dumps(seconds))
    found = {name: [] for name in formats}
    for _ in range(FLAGS.turns):
        for name in formats:
            arguments = [f"--{flag}={FLAGS[flag].value}" for flag in ("n", "side", "batches", "folder")]
            done = subprocess.run(
                [sys.executable, __file__, f"--one={name}", *arguments], capture_output=True, text=True, check=True
            )
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    print("| format | write, s | MB | open, s | images/s | memory: own MB | of files MB |")
    print("|---|---|---|---|---|---|---|")
    for name in formats:
        size = sum(path.stat().st_size for path in (folder / name).rglob("*") if path.is_file()) / 1e6
        median = {key: float(np.median([turn[key] for turn in found[name]])) for key in found[name][0]}
        print(
            f"| {name} | {seconds[name]:.1f} | {size:.0f} | {median['open']:.2f} | {median['rate']:.0f} | "
            f"{median['RssAnon']:.0f} | {median['RssFile']:.0f} |"
        )
    return 0


def _has_array_record():
    with contextlib.suppress(ImportError):
        import array_record  # noqa: F401

        return True
    return False


if __name__ == "__main__":
    app.run(lambda argv: sys.exit(main(argv)))
