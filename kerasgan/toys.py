"""Toy distributions: points on a line or in the plane, drawn exactly, with a density to compare with.

`kerasgan.data.load("ring", ...)` and `--dataset=ring` take them by name; `NAMES` lists the names.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from kerasgan.errors import suggestion


@dataclasses.dataclass(frozen=True, eq=False)
class Mixture:
    """Equally likely round normal distributions.

    Attributes:
        means: float64 `[modes, dim]`, the centres.
        sigma: standard deviation of each in every direction.
    """

    means: np.ndarray
    sigma: float

    def __post_init__(self) -> None:
        if not 0.0 < self.sigma < math.inf:
            raise ValueError(f"sigma must be a finite number above 0; found {self.sigma}.")

    @property
    def dim(self) -> int:
        return self.means.shape[1]

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """n independent points, float32 `[n, dim]`; the same seed gives the same points."""
        rng = np.random.default_rng(seed)
        centres = self.means[rng.integers(len(self.means), size=n)]
        return (centres + self.sigma * rng.standard_normal((n, self.dim))).astype(np.float32)

    def density(self, points: ArrayLike) -> np.ndarray:
        """p at points `[N, dim]`, float64 `[N]`."""
        squares = np.square(np.asarray(points, np.float64)[:, None] - self.means).sum(-1)  # [N, modes]
        peak = (2.0 * math.pi * self.sigma**2) ** (-self.dim / 2)
        return peak * np.exp(-squares / (2.0 * self.sigma**2)).mean(1)


@dataclasses.dataclass(frozen=True)
class SwissRoll:
    """A noisy spiral: y = (r cos v1, r sin v1) with r = .4 v1 + v2, v1 ~ N(10, 3), v2 ~ N(0, .2).

    From Huszár's "An Alternative Update Rule for Generative Adversarial Networks" (inference.vc). The second number
    of each N is read as a standard deviation.
    """

    dim = 2

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """n independent points, float32 `[n, 2]`; the same seed gives the same points."""
        rng = np.random.default_rng(seed)
        v1 = 10.0 + 3.0 * rng.standard_normal(n)
        r = 0.4 * v1 + 0.2 * rng.standard_normal(n)
        return np.stack([r * np.cos(v1), r * np.sin(v1)], axis=1).astype(np.float32)

    def density(self, points: ArrayLike) -> np.ndarray:
        """p at points `[N, 2]`, float64 `[N]`; infinite at the origin.

        A point is (r, v1) for every v1 that is its angle up to whole turns, and (-r, v1) half a turn on; the change
        of variables from (v1, r) has the Jacobian |r|.
        """
        points = np.asarray(points, np.float64)
        radius, angle = np.hypot(points[:, 0], points[:, 1]), np.arctan2(points[:, 1], points[:, 0])
        half_turns = np.arange(-12, 20)  # v1 from -12 pi to 20 pi: more than 15 standard deviations on either side
        v1 = angle[:, None] + math.pi * half_turns  # [N, half turns]
        r = radius[:, None] * np.where(half_turns % 2, -1.0, 1.0)
        joint = _normal(v1, 10.0, 3.0) * _normal(r - 0.4 * v1, 0.0, 0.2)
        with np.errstate(divide="ignore"):
            return joint.sum(1) / radius


def _normal(x: np.ndarray, mean: float, sigma: float) -> np.ndarray:
    return np.exp(-0.5 * np.square((x - mean) / sigma)) / (sigma * math.sqrt(2.0 * math.pi))


def ring(modes: int = 8, radius: float = 1.0, sigma: float = 0.01) -> Mixture:
    """Normal distributions evenly on a circle; the defaults are PacGAN's (arXiv:1712.04086, section 4.1)."""
    angles = 2.0 * math.pi * np.arange(modes) / modes
    return Mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), sigma)


def grid(side: int = 5, spacing: float = 2.0, sigma: float = 0.05) -> Mixture:
    """side x side normal distributions around the origin; the defaults are PacGAN's 25 on {-4, -2, 0, 2, 4}^2."""
    ticks = spacing * (np.arange(side) - (side - 1) / 2)
    return Mixture(np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), sigma)


def swiss_roll() -> SwissRoll:
    """Huszár's swiss roll."""
    return SwissRoll()


def gaussian(mean: float = 0.0, sigma: float = 1.0) -> Mixture:
    """One normal distribution on the line."""
    return Mixture(np.array([[float(mean)]]), sigma)


NAMES: dict[str, Callable[[], Mixture | SwissRoll]] = {
    "ring": ring,
    "grid": grid,
    "swiss_roll": swiss_roll,
    "gaussian": gaussian,
}


def get(name: str) -> Mixture | SwissRoll:
    """The toy of that name, with its defaults.

    Raises:
        ValueError: there is none; the message lists the known ones.
    """
    if name not in NAMES:
        raise ValueError(f"Unknown toy {name!r}. Known: {', '.join(sorted(NAMES))}.{suggestion(name, NAMES)}")
    return NAMES[name]()
