"""Many files of the same columns as one file: CSV text with one header, or Parquet."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from helpers.data.place import refuse_stand_ins
from helpers.errors import DataError

if TYPE_CHECKING:
    from helpers.sources import Source

Named = tuple[str, Path]
_BOM = b"\xef\xbb\xbf"


def combine(files: Sequence[Named], source: Source, to: Path, shown: str) -> None:
    """Writes the rows of all files to one file.

    Args:
        files: The name of each in errors, and where it lies.
        source: What is declared about them.
        to: The file that is written.
        shown: How errors name the folder.

    Raises:
        DataError: They are not of one kind, or do not have the same columns.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    kinds = {_kind(path) for _, path in files}
    if kinds == {"parquet"}:
        _combine_parquet(files, to, shown)
    elif "parquet" in kinds:
        raise DataError(
            "The folder holds Parquet files beside others.",
            where=shown,
            hint="Name the files with a pattern, for example 'data/*.parquet'.",
        )
    else:
        with to.open("wb") as outgoing:
            _combine_text(files, source, outgoing, shown)
        if not to.stat().st_size:
            raise DataError("All files are empty.", where=shown)


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        return "parquet" if file.read(4) == b"PAR1" else "text"


def _combine_text(files: Sequence[Named], source: Source, outgoing: BinaryIO, shown: str) -> None:
    """Appends the bytes below equal headers; a file that is written otherwise is taken apart and put together anew."""
    header = b""
    if source.encoding != "auto" and source.codec().startswith(("utf-16", "utf-32", "utf_16", "utf_32")):
        raise DataError(
            "Many files of this encoding cannot be put together.", where=shown, hint="Use 'encoding: auto'."
        )
    for name, path in files:
        content = _content(path, name, source, shown)
        first, rest = _first_line(content)
        if not header:
            header, start = first, content.removeprefix(_BOM)
        elif first == header:
            start = rest
        else:
            start = _like_the_first(content, header, source, name, shown)
        outgoing.write(start)
        if start and not start.endswith(b"\n"):
            outgoing.write(b"\n")


def _content(path: Path, name: str, source: Source, shown: str) -> bytes:
    """The unpacked bytes; UTF-8 where no encoding is declared."""
    from helpers.reading import decode

    where, content = f"{shown} ({name})", path.read_bytes()
    refuse_stand_ins(content[:1024], where)
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise DataError(f"The compressed file is damaged: {error}.", where=where) from error
    if source.encoding != "auto":
        return content
    text, encoding = decode(content, source, where)
    return content if encoding in ("utf-8", "utf-8-sig") else text.encode("utf-8")


def _first_line(content: bytes) -> tuple[bytes, bytes]:
    first, _, rest = content.removeprefix(_BOM).partition(b"\n")
    return first.rstrip(b"\r"), rest


def _like_the_first(content: bytes, header: bytes, source: Source, name: str, shown: str) -> bytes:
    """The rows of a file in the order, the separator and the encoding of the first one."""
    from helpers.reading import decode, find_separator

    where = f"{shown} ({name})"
    first_text, encoding = decode(header, source, shown)
    text, _ = decode(content, source, where)
    if not text.strip():
        return b""
    separator = source.separator_character() or find_separator(first_text)
    own = source.separator_character() or find_separator(text)
    columns = _cells(first_text, separator)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=own)
    names = [cell.strip() for cell in next(rows)]
    if sorted(names) != sorted(columns):
        missing = [column for column in columns if column not in names]
        more = [column for column in names if column not in columns]
        told = [f"misses {', '.join(map(repr, missing))}"] if missing else []
        told += [f"has {', '.join(map(repr, more))} besides"] if more else []
        raise DataError(
            f"The columns of '{name}' are not those of the first file: it {' and '.join(told) or 'repeats some'}.",
            where=shown,
            hint="All files of a folder have to be parts of one table; a pattern such as 'data/2026-*.csv' names some.",
        )
    order = [names.index(column) for column in columns]
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator, lineterminator="\n")
    for number, row in enumerate(rows, 2):
        if row and len(row) != len(names):
            raise DataError(
                f"Row {number} has {len(row)} values; the header names {len(names)}.", where=where, hint="Look at it."
            )
        if row:
            writer.writerow([row[position] for position in order])
    return written.getvalue().encode(encoding if encoding != "utf-8-sig" else "utf-8")


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]


def _combine_parquet(files: Sequence[Named], to: Path, shown: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables: list[pa.Table] = []
    for name, path in files:
        try:
            table = pq.read_table(path, use_threads=False)
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"The file '{name}' is not readable Parquet: {reason}", where=shown) from error
        if tables and sorted(table.column_names) != sorted(tables[0].column_names):
            raise DataError(
                f"The file '{name}' does not have the columns of the first file.",
                where=shown,
                hint="All files of a folder have to be parts of one table.",
            )
        tables.append(table.select(tables[0].column_names) if tables else table)
    try:
        pq.write_table(pa.concat_tables(tables, promote_options="permissive"), to)
    except pa.ArrowException as error:
        raise DataError(
            f"The files hold different kinds of values: {str(error).splitlines()[0]}", where=shown
        ) from error
