"""The page to look around in a trained GAN, which `kerasgan explore` opens: made with Gradio, the extra `[explore]`."""

import hmac
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence

from tqdm import tqdm

from kerasgan.errors import first_line

EXTRA = "The page needs Gradio: pip install 'kerasgan[explore]'."
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SESSIONS = 100  # browsers whose sliders are remembered
WAITING = 32  # requests in line, beyond which a browser is told to come back


def check_extra() -> None:
    """Refuses to go on without Gradio.

    Raises:
        ValueError: it is not installed, or does not work; it says what to do.
    """
    # Gradio asks the internet for its newest version, and tells of its use, unless it is told not to.
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
    try:
        import gradio  # noqa: F401
    except ModuleNotFoundError as error:
        raise ValueError(EXTRA if error.name == "gradio" else f"{EXTRA} ({error})") from None
    except Exception as error:  # a library that it needs is too new or too old for it
        raise ValueError(
            f"Gradio does not work here: {first_line(error)} Try: pip install 'kerasgan[explore]'."
        ) from None


def serve(
    whats: Sequence[str],
    host: str = "127.0.0.1",
    port: int | None = None,
    password: str | None = None,
) -> "Served":
    """Opens the page; it is there until it is closed, or the process ends.

    Args:
        whats: presets, runs' folders or `.keras` files, each of which is shown.
        host: the address to listen at; 127.0.0.1 is for this machine alone.
        port: where to listen; None is a free one from 7860 on.
        password: what a browser is asked for, with any user's name; None or "" is nothing.

    Returns:
        The page's address, and what closes it.

    Raises:
        ValueError: Gradio is not there, there is no such GAN, its samples are no images, or the host or port cannot be
            listened at.
    """
    check_extra()
    _check_address(host, port)
    import gradio as gr
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from kerasgan.explore.page import elements, layout
    from kerasgan.explore.page.gate import Gate
    from kerasgan.explore.page.view import View

    page = layout.build([View(what) for what in tqdm(whats, "loading", delay=2.0, leave=False)])
    page.queue(max_size=WAITING, api_open=False)
    middleware = [Middleware(Gate)]
    if host in LOOPBACK:  # or a page from elsewhere, whose name is made to mean this machine, could read it
        middleware.insert(0, Middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, "[::1]"]))
    # This machine's fonts; those of Gradio's own themes are fetched.
    theme = gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        auth=(lambda _, given: hmac.compare_digest(given.encode(), password.encode())) if password else None,
        auth_message="Any name, and the password that this page was opened with.",
        prevent_thread_lock=True,
        quiet=True,
        show_error=True,
        share=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        state_session_capacity=SESSIONS,
        theme=theme,
        css=elements.CSS,
        app_kwargs={"middleware": middleware},
    )
    return Served(address, lambda: page.close(verbose=False))


def _check_address(host: str, port: int | None) -> None:
    """Refuses what cannot be listened at before anything is loaded; Gradio would try a hundred ports of no host."""
    try:
        kind, _, _, _, where = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(where)
    except OSError as error:
        if port is None or isinstance(error, socket.gaierror):
            raise ValueError(f"Cannot listen at {host}: {first_line(error)}.") from None
        raise ValueError(f"Port {port} of {host} is taken or not allowed; without one a free one is found.") from None


class Served:
    """A page that is open.

    Attributes:
        address: where.
        close: closes it.
    """

    def __init__(self, address: str, close: Callable[[], None]) -> None:
        self.address = address
        self.close = close

    def show(self) -> bool:
        """Opens it in this machine's browser; whether there is one."""
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            return False  # what there may be is a browser in the terminal, which would take it
        try:
            return webbrowser.open(self.address)
        except webbrowser.Error:
            return False

    def wait(self) -> None:
        """Until the process is interrupted (Ctrl-C); then the page is closed."""
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
        finally:
            self.close()
