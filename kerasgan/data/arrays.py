"""The source of arrays, in memory and in `.npy` and `.npz` files. Their rows have an order, which slices keep."""

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasgan.data.classes import check_labels
from kerasgan.data.rows import Rows
from kerasgan.data.source import Source, points
from kerasgan.data.splits import cut
from kerasgan.errors import first_line

ENDINGS = (".npy", ".npz")


def read(path: pathlib.Path) -> np.ndarray:
    """The array in a `.npy` file, or "images" or the only one in an `.npz`.

    Raises:
        ValueError: there is no such file, it is damaged, or it leaves open which array is meant.
    """
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


def read_labels(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray | None] | None:
    """The arrays "labels" and "class_names" beside the "images" of an `.npz`, as they are; None where it has no labels.

    Raises:
        ValueError: there is no such file, or it is damaged.
    """
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    try:
        content = np.load(path, mmap_mode="r", allow_pickle=False)  # or a .npy would be read for nothing
        if isinstance(content, np.ndarray):
            return None
        with content:
            if not {"images", "labels"} <= set(content.files):
                return None
            return content["labels"], content["class_names"] if "class_names" in content.files else None
    except Exception as error:  # as above
        raise ValueError(f"Cannot read labels from {path}: {first_line(error)}.") from None


def open_file(path: pathlib.Path, split: str, name: str) -> Source:
    """The rows of a file that a split takes, with their labels where it holds any.

    Raises:
        ValueError: as for `read` and `open_array`.
    """
    source = open_array(read(path), split, name, functools.partial(read_labels, path))
    source.no_classes = "it holds images alone; an .npz file can hold 'images' and, as whole numbers [N], 'labels'"
    return source


def file_names(path: pathlib.Path) -> tuple[str, ...] | None:
    """The names of the classes in a file, without its images; None where it has none.

    Raises:
        ValueError: there is no such file, or it or its labels are damaged.
    """
    found = read_labels(path)
    return found and check_labels(*found, np.size(found[0]), f"the labels of {path}")[1]


def as_array(samples: Any) -> Any:
    """Whatever numpy makes an array of; rows on disk stay there.

    Raises:
        ValueError: it makes none of it.
    """
    if isinstance(samples, Rows):
        return samples
    try:
        array = np.asarray(samples)
    except Exception as error:  # rows of several lengths, a tensor on another device, a symbolic one
        raise ValueError(f"{type(samples).__name__} is no array of samples: {first_line(error)}.") from None
    if array.dtype == object:
        raise ValueError(
            "kerasgan.data.load takes a dataset's name, 'folder:PATH', a .npy or .npz file, or an array of one shape; "
            f"found {type(samples).__name__}."
        )
    return array


def open_array(
    array: Any, split: str, name: str, find_labels: Callable[[], tuple[Any, Any] | None] = lambda: None
) -> Source:
    """The rows of an array that a split takes, in their order.

    Args:
        array: images uint8 in 0..255 or floats in [0, 1], `[N, H, W]` or `[N, H, W, C]`; or points, floats `[N, n]`; or
            `Rows` of images on disk.
        split: "train" or "all", which are everything, or a slice of it.
        name: what messages call it.
        find_labels: gives the labels of all rows and the classes' names, as `check_labels` takes them, or None.

    Raises:
        ValueError: another shape, dtype or range, or no such split.
    """
    if array.ndim == 2 and np.issubdtype(array.dtype, np.floating) and array.size:
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite.")
        part = cut(split, len(array), name)
        return _labelled(points(np.asarray(array[part], np.float32)), find_labels, len(array), part, name)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3) or 0 in array.shape:
        raise ValueError(
            f"{name} must hold images [N, H, W] or [N, H, W, C] with 1 or 3 channels, or points [N, n] as floats; "
            f"found {array.dtype} of shape {array.shape}."
        )
    array = _checked(array, name)
    part = cut(split, len(array), name, what="images")
    rows: Any = array.part(part) if isinstance(array, Rows) else array[part]
    source = Source(len(rows), rows.dtype.type, lambda: rows.shape[1:], rows, rows)
    return _labelled(source, find_labels, len(array), part, name)


def _labelled(
    source: Source, find_labels: Callable[[], tuple[Any, Any] | None], count: int, part: slice, name: str
) -> Source:
    """The source of some of `count` rows, which knows of the labels of all."""

    @functools.cache  # of labels, which are few bytes beside their images
    def find() -> tuple[np.ndarray, tuple[str, ...]] | None:
        found = find_labels()
        return found and check_labels(*found, count, f"the labels of {name}")

    def find_names() -> tuple[str, ...] | None:
        found = find()
        return found and found[1]

    def find_part() -> np.ndarray:
        found = find()
        assert found is not None, "asked for labels where find_names gives none"
        return found[0][part]

    source.find_names, source.find_labels = find_names, find_part
    source.no_classes = "give them beside it, labels=[...], a whole number for each sample"
    return source


def _checked(array: np.ndarray, name: str) -> np.ndarray:
    """Images as uint8 in 0..255 or float32 in [0, 1]."""
    if np.issubdtype(array.dtype, np.floating):
        low, high = array.min(), array.max()
        if np.isnan(low):
            raise ValueError(f"{name} has NaN in its images.")
        if low < 0 or high > 1:
            raise ValueError(f"{name} holds floats from {low:g} to {high:g}; images must lie in [0, 1], or be uint8.")
        return np.asarray(array, np.float32)
    if array.dtype == np.uint8:
        return array  # every value is in range, and a large array may lie on disk
    if np.issubdtype(array.dtype, np.integer):
        low, high = array.min(), array.max()
        if low < 0 or high > 255:
            raise ValueError(f"{name} holds whole numbers from {low} to {high}; images must lie in 0..255.")
        return np.asarray(array, np.uint8)
    raise ValueError(f"{name} holds {array.dtype}; images must be uint8 in 0..255 or floats in [0, 1].")
