"""A package index over HTTP: real wheels that hold nothing, with versions, requirements and hashes."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class PackageIndex:
    """A running index.

    Attributes:
        url: Its address, for ``UV_DEFAULT_INDEX``.
        asked: The path of every request.
    """

    url: str = ""
    asked: list[str] = field(default_factory=list)
    _files: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def add(self, name: str, version: str, *requires: str, platforms: Sequence[str] = ("any",)) -> None:
        """Publish a version: a wheel for each platform."""
        for platform in platforms:
            file = f"{name.replace('-', '_')}-{version}-py3-none-{platform}.whl"
            self._files.setdefault(name, {})[file] = _wheel(name, version, requires, platform)

    def add_source(self, name: str, version: str) -> None:
        """Publish a version that has no wheel; what it needs can be read without running anything."""
        folder = f"{name.replace('-', '_')}-{version}"
        texts = {
            "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
            "pyproject.toml": f'[project]\nname = "{name}"\nversion = "{version}"\ndependencies = []\n',
        }
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            for file, text in texts.items():
                member = tarfile.TarInfo(f"{folder}/{file}")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
        self._files.setdefault(name, {})[f"{folder}.tar.gz"] = content.getvalue()

    def hash_of(self, name: str, version: str, platform: str = "any") -> str:
        """The hash of a wheel."""
        return _sha256(self._files[name][f"{name.replace('-', '_')}-{version}-py3-none-{platform}.whl"])

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """What lies at a path, with its kind."""
        _, first, name, *_ = [*path.split("/"), "", "", ""]
        if first == "simple" and name in self._files:
            links = [
                f'<a href="/files/{file}#sha256={_sha256(data)}">{file}</a>' for file, data in self._files[name].items()
            ]
            return "text/html", f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
        found = [files[name] for files in self._files.values() if name in files] if first == "files" else []
        return ("application/octet-stream", found[0]) if found else None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _wheel(name: str, version: str, requires: Sequence[str], platform: str) -> bytes:
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    texts = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-{platform}\n",
        "RECORD": "",
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file, text in texts.items():
            # The same bytes whenever it is made.
            archive.writestr(zipfile.ZipInfo(f"{folder}/{file}", (2026, 1, 1, 0, 0, 0)), text)
    return content.getvalue()


@contextmanager
def package_index() -> Iterator[PackageIndex]:
    """An index on this machine, as long as the block lasts."""
    index = PackageIndex()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            """Nothing is logged."""

        def do_HEAD(self) -> None:
            self._send(whole=False)

        def do_GET(self) -> None:
            self._send(whole=True)

        def _send(self, *, whole: bool) -> None:
            index.asked.append(self.path)
            found = index.answer(self.path)
            kind, data = found or ("text/plain", b"not found")
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if whole:
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    index.url = f"http://127.0.0.1:{server.server_address[1]}/simple"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
