"""What a column holds: numbers, categories, truth values, dates, or nothing that a model can learn from."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from helpers.errors import DataError
from helpers.sources import SOURCES_FILE, ColumnKind

Kind = Literal["numeric", "categorical", "boolean"]

MANY_CATEGORIES = 100
"""Text with more different values than this, on more than half as many rows, is taken for names or free text."""

LARGEST = 1e30
"""Squares of larger numbers leave what floating point numbers can hold in some algorithms."""

EXACT = 2.0**53
"""From this number on, floating point numbers do not tell neighbouring whole numbers apart."""

FEWEST = 10
"""With fewer values than this and others missing, the rows that are trained on may have none at all."""

_TRUTH = {"true": True, "false": False}
_DATES = re.compile(
    r"""\s*(?:
        \d{4}[-/.]\d{1,2}[-/.]\d{1,2}      # 2024-03-01
      | \d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})  # 1.3.2024, 03/01/24
      | \d{1,2}[- ][A-Za-z]{3,9}[- ,]+\d{2,4}    # 1 March 2024
      | [A-Za-z]{3,9}\ \d{1,2},?\ \d{4}          # March 1, 2024
    )?(?:(?:^|[T ]+)\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:Z|UTC|[AaPp][Mm]|[+-]\d{2}:?\d{2})?)?\s*""",
    re.VERBOSE,
)
_DECIMAL_COMMA = re.compile(r"[+-]?(?:\d{1,3}(?:[.\s]\d{3})+|\d+)(?:,\d+)?(?:[eE][+-]?\d+)?")
_IDENTIFIER = re.compile(r"(?:^|[\s_.-])(?:id|uuid|key|no|nr)$|(?:^|[\s_.-])index$|(?-i:[a-z]I[dD]$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that was looked at.

    Attributes:
        values: What the model gets; None when the column is left out.
        kind: What it holds; None when the column is left out.
        note: What a person should know about it; empty when there is nothing to say.
    """

    values: pd.Series | None
    kind: Kind | None
    note: str = ""


def look(column: pd.Series, *, declared: ColumnKind | None, decimal: str, address: str) -> Column:
    """Finds out what a feature column holds, or enforces what is declared.

    Args:
        column: The values as the file has them.
        declared: The kind in ``data/sources.yaml``; None finds it.
        decimal: ``.`` or ``,``, or ``auto``.
        address: How errors name the file.

    Raises:
        DataError: The column is declared numeric and holds something else.
    """
    name = str(column.name)
    present = column.dropna()
    if declared == "ignore":
        return Column(values=None, kind=None, note=f"Column '{name}' is ignored, as declared.")
    if present.empty:
        return _left_out(name, "it holds no values")
    if declared == "numeric":
        return _numeric(require_numbers(column, decimal=decimal, address=address), address)
    if declared == "categorical":
        return Column(values=as_text(column), kind="categorical")
    if _is_nested(present):
        return _left_out(name, f"it holds {type(present.iloc[0]).__name__} values")
    if present.astype(str).nunique() == 1 and len(present) == len(column):
        return _left_out(name, f"every row has the same value ({str(present.iloc[0])[:40]})")
    if _is_date(present):
        return _left_out(name, "it holds dates or times")
    truth = to_truth(column)
    if truth is not None:
        return _truth(truth)
    numbers = None if _is_code(present) else to_numbers(column, decimal=decimal)
    found = None if numbers is None else _quantity(numbers, present, address)
    return found or _category(column, present, decimal)


def require_numbers(column: pd.Series, *, decimal: str, address: str, hint: str = "") -> pd.Series:
    """The column as numbers.

    Args:
        column: The values as the file has them.
        decimal: ``.`` or ``,``, or ``auto``.
        address: How errors name the file.
        hint: The next step when it holds something else.

    Raises:
        DataError: A value is not a number; the error names the column, the value and its row.
    """
    numbers = to_numbers(column, decimal=decimal)
    wrong = column.notna() & (True if numbers is None else numbers.isna())
    if numbers is None or wrong.any():
        row = int(np.flatnonzero(wrong.to_numpy())[0])
        raise DataError(
            f"Column '{column.name}' has to hold numbers, but row {int(column.index[row]) + 1} after the header holds "
            f"{str(column.iloc[row])!r} ({int(wrong.sum())} such {'value' if wrong.sum() == 1 else 'values'}).",
            where=address,
            hint=_comma_hint(column[wrong], decimal)
            or hint
            or f"Correct the data, or declare the column otherwise in {SOURCES_FILE.as_posix()}.",
        )
    return numbers


def to_numbers(column: pd.Series, *, decimal: str) -> pd.Series | None:
    """The column as floating point numbers, with NaN where a value is none; None when the type cannot hold numbers."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.astype("float64")
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = pd.to_numeric(column).astype("float64")
    elif pd.api.types.is_datetime64_any_dtype(column.dtype) or pd.api.types.is_timedelta64_dtype(column.dtype):
        return None
    else:
        text = as_text(column)
        numbers = _parse(text, decimal)
    return numbers.where(np.isfinite(numbers), np.nan)


def to_truth(column: pd.Series) -> pd.Series | None:
    """The column as truth values (with missing ones kept); None when it holds something else."""
    present = column.dropna()
    if present.empty:
        return None
    lowered = present.astype(str).str.lower()
    if not lowered.isin(list(_TRUTH)).all():
        return None
    return as_text(column).str.lower().map(_TRUTH).astype("object")


def as_text(column: pd.Series) -> pd.Series:
    """The column as text; whole numbers lose their '.0', missing values stay missing."""
    if pd.api.types.is_float_dtype(column.dtype):
        present = column.dropna()
        if (present == present.round()).all() and (present.abs() < EXACT).all():
            column = column.astype("Int64")
    text = column.astype("object").where(column.notna(), None)
    return text.map(lambda value: None if value is None else str(value)).astype("str")


def _parse(text: pd.Series, decimal: str) -> pd.Series:
    plain = pd.to_numeric(text, errors="coerce").astype("float64")
    missed = text.notna() & plain.isna()
    if decimal == "." or (decimal == "auto" and not missed.any()):
        return plain
    continental = text.where(text.isna() | text.str.fullmatch(_DECIMAL_COMMA))
    continental = continental.str.replace(r"[.\s]", "", regex=True).str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(continental, errors="coerce").astype("float64")
    # Guessed only when it explains every value: '1.5' and '1,5' in one column are no decimal comma.
    if decimal == "auto" and not numbers.notna().equals(text.notna()):
        return plain
    return numbers


def _quantity(numbers: pd.Series, present: pd.Series, address: str) -> Column | None:
    """A column of numbers, of which some may be infinite; None when it holds something else too."""
    name, finite, infinite = str(numbers.name), int(numbers.notna().sum()), _infinite(present)
    if not finite or finite + infinite < len(present):
        return None
    if finite < min(FEWEST, len(numbers)):
        verb = "is" if finite == 1 else "are"
        return _left_out(name, f"only {finite} of its {len(numbers)} values {verb} there")
    if infinite:
        values = "1 infinite value; it is" if infinite == 1 else f"{infinite} infinite values; they are"
        return replace(_numeric(numbers, address), note=f"Column '{name}' holds {values} taken as missing.")
    reason = _identifies(name, numbers)
    return _left_out(name, reason) if reason else _numeric(numbers, address)


def _infinite(present: pd.Series) -> int:
    """How many values are infinite, as a division by zero leaves them."""
    return int(np.isinf(pd.to_numeric(as_text(present), errors="coerce").to_numpy(dtype="float64")).sum())


def _comma_hint(present: pd.Series, decimal: str) -> str:
    """What to do when all of these texts would be numbers with a comma in them; empty otherwise."""
    texts = present.astype(str).str
    thousands = texts.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?").all()
    if decimal == "," or not (thousands or texts.fullmatch(r"[+-]?\d+,\d+").all()):
        return ""
    grouped = "If the comma groups thousands, write the numbers without it. " if thousands else ""
    return f"{grouped}If the comma is the decimal mark, declare \"decimal: ','\" in {SOURCES_FILE.as_posix()}."


def require_moderate(numbers: pd.Series, address: str) -> None:
    """Refuses numbers whose squares leave what floating point numbers hold.

    Raises:
        DataError: There is such a number; the error names the column.
    """
    largest = numbers.abs().max()
    if largest > LARGEST:
        raise DataError(
            f"Column '{numbers.name}' holds numbers as large as {largest:.3g}; {LARGEST:.0e} is the most.",
            where=address,
            hint=f"Scale the column, or declare it 'ignore' in {SOURCES_FILE.as_posix()}.",
        )


def _numeric(numbers: pd.Series, address: str) -> Column:
    require_moderate(numbers, address)
    return Column(values=numbers, kind="numeric")


def _truth(truth: pd.Series) -> Column:
    if truth.isna().any():
        # A truth value that may be missing has no type that clients of the model could send.
        note = f"Column '{truth.name}' holds truth values, some of them missing: it is taken as text ('true', 'false')."
        values = truth.map({True: "true", False: "false"}).astype("str")
        return Column(values=values, kind="categorical", note=note)
    return Column(values=truth.astype("bool"), kind="boolean")


def _category(column: pd.Series, present: pd.Series, decimal: str) -> Column:
    name, different = str(column.name), int(present.astype(str).nunique())
    numbers = to_numbers(present, decimal=decimal)
    numeric_share = 0.0 if numbers is None else float(numbers.notna().mean())
    hint = ""
    if numbers is not None and 0.5 <= numeric_share < 1:
        culprit = str(present[numbers.isna()].iloc[0])
        share = f"{math.floor(numeric_share * 100)} % of its values are numbers"
        hint = f"; {share}, {culprit!r} is not (declare it numeric to find all)"
    elif numeric_share == 0 and (comma := _comma_hint(present, decimal)):
        hint = f". {comma.rstrip('.')}"
    if different == len(present) and different > 10:
        return _left_out(name, f"every row has another text, as names and identifiers do{hint}")
    if different > MANY_CATEGORIES and different > len(present) / 2:
        return _left_out(name, f"it holds {different} different texts{hint}")
    note = ""
    if hint:
        note = f"Column '{name}' is taken as text{hint}."
    elif different > MANY_CATEGORIES:
        note = f"Column '{name}' holds {different} different texts; the model tells only the frequent ones apart."
    return Column(values=as_text(column), kind="categorical", note=note)


def _left_out(name: str, reason: str) -> Column:
    return Column(values=None, kind=None, note=f"Column '{name}' is ignored: {reason}.")


def _is_nested(present: pd.Series) -> bool:
    return isinstance(present.iloc[0], list | dict | set | tuple | np.ndarray | bytes)


def _is_date(present: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(present.dtype) or pd.api.types.is_timedelta64_dtype(present.dtype):
        return True
    if pd.api.types.is_numeric_dtype(present.dtype):
        return False
    text = present.astype(str)
    first = text.iloc[:50]
    if not first.str.fullmatch(_DATES).all() or first.str.strip().eq("").any():
        return False
    return bool(text.str.fullmatch(_DATES).mean() >= 0.95)


def _is_code(present: pd.Series) -> bool:
    """Whether digits with leading zeros, as in postal codes, say that these are no quantities."""
    if pd.api.types.is_numeric_dtype(present.dtype):
        return False
    return bool(present.astype(str).str.fullmatch(r"0\d+").any())


def _identifies(name: str, numbers: pd.Series) -> str:
    """Why a column of numbers only tells rows apart; empty when it may say something of them."""
    if len(numbers) < 10 or numbers.isna().any() or not (numbers == numbers.round()).all() or not numbers.is_unique:
        return ""
    spread = numbers.iloc[-1] - numbers.iloc[0] + 1
    if numbers.is_monotonic_increasing and spread <= 1.5 * len(numbers):
        return "it counts the rows"
    return "it identifies the rows" if _IDENTIFIER.search(name) else ""
