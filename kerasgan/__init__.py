"""kerasgan: generative adversarial networks for images in Keras 3, from training with `fit` to serving.

Everything public is imported on first use, so that `import kerasgan` and `kerasgan --help` cost no TensorFlow.
"""

import importlib
import pathlib
import pkgutil
import sys
import types
from typing import Any

import wrapt

from kerasgan import backends

__version__ = "0.2.0.dev0"

_EXPORTS = {
    "GAN": "kerasgan.gan",
    "create_model": "kerasgan.registry",
    "list_models": "kerasgan.registry",
    "list_presets": "kerasgan.presets",
}
_MODULES = (
    "augment",
    "callbacks",
    "cards",
    "data",
    "evaluation",
    "explore",
    "features",
    "formats",
    "interchange",
    "latents",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "penalties",
    "plots",
    "presets",
    "registry",
    "runs",
    "schedules",
    "serving",
    "sharing",
    "strategies",
    "toys",
)

__all__ = [*_EXPORTS, *_MODULES, "__version__"]

# In a checkout, `zoo/` lies beside this folder and not in it (an installed kerasgan has it inside). This lets Python
# started in the checkout find it whether the package was installed or not.
_root = pathlib.Path(__file__).resolve().parent.parent
if (_root / "setup.py").is_file() and (_root / "zoo" / "__init__.py").is_file():
    __path__.append(str(_root))


# What does without Keras until it makes or loads a model; the rest imports it at once.
_LIGHT = ("cards", "formats", "list_models", "list_presets", "presets", "registry", "runs", "serving", "sharing")


def __getattr__(name: str) -> Any:
    if name in (*_EXPORTS, *_MODULES) and name not in _LIGHT:
        backends.check()  # Keras itself may not even be importable with another
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"kerasgan.{name}")
    raise AttributeError(f"module 'kerasgan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def _register_with_keras(loaded: types.ModuleType) -> None:
    """Whoever has both imported can `keras.saving.load_model` a GAN, without having touched `kerasgan.GAN` before."""
    others = [name for name in sys.modules if name.startswith("kerasgan.") and name != loaded.__name__]
    if "keras" not in sys.modules or any(_is_loading(sys.modules[name]) for name in others):
        return  # what is half loaded cannot be imported from; when it is loaded, this is called again
    backends.check()
    for name in ("gan", "layers"):  # gan brings latents, losses and optimizers
        importlib.import_module(f"kerasgan.{name}")


def _is_loading(module: Any) -> bool:
    return getattr(getattr(module, "__spec__", None), "_initializing", False)


for _module in (
    "keras",
    *(f"kerasgan.{found.name}" for found in pkgutil.iter_modules(__path__) if found.name != "gan"),
):
    wrapt.register_post_import_hook(_register_with_keras, _module)
