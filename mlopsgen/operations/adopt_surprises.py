"""What a person who merges an adoption may stumble over: looked at in their clone, told before anything is done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from mlopsgen.adapters.git import GitRepository
from mlopsgen.operations.adopt_found import CRUFT_FILE
from mlopsgen.operations.adopt_request import TEMPLATE_REFERENCE, Adoption
from mlopsgen.operations.sync_ground import names
from mlopsgen.sync.trees import shown

_IGNORED = ".gitignore"
_SHOWN = 6


def surprises(source: GitRepository, adoption: Adoption) -> Iterator[str]:
    """Sentences about the clone and what comes into it.

    Args:
        source: The person's repository.
        adoption: What comes.
    """
    if source.run_bytes("status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all"):
        yield "What is not committed here is not looked at: the branch is made of the last commit."
    tracked = set(names(source.run_bytes("ls-files", "-z", "--full-name")))
    lying = [path for path in adoption.added if path not in tracked and os.path.lexists(source.path / path)]
    if lying:
        yield (
            f"Not in git, and the template brings files of these names: {listed(lying)}. git will refuse to merge "
            "the branch until they are committed or moved away."
        )
    ignored = next((one for one in adoption.kept if one.path == one.at == _IGNORED), None)
    if ignored is not None and _IGNORED not in adoption.clashes and _shows_secrets(source, ignored.diff):
        yield (
            f"{_IGNORED} stays yours, and does not name .env, where secrets of this machine lie. Take the "
            f"template's lines in after the merge: git show {TEMPLATE_REFERENCE}:{_IGNORED} >> {_IGNORED}"
        )
    stored = _filtered(source, adoption.added)
    if stored:
        yield (
            f"{listed(stored)} would be kept by a filter of .gitattributes (git LFS), and come as plain files: "
            "'git add --renormalize .' after the merge hands them over."
        )
    calls = _mentions(source, "cruft", adoption.ours) if CRUFT_FILE in adoption.removed else []
    if calls:
        yield f"{CRUFT_FILE} goes, and {listed(calls)} still name cruft: change what calls it to 'mlopsgen sync'."


def listed(paths: Sequence[str]) -> str:
    """Some paths in a sentence."""
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(shown(path) for path in paths[:_SHOWN]) + more


def _shows_secrets(source: GitRepository, diff: str) -> bool:
    """Whether git would take a file in that the template keeps out of it."""
    return "\n+.env\n" in diff and not source.succeeds("check-ignore", "--quiet", "--no-index", ".env")


def _filtered(source: GitRepository, added: Sequence[str]) -> list[str]:
    """New files whose contents git would hand to a program."""
    if not added:
        return []
    asked = b"".join(os.fsencode(path) + b"\0" for path in added)
    told = source.run_bytes("check-attr", "-z", "--stdin", "filter", stdin=asked).split(b"\0")
    pairs = zip(told[::3], told[2::3], strict=False)
    return [os.fsdecode(path) for path, value in pairs if value not in (b"unspecified", b"unset", b"set")]


def _mentions(source: GitRepository, word: str, commit: str) -> list[str]:
    """Files of a commit that name a program; pages may go on telling of it."""
    words = ("grep", "-l", "-z", "-w", "-I", "-e", word, commit, "--", ":!*.md", f":!{CRUFT_FILE}")
    return [path.partition(":")[2] for path in names(source.run_bytes(*words, accepted=(0, 1)))]
