"""Measures of what a generator has learnt."""

import numpy as np


def mode_coverage(samples, modes, sigma: float, radius: float = 3.0) -> dict[str, float]:
    """How a generator covers a mixture of round normal distributions: the protocol of PacGAN (arXiv:1712.04086, 4.1).

    Args:
        samples: `[N, dim]` generated points; the protocol takes 2,500.
        modes: `[M, dim]` the mixture's centres, such as `toys.ring().means`.
        sigma: the standard deviation of each.
        radius: a sample is of high quality within so many sigma of its nearest mode.

    Returns:
        `modes`: how many have at least one sample of high quality; `high_quality`: the share of such samples;
        `kl`: KL divergence in nats of the histogram of nearest modes, over all samples, from the uniform one: 0 when
        all modes are equally likely, log M when there is one.

    Raises:
        ValueError: no samples, samples that are not finite, or arrays that do not fit each other.
    """
    samples, modes = np.asarray(samples, np.float64), np.asarray(modes, np.float64)
    if samples.ndim != 2 or modes.ndim != 2 or samples.shape[1] != modes.shape[1] or not len(samples):
        raise ValueError(
            "mode_coverage needs samples [N, dim] and modes [M, dim] with the same dim; "
            f"found {samples.shape} and {modes.shape}."
        )
    if not np.isfinite(samples).all():
        raise ValueError("mode_coverage needs finite samples; these hold NaN or infinity.")
    distances = np.linalg.norm(samples[:, None] - modes, axis=-1)  # [N, M]
    nearest = distances.argmin(1)
    good = distances.min(1) <= radius * sigma
    shares = np.bincount(nearest, minlength=len(modes)) / len(samples)
    held = shares[shares > 0]
    return {
        "modes": len(np.unique(nearest[good])),
        "high_quality": float(good.mean()),
        "kl": float(np.sum(held * np.log(held * len(modes)))),
    }
