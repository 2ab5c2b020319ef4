"""Exports what the zoo makes, trained in float32 and in mixed float16, and verifies each version.

    python benchmarks/verify_zoo.py

All families at 28x28x1, DCGAN at 32x32x3 and 64x64x3 too. The networks are untrained but for two steps: what is looked
at is whether a server can run them. Leaves nothing behind; exit status 0 only if every version passes.
"""

import sys
import tempfile

import keras
import numpy as np
from absl import app
from tqdm import tqdm

import kerasgan

CASES = [(name, (28, 28, 1)) for name in kerasgan.list_models()] + [("dcgan", (32, 32, 3)), ("dcgan", (64, 64, 3))]


def main(_):
    rows, failures = [], []
    for policy in ("float32", "mixed_float16"):
        keras.config.set_dtype_policy(policy)
        for name, shape in tqdm(CASES, desc=policy):
            gan = kerasgan.create_model(name, image_shape=shape, ema_decay=0.99)
            images = np.random.default_rng(0).uniform(*gan.value_range, (8, *shape)).astype(np.float32)
            gan.fit(images, batch_size=4, verbose=0)
            with tempfile.TemporaryDirectory() as folder:
                gan.save(f"{folder}/gan.keras")
                version = kerasgan.serving.publish(gan, f"{folder}/model")
                report = kerasgan.serving.verify(version, preset=f"{folder}/gan.keras")
            title = f"{name} {'x'.join(map(str, shape))} {policy}"
            failures += [f"{title}: {check.name}: {check.detail}" for check in report.failed]
            times = report.milliseconds.get("serving_default", {})
            rows.append(
                f"{title:34} {'passed' if report.passed else 'FAILED':7} {len(report.milliseconds)} signatures"
                + "".join(f"{ms:9.2f}" for ms in times.values())
            )
    print(f"\n{'':60}ms of serving_default at 1, 8, 32 rows")
    print("\n".join(rows + failures))
    return 1 if failures else 0


if __name__ == "__main__":
    app.run(lambda argv: sys.exit(main(argv)))
