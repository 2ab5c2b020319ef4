"""Seconds of training, counted step by step, over turns and interruptions.

What is counted is steps alone: not reading the data, starting, saving or drawing. Nor is the first step of a process,
in which TensorFlow traces and compiles and PyTorch chooses its kernels; all contestants are given it alike.

Of a process that may use one processor only, the processor's seconds are counted: those on the wall where nothing else
runs, and as fair where something does.
"""

import collections.abc
import os
import time

from tqdm import tqdm


class Clock:
    """Counts the seconds between `start` and `stop` of each step.

    Args:
        name: on the bar.
        spent: seconds that were counted before.

    Attributes:
        spent: seconds that have been counted.
        until: at so many the turn is over.
    """

    def __init__(self, name: str, spent: float = 0.0):
        self.spent, self.until = spent, spent
        self._bar = tqdm(desc=name, unit=" steps", mininterval=5.0)
        self._is_first, self._asker = True, os.getppid()
        one_processor = hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) == 1  # macOS does not tell
        self._now = time.process_time if one_processor else time.perf_counter

    @property
    def is_over(self) -> bool:
        """Whether the turn is."""
        return self.spent >= self.until

    def start(self):
        self._began = self._now()

    def stop(self):
        """Counts a step.

        Raises:
            SystemExit: whoever had asked for the training is gone; another one may be about to begin.
        """
        if not self._is_first:
            self.spent += self._now() - self._began
        self._is_first = False
        self._bar.set_postfix_str(f"{self.spent / 60:.1f} minutes", refresh=False)
        self._bar.update()
        if os.getppid() != self._asker:
            raise SystemExit("Nobody waits for this training any more.")

    def play(self, step: collections.abc.Callable, until: float):
        """Plays steps until so many seconds have been counted in all."""
        self.until = until
        while not self.is_over:
            self.start()
            step()
            self.stop()
