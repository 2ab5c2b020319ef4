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

LIMIT = 300  # seconds
SMALL = {
    "vanilla_gan": ("--generator_units=16", "--discriminator_units=8"),
    "dcgan": ("--generator_width=4", "--discriminator_width=4"),
}
RULES = (
    *("--conditional", "--loss=relativistic", "--lazy_correction", "--ema_decay=.9"),
    "--augment=adaptive(color, translation, target=-.5, images=3000)",
)
# How often each is killed, and what it trains with.
OPTIONS = {
    "vanilla_gan": (10, "--ema_decay=.9"),  # dropout, ramps
    "dcgan": (
        10,
        "--precision=float16",
        "--ema_decay=.99",
        "--loss=kl",
        "--d_steps=2",
        "--fresh_noise",
    ),
    "vanilla_gan with all rules": (3, *RULES, "--optimizer=adam", "--penalties=r1(.1, every=3), r2(.1, every=7)"),
    "dcgan with all rules": (3, *RULES, "--penalties=r1(.1, every=7)"),
}


@pytest.mark.parametrize("trained", OPTIONS)
def test_a_killed_run_ends_as_an_uncut_one(trained, tmp_path):
    model, (kills, *options) = trained.split()[0], OPTIONS[trained]
    drawn = np.random.default_rng(0)
    images, labels = drawn.integers(0, 256, (2000, 28, 28, 1), dtype=np.uint8), drawn.integers(0, 3, 2000)
    np.savez(tmp_path / "i.npz", images=images, labels=labels)
    command = [sys.executable, "-m", "kerasgan.cli", "train", f"--model={model}", f"--dataset={tmp_path / 'i.npz'}"]
    command += ["--batch_size=20", "--checkpoint_steps=25", "--resume", *SMALL[model], *options]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}

    rng, epochs = random.Random(trained), 4
    cut, killed, start_up = tmp_path / "cut", [], None
    while len(killed) < kills:
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
    assert len(set(killed)) > min(2, kills - 2), killed

    for output in (cut, tmp_path / "whole"):
        ended = [*command, f"--epochs={epochs}", f"--output={output}"]
        subprocess.run(ended, check=True, capture_output=True, env=environment)
    whole, resumed = (keras.saving.load_model(folder / "final.keras") for folder in (tmp_path / "whole", cut))
    assert_same_weights(resumed, whole)
    assert getattr(resumed.latent, "shares", None) == getattr(whole.latent, "shares", None)
    state, expected = ({name: float(v) for name, v in gan.progress.state.items()} for gan in (resumed, whole))
    assert state == expected
    assert not expected or expected["augment_p"] > 0
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
