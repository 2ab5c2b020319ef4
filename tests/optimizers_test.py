"""Adam against Keras's, momentum and decay against their formulas."""

import keras
import numpy as np
import pytest

from kerasgan import optimizers


def test_adam_is_keras_adam():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(5, 3)).astype(np.float32)
    trajectories = []
    for kind in (keras.optimizers.Adam, optimizers.Adam):
        weight = keras.Variable(start)
        optimizer = kind(keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.7), beta_1=0.5)
        gradients = np.random.default_rng(1)
        trajectory = []
        for _ in range(12):
            optimizer.apply([keras.ops.convert_to_tensor(gradients.normal(size=(5, 3)), "float32")], [weight])
            trajectory.append(weight.numpy())
        trajectories.append(trajectory)
    np.testing.assert_allclose(*trajectories, atol=5e-6)  # after steps of 0.05


def test_adam_by_hand():
    """Two updates with gradients 1 and 3: m, v and their bias corrections worked out on paper."""
    weight = keras.Variable([2.0])
    optimizer = optimizers.Adam(0.1, beta_1=0.5, beta_2=0.9, epsilon=1e-8)
    optimizer.apply([keras.ops.array([1.0])], [weight])
    assert weight.numpy().item() == pytest.approx(1.9, abs=1e-6)  # m^/sqrt(v^) = 1
    optimizer.apply([keras.ops.array([3.0])], [weight])
    m, v = (0.5 * 0.5 + 0.5 * 3) / 0.75, (0.9 * 0.1 + 0.1 * 9) / 0.19
    assert weight.numpy().item() == pytest.approx(1.9 - 0.1 * m / v**0.5, abs=1e-6)


def test_adam_has_no_amsgrad():
    with pytest.raises(ValueError, match="no amsgrad"):
        optimizers.Adam(amsgrad=True)


def test_ramped_momentum_by_hand():
    weight = keras.Variable([1.0])
    optimizer = optimizers.RampedMomentumSGD(0.1, initial_momentum=0.5, final_momentum=0.7, ramp_steps=2)
    w, v = 1.0, 0.0
    for momentum, gradient in ((0.5, 1.0), (0.6, 2.0), (0.7, -1.0), (0.7, 4.0)):
        optimizer.apply([keras.ops.array([gradient])], [weight])
        v = momentum * v - 0.1 * gradient
        w += v
        assert weight.numpy().item() == pytest.approx(w, abs=1e-6)


def test_decay_of_the_2014_recipe():
    schedule = optimizers.FlooredExponentialDecay(0.1, 1.000004, 1e-6)
    for step in (0, 1, 1000, 125_000, 1_000_000):
        assert float(schedule(step)) == pytest.approx(max(0.1 / 1.000004**step, 1e-6), rel=1e-4)
    assert float(schedule(5_000_000)) == pytest.approx(1e-6)


@pytest.mark.parametrize(
    "optimizer",
    [
        optimizers.Adam(1e-3, beta_1=0.5),
        optimizers.RampedMomentumSGD(optimizers.FlooredExponentialDecay(0.2, 1.1, 0.01), 0.3, 0.6, 7),
    ],
)
def test_config_round_trip(optimizer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
