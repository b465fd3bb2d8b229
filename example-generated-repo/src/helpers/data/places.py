"""Which module reads which address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.data.place import TIMEOUT_SECONDS, Place, Task

if TYPE_CHECKING:
    from helpers.sources import Source

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://|(dvc):")
_KINDS = {
    "http": "web", "https": "web", "s3": "s3", "s3a": "s3", "dvc": "dvc",
    "postgresql": "sql", "postgres": "sql", "mysql": "sql", "mariadb": "sql",
}  # fmt: skip


def kind_of(address: str) -> str:
    """``file``, ``web``, ``s3``, ``sql``, ``git``, ``dvc`` or ``other``."""
    match = _SCHEME.match(address)
    if match is None:
        return "file"
    scheme = (match[1] or match[2]).lower()
    if scheme.startswith(("git+", "dvc+")):
        return scheme[:3]
    return _KINDS.get(scheme, "other")


def place_of(
    source: Source,
    *,
    name: str,
    root: Path,
    environ: Mapping[str, str],
    timeout: float = TIMEOUT_SECONDS,
    patience: float | None = None,
) -> Place:
    """The place of a source, ready to be asked."""
    task = Task(source=source, name=name, root=root, environ=environ, timeout=timeout, patience=patience)
    match kind_of(source.address):
        case "file":
            from helpers.data.local import local_place

            return local_place(task)
        case "web":
            from helpers.data.web import WebPlace

            return WebPlace(task)
        case "s3":
            from helpers.data.s3 import s3_place

            return s3_place(task)
        case "sql":
            from helpers.data.sql import TablePlace

            return TablePlace(task)
        case "git":
            from helpers.data.git import GitPlace

            return GitPlace(task)
        case "dvc":
            from helpers.data.dvc import DvcPlace

            return DvcPlace(task)
        case _:
            from helpers.data.other import OtherPlace

            return OtherPlace(task)
