"""The three updates side by side on a swiss roll, as an animation.

Follows "An Alternative Update Rule for Generative Adversarial Networks" (Huszár 2016, inference.vc), its data and its
networks of two hidden layers of 64 units.

    python examples/swiss_roll.py --output=output/swiss_roll

Five minutes on two cores.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from tqdm import tqdm

import kerasgan
from kerasgan import plots

LOSSES = ("minimax", "non_saturating", "kl")
ROLL = kerasgan.toys.swiss_roll()
SCALE = 5.0  # the roll is some 7 units wide; the networks see it divided by this


def build(loss, steps):
    keras.utils.set_random_seed(0)
    generator = keras.Sequential([keras.Input((2,))])
    discriminator = keras.Sequential([keras.Input((2,))])
    for network in (generator, discriminator):
        for _ in range(2):
            network.add(keras.layers.Dense(64, "relu"))
    generator.add(keras.layers.Dense(2))
    discriminator.add(keras.layers.Dense(1))
    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(2), value_range=None)
    gan.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps), beta_1=0.5),
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps), beta_1=0.5),
        loss=loss,
        steps_per_execution=10,
    )
    return gan


def precision_and_recall(samples, real, least):
    """The share of samples where the data's density is at least `least`, and of real points near some sample."""
    distances = np.linalg.norm(real[:, None] - samples[None], axis=-1).min(1)
    return float((ROLL.density(samples) >= least).mean()), float((distances < 0.3).mean())


def draw(samples, real, step, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 2.8), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(LOSSES)), LOSSES, strict=True):
        axes.plot(*real.T, ".", markersize=1, color="0.8")
        axes.plot(*samples[name].T, ".", markersize=1, color="tab:red")
        axes.set(xlim=(-8, 8), ylim=(-8, 8), aspect="equal", xticks=[], yticks=[], title=name)
    figure.suptitle(f"{step} updates", fontsize=9)
    figure.savefig(path, dpi=80)


def main(output, steps=12_000, frames=24):
    output = pathlib.Path(output)
    (output / "frames").mkdir(parents=True, exist_ok=True)
    real = ROLL.sample(2000, seed=1)
    least = np.quantile(ROLL.density(ROLL.sample(20_000, seed=2)), 0.05)
    data = ROLL.sample(100_000) / SCALE
    games = {loss: build(loss, steps) for loss in LOSSES}
    batches = {loss: kerasgan.data.load(data, batch_size=256, like=gan).repeat() for loss, gan in games.items()}
    every = steps // frames
    pictures, report = [], {}
    for frame in tqdm(range(frames + 1), unit="frame"):
        samples = {}
        for loss, gan in games.items():
            if frame:
                gan.fit(batches[loss], steps_per_epoch=every, verbose=0)
            samples[loss] = SCALE * gan.generate(2000, batch_size=2000)
            report[loss, frame] = precision_and_recall(samples[loss], real, least)
        pictures.append(output / "frames" / f"{frame:03d}.png")
        draw(samples, real, frame * every, pictures[-1])
    plots.animation(pictures, output / "swiss_roll.gif", milliseconds=250)
    pictures[-1].replace(output / "swiss_roll.png")

    print("Precision: samples where the data's density exceeds its own 5 % quantile (the data: .95).")
    print("Recall: real points with one of 2,000 samples within .3 (the data themselves: ", end="")
    print(f"{precision_and_recall(ROLL.sample(2000, seed=3), real, least)[1]:.3f}).\n")
    print(f"{'updates':>8}" + "".join(f"{loss:>22}" for loss in LOSSES))
    for frame in sorted({frames // 8, frames // 4, frames // 2, frames}):
        cells = (report[loss, frame] for loss in LOSSES)
        print(f"{frame * every:>8}" + "".join(f"{f'{p:.3f} / {r:.3f}':>22}" for p, r in cells))
    print(f"\n{output}/swiss_roll.gif, swiss_roll.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="output/swiss_roll")
    parser.add_argument("--steps", type=int, default=12_000, help="updates, a multiple of 240")
    options = parser.parse_args()
    main(options.output, options.steps)
