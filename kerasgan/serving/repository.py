"""The model repository: one folder per model, and the list of them that TensorFlow Serving reads."""

import os
import pathlib
from collections.abc import Iterator
from typing import Any

from kerasgan import presets
from kerasgan.files import locked, replacing
from kerasgan.serving.savedmodel import publish, versions

MOUNT = "/models"  # where compose.yaml shows the repository to the server
_HEADER = "# Written by `kerasgan export` from the folders beside it that hold versions.\n"


def publish_preset(
    preset: str | os.PathLike, folder: str | os.PathLike, xla: bool = False, sha256: str | None = None
) -> pathlib.Path:
    """Exports a preset, a run or a `.keras` file as the next version, and lists it in a `models.config` of ours.

    Args:
        preset, sha256: as `presets.load` takes them.
        folder, xla: as for `publish`.

    Returns:
        The version's folder.

    Raises:
        ValueError: the preset cannot be loaded, or `folder` is no place for it.
    """
    found = presets.find(preset, sha256)
    version = publish(presets.load(found), folder, xla=xla, metadata=_metadata(preset, found))
    repository = version.parent.parent
    if (repository / "models.config").is_file() and _is_ours(repository / "models.config"):
        write_models_config(repository)
    return version


def publish_all(repository: str | os.PathLike, xla: bool = False) -> Iterator[pathlib.Path]:
    """Exports the next version of every preset in a model repository, and lists what lies there.

    Args:
        repository: the folder of presets' folders, such as "saved_models".
        xla: as for `publish`.

    Yields:
        Each version's folder, as it appears.

    Raises:
        ValueError: there is no preset, `models.config` is somebody else's, or presets could not be exported; that is
            said at the end, after the others.
    """
    repository = pathlib.Path(repository)
    names = [path.parent.name for path in sorted(repository.glob("*/config.json"))]
    if not names:
        raise ValueError(f"There is no preset in {repository}; gan.save_to_preset('{repository}/NAME') writes one.")
    _check_ours(repository)
    failures = []
    try:
        for name in names:
            try:
                gan = presets.load(repository / name)
                yield publish(gan, repository / name, xla=xla, metadata=_metadata(name, repository / name))
            except ValueError as error:
                failures.append(f"{name}: {error}")
    finally:
        write_models_config(repository)
    if failures:
        raise ValueError(f"{len(failures)} of {len(names)} presets could not be exported. {' '.join(failures)}")


def _metadata(preset: str | os.PathLike, folder: pathlib.Path) -> dict[str, Any]:
    return {"preset": str(preset), "scores": presets.read_metadata(folder).get("scores") or {}}


def write_models_config(repository: str | os.PathLike) -> pathlib.Path:
    """Writes `models.config`: every folder in the repository that holds a version.

    Returns:
        The file's path.

    Raises:
        ValueError: there is one that this function has not written.
    """
    repository = pathlib.Path(repository)
    _check_ours(repository)
    with locked(repository):  # or of two exports at once the later might write what it read before the earlier wrote
        models = [path.name for path in sorted(repository.iterdir()) if _is_servable(path)]
        entries = [
            f'  config {{ name: "{name}" base_path: "{MOUNT}/{name}" model_platform: "tensorflow" }}\n'
            for name in models
        ]
        with replacing(repository / "models.config") as temporary:
            temporary.write_text("".join([_HEADER, "model_config_list {\n", *entries, "}\n"]))
    return repository / "models.config"


def _is_servable(folder: pathlib.Path) -> bool:
    return folder.is_dir() and any((folder / str(n) / "saved_model.pb").is_file() for n in versions(folder))


def _is_ours(path: pathlib.Path) -> bool:
    return path.read_text(errors="replace").startswith(_HEADER)


def _check_ours(repository: pathlib.Path) -> None:
    path = repository / "models.config"
    if path.exists() and not _is_ours(path):
        raise ValueError(f"{path} was not written by kerasgan; move it away, and add its settings afterwards.")
