"""Kaggle's models, by `kagglehub`."""

import pathlib
from typing import Any

import kagglehub
import requests
from kagglehub import clients, config, exceptions, handle
from kagglesdk.models.types.model_api_service import ApiGetModelInstanceRequest

from kerasgan.errors import first_line

LICENCES = {"apache-2.0": "Apache 2.0", "mit": "MIT"}  # as Kaggle names them; others are for its page
UNREACHABLE = (requests.ConnectionError, requests.Timeout)
_HIDDEN = (403, 404)  # what Kaggle answers where there is nothing, or nothing that may be seen


def fetch(name: str, version: str | None, needed: list[str], wanted: list[str]) -> pathlib.Path:
    """The folder of a version's files, as `kerasgan.hubs.fetch`; without a version of the newest one, or, where Kaggle
    cannot be reached, of the newest one in the cache.
    """
    if version is not None:
        return _fetch(f"{name}/{version}", needed, wanted)
    try:
        return _fetch(name, needed, wanted)
    except ValueError as error:
        cause = error.__cause__
        unreachable = isinstance(cause, UNREACHABLE) or (_status(cause) or 0) >= 500
        for kept in _in_cache(name) if unreachable else ():
            folder = _fetch(f"{name}/{kept}", needed, wanted)
            if all((folder / file).is_file() for file in needed):
                return folder
        raise


def _fetch(name, needed, wanted):
    """One version's files, each by itself, so that nothing else in it is read."""
    folder = None
    for file in (*needed, *wanted):
        try:
            path = pathlib.Path(kagglehub.model_download(name, file))
        except Exception as error:  # the net, Kaggle, the disk and the client fail in as many ways
            if folder is not None and _status(error) == 404:
                continue  # the version is there, and without this file
            if file in wanted and isinstance(error, requests.ConnectionError):
                continue  # a picture that was not fetched while there was a net
            cached = ", and it is not in the cache" if isinstance(error, UNREACHABLE) else ""
            reason = f"{_reason(error).removesuffix('.')}{cached}."
            raise ValueError(f"Cannot fetch kaggle://{name}: {reason}") from error
        if folder is None and path.parent.name.isdecimal() and name.count("/") == 3:
            name = f"{name}/{path.parent.name}"  # the rest of the same version, if a newer one comes meanwhile
        folder = path.parent
    return folder


def _in_cache(name):
    """The versions of which the client has kept something, the newest first."""
    folder = pathlib.Path(config.get_cache_folder(), "models", name)
    return sorted((int(path.name) for path in folder.glob("*") if path.name.isdecimal()), reverse=True)


def check(name: str, overwrite: bool) -> None:
    """Refuses a destination that cannot or should not be written to, before anything is made for it.

    Raises:
        ValueError: there are no credentials, Kaggle does not answer, or the name is taken.
    """
    try:
        if config.get_kaggle_credentials() is None:
            raise ValueError("there are no credentials here; set KAGGLE_API_TOKEN, or call kagglehub.login().")
        taken = _exists(name)
    except Exception as error:
        raise ValueError(f"Cannot push to kaggle://{name}: {_reason(error)}") from None
    if taken and not overwrite:
        raise ValueError(f"kaggle://{name} is there already; overwrite=True (--overwrite) makes a new version of it.")


def _exists(name):
    parsed = handle.parse_model_handle(name)
    request = ApiGetModelInstanceRequest()
    request.owner_slug, request.model_slug = parsed.owner, parsed.model
    request.framework, request.instance_slug = parsed.framework_enum(), parsed.variation
    with clients.build_kaggle_client() as client:
        try:
            exceptions.handle_call(lambda: client.models.model_api_client.get_model_instance(request))
        except exceptions.KaggleApiHTTPError as error:
            if _status(error) in _HIDDEN:
                return False
            raise
    return True


def upload(folder: pathlib.Path, name: str, facts: dict[str, Any], own: list[str], private: bool, message: str) -> str:
    """Sends the files of a folder as a new version, which then holds nothing else.

    Args:
        folder, name: as of `hugging_face.upload`; "owner/model/framework/variation".
        facts: the preset's metadata, of which Kaggle is told the licence, where it is one of `LICENCES`.
        own: not looked at.
        private: must be true for a model that is new: Kaggle's client makes no others. It is published on its page.
        message: of the version.

    Returns:
        The handle; which version it is Kaggle says when it has taken the files in.

    Raises:
        ValueError: Kaggle refuses, fails, or cannot be reached.
    """
    del own, private
    licence = LICENCES.get(str(facts.get("licence", "")).partition(";")[0].strip().lower())
    try:
        kagglehub.model_upload(name, str(folder), license_name=licence, version_notes=message)
    except Exception as error:
        raise ValueError(f"Cannot push to kaggle://{name}: {_reason(error)}") from None
    return f"kaggle://{name}"


def _status(error):
    return getattr(getattr(error, "response", None), "status_code", None)


def _reason(error):
    """Why a call of the client failed and what to do, in one line."""
    status = _status(error)
    if status in (401, *_HIDDEN):
        return (
            "Kaggle shows no such model, version or file; it is misspelt, or it is private, or asks for consent, and "
            f"KAGGLE_API_TOKEN has not said who you are (status {status})."
        )
    if status == 429:
        return "too many requests; wait for some minutes (status 429 of Kaggle)."
    if status is not None:
        return f"Kaggle {'itself has failed; try again later' if status >= 500 else 'refuses'} (status {status})."
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off in the middle of a file; what was read is not used. Try again."
    if isinstance(error, UNREACHABLE):
        return "Kaggle cannot be reached."
    return f"{first_line(error).removesuffix('.')}."
