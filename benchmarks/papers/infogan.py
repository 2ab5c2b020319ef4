"""Chen et al. 2016, "InfoGAN" (arXiv:1606.03657)."""

import pathlib

import numpy as np

from papers import Figure, Row, trained, with_seed

PAPER = "Chen et al. 2016, arXiv:1606.03657"
REACH = np.linspace(-2, 2, 10)  # of a continuous code in the paper's Figure 2; training has seen -1 to 1


def error_of_code(recipe: str):
    """A `Row.measure`: the test images that the 10-way code, read as a classifier, takes for another class, in per
    cent, under the best assignment of codes to classes.
    """

    def measure(seed: int, folder: pathlib.Path) -> dict[str, float]:
        from kerasgan import data, metrics

        config = with_seed(recipe, seed)
        gan = trained(config, folder)
        images, labels, _ = data.load_labelled_array(config.dataset, "test")
        read = gan.infer_codes(images.astype(np.float32) / 255.0)["categorical"][:, 0].argmax(1)
        accuracy, _ = metrics.assignment_accuracy(read, labels)
        counts = np.zeros((10, 10), int)
        np.add.at(counts, (read, labels), 1)
        # The authors' code names each code by the class that it holds most of, so that two codes may have one name.
        return {"error": 100 * (1 - accuracy), "error_of_commonest": 100 * (1 - counts.max(1).sum() / counts.sum())}

    return measure


def draw_codes(folder: pathlib.Path, path: pathlib.Path) -> None:
    """Figure 2: of the seed that errs least, a row for each value of the 10-way code, along it one continuous code
    from -2 to 2; the first code on the left, the second on the right.
    """
    import json

    import kerasgan
    from kerasgan import plots

    results = json.loads((folder / "results.json").read_text())["seeds"]
    best = min(results, key=lambda seed: results[seed]["scores"]["error"])
    gan = kerasgan.GAN.from_preset(folder / best / "final.keras")
    halves = []
    for code in range(gan.latent.continuous):
        codes = np.zeros((100, gan.latent.continuous), np.float32)
        codes[:, code] = np.tile(REACH, 10)
        z = gan.latent.from_seeds(np.zeros(100, np.int64))
        z = gan.latent.with_codes(z, np.repeat(np.arange(10), 10)[:, None], codes)
        halves.append(plots.grid(gan.generate(z=z), columns=10))
    plots.picture(np.concatenate(halves, axis=1)).save(path)


ROWS = (
    Row(
        name="infogan_mnist",
        paper=PAPER,
        what="the authors' settings (`infogan_mnist`), 5,148 updates",
        figures=(
            Figure("error", "error of the 10-way code on the test images, %: median", "5", "section 7.2", "median"),
            Figure("error", "the same: best seed", "5", "section 7.2", "lowest"),
        ),
        measure=error_of_code("infogan_mnist"),
        seeds=10,
        minutes=15,
        draw=draw_codes,
    ),
    Row(
        name="infogan_fashion_mnist",
        paper=PAPER,
        what="the same on Fashion-MNIST (`infogan_fashion_mnist`)",
        figures=(
            Figure("error", "error of the 10-way code on the test images, %: median", "-", "not in it", "median"),
            Figure("error", "the same: best seed", "-", "not in it", "lowest"),
        ),
        measure=error_of_code("infogan_fashion_mnist"),
        seeds=5,
        minutes=15,
    ),
)
