"""Optimizers: Adam in one kernel, and what the 2014 recipe needs and Keras does not have."""

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kerasgan import schedules
from kerasgan.errors import is_number


@keras.saving.register_keras_serializable("kerasgan")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` with each weight updated by TensorFlow's one fused kernel; the numbers are Keras's.

    Keras composes the update from a dozen elementwise operations, each a pass over memory; `kerasgan.layers` says what
    that and its batch normalisation cost together.

    Args:
        learning_rate: what Keras's takes, or a string of `kerasgan.schedules.get`.
        beta_1: a number.
        beta_2: a number or what `kerasgan.schedules.get` takes for a schedule, of the same counter as the rate's. The
            bias correction is then that of the beta_2 of the update, `1 - beta_2(t)^(t + 1)`, as PyTorch's is where
            betas are changed from outside.
        *args, **kwargs: Keras's, without `amsgrad`.

    Raises:
        ValueError: `amsgrad` is asked for, or a schedule that is none, makes no sense there or leaves [0, 1).
    """

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: Any = 0.999, *args: Any, **kwargs: Any
    ) -> None:
        if isinstance(learning_rate, (str, schedules.Halving)):
            learning_rate = schedules.checked("learning_rate", learning_rate)
        if not is_number(beta_1):
            raise ValueError(f"beta_1 is a number; schedules are for learning_rate and beta_2. Found {beta_1!r}.")
        if not is_number(beta_2):
            beta_2 = schedules.checked("beta_2", beta_2, 1.0, below=True, decays=True)
        super().__init__(learning_rate, beta_1, beta_2, *args, **kwargs)
        if self.amsgrad:
            raise ValueError("This Adam has no amsgrad; use keras.optimizers.Adam.")

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor) -> None:
        index = self._get_variable_index(variable)
        dtype = variable.dtype  # Keras hands over the tf.Variable
        step = tf.cast(self.iterations + 1, dtype)  # a variable, or under gradient accumulation a tensor
        beta_1 = tf.constant(self.beta_1, dtype)
        beta_2 = schedules.at(self.beta_2, self._iterations)  # what Keras gives schedules of the rate
        beta_2 = tf.cast(beta_2, dtype) if tf.is_tensor(beta_2) else tf.constant(beta_2, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_2": schedules.serialize(self.beta_2)}


@keras.saving.register_keras_serializable("kerasgan")
class FlooredExponentialDecay(keras.optimizers.schedules.LearningRateSchedule):
    """`max(initial / factor**step, floor)`.

    Args:
        initial_learning_rate: at step 0.
        factor: what every step divides by, above 1.
        floor: never lower than this.

    Reference: `ExponentialDecay` in the GAN paper's `mnist.yaml` (github.com/goodfeli/adversarial).
    """

    def __init__(self, initial_learning_rate: float, factor: float, floor: float) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.factor = factor
        self.floor = floor

    def __call__(self, step: Any) -> tf.Tensor:
        # exp(-t log f) and not f**-t: 1.000004 itself is 1.5 % off in float32.
        decay = ops.exp(-math.log(self.factor) * ops.cast(step, "float32"))
        return ops.maximum(self.initial_learning_rate * decay, self.floor)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "factor": self.factor,
            "floor": self.floor,
        }


@keras.saving.register_keras_serializable("kerasgan")
class RampedMomentumSGD(keras.optimizers.SGD):
    """SGD whose momentum grows linearly from one value to another: `v <- m(t) v - lr g`, `w <- w + v`.

    Args:
        learning_rate: float or schedule.
        initial_momentum, final_momentum: m at step 0 and from `ramp_steps` on.
        ramp_steps: over how many updates it grows.
        **kwargs: as for `keras.optimizers.SGD`.

    Reference: `MomentumAdjustor` in the GAN paper's `mnist.yaml`.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.1,
        initial_momentum: float = 0.5,
        final_momentum: float = 0.7,
        ramp_steps: int = 125_000,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, momentum=initial_momentum, **kwargs)
        self.final_momentum = final_momentum
        self.ramp_steps = ramp_steps

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor) -> None:
        dtype = variable.dtype
        share = tf.minimum(tf.cast(self.iterations, tf.float32) / self.ramp_steps, 1.0)
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=self.momentums[self._get_variable_index(variable)].value.handle,
            lr=tf.cast(learning_rate, dtype),
            grad=tf.cast(gradient, dtype),
            momentum=tf.cast(self.momentum + share * (self.final_momentum - self.momentum), dtype),
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for fixed in ("momentum", "nesterov"):
            del config[fixed]
        return {
            **config,
            "initial_momentum": self.momentum,
            "final_momentum": self.final_momentum,
            "ramp_steps": self.ramp_steps,
        }


def prepare(*players: tuple[Any, keras.Model]) -> list[keras.optimizers.Optimizer]:
    """Each player's optimizer, built for its network, with a loss scale of its own where that computes in float16.

    Args:
        *players: pairs of what `keras.optimizers.get` takes (None is Adam(2e-4, beta_1=0.5)) and the network.

    Raises:
        ValueError: an unknown optimizer, one that is built for other weights, or one for two networks.
    """
    prepared = []
    for optimizer, network in players:
        optimizer = keras.optimizers.get(Adam(2e-4, beta_1=0.5) if optimizer is None else optimizer)
        if optimizer in prepared:
            raise ValueError("d_optimizer and g_optimizer must be two objects: each keeps state for its own network.")
        # Keras scales the loss of `model.optimizer` alone; here each player needs its own scale.
        # (A network that was loaded does not know its policy; its layers do.)
        half = any(layer.compute_dtype == "float16" for layer in network._flatten_layers())
        if half and not hasattr(optimizer, "inner_optimizer"):
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        # An unbuilt optimizer would lose its state on loading. Frozen weights count, so that they may thaw.
        learnable = {id(v) for layer in network._flatten_layers() for v in layer._trainable_variables}
        optimizer.build([v for v in network.variables if id(v) in learnable])
        prepared.append(optimizer)
    return prepared
