"""Latent distributions: where the generator's noise comes from.

A latent is one flat float32 vector of `dim` numbers. Both ways to draw are stateless: the same seed gives the same
vector in another process, after a restart, inside a SavedModel, and compiled by XLA (to float32 rounding).
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasgan.classes import check_labels, numbered
from kerasgan.codes import check_codes


class Latent:
    """Base of the latent distributions. A subclass sets `dim` and writes `sample` and `get_config`."""

    dim: int

    def sample(self, batch_size: int | tf.Tensor, seed: tf.Tensor | Sequence[int]) -> tf.Tensor:
        """Vectors for one training batch.

        Args:
            batch_size: int, or an int32 scalar tensor.
            seed: `[2]` integers; the whole batch follows from them.

        Returns:
            float32 `[batch_size, dim]`.
        """
        raise NotImplementedError

    def from_seeds(self, seeds: tf.Tensor | np.ndarray) -> tf.Tensor:
        """One vector per seed, whatever seeds stand beside it: what generation and serving draw from.

        Args:
            seeds: int64 `[B]`, each at least 0.

        Returns:
            float32 `[B, dim]`; row i is a function of `seeds[i]` alone.
        """
        seeds = tf.cast(seeds, tf.int64)
        return tf.map_fn(
            lambda seed: self.sample(1, tf.stack([seed, tf.zeros_like(seed)]))[0],
            seeds,
            fn_output_signature=tf.TensorSpec([self.dim], tf.float32),
        )

    def between(self, first: np.ndarray, last: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Vectors on the way from some to others: on straight lines, where a subclass knows no better way.

        Args:
            first, last: float `[B, dim]`, where each way begins and ends.
            share: float `[B]`, how much of it lies behind: from 0 to 1.

        Returns:
            float32 `[B, dim]`; where the share is 0 or 1, exactly the first or the last.
        """
        return _straight(first, last, share)

    def nearest(self, z: tf.Tensor) -> tf.Tensor:
        """Vectors `[B, dim]`, each brought to the nearest that the latent can draw; here as they are."""
        return z

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Latent":
        return cls(**config)


def _straight(first, last, share):
    t = np.asarray(share, np.float64)[:, None]
    return (first * (1.0 - t) + last * t).astype(np.float32)


def _unit_uniform(shape: Sequence[int | tf.Tensor], seed: tf.Tensor | Sequence[int]) -> tf.Tensor:
    """Float32 in (0, 1), made from whole random bits, because XLA fills a tensor with random floats in another order
    than TensorFlow's kernels.
    """
    return _to_unit(tf.random.stateless_uniform(shape, seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"))


def _to_unit(bits: tf.Tensor) -> tf.Tensor:
    """uint32 -> the middle of one of 2**24 equal cells of (0, 1), as float32."""
    u = (tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.float32) + 0.5) * 2.0**-24
    # float32 rounds the last cell's middle to 1, where a normal number is infinite
    return tf.minimum(u, 1.0 - 2.0**-24)


def _checked_dim(dim: Any) -> int:
    if not _is_whole(dim) or dim < 1:
        raise ValueError(f"A latent needs a whole number of dimensions, at least 1; found {dim!r}.")
    return int(dim)


def _is_whole(number: Any) -> bool:
    number_like = isinstance(number, (int, float, np.integer)) and not isinstance(number, bool)
    return number_like and math.isfinite(number) and int(number) == number


@keras.saving.register_keras_serializable("kerasgan")
class Normal(Latent):
    """Independent standard normal numbers.

    Args:
        dim: how many.

    Raises:
        ValueError: `dim` is below 1.
    """

    def __init__(self, dim: int) -> None:
        self.dim = _checked_dim(dim)

    def sample(self, batch_size: int | tf.Tensor, seed: tf.Tensor | Sequence[int]) -> tf.Tensor:
        # The normal quantile function: sqrt(2) erfinv(2u - 1).
        return math.sqrt(2.0) * tf.math.erfinv(2.0 * _unit_uniform([batch_size, self.dim], seed) - 1.0)

    def between(self, first: np.ndarray, last: np.ndarray, share: np.ndarray) -> np.ndarray:
        """On great circles (slerp, Shoemake 1985), the length going evenly from one to the other: normal vectors of
        many numbers are all about sqrt(dim) long, and the middle of a straight line is too short by a factor of
        sqrt(2). Straight where a circle is not determined, between opposite vectors or from 0.
        """
        first, last = np.asarray(first, np.float64), np.asarray(last, np.float64)
        lengths = [np.linalg.norm(ends, axis=1, keepdims=True) for ends in (first, last)]
        units = [ends / np.maximum(length, 1e-30) for ends, length in zip((first, last), lengths, strict=True)]
        cosine = np.clip(np.sum(units[0] * units[1], axis=1, keepdims=True), -1.0, 1.0)
        angle, t = np.arccos(cosine), np.asarray(share, np.float64)[:, None]
        sine = np.sin(angle)
        turned = (np.sin((1.0 - t) * angle) * units[0] + np.sin(t * angle) * units[1]) / np.maximum(sine, 1e-30)
        turned *= (1.0 - t) * lengths[0] + t * lengths[1]
        is_circle = (sine > 1e-6) & (t > 0.0) & (t < 1.0) & (np.minimum(*lengths) > 0.0)
        return np.where(is_circle, turned, _straight(first, last, share)).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        return {"dim": self.dim}


@keras.saving.register_keras_serializable("kerasgan")
class Uniform(Latent):
    """Independent numbers, uniform on (low, high).

    Args:
        dim: how many.
        low, high: the bounds. (-√3, √3) has unit variance.

    Raises:
        ValueError: `dim` is below 1, or the bounds are not finite and in order.
    """

    def __init__(self, dim: int, low: float = -1.0, high: float = 1.0) -> None:
        self.dim = _checked_dim(dim)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"Uniform needs finite bounds with low < high; found low={low}, high={high}.")
        self.low = float(low)
        self.high = float(high)

    def sample(self, batch_size: int | tf.Tensor, seed: tf.Tensor | Sequence[int]) -> tf.Tensor:
        return self.low + (self.high - self.low) * _unit_uniform([batch_size, self.dim], seed)

    def nearest(self, z: tf.Tensor) -> tf.Tensor:
        """Vectors `[B, dim]`, each number of which is brought between the bounds."""
        return tf.clip_by_value(z, self.low, self.high)

    def get_config(self) -> dict[str, Any]:
        return {"dim": self.dim, "low": self.low, "high": self.high}


@keras.saving.register_keras_serializable("kerasgan")
class Coded(Latent):
    """InfoGAN's latent: noise that means nothing, and codes that the discriminator learns to read back.

    A vector is the noise, then each categorical code as a one-hot vector, then the continuous codes. Categories are
    drawn with equal probability, continuous codes uniformly from (-1, 1) (Chen et al. 2016, arXiv:1606.03657).

    Args:
        noise: how many numbers of noise, uniform on (-1, 1) as in the paper; or another latent to draw them from.
        categorical: how many categories each categorical code has.
        continuous: how many continuous codes.

    Raises:
        ValueError: no codes at all, a categorical code of fewer than two categories, or a negative number.
    """

    def __init__(self, noise: int | Latent, categorical: Sequence[int] = (10,), continuous: int = 2) -> None:
        self.noise_latent = noise if isinstance(noise, Latent) else Uniform(noise)
        self.noise = self.noise_latent.dim
        if not isinstance(categorical, (tuple, list)) or not all(_is_whole(k) and k >= 2 for k in categorical):
            raise ValueError(
                f"categorical must list how many categories each code has, 2 or more; found {categorical}."
            )
        if not _is_whole(continuous) or continuous < 0:
            raise ValueError(f"continuous must be a whole number of codes, at least 0; found {continuous!r}.")
        if not categorical and not continuous:
            raise ValueError("Coded needs at least one categorical or continuous code.")
        self.categorical = tuple(int(k) for k in categorical)
        self.continuous = int(continuous)
        self.code_dim = sum(self.categorical) + self.continuous
        self.dim = self.noise + self.code_dim

    @property
    def code_names(self) -> tuple[str, ...]:
        """`categorical_0`, ..., `continuous_0`, ..., in the order in which a vector holds them."""
        return (
            *(f"categorical_{i}" for i in range(len(self.categorical))),
            *(f"continuous_{i}" for i in range(self.continuous)),
        )

    def sample(self, batch_size: int | tf.Tensor, seed: tf.Tensor | Sequence[int]) -> tf.Tensor:
        noise_seed, code_seed = tf.unstack(tf.random.split(tf.cast(seed, tf.int64), 2, alg="philox"))
        noise = self.noise_latent.sample(batch_size, noise_seed)  # (B, noise)
        u = _unit_uniform([batch_size, len(self.categorical) + self.continuous], code_seed)
        sizes = tf.constant(self.categorical, tf.float32)
        categories = tf.cast(u[:, : len(self.categorical)] * sizes, tf.int32)  # u < 1, so each below its size
        return self.join(noise, categories, 2.0 * u[:, len(self.categorical) :] - 1.0)

    def join(self, noise: tf.Tensor, categories: tf.Tensor, continuous: tf.Tensor) -> tf.Tensor:
        """The vectors that hold these parts.

        Args:
            noise: float32 `[B, noise]`.
            categories: int32 `[B, len(categorical)]`, each from 0 to its code's size - 1.
            continuous: float32 `[B, continuous]`.

        Returns:
            float32 `[B, dim]`.
        """
        one_hots = [tf.one_hot(categories[:, i], k) for i, k in enumerate(self.categorical)]
        return tf.concat([noise, *one_hots, continuous], axis=1)

    def split(self, z: tf.Tensor) -> dict[str, Any]:
        """The parts of vectors `[B, dim]`: `noise` `[B, noise]`, `categorical` (a list with one one-hot `[B, k]` for
        each code) and `continuous` `[B, continuous]`.
        """
        if z.shape[-1] != self.dim:
            raise ValueError(f"These vectors have {z.shape[-1]} numbers; this latent's have {self.dim}.")
        return {"noise": z[:, : self.noise], **self.split_codes(z[:, self.noise :])}

    def split_codes(self, codes: tf.Tensor) -> dict[str, Any]:
        """The parts of `[B, code_dim]`, such as a discriminator's output `codes`: `categorical` and `continuous`."""
        if codes.shape[-1] != self.code_dim:
            raise ValueError(
                f"These codes have {codes.shape[-1]} numbers; this latent's {len(self.categorical)} categorical and "
                f"{self.continuous} continuous codes have {self.code_dim}."
            )
        ends = np.cumsum(self.categorical, dtype=int)
        categorical = [codes[:, end - k : end] for end, k in zip(ends, self.categorical, strict=True)]
        return {"categorical": categorical, "continuous": codes[:, sum(self.categorical) :]}

    def with_codes(
        self, z: tf.Tensor, categorical: tf.Tensor | None = None, continuous: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Vectors `[B, dim]` with other codes, given as for `join`; None leaves that kind as it is."""
        parts = self.split(z)
        if continuous is None:
            continuous = parts["continuous"]
        if categorical is None:  # as it stands, which may be a mixture of categories
            return tf.concat([parts["noise"], *parts["categorical"], continuous], axis=1)
        return self.join(parts["noise"], categorical, continuous)

    def read(self, codes: tf.Tensor) -> dict[str, tf.Tensor]:
        """What a discriminator's output `codes` `[B, code_dim]` says.

        Returns:
            `categorical`: float32 `[B, len(categorical), k]`, each category's probability, k the largest number of
            categories (zeros stand behind a code that has fewer); `continuous`: float32 `[B, continuous]`, means.
        """
        codes = self.split_codes(tf.cast(codes, tf.float32))
        widest = max(self.categorical, default=0)
        probabilities = [
            tf.pad(tf.nn.softmax(scores), [[0, 0], [0, widest - k]])
            for k, scores in zip(self.categorical, codes["categorical"], strict=True)
        ]
        none = tf.zeros([tf.shape(codes["continuous"])[0], 0, 0])
        return {
            "categorical": tf.stack(probabilities, axis=1) if probabilities else none,
            "continuous": codes["continuous"],
        }

    def between(self, first: np.ndarray, last: np.ndarray, share: np.ndarray) -> np.ndarray:
        """The noise as its own latent goes, codes straight: between two categories lie their mixtures."""
        return _behind(self.noise_latent, first, last, share)

    def nearest(self, z: tf.Tensor) -> tf.Tensor:
        """Vectors `[B, dim]`: noise as its own latent has it, continuous codes from -1 to 1, categories as they are."""
        parts = self.split(z)
        continuous = tf.clip_by_value(parts["continuous"], -1.0, 1.0)
        return tf.concat([self.noise_latent.nearest(parts["noise"]), *parts["categorical"], continuous], axis=1)

    def check_codes(self, codes: dict[str, Any], n: int) -> dict[str, np.ndarray]:
        """What a user asks of n samples' codes, as the arrays that `with_codes` takes.

        Args:
            codes: dict with "categorical" (whole numbers), "continuous" (numbers), or both. Each is one value for all
                samples, one row for all of them, or one row per sample; where there is one code of the kind, one
                value per sample will do too.
            n: how many samples.

        Returns:
            The given kinds: "categorical" int32 `[n, len(categorical)]`, "continuous" float32 `[n, continuous]`.

        Raises:
            ValueError: another key or shape, a category out of range, or a number that is not finite.
        """
        return check_codes(codes, n, self.categorical, self.continuous)

    def get_config(self) -> dict[str, Any]:
        return {
            "noise": keras.saving.serialize_keras_object(self.noise_latent),
            "categorical": list(self.categorical),
            "continuous": self.continuous,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Latent":
        return cls(**{**config, "noise": keras.saving.deserialize_keras_object(config["noise"])})


@keras.saving.register_keras_serializable("kerasgan")
class Labelled(Latent):
    """The latent of a conditional GAN: noise, and the class that the sample is to be of.

    A vector is the noise, then the label as a one-hot vector. The game gives generated samples the labels of the real
    ones beside them; what is drawn otherwise follows the classes' shares.

    Args:
        noise: how many numbers of noise, uniform on (-1, 1); or another latent to draw them from.
        classes: how many there are, 2 or more.
        names: of the classes, in the order of their labels; None where they are not known.
        shares: how frequent each class is; None is equal shares. `GAN.fit` records those of the data when a training
            begins.

    Attributes:
        noise, classes: as given, as whole numbers.
        class_names: tuple of str; where they are not known, the labels themselves.

    Raises:
        ValueError: fewer than two classes, as many names or shares as there are not classes, a name twice, or shares
            that are negative or all 0.
    """

    def __init__(
        self,
        noise: int | Latent,
        classes: int,
        names: Sequence[str] | None = None,
        shares: Sequence[float] | None = None,
    ) -> None:
        self.noise_latent = noise if isinstance(noise, Latent) else Uniform(noise)
        self.noise = self.noise_latent.dim
        if not _is_whole(classes) or classes < 2:
            raise ValueError(f"classes must be a whole number, at least 2; found {classes!r}.")
        self.classes = int(classes)
        self.dim = self.noise + self.classes
        self.names = None if names is None else tuple(map(str, names))
        if self.names is not None and (len(self.names) != self.classes or len(set(self.names)) != self.classes):
            raise ValueError(
                f"There must be a name for each of the {self.classes} classes, none of them twice; found "
                f"{len(self.names)}, {len(set(self.names))} of them different."
            )
        self.shares: tuple[float, ...] | None = None
        if shares is not None:
            self.record(shares)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.names or numbered(self.classes)

    def record(self, counts: Sequence[float] | np.ndarray) -> None:
        """Takes the classes' shares from how often each occurs, `[classes]`.

        Raises:
            ValueError: another number of them, negative ones, or none above 0.
        """
        array = np.asarray(counts, np.float64)
        if array.shape != (self.classes,) or not (np.isfinite(array).all() and array.min() >= 0 and array.sum() > 0):
            raise ValueError(f"shares must be {self.classes} numbers, none negative and not all 0; found {counts}.")
        self.shares = tuple((array / array.sum()).tolist())

    def sample(self, batch_size: int | tf.Tensor, seed: tf.Tensor | Sequence[int]) -> tf.Tensor:
        noise_seed, label_seed = tf.unstack(tf.random.split(tf.cast(seed, tf.int64), 2, alg="philox"))
        noise = self.noise_latent.sample(batch_size, noise_seed)  # (B, noise)
        u = _unit_uniform([batch_size, 1], label_seed)
        shares = self.shares or (1.0 / self.classes,) * self.classes
        ends = tf.constant(np.cumsum(shares)[:-1], tf.float32)  # where the next class begins, on (0, 1)
        labels = tf.reduce_sum(tf.cast(u >= ends, tf.int32), axis=1)
        return self.join(noise, labels)

    def join(self, noise: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """The vectors `[B, dim]` of noise float32 `[B, noise]` and labels, whole numbers `[B]`."""
        return tf.concat([noise, tf.one_hot(labels, self.classes)], axis=1)

    def split(self, z: tf.Tensor) -> dict[str, tf.Tensor]:
        """The parts of vectors `[B, dim]`: `noise` `[B, noise]` and `labels`, one-hot `[B, classes]`."""
        if z.shape[-1] != self.dim:
            raise ValueError(f"These vectors have {z.shape[-1]} numbers; this latent's have {self.dim}.")
        return {"noise": z[:, : self.noise], "labels": z[:, self.noise :]}

    def with_labels(self, z: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Vectors `[B, dim]` with other labels, whole numbers `[B]`."""
        return self.join(self.split(z)["noise"], labels)

    def between(self, first: np.ndarray, last: np.ndarray, share: np.ndarray) -> np.ndarray:
        """The noise as its own latent goes, the label straight: between two classes lie their mixtures."""
        return _behind(self.noise_latent, first, last, share)

    def nearest(self, z: tf.Tensor) -> tf.Tensor:
        """Vectors `[B, dim]`: noise as its own latent has it, labels as they are."""
        parts = self.split(z)
        return tf.concat([self.noise_latent.nearest(parts["noise"]), parts["labels"]], axis=1)

    def check_labels(self, labels: Any, n: int) -> np.ndarray:
        """What a user asks of n samples' classes, as the labels that `with_labels` takes.

        Args:
            labels: one class for all samples, or a list, array or tensor of n: each a name, or a whole number from 0.
            n: how many samples.

        Returns:
            int32 `[n]`.

        Raises:
            ValueError: a class that there is not, or a list of another length.
        """
        return check_labels(labels, n, self.class_names)

    def get_config(self) -> dict[str, Any]:
        return {
            "noise": keras.saving.serialize_keras_object(self.noise_latent),
            "classes": self.classes,
            "names": None if self.names is None else list(self.names),
            "shares": None if self.shares is None else list(self.shares),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Latent":
        return cls(**{**config, "noise": keras.saving.deserialize_keras_object(config["noise"])})


def _behind(noise, first, last, share):
    """`between` for vectors of which the noise comes first."""
    between, dim = noise.between, noise.dim
    ways = between(first[:, :dim], last[:, :dim], share), _straight(first[:, dim:], last[:, dim:], share)
    return np.concatenate(ways, axis=1)


def for_classes(noise: Latent, classes: int | Sequence[str] | None) -> Latent:
    """A latent itself, or joined with labels where there are classes: how many, or their names."""
    if classes is None:
        return noise
    return Labelled(noise, classes) if isinstance(classes, int) else Labelled(noise, len(classes), classes)


def noise_like(latent: Latent, like: tf.Tensor, seed: int, *stream: Any) -> tf.Tensor:
    """Vectors for a batch: a function of the seed, the stream and the row in the global batch.

    Replicas draw the noise of all of them and take their own rows, so that a batch has the same noise however many
    share it.

    Args:
        latent: where they come from.
        like: `[B, ...]`, this replica's share of the batch.
        seed: of everything that is drawn.
        *stream: whole numbers, tensors or not; each other sequence gives other noise.

    Returns:
        float32 `[B, latent.dim]`.
    """
    folded = tf.constant([seed, 0], tf.int64)
    for part in (*stream, 0):
        folded = tf.random.experimental.stateless_fold_in(folded, tf.cast(part, tf.int64), alg="philox")
    rows, context = tf.shape(like)[0], tf.distribute.get_replica_context()
    z = latent.sample(rows * context.num_replicas_in_sync, folded)
    return z if context.num_replicas_in_sync == 1 else z[context.replica_id_in_sync_group * rows :][:rows]
