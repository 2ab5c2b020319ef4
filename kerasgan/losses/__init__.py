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

from typing import Any

import keras

from kerasgan.errors import suggestion
from kerasgan.losses.adversarial import AdversarialLoss, Outputs, Tensor, energies_of, logits_of, scores_of
from kerasgan.losses.critics import Hinge, LeastSquares, Relativistic, Wasserstein
from kerasgan.losses.ebgan import EBGAN, pulling_away_term
from kerasgan.losses.infogan import InfoGAN, mutual_information
from kerasgan.losses.logits import (
    KL,
    LOG_4,
    LogitLoss,
    Minimax,
    NonSaturating,
    kl_generator_loss,
    minimax_generator_loss,
    non_saturating_generator_loss,
)

__all__ = [
    "ALIASES",
    "EBGAN",
    "KL",
    "LOG_4",
    "PLAIN",
    "AdversarialLoss",
    "Hinge",
    "InfoGAN",
    "LeastSquares",
    "LogitLoss",
    "Minimax",
    "NonSaturating",
    "Outputs",
    "Relativistic",
    "Tensor",
    "Wasserstein",
    "energies_of",
    "get",
    "kl_generator_loss",
    "logits_of",
    "minimax_generator_loss",
    "mutual_information",
    "non_saturating_generator_loss",
    "pulling_away_term",
    "scores_of",
    "serialize",
]

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
