"""The signatures of a servable.

Every input and output has a leading batch dimension, because TF Serving's batching joins requests along it; row i of
an output depends on row i of the inputs alone.
"""

import tensorflow as tf


def endpoints(gan) -> dict:
    """What a SavedModel of this GAN offers.

    Returns:
        `{name: (function, [tf.TensorSpec])}`; each function returns a dict of float32 tensors. `serving_default` maps
        `z [B, latent.dim] float32` to `images [B, H, W, C]` in [0, 1], `sample` maps `seed [B] int64`, one seed per
        image, to `images` and the `z` behind them. Where the samples are not images the output is called `samples`.
    """
    generator = gan.inference_generator()
    latent = gan.latent
    output = "samples" if gan.value_range is None else "images"

    def serving_default(z):
        return {output: gan.to_unit_range(generator(z, training=False))}

    def sample(seed):
        z = latent.from_seeds(seed)
        return {**serving_default(z), "z": z}

    return {
        "serving_default": (serving_default, [tf.TensorSpec([None, latent.dim], tf.float32, name="z")]),
        "sample": (sample, [tf.TensorSpec([None], tf.int64, name="seed")]),
    }
