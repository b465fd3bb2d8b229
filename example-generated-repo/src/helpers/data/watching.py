"""``watch``: whether the data of a branch is another one than that of its last training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from helpers.branch import Branch
from helpers.data.pipelines import sources_of
from helpers.data.place import shown_address
from helpers.data.places import place_of
from helpers.documents import did_you_mean
from helpers.envelope import VerbResult
from helpers.errors import ConfigurationError, ExitCode, RepositoryError
from helpers.records import DataRecord
from helpers.sources import Source, load_sources

if TYPE_CHECKING:
    from helpers.verbs import Request

TIMEOUT_SECONDS = 30.0
PATIENCE_SECONDS = 600.0
"""How long a database may compute a checksum."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What was found out of one source.

    Attributes:
        name: The source's name.
        address: Its address, without credentials.
        changed: Whether its data is another one.
        why: The reason, in words.
        before: Revision and fingerprint of the last training; empty where it did not read the source.
        now: Revision, and the fingerprint where it was needed.
        error: Why it could not be looked at.
    """

    name: str
    address: str
    changed: bool
    why: str
    before: dict[str, str]
    now: dict[str, str]
    error: RepositoryError | None = None

    def to_json(self) -> dict[str, Any]:
        """As the JSON output shows it."""
        shown: dict[str, Any] = {
            key: getattr(self, key) for key in ("name", "address", "changed", "why", "before", "now")
        }
        if self.error is not None:
            shown["error"] = {"code": self.error.code, "message": self.error.message, "hint": self.error.hint}
        return shown


def watch(request: Request) -> VerbResult:
    """Compares each source of the branch with what its last report says of it."""
    branch = request.load()
    path = request.options["report"] or request.latest / "report" / "report.json"
    earlier, run_id, missing = _read(path, explicit=request.options["report"] is not None, request=request)
    data: dict[str, Any] = {"changed": False, "report": "" if missing else str(path), "run_id": run_id, "sources": []}
    if missing:
        data["reason"] = missing
        return VerbResult(
            summary=f"{missing} Nothing is started: train once, and changes are seen from then on.", data=data
        )
    names = _names(request, branch)
    sources = load_sources(request.root).sources
    for name in names:
        if name not in sources:
            raise ConfigurationError(
                f"There is no source '{name}'.", where="data/sources.yaml", hint=did_you_mean(name, sources)
            )
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: _look(request, name, sources[name], earlier.get(name)), names))
    return _outcome(request, data, found)


def compare(source: Source, before: DataRecord, *, root: Path, environ: Mapping[str, str]) -> Watched:
    """Compares a source as it is now with what a training read.

    Raises:
        RepositoryError: It cannot be reached or read.
    """
    place = place_of(
        source, name=source.name, root=root, environ=environ, timeout=TIMEOUT_SECONDS, patience=PATIENCE_SECONDS
    )
    state = place.state()
    then = {"revision": before.revision, "fingerprint": before.fingerprint}
    now = {"revision": state.revision}
    changed, why = True, ""
    if _same(state.revision, before.revision):
        changed, why = False, state.note or _SAME.get(state.revision.partition(":")[0], "Its revision is the same.")
    elif content := place.content():
        now["fingerprint"] = content
        changed = content != before.fingerprint
        why = "Its content is another one." if changed else "It was written again with the same content."
    elif not state.revision:
        changed, why = False, f"{state.note or 'It says nothing of changes.'} It is too large to be read each time."
    elif not before.revision:
        why = "The last training did not write down what state it read."
    else:
        why = _why(before.revision, state.revision)
    return Watched(
        name=source.name, address=shown_address(source.address), changed=changed, why=why, before=then, now=now
    )


def _same(now: str, before: str) -> bool:
    """Whether two revisions stand for the same data; of git, the digest of the content decides, not the commit."""
    if now.startswith("git:") and before.startswith("git:"):
        return now.rpartition(":")[2] == before.rpartition(":")[2]
    return bool(now) and now == before


_SAME = {
    "file": "The same size and time of change.",
    "etag": "The same ETag.",
    "modified": "The same size and time of change.",
    "listing": "The same names, sizes, and times of change or ETags.",
    "marker": "The file that tells of changes is the same.",
    "table": "The same number of rows, and the same largest value or checksum.",
    "git": "The same content in git.",
    "dvc": "The same digest in DVC's pointer.",
}
_OTHER = {
    "etag": "The server gives it another ETag.",
    "modified": "The server says that it was changed.",
    "listing": "Files were added, removed or changed.",
    "marker": "The file that tells of changes is another one.",
    "table": "The table holds other rows.",
    "git": "The repository has another content at this revision.",
    "dvc": "DVC's pointer names another content.",
}


def _why(before: str, now: str) -> str:
    kind = now.partition(":")[0]
    told = _OTHER.get(kind, "Its state is another one.")
    if before.partition(":")[0] != kind:
        return f"{told.rstrip('.')} (and it was told apart otherwise before)."
    return told


def _look(request: Request, name: str, source: Source, before: DataRecord | None) -> Watched:
    address = shown_address(source.address)
    if before is None:
        why = "The last training did not read it; the next one does, whatever starts it."
        return Watched(name=name, address=address, changed=False, why=why, before={}, now={})
    try:
        return compare(source, before, root=request.root, environ=request.environ)
    except RepositoryError as error:
        then = {"revision": before.revision, "fingerprint": before.fingerprint}
        why = f"It cannot be looked at: {error.message}"
        return Watched(name=name, address=address, changed=False, why=why, before=then, now={}, error=error)


def _read(path: Path, *, explicit: bool, request: Request) -> tuple[dict[str, DataRecord], str, str]:
    """The data of the last report by name, its run, and why there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        named = f" at {path}" if explicit else ""
        return {}, "", f"There is no earlier report of {request.branch}{named}."
    except (OSError, ValueError) as error:
        raise RepositoryError(
            "The report cannot be read.", where=str(path), hint="Name a report.json of this branch with --report."
        ) from error
    try:
        records = [DataRecord.model_validate(item) for item in document["data"]]
        branch, run_id = str(document["branch"]), str(document["run"]["id"])
    except (ValidationError, KeyError, TypeError) as error:
        raise RepositoryError(
            "This is no report of a training.", where=str(path), hint="Name a report.json with --report."
        ) from error
    if branch != request.branch:
        raise RepositoryError(
            f"This is a report of the branch '{branch}', not of '{request.branch}'.",
            where=str(path),
            hint="Name the last report of this branch with --report.",
        )
    missing = "" if records else "The last report names no data: its training ended before it read any."
    return {record.name: record for record in records}, run_id, missing


def _names(request: Request, branch: Branch) -> list[str]:
    return branch.config.watch.sources or sources_of(request, branch, request.choose(branch))


def _outcome(request: Request, data: dict[str, Any], found: list[Watched]) -> VerbResult:
    changed = [watched for watched in found if watched.changed]
    errors = [watched.error for watched in found if watched.error is not None]
    data |= {"changed": bool(changed), "sources": [watched.to_json() for watched in found]}
    width = max((len(watched.name) for watched in found), default=0)
    marks = {id(watched): "changed  " if watched.changed else "same     " for watched in found}
    marks |= {id(watched): "unknown  " for watched in found if not watched.changed and not watched.now}
    lines = [f"  {marks[id(watched)]}  {watched.name:<{width}}  {watched.why}" for watched in found]
    lines += [f"             {'':<{width}}  -> {error.hint}" for error in errors if error.hint]
    if errors:
        return VerbResult(
            summary=f"{len(errors)} of {len(found)} sources of {request.branch} cannot be looked at.",
            data=data,
            lines=tuple(lines),
            exit_code=max(error.exit_code for error in errors),
            error=errors[0],
        )
    if changed:
        names = ", ".join(watched.name for watched in changed)
        return VerbResult(
            summary=f"The data of {request.branch} has changed: {names}.",
            data=data,
            lines=tuple(lines),
            exit_code=ExitCode.PENDING,
        )
    return VerbResult(summary=f"The data of {request.branch} has not changed.", data=data, lines=tuple(lines))
