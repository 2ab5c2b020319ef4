"""What all tests share: small GANs, small pictures, Fashion-MNIST and Noto's emoji where they are there."""

import contextlib
import functools
import importlib.util
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
from PIL import Image

import kerasgan
from kerasgan import features


def small_gan(seed=0, dropout=True, batch_norm=True, synchronized=False, **options):
    """Two small networks on 8x8 grey images, with batch normalisation in G and dropout in D."""
    keras.utils.set_random_seed(seed)
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(16),
            *([kerasgan.layers.BatchNormalization(synchronized=synchronized)] if batch_norm else []),
            keras.layers.ReLU(),
            keras.layers.Dense(64, activation="tanh"),
            keras.layers.Reshape((8, 8, 1)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(16),
            keras.layers.LeakyReLU(),
            *([keras.layers.Dropout(0.3)] if dropout else []),
            keras.layers.Dense(1),
        ]
    )
    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(4), seed=seed, **options)
    gan.compile()
    return gan


def coded_gan():
    """G gives its latent as it is, so that samples show what was set; Q says 10 times its input."""
    latent = kerasgan.latents.Coded(2, (3,), 2)
    z = keras.Input((latent.dim,))
    samples = keras.Input((latent.dim,))
    codes = keras.layers.Dense(latent.code_dim, use_bias=False)
    outputs = {"logits": keras.layers.Dense(1)(samples), "codes": codes(samples)}
    discriminator = keras.Model(samples, outputs)
    codes.set_weights([np.concatenate([np.zeros((2, 5)), 10 * np.eye(5)])])
    gan = kerasgan.GAN(keras.Model(z, keras.layers.Identity()(z)), discriminator, latent, value_range=None)
    gan.compile(loss="infogan")
    return gan


def quarters_gan(names=("a", "b", "c", "d"), shares=None):
    """Samples of 8x8 whose brightest quarter is that of their label; but of the last label the last quarter where the
    first number of the noise is positive, and the first where it is negative.
    """
    latent = kerasgan.latents.Labelled(2, 4, names, shares)
    quarters = np.zeros((4, 8, 8), np.float32)
    for i in range(4):
        quarters[i, 4 * (i // 2) :, 4 * (i % 2) :][:4, :4] = 1.0
    of_label = 1.2 * quarters - 0.6  # from -.6 to .6
    of_label[3] = -0.1 * quarters[3] - 0.1 * quarters[0] - 0.6 * (quarters[1] + quarters[2])
    of_noise = np.stack([0.05 * (quarters[3] - quarters[0]), np.full((8, 8), 0.2)])  # the second: how bright all are
    kernel = np.concatenate([of_noise, of_label]).reshape(6, 64)
    dense = keras.layers.Dense(64, use_bias=False)
    generator = keras.Sequential([keras.Input((latent.dim,)), dense, keras.layers.Reshape((8, 8, 1))])
    dense.set_weights([kernel])
    keras.utils.set_random_seed(0)
    discriminator = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(4)])
    gan = kerasgan.GAN(generator, discriminator, latent)
    gan.compile()
    return gan


def quarters_classifier(classes=("a", "b", "c", "d")):
    """Features of 8x8 images: the means of the four quarters; with classes, the probabilities that they are."""
    images = keras.Input((8, 8, 1))
    means = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(images))
    outputs = {"features": means}
    if classes is not None:
        outputs["probabilities"] = keras.layers.Softmax()(means)
    return features.Extractor("quarters", keras.Model(images, outputs), classes or ())


def small_images(n=64, seed=0):
    """float32 [n, 8, 8, 1] in [-1, 1]."""
    return np.random.default_rng(seed).uniform(-1, 1, (n, 8, 8, 1)).astype(np.float32)


def weights_of(gan):
    """All saved numbers of a GAN, both optimizers' included."""
    variables = [*gan.variables, *gan.d_optimizer.variables, *gan.g_optimizer.variables]
    return [np.asarray(variable) for variable in variables]


def assert_same_weights(first, second):
    pairs = list(zip(weights_of(first), weights_of(second), strict=True))
    assert pairs
    for a, b in pairs:
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def picture_folder(tmp_path):
    """Twelve PNGs of 12x12 in tmp_path/pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(12):
        Image.fromarray(rng.integers(0, 256, (12, 12), dtype=np.uint8)).save(folder / f"{i:02d}.png")
    return folder


@pytest.fixture(scope="session")
def fashion_mnist():
    """Skips a test where Fashion-MNIST has not been prepared; on CI (CI=true) that is a failure."""
    from kerasgan.data import fashion_mnist

    return prepared("fashion_mnist", "Fashion-MNIST", fashion_mnist.is_prepared())


@pytest.fixture(scope="session")
def mnist_digits():
    """Skips a test where MNIST has not been prepared; on CI (CI=true) that is a failure."""
    from kerasgan.data import packages

    return prepared("mnist", "MNIST", packages.is_prepared("mnist"))


@pytest.fixture(scope="session")
def noto_emoji():
    """Skips a test where Noto Color Emoji has not been prepared; on CI (CI=true) that is a failure."""
    from kerasgan.data import noto_emoji

    return prepared("noto_emoji", "Noto Color Emoji", noto_emoji.is_prepared())


def prepared(name, called, is_prepared):
    if not is_prepared:
        missing(f"{called} is not prepared on this machine; `make data` prepares it")
    return name


def missing(reason):
    """Skips a test for what is not on this machine; on CI (CI=true) that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium():
    """Skips a test where there is no Chromium or nothing to drive it; on CI (CI=true) that is a failure."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        missing(f"{error.name} is not installed; pip install 'kerasgan[test]' brings it")
    found = benchmark_of("explore").find_browser()
    if found is None:
        missing("There is no Chromium on this machine; on Debian: apt-get install chromium")
    with sync_playwright() as driver:
        # Without a sandbox, which containers do not allow: it is shown our own pages alone.
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def watched_tab(browser, address, width, quiet=True, wait=60_000):
    """A new tab for the page at an address; what it asks for elsewhere, and what goes wrong in it, fails the test: with
    `quiet` an answer that there is nothing, too, and whatever the console calls an error.
    """
    wrong = []
    own = (address, "data:", "blob:")
    tab = browser.new_page(viewport={"width": width, "height": 900})
    tab.set_default_timeout(wait)  # milliseconds, on a busy machine
    tab.on("request", lambda sent: sent.url.startswith(own) or wrong.append(sent.url))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    if quiet:
        tab.on("response", lambda answer: answer.status < 400 or wrong.append(f"{answer.status} {answer.url}"))
        tab.on("console", lambda said: said.type != "error" or wrong.append(said.text))
    yield tab
    tab.close()
    assert wrong == []


@functools.cache  # absl knows a flag once
def benchmark_of(name):
    """A script in benchmarks/ as a module."""
    path = pathlib.Path(__file__).parents[1] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"benchmark_of_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
