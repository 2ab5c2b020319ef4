"""Whichever part of kerasgan is imported first, it imports, and Keras then knows a GAN's class."""

import os
import subprocess
import sys

LIMIT = 120  # seconds
FIRST = ("kerasgan.latents", "kerasgan.losses.critics", "kerasgan.augment", "kerasgan.strategies", "keras, kerasgan")
LOOKED_AROUND = (
    "import kerasgan; kerasgan.list_presets(); kerasgan.GAN.from_preset('dcgan_fashion_mnist')"  # its layers
)


def test_any_part_may_come_first():
    programs = [
        f"import {first}, keras; assert keras.saving.get_registered_object('kerasgan>GAN') is not None"
        for first in FIRST
    ]
    programs.append(LOOKED_AROUND)  # whose layers of our own Keras must know too
    processes = [
        subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=dict(os.environ))
        for program in programs
    ]
    said = [process.communicate(timeout=LIMIT)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(programs), said
