"""Hugging Face's hub, by `huggingface_hub`."""

import pathlib
import socket
from collections.abc import Iterator
from typing import Any

import huggingface_hub
from huggingface_hub import constants, errors

from kerasgan.errors import first_line

TASK = "unconditional-image-generation"  # of the hub's list of tasks; a GAN with classes has no other there
LICENCES = {"apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "bsd-3-clause", "gpl-3.0", "openrail", "other"}


def fetch(name: str, revision: str | None, needed: list[str], wanted: list[str]) -> pathlib.Path:
    """The folder of a repository's snapshot, as `kerasgan.hubs.fetch`."""
    try:
        return pathlib.Path(_hub().snapshot_download(name, revision=revision, allow_patterns=[*needed, *wanted]))
    except Exception as error:  # the net, the hub, the disk and the client fail in as many ways
        at = f"hf://{name}" if revision is None else f"hf://{name}@{revision}"
        raise ValueError(f"Cannot fetch {at}: {_reason(error, revision)}") from None


def check(name: str, overwrite: bool) -> None:
    """Refuses a destination that cannot or should not be written to, before anything is made for it.

    Raises:
        ValueError: there is no token, the hub does not answer, or the repository holds something already.
    """
    try:
        if huggingface_hub.get_token() is None:
            raise ValueError("there is no token here; get one by `hf auth login`, or set HF_TOKEN.")
        held = _files(name)
    except Exception as error:
        raise ValueError(f"Cannot push to hf://{name}: {_reason(error)}") from None
    if held and not overwrite:
        raise ValueError(
            f"hf://{name} holds {len(held)} files already, such as {held[0]}; overwrite=True (--overwrite) makes a new "
            "revision of it."
        )


def upload(folder: pathlib.Path, name: str, facts: dict[str, Any], own: list[str], private: bool, message: str) -> str:
    """Sends the files of a folder in one commit, which takes away files of these names that the folder lacks.

    Args:
        folder: it holds the files.
        name: "owner/name"; a repository is made where there is none.
        facts: the preset's metadata, of which the card's front matter is made.
        own: the names that belong to a preset, those that the folder lacks among them.
        private: whether a repository that is made here can be seen by its owner alone.
        message: of the commit.

    Returns:
        The handle of this very revision.

    Raises:
        ValueError: the hub refuses, fails, or cannot be reached; then it holds what it held before.
    """
    card = folder / "README.md"
    card.write_text(f"---\n{front_matter(facts)}\n---\n\n{card.read_text(encoding='utf-8')}", encoding="utf-8")
    try:
        _hub().create_repo(name, private=private, exist_ok=True)
        files = sorted(folder.iterdir())
        stale = sorted(set(_files(name)) & set(own) - {file.name for file in files})
        done = _hub().create_commit(
            name,
            [
                *(huggingface_hub.CommitOperationAdd(file.name, file) for file in files),
                *(huggingface_hub.CommitOperationDelete(file) for file in stale),
            ],
            commit_message=message,
        )
    except Exception as error:
        raise ValueError(f"Cannot push to hf://{name}: {_reason(error)}") from None
    return f"hf://{name}@{done.oid}"


def front_matter(facts: dict[str, Any]) -> str:
    """What the hub reads of a model card, in YAML: library, licence, tags, data, and the scores."""
    dataset = str(facts.get("dataset", "")).partition(":")[0]  # "folder:..." and paths are of one machine
    public = dataset.isidentifier() and dataset != "folder"
    scores = facts.get("scores", {}) if public else {}
    licence = str(facts.get("licence", "")).partition(";")[0].strip().lower()
    data = huggingface_hub.ModelCardData(
        library_name="kerasgan",
        license=None if not licence else licence if licence in LICENCES else "other",
        pipeline_tag=TASK,
        tags=["kerasgan", "keras", "gan", facts["model"], *(["conditional"] if facts.get("classes") else [])],
        datasets=[dataset] if public else None,
        metrics=list(scores) or None,
        model_name=facts["name"] if scores else None,
        eval_results=[
            huggingface_hub.EvalResult(
                task_type=TASK,
                dataset_type=dataset,
                dataset_name=dataset,
                metric_type=measure,
                metric_name=f"{measure} ({score['features']}, {score['n_real']}/{score['n_fake']} images)",
                metric_value=score["value"],
            )
            for measure, score in scores.items()
        ]
        or None,
    )
    return data.to_yaml()


def _hub() -> huggingface_hub.HfApi:
    return huggingface_hub.HfApi(library_name="kerasgan")


def _files(name: str) -> list[str]:
    """What a repository holds but for the file that the hub itself puts there; nothing where there is none."""
    try:
        found = _hub().model_info(name).siblings or []
    except errors.RepositoryNotFoundError:
        return []
    return sorted(file.rfilename for file in found if file.rfilename != ".gitattributes")


def _reason(error: BaseException, revision: str | None = None) -> str:
    """Why a call of the client failed and what to do, in one line."""
    for cause in _causes(error):
        if isinstance(cause, errors.GatedRepoError):
            return "its owner grants access on its page; ask there."
        if isinstance(cause, errors.RepositoryNotFoundError):
            return (
                f"{constants.ENDPOINT} shows no such repository; it is misspelt, or it is private and `hf auth login` "
                "(or HF_TOKEN) has not said who you are."
            )
        if isinstance(cause, errors.RevisionNotFoundError):
            return f"the repository has no revision {revision or 'main'!r}."
        if isinstance(cause, errors.HfHubHTTPError) and cause.response is not None:
            return _answer(cause.response.status_code)
    if isinstance(error, errors.LocalEntryNotFoundError):
        return f"{constants.ENDPOINT} cannot be reached, and it is not in the cache ({constants.HF_HUB_CACHE})."
    if any(isinstance(cause, ConnectionError | TimeoutError | socket.gaierror) for cause in _causes(error)):
        return f"{constants.ENDPOINT} cannot be reached ({first_line(error)})."
    return f"{first_line(error).removesuffix('.')}."


def _answer(status: int) -> str:
    what = {
        401: "the token is not valid; renew it by `hf auth login`",
        403: "your token may not do this; it needs the right to write there",
        429: "too many requests; wait for some minutes",
    }
    says = what.get(status, "the hub itself has failed; try again later" if status >= 500 else "the hub refuses")
    return f"{says} (status {status} of {constants.ENDPOINT})."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
