"""The plots of docs/theory.md: the best discriminator, the value of the game, and what each loss makes of it.

Follows section 4 of "Generative Adversarial Nets" (Goodfellow et al. 2014, arXiv:1406.2661). Data are N(0, 1), the
generator is N(mean, 1), D is the best there is, p / (p + q), with logit log p / q. Expectations are by quadrature, the
losses kerasgan's own.

    python examples/theory.py --output=docs/images

Seconds.
"""

import argparse
import math
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from generator_losses import LOSSES, draw, gradient_by_mean
from matplotlib.figure import Figure

from kerasgan.losses import Minimax

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(120)
WEIGHTS = WEIGHTS / math.sqrt(2 * math.pi)


def logit_of_best(x, mean):
    """log p(x) / q(x) for p = N(0, 1) and q = N(mean, 1)."""
    return mean**2 / 2 - mean * x


def value_of_best(mean):
    """V(D*, G) by quadrature: the mean over data and over generated samples of -d_loss, one node at a time."""
    real = tf.constant(logit_of_best(NODES, mean)[:, None], tf.float32)
    fake = tf.constant(logit_of_best(mean + NODES, mean)[:, None], tf.float32)
    per_node = -Minimax().discriminator_loss(real, fake, None, None).numpy()  # log D(x) + log(1 - D(G(z)))
    return float(np.sum(WEIGHTS * per_node))


def divergence(mean):
    """JSD(p, q) in nats, straight from its definition."""
    x = np.linspace(-12, 12 + mean, 20001)
    p, q = (np.exp(-((x - m) ** 2) / 2) / math.sqrt(2 * math.pi) for m in (0.0, mean))
    middle = (p + q) / 2
    return float(sum(np.sum(f * np.log(np.maximum(f, 1e-300) / middle)) for f in (p, q)) * (x[1] - x[0]) / 2)


def draw_best(path):
    x = np.linspace(-4, 6, 501)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, m in zip(figure.subplots(1, 3, sharey=True), (3.0, 1.5, 0.3), strict=True):
        p, q = (np.exp(-((x - c) ** 2) / 2) / math.sqrt(2 * math.pi) for c in (0.0, m))
        axes.plot(x, p, "k:", label="data p")
        axes.plot(x, q, "tab:green", label="generator q")
        axes.plot(x, 1 / (1 + np.exp(-logit_of_best(x, m))), "tab:blue", ls="--", label="best D")
        axes.axhline(0.5, color="0.8", lw=0.8)
        axes.set_title(f"distance {m:g}: JSD {divergence(m):.3f}")
        axes.set_xlabel("x")
    axes.legend(loc="upper right")
    figure.savefig(path, dpi=100)


def draw_value(path):
    means = np.linspace(0, 6, 61)
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(means, [value_of_best(m) for m in means], label="V(D*, G)")
    left.plot(means[::6], [2 * divergence(m) - math.log(4) for m in means[::6]], "k.", label="-log 4 + 2 JSD")
    left.axhline(0, color="0.8", lw=0.8)
    left.axhline(-math.log(4), color="0.8", lw=0.8)
    left.set_title("value of the game, D at its best")
    for name, loss in LOSSES.items():
        right.plot(means, [gradient_by_mean(loss, m) for m in means], label=name)
    right.set_title("pull on the generator")
    for axes in (left, right):
        axes.set_xlabel("distance of G from the data, in deviations")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=100)


def main(output):
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    draw_best(output / "best_discriminator.png")
    draw_value(output / "value.png")
    draw(output / "generator_losses.png")
    print(f"{'mean':>6}{'V(D*, G)':>12}{'-log 4 + 2 JSD':>18}{'JSD':>10}")
    for mean in (0.0, 0.3, 1.5, 3.0, 6.0):
        jsd = divergence(mean)
        print(f"{mean:>6}{value_of_best(mean):>12.6f}{2 * jsd - math.log(4):>18.6f}{jsd:>10.6f}")
    print(f"\n{output}/best_discriminator.png, value.png, generator_losses.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="docs/images")
    options = parser.parse_args()
    main(options.output)
