"""Adam against Keras's, momentum and decay against their formulas."""

import keras
import numpy as np
import pytest
from conftest import small_gan, small_images

from kerasgan import optimizers, penalties


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


def dense_model(optimizer):
    """One layer of given weights."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.set_weights([np.linspace(-1, 1, 6).reshape(3, 2), np.zeros(2)])
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize("clipping", [{}, {"global_clipnorm": 0.1}])
def test_adam_accumulates_gradients_as_keras_adam(clipping):
    """By hand step by step, and in `fit`; seven steps of three, so that the last gradient waits in vain."""
    options = {"beta_1": 0.5, "gradient_accumulation_steps": 3, **clipping}
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(28, 3)), rng.normal(size=(28, 2))
    gradients = rng.normal(size=(7, 5)).astype(np.float32)
    found = []
    for kind in (keras.optimizers.Adam, optimizers.Adam):
        weight, optimizer = keras.Variable(np.ones(5, np.float32)), kind(0.05, **options)
        trajectory = []
        for gradient in gradients:
            optimizer.apply([keras.ops.array(gradient)], [weight])
            trajectory.append(weight.numpy())
        model = dense_model(kind(0.05, **options))
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        found.append([np.stack(trajectory), *model.get_weights()])
    for theirs, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)
    trajectory = found[1][0]
    np.testing.assert_array_equal(trajectory[:2], 1.0)  # nothing moves before the third gradient
    assert (trajectory[2] != 1.0).all()
    np.testing.assert_array_equal(trajectory[6], trajectory[5])


def test_ramped_momentum_accumulates_gradients():
    """Two gradients to an update: by hand with their means, the momentum counted in updates."""
    weight = keras.Variable([1.0])
    optimizer = optimizers.RampedMomentumSGD(
        0.1, initial_momentum=0.5, final_momentum=0.7, ramp_steps=2, gradient_accumulation_steps=2
    )
    w, v = 1.0, 0.0
    for momentum, pair in ((0.5, (1.0, 2.0)), (0.6, (3.0, -1.0)), (0.7, (0.5, 0.5))):
        for gradient in pair:
            assert weight.numpy().item() == pytest.approx(w, abs=1e-6)
            optimizer.apply([keras.ops.array([gradient])], [weight])
        v = momentum * v - 0.1 * sum(pair) / 2
        w += v
    assert weight.numpy().item() == pytest.approx(w, abs=1e-6)
    plain, ramped = (
        dense_model(kind(0.05, **options, gradient_accumulation_steps=2))
        for kind, options in (
            (keras.optimizers.SGD, {"momentum": 0.5}),
            (optimizers.RampedMomentumSGD, {"initial_momentum": 0.5, "final_momentum": 0.5}),
        )
    )
    x, y = np.random.default_rng(3).normal(size=(2, 20, 3)), np.ones((20, 2))
    for model in (plain, ramped):
        model.fit(x[0], y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(ramped.get_weights()[0], plain.get_weights()[0], atol=1e-6)


def test_a_gan_accumulates_gradients():
    """Of two steps the first moves nothing and the second does."""
    gan = small_gan(dropout=False, batch_norm=False)
    gan.compile(*(optimizers.Adam(0.01, gradient_accumulation_steps=2) for _ in range(2)))
    before = [np.array(weight) for weight in gan.generator.get_weights()]
    gan.fit(small_images(16), batch_size=16, verbose=0)
    for old, new in zip(before, gan.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    gan.fit(small_images(16), batch_size=16, verbose=0)
    assert any((old != new).any() for old, new in zip(before, gan.generator.get_weights(), strict=True))
    assert np.isfinite(gan.generate(2)).all()


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


class TestCorrectionForLazyPenalties:
    """StyleGAN2, appendix B: c = n / (n + 1), rate times c, betas to the power of c."""

    @pytest.mark.parametrize("scaled", [False, True])
    def test_numbers(self, scaled):
        adam = optimizers.Adam(2e-3, beta_1=0.5, beta_2=0.99)
        optimizer = keras.optimizers.LossScaleOptimizer(adam) if scaled else adam
        penalties.correct_for_lazy(optimizer, penalties.get("r1(5, every=16), r2(5, every=4)"))
        assert float(adam.learning_rate) == pytest.approx(2e-3 * 16 / 17, rel=1e-6)
        assert adam.beta_1 == pytest.approx(0.5 ** (16 / 17), rel=1e-12)
        assert adam.beta_2 == pytest.approx(0.99 ** (16 / 17), rel=1e-12)
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(adam))
        assert (again.beta_1, again.beta_2) == (adam.beta_1, adam.beta_2)

    def test_the_next_update_goes_by_them(self):
        """The first step of Adam is its rate, whatever the betas; the second depends on them."""
        weight, adam = keras.Variable([2.0]), optimizers.Adam(0.1, beta_1=0.0, beta_2=0.81)
        adam.build([weight])
        penalties.correct_for_lazy(adam, [penalties.R1(1.0, every=1), penalties.R2(1.0, every=2)])
        rate, beta = 0.1 * 2 / 3, 0.81 ** (2 / 3)
        adam.apply([keras.ops.array([1.0])], [weight])
        assert weight.numpy().item() == pytest.approx(2.0 - rate, abs=1e-6)
        adam.apply([keras.ops.array([3.0])], [weight])
        v = (beta * (1 - beta) + 9 * (1 - beta)) / (1 - beta**2)
        assert weight.numpy().item() == pytest.approx(2.0 - rate - rate * 3 / v**0.5, abs=1e-6)

    @pytest.mark.parametrize("kinds", [None, "r1(5)"])
    def test_nothing_to_correct(self, kinds):
        adam = optimizers.Adam(2e-3, beta_1=0.5)
        for optimizer in (adam, keras.optimizers.SGD(0.1)):
            penalties.correct_for_lazy(optimizer, penalties.get(kinds))
        assert float(adam.learning_rate) == np.float32(2e-3)
        assert (adam.beta_1, adam.beta_2) == (0.5, 0.999)

    @pytest.mark.parametrize(
        ("optimizer", "found"),
        [
            (keras.optimizers.SGD(0.1), r"SGD\."),
            (
                optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, 10)),
                r"Adam with a schedule of learning_rate\.",
            ),
            (keras.optimizers.LossScaleOptimizer(keras.optimizers.RMSprop()), r"RMSprop\."),
        ],
    )
    def test_refused(self, optimizer, found):
        with pytest.raises(ValueError, match=rf"changes Adam's constant rate and its betas; found {found}"):
            penalties.correct_for_lazy(optimizer, [penalties.R1(1.0, every=2)])
