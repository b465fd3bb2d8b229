"""Set rows aside for the test."""

from kfp.dsl import Dataset, Input, Output

from helpers.artifacts import read_table, write_table
from helpers.splitting import split_table


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
    learn, examine = split_table(read_table(valid), test_size=test_size, seed=seed)
    write_table(train, learn)
    write_table(test, examine)
    print(f"{len(learn.frame)} rows to train with, {len(examine.frame)} rows to test with")
