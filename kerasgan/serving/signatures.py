"""The signatures of a servable.

Every input and output has a leading batch dimension, because TF Serving's batching joins requests along it; row i of
an output depends on row i of the inputs alone. What a client can get wrong fails in the graph with a message that says
so, since nothing but the graph reaches the server.
"""

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from kerasgan.labels import own_column
from kerasgan.latents import Coded, Labelled

if TYPE_CHECKING:
    from kerasgan.gan import GAN
    from kerasgan.losses import AdversarialLoss

# What a servable warms up for and what saved_models/batching.pbtxt lets a server make of the requests it joins.
BATCH_SIZES = (1, 2, 4, 8, 16, 32)

PNG_CHANNELS = (1, 2, 3, 4)  # grey, grey and alpha, RGB, RGBA


def endpoints(gan: "GAN", xla: bool = False) -> dict[str, Any]:
    """What a SavedModel of this GAN offers.

    ==================  ==========================================  ===================================================
    serving_default     z [B, latent.dim] float32                   images [B, H, W, C] float32 in [0, 1]
    sample              seed [B] int64, one per image               images, and the z behind them
    png, sample_png     as the two above                            image_bytes [B] string, a PNG each
    score               images                                      score [B] float32: see `score_kind`
    generate_codes      noise [B, latent.noise], categories [B,     images
                        codes] int32, continuous [B, codes]
    infer_codes         images                                      categories [B, codes, k] probabilities, continuous
    generate_label      seed [B] int64, label [B] int32             images, and the z behind them
    generate_label_png  as generate_label                           image_bytes
    class_names         label [B] int32                             name [B] string; one_hot [B, classes] float32, as
                                                                    it stands behind the noise in z
    ==================  ==========================================  ===================================================

    Where the samples are not images they are called `samples`, and the PNG signatures are absent. `score` needs a
    discriminator that gives logits or an energy; the codes need a `Coded` latent and a discriminator that reads it.
    The last three are of a conditional GAN, whose `score` takes labels [B] int32 beside the images: whether each is
    one of its class. Inputs and outputs that would be empty (no categorical code, say) are left out.

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
    kind, classes = score_kind(judgements, gan.loss), len(gan.class_names or ())

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
    labels_spec = tf.TensorSpec([None], tf.int32, name="labels")

    def serving_default(z):
        return {samples: draw(_finite(z, z_spec))}

    def sample(seed):
        z = latent.from_seeds(_whole(seed, seed_spec))
        return {samples: draw(z), "z": z}

    def score(images, labels=None):
        images = _checked_samples(images)
        if labels is not None:
            labels = _as_many(_whole(labels, labels_spec, (classes,)), "labels", images, samples)
        return {"score": _score(own_column(judge(images), labels), kind)}

    def _checked_samples(images):
        if gan.value_range is None:
            return _finite(images, samples_spec)
        return _checked(images, samples_spec, lambda x: (x >= 0.0) & (x <= 1.0), "lie in [0, 1]")

    signatures: dict[str, Any] = {"serving_default": (serving_default, [z_spec]), "sample": (sample, [seed_spec])}
    if gan.value_range is not None and gan.sample_shape[-1] in PNG_CHANNELS:
        signatures["png"] = (lambda z: _as_png(serving_default(z)["images"]), [z_spec])
        signatures["sample_png"] = (lambda seed: _as_png(sample(seed)["images"]), [seed_spec])
    if kind:
        signatures["score"] = (score, [samples_spec, labels_spec] if classes else [samples_spec])
    if isinstance(latent, Labelled):
        signatures.update(_of_classes(latent, draw, samples, seed_spec, "png" in signatures))
    if isinstance(latent, Coded):
        signatures["generate_codes"] = _generate_codes(latent, draw, samples)
        if isinstance(judgements, dict) and "codes" in judgements:

            def infer_codes(images):
                codes = latent.read(judge(_checked_samples(images))["codes"])
                read = {"categories": codes["categorical"], "continuous": codes["continuous"]}
                return {name: values for name, values in read.items() if 0 not in values.shape[1:]}

            signatures["infer_codes"] = (infer_codes, [samples_spec])
    return signatures


def score_kind(judgements: Any, loss: "AdversarialLoss | None") -> str | None:
    """What `score` gives.

    Args:
        judgements: what the discriminator gives.
        loss: what it is trained for; None where nobody said.

    Returns:
        "probability", the sigmoid of a logit; "energy"; "critic", a number that is no logit of a probability, as it is
        (of a Wasserstein critic, say); or None where the discriminator gives none of these.
    """
    outputs = judgements if isinstance(judgements, dict) else {"logits": judgements}
    if "energy" in outputs:
        return "energy"
    if "logits" not in outputs:
        return None
    return "probability" if loss is None or loss.gives_probability else "critic"


def _score(judgements, kind):
    if kind == "energy":
        return tf.cast(judgements["energy"], tf.float32)
    logits = judgements["logits"] if isinstance(judgements, dict) else judgements
    logits = tf.reshape(tf.cast(logits, tf.float32), [-1])
    return tf.sigmoid(logits) if kind == "probability" else logits


def _of_classes(latent, draw, samples, seed_spec, pngs):
    label_spec = tf.TensorSpec([None], tf.int32, name="label")

    def checked(label):
        return _whole(label, label_spec, (latent.classes,))

    def generate_label(seed, label):
        seed, label = _whole(seed, seed_spec), checked(label)
        z = latent.with_labels(latent.from_seeds(seed), _as_many(label, "label", seed, "seed"))
        return {samples: draw(z), "z": z}

    def generate_label_png(seed, label):
        return _as_png(generate_label(seed, label)["images"])

    def class_names(label):
        label = checked(label)
        # Constants in the graph: nothing else of a version reaches a client.
        return {"name": tf.gather(tf.constant(latent.class_names), label), "one_hot": tf.one_hot(label, latent.classes)}

    found = {"generate_label": (generate_label, [seed_spec, label_spec]), "class_names": (class_names, [label_spec])}
    if pngs:
        found["generate_label_png"] = (generate_label_png, [seed_spec, label_spec])
    return found


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


def _as_many(x, name, y, of):
    """`x`, once it has as many rows as `y`: one label would be that of all images otherwise."""
    rows = tf.shape(x)[0], tf.shape(y)[0]
    found = [f"kerasgan: {of} and {name} must have equally many rows; found", rows[1], "and", rows[0]]
    with tf.control_dependencies([tf.debugging.Assert(tf.equal(*rows), found)]):
        return tf.identity(x)
