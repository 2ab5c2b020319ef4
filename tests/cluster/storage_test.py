"""A run's folder in an object store: here one of files, which fsspec knows as it knows S3."""

import pathlib

import pytest

from kerasgan import runs
from kerasgan.cluster import storage


@pytest.fixture
def address(tmp_path):
    return f"file://{tmp_path}/store/run"


def write(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_what_is_pushed_is_what_is_pulled(address, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    write(here, config="1", checkpoints__a="x", samples__s="p", **{".config-part": "half"})
    mirror = storage.Mirror(address)
    mirror.push(here)
    assert sorted(mirror.names()) == ["checkpoints/a", "config", "samples/s"]
    storage.Mirror(address).pull(there)
    assert contents(there) == {"config": "1", "checkpoints/a": "x", "samples/s": "p"}
    storage.Mirror(address).pull(tmp_path / "part", "config", "samples")
    assert contents(tmp_path / "part") == {"config": "1", "samples/s": "p"}


def test_a_push_sends_what_changed_and_removes_what_is_gone(address, tmp_path, monkeypatch):
    here = tmp_path / "here"
    write(here, config="1", checkpoints__a="x", history="1")
    storage.Mirror(address).push(here)
    mirror = storage.Mirror(address)
    mirror.pull(here)  # as whoever goes on does
    sent = []
    put = type(mirror.filesystem).put_file
    monkeypatch.setattr(
        type(mirror.filesystem), "put_file", lambda self, *paths, **_: sent.append(paths[1]) or put(self, *paths)
    )
    write(here, history="1 2", checkpoints__b="y")
    (here / "checkpoints/a").unlink()
    mirror.push(here)
    # The checkpoint comes last: of what stands beside it a later state does no harm.
    assert [path.split("/run/")[1] for path in sent] == ["history", "checkpoints/b"]
    assert sorted(mirror.names()) == ["checkpoints/b", "config", "history"]


def test_what_a_machine_sees_of_a_run(address, tmp_path):
    here = tmp_path / "here"
    write(
        here, **{"config.json": "{}", "checkpoints__step-00000005.keras": "a", "checkpoints__step-00000040.keras": "b"}
    )
    assert storage.Place(address).newest() == -1
    assert not storage.Place(address).folder.exists()
    storage.Mirror(address).push(here)
    place = storage.Place(address)
    assert contents(place.folder) == {"config.json": "{}"}
    assert place.newest() == 40
    assert place.output == address
    with pytest.raises(runs.AlreadyThereError, match=f"{address} holds a run already; go on with --resume"):
        place.check(resume=False, overwrite=False)
    assert storage.Place(here).newest() == 40
    place.mirror.remove("checkpoints")
    assert storage.Mirror(address).names() == ["config.json"]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nothing://bucket/run", "nothing://bucket/run is no address of a folder: Protocol not known: nothing"),
        ("ftp://me:secret@host/run", "A password does not belong into an address"),
    ],
)
def test_addresses_that_are_none(address, message):
    with pytest.raises(storage.StorageError, match=message) as error:
        storage.Mirror(address)
    assert "secret" not in str(error.value)


def test_a_store_that_fails_is_tried_again(address, tmp_path, monkeypatch):
    write(tmp_path / "here", config="1")
    mirror, calls = storage.Mirror(address), []
    put = type(mirror.filesystem).put_file

    def fail(self, *paths, **_):
        calls.append(paths)
        if len(calls) < fails:
            raise OSError("the network is down")
        return put(self, *paths)

    monkeypatch.setattr(type(mirror.filesystem), "put_file", fail)
    monkeypatch.setattr(storage, "PAUSE", 0.0)
    fails = 3
    mirror.push(tmp_path / "here")
    assert len(calls) == 3
    write(tmp_path / "here", config="other")
    fails = 100
    with pytest.raises(storage.StorageError, match=r"cannot be used: OSError: the network is down"):
        mirror.push(tmp_path / "here")


def test_who_comes_later_takes_over(address, tmp_path):
    write(tmp_path / "here", config="1")
    first, second = storage.Mirror(address), storage.Mirror(address)
    first.claim()
    first.push(tmp_path / "here")
    second.claim()
    second.pull(tmp_path / "there")
    assert contents(tmp_path / "there") == {"config": "1"}
    with pytest.raises(storage.StorageError, match=r"Another training has taken file://.* over; this one ends here"):
        first.push(tmp_path / "here")
    second.push(tmp_path / "there")
    assert sorted(second.names()) == ["config", "owner"]


def test_what_is_an_address():
    assert storage.is_remote("s3://bucket/run")
    assert not storage.is_remote("runs/dcgan")
    assert not storage.is_remote(pathlib.Path("runs"))
