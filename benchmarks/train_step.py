"""How long one training step takes, beside what one would otherwise write.

In one process and interleaved, so that a busy machine slows all of them alike:

  fit                 ours: `GAN.fit`
  bare loop           a plain `tf.function` with the same mathematics, networks and optimizers, called in a Python loop
  two forwards        the same, but the generator's update draws and generates anew
  usual Keras         the same, with Keras's own BatchNormalization and Adam, as Keras's examples are written
  torch, torch.compile    the same networks and step in PyTorch, where it is installed (pip install .[bench])

Each is run in float32 and in bfloat16 (Keras's mixed_bfloat16, PyTorch's autocast).

    python benchmarks/train_step.py [--rounds=12] [--steps=10] [--models=dcgan,vanilla_gan]

It prints, for each, the median over the rounds of the milliseconds per step, images per second, and the ratio of its
median to that of `fit`; and the process's peak memory after each one was set up, in the order of the table. A turn is
timed from the end of its first step to the end of its last, so that what `fit` does once per call does not count.
"""

import importlib.util
import os
import resource
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

import kerasgan
from kerasgan.zoo.dcgan import networks as dcgan_networks

FLAGS = flags.FLAGS
flags.DEFINE_integer("rounds", 12, "how often each contestant has its turn")
flags.DEFINE_integer("steps", 10, "steps in a turn")
flags.DEFINE_list("models", ["dcgan", "vanilla_gan"], "which models; also points, a small one on toy data")
flags.DEFINE_list("precisions", ["float32", "bfloat16"], "which precisions")
flags.DEFINE_bool("torch", True, "whether to run PyTorch where it is installed")

BATCH = {"dcgan": 128, "vanilla_gan": 100, "points": 100}


def make(model):
    if model == "points":  # a GAN as small as toys need
        return kerasgan.create_model("vanilla_gan", image_shape=(2,), generator_units=64, discriminator_units=16)
    return kerasgan.create_model(model)


def contestants(model, precision):
    """`{name: function that runs n + 1 steps and returns the seconds of the last n}`."""
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    batch_size = BATCH[model]
    runners = {}

    def real_images(gan):
        low, high = gan.value_range or (-1, 1)
        return np.random.default_rng(0).uniform(low, high, (batch_size, *gan.sample_shape)).astype(np.float32)

    for name, spe in (("fit", 1), ("fit, 10 steps per execution", 10)):
        if spe > 1 and model == "dcgan":
            continue
        gan = make(model)
        gan.compile(gan.d_optimizer, gan.g_optimizer, steps_per_execution=spe)
        dataset = tf.data.Dataset.from_tensors(real_images(gan)).repeat()
        runners[name] = fit(gan, dataset, spe)

    for name, forwards, own in (("bare loop", 1, True), ("two forwards", 2, True), ("usual Keras", 2, False)):
        if model != "dcgan" and name == "usual Keras":
            continue  # it has neither batch normalisation nor Adam
        gan = stock_dcgan() if not own else make(model)
        runners[name] = bare_loop(gan, tf.constant(real_images(gan)), forwards)

    if FLAGS.torch and model != "points" and importlib.util.find_spec("torch"):
        import torch_step

        for name, compiled in (("torch", False), ("torch.compile", True)):
            runners[name] = timed(torch_step.step(model, batch_size, precision, compiled))
    return runners


class Clock(keras.callbacks.Callback):
    """Notes the end of every execution."""

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())


def fit(gan, dataset, steps_per_execution):
    def run(n):
        clock = Clock()
        gan.fit(dataset, steps_per_epoch=n + steps_per_execution, verbose=0, callbacks=[clock])
        return clock.ends[-1] - clock.ends[0]

    return run


def timed(step):
    """The same for a function that plays one step and returns losses that `float` waits for."""

    def run(n):
        for loss in step():
            float(loss)
        start = time.perf_counter()
        for _ in range(n):
            for loss in step():
                float(loss)
        return time.perf_counter() - start

    return run


def stock_dcgan():
    """The same DCGAN with Keras's own layers and optimizers."""
    ours, dcgan_networks.BatchNormalization = dcgan_networks.BatchNormalization, keras.layers.BatchNormalization
    try:
        gan = kerasgan.create_model("dcgan")
    finally:
        dcgan_networks.BatchNormalization = ours
    gan.compile(keras.optimizers.Adam(2e-4, beta_1=0.5), keras.optimizers.Adam(2e-4, beta_1=0.5))
    return gan


def bare_loop(gan, real, forwards):
    """The step of the GAN paper written out, with one or two forward passes of the generator."""
    generator, discriminator = gan.generator, gan.discriminator
    g_optimizer, d_optimizer = gan.g_optimizer, gan.d_optimizer
    g_variables, d_variables = generator.trainable_variables, discriminator.trainable_variables
    random = tf.random.Generator.from_seed(0)

    def draw():
        return random.uniform((len(real), gan.latent.dim), -1.0, 1.0)

    def as_logits(x):
        return tf.cast(discriminator(x, training=True), tf.float32)

    @tf.function
    def step(real):
        with tf.GradientTape() as g_tape:
            fake = generator(draw(), training=True)
        with tf.GradientTape() as d_tape:
            on_real, on_fake = as_logits(real), as_logits(tf.stop_gradient(fake))
            d_loss = tf.reduce_mean(tf.nn.softplus(-on_real)) + tf.reduce_mean(tf.nn.softplus(on_fake))
        d_optimizer.apply(d_tape.gradient(d_loss, [v.value for v in d_variables]), d_variables)
        if forwards == 1:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(fake)
                g_loss = tf.reduce_mean(tf.nn.softplus(-as_logits(fake)))
            upstream = tape.gradient(g_loss, fake)
            gradients = g_tape.gradient(fake, [v.value for v in g_variables], output_gradients=upstream)
        else:
            with tf.GradientTape() as tape:
                g_loss = tf.reduce_mean(tf.nn.softplus(-as_logits(generator(draw(), training=True))))
            gradients = tape.gradient(g_loss, [v.value for v in g_variables])
        g_optimizer.apply(gradients, g_variables)
        return d_loss, g_loss

    return timed(lambda: step(real))


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(model, precision):
    seconds, peaks = {}, {}
    runners = contestants(model, precision)
    for name, run in runners.items():
        run(FLAGS.steps)  # tracing and compiling
        run(FLAGS.steps)
        peaks[name] = peak_megabytes()
        seconds[name] = []
    for done in range(FLAGS.rounds):
        print(f"\r{model} {precision}: round {done + 1} of {FLAGS.rounds}", end="", file=sys.stderr, flush=True)
        for name, run in runners.items():
            seconds[name].append(run(FLAGS.steps) / FLAGS.steps)
    print(file=sys.stderr)

    base = np.median(seconds["fit"])
    print(f"\n{model}, batch {BATCH[model]}, {precision}")
    print(f"{'':30} {'ms/step':>8} {'images/s':>9} {'/ fit':>6} {'peak MB':>8}")
    for name, times in seconds.items():
        median = np.median(times)
        print(
            f"{name:30} {median * 1e3:8.1f} {BATCH[model] / median:9.0f} {median / base:6.2f} {peaks[name]:8.0f}",
            flush=True,
        )


def main(_):
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, {os.cpu_count()} CPUs")
    if FLAGS.torch and importlib.util.find_spec("torch"):
        import torch

        print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
    elif FLAGS.torch:
        print("PyTorch is not installed: no comparison with it (pip install '.[bench]').")
    for model in FLAGS.models:
        for precision in FLAGS.precisions:
            measure(model, precision)


if __name__ == "__main__":
    app.run(main)
