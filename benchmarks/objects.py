"""A store of objects that is only as large as it says: it lists any number of them, a thousand a page, and holds none.

``python -m benchmarks.objects PORT_FILE``. ``objects-10000-a`` is a bucket of 10,000 objects; ``POST /touch/BUCKET``
changes the one in the middle. Pages are made as they are asked for, which costs about as much as reading them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

PAGE = 1000
_HEAD = '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'


class Store(BaseHTTPRequestHandler):
    """Answers ListObjectsV2, and what clients ask to find out what a name is."""

    protocol_version = "HTTP/1.1"
    touched: dict[str, int] = {}  # noqa: RUF012 - the state of the whole server
    wbufsize = -1

    def do_GET(self) -> None:
        """A page of a listing."""
        parts = urlsplit(self.path)
        bucket, _, key = parts.path.strip("/").partition("/")
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if key.endswith("_DONE"):
            self._answer(200, b"1", {"ETag": '"1"', "Last-Modified": "Sun, 01 Nov 2026 12:00:00 GMT"})
            return
        if key or not bucket.startswith("objects-") or "versioning" in query:
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
            return
        self._answer(200, page(bucket, query, touched=self.touched.get(bucket, 0)).encode())

    def do_POST(self) -> None:
        """Changes an object."""
        bucket = self.path.rpartition("/")[2]
        self.touched[bucket] = self.touched.get(bucket, 0) + 1
        self._answer(200, b"")

    def do_HEAD(self) -> None:
        """No name below a bucket is an object of its own."""
        self._answer(404 if self.path.strip("/").count("/") else 200, b"")

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Says nothing."""


def page(bucket: str, query: Mapping[str, str], *, touched: int) -> str:
    """A page of the listing of a bucket whose middle object was changed so many times."""
    total = int(bucket.split("-")[1])
    prefix = query.get("prefix", "")
    name = f"<Name>{bucket}</Name><Prefix>{prefix}</Prefix><MaxKeys>{PAGE}</MaxKeys>"
    if query.get("delimiter") and not prefix.startswith("data/"):
        found = "<CommonPrefixes><Prefix>data/</Prefix></CommonPrefixes>" if "data/".startswith(prefix) else ""
        return f"{_HEAD}{name}<KeyCount>1</KeyCount><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
    first = int(query.get("continuation-token") or 0)
    last = min(first + min(PAGE, int(query.get("max-keys", PAGE))), total)
    middle, count = total // 2, touched
    entries = "".join(
        f"<Contents><Key>data/part-{n:09}.csv</Key><LastModified>2026-11-01T12:00:00.000Z</LastModified>"
        f"<ETag>&quot;{n + (count << 40 if n == middle else 0):032x}&quot;</ETag><Size>1024</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for n in range(first, last)
    )
    more = f"<NextContinuationToken>{last}</NextContinuationToken>" if last < total else ""
    truncated = f"<IsTruncated>{str(last < total).lower()}</IsTruncated>{more}"
    return f"{_HEAD}{name}<KeyCount>{last - first}</KeyCount>{truncated}{entries}</ListBucketResult>"


def main() -> None:
    """Serves until it is ended; the port stands in the file that is named."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    server.daemon_threads = True
    Path(sys.argv[1]).write_text(str(server.server_port), encoding="utf-8")
    server.serve_forever()


if __name__ == "__main__":
    main()
