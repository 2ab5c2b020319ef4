"""A recipe of the zoo, trained for so many seconds: ours among the contestants of `equal_time.py`."""

import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from clock import Clock

from kerasgan import create_model, data, evaluation, presets
from kerasgan.files import replacing


class _Watch(keras.callbacks.Callback):
    """Counts steps, and ends `fit` when the turn is over."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def on_train_batch_begin(self, batch, logs=None):
        self.clock.start()

    def on_train_batch_end(self, batch, logs=None):
        self.clock.stop()
        self.model.stop_training = self.clock.is_over


def by_seconds(images, labels, class_names, folder, model, batch, settings) -> dict:
    """What `equal_time.py` asks for, with a training on uint8 `[N, 64, 64, 3]` that is in a folder or begins there.

    A state is a `.keras` file named after its step; `clock.json` says which is the newest, and of how many seconds.
    """
    folder = pathlib.Path(folder)
    newest, seconds = folder / "clock.json", 0.0
    if newest.is_file():
        saved = json.loads(newest.read_text())
        gan, seconds = presets.load(folder / saved["state"]), saved["seconds"]
    else:
        keras.utils.set_random_seed(settings["seed"])
        gan = create_model(model, **settings)
    clock = Clock(f"ours: {model}", seconds)
    given = {} if gan.class_names is None else {"labels": labels, "class_names": class_names}
    watch, an_epoch = _Watch(clock), len(images) // batch

    def train_until(seconds):
        clock.until = seconds
        while not clock.is_over:
            step = int(gan.step.numpy())
            batches = data.load(
                images, batch_size=batch, like=gan, seed=settings["seed"], shuffle=True, start_step=step, **given
            )
            if taken := step % an_epoch:  # `fit` takes a cut epoch for a whole one unless its length is said
                batches = batches.take(an_epoch - taken).apply(
                    tf.data.experimental.assert_cardinality(an_epoch - taken)
                )
            gan.fit(batches, verbose=0, callbacks=[watch])
        state = f"state-{int(gan.step.numpy())}.keras"
        with replacing(folder / state) as temporary:
            gan.save(temporary)
        with replacing(newest) as temporary:
            temporary.write_text(json.dumps({"state": state, "seconds": clock.spent}) + "\n")
        for path in folder.glob("state-*.keras"):
            if path.name != state:
                path.unlink()
        return clock.spent

    def keep(path):
        with replacing(path) as temporary:
            gan.save(temporary)
        return {
            "steps": int(gan.step.numpy()),
            "seconds": clock.spent,
            "batch_size": batch,
            "parameters": [int(network.count_params()) for network in (gan.generator, gan.discriminator)],
            "libraries": presets.versions(),
        }

    def draw(path, n, seed, _):
        return evaluation.generate(presets.load(path), n, seed)

    return {"spent": lambda: clock.spent, "train": train_until, "keep": keep, "draw": draw}
