"""What the version before has written loads, says what it said, and goes on as that version would have gone on.

`before/README.md` says how the files were made.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import small_images

import kerasgan
from kerasgan import callbacks, data, presets, runs
from kerasgan.files import sha256_of

BEFORE = pathlib.Path(__file__).parent / "before"
MADE = json.loads((BEFORE / "made.json").read_text())


def same_machine():
    """Bits are those of the libraries, of the processor's kernels and of how many share the work; elsewhere only
    rounding may differ.
    """
    cpus = pathlib.Path("/proc/cpuinfo")
    flags = re.search(r"^flags\s*: (.*)$", cpus.read_text() if cpus.is_file() else "", re.MULTILINE)
    digest = hashlib.sha256(" ".join(sorted(flags[1].split())).encode()).hexdigest() if flags else None
    as_many = len(os.sched_getaffinity(0)) == MADE["processors"] if hasattr(os, "sched_getaffinity") else False
    return (
        as_many
        and digest == MADE["cpu_flags"]
        and all(presets.versions()[name] == MADE["versions"][name] for name in ("keras", "tensorflow"))
    )


def assert_came_to(gan, expected):
    parts = {
        "generator": gan.generator.weights,
        "discriminator": gan.discriminator.weights,
        "average": gan.ema_generator.trainable_weights,
        "d_optimizer": gan.d_optimizer.variables,
        "g_optimizer": gan.g_optimizer.variables,
        "step": [gan.step],
    }
    found = {f"{part}_{i:02d}": np.asarray(each) for part, whole in parts.items() for i, each in enumerate(whole)}
    stored = dict(np.load(BEFORE / expected))
    assert set(found) == set(stored)
    for name, value in stored.items():
        if same_machine():
            np.testing.assert_array_equal(found[name], value, err_msg=name)
        else:  # Adam makes steps of what rounding leaves of the gradient of a bias before batch normalisation
            np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=2e-5, err_msg=name)


def copied(tmp_path, monkeypatch, *names):
    for name in names:
        shutil.copytree(BEFORE / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)  # the runs name their data as seen from there


def batches(gan, start_step, count):
    whole = data.load((small_images() + 1) / 2, batch_size=8, like=gan, shuffle=True, start_step=start_step)
    return whole.take(count).apply(tf.data.experimental.assert_cardinality(count))


def test_a_saved_gan_says_what_it_said():
    gan = presets.load(BEFORE / "gan.keras")
    assert int(gan.step) == 5
    np.testing.assert_allclose(gan.generate(4, seed=3), np.load(BEFORE / "generated.npz")["images"], atol=1e-5)
    losses = gan.evaluate(small_images(), batch_size=16, return_dict=True, verbose=0)
    assert losses == pytest.approx(MADE["losses"], rel=1e-4, abs=1e-5)


def test_a_saved_gan_goes_on_to_the_same_end():
    """From the midst of an epoch: running means, dropout masks, noise, data order and Adam's moments all matter."""
    gan = keras.saving.load_model(BEFORE / "gan.keras")
    gan.continue_epoch()
    gan.fit(batches(gan, 5, 3), verbose=0)
    gan.fit(batches(gan, 8, 8), epochs=2, initial_epoch=1, verbose=0)
    assert_came_to(gan, "gan_resumed.npz")


def test_a_preset_of_the_version_before(tmp_path):
    loaded, saved = presets.load(BEFORE / "small"), presets.load(BEFORE / "gan.keras")
    np.testing.assert_array_equal(loaded.generate(2), saved.generate(2))
    shutil.copytree(BEFORE / "small", tmp_path / "small")
    presets.add_metadata(tmp_path / "small", licence="MIT")  # as `kerasgan preset` does
    assert presets.read_metadata(tmp_path / "small")["weights_sha256"] == sha256_of(BEFORE / "small/model.weights.h5")


def test_a_run_of_the_version_before_is_used_and_goes_on(tmp_path, monkeypatch):
    copied(tmp_path, monkeypatch, "ring_run")
    assert int(presets.load("ring_run").step) in (3, 6)  # of `best.keras`
    assert kerasgan.GAN.from_preset("ring_run/final.keras").generate(3).shape == (3, 2)
    assert runs.training_of("ring_run") == runs.unseen.Training("ring", "train[:150]")
    config = runs.read_config("ring_run")
    assert (config.epochs, config.steps) == (4, None)
    assert_came_to(runs.train(config, "ring_run", resume=True, verbose=0), "ring_run_resumed.npz")
    rows = callbacks.read_history("ring_run/history.csv")
    for name, column in callbacks.read_history(BEFORE / "ring_run_resumed.csv").items():
        assert rows[name] == pytest.approx(column, rel=1e-4, abs=1e-5), name


def test_a_run_on_a_whole_folder_sees_the_same_pictures_in_the_same_order(tmp_path, monkeypatch):
    copied(tmp_path, monkeypatch, "folder_run", "pictures")
    gan = runs.train(runs.read_config("folder_run"), "folder_run", resume=True, verbose=0)
    assert_came_to(gan, "folder_run_resumed.npz")


@pytest.mark.parametrize("where", ["split", "validation_split"])
def test_a_run_on_a_slice_of_a_folder_cannot_go_on(tmp_path, monkeypatch, where):
    """Folders are shuffled before they are cut now: the slice holds other pictures."""
    copied(tmp_path, monkeypatch, "folder_run", "pictures")
    path = tmp_path / "folder_run" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), where: "train[:50%]"}))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=r"kerasgan 0\.1\.0\.dev0 cut train\[:50%\] of folder:pictures in the order"):
        runs.train(runs.read_config("folder_run"), "folder_run", resume=True, verbose=0)
    assert sorted(tmp_path.rglob("*")) == before
    if where == "split":  # nor does anybody know what it has not seen
        assert runs.training_of("folder_run").split is None


def test_a_run_of_a_version_to_come_is_refused_in_one_line(tmp_path, monkeypatch):
    copied(tmp_path, monkeypatch, "ring_run")
    path = tmp_path / "ring_run" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "versions": {"kerasgan": "99.1.0"}}))
    with pytest.raises(ValueError, match=r"kerasgan 99\.1\.0 began the run in ring_run, and this is 0.*pip install -U"):
        runs.read_config("ring_run")
