"""Energies of real and of generated images as an EBGAN and an EBGAN-PT train, and what their autoencoders see.

Follows "Energy-based Generative Adversarial Network" (Zhao, Mathieu and LeCun 2016, arXiv:1609.03126): Theorem 1, by
which the discriminator's loss settles at the margin and the two energies meet, and section 2.4, whose pulling-away term
keeps the samples of a batch apart. On Fashion-MNIST, with the fully connected networks of the paper's grid search.

    python examples/ebgan_margin.py --output=output/ebgan_margin

Ten minutes on two cores. It goes on where it was interrupted.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

import kerasgan
from kerasgan import callbacks, losses, plots

JUDGED = 1024  # images, generated ones and test images, that the autoencoders are shown in the end
EVERY = 117  # updates per line of the history: a quarter of an epoch


def train(pulling_away_weight, epochs, folder):
    """A trained EBGAN and its history, from the newest checkpoint in the folder if there is one."""
    gan = callbacks.restore(folder / "checkpoints")
    if gan is None:
        gan = kerasgan.create_model("ebgan", pulling_away_weight=pulling_away_weight)
    done = int(gan.step.numpy())
    if done < 4 * epochs * EVERY:
        images = kerasgan.data.load("fashion_mnist", batch_size=128, like=gan, start_step=done)
        gan.fit(
            images.repeat(),
            initial_epoch=done // EVERY,
            epochs=4 * epochs,
            steps_per_epoch=EVERY,
            callbacks=[
                callbacks.TrainingCheckpoint(folder / "checkpoints"),
                callbacks.HistoryTable(folder / "history.csv"),
                callbacks.SampleGrid(folder / "samples", every=4 * EVERY),
            ],
        )
    return gan, callbacks.read_history(folder / "history.csv")


def energy_curves(trained, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for axes, (name, (gan, history)) in zip(figure.subplots(1, 2, sharey=True), trained.items(), strict=True):
        for key in ("energy_real", "energy_fake", "d_loss"):
            axes.plot(history["step"], history[key], label=key)
        axes.axhline(gan.loss.margin, color="0.6", linestyle="--", label="margin")
        axes.set_title(name)
        axes.set_xlabel("updates")
        axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=100)


def judge(gan, images):
    """The discriminator's outputs, in inference mode, for images in [0, 1]."""
    low, high = gan.value_range
    return gan.discriminator(tf.constant(low + (high - low) * images, tf.float32), training=False)


def squared_cosines(outputs):
    """The mean squared cosine between the encodings of different images: what the pulling-away term lowers."""
    return float(tf.reduce_mean(losses.pulling_away_term(outputs["encoding"])))


def main(output, epochs=8):
    output = pathlib.Path(output)
    trained = {
        "EBGAN": train(0.0, epochs, output / "ebgan"),
        "EBGAN-PT": train(0.1, epochs, output / "ebgan_pt"),
    }
    energy_curves(trained, output / "energies.png")
    test = kerasgan.data.load_array("fashion_mnist", "test")[:JUDGED].astype(np.float32) / 255

    print("\nThe last quarter of an epoch as `fit` logs it, batches of 128; energies in the units of the margin, 10")
    print(f"{'':<10}{'energy_real':>14}{'energy_fake':>14}{'difference':>12}{'d_loss':>10}")
    for name, (_, history) in trained.items():
        real, fake, loss = (history[key][-1] for key in ("energy_real", "energy_fake", "d_loss"))
        print(f"{name:<10}{real:>14.3f}{fake:>14.3f}{abs(real - fake) / real:>12.1%}{loss:>10.3f}")

    print(f"\nAfter training, on {JUDGED} generated and {JUDGED} test images, in inference mode")
    print(
        f"{'':<10}{'energy, test':>14}{'energy, fake':>14}{'cos² of fake':>14}{'cos² of test':>14}{'std of pixels':>15}"
    )
    for name, (gan, _) in trained.items():
        fake = gan.generate(JUDGED)
        on_fake, on_test = judge(gan, fake), judge(gan, test)
        energies = [float(tf.reduce_mean(outputs["energy"])) for outputs in (on_test, on_fake)]
        cosines = [squared_cosines(outputs) for outputs in (on_fake, on_test)]
        print(f"{name:<10}" + "".join(f"{v:>14.3f}" for v in energies + cosines) + f"{fake.std(0).mean():>15.3f}")
        file = name.lower().replace("-", "_")
        plots.grid(fake[:64], output / f"{file}.png")
        rows = [test[:16], *[(outputs["reconstruction"][:16].numpy() + 1) / 2 for outputs in (on_test, on_fake)]]
        rows.insert(2, fake[:16])
        plots.grid(np.concatenate(rows), output / f"{file}_reconstructions.png", columns=16)
    print(f"{'test':<10}{'':>56}{test.std(0).mean():>15.3f}")
    print(f"\n{output}/energies.png, ebgan.png, ebgan_pt.png,")
    print("ebgan_reconstructions.png, ebgan_pt_reconstructions.png (test images, theirs, generated images, theirs)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="output/ebgan_margin")
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    main(options.output, options.epochs)
