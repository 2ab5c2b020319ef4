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
        n: int,
        seed: int = 0,
        batch_size: int = 128,
        codes: dict | None = None,
        labels: Any = None,
    ) -> np.ndarray:
        """Samples of the seeds from `seed` on; see `GAN.generate`."""
        for name, number, least in (("n", n, 1), ("batch_size", batch_size, 1), ("seed", seed, 0)):
            check_whole(name, number, least)
        if seed + n > 2**63:
            raise ValueError(f"The seeds of {n} samples must lie below 2**63; the first is {seed}.")
        codes = None if codes is None else self._coded_latent().check_codes(codes, n)
        labels = None if labels is None else self._labelled_latent().check_labels(labels, n)
        samples = np.empty((n, *self.sample_shape), np.float32)
        seeds = np.arange(seed, seed + n, dtype=np.int64)
        for start in range(0, n, batch_size):
            rows = slice(start, start + batch_size)
            if codes is None and labels is None:
                samples[rows] = self._graph(network, "samples of seeds")(tf.constant(seeds[rows])).numpy()
                continue
            z = self._graph(network, "z of seeds")(tf.constant(seeds[rows]))
            if codes is not None:
                z = self._coded_latent().with_codes(z, **{kind: values[rows] for kind, values in codes.items()})
            if labels is not None:
                z = self._labelled_latent().with_labels(z, labels[rows])
            samples[rows] = self._graph(network, "samples of z")(z).numpy()
        return samples

    def forget(self) -> None:
        """Lets the graphs be made anew, because the latent draws otherwise than before."""
        with self._lock:
            self._graphs = {}

    def read(self, discriminator: keras.Model, images: Any, batch_size: int = 128) -> dict[str, np.ndarray]:
        """The codes in images; see `GAN.infer_codes`."""
        latent = self._coded_latent()
        check_whole("batch_size", batch_size, 1)
        shape = ", ".join(str(n) for n in self.sample_shape)
        rule = f"infer_codes needs floats of shape (N, {shape})" + (" in [0, 1]" if self.value_range else "")
        images = np.asarray(images)
        if images.shape[1:] != self.sample_shape or not len(images) or not np.issubdtype(images.dtype, np.floating):
            raise ValueError(f"{rule}; found {images.dtype} of shape {images.shape}.")
        if self.value_range is not None and not (images.min() >= 0 and images.max() <= 1):
            raise ValueError(f"{rule}; found values from {images.min():g} to {images.max():g}.")
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
        """A graph of this network's, for any number of rows."""
        with self._lock:
            if self._network is not network:
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
