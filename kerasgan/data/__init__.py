"""Real samples: a dataset's name, a folder or an array -> a `tf.data` pipeline in a model's shape and value range.

`sources` tells which source a name means: `tfds`, `folder`, `arrays` or `toy`, a file for each.

Every source is brought to size once and kept as one array, images `[N, H, W, C]` or points `[N, n]`: in memory up to
`MEMORY_LIMIT` bytes, beyond that in a temporary file, or with `cache=` on disk for the next time. An epoch is then a
permutation of its rows that follows from (seed, epoch) alone, so that a resumed training sees the samples in the order
in which an uninterrupted one would have seen them.
"""

import functools
import importlib
import numbers
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
import wrapt
from numpy.typing import ArrayLike

from kerasgan import toys
from kerasgan.classes import check_same, numbered, some
from kerasgan.data import reading, tfds
from kerasgan.data.folder import DECODED_AHEAD
from kerasgan.data.images import FORMATS, LARGEST_IMAGE, SUFFIXES, fit_image
from kerasgan.data.pipeline import (
    batches_of,
    class_names_of,
    for_workers,
    in_order,
    label_counts,
    parts_of,
    remember_labels,
    remember_order,
    remember_parts,
)
from kerasgan.data.rows import Rows
from kerasgan.data.source import Source
from kerasgan.data.sources import are_same, describe, find_names, open_source, recognise
from kerasgan.data.splits import check_split
from kerasgan.data.toy import TOY_SPLITS
from kerasgan.errors import check_whole
from kerasgan.files import Path

if TYPE_CHECKING:
    from kerasgan.gan import GAN

__all__ = [
    "DECODED_AHEAD",
    "FORMATS",
    "LARGEST_IMAGE",
    "MEMORY_LIMIT",
    "SUFFIXES",
    "TOY_SPLITS",
    "Rows",
    "are_same",
    "class_names_of",
    "classes_of",
    "describe",
    "fit_image",
    "for_workers",
    "image_shape_of",
    "in_order",
    "label_counts",
    "load",
    "load_array",
    "load_labelled_array",
    "load_labels",
    "splits_of",
    "with_version",
]

MEMORY_LIMIT = 2 * 1024**3


def load(
    name: str | os.PathLike[str] | ArrayLike,
    split: str = "train",
    batch_size: int = 128,
    *,
    like: "GAN | None" = None,
    image_shape: tuple[int, int, int] | None = None,
    value_range: tuple[float, float] | None = None,
    seed: int = 0,
    shuffle: bool | None = None,
    drop_remainder: bool | None = None,
    start_step: int = 0,
    data_dir: str | None = None,
    called: str | None = None,
    labels: bool | ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    cache: bool | Path | None = None,
) -> tf.data.Dataset:
    """Batches of real samples: of "train" for `fit`, shuffled anew in each epoch and without an incomplete last batch;
    of every other split, "all" of an array or a folder among them, for `evaluate`: each sample once, in order.

    What is computed of a shuffled split in one pass differs from what the next gives: other samples meet other noise,
    and others are left out. Load what is to be judged as "test" or "all", or take `in_order` of it.

    Args:
        name: a tensorflow-datasets image dataset ("fashion_mnist", "celeb_a:2.1.0" or "name:config"); a folder, as
            "folder:PATH", a path or a `pathlib.Path` (PNG, JPEG, WebP and BMP files below it); a `.npy` or `.npz` file
            ("images" or the only array in it); or an array: uint8 in 0..255 or floats in [0, 1], `[N, H, W]` or
            `[N, H, W, C]`. For models whose samples are not images, a toy ("ring", "grid", "swiss_roll", "gaussian")
            or floats `[N, n]`. A name that means several things is a toy, else a dataset, else a folder: say
            "folder:mnist" or "./mnist" for a folder of that name. "~" is your home.
        split: a split or slice in tensorflow-datasets' notation, such as "train[:10%]". For other sources "train"
            and "all" mean everything, and slices of them work too; toys have 100,000 points in "train" and 10,000
            others in "test". Rows of arrays and files, points and datasets have an order, from which slices are cut.
            The images of a folder have none: a slice of them is a random sample, the same on every machine, so that
            "train[:90%]" and "train[90%:]" share nothing, make the whole, and are alike.
        batch_size: samples per batch. With `d_steps` = k a batch is what one `train_step` takes, k minibatches.
        like: a GAN; gives `image_shape` and `value_range`, and its `d_steps` is checked against `batch_size`.
        image_shape: (height, width, channels), channels 1 or 3; None keeps the source's own: that of all its images,
            RGB where some are grey and others are not.
        value_range: (low, high) that 0 and 255 map to; None is (-1, 1). Points are never rescaled.
        seed: of the shuffle.
        shuffle: whether each epoch has its own order; None shuffles "train" splits only.
        drop_remainder: whether an incomplete last batch is left out; None drops it where it shuffles.
        start_step: batches that training has taken already; the first pass goes on from there, to the end of that
            epoch, and each further pass is the next epoch. In the middle of an epoch the first pass is shorter than
            the others, which `fit` cannot know: give it to a `fit` of one epoch, and load anew for the rest.
        data_dir: tensorflow-datasets' folder; None is its default.
        called: how messages call an array that came from elsewhere, such as "photos in split 'train[:2]'".
        labels: whether batches are pairs of samples and their classes; None gives these where `like` is conditional.
            They are the "label" of a tensorflow-datasets dataset; the folders that lie directly in a folder, in the
            order of their names as in `keras.utils.image_dataset_from_directory`; "labels", whole numbers, and perhaps
            "class_names" beside the "images" of an `.npz` file. Of an array they are given here: whole numbers `[N]`,
            counted from 0, one for each row, of which `split` cuts the same.
        class_names: the names of labels that are given so.
        cache: True, or a folder, keeps what was decoded and brought to size on disk, so that the next start reads it
            from there (`kerasgan.data.cache`): pictures of folders, archives and tensorflow-datasets. True is
            `~/.cache/kerasgan/data`, or `data` in `$KERASGAN_CACHE`. Order and values are the same without.

    Returns:
        A dataset of float32 `[batch_size, H, W, C]` or `[batch_size, n]`, ready for `fit`; with labels one of pairs,
        these and int32 `[batch_size]`. An epoch counts from its second batch on: a look at the first,
        `next(iter(dataset))`, changes nothing.

    Raises:
        ValueError: an unknown source or split, no usable images, values out of range, NaN, fewer images than a
            batch, or a `batch_size` that is below 1, does not divide by k, or is too small for the loss of `like`;
            with labels, a source without them, class folders of which one is empty or beside which images lie, labels
            that are no classes, and classes of which `like` has fewer or others; with a cache, a folder that cannot be
            written to, or a disk without room.
    """
    if like is not None:
        image_shape = image_shape or like.sample_shape
        value_range = value_range or like.value_range
    low, high = value_range or (-1.0, 1.0)
    check_split(split)
    check_whole("batch_size", batch_size, 1)
    check_whole("start_step", start_step, 0)
    if not isinstance(seed, numbers.Integral):
        raise ValueError(f"seed must be a whole number; found {seed!r}.")
    d_steps = getattr(like, "d_steps", 1)
    if batch_size % d_steps:
        raise ValueError(f"batch_size={batch_size} must divide into d_steps={d_steps} minibatches.")
    loss = getattr(like, "loss", None)
    least = d_steps * getattr(loss, "smallest_batch", 1)
    if batch_size < least:
        raise ValueError(f"{type(loss).__name__} needs at least {least} samples in a batch; found {batch_size}.")
    shuffle = split.startswith("train") if shuffle is None else shuffle
    drop = shuffle if drop_remainder is None else drop_remainder

    model_names = getattr(like, "class_names", None)
    wanted = model_names is not None if labels is None else labels
    by_hand = None if isinstance(wanted, (bool, np.bool_)) else wanted
    if class_names is not None and by_hand is None:
        raise ValueError("class_names are those of labels that are given beside an array; found no such labels.")
    classes, names = None, ()
    if by_hand is None and not wanted:
        samples = load_array(name, split, image_shape, data_dir=data_dir, cache=cache)  # (N, H, W, C) or (N, n)
    else:
        model_of = model_names if labels is None else None
        source, names = _open_labelled(name, split, data_dir, by_hand, class_names, model_of)
        if model_names is not None:  # before all images are read
            check_same(names, model_names, called or describe(name))
        samples = _samples_of(source, name, split, image_shape, cache)
        classes = source.find_labels().astype(np.int32)  # (N,)
    if drop and len(samples) < batch_size:
        of = f"{called} has {len(samples)} samples"
        if called is None:
            of = f"{describe(name)} has {len(samples)} samples in split {split!r}"
        raise ValueError(f"{of}, fewer than one batch of {batch_size}. Choose a smaller batch_size or more samples.")
    scale = (high - low) / 255.0 if samples.dtype == np.uint8 else high - low
    if samples.ndim == 2:  # points, not images
        scale, low = 1.0, 0.0
    of_all = samples, classes, batch_size, scale, low, seed
    made = functools.partial(batches_of, *of_all)
    if classes is not None:
        made = functools.partial(_remembered, made, classes, names, model_names or ())
    dataset = made(shuffle, drop, start_step)
    if shuffle:
        remember_order(dataset, functools.partial(made, False, bool(drop_remainder), 0))
    if shuffle and drop:
        remember_parts(dataset, functools.partial(parts_of, *of_all, start_step))
    return dataset


def _remembered(
    make: Callable[..., tf.data.Dataset],
    labels: np.ndarray,
    names: tuple[str, ...],
    model_names: tuple[str, ...],
    *order: Any,
) -> tf.data.Dataset:
    """A labelled dataset of which `label_counts` and `class_names_of` know."""
    dataset = make(*order)
    count = max(len(names), len(model_names))
    if names == numbered(len(names)) and model_names:
        names = model_names
    remember_labels(dataset, np.bincount(labels, minlength=count), names)
    return dataset


def load_array(
    name: str | os.PathLike[str] | ArrayLike,
    split: str = "train",
    image_shape: tuple[int, ...] | None = None,
    *,
    data_dir: str | None = None,
    cache: bool | Path | None = None,
) -> np.ndarray:
    """All samples of a source in memory, or beyond `MEMORY_LIMIT` bytes in a file: images uint8 `[N, H, W, C]`, or
    float32 in [0, 1]; points float32 `[N, n]`.

    Args and errors are those of `load`. With `cache` what does not fit into memory is a `kerasgan.data.Rows`, of which
    indices and slices are arrays.
    """
    return _samples_of(open_source(name, split, data_dir), name, split, image_shape, cache)


def load_labelled_array(
    name: str | os.PathLike[str] | ArrayLike,
    split: str = "train",
    image_shape: tuple[int, ...] | None = None,
    *,
    data_dir: str | None = None,
    cache: bool | Path | None = None,
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """All samples of a source and their classes, for which no image is read twice.

    Args are those of `load`.

    Returns:
        The samples, as `load_array` gives them; their classes, int64 `[N]`; and the names of all classes that the
        source has, whatever the split holds of them: ("0", "1", ...) where they have none.

    Raises:
        ValueError: as for `load` with labels.
    """
    source, names = _open_labelled(name, split, data_dir)
    return _samples_of(source, name, split, image_shape, cache), source.find_labels(), names


def _open_labelled(
    name: Any,
    split: str,
    data_dir: str | None,
    labels: Any = None,
    class_names: Any = None,
    model_names: tuple[str, ...] | None = None,
) -> tuple[Source, tuple[str, ...]]:
    """A source and the names of its classes, or an error that says what it has instead; before it is downloaded.

    Args:
        name, split, data_dir: as for `load`.
        labels, class_names: those that are given by hand.
        model_names: the classes of the model for whose sake labels are wanted, for messages.
    """
    kind, found = recognise(name, data_dir)
    why = tfds.why_unlabelled(tfds.find_builder(found, data_dir)) if kind == "tfds" else None
    if why is None:
        source = open_source(name, split, data_dir, labels, class_names)
        names = source.find_names()
        if names is not None:
            return source, names
        why = source.no_classes
    message = f"{describe(name)} has no labels: {why}."
    if model_names is not None:
        message = f"The model has classes ({some(model_names)}), and {message} labels=False leaves them out."
    raise ValueError(message)


def _samples_of(
    source: Source, name: Any, split: str, image_shape: tuple[int, ...] | None, cache: bool | Path | None
) -> np.ndarray:
    """What `load_array` gives, of a source that has been opened."""
    shape = tuple(image_shape) if image_shape is not None else source.find_shape()
    if source.array is not None and source.array.ndim == 2:
        if shape != source.array.shape[1:]:
            raise ValueError(
                f"{describe(name)} holds points of shape {source.array.shape[1:]}, the model takes {shape}. "
                f"Fully connected families take them with image_shape={source.array.shape[1:]}."
            )
        return source.array
    if shape is None:
        raise ValueError(f"The images of {describe(name)} differ in size; give image_shape=(height, width, channels).")
    if len(shape) == 1:
        raise ValueError(
            f"{describe(name)} holds images, the model takes vectors of shape {shape}; "
            f"train it on floats [N, {shape[0]}] or on a toy: {', '.join(sorted(toys.NAMES))}."
        )
    if len(shape) != 3 or min(shape) < 1 or shape[2] not in (1, 3):
        raise ValueError(f"image_shape must be (height, width, 1 or 3), found {shape}.")
    if source.array is not None and source.array.shape[1:] == shape:
        return source.array

    return reading.read(source, describe(name), split, shape, MEMORY_LIMIT, cache)


def image_shape_of(
    name: str | os.PathLike[str] | ArrayLike, split: str = "train", *, data_dir: str | None = None
) -> tuple[int, ...] | None:
    """A source's own (height, width, channels), (n,) for points, or None where its images differ."""
    return open_source(name, split, data_dir).find_shape()


def load_labels(
    name: str | os.PathLike[str] | ArrayLike, split: str = "train", *, data_dir: str | None = None
) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """The classes of a source's samples, in the order of `load_array`. Which files of a folder are readable shows when
    they are read: whoever wants samples and classes takes `load_labelled_array`.

    Returns:
        int64 `[N]`, and the classes' names, ("0", "1", ...) where they have none; None where the source has no classes,
        or such as `load` refuses.

    Raises:
        ValueError: an unknown source or split, or no usable images.
    """
    source = open_source(name, split, data_dir)
    try:
        names = source.find_names()
        return None if names is None else (source.find_labels(), names)
    except ValueError:
        return None


def classes_of(
    name: str | os.PathLike[str] | ArrayLike, split: str = "train", *, data_dir: str | None = None
) -> tuple[str, ...] | None:
    """The names of a source's classes, whatever the split holds of them: ("0", "1", ...) where they have none; None
    where the source has no classes. No image is read for it.

    Raises:
        ValueError: there is no such source, or `load` refuses its labels, such as class folders of which one is empty.
    """
    return find_names(name, split, data_dir)


def splits_of(name: str | os.PathLike[str] | ArrayLike, *, data_dir: str | None = None) -> tuple[str, ...]:
    """The names of a source's splits, such as ("train", "test").

    Raises:
        ValueError: there is no such source.
    """
    kind, found = recognise(name, data_dir)
    if kind == "tfds":
        return tfds.list_splits(found, data_dir)
    return tuple(TOY_SPLITS) if kind == "toy" else ("train",)


def with_version(name: str) -> str:
    """A tensorflow-datasets name with its version, such as "fashion_mnist:3.0.1" or "cycle_gan/apple2orange:3.0.0";
    other names as they are. `load` takes it.

    Raises:
        ValueError: there is no such source.
    """
    kind, found = recognise(name)
    if kind != "tfds":
        return name
    builder = tfds.find_builder(found)
    config = f"/{builder.builder_config.name}" if builder.builder_config else ""
    return f"{builder.name}{config}:{builder.version}"


def _register(_: Any) -> None:
    """Makes "noto_emoji" a name of tensorflow-datasets, once that is imported."""
    importlib.import_module("kerasgan.data.noto_emoji")


wrapt.register_post_import_hook(_register, "tensorflow_datasets")
