"""The DCGAN paper's settings."""

import dataclasses

from kerasgan.registry import Recipe

LATENTS = ("uniform", "normal")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DCGANRecipe(Recipe):
    """Radford, Metz and Chintala 2015, arXiv:1511.06434, section 4 unless a line says otherwise.

    `kerasgan train --model=dcgan --dataset=fashion_mnist --output=runs/dcgan`
    """

    image_shape: tuple[int, ...] = (28, 28, 1)
    batch_size: int = 128
    epochs: int = 25  # the authors' code, faces/train_uncond_dcgan.py
    latent_dim: int = 100  # Figure 1: uniform noise; the authors' code draws it from (-1, 1)
    #: Channels of the generator's last map before the image; a map of half the side has twice as many. None is 64 for
    #: 28 pixels (the authors' mnist/train_cond_dcgan.py) and 128 for the others (Figure 1).
    generator_width: int | None = None
    #: The same of the discriminator's first map. None is 128 (faces/train_uncond_dcgan.py), but 32 for 28 pixels, half
    #: of what the authors' 28x28 code has: on Fashion-MNIST a discriminator of 64 runs ahead, giving real images .84
    #: and generated ones .17 over the first epoch, where one of 32 gives .71 and .31 and the samples come out better.
    discriminator_width: int | None = None
    #: Units of a hidden dense layer before the discriminator's logit. 0 is none, as section 3 advises; the authors'
    #: 28x28 code has 1024.
    discriminator_units: int = 0
    kernel_size: int = 5  # Figure 1; PyTorch's own example has 4
    latent: str = "uniform"  # on (-1, 1); or "normal", as PyTorch's example draws it
    learning_rate: float | str = 2e-4  # or a schedule, such as "cosine(0.001, 0.0, 10000)"
    generator_learning_rate: float | str | None = None  # None is the same for both, as in the paper
    beta_1: float = 0.5

    def __post_init__(self) -> None:
        shape = self.image_shape
        if len(shape) != 3 or shape[0] != shape[1] or shape[0] not in (28, 32, 64, 128) or shape[2] not in (1, 3):
            raise ValueError(
                "dcgan makes square images of 28, 32, 64 or 128 pixels with 1 or 3 channels; "
                f"found image_shape={shape}."
            )
        if self.generator_learning_rate is None:
            object.__setattr__(self, "generator_learning_rate", self.learning_rate)
        for field, at_28 in (("generator_width", 64), ("discriminator_width", 32)):
            if getattr(self, field) is None:
                object.__setattr__(self, field, at_28 if shape[0] == 28 else 128)
            elif getattr(self, field) < 1:
                raise ValueError(f"{field} must be at least 1; found {getattr(self, field)}.")
        if self.kernel_size < 2:
            raise ValueError(f"kernel_size must be at least 2, the stride; found {self.kernel_size}.")
        if self.latent not in LATENTS:
            raise ValueError(f"latent must be one of {', '.join(LATENTS)}; found {self.latent!r}.")
        if self.discriminator_units < 0:
            raise ValueError(f"discriminator_units must be at least 0; found {self.discriminator_units}.")
