"""Check the data and clean it."""

from pathlib import Path

from kfp.dsl import Dataset, Input, Output

from helpers import tracking
from helpers.artifacts import write_table
from helpers.context import RunContext
from helpers.sources import Source
from helpers.table import prepare


def validate_data(data: Input[Dataset], context: str, valid: Output[Dataset]) -> None:
    """Reads the data, checks it against what `data/sources.yaml` declares, and leaves out what cannot be learnt from.

    Put checks of your own at the end: raise `helpers.errors.DataError` when the data is not what you expect.

    Args:
        data: The bytes that were pulled.
        context: What the run knows about itself.
        valid: A clean table: the features and the target.
    """
    table = prepare(
        Path(data.path),
        Source.model_validate_json(data.metadata["declared"]),
        name=data.metadata["source"],
        address=data.metadata["address"],
        fingerprint=data.metadata["fingerprint"],
        revision=data.metadata["revision"],
    )
    write_table(valid, table)
    tracking.log_data(RunContext.from_json(context), [table.record], table.frame, table.target)
    print(f"{len(table.frame)} rows, {len(table.kinds)} features, target '{table.target}' ({table.task})")
    for note in table.record.notes:
        print(f"note: {note}")
