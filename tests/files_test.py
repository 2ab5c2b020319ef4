"""Folders that one process at a time writes to."""

import subprocess
import sys

import pytest

from kerasgan import files

HOLD = "import sys; from kerasgan.files import held; it = held(sys.argv[1]); it.__enter__(); print(); input()"


def test_a_lock_ends_with_its_process(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-u", "-c", HOLD, tmp_path], **pipes) as process:
        process.stdout.readline()
        with pytest.raises(BlockingIOError), files.held(tmp_path):
            pass
        with files.locked(tmp_path, wait=False) as mine:
            assert not mine
        process.kill()
    with files.held(tmp_path), files.locked(tmp_path, wait=False) as mine:
        assert not mine  # nor has one process it twice
    with files.locked(tmp_path) as mine:
        assert mine


def test_a_file_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch):
    class NoLocks:
        LOCK_EX = LOCK_NB = 0

        def flock(self, *_):
            raise OSError(95, "Operation not supported")

    for fcntl in (NoLocks(), None):  # None is Windows
        monkeypatch.setattr(files, "fcntl", fcntl)
        with files.held(tmp_path):
            pass
        with files.locked(tmp_path) as mine:
            assert not mine


def test_sizes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"123")
    (tmp_path / "c").write_bytes(b"45")
    assert files.size_of(tmp_path) == 5
    assert files.size_of(tmp_path / "c") == 2
    assert files.size_of(tmp_path / "nothing") == 0
    assert files.free_space(tmp_path / "to" / "be") > 0
