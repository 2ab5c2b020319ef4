"""Goodfellow et al. 2014, "Generative Adversarial Networks" (arXiv:1406.2661)."""

import dataclasses
import json
import pathlib
import shutil

import numpy as np

from papers import Figure, Row, trained, with_seed

PAPER = "Goodfellow et al. 2014, arXiv:1406.2661"
EVERY = 10  # epochs between two points of the curve
SAMPLES, VALIDATION = 10_000, 1_000  # section 5: how many are drawn, and on how many images sigma is chosen


def parzen(seed: int, folder: pathlib.Path) -> dict[str, float]:
    """The authors' settings to their end; the epoch whose samples give validation images the greatest likelihood is
    judged on the test images.
    """
    from kerasgan import GAN, data, evaluation, metrics
    from kerasgan.files import replacing

    config = with_seed("vanilla_gan_mnist", seed)
    curve_file, best_file = folder / "curve.json", folder / "best_parzen.keras"
    curve = json.loads(curve_file.read_text()) if curve_file.is_file() else {}
    validation = data.load_array("mnist", config.validation_split).astype(np.float32) / 255.0
    for epoch in range(EVERY, config.epochs + 1, EVERY):
        if str(epoch) in curve:
            continue
        run = folder / "run"
        gan = trained(dataclasses.replace(config, epochs=epoch), run)
        samples = evaluation.generate(gan, SAMPLES, 0, progress=True)
        nats = metrics.parzen_log_likelihood(samples, validation[:VALIDATION], validation[VALIDATION:])["nats"]
        if nats > max(curve.values(), default=-np.inf):
            with replacing(best_file) as temporary:
                shutil.copyfile(run / "final.keras", temporary)
        curve[str(epoch)] = nats
        with replacing(curve_file) as temporary:
            temporary.write_text(json.dumps(curve))
    test = data.load_array("mnist", "test").astype(np.float32) / 255.0
    samples = evaluation.generate(GAN.from_preset(best_file), SAMPLES, 0, progress=True)
    found = metrics.parzen_log_likelihood(samples, validation[:VALIDATION], test)
    return {**found, "epoch": float(max(curve, key=lambda epoch: curve[epoch]))}


def draw_parzen(folder: pathlib.Path, path: pathlib.Path) -> None:
    """The curves of all seeds."""
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(6, 3.6), layout="constrained")
    axes = canvas.add_subplot()
    for file in sorted(folder.glob("*/curve.json")):
        curve = json.loads(file.read_text())
        axes.plot([int(epoch) for epoch in curve], list(curve.values()), label=f"seed {file.parent.name}")
    axes.axhline(225, color="0.6", linestyle="--", label="published")
    axes.set_xlabel("epochs")
    axes.set_ylabel("Parzen log-likelihood of validation images, nats")
    axes.legend()
    canvas.savefig(path, dpi=110)


ROWS = (
    Row(
        name="gan_parzen",
        paper=PAPER,
        what="the authors' settings for MNIST (`vanilla_gan_mnist`), 250 epochs",
        figures=(
            Figure("nats", "Parzen log-likelihood of the test images, nats", "225 ± 2", "Table 1"),
            Figure("epoch", "epoch chosen on the validation images", "-", "by hand", digits=0),
        ),
        measure=parzen,
        seeds=3,
        minutes=40,
        draw=draw_parzen,
    ),
)
