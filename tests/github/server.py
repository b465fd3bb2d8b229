"""The fake's HTTP server: real sockets on 127.0.0.1, so that connections can break as they do in life."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from . import git_server
from .dispatch import Dispatcher, secondary_limit
from .faults import Calls, Fault, Faults, Kind, Record
from .web import Answer, Call, Refused

API = "/api/v3"
NEVER_ACTED = {Kind.RESET_BEFORE, Kind.STALLED}


class Server(ThreadingHTTPServer):
    """Serves REST below ``/api/v3``, git at ``/owner/name.git``, and files that a test puts up.

    Attributes:
        latency: Seconds that each call takes at least.
        files: Path to content, for downloads.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, dispatcher: Dispatcher, calls: Calls, faults: Faults) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.dispatcher, self.calls, self.faults = dispatcher, calls, faults
        self.latency: float | Callable[[Record], float] = 0.0
        self.files: dict[str, bytes] = {}
        self.closing = threading.Event()

    @property
    def address(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error of the fake; anything else is told at close."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            self.dispatcher.violations.append("the fake itself failed: " + traceback.format_exc())


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, *arguments: object) -> None:
        """The log is :class:`Calls`."""

    def _serve(self) -> None:
        body = self._body()
        path = urlsplit(self.path).path
        if path == API or path.startswith(API + "/"):
            kind = "rest"
        elif path in self.server.dispatcher.world.blobs:
            self._send(self._blob(path))
            return
        elif path in self.server.files:
            self._send(Answer(200, self.server.files[path], {"Content-Type": "application/octet-stream"}))
            return
        else:
            kind = "git"
        record = self.server.calls.begin(kind, self.command, self.path.removeprefix(API))
        answer: Answer | None = None
        try:
            self.server.faults.run_hooks(record, after=False)
            fault = self.server.faults.for_call(record)
            record.fault = fault.kind.value if fault else ""
            answer = self._answered(record, body, fault)
            self.server.faults.run_hooks(record, after=True)
            self._wait(record)
        finally:
            self.server.calls.end(record, answer.status if answer else 0)
        if answer is None or (fault and fault.kind is Kind.RESET_AFTER):
            self._break()
        else:
            self._send(answer, half=bool(fault and fault.kind is Kind.HALF_ANSWER))

    def _blob(self, path: str) -> Answer:
        """What lies in the store behind an address with a signature; that refuses those who also bring a token."""
        if "Authorization" in self.headers:
            self.server.dispatcher.violations.append(f"GET {path}: the store of artifacts was handed a token")
        if "sig=" not in self.path or "Authorization" in self.headers:
            return Answer(403, b"<Error>AuthenticationFailed</Error>", {"Content-Type": "application/xml"})
        return Answer(200, self.server.dispatcher.world.blobs[path], {"Content-Type": "application/zip"})

    def __getattr__(self, name: str) -> Callable[[], None]:
        """``do_GET`` and the rest: every method goes one way; GitHub answers 404 to those that it does not know."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _answered(self, record: Record, body: bytes, fault: Fault | None) -> Answer | None:
        instead = self._instead(fault) if fault else None
        if fault and fault.kind is Kind.STALLED:
            self.server.closing.wait()
        if fault and fault.kind in NEVER_ACTED:
            return None
        return instead or self._real(record, body, fault)

    def _real(self, record: Record, body: bytes, fault: Fault | None) -> Answer:
        headers = {key.lower(): value for key, value in self.headers.items()}
        if record.kind == "rest":
            call = Call.of(self.command, self.path.removeprefix(API) or "/", headers, body)
            answer = self.server.dispatcher.answer(call, record)
        elif unquote(urlsplit(self.path).path).count("/") >= 3:
            answer = git_server.serve(self.server.dispatcher.world, self.command, self.path, headers, body)
        else:
            answer = Answer(404, b"Not Found", {"Content-Type": "text/plain"})
        if fault and fault.kind is Kind.BAD_GATEWAY_AFTER:
            return Answer(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"})
        return answer

    def _instead(self, fault: Fault) -> Answer | None:
        """The answer that a fault puts in the place of the real one, before anything is done."""
        if fault.kind is Kind.REVOKED:
            for token in self.server.dispatcher.world.tokens.values():
                token.revoked = True
        page = {"Content-Type": "text/html"}
        spent = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Used": "5000"}
        spent["X-RateLimit-Reset"] = str(int(time.time()) + fault.retry_after)
        return {
            Kind.SERVER_ERROR: Answer(500, {"message": "Server Error"}),
            Kind.BAD_GATEWAY: Answer(502, b"<html>Unicorn!</html>", page),
            Kind.UNAVAILABLE: Answer(503, b"<html>Unicorn!</html>", page),
            Kind.SECONDARY: secondary_limit(None).answer,
            Kind.SECONDARY_RETRY_AFTER: secondary_limit(fault.retry_after).answer,
            Kind.TOO_MANY: secondary_limit(fault.retry_after, 429).answer,
            Kind.PRIMARY: Refused(403, "API rate limit exceeded for user ID 1.", headers=spent).answer,
            Kind.NOT_FOUND: Refused(404, "Not Found").answer,
            Kind.FORBIDDEN: Refused(403, "Resource not accessible by personal access token").answer,
        }.get(fault.kind)

    def _wait(self, record: Record) -> None:
        """Take as long as a call shall take, own work included."""
        latency = self.server.latency
        wanted = latency(record) if callable(latency) else latency
        left = record.started + wanted - time.monotonic()
        if left > 0:
            self.server.closing.wait(left)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self._whole(int(self.headers.get("Content-Length") or 0))
        parts = []  # git sends packs of more than 1 MiB in chunks
        while size := int(self._line().split(b";")[0], 16):
            parts.append(self._whole(size))
            self._line()
        while self._line().strip():
            pass
        return b"".join(parts)

    def _line(self) -> bytes:
        line = self.rfile.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the client went away in the middle of its request")
        return line

    def _whole(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionResetError("the client went away in the middle of its request")
        return data

    def _send(self, answer: Answer, *, half: bool = False) -> None:
        data = answer.data
        headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
        if answer.status != 204:
            headers["Content-Length"] = str(len(data))
        headers |= {"Date": formatdate(usegmt=True), "Server": "github.invalid"}
        lines = [f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('',))[0]}"]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        sent = b"" if self.command == "HEAD" else data
        if half:
            whole = head + sent
            self.connection.sendall(whole[: len(head) + len(sent) // 2 if sent else len(head) // 2])
            self._break()
        else:
            self.connection.sendall(head + sent)

    def _break(self) -> None:
        """End the connection as a network does: with a reset."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.connection.close()
