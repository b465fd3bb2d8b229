"""Data sources: ``data/sources.yaml``, and how their data is fetched; ``helpers.data`` knows the kinds of addresses."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator

from helpers.data.credentials import credential_in, variable_prefix
from helpers.data.limits import bytes_of, refuse_age
from helpers.data.place import TIMEOUT_SECONDS, Fetched, shown_address
from helpers.data.places import kind_of, place_of
from helpers.documents import Document, did_you_mean, read_document, validate
from helpers.errors import ConfigurationError
from helpers.records import Task

__all__ = ["Fetched", "Source", "Sources", "fetch", "load_source", "load_sources", "shown_address"]

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


class Source(BaseModel):
    """One data source, as a person describes it in ``data/sources.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(
        min_length=1,
        description="A path (relative to the repository's root), or an address: http(s), s3, postgresql, mysql, "
        "git+https, dvc+https.",
    )
    format: Literal["auto", "csv", "parquet"] = Field(
        default="auto", description="How the data is written; 'auto' finds it out."
    )
    target: str = Field(min_length=1, description="The column to predict.")
    task: Task = Field(description="A number, one of two classes, or one of several.")
    positive: str | int | float | bool | None = Field(
        default=None, description="Of two classes, the one that counts as positive; empty: the one that sorts last."
    )
    separator: str = Field(default="auto", description="'auto', ',', ';', '|', 'tab' or another single character.")
    encoding: str = Field(default="auto", description="'auto' or a name that Python knows, such as utf-8 or latin-1.")
    decimal: Literal["auto", ".", ","] = Field(default="auto", description="The decimal mark of numbers in CSV files.")
    columns: dict[str, ColumnKind] = Field(
        default={}, description="Kinds that are declared instead of found; data that does not fit is an error."
    )
    minimum_rows: int = Field(default=20, ge=1, description="Fewer rows than this are an error.")
    maximum_age_days: float | None = Field(
        default=None, gt=0, description="Data whose newest part is older is an error."
    )
    date_column: str = Field(
        default="", description="The column that says how old a row is; empty: when the file or object was changed."
    )
    maximum_size: str | int | None = Field(default=None, description="More bytes are an error, for example 500 MB.")
    table: str = Field(default="", description="Of a database: the table, with its schema where that is not the usual.")
    query: str = Field(default="", description="Of a database: a SELECT, instead of a table.")
    endpoint: str = Field(default="", description="Of a store that is not Amazon's: its address.")
    region: str = Field(default="", description="Of a store: the bucket's region.")
    changes_by: str = Field(
        default="",
        description="What tells that the data changed: a column of a table, or a file of a folder, instead of all.",
    )

    _name: str = PrivateAttr(default="")

    @field_validator("positive", mode="before")
    @classmethod
    def _one_class(cls, value: object) -> object:
        if isinstance(value, list | dict):
            raise ValueError("this has to be one class")
        return value

    @property
    def name(self) -> str:
        """Its name in ``data/sources.yaml``: credentials are found by it."""
        return self._name

    def named(self, name: str) -> Source:
        """The same source, which knows its name."""
        self._name = name
        return self

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


def load_sources(root: Path) -> Sources:
    """Reads ``data/sources.yaml`` of a repository.

    Raises:
        ConfigurationError: It is not there or not valid; the error names the line.
    """
    document = _document(root)
    found = validate(document, Sources)
    for name, source in found.sources.items():
        _require_sense(document, name, source.named(name))
    return found


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
    return sources[name].named(name)


def fetch(
    source: Source,
    *,
    root: Path,
    to: Path,
    timeout: float = TIMEOUT_SECONDS,
    environ: Mapping[str, str] | None = None,
) -> Fetched:
    """Brings the data of a source to a file and takes its fingerprint on the way.

    Args:
        source: What to fetch.
        root: What a relative path is relative to.
        to: The file that is written.
        timeout: Seconds that the other side may be silent.
        environ: Where credentials come from; the environment of the process when left out.

    Raises:
        DataError: It is not there, cannot be read, is empty, or is a web page instead of data.
        AccessError: A login or a permission is missing or refused.
    """
    refuse_credential(source)
    variables = os.environ if environ is None else environ
    place = place_of(source, name=source.name, root=root, environ=variables, timeout=timeout)
    if source.maximum_age_days is not None and not source.date_column:
        refuse_age(source, place.state().modified, shown_address(source.address))
    return place.fetch(to)


def refuse_credential(source: Source) -> None:
    """Refuses a credential in an address: the file is committed, and everybody who reads it could use it.

    Raises:
        ConfigurationError: There is one; the message does not show it.
    """
    for key, address in (("address", source.address), ("endpoint", source.endpoint)):
        if found := credential_in(address):
            prefix = variable_prefix(source.name or "<source>")
            raise ConfigurationError(
                f"'{key}' holds {found}.",
                where=SOURCES_FILE.as_posix(),
                hint=f"Remove it (and make it invalid: it has been seen), and set {_variables(source, prefix)} "
                "instead: in .env here, and as a secret of the branch's environment.",
            )


def _variables(source: Source, prefix: str) -> str:
    login = f"{prefix}USERNAME and {prefix}PASSWORD"
    match kind_of(source.address):
        case "s3":
            return f"{prefix}ACCESS_KEY and {prefix}SECRET_KEY"
        case "sql":
            return login
        case _:
            return f"{prefix}TOKEN, or {login},"


def _document(root: Path) -> Document:
    return read_document(root / SOURCES_FILE, root=root)


def _require_sense(document: Document, name: str, source: Source) -> None:
    """Refuses what reading the data would refuse in the end, while the line is still known."""
    checks: dict[str, Callable[[], object]] = {
        "separator": source.separator_character,
        "encoding": source.codec,
        "address": lambda: refuse_credential(source.named(name)),
        "maximum_size": lambda: _require_size(source),
    }
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
    if source.positive is not None and source.task != "binary":
        raise document.error(
            ("sources", name, "positive"),
            f"'positive' is for the task binary; the task is {source.task}.",
            hint="Remove it, or declare 'task: binary' when the target holds two classes.",
        )
    for key, message, hint in _of_another_kind(source):
        raise document.error(("sources", name, key), message, hint=hint)


def _require_size(source: Source) -> None:
    try:
        bytes_of(source.maximum_size or 0)
    except ValueError as error:
        raise ConfigurationError(f"{error}.", hint="Write for example 500 MB.") from error


def _of_another_kind(source: Source) -> list[tuple[str, str, str]]:
    """Settings that mean nothing for this kind of address."""
    kind, found = kind_of(source.address), []
    if kind == "sql":
        if bool(source.table) == bool(source.query):
            found.append(("address", "A database needs a 'table' or a 'query', and not both.", "Add one of them."))
        if source.format != "auto":
            found.append(("format", "A table of a database is no file.", "Remove 'format'."))
    else:
        foreign = [key for key in ("table", "query") if getattr(source, key)]
        found += [(key, f"'{key}' is for databases; this address is none.", "Remove it.") for key in foreign]
    if kind not in ("s3", "dvc"):
        foreign = [key for key in ("endpoint", "region") if getattr(source, key)]
        found += [(key, f"'{key}' is for addresses that begin with s3://.", "Remove it.") for key in foreign]
    return found
