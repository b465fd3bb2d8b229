"""A real HTTP server that answers what a test has written down, one answer after the other."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        status: Its status.
        body: What is sent as JSON; bytes as they are.
        headers: Its headers.
        fault: ``reset`` closes the connection instead, ``half`` in the middle of the body.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    names: tuple[str, ...] = ()
    """Every header's name, in lower case, as often as it was sent."""


class Script:
    """What is answered, and what was asked."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.requests: list[Request] = []
        self.url = ""

    def will(self, *replies: Reply) -> None:
        """Answer these next; afterwards everything is answered with an empty object."""
        self.replies = list(replies)


@contextmanager
def scripted_http() -> Iterator[Script]:
    """A server on this machine, for as long as the block lasts."""
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _answer(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            names = tuple(name.lower() for name in self.headers)
            body_sent = json.loads(text) if text else None
            script.requests.append(Request(self.command, self.path, headers, body_sent, names))
            reply = script.replies.pop(0) if script.replies else Reply(body={})
            if reply.fault == "reset":
                self.close_connection = True
                return
            body = reply.body if isinstance(reply.body, bytes) else b""
            if reply.body is not None and not isinstance(reply.body, bytes):
                body = json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if reply.fault == "half" else body)
            self.wfile.flush()
            self.close_connection = self.close_connection or reply.fault == "half"

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
