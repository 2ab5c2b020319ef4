"""The R3GAN paper's settings."""

import dataclasses
import math

from kerasgan.registry import Recipe

PAPER = "paper"  # of fields where None says that there is none
COUNTS = (  # fields that must be at least 1
    *("batch_size", "epochs", "schedule_images"),
    *("latent_dim", "width", "full_width_until", "blocks", "group_width", "embedding_dim"),
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is set for one size of images; of a pair the second value is where the schedule ends."""

    width: int
    full_width_until: int
    batch_size: int
    gamma: tuple[float, float]  # R1 and R2 have half of it as their weight
    blocks: int = 2
    every: int = 1
    augment: float | None = 0.3  # the probability at the end; None is no augmentation
    half_life: int = 500_000  # images in which a weight's part in the average halves, at the end
    rate: tuple[float, float] = (2e-4, 5e-5)
    images: int = 20_000_000  # until the schedules end
    epochs: int = 400  # as many images of CIFAR-10's 50,000


SETTINGS = {
    # Ours, for two hours on two quiet cores: narrow maps, half as deep, a faster start, small batches (what counts at
    # first is the number of updates: notes of r3gan_fashion_mnist), penalties in every 8th of them, an eleventh of the
    # images.
    # The gammas are CIFAR-10's.
    28: Settings(
        *(128, 7, 16, (0.05, 0.005)),
        blocks=1,
        every=8,
        augment=None,
        half_life=128_000,
        rate=(1e-3, 5e-5),
        images=1_759_744,
        epochs=32,
    ),
    32: Settings(768, 32, 512, (0.05, 0.005), augment=0.55, half_life=5_000_000),  # CIFAR-10
    64: Settings(768, 32, 256, (2.0, 0.2)),  # FFHQ-64
    128: Settings(768, 32, 256, (17.0, 1.7)),  # ours, half way from one to the other
    256: Settings(768, 32, 256, (150.0, 15.0)),  # FFHQ-256
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class R3GANRecipe(Recipe):
    """Huang, Gokaslan, Kuleshov and Tompkin 2024, arXiv:2501.05441, appendix B and the authors' code (`train.py`).

    32x32 images have the settings of CIFAR-10, 64x64 and 256x256 those of FFHQ; 28x28 a small network for a CPU. The
    one deviation is what augments: our color, translation and cutout in place of StyleGAN2-ADA's thirteen transforms,
    with the paper's probabilities.

    Rates, penalties, augmentation and average follow one half of a cosine over `schedule_images` images; a field that
    is set takes the place of its schedule.

    `kerasgan train --model=r3gan --dataset=fashion_mnist --output=runs/r3gan`
    """

    image_shape: tuple[int, ...] = (28, 28, 1)
    batch_size: int | None = None  # type: ignore[assignment]  # None is 16 for 28 pixels, 512 for 32, 256 beyond
    epochs: int | None = None  # type: ignore[assignment]  # None is 32 for 28 pixels, 400 for the others
    loss: str = "relativistic"
    fresh_noise: bool = True
    latent_dim: int = 64
    #: Channels of the smallest maps. None is 128 for 28 pixels and 768 for the others.
    width: int | None = None
    #: The largest side of maps that have as many; with each doubling beyond there are half as many. None is 7 for 28
    #: pixels and 32 for the others.
    full_width_until: int | None = None
    blocks: int | None = None  # for each size of the maps; None is 1 for 28 pixels and 2 for the others
    group_width: int = 16  # channels in a group: 1,536 in a block of 768 are 96 groups
    embedding_dim: int = 64  # of a label
    schedule_images: int | None = None  # None is 20 million, but for 28 pixels 32 epochs of 54,992
    learning_rate: float | str | None = None
    beta_2: float | str | None = None
    penalties: str | None = PAPER
    augment: str | None = PAPER
    ema_decay: float | str | None = PAPER

    @property
    def halvings(self) -> list[int]:
        """How often the channels are halved, for each size of the maps: 7, 14 and 28 pixels, or 4, 8, 16 and so on."""
        side = 7 if self.image_shape[0] == 28 else 4
        until = self.full_width_until or side
        halvings = [0]
        while (side := 2 * side) <= self.image_shape[0]:
            halvings.append(halvings[-1] + (side > until))
        return halvings

    @property
    def widths(self) -> list[int]:
        """Channels of the maps, from the smallest."""
        return [(self.width or 0) // 2**n for n in self.halvings]

    def __post_init__(self) -> None:
        shape = self.image_shape
        if len(shape) != 3 or shape[0] != shape[1] or shape[0] not in SETTINGS or shape[2] not in (1, 3):
            raise ValueError(
                "r3gan makes square images of 28, 32, 64, 128 or 256 pixels with 1 or 3 channels; "
                f"found image_shape={shape}."
            )
        usual = SETTINGS[shape[0]]
        for field in ("width", "full_width_until", "batch_size", "epochs", "blocks"):
            self._settle(field, getattr(usual, field))
        self._settle("schedule_images", usual.images)
        for field in COUNTS:
            self._check_positive(field)
        self._settle_schedules(usual)
        self._check_groups()

    def _settle(self, field, value, unless=None):
        if getattr(self, field) == unless:
            object.__setattr__(self, field, value)

    def _check_positive(self, field):
        if getattr(self, field) < 1:
            raise ValueError(f"{field} must be at least 1; found {getattr(self, field)}.")

    def _settle_schedules(self, usual):
        batch = self.batch_size or 1
        steps = max(1, (self.schedule_images or 0) // batch)

        def cosine(start, end):
            return f"cosine({start:g}, {end:g}, {steps})"

        weight = cosine(*(gamma / 2 for gamma in usual.gamma))
        paid = f"({weight}, every={usual.every})" if usual.every > 1 else f"({weight})"
        augment = None
        if usual.augment is not None:
            augment = f"diffaugment(color, translation, cutout, probability={cosine(0, usual.augment)})"
        self._settle("learning_rate", cosine(*usual.rate))
        self._settle("beta_2", cosine(0.9, 0.99))
        self._settle("penalties", f"r1{paid}, r2{paid}", PAPER)
        self._settle("augment", augment, PAPER)
        self._settle("ema_decay", f"halving({cosine(0, usual.half_life / batch)})", PAPER)

    def _check_groups(self):
        """Each map's expanded channels must fall into whole groups."""
        halvings = self.halvings[-1]
        unit = self.group_width // math.gcd(self.group_width, 2) * 2**halvings
        if self.width % unit:
            raise ValueError(
                f"width must be a multiple of {unit}, so that {halvings} halvings leave whole groups of "
                f"{self.group_width} channels; found {self.width}."
            )
