"""From a trained GAN to a SavedModel that TF Serving takes."""

from kerasgan.serving.export import export, publish

__all__ = ["export", "publish"]
