"""The benchmarks' own parts: processes that take turns, multiplications that are counted, scripts that start."""

import ast
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

FOLDER = pathlib.Path(__file__).parent.parent / "benchmarks"
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if "__main__" in path.read_text() and path.name != "turns.py")

PLAYERS = """
import os, signal

def contestants(base):
    def fail():
        return 1 / 0
    def die():
        os.kill(os.getpid(), signal.SIGABRT)
    return {"add": lambda n: base + n, "process": os.getpid, "fail": fail, "die": die}
"""


@pytest.fixture(autouse=True)
def benchmarks_on_path(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(FOLDER))
    (tmp_path / "players.py").write_text(PLAYERS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # where workers look beside the folder of benchmarks


def imported_by(name):
    """The modules that a benchmark imports anywhere in it, those of other benchmarks among them."""
    found, waiting = set(), [name]
    while waiting:
        tree = ast.parse((FOLDER / f"{waiting.pop()}.py").read_text())
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for one in {name.partition(".")[0] for name in names} - found:
                found.add(one)
                waiting += [one] if (FOLDER / f"{one}.py").is_file() else []
    return found


@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("*.py"))])
def test_no_process_holds_two_frameworks(name):
    # Two copies of LLVM in one process abort it.
    modules = imported_by(name)
    assert not ("torch" in modules and modules & {"tensorflow", "keras", "kerasgan"})


def test_a_worker_answers_from_a_process_of_its_own():
    from turns import Worker

    with Worker("players", "contestants", base=40) as worker:
        assert worker.runners["add"](2) == 42
        assert worker.runners["process"]() != os.getpid()


def test_what_fails_in_a_worker_is_said():
    from turns import Worker

    with Worker("players", "contestants", base=0) as worker, pytest.raises(SystemExit, match="ZeroDivisionError"):
        worker.runners["fail"]()


def test_a_worker_that_dies_is_named_with_its_signal():
    from turns import Worker

    with Worker("players", "contestants", base=0) as worker, pytest.raises(SystemExit, match=r"players .* signal 6"):
        worker.runners["die"]()


def test_turns_alternate_and_every_other_round_goes_backwards():
    from turns import take_turns

    calls = []
    answers = take_turns({name: lambda n, name=name: calls.append(name) or n for name in "abc"}, 3, 7)
    assert answers == {"a": [7] * 3, "b": [7] * 3, "c": [7] * 3}
    assert sorted(["".join(calls[:3]), "".join(calls[3:6])]) == ["abc", "cba"]
    assert calls[6:] == calls[:3]


def test_multiplications_of_a_step_are_those_worked_out_by_hand():
    from keras_step import multiplications

    kernel = tf.Variable(np.ones((5, 5, 3, 8), np.float32))
    weights = tf.Variable(np.ones((8, 4), np.float32))
    images = tf.constant(np.ones((2, 28, 28, 3), np.float32))

    def forward(x):
        maps = tf.nn.conv2d(x, kernel, 2, "SAME")  # (2, 14, 14, 8), each of 5 * 5 * 3 products
        return tf.reduce_sum(tf.matmul(tf.reshape(maps, [-1, 8]), weights))

    convolution, product = 2 * 14 * 14 * 8 * 75, 2 * 14 * 14 * 8 * 4

    def step(x):
        with tf.GradientTape() as tape:
            loss = forward(x)
        for variable, gradient in zip((kernel, weights), tape.gradient(loss, (kernel, weights)), strict=True):
            variable.assign_sub(gradient)
        return loss

    assert multiplications(forward, images) == convolution + product
    # Backwards: the kernel's gradient but not the images', and both of the matrix product.
    assert multiplications(step, images) == 2 * convolution + 3 * product


def test_multiplications_of_transposed_convolutions_and_of_batches_of_any_size():
    from keras_step import multiplications

    kernel = tf.Variable(np.ones((5, 5, 1, 6), np.float32))
    maps = tf.constant(np.ones((3, 7, 7, 6), np.float32))

    def forward(x):
        x = tf.ensure_shape(tf.reshape(x, [tf.shape(x)[0], 7, 7, -1]), [None, 7, 7, 6])
        return tf.nn.conv2d_transpose(x, kernel, [tf.shape(x)[0], 14, 14, 1], 2, "SAME")

    assert multiplications(forward, maps) == 3 * 7 * 7 * 6 * 25


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_says_what_it_does(path):
    ran = subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True, timeout=120)
    assert "python benchmarks/" in ran.stdout
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_the_timings_run_without_torch():
    command = [sys.executable, FOLDER / "train_step.py", "--models=points", "--rounds=1", "--steps=1", "--notorch"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert "points, batch 100, bfloat16" in ran.stdout
    assert "bare loop" in ran.stdout
