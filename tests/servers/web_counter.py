"""Counts the connections to a server on this machine, whoever makes them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Counter:
    """A port in front of a server.

    Attributes:
        address: The address to use instead of the server's.
        requests: How many connections were made.
    """

    address: str
    requests: int = 0


@contextlib.contextmanager
def counted(address: str) -> Iterator[Counter]:
    """A port that hands everything on to a server, for as long as the block lasts."""
    parts = urlsplit(address)
    target = (parts.hostname or "", parts.port or 80)
    listening = socket.create_server(("127.0.0.1", 0))
    counter = Counter(f"{parts.scheme}://localhost:{listening.getsockname()[1]}")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                counter.requests += 1
                threading.Thread(target=_serve, args=(client, target), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield counter
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _serve(client: socket.socket, target: tuple[str, int]) -> None:
    with client, contextlib.suppress(OSError), socket.create_connection(target) as server:
        back = threading.Thread(target=_carry, args=(server, client), daemon=True)
        back.start()
        _carry(client, server)
        back.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
