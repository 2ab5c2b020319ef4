"""The R3GAN paper's settings."""

import dataclasses
import math
from typing import Any

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
    transforms: tuple[str, ...] = ("color", "translation", "cutout")
    half_life: int = 500_000  # images in which a weight's part in the average halves, at the end
    rate: tuple[float, float] = (2e-4, 5e-5)
    images: int = 20_000_000  # until the schedules end
    epochs: int = 400  # as many images of CIFAR-10's 50,000


PAPERS = {
    32: Settings(768, 32, 512, (0.05, 0.005), augment=0.55, half_life=5_000_000),  # CIFAR-10
    64: Settings(768, 32, 256, (2.0, 0.2)),  # FFHQ-64
    128: Settings(768, 32, 256, (17.0, 1.7)),  # ours, half way from one to the other
    256: Settings(768, 32, 256, (150.0, 15.0)),  # FFHQ-256
}
# Ours, for hours on two cores: narrow maps, half as deep, a faster start, small batches (what counts at first is the
# number of updates: notes of r3gan_fashion_mnist), penalties in every 8th of them, a thirtieth of the images, and an
# average a quarter as long in updates as FFHQ's, because a longer one draws what is usual too often (same notes). The
# gammas are a quarter of the paper's beyond 32 pixels, ten times CIFAR-10's below, and stay: where they fell to a tenth
# D won (same notes). No cutout, which leaked (notes of r3gan_noto_emoji). The map from noise to the smallest maps is
# not trained: where it was, all but 3 of the noise's 64 directions were lost (same notes).
_SMALL: dict[str, Any] = {
    "blocks": 1,
    "every": 8,
    "transforms": ("color", "translation"),
    "half_life": 8_000,
    "rate": (1e-3, 5e-5),
    "images": 640_000,
    "epochs": 200,
}
_GREY: dict[str, Any] = {"augment": None, "images": 1_099_840, "epochs": 20, "half_life": 5_000}  # Fashion-MNIST's
SMALL = {
    28: Settings(128, 7, 16, (0.5, 0.5), **{**_SMALL, **_GREY}),
    32: Settings(128, 8, 16, (0.5, 0.5), **_SMALL, augment=0.5),
    64: Settings(128, 8, 16, (0.5, 0.5), **_SMALL, augment=0.5),
    128: Settings(128, 8, 16, (4.0, 4.0), **_SMALL, augment=0.5),
    256: Settings(256, 8, 16, (37.0, 37.0), **_SMALL, augment=0.5),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class R3GANRecipe(Recipe):
    """Huang, Gokaslan, Kuleshov and Tompkin 2024, arXiv:2501.05441, appendix B and the authors' code (`train.py`).

    32x32 images have the settings of CIFAR-10, 64x64 and 256x256 those of FFHQ. The one deviation is what augments: our
    color, translation and cutout in place of StyleGAN2-ADA's thirteen transforms, with the paper's probabilities.
    `small` is a small network for a CPU with settings of our own, and all there is for 28x28.

    Rates, penalties, augmentation and average follow one half of a cosine over `schedule_images` images; a field that
    is set takes the place of its schedule.

    `kerasgan train --model=r3gan --dataset=fashion_mnist --output=runs/r3gan`
    """

    image_shape: tuple[int, ...] = (28, 28, 1)
    batch_size: int | None = None  # type: ignore[assignment]  # None is 512 for 32 pixels, 256 beyond; small 16
    epochs: int | None = None  # type: ignore[assignment]  # None is 400; small 200, for 28 pixels 20
    loss: str = "relativistic"
    fresh_noise: bool = True
    small: bool | None = None  # None is true for 28 pixels alone
    latent_dim: int = 64
    #: Channels of the smallest maps. None is 768; small 128, for 256 pixels 256.
    width: int | None = None
    #: The largest side of maps that have as many; with each doubling beyond there are half as many. None is 32; small
    #: 8, for 28 pixels 7.
    full_width_until: int | None = None
    blocks: int | None = None  # for each size of the maps; None is 2; small 1
    group_width: int = 16  # channels in a group: 1,536 in a block of 768 are 96 groups
    embedding_dim: int = 64  # of a label
    #: Whether the map from noise to the smallest maps stays as it begins. None is what `small` is.
    fixed_noise_map: bool | None = None
    schedule_images: int | None = None  # None is 20 million; small 640,000, for 28 pixels 20 epochs of 54,992
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
        if len(shape) != 3 or shape[0] != shape[1] or shape[0] not in SMALL or shape[2] not in (1, 3):
            raise ValueError(
                "r3gan makes square images of 28, 32, 64, 128 or 256 pixels with 1 or 3 channels; "
                f"found image_shape={shape}."
            )
        self._settle("small", shape[0] not in PAPERS)
        if not self.small and shape[0] not in PAPERS:
            raise ValueError(f"The paper has no network for {shape[0]} pixels; leave small=False out.")
        self._settle("fixed_noise_map", self.small)
        usual = (SMALL if self.small else PAPERS)[shape[0]]
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
            return f"{start:g}" if start == end else f"cosine({start:g}, {end:g}, {steps})"

        weight = cosine(*(gamma / 2 for gamma in usual.gamma))
        paid = f"({weight}, every={usual.every})" if usual.every > 1 else f"({weight})"
        augment = None
        if usual.augment is not None:
            augment = f"diffaugment({', '.join(usual.transforms)}, probability={cosine(0, usual.augment)})"
        self._settle("learning_rate", cosine(*usual.rate))
        self._settle("beta_2", cosine(0.9, 0.99))
        self._settle("penalties", f"r1{paid}, r2{paid}", PAPER)
        self._settle("augment", augment, PAPER)
        half_life = usual.half_life / batch
        if self.small:  # whose schedules are made to end with the time that there is
            half_life *= (self.schedule_images or 0) / usual.images
        self._settle("ema_decay", f"halving({cosine(0, half_life)})", PAPER)

    def _check_groups(self):
        """Each map's expanded channels must fall into whole groups."""
        halvings = self.halvings[-1]
        unit = self.group_width // math.gcd(self.group_width, 2) * 2**halvings
        if self.width % unit:
            raise ValueError(
                f"width must be a multiple of {unit}, so that {halvings} halvings leave whole groups of "
                f"{self.group_width} channels; found {self.width}."
            )
