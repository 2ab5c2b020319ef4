"""Trained GANs on disk: what `--preset` names.

A preset is a folder: `config.json` says what the GAN is built and compiled from, `model.weights.h5` holds generator,
discriminator and average (no optimizer state), `metadata.json` where they come from, what they score and their
checksum, `samples.png` what they draw, `nearest.png` the training images nearest to that, and `README.md`, the model
card, the same for people to read.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import tarfile
import typing
import urllib.parse
import zipfile
from typing import Any

import kerasgan
from kerasgan import cards, hubs, registry
from kerasgan.deserialization import RefusedError, load_keras, refuse_code
from kerasgan.errors import first_line, is_number, suggestion
from kerasgan.files import Path, cache_folder, check_writable, replacing, sha256_of

if typing.TYPE_CHECKING:
    from kerasgan.gan import GAN

FILES = ("config.json", "metadata.json", "model.weights.h5", "README.md", "samples.png")
ADDED = ("nearest.png",)  # by `kerasgan preset`
NEEDED = FILES[:3]
LARGEST_FILE = 4 * 1024**3  # bytes of one file in an archive; more is taken for an attack


def save(gan: "GAN", folder: Path, metadata: dict | None = None, half: bool = False) -> pathlib.Path:
    """Writes a compiled GAN as a preset.

    Args:
        gan: a compiled `kerasgan.GAN`.
        folder: the folder to write; a preset already there is replaced, versions for serving beside it stay.
        metadata: what else `metadata.json` and the card should say: any of the keys that `cards.write` knows.
        half: store the weights as float16, in half the space. They are loaded as float32; what was measured of the
            weights before they were stored need not hold after it.

    Returns:
        `folder`.

    Raises:
        ValueError: the GAN is not compiled or has a part that `load` would refuse, `folder` is a file or cannot be
            written to, or a weight is too large for float16.
    """

    from kerasgan import plots, schedules

    if not gan.compiled:
        raise ValueError("Only a compiled GAN makes a preset: its losses and optimizers are part of it.")
    folder = check_writable(folder)
    gan.inference_generator()  # an average that is up to date with its batch statistics
    config, decay = _described(gan), gan.ema_decay
    copy = type(gan).from_config(gan.get_config())  # one without optimizers, whose state Keras would write too
    copy.set_weights(gan.get_weights())
    own: dict[str, Any] = {}
    gan.save_own_variables(own)  # the state of the dropout masks, which is no weight
    copy.load_own_variables(own)
    can_draw = plots.can_draw(gan.sample_shape)
    names = ["model.weights.h5", "metadata.json", "config.json", "README.md"] + ["samples.png"] * can_draw
    with contextlib.ExitStack() as stack:  # each file takes its place when all are written
        places = {name: stack.enter_context(replacing(folder / name)) for name in names}
        copy.save_weights(places["model.weights.h5"], overwrite=True)
        if half:
            _store_as_half(places["model.weights.h5"])
        facts = {
            "name": folder.absolute().name,
            "model": gan.name,
            "sample_shape": list(gan.sample_shape),
            "latent_dim": gan.latent.dim,
            "parameters": {
                part: int(network.count_params())
                for part, network in (("generator", gan.generator), ("discriminator", gan.discriminator))
            },
            "ema_decay": decay if decay is None or is_number(decay) else schedules.text(decay),
            "steps": int(gan.step.numpy()),
            "seed": gan.seed,
            "storage": "float16" if half else "float32",
            "weights_sha256": sha256_of(places["model.weights.h5"]),
            "libraries": versions(),
            **({} if gan.class_names is None else {"classes": list(gan.class_names)}),
            **(metadata or {}),
        }
        card = {**facts, "address": _address(folder)}
        if can_draw and gan.class_names is not None and gan.value_range is not None:
            plots.by_class(gan, places["samples.png"])
        elif can_draw:
            plots.samples(gan.generate(64), places["samples.png"])
        places["metadata.json"].write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        places["config.json"].write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        places["README.md"].write_text(cards.write(card, picture=can_draw), encoding="utf-8")
    for name in ADDED:  # of a preset that was there before
        (folder / name).unlink(missing_ok=True)
    return folder


def _described(gan: typing.Any) -> dict:
    """The configuration of a GAN as JSON gives it, of which `load` will make the GAN again."""
    import keras

    config = json.loads(json.dumps(keras.saving.serialize_keras_object(gan)))
    try:
        refuse_code(config)
    except RefusedError as error:
        reason = str(error).replace(", and code from a file is never run", "")
        raise ValueError(
            f"This GAN cannot be saved as a preset, because no code that comes with one is ever run: {reason} "
            "What computes something of your own must be a layer or function that "
            "keras.saving.register_keras_serializable knows."
        ) from None
    return config


def add_metadata(folder: Path, **facts: object) -> None:
    """Adds to what a preset's `metadata.json` says, and writes its card anew."""
    folder = pathlib.Path(folder)
    facts = {**read_metadata(folder), **facts}
    with replacing(folder / "metadata.json") as metadata, replacing(folder / "README.md") as card:
        metadata.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        addressed = {**facts, "address": _address(folder)}
        card.write_text(cards.write(addressed, picture=(folder / "samples.png").is_file()), encoding="utf-8")


def read_metadata(folder: Path) -> dict:
    """What the `metadata.json` of a preset's folder says; nothing for runs and `.keras` files."""
    path = pathlib.Path(folder) / "metadata.json"
    if not path.is_file():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(facts, dict):
            raise ValueError(f"it holds a {type(facts).__name__}")
    except (OSError, ValueError) as error:
        raise ValueError(f"Cannot read {path}: {first_line(error)}.") from None
    return facts


def list_presets() -> list[str]:
    """The names of the trained GANs that come with kerasgan, sorted."""
    return sorted(_shipped())


def _address(folder: pathlib.Path) -> str:
    """What `find` takes for a preset's folder: the name of one that comes with kerasgan, else the way to it, from here
    where it is below; a card for others to read tells nothing of this machine.
    """
    folder, here = pathlib.Path(os.path.abspath(folder)), pathlib.Path.cwd()
    if any(folder.resolve().parent == pathlib.Path(root, "saved_models").resolve() for root in kerasgan.__path__):
        return folder.name
    return folder.relative_to(here).as_posix() if folder.is_relative_to(here) else f"path/to/{folder.name}"


def _shipped() -> dict[str, pathlib.Path]:
    folders = [path for root in kerasgan.__path__ for path in pathlib.Path(root).glob("saved_models/*")]
    return {folder.name: folder for folder in folders if is_preset(folder)}


def find(preset: Path, sha256: str | None = None) -> pathlib.Path:
    """Where a preset lies.

    Args:
        preset: a name of `list_presets()`, a path, a hub's handle (`kerasgan.hubs`), or the `https://` address of a
            `.zip` or `.tar.gz` that holds a preset. Names come before paths: "./dcgan_fashion_mnist" is a folder of
            your own.
        sha256: of the archive, 64 hexadecimal digits; a download needs it.

    Returns:
        A folder, or a `.keras` file. Downloads are kept in `~/.cache/kerasgan`, or `$KERASGAN_CACHE`, and a hub's by
        its own client.

    Raises:
        ValueError: there is no such thing, an address without `sha256` or of another kind, a download that fails or
            is not what `sha256` says, an archive or repository without a preset, or an extra that is not installed.
    """
    from_hub = hubs.is_handle(preset)
    if not from_hub and isinstance(preset, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", preset):
        return _download(preset, sha256)
    if sha256 is not None:
        raise ValueError(f"sha256 is for archives at an https:// address; found the preset {str(preset)!r}.")
    if from_hub:
        return hubs.fetch(str(preset), NEEDED, [name for name in (*FILES, *ADDED) if name not in NEEDED])
    shipped = _shipped()
    if str(preset) in shipped:
        return shipped[str(preset)]
    path = pathlib.Path(preset)
    if not path.exists():
        if str(preset) in registry.list_preset_recipes():
            raise ValueError(
                f"There is no preset, run folder or .keras file {str(preset)!r}: it is a recipe, which comes without "
                f"weights. Train it with: kerasgan train --recipe={preset}"
            )
        names = f" Known names: {', '.join(sorted(shipped))}." if shipped else ""
        raise ValueError(
            f"There is no preset, run folder or .keras file {str(preset)!r}.{names}{suggestion(str(preset), shipped)}"
        )
    return path


def load(preset: Path, sha256: str | None = None, compile: bool = True) -> "GAN":
    """A GAN from a preset, a run folder of `kerasgan train`, or a `.keras` file.

    No code that comes with it is run: Keras's safe mode builds known layers only, and Lambda layers are refused.

    Args:
        preset, sha256: as for `find`. Of a run the `best.keras` is taken, or else `final.keras`, or else the newest
            checkpoint.
        compile: False leaves out the rules it was trained by, and its optimizers; `compile` is then yours to call.

    Returns:
        The GAN, compiled.

    Raises:
        ValueError: there is no such thing, or it is damaged, or it is not a GAN, or a newer kerasgan wrote it.
    """
    path = find(preset, sha256)
    if is_preset(path):
        return _load_preset(path, compile)
    if path.is_dir():
        return _load_run(path, compile)
    return _load_keras(path, compile)


def versions() -> dict[str, str]:
    """The libraries that a result depends on."""
    import keras
    import tensorflow as tf

    from kerasgan import __version__

    return {"kerasgan": __version__, "keras": keras.__version__, "tensorflow": tf.__version__}


def is_preset(folder: Path) -> bool:
    """Whether a folder has a preset's files."""
    return all((pathlib.Path(folder) / name).is_file() for name in NEEDED)


def _load_preset(folder, compile):
    import keras

    from kerasgan.gan import GAN

    weights = folder / "model.weights.h5"
    try:
        facts = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
        _check_version(facts["libraries"]["kerasgan"])
        if sha256_of(weights) != facts["weights_sha256"]:
            raise ValueError(f"the sha256 of {weights.name} is not the one in metadata.json")
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        refuse_code(config)
        compiled_from = config.pop("compile_config")
        gan = keras.saving.deserialize_keras_object(config, safe_mode=True)
        if not isinstance(gan, GAN):
            raise ValueError(f"config.json describes a {type(gan).__name__}, not a GAN")
        gan.load_weights(weights)  # before the optimizers are there, of which the file holds nothing
        if compile:
            gan.compile_from_config(compiled_from)
    except RefusedError as error:
        raise ValueError(f"Cannot load the preset {folder}: {error}") from None
    except Exception as error:  # a damaged configuration can fail anywhere in Keras
        raise ValueError(
            f"Cannot load the preset {folder}: it is damaged ({first_line(error).removesuffix('.')})."
        ) from None
    return gan


def _check_version(version):
    theirs, ours = (tuple(map(int, re.findall(r"\d+", text)[:3])) for text in (version, kerasgan.__version__))
    if theirs > ours:
        raise RefusedError(
            f"kerasgan {version} wrote it, and this is {kerasgan.__version__}; upgrade with pip install -U kerasgan."
        )


def _load_run(folder, compile):
    for name in ("best.keras", "final.keras"):
        if (folder / name).is_file():
            return _load_keras(folder / name, compile)
    from kerasgan.checkpoints import restore

    gan = restore(folder / "checkpoints", compile=compile)
    if gan is None:
        raise ValueError(f"{folder} is no preset, and holds neither a .keras file nor a checkpoint of a run.")
    return gan


def _load_keras(path, compile):
    from kerasgan.gan import GAN

    if path.suffix != ".keras":
        raise ValueError(f"{path} is not a .keras file.")
    try:
        gan = load_keras(path, compile=compile)
    except RefusedError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in zlib, HDF5 and Keras
        raise ValueError(
            f"Cannot load {path}: the file is damaged or no kerasgan model ({first_line(error).removesuffix('.')})."
        ) from None
    if not isinstance(gan, GAN):
        raise ValueError(f"{path} holds a {type(gan).__name__}, not a GAN.")
    return gan


def _store_as_half(path):
    """Writes a weights file again with float16 in place of float32, packed: of trained weights that saves a seventh."""
    import h5py
    import numpy as np

    with replacing(path) as temporary, h5py.File(path, "r") as old, h5py.File(temporary, "w") as new:

        def copy(name, item):
            if isinstance(item, h5py.Group):
                new.require_group(name).attrs.update(item.attrs)
                return
            values = item[()]
            if item.dtype == np.float32:
                with np.errstate(over="ignore"):
                    values = values.astype(np.float16)
                if not np.isfinite(values).all():
                    raise ValueError(f"The weight {name} is not finite in float16; store float32.")
            # A tensor is one chunk, because each is read whole; a chunk takes a few kB itself, which small ones lack.
            packed = {"chunks": values.shape, "compression": "gzip", "shuffle": True} if values.nbytes >= 2**16 else {}
            new.create_dataset(name, data=values, **packed).attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(copy)


def _download(address, sha256):
    """The folder of a downloaded preset; what has been downloaded once is not asked for again."""
    import keras

    if urllib.parse.urlsplit(address).scheme.lower() != "https":
        raise ValueError(f"A preset is downloaded from https://, hf:// or kaggle://; found {address}.")
    if sha256 is None or not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ValueError(
            f"A preset from the net needs its archive's sha256, 64 hexadecimal digits; found {sha256!r}. One at a hub "
            "needs none: hf://owner/name, or kaggle://owner/model/framework/variation."
        )
    sha256 = sha256.lower()
    cache = cache_folder()
    folder = cache / sha256
    if is_preset(folder):
        return folder
    check_writable(cache)
    try:
        archive = keras.utils.get_file(
            f"{sha256}.archive", address, file_hash=sha256, hash_algorithm="sha256", cache_dir=cache
        )
    except Exception as error:  # the net, the server, the disk and the checksum fail in as many ways
        raise ValueError(f"Cannot download {address}: {first_line(error)}.") from None
    try:
        _unpack(archive, folder, address)
    finally:
        pathlib.Path(archive).unlink()
    return folder


def _unpack(archive, folder, address):
    """Takes a preset's files, and nothing else, out of a `.zip` or `.tar.gz`; where they lie in it does not matter."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                members = {
                    pathlib.PurePosixPath(m.filename).name: (m.file_size, m)
                    for m in opened.infolist()
                    if not m.is_dir()
                }
                _write_members(members, opened.open, folder)
        else:
            with tarfile.open(archive) as opened:
                files = {pathlib.PurePosixPath(m.name).name: (m.size, m) for m in opened if m.isfile()}
                _write_members(files, opened.extractfile, folder)
    except Exception as error:  # a damaged archive can fail anywhere in zipfile, tarfile, zlib and lzma
        raise ValueError(f"{address} holds no preset: {first_line(error)}.") from None


def _write_members(members, open_member, folder):
    missing = [name for name in NEEDED if name not in members]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    with contextlib.ExitStack() as stack:
        for name in (*FILES, *ADDED):
            size, member = members.get(name, (0, None))
            if size > LARGEST_FILE:
                raise ValueError(f"its {name} would take {size:,} bytes")
            if member is not None:
                place = stack.enter_context(replacing(folder / name))
                with open_member(member) as source, open(place, "wb") as target:
                    shutil.copyfileobj(source, target)
