"""Many seeds, cut into shards that the processes of a Ray cluster work off."""

import dataclasses
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tqdm import tqdm

from kerasgan.cluster.connecting import share_the_machine, unlike, versions
from kerasgan.errors import first_line

TIMES = 3  # that a shard is tried


class ShardError(RuntimeError):
    """A shard has failed as often as it was tried."""


@dataclasses.dataclass(frozen=True)
class Shard:
    """Seeds that follow each other.

    Attributes:
        index: of all shards, from 0.
        first: its first seed.
        count: how many.
    """

    index: int
    first: int
    count: int


def shards_of(n: int, seed: int, size: int) -> list[Shard]:
    """The shards of n seeds from `seed` on, of so many each; the last has the rest."""
    return [Shard(i, seed + start, min(size, n - start)) for i, start in enumerate(range(0, n, size))]


class Hand:
    """One process's part in it: makes its worker once, and gives it shards. Ray Data makes as many as there is work
    for.

    Args:
        make: of this machine, the function that does a shard; it is given `job`.
        job: what it needs to know.
        there: versions, of the machine that asks.
        folder: where the one that asks stands.
    """

    def __init__(self, make: Callable, job: dict[str, Any], there: dict[str, str], folder: str) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        self._work, self._refused = None, unlike(there)
        if self._refused is not None:
            return
        share_the_machine(folder)
        try:
            self._work = make(job)
        except (ValueError, OSError) as error:  # no such preset here, no way to the store
            self._refused = first_line(error).rstrip(".")

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """A shard's row, with what came of it under "result", or why nothing did under "error"."""
        shard = Shard(int(row["index"]), int(row["first"]), int(row["count"]))
        answer: dict[str, Any] = {"index": shard.index, "count": shard.count, "result": b"", "error": ""}
        if self._work is None:
            return {**answer, "error": f"on {socket.gethostname()}: {self._refused}"}
        for left in reversed(range(TIMES)):
            try:
                return {**answer, "result": self._work(shard)}
            except Exception as error:  # whatever fails in drawing or storing, once or for good
                if not left:
                    answer["error"] = f"on {socket.gethostname()}: {type(error).__name__}: {first_line(error)}"
        return answer


def spread(
    ray: Any,
    make: Callable,
    job: dict[str, Any],
    shards: Iterable[Shard],
    workers: int,
    gpus: float = 0.0,
    title: str = "drawing",
) -> Iterator[tuple[int, bytes]]:
    """What each shard came to, in the order in which they are done: its index, and the bytes that the function gave.

    A process that dies is replaced, and what it was at is done again. The bar counts samples.

    Args:
        ray: connected.
        make, job: as of `Hand`; the function is found by its name on every machine.
        shards: to be done.
        workers: processes.
        gpus: of each, such as .25; 0 is none.
        title: of the bar.

    Raises:
        ShardError: a shard has failed three times; the others are done first.
    """
    import ray.data

    todo = list(shards)
    if not todo:
        return
    ray.data.DataContext.get_current().enable_progress_bars = False  # there is one of samples
    ray.data.DataContext.get_current().max_errored_blocks = 0
    rows = ray.data.from_items([dataclasses.asdict(shard) for shard in todo], override_num_blocks=len(todo))
    options: dict[str, Any] = {"num_gpus": gpus} if gpus else {"num_cpus": 1}
    done = rows.map(
        Hand,
        fn_constructor_args=(make, job, versions(), os.getcwd()),
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(todo))),
        **options,
    )
    failed = []
    with tqdm(total=sum(shard.count for shard in todo), desc=title, unit="image", unit_scale=True) as bar:
        for row in done.iter_rows():
            bar.update(row["count"])
            if not row["error"]:
                yield row["index"], row["result"]
            else:
                failed.append((row["index"], row["error"]))
    if failed:
        index, why = min(failed)
        raise ShardError(
            f"{len(failed)} of {len(todo)} shards failed {TIMES} times, such as shard {index} {why}. What is done is "
            "kept: the same command does the rest."
        )
