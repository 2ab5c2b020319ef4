"""The first GAN (Goodfellow et al. 2014, arXiv:1406.2661)."""

from kerasgan.registry import register, register_preset
from kerasgan.zoo.vanilla_gan.recipe import VanillaGANRecipe


@register("vanilla_gan", VanillaGANRecipe, "fully connected generator, maxout discriminator with dropout (2014)")
def build(recipe: VanillaGANRecipe):
    """The compiled GAN that a recipe describes."""
    import math

    from kerasgan.gan import GAN
    from kerasgan.latents import Uniform
    from kerasgan.optimizers import FlooredExponentialDecay, RampedMomentumSGD
    from kerasgan.zoo.vanilla_gan import networks

    def sgd(learning_rate):
        return RampedMomentumSGD(
            FlooredExponentialDecay(learning_rate, recipe.learning_rate_divisor, recipe.learning_rate_floor),
            initial_momentum=recipe.initial_momentum,
            final_momentum=recipe.final_momentum,
            ramp_steps=recipe.momentum_ramp_steps,
        )

    gan = GAN(
        networks.generator(recipe.image_shape, recipe.latent_dim, recipe.generator_units, recipe.seed),
        networks.discriminator(
            recipe.image_shape, recipe.discriminator_units, recipe.discriminator_pieces, recipe.seed
        ),
        Uniform(recipe.latent_dim, -math.sqrt(3.0), math.sqrt(3.0)),
        value_range=(0, 1) if len(recipe.image_shape) == 3 else None,
        ema_decay=recipe.ema_decay,
        seed=recipe.seed,
        name="vanilla_gan",
    )
    gan.compile(
        # The paper's code gives D half the sum of its two cross-entropies; ours is the sum. Under SGD that is half
        # the learning rate.
        d_optimizer=sgd(recipe.learning_rate / 2.0),
        g_optimizer=sgd(recipe.learning_rate),
        loss=recipe.loss,
        d_steps=recipe.d_steps,
        fresh_noise=recipe.fresh_noise,
    )
    return gan


register_preset(
    "vanilla_gan_fashion_mnist",
    "vanilla_gan",
    dataset="fashion_mnist",
    split="train[:55000]",
    validation_split="train[55000:]",
    epochs=60,
    ema_decay=0.999,
)
