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
        networks.generator(
            shape, recipe.latent_dim, classes, recipe.embedding_dim, *maps, recipe.seed, bool(recipe.fixed_noise_map)
        ),
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
    epochs=20,
    notes="""FCD of 5,000 images against the validation split, seed 0, how many a classifier takes for the class asked
for, and how many pairs of a real and a generated image D told apart meanwhile, by epoch of 3,437 updates:

| | 1 | 2 | 4 | 6 | 8 | 10 | 12 | 14 | 16 | 18 | 20 |
|---|---|---|---|---|---|---|---|---|---|---|---|
| FCD | 28.9 | 19.0 | 7.6 | 5.1 | 3.86 | 3.57 | 3.53 | 2.20 | 2.43 | 2.11 | **2.04** |
| label accuracy | .862 | .882 | .915 | .913 | .913 | .925 | .925 | .931 | .925 | .921 | .917 |
| pairs | .85 | .79 | .77 | .77 | .77 | .78 | .80 | .81 | .84 | .87 | .88 |

**The map of the noise is not trained.** The training before this one, of 16 epochs, was the same but for that, and came
to FCD 2.04 of the test split too, but to a recall of .29, for of its 64 numbers of noise it used three. The linear map
from noise to the smallest maps began with singular values of 1.7, 1.7, 1.7, 1.6, ... and ended with 5.4, 4.8, 3.4, .2
and less; a sample moved in two directions as z did (median squared singular values of the pixels' derivatives by z:
172, 70, and .1 for the fourth, where `dcgan_fashion_mnist` has 138, 33, and 7, by noise of the same variance). Its
images were of the class asked for more often, .935 of the test split.

**In bfloat16 D wins.** The training before this one had an FCD of 30, 20, 8.0, 7.8, 7.5 and 10.8 after 1, 2, 4, 6, 8
and 10 epochs in bfloat16, and of 29.9, 15.1, 9.0, 6.3, 5.4 and 3.8 in float32. From the bfloat16 training's 8th epoch
on, with rates of .0005 to .00002 and an average that ends at 300 updates, FCD after 1, 2 and 3 more epochs was 15.9 and
11.6 in bfloat16 (pairs .84, .91), with five times the gamma 16.7 and 9.9, with 24 times 18.6 and 14.6, and in float32
5.2, **4.4 and 4.3** (pairs .66, .72, .79). Half of the real pixels are exactly -1 and generated ones never are, which
fits a D that tells them apart by how bfloat16 rounds, where no penalty sees it; that is not proven. All that follows is
of trainings before this one, whose map of the noise was trained.

What counts at first is the number of updates, and images seen hardly at all, so that small batches learn three times
as fast (bfloat16, the rate constant and the average short: `--split='train[:27000]' --set=beta_2=.95
--ema_decay='halving(100)'`):

| batch | rate | weight of R1 and R2 | after 27,000 images | after 54,000 |
|---|---|---|---|---|
| 64 | .001 | .25 | 233 | 111 |
| 64 | .001 | .025 | 229 | 94 |
| 64 | .0025 | .025 | 393 | |
| 32 | .001 | .025 | 133 | |
| 32 | .0005 | .025 | 146 | 72 |
| 16 | .001 | .025 | 70 | 41 |
| 16 | .001 | .005 | 74 | |

Two blocks for each size of the maps, as the paper has, take 1.4 times as long. In bfloat16 a generator of 256 channels
came to 19.2 and 12.3 after 1 and 2 epochs (128 with an average of 100 updates: 23 and 11.3), one of 256 beside a D of
64 to 47 after one, and D at a fifth of G's rate to 170.

What counts later is the average, which must not be long: it draws what is usual. In float32, 800 updates after the
12th epoch, FCD was 3.1 by averages with half-lives of 100, 200 and 300 updates (this preset's: 312), 3.4 and 4.0 with
50 and 20, and 6.2 without one. In bfloat16, after 51,555 updates of a longer training whose average had a half-life of
4,000 updates, it was 14.0 by that one, and 12.3, 10.2, 8.3 and 7.8 with 1,500, 700, 300 and 100. Gamma stays the same,
because in bfloat16 it went from 6.7 after 4 epochs to 10.9 after 6 where gamma fell from .5 to .05, and D's pairs from
.73 to .90.""",
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
the last one two cores of a CPU that had other work. One training, nothing of it tuned by its scores.

**A third of the parameters, on one core of a CPU**, is no better. One block for each size of the maps, 256 channels
halved with each doubling from 8 pixels on, batches of 16 and a map of the noise that is not trained, 18,600 updates in
135 minutes (`--small=True --full_width_until=4 --batch_size=16 --epochs=100 --schedule_images=297600
--learning_rate='cosine(.001, 5e-05, 18600)' --penalties='r1(.25, every=8), r2(.25, every=8)' --precision=bfloat16
--augment='diffaugment(color, translation, probability=cosine(0, .7, 18600))'
--ema_decay='halving(cosine(0, 500, 18600))'`):

| epoch | 1 | 10 | 20 | 30 | 40 | 50 | 60 | 70 | 80 | 90 | 100 |
|---|---|---|---|---|---|---|---|---|---|---|---|
| FCD | 300 | 213 | 197 | 194 | 177 | 173 | 163 | 158 | 157 | 157 | 153.8 |
| KID | .455 | .218 | .186 | .180 | .143 | .131 | .118 | .107 | .107 | .107 | .1023 |
| pairs that D told apart | .66 | .88 | .90 | .92 | .92 | .92 | .93 | .94 | .95 | .96 | .96 |

Of the test split it has KID .092 and FCD 138.7, precision .213 (this preset .173) and recall .048 (.099): cleaner
pictures of fewer kinds.""",
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
