"""The GAN paper's settings for MNIST."""

import dataclasses
from typing import TYPE_CHECKING, Any

from kerasgan.registry import Recipe

if TYPE_CHECKING:
    from kerasgan.gan import GAN


@dataclasses.dataclass(frozen=True, kw_only=True)
class VanillaGANRecipe(Recipe):
    """Goodfellow et al. 2014, arXiv:1406.2661; numbers from `mnist.yaml` in github.com/goodfeli/adversarial.

    `kerasgan train --model=vanilla_gan --dataset=fashion_mnist --output=runs/vanilla_gan`
    """

    image_shape: tuple[int, ...] = (28, 28, 1)
    batch_size: int = 100
    epochs: int = 250  # where the momentum's ramp ends; the authors stopped by hand
    latent_dim: int = 100  # nvis; uniform on (-√3, √3)
    generator_units: int = 1200
    output_bias: str = "zeros"  # or "marginals", as `mnist.yaml` has it, from which D wins on MNIST: see `prepare`
    discriminator_units: int = 240
    discriminator_pieces: int = 5
    input_dropout: float = 0.2
    dropout: float = 0.5  # of the hidden layers
    optimizer: str = "sgd"  # or "adam": beta_1 .5; none of the momenta and divisors below
    learning_rate: float | str = 0.1  # with "adam" a schedule too, such as "cosine(0.0005, 0.0, 50000)"
    generator_learning_rate: float | str | None = None  # None is the same for both, as in the paper
    learning_rate_divisor: float = 1.000004  # per update
    learning_rate_floor: float = 1e-6
    initial_momentum: float = 0.5
    final_momentum: float = 0.7
    momentum_ramp_steps: int = 125_000  # 250 epochs of 50,000 images in batches of 100

    def __post_init__(self) -> None:
        shape = self.image_shape
        if min(shape, default=0) < 1 or not (len(shape) == 1 or (len(shape) == 3 and shape[2] in (1, 3))):
            raise ValueError(
                "vanilla_gan makes images (height, width, channels) with 1 or 3 channels, or vectors (n,); "
                f"found image_shape={shape}."
            )
        for field in ("input_dropout", "dropout"):
            if not 0.0 <= getattr(self, field) < 1.0:
                raise ValueError(f"{field} must be at least 0 and below 1; found {getattr(self, field)}.")
        if self.output_bias not in ("zeros", "marginals"):
            raise ValueError(f"output_bias must be zeros or marginals; found {self.output_bias!r}.")
        if self.output_bias == "marginals" and len(shape) == 1:
            raise ValueError(f"output_bias=marginals is of pixels, from 0 to 1; found image_shape={shape}.")
        if self.optimizer not in ("sgd", "adam"):
            raise ValueError(f"optimizer must be sgd or adam; found {self.optimizer!r}.")
        if self.generator_learning_rate is None:
            object.__setattr__(self, "generator_learning_rate", self.learning_rate)
        for field in ("learning_rate", "generator_learning_rate"):
            if self.optimizer == "sgd" and isinstance(getattr(self, field), str):
                raise ValueError(
                    f"{field} falls by learning_rate_divisor where optimizer is sgd, and must be a number; "
                    f"found {getattr(self, field)!r}."
                )

    def prepare(self, gan: "GAN", samples: Any) -> None:
        """With `output_bias="marginals"` the generator begins with the mean of the images
        (`networks.begin_with_mean`).
        """
        if self.output_bias == "marginals":
            from kerasgan.zoo.vanilla_gan import networks

            networks.begin_with_mean(gan.generator, samples)
