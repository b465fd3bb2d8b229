"""Fetch the data."""

import os
from pathlib import Path

from kfp.dsl import Dataset, Output

from helpers.config import repository_root
from helpers.sources import fetch, load_source


def pull_data(source: str, data: Output[Dataset]) -> None:
    """Brings the bytes of a source to this run and takes their fingerprint.

    Args:
        source: A name in `data/sources.yaml`.
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
            "bytes": fetched.size,
            "declared": declared.model_dump_json(),
        }
    )
    print(f"{fetched.address}: {fetched.size} bytes, {fetched.fingerprint[:19]}")
