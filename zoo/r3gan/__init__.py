"""R3GAN (Huang, Gokaslan, Kuleshov and Tompkin 2024, arXiv:2501.05441)."""

from typing import TYPE_CHECKING

from kerasgan.registry import UNTRAINED, register, register_preset
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


register_preset(
    "r3gan_fashion_mnist",
    "r3gan",
    dataset="fashion_mnist",
    split="train[:55000]",
    validation_split="train[55000:]",
    score_every=2,
    image_shape=(28, 28, 1),
    conditional=True,
    precision="bfloat16",
    notes="""FCD of 5,000 images against the validation split, seed 0, the rate constant and the average short
(`--split='train[:27000]' --set=beta_2=.95 --ema_decay='halving(100)'`). What counts at first is the number of updates,
and images seen hardly at all, so that small batches learn three times as fast:

| batch | rate | weight of R1 and R2 | after 27,000 images | after 54,000 |
|---|---|---|---|---|
| 64 | .001 | .25 | 233 | 111 |
| 64 | .001 | .025 | 229 | 94 |
| 64 | .0025 | .025 | 393 | |
| 32 | .001 | .025 | 133 | |
| 32 | .0005 | .025 | 146 | 72 |
| 16 | .001 | .025 | 70 | 41 |
| 16 | .001 | .005 | 74 | |

Two blocks for each size of the maps, as the paper has, take 1.4 times as long.

What counts later is the average and the penalty. With gamma .05 to .005 and an average whose half-life grows to 8,000
updates a training of these schedules came to 11 after 6 epochs of 32 and then got worse, 13 after 18, D being right
about 96 of 100 pairs. Of its weights after 51,555 updates FCD was 14.0 by that average (half-life 4,000), and 1,500
updates later by others: half-life 1,500 12.3, 700 10.2, 300 8.3, 100 **7.8**, none 14.8. A long average draws what is
usual: the features vary more than the real images' (821 for 698), as they do where z is made smaller (z times .8: 25,
times 1.2: 8). So the half-life ends at 500 updates. With gamma .5 to .05, an average of 100 updates throughout and
schedules of 8 epochs FCD is 23, 11.3 and **6.7** after 1, 2 and 4 epochs, where it was 39, 14.5 and 12.3; but 10.9
after 6, when gamma had fallen to a quarter and D's accuracy on pairs had risen from .73 to .90. So gamma stays.""",
)
register_preset(
    "r3gan_noto_emoji",
    "r3gan",
    dataset="noto_emoji",
    split="train",
    validation_split="validation",
    score_every=10,
    image_shape=(64, 64, 3),
    conditional=True,
    epochs=123,
    batch_size=64,
    width=256,
    full_width_until=8,
    schedule_images=5980 * 64,
    learning_rate="cosine(0.0005, 5e-05, 5980)",
    penalties="r1(cosine(1, 0.1, 5980), every=4), r2(cosine(1, 0.1, 5980), every=4)",
    augment="diffaugment(color, translation, probability=0.5)",
    ema_decay="halving(cosine(0, 500, 5980))",
    notes="""The networks are the paper's, narrow: 256 channels for maps of 4 and 8 pixels, then half as many with each
doubling, so that the largest maps, which cost most, have 32. Few pictures ask for augmentation from the start, with a
probability of one half, below the .8 from which on it may leak (StyleGAN2-ADA), and without cutout, which left grey
patches in the samples of an earlier trial. FCD and KID of 302 samples against the 302 pictures of the validation split,
by epoch of 46 steps:

| | 1 | 10 | 20 | 30 | 40 | 60 | 80 | 100 | 110 | 120 | 123 |
|---|---|---|---|---|---|---|---|---|---|---|---|
| FCD | 290 | 304 | 237 | 212 | 185 | 163 | 159 | 156 | 155 | 152.5 | 153.1 |
| KID | .436 | .422 | .269 | .201 | .152 | .118 | .107 | .106 | .104 | .1006 | .1010 |

The weights are those of the last epoch: it has not gone on to the 130 of its schedules, and of the 120th, which is
better by .4 %, there is no copy. Epochs 1 to 122 took six minutes on one NVIDIA H200, each step compiled by XLA, and
the last one two cores of a CPU that had other work. One training, nothing of it tuned by its scores.""",
)
register_preset(
    "r3gan_cifar10",
    "r3gan",
    dataset="cifar10",
    split="train[:45000]",
    validation_split="train[45000:]",
    score_every=10,
    image_shape=(32, 32, 3),
    conditional=True,
    epochs=449,
    notes=f"""{UNTRAINED}
The paper's settings for CIFAR-10, with augmentation as `kerasgan` has it. The paper trains on all 50,000
images; here 5,000 of them are kept to score on, and 449 epochs of 87 updates reach the end of the schedules, 20 million
images in batches of 512. It asks for a GPU, where `--precision=bfloat16` is faster.""",
)
register_preset(
    "r3gan_celeb_a",
    "r3gan",
    dataset="celeb_a",
    split="train",
    validation_split="validation",
    score_every=5,
    image_shape=(64, 64, 3),
    epochs=124,
    notes=f"""{UNTRAINED}
The paper's settings for faces of 64x64, FFHQ's, with augmentation as `kerasgan` has it. 124 epochs of
635 updates reach the end of the schedules, 20 million images in batches of 256. It asks for a GPU, where
`--precision=bfloat16` is faster.""",
)
register_preset(
    "r3gan_stl10",
    "r3gan",
    dataset="stl10",
    split="unlabelled[:95000]",
    validation_split="unlabelled[95000:]",
    score_every=10,
    image_shape=(64, 64, 3),
    epochs=211,
    notes=f"""{UNTRAINED}
The paper has no settings for STL-10; these are those of its other 64x64 images, FFHQ's, with
augmentation as `kerasgan` has it. It has no classes, because 100,000 of the images have no labels, and of the 5,000 of
`train` too few of each. 211 epochs of 371 updates reach the end of the schedules, 20 million images in batches of 256.
It asks for a GPU, where `--precision=bfloat16` is faster.""",
)
