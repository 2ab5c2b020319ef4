"""A GAN as a configuration: what it is made from, and the rules that it is compiled with."""

import warnings
from typing import TYPE_CHECKING, Any

import keras

from kerasgan import augment, losses, penalties, schedules
from kerasgan import layers as _layers  # noqa: F401  # a file may name them, and Keras knows what is imported

if TYPE_CHECKING:
    from kerasgan.gan import GAN

PARTS = ("generator", "discriminator", "latent")


def parts_of(gan: "GAN") -> dict[str, Any]:
    """The arguments that make a GAN, as JSON has them."""
    return {
        **{part: keras.saving.serialize_keras_object(getattr(gan, part)) for part in PARTS},
        "value_range": gan.value_range,
        "ema_decay": schedules.serialize(gan.ema_decay),
        "seed": gan.seed,
    }


def made_from(cls: type["GAN"], config: dict[str, Any], custom_objects: dict | None = None) -> "GAN":
    """A GAN from a configuration that holds what `parts_of` gives."""
    parts = {part: keras.saving.deserialize_keras_object(config[part], custom_objects) for part in PARTS}
    return cls(**{**config, **parts})


def rules_of(gan: "GAN") -> dict[str, Any] | None:
    """The arguments that a GAN was compiled with, as JSON has them; None before it was."""
    if not gan.compiled:
        return None
    return {
        "d_optimizer": keras.saving.serialize_keras_object(gan.d_optimizer),
        "g_optimizer": keras.saving.serialize_keras_object(gan.g_optimizer),
        "loss": losses.serialize(gan.loss),
        "d_steps": gan.d_steps,
        "fresh_noise": gan.fresh_noise,
        "penalties": penalties.serialize(gan.penalties),
        "augment": augment.serialize(gan.augment),
        **gan.compile_options,
    }


def compile_by(gan: "GAN", rules: dict[str, Any]) -> None:
    """Compiles a GAN by what `rules_of` gave. What `compile` warns of was said to whoever chose it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The (discriminator|generator) ")
        gan.compile(**keras.saving.deserialize_keras_object(rules))
