"""DCGAN (Radford, Metz and Chintala 2015, arXiv:1511.06434)."""

from typing import TYPE_CHECKING

from kerasgan.registry import UNTRAINED, register, register_preset
from kerasgan.zoo.dcgan.recipe import DCGANRecipe

if TYPE_CHECKING:
    from kerasgan.gan import GAN


@register("dcgan", DCGANRecipe, "convolutional generator and discriminator with batch normalisation (2015)")
def build(recipe: DCGANRecipe) -> "GAN":
    """The compiled GAN that a recipe describes."""
    from kerasgan.gan import GAN
    from kerasgan.latents import Normal, Uniform, for_classes
    from kerasgan.optimizers import Adam
    from kerasgan.zoo.dcgan import networks

    noise = Normal(recipe.latent_dim) if recipe.latent == "normal" else Uniform(recipe.latent_dim, -1.0, 1.0)
    latent = for_classes(noise, recipe.classes)
    logits = getattr(latent, "classes", 1)  # one for each class
    shape, width, units = recipe.image_shape, recipe.discriminator_width, recipe.discriminator_units
    gan = GAN(
        networks.generator(shape, latent.dim, recipe.generator_width, recipe.seed, recipe.kernel_size),
        networks.discriminator(shape, width, units, recipe.seed, logits, recipe.kernel_size),
        latent,
        value_range=(-1, 1),
        ema_decay=recipe.ema_decay,
        seed=recipe.seed,
        name="dcgan",
    )
    gan.compile(
        d_optimizer=Adam(recipe.learning_rate, beta_1=recipe.beta_1),
        g_optimizer=Adam(recipe.generator_learning_rate, beta_1=recipe.beta_1),
        loss=recipe.loss,
        **recipe.rules(),
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
    discriminator_width=64,
    discriminator_units=512,
    generator_learning_rate=1e-3,
    notes="""FCD of 5,000 images against the validation split after so many epochs of 55,000 images, seed 0, always of
the average; from the `history.csv` of `kerasgan train --model=dcgan --dataset=fashion_mnist --split='train[:55000]'
--validation_split='train[55000:]' --ema_decay=0.999` with

| | 1 | 2 | 3 | 5 | 10 | 15 |
|---|---|---|---|---|---|---|
| nothing else: the paper's recipe, D of 32 channels | 346 | 203 | 143 | 108 | 62 | 46 |
| `--batch_size=64`: twice the updates | 238 | 148 | 113 | | | |
| that, and `--set=discriminator_width=64` | 262 | 141 | 104 | 70 | | |
| `--set=discriminator_width=64 --set=generator_learning_rate=0.001` | 290 | 174 | | | | |
| `--set=discriminator_width=64 --set=learning_rate=0.001` | 178 | 107 | | | | |
| `--set=discriminator_units=512 --set=generator_learning_rate=0.001`, D of 32 channels | 169 | 96 | | | | |
| this preset: D of 64 channels with 512 dense units, G's rate 0.001 | 136 | 75 | 45 | 24 | 11 | 7 |

The dense units are what counts: the authors' own 28x28 code has them, though the paper advises against them. Without
them D soon cannot tell images apart (real .56, generated .44 after 15 epochs), and a faster generator alone does not
help. G's rate is InfoGAN's. At the end the generator itself, in place of its average, scores 7.4 where the average
scores 5.4.""",
)
register_preset(
    "dcgan_noto_emoji",
    "dcgan",
    dataset="noto_emoji",
    split="train",
    validation_split="validation",
    score_every=10,
    image_shape=(64, 64, 3),
    conditional=True,
    epochs=250,
    batch_size=32,
    generator_width=32,
    discriminator_width=32,
    precision="bfloat16",
    augment="color, translation",
    ema_decay=0.999,
    notes="""The paper's networks with 32 channels where it has 128, batches of 32, and bfloat16, so that one core of a
CPU can train them (a step took .22 s, an hour and a half in all); and what the paper has not: classes, an average, and
pictures that D sees shifted and in other colours. FCD and KID of 302 samples against the 302 pictures of the validation
split, by epoch of 93 updates, and what D thought of real and of generated pictures meanwhile:

| | 1 | 10 | 20 | 40 | 60 | 80 | 100 | 120 | 140 | 160 | 180 | 200 | 220 | 240 | 250 |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
| FCD | 457 | 321 | 274 | 241 | 206 | 192 | 182 | 180 | 175 | 176 | 172 | 171 | 168 | 166 | **165** |
| KID | .899 | .447 | .319 | .212 | .153 | .131 | .117 | .114 | .106 | .107 | .103 | .101 | .099 | .097 | .095 |
| D of real | .77 | .69 | .73 | .78 | .79 | .79 | .84 | .87 | .88 | .89 | .90 | .90 | .93 | .92 | .94 |
| D of generated | .23 | .31 | .27 | .21 | .20 | .21 | .16 | .13 | .12 | .11 | .10 | .10 | .07 | .07 | .06 |

D tells real from generated better and better, and the samples go on gaining meanwhile, less and less. One training,
nothing of it tuned by its scores.""",
)
register_preset(
    "dcgan_mnist",
    "dcgan",
    dataset="mnist",
    split="train[:55000]",
    validation_split="train[55000:]",
    conditional=True,
    epochs=20,
    ema_decay=0.999,
    discriminator_width=64,
    discriminator_units=512,
    generator_learning_rate=1e-3,
    notes="""The settings of `dcgan_fashion_mnist`, by class. FCD of 5,000 images against the validation split, and what
D thought of real and of generated digits, by epoch of 429 updates; one training, nothing tuned:

| | 1 | 2 | 3 | 5 | 8 | 10 | 13 | 15 | 17 | 20 |
|---|---|---|---|---|---|---|---|---|---|---|
| FCD | 14.3 | 5.6 | 4.6 | 3.5 | 3.1 | 3.2 | **2.9** | 3.0 | 3.0 | 3.3 |
| D of real | .73 | .69 | .68 | .71 | .76 | .79 | .83 | .84 | .86 | .88 |
| D of generated | .33 | .31 | .31 | .29 | .24 | .21 | .17 | .16 | .14 | .12 |

As the training set of a nearest-neighbour classifier, the paper's Table 3, 50,000 digits of the last epoch err on
4.42 % of the test images and a million on 3.09, where 50,000 real ones err on 3.27
(`python benchmarks/reproductions.py dcgan_nearest`).""",
)
register_preset(
    "dcgan_celeb_a",
    "dcgan",
    dataset="celeb_a",
    split="train",
    validation_split="validation",
    image_shape=(64, 64, 3),
    notes=f"""{UNTRAINED}
Nothing but the settings of the paper's 64x64 images and, of the authors' code for faces, 25 epochs and a
discriminator of 128 channels. The paper's faces were others, which it did not publish; CelebA's are cropped to the
178x178 in the middle.""",
)
