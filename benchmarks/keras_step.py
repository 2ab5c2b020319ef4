"""The zoo's training step by `fit`, and as one would otherwise write it, for `train_step.py` to time."""

import math
import os
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from turns import peak_megabytes, timed_steps

import kerasgan
from kerasgan.zoo.dcgan import networks as dcgan_networks


def contestants(model: str, batch_size: int, precision: str, size: int) -> dict:
    """`{name: steps -> seconds per step}` of each way to play the step, warmed up; and two entries more.

    "matrix product" gives the seconds of a product of two square matrices of that size; "facts" takes nothing and gives
    for each way `(multiplications in a step, this process's peak memory in MB once it had played)`.
    """
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    runners, facts = {}, {}

    def enter(name, run, played, *arguments):
        run(2)  # tracing and compiling
        runners[name], facts[name] = run, (multiplications(played, *arguments), peak_megabytes())

    for name, steps_per_execution in (("fit", 1), ("fit, 10 steps per execution", 10)):
        if steps_per_execution > 1 and model == "dcgan":
            continue
        gan = make(model)
        gan.compile(gan.d_optimizer, gan.g_optimizer, steps_per_execution=steps_per_execution)
        real = tf.constant(real_images(gan, batch_size))
        enter(name, timed_fit(gan, tf.data.Dataset.from_tensors(real).repeat()), gan.train_step, real)

    for name, forwards, own in (("bare loop", 1, True), ("two forwards", 2, True), ("usual Keras", 2, False)):
        if model != "dcgan" and name == "usual Keras":
            continue  # it has neither batch normalisation nor Adam
        gan = make(model) if own else stock_dcgan()
        real = tf.constant(real_images(gan, batch_size))
        step = bare_step(gan, forwards)
        enter(name, timed_steps(lambda step=step, real=real: wait_for(step(real))), step, real)

    runners["matrix product"] = matrix_product(precision, size)
    runners["facts"] = lambda: facts
    return runners


ADDITIONS: dict[str, dict] = {  # to the plain step, each by itself: what `create_model` is asked for
    "fit": {},
    "labels": {"classes": 10},
    "R1, every 16": {"penalties": "r1(5, every=16)"},
    "R1": {"penalties": "r1(5)"},
    "DiffAugment": {"augment": "color,translation,cutout"},
    "Adaptive": {"augment": "adaptive"},
    "hinge": {"loss": "hinge"},
    "least_squares": {"loss": "least_squares"},
    "wasserstein": {"loss": "wasserstein"},
    "relativistic": {"loss": "relativistic"},
}


def additions(model: str, batch_size: int, precision: str) -> dict:
    """`{name: steps -> seconds per step}` of `fit` with each of `ADDITIONS`, warmed up, and "two D passes": how long
    the discriminator takes for two batches forward.
    """
    warnings.filterwarnings("ignore", "The discriminator has batch normalisation")  # it is for the time
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    runners = {}
    for name, options in ADDITIONS.items():
        gan = kerasgan.create_model(model, **options)
        batch = real = tf.constant(real_images(gan, batch_size))
        if "classes" in options:
            batch = (real, tf.constant(np.arange(batch_size) % 10, tf.int32))
        runners[name] = timed_fit(gan, tf.data.Dataset.from_tensors(batch).repeat())
        runners[name](17)  # tracing, and both branches of what is lazy
    judge = tf.function(lambda x: [tf.reduce_sum(gan.discriminator(y, training=True)) for y in (x, x + 1e-3)])
    runners["two D passes"] = timed_steps(lambda: wait_for(judge(real)))
    runners["two D passes"](2)
    return runners


def make(model):
    if model == "points":  # a GAN as small as toys need
        return kerasgan.create_model("vanilla_gan", image_shape=(2,), generator_units=64, discriminator_units=16)
    return kerasgan.create_model(model)


def real_images(gan, batch_size):
    low, high = gan.value_range or (-1, 1)
    return np.random.default_rng(0).uniform(low, high, (batch_size, *gan.sample_shape)).astype(np.float32)


class Clock(keras.callbacks.Callback):
    """Notes the end of every execution."""

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())


def timed_fit(gan, dataset):
    """`n -> seconds per step` of `fit` over n steps, from the end of a first execution on."""

    def run(n):
        clock = Clock()
        gan.fit(dataset, steps_per_epoch=n + gan.steps_per_execution, verbose=0, callbacks=[clock])
        return (clock.ends[-1] - clock.ends[0]) / ((len(clock.ends) - 1) * gan.steps_per_execution)

    return run


def wait_for(losses):
    for loss in losses:
        float(loss)


def stock_dcgan():
    """The same DCGAN with Keras's own layers and optimizers."""
    ours, dcgan_networks.BatchNormalization = dcgan_networks.BatchNormalization, keras.layers.BatchNormalization
    try:
        gan = kerasgan.create_model("dcgan")
    finally:
        dcgan_networks.BatchNormalization = ours
    gan.compile(keras.optimizers.Adam(2e-4, beta_1=0.5), keras.optimizers.Adam(2e-4, beta_1=0.5))
    return gan


def bare_step(gan, forwards):
    """The step of the GAN paper written out, with one or two forward passes of the generator."""
    generator, discriminator = gan.generator, gan.discriminator
    g_optimizer, d_optimizer = gan.g_optimizer, gan.d_optimizer
    g_variables, d_variables = generator.trainable_variables, discriminator.trainable_variables
    random = tf.random.Generator.from_seed(0)

    def draw(rows):
        return random.uniform((rows, gan.latent.dim), -1.0, 1.0)

    def as_logits(x):
        return tf.cast(discriminator(x, training=True), tf.float32)

    @tf.function
    def step(real):
        with tf.GradientTape() as g_tape:
            fake = generator(draw(len(real)), training=True)
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
                g_loss = tf.reduce_mean(tf.nn.softplus(-as_logits(generator(draw(len(real)), training=True))))
            gradients = tape.gradient(g_loss, [v.value for v in g_variables])
        g_optimizer.apply(gradients, g_variables)
        return d_loss, g_loss

    return step


def matrix_product(precision, size):
    """`n -> seconds` of one product of two large square matrices, the mean of n."""
    numbers = np.random.default_rng(0).standard_normal((2, size, size))
    a, b = (tf.constant(matrix, "bfloat16" if precision == "bfloat16" else "float32") for matrix in numbers)
    multiply = tf.function(lambda: tf.matmul(a, b)[0, 0])
    return timed_steps(lambda: float(multiply()))


def multiplications(function, *arguments) -> int:
    """How many multiplications a function's convolutions and matrix products take, those alone that its graph runs."""
    traced = function if hasattr(function, "get_concrete_function") else tf.function(function, autograph=False)
    graph = traced.get_concrete_function(*arguments).graph
    return sum(_multiplications_of(op, len(arguments[0])) for op in _operations_run(graph))


def _operations_run(graph):
    """What outputs and changes of state depend on; gradients contain operations that nobody asks for."""
    waiting = [*graph.control_outputs, *(output.op for output in graph.outputs)]
    seen = set()
    while waiting:
        op = waiting.pop()
        if op not in seen:
            seen.add(op)
            waiting += [*op.control_inputs, *(tensor.op for tensor in op.inputs)]
    return seen


def _multiplications_of(op, batch_size) -> int:
    def shape(tensor):
        return [batch_size if n is None else n for n in tensor.shape]  # the only size that tracing does not know

    if op.type == "Conv2D":
        return math.prod(shape(op.outputs[0])) * math.prod(shape(op.inputs[1])[:3])
    if op.type == "Conv2DBackpropInput":  # also a transposed convolution
        return math.prod(shape(op.inputs[2])) * math.prod(shape(op.inputs[1])[:3])
    if op.type == "Conv2DBackpropFilter":
        return math.prod(shape(op.inputs[2])) * math.prod(shape(op.outputs[0])[:3])
    if op.type == "MatMul":
        return math.prod(shape(op.outputs[0])) * shape(op.inputs[0])[0 if op.get_attr("transpose_a") else 1]
    return 0
