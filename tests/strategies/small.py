"""What both scripts here train: a GAN on 8x8 images, with or without what makes devices differ from one another."""

import keras
import numpy as np
import tensorflow as tf

import kerasgan

DATA = np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype(np.float32)
EPOCHS = 2


def make(batch_norm=False, synchronized=False, policy="float32"):
    """A GAN without dropout, the same every time."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    normalised = [kerasgan.layers.BatchNormalization(synchronized=synchronized)] if batch_norm else []
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(16),
            *normalised,
            keras.layers.ReLU(),
            keras.layers.Dense(64, activation="tanh"),
            keras.layers.Reshape((8, 8, 1)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(16),
            keras.layers.LeakyReLU(),
            keras.layers.Dense(1),
        ]
    )
    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(4), ema_decay=0.9)
    gan.compile()
    return gan


def train(strategy=None, shuffled=False, **options):
    """A trained GAN, what `fit` logged and what `evaluate` gives, with a global batch of 16."""
    with (strategy or tf.distribute.get_strategy()).scope():
        gan = make(**options)
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
