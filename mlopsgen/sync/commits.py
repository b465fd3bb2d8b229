"""The commit that a sync branch holds, and how one knows it again without any history.

Its message ends with its own tree and parent. A commit in which somebody resolved conflicts, that was amended, rebased
or cherry-picked has others: it holds somebody's work and is never overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlopsgen.adapters.git import GitRepository
from mlopsgen.sync import trees

TREE = "Mlopsgen-Tree"
PARENT = "Mlopsgen-Parent"


def make_commit(repository: GitRepository, tree: str, parent: str, message: str, *, identity: tuple[str, str]) -> str:
    """Make the commit of an update; nothing refers to it yet.

    Args:
        repository: Where its objects lie.
        tree: What it holds.
        parent: The commit that is updated.
        message: What it says, trailers at its end.
        identity: Whose name it bears.
    """
    said = f"{message.rstrip()}\n{TREE}: {tree}\n{PARENT}: {parent}\n"
    return trees.commit(repository, tree, [parent], said, identity)


def is_untouched(repository: GitRepository, commit: str) -> bool:
    """Whether a commit is exactly what :func:`make_commit` made of an update, and holds nobody's work besides."""
    raw = read_raw(repository, commit)
    head, _, message = raw.partition("\n\n")
    lines = [line.partition(" ")[::2] for line in head.splitlines()]
    made_of = [value for name, value in lines if name == "tree"], [value for name, value in lines if name == "parent"]
    told = _trailers(message)
    return made_of == ([told.get(TREE, "")], [told.get(PARENT, "")])


def is_same(repository: GitRepository, commit: str, tree: str, parent: str) -> bool:
    """Whether a commit brings the same files onto the same commit, whatever it says and whoever made it."""
    head = read_raw(repository, commit).partition("\n\n")[0].splitlines()
    return [line for line in head if line.startswith(("tree ", "parent "))] == [f"tree {tree}", f"parent {parent}"]


def read_raw(repository: GitRepository, commit: str) -> str:
    """A commit as git keeps it: with the parents that it has, also where a shallow clone ends with it."""
    return repository.run_bytes("cat-file", "commit", commit).decode("utf-8", "replace")


def _trailers(message: str) -> Mapping[str, str]:
    pairs = (line.partition(": ")[::2] for line in message.rstrip().rpartition("\n\n")[2].splitlines())
    return dict(pairs)
