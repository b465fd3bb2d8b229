"""The branch that an update is made on: whose work it holds, and how it moves without any working tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError
from mlopsgen.operations.sync_ground import PLAIN, elsewhere, head_of
from mlopsgen.sync.commits import is_untouched
from mlopsgen.sync.update import NEUTRAL_IDENTITY
from mlopsgen.sync.values import Update
from mlopsgen.sync.wording import TRAILER


class Holds(StrEnum):
    """What the sync branch holds."""

    NOTHING = "nothing"
    """It is not there, or all of it has arrived in the branch that is updated."""
    OURS = "ours"
    """An update that this program made and nobody worked on: it can be made anew."""
    SAME = "same"
    """This very update."""
    RESOLVED = "resolved"
    """This very update, its conflicts resolved by a person."""


@dataclass(frozen=True)
class Found:
    """The sync branch as it is.

    Attributes:
        holds: What it holds.
        commit: Its commit; empty if it is not there.
    """

    holds: Holds
    commit: str = ""


def with_identity(source: GitRepository, environ: Mapping[str, str]) -> GitRepository:
    """The repository, with a neutral name on its commits where git knows nobody."""
    if source.identity() is not None:
        return source
    parts = dict(zip(("NAME", "EMAIL"), NEUTRAL_IDENTITY, strict=True))
    roles = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in parts.items()}
    return GitRepository(source.path, {**environ, **roles})


def look(source: GitRepository, sync_branch: str, update: Update) -> Found:
    """What the sync branch holds.

    Raises:
        MlopsgenError: It holds work of somebody that is nowhere else, or it is checked out.
    """
    commit = source.commit_of(f"refs/heads/{sync_branch}")
    if commit is None:
        return Found(Holds.NOTHING)
    holds = _holds(source, commit, update)
    if holds is None:
        raise MlopsgenError(
            f"Somebody has worked on {sync_branch}, and that is not merged yet; it was left alone.",
            where=sync_branch,
            hint=f"Merge it first (git merge {sync_branch}), or if nobody needs it: git branch -D {sync_branch}",
        )
    found = Found(holds, commit)
    if found.holds in (Holds.SAME, Holds.RESOLVED):
        return found
    here = head_of(source).branch == sync_branch
    other = "" if here else elsewhere(source, sync_branch)
    if here or other:
        raise MlopsgenError(
            f"The branch {sync_branch} is checked out{f' in {other}' if other else ''}; the update is made on it.",
            where=other or sync_branch,
            hint=f"Check another branch out{' there' if other else ''} (git switch -), then run it again.",
        )
    return found


def _holds(source: GitRepository, commit: str, update: Update) -> Holds | None:
    parents = source.read("rev-list", "--max-count=1", "--parents", commit).split()[1:]
    trailers = source.read("log", "-1", f"--format=%(trailers:key={TRAILER},valueonly)", commit).split()
    is_this = parents == [update.ours] and trailers == [f"{update.start}..{update.end}"]
    untouched = is_untouched(source, commit)
    if is_this and untouched:
        same = source.read("rev-parse", f"{commit}^{{tree}}") == update.tree
        return Holds.SAME if same and not update.conflicts else Holds.OURS
    if source.succeeds("merge-base", "--is-ancestor", commit, update.ours):
        return Holds.NOTHING
    if is_this:
        return Holds.RESOLVED
    if untouched or _has_arrived(source, parents, trailers, update):
        return Holds.OURS
    return None


def _has_arrived(source: GitRepository, parents: list[str], trailers: list[str], update: Update) -> bool:
    """Whether a resolved update has come into the branch by another way than a merge (squashed, by a pull request)."""
    arrived = [trailer for trailer in trailers if trailer.partition("..")[2] == update.start]
    return (
        bool(arrived) and len(parents) == 1 and source.succeeds("merge-base", "--is-ancestor", parents[0], update.ours)
    )


def move(source: GitRepository, sync_branch: str, commit: str, before: str) -> None:
    """Let the sync branch point to a commit, if it still points to what was looked at."""
    reference = f"refs/heads/{sync_branch}"
    words = ("update-ref", "--create-reflog", "-m", "mlopsgen sync", reference, commit, before or "0" * len(commit))
    source.run(*PLAIN, *words)


def remove_merged(source: GitRepository, sync_branch: str, target: str) -> bool:
    """Remove the sync branch here, if all of it is in ``target`` and nobody stands on it."""
    reference = f"refs/heads/{sync_branch}"
    commit = source.commit_of(reference)
    if commit is None or head_of(source).branch == sync_branch or elsewhere(source, sync_branch):
        return False
    if not source.succeeds("merge-base", "--is-ancestor", commit, target):
        return False
    source.run(*PLAIN, "update-ref", "-d", reference, commit)
    source.run("config", "--remove-section", f"branch.{sync_branch}", check=False)
    return True
