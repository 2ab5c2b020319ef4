"""Contestants that are timed in turns, each framework in a process of its own.

TensorFlow and PyTorch may each bring a copy of LLVM, and two of those in one process abort it; so whoever compares the
two gives each a `Worker`. A worker computes only while it is asked something, and one is asked at a time: the contest
stays as fair as in one process, and a machine that is busy with other things slows all alike.

A worker imports a module of this folder and calls a function of it that returns its contestants, `{name: function}`;
what these take and return must be such as can be pickled.
"""

import collections.abc
import importlib
import importlib.util
import multiprocessing
import multiprocessing.connection
import os
import resource
import subprocess
import sys
import time
import traceback

import numpy as np
from tqdm import tqdm

Runner = collections.abc.Callable


class Worker:
    """A process that holds a module's contestants.

    Args:
        module: its name; it lies in this folder.
        function: of that module; returns `{name: function}`.
        core: the one processor that it may compute on; None is all.
        **arguments: of the function.

    Attributes:
        runners: `{name: function}`; to call one is to ask the process and to wait.

    Raises:
        SystemExit: something failed in the process, or it died; says what.
    """

    def __init__(self, module: str, function: str, core: int | None = None, **arguments):
        self._module = module
        self._connection, far_end = multiprocessing.Pipe()
        command = [sys.executable, __file__, module, str(far_end.fileno()), *([] if core is None else [str(core)])]
        self._process = subprocess.Popen(command, pass_fds=[far_end.fileno()])
        far_end.close()
        names = self._ask((function, arguments))
        self.runners = {name: self._runner(name) for name in names}

    def _runner(self, name):
        return lambda *arguments: self._ask((name, arguments))

    def _ask(self, question):
        try:
            self._connection.send(question)
            answer, failure = self._connection.recv()
        except (EOFError, ConnectionError):
            status = self._process.wait()
            how = f"signal {-status}" if status < 0 else f"exit status {status}"
            raise SystemExit(f"The process of {self._module} ended with {how}; what it said stands above.") from None
        if failure:
            raise SystemExit(f"In the process of {self._module}:\n{failure}")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._connection.close()
        self._process.wait()


def has_torch() -> bool:
    """Whether PyTorch can be compared with; says so where it cannot."""
    found = importlib.util.find_spec("torch") is not None
    if not found:
        print("PyTorch is not installed: no comparison with it (pip install '.[bench]').", flush=True)
    return found


def take_turns(runners: dict[str, Runner], rounds: int, *arguments, title: str = "") -> dict[str, list]:
    """What each contestant answered in each of its turns, `{name: [answer, ...]}`.

    Every other round is played backwards, because who has just computed leaves caches, clocks and threads behind.
    """
    answers = {name: [] for name in runners}
    order = list(runners.items())
    for _ in tqdm(range(rounds), desc=title, unit="round", leave=False, disable=None):
        order.reverse()
        for name, run in order:
            answers[name].append(run(*arguments))
    return answers


def timed_steps(step: Runner) -> Runner:
    """Of a function that plays one step and returns when it is played: `n -> seconds per step` after one more step."""

    def run(n):
        step()
        start = time.perf_counter()
        for _ in range(n):
            step()
        return (time.perf_counter() - start) / n

    return run


def timed_calls(function: Runner) -> Runner:
    """`n -> [seconds of each of n calls]`."""

    def run(n):
        seconds = []
        for _ in range(n):
            start = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - start)
        return seconds

    return run


def print_latencies(seconds: dict[str, list], rows: int, base: str):
    """A table of contestants' answers `{name: [[seconds of each call], ...]}` in calls of so many rows."""
    print(f"\n{rows:>3} rows: ms per call     p50      p95      p99   images/s  to {base}")
    calls = {name: np.concatenate(turns) for name, turns in seconds.items()}
    for name, values in calls.items():
        p50, p95, p99 = 1e3 * np.percentile(values, (50, 95, 99))
        ratio = np.median(values) / np.median(calls[base])
        print(f"  {name:16} {p50:12.2f} {p95:8.2f} {p99:8.2f} {rows / p50 * 1e3:10.0f} {ratio:15.2f}", flush=True)


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _serve(module: str, connection: multiprocessing.connection.Connection):
    runners: dict[str, Runner] = {}
    while True:
        try:
            question = connection.recv()
        except EOFError:  # the asker has gone
            return
        try:
            name, arguments = question
            if isinstance(arguments, dict):  # the first question
                runners = getattr(importlib.import_module(module), name)(**arguments)
                answer = list(runners)
            else:
                answer = runners[name](*arguments)
            connection.send((answer, None))
        except Exception:
            connection.send((None, traceback.format_exc()))


if __name__ == "__main__":
    if len(sys.argv) > 3:  # before a framework asks how many there are
        os.sched_setaffinity(0, {int(sys.argv[3])})
    _serve(sys.argv[1], multiprocessing.connection.Connection(int(sys.argv[2])))
