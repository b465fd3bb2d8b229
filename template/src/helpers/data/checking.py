"""What ``check`` says of a data source: reachable, readable, as declared, large and new enough. Called in a worker."""

from __future__ import annotations

import os
import tempfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.data.limits import newest_date, refuse_age, refuse_size, shown_size
from helpers.data.place import Place, State, cut_at_line, shown_address
from helpers.data.places import place_of
from helpers.errors import DataError
from helpers.findings import Finding, looking
from helpers.sources import SOURCES_FILE, Source, load_source

if TYPE_CHECKING:
    import pandas as pd

    from helpers.table import Table

TIMEOUT_SECONDS = 10.0
"""How long a server may be silent: a person waits."""

PATIENCE_SECONDS = 15.0
"""How long a database may take for one answer."""

END_BYTES = 4 << 20
"""What is read of the end of a large Parquet file."""

WHOLE_BYTES = 32 << 20
"""What is not larger is read whole; of the rest, the beginning has to do."""


def look(*, root: str, source: str) -> list[dict[str, Any]]:
    """Looks at one source."""
    findings: list[Finding] = []
    with looking(findings, f"data '{source}'", "data") as finding:
        declared = load_source(Path(root), source)
        _look(declared, Path(root), finding)
    return [asdict(finding) for finding in findings]


def sample_table(source: Source, root: Path, folder: Path, *, limit: int = WHOLE_BYTES) -> Table | None:
    """The table of a source, of a large one that of its beginning; None where a part of it cannot be read."""
    from helpers.table import prepare

    place = _place(source, root)
    path = folder / "data"
    whole = place.sample(path, limit)
    if not whole and not _readable(path):
        return None
    address = shown_address(source.address)
    plain = source.model_copy(update={"maximum_age_days": None, "minimum_rows": 1})
    return prepare(path, plain, name=source.name, address=address, fingerprint="")


def _look(source: Source, root: Path, finding: Finding) -> None:
    address = shown_address(source.address)
    place = _place(source, root)
    state = place.facts()
    refuse_size(source, state.size, address)
    notes = [] if source.date_column else _age_of_files(source, address, state)
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        path = Path(folder, "data")
        whole = place.sample(path, WHOLE_BYTES)
        if whole:
            refuse_size(source, path.stat().st_size, address)
            finding.message, more = _whole(source, path, address)
        else:
            finding.message, more = _beginning(source, path, address, state, place)
    finding.notes = [*_facts(state), *notes, *more]


def _place(source: Source, root: Path) -> Place:
    return place_of(
        source, name=source.name, root=root, environ=os.environ, timeout=TIMEOUT_SECONDS, patience=PATIENCE_SECONDS
    )


def _age_of_files(source: Source, address: str, state: State) -> list[str]:
    try:
        refuse_age(source, state.modified, address)
    except DataError:
        if state.whole:
            raise
        return ["What was looked at is older than declared; whether all of it is, training on it tells."]
    return []


def _whole(source: Source, path: Path, address: str) -> tuple[str, list[str]]:
    from helpers.table import prepare

    table = prepare(path, source, name=source.name, address=address, fingerprint="")
    features = "1 feature" if len(table.kinds) == 1 else f"{len(table.kinds)} features"
    positive = f", positive class '{table.labels[-1]}'" if table.task == "binary" else ""
    found = f"{table.record.rows} rows, {features}, target '{table.target}' ({table.task}{positive})"
    return found, list(table.record.notes)


def _beginning(source: Source, path: Path, address: str, state: State, place: Place) -> tuple[str, list[str]]:
    """What the first rows tell: the columns, and of numbers and dates what can be known without the rest."""
    from helpers.columns import look as look_at_column
    from helpers.reading import read_table
    from helpers.table import classes_seen, positive_last, require_declared

    size = "" if state.size is None else f" of {shown_size(state.size)}"
    if not _readable(path):
        return _parquet(source, path, address, state, place.end(END_BYTES))
    raw = read_table(path, source, address)
    require_declared(raw.frame, source, address)
    decimal = "." if source.decimal == "auto" and raw.separator in (",", "") else source.decimal
    for name, kind in source.columns.items():
        look_at_column(raw.frame[name], declared=kind, decimal=decimal, address=address)
    if source.positive is not None:
        positive_last(classes_seen(raw, source, address), source, address)
    if state.rows is not None:
        _require_rows(source, state.rows, address)
    exact = state.rows is not None and state.whole
    rows = f"{state.rows} rows" if exact else f"at least {state.rows or len(raw.frame)} rows"
    notes = [f"The first {len(raw.frame)} rows{size} were looked at; the rest is when it is trained on."]
    notes += _age(source, raw.frame, address, state)
    return f"{rows}, {len(raw.frame.columns)} columns, target '{source.target}' ({source.task})", notes


def _parquet(source: Source, path: Path, address: str, state: State, end: bytes) -> tuple[str, list[str]]:
    """What the end of a Parquet file tells, which is a directory of the rest: its rows and columns."""
    size = "" if state.size is None else f" of {shown_size(state.size)}"
    nothing = f"reachable{size}", ["Too large to be read here; its columns are looked at when it is trained on."]
    if state.size is None or not end.endswith(b"PAR1"):
        return nothing
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from helpers.table import require_declared

    with path.open("wb") as file:  # a file with a hole as large as what was not read
        file.write(b"PAR1")
        file.seek(state.size - len(end))
        file.write(end)
    try:
        found = pq.ParquetFile(path)
    except (pa.ArrowException, OSError):
        return nothing
    names = [str(name) for name in found.schema_arrow.names]
    require_declared(pd.DataFrame(columns=names), source, address)
    _require_rows(source, found.metadata.num_rows, address)
    notes = ["Its directory was looked at; the values are when it is trained on."]
    return f"{found.metadata.num_rows} rows, {len(names)} columns, target '{source.target}' ({source.task})", notes


def _require_rows(source: Source, rows: int, address: str) -> None:
    if rows < source.minimum_rows:
        raise DataError(
            f"There are only {rows} rows; at least {source.minimum_rows} are needed.",
            where=address,
            hint=f"Bring more data, or lower 'minimum_rows' in {SOURCES_FILE.as_posix()}.",
        )


def _age(source: Source, frame: pd.DataFrame, address: str, state: State) -> list[str]:
    if source.maximum_age_days is None or not source.date_column:
        return []
    if state.newest is not None:
        refuse_age(source, state.newest, address)
        return []
    try:
        refuse_age(source, newest_date(frame, source.date_column, address), address)
    except DataError as error:
        if "are allowed" not in error.message:
            raise
        return ["The first rows are older than declared; whether the last ones are, training on them tells."]
    return []


def _readable(path: Path) -> bool:
    """Makes a cut file one that can be read; whether that is possible."""
    with path.open("rb") as file:
        head = file.read(4)
        if head == b"PAR1":
            file.seek(-4, os.SEEK_END)
            return file.read() == b"PAR1"  # whole all the same: rows of a database, or the first ones of a file
    if head.startswith(b"\x1f\x8b"):
        unpacked = zlib.decompressobj(31).decompress(path.read_bytes(), WHOLE_BYTES)
        path.write_bytes(unpacked)
        cut_at_line(path)
    return True


def _facts(state: State) -> list[str]:
    facts = []
    if state.files != 1:
        facts.append(f"{'' if state.whole else 'at least '}{state.files} files")
    if state.size is not None:
        facts.append(shown_size(state.size))
    if state.modified is not None:
        facts.append(f"changed {state.modified:%Y-%m-%d %H:%M} {state.modified.tzname() or ''}".strip())
    told = [", ".join(facts)] if facts else []
    return [*told, *([state.note] if state.note else [])]
