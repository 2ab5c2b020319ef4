"""Layers that Keras has and that run faster here, and some that it does not have."""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable("kerasgan")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` for `[B, H, W, C]` or `[B, C]`, through TensorFlow's fused kernel.

    Keras composes the layer from elementwise operations, each a pass over memory. With Keras's layer and Adam in place
    of ours a step of DCGAN takes 1.17 times as long in float32 and 1.37 times in bfloat16: the rows "two forwards" and
    "usual Keras" of `benchmarks/train_step.py` on two CPU cores. The numbers are Keras's.

    Args are Keras's; the axis is the last one, always scaled and centred. Synchronised over several replicas it is
    Keras's own composition, because the kernel knows one device only.

    Raises:
        ValueError: an argument asks for what the fused kernel does not do.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        renorm = getattr(self, "renorm", False)  # Keras 3.13 and later
        if self.axis != -1 or not self.scale or not self.center or renorm:
            raise ValueError("This layer normalises the last axis, with scale and centre.")

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        several = self.synchronized and tf.distribute.get_strategy().num_replicas_in_sync > 1
        if not training or not self.trainable or mask is not None or several:
            return super().call(inputs, training=training, mask=mask)
        x = tf.cast(inputs, self.compute_dtype)
        if len(inputs.shape) == 2:
            x = x[:, tf.newaxis, tf.newaxis, :]  # (B, 1, 1, C)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=tf.cast(self.gamma.value, tf.float32),
            offset=tf.cast(self.beta.value, tf.float32),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
            is_training=True,
        )
        # For its moving average the kernel gives the unbiased variance; Keras keeps the biased one.
        n = tf.cast(tf.size(x) / tf.shape(x)[-1], tf.float32)
        variance *= (n - 1.0) / n
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            batch = tf.stop_gradient(tf.cast(batch, moving.dtype))
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return outputs if len(inputs.shape) == 4 else outputs[:, 0, 0, :]


@keras.saving.register_keras_serializable("kerasgan")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` for `[B, H, W, C]` in groups, through TensorFlow's own kernels.

    Keras compiles a grouped convolution with XLA, which on a CPU takes a hundred times as long and more. TensorFlow has
    gradients of its own for it on GPUs, and on CPUs through oneDNN; elsewhere (float16 on a CPU) this layer convolves
    with the whole kernel, zeros standing between the groups.

    Args are Keras's.
    """

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        kernel = tf.convert_to_tensor(kernel)
        if not _has_grouped_gradients(inputs.dtype):
            kernel = _whole_kernel(kernel, self.groups)
        return tf.nn.conv2d(inputs, kernel, self.strides, self.padding.upper(), dilations=self.dilation_rate)


@functools.cache
def _has_grouped_gradients(dtype):
    """Whether TensorFlow can differentiate grouped convolutions here: it does not say so before one is run."""
    with tf.init_scope():  # at once, whatever graph is being built
        gradient, kernel = tf.ones((1, 1, 1, 2), dtype), tf.ones((1, 1, 1, 2), dtype)
        try:
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=(1, 1, 1, 2), filter=kernel, out_backprop=gradient, strides=[1] * 4, padding="SAME"
            )
        except tf.errors.OpError:
            return False
    return True


def _whole_kernel(kernel, groups):
    """`[h, w, n, groups * m]` -> `[h, w, groups * n, groups * m]`."""
    height, width, n, outputs = kernel.shape
    parts = tf.reshape(kernel, (height, width, 1, n, groups, outputs // groups))
    diagonal = tf.eye(groups, dtype=kernel.dtype)[:, tf.newaxis, :, tf.newaxis]
    return tf.reshape(parts * diagonal, (height, width, groups * n, outputs))


@keras.saving.register_keras_serializable("kerasgan")
class Upsample(keras.layers.Layer):
    """`[B, H, W, C]` -> `[B, 2H, 2W, C]`: each pixel four times, then the filter [1, 2, 1] / 4 along both sides.

    In one dimension that gives (3 x_i + x_{i-1}) / 4 and (3 x_i + x_{i+1}) / 4: bilinear, with zeros outside. It is
    four times the transpose of `Downsample`.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return _upsample(inputs)


@keras.saving.register_keras_serializable("kerasgan")
class Downsample(keras.layers.Layer):
    """`[B, H, W, C]` -> `[B, H/2, W/2, C]` for even sides: the filter [1, 3, 3, 1] / 8 along both, every other value.

    That is the filter [1, 2, 1] / 4 and the mean of two neighbours; outside are zeros.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return _downsample(inputs)


# Each is the other's gradient, of any order, up to a factor of 4: TensorFlow's own gradient of a depthwise convolution
# with strides takes thirty times as long as the convolution on a CPU, two fifths of a step of R3GAN at 28 pixels.


@tf.custom_gradient
def _upsample(x):
    height, width, channels = x.shape[1:]
    # Not a resize, for whose gradient XLA has no kernel; tiling takes twice as long on a CPU.
    wide = ops.reshape(ops.concatenate([x, x], axis=3), (-1, height, 2 * width, channels))
    doubled = ops.reshape(ops.concatenate([wide, wide], axis=2), (-1, 2 * height, 2 * width, channels))
    weights = _separable((1, 2, 1), channels, x.dtype)
    outputs = ops.depthwise_conv(doubled, weights, padding="same", data_format="channels_last")
    return outputs, lambda gradient: 4.0 * _downsample(gradient)


@tf.custom_gradient
def _downsample(x):
    weights = _separable((1, 3, 3, 1), x.shape[3], x.dtype)
    outputs = ops.depthwise_conv(x, weights, strides=2, padding="same", data_format="channels_last")
    return outputs, lambda gradient: _upsample(gradient) / 4.0


def _separable(weights, channels, dtype):
    """The filter `[n, n, channels, 1]` that has these weights along both sides, with the sum 1."""
    square = np.outer(weights, weights) / sum(weights) ** 2
    return ops.convert_to_tensor(np.tile(square[:, :, None, None], (1, 1, channels, 1)), dtype)


@keras.saving.register_keras_serializable("kerasgan")
class Basis(keras.layers.Layer):
    """`[B, C]` -> `[B, side, side, C]`: a learned map for each channel, times the number that a sample has for it.

    Args:
        side: of the maps.
        initializer: of the maps, weights `[side, side, C]`.
        **kwargs: as for `keras.layers.Layer`.
    """

    def __init__(self, side: int, initializer: Any = "random_normal", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.side = side
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.maps = self.add_weight((self.side, self.side, input_shape[-1]), self.initializer, name="maps")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.maps * inputs[:, None, None, :]

    def get_config(self) -> dict[str, Any]:
        config = {"side": self.side, "initializer": keras.initializers.serialize(self.initializer)}
        return {**super().get_config(), **config}
