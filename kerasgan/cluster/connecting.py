"""The way to a Ray cluster."""

import contextlib
import logging
import os
import pathlib
import re
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

from kerasgan import __version__
from kerasgan.errors import first_line
from kerasgan.messages import say

EXTRA = "pip install 'kerasgan[ray]'"
ADDRESS = r"(?:ray://)?(\[[0-9a-fA-F:]+\]|[^:/\s]+):(\d{1,5})"
RUNNING = pathlib.Path("/tmp/ray/ray_current_cluster")
PATIENCE = 10.0  # seconds in which an address must answer


@contextlib.contextmanager
def connected(address: str, processes: int = 1) -> Iterator[Any]:
    """The module `ray`, connected; let go of at the end.

    Args:
        address: "auto", the cluster that runs on this machine or that `RAY_ADDRESS` names; "local", one that is started
            here and ends with this; "HOST:PORT" of a head; or "ray://HOST:PORT", of its server for clients.
        processes: that are wanted. A cluster with fewer processors is waited for, as it may grow; it is said.

    Raises:
        ValueError: Ray is not installed, there is none at the address, or it is of another version.
    """
    ray = _import()
    if ray.is_initialized():  # whoever has connected may go on with it
        yield ray
        return
    _check(address)
    own: dict[str, Any] = {"num_cpus": max(processes, os.cpu_count() or 1)} if address == "local" else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error", **own)
    except ConnectionError as error:
        found = f"no Ray at {address}" if address != "auto" else "no Ray on this machine"
        # `ray start` asks for a token wherever there is one; of an address that is named Ray does not find that out.
        ways = ["start one with `ray start --head`", "give its --ray=HOST:PORT"]
        if address not in ("auto", "local") and "RAY_AUTH_MODE" not in os.environ:
            ways.append("set RAY_AUTH_MODE=token where its `ray start` said that it asks for one")
        *first, last = ways
        raise ValueError(f"There is {found} ({first_line(error)}): {', '.join(first)}, or {last}.") from None
    except (RuntimeError, OSError, TimeoutError) as error:  # of another version of Ray or Python, or not to be reached
        raise ValueError(f"Cannot connect to Ray at {address}: {first_line(error)}") from None
    try:
        there = int(ray.cluster_resources().get("CPU", 0))
        if there < processes:
            say(f"the cluster has {there} processors; {processes} processes wait until there are as many")
        with _watched(ray.get_runtime_context().gcs_address):
            yield ray
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _watched(head):
    """Says so when the head is gone: Ray waits for it for a minute, and then ends the process without a word."""
    host, _, port = head.rpartition(":")
    ended = threading.Event()

    def watch():
        while not ended.wait(PATIENCE):
            try:
                socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
            except OSError as error:
                if not ended.is_set():
                    say(
                        f"error: the head of the cluster, {head}, does not answer any more ({first_line(error)}). What "
                        "is done is kept: start it again, and give the same command (a training with --resume)."
                    )
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _import():
    # It would send figures of its use, and ask about it on a terminal.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # What it has to say of processes that are lost, the errors say that come of it.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
        import ray.train
    except ImportError as error:
        raise ValueError(f"Several machines need Ray ({error}): {EXTRA}.") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray


def _check(address):
    """Refuses an address at which nobody answers, for which Ray itself waits for minutes."""
    if address == "auto":  # that of this machine, of which Ray writes down where it is
        known = os.environ.get("RAY_ADDRESS", "")
        with contextlib.suppress(OSError):
            known = known or RUNNING.read_text().strip()
        if not re.fullmatch(ADDRESS, known):
            return
        address = known
    if address == "local":
        return
    found = re.fullmatch(ADDRESS, address)
    if not found:
        raise ValueError(f"--ray is auto, local, HOST:PORT or ray://HOST:PORT; found {address!r}.")
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"There is no Ray at {address} ({first_line(error)}). Start one with `ray start --head`, or name another, "
            "--ray=HOST:PORT."
        ) from None


def versions() -> dict[str, str]:
    """What must be the same on all machines."""
    import keras
    import tensorflow as tf

    return {
        "Python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "kerasgan": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
    }


def unlike(there: dict[str, str]) -> str | None:
    """How the versions of this machine differ from those of the one that asks; None where they do not."""
    here = versions()
    found = [f"{name} {here[name]} and {there[name]}" for name in there if here[name] != there[name]]
    return f"versions differ from those of the machine that asks: {', '.join(found)}" if found else None


def share_the_machine(folder: str) -> None:
    """Lets TensorFlow take what Ray has given this process, before it computes: as many threads as processors, or
    several processes would be in each other's way; and of a GPU the memory that it needs.

    Args:
        folder: where the one that asks stands; relative paths are meant from there.
    """
    import ray
    import tensorflow as tf

    with contextlib.suppress(OSError):  # whoever names whole paths does not need it
        os.chdir(folder)
    gpus = tf.config.list_physical_devices("GPU")
    for device in gpus:
        tf.config.experimental.set_memory_growth(device, True)
    if not gpus:
        given = ray.get_runtime_context().get_assigned_resources()
        tf.config.threading.set_intra_op_parallelism_threads(max(1, int(given.get("CPU", 1))))
