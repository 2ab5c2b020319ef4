"""What augmentation does for few pictures: a conditional DCGAN on 1,000 images of Fashion-MNIST, with and without.

Follows "Differentiable Augmentation for Data-Efficient GAN Training" (Zhao et al. 2020, arXiv:2006.10738) and "Training
Generative Adversarial Networks with Limited Data" (Karras et al. 2020, arXiv:2006.06676). Every training has the same
time, counted in seconds of CPU, so that what else the machine does makes no difference; scores do not count.

    python examples/few_pictures.py --output=output/few_pictures

Half an hour on two cores.
"""

import argparse
import os
import pathlib
import re
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import kerasgan
from kerasgan import data, evaluation, plots

GAMES = ("none", "translation", "color,translation,cutout", "adaptive(images=50000)")
STEPS = 600  # from one score to the next
JUDGED = "train[55000:]"  # and what is not trained on


def train(augment, seconds, images, judge, folder, steps=STEPS):
    """Scores by seconds of CPU and steps: `[(seconds, steps, Fréchet distance)]`."""
    samples, labels, names = images
    gan = kerasgan.create_model(
        "dcgan",
        classes=names,
        augment=None if augment == "none" else augment,
        generator_width=32,
        discriminator_width=32,
        discriminator_units=512,
        learning_rate=4e-4,
        generator_learning_rate=1e-3,
        ema_decay=0.999,
    )
    batches = data.load(samples, labels=labels, class_names=names, batch_size=64, like=gan, shuffle=True)
    gan.fit(batches, verbose=0)  # one epoch, by which the classes' shares are known
    found, spent = [], 0.0
    while spent < seconds:
        begun = time.process_time()
        gan.fit(batches.repeat(), steps_per_epoch=steps, verbose=0)
        spent += time.process_time() - begun
        drawn = gan.generate(5000)
        found.append((spent, int(gan.step.numpy()), judge.distances(drawn, 0)["fcd"].value))
        print(f"{augment:28} {spent:8.0f} {found[-1][1]:8} {found[-1][2]:8.1f}", flush=True)
        plots.grid(drawn[:64], folder / f"{re.sub('[^a-z0-9]+', '_', augment).strip('_')}.png")
    return found


def main(output, games=GAMES, seconds=330.0, count=1000, steps=STEPS):
    images = data.load_labelled_array("fashion_mnist", f"train[:{count}]")
    real = data.load_array("fashion_mnist", JUDGED)
    judge = evaluation.Judge(real, features="fashion_mnist_classifier", dataset="fashion_mnist")
    print(f"{'augment':28} {'CPU s':>8} {'steps':>8} {'FCD':>8}")
    for augment in games:
        train(augment, seconds, images, judge, output, steps)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("output/few_pictures"))
    parser.add_argument("--seconds", type=float, default=330.0, help="of CPU, for each")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    main(options.output, seconds=options.seconds)
