"""Set rows aside for the test."""

from kfp.dsl import Dataset, Input, Output
from sklearn.model_selection import train_test_split

from helpers.artifacts import read_table, with_rows, write_table
from helpers.errors import ConfigurationError, DataError


def split_data(
    valid: Input[Dataset], test_size: float, seed: int, train: Output[Dataset], test: Output[Dataset]
) -> None:
    """Splits the rows; a classification keeps the share of each class in both parts.

    Args:
        valid: The clean table.
        test_size: The share of the rows for the test, between 0 and 1.
        seed: The same seed splits the same data the same way.
        train: The rows to learn from.
        test: The rows that only the evaluation sees.
    """
    if not 0 < test_size < 1:
        raise ConfigurationError(
            f"test_size is {test_size}; it has to lie between 0 and 1.", where="parameter test_size"
        )
    table = read_table(valid)
    classes = table.frame[table.target] if table.labels else None
    try:
        parts = train_test_split(table.frame, test_size=test_size, random_state=seed, stratify=classes)
    except ValueError as error:
        raise DataError(
            f"{len(table.frame)} rows cannot be split with test_size {test_size}: {error}",
            where=table.record.address,
            hint="Bring more rows, or change test_size.",
        ) from error
    for artifact, rows in zip((train, test), parts, strict=True):
        write_table(artifact, with_rows(table, rows))
    print(f"{len(parts[0])} rows to train with, {len(parts[1])} rows to test with")
