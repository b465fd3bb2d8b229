"""From the bytes of a CSV or Parquet file to a table of text or typed columns: encoding, separator, header."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.errors import DataError
from helpers.sources import Source

MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "None", "<NA>", "#N/A", "#NA", "?"]
"""Text that means that a value is missing."""

_CANDIDATES = (",", ";", "\t", "|")
_SAMPLE_LINES = 60
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How the files of spreadsheet programs begin: zip archives, and the older ones."""
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """A table as the file has it.

    Attributes:
        frame: The columns; of a CSV file they are all text, with missing values told apart.
        separator: What separates the columns; empty for Parquet.
        notes: What was found out or repaired on the way.
    """

    frame: pd.DataFrame
    separator: str
    notes: list[str]


def read_table(path: Path, source: Source, address: str) -> RawTable:
    """Reads a CSV or Parquet file.

    Args:
        path: Where the bytes are.
        source: What is declared about them.
        address: How errors name the file.

    Raises:
        DataError: The file cannot be read as a table.
        ConfigurationError: What is declared about it is not valid.
    """
    content = path.read_bytes()
    notes: list[str] = []
    if content.startswith(b"\x1f\x8b"):
        content = _unpack(content, address)
        notes.append("The file is compressed with gzip.")
    is_parquet = content.startswith(b"PAR1") and (content.endswith(b"PAR1") or b"\x00" in content[:4096])
    if source.format == "parquet" or (source.format == "auto" and is_parquet):
        raw = RawTable(frame=_read_parquet(content, address), separator="", notes=notes)
    elif is_parquet:
        raise DataError(
            "This is a Parquet file, but 'format: csv' is declared.", where=address, hint="Use 'format: auto'."
        )
    else:
        raw = _read_csv(content, source, address, notes)
    _require_columns(raw, address)
    return raw


def _unpack(content: bytes, address: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise DataError(f"The compressed file is damaged: {error}.", where=address) from error


def _read_parquet(content: bytes, address: str) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(content), use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"This is not a readable Parquet file: {reason}", where=address, hint="Look at 'format'."
        ) from error
    _refuse_duplicates([str(name) for name in table.column_names], address)
    frame: pd.DataFrame = table.to_pandas(use_threads=False, ignore_metadata=False).reset_index(drop=True)
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    return frame


def _read_csv(content: bytes, source: Source, address: str, notes: list[str]) -> RawTable:
    if content.startswith(_WORKBOOKS):
        raise DataError("This is a workbook or an archive, not text.", where=address, hint="Save the sheet as CSV.")
    text, encoding = decode(content, source, address)
    if encoding not in ("utf-8", "utf-8-sig") and source.encoding == "auto":
        notes.append(f"The file is not UTF-8; it was read as {encoding}.")
    if not text.strip():
        raise DataError("The file is empty.", where=address)
    if "\x00" in text:
        raise DataError("The file holds binary data, not text.", where=address, hint="Use a CSV or Parquet file.")
    if re.match(r"\s*(?:\{\s*\"|\[\s*[\[{])", text):
        raise DataError("This is JSON, not a table.", where=address, hint="Use a CSV or Parquet file.")
    separator = source.separator_character() or find_separator(text)
    header = _header(text, separator, address)
    _refuse_duplicates([name for name in header if name], address)
    names = [name or f"unnamed column {number}" for number, name in enumerate(header, 1)]
    frame = _parse(text, separator, names, address, source.target)
    frame = _target_missing(frame, source.target, notes)
    if source.separator == "auto" and separator != ",":
        notes.append(f"Columns are separated by {'a tab' if separator == chr(9) else repr(separator)}.")
    return RawTable(frame=frame, separator=separator, notes=notes)


def _parse(text: str, separator: str, names: list[str], address: str, target: str) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "error", pd.errors.ParserWarning
            )  # rows with more fields than names: never cut silently
            frame = pd.read_csv(
                io.StringIO(text),
                sep=separator,
                header=0,
                names=names,
                index_col=False,
                dtype="str",
                keep_default_na=False,
                na_values={name: [""] if name == target else MISSING for name in names},
                skipinitialspace=separator not in ("\t", " "),
            )
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"Lines have more columns than the header, which names {len(names)}.",
            where=address,
            hint="Look at the header and at the end of the lines, or set 'separator' in data/sources.yaml.",
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = str(error).replace("Error tokenizing data. C error: ", "").strip().splitlines()[0]
        raise DataError(
            f"The lines do not all have the columns of the header: {reason.rstrip('.')}.",
            where=address,
            hint="Look at the line, or set 'separator' in data/sources.yaml.",
        ) from error
    stripped: pd.DataFrame = frame.apply(lambda column: column.str.strip().replace("", None))
    return stripped


def _target_missing(frame: pd.DataFrame, target: str, notes: list[str]) -> pd.DataFrame:
    """Text that stands for a missing target is told: 'None' may as well have been meant as a class."""
    if target not in frame.columns:
        return frame
    words = frame[target].isin([word for word in MISSING if word])
    if words.any():
        shown = ", ".join(f"{word!r} ({count})" for word, count in frame.loc[words, target].value_counts().items())
        notes.append(f"The target '{target}' is taken as missing where it holds {shown}.")
    return frame.assign(**{target: frame[target].mask(words)})


def decode(content: bytes, source: Source, address: str) -> tuple[str, str]:
    """The text of a CSV file and its encoding: the declared one, or one that fits.

    Raises:
        DataError: It is not text of the declared encoding.
    """
    if source.encoding != "auto":
        encoding = source.codec()
        try:
            return content.decode("utf-8-sig" if encoding == "utf-8" else encoding), encoding
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise DataError(
                f"Line {line} is not {source.encoding} text.", where=address, hint="Use 'encoding: auto'."
            ) from error
    for encoding in _encodings(content):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1"), "latin-1"


def _encodings(content: bytes) -> list[str]:
    """The encodings worth trying, surest first; latin-1 takes everything and so comes last."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return [encoding]
    sample = content[:4096]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > len(sample) // 5 and min(even, odd) < len(sample) // 50 + 1:
        return ["utf-16-be" if even > odd else "utf-16-le"]
    return ["utf-8", "cp1252"]


def find_separator(text: str) -> str:
    """The separator that splits the header and the first lines into the most columns of the same number."""
    best, best_columns = ",", 1
    lines = [line for line in text[: 1 << 18].splitlines() if line.strip()][:_SAMPLE_LINES]
    for candidate in _CANDIDATES:
        rows = list(csv.reader(lines, delimiter=candidate))
        width = len(rows[0]) if rows else 0
        usual = Counter(len(row) for row in rows[1:]).most_common(1)
        agreeing = sum(len(row) == width for row in rows) / max(len(rows), 1)
        if width > best_columns and agreeing >= 0.8 and (not usual or usual[0][0] == width):
            best, best_columns = candidate, width
    return best


def _header(text: str, separator: str, address: str) -> list[str]:
    try:
        rows = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=separator not in ("\t", " "))
        return [name.strip() for name in next(row for row in rows if any(cell.strip() for cell in row))]
    except (csv.Error, StopIteration) as error:
        raise DataError(f"The header cannot be read: {error or 'there is none'}.", where=address) from error


def _refuse_duplicates(names: list[str], address: str) -> None:
    twice = [name for name, count in Counter(name.strip() for name in names).items() if count > 1]
    if twice:
        raise DataError(
            f"Column names stand more than once in the header: {', '.join(repr(name) for name in twice)}.",
            where=address,
            hint="Give every column its own name.",
        )


def _require_columns(raw: RawTable, address: str) -> None:
    if len(raw.frame.columns) < 2:
        name = str(raw.frame.columns[0]) if len(raw.frame.columns) else ""
        shown = name if len(name) <= 60 else name[:57] + "..."
        raise DataError(
            f"There is only one column, '{shown}'.",
            where=address,
            hint="If this is several columns, set 'separator' in data/sources.yaml (',', ';', 'tab' or '|').",
        )
