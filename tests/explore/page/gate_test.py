"""What the page's server lets in."""

import asyncio

import pytest

from kerasgan.explore.page.gate import LARGEST_BODY, Gate


def asked(path, *parts, kind="http", headers=()):
    """The status, headers and body of an answer, where the page itself answers with the length of what it was sent."""
    sent = []

    async def page(scope, receive, send):
        length = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            length += len(message["body"])
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(length).encode()})

    waiting = [{"type": "http.request", "body": part, "more_body": i < len(parts)} for i, part in enumerate(parts, 1)]

    async def receive():
        return waiting.pop(0) if waiting else {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(Gate(page)({"type": kind, "path": path, "headers": list(headers)}, receive, send))
    return sent


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/assets/index-a1.js", "/static/fonts/x.woff2", "/theme.css", "/config", "/login", "/login/"),
        *("/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/heartbeat/ab12"),
    ],
)
def test_the_pages_own_addresses_are_let_in(path):
    start, body = asked(path, b"abc", b"de")
    assert (start["status"], body["body"]) == (200, b"5")
    headers = dict(start["headers"])
    assert headers[b"content-security-policy"].startswith(b"default-src 'self' data: blob:")


@pytest.mark.parametrize(
    "path",
    [
        *("/gradio_api/file=/etc/passwd", "/gradio_api/file/etc/passwd", "/file=/etc/passwd", "/gradio_api/upload"),
        *("/gradio_api/proxy=http://example.org", "/gradio_api/stream/x", "/monitoring", "/gradio_api/vibe-code"),
        *("/assets/../../etc/passwd", "/static/..", "/gradio_api/custom_component/a/b/c/d", "/docs", "/openapi.json"),
        *("/gradio_api/component_server", "/gradio_api/run-history/connect", "/gradio_api/process_recording"),
    ],
)
def test_all_else_is_not_there(path):
    assert [message.get("status") for message in asked(path)] == [404, None]


def test_a_websocket_is_closed():
    assert asked("/", kind="websocket") == [{"type": "websocket.close", "code": 1008}]


def test_too_large_a_body_is_refused():
    assert asked("/login", headers=[(b"content-length", b"%d" % (LARGEST_BODY + 1))])[0]["status"] == 413
    assert asked("/login", headers=[(b"content-length", b"-1")])[0]["status"] == 413
    assert asked("/login", headers=[(b"content-length", b"%d" % LARGEST_BODY)])[0]["status"] == 200
    half = bytes(LARGEST_BODY // 2)
    assert asked("/login", half, half)[1]["body"] == b"%d" % (2 * len(half))
    assert asked("/login", half, half, b"x") == []  # of a length that nobody told: it ends as if the browser had gone
