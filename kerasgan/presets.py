"""Trained GANs on disk: what `--preset` names.

A preset is a folder: `config.json` says what the GAN is built and compiled from, `model.weights.h5` holds generator,
discriminator and average (no optimizer state), `metadata.json` where they come from and their checksum, `samples.png`
what they draw.
"""

import contextlib
import hashlib
import json
import pathlib
import zipfile

from kerasgan.errors import first_line
from kerasgan.files import check_writable, replacing

FILES = ("config.json", "metadata.json", "model.weights.h5", "README.md", "samples.png")


def save(gan, folder) -> pathlib.Path:
    """Writes a compiled GAN as a preset.

    Args:
        gan: a compiled `kerasgan.GAN`.
        folder: the folder to write; a preset already there is replaced, versions for serving beside it stay.

    Returns:
        `folder`.

    Raises:
        ValueError: the GAN is not compiled, or `folder` is a file or cannot be written to.
    """
    import keras
    import tensorflow as tf

    from kerasgan import __version__, plots

    if not gan.compiled:
        raise ValueError("Only a compiled GAN makes a preset: its losses and optimizers are part of it.")
    folder = check_writable(folder)
    config = keras.saving.serialize_keras_object(gan)
    copy = type(gan).from_config(gan.get_config())  # one without optimizers, whose state Keras would write too
    copy.set_weights(gan.get_weights())
    own = {}
    gan.save_own_variables(own)  # the state of the dropout masks, which is no weight
    copy.load_own_variables(own)
    names = ["model.weights.h5", "metadata.json", "config.json"]
    names += ["samples.png"] if plots.can_draw(gan.sample_shape) else []
    with contextlib.ExitStack() as stack:  # each file takes its place when all are written
        places = {name: stack.enter_context(replacing(folder / name)) for name in names}
        copy.save_weights(places["model.weights.h5"], overwrite=True)
        metadata = {
            "model": gan.name,
            "steps": int(gan.step.numpy()),
            "weights_sha256": _sha256(places["model.weights.h5"]),
            "libraries": {"kerasgan": __version__, "keras": keras.__version__, "tensorflow": tf.__version__},
        }
        for name, content in (("metadata.json", metadata), ("config.json", config)):
            places[name].write_text(json.dumps(content, indent=2) + "\n")
        if "samples.png" in places:
            plots.samples(gan.generate(64), places["samples.png"])
    return folder


def load(path):
    """A GAN from a preset's folder, a run folder of `kerasgan train`, or a `.keras` file.

    Args:
        path: the folder, or the file. Of a run the `final.keras` is taken, or else the newest checkpoint.

    Returns:
        The compiled GAN.

    Raises:
        ValueError: there is no such thing, or it is damaged, or it is not a GAN.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(f"There is no preset, run folder or .keras file {str(path)!r}.")
    if is_preset(path):
        return _load_preset(path)
    if path.is_dir():
        return _load_run(path)
    return _load_keras(path)


def is_preset(folder) -> bool:
    """Whether a folder has a preset's files."""
    return all((pathlib.Path(folder) / name).is_file() for name in ("config.json", "metadata.json", "model.weights.h5"))


def _load_preset(folder):
    import keras

    from kerasgan.gan import GAN

    weights = folder / "model.weights.h5"
    try:
        expected = json.loads((folder / "metadata.json").read_text())["weights_sha256"]
        if _sha256(weights) != expected:
            raise ValueError(f"the sha256 of {weights.name} is not the one in metadata.json")
        config = json.loads((folder / "config.json").read_text())
        compiled_from = config.pop("compile_config")
        gan = keras.saving.deserialize_keras_object(config, safe_mode=True)
        if not isinstance(gan, GAN):
            raise ValueError(f"config.json describes a {type(gan).__name__}, not a GAN")
        gan.load_weights(weights)  # before the optimizers are there, of which the file holds nothing
        gan.compile_from_config(compiled_from)
    except Exception as error:  # a damaged configuration can fail anywhere in Keras
        raise ValueError(
            f"Cannot load the preset {folder}: it is damaged ({first_line(error).removesuffix('.')})."
        ) from None
    return gan


def _load_run(folder):
    if (folder / "final.keras").is_file():
        return _load_keras(folder / "final.keras")
    from kerasgan.callbacks import restore

    gan = restore(folder / "checkpoints")
    if gan is None:
        raise ValueError(f"{folder} is no preset, and holds neither final.keras nor a checkpoint of a run.")
    return gan


def _load_keras(path):
    import keras

    from kerasgan.gan import GAN

    if path.suffix != ".keras":
        raise ValueError(f"{path} is not a .keras file.")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged:
            raise ValueError(f"the checksum of {damaged} is wrong")
        gan = keras.saving.load_model(path)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"Cannot load {path}: the file is damaged or no kerasgan model ({first_line(error).removesuffix('.')})."
        ) from None
    if not isinstance(gan, GAN):
        raise ValueError(f"{path} holds a {type(gan).__name__}, not a GAN.")
    return gan


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
