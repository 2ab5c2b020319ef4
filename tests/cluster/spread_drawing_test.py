"""Samples and scores by the million, here by the dozen: shards in this process, and (slow) on a real cluster."""

import contextlib
import dataclasses
import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile

import numpy as np
import pyarrow.parquet
import pytest
import tensorflow as tf
from PIL import Image
from processes import LIMIT, descendants, finish, wait_for

from kerasgan import cluster, data, evaluation, presets
from kerasgan.cluster import connecting, drawing, scoring, spreading

PRESET = "r3gan_fashion_mnist"


@pytest.fixture
def one_process(monkeypatch):
    """Shards are done here, one after the other."""

    def spread(ray, make, job, shards, workers, gpus=0.0, title=""):
        work = spreading.Hand(make, job, connecting.versions(), ".")
        for shard in shards:
            answer = work(dataclasses.asdict(shard))
            assert not answer["error"]
            yield shard.index, answer["result"]

    monkeypatch.setattr(spreading, "share_the_machine", lambda folder: None)
    for module in (drawing, scoring):
        monkeypatch.setattr(module, "spread", spread)
        monkeypatch.setattr(module, "connected", lambda *_: contextlib.nullcontext())


@pytest.fixture(scope="module")
def gan():
    return presets.load(PRESET)


def read_tar(path):
    """{seed: (image, label)} of a file; each image has its text beside it."""
    found = {}
    with tarfile.open(path) as tar:
        names = tar.getnames()
        for about, png in zip(names[::2], names[1::2], strict=True):
            assert about.removesuffix(".json") == png.removesuffix(".png")
            facts = json.load(tar.extractfile(about))
            assert int(about.removesuffix(".json")) == facts["seed"]
            found[facts["seed"]] = np.asarray(Image.open(tar.extractfile(png))), facts.get("label")
    return found


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_each_image_is_that_of_its_seed(one_process, gan, tmp_path):
    output = tmp_path / "many"
    assert cluster.draw(PRESET, 12, output, 2, seed=7, size=5) == 3
    names = [f"shard-0000{i}-of-00003.tar" for i in range(3)]
    assert files(output) == ["manifest.json", *names]
    parts = [read_tar(output / name) for name in names]
    assert [list(part) for part in parts] == [list(range(7, 12)), list(range(12, 17)), [17, 18]]
    expected = gan.generate(seeds=list(range(7, 19)))
    labels = evaluation.labels_of(gan, 12, 7)
    found = [sample for part in parts for sample in part.values()]
    for (image, label), sample, of in zip(found, expected, labels, strict=True):
        np.testing.assert_allclose(image / 255.0, sample[..., 0], atol=0.51 / 255)
        assert label == of


def test_what_is_missing_is_drawn_again_with_the_same_bytes(one_process, tmp_path, capsys):
    output = tmp_path / "many"
    cluster.draw(PRESET, 12, output, 2, size=5)
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    assert cluster.draw(PRESET, 12, output, 2, size=5) == 0
    (output / "shard-00001-of-00003.tar").unlink()
    (output / ".abcdefgh.tar").write_bytes(b"half")  # of a process that was killed
    assert cluster.draw(PRESET, 12, output, 2, size=5) == 1
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
    assert "2 of 3 files are there already" in capsys.readouterr().err


def test_forms(one_process, tmp_path):
    from array_record.python import array_record_module

    for form in cluster.FORMATS:
        cluster.draw(PRESET, 4, tmp_path / form, 1, form=form)
    tar = read_tar(tmp_path / "webdataset" / "shard-00000-of-00001.tar")
    table = pyarrow.parquet.read_table(tmp_path / "parquet" / "shard-00000-of-00001.parquet").to_pylist()
    reader = array_record_module.ArrayRecordReader(str(tmp_path / "arrayrecord" / "shard-00000-of-00001.array_record"))
    examples = [tf.train.Example.FromString(record).features.feature for record in reader.read_all()]
    for row, example, (seed, (image, label)) in zip(table, examples, tar.items(), strict=True):
        assert (row["seed"], row["label"]) == (seed, label)
        assert (example["seed"].int64_list.value[0], example["label"].int64_list.value[0]) == (seed, label)
        for png in (row["image"], example["image"].bytes_list.value[0]):
            np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), image)


def test_classes_that_are_asked_for(one_process, gan, tmp_path):
    cluster.draw(PRESET, 5, tmp_path / "some", 1, labels=["Bag", "0"])
    found = read_tar(tmp_path / "some" / "shard-00000-of-00001.tar")
    bag = gan.class_names.index("Bag")
    assert [label for _, label in found.values()] == [bag, 0, bag, 0, bag]
    expected = gan.generate(5, labels=["Bag", 0, "Bag", 0, "Bag"])
    np.testing.assert_allclose(
        np.stack([image for image, _ in found.values()]) / 255, expected[..., 0], atol=0.51 / 255
    )


def test_an_object_store(one_process, tmp_path):
    cluster.draw(PRESET, 4, f"file://{tmp_path}/store/a", 1, size=2)
    cluster.draw(PRESET, 4, tmp_path / "b", 1, size=2)
    for name in files(tmp_path / "b"):
        assert (tmp_path / "store/a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert cluster.draw(PRESET, 4, f"file://{tmp_path}/store/a", 1, size=2) == 0


def test_what_cannot_be_drawn(one_process, tmp_path):
    cluster.draw(PRESET, 4, tmp_path / "a", 1)
    with pytest.raises(ValueError, match=r"holds other samples \(n, seed differ\); choose another folder"):
        cluster.draw(PRESET, 5, tmp_path / "a", 1, seed=1)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").touch()
    with pytest.raises(ValueError, match=r"b holds other files; choose a new or an empty folder"):
        cluster.draw(PRESET, 5, tmp_path / "b", 1)
    with pytest.raises(ValueError, match=r"format is one of webdataset, parquet, arrayrecord; found 'zip'"):
        cluster.draw(PRESET, 5, tmp_path / "c", 1, form="zip")
    with pytest.raises(ValueError, match=r"dcgan_fashion_mnist knows no classes; leave the labels out"):
        cluster.draw("dcgan_fashion_mnist", 5, tmp_path / "c", 1, labels=["Bag"])
    with pytest.raises(ValueError, match=r"Hat"):
        cluster.draw(PRESET, 5, tmp_path / "c", 1, labels=["Hat"])
    assert not (tmp_path / "c").exists()


def test_a_shard_is_tried_three_times(monkeypatch):
    monkeypatch.setattr(spreading, "share_the_machine", lambda folder: None)
    tries = []

    def make(job):
        def work(shard):
            tries.append(shard)
            if len(tries) < job["fails"]:
                raise OSError("the disk is full")
            return b"done"

        return work

    row = {"index": 4, "first": 40, "count": 10}
    answer = spreading.Hand(make, {"fails": 3}, connecting.versions(), ".")(row)
    assert (answer["result"], answer["error"], len(tries)) == (b"done", "", 3)
    answer = spreading.Hand(make, {"fails": 100}, connecting.versions(), ".")(row)
    assert answer["result"] == b""
    assert answer["error"].endswith("OSError: the disk is full")
    assert len(tries) == 6
    assert tries[0] == spreading.Shard(4, 40, 10)


def test_a_machine_that_cannot_help(monkeypatch):
    monkeypatch.setattr(spreading, "share_the_machine", lambda folder: None)

    def make(job):
        raise ValueError("There is no preset 'mine'.")

    row = {"index": 0, "first": 0, "count": 1}
    assert spreading.Hand(make, {}, connecting.versions(), ".")(row)["error"].endswith(": There is no preset 'mine'")
    unlike = {**connecting.versions(), "keras": "2.0"}
    assert (
        "versions differ from those of the machine that asks: keras "
        in spreading.Hand(make, {}, unlike, ".")(row)["error"]
    )


def test_shards():
    assert spreading.shards_of(5, 10, 2) == [
        spreading.Shard(0, 10, 2),
        spreading.Shard(1, 12, 2),
        spreading.Shard(2, 14, 1),
    ]


def test_the_distance_is_that_of_one_machine(one_process, gan):
    """Of moments that come in parts, out of order, and of features that are taken all at once."""
    real = data.load_array("fashion_mnist", "test[:500]")
    found = cluster.score(gan, PRESET, real, 300, 2, dataset="fashion_mnist", seed=3, size=70)
    judge = evaluation.Judge(real, None, "fashion_mnist_classifier")
    expected = judge.distances(evaluation.generate(gan, 300, 3), 3)["fcd"]
    assert dataclasses.replace(found, value=0.0) == dataclasses.replace(expected, value=0.0)
    assert found.value == pytest.approx(expected.value, rel=1e-6)


def command(name, *options):
    arguments = [sys.executable, "-m", "kerasgan.cli", name, f"--preset={PRESET}", "--workers=2", "--ray=local"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.Popen(
        [*arguments, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.slow
def test_processes_that_are_killed_leave_the_same_files(one_process, tmp_path):
    cluster.draw(PRESET, 3000, tmp_path / "whole", 1, size=500)
    cut = tmp_path / "cut"
    process = command("sample", "--n=3000", "--shard_size=500", f"--output={cut}")

    def count():
        return len(list(cut.glob("shard-*")))

    for least in (1, 2):
        wait_for(lambda: count() >= least)  # noqa: B023
        workers = [pid for pid, name in descendants(process.pid).items() if "MapWorker" in name]
        os.kill(random.choice(workers), signal.SIGKILL)
    wait_for(lambda: count() >= 3)
    left = descendants(process.pid)
    process.kill()
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=LIMIT)
    finish(command("sample", "--n=3000", "--shard_size=500", f"--output={cut}"))
    for name in files(tmp_path / "whole"):
        assert (cut / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert files(cut) == files(tmp_path / "whole")


@pytest.mark.slow
def test_scores_of_a_real_cluster(one_process, gan, tmp_path):
    output = tmp_path / "report.json"
    said = finish(command("evaluate", "--n=1000", "--dataset=fashion_mnist", f"--output={output}"))
    found = json.loads(output.read_text())
    expected = cluster.score(gan, PRESET, data.load_array("fashion_mnist", "test"), 1000, 1, dataset="fashion_mnist")
    assert found["scores"]["fcd"]["value"] == pytest.approx(expected.value, rel=1e-6)
    assert "--workers=2" in found["command"]
    assert "fcd " in said
