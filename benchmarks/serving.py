"""How long a servable takes to answer, beside the generator that it was made from.

    python benchmarks/serving.py [--model=dcgan] [--rounds=10] [--calls=30] [--memory_calls=10000]

In turns, so that a busy machine slows all alike:

  a signature         through TensorFlow's C API, in a process of its own, as `kerasgan verify` runs it
  Keras               `generator(z, training=False)` in Python
  tf.function         the same, compiled into a graph: what `serving_default` is compared with
  torch               the same generator in PyTorch, eagerly and in a process of its own, where there is PyTorch (pip
                      install .[bench])

It prints the percentiles 50, 95 and 99 of the milliseconds per call, images per second, and the ratio of the median to
tf.function's; the loader's resident memory before and after many calls; and what PNG and JSON cost on the wire, over
the tests' stand-in for TensorFlow Serving, which answers from Python and is slower than the real one.
"""

import contextlib
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import requests
import tensorflow as tf
from absl import app, flags
from tqdm import tqdm
from turns import Worker, has_torch, print_latencies, take_turns, timed_calls

import kerasgan
from kerasgan.serving import Client, repository
from kerasgan.serving.loader import Process
from kerasgan.serving.savedmodel import read_graph, read_signatures

FLAGS = flags.FLAGS
flags.DEFINE_string("model", "dcgan", "which family, at 28x28x1")
flags.DEFINE_integer("rounds", 10, "how often each contestant has its turn")
flags.DEFINE_integer("calls", 30, "calls in a turn")
flags.DEFINE_integer("memory_calls", 10_000, "calls over which memory should not grow")

ROWS = (1, 8, 32)
IN_TORCH = ("dcgan", "vanilla_gan")  # what torch_step.py has
STAND_IN = pathlib.Path(__file__).parent.parent / "tests" / "serving" / "stand_in.py"


def contestants(gan, process, signatures, rows):
    """`{name: calls -> seconds of each}`."""
    seeds = np.arange(rows, dtype=np.int64)
    z = gan.latent.from_seeds(seeds).numpy()
    images = gan.generate(rows)
    inputs = {"z": z, "seed": seeds, "images": images}
    if "generate_codes" in signatures:
        inputs |= {"noise": z[:, : gan.latent.noise], "categories": np.zeros((rows, 1), np.int32)}
        inputs["continuous"] = np.zeros((rows, gan.latent.continuous), np.float32)

    def through_loader(tensors):
        feeds = {tensor.name: inputs[key] for key, tensor in tensors["inputs"].items()}
        fetches = [tensor.name for tensor in tensors["outputs"].values()]
        return lambda calls: process.time(feeds, fetches, calls)[1]

    runners = {name: through_loader(tensors) for name, tensors in signatures.items()}
    generator, given = gan.generator, tf.constant(z)
    compiled = tf.function(lambda z: generator(z, training=False), autograph=False)
    runners["Keras"] = timed_calls(lambda: generator(given, training=False).numpy())
    runners["tf.function"] = timed_calls(lambda: compiled(given).numpy())
    return runners


def print_all_latencies(gan, process, signatures):
    with contextlib.ExitStack() as stack:
        torch_generator = None
        if has_torch() and FLAGS.model in IN_TORCH:
            torch_generator = stack.enter_context(Worker("torch_step", "drawing", model=FLAGS.model)).runners["torch"]
        for rows in ROWS:
            runners = contestants(gan, process, signatures, rows)
            if torch_generator is not None:
                z = gan.latent.from_seeds(np.arange(rows)).numpy()
                runners["torch"] = functools.partial(torch_generator, z)
            for run in runners.values():
                run(5)
            seconds = take_turns(runners, FLAGS.rounds, FLAGS.calls, title=f"{rows} rows")
            print_latencies(seconds, rows, "tf.function")


def print_memory(process, signatures):
    def resident():
        status = pathlib.Path(f"/proc/{process._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def call(times):
        for name in ("serving_default", "sample"):
            tensors = signatures[name]
            [(key, tensor)] = tensors["inputs"].items()
            value = np.zeros((8, *tensor.shape[1:]), np.int64 if key == "seed" else np.float32)
            fetches = [output.name for output in tensors["outputs"].values()]
            for _ in tqdm(range(times // 200), desc=f"memory, {name}", leave=False):
                process.time({tensor.name: value}, fetches, 100)

    call(2000)
    before = resident()
    call(FLAGS.memory_calls)
    after = resident()
    print(f"\nresident memory over {FLAGS.memory_calls} calls of 8 rows: {before:.1f} -> {after:.1f} MiB", end="")
    print(f" ({100 * (after / before - 1):+.2f} %)")


def print_wire(folder, name):
    process = subprocess.Popen([sys.executable, str(STAND_IN), str(folder)], stdout=subprocess.PIPE)
    try:
        ports = json.loads(process.stdout.readline())
        rest, grpc = f"http://127.0.0.1:{ports['rest']}", f"grpc://127.0.0.1:{ports['grpc']}"
        print("\n32 images over the stand-in   bytes per image   images/s")
        for signature, ask in (
            ("sample", lambda client: client.generate(32)),
            ("sample_png", lambda client: client.png(32)),
        ):
            body = {"signature_name": signature, "inputs": {"seed": list(range(32))}}
            size = len(requests.post(f"{rest}/v1/models/{name}:predict", json=body, timeout=60).content) / 32
            for protocol, url in (("REST", rest), ("gRPC", grpc)):
                client = Client(url, name)
                if protocol == "gRPC":
                    answer = ask(client)
                    size = answer.nbytes / 32 if signature == "sample" else np.mean([len(data) for data in answer])
                seconds = np.median(timed_calls(lambda client=client, ask=ask: ask(client))(25)[5:])
                print(f"  {protocol} {signature:12} {size:25.0f} {32 / seconds:10.0f}")
    finally:
        process.kill()
        process.wait()


def main(_):
    gan = kerasgan.create_model(FLAGS.model)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        gan.save_to_preset(folder / FLAGS.model)
        [version] = repository.publish_all(folder)
        signatures = read_signatures(read_graph(version))
        with Process(version) as process:
            print_all_latencies(gan, process, signatures)
            print_memory(process, signatures)
        print_wire(folder, FLAGS.model)


if __name__ == "__main__":
    app.run(main)
