"""The convergence argument of the GAN paper, played by the library itself.

Data are N(0, 1), the generator is held at N(1.5, 1), and the discriminator is trained with `fit` until it no longer
moves: it must find D* = p / (p + q) (Proposition 1), and `evaluate` must certify the Jensen-Shannon divergence that
quadrature gives (Theorem 1).
"""

import math

import keras
import numpy as np
import pytest

import kerasgan

MEAN = 1.5


def density(x, mean):
    return np.exp(-0.5 * (x - mean) ** 2) / math.sqrt(2 * math.pi)


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    generator.set_weights([np.ones((1, 1)), np.full(1, MEAN)])
    discriminator = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(32, "tanh"), keras.layers.Dense(32, "tanh"), keras.layers.Dense(1)]
    )
    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(1), value_range=None)
    steps = 1500
    gan.compile(
        d_optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, steps)),
        g_optimizer=keras.optimizers.SGD(0.0),  # the generator stays where it is
        loss="minimax",
        steps_per_execution=50,
    )
    data = kerasgan.toys.gaussian().sample(steps * 2048, seed=1)
    gan.fit(kerasgan.data.load(data, batch_size=2048, like=gan), verbose=0)
    np.testing.assert_array_equal(gan.generator.get_weights()[1], [MEAN])
    return gan


def test_the_discriminator_becomes_p_over_p_plus_q(trained):
    x = np.linspace(-6, 8, 1401)
    p, q = density(x, 0.0), density(x, MEAN)
    judged = p + q > 0.01
    found = 1 / (1 + np.exp(-trained.discriminator(x[:, None].astype(np.float32)).numpy()[:, 0]))
    assert np.abs(found - p / (p + q))[judged].max() < 0.02


def test_evaluate_certifies_the_jensen_shannon_divergence(trained):
    """Against quadrature of V(D*, G) = E_p[log D*] + E_q[log(1 - D*)] and JSD = (V + log 4) / 2, within 2 %."""
    x, dx = np.linspace(-12, 14, 26_001, retstep=True)
    p, q = density(x, 0.0), density(x, MEAN)
    value = np.sum(p * np.log(p / (p + q)) + q * np.log(q / (p + q))) * dx
    assert value == pytest.approx(-0.943953, abs=1e-6)
    held_out = kerasgan.data.load(
        kerasgan.toys.gaussian().sample(500_000, seed=2), batch_size=5000, shuffle=False, like=trained
    )
    report = trained.evaluate(held_out, return_dict=True, verbose=0)
    assert report["value"] == pytest.approx(value, rel=0.02)
    assert report["jsd"] == pytest.approx((value + math.log(4)) / 2, rel=0.02)
    assert report["d_loss"] == pytest.approx(-report["value"], rel=1e-5)
