"""Zhao, Mathieu and LeCun 2016, "Energy-based GANs" (arXiv:1609.03126): the grid search of section 4.1, in small."""

import json
import pathlib

import numpy as np
from tqdm import tqdm

from papers import Figure, Row

PAPER = "Zhao et al. 2016, arXiv:1609.03126"
# The paper's grid for the networks, but for G's 1,600 and 3,200 units, which a CPU is slow with: 256 of its 512. A GAN
# has the optimizers and the rate besides, which makes its 6,144; an EBGAN has Adam at .001.
NETWORKS = {
    "generator_layers": (2, 3, 4, 5),
    "generator_units": (400, 800),
    "discriminator_layers": (2, 3, 4, 5),
    "discriminator_units": (128, 256, 512, 1024),
    "dropout": (False, True),
}
TRAINING = {"d_optimizer": ("sgd", "adam"), "g_optimizer": ("sgd", "adam"), "learning_rate": (0.01, 0.001, 0.0001)}
KINDS = {"gan": "GAN", "ebgan": "EBGAN", "ebgan_pt": "EBGAN-PT"}
GAMES, STEPS, BATCH, SAMPLES = 36, 1000, 128, 10_000
MARGIN, PULLING_AWAY = 10.0, 0.1


def choose(seed: int) -> list[dict]:
    """The games of a seed, drawn at random from the grid; the networks of a number are the same for all kinds."""
    rng = np.random.default_rng(seed)
    grid = NETWORKS | TRAINING
    return [{name: options[rng.integers(len(options))] for name, options in grid.items()} for _ in range(GAMES)]


def build(kind: str, game: dict, seed: int):
    """A compiled GAN, EBGAN or EBGAN-PT of fully connected layers."""
    import keras
    from keras import layers, ops

    import kerasgan
    from kerasgan.zoo.ebgan import networks

    keras.utils.set_random_seed(seed)
    shape, units = (28, 28, 1), game["discriminator_units"]
    generator = networks.dense_generator(shape, 100, game["generator_layers"], game["generator_units"], seed)
    images = keras.Input(shape)
    x = layers.Flatten()(images)
    encoding = None
    for i in range(game["discriminator_layers"] - 1):
        x = layers.Dense(units, activation="relu")(x)
        encoding = x if encoding is None and 2 * (i + 1) >= game["discriminator_layers"] - 1 else encoding  # half way
        x = layers.Dropout(0.5)(x) if game["dropout"] else x
    if kind == "gan":
        loss, discriminator = "non_saturating", keras.Model(images, layers.Dense(1)(x))
    else:
        loss = kerasgan.losses.EBGAN(MARGIN, PULLING_AWAY if kind == "ebgan_pt" else 0.0)
        reconstruction = layers.Dense(784)(x)
        energy = ops.sqrt(ops.sum(ops.square(reconstruction - layers.Flatten()(images)), axis=-1) + 1e-12)
        outputs = {"energy": energy, "encoding": encoding, "reconstruction": layers.Reshape(shape)(reconstruction)}
        discriminator = keras.Model(images, outputs)

    def optimizer(name):
        if kind != "gan" or name == "adam":
            rate = game["learning_rate"] if kind == "gan" else 0.001
            return kerasgan.optimizers.Adam(rate, beta_1=0.5)
        return keras.optimizers.SGD(game["learning_rate"])

    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(100), seed=seed)
    optimizers = (optimizer(game[name]) for name in ("d_optimizer", "g_optimizer"))
    gan.compile(*optimizers, loss=loss, steps_per_execution=10)
    return gan


def search(seed: int, folder: pathlib.Path) -> dict[str, float]:
    """Each game of a seed as GAN, EBGAN and EBGAN-PT; the paper's modified inception score of 10,000 digits."""
    from kerasgan import data, features, metrics
    from kerasgan.files import replacing

    file = folder / "games.json"
    done = json.loads(file.read_text()) if file.is_file() else {}
    classifier = features.get("mnist_classifier", (28, 28, 1))
    images = data.load_array("mnist", "train")
    games = [(kind, i, game) for i, game in enumerate(choose(seed)) for kind in KINDS]
    for kind, i, game in tqdm(games, "games", unit="game"):
        if f"{kind}_{i}" in done:
            continue
        gan = build(kind, game, seed)
        digits = data.load(images, batch_size=BATCH, like=gan, seed=seed)
        gan.fit(digits.repeat(), steps_per_epoch=STEPS, verbose=0)
        samples = gan.generate(SAMPLES)
        score = 0.0  # that of noise, for a game that diverged
        if np.isfinite(samples).all():
            batches = (samples[start : start + 1000] for start in range(0, SAMPLES, 1000))
            score = metrics.reversed_inception_score(classifier.extract(batches)["probabilities"])
        done[f"{kind}_{i}"] = float(score)
        with replacing(file) as temporary:
            temporary.write_text(json.dumps(done))
    scores = {kind: [done[f"{kind}_{i}"] for i in range(GAMES)] for kind in KINDS}
    found = {f"best_{kind}": max(values) for kind, values in scores.items()}
    return found | {f"median_{kind}": float(np.median(values)) for kind, values in scores.items()}


def draw_histogram(folder: pathlib.Path, path: pathlib.Path) -> None:
    """Figure 2: how many of the games have which score, as GAN, EBGAN and EBGAN-PT."""
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(6, 3.6), layout="constrained")
    axes = canvas.add_subplot()
    scores = {name: [] for name in KINDS.values()}
    for file in sorted(folder.glob("*/games.json")):
        for key, score in json.loads(file.read_text()).items():
            scores[KINDS[key.rpartition("_")[0]]].append(score)
    edges = np.linspace(0.0, max(1.0, *(score for values in scores.values() for score in values)), 16)
    axes.hist(list(scores.values()), edges, label=list(scores))
    axes.set_xlabel("modified inception score, nats")
    axes.set_ylabel("games")
    axes.legend()
    canvas.savefig(path, dpi=110)


ROWS = (
    Row(
        name="ebgan_grid",
        paper=PAPER,
        what=f"{GAMES} games drawn from the grid of section 4.1, {STEPS:,} updates each, as GAN, EBGAN and EBGAN-PT",
        figures=tuple(
            Figure(
                f"{which}_{kind}",
                f"modified inception score in nats, {which} {name}",
                "-",
                "Figures 2 to 4: histograms",
                digits=2,
            )
            for kind, name in KINDS.items()
            for which in ("best", "median")
        ),
        measure=search,
        seeds=1,
        minutes=90,
        draw=draw_histogram,
    ),
)
