"""What every adversarial loss is, and how it reads a discriminator's outputs."""

from typing import TYPE_CHECKING, Any, TypeAlias

from keras import ops

if TYPE_CHECKING:
    from kerasgan.augment import Augmentation
    from kerasgan.latents import Latent

Tensor: TypeAlias = Any  # of Keras's backend
Outputs: TypeAlias = Tensor | dict[str, Tensor]  # what a discriminator gives


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
    #: Of the generated samples that the discriminator sees a second time in each update, for `join` to take from what
    #: it makes of them. None is once.
    augment: "Augmentation | None" = None

    def diagnostic_names(self, latent: "Latent") -> tuple[str, ...]:
        """Names of the values that `diagnostics` returns; `fit` logs their means beside `d_loss` and `g_loss`."""
        return ()

    def discriminator_loss(self, real_outputs: Outputs, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        """What the discriminator minimises, `[B]` float32."""
        raise NotImplementedError

    def generator_loss(self, fake_outputs: Outputs, z: Tensor, latent: "Latent") -> Tensor:
        """What the generator minimises, `[B]` float32."""
        raise NotImplementedError

    def join(self, outputs: Outputs, again: Outputs, latent: "Latent") -> Outputs:
        """What the losses read where `augment` is set: of what the discriminator made of generated samples, and what it
        made of the same under `augment`.
        """
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


def logits_of(outputs: Outputs) -> Tensor:
    """The logits in a discriminator's outputs, as float32 `[B]`.

    Args:
        outputs: logits `[B, 1]` or `[B]`, or a dict that holds them under `"logits"`.
    """
    if isinstance(outputs, dict):
        if "logits" not in outputs:
            raise ValueError(
                "This loss reads logits, but the discriminator gives only "
                f"{names_of(outputs)}. Choose the loss of the discriminator's own family."
            )
        outputs = outputs["logits"]
    if len(outputs.shape) > 2 or (len(outputs.shape) == 2 and outputs.shape[-1] != 1):
        raise ValueError(
            f"This loss needs one logit per sample, shape [B, 1]; the discriminator gives {tuple(outputs.shape)}."
        )
    return ops.cast(ops.reshape(outputs, (-1,)), "float32")


def energies_of(outputs: Outputs) -> Tensor:
    """The energies in the outputs of an autoencoding discriminator, as float32 `[B]`."""
    if not isinstance(outputs, dict) or "energy" not in outputs:
        raise ValueError(
            f"EBGAN reads energies: its discriminator must give a dict with 'energy' [B]; found {names_of(outputs)}. "
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


def names_of(outputs: Outputs) -> str:
    """The names in a discriminator's outputs, for messages."""
    return ", ".join(sorted(outputs)) if isinstance(outputs, dict) else "one tensor"
