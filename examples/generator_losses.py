"""The three generator losses: their shapes, their gradients, and a generator that starts far away.

Follows section 3 of "Generative Adversarial Nets" (Goodfellow et al. 2014, arXiv:1406.2661), which says why log(1 - D)
saturates, and Huszár's "An Alternative Update Rule for Generative Adversarial Networks" (inference.vc).

Data are N(0, 1), the generator is N(mean, 1). First D is the best there is, p / (p + q), at every update, and the
gradients come from quadrature; then D is a network that is trained with `fit` beside the generator.

    python examples/generator_losses.py --output=output/generator_losses

A minute on two cores.
"""

import argparse
import math
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import kerasgan
from kerasgan import losses

LOSSES = {"minimax": losses.Minimax(), "non_saturating": losses.NonSaturating(), "kl": losses.KL()}
START = 6.0


def loss_and_gradient(loss, logits):
    """The generator's loss at these logits and its derivative by them."""
    logits = tf.constant(np.asarray(logits, np.float32)[:, None])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss.generator_loss(logits, None, None)
    return value.numpy(), tape.gradient(value, logits).numpy()[:, 0]


def gradient_by_mean(loss, mean):
    """d/d mean of E[loss] over N(mean, 1), D held at p / (p + q): its logit is mean^2 / 2 - mean x. By quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    logits = mean**2 / 2 - mean * (mean + nodes)
    _, by_logit = loss_and_gradient(loss, logits)
    return float(np.sum(weights / math.sqrt(2 * math.pi) * by_logit * -mean))


def draw(path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    d = np.linspace(0.002, 0.998, 499)
    for name, loss in LOSSES.items():
        value, gradient = loss_and_gradient(loss, np.log(d / (1 - d)))
        left.plot(d, value, label=name)
        right.plot(d, np.abs(gradient), label=name)
    left.set_title("generator's loss")
    right.set_title("size of its gradient on D's logit")
    for axes in (left, right):
        axes.set_xlabel("D(G(z))")
        axes.grid(alpha=0.3)
    left.legend()
    figure.savefig(path, dpi=100)


def descend(loss, updates, rate=0.1):
    """The generator's mean under gradient descent, D at its best before every update."""
    mean, path = START, [START]
    for _ in range(updates):
        mean -= rate * gradient_by_mean(loss, mean)
        path.append(mean)
    return path


def play(name, rounds, steps, rate=0.1):
    """The generator's mean in a real game, five updates of a network D before each of the generator's."""
    keras.utils.set_random_seed(0)
    shift = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    shift.set_weights([np.ones((1, 1)), np.array([START])])
    shift.layers[0].kernel.trainable = False  # the mean alone is learnt
    judge = keras.Sequential([keras.Input((1,)), *[keras.layers.Dense(32, "tanh") for _ in range(2)]])
    judge.add(keras.layers.Dense(1))
    gan = kerasgan.GAN(shift, judge, kerasgan.latents.Normal(1), value_range=None)
    gan.compile(
        keras.optimizers.Adam(5e-3), keras.optimizers.SGD(rate), loss=name, d_steps=5, steps_per_execution=steps
    )
    data = kerasgan.data.load(
        kerasgan.toys.gaussian().sample(rounds * steps * 5 * 256), batch_size=5 * 256, like=gan
    ).repeat()
    path = [START]
    for _ in range(rounds):
        gan.fit(data, steps_per_epoch=steps, verbose=0)
        path.append(float(shift.layers[0].bias[0]))
    return path


def main(output, updates=200):
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    draw(output / "generator_losses.png")

    names = "".join(f"{name:>16}" for name in LOSSES)
    print(f"Gradient by the generator's mean, D = p / (p + q)\n{'mean':>8}{names}")
    for mean in (0.5, 1.5, 3.0, 4.5, 6.0, 8.0):
        print(f"{mean:>8}" + "".join(f"{gradient_by_mean(loss, mean):>16.6f}" for loss in LOSSES.values()))

    marks = [0, 10, 20, 50, 100, 200]
    print(f"\nThe generator's mean from {START:g}, rate .1, D at its best before every update\n{'updates':>8}{names}")
    exact = [descend(loss, updates) for loss in LOSSES.values()]
    for mark in marks:
        if mark <= updates:
            print(f"{mark:>8}" + "".join(f"{path[mark]:>16.3f}" for path in exact))

    print(f"\nThe same with a network for D, five updates of D to one of G\n{'updates':>8}{names}")
    played = [play(name, updates // 10, 10) for name in LOSSES]
    for mark in marks:
        if mark <= updates:
            print(f"{mark:>8}" + "".join(f"{path[mark // 10]:>16.3f}" for path in played), flush=True)
    print(f"\n{output}/generator_losses.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="output/generator_losses")
    options = parser.parse_args()
    main(options.output)
