"""`verify` and the loader under it: what passes, and above all what does not."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from conftest import small_gan, small_images
from tensorflow.core.protobuf import saved_model_pb2

from kerasgan import serving
from kerasgan.serving import warmup
from kerasgan.serving.loader import LoadError, Process
from kerasgan.serving.savedmodel import read_graph, read_signatures


@pytest.fixture(scope="module")
def gan():
    return small_gan()


@pytest.fixture(scope="module")
def version(gan, tmp_path_factory):
    """A version that lies in its preset's folder."""
    folder = tmp_path_factory.mktemp("repository") / "small"
    gan.save_to_preset(folder)
    return serving.publish(gan, folder)


def failures(report):
    return {check.name: check.detail for check in report.failed}


def test_a_version_passes(version, gan):
    report = serving.verify(version)
    assert report.passed, report.table()
    assert [check.name for check in report.checks if check.result == "skipped"] == []
    assert set(report.milliseconds) == {"serving_default", "sample", "png", "sample_png", "score"}
    assert all(0 < ms < 1000 for times in report.milliseconds.values() for ms in times.values())
    table = report.table()
    assert "30 requests: 5 signatures, rows 1, 2, 4, 8, 16, 32" in table
    assert "8 seeds, apart" in table


def test_xla_needs_a_server_that_has_it(gan, tmp_path):
    gan.export(tmp_path / "xla", xla=True)
    without = failures(serving.verify(tmp_path / "xla"))
    assert "a server needs --xla_cpu_compilation_enabled" in without["metadata"]
    assert without["serving_default"] == "XLA compilation disabled"
    assert failures(serving.verify(tmp_path / "xla", xla=True)) == {}


def test_another_model_than_the_preset(version, tmp_path):
    small_gan(seed=9).save(tmp_path / "other.keras")
    found = failures(serving.verify(version, preset=tmp_path / "other.keras"))
    assert list(found) == ["images are generate's"]
    assert "the weights are others" in found["images are generate's"]


def test_what_python_loads_and_a_server_does_not(gan, tmp_path):
    """Keras variables in a tf.Module: `tf.saved_model.load` finds them, TensorFlow Serving's loader does not."""
    module = tf.Module()
    module.variables_of_the_generator = gan.generator.variables

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="z")])
    def serve(z):
        return {"images": gan.to_unit_range(gan.generator(z, training=False))}

    tf.saved_model.save(module, str(tmp_path / "trap"), signatures=serve)
    loaded = tf.saved_model.load(str(tmp_path / "trap"))
    z = np.zeros((1, 4), np.float32)
    np.testing.assert_allclose(loaded.signatures["serving_default"](tf.constant(z))["images"], serve(z)["images"])
    assert "Could not find variable" in failures(serving.verify(tmp_path / "trap"))["serving_default"]


class Foreign(tf.Module):
    """A model of somebody else's, with everything that a servable must not do."""

    def __init__(self):
        self.calls = tf.Variable(0.0)

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, name="text")])
    def scalar(self, text):
        return {"length": tf.strings.length(text)}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def minibatch(self, x):
        return {"y": x - tf.reduce_mean(x, axis=0)}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def noisy(self, x):
        return {"y": x + tf.random.uniform(tf.shape(x))}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="z")])
    def dark(self, z):
        return {"images": tf.reshape(3.0 * z, [-1, 2, 1, 1])}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.complex64, name="x")])
    def complex(self, x):
        return {"y": tf.math.real(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="png")])
    def png(self, png):
        return {"length": tf.cast(tf.strings.length(png), tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="y")])
    def serving_default(self, y):
        return {"images": tf.sigmoid(y)}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float16, name="x")])
    def half(self, x):
        return {"y": x}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def python(self, x):
        return {"y": tf.ensure_shape(tf.py_function(lambda x: x, [x], tf.float32), (None, 2))}


def test_a_foreign_model(tmp_path):
    foreign = Foreign()
    names = ("scalar", "minibatch", "noisy", "dark", "half", "python", "complex", "png", "serving_default")
    tf.saved_model.save(foreign, str(tmp_path / "foreign"), signatures={name: getattr(foreign, name) for name in names})
    found = failures(serving.verify(tmp_path / "foreign"))
    assert "text has shape []; batching needs a first dimension that is free" in found["scalar"]
    assert "a row's answer depends on the rows beside it" in found["minibatch"]
    assert "a row's answer depends on the rows beside it" in found["noisy"]
    assert "images leave [0, 1]" in found["dark"]
    assert "y is float16; JSON and clients want float32" in found["half"]
    assert "pyfunc" in found["python"].lower() or "python" in found["python"].lower()
    assert "complex" in found["complex"]
    assert "it is not as kerasgan writes it" in found["PNGs show the images"]
    assert "serving_default" not in found
    assert "there is no assets.extra/kerasgan.json" in found["metadata"]
    assert "there is no assets.extra/tf_serving_warmup_requests" in found["warm-up replays"]
    assert "noisy draws from RandomUniform" in found["operations"]


def spoiled(version, folder, name, change):
    shutil.copytree(version, folder)
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    return folder


@pytest.mark.parametrize(
    ("name", "change", "check", "message"),
    [
        ("variables/variables.data-00000-of-00001", lambda b: b[:5000], "loads", "less bytes than requested"),
        (
            "variables/variables.data-00000-of-00001",
            lambda b: b[:3000] + bytes([b[3000] ^ 64]) + b[3001:],
            "loads",
            "Checksum does not match",
        ),
        ("variables/variables.index", lambda b: b[:50], "loads", ""),
        ("assets.extra/kerasgan.json", lambda b: b[:10], "metadata", "is damaged"),
        ("assets.extra/kerasgan.json", lambda b: b.replace(b'"score": {', b'"scare": {'), "metadata", "it names"),
        ("assets.extra/kerasgan.json", lambda b: b.replace(b'"libraries"', b'"bookshops"'), "metadata", "'libraries'"),
        ("assets.extra/kerasgan.json", lambda b: b"[]", "metadata", "is damaged"),
        ("assets.extra/kerasgan.json", lambda b: b.replace(b"int64", b"int32"), "metadata", "it says of sample"),
        ("assets.extra/tf_serving_warmup_requests", lambda b: b[:100], "warm-up replays", "is damaged"),
        ("assets.extra/tf_serving_warmup_requests", lambda b: b"", "warm-up replays", "it has no request for"),
    ],
)
def test_damaged_versions_fail(version, tmp_path, name, change, check, message):
    found = failures(serving.verify(spoiled(version, tmp_path / "damaged", name, change)))
    assert message in found[check]


@pytest.mark.parametrize("change", [lambda b: b"", lambda b: b[:9000], lambda b: b"\xff" * 500])
def test_damaged_graphs_are_refused(version, tmp_path, change):
    with pytest.raises(ValueError, match=r"saved_model\.pb is damaged"):
        serving.verify(spoiled(version, tmp_path / "damaged", "saved_model.pb", change))


def test_other_warmup_sizes_than_the_servers(version, tmp_path):
    shutil.copytree(version, tmp_path / "cold")
    specs = {
        name: (None, [tf.TensorSpec(t.shape, t.dtype, name=key) for key, t in tensors["inputs"].items()])
        for name, tensors in read_signatures(read_graph(version)).items()
    }
    warmup.write(tmp_path / "cold", "small", specs, (1,))
    found = failures(serving.verify(tmp_path / "cold"))
    assert "the allowed batch sizes are (1, 2, 4, 8, 16, 32)" in found["warm-up replays"]


def test_an_unknown_type_in_the_graph(version, tmp_path):
    shutil.copytree(version, tmp_path / "future")
    path = tmp_path / "future" / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    model.meta_graphs[0].signature_def["score"].outputs["score"].dtype = 99
    path.write_bytes(model.SerializeToString())
    assert "score" in failures(serving.verify(tmp_path / "future"))


def test_an_average_whose_statistics_are_due(tmp_path):
    """Weights that moved since the statistics were computed: the digest is of what is exported."""
    gan = small_gan(ema_decay=0.9)
    gan.fit(small_images(8), batch_size=8, verbose=0)
    gan.train_on_batch(small_images(8))
    gan.save(tmp_path / "gan.keras")
    version = serving.publish(gan, tmp_path / "model", metadata={"preset": str(tmp_path / "gan.keras")})
    report = serving.verify(version)
    assert report.passed, report.table()
    assert [check.name for check in report.checks if check.result == "skipped"] == []


def test_folders_that_are_no_savedmodel(version, tmp_path):
    with pytest.raises(ValueError, match="is no SavedModel: there is no such folder"):
        serving.verify(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"is no SavedModel: it has no saved_model\.pb\.$"):
        serving.verify(tmp_path)
    with pytest.raises(ValueError, match=r"it holds versions: name one, such as .*small/1\.$"):
        serving.verify(version.parent)


def run_alone(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_loader_runs_without_pythons_tensorflow(version):
    """In a fresh interpreter: a SavedModel is loaded and run, and `tensorflow` has not been imported."""
    code = (
        "import sys, numpy as np\n"
        "from kerasgan.serving.loader import Session\n"
        "session = Session(sys.argv[1])\n"
        "[image] = session.run({sys.argv[2]: np.zeros((1, 4), np.float32)}, [sys.argv[3]])\n"
        "session.close()\n"
        "print(image.shape, 'tensorflow' in sys.modules)\n"
    )
    tensors = read_signatures(read_graph(version))["serving_default"]
    names = [tensors["inputs"]["z"].name, tensors["outputs"]["images"].name]
    result = run_alone(code, str(version), *names)
    assert result.stdout == "(1, 8, 8, 1) False\n", result.stderr


class Types(tf.Module):
    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="text"),
            tf.TensorSpec([None], tf.int64, name="number"),
            tf.TensorSpec([None], tf.bool, name="truth"),
        ]
    )
    def types(self, text, number, truth):
        return {"text": text + "!", "number": number + 1, "truth": ~truth, "brain": tf.cast(number, tf.bfloat16)}


def test_types_pass_the_loader(tmp_path):
    module = Types()
    tf.saved_model.save(module, str(tmp_path), signatures=module.types)
    tensors = read_signatures(read_graph(tmp_path))["serving_default"]
    given = {
        "text": np.array([b"a", b"", b"x" * 100], object),
        "number": np.int64([2**62, -1, 0]),
        "truth": np.array([True, False, True]),
    }
    feeds = {tensors["inputs"][key].name: value for key, value in given.items()}
    with Process(tmp_path) as process:
        text, number, truth = process.run(feeds, [tensors["outputs"][key].name for key in given])
        assert text.tolist() == [b"a!", b"!", b"x" * 100 + b"!"]
        np.testing.assert_array_equal(number, [2**62 + 1, 0, 1])
        np.testing.assert_array_equal(truth, [False, True, False])
        with pytest.raises(LoadError, match="data type 14, which has no place"):
            process.run(feeds, [tensors["outputs"]["brain"].name])
        with pytest.raises(LoadError, match="The graph has no tensor 'nothing:0'"):
            process.run(feeds, ["nothing:0"])
        with pytest.raises(LoadError, match="complex64 cannot be fed"):
            process.run({next(iter(feeds)): np.zeros(3, np.complex64)}, [tensors["outputs"]["text"].name])
        process._process.kill()
        process._process.wait()
        for _ in range(2):
            with pytest.raises(LoadError, match=r"TensorFlow's loader died \(signal 9\)"):
                process.run(feeds, [tensors["outputs"]["text"].name])


class Fatal(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def abort(self, x):
        with tf.control_dependencies([tf.raw_ops.Abort(error_msg="the model gave up")]):
            return {"y": tf.identity(x)}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def forever(self, x):
        return {"y": tf.while_loop(lambda x: True, lambda x: x + 1.0, [x])[0]}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def moody(self, x):
        """NaN for a row that stands alone."""
        return {"y": x * tf.where(tf.shape(x)[0] == 1, np.float32(np.nan), 1.0)}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def generator(self, x):
        return {"y": x + 0.0 * self.state.uniform([])}

    def __init__(self):
        self.state = tf.random.Generator.from_seed(1)


def saved(folder, *names):
    module = Fatal()
    tf.saved_model.save(module, str(folder), signatures={name: getattr(module, name) for name in names})
    return folder


def test_a_model_that_takes_the_loader_with_it(tmp_path):
    found = failures(serving.verify(saved(tmp_path / "fatal", "abort", "moody")))
    assert "TensorFlow's loader died (signal 6): " in found["abort"]
    assert "the model gave up" in found["abort"]
    assert "TensorFlow's loader died (signal 6): " in found["moody"]


def test_nan_and_generators_with_a_state(tmp_path):
    found = failures(serving.verify(saved(tmp_path / "odd", "moody", "generator")))
    assert found["moody"] == "y holds NaN or infinite numbers"
    assert "generator draws from RngReadAndSkip" in found["operations"]


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, also in tests that run in the background and inherited that it does not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_model_that_never_answers(tmp_path):
    tensors = read_signatures(read_graph(saved(tmp_path / "endless", "forever")))["forever"]
    arguments = ({tensors["inputs"]["x"].name: np.zeros((1, 2), np.float32)}, [tensors["outputs"]["y"].name])
    with (
        pytest.raises(LoadError, match="had no answer in 5 s and was killed"),
        Process(tmp_path / "endless", seconds=5.0) as process,
    ):
        process.run(*arguments)
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt), Process(tmp_path / "endless") as process:
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        process.run(*arguments)
    assert process._process.poll() == -signal.SIGKILL
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    assert all(timer.finished.is_set() for timer in timers)  # or Python would wait for the alarm at its exit
    assert time.perf_counter() - start < 30


def test_threads_share_a_session(version):
    """Good and refused requests at once: each thread gets its own answer."""
    tensors = read_signatures(read_graph(version))["sample"]
    code = (
        "import sys, threading, numpy as np\n"
        "from kerasgan.serving.loader import LoadError, Session\n"
        "session, wrong = Session(sys.argv[1]), []\n"
        "def ask(seed):\n"
        "    for _ in range(200):\n"
        "        try:\n"
        "            session.run({sys.argv[2]: np.int64([seed])}, [sys.argv[3]])\n"
        "            wrong.append('answered') if seed < 0 else None\n"
        "        except LoadError:\n"
        "            wrong.append('refused') if seed >= 0 else None\n"
        "threads = [threading.Thread(target=ask, args=(seed,)) for seed in (1, -1, 2, -2)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
        "print(len(wrong))\n"
    )
    names = [tensors["inputs"]["seed"].name, tensors["outputs"]["images"].name]
    result = run_alone(code, str(version), *names)
    assert result.stdout == "0\n", result.stderr
