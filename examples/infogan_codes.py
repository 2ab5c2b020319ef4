"""What InfoGAN's codes carry: the bound L_I over training, and pictures of the codes at work.

Follows Figures 1 and 2 of "InfoGAN" (Chen et al. 2016, arXiv:1606.03657) on Fashion-MNIST: an InfoGAN beside a plain
GAN with the same latent and the same Q, whose generator gains nothing by keeping its codes legible.

    python examples/infogan_codes.py --output=output/infogan_codes

Two trainings of 5,000 updates, as many as the authors'; an hour on two cores. It goes on where it was interrupted.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import kerasgan
from kerasgan import callbacks, losses, plots

EVERY, CHECKPOINT = 50, 500  # updates per line of the history, and between checkpoints and pictures
TEST = "test"  # the images that are held out


@keras.saving.register_keras_serializable("examples")
class PlainGAN(losses.InfoGAN):
    """Q learns to read the codes as in InfoGAN, but the generator plays the adversarial game alone."""

    def generator_loss(self, fake_outputs, z, latent):
        return self.adversarial.generator_loss(fake_outputs, z, latent)


def train(loss, steps, folder):
    """A trained InfoGAN with this loss and its history, from the newest checkpoint in the folder if there is one."""
    gan = callbacks.restore(folder / "checkpoints")
    if gan is None:
        gan = kerasgan.create_model("infogan")
        gan.compile(gan.d_optimizer, gan.g_optimizer, loss=loss, fresh_noise=gan.fresh_noise)
    done = int(gan.step.numpy())
    if done < steps:
        images = kerasgan.data.load("fashion_mnist", batch_size=128, like=gan, start_step=done)
        gan.fit(
            images.repeat(),
            initial_epoch=done // EVERY,
            epochs=steps // EVERY,
            steps_per_epoch=EVERY,
            callbacks=[
                callbacks.TrainingCheckpoint(folder / "checkpoints", every=CHECKPOINT),
                callbacks.HistoryTable(folder / "history.csv"),
                callbacks.SampleGrid(folder / "samples", every=CHECKPOINT),
            ],
        )
    return gan, callbacks.read_history(folder / "history.csv")


def bound_curve(histories, path):
    """L_I of the 10-way code over training, and its largest possible value."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for name, history in histories.items():
        axes.plot(history["step"], history["mutual_information_categorical_0"], label=name)
    axes.axhline(np.log(10), color="0.6", linestyle="--", label="H(c) = log 10")
    axes.set_xlabel("updates")
    axes.set_ylabel("L_I of the 10-way code, nats")
    axes.legend()
    figure.savefig(path, dpi=110)


def traverse(gan, continuous, columns=10, seed=0):
    """Images `[10 * columns, H, W, C]`: row by row a category, along it one continuous code from -2 to 2.

    All of them share their noise; training has only seen codes from -1 to 1.
    """
    rows = gan.latent.categorical[0]
    codes = np.zeros((rows * columns, gan.latent.continuous), np.float32)
    codes[:, continuous] = np.tile(np.linspace(-2, 2, columns), rows)
    categories = np.repeat(np.arange(rows), columns)[:, None]
    z = gan.latent.from_seeds(tf.fill([rows * columns], tf.constant(seed, tf.int64)))
    z = gan.latent.with_codes(z, categories, codes)
    return gan.to_unit_range(gan.inference_generator()(z, training=False)).numpy()


def classes_of_categories(gan):
    """How often each class of Fashion-MNIST's test images is read as each category: int `[categories, classes]`."""
    test = tfds.load("fashion_mnist", split=TEST, batch_size=-1)
    read = gan.infer_codes(test["image"].numpy().astype(np.float32) / 255)["categorical"][:, 0].argmax(1)
    counts = np.zeros((gan.latent.categorical[0], 10), int)
    np.add.at(counts, (read, test["label"].numpy()), 1)
    return counts


def main(output, steps=5000):
    output = pathlib.Path(output)
    trained = {
        "InfoGAN": train(losses.InfoGAN(), steps, output / "infogan"),
        "plain GAN with the same Q": train(PlainGAN(), steps, output / "plain"),
    }
    bound_curve({name: history for name, (_, history) in trained.items()}, output / "bound.png")

    print("\nL_I of the 10-way code in nats, mean over 50 updates; at most log 10 = 2.3026")
    print(f"{'update':>8}" + "".join(f"{name:>28}" for name in trained))
    curves = [history["mutual_information_categorical_0"] for _, history in trained.values()]
    for step in [50, 100, 200, 500, 1000, 2000, 3000, 4000, 5000]:
        if step <= steps:
            print(f"{step:>8}" + "".join(f"{curve[step // EVERY - 1]:>28.3f}" for curve in curves))

    print(
        "\nAfter training, on Fashion-MNIST's test split, networks in inference mode (continuous: at most -.2258 each)"
    )
    for name, (gan, _) in trained.items():
        test = kerasgan.data.load("fashion_mnist", split=TEST, batch_size=500, like=gan)
        report = gan.evaluate(test, return_dict=True, verbose=0)
        parts = {key: value for key, value in report.items() if key.startswith("mutual_information")}
        print(f"  {name}: " + ", ".join(f"{key} {value:.3f}" for key, value in parts.items()))
        plots.grid(gan.generate(64), output / f"{name.split()[0].lower()}.png")

    gan, _ = trained["InfoGAN"]
    for i in range(gan.latent.continuous):
        plots.grid(traverse(gan, i), output / f"code_{i}.png", columns=10)
    counts = classes_of_categories(gan)
    names = tfds.builder("fashion_mnist").info.features["label"].names
    print("\nWhat the categories became, on the test images")
    for category, row in enumerate(counts):
        found = ", ".join(f"{names[i]} {row[i]}" for i in row.argsort()[::-1][:3] if row[i])
        print(f"  {category}: {found}")
    error = 1 - counts.max(1).sum() / counts.sum()
    print(f"Read as its category's commonest class, an image is wrong in {error:.1%} (the paper, on MNIST: 5 %).")
    print(f"\n{output}/bound.png, infogan.png and plain.png (samples),")
    print(f"{output}/code_0.png and code_1.png (a category per row, along it a continuous code from -2 to 2)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="output/infogan_codes")
    parser.add_argument("--steps", type=int, default=5000, help="updates, a multiple of 50")
    options = parser.parse_args()
    main(options.output, options.steps)
