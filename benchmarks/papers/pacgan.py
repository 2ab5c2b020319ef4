"""Lin et al. 2018, "PacGAN" (arXiv:1712.04086): how many modes a GAN finds, on points and on stacked digits."""

import functools
import pathlib
import runpy

import numpy as np

from papers import Figure, Row, trained

PAPER = "Lin et al. 2018, arXiv:1712.04086"
EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "mode_coverage.py"
STACKED, SAMPLES = 128_000, 26_000  # section 4.2: pictures that are trained on, and that are drawn
# Table 1: modes and share of high quality, means and standard errors over ten trials, of a plain GAN.
PUBLISHED = {"ring": ("6.3 ± 0.5 of 8", "98.2"), "grid": ("17.3 ± 0.8 of 25", "94.8")}


def find_modes(seed: int, folder: pathlib.Path, *, toy: str, recipe: str, loss: str, steps: int, penalties: str | None):
    """A `Row.measure`: one training of `examples/mode_coverage.py`, a minute or less, and its samples."""
    example = runpy.run_path(str(EXAMPLE))
    found = example["trial"](toy, example["RECIPES"][recipe], loss, seed, steps, folder, penalties)
    everything = len(example["toys"].get(toy).means)
    return {
        "modes": float(found["modes"]),
        "high_quality": 100 * float(found["high_quality"]),
        "kl": float(found["kl"]),
        "all": float(found["modes"] == everything),
    }


def draw_modes(folder: pathlib.Path, path: pathlib.Path, *, toy: str) -> None:
    """Samples over the data, seed by seed."""
    from PIL import Image

    pictures = [Image.open(each) for each in sorted(folder.glob(f"*/{toy}_*.png"), key=lambda p: int(p.parent.name))]
    width, height = pictures[0].size
    width, height = width // 2, height // 2
    sheet = Image.new("RGB", (width * min(5, len(pictures)), height * -(-len(pictures) // 5)), "white")
    for i, picture in enumerate(pictures):
        sheet.paste(picture.convert("RGB").resize((width, height)), (i % 5 * width, i // 5 * height))
    sheet.save(path)


def modes_row(toy: str, name: str, what: str, seeds: int, *, picture: bool = False, **game) -> Row:
    """A row of ring or grid."""
    modes, quality = PUBLISHED[toy]
    plain = name == "plain"
    source = "Table 1, a plain GAN" if plain else "not in it"
    of = len({"ring": range(8), "grid": range(25)}[toy])
    draw = functools.partial(draw_modes, toy=toy)
    draw.__doc__ = f"Samples of {toy}, {what}"
    settings = {"recipe": "ours", "loss": "non_saturating", "steps": 5000, "penalties": None, **game}
    return Row(
        name=f"{toy}_{name}",
        paper=PAPER,
        what=what,
        figures=(
            Figure("modes", f"modes found of {of}", modes if plain else "-", source),
            Figure("all", "seeds that find all", "-", "not in it", over="count"),
            Figure("high_quality", "samples of high quality, %", quality if plain else "-", source),
            Figure("kl", "KL of the modes' shares from even ones, nats", "-", "not in it", digits=3),
        ),
        measure=functools.partial(find_modes, toy=toy, **settings),
        seeds=seeds,
        minutes=0.6 if settings["steps"] <= 3000 else 1,
        together=f"The modes of {toy}",
        draw=draw if picture else None,
    )


def _rows():
    even = {"recipe": "even", "steps": 3000}
    r1r2 = {**even, "loss": "relativistic", "penalties": "r1(.03), r2(.03)"}
    for toy in ("ring", "grid"):
        yield modes_row(
            toy, "best", "relativistic pairs with R1 and R2, 3,000 updates of 256", 10, picture=True, **r1r2
        )
        yield modes_row(toy, "plain", "the non-saturating game, 5,000 updates of 256", 10, picture=True)
        for loss in ("minimax", "kl", "least_squares", "hinge", "relativistic"):
            what = f"the loss {loss} without penalties, 3,000 updates of 256"
            yield modes_row(toy, loss, what, 5, loss=loss, **even)
        for name, loss, penalties in (
            ("non_saturating_r1", "non_saturating", "r1(.03)"),
            ("non_saturating_r1_r2", "non_saturating", "r1(.03), r2(.03)"),
            ("hinge_r1", "hinge", "r1(.03)"),
            ("relativistic_r1", "relativistic", "r1(.03)"),
            ("wasserstein_gp", "wasserstein", "gradient_penalty(0.1)"),
        ):
            what = f"the loss {loss} with {penalties}, 3,000 updates of 256"
            yield modes_row(toy, name, what, 5, loss=loss, penalties=penalties, **even)


def stack(images: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Digits drawn at random, three of them as the colours of one picture: uint8 `[N, 28, 28, 1]` -> `[count, 28, 28,
    3]`.
    """
    chosen = np.random.default_rng(seed).integers(0, len(images), (count, 3))
    return np.stack([images[chosen[:, channel], :, :, 0] for channel in range(3)], axis=-1)


def stacked_modes(samples: np.ndarray) -> dict[str, float]:
    """Which of the 1,000 numbers pictures show, by `mnist_classifier`, a digit for each colour.

    Args:
        samples: `[N, 28, 28, 3]` in [0, 1]; the protocol takes 26,000.

    Returns:
        "modes" that are there, and "kl", of their shares from even ones, in nats.
    """
    from kerasgan import features

    classifier = features.get("mnist_classifier", (28, 28, 1))
    numbers = np.zeros(len(samples), int)
    for channel in range(3):
        digits = samples[..., channel : channel + 1].astype(np.float32)
        batches = (digits[start : start + 1000] for start in range(0, len(digits), 1000))
        numbers = 10 * numbers + classifier.extract(batches)["probabilities"].argmax(1)
    shares = np.bincount(numbers, minlength=1000) / len(samples)
    there = shares[shares > 0]
    return {"modes": float(len(there)), "kl": float((there * np.log(1000 * there)).sum())}


def find_stacked(seed: int, folder: pathlib.Path, *, model: str, steps: int, settings: dict) -> dict[str, float]:
    """A `Row.measure`: 128,000 pictures of three digits of all 70,000, a training on them, 26,000 samples."""
    from kerasgan import data, evaluation, runs
    from kerasgan.files import replacing

    pictures = folder / "stacked.npz"
    if not pictures.is_file():
        digits = np.concatenate([data.load_array("mnist", split) for split in ("train", "test")])
        with replacing(pictures) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(file, images=stack(digits, STACKED, seed))
    config = runs.resolve(model, str(pictures), steps=steps, seed=seed, **settings)
    gan = trained(config, folder / "run")
    return stacked_modes(evaluation.generate(gan, SAMPLES, 0, progress=True))


def draw_stacked(folder: pathlib.Path, path: pathlib.Path) -> None:
    """The first samples of seed 0; a digit for each of red, green and blue."""
    from kerasgan import GAN, plots

    gan = GAN.from_preset(folder / "0" / "run" / "final.keras")
    plots.picture(plots.grid(gan.generate(64), columns=16)).save(path)


def stacked_row(model: str, published: str, source: str, what: str, minutes: float, note: str = "", **training) -> Row:
    """A row of stacked MNIST."""
    return Row(
        name=f"stacked_{model}",
        paper=PAPER,
        what=what,
        figures=(
            Figure("modes", "modes found of 1,000 by 26,000 samples", published, source, digits=0),
            Figure("kl", "KL of the modes' shares from even ones, nats", "-", "not in it", digits=3),
        ),
        measure=functools.partial(find_stacked, model=model, **training),
        seeds=1,
        minutes=minutes,
        together="The modes of stacked MNIST",
        note=note,
        draw=draw_stacked,
    )


def _stacked_rows():
    shape = {"image_shape": (28, 28, 3)}
    better = {"discriminator_width": 64, "discriminator_units": 512, "generator_learning_rate": 1e-3}
    yield stacked_row(
        "dcgan",
        "99.0 (DCGAN), 1,000 (PacDCGAN2)",
        "Table 2",
        "DCGAN with the settings of `dcgan_fashion_mnist` in bfloat16, 16,000 updates of 128",
        75,
        note="This row once ended after 8,000 of the DCGAN's updates, with 995 numbers and a KL of .357.",
        steps=16_000,
        settings={**shape, **better, "ema_decay": 0.999, "precision": "bfloat16"},
    )
    yield stacked_row(
        "r3gan",
        "1,000",
        "Huang et al. 2024, arXiv:2501.05441",
        "R3GAN, small, 20,000 updates of 16",
        45,
        steps=20_000,
        settings={**shape, "small": True, "schedule_images": 320_000},
    )


ROWS = (*_rows(), *_stacked_rows())
