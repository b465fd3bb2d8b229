"""What is remembered of an update that waits for a person: where it began, and how to get back there.

It lies in the git folder of the working tree (``mlopsgen/sync.json``), so nothing of it can be committed, and it is
written by one rename before anything moves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import InvalidDocument, MlopsgenError
from mlopsgen.forge.worker import locks
from mlopsgen.forge.worker.layout import write_text

FOLDER = "mlopsgen"
_STATE = "sync.json"
_LOCK = "sync.lock"
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Underway:
    """An update that waits until its conflicts are resolved.

    Attributes:
        branch: The branch that is updated.
        sync_branch: The branch that the update is made on.
        before: The commit that the sync branch had before; empty if there was none.
        head: The branch that was checked out; empty where none was.
        commit: The commit that was checked out.
        ours: The commit that is updated.
        theirs: The commit that is picked onto it.
        start: The template's version so far.
        end: The version that the update brings.
        touched: The files that the update changes in the working tree.
        conflicts: The files that git could not merge.
        options: What has to be known to work the same update out again.
    """

    branch: str
    sync_branch: str
    before: str
    head: str
    commit: str
    ours: str
    theirs: str
    start: str
    end: str
    touched: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


def folder_of(source: GitRepository) -> Path:
    """Where this program keeps files beside the working tree; it need not exist."""
    return Path(source.read("rev-parse", "--absolute-git-dir")) / FOLDER


def read(source: GitRepository) -> Underway | None:
    """The update that waits in this working tree, if one does.

    Raises:
        InvalidDocument: What is remembered cannot be read.
    """
    path = folder_of(source) / _STATE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        known = {each.name: found[each.name] for each in fields(Underway)}
        known |= {name: tuple(known[name]) for name in ("touched", "conflicts")}
        return Underway(**known)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidDocument(
            "What is remembered of the update that waits here cannot be read.",
            where=str(path),
            hint="Look with 'git status' where you are; then remove this file.",
        ) from error


def write(source: GitRepository, underway: Underway) -> None:
    """Remember an update, all of it at once."""
    text = json.dumps({"version": _VERSION, **asdict(underway)}, indent=2)
    write_text(folder_of(source) / _STATE, text, mode=0o600)


def forget(source: GitRepository) -> None:
    """Nothing waits any more."""
    (folder_of(source) / _STATE).unlink(missing_ok=True)


@contextmanager
def alone(source: GitRepository) -> Iterator[None]:
    """Be the only update that works in this working tree.

    Raises:
        MlopsgenError: Another one does.
    """
    folder = folder_of(source)
    for left in folder.glob(f".{_STATE}-*"):
        left.unlink(missing_ok=True)
    with locks.hold(folder / _LOCK, wait=0) as mine:
        if mine is None:
            raise MlopsgenError(
                "Another 'mlopsgen sync' works in this repository.",
                where=str(folder),
                hint="Wait until it is done, then run it again.",
            )
        yield
