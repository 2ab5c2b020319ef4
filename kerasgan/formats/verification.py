"""The proof that a file draws what the model drew: it is run in its own runtime, and compared."""

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasgan.formats.table import FORMATS, by_path

if TYPE_CHECKING:
    from kerasgan.gan import GAN

# The largest difference of a value in [0, 1]. Of int8 none can be said: what it costs depends on the network.
TOLERANCES = {"float32": 1e-4, "float16": 2e-2}


@dataclasses.dataclass(frozen=True)
class Report:
    """What `verify` found.

    Attributes:
        path: of the file.
        error: why it does not run; None where it does.
        description: what the file says of itself.
        runtime: its runtime, with the version.
        largest, mean: absolute differences from the samples recorded at the export, in units of the samples.
        milliseconds: medians of calls by what ran them and by the number of samples.
    """

    path: str
    error: str | None = None
    description: dict[str, Any] = dataclasses.field(default_factory=dict)
    runtime: str = ""
    largest: float = float("nan")
    mean: float = float("nan")
    milliseconds: dict[str, dict[int, float]] = dataclasses.field(default_factory=dict)

    @property
    def tolerance(self) -> float | None:
        """The largest difference that passes; None where none can be said."""
        return TOLERANCES.get(self.description.get("precision", ""))

    @property
    def passed(self) -> bool:
        """Whether it runs, and draws what the model drew."""
        return self.error is None and self.largest <= (
            np.finfo(float).max if self.tolerance is None else self.tolerance
        )

    def table(self) -> str:
        """The findings as text."""
        if self.error is not None:
            return f"runs         FAILED  {self.error}"
        allowed = "no bound is known" if self.tolerance is None else f"at most {self.tolerance:g}"
        size = " and ".join(f"{path.stat().st_size / 1e6:.2f} MB" for path in files_of(self.path))
        lines = [
            f"runs         ok      {self.runtime}, {self.description['precision']}, {size}",
            f"differs by   {'ok    ' if self.passed else 'FAILED'}  {self.largest:.2g} at most, {self.mean:.2g} in the "
            f"mean, from what the model drew ({allowed})",
            "",
            f"{'ms per call, median':24}"
            + "".join(f"{rows:>8} rows" for rows in next(iter(self.milliseconds.values()))),
        ]
        for what, times in self.milliseconds.items():
            lines.append(f"{what:24}" + "".join(f"{time:>13.2f}" for time in times.values()))
        return "\n".join(lines)


def files_of(path: str | os.PathLike) -> list[pathlib.Path]:
    """The file, and of OpenVINO's its weights."""
    path = pathlib.Path(path)
    return [path, path.with_suffix(".bin")] if path.suffix.lower() == FORMATS["openvino"].ending else [path]


def verify(path: str | os.PathLike, preset: str | os.PathLike | None = None) -> Report:
    """Runs a file in its own runtime and compares what it draws with what its model drew when it was written.

    Args:
        path: the file.
        preset: what it was exported from, as `presets.load` takes it, whose time and whose SavedModel's time stand in
            the report beside the file's; None takes the one of `list_presets()` that the file names, if it has the
            same weights.

    Returns:
        The report. A file that fails is no exception.

    Raises:
        ValueError: there is no such file, or its ending is that of no format; a runtime that is not installed;
            `preset` cannot be loaded, or has other weights.
    """
    kind = by_path(path)
    if kind is None:
        endings = ", ".join(each.ending for each in FORMATS.values())
        raise ValueError(f"{os.fspath(path)} is a file of no format known here, which end in {endings}.")
    if not pathlib.Path(path).is_file():
        raise ValueError(f"{os.fspath(path)} is no file.")
    kind.check_extra(kind.runtime)
    child = subprocess.run(
        [sys.executable, "-m", "kerasgan.formats.runner", os.fspath(path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    lines = child.stdout.strip().splitlines()
    try:
        found = json.loads(lines[-1])
    except (IndexError, ValueError):  # the runtime has died, or written over it
        found = {"error": f"{kind.runtime} ended with status {child.returncode}"}
    if "error" in found:
        return Report(os.fspath(path), error=found["error"])
    times = {found["runtime"]: {int(rows): time for rows, time in found["milliseconds"].items()}}
    gan = _model_of(found["file"], preset)
    if gan is not None:
        times |= time_model(gan, list(next(iter(times.values()))))
    return Report(os.fspath(path), None, found["file"], found["runtime"], **found["difference"], milliseconds=times)


def _model_of(about: dict[str, Any], preset: str | os.PathLike | None) -> "GAN | None":
    """The model that a file was made from, where it is known."""
    from kerasgan import presets
    from kerasgan.serving.savedmodel import weights_digest

    source = about.get("preset") if preset is None else preset
    if source is None or (preset is None and source not in presets.list_presets()):
        return None
    gan = presets.load(source)
    if weights_digest(gan) != about["weights_sha256"]:
        if preset is None:
            return None
        raise ValueError(f"{os.fspath(preset)} has other weights than the file was made from.")
    return gan


def time_model(gan: "GAN", batches: list[int]) -> dict[str, dict[int, float]]:
    """Milliseconds of a call by its SavedModel, in TensorFlow's own loader, and by the model."""
    from kerasgan import serving
    from kerasgan.formats.runner import CALLS, SECONDS, time_of
    from kerasgan.serving.loader import Process
    from kerasgan.serving.savedmodel import read_graph, read_signatures

    z = np.asarray(gan.draw_latents(max(batches), seed=0), np.float32)
    times: dict[str, dict[int, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = serving.export(gan, pathlib.Path(folder, "model"))
        signature = read_signatures(read_graph(path))["serving_default"]
        into = signature["inputs"]["z"].name
        out = [tensor.name for tensor in signature["outputs"].values()]
        with Process(path) as process:
            times["SavedModel"] = {}
            for rows in batches:
                last = process.time({into: z[:rows]}, out, 2)[1][-1]  # the first makes the plan
                repeats = max(1, min(CALLS, int(SECONDS / last)))
                times["SavedModel"][rows] = 1000 * statistics.median(process.time({into: z[:rows]}, out, repeats)[1])
    times["the model, generate"] = {rows: time_of(lambda n=rows: gan.generate(z=z[:n])) for rows in batches}
    return times
