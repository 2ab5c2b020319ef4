"""The figures that the papers print, and ours beside them: docs/reproductions.md, row by row.

    python benchmarks/reproductions.py --all               # the rows, what is there of them, what the rest would cost
    python benchmarks/reproductions.py gan_parzen          # measures what is missing of a row, seed by seed
    python benchmarks/reproductions.py --page              # writes the tables into docs/reproductions.md

A row's trainings lie in `--folder`; one that was cut goes on where it stopped. Each seed's scores are written to
`--results` as soon as they are there, with versions, processor and the time they took; a seed that is there is not
trained again.
"""

import dataclasses
import itertools
import json
import os
import pathlib
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import papers
from absl import app, flags
from machine import processor

from kerasgan.errors import suggestion
from kerasgan.files import replacing

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reproductions.md"
FORMAT = 1  # of the files with the results
MARKS = "<!-- rows -->\n", "<!-- /rows -->\n"

FLAGS = flags.FLAGS
flags.DEFINE_bool("all", False, "list all rows, and what they would cost in hours")
flags.DEFINE_bool("page", False, "write the page")
flags.DEFINE_integer("seeds", None, "so many seeds of a row, from 0 on; default is what the row is to have")
flags.DEFINE_string("folder", "runs/reproductions", "of the trainings")
flags.DEFINE_string("results", str(ROOT / "docs" / "reproductions"), "of the results and pictures")


def read(row: papers.Row, folder: pathlib.Path) -> dict[str, dict]:
    """The results of a row by seed; none where there is no file.

    Raises:
        ValueError: a file that is none of ours, or of another version.
    """
    path = folder / f"{row.name}.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text())
        found = content["format"]
        if found == FORMAT and content["row"] == row.name:
            return dict(sorted(content["seeds"].items(), key=lambda item: int(item[0])))
    except (ValueError, KeyError, TypeError, AttributeError):
        found = "none"
    raise ValueError(f"{path} is no file of results of format {FORMAT}: found {found}. Move it away to measure anew.")


def write(row: papers.Row, seeds: dict[str, dict], folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = {"format": FORMAT, "row": row.name, "command": command(row), "seeds": seeds}
    with replacing(folder / f"{row.name}.json") as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")


def command(row: papers.Row) -> str:
    return f"python benchmarks/reproductions.py {row.name}"


def training_minutes(folder: pathlib.Path) -> float:
    """What the trainings below a folder counted themselves. A sitting that was killed counted nothing else."""
    return sum(json.loads(file.read_text())["seconds"] for file in folder.rglob("time.json")) / 60


def measure(row: papers.Row, seeds: int, trainings: pathlib.Path, folder: pathlib.Path) -> dict[str, dict]:
    """Measures the seeds that are missing, and draws the row's picture."""
    from kerasgan import presets

    results = read(row, folder)
    for seed in range(seeds):
        if str(seed) in results:
            continue
        print(f"{row.name}, seed {seed} of 0 to {seeds - 1}", file=sys.stderr, flush=True)
        own = trainings / row.name / str(seed)
        own.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        spent_file = own / "minutes.json"  # of earlier sittings
        before = json.loads(spent_file.read_text()) if spent_file.is_file() else 0.0
        try:
            scores = row.measure(seed, own)
        finally:
            minutes = max(before + (time.monotonic() - start) / 60, training_minutes(own))
            with replacing(spent_file) as temporary:
                temporary.write_text(json.dumps(minutes))
        results[str(seed)] = {
            "scores": scores,
            "minutes": round(minutes, 1),
            "versions": presets.versions(),
            "processor": processor(),  # on another kind a training may have other digits
        }
        write(row, results, folder)
    return results


def value_of(figure: papers.Figure, results: dict[str, dict]) -> str:
    """A figure over the seeds, as the page says it.

    Raises:
        ValueError: results from before the row had this figure.
    """
    if any(figure.score not in one["scores"] for one in results.values()):
        raise ValueError(f"There are results without {figure.score!r}, {figure.what}. Move them away to measure anew.")
    values = [one["scores"][figure.score] for one in results.values()]
    if not values:
        return "not measured"
    if figure.over == "count":
        return f"{sum(values):.0f} of {len(values)}"
    if figure.over != "mean":
        value = statistics.median(values) if figure.over == "median" else papers.BEST[figure.over](values)
        return f"{value:.{figure.digits}f}"
    text = f"{statistics.mean(values):.{figure.digits}f}"
    if len(values) > 1:
        text += f" ± {statistics.stdev(values) / len(values) ** 0.5:.{figure.digits}f}"
    return text


def seeds_of(row: papers.Row, results: dict[str, dict]) -> str:
    return f"{len(results)}" if len(results) >= row.seeds else f"{len(results)} of {row.seeds}"


def tables(folder: pathlib.Path) -> str:
    """What stands between the marks of the page."""
    measured = {name: results for name, row in papers.rows().items() if (results := read(row, folder))}
    text, paper = "", None
    rows_measured = [row for name, row in papers.rows().items() if name in measured]
    for title, rows in itertools.groupby(rows_measured, key=lambda row: row.together or row.name):
        group = [(row, measured[row.name]) for row in rows]
        row, results = group[0]
        if row.paper != paper:
            text, paper = text + f"\n## {row.paper}\n", row.paper
        text += f"\n### {title}\n\n" + (line_each(group) if row.together else table_of(row, results))
        for row, _ in group:
            if row.note:
                text += f"\n{row.note}\n"
            if row.draw is not None and (folder / f"{row.name}.png").is_file():
                text += f"\n![{' '.join(row.draw.__doc__.split())}](reproductions/{row.name}.png)\n"
    missing = [f"`{name}`" for name in papers.rows() if name not in measured]
    return text + (f"\nNot measured yet: {', '.join(missing)}.\n\n" if missing else "\n")


def table_of(row: papers.Row, results: dict[str, dict]) -> str:
    """A row's own table, a line for each of its figures."""
    text = f"{row.what[0].upper()}{row.what[1:]}.\n\n"
    text += "| | published | where | ours | seeds |\n|---|---|---|---|---|\n"
    for figure in row.figures:
        cells = (figure.what, figure.published, figure.source, value_of(figure, results), seeds_of(row, results))
        text += "| " + " | ".join(cells) + " |\n"
    return text + f"\n`{command(row)}`{hours_of(results)}.\n"


def line_each(group: list[tuple[papers.Row, dict[str, dict]]]) -> str:
    """A table of several rows with the same figures, a column for each of them."""
    figures = group[0][0].figures
    text = (
        "| | " + " | ".join(figure.what for figure in figures) + " | seeds |\n|---|" + "---|" * len(figures) + "---|\n"
    )
    published = [row for row, _ in group if any(figure.published != "-" for figure in row.figures)]
    for row in published:
        sources = ", ".join(dict.fromkeys(figure.source for figure in row.figures if figure.published != "-"))
        text += f"| *published: {sources}* | " + " | ".join(figure.published for figure in row.figures) + " | |\n"
    for row, results in group:
        values = " | ".join(value_of(figure, results) for figure in row.figures)
        text += f"| {row.what}: `{row.name}`{hours_of(results)} | {values} | {seeds_of(row, results)} |\n"
    return text + f"\n`python benchmarks/reproductions.py {' '.join(row.name for row, _ in group)}`\n"


def hours_of(results: dict[str, dict]) -> str:
    minutes = sum(one["minutes"] for one in results.values())
    return f", {minutes / 60:.1f} hours" if minutes >= 60 else f", {minutes:.1f} minutes" if results else ""


def write_page(folder: pathlib.Path, path: pathlib.Path) -> None:
    before, _, rest = path.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    with replacing(path) as temporary:
        temporary.write_text(before + MARKS[0] + tables(folder) + MARKS[1] + after)


def costs(folder: pathlib.Path) -> str:
    """All rows, how many seeds there are of each, and the hours that the rest would take."""
    lines, total = [], 0.0
    for row in papers.rows().values():
        there = len(read(row, folder))
        left = max(0, row.seeds - there) * row.minutes / 60
        total += left
        lines.append(f"{row.name:<28}{there:>4} of {row.seeds:<4}{left:>8.1f} h  {row.what}")
    return "\n".join([f"{'row':<28}{'seeds':>11}{'left':>10}", *lines, f"{'':<28}{'':>11}{total:>8.1f} h"])


def main(names: list[str]) -> int | str:
    folder, known = pathlib.Path(FLAGS.results), papers.rows()
    for name in names[1:]:
        if name not in known:
            return f"There is no row {name!r}; there are {', '.join(known)}.{suggestion(name, list(known))}"
    if FLAGS.seeds is not None and FLAGS.seeds < 1:
        return f"--seeds must be at least 1; found {FLAGS.seeds}."
    if not names[1:] and not FLAGS.all and not FLAGS.page:
        return f"Name a row ({', '.join(known)}), or give --all or --page."
    from kerasgan.data.packages import NotAvailableError

    try:
        if FLAGS.all:
            print(costs(folder))
        for name in names[1:]:
            row = known[name]
            results = measure(row, FLAGS.seeds or row.seeds, pathlib.Path(FLAGS.folder), folder)
            trainings = pathlib.Path(FLAGS.folder) / name
            if not any((trainings / seed).is_dir() for seed in results):
                print(f"All seeds are in {folder}, measured elsewhere; another --results=FOLDER measures them anew.")
            elif row.draw is not None:
                write(dataclasses.replace(row, name="results"), results, trainings)  # for it to choose a seed by
                with replacing(folder / f"{name}.png") as temporary:
                    row.draw(trainings, temporary)
            for figure in row.figures:
                print(
                    f"{figure.what}: {value_of(figure, results)} ({seeds_of(row, results)} seeds); "
                    f"published {figure.published} ({figure.source})"
                )
        if FLAGS.page:
            write_page(folder, PAGE)
    except (ValueError, OSError, NotAvailableError) as error:
        return f"reproductions.py: {error}"
    except KeyboardInterrupt:
        return "reproductions.py: stopped; the same command goes on from here."
    return 0


if __name__ == "__main__":
    app.run(lambda argv: sys.exit(main(argv)))
