"""The density of the data, the generator's, and D, as the game goes on: until D can only guess.

Follows Figure 1 of "Generative Adversarial Nets" (Goodfellow et al. 2014, arXiv:1406.2661) with a real training: data
are N(1, 1), the noise is normal, and at the end p_g = p_data and D = 1/2.

    python examples/gan_1d.py --output=output/gan_1d

A minute on two cores.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import kerasgan

DATA = kerasgan.toys.gaussian(1.0, 1.0)
X = np.linspace(-3.0, 5.0, 301)


def build(steps):
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(32, "tanh"), keras.layers.Dense(32, "tanh"), keras.layers.Dense(1)]
    )
    discriminator = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(32, "tanh"), keras.layers.Dense(32, "tanh"), keras.layers.Dense(1)]
    )
    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(1), value_range=None)
    # The rates fall to zero: at a fixed rate the two circle around the solution.
    gan.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, steps), beta_1=0.5),
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps), beta_1=0.5),
        steps_per_execution=10,
    )
    return gan


def look(gan):
    """(p_g, D) on X; p_g from 100,000 samples in the picture's 301 cells."""
    samples = gan(gan.latent.sample(100_000, [0, 0])).numpy()[:, 0]
    edges = np.append(X - (X[1] - X[0]) / 2, X[-1] + (X[1] - X[0]) / 2)
    density = np.histogram(samples, edges)[0] / len(samples) / (X[1] - X[0])
    judgement = 1 / (1 + np.exp(-gan.discriminator(X[:, None].astype(np.float32)).numpy()[:, 0]))
    return density, judgement


def draw(moments, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3 * len(moments), 3), layout="constrained")
    for axes, (step, (density, judgement)) in zip(figure.subplots(1, len(moments)), moments.items(), strict=True):
        axes.plot(X, DATA.density(X[:, None]), "k:", label="p_data")
        axes.plot(X, density, color="tab:green", label="p_g")
        axes.plot(X, judgement, "--", color="tab:blue", label="D")
        axes.set_ylim(0, 1.05)
        axes.set_title(f"{step} updates")
    axes.legend()
    figure.savefig(path, dpi=90)


def main(output, steps=4000):
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    gan = build(steps)
    points = DATA.sample(steps * 512)
    batches = kerasgan.data.load(points, batch_size=512, like=gan)

    at = [0, *(step for step in (10, 30, 100) if step < steps), steps]
    moments = {}
    print(f"{'updates':>8} {'mean of G':>10} {'std of G':>10} {'D on data':>10} {'largest |D - 1/2|':>18} {'V':>8}")
    center = np.abs(X - 1.0) < 2.0  # 95 % of the data
    for done, step in zip([0, *at[:-1]], at, strict=True):
        if step > done:
            gan.fit(batches.skip(done).take(step - done), verbose=0)
        moments[step] = density, judgement = look(gan)
        mean = np.sum(density * X) / np.sum(density)
        spread = np.sqrt(np.sum(density * (X - mean) ** 2) / np.sum(density))
        data = DATA.density(X[:, None])
        on_data = np.sum(data * judgement) / np.sum(data)
        value = gan.evaluate(DATA.sample(50_000, seed=1), batch_size=5000, return_dict=True, verbose=0)["value"]
        off = np.abs(judgement - 0.5)[center].max()
        print(f"{step:>8} {mean:>10.3f} {spread:>10.3f} {on_data:>10.3f} {off:>18.3f} {value:>8.3f}", flush=True)
    print(f"{'solution':>8} {1.0:>10.3f} {1.0:>10.3f} {0.5:>10.3f} {0.0:>18.3f} {-np.log(4):>8.3f}")
    draw(moments, output / "gan_1d.png")
    print(f"\n{output}/gan_1d.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="output/gan_1d")
    parser.add_argument("--steps", type=int, default=4000, help="updates, a multiple of 10")
    options = parser.parse_args()
    main(options.output, options.steps)
