"""Fetch the data."""

import os
from pathlib import Path

from kfp.dsl import Dataset, Output

from helpers import tracking
from helpers.config import repository_root
from helpers.context import RunContext
from helpers.records import DataRecord
from helpers.sources import fetch, load_source


def pull_data(source: str, context: str, data: Output[Dataset]) -> None:
    """Brings the bytes of a source to this run and takes their fingerprint.

    Args:
        source: A name in `data/sources.yaml`.
        context: What the run knows about itself.
        data: The bytes as they are.
    """
    root = repository_root(os.environ)
    declared = load_source(root, source)
    fetched = fetch(declared, root=root, to=Path(data.path))
    data.metadata.update(
        {
            "source": source,
            "address": fetched.address,
            "fingerprint": fetched.fingerprint,
            "revision": fetched.revision,
            "bytes": fetched.size,
            "declared": declared.model_dump_json(),
        }
    )
    # At once, so that a training that ends early is not started again for the same data.
    record = DataRecord(
        name=source, address=fetched.address, fingerprint=fetched.fingerprint, revision=fetched.revision
    )
    tracking.log_data(RunContext.from_json(context), [record])
    print(f"{fetched.address}: {fetched.size} bytes, {fetched.fingerprint[:19]}")
