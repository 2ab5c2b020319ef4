"""What a trained GAN has not seen: what it was trained on, as its run or preset says, and which split is left over."""

import dataclasses
import pathlib
import re

from kerasgan.files import Path
from kerasgan.runs.config import _read, holds_run, was_cut_otherwise


@dataclasses.dataclass(frozen=True)
class Training:
    """What a GAN was trained on.

    Attributes:
        dataset: as `kerasgan.data.load` takes it.
        split: of it; None where an older kerasgan took other pictures for that split than this one does.
        features: what its epochs were scored by, or None.
    """

    dataset: str
    split: str | None
    features: str | None = None

    def is_on(self, dataset: str) -> bool:
        """Whether it was trained on this: its name, that without the version, or the same folder or file."""
        from kerasgan import data

        return dataset == self.dataset.rpartition(":")[0] or data.are_same(dataset, self.dataset)


def training_of(path: Path) -> Training | None:
    """What the run or the preset in a folder, or a run's `.keras` file, was trained on; None where nothing says so.

    Raises:
        ValueError: a run's `config.json` or a preset's `metadata.json` that cannot be read.
    """
    from kerasgan import presets

    path = pathlib.Path(path)
    if path.suffix == ".keras" and path.is_file():
        path = path.parent.parent if path.parent.name == "checkpoints" else path.parent
    if presets.is_preset(path):
        facts = presets.read_metadata(path)
        dataset, split = facts.get("dataset"), facts.get("split")
        features, version = facts.get("features"), facts.get("libraries", {}).get("kerasgan", "0")
    elif holds_run(path):
        config, version = _read(path)
        dataset, split, features = config.dataset, config.split, config.features
    else:
        return None
    if not isinstance(dataset, str) or not isinstance(split, str):
        return None
    return Training(dataset, None if was_cut_otherwise(dataset, split, version) else split, features)


def choose_splits(
    trained: str | None, has: tuple[str, ...], split: str | None = None, training_split: str | None = None
) -> tuple[str, str]:
    """The split to score on, and the one that stands for the training: what is given, or what fits.

    Scored is what was not trained on: "test" where there is one, else "validation", else the rest of the only split
    there is; all of it where no rest is left. The reference is then what was trained on, or the whole of the split that
    this is a part of where scored is another one.

    Args:
        trained: the split trained on; None where nobody knows.
        has: all splits of the dataset.
        split, training_split: as asked for, or None.

    Returns:
        `(split, training_split)`.
    """
    trained = trained or "train"
    if split is None:
        others = [name for name in ("test", "validation") if name in has and not overlap(name, trained)]
        split = others[0] if others else rest_of(trained) or _name_of(trained)
    if training_split is None:
        training_split = trained if _name_of(split) == _name_of(trained) else _name_of(trained)
    return split, training_split


def rest_of(split: str) -> str | None:
    """The larger part of a source that a slice leaves: "train[90%:]" of "train[:90%]"; None where nothing is left."""
    name, low, high = _bounds(split)
    before = None if low in (None, "0", "0%") else f"{name}[:{low}]"
    after = None if high in (None, "100%") else f"{name}[{high}:]"
    if low and high and before and after and low.endswith("%") and high.endswith("%"):
        return before if int(low[:-1]) > 100 - int(high[:-1]) else after
    return after or before


def overlap(first: str, second: str) -> bool:
    """Whether two splits, or sums of splits such as "train+test", share samples.

    Of one in per cent and one in numbers, or counted from the end, that is not known without their source; then False.
    """
    return any(_share(a, b) for a in first.split("+") for b in second.split("+"))


def _share(first, second):
    (name, *a), (other, *b) = _bounds(first), _bounds(second)
    if name != other:
        return False
    if (a[1] is not None and a[1] == b[0]) or (b[1] is not None and b[1] == a[0]):
        return False  # one begins where the other ends
    numbers = [_number(bound, end) for bounds in (a, b) for bound, end in zip(bounds, (False, True), strict=True)]
    units = {bound[-1:] == "%" for bound in (*a, *b) if bound not in (None, "0", "0%")}
    if a == b or [None, None] in (a, b):
        return True
    if None in numbers or len(units) > 1:
        return False
    low_a, high_a, low_b, high_b = numbers
    return max(low_a, low_b) < min(high_a, high_b)


def _number(bound, end):
    """A bound as a number; None of one that is counted from the end."""
    if bound is None:
        return float("inf") if end else 0.0
    number = int(bound.removesuffix("%"))
    return None if number < 0 else float(number)


def _name_of(split: str) -> str:
    return split.partition("[")[0]


def _bounds(split: str) -> tuple[str, str | None, str | None]:
    """`"train[:90%]"` -> `("train", None, "90%")`; what is no slice has no bounds."""
    match = re.fullmatch(r"([^\[\]]+)(?:\[(-?\d+%?)?:(-?\d+%?)?\])?", split)
    return (match[1], match[2], match[3]) if match else (split, None, None)
