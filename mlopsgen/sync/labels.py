"""Names for the two sides in git's conflict markers: words instead of the ids of commits that nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlopsgen.adapters.git import GitRepository
from mlopsgen.sync.merging import Merged
from mlopsgen.sync.trees import blobs, listing, store_blobs, tree_of
from mlopsgen.sync.values import Conflict, Entry

_MARKS = (b"<<<<<<< ", b">>>>>>> ")


def named(repository: GitRepository, merged: Merged, words: Mapping[str, str]) -> Merged:
    """The same merge with words in its markers, and in the names of files that git had to move aside.

    Args:
        repository: Where its objects lie.
        merged: A merge of two commits.
        words: What to say for each of them, by its id.
    """
    if not merged.conflicts:
        return merged
    files = listing(repository, merged.tree)
    asked = {path: entry.blob for path, entry in files.items() if path in merged.stages}
    contents = blobs(repository, asked.values())
    told = {path: _told(contents.get(blob, b""), words) for path, blob in asked.items()}
    changed = [path for path, blob in asked.items() if told[path] != contents.get(blob, b"")]
    made = dict(zip(changed, store_blobs(repository, [told[path] for path in changed]), strict=True))
    new = {_renamed(path, words): Entry(entry.mode, made.get(path, entry.blob)) for path, entry in files.items()}
    if len(new) != len(files):  # a file of that very name is there already
        return merged
    return replace(
        merged,
        tree=tree_of(repository, new),
        conflicts=tuple(Conflict(_renamed(one.path, words), one.kind, one.message) for one in merged.conflicts),
        stages={_renamed(path, words): stages for path, stages in merged.stages.items()},
    )


def _told(content: bytes, words: Mapping[str, str]) -> bytes:
    for commit, word in words.items():
        for mark in _MARKS:
            content = content.replace(mark + commit.encode(), mark + word.encode())
    return content


def _renamed(path: str, words: Mapping[str, str]) -> str:
    for commit, word in words.items():
        path = path.replace(f"~{commit}", f"~{word.split(' ', maxsplit=1)[0]}")
    return path
