"""Writes a GAN as a SavedModel, and publishes versions for TensorFlow Serving."""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import platform
import shutil
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

import kerasgan
from kerasgan import presets, schedules
from kerasgan.files import check_writable, locked
from kerasgan.serving import warmup
from kerasgan.serving.signatures import BATCH_SIZES, endpoints, score_kind

if TYPE_CHECKING:
    from kerasgan.gan import GAN

METADATA = pathlib.Path("assets.extra", "kerasgan.json")
TEMPORARY = ".kerasgan-export-"  # TensorFlow Serving ignores names that are no integers


def export(
    gan: "GAN",
    filepath: str | os.PathLike,
    verbose: bool | None = None,
    xla: bool = False,
    metadata: dict[str, Any] | None = None,
) -> pathlib.Path:
    """Writes one SavedModel with kerasgan's signatures; it appears whole or not at all.

    Args:
        gan: a `kerasgan.GAN`.
        filepath: the folder to write. A SavedModel already there is replaced.
        verbose: whether Keras lists the endpoints; None is no.
        xla: whether XLA compiles the networks; see `signatures.endpoints`.
        metadata: what else `assets.extra/kerasgan.json` should say, such as `{"preset": ..., "scores": {...}}`.

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
    with _written(gan, filepath.parent, filepath.name, verbose, xla, metadata) as new:
        if filepath.exists():
            os.rename(filepath, new.parent / "replaced")
        os.rename(new, filepath)
    return filepath


def publish(
    gan: "GAN",
    folder: str | os.PathLike,
    verbose: bool | None = None,
    xla: bool = False,
    metadata: dict[str, Any] | None = None,
) -> pathlib.Path:
    """Adds the next version to a folder that TensorFlow Serving watches.

    The version is written beside its place and renamed, so that a server that polls the folder never sees half of it.

    Args:
        gan, verbose, xla, metadata: as for `export`.
        folder: the model's folder in the model repository, such as "saved_models/my_gan". It may hold versions, and
            the preset that they are made from.

    Returns:
        The version's folder: `folder/1`, then 2, 3, ...

    Raises:
        ValueError: `folder` is a file, holds something that does not belong there, or cannot be written to.
    """
    folder = check_writable(folder)
    check_model_folder(folder)
    with _written(gan, folder, "version", verbose, xla, metadata) as new:
        while True:
            target = folder / str(max(versions(folder), default=0) + 1)
            try:
                os.rename(new, target)
            except OSError:
                if not target.exists():  # otherwise somebody else has just published that version
                    raise
            else:
                return target


def versions(folder: str | os.PathLike) -> list[int]:
    """The versions in a model's folder, ascending."""
    return sorted(int(path.name) for path in pathlib.Path(folder).iterdir() if _is_version(path))


def _is_version(path: pathlib.Path) -> bool:
    return path.name.isascii() and path.name.isdecimal()


def check_model_folder(folder: str | os.PathLike) -> None:
    """Refuses a folder that is no place for versions.

    Raises:
        ValueError: it holds a file or folder that is neither a version, nor hidden, nor of a preset.
    """
    folder = pathlib.Path(folder)
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if _is_version(path):
            if not (path / "saved_model.pb").is_file():
                raise ValueError(f"{path} is no SavedModel; publish into a new folder, or move it away.")
        elif not path.name.startswith(".") and path.name not in presets.FILES:
            raise ValueError(f"{folder} holds {path.name}, which is no version of a model; give a new folder.")


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or output of a signature: its name in the graph, type name, and shape with None for the batch."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None


def read_graph(folder: str | os.PathLike) -> Any:
    """The `MetaGraphDef` with the tag "serve" in a SavedModel.

    Raises:
        ValueError: the folder is no SavedModel, or a damaged one, or none that is made for serving.
    """
    folder = pathlib.Path(folder)
    path = folder / "saved_model.pb"
    if not folder.is_dir():
        raise ValueError(f"{folder} is no SavedModel: there is no such folder.")
    if not path.is_file():
        numbers = versions(folder)
        hint = f"; it holds versions: name one, such as {folder / str(numbers[-1])}" if numbers else ""
        raise ValueError(f"{folder} is no SavedModel: it has no saved_model.pb{hint}.")
    try:
        saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except DecodeError as error:
        raise ValueError(f"{path} is damaged: {error}.") from None
    for graph in saved_model.meta_graphs:
        if "serve" in graph.meta_info_def.tags:
            return graph
    raise ValueError(f"{folder} holds no graph with the tag 'serve', or its saved_model.pb is damaged.")


def read_signatures(graph: Any) -> dict[str, dict[str, dict[str, Tensor]]]:
    """`{signature: {"inputs": {name: Tensor}, "outputs": {name: Tensor}}}` of a `MetaGraphDef`."""

    def tensors(infos: Any) -> dict[str, Tensor]:
        return {name: _tensor(info) for name, info in sorted(infos.items())}

    return {
        name: {"inputs": tensors(signature.inputs), "outputs": tensors(signature.outputs)}
        for name, signature in sorted(graph.signature_def.items())
        if name != "__saved_model_init_op"  # TensorFlow's own
    }


def _tensor(info: Any) -> Tensor:
    shape = None
    if not info.tensor_shape.unknown_rank:
        shape = tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim)
    try:
        dtype = tf.as_dtype(info.dtype).name
    except TypeError:
        dtype = f"type {info.dtype}"  # of a damaged graph, or of a newer TensorFlow
    return Tensor(info.name, dtype, shape)


def weights_digest(gan: "GAN") -> str:
    """Sha256 over the weights of generator, discriminator and average: each one's shape and its bytes, in order."""
    digest = hashlib.sha256()
    gan.inference_generator()  # an average's batch statistics are computed when they are needed
    for network in filter(None, (gan.generator, gan.discriminator, gan.ema_generator)):
        for weight in network.get_weights():
            digest.update(f"{weight.dtype} {weight.shape}\n".encode())
            digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _written(
    gan: "GAN", parent: pathlib.Path, name: str, verbose: bool | None, xla: bool, metadata: dict[str, Any] | None
) -> Iterator[pathlib.Path]:
    """A finished SavedModel in a hidden folder in `parent`, to be moved to its place; what is not moved is removed."""
    parent.mkdir(parents=True, exist_ok=True)
    with _temporary(parent, name) as temporary:
        new = temporary / "new"
        signatures = endpoints(gan, xla)
        archive = keras.export.ExportArchive()
        # Keras resolves a variable that a SavedModel's function reads only through the layer that is tracked; without
        # this Python can still load the model, but TensorFlow Serving's loader cannot.
        archive.track(gan.inference_generator())
        archive.track(gan.discriminator)
        for signature, (function, specs) in signatures.items():
            archive.add_endpoint(signature, function, input_signature=specs)
        archive.write_out(str(new), verbose=bool(verbose))
        warmup.write(new, gan.name, signatures, BATCH_SIZES)
        described = describe(read_signatures(read_graph(new)))
        facts = {**_facts(gan, xla), "signatures": described, **(metadata or {})}
        (new / METADATA).write_text(json.dumps(facts, indent=2) + "\n")
        new.chmod(0o755)  # a server is another user
        _flush(new)
        yield new


def _facts(gan: "GAN", xla: bool) -> dict[str, Any]:
    average = f"average with decay {schedules.text(gan.ema_decay)}, batch statistics recomputed for it"
    judgements = gan.discriminator(tf.zeros((1, *gan.sample_shape)), training=False)
    return {
        "model": gan.name,
        "preset": None,
        "steps": int(gan.step.numpy()),
        "generator": "as trained" if gan.ema_decay is None else average,
        "precision": gan.generator.dtype_policy.name,
        "xla": xla,
        "class_names": None if gan.class_names is None else list(gan.class_names),
        "score": score_kind(judgements, gan.loss),
        "batch_sizes": list(BATCH_SIZES),
        "weights_sha256": weights_digest(gan),
        "libraries": {
            "kerasgan": kerasgan.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "python": platform.python_version(),
        },
        "scores": {},
    }


def describe(signatures: dict[str, dict[str, dict[str, Tensor]]]) -> dict[str, Any]:
    """What `read_signatures` gives, as JSON has it: `{signature: {side: {name: {"dtype", "shape"}}}}`."""
    return {
        name: {
            side: {
                key: {"dtype": tensor.dtype, "shape": None if tensor.shape is None else list(tensor.shape)}
                for key, tensor in tensors.items()
            }
            for side, tensors in signature.items()
        }
        for name, signature in signatures.items()
    }


@contextlib.contextmanager
def _temporary(parent: pathlib.Path, name: str) -> Iterator[pathlib.Path]:
    """A hidden folder of this process, which the next export sweeps if the process dies."""
    with locked(parent):  # or another process might sweep the folder before it is locked
        _sweep(parent)
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{name}-", dir=parent))
        lock = contextlib.ExitStack()
        lock.enter_context(locked(folder))
    with lock:
        try:
            yield folder
        finally:
            _restore(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: pathlib.Path) -> None:
    """Removes what exports that were killed have left: temporary folders that no living process has locked."""
    for folder in parent.glob(f"{TEMPORARY}*"):
        with locked(folder, wait=False) as mine:
            if mine:
                _restore(folder)
                shutil.rmtree(folder, ignore_errors=True)


def _restore(temporary):
    """Moves a SavedModel back that was on its way out when its replacement did not come."""
    name = temporary.name.removeprefix(TEMPORARY).rpartition("-")[0]
    if (temporary / "replaced").exists() and not (temporary.parent / name).exists():
        os.rename(temporary / "replaced", temporary.parent / name)


def _flush(folder):
    """Brings a folder's files to the disk, or a power cut could leave the new name with empty files."""
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
