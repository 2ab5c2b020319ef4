"""From nothing to sixteen images: what loading a preset and drawing costs on top of importing TensorFlow.

    python benchmarks/cold_start.py [--rounds=5] [--presets=dcgan_fashion_mnist,...]

Every turn is a new Python process, and the presets take turns. Prints medians in seconds: `import tensorflow`, then
`import kerasgan`, `GAN.from_preset`, the first `generate(16)`, their sum, and a second `generate(16)`.
"""

import json
import os
import statistics
import subprocess
import sys

from absl import app, flags

import kerasgan

FLAGS = flags.FLAGS
flags.DEFINE_integer("rounds", 5, "processes for each preset")
flags.DEFINE_list("presets", None, "which; default all")

PROGRAM = """
import json, sys, time
times = [time.perf_counter()]
import tensorflow
times.append(time.perf_counter())
import kerasgan
times.append(time.perf_counter())
gan = kerasgan.GAN.from_preset(sys.argv[1])
times.append(time.perf_counter())
for _ in range(2):
    gan.generate(16)
    times.append(time.perf_counter())
print(json.dumps([later - sooner for sooner, later in zip(times, times[1:])]))
"""


def main(_):
    names = FLAGS.presets or kerasgan.list_presets()
    seconds = {name: [] for name in names}
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    for _ in range(FLAGS.rounds):
        for name in names:
            ran = subprocess.run(
                [sys.executable, "-c", PROGRAM, name], check=True, capture_output=True, text=True, env=environment
            )
            seconds[name].append(json.loads(ran.stdout.splitlines()[-1]))
    print(f"{'':28}{'tensorflow':>12}{'kerasgan':>12}{'from_preset':>12}{'generate':>12}{'sum of 3':>12}{'again':>12}")
    for name, rows in seconds.items():
        parts = [statistics.median(column) for column in zip(*rows, strict=True)]
        whole = statistics.median(sum(row[1:4]) for row in rows)
        print(f"{name:28}" + "".join(f"{part:12.3f}" for part in (*parts[:4], whole, parts[4])))


if __name__ == "__main__":
    app.run(main)
