"""What `gan.generate` costs beside the generator that it calls, and whether two threads may call it at once.

    python benchmarks/generate.py [--model=dcgan] [--rounds=10] [--calls=50]

In turns, so that a busy machine slows both alike, for 1, 8 and 64 images:

  generate        `gan.generate(n, seed)`, from the seeds to an array
  tf.function     its generator as a `tf.function`, on latent vectors that lie ready, to an array

It prints the percentiles 50, 95 and 99 of the milliseconds per call, images per second, and the ratio of the medians.

Then two threads draw at once, each with seeds of its own: images per second beside one thread's, and whether the images
are those that one thread draws. The same with averaged weights right after a training step, when batch statistics must
first be computed anew, beside a twin that is trained alike and draws in one thread. The exit status is 1 where an image
differs.
"""

import concurrent.futures
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app, flags
from turns import print_latencies, take_turns, timed_calls

import kerasgan

FLAGS = flags.FLAGS
flags.DEFINE_string("model", "dcgan", "which family, with its recipe's defaults")
flags.DEFINE_integer("rounds", 10, "how often each contestant has its turn")
flags.DEFINE_integer("calls", 50, "calls in a turn")

ROWS = (1, 8, 64)
THREADS = 2


def contestants(gan, rows):
    """`{name: calls -> seconds of each}`."""
    generator = gan.inference_generator()
    z = tf.constant(gan.latent.from_seeds(np.arange(rows)))
    compiled = tf.function(lambda z: generator(z, training=False), autograph=False)
    return {
        "generate": timed_calls(lambda: gan.generate(rows)),
        "tf.function": timed_calls(lambda: compiled(z).numpy()),
    }


def draw(gan, thread, rows, calls):
    """What one thread draws: `[calls, rows, ...]`."""
    return np.stack([gan.generate(rows, seed=1000 * thread + i) for i in range(calls)])


def draw_in_one_thread(gan, rows, calls):
    return [draw(gan, thread, rows, calls) for thread in range(THREADS)]


def draw_at_once(gan, rows, calls):
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda thread: draw(gan, thread, rows, calls), range(THREADS)))


def count_differing(ones, others):
    """In how many images of two drawings any bit differs."""
    pairs = zip(ones, others, strict=True)
    return sum(int((one != other).any(tuple(range(2, one.ndim))).sum()) for one, other in pairs)


def compare_threads(gan, rows):
    """Prints the images per second of both ways; returns how many images differ."""

    def timed(way):
        start = time.perf_counter()
        images = way(gan, rows, FLAGS.calls)
        return time.perf_counter() - start, images

    answers = take_turns({way: lambda way=way: timed(way) for way in (draw_in_one_thread, draw_at_once)}, FLAGS.rounds)
    images = THREADS * rows * FLAGS.calls
    alone, at_once = (images / np.median([seconds for seconds, _ in turns]) for turns in answers.values())
    expected = answers[draw_in_one_thread][0][1]
    wrong = sum(count_differing(expected, drawn) for turns in answers.values() for _, drawn in turns)
    print(f"{rows:>3} images a call: {alone:8.0f} images/s in one thread, {at_once:8.0f} in {THREADS} at once", end="")
    print(f" ({at_once / alone:.2f}x); {wrong} differ")
    return wrong


def compare_after_steps(trials=5):
    """Draws with averaged weights whose batch statistics are out of date; returns how many images differ."""
    ours, twin = (kerasgan.create_model(FLAGS.model, ema_decay=0.99) for _ in range(2))
    low, high = ours.value_range
    wrong = 0
    for trial in range(trials):
        real = np.random.default_rng(trial).uniform(low, high, (32, *ours.sample_shape)).astype(np.float32)
        for gan in (ours, twin):
            gan.train_on_batch(real)
        wrong += count_differing(draw_in_one_thread(twin, 8, 4), draw_at_once(ours, 8, 4))
    print(f"averaged weights, {trials} times right after a step: {wrong} of {trials * THREADS * 8 * 4} images differ")
    return wrong


def main(_):
    gan = kerasgan.create_model(FLAGS.model)
    print(f"{gan.name}, TensorFlow {tf.__version__}, {os.cpu_count()} CPUs")
    for rows in ROWS:
        runners = contestants(gan, rows)
        for run in runners.values():
            run(5)
        seconds = take_turns(runners, FLAGS.rounds, FLAGS.calls, title=f"{rows} images")
        print_latencies(seconds, rows, "tf.function")
    print()
    wrong = sum(compare_threads(gan, rows) for rows in ROWS)
    wrong += compare_after_steps()
    return int(wrong > 0)


if __name__ == "__main__":
    app.run(lambda argv: sys.exit(main(argv)))
