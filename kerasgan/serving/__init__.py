"""From a trained GAN to a folder that TensorFlow Serving takes as it is, the proof of that, and a client."""

import importlib

_EXPORTS = {
    "export": "kerasgan.serving.savedmodel",
    "publish": "kerasgan.serving.savedmodel",
    "verify": "kerasgan.serving.verification",
    "Client": "kerasgan.serving.client",
}

__all__ = list(_EXPORTS)


def __getattr__(name):
    # On first use: the loader's process and the REST client do without TensorFlow for Python.
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'kerasgan.serving' has no attribute {name!r}")
