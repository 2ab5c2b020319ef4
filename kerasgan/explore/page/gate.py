"""What the page's server lets in and out: Gradio has many doors that this page does not need, files among them."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

LARGEST_BODY = 16 * 2**20  # bytes of a request: an uploaded picture of 10 MB, written in letters, and what stands by it
#: Everything that the page asks for. No picture is fetched: they come with the answers, as `data:` URIs.
DOORS = re.compile(
    r"/(?:(?:assets|static)/[\w./-]+|config|theme\.css|favicon\.ico|manifest\.json|robots\.txt|login|logout)?"
    r"|/gradio_api/(?:queue/(?:join|data)|run/[\w-]+|info|user|login_check|token|app_id|startup-events|cancel|reset"
    r"|theme\.css|heartbeat/[\w-]+)"
)
HEADERS = {
    # Whatever Gradio's own pages name, the browser fetches nothing from elsewhere. (Its templates need eval.)
    "content-security-policy": "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; form-action 'self'; "
    "frame-ancestors 'self'; base-uri 'self'; object-src 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Gate:
    """ASGI middleware: refuses all but the page's own addresses and bodies that are too large, and says to browsers
    that nothing comes from elsewhere.

    Args:
        app: what it stands before.
    """

    def __init__(self, app: Callable[[Message, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        path = scope.get("path", "")
        if scope["type"] != "http" or not DOORS.fullmatch(path.rstrip("/") or "/") or ".." in path:
            await _refuse(send, scope["type"], 404, "There is no such page.")
            return
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if any(not length.isdigit() or int(length) > LARGEST_BODY for length in lengths):
            await _refuse(send, scope["type"], 413, "That is too much for one request.")
            return
        await self.app(scope, _counted(receive), _with_headers(send))


def _counted(receive):
    """The same body, which ends where it is too large, as if the browser had gone."""
    taken = 0

    async def take():
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > LARGEST_BODY else message

    return take


def _with_headers(send):
    async def give(message):
        if message["type"] == "http.response.start":
            ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", ()), *ours]}
        await send(message)

    return give


async def _refuse(send, kind, status, reason):
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode()})
