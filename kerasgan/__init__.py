"""kerasgan: generative adversarial networks for images in Keras 3, from training with `fit` to serving.

Everything public is imported on first use, so that `import kerasgan` and `kerasgan --help` cost no TensorFlow.
"""

import importlib
import pathlib

import wrapt

__version__ = "0.2.0.dev0"

_EXPORTS = {
    "GAN": "kerasgan.gan",
    "create_model": "kerasgan.registry",
    "list_models": "kerasgan.registry",
    "list_presets": "kerasgan.presets",
}
_MODULES = (
    "callbacks",
    "cards",
    "data",
    "evaluation",
    "features",
    "latents",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "plots",
    "presets",
    "registry",
    "runs",
    "serving",
    "strategies",
    "toys",
)

__all__ = [*_EXPORTS, *_MODULES, "__version__"]

# In a checkout, `zoo/` lies beside this folder and not in it (an installed kerasgan has it inside). This lets Python
# started in the checkout find it whether the package was installed or not.
_root = pathlib.Path(__file__).resolve().parent.parent
if (_root / "setup.py").is_file() and (_root / "zoo" / "__init__.py").is_file():
    __path__.append(str(_root))


def __getattr__(name):
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"kerasgan.{name}")
    raise AttributeError(f"module 'kerasgan' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)


@wrapt.when_imported("keras")
def _register_with_keras(keras):
    """Whoever has both imported can `keras.saving.load_model` a GAN, without having touched `kerasgan.GAN` before."""
    for name in ("gan", "layers"):  # gan brings latents, losses and optimizers
        importlib.import_module(f"kerasgan.{name}")
