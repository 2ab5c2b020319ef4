"""Trainings on Ray: what is asked for in vain at once, and (slow) processes of a real cluster that are killed."""

import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from processes import descendants, finish, wait_for

import kerasgan
from kerasgan import callbacks, cluster, runs
from kerasgan.cluster import connecting, training


@pytest.mark.parametrize(("text", "found"), [("4", (4, 4)), ("2-4", (2, 4)), (" 1 ", (1, 1))])
def test_how_many_workers(text, found):
    assert cluster.parse_workers(text) == found


@pytest.mark.parametrize("text", ["", "0", "4-2", "many", "-3", "2-", "1.5"])
def test_numbers_of_workers_that_are_none(text):
    with pytest.raises(ValueError, match=r"--workers is a number, or the least and the most, such as 2-4; found"):
        cluster.parse_workers(text)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("somewhere", r"--ray is auto, local, HOST:PORT or ray://HOST:PORT; found 'somewhere'"),
        ("127.0.0.1:1", r"There is no Ray at 127.0.0.1:1 \(.*[Rr]efused"),
        ("ray://127.0.0.1:1", r"There is no Ray at ray://127.0.0.1:1"),
    ],
)
def test_addresses_without_ray(address, message):
    began = time.monotonic()
    with pytest.raises(ValueError, match=message), connecting.connected(address):
        pass
    assert time.monotonic() - began < 30


def test_the_cluster_of_this_machine_is_gone(tmp_path, monkeypatch):
    """Ray itself would wait for minutes."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(connecting, "RUNNING", tmp_path / "ray_current_cluster")
    connecting.RUNNING.write_text("127.0.0.1:1")
    message = r"There is no Ray at 127.0.0.1:1 .* Start one with `ray start --head`"
    with pytest.raises(ValueError, match=message), connecting.connected("auto"):
        pass


def test_a_head_that_is_gone_is_said(monkeypatch, capsys):
    monkeypatch.setattr(connecting, "PATIENCE", 0.05)
    with connecting._watched("127.0.0.1:1"):
        time.sleep(0.5)
    assert capsys.readouterr().err.count("the head of the cluster, 127.0.0.1:1, does not answer any more (") == 1


def test_ray_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    message = r"Several machines need Ray \(.*\): pip install 'kerasgan\[ray\]'"
    with pytest.raises(ValueError, match=message), connecting.connected("auto"):
        pass


def test_batches_that_do_not_divide(tmp_path):
    config = runs.resolve("vanilla_gan", "ring", image_shape=(2,), batch_size=20, epochs=1)
    with pytest.raises(ValueError, match=r"batch_size=20 must divide among 3 workers, which 2-4 may come to"):
        cluster.train(config, tmp_path / "run", (2, 4))
    with pytest.raises(ValueError, match=r"batch_size=20 must divide among 3 workers\."):
        cluster.train(config, tmp_path / "run", (3, 3))
    assert list(tmp_path.iterdir()) == []


class Failed(Exception):
    def __init__(self, **failures):
        super().__init__("failed")
        self.worker_failures = {int(rank[1:]): failure for rank, failure in failures.items()}


def test_why_an_attempt_failed():
    lost = runs.WorkerLostError("Another worker is gone")
    assert training._reason_of(Failed(_0=lost, _1=OSError("it died."))) == "worker 1 is lost (it died)"
    assert training._reason_of(Failed(_0=lost)) == "worker 0 is lost (Another worker is gone)"
    assert training._reason_of(Failed()) == "Ray could not go on (failed)"
    with pytest.raises(ValueError, match=r"^Worker 1 on b: There is no folder photos\.$"):
        training._reason_of(Failed(_0=lost, _1=training.RefusedError("on b: There is no folder photos.")))


def test_attempts_that_come_to_nothing_end(tmp_path, monkeypatch, capsys):
    """Three in a row; one that has written a checkpoint begins the count anew."""
    output, tries = tmp_path / "run", []

    def play(ray, job, place, least, most):
        tries.append((job["resume"], job["overwrite"]))
        if len(tries) == 2:
            runs.config.write_config(config, output)
            (output / "checkpoints").mkdir()
            (output / "checkpoints" / "step-00000005.keras").touch()
        raise ray.train.TrainingFailedError("gone")

    config = runs.resolve("vanilla_gan", "ring", image_shape=(2,), batch_size=20, epochs=1)
    monkeypatch.setattr(training, "_play", play)
    monkeypatch.setattr(training, "connected", lambda *_: contextlib.nullcontext(connecting._import()))
    with pytest.raises(
        runs.WorkerLostError, match=r"lost 3 times before a new checkpoint; the last time: Ray could not"
    ):
        cluster.train(config, output, (1, 1), verbose=False)
    assert tries == [(False, False)] * 2 + [(True, False)] * 2
    assert capsys.readouterr().err.count("all workers are started again") == 3


def start(tmp_path, output, *options):
    command = [sys.executable, "-m", "kerasgan.cli", "train", "--model=vanilla_gan", f"--dataset={tmp_path / 'i.npz'}"]
    command += ["--set=generator_units=8", "--set=discriminator_units=8", "--batch_size=24", "--epochs=4"]
    command += ["--learning_rate=.05", "--checkpoint_steps=5", "--ray=local", f"--output={output}", *options]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_workers_that_are_killed_and_one_more_than_before(tmp_path):
    """A worker is killed twice, then the command itself; with three workers instead of two it goes on, and ends with
    what one process comes to alone.
    """
    np.savez(tmp_path / "i.npz", np.random.default_rng(0).integers(0, 256, (600, 28, 28, 1), dtype=np.uint8))
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    config = runs.resolve(
        "vanilla_gan",
        str(tmp_path / "i.npz"),
        generator_units=8,
        discriminator_units=8,
        batch_size=24,
        epochs=4,
        learning_rate=0.05,
    )
    runs.train(config, whole, verbose=0)

    process = start(tmp_path, cut, "--workers=2")
    newest = -1
    for _ in range(2):
        wait_for(lambda: cluster.Place(cut).newest() > newest)  # noqa: B023
        newest = cluster.Place(cut).newest()
        workers = [pid for pid, name in descendants(process.pid).items() if "RayTrainWorker" in name]
        os.kill(random.choice(workers), signal.SIGKILL)
    wait_for(lambda: cluster.Place(cut).newest() > newest)
    left = descendants(process.pid)
    process.kill()
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()

    said = finish(start(tmp_path, cut, "--workers=2-3", "--resume"))
    assert "Epoch 4: " in said
    first, second = (keras.saving.load_model(folder / "final.keras") for folder in (whole, cut))
    start_of = kerasgan.create_model("vanilla_gan", **config.recipe).get_weights()
    moved = [np.abs(a - b).max() for a, b in zip(first.get_weights(), start_of, strict=True)]
    assert max(moved[:4]) > 0.01
    # Each worker has dropout's masks of its own, and sums are in another order.
    apart = [np.abs(a - b).max() for a, b in zip(first.get_weights(), second.get_weights(), strict=True)]
    assert max(apart) < 0.01 * max(moved[:4])
    histories = [callbacks.read_history(folder / "history.csv") for folder in (whole, cut)]
    assert histories[1]["epoch"] == [1, 2, 3, 4]
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-3, atol=1e-5, err_msg=name)
    assert not list(tmp_path.glob(".cut-ray*"))
