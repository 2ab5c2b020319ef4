"""Presets on the hubs where the field keeps its models, by the hubs' own clients.

A handle names one: `hf://owner/name`, or `hf://owner/name@revision` with a branch, tag or commit, at Hugging Face, and
`kaggle://owner/model/framework/variation`, or with `/version` behind it, at Kaggle. The clients cache what they fetch,
know the user's token, which nothing here reads, and find their hub (`HF_ENDPOINT`, `KAGGLE_API_ENVIRONMENT`). Of what a
repository holds only the files asked for are fetched.
"""

import dataclasses
import importlib
import pathlib
import re
from collections.abc import Iterable
from typing import Any

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"


@dataclasses.dataclass(frozen=True)
class Hub:
    """One of the hubs: how its handles look, and which module talks to it by which library."""

    scheme: str
    pattern: str
    form: str
    module: str
    client: str

    def connect(self) -> Any:
        """The module that talks to it.

        Raises:
            ValueError: its client library is not installed.
        """
        try:
            importlib.import_module(self.client)
        except ImportError as error:
            raise ValueError(f"{self.scheme}:// needs {self.client} ({error}): pip install 'kerasgan[hub]'.") from None
        return importlib.import_module(self.module)


HUBS = (
    Hub(
        "hf",
        rf"({_NAME}/{_NAME})(?:@([\w./-]+))?",
        "hf://owner/name, or hf://owner/name@revision",
        "kerasgan.hubs.hugging_face",
        "huggingface_hub",
    ),
    Hub(
        "kaggle",
        rf"({_NAME}/{_NAME}/{_NAME}/{_NAME})(?:/(\d+))?",
        "kaggle://owner/model/framework/variation, or with /version behind it",
        "kerasgan.hubs.kaggle",
        "kagglehub",
    ),
)


def is_handle(preset: Any) -> bool:
    """Whether a text is a hub's handle, or means to be one."""
    return isinstance(preset, str) and re.match(r"(hf|hugging-?face|kaggle):", preset, re.IGNORECASE) is not None


def parse(handle: str) -> tuple[Hub, str, str | None]:
    """A handle's hub, the name that the hub knows, and the revision or version, if it has one.

    Raises:
        ValueError: it is not written as a handle is.
    """
    scheme, _, rest = handle.partition("://")
    for hub in HUBS:
        match = re.fullmatch(hub.pattern, rest)
        if scheme.lower() == hub.scheme and match is not None:
            return hub, match[1], match[2]
    meant = [hub for hub in HUBS if hub.scheme[0] == handle[0].lower()]  # "huggingface:" means the one with h
    forms = " or ".join(hub.form for hub in meant or HUBS)
    raise ValueError(f"A hub's handle is {forms}; found {handle!r}.")


def fetch(handle: str, needed: Iterable[str], wanted: Iterable[str] = ()) -> pathlib.Path:
    """Fetches files of a repository, or finds them in the client's cache.

    Args:
        handle: of the repository.
        needed, wanted: names of files at its top: it must hold the former, and may hold the latter.

    Returns:
        The folder where they lie, which belongs to the client.

    Raises:
        ValueError: a handle that is none, a client that is not installed, no such repository, revision or files, no
            right to read them, or a hub that fails or cannot be reached while they are not in the cache.
    """
    hub, name, revision = parse(handle)
    folder = hub.connect().fetch(name, revision, list(needed), list(wanted))
    missing = [file for file in needed if not (folder / file).is_file()]
    if missing:
        raise ValueError(f"{handle} holds no preset of kerasgan: it lacks {', '.join(missing)}.")
    return folder


def destination(handle: str) -> tuple[Hub, str]:
    """The hub, and the name there, of a handle that something is to be sent to.

    Raises:
        ValueError: as `parse`, and where it names a revision.
    """
    hub, name, revision = parse(handle)
    if revision is not None:
        raise ValueError(f"A push makes a revision of its own; leave {revision!r} out of {handle}.")
    return hub, name
