"""The source of toy distributions: points that are drawn, the same ones every time. `kerasgan.toys` has the toys."""

from kerasgan import toys
from kerasgan.data.source import Source, points
from kerasgan.data.splits import cut

TOY_SPLITS = {"train": (100_000, 0), "test": (10_000, 1)}  # points, as in PacGAN's protocol, and their seed


def open_toy(name: str, split: str) -> Source:
    """The points of a toy's split, in the order in which they are drawn.

    Raises:
        ValueError: there is no such split, or a slice holds nothing.
    """
    count, seed = TOY_SPLITS.get(split.partition("[")[0], (0, 0))
    has = "the splits train and test, and slices such as 'train[:10%]'"
    part = cut(split, count, name, tuple(TOY_SPLITS), has, "points")
    source = points(toys.get(name).sample(count, seed)[part])
    source.no_classes = "the points of a toy are all of one kind"
    return source
