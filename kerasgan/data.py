"""Real samples: a dataset's name, a folder or an array -> a `tf.data` pipeline in a model's shape and value range.

Every source is brought to size once and kept as one array, images `[N, H, W, C]` or points `[N, n]`: in memory up to
`MEMORY_LIMIT` bytes, beyond that in a temporary file. An epoch is then a permutation of its rows that follows from
(seed, epoch) alone, so that a resumed training sees the samples in the order in which an uninterrupted one would have
seen them.
"""

import collections
import concurrent.futures
import dataclasses
import itertools
import pathlib
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps
from tqdm import tqdm

from kerasgan import toys
from kerasgan.errors import check_whole, first_line, suggestion

MEMORY_LIMIT = 2 * 1024**3
TOY_SPLITS = {"train": (100_000, 0), "test": (10_000, 1)}  # points, as in PacGAN's protocol, and their seed
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")  # of Pillow's many some run other programs, whatever a file's name says
LARGEST_IMAGE = 2**25  # pixels; a file of a few kB can unpack to gigabytes
DECODED_AHEAD = 16  # images of a folder in memory at once, before they are brought to size
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


def load(
    name,
    split: str = "train",
    batch_size: int = 128,
    *,
    like=None,
    image_shape: tuple[int, int, int] | None = None,
    value_range: tuple[float, float] | None = None,
    seed: int = 0,
    shuffle: bool | None = None,
    drop_remainder: bool | None = None,
    start_step: int = 0,
    data_dir: str | None = None,
) -> tf.data.Dataset:
    """Batches of real samples, for `fit` and `evaluate`.

    Args:
        name: a tensorflow-datasets image dataset ("fashion_mnist", "celeb_a:2.1.0" or "name:config"),
            "folder:PATH" (PNG, JPEG, WebP and BMP files below it), a `.npy` or `.npz` file ("images" or the only
            array in it), or an array: uint8 in 0..255 or floats in [0, 1], `[N, H, W]` or `[N, H, W, C]`. For models
            whose samples are not images, a toy ("ring", "grid", "swiss_roll", "gaussian") or floats `[N, n]`.
        split: a split or slice in tensorflow-datasets' notation, such as "train[:10%]". For other sources "train"
            means everything, and slices of it work too; toys have 100,000 points in "train" and 10,000 others in
            "test".
        batch_size: samples per batch. With `d_steps` = k a batch is what one `train_step` takes, k minibatches.
        like: a GAN; gives `image_shape` and `value_range`, and its `d_steps` is checked against `batch_size`.
        image_shape: (height, width, channels), channels 1 or 3; None keeps the source's own.
        value_range: (low, high) that 0 and 255 map to; None is (-1, 1). Points are never rescaled.
        seed: of the shuffle.
        shuffle: whether each epoch has its own order; None shuffles "train" splits only.
        drop_remainder: whether an incomplete last batch is left out; None drops it where it shuffles.
        start_step: batches that training has taken already; the first pass goes on from there, to the end of that
            epoch, and each further pass is the next epoch. In the middle of an epoch the first pass is shorter than
            the others, which `fit` cannot know: give it to a `fit` of one epoch, and load anew for the rest.
        data_dir: tensorflow-datasets' folder; None is its default.

    Returns:
        A dataset of float32 `[batch_size, H, W, C]` or `[batch_size, n]`, ready for `fit`.

    Raises:
        ValueError: an unknown source or split, no usable images, values out of range, NaN, fewer images than a
            batch, or a `batch_size` that is below 1, does not divide by k, or is too small for the loss of `like`.
    """
    if like is not None:
        image_shape = image_shape or like.sample_shape
        value_range = value_range or like.value_range
    low, high = value_range or (-1.0, 1.0)
    check_whole("batch_size", batch_size, 1)
    d_steps = getattr(like, "d_steps", 1)
    if batch_size % d_steps:
        raise ValueError(f"batch_size={batch_size} must divide into d_steps={d_steps} minibatches.")
    loss = getattr(like, "loss", None)
    least = d_steps * getattr(loss, "smallest_batch", 1)
    if batch_size < least:
        raise ValueError(f"{type(loss).__name__} needs at least {least} samples in a batch; found {batch_size}.")
    shuffle = split.startswith("train") if shuffle is None else shuffle
    drop_remainder = shuffle if drop_remainder is None else drop_remainder

    images = load_array(name, split, image_shape, data_dir=data_dir)  # (N, H, W, C)
    if drop_remainder and len(images) < batch_size:
        raise ValueError(
            f"{describe(name)} has {len(images)} samples in split {split!r}, fewer than one batch of {batch_size}. "
            "Choose a smaller batch_size or more samples."
        )
    scale = (high - low) / 255.0 if images.dtype == np.uint8 else high - low
    if images.ndim == 2:  # points, not images
        scale, low = 1.0, 0.0
    batches = len(images) // batch_size if drop_remainder else -(-len(images) // batch_size)
    start_epoch, taken = divmod(start_step, batches)
    epoch = tf.Variable(start_epoch, dtype=tf.int64, trainable=False)

    def order(_):
        """The rows of one pass. Each pass over the dataset runs this once."""
        number = epoch.assign_add(1) - 1
        rows = tf.range(len(images), dtype=tf.int64)
        if shuffle:
            rows = tf.random.experimental.stateless_shuffle(rows, [tf.constant(seed, tf.int64), number], alg="philox")
        skip = tf.where(number == start_epoch, taken * batch_size, 0)
        return tf.data.Dataset.from_tensor_slices(rows[skip:])

    def gather(rows):
        batch = tf.numpy_function(lambda indices: images[indices], [rows], tf.as_dtype(images.dtype))
        batch = tf.cast(tf.ensure_shape(batch, (None, *images.shape[1:])), tf.float32) * scale + low
        if drop_remainder:
            batch = tf.ensure_shape(batch, (batch_size, *images.shape[1:]))
        return batch

    dataset = tf.data.Dataset.from_tensors(0).flat_map(order).batch(batch_size, drop_remainder=drop_remainder)
    dataset = dataset.map(gather, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    if not taken:  # or the first pass would be shorter than it says
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches))
    return dataset.prefetch(tf.data.AUTOTUNE)


def load_array(name, split: str = "train", image_shape=None, *, data_dir: str | None = None) -> np.ndarray:
    """All samples of a source in memory, or in a temporary file: images uint8 `[N, H, W, C]`, or float32 in [0, 1];
    points float32 `[N, n]`.

    Args and errors are those of `load`.
    """
    source = _open(name, split, data_dir)
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

    images = _allocate((source.count, *shape), source.dtype)
    count = 0
    progress = tqdm(source.examples, total=source.count, desc=f"reading {describe(name)}", unit="image", delay=2.0)
    for example in progress:
        images[count] = fit_image(example, shape)
        count += 1
    if source.skipped:
        names = ", ".join(source.skipped[:5]) + (", ..." if len(source.skipped) > 5 else "")
        warnings.warn(f"Skipped {len(source.skipped)} unreadable image(s) in {describe(name)}: {names}", stacklevel=2)
    if not count:
        raise ValueError(f"{describe(name)} holds no readable image; skipped {len(source.skipped)}.")
    return images[:count]


def image_shape_of(name, split: str = "train", *, data_dir: str | None = None) -> tuple[int, ...] | None:
    """A source's own (height, width, channels), (n,) for points, or None where its images differ."""
    return _open(name, split, data_dir).find_shape()


def load_labels(name, split: str = "train", *, data_dir: str | None = None):
    """The classes of a source's samples, in the order of `load_array`.

    Returns:
        int64 `[N]`, and the classes' names; None where the source has no classes.

    Raises:
        ValueError: as for `load`.
    """
    if not _is_tfds(name):
        return None
    import tensorflow_datasets as tfds

    builder = _tfds_builder(name, data_dir)
    features = builder.info.features
    if not isinstance(features, tfds.features.FeaturesDict) or "label" not in features:
        return None
    if not isinstance(features["label"], tfds.features.ClassLabel):
        return None
    _prepare_tfds(builder, name, data_dir)
    _tfds_count(builder, name, split)
    dataset = builder.as_dataset(split=split, shuffle_files=False).map(lambda example: example["label"])
    return np.concatenate(list(dataset.batch(4096).as_numpy_iterator())), tuple(features["label"].names)


def splits_of(name, *, data_dir: str | None = None) -> tuple[str, ...]:
    """The names of a source's splits, such as ("train", "test").

    Raises:
        ValueError: there is no such source.
    """
    if not _is_tfds(name):
        return tuple(TOY_SPLITS) if isinstance(name, str) and name in toys.NAMES else ("train",)
    builder = _tfds_builder(name, data_dir)
    _prepare_tfds(builder, name, data_dir)
    return tuple(builder.info.splits)


def with_version(name: str) -> str:
    """A tensorflow-datasets name with its version, such as "fashion_mnist:3.0.1"; other names as they are."""
    if not _is_tfds(name):
        return name
    builder = _tfds_builder(name, None)
    return f"{builder.name}:{builder.version}"


def describe(name) -> str:
    """A source as an error message calls it."""
    return name if isinstance(name, str) else "the array"


def fit_image(image: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Centre-crops to the aspect ratio of `shape`, resizes with antialiasing, and converts between grey and RGB.

    Args:
        image: `[h, w, c]` with c 1 or 3; uint8, or float32 in [0, 1].
        shape: (H, W, C) with C 1 or 3.

    Returns:
        `[H, W, C]` of the same dtype. Grey is the luma of ITU-R 601, as Pillow computes it.
    """
    height, width, channels = shape
    if image.shape[2] != channels:
        if channels == 3:
            image = np.repeat(image, 3, axis=2)
        else:
            luma = image @ np.array([0.299, 0.587, 0.114], np.float32)
            image = (np.rint(luma) if image.dtype == np.uint8 else luma)[..., None].astype(image.dtype)
    if image.shape == shape:
        return image
    h, w, _ = image.shape
    crop_w, crop_h = min(w, h * width / height), min(h, w * height / width)
    left, top = (w - crop_w) / 2, (h - crop_h) / 2
    box = (left, top, left + crop_w, top + crop_h)
    # Pillow's bicubic widens its kernel when it shrinks an image, which is what antialiasing means here.
    resized = [
        np.asarray(Image.fromarray(image[..., c]).resize((width, height), Image.Resampling.BICUBIC, box=box))
        for c in range(channels)
    ]
    result = np.stack(resized, axis=-1)
    return result if image.dtype == np.uint8 else np.clip(result, 0.0, 1.0)


@dataclasses.dataclass
class _Source:
    """Where samples come from: either they lie in `array`, or `examples` yields them one by one.

    `find_shape` gives the shape that all of them have, or None; it may have to look at many files.
    """

    count: int
    dtype: type
    find_shape: Callable[[], tuple[int, ...] | None]
    examples: Iterable[np.ndarray]
    array: np.ndarray | None = None
    skipped: list[str] = dataclasses.field(default_factory=list)


def _open(name, split, data_dir) -> _Source:
    if not isinstance(name, str):
        return _open_array(np.asarray(name), split, "the array")
    if _is_tfds(name):
        return _open_tfds(name, split, data_dir)
    if name in toys.NAMES:
        return _open_toy(name, split)
    if name.startswith("folder:"):
        return _open_folder(pathlib.Path(name.removeprefix("folder:")).expanduser(), split)
    return _open_array(_read_numpy(pathlib.Path(name).expanduser()), split, name)


def _is_tfds(name) -> bool:
    return (
        isinstance(name, str)
        and name not in toys.NAMES
        and not name.startswith("folder:")
        and not name.endswith((".npy", ".npz"))
    )


def _read_numpy(path: pathlib.Path) -> np.ndarray:
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content
        with content:
            if "images" not in content.files and len(content.files) != 1:
                raise ValueError(f"it holds {', '.join(content.files) or 'nothing'}; name the array 'images'")
            return content["images" if "images" in content.files else content.files[0]]
    except Exception as error:  # a damaged file can fail anywhere in zipfile, zlib and numpy
        raise ValueError(f"Cannot read images from {path}: {first_line(error)}.") from None


def _open_toy(name: str, split: str) -> _Source:
    count, seed = TOY_SPLITS.get(split.partition("[")[0], (0, 0))
    part = _slice(split, count, name, "train|test", "the splits train and test, and slices such as 'train[:10%]'")
    return _points(toys.get(name).sample(count, seed)[part])


def _points(array: np.ndarray) -> _Source:
    return _Source(len(array), np.float32, lambda: array.shape[1:], array, array)


def _open_array(array: np.ndarray, split: str, name: str) -> _Source:
    if array.ndim == 2 and np.issubdtype(array.dtype, np.floating) and array.size:
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite.")
        return _points(np.asarray(array[_slice(split, len(array), name)], np.float32))
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3) or 0 in array.shape:
        raise ValueError(
            f"{name} must hold images [N, H, W] or [N, H, W, C] with 1 or 3 channels, or points [N, n] as floats; "
            f"found {array.dtype} of shape {array.shape}."
        )
    if np.issubdtype(array.dtype, np.floating):
        low, high = array.min(), array.max()
        if np.isnan(low):
            raise ValueError(f"{name} has NaN in its images.")
        if low < 0 or high > 1:
            raise ValueError(f"{name} holds floats from {low:g} to {high:g}; images must lie in [0, 1], or be uint8.")
        array = np.asarray(array, np.float32)
    elif array.dtype == np.uint8:
        pass  # every value is in range, and a large array may lie on disk
    elif np.issubdtype(array.dtype, np.integer):
        low, high = array.min(), array.max()
        if low < 0 or high > 255:
            raise ValueError(f"{name} holds whole numbers from {low} to {high}; images must lie in 0..255.")
        array = np.asarray(array, np.uint8)
    else:
        raise ValueError(f"{name} holds {array.dtype}; images must be uint8 in 0..255 or floats in [0, 1].")
    array = array[_slice(split, len(array), name)]
    return _Source(len(array), array.dtype.type, lambda: array.shape[1:], array, array)


def _open_folder(folder: pathlib.Path, split: str) -> _Source:
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}.")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise ValueError(f"{folder} holds no images ({', '.join(SUFFIXES)}).")
    files = files[_slice(split, len(files), str(folder))]
    skipped = []
    return _Source(
        count=len(files),
        dtype=np.uint8,
        find_shape=lambda: _common_shape(files),
        examples=_read_files(files, skipped),
        skipped=skipped,
    )


def _common_shape(files) -> tuple[int, int, int] | None:
    sizes = set()
    for path in files:
        try:
            with Image.open(path, formats=FORMATS) as image:
                sizes.add((image.height, image.width, 1 if image.mode in ("1", "L", "I", "I;16", "F") else 3))
        except (OSError, ValueError, Image.DecompressionBombError):
            continue  # it is named and counted when it is read
        if len(sizes) > 1:
            break
    return sizes.pop() if len(sizes) == 1 else None


def _read_files(files, skipped):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ahead = collections.deque()
        remaining = iter(files)
        while True:
            for path in itertools.islice(remaining, DECODED_AHEAD - len(ahead)):
                ahead.append((path, pool.submit(_read_image, path)))
            if not ahead:
                return
            path, reading = ahead.popleft()
            image = reading.result()
            if image is None:
                skipped.append(path.name)
            else:
                yield image


def _read_image(path: pathlib.Path) -> np.ndarray | None:
    """uint8 `[h, w, 1 or 3]`, or None where the file is no readable image or too large a one. Transparency is laid
    over white.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > LARGEST_IMAGE:
                return None
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I"):  # 16 bits
                pixels = (np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)
            elif image.mode in ("1", "L"):
                pixels = np.asarray(image.convert("L"))
            elif image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
                image = image.convert("RGBA")
                white = Image.new("RGBA", image.size, "white")
                pixels = np.asarray(Image.alpha_composite(white, image).convert("RGB"))
            else:
                pixels = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow's decoders raise
        return None
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _open_tfds(name: str, split: str, data_dir) -> _Source:
    import tensorflow_datasets as tfds

    builder = _tfds_builder(name, data_dir)
    features = builder.info.features
    feature = features["image"] if isinstance(features, tfds.features.FeaturesDict) and "image" in features else None
    if not isinstance(feature, tfds.features.Image):
        found = (
            ", ".join(sorted(features)) if isinstance(features, tfds.features.FeaturesDict) else type(features).__name__
        )
        raise ValueError(f"{name} of tensorflow-datasets has no 'image' feature; it has {found}.")
    _prepare_tfds(builder, name, data_dir)
    count = _tfds_count(builder, name, split)
    dataset = builder.as_dataset(split=split, shuffle_files=False).map(lambda example: example["image"])
    shape = feature.shape
    # Images of one size are taken in batches; one by one those of Fashion-MNIST take five seconds and more.
    batches = dataset.batch(1 if None in shape else 1024).prefetch(tf.data.AUTOTUNE)
    return _Source(
        count=count,
        dtype=np.uint8,
        find_shape=lambda: None if None in shape else tuple(shape),
        examples=_as_bytes(image for batch in batches.as_numpy_iterator() for image in batch),
    )


def _tfds_builder(name: str, data_dir):
    import tensorflow_datasets as tfds

    base, _, config = name.partition(":")
    try:
        return tfds.builder(f"{base}/{config}" if config else base, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        known = [*toys.NAMES, *tfds.list_builders()]
        raise ValueError(
            f"Unknown dataset {name!r}: neither a name of tensorflow-datasets, nor folder:PATH, nor a .npz file, nor "
            f"a toy ({', '.join(sorted(toys.NAMES))}).{suggestion(name, known)}"
        ) from None
    except ValueError as error:
        configs = list(tfds.builder_cls(base).builder_configs)
        if config and config not in configs:
            some = ", ".join(configs[:10]) + (", ..." if len(configs) > 10 else "") or "none"
            raise ValueError(
                f"Dataset {base!r} has no configuration {config!r}; it has {some}.{suggestion(config, configs)}"
            ) from None
        raise ValueError(f"Dataset {name!r}: {' '.join(str(error).split())}") from None


def _prepare_tfds(builder, name: str, data_dir) -> None:
    from kerasgan import fashion_mnist

    if builder.name == "fashion_mnist":
        fashion_mnist.prepare(data_dir)
    elif not (builder.data_path / "dataset_info.json").exists():
        print(f"kerasgan: tensorflow-datasets downloads and prepares {name}", file=sys.stderr, flush=True)
        try:
            builder.download_and_prepare()
        except Exception as error:  # whatever the network, the server or the disk may answer
            raise ValueError(f"tensorflow-datasets could not prepare {name}: {first_line(error)}") from error


def _tfds_count(builder, name: str, split: str) -> int:
    try:
        return builder.info.splits[split].num_examples
    except (KeyError, ValueError):
        raise ValueError(
            f"{name} has no split {split!r}; it has {', '.join(builder.info.splits)}, and slices such as 'train[:10%]'."
        ) from None


def _as_bytes(examples):
    for image in examples:
        if image.dtype != np.uint8:
            image = (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image.astype(np.uint8)
        yield image[..., :3] if image.shape[2] == 4 else image


def _slice(
    split: str,
    count: int,
    name: str,
    known: str = "train|all",
    has: str = "one split, 'train', and slices of it such as 'train[:10%]'",
) -> slice:
    """`train`, `train[a:b]` with whole numbers or percentages -> a slice of `count` samples."""
    match = re.fullmatch(rf"(?:{known})(?:\[(-?\d+%?)?:(-?\d+%?)?\])?", split)
    if not match:
        raise ValueError(f"{name} has {has}; found {split!r}.")

    def bound(text):
        if text is None:
            return None
        return round(int(text[:-1]) * count / 100) if text.endswith("%") else int(text)

    part = slice(bound(match.group(1)), bound(match.group(2)))
    if not len(range(count)[part]):
        raise ValueError(f"Split {split!r} of {name} holds none of its {count} images.")
    return part


def _allocate(shape, dtype) -> np.ndarray:
    if int(np.prod(shape)) * np.dtype(dtype).itemsize <= MEMORY_LIMIT:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(prefix="kerasgan-images-") as file:  # it has no name: the map alone keeps it
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)
