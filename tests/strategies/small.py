"""What both scripts here train: a GAN on 8x8 images, with or without what makes devices differ from one another."""

import keras
import numpy as np
import tensorflow as tf
from conftest import small_gan

import kerasgan
from kerasgan import strategies

DATA = np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype(np.float32)
LABELS = np.arange(64) % 3
EPOCHS = 2


def make(policy="float32", **options):
    """A GAN without dropout, the same every time."""
    keras.config.set_dtype_policy(policy)
    return small_gan(dropout=False, ema_decay=0.9, **options)


def make_conditional(policy="float32"):
    """A GAN of three classes with all that can be added to the game."""
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(0)
    latent = kerasgan.latents.Labelled(kerasgan.latents.Normal(4), 3)
    layers = keras.layers
    generator = keras.Sequential(
        [keras.Input((latent.dim,)), layers.Dense(64, activation="tanh"), layers.Reshape((8, 8, 1))]
    )
    discriminator = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(16), layers.LeakyReLU(), layers.Dense(3)]
    )
    gan = kerasgan.GAN(generator, discriminator, latent, ema_decay="halving(cosine(2, 6, 8))")
    penalties = "r1(.1, every=2), r2(cosine(.1, .01, 8)), gradient_penalty(1)"
    adams = (kerasgan.optimizers.Adam("cosine(2e-4, 1e-4, 8)", 0.5, "cosine(.9, .99, 8)") for _ in range(2))
    gan.compile(
        *adams, loss="relativistic", penalties=penalties, augment="adaptive(images=400, interval=2, target=-.9)"
    )
    return gan


def train_conditional(strategy=None, **options):
    """As `train`, of a conditional GAN and with p of its augmentation."""
    with (strategy or tf.distribute.get_strategy()).scope():
        gan = make_conditional(**options)
    pairs = kerasgan.data.load((DATA + 1.0) / 2.0, batch_size=16, like=gan, shuffle=True, labels=LABELS)
    history = gan.fit(pairs, epochs=EPOCHS, verbose=0).history
    in_order = tf.data.Dataset.from_tensor_slices((DATA, LABELS)).batch(16)
    scores = gan.evaluate(in_order, verbose=0, return_dict=True)
    return gan, history, {**scores, "p": float(gan.augment.p.numpy())}


def train(strategy=None, shuffled=False, batch_norm=False, **options):
    """A trained GAN, what `fit` logged and what `evaluate` gives, with a global batch of 16."""
    with (strategy or tf.distribute.get_strategy()).scope():
        gan = make(batch_norm=batch_norm, **options)
    images = tf.data.Dataset.from_tensor_slices(DATA).batch(16)
    if shuffled:
        images = kerasgan.data.load((DATA + 1.0) / 2.0, batch_size=16, like=gan, shuffle=True)
    options = {}
    if strategy is not None and strategies.has_workers(strategy):  # each reads its own rows alone
        images, options = kerasgan.data.for_workers(images, strategy), {"steps_per_epoch": len(images)}
    history = gan.fit(images, epochs=EPOCHS, verbose=0, **options).history
    scores = gan.evaluate(tf.data.Dataset.from_tensor_slices(DATA).batch(16), verbose=0, return_dict=True)
    return gan, history, scores


def train_family(name, strategy=None):
    """A registered GAN after two updates with a global batch of 8, and what `fit` logged."""
    keras.config.set_dtype_policy("float32")
    with (strategy or tf.distribute.get_strategy()).scope():
        gan = kerasgan.create_model(name, sync_batch_norm=True)
    images = np.random.default_rng(0).uniform(*gan.value_range, (16, *gan.sample_shape)).astype(np.float32)
    return gan, gan.fit(tf.data.Dataset.from_tensor_slices(images).batch(8), verbose=0).history


def save(path, gan, history, scores):
    """All numbers of a training as one `.npz`."""
    weights = {f"weight_{i}": weight for i, weight in enumerate(gan.get_weights())}
    logs = {f"log_{name}": values for name, values in history.items()}
    np.savez(path, **weights, **logs, **{f"score_{name}": value for name, value in scores.items()})
