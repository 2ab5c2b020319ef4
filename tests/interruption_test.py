"""Runs that are killed, for good, at any moment end as runs that never were: weights, optimizers, history, bit for bit.

Slow: `make test-slow` runs this.
"""

import os
import random
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from conftest import assert_same_weights

pytestmark = pytest.mark.slow

KILLS = 10
LIMIT = 300  # seconds
OPTIONS = {
    "vanilla_gan": ("--ema_decay=.9", "--set=generator_units=16", "--set=discriminator_units=8"),  # dropout, ramps
    "dcgan": (
        "--precision=float16",
        "--ema_decay=.99",
        "--loss=kl",
        "--d_steps=2",
        "--set=generator_width=4",
        "--set=discriminator_width=4",
        "--fresh_noise",
    ),
}


@pytest.mark.parametrize("model", OPTIONS)
def test_a_killed_run_ends_as_an_uncut_one(model, tmp_path):
    np.savez(tmp_path / "i.npz", np.random.default_rng(0).integers(0, 256, (2000, 28, 28, 1), dtype=np.uint8))
    command = [sys.executable, "-m", "kerasgan.cli", "train", f"--model={model}", f"--dataset={tmp_path / 'i.npz'}"]
    command += ["--batch_size=20", "--checkpoint_steps=25", "--resume", *OPTIONS[model]]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}

    rng, epochs = random.Random(model), 4
    cut, killed, start_up = tmp_path / "cut", [], None
    while len(killed) < KILLS:
        start = time.monotonic()
        process = subprocess.Popen(
            [*command, f"--epochs={epochs}", f"--output={cut}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )
        if len(killed) % 4 == 3:  # at any moment: while it imports, reads, restores, traces, trains
            time.sleep(rng.uniform(0.0, 1.2 * start_up))
        else:  # soon after a checkpoint
            _wait_for_training(cut, process)
            start_up = start_up or time.monotonic() - start
            time.sleep(rng.uniform(0.0, 0.1 * start_up))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed.append(_steps(cut))
        said = process.communicate()[1].decode()
        if process.returncode == 0:  # over before it was killed often enough
            epochs += 2
        else:
            assert process.returncode == -signal.SIGKILL, said
    assert len(set(killed)) > 2, killed

    for output in (cut, tmp_path / "whole"):
        ended = [*command, f"--epochs={epochs}", f"--output={output}"]
        subprocess.run(ended, check=True, capture_output=True, env=environment)
    whole, resumed = (keras.saving.load_model(folder / "final.keras") for folder in (tmp_path / "whole", cut))
    assert_same_weights(resumed, whole)
    assert (cut / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()
    assert {path.name for path in cut.iterdir()} == {path.name for path in (tmp_path / "whole").iterdir()}


def _steps(folder):
    """Of the newest checkpoint."""
    return max((path.stem for path in (folder / "checkpoints").glob("step-*.keras")), default="")


def _wait_for_training(folder, process):
    """Until a checkpoint is newer than before, or the process has ended."""
    before, start = _steps(folder), time.monotonic()
    while process.poll() is None and time.monotonic() - start < LIMIT and _steps(folder) == before:
        time.sleep(0.01)
