"""EBGAN (Zhao, Mathieu and LeCun 2016, arXiv:1609.03126)."""

from typing import TYPE_CHECKING

from kerasgan.registry import register, register_preset
from kerasgan.zoo.ebgan.recipe import EBGANRecipe

if TYPE_CHECKING:
    from kerasgan.gan import GAN


@register("ebgan", EBGANRecipe, "an autoencoder's reconstruction error as the discriminator's energy (2016)")
def build(recipe: EBGANRecipe) -> "GAN":
    """The compiled GAN that a recipe describes."""
    from kerasgan import losses
    from kerasgan.gan import GAN
    from kerasgan.latents import Uniform
    from kerasgan.optimizers import Adam
    from kerasgan.zoo.ebgan import networks

    shape, seed = recipe.image_shape, recipe.seed
    if recipe.convolutional:
        generator = networks.convolutional_generator(shape, recipe.latent_dim, recipe.generator_width, seed)
        discriminator = networks.convolutional_discriminator(shape, recipe.discriminator_width, seed)
    else:
        generator = networks.dense_generator(
            shape, recipe.latent_dim, recipe.generator_layers, recipe.generator_width, seed
        )
        discriminator = networks.dense_discriminator(shape, recipe.discriminator_width, seed)
    gan = GAN(
        generator,
        discriminator,
        Uniform(recipe.latent_dim, -1.0, 1.0),
        value_range=(-1, 1) if len(shape) == 3 else None,
        ema_decay=recipe.ema_decay,
        seed=seed,
        name="ebgan",
    )
    gan.compile(
        d_optimizer=Adam(recipe.learning_rate, beta_1=recipe.beta_1),
        g_optimizer=Adam(recipe.learning_rate, beta_1=recipe.beta_1),
        loss=losses.EBGAN(recipe.margin, recipe.pulling_away_weight),
        **recipe.rules(),
    )
    return gan


register_preset(
    "ebgan_fashion_mnist",
    "ebgan",
    dataset="fashion_mnist",
    split="train[:55000]",
    validation_split="train[55000:]",
    epochs=30,
    pulling_away_weight=0.1,
    notes="""Nothing but the paper's values, and the pulling-away term with its weight of .1. FCD of 5,000 images
against the validation split, by epoch:

| 1 | 2 | 5 | 10 | 15 | 20 | 25 | 26 | 28 | 30 |
|---|---|---|---|---|---|---|---|---|---|
| 301 | 205 | 122 | 75 | 46 | 35 | 26 | 34 | 30 | 31 |

Energies hardly move after epoch 5 while images still get better. The images are smooth, which the Parzen measure
rewards: it puts them above real ones.""",
)
