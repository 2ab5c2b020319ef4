"""The folder of a run: what lies in it, who may write to it, and how much it may come to."""

import contextlib
import json
import pathlib
import shutil
from collections.abc import Iterator

from kerasgan.files import Path, check_writable, free_space, held, leftovers, replacing, size_of
from kerasgan.runs.config import Config, holds_run, write_config

DIVERGED = "diverged.json"
REPORT = "report.html"
PARTS = (
    "config.json",
    "checkpoints",
    "history.csv",
    "time.json",
    "samples",
    "curves.png",
    "final.keras",
    "best.keras",
    DIVERGED,
    REPORT,
)


class AlreadyThereError(ValueError):
    """The output folder holds a run, or something else."""


class BusyError(ValueError):
    """Another training writes to the output folder."""


def check_output(output: Path, resume: bool, overwrite: bool) -> None:
    """Whether a run may be written to a folder; see `train` for what it raises."""
    output = check_writable(output)
    if resume and not holds_run(output):
        raise ValueError(f"There is no run to resume in {output}.")
    if holds_run(output) and not (resume or overwrite):
        raise AlreadyThereError(f"{output} holds a run already; go on with --resume or replace it with --overwrite.")
    if output.is_dir() and not holds_run(output) and not set(output.iterdir()) <= set(leftovers(output, *PARTS)):
        raise AlreadyThereError(f"{output} holds other files; choose a new or an empty folder.")


@contextlib.contextmanager
def only_one(output: Path) -> Iterator[None]:
    """Keeps other trainings out of a folder; the system lets them in again when this process ends, however it ends.

    Raises:
        BusyError: another training is in it.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(output))
        except BlockingIOError:
            raise BusyError(f"Another training writes to {output}; choose another folder, or wait for it.") from None
        yield


def prepare(config: Config, folder: pathlib.Path, overwrite: bool) -> None:
    """Makes a folder one that a training can begin or go on in, with its `config.json`."""
    if overwrite:
        _delete(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for part, *names in ((".", *PARTS), ("checkpoints", "step-*.keras"), ("samples", "step-*.png", "samples.gif")):
        for path in leftovers(folder / part, *names):  # of a run that was killed in the midst of writing
            path.unlink()
    write_config(config, folder)


def write_reason(folder: pathlib.Path, step: int, reason: str) -> None:
    """Writes down why a training was stopped as lost."""
    with replacing(folder / DIVERGED) as temporary:
        temporary.write_text(json.dumps({"step": step, "reason": reason}, indent=2) + "\n", encoding="utf-8")


def reason_of(folder: pathlib.Path) -> str | None:
    """Why a training was stopped as lost; None of one that was not, or of a kerasgan that did not write it down."""
    try:
        return str(json.loads((folder / DIVERGED).read_text(encoding="utf-8"))["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _delete(output):
    for part in reversed(PARTS):  # config.json last: without it the rest would be taken for somebody else's files
        path = output / part
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def check_space(output: Path, a_model: int, models: int, pictures: int) -> str:
    """Whether the disk has room for a run.

    Args:
        output: the run's folder; what a run there takes already it need not take again.
        a_model: bytes of one `.keras` file.
        models: how many of them there may be at once.
        pictures: bytes of all pictures.

    Returns:
        A sentence for people that says how much it will be at most.

    Raises:
        ValueError: that is more than the disk has.
    """
    output = pathlib.Path(output)
    most = models * a_model + pictures
    says = f"The run in {output} takes up to {_bytes(most)}: {models} files of {_bytes(a_model)}, and pictures."
    there = sum(size_of(output / part) for part in PARTS)
    free = free_space(output)
    if free < most - there:
        raise ValueError(
            f"{says.removesuffix('.')}; its disk has {_bytes(free)} free. "
            "Make room, choose another disk, or keep fewer checkpoints (--keep_checkpoints=1)."
        )
    return says


def _bytes(count: float) -> str:
    """`432_900_000` -> "433 MB", as disks are sold: powers of 1,000."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            break
        count, unit = count / 1000, {"B": "kB", "kB": "MB", "MB": "GB", "GB": "TB"}[unit]
    return f"{count:.3g} {unit}"
