"""The model repository: one folder per model, and the list of them that TensorFlow Serving reads."""

import pathlib
from collections.abc import Iterator

from kerasgan import presets
from kerasgan.files import replacing
from kerasgan.serving.savedmodel import publish, versions

MOUNT = "/models"  # where compose.yaml shows the repository to the server
_HEADER = "# Written by `kerasgan export` from the folders beside it that hold versions.\n"


def publish_preset(preset, folder, xla: bool = False) -> pathlib.Path:
    """Exports a preset, a run or a `.keras` file as the next version, and lists it in a `models.config` of ours.

    Args:
        preset: as `presets.load` takes it.
        folder, xla: as for `publish`.

    Returns:
        The version's folder.

    Raises:
        ValueError: the preset cannot be loaded, or `folder` is no place for it.
    """
    version = publish(presets.load(preset), folder, xla=xla, metadata={"preset": str(preset)})
    repository = version.parent.parent
    if (repository / "models.config").is_file() and _is_ours(repository / "models.config"):
        write_models_config(repository)
    return version


def publish_all(repository, xla: bool = False) -> Iterator[pathlib.Path]:
    """Exports the next version of every preset in a model repository, and lists what lies there.

    Args:
        repository: the folder of presets' folders, such as "saved_models".
        xla: as for `publish`.

    Yields:
        Each version's folder, as it appears.

    Raises:
        ValueError: there is no preset, one is damaged, or `models.config` is somebody else's.
    """
    repository = pathlib.Path(repository)
    names = (
        [path.name for path in sorted(repository.iterdir()) if presets.is_preset(path)] if repository.is_dir() else []
    )
    if not names:
        raise ValueError(f"There is no preset in {repository}; gan.save_to_preset('{repository}/NAME') writes one.")
    _check_ours(repository)
    for name in names:
        yield publish(presets.load(repository / name), repository / name, xla=xla, metadata={"preset": name})
    write_models_config(repository)


def write_models_config(repository) -> pathlib.Path:
    """Writes `models.config`: every folder in the repository that holds a version.

    Returns:
        The file's path.

    Raises:
        ValueError: there is one that this function has not written.
    """
    repository = pathlib.Path(repository)
    _check_ours(repository)
    models = [path.name for path in sorted(repository.iterdir()) if path.is_dir() and versions(path)]
    entries = [
        f'  config {{ name: "{name}" base_path: "{MOUNT}/{name}" model_platform: "tensorflow" }}\n' for name in models
    ]
    with replacing(repository / "models.config") as temporary:
        temporary.write_text("".join([_HEADER, "model_config_list {\n", *entries, "}\n"]))
    return repository / "models.config"


def _is_ours(path):
    return path.read_text(errors="replace").startswith(_HEADER)


def _check_ours(repository):
    path = repository / "models.config"
    if path.exists() and not _is_ours(path):
        raise ValueError(f"{path} was not written by kerasgan; move it away, and add its settings afterwards.")
