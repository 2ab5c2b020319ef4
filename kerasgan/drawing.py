"""Drawing samples from a generator, and reading the codes in images."""

import threading
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasgan.errors import check_whole
from kerasgan.latents import Coded, Labelled, Latent


class Drawing:
    """What turns seeds into samples, and images into codes.

    Generator and latent are compiled into graphs when they are first needed; Python's way through the layers would
    cost a small network six times what it computes.

    Args:
        latent: where z comes from.
        sample_shape: of one sample.
        value_range: (low, high) of the samples, or None where they are not images.
    """

    def __init__(self, latent: Latent, sample_shape: tuple[int, ...], value_range: tuple[float, float] | None) -> None:
        self.latent = latent
        self.sample_shape = sample_shape
        self.value_range = value_range
        self._lock = threading.Lock()
        self._network: keras.Model | None = None  # whose graphs these are
        self._graphs: dict[str, Callable] = {}

    def draw(
        self,
        network: keras.Model,
        n: int | None,
        seed: int = 0,
        batch_size: int = 128,
        codes: dict | None = None,
        labels: Any = None,
        seeds: Any = None,
        z: Any = None,
    ) -> np.ndarray:
        """Samples of z, of seeds, or of the n seeds from `seed` on; see `GAN.generate`."""
        check_whole("batch_size", batch_size, 1)
        if z is None:
            seeds = _chosen_seeds(n, seed, seeds)
            n = len(seeds)
        else:
            z = self._checked_z(z, n, seed, seeds)
            n = len(z)
        parts = self._checked_parts(n, codes, labels)
        samples = np.empty((n, *self.sample_shape), np.float32)
        for start in range(0, n, batch_size):
            rows = slice(start, start + batch_size)
            if z is None and not parts:
                samples[rows] = self._graph(network, "samples of seeds")(tf.constant(seeds[rows])).numpy()
                continue
            drawn = self._graph(network, "z of seeds")(tf.constant(seeds[rows])) if z is None else tf.constant(z[rows])
            samples[rows] = self._graph(network, "samples of z")(self._with_parts(drawn, parts, rows)).numpy()
        return samples

    def latents(
        self, n: int | None, seed: int = 0, seeds: Any = None, labels: Any = None, codes: dict | None = None
    ) -> np.ndarray:
        """What `draw` draws from; see `GAN.draw_latents`."""
        seeds = _chosen_seeds(n, seed, seeds)
        parts = self._checked_parts(len(seeds), codes, labels)
        z = self._graph(None, "z of seeds")(tf.constant(seeds))
        return self._with_parts(z, parts, slice(None)).numpy()

    def _checked_z(self, z, n, seed, seeds):
        """float32 `[n, dim]`, if that is all that says which samples to draw."""
        if seeds is not None or seed != 0:
            raise ValueError("z says itself which samples to draw; give z, or seeds, or n and seed.")
        rule = f"z must be finite numbers of shape (n, {self.latent.dim})"
        try:
            numbers = np.asarray(z)
        except ValueError:  # rows of several lengths
            numbers = np.empty(0, object)
        if numbers.dtype.kind not in "iuf":
            raise ValueError(f"{rule}; found {_short(z)}.")
        with np.errstate(over="ignore"):  # becomes infinite, which is refused below
            found = numbers.astype(np.float32)
        if found.ndim != 2 or found.shape[1] != self.latent.dim or not len(found):
            raise ValueError(f"{rule}, with one row at least; found shape {found.shape}.")
        if not np.isfinite(found).all():
            raise ValueError(f"{rule}; found NaN or infinity.")
        if n is not None and n != len(found):
            raise ValueError(f"z has {len(found)} rows, which is how many samples are drawn; found n={n!r}.")
        return found

    def _checked_parts(self, n, codes, labels):
        """What takes the place of parts of n vectors: `{"labels", "categorical", "continuous": [n, ...]}`."""
        parts = {} if codes is None else self._coded_latent().check_codes(codes, n)
        return parts if labels is None else {**parts, "labels": self._labelled_latent().check_labels(labels, n)}

    def _with_parts(self, z, parts, rows):
        parts = {name: values[rows] for name, values in parts.items()}
        if "labels" in parts:
            return self._labelled_latent().with_labels(z, **parts)
        return self._coded_latent().with_codes(z, **parts) if parts else z

    def forget(self) -> None:
        """Lets the graphs be made anew, because the latent draws otherwise than before."""
        with self._lock:
            self._graphs = {}

    def read(self, discriminator: keras.Model, images: Any, batch_size: int = 128) -> dict[str, np.ndarray]:
        """The codes in images; see `GAN.infer_codes`."""
        latent = self._coded_latent()
        check_whole("batch_size", batch_size, 1)
        images = check_samples("infer_codes", images, self.sample_shape, self.value_range)
        codes = []
        for start in range(0, len(images), batch_size):
            batch = tf.constant(images[start : start + batch_size], tf.float32)
            outputs = discriminator(self.from_unit_range(batch), training=False)
            if not isinstance(outputs, dict) or "codes" not in outputs:
                raise ValueError("This model's discriminator gives no 'codes' to read.")
            codes.append(outputs["codes"])
        return {kind: values.numpy() for kind, values in latent.read(tf.concat(codes, axis=0)).items()}

    def to_unit_range(self, samples: Any) -> tf.Tensor:
        """Generator output -> float32 images in [0, 1]; samples that are not images pass unchanged."""
        samples = tf.cast(samples, tf.float32)
        if self.value_range is None:
            return samples
        low, high = self.value_range
        return tf.clip_by_value((samples - low) / (high - low), 0.0, 1.0)

    def from_unit_range(self, images: Any) -> Any:
        """Float32 images in [0, 1] -> discriminator input; samples that are not images pass unchanged."""
        if self.value_range is None:
            return images
        low, high = self.value_range
        return low + (high - low) * images

    def _graph(self, network, name):
        """A graph of this network's, for any number of rows; None is any network."""
        with self._lock:
            if network is not None and self._network is not network:
                self._network, self._graphs = network, {}
            if name not in self._graphs:
                seeds, z = tf.TensorSpec([None], tf.int64), tf.TensorSpec([None, self.latent.dim], tf.float32)
                function, takes = {
                    "z of seeds": (self.latent.from_seeds, seeds),
                    "samples of z": (lambda z: self.to_unit_range(network(z, training=False)), z),
                    "samples of seeds": (
                        lambda seeds: self.to_unit_range(network(self.latent.from_seeds(seeds), training=False)),
                        seeds,
                    ),
                }[name]
                # Concrete: without the warning that TensorFlow gives whoever makes many GANs.
                self._graphs[name] = tf.function(function, autograph=False).get_concrete_function(takes)
            return self._graphs[name]

    def _coded_latent(self) -> Coded:
        if not isinstance(self.latent, Coded):
            raise ValueError(f"This model has no codes: its latent is {type(self.latent).__name__}, not Coded.")
        return self.latent

    def _labelled_latent(self) -> Labelled:
        if not isinstance(self.latent, Labelled):
            raise ValueError(
                f"This model knows no classes: its latent is {type(self.latent).__name__}, not Labelled. "
                "Leave labels out."
            )
        return self.latent


def check_samples(
    what: str, images: Any, sample_shape: tuple[int, ...], value_range: tuple[float, float] | None
) -> np.ndarray:
    """Images as `GAN.generate` gives them, or samples that are not images.

    Args:
        what: needs them, for the message.
        images: float `[N, H, W, C]` in [0, 1]; of points any numbers.
        sample_shape, value_range: the GAN's.

    Returns:
        `[N, ...]`, as given.

    Raises:
        ValueError: another shape, kind or range.
    """
    shape = ", ".join(map(str, sample_shape))
    rule = f"{what} needs floats of shape (N, {shape})" + (" in [0, 1]" if value_range else "")
    images = np.asarray(images)
    if images.shape[1:] != sample_shape or not len(images) or not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"{rule}; found {images.dtype} of shape {images.shape}.")
    if value_range is not None and not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(f"{rule}; found values from {images.min():g} to {images.max():g}.")
    return images


def _chosen_seeds(n, seed, seeds):
    """int64 `[n]`: the seeds themselves, or n from `seed` on."""
    if seeds is None:
        if n is None:
            raise ValueError("Say which samples to draw: n, how many, or a list of seeds, or z.")
        check_whole("n", n, 1)
        check_whole("seed", seed, 0)
        if seed + n > 2**63:
            raise ValueError(f"The seeds of {n} samples must lie below 2**63; the first is {seed}.")
        return np.arange(seed, seed + n, dtype=np.int64)
    if seed != 0:
        raise ValueError(f"seeds say themselves where they begin; found seed={seed!r} beside them.")
    rule = "seeds must be a list of whole numbers, each from 0 to below 2**63"
    try:
        found = np.asarray(seeds)
    except ValueError:  # rows of several lengths
        found = np.empty(0)
    if found.ndim != 1 or found.dtype.kind not in "iu" or not len(found):
        raise ValueError(f"{rule}; found {_short(seeds)}.")
    for number in (int(found.min()), int(found.max())):
        if not 0 <= number < 2**63:
            raise ValueError(f"{rule}; found {number}.")
    if n is not None and n != len(found):
        raise ValueError(f"There are {len(found)} seeds, which is how many samples are drawn; found n={n!r}.")
    return found.astype(np.int64)


def _short(value):
    """On one line, however an array would be written."""
    return f"{' '.join(repr(value).split()):.60}"
