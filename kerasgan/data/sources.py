"""Which source a name means, and the opening of it."""

import glob
import itertools
import os
import pathlib
from typing import Any

import tensorflow as tf

from kerasgan import toys
from kerasgan.data import arrays, tfds
from kerasgan.data.folder import open_folder
from kerasgan.data.images import SUFFIXES
from kerasgan.data.pictures import ARCHIVE
from kerasgan.data.source import Source
from kerasgan.data.splits import check_split
from kerasgan.data.toy import open_toy

PREFIX = "folder:"


def open_source(name: Any, split: str, data_dir: str | None, labels: Any = None, class_names: Any = None) -> Source:
    """The samples of a split of whatever `kerasgan.data.load` takes.

    Args:
        name, split, data_dir: as for `load`.
        labels: of all rows of an array, where they are given by hand.
        class_names: the names of these, or None.

    Raises:
        ValueError: there is no such source or split, or it holds no samples.
    """
    check_split(split)
    kind, found = recognise(name, data_dir)
    if kind == "array":
        by_hand = None if labels is None else (labels, class_names)
        return arrays.open_array(arrays.as_array(found), split, "the array", lambda: by_hand)
    if labels is not None:
        raise ValueError(
            f"Labels are given by hand for an array of samples; of {describe(name)} take its own, labels=True, or make "
            "an array of it: kerasgan.data.load_array."
        )
    if kind == "tfds":
        return tfds.open_tfds(found, split, data_dir)
    if kind == "toy":
        return open_toy(found, split)
    if kind == "folder":
        return open_folder(found, split)
    return arrays.open_file(found, split, str(name))


def find_names(name: Any, split: str, data_dir: str | None) -> tuple[str, ...] | None:
    """The names of a source's classes, without its images; None where it has none.

    Raises:
        ValueError: there is no such source, or something is wrong with its classes.
    """
    check_split(split)
    kind, found = recognise(name, data_dir)
    if kind == "folder":
        return open_folder(found, split).find_names()
    if kind == "tfds":
        return tfds.find_names(found, data_dir)
    return arrays.file_names(found) if kind == "file" else None


def recognise(name: Any, data_dir: str | None = None) -> tuple[str, Any]:
    """What a source is, "array", "toy", "folder", "file" or "tfds", and where it is: itself, a name or a path.

    Of one name, toys come before tensorflow-datasets', and those before folders. What can be no name of a dataset is
    found out without importing tensorflow-datasets.

    Raises:
        ValueError: it is none of them.
    """
    if isinstance(name, tf.data.Dataset):
        raise ValueError(
            "kerasgan.data.load makes a tf.data.Dataset and takes none. Give yours to fit as it is, once its batches "
            "are floats (B, height, width, channels) in the model's value range, such as "
            "dataset.map(lambda image: tf.cast(image, tf.float32) / 127.5 - 1).batch(128, drop_remainder=True)."
        )
    empty = isinstance(name, str) and not name.strip()
    if empty or name is None or isinstance(name, (bytes, dict, set)):
        raise ValueError(
            "kerasgan.data.load takes a dataset's name, 'folder:PATH', a folder, a .npy or .npz file, or an array; "
            f"found {'an empty name' if empty else type(name).__name__}."
        )
    if not isinstance(name, (str, os.PathLike)):
        return "array", name
    text = os.fspath(name)
    named = isinstance(name, str)
    if named and text in toys.NAMES:
        return "toy", text
    if named and text.startswith(PREFIX):
        path = _expanded(text.removeprefix(PREFIX))
        if not (os.path.isdir(path) or _is_archive(path)):
            raise ValueError(_nothing_there(path))
        return "folder", path
    path = _expanded(text)
    if text.endswith(arrays.ENDINGS):
        return "file", path
    if _is_archive(path):
        return "folder", path
    is_folder = os.path.isdir(path)
    if named and tfds.may_know(text):
        is_path = is_folder or "/" in text  # or may be one
        if not is_path or tfds.knows(text, data_dir) or (not is_folder and tfds.knows_base(text)):
            return "tfds", text
    if not is_folder:
        raise ValueError(_nothing_there(path))
    return "folder", path


def are_same(one: str, other: str) -> bool:
    """Whether two names mean one source, however its folder or file is written."""
    if one == other:
        return True
    try:
        (kind, found), (other_kind, other_found) = recognise(one), recognise(other)
    except ValueError:  # one of them is no more
        return False
    return kind == other_kind and isinstance(found, pathlib.Path) and found.resolve() == other_found.resolve()


def _is_archive(path: pathlib.Path) -> bool:
    return path.suffix.lower() == ARCHIVE and os.path.isfile(path)


def describe(name: Any) -> str:
    """A source as an error message calls it."""
    return str(name) if isinstance(name, (str, os.PathLike)) else "the array"


def _expanded(path: str) -> pathlib.Path:
    return pathlib.Path(os.path.expanduser(path))


def _nothing_there(path: pathlib.Path) -> str:
    """Why a path is no folder of images, and what would be one."""
    if os.path.isfile(path):
        if path.suffix.lower() in SUFFIXES:
            return f"{path} is one image; give the folder it lies in: folder:{path.parent}"
        return f"{path} is neither a folder of images (folder:PATH) nor a .zip, .npy or .npz file."
    if _is_pattern(str(path)):
        folder = pathlib.Path(*itertools.takewhile(lambda part: not _is_pattern(part), path.parts))
        found = len(glob.glob(str(path), recursive=True))
        return (
            f"{path} is a pattern (it matches {found} files), and folders are taken whole, with all images below them: "
            f"folder:{folder}"
        )
    nearest = path.parent
    while not os.path.isdir(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    try:
        inside = sorted(entry.name for entry in os.scandir(nearest) if entry.is_dir() and entry.name[0] != ".")
    except OSError:
        inside = []
    holds = f"the folders {', '.join(inside[:5])}{', ...' if len(inside) > 5 else ''}" if inside else "no folders"
    where = "the working directory" if str(nearest) == "." else nearest
    return f"There is no folder {path} to read images from (folder:PATH); {where} holds {holds}."


def _is_pattern(path: str) -> bool:
    return any(sign in path for sign in "*?[")
