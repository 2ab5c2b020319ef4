"""What a GAN shows of itself: pictures of what it draws, and what it is, in a line and for a notebook."""

import base64
import html
import io
from typing import TYPE_CHECKING, Any

from PIL import Image

from kerasgan import plots, schedules
from kerasgan.errors import is_number

if TYPE_CHECKING:
    from kerasgan.gan import GAN


def show(self: "GAN", n: int = 16, seed: int = 0, labels: Any = None) -> Image.Image:
    """A picture of samples, which a notebook shows where this is a cell's last line.

    Args:
        n, seed, labels: as for `generate`. Of a conditional GAN without `labels` each class has a row of its own, n
            samples among them all and one of each at least.

    Returns:
        A `PIL.Image.Image`: `.save("samples.png")` writes it, `.show()` opens it in a window.

    Raises:
        ValueError: as for `generate`; or the samples have no picture: they are neither images nor points of the plane.
    """
    if not plots.can_draw(self.sample_shape):
        raise ValueError(f"Samples of shape {self.sample_shape} have no picture; generate gives them as numbers.")
    if len(self.sample_shape) != 3 or self.value_range is None:
        return plots.picture(plots.samples(self.generate(n, seed, labels=labels)))
    enlarge = max(1, round(64 / self.sample_shape[0]))
    if self.class_names is not None and labels is None:
        each = max(1, n // min(len(self.class_names), plots.MOST_CLASSES))
        return plots.picture(plots.by_class(self, each=each, seed=seed, enlarge=enlarge))
    return plots.picture(plots.grid(self.generate(n, seed, labels=labels), enlarge=enlarge))


def describe(self: "GAN") -> str:
    """The GAN in a line, as `repr` gives it."""
    return f"<{type(self).__name__} {self.name}: {'; '.join(f'{name} {text}' for name, text in facts(self))}>"


def facts(gan: "GAN") -> list[tuple[str, str]]:
    """What there is to say of a GAN: names and texts."""
    shape = "x".join(map(str, gan.sample_shape))
    what = "images" if gan.value_range is not None and len(gan.sample_shape) == 3 else "samples"
    said = [
        (what, shape),
        ("latent", f"{type(gan.latent).__name__}, {gan.latent.dim} numbers"),
        ("generator", f"{gan.generator.count_params():,} parameters"),
        ("discriminator", f"{gan.discriminator.count_params():,} parameters"),
    ]
    if gan.class_names is not None:
        names = ", ".join(gan.class_names[:10]) + (", ..." if len(gan.class_names) > 10 else "")
        said.append(("classes", f"{len(gan.class_names)} ({names})"))
    if gan.ema_decay is not None:
        decay = gan.ema_decay
        said.append(("average", f"{decay:g}" if is_number(decay) else schedules.text(decay)))
    if gan.compiled:
        said.append(("loss", type(gan.loss).__name__))
    said.append(("steps", f"{int(gan.step.numpy()):,}"))
    return said


def as_html(self: "GAN") -> str:
    """The GAN as a notebook shows it: a picture of eight samples above what there is to say."""
    rows = "".join(
        f"<tr><th scope='row' style='text-align:left'>{html.escape(name)}</th>"
        f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
        for name, text in facts(self)
    )
    drawn = ""
    if plots.can_draw(self.sample_shape):
        file = io.BytesIO()
        show(self, 8 if len(self.sample_shape) == 3 else 2500).save(file, format="PNG")
        encoded = base64.b64encode(file.getvalue()).decode()
        drawn = f"<p><img alt='Samples of the seeds from 0 on' src='data:image/png;base64,{encoded}'></p>"
    return f"<div><p><strong>{html.escape(self.name)}</strong></p>{drawn}<table>{rows}</table></div>"
