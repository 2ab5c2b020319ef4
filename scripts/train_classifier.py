"""Trains the classifier whose features score models of Fashion-MNIST or MNIST, and writes it with its card.

    python scripts/train_classifier.py [--dataset=mnist] [--output=saved_models/mnist_classifier] [--epochs=12]

Five to ten minutes on two cores. The test images are looked at once, at the end.
"""

import json
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import app, flags
from keras import layers

import kerasgan
from kerasgan import data
from kerasgan.data import fashion_mnist, mnist
from kerasgan.files import replacing, sha256_of
from kerasgan.layers import BatchNormalization

FLAGS = flags.FLAGS
flags.DEFINE_enum("dataset", "fashion_mnist", ["fashion_mnist", "mnist"], "of which images")
flags.DEFINE_string("output", None, "the folder to write [saved_models/DATASET_classifier]")
flags.DEFINE_integer("epochs", 10, "passes over the training images")
flags.DEFINE_integer("seed", 0, "of weights, order, dropout and the flipped images")
# The last 5,000 training images stay unseen, so that models can be chosen on them by features that do not know them.
flags.DEFINE_string("split", "train[:55000]", "what to train on")

# What a dataset is called, its licence, and what is done to its images: a shoe may point either way, a 2 may not.
ABOUT = {
    "fashion_mnist": ("Fashion-MNIST", "under the MIT licence", "half of the images mirrored"),
    "mnist": ("MNIST", "under CC BY-SA 3.0", "the images as they are"),
}

CARD = """# A classifier of {title}, for its features

What it is for are the 64 numbers before its last layer (`kerasgan.features`): features of 28x28 grey images, to compare
distributions of images by. The Fréchet distance on them is called **FCD**, Fréchet classifier distance. It is no FID,
and compares with nothing but FCDs on the same features and equal numbers of images.

| | |
|---|---|
| network | 3x3 convolutions of 32; 64, 64; 128 channels, batch-normalised, pooled at ";"; dropout .3; 64 ReLU; 10 |
| data | `{split}` of {dataset}, {epochs} epochs, {images}; pixels in [0, 1] |
| trained with | Adam from 1e-3 down along a cosine, batches of 128 |
| test accuracy | **{accuracy:.2%}** of the 10,000 test images |
| parameters | {parameters:,}, {size:.2f} MB |
| made by | `{command}`, {minutes:.0f} minutes on {cores} core(s), seed {seed} |
| libraries | TensorFlow {tensorflow}, Keras {keras} |
| sha256 of classifier.keras | `{sha256}` |
| licence | Apache-2.0; {title} is {licence} |

Its classes: {classes}.
"""


def build() -> keras.Model:
    """28x28x1 in [0, 1] -> 64 features, and the probabilities of the ten classes."""
    images = keras.Input((28, 28, 1), name="images")
    x = images
    for block in ((32,), (64, 64), (128,)):
        if x is not images:
            x = layers.MaxPooling2D()(x)
        for width in block:
            x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = BatchNormalization()(x)
            x = layers.ReLU()(x)
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    x = layers.Dense(64, activation="relu", name="features")(x)
    probabilities = layers.Dense(10, activation="softmax", name="probabilities")(x)
    return keras.Model(images, {"features": x, "probabilities": probabilities}, name=f"{FLAGS.dataset}_classifier")


def load(split: str) -> tuple[np.ndarray, np.ndarray]:
    {"fashion_mnist": fashion_mnist, "mnist": mnist}[FLAGS.dataset].prepare()
    images, labels = tfds.as_numpy(tfds.load(FLAGS.dataset, split=split, batch_size=-1, as_supervised=True))
    return images.astype(np.float32) / 255.0, labels


def flip(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.image.random_flip_left_right(images, seed=FLAGS.seed), labels


def main(_: list[str]) -> None:
    keras.utils.set_random_seed(FLAGS.seed)
    images, labels = load(FLAGS.split)
    steps = len(images) // 128
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images), seed=FLAGS.seed)
    dataset = dataset.batch(128, drop_remainder=True)
    if FLAGS.dataset == "fashion_mnist":
        dataset = dataset.map(flip)
    classifier = build()
    trained = keras.Model(classifier.input, classifier.output["probabilities"])
    trained.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, FLAGS.epochs * steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    start = time.monotonic()
    trained.fit(dataset.prefetch(2), epochs=FLAGS.epochs, verbose=1)
    minutes = (time.monotonic() - start) / 60
    test_images, test_labels = load("test")
    accuracy = trained.evaluate(test_images, test_labels, batch_size=500, return_dict=True, verbose=0)["accuracy"]
    print(f"test accuracy {accuracy:.4f}")

    folder = pathlib.Path(FLAGS.output or f"saved_models/{FLAGS.dataset}_classifier")
    with replacing(folder / "classifier.keras") as temporary:
        classifier.save(temporary)
    facts = {
        "accuracy": accuracy,
        "classes": data.classes_of(FLAGS.dataset),  # as the data calls them, and the models that learn from it
        "command": f"python scripts/train_classifier.py --dataset={FLAGS.dataset} --epochs={FLAGS.epochs} "
        f"--seed={FLAGS.seed}",
        "dataset": data.with_version(FLAGS.dataset),
        "epochs": FLAGS.epochs,
        "cores": len(os.sched_getaffinity(0)),
        "keras": keras.__version__,
        "kerasgan": kerasgan.__version__,
        "minutes": minutes,
        "parameters": classifier.count_params(),
        "seed": FLAGS.seed,
        "sha256": sha256_of(folder / "classifier.keras"),
        "size": (folder / "classifier.keras").stat().st_size / 1e6,
        "split": FLAGS.split,
        "tensorflow": tf.__version__,
    }
    with replacing(folder / "metadata.json") as temporary:
        temporary.write_text(json.dumps(facts, indent=2) + "\n")
    about = dict(zip(("title", "licence", "images"), ABOUT[FLAGS.dataset], strict=True))
    about["classes"] = ", ".join(facts["classes"])
    with replacing(folder / "README.md") as temporary:
        temporary.write_text(CARD.format(**facts | about))


if __name__ == "__main__":
    app.run(main)
