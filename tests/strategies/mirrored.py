"""Trains on two virtual CPU devices what it also trains on one, and writes both: `mirrored.py FOLDER`."""

import pathlib
import sys

import keras
import numpy as np
import small
import tensorflow as tf

import kerasgan
from kerasgan import gan as game
from kerasgan import strategies


def main(folder):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    two = strategies.get("mirrored")
    for name, options in (
        ("plain", {}),
        ("shuffled", {"shuffled": True}),
        ("half", {"policy": "mixed_float16"}),
        ("synchronized", {"batch_norm": True, "synchronized": True}),
        ("per_replica", {"batch_norm": True}),
    ):
        small.save(folder / f"{name}_1.npz", *small.train(**options))
        trained = small.train(two, **options)
        small.save(folder / f"{name}_2.npz", *trained)

    for name, policy in (("conditional", "float32"), ("conditional_half", "mixed_bfloat16")):
        small.save(folder / f"{name}_1.npz", *small.train_conditional(policy=policy))
        small.save(folder / f"{name}_2.npz", *small.train_conditional(two, policy=policy))

    for name in kerasgan.list_models():
        gans, logs = zip(*(small.train_family(name, strategy) for strategy in (None, two)), strict=True)
        compare(folder / f"family_{name}.npz", name, gans, logs)

    with two.scope():
        refused = small.make(batch_norm=True)
        norm = keras.layers.BatchNormalization(synchronized=True)
        layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(4), norm, keras.layers.Dense(1)]
        refused = kerasgan.GAN(refused.generator, keras.Sequential(layers), refused.latent)
        refused.compile(penalties="r1(1, every=2)")
    try:
        refused.fit(tf.data.Dataset.from_tensor_slices(small.DATA).batch(16), verbose=0)
    except ValueError as error:
        (folder / "refused.txt").write_text(str(error))

    gan = trained[0]
    overflow(two, folder / "overflow.npz")
    parts = two.run(lambda: gan._noise(tf.zeros((8, 1)), game.TRAINING, 3, 0))
    whole = gan._noise(tf.zeros((16, 1)), game.TRAINING, 3, 0)
    np.savez(folder / "noise.npz", first=parts.values[0], second=parts.values[1], whole=whole)
    gan.save(folder / "two.keras")
    loaded = keras.saving.load_model(folder / "two.keras")
    np.savez(folder / "samples.npz", before=gan.generate(4), after=loaded.generate(4))


def compare(path, name, gans, logs):
    """Writes how far the weights are apart, beside how far they have moved, and what was logged."""
    started, one, several = (
        np.concatenate(
            [weight.ravel() for network in (gan.generator, gan.discriminator) for weight in network.get_weights()]
        )
        for gan in (kerasgan.create_model(name), *gans)
    )
    dropout = any(isinstance(layer, keras.layers.Dropout) for layer in gans[0].discriminator.layers)
    logged = {f"{number}_{key}": values for number, of_one in enumerate(logs) for key, values in of_one.items()}
    apart, moved = np.abs(several - one).mean(), np.abs(one - started).mean()
    np.savez(path, apart=apart, moved=moved, dropout=dropout, **logged)


def overflow(two, path):
    """A gradient that is infinite on the second device alone; and a scale that is too large for all."""
    with two.scope():
        gan = small.make(policy="mixed_float16", batch_norm=False)

    def shared():
        second = tf.equal(tf.distribute.get_replica_context().replica_id_in_sync_group, 1)
        return strategies.share_overflow(gan.d_optimizer, [tf.where(second, [np.inf, 1.0], [1.0, 1.0]), tf.ones([2])])

    shared = np.array([part.numpy() for gradient in two.run(tf.function(shared)) for part in gradient.values])
    before = gan.discriminator.get_weights()[0]
    gan.d_optimizer.dynamic_scale.assign(2.0**100)
    gan.fit(tf.data.Dataset.from_tensor_slices(small.DATA[:16]).batch(16), verbose=0)
    scale = float(gan.d_optimizer.dynamic_scale.numpy())
    np.savez(path, shared=shared, scale=scale, before=before, after=gan.discriminator.get_weights()[0])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
