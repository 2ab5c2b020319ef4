"""Looking around in a trained GAN: ways between its samples, the z of a picture, and directions that change something.

All of it is about z, as `GAN.draw_latents` gives it and `GAN.generate(z=z)` takes it.
"""

from kerasgan.explore.interpolation import interpolate, walk
from kerasgan.explore.inversion import invert
from kerasgan.explore.principal import directions

__all__ = ["directions", "interpolate", "invert", "walk"]
