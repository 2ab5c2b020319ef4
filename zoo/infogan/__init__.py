"""InfoGAN (Chen et al. 2016, arXiv:1606.03657)."""

from typing import TYPE_CHECKING

from kerasgan.registry import register, register_preset
from kerasgan.zoo.infogan.recipe import InfoGANRecipe

if TYPE_CHECKING:
    from kerasgan.gan import GAN


@register("infogan", InfoGANRecipe, "codes in the noise that the discriminator learns to read back (2016)")
def build(recipe: InfoGANRecipe) -> "GAN":
    """The compiled GAN that a recipe describes."""
    from kerasgan import losses
    from kerasgan.gan import GAN
    from kerasgan.latents import Coded
    from kerasgan.optimizers import Adam
    from kerasgan.zoo.infogan import networks

    latent = Coded(recipe.noise_dim, recipe.categorical, recipe.continuous)
    shape = recipe.image_shape
    gan = GAN(
        networks.generator(shape, latent.dim, recipe.seed, recipe.width),
        networks.discriminator(shape, latent.code_dim, recipe.seed, recipe.leak, recipe.width),
        latent,
        value_range=(0, 1) if shape[0] == 28 else (-1, 1),
        ema_decay=recipe.ema_decay,
        seed=recipe.seed,
        name="infogan",
    )
    gan.compile(
        d_optimizer=Adam(recipe.d_learning_rate, beta_1=recipe.beta_1),
        g_optimizer=Adam(recipe.g_learning_rate, beta_1=recipe.beta_1),
        loss=losses.InfoGAN(
            "non_saturating" if recipe.loss == "infogan" else recipe.loss,
            recipe.information_weight,
            recipe.code_augment,
        ),
        **recipe.rules(),
    )
    return gan


register_preset(
    "infogan_fashion_mnist",
    "infogan",
    dataset="fashion_mnist",
    split="train[:55000]",
    validation_split="train[55000:]",
    epochs=11,
    notes="""Nothing but the paper's values. FCD of 5,000 images against the validation split, by epoch:

| 1 | 2 | 3 | 5 | 7 | 9 | 10 | 11 |
|---|---|---|---|---|---|---|---|
| 121 | 73 | 43 | 26 | 21 | 10 | 13 | 9 |

How far apart two trainings can lie: 5,000 updates with the same settings on all 60,000 images
(`examples/infogan_codes.py`) scored, on the test split, FCD 6.7, 307 nats and a code accuracy of .575.""",
)
register_preset(
    "infogan_mnist",
    "infogan",
    dataset="mnist",
    split="train[:55000]",
    validation_split="train[55000:]",
    image_shape=(28, 28, 1),
    epochs=12,
    leak=0.01,
    width=32,
    information_weight=0.1,
    code_augment="diffaugment(affine, probability=cosine(0, 1, 1000))",
    seed=5,
    notes="""The settings of the authors' code for MNIST, which leaks .01 in D and Q where the paper's table says .1,
but for three that are ours, because with theirs two categories share the 4 and the 9 and split them by slant: lambda
is .1, networks are half as wide, and Q reads categories from slanted images (`code_augment`), more and more of them
over 1,000 updates; from the first update on they can keep the generator grey. 12 epochs of 55,000 images are 5,148
updates; the authors' launcher stops after 5,000.

Of the seeds 0 to 9 (`python benchmarks/reproductions.py infogan_mnist`) this one has the smallest FCD of 5,000 images
against the validation split; by epoch:

| 1 | 2 | 3 | 4 | 6 | 8 | 10 | 12 |
|---|---|---|---|---|---|---|---|
| 173 | 37 | 25 | 15 | 10 | 14 | 9 | **5** |

Its 10-way code, read as a classifier, takes 4.0 % of the test images for another digit; the paper has 5. The median
over the seeds 0 to 9 is 7.4: in four of them two codes still share the 4 and the 9, half of each.""",
)
