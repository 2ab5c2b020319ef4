"""A GAN as the page shows it: what a picture is drawn from, and the lines of Python that draw the same. No Gradio."""

import dataclasses
import pathlib
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kerasgan import plots, presets, runs
from kerasgan.explore.interpolation import interpolate
from kerasgan.explore.inversion import invert
from kerasgan.explore.principal import directions
from kerasgan.latents import Coded, Normal

if TYPE_CHECKING:
    from kerasgan.gan import GAN

DIRECTIONS = 8  # that have a slider
FRAMES = 60  # of a film there and back
SHOWN = 256  # pixels that one sample is wide, about
SEARCH = {"starts": 2, "steps": 100}  # of `invert`: seconds, for a network of 64 pixels on two cores a minute


@dataclasses.dataclass(frozen=True)
class Choice:
    """What one picture is drawn from.

    Attributes:
        seed: of its noise.
        z: in place of the seed, the whole vector, where a picture was looked for.
        label: of a conditional model the class, by name; None is that of the seed.
        categorical, continuous: of a `Coded` latent the codes; None are those of the seed.
        psi: what the noise is multiplied by, which takes it nearer to its mean, 0.
        amounts: how far to go along each of the first directions.
    """

    seed: int = 0
    z: tuple[float, ...] | None = None
    label: str | None = None
    categorical: tuple[int, ...] | None = None
    continuous: tuple[float, ...] | None = None
    psi: float = 1.0
    amounts: tuple[float, ...] = ()

    @property
    def codes(self) -> dict[str, Any] | None:
        """The codes as `GAN.generate` takes them."""
        given = {"categorical": self.categorical, "continuous": self.continuous}
        return {kind: [list(values)] for kind, values in given.items() if values} or None


class View:
    """A trained GAN, and what can be changed of its samples.

    Args:
        what: a preset, a run's folder or a `.keras` file, as for `GAN.from_preset`.
        name: of it on the page; None is the last part of `what`.

    Attributes:
        gan: as loaded; a run that goes on has newer weights now and then (`renew`).
        folder: of the run, or None.
        directions: float32 `[n, latent.dim]`, n from 0 to 8.
        without: why there are no directions, or "".

    Raises:
        ValueError: there is no such thing, or its samples are no images.
    """

    def __init__(self, what: str, name: str | None = None) -> None:
        self.what = what
        self.name = name or pathlib.PurePath(what).name.removesuffix(".keras")
        path = presets.find(what)
        self.folder = path if runs.holds_run(path) and not presets.is_preset(path) else None
        self._lock = threading.Lock()
        self._stamp = self._stamp_now()
        self._take(presets.load(what, compile=False))

    def _take(self, gan: "GAN") -> None:
        if gan.value_range is None or len(gan.sample_shape) != 3:
            raise ValueError(f"The page shows images; the samples of {self.what} are none: {gan.sample_shape}.")
        self.gan = gan
        try:
            self.directions, self.without = directions(gan, min(DIRECTIONS, self.noise)), ""
        except ValueError as error:  # of a generator of one's own
            self.directions, self.without = np.zeros((0, gan.latent.dim), np.float32), str(error)

    def _stamp_now(self):
        """Changes whenever the run has written newer weights."""
        if self.folder is None:
            return None
        files = [self.folder / name for name in ("best.keras", "final.keras")]
        return tuple(file.stat().st_mtime_ns if file.is_file() else 0 for file in files)

    def renew(self) -> bool:
        """Takes newer weights, where a run has written some; returns whether it did. What cannot be read, because the
        training is just writing it, is left for the next time.
        """
        if self.folder is None or not self._lock.acquire(blocking=False):
            return False
        try:
            stamp = self._stamp_now()
            if stamp == self._stamp:
                return False
            self._take(presets.load(self.what, compile=False))
            self._stamp = stamp
            return True
        except (ValueError, OSError):
            return False
        finally:
            self._lock.release()

    @property
    def _latent(self) -> Any:
        """With what `Labelled` and `Coded` have besides."""
        return self.gan.latent

    @property
    def noise(self) -> int:
        """How many numbers of z are noise; they come first."""
        return getattr(self.gan.latent, "noise", self.gan.latent.dim)

    @property
    def can_truncate(self) -> bool:
        """Whether the noise is normal: only there is what lies near the mean what is usual."""
        return isinstance(getattr(self.gan.latent, "noise_latent", self.gan.latent), Normal)

    @property
    def categorical(self) -> tuple[int, ...]:
        return self.gan.latent.categorical if isinstance(self.gan.latent, Coded) else ()

    @property
    def continuous(self) -> int:
        return self.gan.latent.continuous if isinstance(self.gan.latent, Coded) else 0

    @property
    def enlarge(self) -> int:
        """How many pixels wide each of a sample's is shown."""
        return max(1, SHOWN // self.gan.sample_shape[1])

    def choice_of(self, seed: int, label: str | None = None, z: np.ndarray | None = None) -> Choice:
        """The choice of a seed, or of a vector, with the class and the codes that it has."""
        vector = self.gan.draw_latents(seeds=[seed], labels=label)[0] if z is None else np.asarray(z, np.float32)
        behind = vector[self.noise :]
        found: dict[str, Any] = {"seed": seed, "z": None if z is None else tuple(map(float, vector))}
        if self.gan.class_names is not None:
            found["label"] = self.gan.class_names[int(behind.argmax())]
        elif self.categorical or self.continuous:
            parts = self._latent.split_codes(behind[None])
            found["categorical"] = tuple(int(np.argmax(one_hot)) for one_hot in parts["categorical"])
            found["continuous"] = tuple(round(float(code), 2) for code in parts["continuous"][0])
        return Choice(**found)

    def latent_of(self, choice: Choice) -> np.ndarray:
        """float32 `[1, latent.dim]`."""
        gan, latent = self.gan, self._latent
        if choice.z is None:
            z = gan.draw_latents(seeds=[choice.seed], labels=choice.label, codes=choice.codes)
        else:
            z = np.asarray([choice.z], np.float32)
            if choice.label is not None:
                z = latent.with_labels(z, latent.check_labels(choice.label, 1)).numpy()
            elif choice.codes is not None:
                z = latent.with_codes(tf.constant(z), **latent.check_codes(choice.codes, 1)).numpy()
        if choice.psi != 1.0:
            z[:, : self.noise] *= np.float32(choice.psi)
        if any(choice.amounts):
            z = z + np.asarray(choice.amounts, np.float32) @ self.directions[: len(choice.amounts)]
            z = np.asarray(latent.nearest(z), np.float32)
        return z

    def draw(self, choice: Choice) -> np.ndarray:
        """float32 `[H, W, C]` in [0, 1]."""
        return self.gan.generate(z=self.latent_of(choice))[0]

    def lines_of(self, choice: Choice) -> str:
        """Python that draws the same picture and writes the same file."""
        if choice.z is not None:
            return self._drawing(f"z = np.array({_numbers(self.latent_of(choice))}, np.float32)")
        arguments = [f"seeds=[{choice.seed}]"]
        if choice.label is not None:
            arguments.append(f"labels={choice.label!r}")
        if choice.codes is not None:
            arguments.append(f"codes={choice.codes}")
        lines = [f"z = gan.draw_latents({', '.join(arguments)})"]
        if choice.psi != 1.0:
            lines.append(f"z[:, :{self.noise}] *= np.float32({choice.psi:g})  # nearer to the mean")
        if any(choice.amounts):
            every = [*choice.amounts, *[0.0] * (len(self.directions) - len(choice.amounts))]
            amounts = ", ".join(f"{amount:g}" for amount in every)
            lines.append(f"z += np.float32([{amounts}]) @ explore.directions(gan, {len(self.directions)})")
            lines.append("z = np.asarray(gan.latent.nearest(z))")
        return self._drawing(*lines)

    def samples(self, seed: int, n: int, label: str | None, psi: float) -> list[tuple[int, str, np.ndarray]]:
        """n samples from a seed on: of each its seed, its class or "", and the image."""
        z = self.gan.draw_latents(n, seed, labels=label)
        names = [""] * n
        if self.gan.class_names is not None:
            names = [self.gan.class_names[i] for i in z[:, self.noise :].argmax(axis=1)]
        if psi != 1.0:
            z[:, : self.noise] *= np.float32(psi)
        return list(zip(range(seed, seed + n), names, self.gan.generate(z=z), strict=True))

    def between(self, seeds: tuple[int, int], labels: tuple[str, str] | None, share: float) -> np.ndarray:
        """float32 `[H, W, C]`: a sample on the way from one to the other."""
        z = self.gan.draw_latents(seeds=list(seeds), labels=None if labels is None else list(labels))
        return self.gan.generate(z=self.gan.latent.between(z[:1], z[1:], np.array([share])))[0]

    def lines_between(self, seeds: tuple[int, int], labels: tuple[str, str] | None, share: float) -> str:
        """Python that draws the same picture as `between`."""
        given = f"seeds={list(seeds)}" + ("" if labels is None else f", labels={list(labels)}")
        return self._drawing(
            f"z = gan.draw_latents({given})", f"z = gan.latent.between(z[:1], z[1:], np.array([{share:g}]))"
        )

    def film(self, seeds: tuple[int, int], labels: tuple[str, str] | None, path: pathlib.Path) -> None:
        """Writes a film from one to the other and back."""
        there, ends = self._there_and_back(seeds, labels)
        images = interpolate(self.gan, there, FRAMES + 1, labels=ends)[:-1]
        plots.film(images, path, enlarge=self.enlarge)

    def lines_of_film(self, seeds: tuple[int, int], labels: tuple[str, str] | None) -> str:
        """Python that writes the same film."""
        there, ends = self._there_and_back(seeds, labels)
        given = "" if ends is None else f", labels={ends}"
        return self._program(
            f"images = explore.interpolate(gan, {there}, {FRAMES + 1}{given})[:-1]  # the last is the first again",
            f'plots.film(images, "way.gif", enlarge={self.enlarge})',
        )

    def _there_and_back(self, seeds, labels):
        return [*seeds, seeds[0]], None if labels is None else [*labels, labels[0]]

    def find(self, image: np.ndarray, label: str | None) -> tuple[Choice, float]:
        """The choice whose picture is most like an image, float32 `[H, W, C]` in [0, 1], and its error."""
        z, errors = invert(self.gan, image[None], None if label is None else [label], **SEARCH)
        return self.choice_of(0, z=z[0]), float(errors[0])

    def _drawing(self, *lines):
        return self._program(*lines, f'plots.grid(gan.generate(z=z), "sample.png", enlarge={self.enlarge})')

    def _program(self, *lines):
        body = "\n".join(lines)
        numpy = "import numpy as np\n\n" if "np." in body else ""
        tools = "explore, plots" if "explore." in body else "plots"
        load = f"gan = kerasgan.GAN.from_preset({self.what!r})"
        return f"{numpy}import kerasgan\nfrom kerasgan import {tools}\n\n{load}\n{body}\n"


def _numbers(z):
    """Vectors as Python writes them, in as few digits as give the same float32."""
    rows = (", ".join(np.format_float_positional(x, trim="-") for x in row) for row in z)
    return "[" + ", ".join(f"[{row}]" for row in rows) + "]"
