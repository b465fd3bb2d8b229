"""A proxy on this machine that leads into the tunnel: HTTP libraries speak with it, and TLS goes through it untouched.

It listens on the loopback address only and wants a password that is made anew each time, because other people may use
the machine as well.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import re
import secrets
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from helpers.kubeflow_answers import TUNNEL

LONGEST_HEAD = 64 * 1024
PATIENCE = 30.0
"""Seconds that a client may take to say what it wants."""


class Unreachable(Exception):
    """There is no way to a server.

    Attributes:
        status: One of those that :mod:`helpers.kubeflow_answers` knows.
        words: Why.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


Reach = Callable[[str, int], socket.socket]
"""Opens a connection to a server on the far side."""


class Proxy(socketserver.ThreadingTCPServer):
    """The proxy; it serves until it is closed.

    Args:
        reach: Opens connections.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, reach: Reach) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reach = reach
        self.password = secrets.token_hex(16)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        """Its address, with the password."""
        return f"http://ssh:{self.password}@127.0.0.1:{self.server_address[1]}"

    def may(self, header: str) -> bool:
        """Whether a client knows the password."""
        wanted = base64.b64encode(f"ssh:{self.password}".encode()).decode()
        return hmac.compare_digest(header.strip().encode(), f"Basic {wanted}".encode())

    @contextlib.contextmanager
    def held(self, *sockets: socket.socket) -> Any:
        """Closes the sockets at the end, or when the proxy is closed."""
        with self._lock:
            self._open.update(sockets)
        try:
            yield
        finally:
            with self._lock:
                self._open.difference_update(sockets)
            for one in sockets:
                one.close()

    def close(self) -> None:
        """Ends everything that goes through it."""
        self.shutdown()
        self.server_close()
        with self._lock:
            found = list(self._open)
        for one in found:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is told to those at its ends, and to nobody else."""


class _Handler(socketserver.BaseRequestHandler):
    """One connection of a client."""

    server: Proxy

    def handle(self) -> None:
        """Reads what is wanted, and connects both ends."""
        client: socket.socket = self.request
        client.settimeout(PATIENCE)
        head, rest = _read_head(client)
        lines = head.decode("latin-1").split("\r\n")
        asked = re.fullmatch(r"(\S+) (\S+) (HTTP/1\.[01])", lines[0])
        if asked is None:
            return
        fields = [line.partition(":") for line in lines[1:] if line]
        password = next((value for name, _, value in fields if name.lower() == "proxy-authorization"), "")
        if not self.server.may(password):
            _answer(client, 407, f"{TUNNEL} this is somebody else's tunnel")
            return
        method, target, version = asked.groups()
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        if not parts.hostname or (method != "CONNECT" and parts.scheme != "http"):
            _answer(client, 400, f"{TUNNEL} this is no address")
            return
        try:
            server = self.server.reach(parts.hostname, parts.port or 80)
        except Unreachable as error:
            _answer(client, error.status, f"{TUNNEL} {error.words}")
            return
        with self.server.held(client, server):
            client.settimeout(None)
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = parts._replace(scheme="", netloc="").geturl()
                line = f"{method} {path if path.startswith('/') else f'/{path}'} {version}"
                server.sendall(_closing(line, fields))
            server.sendall(rest)
            relay(client, server, plain=method != "CONNECT")


def relay(client: socket.socket, server: socket.socket, *, plain: bool) -> None:
    """Carries what each side says to the other one, until both have ended.

    Args:
        client: Who asks.
        server: Who answers.
        plain: Whether it is HTTP that can be read: then the client is told that the connection ends with the answer,
            because the next request may be for another server.
    """
    there = threading.Thread(target=_carry, args=(client, server), daemon=True)
    there.start()
    with contextlib.suppress(OSError):
        if plain:
            head, rest = _read_head(server)
            first, *lines = head.decode("latin-1").split("\r\n")
            if first:
                client.sendall(_closing(first, [line.partition(":") for line in lines if line]) + rest)
    _carry(server, client)
    there.join()


def _closing(first: str, fields: Iterable[tuple[str, str, str]]) -> bytes:
    """The head of a request or an answer after which the connection ends; what is meant for this proxy stays here."""
    ours = ("proxy-authorization", "proxy-connection", "connection", "keep-alive")
    kept = [f"{name}:{value}" for name, _, value in fields if name.lower() not in ours]
    return "\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1")


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with contextlib.suppress(OSError):
            one.shutdown(how)


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request, and what came with it already."""
    data = b""
    while b"\r\n\r\n" not in data and len(data) < LONGEST_HEAD:
        more = client.recv(65536)
        if not more:
            break
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _answer(client: socket.socket, status: int, words: str) -> None:
    body = f"{words}\n".encode()
    reason = re.sub(r"[^\x20-\x7e]", "?", words)
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close"
    challenge = '\r\nProxy-Authenticate: Basic realm="ssh"' if status == 407 else ""
    with contextlib.suppress(OSError):
        client.sendall(f"{head}{challenge}\r\n\r\n".encode("latin-1") + body)
