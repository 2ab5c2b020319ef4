"""Adversarial losses: what the discriminator and the generator each minimise.

An adversarial loss is a small serialisable object with two pure methods, `discriminator_loss` and
`generator_loss`. Both return one value *per sample*, shape `[B]`, float32, in nats where the loss is a
likelihood: the model reduces them, so that weighting and several replicas come out right.

The logit losses share Goodfellow's discriminator, which maximises

    V(D, G) = E_x[log D(x)] + E_z[log(1 - D(G(z)))],

and differ in what the generator minimises. They are computed on the logit `l`, `D = sigmoid(l)`, through
`softplus(l) = log(1 + exp(l))`, so that no logarithm ever sees a zero. InfoGAN adds the mutual information between
codes and samples to one of them; EBGAN plays for energies instead of probabilities. What the others read is no logit of
a probability, but it comes in the same form, one number per sample: hinge, least squares, Wasserstein, relativistic.

References:
    Goodfellow et al. 2014, "Generative Adversarial Nets", arXiv:1406.2661.
    Huszár 2016, "An Alternative Update Rule for Generative Adversarial Networks", inference.vc; the proof is in
    Sønderby et al. 2016, "Amortised MAP Inference for Image Super-resolution", arXiv:1610.04490, appendix A.
    Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information Maximizing Generative
    Adversarial Nets", arXiv:1606.03657.
    Zhao, Mathieu and LeCun 2016, "Energy-based Generative Adversarial Network", arXiv:1609.03126.
    Lim and Ye 2017, "Geometric GAN", arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, Eq. 16 and 17 (hinge).
    Mao et al. 2017, "Least Squares Generative Adversarial Networks", arXiv:1611.04076.
    Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN", arXiv:1701.07875.
    Jolicoeur-Martineau 2019, "The relativistic discriminator", arXiv:1807.00734, in the pairing form of Huang et al.
    2024, "The GAN is dead; long live the GAN!", arXiv:2501.05441, Eq. 2.
"""

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import keras
from keras import ops

from kerasgan.errors import suggestion

if TYPE_CHECKING:
    from kerasgan.latents import Latent

Tensor: TypeAlias = Any  # of Keras's backend
Outputs: TypeAlias = Tensor | dict[str, Tensor]  # what a discriminator gives

LOG_4 = math.log(4.0)


def logits_of(outputs: Outputs) -> Tensor:
    """The logits in a discriminator's outputs, as float32 `[B]`.

    Args:
        outputs: logits `[B, 1]` or `[B]`, or a dict that holds them under `"logits"`.
    """
    if isinstance(outputs, dict):
        if "logits" not in outputs:
            raise ValueError(
                "This loss reads logits, but the discriminator gives only "
                f"{_names_of(outputs)}. Choose the loss of the discriminator's own family."
            )
        outputs = outputs["logits"]
    if len(outputs.shape) > 2 or (len(outputs.shape) == 2 and outputs.shape[-1] != 1):
        raise ValueError(
            f"This loss needs one logit per sample, shape [B, 1]; the discriminator gives {tuple(outputs.shape)}."
        )
    return ops.cast(ops.reshape(outputs, (-1,)), "float32")


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


class AdversarialLoss:
    """What two networks play for. Subclass it, register it with Keras, and pass an instance to `GAN.compile`.

    The outputs are what the discriminator returned for real and for generated samples; `z` `[B, latent.dim]` is the
    noise behind the generated ones, `latent` the distribution it came from.
    """

    #: How many samples one update must have for the loss to be defined.
    smallest_batch: int = 1
    #: Whether `generator_loss` takes, as a fourth argument, what the discriminator makes of real samples, one for each
    #: generated one. Only then does the game compute it.
    reads_real: bool = False
    #: Whether the sigmoid of what the discriminator gives is the probability that a sample is real.
    gives_probability: bool = True

    def diagnostic_names(self, latent: "Latent") -> tuple[str, ...]:
        """Names of the values that `diagnostics` returns; `fit` logs their means beside `d_loss` and `g_loss`."""
        return ()

    def discriminator_loss(self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        """What the discriminator minimises, `[B]` float32."""
        raise NotImplementedError

    def generator_loss(self, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        """What the generator minimises, `[B]` float32."""
        raise NotImplementedError

    def confidence(self, real_outputs: Outputs, fake_outputs: Outputs) -> Tensor:
        """How sure the discriminator is of real samples, `[B]` float32: positive where it is right. The sign is what
        `kerasgan.augment.Adaptive` goes by.
        """
        raise ValueError(f"{type(self).__name__} does not say when its discriminator is right (confidence).")

    def diagnostics(
        self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent"
    ) -> dict[str, Tensor]:
        """What the loss can say of the game beyond the two losses: `{name: [B] float32}`."""
        return {}

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AdversarialLoss":
        return cls(**config)


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
        return logits_of(real_outputs) - logits_of(fake_outputs)

    def diagnostic_names(self, latent: "Latent") -> tuple[str, ...]:
        return ("critic_gap",)

    def diagnostics(
        self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent"
    ) -> dict[str, Tensor]:
        """`critic_gap`: D(x) - D(G(z)). Of a D whose slope is at most 1 it is a lower bound on the Wasserstein distance
        of data and generator, in expectation over samples that D was not fitted to.
        """
        return {"critic_gap": logits_of(real_outputs) - logits_of(fake_outputs)}


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
        return ops.softplus(logits_of(real_outputs) - logits_of(fake_outputs))

    def confidence(self, real_outputs: Outputs, fake_outputs: Outputs) -> Tensor:
        """D(x) - D(G(z)), row by row, because D has no zero of its own."""
        return logits_of(real_outputs) - logits_of(fake_outputs)

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
        gap = logits_of(real_outputs) - logits_of(fake_outputs)
        return {"pair_accuracy": ops.cast(gap > 0.0, "float32"), "pair_jsd": math.log(2.0) - ops.softplus(-gap)}


def _names_of(outputs: Outputs) -> str:
    return ", ".join(sorted(outputs)) if isinstance(outputs, dict) else "one tensor"


def energies_of(outputs: Outputs) -> Tensor:
    """The energies in the outputs of an autoencoding discriminator, as float32 `[B]`."""
    if not isinstance(outputs, dict) or "energy" not in outputs:
        raise ValueError(
            f"EBGAN reads energies: its discriminator must give a dict with 'energy' [B]; found {_names_of(outputs)}. "
            "Discriminators that give logits play for the other losses, such as non_saturating."
        )
    energy = outputs["energy"]
    if len(energy.shape) != 1:
        raise ValueError(
            f"EBGAN needs one energy per sample, shape [B]; the discriminator gives {tuple(energy.shape)}."
        )
    return ops.cast(energy, "float32")


def scores_of(outputs: Outputs) -> Tensor:
    """The one number per sample in a discriminator's outputs, logit or energy, as float32 `[B]`."""
    return energies_of(outputs) if isinstance(outputs, dict) and "energy" in outputs else logits_of(outputs)


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
        self.pulling_away_weight = _checked_weight("pulling_away_weight", pulling_away_weight)
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
                f"found {_names_of(fake_outputs)}."
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
            f"found {_names_of(outputs)}."
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

    Raises:
        ValueError: another kind of adversarial loss, or a negative weight.
    """

    def __init__(
        self, adversarial: str | AdversarialLoss | dict[str, Any] = "non_saturating", information_weight: float = 1.0
    ) -> None:
        self.adversarial = get(adversarial)
        if isinstance(self.adversarial, (EBGAN, InfoGAN)):
            raise ValueError(
                f"InfoGAN builds on a loss of one number per sample: {', '.join(PLAIN)}; "
                f"found {type(self.adversarial).__name__}."
            )
        self.information_weight = _checked_weight("information_weight", information_weight)
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
        return {"adversarial": serialize(self.adversarial), "information_weight": self.information_weight}


def _checked_weight(name: str, weight: float) -> float:
    if not 0.0 <= weight < math.inf:
        raise ValueError(f"{name} must be a finite number, at least 0; found {weight}.")
    return float(weight)


PLAIN = {  # of one number per sample
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "kl": KL,
    "hinge": Hinge,
    "least_squares": LeastSquares,
    "wasserstein": Wasserstein,
    "relativistic": Relativistic,
}
ALIASES: dict[str, type[AdversarialLoss]] = {**PLAIN, "ebgan": EBGAN, "infogan": InfoGAN}


def get(identifier: Any) -> AdversarialLoss:
    """An adversarial loss from an alias, an instance or a config.

    Args:
        identifier: one of `ALIASES` ("minimax", "non_saturating", "kl", "hinge", "least_squares", "wasserstein",
            "relativistic", "ebgan", "infogan"), an `AdversarialLoss`, or what `serialize` returned for one.

    Raises:
        ValueError: the alias or the config is unknown; the message lists the known ones.
    """
    if isinstance(identifier, AdversarialLoss):
        return identifier
    if isinstance(identifier, dict):
        loss = keras.saving.deserialize_keras_object(identifier)
        if isinstance(loss, AdversarialLoss):
            return loss
        raise ValueError(f"This config describes a {type(loss).__name__}, not an adversarial loss.")
    if isinstance(identifier, str) and identifier in ALIASES:
        return ALIASES[identifier]()
    raise ValueError(
        f"Unknown adversarial loss {identifier!r}. Known: {', '.join(sorted(ALIASES))}, or an instance of a "
        f"kerasgan.losses class.{suggestion(identifier, ALIASES)}"
    )


def serialize(loss: AdversarialLoss) -> dict[str, Any]:
    """The config from which `get` makes the loss again."""
    return keras.saving.serialize_keras_object(loss)
