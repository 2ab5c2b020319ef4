"""What a folder or an archive of pictures holds, found by looking at each of them once; of other sources what they say
of themselves.
"""

import collections
import dataclasses
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import ExifTags, Image
from tqdm import tqdm

from kerasgan.classes import some
from kerasgan.data.folder import class_of, find_class_folders, in_threads
from kerasgan.data.images import FAULTS, FORMATS, JPEG, LARGEST_IMAGE, SIDEWAYS, Files, flatten
from kerasgan.data.pictures import Pictures, find_pictures
from kerasgan.data.sources import open_source, recognise

NEAR = 6  # bits of the 128 of two pictures' hashes that may differ in near copies
BANDS = 8  # of 16 bits each: of two hashes that differ in 7 bits at most, one band at least is the same
MOST_IN_BAND = 3000  # hashes that share a band and are compared with each other
GREY = 4  # of 255: how far the channels of a grey picture in RGB may differ, as JPEG leaves them


@dataclasses.dataclass(frozen=True)
class Survey:
    """What a folder or an archive of pictures holds.

    Attributes:
        name: of the folder or archive.
        count: pictures that can be read.
        formats: how many of each, such as {"PNG": 12}.
        sizes: int64 `[count, 2]`, height and width of each, upright.
        grey: how many are grey, whatever their files say.
        turned: how many lie on their side, as their EXIF orientation says; they are set upright.
        see_through: how many have transparent pixels, which are laid over white.
        moving: how many are animated; their first picture takes part.
        broken: the files that cannot be read, or are too large.
        copies: groups of pictures that look alike, the largest first.
        classes: how many each of the folders that lie directly in it holds, by their names; None where there are none.
        no_classes: why there are none, where its folders would be some but for something in them.
        links: links to folders, which are not followed.
    """

    name: str
    count: int
    formats: dict[str, int]
    sizes: np.ndarray
    grey: int
    turned: int = 0
    see_through: int = 0
    moving: int = 0
    broken: tuple[str, ...] = ()
    copies: tuple[tuple[str, ...], ...] = ()
    classes: dict[str, int] | None = None
    no_classes: str | None = None
    links: tuple[str, ...] = ()

    @property
    def sides(self) -> np.ndarray:
        """int64 `[count]`: the shorter side of each picture."""
        return self.sizes.min(axis=1)

    def rows(self) -> list[tuple[str, str]]:
        """What it says to people: names and texts."""
        formats = ", ".join(f"{count} {name}" for name, count in sorted(self.formats.items(), key=lambda x: -x[1]))
        height, width = self.sizes[:, 0], self.sizes[:, 1]
        shapes = {
            "upright": int((height > width).sum()),
            "wide": int((height < width).sum()),
            "square": int((height == width).sum()),
        }
        turned = f"; {self.turned} turned, as their EXIF orientation says" if self.turned else ""
        rows = [
            ("pictures", f"{self.count} ({formats})" if formats else str(self.count)),
            ("sizes", _sizes(self.sizes)),
            ("orientation", ", ".join(f"{count} {name}" for name, count in shapes.items() if count) + turned),
            ("colours", f"{self.count - self.grey} in colour, {self.grey} grey"),
        ]
        if self.see_through:
            rows.append(("transparent", f"{self.see_through}, laid over white"))
        if self.moving:
            rows.append(("animated", f"{self.moving}, of which the first picture is taken"))
        if self.classes is not None:
            counts = ", ".join(f"{name} ({count})" for name, count in list(self.classes.items())[:6])
            rows.append(("classes", f"{len(self.classes)}: {counts}{', ...' if len(self.classes) > 6 else ''}"))
        elif self.no_classes is not None:
            rows.append(("classes", f"none: {self.no_classes}"))
        if self.copies:
            alike = sum(map(len, self.copies))
            rows.append(
                ("near copies", f"{alike} pictures in {len(self.copies)} groups, such as {some(self.copies[0])}")
            )
        if self.broken:
            rows.append(("left out", f"{len(self.broken)} that cannot be read or are too large: {some(self.broken)}"))
        if self.links:
            rows.append(("not followed", f"{len(self.links)} links to folders: {some(self.links)}"))
        return rows


def _sizes(sizes):
    (height, width), count = collections.Counter(map(tuple, sizes.tolist())).most_common(1)[0]
    if count == len(sizes):
        return f"{width}x{height}"
    smallest, largest = (sizes[np.argsort(sizes.prod(axis=1), kind="stable")[i]] for i in (0, -1))
    ends = [f"{width}x{height}" for height, width in (smallest, largest)]
    return f"{ends[0]} to {ends[1]}, {count} of {width}x{height}"


@dataclasses.dataclass(frozen=True)
class _Picture:
    format: str
    size: tuple[int, int]
    grey: bool
    turned: bool
    see_through: bool
    moving: bool
    hash: np.ndarray  # uint16 [8]


def survey(name: str) -> Survey:
    """Looks at what `kerasgan.data.load` takes by a name: at every picture in a folder or an archive.

    Raises:
        ValueError: there is no such source, it holds no picture that can be read, or points and no pictures.
    """
    kind, path = recognise(name)
    if kind == "folder":
        return _survey_pictures(path)
    source = open_source(name, "train", None)
    shape = source.find_shape()
    if shape is not None and len(shape) != 3:
        raise ValueError(f"{name} holds points and no pictures: kerasgan train --model=vanilla_gan --dataset={name}")
    if shape is None:
        raise ValueError(f"The images of {name} differ in size: kerasgan train --dataset={name} --image_shape=64,64,3")
    names = source.find_names()
    classes = None
    if names is not None:
        classes = dict(zip(names, np.bincount(source.find_labels(), minlength=len(names)).tolist(), strict=True))
    return Survey(
        name=name,
        count=source.count,
        formats={},
        sizes=np.full((source.count, 2), shape[:2], np.int64),
        grey=source.count if shape[2] == 1 else 0,
        classes=classes,
    )


def _survey_pictures(path: pathlib.Path) -> Survey:
    pictures = find_pictures(path)
    found: dict[pathlib.PurePath, _Picture] = {}
    broken = []
    looked = in_threads(lambda file: _look(pictures, file), pictures.files)
    for file, picture in tqdm(looked, total=len(pictures.files), desc=f"looking at {path}", unit="image", delay=1.0):
        if picture is None:
            broken.append(file.as_posix())
        else:
            found[file] = picture
    if not found:
        raise ValueError(f"{path} holds no readable image; {len(broken)} cannot be read: {some(broken)}.")
    seen = list(found.values())
    classes, no_classes = _classes(pictures, list(found))
    hashes = np.array([picture.hash for picture in seen])
    names = [file.as_posix() for file in found]
    return Survey(
        name=str(path),
        count=len(seen),
        formats=dict(collections.Counter(picture.format for picture in seen)),
        sizes=np.array([picture.size for picture in seen], np.int64),
        grey=sum(picture.grey for picture in seen),
        turned=sum(picture.turned for picture in seen),
        see_through=sum(picture.see_through for picture in seen),
        moving=sum(picture.moving for picture in seen),
        broken=tuple(broken),
        copies=tuple(tuple(names[i] for i in group) for group in find_copies(hashes)),
        classes=classes,
        no_classes=no_classes,
        links=pictures.links,
    )


def _classes(pictures: Pictures, readable: list[pathlib.PurePath]) -> tuple[dict[str, int] | None, str | None]:
    try:
        names = find_class_folders(pictures)
    except ValueError as error:
        return None, str(error).rstrip(".")
    if names is None:
        return None, None
    counts = collections.Counter(class_of(file) for file in readable)
    return {name: counts[name] for name in names}, None


def _look(files: Files, name: pathlib.PurePath) -> _Picture | None:
    """One picture; None where it cannot be read, just as `read_image` cannot."""
    try:
        with files.open(name) as content, Image.open(content, formats=FORMATS) as file:
            image: Any = file  # what Pillow makes of it changes its class
            kind = "JPEG" if image.format in JPEG else str(image.format)
            moving = kind != "JPEG" and getattr(image, "n_frames", 1) > 1
            width, height = image.size
            image.draft(None, (64, 64))  # of a large JPEG an eighth alone, in a fraction of the time
            if image.width * image.height > LARGEST_IMAGE:
                return None
            image.load()
            turned = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
            if turned:
                width, height = height, width
            image, see_through = flatten(image)
            small = np.asarray(image.convert("RGB").resize((32, 32), Image.Resampling.BOX)).astype(np.int16)
            grey = int((small.max(axis=2) - small.min(axis=2)).max()) <= GREY
            return _Picture(kind, (height, width), grey, turned, see_through, moving, perceptual_hash(image))
    except FAULTS:
        return None


def perceptual_hash(image: Image.Image) -> np.ndarray:
    """Of a picture, what stays the same when it is scaled, brightened or compressed anew: of 8x8 cells whether each is
    brighter than the next to the right, and than the next below ("difference hash").

    Returns:
        uint16 `[8]`, 128 bits.
    """
    small = np.asarray(image.convert("L").resize((9, 9), Image.Resampling.BOX)).astype(np.int16)
    bits = np.concatenate([small[:8, :8] > small[:8, 1:], small[:8, :8] > small[1:, :8]], axis=None)
    return np.packbits(bits).view(">u2").astype(np.uint16)


def find_copies(hashes: np.ndarray) -> list[list[int]]:
    """Groups of pictures whose hashes differ in `NEAR` bits at most, from one to the next.

    Args:
        hashes: uint16 `[N, 8]`.

    Returns:
        Of each group of two and more the rows, the largest group first.
    """
    unique, which = np.unique(hashes, axis=0, return_inverse=True)
    parent = list(range(len(unique)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for band in range(BANDS):
        order = np.argsort(unique[:, band], kind="stable")
        starts = np.flatnonzero(np.diff(unique[order, band], prepend=-1))
        for same in np.split(order, starts[1:]):
            same = same[:MOST_IN_BAND]
            for i, j in _close(unique[same]):
                parent[root(int(same[j]))] = root(int(same[i]))
    groups: dict[int, list[int]] = collections.defaultdict(list)
    for row, index in enumerate(which.reshape(-1)):
        groups[root(int(index))].append(row)
    return sorted((group for group in groups.values() if len(group) > 1), key=lambda group: (-len(group), group))


def _close(hashes: np.ndarray) -> Iterable[tuple[int, int]]:
    for i in range(len(hashes) - 1):
        differ = np.unpackbits((hashes[i] ^ hashes[i + 1 :]).view(np.uint8), axis=1).sum(axis=1)
        for j in np.flatnonzero(differ <= NEAR):
            yield i, i + 1 + int(j)
