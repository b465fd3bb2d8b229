"""A web server with data behind logins, with and without TLS, and real git (``git http-backend``) beside it."""

from __future__ import annotations

import base64
import hashlib
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.canaries import canary

TOKEN, USER, PASSWORD = canary("WebToken"), "ada", canary("WebPassword")
_BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_GIT_TOKEN = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


@dataclass
class Page:
    """A file of the server.

    Attributes:
        content: Its bytes.
        login: ``bearer`` or ``basic``, or nobody has to log in.
        etag: Whether the server says an ETag.
        dated: Whether the server says when it was changed.
        changed: When that was, in seconds.
        forbidden: Whether a login is accepted and has no right.
        location: Where it sends to instead.
        ranges: Whether the server gives parts of it.
    """

    content: bytes
    login: str = ""
    etag: bool = True
    dated: bool = True
    changed: float = 1_790_000_000
    forbidden: bool = False
    location: str = ""
    ranges: bool = True


@dataclass
class Site:
    """A running server.

    Attributes:
        port: Where it listens.
        pages: Its files by path.
        git: The folder whose repositories are below ``/git/``; with a login.
        asked: Path and Authorization of each request.
    """

    port: int
    git: Path
    scheme: str = "http"
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Its address, without a slash at the end."""
        return f"{self.scheme}://localhost:{self.port}"


@contextmanager
def site(git: Path, *, certificate: tuple[Path, Path] | None = None) -> Iterator[Site]:
    """The server, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    made = Site(server.server_port, git, "https" if certificate else "http")
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that does not trust it goes away
    server.site = made  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def site(self) -> Site:
        return self.server.site  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        given = self.headers.get("Authorization", "")
        self.site.asked.append((path, given))
        if path.startswith("/git/"):
            self._git(path.removeprefix("/git/"), query, given)
            return
        page = self.site.pages.get(path)
        if page is None:
            self._answer(404)
        elif page.location:
            self._answer(302, headers={"Location": page.location})
        elif page.login and given != {"bearer": f"Bearer {TOKEN}", "basic": _BASIC}[page.login]:
            self._answer(401, headers={"WWW-Authenticate": "Bearer" if page.login == "bearer" else 'Basic realm="x"'})
        elif page.forbidden:
            self._answer(403)
        else:
            headers = {"ETag": f'"{hashlib.md5(page.content).hexdigest()}"'} if page.etag else {}
            headers |= {"Last-Modified": formatdate(page.changed, usegmt=True)} if page.dated else {}
            last = self.headers.get("Range", "").removeprefix("bytes=-")
            if page.ranges and last.isdigit():
                self._answer(206, page.content[-int(last) :], headers)
            else:
                self._answer(200, page.content, headers)

    def do_POST(self) -> None:
        self.do_GET()

    def do_HEAD(self) -> None:
        self._answer(405)

    def _git(self, path: str, query: str, given: str) -> None:
        if given not in (_GIT_TOKEN, _BASIC):
            self._answer(401, headers={"WWW-Authenticate": 'Basic realm="git"'})
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, check=False,
            env={
                "PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_PROJECT_ROOT": str(self.site.git), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": f"/{path}",
                "QUERY_STRING": query, "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": "127.0.0.1",
                "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "uploadpack.allowFilter", "GIT_CONFIG_VALUE_0": "true",
                "GIT_CONFIG_KEY_1": "safe.directory", "GIT_CONFIG_VALUE_1": "*",
            },
        )  # fmt: skip
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self._answer(int(headers.pop("Status", "200 OK").split()[0]), content, headers)

    def _answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Says nothing."""
