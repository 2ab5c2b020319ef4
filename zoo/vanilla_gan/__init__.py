"""The first GAN (Goodfellow et al. 2014, arXiv:1406.2661)."""

from typing import TYPE_CHECKING, Any

from kerasgan.registry import UNTRAINED, register, register_preset
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
    epochs=30,
    ema_decay=0.999,
    optimizer="adam",
    learning_rate=5e-4,
    generator_learning_rate=1e-3,
    generator_units=1000,
    notes="""SGD loses most classes of Fashion-MNIST: after 9 epochs with the first row's settings (the paper's
but for a faster decay) nearly all samples are tops and trousers. FCD of 5,000 images against the validation split, by
epoch, seed 0:

| | 1 | 2 | 3 | 4 | 8 |
|---|---|---|---|---|---|
| SGD as in the paper, but for `--set=learning_rate_divisor=1.0001` | 649 | 525 | 493 | 419 | 447 |
| `--set=learning_rate=0.02` | 733 | 937 | 817 | 813 | |
| `--set=optimizer=adam --set=learning_rate=0.0002` | 621 | 552 | 501 | | |
| the same with 0.0005, `--set=generator_learning_rate=0.001 --ema_decay=0.999` | 229 | 144 | 106 | 102 | |
| that with 1,000 units a layer in G: this preset | 222 | 125 | 110 | 101 | 89 |

Networks, dropout, latent, batch size and loss are the paper's; G is narrower (1,000 for 1,200) to keep all presets
together under 60 MB. From epoch 12 on FCD stays between 75 and 85: speckle that a fully connected generator has to
unlearn pixel by pixel, from a discriminator with half of its units dropped.""",
)
register_preset(
    "vanilla_gan_mnist",
    "vanilla_gan",
    dataset="mnist",
    split="train[:50000]",
    validation_split="train[50000:]",
    score_every=5,
    image_shape=(28, 28, 1),
    notes=f"""{UNTRAINED}
Nothing but the authors' `mnist.yaml`: its 50,000 images in batches of 100, its 10,000 to validate on,
SGD with a momentum that grows for 250 epochs, where this ends; they stopped by hand.""",
)
