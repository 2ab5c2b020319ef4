"""The source of tensorflow-datasets: its image datasets by name, in the order in which it stores them."""

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from kerasgan import toys
from kerasgan.classes import numbered
from kerasgan.data.pipeline import untuned
from kerasgan.data.source import Source
from kerasgan.errors import first_line, suggestion
from kerasgan.messages import say

BATCH_BYTES = 2**24  # that are read at once

# name, name:version, name/config, name:config, namespace:name, and versions such as 3.*.*
_NAME = re.compile(r"\w+([/:][\w.+=-]+)*(:[\w.*+-]+)?")
_VERSION = re.compile(r"\d+(\.(\d+|\*)){2}")


def may_know(name: str) -> bool:
    """Whether a name could be one of tensorflow-datasets, as far as its characters go."""
    return _NAME.fullmatch(name) is not None


def knows(name: str, data_dir: str | None) -> bool:
    """Whether tensorflow-datasets has a dataset of that name."""
    import tensorflow_datasets as tfds

    try:
        tfds.builder(_in_its_notation(name), data_dir=data_dir)
    except (ValueError, AssertionError):
        return False
    return True


def knows_base(name: str) -> bool:
    """Whether it has one of the name's first part, whatever it says of the configuration behind."""
    import tensorflow_datasets as tfds

    try:
        tfds.builder_cls(_base(name))
    except ValueError:
        return False
    return True


def open_tfds(name: str, split: str, data_dir: str | None) -> Source:
    """The images of a dataset, which is downloaded and prepared where that was not done before.

    Raises:
        ValueError: there is no such dataset, configuration or split, it has no images, or it could not be had.
    """
    import tensorflow_datasets as tfds

    builder = find_builder(name, data_dir)
    features = builder.info.features
    feature = features["image"] if isinstance(features, tfds.features.FeaturesDict) and "image" in features else None
    if not isinstance(feature, tfds.features.Image):
        found = (
            ", ".join(sorted(features)) if isinstance(features, tfds.features.FeaturesDict) else type(features).__name__
        )
        raise ValueError(f"{name} of tensorflow-datasets has no 'image' feature; it has {found}.")
    _prepare(builder, name, data_dir)
    _check_split(builder, name, split)
    dataset = builder.as_dataset(split=split, shuffle_files=False).map(lambda example: example["image"])
    count = int(dataset.cardinality())  # that of its metadata, except where tfds.testing.mock_data gives others
    shape = feature.shape
    # Images of one size are taken in batches; one by one those of Fashion-MNIST take five seconds and more.
    rows = 1 if None in shape else max(1, min(1024, BATCH_BYTES // math.prod(shape)))
    batches = dataset.batch(rows).prefetch(2).with_options(untuned())
    return Source(
        count=count,
        dtype=np.uint8,
        find_shape=lambda: None if None in shape else tuple(shape),
        examples=_as_bytes(image for batch in batches.as_numpy_iterator() for image in batch),
        find_names=lambda: find_names(name, data_dir),
        find_labels=lambda: _read_labels(builder, split),
        fingerprint=lambda: ["tfds", str(builder.data_path), str(builder.info.full_name), count],
    )


def find_names(name: str, data_dir: str | None) -> tuple[str, ...] | None:
    """The names of a dataset's classes; None where it has none. What knows them only once it is prepared is prepared.

    Raises:
        ValueError: there is no such dataset or configuration, or it could not be had.
    """
    builder = find_builder(name, data_dir)
    if why_unlabelled(builder):
        return None
    names = tuple(builder.info.features["label"].names)
    if names == numbered(len(names)):  # they may stand in the files that are downloaded, as CIFAR's do
        _prepare(builder, name, data_dir)
        names = tuple(builder.info.features["label"].names)
    return names


def why_unlabelled(builder: Any) -> str | None:
    """What a dataset has in the place of labels, as a message says it; None where it has labels. Nothing is downloaded
    for it.
    """
    import tensorflow_datasets as tfds

    features = builder.info.features
    features = dict(features) if isinstance(features, tfds.features.FeaturesDict) else {}
    if isinstance(features.get("label"), tfds.features.ClassLabel):
        return None
    return f"of tensorflow-datasets it has {', '.join(sorted(features))}, and no 'label' that is a class"


def _read_labels(builder: Any, split: str) -> np.ndarray:
    """The labels int64 `[N]` in their order, for which no image is decoded."""
    import tensorflow_datasets as tfds

    # (PartialDecoding would do as well, but says on stderr that something within it is deprecated.)
    decoders = {"image": tfds.decode.SkipDecoding()}
    dataset = builder.as_dataset(split=split, shuffle_files=False, decoders=decoders)
    batches = dataset.map(lambda example: example["label"]).batch(4096).as_numpy_iterator()
    return np.concatenate(list(batches)).astype(np.int64)


def list_splits(name: str, data_dir: str | None) -> tuple[str, ...]:
    """The names of a dataset's splits.

    Raises:
        ValueError: there is no such dataset, or it could not be had.
    """
    builder = find_builder(name, data_dir)
    _prepare(builder, name, data_dir)
    return tuple(builder.info.splits)


def find_builder(name: str, data_dir: str | None = None) -> Any:
    """The `tfds.core.DatasetBuilder` of a name.

    Raises:
        ValueError: there is no such dataset, configuration or version.
    """
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(_in_its_notation(name), data_dir=data_dir)
    except (ValueError, AssertionError) as error:  # a DatasetNotFoundError; a version that it does not have
        if not knows_base(name):
            known = [*toys.NAMES, *tfds.list_builders()]
            raise ValueError(
                f"Unknown dataset {name!r}: neither a name of tensorflow-datasets, nor a folder here or folder:PATH, "
                f"nor a .zip or .npz file, nor a toy ({', '.join(sorted(toys.NAMES))}).{suggestion(name, known)}"
            ) from None
        base = _base(name)
        config = name[len(base) + 1 :]
        if isinstance(error, AssertionError):
            version = config.rpartition(":")[2]
            has = str(error).rpartition("only: ")[2].strip().rstrip(".")
            raise ValueError(f"Dataset {base!r} has no version {version!r}; tensorflow-datasets has {has}.") from None
        configs = list(tfds.builder_cls(base).builder_configs)
        if config and config not in configs:
            some = ", ".join(configs[:10]) + (", ..." if len(configs) > 10 else "") or "none"
            raise ValueError(
                f"Dataset {base!r} has no configuration {config!r}; it has {some}.{suggestion(config, configs)}"
            ) from None
        raise ValueError(f"Dataset {name!r}: {' '.join(str(error).split())}") from None


def _base(name: str) -> str:
    return re.split("[/:]", name)[0]


def _in_its_notation(name: str) -> str:
    base, _, rest = name.partition(":")
    if not rest or _VERSION.fullmatch(rest):
        return name
    return f"{base}/{rest}"  # a configuration


def _prepare(builder: Any, name: str, data_dir: str | None) -> None:
    from kerasgan.data import fashion_mnist, mnist, noto_emoji

    ours = {"fashion_mnist": fashion_mnist, "mnist": mnist, "noto_emoji": noto_emoji}
    if builder.name in ours:
        ours[builder.name].prepare(data_dir)
    elif not (builder.data_path / "dataset_info.json").exists():
        say(f"tensorflow-datasets downloads and prepares {name}")
        try:
            builder.download_and_prepare()
        except Exception as error:  # whatever the network, the server or the disk may answer
            raise ValueError(f"tensorflow-datasets could not prepare {name}: {first_line(error)}") from error


def _check_split(builder: Any, name: str, split: str) -> None:
    """Refuses a split that the dataset does not have; of one that knows none, as under `tfds.testing.mock_data`, it is
    any.
    """
    splits = builder.info.splits
    try:
        found = splits and splits[split]
    except (KeyError, ValueError):
        raise ValueError(
            f"{name} has no split {split!r}; it has {', '.join(splits)}, and slices such as 'train[:10%]'."
        ) from None
    if found and not found.num_examples:
        raise ValueError(f"Split {split!r} of {name} holds none of its images.")


def _as_bytes(examples: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    for image in examples:
        if image.dtype != np.uint8:
            image = (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image.astype(np.uint8)
        yield image[..., :3] if image.shape[2] == 4 else image
