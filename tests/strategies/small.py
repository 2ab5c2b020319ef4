"""What both scripts here train: a GAN on 8x8 images, with or without what makes devices differ from one another."""

import keras
import numpy as np
import tensorflow as tf
from conftest import small_gan

import kerasgan

DATA = np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype(np.float32)
EPOCHS = 2


def make(policy="float32", **options):
    """A GAN without dropout, the same every time."""
    keras.config.set_dtype_policy(policy)
    return small_gan(dropout=False, ema_decay=0.9, **options)


def train(strategy=None, shuffled=False, batch_norm=False, **options):
    """A trained GAN, what `fit` logged and what `evaluate` gives, with a global batch of 16."""
    with (strategy or tf.distribute.get_strategy()).scope():
        gan = make(batch_norm=batch_norm, **options)
    images = tf.data.Dataset.from_tensor_slices(DATA).batch(16)
    if shuffled:
        images = kerasgan.data.load((DATA + 1.0) / 2.0, batch_size=16, like=gan, shuffle=True)
    history = gan.fit(images, epochs=EPOCHS, verbose=0).history
    scores = gan.evaluate(tf.data.Dataset.from_tensor_slices(DATA).batch(16), verbose=0, return_dict=True)
    return gan, history, scores


def save(path, gan, history, scores):
    """All numbers of a training as one `.npz`."""
    weights = {f"weight_{i}": weight for i, weight in enumerate(gan.get_weights())}
    logs = {f"log_{name}": values for name, values in history.items()}
    np.savez(path, **weights, **logs, **{f"score_{name}": value for name, value in scores.items()})
