"""The R3GAN paper's settings."""

import dataclasses
import math

from kerasgan.registry import Recipe

PAPER = "paper"  # where None already means that there is none


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the paper sets for one size of images; of a pair the second value is the schedule's last."""

    width: int
    full_width_until: int
    batch_size: int
    gamma: tuple[float, float]  # R1 and R2 have half of it as their weight
    every: int = 1
    augment: float | None = 0.3  # the probability at the end; None is no augmentation
    average: float = 500_000  # images in which a weight's part in the average halves, at the end


SETTINGS = {
    # Ours, for a few hours on a CPU: the CIFAR-10 penalties, paid in every 16th update, and narrow maps.
    28: Settings(128, 7, 64, (0.05, 0.005), every=16, augment=None),
    32: Settings(768, 32, 512, (0.05, 0.005), augment=0.55, average=5_000_000),  # CIFAR-10
    64: Settings(768, 32, 256, (2.0, 0.2)),  # FFHQ-64
    128: Settings(768, 32, 256, (17.0, 1.7)),  # ours, half way from one to the other
    256: Settings(768, 32, 256, (150.0, 15.0)),  # FFHQ-256
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class R3GANRecipe(Recipe):
    """Huang, Gokaslan, Kuleshov and Tompkin 2024, arXiv:2501.05441, appendix B and the authors' code (`train.py`).

    32x32 images have the settings of CIFAR-10, 64x64 and 256x256 those of FFHQ; 28x28 a small network for a CPU.

    `kerasgan train --model=r3gan --dataset=fashion_mnist --output=runs/r3gan`
    """

    image_shape: tuple[int, ...] = (28, 28, 1)
    batch_size: int | None = None  # type: ignore[assignment]  # None is 64 for 28 pixels, 512 for 32, 256 beyond
    loss: str = "relativistic"
    fresh_noise: bool = True
    latent_dim: int = 64
    #: Channels of the smallest maps. None is 128 for 28 pixels and 768 for the others.
    width: int | None = None
    #: The largest side of maps that have as many; with each doubling beyond there are half as many. None is 7 for 28
    #: pixels and 32 for the others.
    full_width_until: int | None = None
    blocks: int = 2  # for each size of the maps
    group_width: int = 16  # channels in a group: 1,536 in a block of 768 are 96 groups
    embedding_dim: int = 64  # of a label
    penalties: str | None = PAPER
    augment: str | None = PAPER
    ema_decay: float | None = PAPER  # type: ignore[assignment]
    learning_rate: float | None = None
    beta_2: float | None = None

    @property
    def halvings(self) -> list[int]:
        """How often the channels are halved, for each size of the maps: 7, 14 and 28 pixels, or 4, 8, 16 and so on."""
        side = 7 if self.image_shape[0] == 28 else 4
        halvings = [0]
        while (side := 2 * side) <= self.image_shape[0]:
            halvings.append(halvings[-1] + (side > self.full_width_until))
        return halvings

    @property
    def widths(self) -> list[int]:
        """Channels of the maps, from the smallest."""
        return [self.width // 2**n for n in self.halvings]

    def __post_init__(self) -> None:
        shape = self.image_shape
        if len(shape) != 3 or shape[0] != shape[1] or shape[0] not in SETTINGS or shape[2] not in (1, 3):
            raise ValueError(
                "r3gan makes square images of 28, 32, 64, 128 or 256 pixels with 1 or 3 channels; "
                f"found image_shape={shape}."
            )
        usual = SETTINGS[shape[0]]
        weight, every = usual.gamma[0] / 2, f", every={usual.every}" if usual.every > 1 else ""
        defaults = {
            "width": usual.width,
            "full_width_until": usual.full_width_until,
            "batch_size": usual.batch_size,
            "learning_rate": 2e-4,
            "beta_2": 0.99,
            "penalties": f"r1({weight}{every}), r2({weight}{every})",
            "augment": None,
            "ema_decay": 0.999,
        }
        for field, value in defaults.items():
            if getattr(self, field) == (PAPER if field in ("penalties", "augment", "ema_decay") else None):
                object.__setattr__(self, field, value)
        for field in ("latent_dim", "width", "full_width_until", "blocks", "group_width", "embedding_dim"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} must be at least 1; found {getattr(self, field)}.")
        self._check_groups()

    def _check_groups(self):
        """Each map's expanded channels must fall into whole groups."""
        halvings = self.halvings[-1]
        unit = self.group_width // math.gcd(self.group_width, 2) * 2**halvings
        if self.width % unit:
            raise ValueError(
                f"width must be a multiple of {unit}, so that {halvings} halvings leave whole groups of "
                f"{self.group_width} channels; found {self.width}."
            )
