"""What is declared about the amount and the age of data: ``maximum_size``, ``maximum_age_days``, ``date_column``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from helpers.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from helpers.sources import Source

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_FILE = "data/sources.yaml"


def bytes_of(text: str | int) -> int:
    """The bytes that ``500 MB``, ``2GiB`` or ``1000`` means.

    Raises:
        ValueError: It means none.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)(?:b|bytes?)?\s*", str(text), re.IGNORECASE)
    if match is None:
        raise ValueError(f"'{text}' is no size")
    number, unit, binary = float(match[1]), match[2].lower(), bool(match[3])
    factor = 1024 ** "_kmgt".index(unit or "_") if binary else _UNITS[unit]
    return int(number * factor)


def shown_size(size: int) -> str:
    """A number of bytes as people write it."""
    number = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" or number >= 10 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def refuse_size(source: Source, size: int | None, address: str) -> None:
    """Refuses data that is larger than declared.

    Raises:
        DataError: It is.
    """
    if source.maximum_size is None or size is None:
        return
    limit = bytes_of(source.maximum_size)
    if size > limit:
        raise DataError(
            f"The data is larger than declared: {shown_size(size)} or more, at most {shown_size(limit)} are allowed.",
            where=address,
            hint=f"Look at what was added, or raise 'maximum_size' in {_FILE}.",
        )


def refuse_age(source: Source, newest: datetime | None, address: str, *, now: datetime | None = None) -> None:
    """Refuses data that is older than declared.

    Raises:
        DataError: It is, or nothing says how old it is.
    """
    if source.maximum_age_days is None:
        return
    if newest is None:
        raise DataError(
            "Nothing tells how old the data is.",
            where=address,
            hint=f"Name the column with the date in 'date_column', or remove 'maximum_age_days' in {_FILE}.",
        )
    newest = newest if newest.tzinfo else newest.replace(tzinfo=UTC)
    age = (now or datetime.now(UTC)) - newest
    if age > timedelta(days=source.maximum_age_days):
        days = age.total_seconds() / 86400
        column = f" (column '{source.date_column}')" if source.date_column else ""
        raise DataError(
            f"The newest data{column} is of {newest:%Y-%m-%d}, {days:.1f} days ago; "
            f"at most {source.maximum_age_days:g} days are allowed.",
            where=address,
            hint=f"Has the delivery of the data stopped? Otherwise raise 'maximum_age_days' in {_FILE}.",
        )


def newest_date(frame: pd.DataFrame, column: str, address: str) -> datetime:
    """The newest date of a column.

    Raises:
        DataError: There is no such column, or it holds no dates.
    """
    import pandas as pd

    from helpers.documents import did_you_mean

    if column not in frame.columns:
        raise DataError(
            f"There is no column '{column}', which 'date_column' in {_FILE} names.",
            where=address,
            hint=did_you_mean(column, [str(name) for name in frame.columns]),
        )
    values = frame[column].dropna()
    if pd.api.types.is_numeric_dtype(values.dtype):
        dates = pd.Series(pd.NaT, index=values.index)
    else:
        mixed = None if pd.api.types.is_datetime64_any_dtype(values.dtype) else "mixed"
        dates = pd.to_datetime(values, errors="coerce", utc=True, format=mixed)
    if values.empty or dates.isna().any():
        found = "" if values.empty else f": {str(values[dates.isna()].iloc[0])[:40]!r}"
        raise DataError(
            f"Column '{column}' does not hold dates only{found}.",
            where=address,
            hint=f"Name a column of dates such as 2026-01-31 in 'date_column' of {_FILE}.",
        )
    newest: datetime = dates.max().to_pydatetime()
    return newest
