"""The table of wines that the example learns from: where a copy of it lies, and a server that has it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def found() -> Path | None:
    """A copy of the university's file that lies in a folder beside this project, if there is one."""
    return next(iter(sorted(ROOT.parent.glob("*/data/winequality-red.csv"))), None)


@contextmanager
def served(file: Path) -> Iterator[str]:
    """A file over HTTP on this machine; its address."""
    with _Server(("127.0.0.1", 0), partial(_Quiet, directory=str(file.parent))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/{file.name}"
        finally:
            server.shutdown()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever has read enough goes away in the middle of the file."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name is Python's
        """Nothing is logged."""
