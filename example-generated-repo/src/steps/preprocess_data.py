"""Make the table of wines ready to learn from."""

from kfp.dsl import Dataset, Input, Output

from helpers.artifacts import read_table, with_rows, write_table
from helpers.errors import DataError

PLAUSIBLE = {"alcohol": (5.0, 20.0), "density": (0.98, 1.05), "pH": (2.0, 5.0), "quality": (0.0, 10.0)}
"""What no wine exceeds: lowest and highest value of a column."""


def preprocess_data(valid: Input[Dataset], drop_repeated: bool, clean: Output[Dataset]) -> None:
    """Refuses measurements that no wine has, and leaves out wines that the table holds twice.

    A wine that is there twice could be learnt from and then asked for in the test, which flatters the model.

    Args:
        valid: The table as it was read.
        drop_repeated: Whether repeated rows are left out.
        clean: The table to learn from.
    """
    table = read_table(valid)
    for column, (lowest, highest) in PLAUSIBLE.items():
        strange = table.frame[(table.frame[column] < lowest) | (table.frame[column] > highest)]
        if len(strange):
            raise DataError(
                f"{len(strange)} of {len(table.frame)} wines have a {column} outside {lowest:g} to {highest:g}, "
                f"the first one {strange[column].iloc[0]:g}.",
                where=f"{table.record.address}, column {column}",
                hint="Look at the units of the file, or correct PLAUSIBLE in src/steps/preprocess_data.py.",
            )
    kept = table.frame.drop_duplicates() if drop_repeated else table.frame
    write_table(clean, with_rows(table, kept))
    print(f"{len(kept)} wines, {len(table.frame) - len(kept)} repeated ones left out")
