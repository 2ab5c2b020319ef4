"""Tries a file in its own runtime: `python -m kerasgan.formats.runner FILE`, a process without TensorFlow.

It prints one line of JSON: what the file says of itself, how far its samples are from those recorded at its export,
and how long it takes; or under "error" why it does not run.
"""

import json
import statistics
import sys
import time
from typing import Any

import numpy as np

from kerasgan.errors import first_line
from kerasgan.formats import description
from kerasgan.formats.table import by_path

BATCHES = (1, 64)  # rows whose time is taken
SECONDS = 1.0  # for one median, at most
CALLS = 50


def measure(path: str) -> dict[str, Any]:
    """What is printed.

    Raises:
        ValueError: the runtime is missing, or the file is damaged or none of ours.
    """
    kind = by_path(path)
    if kind is None:
        raise ValueError("its ending is that of no format")
    kind.check_extra(kind.runtime)
    file = kind.module.File(path)
    about = description.from_text(file.text)
    recorded = about.pop("recorded")
    name = about["output"]["name"]
    z = description.recorded_z(recorded)
    drawn = file.run(z)
    if name not in drawn:
        raise ValueError(f"it has no output {name!r}, only {', '.join(drawn)}")
    found = {"file": about, "runtime": file.runtime, "difference": description.compare(recorded, drawn[name])}
    rows = np.resize(z, (max(BATCHES), z.shape[1]))
    found["milliseconds"] = {count: time_of(lambda some=rows[:count]: file.run(some)) for count in BATCHES}
    if "tensorflow" in sys.modules:
        raise AssertionError("TensorFlow is in this process, and was to be left out of it")
    return found


def time_of(call: Any) -> float:
    """The median of a call's milliseconds, the first one left out."""
    call()
    times: list[float] = []
    while len(times) < CALLS and (not times or sum(times) < 1000 * SECONDS):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


if __name__ == "__main__":
    try:
        result = measure(sys.argv[1])
    except Exception as error:  # runtimes raise what they like
        result = {"error": first_line(error)}
    print(json.dumps(result))
