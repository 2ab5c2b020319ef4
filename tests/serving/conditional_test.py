"""Conditional models served: asked classes, their names, scores of a class; compared with `GAN.generate`, and with
numbers worked out by hand.
"""

import importlib.util
import io
import json
import pathlib
import re
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import coded_gan, small_gan
from PIL import Image
from serving.client_test import stand_in
from serving.savedmodel_test import run_signature
from serving.verification_test import failures

import kerasgan
from kerasgan import latents, serving
from kerasgan.serving import Client, repository, signatures, warmup
from kerasgan.serving.client import ServingError
from kerasgan.serving.loader import LoadError, Process
from kerasgan.serving.savedmodel import METADATA, describe, read_graph, read_signatures

NAMES = ("Bag", "Ankle boot", "帽子")
CONDITIONAL = {"generate_label", "generate_label_png", "class_names"}
NARROW = {"latent_dim": 4, "generator_units": 8, "discriminator_units": 6, "discriminator_pieces": 2}


def labelled_gan(**settings):
    """Grey images of 8x8, three classes, weights large enough that each looks otherwise."""
    gan = kerasgan.create_model("vanilla_gan", classes=NAMES, image_shape=(8, 8, 1), **NARROW, **settings)
    gan.generator.set_weights([20 * weight for weight in gan.generator.get_weights()])
    gan.discriminator.set_weights([200 * weight for weight in gan.discriminator.get_weights()])
    return gan


def open_gan(loss="non_saturating"):
    """G gives its latent as it is; the logit of class k is k + 1 times the first number, minus 1."""
    latent = latents.Labelled(2, 3)
    z, samples = keras.Input((latent.dim,)), keras.Input((latent.dim,))
    heads = keras.layers.Dense(3)
    discriminator = keras.Model(samples, heads(samples))
    heads.set_weights([np.concatenate([[[1.0, 2.0, 3.0]], np.zeros((4, 3))]), np.full(3, -1.0)])
    gan = kerasgan.GAN(keras.Model(z, keras.layers.Identity()(z)), discriminator, latent, value_range=None)
    gan.compile(loss=loss)
    return gan


@pytest.fixture(scope="module")
def gan():
    return labelled_gan()


@pytest.fixture(scope="module")
def folder(gan, tmp_path_factory):
    """A repository of three models: images with labels, samples with labels, images without."""
    folder = tmp_path_factory.mktemp("repository")
    for name, model in (("labelled", gan), ("open", open_gan()), ("small", small_gan())):
        model.save_to_preset(folder / name)
    assert len(list(repository.publish_all(folder))) == 3
    return folder


@pytest.fixture(scope="module")
def call(folder):
    """Runs a signature of `labelled` in TensorFlow's own loader."""
    known = read_signatures(read_graph(folder / "labelled" / "1"))
    with Process(folder / "labelled" / "1") as process:

        def run(name, **inputs):
            feeds = {known[name]["inputs"][key].name: value for key, value in inputs.items()}
            outputs = known[name]["outputs"]
            return dict(zip(outputs, process.run(feeds, [tensor.name for tensor in outputs.values()]), strict=True))

        yield run


@pytest.fixture(scope="module")
def urls(folder):
    with stand_in(folder) as urls:
        yield urls


@pytest.fixture(params=["rest", "grpc"])
def url(request, urls):
    return urls[request.param]


def test_what_a_conditional_model_offers(folder):
    described = describe(read_signatures(read_graph(folder / "labelled" / "1")))
    plain = describe(read_signatures(read_graph(folder / "small" / "1")))
    assert set(described) == set(plain) | CONDITIONAL
    number, whole = {"dtype": "int64", "shape": [None]}, {"dtype": "int32", "shape": [None]}
    images, text = {"dtype": "float32", "shape": [None, 8, 8, 1]}, {"dtype": "string", "shape": [None]}
    assert described["generate_label"] == {
        "inputs": {"seed": number, "label": whole},
        "outputs": {"images": images, "z": {"dtype": "float32", "shape": [None, 4 + 3]}},
    }
    assert described["generate_label_png"] == {
        "inputs": {"seed": number, "label": whole},
        "outputs": {"image_bytes": text},
    }
    assert described["class_names"] == {
        "inputs": {"label": whole},
        "outputs": {"name": text, "one_hot": {"dtype": "float32", "shape": [None, 3]}},
    }
    assert described["score"] == {
        "inputs": {"images": images, "labels": whole},
        "outputs": {"score": {"dtype": "float32", "shape": [None]}},
    }
    of_points = set(read_signatures(read_graph(folder / "open" / "1")))
    assert of_points == {"serving_default", "sample", "score", "generate_label", "class_names"}


def test_an_unconditional_model_is_as_it_was(folder):
    described = describe(read_signatures(read_graph(folder / "small" / "1")))
    images = {"images": {"dtype": "float32", "shape": [None, 8, 8, 1]}}
    z = {"z": {"dtype": "float32", "shape": [None, 4]}}
    seed = {"seed": {"dtype": "int64", "shape": [None]}}
    files = {"image_bytes": {"dtype": "string", "shape": [None]}}
    assert described == {
        "serving_default": {"inputs": z, "outputs": images},
        "sample": {"inputs": seed, "outputs": {**images, **z}},
        "png": {"inputs": z, "outputs": files},
        "sample_png": {"inputs": seed, "outputs": files},
        "score": {"inputs": images, "outputs": {"score": {"dtype": "float32", "shape": [None]}}},
    }
    facts = json.loads((folder / "small" / "1" / METADATA).read_text())
    assert (facts["class_names"], facts["score"]) == (None, "probability")
    assert not CONDITIONAL & set(signatures.endpoints(coded_gan()))


def test_the_metadata_of_a_preset_that_is_exported(folder):
    facts = json.loads((folder / "labelled" / "1" / METADATA).read_text())
    assert (facts["preset"], facts["class_names"], facts["score"]) == ("labelled", list(NAMES), "probability")
    assert json.loads((folder / "open" / "1" / METADATA).read_text())["class_names"] == ["0", "1", "2"]


def test_warm_up_has_every_signature_and_size(folder):
    seen = {(name, len(value)) for name, inputs in warmup.read(folder / "labelled" / "1") for value in inputs.values()}
    names = {"serving_default", "sample", "png", "sample_png", "score"} | CONDITIONAL
    assert seen == {(name, size) for name in names for size in (1, 2, 4, 8, 16, 32)}


def test_images_of_asked_classes(call, gan):
    seeds, labels = np.int64([7, 8, 9, 7]), np.int32([2, 0, 1, 0])
    expected = np.concatenate([gan.generate(1, int(s), labels=int(k)) for s, k in zip(seeds, labels, strict=True)])
    assert np.abs(expected[0] - expected[3]).max() > 0.05  # the same seed, another class
    answer = call("generate_label", seed=seeds, label=labels)
    np.testing.assert_allclose(answer["images"], expected, atol=1e-6)
    np.testing.assert_array_equal(answer["z"][:, 4:], np.eye(3)[labels])
    np.testing.assert_allclose(answer["z"][:, :4], call("sample", seed=seeds)["z"][:, :4], atol=1e-6)
    files = call("generate_label_png", seed=seeds, label=labels)["image_bytes"]
    pictures = np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in files])
    np.testing.assert_allclose(pictures[..., None], np.rint(expected * 255), atol=1)


def test_a_sample_that_is_its_latent(folder):
    seed, label = np.int64([3, 3]), np.int32([0, 2])
    answer = run_signature(folder / "open" / "1", "generate_label", seed=seed, label=label)
    assert set(answer) == {"samples", "z"}
    np.testing.assert_array_equal(answer["samples"][:, 2:], [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(answer["samples"][0, :2], answer["samples"][1, :2])


def test_the_score_of_a_class(folder):
    """sigmoid((k + 1) x - 1) for a sample that begins with x."""
    samples = np.zeros((4, 5), np.float32)
    samples[:, 0] = [1.0, 1.0, 1.0, -2.0]
    answer = run_signature(folder / "open" / "1", "score", samples=samples, labels=np.int32([0, 1, 2, 1]))
    np.testing.assert_allclose(answer["score"], 1 / (1 + np.exp([0.0, -1.0, -2.0, 5.0])), atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("minimax", "probability"),
        ("kl", "probability"),
        ("hinge", "critic"),
        ("least_squares", "critic"),
        ("wasserstein", "critic"),
        ("relativistic", "critic"),
    ],
)
def test_the_score_is_what_the_loss_makes_of_it(loss, kind):
    samples = tf.constant([[1.5, 0, 0, 0, 0]], tf.float32)
    [score] = signatures.endpoints(open_gan(loss))["score"][0](samples, tf.constant([2]))["score"].numpy()
    assert score == pytest.approx(1 / (1 + np.exp(-3.5)) if kind == "probability" else 3.5)
    assert signatures.score_kind(tf.zeros((1, 3)), kerasgan.losses.get(loss)) == kind
    assert signatures.score_kind({"logits": tf.zeros((1, 3))}, kerasgan.losses.get(loss)) == kind


def test_the_score_of_a_critic_without_classes(tmp_path):
    gan = small_gan(dropout=False)
    gan.compile(loss="wasserstein")
    gan.export(tmp_path / "model")
    images = gan.generate(3)
    score = run_signature(tmp_path / "model", "score", images=images)["score"]
    dense, last = gan.discriminator.layers[1].get_weights(), gan.discriminator.layers[-1].get_weights()
    hidden = (2 * images - 1).reshape(3, 64) @ dense[0] + dense[1]
    slope = gan.discriminator.layers[2].negative_slope
    np.testing.assert_allclose(
        score, (np.where(hidden > 0, hidden, slope * hidden) @ last[0] + last[1])[:, 0], atol=1e-5
    )
    assert json.loads((tmp_path / "model" / METADATA).read_text())["score"] == "critic"


ONE, IMAGE = np.int64([0]), np.zeros((2, 8, 8, 1), np.float32)


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        (
            "generate_label",
            {"seed": ONE, "label": np.int32([3])},
            "label [B] must have at least one row, and its numbers must be from 0 to below 3; found shape] [1] [and "
            "numbers from] [3]",
        ),
        ("generate_label", {"seed": ONE, "label": np.int32([-1])}, "its numbers must be from 0 to below 3"),
        ("generate_label", {"seed": ONE, "label": np.zeros(0, np.int32)}, "label [B] must have at least one row"),
        ("generate_label", {"seed": -ONE - 1, "label": np.int32([0])}, "seed [B] must have at least one row, and its"),
        (
            "generate_label",
            {"seed": np.int64([0, 1, 2]), "label": np.int32([0])},
            "kerasgan: seed and label must have equally many rows; found] [3] [and] [1]",
        ),
        ("generate_label", {"seed": ONE, "label": np.int32([[0]])}, "[1,1] is not compatible with expected shape [?]"),
        ("generate_label", {"seed": ONE, "label": ONE}, "to be int32 but int64 is provided"),
        ("generate_label", {"seed": ONE, "label": np.float32([0])}, "to be int32 but float is provided"),
        ("generate_label_png", {"seed": ONE, "label": np.int32([3])}, "must be from 0 to below 3"),
        ("class_names", {"label": np.int32([0, 3])}, "label [B] must have at least one row, and its numbers must be"),
        ("score", {"images": IMAGE, "labels": np.int32([0, 3])}, "labels [B] must have at least one row, and its"),
        (
            "score",
            {"images": IMAGE, "labels": np.int32([0])},
            "kerasgan: images and labels must have equally many rows; found] [2] [and] [1]",
        ),
        ("score", {"images": IMAGE[:1], "labels": np.int32([0, 1])}, "equally many rows; found] [1] [and] [2]"),
        ("score", {"images": IMAGE + 1.5, "labels": np.int32([0, 1])}, "images [B, 8, 8, 1] must have at least one"),
    ],
)
def test_bad_input_fails_in_the_graph_with_a_reason(call, signature, inputs, message):
    with pytest.raises(LoadError) as failure:
        call(signature, **inputs)
    assert message in str(failure.value)


def test_the_client_asks_by_name_and_number(url, gan):
    client = Client(url, "labelled", batch_size=2)
    assert client.class_names == NAMES
    labels = ["帽子", "Bag", 1, "Ankle boot", 0]
    expected = gan.generate(5, seed=3, labels=[2, 0, 1, 1, 0])
    np.testing.assert_allclose(client.generate(5, seed=3, labels=labels), expected, atol=1e-6)
    np.testing.assert_allclose(client.generate(seeds=[7, 3], labels=[0, 2]), expected[[4, 0]], atol=1e-6)
    boots = gan.generate(3, seed=5, labels="Ankle boot")
    for asked in ("Ankle boot", 1, np.int64([1, 1, 1])):
        np.testing.assert_allclose(client.generate(3, seed=5, labels=asked), boots, atol=1e-6)
    np.testing.assert_allclose(client.generate(3, seed=5), gan.generate(3, seed=5), atol=1e-6)
    z = gan.draw_latents(3, seed=5)
    np.testing.assert_allclose(client.generate(z=z, labels="Ankle boot"), boots, atol=1e-6)
    labelled = client.draw_latents(3, seed=5, labels="Ankle boot")
    np.testing.assert_allclose(labelled, gan.draw_latents(3, seed=5, labels=1), atol=1e-6)
    pictures = [np.asarray(Image.open(io.BytesIO(data))) for data in client.png(3, seed=5, labels="Ankle boot")]
    np.testing.assert_allclose(np.stack(pictures)[..., None], np.rint(boots * 255), atol=1)

    logits = gan.discriminator(expected).numpy()  # (5, 3); images of this model lie in [0, 1]
    own = 1 / (1 + np.exp(-logits[range(5), [2, 0, 1, 1, 0]]))
    assert own.std() > 0.01
    np.testing.assert_allclose(client.score(expected, labels), own, atol=1e-5)
    np.testing.assert_allclose(client.score(expected, "Bag"), 1 / (1 + np.exp(-logits[:, 0])), atol=1e-5)


def test_names_where_there_are_none(url):
    assert Client(url, "open").class_names == ("0", "1", "2")
    assert Client(url, "small").class_names is None
    np.testing.assert_array_equal(Client(url, "open").generate(2, labels=["2", 0])[:, 2:], [[0, 0, 1], [1, 0, 0]])


def test_the_smoke_test_passes_here(urls, folder, capsys):
    """As in client_test.py, of a conditional model."""
    path = pathlib.Path(__file__).parent.parent.parent / "scripts" / "smoke.py"
    spec = importlib.util.spec_from_file_location("smoke", path)
    smoke = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(smoke)
    smoke.main(folder, "labelled", *urls.values())
    assert capsys.readouterr().out.count("all right") == 2


@pytest.mark.parametrize(
    ("model", "ask", "message"),
    [
        (
            "labelled",
            lambda c: c.generate(2, labels="Bagg"),
            "There is no class 'Bagg'; there are Bag, Ankle boot, 帽子. Did you mean 'Bag'?",
        ),
        ("labelled", lambda c: c.png(1, labels="Skirt"), "There is no class 'Skirt'; there are Bag, Ankle boot, 帽子."),
        ("labelled", lambda c: c.generate(2, labels=3), "or a whole number from 0 to 2; found 3."),
        ("labelled", lambda c: c.generate(2, labels=[0, -1]), "or a whole number from 0 to 2; found -1."),
        ("labelled", lambda c: c.generate(2, labels=[0.0, 1.0]), "or a whole number from 0 to 2; found 0.0."),
        ("labelled", lambda c: c.generate(2, labels=[0, 1, 2]), "one class, or a list of 2; found a list of 3."),
        ("labelled", lambda c: c.generate(seeds=[4], labels=[0, 1]), "one class, or a list of 1; found a list of 2."),
        ("labelled", lambda c: c.generate(z=np.zeros((1, 7)), labels=3), "or a whole number from 0 to 2; found 3."),
        ("labelled", lambda c: c.draw_latents(2, labels=[0]), "one class, or a list of 2; found a list of 1."),
        ("labelled", lambda c: c.generate(labels=0), "Give one of n, seeds and z."),
        ("labelled", lambda c: c.score(IMAGE), "its score takes images and labels; found images alone."),
        ("labelled", lambda c: c.score(IMAGE, [0]), "one class, or a list of 2; found a list of 1."),
        ("labelled", lambda c: c.score(IMAGE, 1.5), "or a whole number from 0 to 2; found 1.5."),
        ("labelled", lambda c: c.score(0.5, 1), "images must be float32 of shape (B, 8, 8, 1), with one row at least"),
        ("small", lambda c: c.generate(2, labels=0), "knows no classes; leave labels out."),
        ("small", lambda c: c.png(2, labels="Bag"), "knows no classes; leave labels out."),
        ("small", lambda c: c.score(IMAGE, 0), "knows no classes; leave labels out."),
    ],
)
def test_mistakes_are_found_before_anything_is_sent(url, model, ask, message, monkeypatch):
    client = Client(url, model)
    assert client.class_names in (NAMES, None)

    def send(*request):
        raise AssertionError("a request was sent")

    monkeypatch.setattr(client._server, "predict", send)
    with pytest.raises(ValueError, match=re.escape(message)) as found:
        ask(client)
    assert "\n" not in str(found.value)


def test_what_anybody_can_send(urls):
    """A stranger's request for a class that there is not: the server's line says which there are."""
    client = Client(urls["rest"], "labelled")
    with pytest.raises(ServingError, match=r"label \[B\] must .* be from 0 to below 3"):
        client._predict("generate_label", {"seed": [0], "label": [3]})


def result(report, name):
    return next(check for check in report.checks if check.name == name)


def test_a_conditional_version_passes(folder):
    report = serving.verify(folder / "labelled" / "1")
    assert report.passed, report.table()
    assert [check.name for check in report.checks if check.result == "skipped"] == []
    assert "8 seeds, apart" in result(report, "images are generate's").detail
    assert "8 seeds with labels, apart" in result(report, "images are generate's").detail
    assert result(report, "scores are the discriminator's").detail.startswith("probability, apart")
    assert result(report, "classes").detail == "3: Bag, Ankle boot, 帽子"
    assert "48 requests: 8 signatures, rows 1, 2, 4, 8, 16, 32" in report.table()
    assert "generate_label_png" in result(report, "PNGs show the images").detail
    assert result(report, "GPU kernels").detail.endswith("of serving_default, sample, generate_label, score")
    assert set(report.milliseconds) >= CONDITIONAL


def test_metadata_that_says_something_else(folder, tmp_path):
    shutil.copytree(folder / "open", tmp_path / "open")
    path = tmp_path / "open" / "1" / METADATA
    path.write_text(json.dumps({**json.loads(path.read_text()), "class_names": None, "score": "critic"}))
    assert failures(serving.verify(path.parent.parent)) == {
        "metadata": "it names no classes; the graph has 3",
        "classes": "kerasgan.json says None; the graph ['0', '1', '2']",
        "scores are the discriminator's": "kerasgan.json says critic; the model that it comes from gives probability",
    }


def test_a_version_that_draws_and_scores_otherwise(tmp_path, monkeypatch):
    """The same weights, exported with labels shifted by one and as a critic, which is then called a probability."""
    open_gan().save_to_preset(tmp_path / "open")
    right = latents.Labelled.with_labels
    with monkeypatch.context() as patched:
        patched.setattr(latents.Labelled, "with_labels", lambda self, z, labels: right(self, z, (labels + 1) % 3))
        version = serving.publish(open_gan("hinge"), tmp_path / "open")
    facts = json.loads((version / METADATA).read_text())
    assert facts["score"] == "critic"
    (version / METADATA).write_text(json.dumps({**facts, "score": "probability"}))
    found = failures(serving.verify(version))
    assert set(found) == {"images are generate's", "classes", "scores are the discriminator's"}
    assert found["images are generate's"] == "those of generate_label differ by 1"  # the one-hot label
    assert found["classes"] == "generate_label draws other classes than it is asked for"
    assert found["scores are the discriminator's"].startswith("kerasgan.json calls them probabilities; they lie from -")


class Careless(tf.Module):
    """Somebody's conditional model that does not say which labels there are, or does not even look."""

    def __init__(self, looks):
        self.looks = looks

    def check(self, label):
        if self.looks:
            tf.debugging.Assert(tf.reduce_all((label >= 0) & (label < 2)), ["no"])

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.int64, name="seed"), tf.TensorSpec([None], tf.int32, name="label")]
    )
    def generate_label(self, seed, label):
        self.check(label)
        z = tf.concat([tf.cast(seed, tf.float32)[:, None], tf.one_hot(label, 2)], axis=1)
        return {"samples": z, "z": z}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="seed")])
    def sample(self, seed):
        return self.generate_label(seed, tf.zeros_like(seed, tf.int32))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="label")])
    def class_names(self, label):
        self.check(label)
        return {"name": tf.gather(["a", "b"], tf.clip_by_value(label, 0, 1)), "one_hot": tf.one_hot(label, 2)}


@pytest.mark.parametrize(
    ("looks", "message"),
    [
        (False, "class_names answers label -1; there are 2 classes"),
        (True, "class_names refuses label -1 without a reason: assertion failed: [no]"),
    ],
)
def test_labels_that_nobody_checks(looks, message, tmp_path):
    careless = Careless(looks)
    names = ("sample", "generate_label", "class_names")
    tf.saved_model.save(careless, str(tmp_path), signatures={name: getattr(careless, name) for name in names})
    assert failures(serving.verify(tmp_path))["classes"] == message
