"""Data in PostgreSQL, MySQL or MariaDB: a table or a query, read in one transaction that can write nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from helpers.data import sql_errors
from helpers.data.limits import refuse_size
from helpers.data.network import reach
from helpers.data.place import Fetched, Place, State, Task, file_chunks, fingerprint_of, shown_address
from helpers.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa

PORTS = {"postgresql": 5432, "mysql": 3306}
_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
_BYTES_OF_A_ROW = 400
_COUNTED = 100_000
_LONGEST = 24 * 3600


class TablePlace(Place):
    """A table or the result of a query."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.source = task.source
        self.shown = shown_address(task.address)
        parts = urlsplit(task.address)
        self.kind = "postgresql" if parts.scheme.startswith("postgres") else "mysql"
        self.host, self.database = parts.hostname or "localhost", unquote(parts.path.strip("/"))
        try:
            self.port = parts.port or PORTS[self.kind]
        except ValueError as error:
            raise ConfigurationError("The port is no number.", where=self.shown) from error
        self.query = dict(parse_qsl(parts.query))
        self.credentials = task.credentials()
        self.what = f"{self.shown} ({self.source.table or 'query'})"

    def state(self) -> State:
        """The number of rows, and the largest value of a column or a checksum that the server computes."""
        with self._connected() as connection:
            return self._state(connection)

    def facts(self) -> State:
        """Whether there are enough rows, and the newest date; counting all of them can take minutes."""
        import sqlalchemy as sa

        enough = max(self.source.minimum_rows, _COUNTED)
        some = sa.select(sa.literal(1).label("one")).select_from(self._from()).limit(enough).subquery()
        with self._connected() as connection:
            rows = int(connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
            return State(revision="", rows=rows, newest=self._newest(connection), whole=rows < enough)

    def fetch(self, to: Path) -> Fetched:
        """Reads all rows, and their state in the same transaction, into a Parquet file."""
        with self._connected() as connection:
            state = self._state(connection)
            if not state.rows:
                raise DataError("There are no rows.", where=self.what, hint="Look at the table or the query.")
            frame = self._read(connection, self._ordered(connection))
        _write(frame, to)
        size = to.stat().st_size
        refuse_size(self.source, size, self.what)
        return Fetched(
            path=to, address=self.what, fingerprint=fingerprint_of(file_chunks(to)), size=size, revision=state.revision
        )

    def sample(self, to: Path, limit: int) -> bool:
        """Reads some thousand rows."""
        with self._connected() as connection:
            most = max(1000, limit // _BYTES_OF_A_ROW)
            frame = self._read(connection, self._selected().limit(most + 1))
        if frame.empty:
            raise DataError("There are no rows.", where=self.what, hint="Look at the table or the query.")
        _write(frame.head(most), to)
        return len(frame) <= most

    def _selected(self) -> sa.Select[Any]:
        import sqlalchemy as sa

        return sa.select(sa.text("*")).select_from(self._from())

    def _from(self) -> Any:
        import sqlalchemy as sa

        if self.source.query:
            escaped = self._inner().replace(":", "\\:")
            return sa.text(f"({escaped}) AS source")
        schema, _, name = self.source.table.rpartition(".")
        return sa.table(name, schema=schema or None)

    def _inner(self) -> str:
        return self.source.query.strip().rstrip(";")

    def _state(self, connection: sa.Connection) -> State:
        import sqlalchemy as sa

        if column := self.source.changes_by:
            highest: sa.Function[Any] = sa.func.max(sa.column(column))
            rows, value = connection.execute(sa.select(sa.func.count(), highest).select_from(self._from())).one()
            return State(revision=f"table:count={rows};max({column})={value}", rows=int(rows))
        if self.kind == "postgresql":
            # Hashes of 64 bits are added up as numbers of any length: no order, and no row takes another one's away.
            number = "hashtextextended(source::text, 0)::numeric"
        else:
            names = list(connection.execute(self._selected().limit(0)).keys())
            quote = connection.dialect.identifier_preparer.quote
            row = "MD5(CONCAT_WS(',', " + ", ".join(f"QUOTE({quote(name)})" for name in names) + "))"
            number = f"CAST(CONV(SUBSTRING({row}, 1, 15), 16, 10) AS UNSIGNED)"
        inner = f"({self._inner()})" if self.source.query else _quoted(connection, self.source.table)
        statement = f"SELECT count(*), coalesce(sum({number}), 0) FROM {inner} AS source"  # noqa: S608 - quoted names
        rows, checksum = connection.exec_driver_sql(statement.replace("%", "%%")).one()
        return State(revision=f"table:count={rows};sum={checksum}", rows=int(rows))

    def _newest(self, connection: sa.Connection) -> datetime | None:
        """The newest date, where one is asked for."""
        import sqlalchemy as sa

        source = self.source
        if source.maximum_age_days is None or not source.date_column:
            return None
        newest: sa.Function[Any] = sa.func.max(sa.column(source.date_column))
        found = connection.execute(sa.select(newest).select_from(self._from())).scalar_one()
        if isinstance(found, date) and not isinstance(found, datetime):
            return datetime(found.year, found.month, found.day, tzinfo=UTC)
        return found if isinstance(found, datetime) else None

    def _ordered(self, connection: sa.Connection) -> sa.Select[Any]:
        """The rows of a table in the order of its key, so that the same data is read in the same order."""
        import sqlalchemy as sa

        statement = self._selected()
        if self.source.query:
            return statement
        schema, _, name = self.source.table.rpartition(".")
        key = sa.inspect(connection).get_pk_constraint(name, schema=schema or None)["constrained_columns"]
        return statement.order_by(*(sa.column(column) for column in key))

    def _read(self, connection: sa.Connection, statement: sa.Select[Any]) -> pd.DataFrame:
        import pandas as pd

        result = connection.execution_options(stream_results=True).execute(statement)
        frame = pd.DataFrame.from_records(list(result), columns=list(result.keys()), coerce_float=True)
        return _plain(frame)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        import sqlalchemy as sa

        try:
            engine = sa.create_engine(self._url(), poolclass=sa.NullPool, connect_args=self._arguments())
        except (sa.exc.ArgumentError, ImportError, TypeError) as error:
            raise DataError("This is not an address of a database.", where=self.shown) from error
        reach(self.host, self.port, where=self.shown, seconds=self.task.connect_timeout)
        try:
            with engine.connect() as connection, self._transaction(connection):
                yield connection
        except (sa.exc.SQLAlchemyError, OSError, ValueError, RuntimeError) as error:
            told = sql_errors.explain(error, kind=self.kind, place=self, credentials=self.credentials)
            if told is None:
                raise
            raise told from None  # what the driver raises holds the statement, and some of it the login
        finally:
            engine.dispose()

    @contextlib.contextmanager
    def _transaction(self, connection: sa.Connection) -> Iterator[None]:
        connection.execution_options(isolation_level="REPEATABLE READ")
        if self.kind == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")  # the same text of a time wherever this runs
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{int(self.task.patience or 0)}s'")
        else:
            connection.exec_driver_sql("SET time_zone = '+00:00'")
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        yield
        connection.rollback()

    def _url(self) -> sa.URL:
        import sqlalchemy as sa

        user, password = self.credentials.login or ("", "")
        return sa.URL.create(
            _DRIVERS[self.kind],
            username=user or None,
            password=password or None,
            host=self.host,
            port=self.port,
            database=self.database or None,
            query=self.query,
        )

    def _arguments(self) -> dict[str, Any]:
        seconds = max(2, int(self.task.connect_timeout))
        if self.kind == "postgresql":
            return {"connect_timeout": seconds, "application_name": "mlopsgen"}
        return {"connect_timeout": seconds, "read_timeout": int(self.task.patience or _LONGEST)}


def _quoted(connection: sa.Connection, table: str) -> str:
    schema, _, name = table.rpartition(".")
    preparer = connection.dialect.identifier_preparer
    return f"{preparer.quote(schema)}.{preparer.quote(name)}" if schema else preparer.quote(name)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Values that only a database knows (identifiers, documents, addresses) as text, as a CSV file would have them."""
    import datetime

    import pandas as pd

    kept = (str, bool, int, float, datetime.date, datetime.datetime, bytes)
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object:
            present = column.dropna()
            if present.empty:
                frame[name] = pd.Series([None] * len(frame), dtype="str", index=frame.index)
            elif not present.map(lambda value: isinstance(value, kept)).all() or present.map(type).nunique() > 1:
                frame[name] = column.map(str, na_action="ignore")
    return frame


def _write(frame: pd.DataFrame, to: Path) -> None:
    twice = [str(name) for name in frame.columns[frame.columns.duplicated()]]
    if twice:
        raise DataError(
            f"The query gives columns of the same name: {', '.join(twice)}.", hint="Name them with AS in the query."
        )
    to.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(to, index=False)
