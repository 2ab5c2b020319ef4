"""The EBGAN paper's settings."""

import dataclasses
import math

from kerasgan.registry import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class EBGANRecipe(Recipe):
    """Zhao, Mathieu and LeCun 2016, arXiv:1609.03126.

    28x28 images and vectors have the fully connected networks of the paper's MNIST grid search (its best EBGAN,
    appendix C and F), 32x32 and 64x64 images the convolutional ones of its LSUN and CelebA experiments (appendix D).
    `pulling_away_weight=0.1` makes an EBGAN-PT.

    `kerasgan train --model=ebgan --dataset=fashion_mnist --output=runs/ebgan`
    """

    no_classes = "its discriminator gives one energy, and no logit for each class; dcgan and vanilla_gan take them"

    image_shape: tuple[int, ...] = (28, 28, 1)
    batch_size: int = 128
    epochs: int = 20
    loss: str = "ebgan"
    latent_dim: int = 100  # as DCGAN, whose recipe the paper follows; it gives no number of its own
    #: m, in units of the energy: the Euclidean norm over all numbers of one sample. None is 10 for 28 pixels (grid
    #: search), 20 for 64x64x3 (CelebA) and 1 for vectors; with the convolutional networks other shapes have the margin
    #: of the same error per number, which goes with the root of how many there are: 10 for 32x32x3.
    margin: float | None = None
    pulling_away_weight: float = 0.0  # the paper's EBGAN-PT: 0.1
    generator_layers: int = 5  # of weights, fully connected networks only
    #: Units of a fully connected layer (None is 800), or channels of the last map before the image (None is 128).
    generator_width: int | None = None
    #: Units of the fully connected code (None is 1024), or channels of the first map (None is 64).
    discriminator_width: int | None = None
    learning_rate: float | None = None
    beta_1: float = 0.5

    @property
    def convolutional(self) -> bool:
        return len(self.image_shape) == 3 and self.image_shape[0] in (32, 64)

    def __post_init__(self) -> None:
        shape = self.image_shape
        vector = len(shape) == 1 and shape[0] > 0
        if not vector and not (
            len(shape) == 3 and shape[0] == shape[1] and shape[0] in (28, 32, 64) and shape[2] in (1, 3)
        ):
            raise ValueError(
                "ebgan makes square images of 28, 32 or 64 pixels with 1 or 3 channels, or vectors (n,); "
                f"found image_shape={shape}."
            )
        if self.loss != "ebgan":
            raise ValueError(f"ebgan's discriminator gives energies, so its loss is 'ebgan'; found loss={self.loss!r}.")
        defaults = {
            "margin": 1.0 if vector else 10.0,
            "generator_width": 128 if self.convolutional else 800,
            "discriminator_width": 64 if self.convolutional else 1024,
            "learning_rate": 2e-4 if self.convolutional else 1e-3,
        }
        if self.convolutional:
            defaults["margin"] = 20.0 * math.sqrt(math.prod(shape) / (64 * 64 * 3))
        for field, value in defaults.items():
            if getattr(self, field) is None:
                object.__setattr__(self, field, value)
        for field in ("generator_layers", "generator_width", "discriminator_width"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} must be at least 1; found {getattr(self, field)}.")
