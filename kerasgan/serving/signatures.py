"""The signatures of a servable.

Every input and output has a leading batch dimension, because TF Serving's batching joins requests along it; row i of
an output depends on row i of the inputs alone. What a client can get wrong fails in the graph with a message that says
so, since nothing but the graph reaches the server.
"""

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from kerasgan.latents import Coded

if TYPE_CHECKING:
    from kerasgan.gan import GAN

# What a servable warms up for and what saved_models/batching.pbtxt lets a server make of the requests it joins.
BATCH_SIZES = (1, 2, 4, 8, 16, 32)

PNG_CHANNELS = (1, 2, 3, 4)  # grey, grey and alpha, RGB, RGBA


def endpoints(gan: "GAN", xla: bool = False) -> dict[str, Any]:
    """What a SavedModel of this GAN offers.

    ================  ============================================  ===================================================
    serving_default   z [B, latent.dim] float32                     images [B, H, W, C] float32 in [0, 1]
    sample            seed [B] int64, one per image                 images, and the z behind them
    png, sample_png   as the two above                              image_bytes [B] string, a PNG each
    score             images                                        score [B] float32: D's probability real, or energy
    generate_codes    noise [B, latent.noise], categories [B,       images
                      codes] int32, continuous [B, codes]
    infer_codes       images                                        categories [B, codes, k] probabilities, continuous
    ================  ============================================  ===================================================

    Where the samples are not images they are called `samples`, and the PNG signatures are absent. `score` needs a
    discriminator that gives logits or an energy; the last two need a `Coded` latent and a discriminator that reads it.
    Inputs and outputs that would be empty (no categorical code, say) are left out.

    Args:
        gan: a `kerasgan.GAN`.
        xla: whether the networks are compiled by XLA. A server refuses such functions unless it is started with
            `--xla_cpu_compilation_enabled` (TensorFlow Serving disables XLA otherwise).

    Returns:
        `{name: (function, [tf.TensorSpec])}`; each function returns a dict of tensors.
    """
    latent = gan.latent
    samples = "samples" if gan.value_range is None else "images"
    generator, discriminator = gan.inference_generator(), gan.discriminator
    judgements = discriminator(tf.zeros((1, *gan.sample_shape)), training=False)

    def draw(z):
        return gan.to_unit_range(generator(z, training=False))

    def judge(images):
        return discriminator(gan.from_unit_range(images), training=False)

    if xla:
        draw = tf.function(draw, jit_compile=True, autograph=False)
        judge = tf.function(judge, jit_compile=True, autograph=False)

    z_spec = tf.TensorSpec([None, latent.dim], tf.float32, name="z")
    seed_spec = tf.TensorSpec([None], tf.int64, name="seed")
    samples_spec = tf.TensorSpec([None, *gan.sample_shape], tf.float32, name=samples)

    def serving_default(z):
        return {samples: draw(_finite(z, z_spec))}

    def sample(seed):
        z = latent.from_seeds(_whole(seed, seed_spec))
        return {samples: draw(z), "z": z}

    def score(images):
        return {"score": _score(judge(_checked_samples(images)))}

    def _checked_samples(images):
        if gan.value_range is None:
            return _finite(images, samples_spec)
        return _checked(images, samples_spec, lambda x: (x >= 0.0) & (x <= 1.0), "lie in [0, 1]")

    signatures = {"serving_default": (serving_default, [z_spec]), "sample": (sample, [seed_spec])}
    if gan.value_range is not None and gan.sample_shape[-1] in PNG_CHANNELS:
        signatures["png"] = (lambda z: _as_png(serving_default(z)["images"]), [z_spec])
        signatures["sample_png"] = (lambda seed: _as_png(sample(seed)["images"]), [seed_spec])
    if score_kind(judgements):
        signatures["score"] = (score, [samples_spec])
    if isinstance(latent, Coded):
        signatures["generate_codes"] = _generate_codes(latent, draw, samples)
        if isinstance(judgements, dict) and "codes" in judgements:

            def infer_codes(images):
                codes = latent.read(judge(_checked_samples(images))["codes"])
                read = {"categories": codes["categorical"], "continuous": codes["continuous"]}
                return {name: values for name, values in read.items() if 0 not in values.shape[1:]}

            signatures["infer_codes"] = (infer_codes, [samples_spec])
    return signatures


def score_kind(judgements: Any) -> str | None:
    """What `score` gives for a discriminator's outputs: "probability", "energy", or None where there is neither."""
    if not isinstance(judgements, dict):
        return "probability"
    return "energy" if "energy" in judgements else "probability" if "logits" in judgements else None


def _score(judgements):
    if score_kind(judgements) == "energy":
        return tf.cast(judgements["energy"], tf.float32)
    logits = judgements["logits"] if isinstance(judgements, dict) else judgements
    return tf.reshape(tf.sigmoid(tf.cast(logits, tf.float32)), [-1])


def _generate_codes(latent, draw, samples):
    specs = {
        "noise": tf.TensorSpec([None, latent.noise], tf.float32, name="noise"),
        "categories": tf.TensorSpec([None, len(latent.categorical)], tf.int32, name="categories"),
        "continuous": tf.TensorSpec([None, latent.continuous], tf.float32, name="continuous"),
    }
    given = [spec for spec in specs.values() if spec.shape[1]]

    def generate_codes(*inputs):
        parts = dict(zip([spec.name for spec in given], inputs, strict=True))
        noise = _finite(parts["noise"], specs["noise"])
        categories = continuous = tf.zeros([tf.shape(noise)[0], 0])
        if "categories" in parts:
            categories = _whole(parts["categories"], specs["categories"], latent.categorical)
        if "continuous" in parts:
            continuous = _finite(parts["continuous"], specs["continuous"])
        return {samples: draw(latent.join(noise, categories, continuous))}

    return generate_codes, given


def _as_png(images):
    whole = tf.cast(tf.round(images * 255.0), tf.uint8)
    return {"image_bytes": tf.io.encode_png(whole)}


def _finite(x, spec):
    return _checked(x, spec, tf.math.is_finite, "be finite")


def _whole(x, spec, sizes=None):
    """Checks whole numbers: from 0 and, where `sizes` are given, below that of their column."""
    if sizes is None:
        return _checked(x, spec, lambda x: x >= 0, "be at least 0")
    below = ", ".join(map(str, sizes))
    return _checked(x, spec, lambda x: (x >= 0) & (x < tf.constant(sizes, x.dtype)), f"be from 0 to below {below}")


def _checked(x, spec, holds, rule):
    """`x`, once it has the signature's shape, at least one row, and numbers that keep the rule."""
    x = tf.ensure_shape(x, spec.shape)
    shape = ", ".join(["B", *map(str, spec.shape[1:])])
    rule = f"kerasgan: {spec.name} [{shape}] must have at least one row, and its numbers must {rule}; found shape"
    numbers = x if x.dtype.is_floating else tf.cast(x, tf.float32)  # no GPU kernel finds the least int64
    found = [rule, tf.shape(x), "and numbers from", tf.reduce_min(numbers), "to", tf.reduce_max(numbers)]
    # Comparisons with NaN are false, so this finds NaN too.
    fits = tf.reduce_all(holds(x)) & (tf.size(x) > 0)
    with tf.control_dependencies([tf.debugging.Assert(fits, found, summarize=x.shape.rank)]):
        return tf.identity(x)
