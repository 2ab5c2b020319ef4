"""From a trained GAN to one file for other runtimes than TensorFlow's, and the proof that it draws the same there.

`table` says which formats there are, `writing` makes a file and `verification` tries it in its own runtime, in a
process of its own without TensorFlow. Of each format one module knows how it is converted, and where its file keeps
the description (`description`) that goes with it.
"""

import importlib

_EXPORTS = {
    "FORMATS": "kerasgan.formats.table",
    "export": "kerasgan.formats.writing",
    "verify": "kerasgan.formats.verification",
}

__all__ = list(_EXPORTS)


def __getattr__(name):
    # On first use: a file is tried in a process without TensorFlow for Python.
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'kerasgan.formats' has no attribute {name!r}")
