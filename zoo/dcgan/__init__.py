"""DCGAN (Radford, Metz and Chintala 2015, arXiv:1511.06434)."""

from kerasgan.registry import register, register_preset
from kerasgan.zoo.dcgan.recipe import DCGANRecipe


@register("dcgan", DCGANRecipe, "convolutional generator and discriminator with batch normalisation (2015)")
def build(recipe: DCGANRecipe):
    """The compiled GAN that a recipe describes."""
    from kerasgan.gan import GAN
    from kerasgan.latents import Uniform
    from kerasgan.optimizers import Adam
    from kerasgan.zoo.dcgan import networks

    gan = GAN(
        networks.generator(recipe.image_shape, recipe.latent_dim, recipe.generator_width, recipe.seed),
        networks.discriminator(recipe.image_shape, recipe.discriminator_width, recipe.seed),
        Uniform(recipe.latent_dim, -1.0, 1.0),
        value_range=(-1, 1),
        ema_decay=recipe.ema_decay,
        seed=recipe.seed,
        name="dcgan",
    )
    gan.compile(
        d_optimizer=Adam(recipe.learning_rate, beta_1=recipe.beta_1),
        g_optimizer=Adam(recipe.learning_rate, beta_1=recipe.beta_1),
        loss=recipe.loss,
        d_steps=recipe.d_steps,
        fresh_noise=recipe.fresh_noise,
    )
    return gan


register_preset(
    "dcgan_fashion_mnist",
    "dcgan",
    dataset="fashion_mnist",
    split="train[:55000]",
    validation_split="train[55000:]",
    epochs=20,
    ema_decay=0.999,
)
