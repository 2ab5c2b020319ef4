"""The benchmarks' own parts: processes that take turns, multiplications that are counted, scripts that start."""

import ast
import dataclasses
import importlib.util
import os
import pathlib
import subprocess
import sys
import threading

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
    cores = lambda: os.sched_getaffinity(0)
    return {"add": lambda n: base + n, "process": os.getpid, "cores": cores, "fail": fail, "die": die}
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
def test_a_ring_sends_every_number_twice_but_for_the_own_part():
    from scale import ring

    # Of 4 devices each sends 2 * 3/4 of 4 MB, at 1 GB/s, after a millisecond.
    assert ring(1_000_000, 4, 1e9, 1e-3) == pytest.approx(7e-3)


def test_memory_counts_the_processes_that_were_started():
    from memory import own_megabytes

    before = own_megabytes()
    code = "import sys; held = b'x' * 2**26; print(flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    grown = own_megabytes() - before
    child.communicate()
    assert 60 < grown < 120


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_says_how_it_is_called(path):
    assert f"python benchmarks/{path.name}" in ast.get_docstring(ast.parse(path.read_text()))


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


# -- as much training time ------------------------------------------------------------------------------------------

TORCH = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")

PROBE = """
import torch_dcgan

def contestants():
    def shapes(shape, width):
        g, d = torch_dcgan.players(shape, width)["g"], torch_dcgan.players(shape, width)["d"]
        return [[tuple(p.shape) for p in one.parameters() if p.dim() == 4] for one in (g, d)]
    return {"shapes": shapes}
"""


@pytest.mark.parametrize(("processors", "counted"), [({0, 1}, "perf_counter"), ({1}, "process_time")])
def test_a_clock_counts_every_step_of_a_process_but_the_first(monkeypatch, processors, counted):
    """On the wall; where there is one processor alone, of which others may have taken some, of that."""
    import clock

    now = [0.0]
    monkeypatch.setattr(clock.time, counted, lambda: now[0])
    monkeypatch.setattr(clock.os, "sched_getaffinity", lambda _: processors, raising=False)
    one, seconds = clock.Clock("one", spent=10.0), iter([7.0, 2.0, 2.0, 2.0, 2.0])

    def step():
        now[0] += next(seconds)

    one.play(step, until=13.0)  # 7 seconds are free, twice 2 are counted
    assert one.spent == 14.0
    now[0] += 100.0  # between turns
    one.play(step, until=13.0)
    assert one.spent == 14.0
    one.play(step, until=15.0)
    assert one.spent == 16.0


def test_a_training_that_nobody_waits_for_ends(monkeypatch):
    import clock

    one = clock.Clock("one")
    monkeypatch.setattr(clock.os, "getppid", lambda: 1)
    seconds = iter(range(100))  # a step that does nothing takes no time that a clock can see
    monkeypatch.setattr(one, "_now", lambda: next(seconds))
    with pytest.raises(SystemExit, match="Nobody waits"):
        one.play(lambda: None, until=1.0)


@TORCH
def test_the_examples_networks_are_those_of_its_source_at_64_and_cut_at_28(tmp_path):
    from turns import Worker

    (tmp_path / "probe.py").write_text(PROBE)
    with Worker("probe", "contestants") as worker:
        g, d = worker.runners["shapes"]((64, 64, 3), 32)
        assert g == [(100, 256, 4, 4), (256, 128, 4, 4), (128, 64, 4, 4), (64, 32, 4, 4), (32, 3, 4, 4)]
        assert d == [(32, 3, 4, 4), (64, 32, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (1, 256, 4, 4)]
        g, d = worker.runners["shapes"]((28, 28, 1), 64)
        assert g == [(100, 128, 7, 7), (128, 64, 4, 4), (64, 1, 4, 4)]
        assert d == [(64, 1, 4, 4), (128, 64, 4, 4), (1, 128, 7, 7)]


@TORCH
def test_a_torch_training_goes_on_where_it_was_cut(tmp_path):
    from turns import Worker

    images = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
    given = {"images": images, "folder": tmp_path / "run", "seed": 0, "width": 4, "batch": 4}
    with Worker("torch_dcgan", "by_seconds", **given) as worker:
        first = worker.runners["train"](0.01)
        assert first >= 0.01
    with Worker("torch_dcgan", "by_seconds", **given) as worker:
        assert worker.runners["spent"]() == first
        worker.runners["train"](first + 0.01)
        facts = worker.runners["keep"](tmp_path / "kept.pt")
        assert facts["steps"] >= 4  # two free ones, and one or more counted in each process
        assert facts["seconds"] >= first + 0.01
        samples = worker.runners["draw"](tmp_path / "kept.pt", 5, 0, True)
        assert samples.shape == (5, 64, 64, 3)
        assert samples.min() >= 0
        assert samples.max() <= 1


def test_our_training_goes_on_where_it_was_cut(tmp_path):
    from keras_by_seconds import by_seconds

    from kerasgan import registry

    images = np.random.default_rng(0).integers(0, 256, (11, 8, 8, 3), dtype=np.uint8)
    settings = dataclasses.asdict(registry.get_recipe("vanilla_gan", image_shape=(8, 8, 3), classes=("a", "b")))
    given = (images, np.arange(11) % 2, ("a", "b"), tmp_path / "run", "vanilla_gan", 4, settings)
    (tmp_path / "run").mkdir()
    one = by_seconds(*given)
    first = one["train"](0.001)
    steps = one["keep"](tmp_path / "kept.keras")["steps"]
    assert first >= 0.001
    assert steps >= 2
    two = by_seconds(*given)
    assert two["spent"]() == first
    two["train"](first + 0.02)
    assert two["keep"](tmp_path / "kept.keras")["steps"] >= steps + 2
    assert len(list((tmp_path / "run").glob("state-*.keras"))) == 1
    assert two["draw"](tmp_path / "kept.keras", 3, 0, True).shape == (3, 8, 8, 3)


class Player:
    """A contestant whose every turn takes so many seconds."""

    def __init__(self, name, spent, turn, log):
        self.name, self.spent, self.seconds, self.turn, self.log = name, spent, 60.0, turn, log
        self.is_done = False

    def begin(self):
        self.log.append(f"{self.name} begins")

    def play(self):
        self.log.append(self.name)
        self.spent += self.turn
        if self.spent >= self.seconds:
            self.keep()

    def keep(self):
        self.is_done = True


def test_the_turn_is_that_of_who_has_spent_the_least():
    import equal_time

    log = []
    players = [Player("a", 0.0, 30.0, log), Player("b", 20.0, 20.0, log), Player("c", 60.0, 20.0, log)]
    equal_time.train(players, side_by_side=False)
    assert log == ["a begins", "b begins", "c begins", "a", "b", "a", "b"]
    assert all(player.is_done for player in players)


def test_side_by_side_nobody_waits_for_another():
    import equal_time

    log, both = [], threading.Barrier(2, timeout=60)

    class Waiting(Player):
        def play(self):
            both.wait()  # for the other one's turn
            super().play()

    players = [Waiting("a", 0.0, 20.0, log), Waiting("b", 0.0, 20.0, log)]
    equal_time.train(players, side_by_side=True)
    assert sorted(log) == ["a"] * 3 + ["a begins"] + ["b"] * 3 + ["b begins"]
    with pytest.raises(ValueError, match=r"needs a processor for each of 1000000 contestants; found \d+"):
        equal_time.cores_for(10**6)


def test_a_worker_on_one_processor():
    from turns import Worker

    core = max(os.sched_getaffinity(0))
    with Worker("players", "contestants", core, base=0) as worker:
        assert worker.runners["cores"]() == {core}


def test_a_training_with_other_settings_is_not_gone_on_with(tmp_path):
    from equal_time import Contestant

    Contestant("one", "players", tmp_path, 1, ".pt", {"width": 32, "classes": ("a",)}, {})
    Contestant("one", "players", tmp_path, 2, ".pt", {"width": 32, "classes": ("a",)}, {})
    with pytest.raises(ValueError, match=r"holds a training with other settings \(width\); give another --folder"):
        Contestant("one", "players", tmp_path, 1, ".pt", {"width": 64, "classes": ("a",)}, {})


def test_a_result_that_is_there_is_not_trained_again(tmp_path):
    from equal_time import Contestant

    one = Contestant("one", "players", tmp_path, 1.5, ".pt", {}, {"base": 0})
    assert not one.is_done
    (tmp_path / "1.5min.pt").touch()
    (tmp_path / "1.5min.json").write_text("{}")
    assert one.is_done


def test_settings_are_numbers_names_and_texts():
    from equal_time import parse_settings

    assert parse_settings(["width=64", "penalties=r1(5, every=16)", "conditional=True", "augment="]) == {
        "width": 64,
        "penalties": "r1(5, every=16)",
        "conditional": True,
        "augment": "",
    }
    with pytest.raises(ValueError, match=r"--set takes NAME=VALUE.*found '64'"):
        parse_settings(["64"])


def test_what_ours_is_must_be_known():
    from equal_time import resolve

    with pytest.raises(ValueError, match=r"no preset, run folder .* 'r3gen'.*; recipes to train by are .*dcgan_fash"):
        resolve("r3gen", "fashion_mnist", "train", {})


def test_kid_beside_few_real_samples_is_the_mean_over_as_many_generated_ones():
    import equal_time

    from kerasgan import metrics

    class Pixels:
        name = "pixels"

        def extract(self, blocks):
            return {"features": np.concatenate([block.reshape(len(block), -1) for block in blocks])}

    random = np.random.default_rng(0)
    real = random.random((6, 4)).astype(np.float32)
    fake = random.random((14, 2, 2, 1)).astype(np.float32)
    score = equal_time.of_test(Pixels(), real, fake, 0)
    rows = fake.reshape(14, 4)
    expected = np.mean([metrics.kernel_distance(real, rows[i : i + 6], block=3)[0] for i in (0, 6)])
    np.testing.assert_allclose(score.value, expected)
    assert (score.n_real, score.n_fake) == (6, 12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--minutes=12"], "--minutes has no meaning for --dataset=fashion_mnist."),
        (["--dataset=noto_emoji", "--epochs=3"], "--epochs has no meaning for --dataset=noto_emoji."),
        (["--dataset=noto_emoji", "--minutes=0"], "--minutes above 0"),
        (["--dataset=folder:none", "--rounds=2"], "--rounds has no meaning for --dataset=folder:none."),
        (["--dataset=mnist"], "must be fashion_mnist, noto_emoji or folder:PATH; found 'mnist'."),
    ],
)
def test_flags_of_the_other_dataset_end_in_one_line(given, says):
    command = [sys.executable, FOLDER / "quality.py", *given]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode != 0
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
