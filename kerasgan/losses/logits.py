"""The losses of the GAN paper's discriminator, which gives the logit of a probability."""

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kerasgan.losses.adversarial import AdversarialLoss, Outputs, Tensor, logits_of

if TYPE_CHECKING:
    from kerasgan.latents import Latent

LOG_4 = math.log(4.0)


def minimax_generator_loss(logits: Tensor) -> Tensor:
    """`log(1 - D) = -softplus(l)`: Goodfellow's Eq. 1 as printed. Its gradient on the logit is `-D`."""
    return -ops.softplus(logits)


def non_saturating_generator_loss(logits: Tensor) -> Tensor:
    """`-log D = softplus(-l)`: section 3 of the GAN paper. Its gradient on the logit is `-(1 - D)`."""
    return ops.softplus(-logits)


def kl_generator_loss(logits: Tensor) -> Tensor:
    """`log(1 - D) - log D = -l`: Huszár's sum of the other two. Its gradient on the logit is `-1` everywhere.

    Against the optimal discriminator it follows the gradient of KL[generator || data].
    """
    return -logits


class LogitLoss(AdversarialLoss):
    """The discriminator of the GAN paper on logits; subclasses say what the generator minimises.

    Args:
        label_smoothing: s in [0, 1). The target of real samples becomes 1 - s; that of generated samples stays 0
            (one-sided smoothing, Salimans et al. 2016, arXiv:1606.03498, section 3.4). 0 is the GAN paper.

    Raises:
        ValueError: `label_smoothing` is outside [0, 1).
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(f"label_smoothing must lie in [0, 1), found {label_smoothing}.")
        self.label_smoothing = label_smoothing

    def diagnostic_names(self, latent: "Latent") -> tuple[str, ...]:
        return ("d_real", "d_fake", "value", "jsd")

    def discriminator_loss(self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        """`-log D(x) - log(1 - D(G(z)))`, `[B]` nats: -V(D, G) sample by sample.

        With smoothing s the first term is the cross-entropy with target 1 - s, which is `softplus(-l) + s l`.
        """
        real = logits_of(real_outputs)  # [B]
        fake = logits_of(fake_outputs)  # [B]
        real_term = ops.softplus(-real)
        if self.label_smoothing:
            real_term += self.label_smoothing * real
        return real_term + ops.softplus(fake)

    def confidence(self, real_outputs: Outputs, fake_outputs: Outputs) -> Tensor:
        """The logit: D is above one half (arXiv:2006.06676, Eq. 1)."""
        return logits_of(real_outputs)

    def diagnostics(
        self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent"
    ) -> dict[str, Tensor]:
        """`d_real`, `d_fake`: D itself. `value`: V(D, G) in nats. `jsd`: (V + log 4) / 2 in nats.

        C(G) = max_D V = -log 4 + 2 JSD (GAN paper, Theorem 1), so the `jsd` of any D is a lower bound on the
        Jensen-Shannon divergence between data and generator, in expectation over samples that D was not fitted to.
        """
        real = logits_of(real_outputs)
        fake = logits_of(fake_outputs)
        value = -ops.softplus(-real) - ops.softplus(fake)
        return {
            "d_real": ops.sigmoid(real),
            "d_fake": ops.sigmoid(fake),
            "value": value,
            "jsd": (value + LOG_4) / 2.0,
        }

    def get_config(self) -> dict[str, Any]:
        return {"label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("kerasgan")
class Minimax(LogitLoss):
    """The generator minimises `log(1 - D(G(z)))`: the zero-sum game of the GAN paper, Eq. 1. It saturates."""

    def generator_loss(self, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        return minimax_generator_loss(logits_of(fake_outputs))


@keras.saving.register_keras_serializable("kerasgan")
class NonSaturating(LogitLoss):
    """The generator minimises `-log D(G(z))`: what the GAN paper trains with (end of section 3)."""

    def generator_loss(self, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        return non_saturating_generator_loss(logits_of(fake_outputs))


@keras.saving.register_keras_serializable("kerasgan")
class KL(LogitLoss):
    """The generator minimises `-logit D(G(z))`: Huszár's third update, the sum of the other two."""

    def generator_loss(self, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        return kl_generator_loss(logits_of(fake_outputs))
