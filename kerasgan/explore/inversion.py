"""The z of a picture, by gradient."""

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from kerasgan.drawing import check_samples
from kerasgan.errors import check_whole, checked_weight

if TYPE_CHECKING:
    from kerasgan.gan import GAN

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # of Adam (arXiv:1412.6980)


def invert(
    gan: "GAN",
    images: Any,
    labels: Any = None,
    *,
    starts: int = 4,
    steps: int = 200,
    learning_rate: float = 0.05,
    candidates: int = 1000,
    seed: int = 0,
    batch_size: int = 128,
) -> tuple[np.ndarray, np.ndarray]:
    """Finds for each picture a z from which the generator draws it as nearly as it can: by Adam on the mean squared
    error, from several starts, of which the best is kept (as in arXiv:1611.05644 and 1702.04782).

    The starts of a picture are the nearest of `candidates` samples, those of the seeds from `seed` on. Uniform noise
    and continuous codes are kept within their bounds; normal noise may go where it likes. Of a conditional GAN the
    candidates are of all classes in turn, and with a `Coded` latent of the categories that their seeds give; these stay
    as the start has them.

    Args:
        gan: a `kerasgan.GAN`.
        images: float `[N, H, W, C]` in [0, 1], as `GAN.generate` gives them, or samples that are not images.
        labels: of a conditional GAN, the pictures' classes, where they are known: as for `GAN.generate`.
        starts: how many for each picture.
        steps: of Adam for each start. The rate falls to 0 over them, on half a cosine.
        learning_rate: at the first step, in the units of z.
        candidates: how many samples to seek starts among; as many as `starts` makes the starts random.
        seed: of the first candidate. The same arguments find the same z.
        batch_size: how many starts pass through the generator at once.

    Returns:
        z, float32 `[N, latent.dim]`; and the error of each, float32 `[N]`: the mean over pixels and channels of the
        squared difference between the picture and `GAN.generate(z=z)`, both in [0, 1].

    Raises:
        ValueError: images of another shape or range, labels that there are not, or a number out of range.
    """
    for name, number in (("starts", starts), ("steps", steps), ("batch_size", batch_size)):
        check_whole(name, number, 1)
    check_whole("candidates", candidates, starts)
    rate = checked_weight("learning_rate", learning_rate)
    images = check_samples("invert", images, gan.sample_shape, gan.value_range).astype(np.float32)
    if not np.isfinite(images).all():
        raise ValueError("invert needs finite samples; found NaN or infinity.")
    if labels is not None:
        one_hot = gan.draw_latents(len(images), labels=labels)[:, getattr(gan.latent, "noise", 0) :]
        labels = one_hot.argmax(axis=1)
    z = _starts(gan, images, labels, starts, candidates, seed, batch_size)  # (N * starts, dim)
    targets = np.repeat(images, starts, axis=0)
    step = _step(gan)
    best, errors = np.empty_like(z), np.empty(len(z), np.float32)
    with tqdm(total=steps * -(-len(z) // batch_size), desc="inverting", unit="step", delay=2.0, leave=False) as bar:
        for start in range(0, len(z), batch_size):
            rows = slice(start, start + batch_size)
            state = tf.constant(z[rows])
            state = (state, *[tf.zeros_like(state)] * 2, state, tf.fill([len(state)], np.inf))
            for i in range(steps):
                falling = rate * 0.5 * (1.0 + np.cos(np.pi * i / steps))
                state = step(tf.constant(targets[rows]), np.float32(falling), np.float32(i + 1), *state)
                bar.update()
            # What the last step led to has not been looked at yet; a rate of 0 does so and goes nowhere.
            *_, best[rows], errors[rows] = step(
                tf.constant(targets[rows]), np.float32(0), np.float32(steps + 1), *state
            )
    chosen = starts * np.arange(len(images)) + errors.reshape(-1, starts).argmin(axis=1)
    return best[chosen], errors[chosen]


def _starts(gan, images, labels, starts, candidates, seed, batch_size):
    """float32 `[N * starts, dim]`: for each picture the z of the candidates nearest to it."""
    classes = None if gan.class_names is None else np.arange(candidates) % len(gan.class_names)
    z = gan.draw_latents(candidates, seed, labels=classes)
    drawn = gan.generate(z=z, batch_size=batch_size).reshape(candidates, -1)
    found = np.empty((len(images), starts, gan.latent.dim), np.float32)
    lengths = np.sum(drawn.astype(np.float64) ** 2, axis=1)
    for i, image in enumerate(images.reshape(len(images), -1)):
        # Where its class is known, candidates of others come last, and take the label.
        distances = lengths - 2.0 * (drawn @ image)  # and the picture's own length, which is the same for all
        if labels is not None:
            distances = distances + np.where(classes == labels[i], 0.0, np.ptp(distances) + 1.0)
        found[i] = z[np.argsort(distances, kind="stable")[:starts]]
        if labels is not None:
            found[i] = gan.latent.with_labels(tf.constant(found[i]), np.full(starts, labels[i], np.int32))
    return found.reshape(-1, gan.latent.dim)


def _step(gan):
    """A graph: one step of Adam on the free numbers of z, and the best z of each row so far."""
    network, latent = gan.inference_generator(), gan.latent
    low, high = gan.value_range or (0.0, 1.0)
    free = np.ones(latent.dim, np.float32)
    noise = getattr(latent, "noise", latent.dim)
    free[noise : latent.dim - getattr(latent, "continuous", 0)] = 0.0  # labels and categories

    def step(targets, rate, t, z, m, v, best, least):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            samples = (tf.cast(network(z, training=False), tf.float32) - low) / (high - low)
            if gan.value_range is not None:
                # Pixels beyond the range are cut off there, as `generate` does, and their gradient goes on: a pixel of
                # 1.3 that should be 0 has to come back.
                samples += tf.stop_gradient(tf.clip_by_value(samples, 0.0, 1.0) - samples)
            errors = tf.reduce_mean((samples - targets) ** 2, axis=list(range(1, targets.shape.rank)))  # (B,)
        gradient = tape.gradient(errors, z) * free
        better = errors < least
        best, least = tf.where(better[:, None], z, best), tf.where(better, errors, least)
        m = BETA_1 * m + (1.0 - BETA_1) * gradient
        v = BETA_2 * v + (1.0 - BETA_2) * gradient**2
        moved = rate * (m / (1.0 - BETA_1**t)) / (tf.sqrt(v / (1.0 - BETA_2**t)) + EPSILON)
        return latent.nearest(z - moved), m, v, best, least

    number, vectors = tf.TensorSpec([], tf.float32), tf.TensorSpec([None, latent.dim], tf.float32)
    targets = tf.TensorSpec([None, *gan.sample_shape], tf.float32)
    takes = (targets, number, number, *[vectors] * 4, tf.TensorSpec([None], tf.float32))
    return tf.function(step, autograph=False).get_concrete_function(*takes)
