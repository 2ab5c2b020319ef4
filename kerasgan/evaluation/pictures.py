"""The pictures of an evaluation: samples beside real ones, the way from one to another, what codes do."""

import itertools
from typing import TYPE_CHECKING

import numpy as np

from kerasgan import plots
from kerasgan.evaluation.judge import Judge
from kerasgan.latents import Coded, Labelled

if TYPE_CHECKING:
    from kerasgan.gan import GAN

COLUMNS = 12  # of the picture page


def page_of(
    gan: "GAN", fake: np.ndarray, real: np.ndarray, seed: int, nearest: tuple[str, np.ndarray] | None
) -> np.ndarray:
    """Samples, their nearest training images (of `nearest_page`), interpolations and codes, under headings."""
    if fake.ndim == 2:
        return plots.page([("Generated, and real in grey", plots.points(fake[:2500], real=real[:2500]))])
    shown = fake[: 8 * COLUMNS]
    sections = [(f"Samples of the seeds from {seed} on, none left out", plots.grid(shown, columns=COLUMNS))]
    if gan.class_names is not None:
        count, most = len(gan.class_names), plots.MOST_CLASSES
        title = "A row for each class" if count <= most else f"A row for each of the first {most} classes of {count}"
        sections.append((f"{title}, of the seeds from {seed} on", plots.by_class(gan, None, COLUMNS, seed, enlarge=2)))
    sections += [] if nearest is None else [nearest]
    sections.append(("From one latent vector to another, in a straight line", interpolations(gan, seed)))
    if isinstance(gan.latent, Coded):
        sections += traversals(gan, seed)
    return plots.page(sections)


def nearest_page(judge: Judge, fake: np.ndarray, seed: int) -> tuple[str, np.ndarray]:
    """The first samples, below each the training images nearest to it: a title, and the picture, uint8
    `[height, width, C]`.
    """
    samples = fake[:COLUMNS]
    nearest, how = judge.nearest_images(samples)
    rows = np.concatenate([samples, *np.moveaxis(nearest, 1, 0)])
    title = f"Samples of the seeds from {seed} on, and below each the training images nearest to it {how}"
    return title, plots.grid(rows, columns=len(samples), enlarge=max(1, 64 // fake.shape[1]))


def interpolations(gan: "GAN", seed: int = 0, rows: int = 4) -> np.ndarray:
    """Images along straight lines between latent vectors: a grid with one line per row.

    Where the latent has codes or labels, each line keeps those of its first vector: half of one category and half of
    another is none that training has seen.
    """
    steps = np.linspace(0.0, 1.0, COLUMNS, dtype=np.float32)[:, None]
    ends = gan.latent.from_seeds(np.arange(seed, seed + 2 * rows, dtype=np.int64)).numpy()
    lines = np.concatenate([(1 - steps) * ends[2 * i] + steps * ends[2 * i + 1] for i in range(rows)])
    if isinstance(gan.latent, (Coded, Labelled)):
        lines[:, gan.latent.noise :] = np.repeat(ends[::2, gan.latent.noise :], COLUMNS, axis=0)
    return plots.grid(gan.to_unit_range(gan(lines, training=False)).numpy(), columns=COLUMNS)


def traversals(gan: "GAN", seed: int = 0, rows: int = 4) -> list[tuple[str, np.ndarray]]:
    """What each code does (Chen et al. 2016, arXiv:1606.03657, Figure 2): for each a title, and a grid in which the
    code changes from left to right and the rest of the latent vector from row to row.

    Continuous codes go from -2 to 2, as in the paper; training draws them from -1 to 1.

    Raises:
        ValueError: the model's latent is not `Coded`.
    """
    latent, found = gan.latent, []
    if not isinstance(latent, Coded):
        raise ValueError(f"This model has no codes: its latent is {type(latent).__name__}, not Coded.")
    base = latent.from_seeds(np.arange(seed, seed + rows, dtype=np.int64)).numpy()
    ends = [latent.noise + end for end in itertools.accumulate(latent.categorical)]
    for i, (k, end) in enumerate(zip(latent.categorical, ends, strict=True)):
        z = np.repeat(base, k, axis=0)
        z[:, end - k : end] = np.tile(np.eye(k, dtype=np.float32), (rows, 1))
        found.append((f"Categorical code {i}: one column per category", z, k))
    for i in range(latent.continuous):
        z = np.repeat(base, COLUMNS, axis=0)
        z[:, latent.dim - latent.continuous + i] = np.tile(np.linspace(-2, 2, COLUMNS, dtype=np.float32), rows)
        found.append((f"Continuous code {i}: from -2 to 2", z, COLUMNS))
    return [
        (title, plots.grid(gan.to_unit_range(gan(z, training=False)).numpy(), columns=columns))
        for title, z, columns in found
    ]
