"""Writes a GAN as a SavedModel, and publishes versions for TF Serving."""

import os
import pathlib
import shutil
import tempfile

import keras

from kerasgan.files import check_writable
from kerasgan.serving.signatures import endpoints


def export(gan, filepath, verbose=None) -> pathlib.Path:
    """Writes one SavedModel with kerasgan's signatures; it appears whole or not at all.

    Args:
        gan: a `kerasgan.GAN`.
        filepath: the folder to write. A SavedModel already there is replaced.
        verbose: whether Keras lists the endpoints; None is no.

    Returns:
        `filepath`.

    Raises:
        ValueError: `filepath` is a file, or a folder that holds something other than a SavedModel, or cannot be
            written to.
    """
    filepath = pathlib.Path(filepath)
    check_writable(filepath.parent)
    if filepath.exists():
        if not filepath.is_dir():
            raise ValueError(f"{filepath} is a file; a SavedModel is a folder.")
        if any(filepath.iterdir()) and not (filepath / "saved_model.pb").is_file():
            raise ValueError(f"{filepath} holds files that are no SavedModel; give an empty or a new folder.")
    temporary = _write_beside(gan, filepath, verbose)
    if filepath.exists():
        old = pathlib.Path(tempfile.mkdtemp(prefix=f".{filepath.name}-old-", dir=filepath.parent))
        os.rename(filepath, old / filepath.name)
        os.rename(temporary, filepath)
        shutil.rmtree(old)
    else:
        os.rename(temporary, filepath)
    return filepath


def publish(gan, folder, verbose=None) -> pathlib.Path:
    """Adds the next version to a folder that TF Serving watches.

    The version is written beside its place and renamed, so that a server that polls the folder never sees half of it.

    Args:
        gan: a `kerasgan.GAN`.
        folder: the model's folder in the model repository, such as "saved_models/my_gan".
        verbose: whether Keras lists the endpoints; None is no.

    Returns:
        The version's folder: `folder/1`, then 2, 3, ...

    Raises:
        ValueError: `folder` is a file or cannot be written to.
    """
    folder = check_writable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = _write_beside(gan, folder / "version", verbose)
    try:
        while True:
            versions = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
            target = folder / str(max(versions, default=0) + 1)
            try:
                os.rename(temporary, target)
            except OSError:
                if not target.exists():  # otherwise somebody else has just published that version
                    raise
            else:
                return target
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write_beside(gan, target: pathlib.Path, verbose) -> pathlib.Path:
    """A finished SavedModel in a hidden folder beside `target`; TF Serving ignores names that are no integers."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = pathlib.Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        archive = keras.export.ExportArchive()
        # Keras resolves a variable that a SavedModel's function reads only through the layer that is tracked; without
        # this Python can still load the model, but TF Serving's loader cannot.
        archive.track(gan.inference_generator())
        for name, (function, signature) in endpoints(gan).items():
            archive.add_endpoint(name, function, input_signature=signature)
        archive.write_out(str(temporary), verbose=bool(verbose))
        temporary.chmod(0o755)  # mkdtemp's own mode is private, and a server is another user
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return temporary
