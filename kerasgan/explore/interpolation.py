"""Ways through the latent space, from one sample to the next."""

from typing import TYPE_CHECKING, Any

import numpy as np

from kerasgan.errors import check_whole
from kerasgan.latents import Latent

if TYPE_CHECKING:
    from kerasgan.gan import GAN


def interpolate(
    gan: "GAN",
    seeds: Any = None,
    steps: int = 60,
    *,
    z: Any = None,
    labels: Any = None,
    codes: dict | None = None,
    batch_size: int = 128,
) -> np.ndarray:
    """Samples on the way from the first of several to the last, through all of them; see `walk` for the way.

    Args:
        gan: a `kerasgan.GAN`.
        seeds: two or more whole numbers from 0, of the samples to pass. One that stands at both ends closes the way.
        steps: how many samples in all, as many as seeds at least.
        z: in place of seeds, latent vectors `[K, latent.dim]`, such as `invert` finds; with labels and codes in them.
        labels: of a conditional GAN: one class to keep all the way, or one for each seed. Where classes differ, the
            label goes straight from one to the other, and what lies between is of a mixture, which no training had.
        codes: with a `Coded` latent: to keep all the way, or for each seed; as for `GAN.generate`.
        batch_size: how many pass through the generator at once.

    Returns:
        float32 `[steps, H, W, C]` in [0, 1], as `GAN.generate` gives them.

    Raises:
        ValueError: fewer than two seeds, fewer steps than seeds, both seeds and z, or what `GAN.generate` refuses.
    """
    if (seeds is None) == (z is None):
        raise ValueError("Give seeds to pass, or z; one of the two.")
    if z is None:
        z = gan.draw_latents(seeds=seeds, labels=labels, codes=codes)
    elif labels is not None or codes is not None:
        raise ValueError("z holds its labels and codes; give others with seeds.")
    return gan.generate(z=walk(gan.latent, z, steps), batch_size=batch_size)


def walk(latent: Latent, z: Any, steps: int) -> np.ndarray:
    """Latent vectors on the way from the first of several to the last, through all of them.

    Normal noise goes on great circles, uniform noise straight through its cube; codes and labels go straight. Between
    all neighbours lie equally many steps; where `steps - 1` does not divide by K - 1, vectors in the middle are passed
    between two steps.

    Args:
        latent: where they come from.
        z: float `[K, latent.dim]`, K at least 2.
        steps: how many vectors, at least K.

    Returns:
        float32 `[steps, latent.dim]`; the first and the last are exactly those of z.

    Raises:
        ValueError: vectors of another shape, or fewer than two, or more than steps.
    """
    check_whole("steps", steps, 2)
    z = np.asarray(z, np.float32)
    if z.ndim != 2 or z.shape[1] != latent.dim or len(z) < 2:
        raise ValueError(f"A way leads through vectors of shape (2 or more, {latent.dim}); found shape {z.shape}.")
    if len(z) > steps:
        raise ValueError(f"A way through {len(z)} samples needs as many steps at least; found steps={steps}.")
    passed = np.linspace(0.0, len(z) - 1, steps)
    before = np.minimum(passed.astype(int), len(z) - 2)
    return latent.between(z[before], z[before + 1], passed - before)
