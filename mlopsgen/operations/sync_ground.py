"""What a working tree holds that an update with conflicts would stand on: looked at before anything moves."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError

PLAIN = ("-c", "core.hooksPath=/dev/null", "-c", "submodule.recurse=false", "-c", "commit.gpgSign=false")
"""Hooks are for what a person does; a key's passphrase is nobody's to type here."""

_SHOWN = 8
_NAMES = ("--no-ext-diff", "--no-renames", "--name-only", "-z")
_UNDERWAY = {
    "MERGE_HEAD": ("A merge", "git merge --abort"),
    "CHERRY_PICK_HEAD": ("A cherry-pick", "git cherry-pick --abort"),
    "REVERT_HEAD": ("A revert", "git revert --abort"),
    "rebase-merge": ("A rebase", "git rebase --abort"),
    "rebase-apply": ("A rebase or 'git am'", "git rebase --abort"),
    "BISECT_LOG": ("A bisection", "git bisect reset"),
    "sequencer": ("A series of picks", "git cherry-pick --abort"),
}


@dataclass(frozen=True)
class Head:
    """What is checked out.

    Attributes:
        branch: The branch; empty where none is.
        commit: The commit.
    """

    branch: str
    commit: str


def head_of(source: GitRepository) -> Head:
    """What is checked out in the working tree."""
    branch = source.run("symbolic-ref", "--quiet", "HEAD", check=False).stdout.strip()
    return Head(branch.removeprefix("refs/heads/"), source.commit_of("HEAD") or "")


def names(output: bytes) -> tuple[str, ...]:
    """The paths that git lists with ``-z``."""
    return tuple(os.fsdecode(name) for name in output.split(b"\0") if name)


def different(source: GitRepository, one: str, other: str) -> tuple[str, ...]:
    """The paths in which two trees differ."""
    return names(source.run_bytes("diff-tree", "-r", "-z", "--name-only", "--no-renames", one, other))


def unmerged(source: GitRepository) -> tuple[str, ...]:
    """The paths whose conflicts are not resolved yet."""
    listed = source.run_bytes("ls-files", "-z", "--full-name", "--unmerged")
    return tuple(dict.fromkeys(name.partition("\t")[2] for name in names(listed)))


def elsewhere(source: GitRepository, branch: str) -> str:
    """The folder of another working tree that has a branch checked out; empty if none has."""
    here = os.fsencode(source.read("rev-parse", "--show-toplevel"))
    for block in source.run_bytes("worktree", "list", "--porcelain").split(b"\n\n"):
        lines = block.split(b"\n")
        if os.fsencode(f"branch refs/heads/{branch}") in lines:
            folder = lines[0].removeprefix(b"worktree ")
            if Path(os.fsdecode(folder)).resolve() != Path(os.fsdecode(here)).resolve():
                return os.fsdecode(folder)
    return ""


def refuse_ground(source: GitRepository, ours: str, changed: Iterable[str]) -> tuple[str, ...]:
    """Make sure that a pick onto ``ours`` that changes these paths moves nothing of the person's.

    Returns:
        The paths that it changes in the working tree.

    Raises:
        MlopsgenError: Something stands in the way; nothing was moved.
    """
    _refuse_underway(source)
    staged = names(source.run_bytes("diff", "--cached", *_NAMES, "--ita-visible-in-index"))
    if staged:
        raise _in_the_way("is staged for a commit", "are staged for a commit", staged, "Commit or stash: git stash")
    head = head_of(source).commit
    switched = set(different(source, head, ours))
    touched = switched | set(changed)
    edited = names(source.run_bytes("diff", *_NAMES, "--ignore-submodules=dirty"))
    in_the_way = [name for name in edited if name in touched]
    if in_the_way:
        raise _in_the_way(
            "has changes that are not committed, and the update changes it, too",
            "have changes that are not committed, and the update changes them, too",
            in_the_way,
            "Commit or stash: git stash",
        )
    tracked = set(names(source.run_bytes("ls-files", "-z", "--full-name")))
    top = Path(source.read("rev-parse", "--show-toplevel"))
    hidden = _hidden(source, top, touched)
    if hidden:
        raise _in_the_way(
            "has changes that git was told to overlook, and the update changes it, too",
            "have changes that git was told to overlook, and the update changes them, too",
            hidden,
            "Let git see them (git update-index --no-skip-worktree --no-assume-unchanged FILE), then commit or stash",
        )
    untracked = list(_untracked(source, top, sorted(touched - tracked), tracked))
    if untracked:
        raise _in_the_way(
            "is not in git, and the update brings a file of that name",
            "are not in git, and the update brings files of these names",
            untracked,
            "Move away or commit what is yours",
        )
    return tuple(sorted(touched))


def _refuse_underway(source: GitRepository) -> None:
    folder = Path(source.read("rev-parse", "--absolute-git-dir"))
    for name, (what, command) in _UNDERWAY.items():
        if (folder / name).exists():
            raise MlopsgenError(
                f"{what} is under way here, and the update has conflicts to be resolved here. Nothing was moved.",
                where=str(folder / name),
                hint=f"Finish it, or give it up with '{command}'; then run this again.",
            )
    if unmerged(source):
        raise MlopsgenError(
            "Conflicts are waiting here that are not of an update. Nothing was moved.",
            where=", ".join(unmerged(source)[:_SHOWN]),
            hint="Resolve them (git status lists them); then run this again.",
        )


def _hidden(source: GitRepository, top: Path, touched: Iterable[str]) -> list[str]:
    """Files that differ from the index behind a mark which makes git not look, as ``git ls-files -v`` shows it."""
    wanted, found = set(touched), []
    for line in names(source.run_bytes("ls-files", "-z", "--full-name", "-v")):
        mark, name = line[:1], line[2:]
        place = top / name
        # What a sparse working tree leaves out bears the same mark, and is not there.
        if (mark == "S" or mark.islower()) and name in wanted and place.is_file() and not place.is_symlink():
            here = source.read("-C", str(top), "hash-object", f"--path={name}", "--", str(place))
            if here != source.read("-C", str(top), "rev-parse", f":0:{name}"):
                found.append(name)
    return found


def _untracked(source: GitRepository, top: Path, wanted: Iterable[str], tracked: set[str]) -> Iterable[str]:
    """What lies where new files have to be written, ignored files among it."""
    seen = set()
    for name in wanted:
        for above in reversed([path for path in PurePosixPath(name).parents if path.parts]):
            place = top / above
            if (place.is_symlink() or place.is_file()) and str(above) not in tracked:
                seen.add(str(above))
        place = top / name
        if place.is_dir() and not place.is_symlink():
            listed = source.run_bytes("--literal-pathspecs", "-C", str(top), "ls-files", "-z", "--others", "--", name)
            seen.update(names(listed))
        elif os.path.lexists(place):
            seen.add(name)
    return sorted(seen)


def _in_the_way(one: str, many: str, paths: Iterable[str], hint: str) -> MlopsgenError:
    found = list(paths)
    shown = ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
    error = MlopsgenError(
        f"The update has conflicts to be resolved here, and {shown} {one if len(found) == 1 else many}. "
        "Nothing was moved.",
        where=found[0],
        hint=f"{hint}; then run this again.",
    )
    error.data = {"in_the_way": found}
    return error
