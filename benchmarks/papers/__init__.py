"""The rows of docs/reproductions.md: figures that papers print, and how ours beside them are measured.

A module for each paper or two, a `Row` for each line. `reproductions.py` measures, keeps and prints them.
"""

import dataclasses
import importlib
import pathlib
from collections.abc import Callable
from typing import Any

MODULES = ("goodfellow", "dcgan", "infogan", "ebgan", "pacgan")
BEST = {"lowest": min, "highest": max}


@dataclasses.dataclass(frozen=True)
class Figure:
    """A number that a paper prints, and ours beside it.

    Attributes:
        score: its name among the scores that `Row.measure` returns.
        what: it is, with its unit.
        published: as the paper prints it; "-" where it prints none.
        source: the table or the section, and the page where it is known.
        over: "mean" over the seeds with its standard error, or "median", "lowest", "highest"; "count" of those with 1.
        digits: behind the point.
    """

    score: str
    what: str
    published: str
    source: str
    over: str = "mean"
    digits: int = 1


@dataclasses.dataclass(frozen=True)
class Row:
    """Figures of one training, over several seeds.

    Attributes:
        name: of the command's argument, of the file with the results, and of the picture.
        paper: authors, year and where it is.
        what: is trained and measured, in a line.
        figures: what is compared.
        measure: (seed, folder) -> scores. It leaves its training in the folder and goes on with it when it is called
            again; other files there are its own as well.
        seeds: how many the table is to be of, from 0 on.
        minutes: that one seed takes on two cores, for `--all` to add up.
        together: the title of a table that rows with the same figures share, a line each; None is a table of its own.
        note: below the table: what falls short and what was tried.
        draw: (folder of all seeds, .png) -> None, where there is something to see.
    """

    name: str
    paper: str
    what: str
    figures: tuple[Figure, ...]
    measure: Callable[[int, pathlib.Path], dict[str, float]]
    seeds: int
    minutes: float
    together: str | None = None
    note: str = ""
    draw: Callable[[pathlib.Path, pathlib.Path], None] | None = None


def rows() -> dict[str, Row]:
    """All rows by their names, in the order of the page."""
    return {row.name: row for name in MODULES for row in importlib.import_module(f"papers.{name}").ROWS}


def trained(config: Any, folder: pathlib.Path) -> Any:
    """The GAN of a training that `kerasgan.runs` keeps in a folder: begun, gone on with, or loaded where it is done."""
    from kerasgan import GAN, runs

    if (folder / "final.keras").is_file() and runs.read_config(folder) == config:
        return GAN.from_preset(folder / "final.keras")
    return runs.train(config, folder, resume=runs.holds_run(folder))


def with_seed(recipe: str, seed: int, **settings: Any) -> Any:
    """A registered recipe with another seed, and other settings of its family or of the run, such as `dataset`."""
    from kerasgan import runs

    config = runs.resolve_recipe(recipe)
    of_run = {name: value for name, value in settings.items() if hasattr(config, name)}
    of_recipe = {name: value for name, value in settings.items() if name in config.recipe or name not in of_run}
    return dataclasses.replace(config, **of_run, recipe={**config.recipe, **of_recipe, "seed": seed})
