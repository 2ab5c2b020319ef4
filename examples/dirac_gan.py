"""The smallest GAN there is: without a penalty it circles, with R1 it arrives.

The Dirac-GAN of "Which Training Methods for GANs do actually Converge?" (Mescheder, Geiger and Nowozin 2018,
arXiv:1801.04406, section 2): the data are one point, at 0, the generator draws one point, theta, and the discriminator
is the line D(x) = psi x. The solution is theta = psi = 0. `play` plays it with kerasgan's own parts; `eigenvalues` and
`update_matrix` say what it should do near the solution.

    python examples/dirac_gan.py --output=docs/images

Half a minute.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers
from matplotlib.figure import Figure

import kerasgan

RATE, UPDATES, START = 0.2, 250, (1.0, 1.0)
# Each game: what is played; how hard that pulls at D and at G near the solution; and gamma, twice the penalties'
# weights. WGAN-GP's penalty is no smooth function there, and nothing can be said of it from the linearised game.
GAMES = {
    "minimax": ({"loss": "minimax"}, 0.5, 0.0),
    "wasserstein, five updates of D to one": ({"loss": "wasserstein", "d_steps": 5, "start": (0.6, 0.0)}, 1.0, 0.0),
    "wasserstein, gradient_penalty(.25)": (
        {"loss": "wasserstein", "penalties": "gradient_penalty(.25)", "start": (0.2, 0.0)},
        1.0,
        None,
    ),
    "minimax, r1(.15)": ({"loss": "minimax", "penalties": "r1(.15)"}, 0.5, 0.3),
    "relativistic, r1(.2), r2(.2)": ({"loss": "relativistic", "penalties": "r1(.2), r2(.2)"}, 0.5, 0.8),
    "minimax, r1(2): too much": ({"loss": "minimax", "penalties": "r1(2)"}, 0.5, 4.0),
}
COLOURS = ["tab:gray", "tab:red", "tab:orange", "tab:brown", "tab:blue", "tab:green", "tab:purple"]


def play(loss, penalties=None, d_steps=1, start=START, rate=RATE, updates=UPDATES):
    """theta and psi before the first round of Algorithm 1 and after each, float64 `[updates + 1, 2]`."""
    z, x = keras.Input((1,)), keras.Input((1,))
    theta, psi = layers.Dense(1, use_bias=False), layers.Dense(1, use_bias=False)
    generator = keras.Model(z, theta(layers.Rescaling(0.0, offset=1.0)(z)))  # theta times 1, whatever z is
    discriminator = keras.Model(x, psi(x))
    for layer, value in zip((theta, psi), start, strict=True):
        layer.set_weights([np.full((1, 1), value)])
    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(1), value_range=None)
    optimizers = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    gan.compile(*optimizers, loss=loss, d_steps=d_steps, penalties=penalties)
    path = [start]

    def note(batch, logs):
        path.append((theta.kernel.numpy().item(), psi.kernel.numpy().item()))

    data = np.zeros((updates * d_steps, 1), np.float32)
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=note)
    gan.fit(data, batch_size=d_steps, shuffle=False, callbacks=[callback], verbose=0)
    return np.array(path)


def eigenvalues(pull, gamma, d_steps=1):
    """Of the Jacobian of both players' moves at the solution: what the game does at vanishing rates.

    With theta' = pull psi and psi' = -pull theta - gamma psi they are -gamma/2 ± sqrt(gamma^2/4 - pull^2). Several
    updates to one make psi move so many times faster.
    """
    root = np.emath.sqrt((d_steps * gamma) ** 2 / 4 - d_steps * pull**2)
    return -d_steps * gamma / 2 + root, -d_steps * gamma / 2 - root


def update_matrix(pull, gamma, d_steps=1, rate=RATE):
    """What one round of Algorithm 1 makes of (theta, psi) near the solution, `[2, 2]`: D's updates, then G's."""
    d_update = np.array([[1.0, 0.0], [-rate * pull, 1.0 - rate * gamma]])
    g_update = np.array([[1.0, rate * pull], [0.0, 1.0]])
    return g_update @ np.linalg.matrix_power(d_update, d_steps)


def both_at_once(pull=0.5, start=START, rate=RATE, updates=UPDATES):
    """The path of the linearised game if G did not wait for D, which kerasgan does not play."""
    matrix = np.eye(2) + rate * np.array([[0.0, pull], [-pull, 0.0]])
    return np.array([np.linalg.matrix_power(matrix, n) @ start for n in range(updates + 1)])


def factors(path, matrix):
    """What a round multiplies the distance with in the long run: by the matrix, and as played in the second half."""
    values, vectors = np.linalg.eig(matrix)
    slowest = np.argmax(np.abs(values))
    distance = np.abs(np.linalg.inv(vectors) @ path.T)[slowest]  # along the eigenvector that stays
    half = len(path) // 2
    return np.abs(values[slowest]), (distance[-1] / distance[half]) ** (1 / (len(path) - 1 - half))


def draw(paths, path):
    figure = Figure(figsize=(12, 6.4), layout="constrained")
    panels = figure.subplots(2, 4).flat
    for axes, (name, trajectory), colour in zip(
        panels, paths.items(), COLOURS, strict=False
    ):  # the eighth is the distance
        axes.plot(*trajectory.T, color=colour, lw=0.8, marker=".", ms=2)
        axes.plot(*trajectory[0], "k.", ms=8)
        axes.plot(0, 0, "k+", ms=10)
        axes.set(title=name, xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), aspect="equal", xlabel="theta (G)", ylabel="psi (D)")
        axes.title.set_fontsize(9)
    last = figure.axes[-1]
    for (name, trajectory), colour in zip(paths.items(), COLOURS, strict=True):
        last.semilogy(np.hypot(*trajectory.T), color=colour, lw=1)
        _, pull, gamma = GAMES.get(name, (None, None, None))
        if gamma:
            factor = np.abs(np.linalg.eigvals(update_matrix(pull, gamma))).max()
            last.semilogy(np.hypot(*trajectory[0]) * factor ** np.arange(len(trajectory)), "k:", lw=1)
    last.set(title="distance (dotted: predicted)", xlabel="updates of G", ylim=(1e-6, 10))
    last.title.set_fontsize(9)
    last.grid(alpha=0.3)
    figure.savefig(path, dpi=100)


def main(output, updates=UPDATES):
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    paths = {"both at once (not played here)": both_at_once(updates=updates)}
    print("A round multiplies the distance with a factor, near the solution and in the long run:\n")
    print(f"{'':<40}{'eigenvalues':>24}{'factor':>10}{'played':>10}{'distance':>12}")
    for name, (rules, pull, gamma) in GAMES.items():
        paths[name] = play(**rules, updates=updates)
        distance = f"{np.hypot(*paths[name][-1]):>12.2g}"
        if gamma is None:
            print(f"{name:<40}{'none':>24}{'':>20}{distance}")
            continue
        d_steps = rules.get("d_steps", 1)
        matrix = update_matrix(pull, gamma, d_steps)
        one, other = eigenvalues(pull, gamma, d_steps)
        found = f"{one.real:.3f} ± {one.imag:.3f}i" if np.iscomplex(one) else f"{one:.3f}, {other:.3f}"
        predicted, played = factors(paths[name], matrix)
        print(f"{name:<40}{found:>24}{predicted:>10.4f}{played:>10.4f}{distance}")
    draw(paths, output / "dirac_gan.png")
    print(f"\n{output}/dirac_gan.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="output/dirac_gan")
    options = parser.parse_args()
    main(options.output)
