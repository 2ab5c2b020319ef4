"""The InfoGAN paper's settings."""

import dataclasses

from kerasgan.errors import check_whole
from kerasgan.registry import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class InfoGANRecipe(Recipe):
    """Chen et al. 2016, arXiv:1606.03657, appendix C.1; numbers for MNIST from github.com/openai/InfoGAN.

    `kerasgan train --model=infogan --dataset=fashion_mnist --output=runs/infogan`
    """

    no_classes = "its codes find classes of their own, without labels; dcgan and vanilla_gan take them"

    image_shape: tuple[int, ...] = (28, 28, 1)
    batch_size: int = 128
    epochs: int = 11  # of 468 updates; the authors' launcher stops after 5,000
    #: "infogan" is the paper's, on top of non_saturating; the name of another loss puts it on top of that one instead.
    loss: str = "infogan"
    fresh_noise: bool = True  # the authors run the two updates one after the other, each with noise of its own
    noise_dim: int = 62
    categorical: tuple[int, ...] = (10,)
    continuous: int = 2
    information_weight: float = 1.0  # lambda
    #: Not the paper's: transforms, as `augment` has them, of the images that Q reads categories from in training.
    code_augment: str | None = None
    width: int = 64  # maps at full size, which every layer but Q's own goes with
    leak: float = 0.1  # of D and Q below 0, as the paper's tables say; the authors' code has .01
    d_learning_rate: float = 2e-4
    g_learning_rate: float = 1e-3
    beta_1: float = 0.5

    def __post_init__(self) -> None:
        shape = self.image_shape
        if len(shape) != 3 or shape[0] != shape[1] or shape[0] not in (28, 32, 64) or shape[2] not in (1, 3):
            raise ValueError(
                f"infogan makes square images of 28, 32 or 64 pixels with 1 or 3 channels; found image_shape={shape}."
            )
        check_whole("width", self.width, 1)
        if self.code_augment is not None:
            from kerasgan import losses  # which imports TensorFlow, that a list of families needs not

            losses.InfoGAN(augment=self.code_augment)
