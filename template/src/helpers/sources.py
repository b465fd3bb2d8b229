"""Data sources: ``data/sources.yaml``, and how the bytes behind an address are fetched.

Addresses are opened with fsspec, so that a local path, http(s) and, with the driver installed, a bucket are the same.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field

from helpers.documents import Document, did_you_mean, read_document, validate
from helpers.errors import ConfigurationError, DataError
from helpers.records import Task

ColumnKind = Literal["numeric", "categorical", "ignore"]

SOURCES_FILE = Path("data") / "sources.yaml"
SEPARATORS = {
    "auto": "",
    ",": ",",
    ";": ";",
    "|": "|",
    "\t": "\t",
    "tab": "\t",
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
}
TIMEOUT_SECONDS = 60.0
"""How long an address may be silent."""

_CHUNK = 1 << 20


class Source(BaseModel):
    """One data source, as a person describes it in ``data/sources.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(min_length=1, description="A path (relative to the repository's root) or an http(s) address.")
    format: Literal["auto", "csv", "parquet"] = "auto"
    target: str = Field(min_length=1, description="The column to predict.")
    task: Task
    separator: str = Field(default="auto", description="'auto', ',', ';', '|', 'tab' or another single character.")
    encoding: str = Field(default="auto", description="'auto' or a name that Python knows, such as utf-8 or latin-1.")
    decimal: Literal["auto", ".", ","] = Field(default="auto", description="The decimal mark of numbers in CSV files.")
    columns: dict[str, ColumnKind] = Field(
        default={}, description="Kinds that are declared instead of found; data that does not fit is an error."
    )
    minimum_rows: int = Field(default=20, ge=1, description="Fewer rows than this are an error.")

    def separator_character(self) -> str:
        """The declared separator; empty when it has to be found."""
        character = SEPARATORS.get(self.separator, self.separator)
        if len(character) > 1 or character in ('"', "\n", "\r"):
            raise ConfigurationError(
                f"'{self.separator}' cannot separate columns.",
                where=f"{SOURCES_FILE.as_posix()}: separator",
                hint="Use auto, tab or a single character such as ';'.",
            )
        return character

    def codec(self) -> str:
        """Python's name of the declared encoding; ``auto`` when it has to be found."""
        if self.encoding == "auto":
            return self.encoding
        try:
            return codecs.lookup(self.encoding).name
        except LookupError as error:
            raise ConfigurationError(
                f"Python knows no encoding '{self.encoding}'.",
                where=f"{SOURCES_FILE.as_posix()}: encoding",
                hint="Use auto, or for example utf-8, latin-1, cp1252 or utf-16.",
            ) from error


class Sources(BaseModel):
    """``data/sources.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    sources: dict[str, Source] = Field(min_length=1)


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """The bytes of a source, brought to a file of this machine.

    Attributes:
        path: Where they lie now.
        address: Where they came from, without credentials.
        fingerprint: ``sha256:`` and the digest of the bytes.
        size: Number of bytes.
    """

    path: Path
    address: str
    fingerprint: str
    size: int


def load_sources(root: Path) -> Sources:
    """Reads ``data/sources.yaml`` of a repository.

    Raises:
        ConfigurationError: It is not there or not valid; the error names the line.
    """
    return validate(_document(root), Sources)


def load_source(root: Path, name: str) -> Source:
    """One source of ``data/sources.yaml`` by its name.

    Raises:
        ConfigurationError: The file is not valid, or there is no such source.
    """
    document = _document(root)
    sources = validate(document, Sources).sources
    if name not in sources:
        raise document.error(("sources",), f"There is no source '{name}'.", hint=did_you_mean(name, sources))
    _require_sense(document, name, sources[name])
    return sources[name]


def fetch(source: Source, *, root: Path, to: Path, timeout: float = TIMEOUT_SECONDS) -> Fetched:
    """Brings the bytes of a source to a file and takes their fingerprint on the way.

    Args:
        source: What to fetch.
        root: What a relative path is relative to.
        to: The file that is written.
        timeout: Seconds that the other side may be silent.

    Raises:
        DataError: It is not there, cannot be read, is empty, or is a web page instead of data.
    """
    address = shown_address(source.address)
    digest, size, head = hashlib.sha256(), 0, b""
    to.parent.mkdir(parents=True, exist_ok=True)
    with _translated(address), _open(source.address, root, timeout) as incoming, to.open("wb") as outgoing:
        while chunk := incoming.read(_CHUNK):
            head = head or chunk[:1024]
            digest.update(chunk)
            size += len(chunk)
            outgoing.write(chunk)
    if not size:
        raise DataError("The file is empty.", where=address)
    if re.match(
        rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|\?xml[^>]*>\s*<!doctype html)", head, re.IGNORECASE
    ):
        raise DataError(
            "This is a web page, not data.",
            where=address,
            hint="Use the address of the file itself (often called 'raw' or 'download'); it may ask for a login.",
        )
    return Fetched(path=to, address=address, fingerprint=f"sha256:{digest.hexdigest()}", size=size)


def shown_address(address: str) -> str:
    """The address without a user name, a password or a query, which may hold a token."""
    if not _is_remote(address):
        return address
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _document(root: Path) -> Document:
    return read_document(root / SOURCES_FILE, root=root)


def _require_sense(document: Document, name: str, source: Source) -> None:
    """Refuses what reading the data would refuse in the end, while the line is still known."""
    checks: dict[str, Callable[[], object]] = {"separator": source.separator_character, "encoding": source.codec}
    for key, check in checks.items():
        try:
            check()
        except ConfigurationError as error:
            raise document.error(("sources", name, key), error.message, hint=error.hint) from error
    if source.target in source.columns:
        raise document.error(
            ("sources", name, "columns", source.target),
            f"The target '{source.target}' is declared as a column too.",
            hint="Remove it from 'columns'; 'task' says what the target holds.",
        )


def _is_remote(address: str) -> bool:
    return "://" in address


@contextmanager
def _open(address: str, root: Path, timeout: float) -> Iterator[Any]:
    if not _is_remote(address):
        with (root / Path(address).expanduser()).open("rb") as file:
            yield file
        return
    import fsspec

    options: dict[str, Any] = {}
    if address.startswith(("http://", "https://")):
        import aiohttp

        limits = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)
        # block_size=0 streams: no range requests, which many servers refuse. trust_env honours proxies and .netrc.
        options = {
            "client_kwargs": {"timeout": limits, "trust_env": True},
            "block_size": 0,
            "skip_instance_cache": True,
        }
    with fsspec.open(address, "rb", **options) as file:
        yield file


@contextmanager
def _translated(address: str) -> Iterator[None]:
    """Turns what the operating system, fsspec and aiohttp raise into errors that name the address and the next step."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        # fsspec hides the reason, a refused login for example, behind a FileNotFoundError.
        reason = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ is not None else error
        message, hint = _explain(reason, remote=_is_remote(address))
        if not message:
            raise
        raise DataError(message, where=address, hint=hint) from error


def _explain(error: BaseException, *, remote: bool) -> tuple[str, str]:
    """What happened and the next step; empty for an error that is a mistake in this code."""
    again = "Look at the address and the network, and try again."
    status = getattr(error, "status", None)
    if isinstance(status, int):
        phrase = str(getattr(error, "message", ""))
        hint = "The address needs a login or a permission." if status in (401, 403) else again
        return f"The server answered {status} {phrase}".rstrip() + ".", hint
    if isinstance(error, FileNotFoundError) and not remote:
        hint = (
            f"Correct 'address' in {SOURCES_FILE.as_posix()}; paths are relative to the root of the repository. "
            "A push trains what is committed: is the file?"
        )
        return "The file does not exist.", hint
    if isinstance(error, FileNotFoundError):
        return "The server has no such file (404).", "Correct the address."
    if isinstance(error, IsADirectoryError):
        return "This is a folder, not a file.", "Name one file."
    if isinstance(error, PermissionError):
        return "There is no permission to read it.", ""
    if isinstance(error, TimeoutError):
        return "The server did not answer in time.", "Try again later."
    if isinstance(error, ImportError | ValueError) and not type(error).__module__.startswith("aiohttp"):
        hint = "Install the driver that fsspec names (make add PKG=...), or use a path or an http(s) address."
        return f"Nothing here can read this kind of address: {error}.", hint
    if isinstance(error, OSError) or type(error).__module__.startswith("aiohttp"):
        return f"It cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}.", again
    return "", ""
