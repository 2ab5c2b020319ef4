"""Adversarial losses: what the discriminator and the generator each minimise.

An adversarial loss is a small serialisable object with two pure methods, `discriminator_loss` and
`generator_loss`. Both return one value *per sample*, shape `[B]`, float32, in nats where the loss is a
likelihood: the model reduces them, so that weighting and several replicas come out right.

The three losses here share Goodfellow's discriminator, which maximises

    V(D, G) = E_x[log D(x)] + E_z[log(1 - D(G(z)))],

and differ in what the generator minimises. Everything is computed on the logit `l`, `D = sigmoid(l)`, through
`softplus(l) = log(1 + exp(l))`, so that no logarithm ever sees a zero.

References:
    Goodfellow et al. 2014, "Generative Adversarial Nets", arXiv:1406.2661.
    Huszár 2016, "An Alternative Update Rule for Generative Adversarial Networks", inference.vc; the proof is in
    Sønderby et al. 2016, "Amortised MAP Inference for Image Super-resolution", arXiv:1610.04490, appendix A.
"""

import difflib
import math

import keras
from keras import ops

LOG_4 = math.log(4.0)


def logits_of(outputs):
    """The logits in a discriminator's outputs, as float32 `[B]`.

    Args:
        outputs: logits `[B, 1]` or `[B]`, or a dict that holds them under `"logits"`.
    """
    if isinstance(outputs, dict):
        if "logits" not in outputs:
            raise ValueError(
                "This loss reads logits, but the discriminator gives only "
                f"{', '.join(sorted(outputs))}. Choose the loss of the discriminator's own family."
            )
        outputs = outputs["logits"]
    if len(outputs.shape) > 2 or (len(outputs.shape) == 2 and outputs.shape[-1] != 1):
        raise ValueError(
            f"This loss needs one logit per sample, shape [B, 1]; the discriminator gives {tuple(outputs.shape)}."
        )
    return ops.cast(ops.reshape(outputs, (-1,)), "float32")


def minimax_generator_loss(logits):
    """`log(1 - D) = -softplus(l)`: Goodfellow's Eq. 1 as printed. Its gradient on the logit is `-D`."""
    return -ops.softplus(logits)


def non_saturating_generator_loss(logits):
    """`-log D = softplus(-l)`: section 3 of the GAN paper. Its gradient on the logit is `-(1 - D)`."""
    return ops.softplus(-logits)


def kl_generator_loss(logits):
    """`log(1 - D) - log D = -l`: Huszár's sum of the other two. Its gradient on the logit is `-1` everywhere.

    Against the optimal discriminator it follows the gradient of KL[generator || data].
    """
    return -logits


class AdversarialLoss:
    """What two networks play for. Subclass it, register it with Keras, and pass an instance to `GAN.compile`.

    The outputs are what the discriminator returned for real and for generated samples; `z` `[B, latent.dim]` is the
    noise behind the generated ones, `latent` the distribution it came from.
    """

    #: Names of the values that `diagnostics` returns; `fit` logs their means beside `d_loss` and `g_loss`.
    diagnostic_names: tuple[str, ...] = ()

    def discriminator_loss(self, real_outputs, fake_outputs, z, latent):
        """What the discriminator minimises, `[B]` float32."""
        raise NotImplementedError

    def generator_loss(self, fake_outputs, z, latent):
        """What the generator minimises, `[B]` float32."""
        raise NotImplementedError

    def diagnostics(self, real_outputs, fake_outputs, z, latent) -> dict:
        """What the loss can say of the game beyond the two losses: `{name: [B] float32}`."""
        return {}

    def get_config(self) -> dict:
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class LogitLoss(AdversarialLoss):
    """The discriminator of the GAN paper on logits; subclasses say what the generator minimises.

    Args:
        label_smoothing: s in [0, 1). The target of real samples becomes 1 - s; that of generated samples stays 0
            (one-sided smoothing, Salimans et al. 2016, arXiv:1606.03498, section 3.4). 0 is the GAN paper.

    Raises:
        ValueError: `label_smoothing` is outside [0, 1).
    """

    diagnostic_names = ("d_real", "d_fake", "value", "jsd")

    def __init__(self, label_smoothing: float = 0.0):
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(f"label_smoothing must lie in [0, 1), found {label_smoothing}.")
        self.label_smoothing = label_smoothing

    def discriminator_loss(self, real_outputs, fake_outputs, z, latent):
        """`-log D(x) - log(1 - D(G(z)))`, `[B]` nats: -V(D, G) sample by sample.

        With smoothing s the first term is the cross-entropy with target 1 - s, which is `softplus(-l) + s l`.
        """
        real = logits_of(real_outputs)  # [B]
        fake = logits_of(fake_outputs)  # [B]
        real_term = ops.softplus(-real)
        if self.label_smoothing:
            real_term += self.label_smoothing * real
        return real_term + ops.softplus(fake)

    def diagnostics(self, real_outputs, fake_outputs, z, latent):
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

    def get_config(self):
        return {"label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("kerasgan")
class Minimax(LogitLoss):
    """The generator minimises `log(1 - D(G(z)))`: the zero-sum game of the GAN paper, Eq. 1. It saturates."""

    def generator_loss(self, fake_outputs, z, latent):
        return minimax_generator_loss(logits_of(fake_outputs))


@keras.saving.register_keras_serializable("kerasgan")
class NonSaturating(LogitLoss):
    """The generator minimises `-log D(G(z))`: what the GAN paper trains with (end of section 3)."""

    def generator_loss(self, fake_outputs, z, latent):
        return non_saturating_generator_loss(logits_of(fake_outputs))


@keras.saving.register_keras_serializable("kerasgan")
class KL(LogitLoss):
    """The generator minimises `-logit D(G(z))`: Huszár's third update, the sum of the other two."""

    def generator_loss(self, fake_outputs, z, latent):
        return kl_generator_loss(logits_of(fake_outputs))


ALIASES = {"minimax": Minimax, "non_saturating": NonSaturating, "kl": KL}


def get(identifier) -> AdversarialLoss:
    """An adversarial loss from an alias, an instance or a config.

    Args:
        identifier: one of `ALIASES` ("minimax", "non_saturating", "kl"), an `AdversarialLoss`, or what
            `serialize` returned for one.

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
    close = difflib.get_close_matches(str(identifier), ALIASES, n=1)
    suggestion = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(
        f"Unknown adversarial loss {identifier!r}. Known: {', '.join(sorted(ALIASES))}, or an instance of a "
        f"kerasgan.losses class.{suggestion}"
    )


def serialize(loss: AdversarialLoss) -> dict:
    """The config from which `get` makes the loss again."""
    return keras.saving.serialize_keras_object(loss)
