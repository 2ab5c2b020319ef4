"""One Gaussian against two: which of them the three updates seek, and how much of the divergence D knows meanwhile.

Data are N(-1.5, .5) and N(1.5, .5), half each; the generator is a straight line of normal noise, so that it draws
N(mean, deviation) and every divergence is an integral that quadrature finds.

`updates.png` follows Huszár's "An Alternative Update Rule for Generative Adversarial Networks" (inference.vc): the
three updates from one start, with the best D there is and with a network, beside the normal distribution that is
nearest by the divergence that each descends. `k_steps.png` plays
Algorithm 1 of "Generative Adversarial Nets" (Goodfellow et al. 2014, arXiv:1406.2661) with 1, 5 and 25 updates of D for
one of G, and measures D by D* = p / (p + q), and what it certifies by the Jensen-Shannon divergence.

    python examples/two_gaussians.py --output=output/two_gaussians

Two minutes on one core.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from scipy import optimize, special

import kerasgan

DATA = kerasgan.toys.Mixture(np.array([[-1.5], [1.5]]), 0.5)
X = np.linspace(-12.0, 12.0, 2401)
P = DATA.density(X[:, None])
START = 1.0, 0.7  # the generator's mean and deviation
BATCH = 512
STEPS = 1, 5, 25  # of D for one of G
DIVERGENCES = {
    "2 JSD": lambda q: 2 * jensen_shannon(q),
    "KL(q | p) - 2 JSD": lambda q: kl(q, P) - 2 * jensen_shannon(q),
    "KL(q | p)": lambda q: kl(q, P),
    "KL(p | q)": lambda q: kl(P, q),
}
LOSSES = dict(zip(("minimax", "non_saturating", "kl"), DIVERGENCES, strict=False))  # and what each descends


def integral(values):
    return float(np.sum(values) * (X[1] - X[0]))


def kl(a, b):
    return integral(special.rel_entr(a, b))


def jensen_shannon(q):
    return (kl(P, (P + q) / 2) + kl(q, (P + q) / 2)) / 2


def normal(mean, deviation):
    return kerasgan.toys.Mixture(np.array([[mean]]), deviation).density(X[:, None])


def nearest(divergence):
    """Mean and deviation of the normal distribution with the least divergence, mean at 0 or right of it."""
    found = [
        optimize.minimize(lambda t: divergence(normal(t[0], np.exp(t[1]))), (mean, 0.0), method="Nelder-Mead")
        for mean in (0.0, 1.5)
    ]
    mean, log_deviation = min(found, key=lambda one: one.fun).x
    return abs(float(mean)), float(np.exp(log_deviation))


def descend(divergence, updates, rate):
    """Where gradient descent with the best D comes to, which is that of the divergence itself."""
    here, step = np.array(START), 1e-4 * np.eye(2)
    for _ in range(updates):
        slope = [divergence(normal(*(here + e))) - divergence(normal(*(here - e))) for e in step]
        here = here - rate * np.array(slope) / 2e-4
    return here


class Watch(keras.callbacks.Callback):
    """After each update of G: its mean and deviation, and the logits of D on X."""

    def __init__(self):
        super().__init__()
        self.drawn, self.logits = [], []

    def on_train_batch_end(self, batch, logs=None):
        kernel, bias = (float(np.squeeze(weight)) for weight in self.model.generator.get_weights())
        self.drawn.append((bias, abs(kernel)))
        self.logits.append(self.model.discriminator(X[:, None].astype(np.float32)).numpy()[:, 0].astype(np.float64))


def play(loss, d_steps, updates, rate):
    """A game of `updates` of G, whose rate falls to 0; D's stays."""
    keras.utils.set_random_seed(0)
    line = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    line.set_weights([np.full((1, 1), START[1]), np.full(1, START[0])])
    judge = keras.Sequential([keras.Input((1,)), *[keras.layers.Dense(64, "relu") for _ in range(2)]])
    judge.add(keras.layers.Dense(1))
    gan = kerasgan.GAN(line, judge, kerasgan.latents.Normal(1), value_range=None)
    g_rate = keras.optimizers.schedules.CosineDecay(rate, updates)
    gan.compile(keras.optimizers.Adam(1e-2), keras.optimizers.SGD(g_rate), loss=loss, d_steps=d_steps)
    data = kerasgan.data.load(DATA.sample(200 * d_steps * BATCH), batch_size=d_steps * BATCH, like=gan)
    watch = Watch()
    gan.fit(data.repeat(), steps_per_epoch=updates, callbacks=[watch], verbose=0)
    return watch


def compare_updates(path, updates):
    from matplotlib.figure import Figure

    print(
        f"From N{START}, {updates} updates of G: mean, deviation and divergence of what is nearest, of what the best D"
    )
    print("leads to, and of what a network for D does that has 10 updates for one of G\n")
    print(f"{'':>18}{'':>16}" + "".join(f"{what:>22}" for what in ("nearest", "best D", "network")))
    figure = Figure(figsize=(12, 2.7), layout="constrained")
    games = {**LOSSES, "": "KL(p | q)"}
    for axes, (loss, name) in zip(figure.subplots(1, len(games)), games.items(), strict=True):
        divergence = DIVERGENCES[name]
        ends = {"nearest": nearest(divergence)}
        if loss:
            ends["best D"] = descend(divergence, updates, 0.05)
            ends["network"] = play(loss, 10, updates, 0.05).drawn[-1]
        cells = (
            f"{mean:>7.2f}{spread:>6.2f}{divergence(normal(mean, spread)):>9.3f}" for mean, spread in ends.values()
        )
        print(f"{name:>18}{loss:>16}" + "".join(cells), flush=True)
        axes.fill_between(X, P, color="0.88", label="data")
        for (what, end), style in zip(ends.items(), ("k:", "b--", "r-"), strict=False):
            axes.plot(X, normal(*end), style, label=what)
        axes.set(xlim=(-5, 5), ylim=(0, 0.85), yticks=[], title=f"{loss}: {name}" if loss else f"{name}: no update's")
    figure.axes[0].legend(loc="upper left", fontsize=8)
    figure.savefig(path, dpi=90)


def compare_steps(path, updates):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3), layout="constrained")
    known, far, best = figure.subplots(1, 3)
    print(f"\nMinimax, means over {updates} updates: the divergence, what D certifies of it, and E|D - D*| over both\n")
    print(f"{'updates of D':>20}{'JSD':>8}{'certified':>11}{'|D - D*|':>12}{'last JSD':>10}")
    for color, d_steps in zip(("tab:red", "tab:orange", "tab:blue"), STEPS, strict=False):
        watch = play("minimax", d_steps, updates, 0.05)
        exact, certified, off = [], [], []
        for drawn, logits in zip(watch.drawn, watch.logits, strict=True):
            q = normal(*drawn)
            exact.append(jensen_shannon(q))
            value = integral(P * special.log_expit(logits) + q * special.log_expit(-logits))
            certified.append((value + np.log(4)) / 2)
            off.append(integral((P + q) / 2 * np.abs(special.expit(logits) - P / (P + q + 1e-300))))
        print(
            f"{d_steps:>20}{np.mean(exact):>8.3f}{np.mean(certified):>11.3f}{np.mean(off):>12.3f}{exact[-1]:>10.3f}",
            flush=True,
        )
        known.plot(exact, color=color, label=f"{d_steps} to 1")
        known.plot(certified, "--", color=color)
        far.plot(off, color=color)
        middle = updates // 10
        q = normal(*watch.drawn[middle])
        best.plot(X, special.expit(watch.logits[middle]), color=color)
        best.plot(X, P / (P + q + 1e-300), ":", color=color)
    known.set(title="JSD, and what D certifies (dashed)", xlabel="updates of G", ylim=(-0.15, 0.35))
    known.legend(fontsize=8)
    far.set(title="E|D - D*|", xlabel="updates of G", ylim=(0, None))
    best.set(title=f"D and D* (dotted) after {updates // 10} updates", xlim=(-4, 4), ylim=(0, 1))
    figure.savefig(path, dpi=90)


def main(output, updates=1000):
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    compare_updates(output / "updates.png", updates)
    compare_steps(output / "k_steps.png", updates * 3 // 10)  # where all of it happens
    print(f"\n{output}/updates.png, k_steps.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="output/two_gaussians")
    parser.add_argument("--updates", type=int, default=1000, help="updates of G in each game")
    options = parser.parse_args()
    main(options.output, options.updates)
