"""A trained GAN as the beginning of a run: what its networks were made from."""

import dataclasses
import pathlib
import re
from typing import Any

from kerasgan import registry
from kerasgan.files import Path
from kerasgan.runs.config import Config, holds_run, read_config

# What a new training decides for itself. Schedules are those of another length, and are left out wherever they stand.
ANEW = ("classes", "seed", "epochs", "batch_size", "precision", "sync_batch_norm", "schedule_images")
SCHEDULES = ("cosine(", "halving(")


@dataclasses.dataclass(frozen=True)
class Origin:
    """What a trained GAN was made from.

    Attributes:
        model: its family.
        recipe: every field of the family's recipe.
        classes: their names, or None.
    """

    model: str
    recipe: dict[str, Any]
    classes: tuple[str, ...] | None

    def settings(self) -> dict[str, Any]:
        """The fields of the recipe that a GAN which begins with these weights should share."""
        kept = {}
        for name, value in self.recipe.items():
            scheduled = isinstance(value, str) and any(word in value for word in SCHEDULES)
            if name not in ANEW and value is not None and not scheduled:
                kept[name] = value
        kept["image_shape"] = tuple(self.recipe["image_shape"])
        return kept


def origin_of(preset: Path) -> Origin:
    """What the run, preset or run's `.keras` file that `kerasgan.presets.load` takes was made from.

    Raises:
        ValueError: there is no such thing, or it does not say what its networks were made from.
    """
    from kerasgan import presets

    path = pathlib.Path(presets.find(preset))
    if path.suffix == ".keras" and path.is_file():
        path = path.parent.parent if path.parent.name == "checkpoints" else path.parent
    if presets.is_preset(path):
        origin = _of_preset(presets.read_metadata(path))
    elif holds_run(path):
        origin = _of_run(read_config(path))
    else:
        origin = None
    if origin is None:
        raise ValueError(
            f"{preset} does not say what its networks were made from, as a run's folder and a preset that `kerasgan "
            "preset` made of one do; in Python GAN.from_preset and fit go on with it as it is."
        )
    return origin


def _of_run(config: Config) -> Origin:
    classes = config.recipe["classes"]
    return Origin(config.model, config.recipe, classes if isinstance(classes, tuple) else None)


def _of_preset(facts: dict[str, Any]) -> Origin | None:
    classes = tuple(facts["classes"]) if facts.get("classes") else None
    settings = facts.get("settings")
    made_by = re.fullmatch(r"kerasgan train --recipe=(\w+)", str(facts.get("recipe")))
    if settings is None and made_by and made_by[1] in registry.list_preset_recipes():
        recipe = registry.get_preset_recipe(made_by[1])
        settings = {name: value for name, value in recipe.settings.items() if name != "conditional"}
        settings = dataclasses.asdict(registry.get_recipe(recipe.model, **settings, classes=classes))
    if settings is None:
        return None
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    return Origin(str(facts["model"]), settings, classes)
