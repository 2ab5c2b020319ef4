"""Our batch normalisation and grouped convolutions against Keras's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import layers
from kerasgan.layers import BatchNormalization, GroupedConv2D


@pytest.mark.parametrize("shape", [(16, 5, 4, 3), (32, 6)])
def test_outputs_gradients_and_moving_averages_are_keras_own(shape):
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(1.0, 2.0, shape), tf.float32)
    upstream = tf.constant(rng.normal(size=shape), tf.float32)
    results = []
    for kind in (keras.layers.BatchNormalization, BatchNormalization):
        layer = kind(momentum=0.9, epsilon=1e-5)
        layer.build(shape)
        layer.gamma.assign(np.linspace(0.5, 2.0, shape[-1]))
        layer.beta.assign(np.linspace(-1.0, 1.0, shape[-1]))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        gradients = tape.gradient(y, [x, layer.gamma.value, layer.beta.value], output_gradients=upstream)
        results.append([y, *gradients, layer.moving_mean, layer.moving_variance, layer(x, training=False)])
    for keras_own, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-4, atol=1e-4)


def test_inference_and_frozen_layers_leave_the_averages_alone():
    layer = BatchNormalization()
    layer.build((4, 3))
    x = tf.constant(np.random.default_rng(0).normal(size=(4, 3)), tf.float32)
    layer(x, training=False)
    layer.trainable = False
    layer(x, training=True)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    layer = BatchNormalization(dtype=policy)
    x = tf.constant(np.random.default_rng(0).normal(3.0, 1.0, (64, 4, 4, 2)), tf.float32)
    y = layer(x, training=True)
    assert y.dtype == layer.compute_dtype
    assert layer.moving_mean.dtype == "float32"
    np.testing.assert_allclose(tf.reduce_mean(tf.cast(y, tf.float32), (0, 1, 2)), 0.0, atol=0.02)
    np.testing.assert_allclose(layer.moving_mean, 0.01 * 3.0, atol=0.003)


@pytest.mark.parametrize("options", [{"axis": 1}, {"scale": False}, {"center": False}])
def test_what_the_kernel_cannot_do_is_refused(options):
    with pytest.raises(ValueError, match="normalises the last axis, with scale and centre"):
        BatchNormalization(**options)


@pytest.mark.parametrize("native", [True, False])
def test_grouped_convolutions_and_their_gradients_are_keras_own(native, monkeypatch):
    """With TensorFlow's kernels, and with the whole kernel where it has no gradients for groups."""
    monkeypatch.setattr(layers, "_has_grouped_gradients", lambda dtype: native)
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(2, 5, 6, 6)), tf.float32)
    upstream = tf.constant(rng.normal(size=(2, 5, 6, 9)), tf.float32)
    weights = rng.normal(size=(3, 3, 2, 9)), rng.normal(size=9)
    results = []
    for kind in (keras.layers.Conv2D, GroupedConv2D):
        layer = kind(9, 3, padding="same", groups=3)
        layer.build(x.shape)
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        results.append([y, *tape.gradient(y, [x, layer.kernel.value, layer.bias.value], output_gradients=upstream)])
    for keras_own, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-4, atol=1e-4)


def test_float16_trains_in_groups_wherever_it_is():
    """On a CPU TensorFlow has no gradient for it."""
    layer = GroupedConv2D(4, 3, padding="same", groups=2, dtype="mixed_float16")
    x = tf.ones((1, 4, 4, 4))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    assert np.isfinite(tape.gradient(y, x)).all()
