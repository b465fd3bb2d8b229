"""From a file to the table that a pipeline trains on: checked against its declaration, cleaned, and described."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.columns import EXACT, Kind, as_text, look, require_moderate, require_numbers, to_numbers, to_truth
from helpers.data.limits import newest_date, refuse_age
from helpers.documents import did_you_mean
from helpers.errors import ConfigurationError, DataError
from helpers.reading import RawTable, read_table
from helpers.records import DataRecord, Task
from helpers.sources import SOURCES_FILE, Source

MAXIMUM_CLASSES = 100
BALANCED_RATIO = 3.0
"""From this ratio of the largest class to the smallest on, a note says that the classes are not balanced."""

_FILE = SOURCES_FILE.as_posix()


@dataclass(frozen=True, kw_only=True)
class Table:
    """Data that is ready for training.

    Attributes:
        frame: The features and the target, in the file's order of columns and rows.
        kinds: The features and what they hold.
        target: The column to predict.
        task: What kind of prediction it is.
        labels: The classes, of two of them the positive one last; empty for regression.
        record: Description of the data for reports and tracking.
    """

    frame: pd.DataFrame
    kinds: dict[str, Kind]
    target: str
    task: Task
    labels: list[str]
    record: DataRecord


def prepare(path: Path, source: Source, *, name: str, address: str, fingerprint: str, revision: str = "") -> Table:
    """Reads, checks and cleans the data of a source.

    Args:
        path: Where its bytes are.
        source: What is declared about it.
        name: The source's name in ``data/sources.yaml``.
        address: How errors and records name the file.
        fingerprint: Digest of the bytes.
        revision: What the source said of its state.

    Raises:
        DataError: The data does not fit; the error names the file and the column.
        ConfigurationError: What is declared cannot be.
    """
    raw = read_table(path, source, address)
    require_declared(raw.frame, source, address)
    notes = list(raw.notes)
    if raw.frame.empty:
        raise DataError("There are no rows below the header.", where=address)
    if source.date_column and source.maximum_age_days is not None:
        refuse_age(source, newest_date(raw.frame, source.date_column, address), address)
    frame = _with_target(raw.frame, source, address, notes)
    if len(frame) < source.minimum_rows:
        raise DataError(
            f"There are only {len(frame)} usable rows; at least {source.minimum_rows} are needed.",
            where=address,
            hint=f"Bring more data, or lower 'minimum_rows' in {_FILE}.",
        )
    target, labels = _target(frame[source.target], source, raw, address, notes)
    kinds, features = _features(frame, source, raw, address, notes)
    columns: dict[str, str] = {**kinds, source.target: "target"}
    record = DataRecord(
        name=name,
        address=address,
        fingerprint=fingerprint,
        revision=revision,
        rows=len(frame),
        columns=columns,
        notes=notes,
    )
    cleaned = pd.DataFrame({**features, source.target: target}).reset_index(drop=True)
    return Table(frame=cleaned, kinds=kinds, target=source.target, task=source.task, labels=labels, record=record)


def with_rows(table: Table, frame: pd.DataFrame) -> Table:
    """Some of the table's rows, described as before."""
    return replace(table, frame=frame.reset_index(drop=True))


def label_text(value: object) -> str:
    """How a class is named in metrics, reports and the names of score columns."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(value)


def classes_seen(raw: RawTable, source: Source, address: str) -> list[str]:
    """The classes of the rows that were read, sorted."""
    known = raw.frame[source.target].dropna()
    return [label_text(value) for value in sorted(_classes(known, source, raw, address).unique())]


def positive_last(labels: list[str], source: Source, address: str) -> list[str]:
    """Sorted classes; of two of them the declared positive one last.

    Raises:
        DataError: The declared class is none of them.
    """
    if source.positive is None or len(labels) != 2:
        return labels
    for chosen in (str(source.positive), *labels):
        if chosen in labels and _means(source.positive, chosen):
            return [label for label in labels if label != chosen] + [chosen]
    raise DataError(
        f"'positive' is {source.positive!r}, and the target '{source.target}' holds the classes {labels[0]!r} and "
        f"{labels[1]!r}.",
        where=address,
        hint=f"Set 'positive' in {_FILE} to one of them.",
    )


def _means(word: str | float | bool, label: str) -> bool:
    """Whether a word of the configuration is a class: YAML makes truth values of yes, no, on and off."""
    if isinstance(word, bool):
        return label.lower() in (("true", "yes", "on") if word else ("false", "no", "off"))
    if isinstance(word, int | float):
        with contextlib.suppress(ValueError):
            return float(label) == word
    return label.lower() == str(word).strip().lower()


def require_declared(frame: pd.DataFrame, source: Source, address: str) -> None:
    """Raises when the target or a declared column is not there."""
    names = [str(column) for column in frame.columns]
    if source.target not in names:
        hint = f"{_nearest(source.target, names)} 'target' stands in {_FILE}."
        numbers = sum(name.replace(".", "", 1).lstrip("+-").isdigit() for name in names)
        if 2 * numbers >= len(names):
            hint = "The first line holds numbers: the file needs a line with the names of its columns."
        raise DataError(f"There is no column '{source.target}', the target.", where=address, hint=hint)
    for name, kind in source.columns.items():
        if name not in names:
            raise DataError(
                f"There is no column '{name}', which {_FILE} declares {kind}.",
                where=address,
                hint=_nearest(name, names),
            )
    if source.target in source.columns:
        raise ConfigurationError(
            f"The target '{source.target}' is declared as a column too.",
            where=f"{_FILE}: columns",
            hint="Remove it from 'columns'; 'task' says what the target holds.",
        )


def _nearest(word: str, names: list[str]) -> str:
    other_case = [name for name in names if name.lower() == word.lower()]
    return f"Did you mean '{other_case[0]}'?" if other_case else did_you_mean(word, names)


def _with_target(frame: pd.DataFrame, source: Source, address: str, notes: list[str]) -> pd.DataFrame:
    """The rows whose target is known."""
    known = frame[source.target].notna()
    if not known.any():
        raise DataError(f"Column '{source.target}', the target, holds no values.", where=address)
    missing = int((~known).sum())
    if missing:
        notes.append(f"{_rows(missing)} left out: the target '{source.target}' is missing.")
    return frame[known]


def _target(
    column: pd.Series, source: Source, raw: RawTable, address: str, notes: list[str]
) -> tuple[pd.Series, list[str]]:
    if source.task == "regression":
        hint = (
            "Correct the data (an empty cell says that a value is not known), "
            f"or declare 'task: binary' or 'task: multiclass' in {_FILE} when these are classes."
        )
        numbers = require_numbers(column, decimal=_decimal(source, raw), address=address, hint=hint)
        if numbers.nunique() == 1:
            raise _constant(column, address, notes)
        require_moderate(numbers, address)
        return numbers, []
    classes = _classes(column, source, raw, address)
    counts = classes.value_counts()
    _require_classes(counts, source, address, notes)
    labels = positive_last([label_text(value) for value in sorted(counts.index)], source, address)
    if counts.max() >= BALANCED_RATIO * counts.min():
        shares = ", ".join(f"{label_text(value)}: {count}" for value, count in counts.items())
        notes.append(f"The classes are not balanced ({shares}).")
    return classes, labels


def _classes(column: pd.Series, source: Source, raw: RawTable, address: str) -> pd.Series:
    """The target as truth values, whole numbers or text, whichever fits all of it."""
    truth = to_truth(column)
    if truth is not None:
        return truth.astype("bool")
    numbers = to_numbers(column, decimal=_decimal(source, raw))
    if numbers is not None and numbers.notna().all():
        if (numbers == numbers.round()).all():
            # Longer numbers are codes: as floating point numbers, two of them could become one class.
            return numbers.astype("int64") if (numbers.abs() < EXACT).all() else as_text(column)
        if numbers.nunique() > 20:
            raise DataError(
                f"Column '{column.name}', the target, holds {numbers.nunique()} different fractions, not classes.",
                where=address,
                hint=f"Declare 'task: regression' in {_FILE}.",
            )
    return as_text(column)


def _require_classes(counts: pd.Series, source: Source, address: str, notes: list[str]) -> None:
    target, number = source.target, len(counts)
    if number == 1:
        raise _constant(pd.Series([counts.index[0]], name=target), address, notes)
    if source.task == "binary" and number != 2:
        few = ", ".join(repr(label_text(value)) for value in list(counts.index)[:5])
        raise DataError(
            f"Column '{target}', the target, holds {number} classes ({few}{', ...' if number > 5 else ''}), not two.",
            where=address,
            hint=f"Declare 'task: multiclass' in {_FILE}, or 'task: regression' for numbers.",
        )
    if source.task == "multiclass" and number == 2:
        raise DataError(
            f"Column '{target}', the target, holds two classes.",
            where=address,
            hint=f"Declare 'task: binary' in {_FILE}.",
        )
    if number > MAXIMUM_CLASSES:
        raise DataError(
            f"Column '{target}', the target, holds {number} different values; {MAXIMUM_CLASSES} are possible.",
            where=address,
            hint=f"Declare 'task: regression' in {_FILE} when they are quantities.",
        )
    single = [label_text(value) for value, count in counts.items() if count == 1]
    if single:
        raise DataError(
            f"Classes of the target '{target}' have one row only: {', '.join(repr(label) for label in single[:5])}.",
            where=address,
            hint="Each class needs two rows, one to train and one to test with: add rows, or merge or remove classes.",
        )


def _features(
    frame: pd.DataFrame, source: Source, raw: RawTable, address: str, notes: list[str]
) -> tuple[dict[str, Kind], dict[str, pd.Series]]:
    kinds: dict[str, Kind] = {}
    values: dict[str, pd.Series] = {}
    decimal = _decimal(source, raw)
    for name in (str(column) for column in frame.columns if column != source.target):
        column = look(frame[name], declared=source.columns.get(name), decimal=decimal, address=address)
        if column.note:
            notes.append(column.note)
        if column.values is not None and column.kind is not None:
            kinds[name], values[name] = column.kind, column.values
            missing = int(column.values.isna().sum())
            if missing:
                notes.append(f"Column '{name}' misses {missing} of {len(frame)} values.")
    if not kinds:
        raise DataError(
            "No column is left to learn from.", where=address, hint="Ignored: " + " ".join(notes) if notes else ""
        )
    return kinds, values


def _decimal(source: Source, raw: RawTable) -> str:
    """A comma that separates columns is not guessed to be the decimal mark too; in quotes it can be declared."""
    return "." if source.decimal == "auto" and raw.separator in (",", "") else source.decimal


def _constant(column: pd.Series, address: str, notes: list[str]) -> DataError:
    left_out = [note for note in notes if "the target" in note.lower()]
    rows = "every row that has one" if left_out else "every row"
    return DataError(
        f"Column '{column.name}', the target, holds the same value in {rows} ({str(column.iloc[0])[:40]}).",
        where=address,
        hint=" ".join(
            [*left_out, "There is nothing to learn from it: look at the data, and at 'target' in data/sources.yaml."]
        ),
    )


def _rows(count: int) -> str:
    return "1 row is" if count == 1 else f"{count} rows are"
