"""The convergence argument of the GAN paper, played by the library itself.

Data are N(0, 1), the generator is held at N(1.5, 1), and the discriminator is trained with `fit` until it no longer
moves: it must find D* = p / (p + q) (Proposition 1), and `evaluate` must certify the Jensen-Shannon divergence that
quadrature gives (Theorem 1).

Below it the Dirac-GAN, in which both move: the paths that `fit` takes against the closed form of the linearised game.
"""

import functools
import importlib.util
import math
import pathlib

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


# -- the Dirac-GAN (Mescheder, Geiger and Nowozin 2018, arXiv:1801.04406) ----------------------------------------------
#
# Data are the point 0, the generator is the point theta, D(x) = psi x. Near theta = psi = 0 every loss below pulls psi
# by -d theta and theta by g psi, and R1 or R2 of weight gamma / 2 pulls psi by -gamma psi.

PULLS = {  # d, g: the slopes at 0 of d_loss and of -g_loss in D(G(z))
    "minimax": (0.5, 0.5),
    "non_saturating": (0.5, 0.5),
    "kl": (0.5, 1.0),
    "hinge": (1.0, 1.0),
    "wasserstein": (1.0, 1.0),
    "relativistic": (0.5, 0.5),
}
RATE = 0.2


@pytest.fixture(scope="module")
def play():
    """`play` of the example: fit's own games, theta and psi after each round."""
    path = pathlib.Path(__file__).parent.parent / "examples" / "dirac_gan.py"
    spec = importlib.util.spec_from_file_location("dirac_gan", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return functools.partial(module.play, rate=RATE)


def linearised(loss, gamma=0.0, d_steps=1):
    """The matrix of one round of Algorithm 1: `d_steps` updates of psi at a rate, then one of theta at the new psi."""
    d, g = PULLS[loss]
    matrix = np.eye(2)
    for _ in range(d_steps):
        matrix = np.array([[1.0, 0.0], [-RATE * d, 1.0 - RATE * gamma]]) @ matrix
    return np.array([[1.0, RATE * g], [0.0, 1.0]]) @ matrix


def orbit(matrix, start, updates):
    path = [np.asarray(start, float)]
    for _ in range(updates):
        path.append(matrix @ path[-1])
    return np.array(path)


def reach(path, rows):
    """How far from the solution theta and psi come in some rounds."""
    return np.abs(path[rows]).max(0)


@pytest.mark.parametrize(("loss", "d_steps"), [*((loss, 1) for loss in PULLS), ("wasserstein", 5)])
def test_without_a_penalty_the_dirac_gan_circles(play, loss, d_steps):
    """For ever: both eigenvalues of a round lie on the unit circle and differ, so that its powers stay bounded and do
    not shrink. (Those of the Jacobian are ± i sqrt(d g). Were both to move at once, a round would multiply the
    distance with |1 ± i rate sqrt(d g)|, which is above 1.) Wasserstein's game is linear everywhere.
    """
    matrix = linearised(loss, d_steps=d_steps)
    values = np.linalg.eigvals(matrix)
    np.testing.assert_allclose(np.abs(values), 1.0, atol=1e-12)
    d, g = PULLS[loss]
    turn = np.arccos(1.0 - RATE**2 * d_steps * d * g / 2.0)  # per round, from trace and determinant
    np.testing.assert_allclose(np.sort(np.angle(values)), [-turn, turn], atol=1e-12)
    size = 1.0 if loss == "wasserstein" else 0.01
    path = play(loss, d_steps=d_steps, start=(size, 0.5 * size), updates=200)
    np.testing.assert_allclose(path, orbit(matrix, path[0], 200), atol=2e-3 * size)
    whole = round(2.0 * math.pi / turn) + 1  # rounds of a turn
    np.testing.assert_allclose(reach(path, slice(-whole, None)), reach(path, slice(0, whole)), rtol=0.02)


@pytest.mark.parametrize(
    ("loss", "penalties", "gamma"),
    [
        ("non_saturating", "r1(.15)", 0.3),
        ("minimax", "r2(.15)", 0.3),
        ("relativistic", "r1(.15)", 0.3),
        ("relativistic", "r1(.25), r2(.15)", 0.8),
        ("wasserstein", "r1(.25)", 0.5),
        ("wasserstein", "gradient_penalty(.25, target=0)", 0.5),  # of a line it is the same
        ("non_saturating", "r1(1)", 2.0),  # above 2 sqrt(d g): no turns any more, and slower
    ],
)
def test_with_r1_or_r2_the_dirac_gan_converges_at_the_predicted_rate(play, loss, penalties, gamma):
    """The Jacobian's eigenvalues are -gamma/2 ± sqrt(gamma^2/4 - d g). A round multiplies the distance with
    sqrt(1 - rate gamma) where they are complex, for that is the determinant of its matrix.
    """
    d, g = PULLS[loss]
    jacobian = -gamma / 2 + np.emath.sqrt(gamma**2 / 4 - d * g)
    matrix = linearised(loss, gamma)
    values, vectors = np.linalg.eig(matrix)
    slowest = np.argmax(np.abs(values))
    factor = np.abs(values[slowest])
    assert factor < 0.99
    if np.iscomplex(jacobian):
        assert factor == pytest.approx(math.sqrt(1.0 - RATE * gamma), rel=1e-12)
    assert math.log(factor) / RATE == pytest.approx(jacobian.real, rel=0.1)  # equal at vanishing rates
    size = 1.0 if loss == "wasserstein" else 0.01
    path = play(loss, penalties, start=(size, 0.5 * size), updates=150)
    expected = orbit(matrix, path[0], 150)
    np.testing.assert_allclose(path, expected, atol=1e-3 * size)
    distance = np.abs(np.linalg.inv(vectors) @ path.T)[slowest]  # in the eigenvector that stays longest
    assert (distance[150] / distance[50]) ** (1 / 100) == pytest.approx(factor, rel=1e-3)
    assert np.hypot(*path[-1]) < 0.15 * np.hypot(*path[0])


def test_from_afar_non_saturating_creeps_in_as_one_over_the_root_of_time(play):
    """Its pulls are sigmoid(t) and sigmoid(-t), t = psi theta, so that r^2 = theta^2 + psi^2 changes by
    -2 t tanh(t / 2), about -t^2, in the mean over a turn -r^4 / 8: r = r0 / sqrt(1 + r0^2 time / 8).
    """
    path = play("non_saturating", start=(1.0, 0.0), updates=300)
    turn = path[-63:]  # at about .1 a round; within it r swings by the rate
    radius = np.sqrt((turn**2).sum(1).mean())
    assert radius == pytest.approx(1.0 / math.sqrt(1.0 + (300 - 31) * RATE / 8.0), rel=0.05)


@pytest.mark.parametrize("start", [(0.1, 0.0), (3.0, 0.0)])
def test_wgan_gp_ends_in_a_circle_of_its_own(play, start):
    """Wherever it begins. With the weight w the penalty draws psi to ±1, for there D's slope is 1: theta'' = -theta -
    2 w theta' + 2 w sign(theta'). From a turning point at -A it swings around 2 w, and of the distance A + 2 w it keeps
    rho = exp(-pi w / sqrt(1 - w^2)); it returns as it came where A = 2 w (1 + rho) / (1 - rho).
    """
    weight = 0.25
    rho = math.exp(-math.pi * weight / math.sqrt(1.0 - weight**2))
    amplitude = 2.0 * weight * (1.0 + rho) / (1.0 - rho)
    path = play("wasserstein", f"gradient_penalty({weight})", start=start, updates=250)
    last = path[-66:]  # two turns
    assert np.abs(last[:, 0]).max() == pytest.approx(amplitude, rel=0.03)
    assert np.hypot(*last.T).min() > 0.9 * amplitude
