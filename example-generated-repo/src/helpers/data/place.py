"""What every kind of source can do: tell its state without reading it, be read, and be read in part."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.data.credentials import Credentials, find_credentials
from helpers.errors import DataError

if TYPE_CHECKING:
    from helpers.sources import Source

TIMEOUT_SECONDS = 60.0
"""How long the other side may be silent while data is read."""

CHEAP_BYTES = 64 << 20
"""What is not larger is read whole where its content has to be known without a training."""

_CHUNK = 1 << 20
_WEB_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|\?xml[^>]*>\s*<!doctype html)", re.IGNORECASE
)
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be reached, and with what.

    Attributes:
        source: What is declared.
        name: Its name in ``data/sources.yaml``.
        root: The repository.
        environ: The environment that credentials come from.
        timeout: Seconds that the other side may be silent.
        patience: Seconds that one question may take a server to answer; None for a training, which waits.
    """

    source: Source
    name: str
    root: Path
    environ: Mapping[str, str] = field(repr=False)
    timeout: float = TIMEOUT_SECONDS
    patience: float | None = None

    @property
    def address(self) -> str:
        """The address as declared."""
        return self.source.address

    @property
    def connect_timeout(self) -> float:
        """Seconds that a connection may take."""
        return min(self.timeout, 10.0)

    def credentials(self) -> Credentials:
        """The credentials that are set for the source."""
        return find_credentials(self.name, self.environ)


@dataclass(frozen=True, kw_only=True)
class State:
    """A source as it is now, as far as it tells without being read.

    Attributes:
        revision: Changes when the data changes; empty when the source tells nothing of the kind.
        size: Its bytes, where they are known.
        rows: Its rows, where they are known.
        files: How many files or objects it is.
        modified: When it was changed last, where that is known.
        newest: The newest value of the column with the date, where the source computes it.
        whole: Whether all of it was looked at; if not, there is at least as much as is said.
        note: What a person wants to know of it.
    """

    revision: str
    size: int | None = None
    rows: int | None = None
    files: int = 1
    modified: datetime | None = None
    newest: datetime | None = None
    whole: bool = True
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """The data of a source, brought to a file of this machine.

    Attributes:
        path: Where it lies now.
        address: Where it came from, without credentials.
        fingerprint: ``sha256:`` and the digest of what was read.
        size: Number of bytes.
        revision: What the source said of its state.
    """

    path: Path
    address: str
    fingerprint: str
    size: int
    revision: str = ""


class Place(ABC):
    """One source, ready to be asked."""

    @abstractmethod
    def state(self) -> State:
        """Asks for the state, without reading the data."""

    @abstractmethod
    def fetch(self, to: Path) -> Fetched:
        """Brings all of it to a file."""

    @abstractmethod
    def sample(self, to: Path, limit: int) -> bool:
        """Brings at most about ``limit`` bytes to a file, whole rows with the header; whether that is all of it."""

    def facts(self) -> State:
        """What can be said within seconds, however much there is."""
        return self.state()

    def content(self) -> str:
        """The fingerprint of the content where it costs little to know; empty where the revision says it all."""
        return ""

    def end(self, count: int) -> bytes:  # noqa: ARG002 - those that can need it
        """The last bytes of a single file; nothing where they cannot be had without the rest."""
        return b""


def shown_address(address: str) -> str:
    """The address without a user name, a password or a query, which may hold a token."""
    from urllib.parse import urlsplit, urlunsplit

    if "://" not in address:
        return address
    try:
        parts = urlsplit(address)
    except ValueError:
        return re.sub(r"//[^/@]*@", "//", address.split("?")[0])
    host = parts.netloc.rpartition("@")[2]
    fragment = parts.fragment if "+" in parts.scheme else ""
    return urlunsplit((parts.scheme, host, parts.path, "", fragment))


def write_chunks(
    chunks: Iterable[bytes],
    to: Path,
    address: str,
    *,
    limit: int | None = None,
    check: Callable[[int], None] | None = None,
) -> tuple[str, int]:
    """Writes bytes to a file and takes their fingerprint on the way.

    Args:
        chunks: The bytes.
        to: The file.
        address: How errors name their origin.
        limit: How many bytes are enough.
        check: Told the number of bytes so far; raises when there are too many.

    Returns:
        The fingerprint and the number of bytes.

    Raises:
        DataError: There are none, or they are a web page or a pointer instead of data.
    """
    digest, size, head = hashlib.sha256(), 0, b""
    to.parent.mkdir(parents=True, exist_ok=True)
    with to.open("wb") as outgoing:
        for whole_chunk in chunks:
            chunk = whole_chunk if limit is None else whole_chunk[: limit - size]
            if len(head) < 1024:
                head += chunk[:1024]
            digest.update(chunk)
            size += len(chunk)
            outgoing.write(chunk)
            if check is not None:
                check(size)
            if limit is not None and size >= limit:
                break
    if not size:
        raise DataError("The file is empty.", where=address)
    refuse_stand_ins(head, address)
    return f"sha256:{digest.hexdigest()}", size


def refuse_stand_ins(head: bytes, address: str) -> None:
    """Refuses what is served or committed in the place of data.

    Raises:
        DataError: It is a web page, or a pointer to data elsewhere.
    """
    if _WEB_PAGE.match(head):
        raise DataError(
            "This is a web page, not data.",
            where=address,
            hint="Use the address of the file itself (often called 'raw' or 'download'); it may ask for a login.",
        )
    if head.startswith(_LFS_POINTER):
        raise DataError(
            "This is a pointer of Git LFS, not the data.",
            where=address,
            hint="Fetch the data where it is read (git lfs pull; 'lfs: true' of the checkout in a workflow).",
        )


def fingerprint_of(chunks: Iterable[bytes]) -> str:
    """The fingerprint of bytes that are not kept."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def file_chunks(path: Path) -> Iterable[bytes]:
    """The bytes of a file."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def digest_of(lines: Iterable[str]) -> str:
    """The digest of a listing, a line for each file."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8", "surrogateescape"))
        digest.update(b"\n")
    return f"sha256:{digest.hexdigest()}"


def cut_at_line(path: Path) -> None:
    """Removes the last, broken line of a text that was cut; a text of one line stays."""
    content = path.read_bytes()
    end = content.rfind(b"\n")
    if end > 0 and not content.startswith((b"PAR1", b"\x1f\x8b")):
        path.write_bytes(content[: end + 1])
