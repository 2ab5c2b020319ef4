r"""How many modes of a ring and of a grid a GAN finds, with each generator loss, over several seeds.

Follows the protocol of PacGAN (Lin et al. 2018, arXiv:1712.04086, section 4.1): 8 modes on a circle (sigma .01) and
25 on a grid (sigma .05), 2,500 samples, of which one counts as of high quality within 3 sigma of a mode, and a mode as
found if it has one such sample.

    python examples/mode_coverage.py --output=output/mode_coverage
    python examples/mode_coverage.py --recipe=published --losses=non_saturating
    python examples/mode_coverage.py --recipe=even --losses=relativistic --penalties="r1(.03), r2(.03)" \
        --steps=3000 --seeds=10

The first is our recipe: two data sets, three losses, five seeds, 20 minutes on one core. The last finds all modes of
both: 7 minutes on one core.

`published` is what the paper trains: a generator of 4 x 400 ReLU units with batch normalisation, a maxout discriminator
of 3 x 200 units, Adam(1e-4, beta_1=.8), batches of 100. It trains for 400,000 updates; here --steps says how many.
`ours` keeps the data, the latent and the measure, and changes four things, which --recipe takes one after the other as
well: `+rate` (Adam, beta_1=.5, at 1e-3 for D and 5e-4 for G, falling to 0 along a cosine), `+plain` (G of 3 x 128 units
without batch normalisation), `+leaky` (D of 3 x 128 LeakyReLU units in place of maxout), `ours` (batches of 256).
`even` is `ours` with Adam at 2e-3 for both and beta_1=0, beta_2=.99, as R3GAN has them (arXiv:2501.05441).
"""

import argparse
import dataclasses
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers, ops

import kerasgan
from kerasgan import metrics, plots, toys


@dataclasses.dataclass(frozen=True)
class Recipe:
    rate: bool = False
    even: bool = False
    plain: bool = False
    leaky: bool = False
    batch_size: int = 100


RECIPES = {
    "published": Recipe(),
    "+rate": Recipe(rate=True),
    "+plain": Recipe(rate=True, plain=True),
    "+leaky": Recipe(rate=True, plain=True, leaky=True),
    "ours": Recipe(rate=True, plain=True, leaky=True, batch_size=256),
    "even": Recipe(rate=True, even=True, plain=True, leaky=True, batch_size=256),
}
# Mean and standard error over ten trials in PacGAN's Tables 1 and 2: modes, share of high quality.
PUBLISHED = {
    "ring": {"GAN": "6.3 ± 0.5 of 8, .982", "PacGAN2": "7.9 of 8"},
    "grid": {"GAN": "17.3 ± 0.8 of 25, .948", "PacGAN2": "23.8 of 25"},
}


def build(recipe, loss, seed, steps, penalties=None):
    keras.utils.set_random_seed(seed)
    z, points = keras.Input((2,)), keras.Input((2,))
    x = z
    for _ in range(3 if recipe.plain else 4):
        x = layers.Dense(128 if recipe.plain else 400)(x)
        x = x if recipe.plain else kerasgan.layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
    generator = keras.Model(z, layers.Dense(2)(x))
    x = points
    for _ in range(3):
        if recipe.leaky:
            x = layers.LeakyReLU(negative_slope=0.2)(layers.Dense(128)(x))
        else:
            x = ops.max(layers.Reshape((5, 200))(layers.Dense(1000)(x)), axis=1)  # maxout of 5 pieces
    discriminator = keras.Model(points, layers.Dense(1)(x))

    def optimizer(rate):
        if not recipe.rate:
            return kerasgan.optimizers.Adam(1e-4, beta_1=0.8)
        falling = keras.optimizers.schedules.CosineDecay(2e-3 if recipe.even else rate, steps)
        betas = {"beta_1": 0.0, "beta_2": 0.99} if recipe.even else {"beta_1": 0.5}
        return kerasgan.optimizers.Adam(falling, **betas)

    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(2), value_range=None, seed=seed)
    gan.compile(optimizer(1e-3), optimizer(5e-4), loss=loss, penalties=penalties, steps_per_execution=50)
    return gan


def trial(name, recipe, loss, seed, steps, folder, penalties=None):
    """The report of `mode_coverage` for one training."""
    toy = toys.get(name)
    gan = build(recipe, loss, seed, steps, penalties)
    data = kerasgan.data.load(name, batch_size=recipe.batch_size, like=gan, seed=seed)
    gan.fit(data.repeat(), steps_per_epoch=steps, verbose=0)
    samples = gan.generate(2500, batch_size=2500)
    plots.points(samples, folder / f"{name}_{loss}_{seed}.png", real=toy.sample(2500, seed=seed))
    return metrics.mode_coverage(samples, toy.means, toy.sigma)


def main(
    output,
    recipe="ours",
    names=("ring", "grid"),
    losses=("minimax", "non_saturating", "kl"),
    seeds=5,
    steps=5000,
    penalties=None,
):
    folder = pathlib.Path(output) / recipe
    folder.mkdir(parents=True, exist_ok=True)
    rules = f"Recipe {recipe}, penalties {penalties}" if penalties else f"Recipe {recipe}"
    print(f"{rules}, {steps} updates, seeds 0 to {seeds - 1}; mean ± standard error over the seeds")
    for name in names:
        total = len(toys.get(name).means)
        print(f"\n{name:<16}{'modes of ' + str(total):>16}{'high quality':>16}{'KL, nats':>16}  modes, seed by seed")
        for loss in losses:
            start = time.perf_counter()
            reports = [trial(name, RECIPES[recipe], loss, seed, steps, folder, penalties) for seed in range(seeds)]
            cells = []
            for key in ("modes", "high_quality", "kl"):
                values = np.array([report[key] for report in reports], float)
                error = values.std(ddof=1) / np.sqrt(seeds) if seeds > 1 else float("nan")
                cells.append(f"{values.mean():.3f} ± {error:.3f}")
            found = " ".join(str(report["modes"]) for report in reports)
            full = sum(report["modes"] == total for report in reports)
            seconds = (time.perf_counter() - start) / seeds
            row = f"{loss:<16}" + "".join(f"{cell:>16}" for cell in cells)
            print(f"{row}  {found}  all in {full} of {seeds}  ({seconds:.0f} s each)", flush=True)
        for paper, value in PUBLISHED[name].items():
            print(f"{paper + ', published':<24} {value}")
    print(f"\n{folder}/: the samples of each training over the data")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="output/mode_coverage")
    parser.add_argument("--recipe", default="ours", choices=RECIPES)
    parser.add_argument("--names", nargs="+", default=["ring", "grid"], choices=["ring", "grid"])
    parser.add_argument("--losses", nargs="+", default=["minimax", "non_saturating", "kl"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5000, help="updates, a multiple of 50")
    parser.add_argument("--penalties", help='such as "r1(.03), r2(.03)"; none unless given')
    main(**vars(parser.parse_args()))
