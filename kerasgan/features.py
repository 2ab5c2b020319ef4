"""Feature extractors: networks whose inner numbers stand for an image when distributions of images are compared."""

import functools
import json
import pathlib
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

import kerasgan
from kerasgan.deserialization import RefusedError, load_keras
from kerasgan.errors import first_line
from kerasgan.files import sha256_of

# What ships with the zoo, and the images that it is for.
CLASSIFIER, CLASSIFIER_SHAPE = "fashion_mnist_classifier", (28, 28, 1)


class Extractor:
    """A network that turns images into features.

    Args:
        name: what scores say of it.
        model: keras.Model, images `[B, H, W, C]` float32 in [0, 1] -> features `[B, D]`, or a dict with "features" and,
            where it classifies, "probabilities" `[B, classes]`.
        classes: the classes' names, where they are known.
    """

    def __init__(self, name: str, model: keras.Model, classes: tuple[str, ...] = ()):
        self.name = name
        self.model = model
        self.classes = tuple(classes)
        self._call = tf.function(lambda images: model(images, training=False), autograph=False, reduce_retracing=True)

    @property
    def dimension(self) -> int | None:
        """D, or None where the network does not say it."""
        outputs = self.model.output
        outputs = outputs.get("features") if isinstance(outputs, dict) else outputs
        return getattr(outputs, "shape", (None,))[-1]

    def check(self, image_shape) -> None:
        """Refuses images of a shape that the network does not take.

        Raises:
            ValueError: it says which shape it takes.
        """
        expected = tuple(self.model.input_shape[1:])
        fits = len(expected) == len(image_shape) and all(
            n in (None, m) for n, m in zip(expected, image_shape, strict=True)
        )
        if not fits:
            takes = " x ".join("any" if n is None else str(n) for n in expected)
            found = " x ".join(map(str, image_shape))
            raise ValueError(f"The features {self.name} are of images {takes}; these are {found}.")

    def extract(self, batches: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
        """The features of images that come in batches.

        Args:
            batches: floats `[B, H, W, C]` in [0, 1].

        Returns:
            "features" float32 `[N, D]` and, where the network classifies, "probabilities" `[N, classes]`.

        Raises:
            ValueError: no images, images that the network does not take, or a network that gives no `[B, D]`.
        """
        parts = []
        for batch in batches:
            self.check(batch.shape[1:])
            outputs = self._call(tf.constant(batch, tf.float32))
            outputs = outputs if isinstance(outputs, dict) else {"features": outputs}
            if "features" not in outputs or len(outputs["features"].shape) != 2:
                raise ValueError(f"The network {self.name} must give features [B, D], or a dict with such 'features'.")
            parts.append({key: outputs[key].numpy() for key in ("features", "probabilities") if key in outputs})
        if not parts:
            raise ValueError("There are no images to take features of.")
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def get(features, image_shape) -> Extractor:
    """The extractor that somebody asks for.

    Args:
        features: an `Extractor`, a `keras.Model`, "fashion_mnist_classifier" (28x28 grey), "inception" (RGB), the name
            of a `.keras` file, or None for the one of the two names that the images fit.
        image_shape: (height, width, channels) of the images.

    Raises:
        ValueError: an unknown name, or features of other images.
    """
    if features is None:
        if tuple(image_shape) != CLASSIFIER_SHAPE and tuple(image_shape)[-1:] != (3,):
            found = " x ".join(map(str, image_shape))
            raise ValueError(f"There are no features for images {found}; give a Keras model, as --features=FILE.keras.")
        features = CLASSIFIER if tuple(image_shape) == CLASSIFIER_SHAPE else "inception"
    if isinstance(features, keras.Model):
        features = Extractor(features.name, features)
    if not isinstance(features, Extractor):
        features = _load(str(features))
    features.check(image_shape)
    return features


@functools.cache
def _load(name):
    if name == CLASSIFIER:
        return _classifier()
    if name == "inception":
        return _inception()
    path = pathlib.Path(name)
    if path.suffix == ".keras" and path.is_file():
        try:
            return Extractor(path.stem, load_keras(path, compile=False))
        except RefusedError:
            raise
        except Exception as error:  # a damaged file can fail anywhere in zlib, HDF5 and Keras
            raise ValueError(f"Cannot load {path}: {first_line(error)}") from None
    raise ValueError(f"Unknown features {name!r}: there are {CLASSIFIER}, inception, and .keras files.")


def classifier_folder() -> pathlib.Path:
    """Where the classifier lies: `saved_models/` of a checkout, or of the installed package."""
    for folder in kerasgan.__path__:
        path = pathlib.Path(folder) / "saved_models" / CLASSIFIER
        if path.is_dir():
            return path
    raise ValueError(f"This installation of kerasgan has no {CLASSIFIER}.")


def _classifier():
    folder = classifier_folder()
    path = folder / "classifier.keras"
    facts = json.loads((folder / "metadata.json").read_text())
    if sha256_of(path) != facts["sha256"]:
        raise ValueError(f"{path} is damaged: its sha256 is not that of metadata.json.")
    return Extractor(CLASSIFIER, keras.saving.load_model(path, compile=False), facts["classes"])


def _inception():
    # Published FIDs are on the network of 2015 (Szegedy et al.), with other weights; ours compare among themselves.
    try:
        network = keras.applications.InceptionV3(weights="imagenet")
    except Exception as error:  # the download fails in as many ways as there are networks
        raise ValueError(f"Inception's weights cannot be downloaded: {first_line(error)}") from None
    images = keras.Input((None, None, 3))
    x = keras.layers.Resizing(299, 299)(images)
    x = keras.layers.Rescaling(2.0, -1.0)(x)  # what InceptionV3 was trained on
    outputs = keras.Model(network.input, {"features": network.layers[-2].output, "probabilities": network.output})(x)
    return Extractor("inception", keras.Model(images, outputs))
