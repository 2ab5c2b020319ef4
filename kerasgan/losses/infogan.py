"""A loss on top of others: the mutual information between codes and samples."""

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kerasgan import augment as augmentations
from kerasgan.errors import checked_weight
from kerasgan.losses.adversarial import AdversarialLoss, Outputs, Tensor, names_of
from kerasgan.losses.ebgan import EBGAN

if TYPE_CHECKING:
    from kerasgan.latents import Latent


def mutual_information(outputs: Outputs, z: Tensor, latent: Any) -> dict[str, Tensor]:
    """L_I(G, Q), the variational lower bound on I(c; G(z, c)), code by code (arXiv:1606.03657, Eq. 4 and 5).

        L_I = E[log Q(c | x)] + H(c) <= I(c; x)        and, for a categorical code, I(c; x) <= H(c)

    Q of a categorical code is a softmax over the discriminator's numbers, and H(c) = log k. Q of a continuous code is
    a Gaussian around the discriminator's number with standard deviation 1, as in the authors' MNIST launcher, and
    H(c) = log 2, that of (-1, 1). With so wide a Gaussian its part of the bound is at most log 2 - log(2 pi) / 2 =
    -.2258 nats: negative, and a bound all the same.

    Args:
        outputs: of the discriminator for G(z): a dict with `codes` `[B, latent.code_dim]`.
        z: `[B, latent.dim]`, the vectors that hold the true codes.
        latent: a `kerasgan.latents.Coded`.

    Returns:
        `{code name: [B] float32}` in nats, names and order as in `latent.code_names`.
    """
    if not isinstance(outputs, dict) or "codes" not in outputs:
        raise ValueError(
            "InfoGAN reads codes: its discriminator must give a dict with 'logits' and 'codes'; "
            f"found {names_of(outputs)}."
        )
    read = latent.split_codes(ops.cast(outputs["codes"], "float32"))
    true = latent.split(z)
    bounds = [
        math.log(k) + ops.sum(one_hot * ops.log_softmax(scores, axis=-1), axis=-1)
        for k, one_hot, scores in zip(latent.categorical, true["categorical"], read["categorical"], strict=True)
    ]
    errors = true["continuous"] - read["continuous"]  # [B, continuous]
    for i in range(latent.continuous):
        bounds.append(math.log(2.0) - 0.5 * ops.square(errors[:, i]) - 0.5 * math.log(2.0 * math.pi))
    return dict(zip(latent.code_names, bounds, strict=True))


@keras.saving.register_keras_serializable("kerasgan")
class InfoGAN(AdversarialLoss):
    """A GAN whose generator must keep its codes legible (Chen et al. 2016, arXiv:1606.03657, Eq. 6).

        d_loss = adversarial d_loss - information_weight * L_I    (the discriminator holds Q, which is trained here)
        g_loss = adversarial g_loss - information_weight * L_I

    L_I is the sum of `mutual_information` over all codes.

    Args:
        adversarial: alias or instance of any loss that reads one number per sample: all but ebgan and infogan.
        information_weight: the paper's lambda, which is 1.
        augment: not the paper's: transforms as `GAN.compile` takes them, such as "affine". In training Q then reads the
            categorical codes from generated images that are changed by them, in another pass, and the continuous ones
            from the images as they are. So what the transforms change tells no category from another.

    Raises:
        ValueError: another kind of adversarial loss, a negative weight, or an augmentation that is adaptive, which
            codes have no use for.
    """

    def __init__(
        self,
        adversarial: str | AdversarialLoss | dict[str, Any] = "non_saturating",
        information_weight: float = 1.0,
        augment: Any = None,
    ) -> None:
        from kerasgan import losses  # all of them, this one too

        self.adversarial = losses.get(adversarial)
        if isinstance(self.adversarial, (EBGAN, InfoGAN)):
            raise ValueError(
                f"InfoGAN builds on a logit loss or a critic's: {', '.join(losses.PLAIN)}; "
                f"found {type(self.adversarial).__name__}."
            )
        self.information_weight = checked_weight("information_weight", information_weight)
        self.augment = augmentations.get(augment)
        if isinstance(self.augment, augmentations.Adaptive):
            raise ValueError(
                "What codes are read from is augmented by transforms such as 'affine', or with a probability, "
                "'diffaugment(affine, probability=.5)'; found an adaptive one, which goes by how sure D is."
            )
        self.smallest_batch = self.adversarial.smallest_batch
        self.reads_real = self.adversarial.reads_real
        self.gives_probability = self.adversarial.gives_probability

    def discriminator_loss(self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        information = sum(mutual_information(fake_outputs, z, latent).values())
        adversarial = self.adversarial.discriminator_loss(real_outputs, fake_outputs, z, latent)
        return adversarial - self.information_weight * information

    def generator_loss(self, fake_outputs: Outputs, z: Tensor, latent: "Latent", *real_outputs: Outputs) -> Tensor:
        information = sum(mutual_information(fake_outputs, z, latent).values())
        adversarial = self.adversarial.generator_loss(fake_outputs, z, latent, *real_outputs)
        return adversarial - self.information_weight * information

    def join(self, outputs: Outputs, again: Outputs, latent: Any) -> Outputs:
        """The categorical codes of the second pass, and all else of the first."""
        told = latent.code_dim - latent.continuous  # numbers of Q for categorical codes, which stand before the others
        codes = ops.concatenate([again["codes"][:, :told], outputs["codes"][:, told:]], axis=-1)
        return {**outputs, "codes": codes}

    def confidence(self, real_outputs: Outputs, fake_outputs: Outputs) -> Tensor:
        """The adversarial loss's."""
        return self.adversarial.confidence(real_outputs, fake_outputs)

    def diagnostic_names(self, latent: "Latent") -> tuple[str, ...]:
        if not hasattr(latent, "code_names"):
            raise ValueError(
                "InfoGAN needs a latent with codes, kerasgan.latents.Coded(noise, categorical, continuous); "
                f"found {type(latent).__name__}."
            )
        information = ("mutual_information", *(f"mutual_information_{name}" for name in latent.code_names))
        return (*self.adversarial.diagnostic_names(latent), *information)

    def diagnostics(
        self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent"
    ) -> dict[str, Tensor]:
        """The adversarial loss's own, `mutual_information` (L_I in nats) and its part from each code."""
        bounds = mutual_information(fake_outputs, z, latent)
        return {
            **self.adversarial.diagnostics(real_outputs, fake_outputs, z, latent),
            "mutual_information": sum(bounds.values()),
            **{f"mutual_information_{name}": bound for name, bound in bounds.items()},
        }

    def get_config(self) -> dict[str, Any]:
        return {
            "adversarial": keras.saving.serialize_keras_object(self.adversarial),
            "information_weight": self.information_weight,
            "augment": augmentations.serialize(self.augment),
        }
