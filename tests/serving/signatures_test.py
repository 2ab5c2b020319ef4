"""What each signature answers, compared with the networks themselves and with numbers worked out by hand."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import coded_gan, small_gan
from PIL import Image
from serving.savedmodel_test import run_signature

import kerasgan
from kerasgan.serving import signatures
from kerasgan.serving.loader import LoadError, Process
from kerasgan.serving.savedmodel import read_graph, read_signatures


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    """A generator that gives its latent as it is, and a reader that says 10 times what it sees of the codes."""
    return coded_gan().export(tmp_path_factory.mktemp("coded") / "model")


@pytest.fixture(scope="module")
def call(coded):
    """Runs a signature of `coded` in TensorFlow's own loader."""
    signatures = read_signatures(read_graph(coded))
    with Process(coded) as process:

        def run(name, **inputs):
            feeds = {signatures[name]["inputs"][key].name: value for key, value in inputs.items()}
            return process.run(feeds, [tensor.name for tensor in signatures[name]["outputs"].values()])

        yield run


def test_which_signatures_a_model_has():
    images = {"serving_default", "sample", "png", "sample_png", "score"}
    assert set(signatures.endpoints(small_gan())) == images
    assert set(signatures.endpoints(coded_gan())) == images - {"png", "sample_png"} | {"generate_codes", "infer_codes"}
    silent = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    opinion = keras.layers.Dense(3)
    inputs = keras.Input((2,))
    strange = keras.Model(inputs, {"opinion": opinion(inputs)})
    gan = kerasgan.GAN(silent, strange, kerasgan.latents.Normal(2), value_range=None)
    assert set(signatures.endpoints(gan)) == {"serving_default", "sample"}


def test_png_shows_the_image(tmp_path):
    gan = small_gan()
    gan.export(tmp_path / "model")
    seeds = np.array([5, 6], np.int64)
    expected = np.rint(gan.generate(2, seed=5) * 255)
    z = gan.latent.from_seeds(seeds).numpy()
    for signature, inputs in (("sample_png", {"seed": seeds}), ("png", {"z": z})):
        files = run_signature(tmp_path / "model", signature, **inputs)["image_bytes"]
        pictures = np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in files])
        assert pictures.dtype == np.uint8
        np.testing.assert_allclose(pictures[..., None], expected, atol=1)


def test_score_is_the_probability_that_d_gives(tmp_path):
    """D's logit is 4 times the mean pixel in [-1, 1] plus 1: sigmoid(4 (2 m - 1) + 1) for a picture of grey m."""
    gan = small_gan()
    dense, last = gan.discriminator.layers[1], gan.discriminator.layers[-1]
    dense.set_weights([np.full((64, 16), 1 / 64), np.full(16, 1.0)])  # mean pixel + 1, above 0
    last.set_weights([np.full((16, 1), 4 / 16), np.full(1, -3.0)])
    gan.export(tmp_path / "model")
    grey = np.array([0.0, 0.25, 1.0], np.float32)
    images = np.broadcast_to(grey[:, None, None, None], (3, 8, 8, 1))
    score = run_signature(tmp_path / "model", "score", images=images)["score"]
    assert score.shape == (3,)
    np.testing.assert_allclose(score, 1 / (1 + np.exp(-(4 * (2 * grey - 1) + 1))), atol=1e-6)


def test_score_is_the_energy_of_an_autoencoder(tmp_path):
    inputs = keras.Input((2,))
    norm = keras.layers.Lambda(lambda x: keras.ops.sqrt(keras.ops.sum(x**2, axis=-1)), output_shape=())
    discriminator = keras.Model(inputs, {"energy": norm(inputs)})
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(2), value_range=None)
    gan.export(tmp_path / "model")
    score = run_signature(tmp_path / "model", "score", samples=np.float32([[3, 4], [0, 2]]))["score"]
    np.testing.assert_allclose(score, [5, 2], rtol=1e-6)


def test_codes_are_set(coded):
    answer = run_signature(
        coded,
        "generate_codes",
        noise=np.float32([[0.1, 0.2], [0.3, 0.4]]),
        categories=np.int32([[2], [0]]),
        continuous=np.float32([[0.5, -2.0], [0.0, 1.0]]),
    )
    np.testing.assert_allclose(
        answer["samples"], [[0.1, 0.2, 0, 0, 1, 0.5, -2.0], [0.3, 0.4, 1, 0, 0, 0.0, 1.0]], rtol=1e-6
    )


def test_codes_are_read(coded):
    samples = np.float32([[9, 9, 0.1, 0.0, 0.0, 0.05, -0.2]])
    answer = run_signature(coded, "infer_codes", samples=samples)
    e = np.e
    np.testing.assert_allclose(answer["categories"], [[[e / (e + 2), 1 / (e + 2), 1 / (e + 2)]]], rtol=1e-5)
    np.testing.assert_allclose(answer["continuous"], [[0.5, -2.0]], rtol=1e-5)


@pytest.mark.parametrize(
    ("latent", "inputs", "outputs"),
    [
        (kerasgan.latents.Coded(1, (3, 2), 0), {"noise", "categories"}, {"categories"}),
        (kerasgan.latents.Coded(1, (), 2), {"noise", "continuous"}, {"continuous"}),
    ],
)
def test_codes_of_one_kind_only(latent, inputs, outputs, tmp_path):
    z, samples = keras.Input((latent.dim,)), keras.Input((2,))
    heads = {"logits": keras.layers.Dense(1)(samples), "codes": keras.layers.Dense(latent.code_dim)(samples)}
    gan = kerasgan.GAN(keras.Model(z, keras.layers.Dense(2)(z)), keras.Model(samples, heads), latent, value_range=None)
    gan.export(tmp_path / "model")
    given = {
        "noise": np.zeros((2, 1), np.float32),
        "categories": np.int32([[2, 1], [0, 0]]),
        "continuous": np.float32([[1, 2], [3, 4]]),
    }
    drawn = run_signature(tmp_path / "model", "generate_codes", **{key: given[key] for key in inputs})["samples"]
    assert set(run_signature(tmp_path / "model", "infer_codes", samples=drawn)) == outputs


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("serving_default", {"z": np.zeros((2, 5))}, "[2,5] is not compatible with expected shape [?,7]"),
        ("serving_default", {"z": np.zeros(7)}, "[7] is not compatible with expected shape [?,7]"),
        ("serving_default", {"z": np.zeros((1, 7), np.int32)}, "Expects arg[0] to be float but int32 is provided"),
        ("serving_default", {"z": np.zeros((0, 7))}, "z [B, 7] must have at least one row"),
        ("serving_default", {"z": np.full((2, 7), np.nan)}, "its numbers must be finite"),
        ("serving_default", {"z": np.full((2, 7), np.inf)}, "its numbers must be finite"),
        (
            "sample",
            {"seed": np.int64([3, -1])},
            "its numbers must be at least 0; found shape] [2] [and numbers from] [-1]",
        ),
        ("sample", {"seed": np.zeros(0, np.int64)}, "seed [B] must have at least one row"),
        (
            "generate_codes",
            {"noise": np.zeros((1, 2)), "categories": np.int32([[3]]), "continuous": np.zeros((1, 2))},
            "categories [B, 1] must have at least one row, and its numbers must be from 0 to below 3",
        ),
        (
            "generate_codes",
            {"noise": np.zeros((1, 2)), "categories": np.int32([[0]]), "continuous": np.full((1, 2), np.nan)},
            "continuous [B, 2] must have at least one row, and its numbers must be finite",
        ),
        ("infer_codes", {"samples": np.full((1, 7), np.nan)}, "samples [B, 7] must have"),
    ],
)
def test_bad_input_fails_in_the_graph_with_a_reason(call, signature, inputs, message):
    inputs = {key: value.astype(np.float32) if value.dtype == float else value for key, value in inputs.items()}
    with pytest.raises(LoadError) as failure:
        call(signature, **inputs)
    assert message in str(failure.value)


@pytest.mark.parametrize("wrong", [1.01, -0.01, np.nan])
def test_images_outside_0_1_are_refused(wrong, tmp_path):
    small_gan().export(tmp_path / "model")
    images = np.full((2, 8, 8, 1), 0.5, np.float32)
    images[1, 3, 3] = wrong
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"its numbers must lie in \[0, 1\]"):
        run_signature(tmp_path / "model", "score", images=images)


def test_mixed_precision_answers_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = small_gan()
    finally:
        keras.config.set_dtype_policy("float32")
    gan.export(tmp_path / "model")
    for signature, inputs in (
        ("sample", {"seed": np.int64([1, 2])}),
        ("serving_default", {"z": np.zeros((2, 4), np.float32)}),
        ("score", {"images": np.zeros((2, 8, 8, 1), np.float32)}),
    ):
        answer = run_signature(tmp_path / "model", signature, **inputs)
        assert {value.dtype for value in answer.values()} == {np.dtype(np.float32)}
