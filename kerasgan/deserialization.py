"""Loading what strangers may have written: none of it is run.

Keras's safe mode refuses Python that is stored in a file. It has been got around more than once (CVE-2025-1550,
CVE-2025-9906, CVE-2026-1462), each time by a configuration that names code which lies elsewhere: Keras builds any of
its classes, and hands out nearly any of its functions, by name. Therefore configurations are searched before Keras sees
them, and may name what networks are made of, what computes, and what the caller has registered; nothing else.
"""

import functools
import inspect
import json
import zipfile
from typing import Any

from kerasgan.files import Path

# Keras's rooms that hold what networks are made of. The others read files, load models, draw, change settings.
ROOMS = (
    "activations",
    "constraints",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "quantizers",
    "random",
    "regularizers",
)
# And of these rooms, what calls something that a configuration names, or looks things up by name.
CALLERS = (
    *("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"),
    *("AssociativeScan", "Cond", "CustomGradient", "ForiLoop", "Map", "Scan", "Switch", "VectorizedMap", "WhileLoop"),
    *("associative_scan", "cond", "custom_gradient", "fori_loop", "map", "scan", "switch", "vectorize"),
    *("vectorized_map", "while_loop", "get", "serialize", "deserialize"),
)
# Plain values that JSON has no sign for.
VALUES = ("__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__")


class RefusedError(ValueError):
    """A file is whole and still not for us."""


def refuse_code(config: object) -> None:
    """Looks through a Keras configuration for what would run code that does more than compute.

    What the caller has registered (`keras.saving.register_keras_serializable`) is allowed.

    Args:
        config: what JSON gave: dicts, lists and plain values.

    Raises:
        RefusedError: what was found.
    """
    if isinstance(config, dict):
        if "class_name" in config:
            _check(config)
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            refuse_code(part)


def _check(part):
    import keras

    name, module, config = part["class_name"], part.get("module"), part.get("config")
    if name in VALUES or _is_registered_function(part) or _is_computing_function(part):
        return
    if not isinstance(name, str) or name == "function":
        raise RefusedError(f"it names the function {config!r}, and code from a file is never run.")
    if keras.saving.get_registered_object(part.get("registered_name", name)) is not None:
        return
    known = name == "Lambda" and isinstance(config, dict) and _is_registered_function(config.get("function"))
    if name in CALLERS and not known:
        raise RefusedError(f"it has a {name} layer, which is code, and code from a file is never run.")
    if not _is_class(module, name):
        raise RefusedError(
            f"it names {module}.{name}, neither a part of networks that Keras has nor registered with it "
            "(keras.saving.register_keras_serializable); if it is yours, import it before."
        )


def _is_class(module: Any, name: Any) -> bool:
    """Whether Keras would build that from a class of its own, in one of the rooms that networks are made of."""
    if not isinstance(module, str) or "." in name:
        return False
    if module.startswith("keras.src."):  # of these Keras takes classes alone
        return module.split(".")[2] in ROOMS
    return (module == "keras" or _room(module) in ROOMS) and inspect.isclass(_symbol(module, name))


def _is_registered_function(part: Any) -> bool:
    import keras

    if not isinstance(part, dict) or part.get("class_name") != "function":
        return False
    name = part.get("config")  # what Keras looks up first
    return isinstance(name, str) and inspect.isfunction(keras.saving.get_registered_object(name))


def _is_computing_function(part: Any) -> bool:
    import keras

    module, name = part.get("module"), part.get("config")
    if part.get("class_name") != "function" or not isinstance(module, str) or not isinstance(name, str):
        return False
    if keras.saving.get_registered_object(name) is not None or not name.isidentifier() or name in CALLERS:
        return False
    # "builtins" is what Keras writes for functions of its own, which it then looks for in some of these rooms.
    return module == "builtins" or (_room(module) in ROOMS and _room(module) != "models")


def _room(module):
    root, _, path = module.partition(".")
    return path.partition(".")[0] if root == "keras" else None


def _symbol(module, name):
    import keras

    root, *path = module.split(".")
    return None if root != "keras" else functools.reduce(lambda at, part: getattr(at, part, None), [*path, name], keras)


def load_keras(path: Path, **options: Any) -> Any:
    """`keras.saving.load_model` of a whole `.keras` file that names no code.

    Args:
        path: the file.
        **options: for `load_model`.

    Raises:
        RefusedError: it names code.
        Exception: it is damaged, which shows as whatever zlib, HDF5, JSON and Keras then raise.
    """
    import keras

    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"the checksum of {damaged} is wrong")
        try:
            refuse_code(json.loads(archive.read("config.json")))
        except RefusedError as error:
            raise RefusedError(f"Cannot load {path}: {error}") from None
    return keras.saving.load_model(path, **options)
