"""A trained GAN sent to a hub, where others load it by `GAN.from_preset("hf://owner/name")`."""

import contextlib
import os
import pathlib
import shutil
import tempfile
import typing
from typing import Any

from kerasgan import __version__, cards, hubs, presets
from kerasgan.files import Path, sha256_of

if typing.TYPE_CHECKING:
    from kerasgan.gan import GAN

ONNX_FILE = "model.onnx"


def push(
    preset: "GAN | Path",
    to: str,
    *,
    licence: str | None = None,
    onnx: bool = False,
    private: bool = False,
    overwrite: bool = False,
    message: str | None = None,
) -> str:
    """Puts a preset on a hub: its configuration, weights and pictures, and its card with what the hub reads of one.

    Nothing of this machine but the preset's files is sent; the card holds the command of the training as it was typed.
    The token is the one that the hub's own client has (`hf auth login` or HF_TOKEN; KAGGLE_API_TOKEN).

    Args:
        preset: a compiled GAN, or the name or folder of a preset.
        to: "hf://owner/name", or in short "owner/name", or "kaggle://owner/model/keras/variation".
        licence: of the weights, for the card, in place of the one in the preset's metadata; best an SPDX identifier
            such as "Apache-2.0", behind which a semicolon and more may stand.
        onnx: send an ONNX file (`formats.export`) along, `model.onnx`.
        private: make a repository that only its owner sees. At Kaggle every new one is, until it is published there.
        overwrite: where there is a repository that is not empty, make a new revision of it.
        message: what the revision's history says; default which kerasgan pushed which preset.

    Returns:
        The handle that loads it, at Hugging Face with this very revision.

    Raises:
        ValueError: no handle, an extra that is not installed, something there already, a GAN that `save_to_preset`
            refuses, a preset that is damaged, no token, or a hub that refuses, fails or cannot be reached; the hub then
            holds what it held before.
    """
    if "://" not in to and to.count("/") == 1:
        to = f"hf://{to}"
    hub, name = hubs.destination(to)
    client = hub.connect()
    if onnx:
        from kerasgan.formats import table

        kind = table.by_name("onnx")
        kind.check_extra(*kind.writers)
    client.check(name, overwrite)
    with tempfile.TemporaryDirectory(prefix="kerasgan-push-") as temporary:
        folder = pathlib.Path(temporary, name.rpartition("/")[2])
        facts = _gather(preset, folder, licence)
        picture = (folder / "samples.png").is_file()
        (folder / "README.md").write_text(cards.write({**facts, "address": to}, picture), encoding="utf-8")
        if onnx:
            from kerasgan import formats

            formats.export(presets.load(folder), folder / ONNX_FILE, "onnx")
        own = [*presets.FILES, *presets.ADDED, ONNX_FILE]
        message = message or f"{facts['name']}, pushed by kerasgan {__version__}"
        return client.upload(folder, name, facts, own, private, message)


def _gather(preset: "GAN | Path", folder: pathlib.Path, licence: str | None) -> dict[str, Any]:
    """Writes a preset's files to a folder that is empty; returns its metadata."""
    metadata = {} if licence is None else {"licence": licence}
    if not isinstance(preset, str | os.PathLike):
        preset.save_to_preset(folder, metadata)
        return presets.read_metadata(folder)
    source = presets.find(preset)
    if not presets.is_preset(source):
        raise ValueError(
            f"{preset} is no preset, which comes with scores and a card; of a run it is made by: kerasgan preset "
            f"--run={preset} --output=presets/NAME"
        )
    folder.mkdir()
    for file in (*presets.FILES, *presets.ADDED):
        with contextlib.suppress(FileNotFoundError):  # pictures
            shutil.copyfile(source / file, folder / file)
    facts = presets.read_metadata(folder)
    if facts.get("weights_sha256") != sha256_of(folder / "model.weights.h5"):
        raise ValueError(f"{preset} is damaged: the sha256 of its weights is not the one in metadata.json.")
    if metadata:
        presets.add_metadata(folder, **metadata)
    return {**facts, **metadata}
