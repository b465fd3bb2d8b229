"""Where the stubs of the artifact actions put artifacts and find them: small HTTP in front of the fake GitHub."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.github import FakeGitHub


class ArtifactStore(ThreadingHTTPServer):
    """``POST /OWNER/NAME/RUN/ARTIFACT`` keeps a zip, ``GET`` gives it back; ``GET /OWNER/NAME/RUN`` lists names."""

    daemon_threads = True

    def __init__(self, github: FakeGitHub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.github = github
        self.retention: dict[str, str] = {}
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ArtifactStore

    def log_message(self, *arguments: object) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        there = self._there()
        *_, name = self._parts()
        if len(self._parts()) == 3:
            self._answer(200, json.dumps(sorted(there)).encode())
        elif name in there:
            self._answer(200, there[name])
        else:
            self._answer(404, b"not found")

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        owner, repository, run, name = self._parts()
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        full_name = f"{owner}/{repository}"
        if name in self._there() and query["overwrite"] != ["true"]:
            text = "(409) Conflict: an artifact with this name already exists on the workflow run"
            self._answer(409, text.encode())
            return
        made = self.server.github.add_artifact(full_name, int(run), name, data)
        self.server.retention[name] = query["retention"][0]
        self._answer(201, str(made.id).encode())

    def _parts(self) -> list[str]:
        return [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]

    def _there(self) -> dict[str, bytes]:
        owner, repository, run, *_ = self._parts()
        return self.server.github.artifacts(f"{owner}/{repository}", int(run))

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
