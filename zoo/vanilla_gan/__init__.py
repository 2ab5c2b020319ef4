"""The first GAN (Goodfellow et al. 2014, arXiv:1406.2661)."""

from typing import TYPE_CHECKING, Any

from kerasgan.registry import register, register_preset
from kerasgan.zoo.vanilla_gan.recipe import VanillaGANRecipe

if TYPE_CHECKING:
    from kerasgan.gan import GAN


@register("vanilla_gan", VanillaGANRecipe, "fully connected generator, maxout discriminator with dropout (2014)")
def build(recipe: VanillaGANRecipe) -> "GAN":
    """The compiled GAN that a recipe describes."""
    import math

    from kerasgan.gan import GAN
    from kerasgan.latents import Uniform, for_classes
    from kerasgan.optimizers import Adam, FlooredExponentialDecay, RampedMomentumSGD
    from kerasgan.zoo.vanilla_gan import networks

    def sgd(learning_rate: Any) -> RampedMomentumSGD:
        return RampedMomentumSGD(
            FlooredExponentialDecay(learning_rate, recipe.learning_rate_divisor, recipe.learning_rate_floor),
            initial_momentum=recipe.initial_momentum,
            final_momentum=recipe.final_momentum,
            ramp_steps=recipe.momentum_ramp_steps,
        )

    if recipe.optimizer == "sgd":
        # The paper's code gives D half the sum of its two cross-entropies; ours is the sum. Under SGD that is half
        # the learning rate.
        d_optimizer, g_optimizer = sgd(recipe.learning_rate / 2.0), sgd(recipe.generator_learning_rate)
    else:
        d_optimizer, g_optimizer = (
            Adam(rate, beta_1=0.5) for rate in (recipe.learning_rate, recipe.generator_learning_rate)
        )

    latent = for_classes(Uniform(recipe.latent_dim, -math.sqrt(3.0), math.sqrt(3.0)), recipe.classes)
    logits = getattr(latent, "classes", 1)  # one for each class
    shape, units, pieces = recipe.image_shape, recipe.discriminator_units, recipe.discriminator_pieces
    dropouts = recipe.input_dropout, recipe.dropout
    gan = GAN(
        networks.generator(shape, latent.dim, recipe.generator_units, recipe.seed),
        networks.discriminator(shape, units, pieces, recipe.seed, logits, *dropouts),
        latent,
        value_range=(0, 1) if len(recipe.image_shape) == 3 else None,
        ema_decay=recipe.ema_decay,
        seed=recipe.seed,
        name="vanilla_gan",
    )
    gan.compile(
        d_optimizer=d_optimizer,
        g_optimizer=g_optimizer,
        loss=recipe.loss,
        **recipe.rules(),
    )
    return gan


register_preset(
    "vanilla_gan_fashion_mnist",
    "vanilla_gan",
    dataset="fashion_mnist",
    split="train[:55000]",
    validation_split="train[55000:]",
    score_every=2,
    conditional=True,
    epochs=20,
    ema_decay="halving(cosine(0, 2500, 6600))",
    optimizer="adam",
    learning_rate=2e-3,
    generator_learning_rate=1e-3,
    latent_dim=32,
    generator_units=1000,
    input_dropout=0.0,
    dropout=0.0,
    penalties="r1(0.02, every=4)",
    notes="""The networks are the paper's, but for what these trainings of one seed each found, by FCD of 5,000 images
against the validation split. Without classes (rows 1 to 4) SGD loses most of them: after 9 epochs nearly all samples
are tops and trousers.

| | 2 | 4 | 6 | 8 | 10 | 12 epochs |
|---|---|---|---|---|---|---|
| SGD as in the paper, but for `--learning_rate_divisor=1.0001` | 525 | 419 | | 447 | | |
| Adam, rate .0002 | 552 | | | | | |
| Adam, rates .0005 (D) and .001 (G), average .999 | 144 | 102 | | | | |
| that with 1,000 units a layer in G: the preset of before | 125 | 101 | | 89 | | 75 to 85 |
| that with classes, and rates that fall to 0 | | | | 64 | rises | |
| no dropout of inputs, .2 of units, R1 .1, rates .0005 | 107 | 71 | 60 | 54 | 52 | |
| R1 .02, rates .001 | 69 | 58.5 | 53 | 51 | | |
| no dropout at all, rates .002 and .001 | 72 | 56 | 50 | 49 | | |
| that with 32 numbers of noise for 100 | 69.5 | 51.3 | 45.5 | 42.9 | | |
| with 16 | 68 | 52 | 47.5 | | | |
| 32, rates that fall to 0 within 10 epochs, average longer | 84 | 58 | 46 | 41.8 | 47.9 | |
| 32, rates that stay, average of 2,500 updates: **this preset** | 76.4 | 54.0 | 44.2 | 39.9 | 37.5 | **35.8** |

Each number of noise leaves speckle in every pixel, which a fully connected generator has to unlearn one by one: of the
same weights FCD is 41 with z made .8 times as large, and 55 with 1.1 times (row 8). An average over many updates of
rates that stay takes it away; at the end of rates that fall the weights have it again. What was tried besides:
relativistic pairs with R1 and R2 (54 after 4 epochs, 56 after 8), translation of what D sees (237 after 2), 1,200 units
(51 after 20). G has 1,000 units a layer for 1,200, to keep all presets together small.""",
)
register_preset(
    "vanilla_gan_mnist",
    "vanilla_gan",
    dataset="mnist",
    split="train[:50000]",
    validation_split="train[50000:]",
    score_every=5,
    image_shape=(28, 28, 1),
    ema_decay=0.999,
    notes="""The authors' `mnist.yaml`: its 50,000 images in batches of 100, its 10,000 to validate on, SGD with a
momentum that grows for 250 epochs, where this ends; they stopped by hand. They had no average of the generator, by
which the training is what it is without. Two things are not theirs. They update both networks from one pass, the game
here D before G. And their generator begins with the mean image, from which D wins here: `d_fake` of the fifth epoch is
.0005, .02 and .0002 (seeds 0, 1 and 2), and .20 without (seed 1), by `kerasgan train --recipe=vanilla_gan_mnist
--output_bias=marginals --on_divergence=ignore --steps=2500 --seed=0`.

Parzen log-likelihood of 9,000 of the validation images, nats, by epoch
(`python benchmarks/reproductions.py gan_parzen`):

| | 10 | 20 | 50 | 100 | 150 | 200 | 250 |
|---|---|---|---|---|---|---|---|
| the generator | 57 | 98 | 139 | 162 | 166 | 171 | 178 |
| its average, which is stored | 128 | 154 | 172 | 190 | 199 | 203 | 206 |""",
)
