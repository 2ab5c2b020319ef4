"""The losses of discriminators whose number is no logit of a probability: critics."""

import math
from typing import TYPE_CHECKING

import keras
from keras import ops

from kerasgan.losses.adversarial import AdversarialLoss, Outputs, Tensor, logits_of

if TYPE_CHECKING:
    from kerasgan.latents import Latent


def gap_of(real_outputs: Outputs, fake_outputs: Outputs) -> Tensor:
    """`D(x) - D(G(z))`, float32 `[B]`: each real sample against the generated one in the same row."""
    return logits_of(real_outputs) - logits_of(fake_outputs)


@keras.saving.register_keras_serializable("kerasgan")
class Hinge(AdversarialLoss):
    """The hinge loss (arXiv:1705.02894; arXiv:1802.05957, Eq. 16 and 17), on whatever number D gives.

        d_loss = [1 - D(x)]^+ + [1 + D(G(z))]^+
        g_loss = -D(G(z))

    The best D is sign(p - q), and gives d_loss = 2 (1 - TV), TV the total variation distance of data and generator.
    """

    gives_probability = False

    def discriminator_loss(self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        return ops.relu(1.0 - logits_of(real_outputs)) + ops.relu(1.0 + logits_of(fake_outputs))

    def generator_loss(self, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        return -logits_of(fake_outputs)

    def confidence(self, real_outputs: Outputs, fake_outputs: Outputs) -> Tensor:
        """D itself."""
        return logits_of(real_outputs)

    def diagnostic_names(self, latent: "Latent") -> tuple[str, ...]:
        return ("total_variation",)

    def diagnostics(
        self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent"
    ) -> dict[str, Tensor]:
        """`total_variation`: 1 - d_loss / 2, from no D above TV: a lower bound, in expectation over samples that D was
        not fitted to.
        """
        return {"total_variation": 1.0 - self.discriminator_loss(real_outputs, fake_outputs, z, latent) / 2.0}


@keras.saving.register_keras_serializable("kerasgan")
class LeastSquares(AdversarialLoss):
    """The least-squares GAN (arXiv:1611.04076, Eq. 9), with the targets 1, 0 and 1 and the paper's halves.

        d_loss = (D(x) - 1)^2 / 2 + D(G(z))^2 / 2
        g_loss = (D(G(z)) - 1)^2 / 2

    D is the number itself, without a sigmoid; the best is p / (p + q).
    """

    gives_probability = False

    def discriminator_loss(self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        real, fake = logits_of(real_outputs), logits_of(fake_outputs)
        return 0.5 * ops.square(real - 1.0) + 0.5 * ops.square(fake)

    def generator_loss(self, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        return 0.5 * ops.square(logits_of(fake_outputs) - 1.0)

    def confidence(self, real_outputs: Outputs, fake_outputs: Outputs) -> Tensor:
        """D - 1/2: D is half way between the targets."""
        return logits_of(real_outputs) - 0.5

    def diagnostic_names(self, latent: "Latent") -> tuple[str, ...]:
        return ("d_real", "d_fake")

    def diagnostics(
        self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent"
    ) -> dict[str, Tensor]:
        """`d_real`, `d_fake`: D itself, which is drawn to 1 and to 0 but not bound to lie between them."""
        return {"d_real": logits_of(real_outputs), "d_fake": logits_of(fake_outputs)}


@keras.saving.register_keras_serializable("kerasgan")
class Wasserstein(AdversarialLoss):
    """The Wasserstein GAN's loss (arXiv:1701.07875, Eq. 3): D is a critic, whose numbers mean nothing by themselves.

        d_loss = D(G(z)) - D(x)
        g_loss = -D(G(z))

    It needs something that keeps D's slope bounded, or D grows for ever: `kerasgan.penalties.GradientPenalty(10)` with
    `d_steps=5` and Adam(1e-4, beta_1=0, beta_2=.9) is WGAN-GP (arXiv:1704.00028).
    """

    gives_probability = False

    def discriminator_loss(self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        return logits_of(fake_outputs) - logits_of(real_outputs)

    def generator_loss(self, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        return -logits_of(fake_outputs)

    def confidence(self, real_outputs: Outputs, fake_outputs: Outputs) -> Tensor:
        """D(x) - D(G(z)), row by row, because D has no zero of its own."""
        return gap_of(real_outputs, fake_outputs)

    def diagnostic_names(self, latent: "Latent") -> tuple[str, ...]:
        return ("critic_gap",)

    def diagnostics(
        self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent"
    ) -> dict[str, Tensor]:
        """`critic_gap`: D(x) - D(G(z)). Of a D whose slope is at most 1 it is a lower bound on the Wasserstein distance
        of data and generator, in expectation over samples that D was not fitted to.
        """
        return {"critic_gap": gap_of(real_outputs, fake_outputs)}


@keras.saving.register_keras_serializable("kerasgan")
class Relativistic(AdversarialLoss):
    """The relativistic pairing loss: D judges a real sample and a generated one against each other.

        d_loss = softplus(-(D(x) - D(G(z))))
        g_loss = softplus(-(D(G(z)) - D(x)))        (arXiv:2501.05441, Eq. 2, with f(t) = -log(1 + exp(-t)))

    x and z are paired by their rows in the batch. The theory of that paper wants R1 and R2 beside it
    (`kerasgan.penalties`). The generator's update sees the real samples of the last discriminator update.
    """

    reads_real = True
    gives_probability = False

    def discriminator_loss(self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        return ops.softplus(logits_of(fake_outputs) - logits_of(real_outputs))

    def generator_loss(
        self, fake_outputs: Outputs, z: Tensor, latent: "Latent", real_outputs: Outputs | None = None
    ) -> Tensor:
        if real_outputs is None:
            raise ValueError("The relativistic generator loss needs the discriminator's outputs for real samples.")
        return ops.softplus(gap_of(real_outputs, fake_outputs))

    def confidence(self, real_outputs: Outputs, fake_outputs: Outputs) -> Tensor:
        """D(x) - D(G(z)), row by row, because D has no zero of its own."""
        return gap_of(real_outputs, fake_outputs)

    def diagnostic_names(self, latent: "Latent") -> tuple[str, ...]:
        return ("pair_accuracy", "pair_jsd")

    def diagnostics(
        self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent"
    ) -> dict[str, Tensor]:
        """`pair_accuracy`: the share of pairs of which D finds the real one. `pair_jsd`: log 2 - d_loss, in nats.

        d_loss is the cross-entropy of telling (real, generated) from (generated, real) by sigmoid(D(x) - D(G(z))). That
        is at least log 2 - JSD, JSD that of the two orders of a pair: so `pair_jsd` is a lower bound on it, 0 where
        generator and data agree, in expectation over samples that D was not fitted to.
        """
        gap = gap_of(real_outputs, fake_outputs)
        return {"pair_accuracy": ops.cast(gap > 0.0, "float32"), "pair_jsd": math.log(2.0) - ops.softplus(-gap)}
