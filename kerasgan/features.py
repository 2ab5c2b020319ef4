"""Feature extractors: networks whose inner numbers stand for an image when distributions of images are compared."""

import functools
import json
import os
import pathlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import kerasgan
from kerasgan.classes import numbered, some
from kerasgan.deserialization import RefusedError, load_keras
from kerasgan.errors import first_line
from kerasgan.files import sha256_of

# What comes along, and what it is for: the classes of a dataset, and images of that shape; and pictures of anything.
CLASSIFIERS, CLASSIFIER_SHAPE = {name: f"{name}_classifier" for name in ("fashion_mnist", "mnist")}, (28, 28, 1)
EFFICIENTNET = "efficientnet_lite0"
SHIPPED = {**dict.fromkeys(CLASSIFIERS.values(), "classifier.keras"), EFFICIENTNET: "features.keras"}
INCEPTION = "inception"
AT_ONCE = 64  # images; the first maps of a network of photographs take 5 to 10 MB of each
INCEPTION_WEIGHTS = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"  # as keras.applications calls them


class NotAvailableError(ValueError):
    """There are no features for these images, or none that can be had here."""


class Extractor:
    """A network that turns images into features.

    Args:
        name: what scores say of it.
        model: keras.Model, images `[B, H, W, C]` float32 in [0, 1] -> features `[B, D]`, or a dict with "features" and,
            where it classifies, "probabilities" `[B, classes]`. A subclass of keras.Model, which does not say what it
            takes and gives, is tried with an empty image.
        classes: the classes' names, where they are known.
        channels: how many channels images may have, where `model` does not say it; nothing for any.
        least_side: of images, in pixels.
    """

    def __init__(
        self,
        name: str,
        model: keras.Model,
        classes: Sequence[str] = (),
        channels: Sequence[int] = (),
        least_side: int = 1,
    ) -> None:
        self.name = name
        self.model = model
        self.classes = tuple(classes)
        self.channels = tuple(channels)
        self.least_side = least_side
        self._tried: dict[tuple[int, ...], Any] = {}  # image shape -> the outputs for one image
        self._call = tf.function(lambda images: model(images, training=False), autograph=False, reduce_retracing=True)

    @property
    def dimension(self) -> int | None:
        """D, or None where the network does not say it, and has not been tried by `check`."""
        outputs = self._outputs()
        outputs = outputs.get("features") if isinstance(outputs, dict) else outputs
        return getattr(outputs, "shape", (None,))[-1]

    def _outputs(self) -> Any:
        outputs = getattr(self.model, "output", None)
        return next(iter(self._tried.values()), None) if outputs is None else outputs

    def places_of(self, class_names: Sequence[str]) -> np.ndarray:
        """Which of the network's classes those of a model are: by their names, or in their order where one side has
        numbers alone.

        Args:
            class_names: the model's, in the order of its labels.

        Returns:
            int64 `[classes]`: of each label the column of "probabilities".

        Raises:
            ValueError: the network classifies nothing, or other classes.
        """
        outputs, names = self._outputs(), tuple(class_names)
        if not isinstance(outputs, dict) or "probabilities" not in outputs:
            raise ValueError(f"the features {self.name} come without a classifier")
        count = outputs["probabilities"].shape[-1]
        if count == len(names):
            unnamed = not self.classes or numbered(count) in (names, self.classes)
            if unnamed:
                return np.arange(count)
            if set(names) == set(self.classes):
                return np.array([self.classes.index(name) for name in names])
        known = f" ({some(self.classes)})" if self.classes else ""
        raise ValueError(
            f"{self.name} tells apart {count} classes{known}, and the model's are {len(names)} others ({some(names)})"
        )

    def check(self, image_shape: Sequence[int]) -> None:
        """Refuses images of a shape that the network does not take.

        Raises:
            ValueError: it says which shape it takes, or what it said when it was tried.
        """
        found = " x ".join(map(str, image_shape))
        expected = getattr(self.model, "input_shape", None)
        if expected is None:
            self._try_out(tuple(image_shape), found)
            return
        if any(isinstance(of_one, (tuple, list)) for of_one in expected):
            raise ValueError(f"The network {self.name} takes {len(expected)} inputs; features are of images alone.")
        fits = len(expected) - 1 == len(image_shape) and all(
            n in (None, m) for n, m in zip(expected[1:], image_shape, strict=True)
        )
        if fits and self.channels and image_shape[-1] not in self.channels:
            fits = False
        if fits and min(image_shape[:-1], default=self.least_side) >= self.least_side:
            return
        any_side = "any" if self.least_side == 1 else f"{self.least_side} or more"
        takes = [any_side if n is None else str(n) for n in expected[1:]]
        if self.channels:
            takes[-1] = " or ".join(map(str, self.channels))
        raise ValueError(f"The features {self.name} are of images {' x '.join(takes)}; these are {found}.")

    def _try_out(self, image_shape: tuple[int, ...], found: str) -> None:
        if image_shape in self._tried:
            return
        try:
            self._tried[image_shape] = self._call(tf.zeros((1, *image_shape)))
        except Exception as error:  # a network can fail in as many ways as there are layers
            said = re.search("\x1b\\[1m(.+?)\x1b\\[0m", str(error), re.DOTALL)  # Keras's own frames it in bold
            reason = first_line(said.group(1) if said else error).removesuffix(".")
            raise ValueError(f"The network {self.name} does not take images {found}: {reason}.") from None

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
            parts += [self._of(batch[start : start + AT_ONCE]) for start in range(0, len(batch), AT_ONCE)]
        if not parts:
            raise ValueError("There are no images to take features of.")
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

    def _of(self, images: np.ndarray) -> dict[str, np.ndarray]:
        outputs = self._call(tf.constant(images, tf.float32))
        outputs = outputs if isinstance(outputs, dict) else {"features": outputs}
        if "features" not in outputs or len(outputs["features"].shape) != 2:
            raise ValueError(f"The network {self.name} must give features [B, D], or a dict with such 'features'.")
        return {key: outputs[key].numpy() for key in ("features", "probabilities") if key in outputs}


def get(features: Any, image_shape: Sequence[int], dataset: Any = None) -> Extractor:
    """The extractor that somebody asks for.

    Args:
        features: an `Extractor`, a `keras.Model`, "fashion_mnist_classifier" or "mnist_classifier" (28x28 grey),
            "efficientnet_lite0" (grey or RGB, sides of 16 and more), "inception" (RGB), the name of a `.keras` file, or
            None for what is usual.
        image_shape: (height, width, channels) of the images.
        dataset: what the images are, as `kerasgan.data.load` takes it; its name says whether they are those of a
            classifier, which cannot be seen from a shape.

    Raises:
        NotAvailableError: None for images that have no usual features, or Inception's weights cannot be downloaded.
        ValueError: an unknown name, or features of other images.
    """
    if features is None:
        features = usual(image_shape, dataset)
    if isinstance(features, keras.Model):
        features = Extractor(features.name, features)
    if not isinstance(features, Extractor):
        features = _load(str(features))
    features.check(image_shape)
    return features


def usual(image_shape: Sequence[int], dataset: Any = None) -> str:
    """The name of the features that images are scored by where nobody asks for others: for Fashion-MNIST and MNIST
    their classifier's, for RGB Inception's where its weights lie on this machine, and EfficientNet-Lite0's for all
    others.

    Args:
        image_shape, dataset: as for `get`.

    Raises:
        NotAvailableError: images that none of these take.
    """
    image_shape = tuple(image_shape)
    name = dataset.partition(":")[0] if isinstance(dataset, str) else None
    if image_shape == CLASSIFIER_SHAPE and name in CLASSIFIERS:
        return CLASSIFIERS[name]
    if image_shape[-1:] == (3,) and has_inception():
        return INCEPTION
    try:
        _load(EFFICIENTNET).check(image_shape)
    except ValueError as error:
        shape = " x ".join(map(str, image_shape))
        raise NotAvailableError(
            f"There are no features for images {shape} by default; give a Keras model, as --features=FILE.keras. "
            f"{error}"
        ) from None
    return EFFICIENTNET


def needs_saying(image_shape: Sequence[int], dataset: Any = None) -> str | None:
    """The usual features by name where they depend on the machine, as those of RGB do; else None.

    Raises:
        NotAvailableError: as `usual`.
    """
    return usual(image_shape, dataset) if tuple(image_shape)[-1:] == (3,) and len(image_shape) == 3 else None


def has_inception() -> bool:
    """Whether Inception's weights lie where `keras.applications` looks for them before it downloads them."""
    home = os.environ.get("KERAS_HOME") or pathlib.Path.home() / ".keras"
    return (pathlib.Path(home) / "models" / INCEPTION_WEIGHTS).is_file()


@functools.cache
def _load(name: str) -> Extractor:
    if name in SHIPPED:
        return _shipped(name)
    if name == INCEPTION:
        return _inception()
    path = pathlib.Path(name)
    if path.suffix == ".keras" and path.is_file():
        try:
            return Extractor(path.stem, load_keras(path, compile=False))
        except RefusedError:
            raise
        except Exception as error:  # a damaged file can fail anywhere in zlib, HDF5 and Keras
            raise ValueError(f"Cannot load {path}: {first_line(error)}") from None
    raise ValueError(f"Unknown features {name!r}: there are {', '.join([*SHIPPED, INCEPTION])}, and .keras files.")


def folder_of(name: str) -> pathlib.Path:
    """Where a network that comes along lies: in `saved_models/` of a checkout, or of the installed package.

    Raises:
        NotAvailableError: this installation has none.
    """
    for root in kerasgan.__path__:
        path = pathlib.Path(root) / "saved_models" / name
        if path.is_dir():
            return path
    raise NotAvailableError(f"This installation of kerasgan has no {name}.")


def _shipped(name: str) -> Extractor:
    folder = folder_of(name)
    path = folder / SHIPPED[name]
    facts = json.loads((folder / "metadata.json").read_text())
    if sha256_of(path) != facts["sha256"]:
        raise ValueError(f"{path} is damaged: its sha256 is not that of metadata.json.")
    model = load_keras(path, compile=False)
    return Extractor(name, model, facts["classes"], facts.get("channels", ()), facts.get("least_side", 1))


def _inception() -> Extractor:
    # Published FIDs are on the network of 2015 (Szegedy et al.), with other weights; ours compare among themselves.
    try:
        network = keras.applications.InceptionV3(weights="imagenet")
    except Exception as error:  # the download fails in as many ways as there are networks
        raise NotAvailableError(
            f"Inception's weights cannot be downloaded: {first_line(error).removesuffix('.')}. "
            f"--features={EFFICIENTNET} needs no download."
        ) from None
    images = keras.Input((None, None, 3))
    x = keras.layers.Resizing(299, 299)(images)
    x = keras.layers.Rescaling(2.0, -1.0)(x)  # what InceptionV3 was trained on
    outputs = keras.Model(network.input, {"features": network.layers[-2].output, "probabilities": network.output})(x)
    return Extractor(INCEPTION, keras.Model(images, outputs))
