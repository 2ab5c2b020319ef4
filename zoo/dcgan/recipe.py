"""The DCGAN paper's settings."""

import dataclasses

from kerasgan.registry import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class DCGANRecipe(Recipe):
    """Radford, Metz and Chintala 2015, arXiv:1511.06434, section 4 unless a line says otherwise.

    `kerasgan train --model=dcgan --dataset=fashion_mnist --output=runs/dcgan`
    """

    image_shape: tuple[int, ...] = (28, 28, 1)
    batch_size: int = 128
    epochs: int = 25  # the authors' code, faces/train_uncond_dcgan.py
    latent_dim: int = 100  # Figure 1: uniform noise; the authors' code draws it from (-1, 1)
    #: Channels of the largest feature map in each network; they double with every map half the size. None is 64 for 28
    #: pixels (the authors' mnist/train_cond_dcgan.py) and 128 for the others (Figure 1, faces/train_uncond_dcgan.py).
    width: int | None = None
    learning_rate: float = 2e-4
    beta_1: float = 0.5

    def __post_init__(self):
        shape = self.image_shape
        if self.width is None:
            object.__setattr__(self, "width", 64 if shape[0] == 28 else 128)
        if len(shape) != 3 or shape[0] != shape[1] or shape[0] not in (28, 32, 64, 128) or shape[2] not in (1, 3):
            raise ValueError(
                "dcgan makes square images of 28, 32, 64 or 128 pixels with 1 or 3 channels; "
                f"found image_shape={shape}."
            )
