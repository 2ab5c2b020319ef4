"""Labels in the game: which of a conditional discriminator's numbers belongs to a sample, and how often each class is.

A conditional discriminator has one logit per class and takes the sample alone. That is the projection discriminator of
Miyato and Koyama 2018, arXiv:1802.05637: for a linear psi, D(x, y) = psi(f(x)) + v_y . f(x) is one linear head per
class.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasgan.classes import check_same
from kerasgan.latents import Labelled, Latent
from kerasgan.losses import Outputs


def own_column(outputs: Outputs, labels: tf.Tensor | None) -> Outputs:
    """A discriminator's outputs with each sample's own logit alone.

    Args:
        outputs: logits `[B, classes]`, or a dict that holds them under "logits".
        labels: whole numbers `[B]`; None gives the outputs back.

    Returns:
        The same with logits float32 `[B, 1]`.
    """
    if labels is None:
        return outputs
    if isinstance(outputs, dict):
        return {**outputs, "logits": own_column(outputs["logits"], labels)}
    logits = tf.cast(outputs, tf.float32)
    # A product with ones and zeros, which can be differentiated as often as a penalty asks for.
    return tf.reduce_sum(logits * tf.one_hot(labels, logits.shape[-1]), axis=1, keepdims=True)


def labelled(z: tf.Tensor, labels: tf.Tensor | None, latent: Any) -> tf.Tensor:
    """Vectors `[B, dim]` with the labels `[B]` of the real samples beside them; as they are where there are none."""
    return z if labels is None else latent.with_labels(z, labels)


def check_discriminator(discriminator: keras.Model, latent: Latent, sample_shape: tuple[int, ...]) -> None:
    """Refuses a discriminator that has not one logit for each class of a `Labelled` latent.

    Raises:
        ValueError: it says how many it has.
    """
    if not isinstance(latent, Labelled):
        return
    outputs = discriminator(tf.zeros((1, *sample_shape)), training=False)
    logits = outputs.get("logits") if isinstance(outputs, dict) else outputs
    found = None if logits is None else tuple(logits.shape)
    if found != (1, latent.classes):
        shown = "no logits" if found is None else f"shape (B, {', '.join(map(str, found[1:]))})"
        raise ValueError(
            f"The discriminator of a GAN with {latent.classes} classes needs one logit for each, shape "
            f"(B, {latent.classes}); it gives {shown}."
        )


def check_labels(y: Any, latent: Latent) -> tf.Tensor | None:
    """The labels of a batch as Keras hands it over, checked against the classes of a `Labelled` latent.

    Args:
        y: whole numbers `[B]` or `[B, 1]`; of an unconditional GAN whatever it is, it is left aside.
        latent: says how many classes there are.

    Returns:
        int64 `[B]`, or None for an unconditional GAN. (Of int32 a number of 2**32 and above could be a class.)

    Raises:
        ValueError: there are none, or they are no whole numbers `[B]`.
    """
    if not isinstance(latent, Labelled):
        return None
    rule = _rule(latent)
    if y is None:
        raise ValueError(f"{rule}; found samples alone. kerasgan.data.load(..., like=gan) gives both.")
    y = tf.convert_to_tensor(y)
    if not y.dtype.is_integer:
        raise ValueError(f"{rule}, as whole numbers; found {y.dtype.name}.")
    if y.shape.rank is None or (y.shape.rank == 2 and y.shape[1] in (None, 1)):
        y = tf.reshape(y, [-1])  # a graph traced for [B] and [B, 1] knows neither; that they are B is checked later
    if y.shape.rank != 1:
        raise ValueError(f"{rule}; found shape {y.shape}.")
    return tf.cast(y, tf.int64)


def as_array(x: Any, y: Any, latent: Latent) -> Any:
    """Labels beside an array of samples, as Keras takes them: it knows no lists, and fails on others in many lines.

    Args:
        x: what `fit` or `evaluate` is given as samples.
        y: what it is given beside them.
        latent: of an unconditional GAN, they are given back as they are.

    Returns:
        The labels, an array where they were a list.

    Raises:
        ValueError: they are no whole numbers, or not as many as the samples.
    """
    if not isinstance(latent, Labelled) or y is None or isinstance(x, tf.data.Dataset):
        return y
    array = y
    if not isinstance(y, tf.Tensor):
        try:
            array = np.asarray(y)
        except ValueError:  # rows of several lengths
            array = np.asarray(None)
    dtype = np.dtype(getattr(array.dtype, "as_numpy_dtype", array.dtype))
    if array.shape != (0,) and not np.issubdtype(dtype, np.integer):
        raise ValueError(f"{_rule(latent)}, as whole numbers; found {dtype}.")
    if not len(array.shape):
        raise ValueError(f"{_rule(latent)}; found shape {tuple(array.shape)}.")
    if len(np.shape(x)) and len(array) != len(x):  # of which Keras speaks in four lines
        raise ValueError(f"There must be a label for each sample; found {len(array)} labels of {len(x)} samples.")
    return array


def _rule(latent: Labelled) -> str:
    return f"A conditional GAN takes batches (samples, labels) with labels from 0 to {latent.classes - 1}, shape (B,)"


def record_shares(latent: Latent, x: Any, y: Any) -> bool:
    """Lets a `Labelled` latent that does not know them take the classes' shares, and their names, from what `fit` is
    given: an array of labels, or a dataset of `kerasgan.data.load`. Of another dataset nobody knows them beforehand.

    Returns:
        Whether it has taken something.

    Raises:
        ValueError: an array with labels that are none or are not as many as the samples, or a dataset of more classes.
    """
    if not isinstance(latent, Labelled):
        return False
    from kerasgan import data  # whoever draws only needs no data

    counts, names = data.label_counts(x), data.class_names_of(x)
    if names is not None and counts is not None and len(counts) <= latent.classes:
        check_same(names, latent.class_names, "The data")
    if counts is None and y is not None:
        counts = _counted(x, y, latent)
    if counts is not None and len(counts) > latent.classes:
        raise ValueError(
            f"The data has {len(counts)} classes, the model {latent.classes}. "
            f"Make the model with classes={len(counts)}."
        )
    taken = False
    if counts is not None and latent.shares is None:
        latent.record(np.pad(counts, (0, latent.classes - len(counts))))
        taken = True
    if names is not None and latent.names is None and len(names) == latent.classes:
        latent.names, taken = tuple(names), True
    return taken


def _counted(x: Any, y: Any, latent: Labelled) -> np.ndarray | None:
    if not np.size(y):
        return None
    labels = np.asarray(as_array(x, y, latent))
    if labels.min() < 0 or labels.max() >= latent.classes:
        raise ValueError(f"Labels must lie from 0 to {latent.classes - 1}; found {labels.min()} to {labels.max()}.")
    if labels.size != len(labels):
        return None  # the batches are refused for it
    return np.bincount(labels.reshape(-1), minlength=latent.classes)
