"""Feature extractors: the shipped classifier and whatever a user brings."""

import json
import pathlib
import shutil

import keras
import numpy as np
import pytest

import kerasgan
from kerasgan import features


def summing_network():
    """Two features of a 4x4 image: its sum, and twice it."""
    images = keras.Input((4, 4, 1))
    dense = keras.layers.Dense(2, use_bias=False)
    model = keras.Model(images, dense(keras.layers.Flatten()(images)), name="sums")
    dense.set_weights([np.concatenate([np.ones((16, 1)), np.full((16, 1), 2.0)], axis=1)])
    return model


def test_features_of_a_users_network():
    extractor = features.get(summing_network(), (4, 4, 1))
    assert extractor.name == "sums"
    batches = [np.full((2, 4, 4, 1), 0.5), np.full((1, 4, 4, 1), 1.0)]
    np.testing.assert_allclose(extractor.extract(batches)["features"], [[8, 16], [8, 16], [16, 32]])


class Sums(keras.Model):
    """A network that says neither what it takes nor what it gives, and keeps to 16 pixels all the same."""

    def __init__(self, **options):
        super().__init__(**options)
        self.dense = keras.layers.Dense(2, use_bias=False, kernel_initializer="ones")

    def call(self, images):
        return {"features": self.dense(keras.ops.reshape(images, (-1, int(np.prod(images.shape[1:])))))}


@pytest.mark.parametrize("called", [False, True])
def test_networks_that_do_not_say_their_shapes(called):
    network = Sums(name="mine")
    if called:
        network(np.zeros((3, 4, 4, 1), np.float32))
    extractor = features.get(network, (4, 4, 1))
    assert (extractor.name, extractor.dimension) == ("mine", 2)
    assert extractor.extract([np.ones((1, 4, 4, 1))])["features"].tolist() == [[16, 16]]
    with pytest.raises(ValueError, match=r"The network mine does not take images 5 x 5 x 1: .*expected axis -1.*25"):
        features.get(network, (5, 5, 1))
    with pytest.raises(ValueError, match="does not take images 5 x 5 x 1"):
        extractor.extract([np.ones((1, 5, 5, 1))])
    unbuilt = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    assert features.get(unbuilt, (4, 4, 1)).dimension == 3


def test_networks_of_several_inputs_are_refused():
    inputs = [keras.Input((4, 4, 1)) for _ in range(2)]
    network = keras.Model(inputs, keras.layers.Flatten()(keras.layers.Add()(inputs)), name="pairs")
    with pytest.raises(ValueError, match="The network pairs takes 2 inputs; features are of images alone"):
        features.get(network, (4, 4, 1))


def test_a_network_in_a_file(tmp_path):
    summing_network().save(tmp_path / "mine.keras")
    extractor = features.get(tmp_path / "mine.keras", (4, 4, 1))
    assert extractor.name == "mine"
    assert extractor.extract([np.ones((1, 4, 4, 1))])["features"].tolist() == [[16, 32]]


@pytest.mark.parametrize(("dataset", "least"), [("fashion_mnist", 0.92), ("mnist_digits", 0.99)])
def test_a_classifier_knows_its_classes(dataset, least, request):
    """Its card's accuracy, on the first thousand test images, within three standard errors."""
    import tensorflow_datasets as tfds

    dataset = request.getfixturevalue(dataset)
    extractor = features.get(None, (28, 28, 1), dataset)
    assert extractor.name == f"{dataset}_classifier"
    assert len(extractor.classes) == 10
    test = tfds.load(dataset, split="test[:1000]", batch_size=-1)
    images, labels = test["image"].numpy() / 255.0, test["label"].numpy()
    outputs = extractor.extract([images[:500], images[500:]])
    assert outputs["features"].shape == (1000, 64)
    np.testing.assert_allclose(outputs["probabilities"].sum(1), 1, atol=1e-5)
    facts = json.loads((features.folder_of(extractor.name) / "metadata.json").read_text())
    accuracy = np.mean(outputs["probabilities"].argmax(1) == labels)
    assert facts["accuracy"] >= least
    assert abs(accuracy - facts["accuracy"]) < 3 * (least * (1 - least) / 1000) ** 0.5


@pytest.mark.parametrize("name", features.CLASSIFIERS.values())
def test_a_classifier_is_small_and_has_a_card(name):
    folder = features.folder_of(name)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3e6
    facts = json.loads((folder / "metadata.json").read_text())
    card = (folder / "README.md").read_text()
    for fact in (f"{facts['accuracy']:.2%}", facts["sha256"], facts["command"]):
        assert fact in card


def test_a_damaged_classifier_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "saved_models" / "fashion_mnist_classifier"
    shutil.copytree(features.folder_of("fashion_mnist_classifier"), folder)
    data = bytearray((folder / "classifier.keras").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "classifier.keras").write_bytes(data)
    monkeypatch.setattr(kerasgan, "__path__", [str(tmp_path)])
    with pytest.raises(ValueError, match="is damaged: its sha256 is not that of"):
        features._shipped("fashion_mnist_classifier")
    shutil.rmtree(folder)
    with pytest.raises(ValueError, match="has no fashion_mnist_classifier"):
        features.folder_of("fashion_mnist_classifier")


@pytest.mark.parametrize(
    ("asked", "shape", "message"),
    [
        (None, (8, 8, 1), r"no features for images 8 x 8 x 1 by default; give a Keras model, as --features=\S+ The"),
        ("efficientnet_lite0", (15, 32, 3), "of images 16 or more x 16 or more x 1 or 3; these are 15 x 32 x 3"),
        ("efficientnet_lite0", (32, 32, 4), "of images 16 or more x 16 or more x 1 or 3; these are 32 x 32 x 4"),
        ("fashion_mnist_classifier", (32, 32, 3), "are of images 28 x 28 x 1; these are 32 x 32 x 3"),
        (
            "incepton",
            (32, 32, 3),
            "Unknown features 'incepton': there are fashion_mnist_classifier, mnist_classifier, efficie",
        ),
        ("nowhere.keras", (32, 32, 3), "Unknown features 'nowhere.keras'"),
    ],
)
def test_features_that_do_not_fit(asked, shape, message):
    with pytest.raises(ValueError, match=message):
        features.get(asked, shape)


def test_inception(monkeypatch):
    """With random weights in place of the downloaded ones: what goes in, what comes out, and the failing download."""
    build = keras.applications.InceptionV3
    monkeypatch.setattr(keras.applications, "InceptionV3", lambda weights: build(weights=None))
    extractor = features._inception()
    images = np.random.default_rng(0).random((2, 32, 48, 3))
    outputs = extractor.extract([images])
    assert outputs["features"].shape == (2, 2048)
    assert outputs["probabilities"].shape == (2, 1000)
    network = extractor.model.layers[-1]
    resized = keras.ops.image.resize(images, (299, 299))
    expected = network(2.0 * resized - 1.0, training=False)["features"]
    np.testing.assert_allclose(outputs["features"], expected, rtol=1e-3, atol=1e-5)
    extractor.check((64, 64, 3))
    with pytest.raises(ValueError, match="inception are of images any x any x 3; these are 28 x 28 x 1"):
        extractor.check((28, 28, 1))

    def offline(weights):
        raise OSError("no route to host")

    monkeypatch.setattr(keras.applications, "InceptionV3", offline)
    with pytest.raises(
        features.NotAvailableError,
        match=r"cannot be downloaded: no route to host\. --features=efficientnet_lite0 needs no download",
    ):
        features._inception()


def test_the_usual_features(monkeypatch, tmp_path):
    """Inception's for RGB where its weights lie already; nothing is downloaded to find that out."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert features.usual((64, 64, 3)) == features.needs_saying((64, 64, 3)) == "efficientnet_lite0"
    for images in (
        ((28, 28, 1), "kmnist"),
        ((28, 28, 1), None),
        ((32, 32, 1), "mnist"),
        ((32, 32, 1), "fashion_mnist"),
    ):
        assert features.usual(*images) == "efficientnet_lite0"
    assert features.usual((28, 28, 1), "fashion_mnist:3.0.1") == "fashion_mnist_classifier"
    assert features.usual((28, 28, 1), "mnist") == "mnist_classifier"
    assert features.needs_saying((28, 28, 1), "fashion_mnist") is None
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / features.INCEPTION_WEIGHTS).touch()
    assert features.usual((64, 64, 3)) == features.needs_saying((64, 64, 3)) == "inception"
    assert features.usual((28, 28, 1), "kmnist") == "efficientnet_lite0"


def test_efficientnets_features():
    """Grey is three equal colours; a picture of 224 pixels is not resized, and larger ones are antialiased."""
    extractor = features.get("efficientnet_lite0", (40, 30, 1))
    assert (extractor.name, extractor.dimension, extractor.classes) == ("efficientnet_lite0", 1280, ())
    grey = np.random.default_rng(0).random((2, 40, 30, 1), np.float32)
    found = extractor.extract([grey])["features"]
    assert (found.shape, found.dtype) == ((2, 1280), np.float32)
    np.testing.assert_array_equal(found, extractor.extract([grey.repeat(3, -1)])["features"])
    large = grey[:1].repeat(10, 1).repeat(10, 2).repeat(3, -1)  # 400 x 300
    resized = keras.ops.image.resize(large, (224, 224), antialias=True).numpy()
    expected = extractor.extract([resized])["features"]
    np.testing.assert_allclose(extractor.extract([large])["features"], expected, atol=1e-4)
    with pytest.raises(ValueError, match="efficientnet_lite0 come without a classifier"):
        extractor.places_of(("cat", "dog"))


def test_efficientnet_is_small_and_has_a_card():
    folder = features.folder_of("efficientnet_lite0")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 7e6
    facts = json.loads((folder / "metadata.json").read_text())
    card = (folder / "README.md").read_text()
    for fact in (facts["sha256"], facts["weights_sha256"], facts["command"], f"{facts['comparison']['relative']:.1e}"):
        assert fact in card
    assert facts["comparison"]["exact"] < 1e-4
    assert facts["comparison"]["stored"] < 1e-3 * facts["comparison"]["largest"]
    assert "Apache" in (folder / "LICENSE.txt").read_text()


def test_networks_that_give_no_features(tmp_path):
    images = keras.Input((4, 4, 1))
    for outputs in (keras.layers.Identity()(images), {"logits": keras.layers.Flatten()(images)}):
        extractor = features.get(keras.Model(images, outputs), (4, 4, 1))
        with pytest.raises(ValueError, match=r"must give features \[B, D\]"):
            extractor.extract([np.ones((1, 4, 4, 1))])
    with pytest.raises(ValueError, match="no images to take features of"):
        features.get(summing_network(), (4, 4, 1)).extract([])
    (tmp_path / "broken.keras").write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"Cannot load .*broken\.keras"):
        features.get(pathlib.Path(tmp_path / "broken.keras"), (4, 4, 1))
