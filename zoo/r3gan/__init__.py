"""R3GAN (Huang, Gokaslan, Kuleshov and Tompkin 2024, arXiv:2501.05441)."""

from typing import TYPE_CHECKING

from kerasgan.registry import register
from kerasgan.zoo.r3gan.recipe import R3GANRecipe

if TYPE_CHECKING:
    from kerasgan.gan import GAN


@register("r3gan", R3GANRecipe, "relativistic pairs, both gradient penalties and residual networks (2024)")
def build(recipe: R3GANRecipe) -> "GAN":
    """The compiled GAN that a recipe describes."""
    from kerasgan.gan import GAN
    from kerasgan.latents import Normal, for_classes
    from kerasgan.optimizers import Adam
    from kerasgan.zoo.r3gan import networks

    latent = for_classes(Normal(recipe.latent_dim), recipe.classes)
    classes = latent.dim - recipe.latent_dim
    shape = recipe.image_shape
    maps = recipe.widths, recipe.blocks, recipe.group_width
    gan = GAN(
        networks.generator(shape, recipe.latent_dim, classes, recipe.embedding_dim, *maps, recipe.seed),
        networks.discriminator(shape, classes, *maps, recipe.seed),
        latent,
        value_range=(-1, 1),
        ema_decay=recipe.ema_decay,
        seed=recipe.seed,
        name="r3gan",
    )
    gan.compile(
        d_optimizer=Adam(recipe.learning_rate, beta_1=0.0, beta_2=recipe.beta_2, epsilon=1e-8),
        g_optimizer=Adam(recipe.learning_rate, beta_1=0.0, beta_2=recipe.beta_2, epsilon=1e-8),
        loss=recipe.loss,
        **recipe.rules(),
    )
    return gan
