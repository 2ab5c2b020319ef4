"""Trained GANs on disk: what `--preset` names."""

import pathlib
import zipfile


def load(path):
    """A GAN from a run folder of `kerasgan train` or from a `.keras` file.

    Args:
        path: the folder, whose `final.keras` or else newest checkpoint is taken, or the file.

    Returns:
        The compiled GAN.

    Raises:
        ValueError: there is no such thing, or it is damaged, or it is not a GAN.
    """
    import keras

    from kerasgan.callbacks import restore
    from kerasgan.gan import GAN

    path = pathlib.Path(path)
    if path.is_dir():
        if (path / "final.keras").is_file():
            return load(path / "final.keras")
        gan = restore(path / "checkpoints")
        if gan is None:
            raise ValueError(f"{path} holds neither final.keras nor a checkpoint; is it a run folder?")
        return gan
    if not path.is_file():
        raise ValueError(f"There is no preset, run folder or .keras file {str(path)!r}.")
    if path.suffix != ".keras":
        raise ValueError(f"{path} is not a .keras file.")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged:
            raise ValueError(f"the checksum of {damaged} is wrong")
        gan = keras.saving.load_model(path)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"Cannot load {path}: the file is damaged or no kerasgan model ({reason}).") from None
    if not isinstance(gan, GAN):
        raise ValueError(f"{path} holds a {type(gan).__name__}, not a GAN.")
    return gan
