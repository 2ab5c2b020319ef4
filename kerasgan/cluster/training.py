"""A training whose workers are processes of a Ray cluster: each plays its part of every batch.

Ray Train starts as many as are wanted, tells each of the others (`TF_CONFIG`), and ends all when one is gone. Then they
are started again, on whatever machines there are, and go on from the newest checkpoint.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import socket
import tempfile
import threading
import time
import typing
from typing import Any

from kerasgan.cluster.connecting import connected, share_the_machine, unlike, versions
from kerasgan.cluster.storage import Mirror, Place, is_remote
from kerasgan.errors import first_line
from kerasgan.files import Path
from kerasgan.messages import say

if typing.TYPE_CHECKING:
    from kerasgan.runs import Config

ATTEMPTS = 3  # in a row that come to no new checkpoint


class RefusedError(RuntimeError):
    """A worker cannot do what is asked, and could not if it were started again."""


@dataclasses.dataclass
class Outcome:
    """How a training ended.

    Attributes:
        step: which it has come to.
        stopped: whether its time was up before its end.
        lost: why it was given up as diverged, or None.
    """

    step: int
    stopped: bool = False
    lost: str | None = None


def parse_workers(text: str) -> tuple[int, int]:
    """`"4"` -> (4, 4), `"2-4"` -> (2, 4): how few and how many processes train.

    Raises:
        ValueError: it says neither.
    """
    found = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", text.strip())
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= least <= most:
        raise ValueError(f"--workers is a number, or the least and the most, such as 2-4; found {text!r}.")
    return least, most


def train(
    config: "Config",
    output: Path,
    workers: tuple[int, int],
    address: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    verbose: bool = True,
    minutes: float | None = None,
    **options: Any,
) -> Outcome:
    """Trains as `kerasgan.runs.train` does, on workers of a Ray cluster.

    The batch is the global one and stays the same, however many share it. A worker that is gone, or its machine, costs
    what was trained since the last checkpoint; with fewer machines than before it goes on with fewer workers, down to
    the least. When machines come back Ray starts all again with more.

    Args:
        config: as for `kerasgan.runs.train`.
        output: the run's folder, which this process and all workers see; or an address that fsspec knows, such as
            `s3://bucket/runs/dcgan`.
        workers: the least and the most processes.
        address: as of `kerasgan.cluster.connecting.connected`.
        resume, overwrite, minutes: as for `kerasgan.runs.train`.
        verbose: whether it is said what each epoch came to.
        **options: `checkpoint_steps`, `keep`, `on_divergence` and `cache` of `kerasgan.runs.train`.

    Returns:
        How it ended; everything else is in the output folder.

    Raises:
        ValueError: there is no such cluster, what is asked cannot be done, or batches that do not divide among the
            workers.
        WorkerLostError: workers were lost again and again before a new checkpoint.
    """
    from kerasgan import runs

    place = Place(output)
    place.check(resume, overwrite)
    least, most = workers
    for count in range(least, most + 1):
        if config.batch_size % (count * config.recipe["d_steps"]):
            raise ValueError(
                f"batch_size={config.batch_size} must divide among {count} workers"
                f"{'' if least == most else f', which {least}-{most} may come to'}."
            )
    job = {"config": dataclasses.asdict(config), "output": place.output, "folder": os.getcwd(), **options}
    began, failed = time.monotonic(), 0
    with connected(address, least) as ray:
        job["versions"] = versions()
        while True:
            left = None if minutes is None else max(1e-3, minutes - (time.monotonic() - began) / 60.0)
            if overwrite and place.mirror is not None:
                place.mirror.remove(*runs.PARTS)
            step = place.newest()
            todo = {**job, "resume": resume, "overwrite": overwrite, "minutes": left}
            try:
                with _told(place) if verbose else contextlib.nullcontext():
                    return Outcome(**_play(ray, todo, place, least, most))
            except ray.train.TrainingFailedError as error:
                reason = _reason_of(error)
            # What the first attempt has begun the next goes on with.
            place.look()
            resume, overwrite = runs.holds_run(place.folder), False
            failed = 1 if place.newest() > step else failed + 1
            if failed == ATTEMPTS:
                raise runs.WorkerLostError(
                    f"Workers were lost {ATTEMPTS} times before a new checkpoint; the last time: {reason}. "
                    "What there is is kept: --resume goes on."
                )
            say(f"{reason}; all workers are started again")


def _play(ray, job, place, least, most):
    """One attempt: what the first worker has given back.

    Raises:
        ray.train.TrainingFailedError: a worker failed, or was lost.
    """
    from ray.train.tensorflow import TensorflowTrainer

    gpus = ray.cluster_resources().get("GPU", 0) >= least
    with _notes(place) as notes:
        trainer = TensorflowTrainer(
            typing.cast("Any", work),  # it is typed as if it gave nothing back
            train_loop_config=job,
            scaling_config=ray.train.ScalingConfig(num_workers=least if least == most else (least, most), use_gpu=gpus),
            run_config=ray.train.RunConfig(name="notes", **notes),
        )
        with _interruptible():
            result: Any = trainer.fit()
        return result.return_value


@contextlib.contextmanager
def _interruptible():
    """Ctrl-C as everywhere: Ray ends the workers for it, then the whole process, and keeps the signal afterwards."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _notes(place):
    """Where Ray keeps notes, which all workers must see: beside the run, because the run's folder is ours."""
    if place.mirror is None:
        notes = pathlib.Path(place.output).with_name(f".{place.folder.name}-ray")
        notes.mkdir(parents=True, exist_ok=True)
        try:
            yield {"storage_path": str(notes)}
        finally:
            shutil.rmtree(notes, ignore_errors=True)
        return
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    store, path = place.mirror.filesystem, f"{place.mirror.path}-ray"
    try:
        yield {"storage_path": path, "storage_filesystem": PyFileSystem(FSSpecHandler(store))}
    finally:
        with contextlib.suppress(Exception):  # a library's own; it is of no use any more
            store.rm(path, recursive=True)


def work(job: dict[str, Any]) -> dict[str, Any]:
    """What each worker does; Ray Train calls it.

    Returns:
        The fields of `Outcome`.

    Raises:
        RefusedError: what is asked cannot be done here.
        WorkerLostError: another worker is gone.
    """
    # Ray sets it for every training with TensorFlow; with it TensorFlow looks for Keras 2.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TQDM_DISABLE", "1")  # nobody sees bars that move in Ray's log
    try:
        return _train(job)
    except ValueError as error:
        raise RefusedError(f"on {socket.gethostname()}: {error}") from None


def _train(job):
    from kerasgan import runs, strategies

    differs = unlike(job["versions"])
    if differs:
        raise ValueError(f"{differs}.")
    share_the_machine(job["folder"])
    strategy = strategies.get("multi_worker")
    options = {name: value for name, value in job.items() if name not in ("config", "output", "folder", "versions")}
    config, output, mirror = runs.Config(**job["config"]), job["output"], None
    with contextlib.ExitStack() as stack:
        if is_remote(output):
            mirror = Mirror(output)
            output = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kerasgan-run-"))) / "run"
            mirror.pull(output)
            if strategies.is_chief(strategy):
                mirror.claim()
            options["then"] = lambda: mirror.push(output)
        try:
            gan = runs.train(config, output, strategy=strategy, verbose=0, **options)
            ended: dict[str, Any] = {"step": int(gan.step.numpy()), "stopped": bool(gan.stop_training)}
        except runs.DivergedError as error:  # which all come to at the same step
            ended = {"step": -1, "lost": str(error).replace(str(output), job["output"])}
        if mirror is not None and strategies.is_chief(strategy):
            mirror.push(output)
    return ended


def _reason_of(error):
    """What made an attempt fail, in half a sentence.

    Raises:
        ValueError: a worker cannot do what is asked.
    """
    from kerasgan.runs import WorkerLostError

    failures = {rank: getattr(found, "cause", found) for rank, found in getattr(error, "worker_failures", {}).items()}
    for rank, failure in sorted(failures.items()):
        if isinstance(failure, RefusedError):
            raise ValueError(f"Worker {rank} {failure}") from None
    if not failures:
        return f"Ray could not go on ({first_line(error)})"
    # Those that are left say that another one is gone, which says nothing itself.
    first = {rank: found for rank, found in failures.items() if not isinstance(found, WorkerLostError)} or failures
    return "; ".join(
        f"worker {rank} is lost ({first_line(found).rstrip('.')})" for rank, found in sorted(first.items())
    )


@contextlib.contextmanager
def _told(place):
    """Says what each epoch came to when the run's history has it: what workers print comes with all that Ray and
    TensorFlow have to say on several machines.
    """
    from kerasgan import callbacks

    ended = threading.Event()
    path = place.folder / "history.csv"
    every = 1.0 if place.mirror is None else 10.0
    known = len(callbacks.read_history(path).get("epoch", ()))

    def look():
        nonlocal known
        place.look()
        history = callbacks.read_history(path)
        epochs = history.pop("epoch", ())
        for i in range(known, len(epochs)):
            values = " - ".join(f"{name}: {values[i]:.4g}" for name, values in history.items())
            print(f"Epoch {epochs[i]:.0f}: {values}", flush=True)
        known = len(epochs)

    def watch():
        while not ended.wait(every):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        look()
