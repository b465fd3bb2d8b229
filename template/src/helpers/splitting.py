"""Sets rows aside for the test."""

from __future__ import annotations

import pandas as pd
from sklearn.model_selection import train_test_split

from helpers.errors import ConfigurationError, DataError
from helpers.table import Table, with_rows


def split_table(table: Table, *, test_size: float, seed: int) -> tuple[Table, Table]:
    """Splits the rows into those to train with and those to test with; the same seed gives the same split.

    A classification keeps the share of each class in both parts, and at least one row of each class in the test.

    Raises:
        ConfigurationError: The share is impossible.
        DataError: There are too few rows for it.
    """
    if not 0 < test_size < 1:
        raise ConfigurationError(
            f"test_size is {test_size}; it has to lie between 0 and 1.", where="parameter test_size"
        )
    classes = table.frame[table.target] if table.labels else None
    try:
        train, test = train_test_split(table.frame, test_size=test_size, random_state=seed, stratify=classes)
    except ValueError as error:
        raise DataError(
            f"{len(table.frame)} rows cannot be split with test_size {test_size}: {str(error).rstrip('.')}.",
            where=table.record.address,
            hint="Bring more rows, or change test_size.",
        ) from error
    if classes is not None:
        train, test = _with_every_class(train, test, table.target)
    return with_rows(table, train), with_rows(table, test)


def _with_every_class(train: pd.DataFrame, test: pd.DataFrame, target: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Moves a row of each class that the test lacks: what is not tested would seem to be right."""
    missing = train.loc[~train[target].isin(test[target].unique())]
    moved = missing.drop_duplicates(target, keep="last")
    return train.drop(index=moved.index), pd.concat([test, moved])
