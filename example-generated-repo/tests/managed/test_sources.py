"""Data sources: what a person declares, and how the bytes behind an address are fetched."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from helpers.errors import ConfigurationError, RepositoryError
from helpers.sources import Fetched, Source, fetch, load_source, shown_address

CONTENT = b"a,b\n1,2\n"


class Handler(BaseHTTPRequestHandler):
    """Answers as servers do, good ones and bad ones."""

    def do_GET(self) -> None:
        name = self.path.split("?")[0].strip("/")
        if name == "slow":
            time.sleep(2)
        elif name.isdigit():
            self.send_error(int(name))
        else:
            self.send_response(200)
            if name == "cut":
                self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"\n <!DOCTYPE html><html>Log in</html>" if name == "page" else CONTENT)

    def do_HEAD(self) -> None:
        self.send_error(405)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Says nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def get(address: str, folder: Path, *, timeout: float = 10) -> Fetched:
    source = Source(address=address, target="b", task="regression")
    return fetch(source, root=folder, to=folder / "out" / "data", timeout=timeout)


def test_a_path_is_relative_to_the_repository_and_its_bytes_get_a_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "my data.csv").write_bytes(CONTENT)
    relative, absolute = get("my data.csv", tmp_path), get(str(tmp_path / "my data.csv"), tmp_path)
    assert relative.fingerprint == absolute.fingerprint == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    assert relative.path.read_bytes() == CONTENT
    assert relative.size == len(CONTENT)


def test_an_http_address_is_fetched_and_shown_without_its_secrets(server: str, tmp_path: Path) -> None:
    fetched = get(f"http://{server}/data.csv?day=7", tmp_path)
    assert fetched.path.read_bytes() == CONTENT
    assert fetched.address == f"http://{server}/data.csv"


@pytest.mark.parametrize(
    "address",
    [
        "https://me:hunter2@example.org/x.csv",
        "https://hunter2@example.org/x.csv",
        "https://example.org/x.csv?X-Amz-Signature=hunter2",
        "https://example.org/x.csv?a=1&access_token=hunter2",
        "s3://key:hunter2@bucket/x.csv",
        "postgresql://me:hunter2@example.org/db",
        "git+https://me:hunter2@example.org/r.git@main#x.csv",
    ],
)
def test_a_credential_in_an_address_is_refused_and_not_shown(tmp_path: Path, address: str) -> None:
    write(tmp_path, address=address, **({"table": "wine"} if address.startswith("postgresql") else {}))
    with pytest.raises(ConfigurationError, match="'address' holds") as caught:
        load_source(tmp_path, "wine")
    assert caught.value.where == "data/sources.yaml:4"
    assert "hunter2" not in str(caught.value)
    assert "DATA_WINE_" in caught.value.hint


@pytest.mark.parametrize(
    "address", ["git+ssh://git@example.org/r.git@main#x.csv", "s3://bucket/a@b.csv", "https://example.org/x?day=7"]
)
def test_what_only_looks_like_a_credential_is_none(tmp_path: Path, address: str) -> None:
    write(tmp_path, address=address)
    assert load_source(tmp_path, "wine").address == address


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("404", "answered 404"),
        ("403", "answered 403"),
        ("500", "answered 500"),
        ("page", "web page, not data"),
        ("slow", "did not answer within 0.5 s"),
        ("cut", "cannot be read"),
    ],
)
def test_what_goes_wrong_with_a_server_is_told_with_the_address(
    server: str, tmp_path: Path, path: str, message: str
) -> None:
    with pytest.raises(RepositoryError, match=message) as caught:
        get(f"http://{server}/{path}?day=7", tmp_path, timeout=0.5)
    assert caught.value.where == f"http://{server}/{path}"
    assert caught.value.hint


def test_what_goes_wrong_without_a_server_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    for address, message in {
        "no/such.csv": "does not exist",
        "empty.csv": "file is empty",
        ".": "files are empty",
        "http://127.0.0.1:1/x.csv": "refuses connections",
        "http://no-such-host.invalid/x.csv": "not known (DNS)",
        "nonsense://x.csv": "nonsense",
    }.items():
        with pytest.raises(RepositoryError, match=re.escape(message)) as caught:
            get(address, tmp_path)
        assert caught.value.where == address


def test_the_query_and_the_login_of_an_address_are_not_shown() -> None:
    assert shown_address("https://me:pass@host.org:8443/a/b.csv?sig=1#x") == "https://host.org:8443/a/b.csv"
    assert shown_address("data/a?b.csv") == "data/a?b.csv"


def write(root: Path, **source: object) -> None:
    (root / "data").mkdir()
    document = {"version": 1, "sources": {"wine": {"address": "x.csv", "target": "q", "task": "regression", **source}}}
    (root / "data" / "sources.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def test_an_unknown_source_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path)
    assert load_source(tmp_path, "wine").target == "q"
    with pytest.raises(ConfigurationError, match=r"no source 'wien'. Did you mean 'wine'") as caught:
        load_source(tmp_path, "wien")
    assert caught.value.where == "data/sources.yaml:2"


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ({"tagret": "q"}, "data/sources.yaml:7"),
        ({"task": "clustering"}, "data/sources.yaml:6"),
        ({"minimum_rows": 0}, "data/sources.yaml:7"),
        ({"columns": {"a": "number"}}, "data/sources.yaml:8"),
        ({"columns": {"q": "numeric"}}, "data/sources.yaml:8"),
        ({"separator": "::"}, "data/sources.yaml:7"),
        ({"encoding": "klingon"}, "data/sources.yaml:7"),
        ({"positive": "good"}, "data/sources.yaml:7"),  # of a regression
        ({"task": "binary", "positive": ["a", "b"]}, "data/sources.yaml:7"),
    ],
)
def test_a_mistake_in_the_file_names_its_line(tmp_path: Path, source: dict[str, object], where: str) -> None:
    write(tmp_path, **source)
    with pytest.raises(ConfigurationError) as caught:
        load_source(tmp_path, "wine")
    assert caught.value.where == where
    assert " Also " not in caught.value.message, "one mistake is told once"


@pytest.mark.parametrize("separator", ["ab", '"', "\n"])
def test_a_separator_that_cannot_be_is_refused(separator: str) -> None:
    source = Source(address="x.csv", target="q", task="regression", separator=separator)
    with pytest.raises(ConfigurationError, match="cannot separate"):
        source.separator_character()
