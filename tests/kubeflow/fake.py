"""The fake Kubeflow: an HTTP server on 127.0.0.1, with the gate and the API server behind it."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from .api import Api
from .contract import contract
from .faults import Fault, Faults
from .gate import Gate
from .plays import Play
from .web import Answer, Call, Refused, page
from .world import Run, Version, World

NAMESPACE = "kubeflow-user-example-com"
USER = "user@example.com"
LOG = re.compile(r"/apis/v1alpha1/runs/([^/]+)/nodes/([^/]+)/log")


LOGIN = '<form method="post" action="/dex/auth/local/login"><input name="login"><input name="password"></form>'
INSTEAD = {
    Fault.UNAVAILABLE: page("503", "no healthy upstream", 503),
    Fault.BROKEN: Refused(13, "InternalServerError: database is locked").answer,
    Fault.PAGE: page("dex", LOGIN),
    Fault.MAINTENANCE: page("Maintenance", "We are back in a minute."),
}
"""The answers that faults put in the place of the real one."""


class ContractViolation(AssertionError):
    """A request or an answer was not as Kubeflow's description says."""


class FakeKubeflow:
    """A Kubeflow; a context manager.

    Args:
        multi_user: Whether runs belong to people.
        gate: What stands in front; nothing by default.
        version: What the server calls itself.
        certificate: Files of a certificate and its key: it then speaks HTTPS.
        prefix: Where the API lies below the address; an additional place, as Kubeflow has it at ``/pipeline``.

    Attributes:
        world: What it knows.
        gate: Who may in.
        faults: What goes wrong.
        requests: Every request so far: method and path.
        violations: What was not as described.
    """

    def __init__(
        self,
        *,
        multi_user: bool = False,
        gate: Gate | None = None,
        version: str = "2.17.0",
        certificate: tuple[Path, Path] | None = None,
        bare: bool = True,
    ) -> None:
        self.world, self.gate, self.faults = World(multi_user=multi_user, version=version), gate or Gate(), Faults()
        self.world.rights[NAMESPACE] = {USER}
        self.api = Api(self.world)
        self.bare = bare
        self.requests: list[str] = []
        self.violations: list[str] = []
        self.closing = threading.Event()
        self._certificate = certificate
        self._server = _Server(self, 0)
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self._certificate else 'http'}://localhost:{self._server.server_address[1]}"

    @property
    def runs(self) -> list[Run]:
        """All runs, the oldest first."""
        return list(self.world.runs.values())

    def play(self, *plays: Play) -> None:
        """How the next runs go; the last play is that of all further ones."""
        left = list(plays)
        self.world.play = lambda: left.pop(0) if len(left) > 1 else left[0]

    def on_start(self, start: Callable[[Run, Version | None], None]) -> None:
        """Calls a function for each run that is made: something that really runs it, say."""
        self.api.started = start

    def restart(self) -> Callable[[], None]:
        """Stops listening; what is returned starts it again at the same port, with everything that it knows."""
        port = self._server.server_address[1]
        self._server.shutdown()
        self._server.server_close()

        def again() -> None:
            self._server = _Server(self, port)
            self._listen()

        return again

    def answer(self, call: Call) -> Answer | None:
        """The answer to a call; None: the connection breaks."""
        with self._lock:
            self.requests.append(f"{call.method} {call.path}")
        fault = self.faults.next(call.method, call.path)
        if fault is Fault.STALLED:
            self.closing.wait()
        if fault is Fault.EXPIRED:
            self.gate.expire()
        if fault in (Fault.DROPPED, Fault.STALLED):
            return None
        if fault in INSTEAD:
            return INSTEAD[fault]
        answer = self.gate.answer(call, self._api)
        return None if fault is Fault.DROPPED_AFTER else answer

    def _api(self, call: Call) -> Answer:
        """What lies behind the gate."""
        prefixes = ("/pipeline", "") if self.bare else ("/pipeline",)
        prefix = next((prefix for prefix in prefixes if call.path.startswith(f"{prefix}/apis/")), None)
        if prefix is None:
            known = call.path in ("/", "/pipeline", "/pipeline/")
            return page("Kubeflow", "Kubeflow Central Dashboard" if known else "Not Found", 200 if known else 404)
        call.path = call.path.removeprefix(prefix)
        found = LOG.fullmatch(call.path)
        try:
            if found:
                return self.api.log(call, found[1], found[2])
            return self._described(call)
        except Refused as refused:
            return refused.answer

    def _described(self, call: Call) -> Answer:
        if not contract().locate(call):
            return Answer(404, {"error": "Not Found", "code": 5, "message": "Not Found", "details": []})
        problems = contract().problems(call)
        if problems:
            self.violations.append(f"{call.method} {call.path}: {'; '.join(problems)}")
            return Answer(400, {"error": problems[0], "code": 3, "message": problems[0], "details": []})
        try:
            answer = self.api.answer(call)
        except Refused as refused:
            answer = refused.answer
        broken = contract().broken_answer(call, answer)
        if broken:
            self.violations.append(f"the fake's answer to {call.method} {call.path}: {'; '.join(broken[:3])}")
        return answer

    def _listen(self) -> None:
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        if self.violations and kind is None:
            raise ContractViolation("\n".join(self.violations))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, fake: FakeKubeflow, port: int) -> None:
        self.fake = fake
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or does not trust the certificate, is no error of the fake."""
        if not isinstance(sys.exc_info()[1], OSError):
            self.fake.violations.append("the fake itself failed: " + traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *arguments: object) -> None:
        """The log is ``requests``."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        origin = f"http://{self.headers.get('Host', '')}"
        call = Call.of(self.command, self.path, dict(self.headers.items()), body, origin)
        answer = self.server.fake.answer(call)
        if answer is None:
            self._break()
            return
        data = answer.data
        self.send_response_only(answer.status)
        headers = {"Content-Type": "application/json", **answer.headers, "Content-Length": str(len(data))}
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        """Every method goes one way."""
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def _break(self) -> None:
        """Ends the connection as a network does: with a reset."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.connection.close()


@contextlib.contextmanager
def logged_in(**options: object) -> Iterator[FakeKubeflow]:
    """A Kubeflow for many users behind oauth2-proxy and Dex, as it is deployed today."""
    gate = Gate(proxy=True, **options)  # type: ignore[arg-type]
    with FakeKubeflow(multi_user=True, gate=gate) as fake:
        yield fake
