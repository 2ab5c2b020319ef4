"""InfoGAN whose discriminator normalises real and generated images together, for one row of infogan.py."""

from typing import Any

import keras
import tensorflow as tf

import kerasgan
from kerasgan.penalties import FAKE, REAL
from kerasgan.registry import register
from kerasgan.zoo import infogan
from kerasgan.zoo.infogan.recipe import InfoGANRecipe


@keras.saving.register_keras_serializable("reproductions")
class MixedGAN(kerasgan.GAN):
    """A GAN whose real and generated images share the discriminator's batch statistics, in the updates of both.

    What is judged passes beside the other kind and is cut out behind it. In D's update both kinds do, a pass each,
    where one would do.
    """

    def _update_discriminator(self, real: Any, fake: Any, *rest: Any) -> None:
        self._beside = real, tf.stop_gradient(fake)
        super()._update_discriminator(real, fake, *rest)

    def _judge(self, samples: Any, labels: Any, update: Any, kind: int) -> Any:
        real, fake = self._beside
        beside = {REAL: fake, FAKE: real}[kind]
        outputs = super()._judge(tf.concat([samples, beside], axis=0), labels, update, kind)
        return tf.nest.map_structure(lambda output: output[: tf.shape(samples)[0]], outputs)


@register("infogan_mixed", InfoGANRecipe, "InfoGAN, real and generated images normalised together")
def build(recipe: InfoGANRecipe) -> MixedGAN:
    """The compiled GAN that a recipe describes, with the networks of `infogan`."""
    own = infogan.build(recipe)
    gan = MixedGAN.from_config(own.get_config())
    gan.compile_from_config(own.get_compile_config())
    return gan
