"""Several devices play the game that one plays: two virtual CPUs, and two processes that talk over loopback."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import yaml

import kerasgan
from kerasgan import callbacks, cli, strategies

HERE = pathlib.Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
PATHS = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])  # conftest's small GAN
ENVIRONMENT = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": PATHS}
LIMIT = 600  # seconds


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    """The files that `mirrored.py` wrote."""
    folder = tmp_path_factory.mktemp("mirrored")
    subprocess.run([sys.executable, HERE / "mirrored.py", folder], check=True, env=ENVIRONMENT, timeout=LIMIT)
    return folder


def assert_same(one, two, rtol=1e-5, atol=2e-6):
    one, two = np.load(one), np.load(two)
    assert len(one.files) > 10
    assert one.files == two.files
    for name in one.files:
        np.testing.assert_allclose(two[name], one[name], rtol, atol, err_msg=name)


@pytest.mark.slow
def test_two_devices_end_with_the_weights_and_logs_of_one(mirrored):
    assert_same(mirrored / "plain_1.npz", mirrored / "plain_2.npz")


@pytest.mark.slow
def test_two_devices_see_the_images_in_the_order_in_which_one_does(mirrored):
    assert_same(mirrored / "shuffled_1.npz", mirrored / "shuffled_2.npz")
    with pytest.raises(AssertionError):
        assert_same(mirrored / "plain_1.npz", mirrored / "shuffled_1.npz")


@pytest.mark.slow
def test_two_devices_in_float16(mirrored):
    assert_same(mirrored / "half_1.npz", mirrored / "half_2.npz", rtol=2e-2, atol=5e-3)


@pytest.mark.slow
def test_labels_penalties_and_augmentation_on_two_devices_are_those_on_one(mirrored):
    found = np.load(mirrored / "conditional_1.npz")
    assert 0 < found["score_p"] < 1  # it has moved, and not to where it would be cut off
    assert {"log_r1", "log_r2", "log_gradient_penalty", "log_augment_p", "log_pair_jsd"} <= set(found.files)
    assert_same(mirrored / "conditional_1.npz", mirrored / "conditional_2.npz")
    assert_same(mirrored / "conditional_half_1.npz", mirrored / "conditional_half_2.npz", rtol=3e-2, atol=1e-2)


@pytest.mark.slow
def test_a_lazy_penalty_beside_shared_batch_statistics_is_refused(mirrored):
    assert (
        "The lazy penalty r1 and batch normalisation that several devices share"
        in (mirrored / "refused.txt").read_text()
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", kerasgan.list_models())
def test_every_family_on_two_devices_is_that_on_one(mirrored, name):
    """In two updates by Adam a weight may go either way where its gradient is all but 0; most do not. The masks of
    dropout are each device's own.
    """
    found = np.load(mirrored / f"family_{name}.npz")
    names = [key.removeprefix("0_") for key in found.files if key.startswith("0_")]
    assert {"d_loss", "g_loss"} < set(names)
    for key in names:
        np.testing.assert_allclose(found[f"1_{key}"], found[f"0_{key}"], rtol=1e-4, atol=1e-4, err_msg=key)
    assert found["moved"] > 0
    if not found["dropout"]:
        assert found["apart"] < 1e-3 * found["moved"]


@pytest.mark.slow
def test_an_overflow_on_one_device_is_one_on_all(mirrored):
    found = np.load(mirrored / "overflow.npz")
    assert found["shared"].shape == (4, 2)
    assert np.isnan(found["shared"]).all()
    assert found["scale"] == 2.0**99
    np.testing.assert_array_equal(found["before"], found["after"])


@pytest.mark.slow
def test_batch_statistics_over_all_devices_are_those_of_one(mirrored):
    assert_same(mirrored / "synchronized_1.npz", mirrored / "synchronized_2.npz", rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_batch_statistics_of_each_device_by_itself_are_others(mirrored):
    with pytest.raises(AssertionError, match="weight_"):
        assert_same(mirrored / "per_replica_1.npz", mirrored / "per_replica_2.npz", rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_each_device_has_noise_of_its_own(mirrored):
    noise = np.load(mirrored / "noise.npz")
    np.testing.assert_array_equal(np.concatenate([noise["first"], noise["second"]]), noise["whole"])
    assert (noise["first"] != noise["second"]).all()


@pytest.mark.slow
def test_what_two_devices_trained_loads_on_one(mirrored):
    samples = np.load(mirrored / "samples.npz")
    np.testing.assert_array_equal(samples["before"], samples["after"])


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_workers(commands):
    """A process for each command, all of one cluster on this machine."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(len(commands))]}
    return [
        subprocess.Popen(
            command,
            env={**ENVIRONMENT, "TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i, command in enumerate(commands)
    ]


def finish(workers):
    """Waits for all; they must have succeeded."""
    try:
        said = [worker.communicate(timeout=LIMIT)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0] * len(workers), said


@pytest.mark.slow
def test_two_workers_end_with_the_weights_and_logs_of_one_process(mirrored, tmp_path):
    finish(start_workers([[sys.executable, HERE / "worker.py", tmp_path / f"{i}"] for i in range(2)]))
    for i in range(2):
        assert_same(mirrored / "shuffled_1.npz", tmp_path / f"{i}.npz")
        assert_same(mirrored / "conditional_1.npz", tmp_path / f"{i}_conditional.npz")


@pytest.mark.slow
def test_a_cluster_with_a_killed_worker_goes_on_from_the_checkpoint(tmp_path):
    """Restarted with the same command it ends as one that nobody killed; only the first worker writes."""
    np.savez(tmp_path / "i.npz", np.random.default_rng(0).integers(0, 256, (600, 28, 28, 1), dtype=np.uint8))
    command = [sys.executable, "-m", "kerasgan.cli", "train", "--model=vanilla_gan", f"--dataset={tmp_path / 'i.npz'}"]
    command += ["--set=generator_units=8", "--set=discriminator_units=8", "--batch_size=20", "--epochs=4", "--resume"]
    command += ["--strategy=multi_worker", "--checkpoint_steps=5"]

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    finish(start_workers([[*command, f"--output={whole}"]] * 2))

    workers = start_workers([[*command, f"--output={cut}"]] * 2)
    deadline = time.monotonic() + LIMIT
    while not list((cut / "checkpoints").glob("step-0000004*.keras")) and time.monotonic() < deadline:
        time.sleep(0.01)
    workers[1].kill()
    said = workers[0].communicate(timeout=LIMIT)[1]  # the first cannot go on alone, and ends
    assert workers[0].returncode == 1, said
    assert "Another worker is gone: " in said
    assert "Start all of them again with --resume" in said
    assert "Traceback" not in said
    workers[1].communicate()
    assert not (cut / "final.keras").exists()

    finish(start_workers([[*command, f"--output={cut}"]] * 2))
    first, second = (keras.saving.load_model(folder / "final.keras") for folder in (whole, cut))
    # Two processes add in whatever order messages arrive: equal to rounding, and not bit for bit as one process is.
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    histories = [callbacks.read_history(folder / "history.csv") for folder in (whole, cut)]
    assert histories[0].keys() == histories[1].keys()
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-4, atol=1e-6, err_msg=name)
    assert histories[1]["epoch"] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("all", None, "strategy must be one of none, mirrored, multi_worker; found 'all'"),
        ("multi_worker", None, "needs TF_CONFIG in the environment.*lacks 'TF_CONFIG'"),
        ("multi_worker", "{", "TF_CONFIG must be JSON"),
        ("multi_worker", "[]", "TF_CONFIG must be JSON"),
        ("multi_worker", '{"cluster": {"worker": ["a:1"]}}', "it lacks 'task'"),
        ("multi_worker", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "out of range"),
        ("multi_worker", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}', "index is -1"),
    ],
)
def test_what_is_asked_for_is_checked(name, config, message, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match=message):
        strategies.get(name)


def check_pods(job, names):
    """Whether the pods of an indexed Job come together as one cluster, by these names, in a command that exists."""
    spec = job["template"]["spec"]
    container = spec["containers"][0]
    environment = {variable["name"]: variable.get("value") for variable in container["env"]}
    config = json.loads(environment["TF_CONFIG"].replace("$(WORKER)", "1"))
    assert config["task"] == {"type": "worker", "index": 1}
    assert [worker.partition(":")[0] for worker in config["cluster"]["worker"]] == names
    assert job["completions"] == job["parallelism"] == len(names)
    assert list(environment).index("WORKER") < list(environment).index("TF_CONFIG")  # or it is not filled in

    rule = job["podFailurePolicy"]["rules"][0]
    assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailJob", [2, 3])
    assert spec["restartPolicy"] == "Never"  # what a podFailurePolicy needs

    _, define = cli.COMMANDS["train"]
    options = define()
    assert container["command"][1] == "train"
    assert options.parse(container["command"][2:]) == []
    gpus = int(container["resources"]["limits"]["nvidia.com/gpu"])
    assert options.values.batch_size % (len(names) * gpus) == 0


def test_the_kubernetes_job_makes_a_cluster():
    service, job = yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text())
    name, subdomain = job["metadata"]["name"], job["spec"]["template"]["spec"]["subdomain"]
    check_pods(job["spec"], [f"{name}-{i}.{subdomain}" for i in range(2)])
    assert subdomain == service["metadata"]["name"]
    assert service["spec"]["selector"] == {"job-name": name}


def test_the_job_set_makes_a_cluster():
    """JobSet calls a pod NAME-GROUP-JOB-INDEX, and their domain as itself."""
    job_set = yaml.safe_load((EXAMPLES / "jobset.yaml").read_text())
    (group,) = job_set["spec"]["replicatedJobs"]
    name = job_set["metadata"]["name"]
    check_pods(group["template"]["spec"], [f"{name}-{group['name']}-0-{i}.{name}" for i in range(2)])
    assert group["replicas"] == 1
    assert group["template"]["spec"]["backoffLimit"] == 0
    (rule,) = job_set["spec"]["failurePolicy"]["rules"]
    assert (rule["action"], rule["onJobFailureReasons"]) == ("FailJobSet", ["PodFailurePolicy"])
