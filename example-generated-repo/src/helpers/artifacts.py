"""What travels between steps beside the files: the description of a table, as metadata of its artifact.

A step needs no file of the repository for it, so the same step runs in a container.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from helpers.records import DataRecord
from helpers.table import Table, with_rows

__all__ = ["Artifact", "Table", "read_table", "with_rows", "write_table", "write_text"]


class Artifact(Protocol):
    """What the steps use of kfp's artifacts."""

    path: str
    metadata: dict[str, Any]


def write_table(artifact: Artifact, table: Table) -> None:
    """Writes the table to the artifact's file and its description to the artifact's metadata."""
    path = Path(artifact.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    table.frame.to_parquet(path, index=False)
    record = table.record
    artifact.metadata.update(
        {
            "source": record.name,
            "address": record.address,
            "fingerprint": record.fingerprint,
            "rows": len(table.frame),
            "target": table.target,
            "task": table.task,
            # Text, because a cluster's metadata store keeps neither the order of keys nor whole numbers.
            "labels": json.dumps(table.labels),
            "kinds": json.dumps(table.kinds),
            "record": record.model_dump_json(),
        }
    )


def read_table(artifact: Artifact) -> Table:
    """The table that :func:`write_table` wrote."""
    metadata: Mapping[str, Any] = artifact.metadata
    return Table(
        frame=pd.read_parquet(artifact.path),
        kinds=json.loads(metadata["kinds"]),
        target=str(metadata["target"]),
        task=metadata["task"],
        labels=json.loads(metadata["labels"]),
        record=DataRecord.model_validate_json(metadata["record"]),
    )


def write_text(artifact: Artifact, text: str) -> None:
    """Writes text to the artifact's file."""
    path = Path(artifact.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
