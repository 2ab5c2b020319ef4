"""The loss of discriminators that give an energy."""

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kerasgan.errors import checked_weight
from kerasgan.losses.adversarial import AdversarialLoss, Outputs, Tensor, energies_of, names_of

if TYPE_CHECKING:
    from kerasgan.latents import Latent


def pulling_away_term(encodings: Tensor) -> Tensor:
    """The pulling-away term of EBGAN (arXiv:1609.03126, section 2.4) sample by sample.

        PT = 1 / (N (N - 1)) sum_i sum_{j != i} cos^2(S_i, S_j)

    Args:
        encodings: `[N, ...]`, one encoder output per sample; flattened to `[N, E]`.

    Returns:
        float32 `[N]`: for each i the mean of cos^2(S_i, S_j) over the N - 1 others, so that the mean is PT. 0 where
        a row is orthogonal to the others, 1 where all are parallel.

    Raises:
        ValueError: N is known to be 1.
    """
    if encodings.shape[0] == 1:
        raise ValueError("The pulling-away term compares the samples of a batch: it needs at least 2; found 1.")
    n = ops.cast(ops.shape(encodings)[0], "float32")
    rows = ops.cast(ops.reshape(encodings, (ops.shape(encodings)[0], math.prod(encodings.shape[1:]))), "float32")
    squares = ops.sum(ops.square(rows), axis=1, keepdims=True)  # [N, 1]
    rows = rows * ops.rsqrt(ops.maximum(squares, 1e-12))  # a row of zeros stays one: it is parallel to none
    cosines = ops.matmul(rows, ops.transpose(rows))  # [N, N]
    others = 1.0 - ops.eye(ops.shape(encodings)[0], dtype="float32")
    # XLA drops the check of the batch's size that `fit` makes; a lone sample then has nothing to be pulled from.
    return ops.sum(ops.square(cosines) * others, axis=1) / ops.maximum(n - 1.0, 1.0)


@keras.saving.register_keras_serializable("kerasgan")
class EBGAN(AdversarialLoss):
    """The energy-based GAN: D(x) is an energy, low on data (Zhao, Mathieu and LeCun 2016, arXiv:1609.03126).

        d_loss = D(x) + [m - D(G(z))]^+                (Eq. 1; the hinge is taken sample by sample)
        g_loss = D(G(z)) + pulling_away_weight * PT    (Eq. 2; PT on the encoder's output, section 2.4)

    At a Nash equilibrium generator and data agree and d_loss = m (Theorem 1). For a fixed generator the best D gives
    d_loss = m (1 - TV), TV the total variation distance between the two.

    Args:
        margin: m, in the energy's own units. The zoo's energy is the Euclidean norm over all pixels of one image, in
            the model's value range: 10 for 28x28 images in [-1, 1] is a root mean squared error of .36 per pixel.
            With another reduction (a mean over pixels, say) the same number means something else, and a margin
            that no energy reaches or that every energy exceeds leaves one of the terms without effect.
        pulling_away_weight: of PT in the generator's loss; the paper's EBGAN-PT has 0.1, its EBGAN 0.

    Raises:
        ValueError: a margin that is not above 0, or a negative weight.
    """

    gives_probability = False

    def __init__(self, margin: float = 10.0, pulling_away_weight: float = 0.0) -> None:
        if not 0.0 < margin < math.inf:
            raise ValueError(f"margin must be a finite number above 0; found {margin}.")
        self.margin = float(margin)
        self.pulling_away_weight = checked_weight("pulling_away_weight", pulling_away_weight)
        self.smallest_batch = 2 if self.pulling_away_weight else 1  # PT has N (N - 1) pairs

    def discriminator_loss(self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        hinge = ops.relu(self.margin - energies_of(fake_outputs))
        return energies_of(real_outputs) + hinge

    def generator_loss(self, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        energy = energies_of(fake_outputs)
        if not self.pulling_away_weight:
            return energy
        if "encoding" not in fake_outputs:
            raise ValueError(
                "The pulling-away term reads the encoder's output: the discriminator must give 'encoding' [B, E]; "
                f"found {names_of(fake_outputs)}."
            )
        return energy + self.pulling_away_weight * pulling_away_term(fake_outputs["encoding"])

    def confidence(self, real_outputs: Outputs, fake_outputs: Outputs) -> Tensor:
        """By how much the energy of the generated sample in the same row is above the real one's."""
        return energies_of(fake_outputs) - energies_of(real_outputs)

    def diagnostic_names(self, latent: "Latent") -> tuple[str, ...]:
        return ("energy_real", "energy_fake")

    def diagnostics(
        self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent"
    ) -> dict[str, Tensor]:
        """`energy_real`, `energy_fake`: the energies, in the margin's units."""
        return {"energy_real": energies_of(real_outputs), "energy_fake": energies_of(fake_outputs)}

    def get_config(self) -> dict[str, Any]:
        return {"margin": self.margin, "pulling_away_weight": self.pulling_away_weight}
