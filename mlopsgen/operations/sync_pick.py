"""An update with conflicts in a working tree: git's own cherry-pick, its end, and the way back.

The order makes each moment safe: first the way back is written down, then the branch is checked out, then the pick.
Killed in between, the next command finds what is written and how far it came.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import CommandFailed, MlopsgenError
from mlopsgen.operations import sync_state
from mlopsgen.operations.sync_ground import PLAIN, elsewhere, head_of, names, unmerged
from mlopsgen.operations.sync_state import Underway
from mlopsgen.sync.merging import MERGE_SETTINGS

THEIRS = "refs/mlopsgen/theirs"
BASE = "refs/mlopsgen/base"
RESULT = "refs/mlopsgen/result"
_OWN = (THEIRS, BASE, RESULT)
_PICK = "CHERRY_PICK_HEAD"
_SHOWN = 5
_MARK = r"^(<{7}|>{7})( |\r?$)"
_CHECKOUT = ("checkout", "--quiet", "--no-guess", "--no-overwrite-ignore")
# A message is kept as it is but for the comments that git adds; what a person configured could keep those.
_COMMIT = ("-c", "commit.cleanup=strip", "-c", "core.editor=true", "-c", "core.commentChar=#")


def begin(source: GitRepository, underway: Underway) -> Underway:
    """Check the sync branch out at the commit that is updated, and pick the update onto it.

    Returns:
        What waits now; no conflicts where git turned out to merge it after all, with what it has learnt or was
        configured to do.

    Raises:
        MlopsgenError: git refused; everything is as it was.
    """
    sync_state.write(source, underway)
    try:
        source.run(*PLAIN, *_CHECKOUT, "--no-track", "-B", underway.sync_branch, underway.ours)
        picked = source.run(*PLAIN, *MERGE_SETTINGS, *_COMMIT, "cherry-pick", THEIRS, check=False)
        if picked.exit_status != 0 and source.commit_of(_PICK) is None:
            raise CommandFailed(["git", "cherry-pick", THEIRS], picked.exit_status, picked.stderr)  # noqa: TRY301
    except CommandFailed:
        go_back(source, underway)
        raise
    if picked.exit_status == 0:
        return replace(underway, conflicts=())
    waiting = replace(underway, touched=_staged(source, underway.ours), conflicts=unmerged(source))
    sync_state.write(source, waiting)
    return waiting


@dataclass(frozen=True)
class Progress:
    """How far an update that waits has come.

    Attributes:
        picking: The pick is under way.
        commit: The commit that it ended with; empty while it has not.
        left: The files whose conflicts are not resolved.
    """

    picking: bool = False
    commit: str = ""
    left: tuple[str, ...] = ()


def progress_of(source: GitRepository, underway: Underway) -> Progress:
    """How far an update has come in this working tree."""
    head = head_of(source)
    if source.commit_of(_PICK) == underway.theirs and head.branch == underway.sync_branch:
        return Progress(picking=True, left=unmerged(source))
    tip = source.commit_of(f"refs/heads/{underway.sync_branch}") or ""
    if tip and tip != underway.ours and is_update(source, tip, underway):
        return Progress(commit=tip)
    return Progress()


def is_update(source: GitRepository, commit: str, underway: Underway) -> bool:
    """Whether a commit is the update, resolved by a person."""
    parents = source.read("rev-list", "--max-count=1", "--parents", commit).split()[1:]
    wanted = f"Mlopsgen-Sync: {underway.start}..{underway.end}"
    return parents == [underway.ours] and wanted in source.read("log", "-1", "--format=%B", commit).splitlines()


def finish(source: GitRepository, underway: Underway) -> str:
    """Commit what a person resolved.

    Returns:
        The commit.

    Raises:
        MlopsgenError: Something is not resolved, or git refuses.
    """
    left = unmerged(source)
    if left:
        raise _unresolved(left)
    _refuse_markers(source, underway.conflicts)
    if source.succeeds("diff", "--cached", "--quiet", "HEAD"):
        raise MlopsgenError(
            "Nothing of the update is left: the files are as they were before it.",
            hint="Give it up with 'mlopsgen sync --abort', or take in what it changes (git checkout --theirs FILE).",
        )
    source.run(*PLAIN, *_COMMIT, "cherry-pick", "--continue")
    return source.commit_of("HEAD") or ""


def _unresolved(left: Sequence[str]) -> MlopsgenError:
    shown = ", ".join(left[:_SHOWN]) + (f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else "")
    return MlopsgenError(
        f"Not resolved yet: {shown}.",
        where=left[0],
        hint="Edit each, then 'git add' it (or 'git rm'), then run 'mlopsgen sync --continue'.",
    )


def _refuse_markers(source: GitRepository, paths: Sequence[str]) -> None:
    """Stop where git's marks of a conflict are about to be committed."""
    if not paths:
        return
    top = ("-C", source.read("rev-parse", "--show-toplevel"), "--literal-pathspecs")
    words = ("grep", "--cached", "--no-color", "-n", "-I", "-E", "-e", _MARK, "--", *paths)
    printed = source.run_bytes(*top, *words, accepted=(0, 1))
    lines = os.fsdecode(printed).splitlines()
    if lines:
        path, number = lines[0].split(":")[:2]
        where = f"{path}:{number}"
        raise MlopsgenError(
            f"A conflict marker is still in what would be committed ({where}).",
            where=where,
            hint="Take the markers out, 'git add' the file, then run 'mlopsgen sync --continue'.",
        )


def go_back(source: GitRepository, underway: Underway) -> None:
    """Undo what was picked, check out what was checked out, put the sync branch back; and nothing else.

    It can be done again after it was killed.

    Raises:
        MlopsgenError: What a person did meanwhile stands in the way.
    """
    if source.commit_of(_PICK) == underway.theirs:
        _restore(source, underway)
        source.run(*PLAIN, "cherry-pick", "--quit")
    _return(source, underway)
    _put_branch_back(source, underway)
    clean_up(source)


def leave(source: GitRepository, underway: Underway) -> str:
    """Check out what was checked out before a finished update, as far as git can; the words about where we are."""
    try:
        _return(source, underway)
    except MlopsgenError:
        return f"You are still on {underway.sync_branch}: git could not check out what was there before."
    finally:
        clean_up(source)
    return ""


def clean_up(source: GitRepository) -> None:
    """Forget what waited, and the references that kept its objects."""
    drop_references(source)
    sync_state.forget(source)


def drop_references(source: GitRepository) -> None:
    """Remove the references that only we look at."""
    found = [name for name in _OWN if source.succeeds("rev-parse", "--verify", "--quiet", name)]
    if found:
        source.run(*PLAIN, "update-ref", "--stdin", stdin="".join(f"delete {name}\n" for name in found))


def _staged(source: GitRepository, ours: str) -> tuple[str, ...]:
    listed = source.run_bytes("diff", "--cached", "--no-ext-diff", "--no-renames", "--name-only", "-z", ours)
    return names(listed)


def _restore(source: GitRepository, underway: Underway) -> None:
    """Bring the files of the update back; what else a person has changed or staged stays."""
    paths = sorted({*underway.touched, *unmerged(source)})
    known = set(names(source.run_bytes("ls-tree", "-r", "-z", "--name-only", "--full-tree", underway.ours)))
    changed = set(_staged(source, underway.ours))
    present = [name for name in paths if name in known]
    gone = [name for name in paths if name not in known and name in changed]
    top = Path(source.read("rev-parse", "--show-toplevel"))
    here = ("-C", str(top), "--literal-pathspecs", *PLAIN)
    # A folder may be about to take a file's place, or a file a folder's: first what has to go.
    for name in gone:
        _remove(top, name)
    # Only now: what the index does not name any more would not be found again.
    source.run_bytes(*here, "update-index", "--force-remove", "-z", "--stdin", stdin=_lines(gone))
    if present:
        words = ("restore", f"--source={underway.ours}", "--staged", "--worktree", "--ignore-skip-worktree-bits")
        source.run_bytes(*here, *words, "--pathspec-from-file=-", "--pathspec-file-nul", stdin=_lines(present))


def _remove(top: Path, name: str) -> None:
    place = top / name
    if place.is_dir() and not place.is_symlink():
        return
    place.unlink(missing_ok=True)
    for above in place.parents:
        if above == top or (above.is_dir() and any(above.iterdir())):
            return
        with suppress(FileNotFoundError):
            above.rmdir()


def _lines(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(name) + b"\0" for name in paths)


def _return(source: GitRepository, underway: Underway) -> None:
    head = head_of(source)
    if head.branch != underway.sync_branch:
        return
    where = [underway.head] if underway.head else ["--detach", underway.commit]
    try:
        source.run(*PLAIN, *_CHECKOUT, *where, "--")
    except CommandFailed as error:
        blocked = elsewhere(source, underway.head) if underway.head else ""
        hint = f"It is checked out in {blocked}." if blocked else "Commit or stash what git names, then run it again."
        raise MlopsgenError(
            f"git cannot go back to {underway.head or underway.commit[:10]}: "
            f"{' '.join(error.output.split()) or error.message}",
            hint=hint,
        ) from error


def _put_branch_back(source: GitRepository, underway: Underway) -> None:
    """The sync branch as it was, unless it holds commits of somebody."""
    reference = f"refs/heads/{underway.sync_branch}"
    tip = source.commit_of(reference)
    if tip is None or tip == underway.before or tip != underway.ours:
        return
    if underway.before:
        source.run(*PLAIN, "update-ref", reference, underway.before, tip)
    else:
        source.run(*PLAIN, "update-ref", "-d", reference, tip)
        source.run("config", "--remove-section", f"branch.{underway.sync_branch}", check=False)
