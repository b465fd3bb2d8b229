"""Artifacts of earlier runs: found, trusted or not, fetched, and unpacked with care. Standard library only.

Anybody who can open a pull request can upload an artifact of any name. So one counts only when it comes from a run of
the branch's own workflow, of a commit on that branch of this very repository, or from ``follow-up.yml``.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from helpers.ci.job import Job
from helpers.errors import RepositoryError
from helpers.github_api import ApiError

MOST_FILES = 10_000
FOLLOW_UP = ".github/workflows/follow-up.yml"


class BrokenArtifact(RepositoryError):
    """An artifact that is not what was uploaded."""

    code = "artifact"


@dataclass(frozen=True)
class Found:
    """An artifact that may be trusted.

    Attributes:
        expired: Whether GitHub has deleted it already; then only this record is left.
        run: The number of the run that uploaded it.
        url: That run's page.
        until: When GitHub deletes it, in ISO 8601.
    """

    id: int
    name: str
    size: int
    digest: str
    created: str
    until: str
    expired: bool
    run: int
    url: str
    commit: str


def trusted(job: Job, name: str, branch: str, *, follow_up: bool) -> Iterator[Found]:
    """The artifacts of a name that belong to a branch's own runs, the newest first.

    Args:
        job: Whose token asks.
        name: For example ``report-staging``.
        branch: The branch.
        follow_up: Whether those count that ``follow-up.yml`` kept for a training on a cluster.
    """
    listed = list(job.github.pages("actions/artifacts", "artifacts", most=3, name=name))
    listed.sort(key=lambda one: (str(one.get("created_at", "")), _number(one, "id")), reverse=True)
    runs: dict[int, dict[str, Any]] = {}
    for one in listed:
        known = one.get("workflow_run")
        if not isinstance(known, dict) or known.get("head_repository_id") != known.get("repository_id"):
            continue
        if known.get("head_branch") != branch and not follow_up:
            continue
        number = _number(known, "id")
        if number not in runs:
            found = job.github.get(f"actions/runs/{number}")
            runs[number] = found if isinstance(found, dict) else {}
        if _is_own(runs[number], branch, follow_up=follow_up):
            yield _found(one, runs[number])


def fetch(job: Job, found: Found, into: Path, *, largest: int) -> Path:
    """Downloads and unpacks an artifact into a new folder.

    Args:
        job: Whose token asks.
        found: Which one.
        into: The folder; made here.
        largest: Bytes that it may have, packed and unpacked alike.

    Raises:
        BrokenArtifact: It is damaged, too large, or would write outside of the folder.
        ApiError: It cannot be fetched.
    """
    if found.expired:
        raise BrokenArtifact("GitHub has deleted it: its retention has ended.", where=found.name)
    if found.size > largest:
        raise BrokenArtifact(f"It has {found.size:,} bytes, more than the {largest:,} allowed.", where=found.name)
    into.mkdir(parents=True)
    packed = into.with_name(f"{into.name}.zip")
    try:
        digest = job.github.download(f"actions/artifacts/{found.id}/zip", packed, largest=largest)
        if found.digest.startswith("sha256:") and found.digest != f"sha256:{digest}":
            raise BrokenArtifact("Its checksum is not the one that GitHub names.", where=found.name)
        unpack(packed, into, largest=largest)
    except ApiError as error:
        if error.status == 410:
            raise BrokenArtifact("GitHub has deleted it: its retention has ended.", where=found.name) from error
        raise
    finally:
        packed.unlink(missing_ok=True)
    return into


def unpack(packed: Path, into: Path, *, largest: int) -> None:
    """Unpacks a zip file that somebody else may have made.

    Raises:
        BrokenArtifact: It is damaged, too large, or would write outside of the folder.
    """
    try:
        with zipfile.ZipFile(packed) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if len(members) > MOST_FILES:
                raise BrokenArtifact(f"It holds more than {MOST_FILES:,} files.", where=packed.name)
            left, seen = largest, set()
            for member in members:
                target = _target(member, into)
                if target in seen:
                    raise BrokenArtifact(f"It holds the file {member.filename!r} twice.", where=packed.name)
                seen.add(target)
                left = _write(archive, member, target, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise BrokenArtifact(f"It is damaged: {type(error).__name__}.", where=packed.name) from error
    except OSError as error:
        raise BrokenArtifact(f"It cannot be unpacked: {error.strerror or error}.", where=packed.name) from error


def _target(member: zipfile.ZipInfo, into: Path) -> Path:
    """Where a member is written; refuses what lies elsewhere, and what is no plain file."""
    name = member.filename
    path = PurePosixPath(name)
    kind = stat.S_IFMT(member.external_attr >> 16)
    odd = path.is_absolute() or ".." in path.parts or not path.parts or "\\" in name or "\0" in name
    if odd or name[1:2] == ":" or kind not in (0, stat.S_IFREG):
        raise BrokenArtifact(f"It holds the file {name[:200]!r}, which is not allowed.", where=into.name)
    return into.joinpath(*path.parts)


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("xb") as file:
        while part := source.read(1 << 20):
            left -= len(part)
            if left < 0:
                raise BrokenArtifact("Unpacked it is larger than allowed.", where=member.filename[:200])
            file.write(part)
    return left


def _is_own(run: dict[str, Any], branch: str, *, follow_up: bool) -> bool:
    """Whether a run of a commit of this repository is one that keeps the branch's artifacts."""
    path, event = str(run.get("path", "")).partition("@")[0], run.get("event")
    if path == FOLLOW_UP:
        return follow_up and event == "repository_dispatch"
    own = path == f".github/workflows/{branch}.yml" and event in ("push", "workflow_dispatch")
    return own and run.get("head_branch") == branch


def _found(one: dict[str, Any], run: dict[str, Any]) -> Found:
    return Found(
        id=_number(one, "id"),
        name=str(one.get("name", "")),
        size=_number(one, "size_in_bytes"),
        digest=str(one.get("digest") or ""),
        created=str(one.get("created_at") or ""),
        until=str(one.get("expires_at") or ""),
        expired=one.get("expired") is True,
        run=_number(run, "id"),
        url=str(run.get("html_url") or ""),
        commit=str(run.get("head_sha") or ""),
    )


def _number(item: dict[str, Any], key: str) -> int:
    value = item.get(key)
    return value if isinstance(value, int) else 0
