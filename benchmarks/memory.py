"""What reading costs: seconds, and the memory of a process and of those that it has started, as Linux counts it."""

import collections
import collections.abc
import contextlib
import pathlib
import time


def own_megabytes() -> float:
    """Megabytes that this process and all below it hold and that are of no file."""
    status = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):  # it has just ended
            status[path.parent.name] = dict(line.split(":", 1) for line in path.read_text().splitlines())
    children = collections.defaultdict(list)
    for process, values in status.items():
        children[values["PPid"].strip()].append(process)
    waiting, total = [pathlib.Path("/proc/self").resolve().name], 0
    while waiting:
        process = waiting.pop()
        waiting += children[process]
        total += int(status.get(process, {}).get("RssAnon", "0 kB").split()[0])
    return total / 1024


def cost_of_reading(open_batches: collections.abc.Callable, size: int, batches: int) -> dict[str, float]:
    """The seconds to the first batch, images per second in so many more of a size, and the megabytes grown by."""
    before = own_megabytes()
    began = time.perf_counter()
    iterator = iter(open_batches())
    next(iterator)
    first = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(batches):
        next(iterator)
    rate = batches * size / (time.perf_counter() - began)
    return {"first": first, "rate": rate, "memory": own_megabytes() - before}
