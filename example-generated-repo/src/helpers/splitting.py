"""Sets rows aside for the test."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from helpers.errors import ConfigurationError, DataError
from helpers.table import Table, with_rows


def split_table(table: Table, *, test_size: float, seed: int) -> tuple[Table, Table]:
    """Splits the rows into those to train with and those to test with; the same seed gives the same split.

    What a row holds decides where it goes, not its place in the file: when rows are added, those that were there before
    stay on their side, apart from a few at the border. So a champion that is scored again on a later test split has
    hardly learnt from it.

    A classification keeps the share of each class in both parts, and at least one row of each class in either.

    Raises:
        ConfigurationError: The share is impossible.
        DataError: There are too few rows for it.
    """
    if not 0 < test_size < 1:
        raise ConfigurationError(
            f"test_size is {test_size}; it has to lie between 0 and 1.", where="parameter test_size"
        )
    frame = table.frame
    order = pd.Series(_lots(frame, seed), index=range(len(frame)))
    groups = frame[table.target].astype(str).to_numpy() if table.labels else np.zeros(len(frame))
    chosen = np.zeros(len(frame), dtype=bool)
    for name, lots in order.groupby(groups):
        count = max(1, math.floor(len(lots) * test_size + 0.5))
        if count >= len(lots):
            share = f" of the class '{name}'" if table.labels else ""
            raise DataError(
                f"{len(lots)} {'row' if len(lots) == 1 else 'rows'}{share} cannot be split with test_size {test_size}: "
                "none would be left to train with.",
                where=table.record.address,
                hint="Bring more rows, or change test_size.",
            )
        chosen[lots.sort_values(kind="stable").index[:count]] = True
    return with_rows(table, frame.loc[~chosen]), with_rows(table, frame.loc[chosen])


def _lots(frame: pd.DataFrame, seed: int) -> np.ndarray:
    """A number for each row, drawn from what it holds and the seed; equal rows draw different ones."""
    content = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    repeated = pd.Series(content).groupby(content).cumcount().to_numpy(dtype=np.uint64)
    drawn = pd.util.hash_array(np.array([seed], dtype=np.int64))[0]
    lots: np.ndarray = pd.util.hash_array(content ^ pd.util.hash_array(repeated) ^ drawn)
    return lots
