"""Git's trees as listings and back, and the objects they are made of; names are kept whatever their encoding.

Nothing here touches an index, a working tree or a reference: objects are read and made, nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError
from mlopsgen.sync.values import Entry, Listing

LARGEST = 4_000_000
"""A longer file is not read into memory: it is merged by git, and only its lines are not looked at here."""

SUBMODULE = "160000"
SYMLINK = "120000"
_FOLDER = "40000"
_SHA1_LENGTH = 40


def name_of(path: bytes) -> str:
    """A path of git's as text; bytes that are no UTF-8 survive as surrogates."""
    return path.decode("utf-8", "surrogateescape")


def bytes_of(path: str) -> bytes:
    """The path as git has it."""
    return path.encode("utf-8", "surrogateescape")


def shown(path: str) -> str:
    """A path for people and for JSON: bytes that are no UTF-8 and control characters are spelt out."""
    text = "".join(f"\\x{ord(char) - 0xDC00:02x}" if "\udc80" <= char <= "\udcff" else char for char in path)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def listing(repository: GitRepository, tree: str) -> Listing:
    """Every file of a tree (or of a commit)."""
    records = repository.run_bytes("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")
    found: dict[str, Entry] = {}
    for record in filter(None, records):
        meta, _, path = record.partition(b"\t")
        mode, _, blob = meta.decode("ascii").split(" ")
        found[name_of(path)] = Entry(mode, blob)
    return found


class _Tree(NamedTuple):
    files: dict[bytes, Entry]
    folders: dict[bytes, _Tree]


def tree_of(repository: GitRepository, files: Listing) -> str:
    """The tree with these files, made of git's objects; the contents need not be there.

    Raises:
        MlopsgenError: A path is a file and a folder at once.
    """
    root = _Tree({}, {})
    for path, entry in files.items():
        _put(root, path, entry)
    if not files:
        return repository.run_bytes("mktree").decode("ascii").strip()
    algorithm = "sha1" if all(len(entry.blob) == _SHA1_LENGTH for entry in files.values()) else "sha256"
    records: list[bytes] = []
    name = _hash(root, algorithm, records)
    # One process for all folders. git hashes them again, and its names are the ones that count.
    made = repository.run_bytes("mktree", "-z", "--batch", "--missing", stdin=b"\0".join(records))
    if made.decode("ascii").split()[-1] != name:
        raise MlopsgenError("git and mlopsgen disagree about a tree; this is a mistake in mlopsgen.")
    return name


def _put(root: _Tree, path: str, entry: Entry) -> None:
    *above, name = bytes_of(path).split(b"/")
    here = root
    for folder in above:
        here = here.folders.setdefault(folder, _Tree({}, {}))
        _refuse_both(here, path)
    here.files[name] = entry


def _refuse_both(tree: _Tree, path: str) -> None:
    if not tree.files.keys().isdisjoint(tree.folders):
        raise MlopsgenError("A file and a folder would have the same name.", where=shown(path))


def _hash(tree: _Tree, algorithm: str, records: list[bytes]) -> str:
    """The name of a tree, after the records that ``git mktree`` needs for it and for what is in it."""
    _refuse_both(tree, "")
    entries = [(name, name, entry.mode, entry.blob) for name, entry in tree.files.items()]
    for name, folder in tree.folders.items():
        entries.append((name + b"/", name, _FOLDER, _hash(folder, algorithm, records)))
    entries.sort()
    content = b"".join(b"%b %b\0%b" % (mode.encode(), name, bytes.fromhex(blob)) for _, name, mode, blob in entries)
    records.append(b"".join(_record(mode, blob, name) for _, name, mode, blob in entries))
    return hashlib.new(algorithm, b"tree %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _record(mode: str, blob: str, name: bytes) -> bytes:
    kind = "tree" if mode == _FOLDER else "commit" if mode == SUBMODULE else "blob"
    return f"{mode} {kind} {blob}\t".encode("ascii") + name + b"\0"


def blobs(repository: GitRepository, ids: Iterable[str], *, largest: int = LARGEST) -> dict[str, bytes]:
    """The contents of files by id; those that are too large or not there are left out."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    asked = "\n".join(wanted).encode("ascii") + b"\n"
    sizes = repository.run_bytes("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", stdin=asked)
    lines = (line.split(" ") for line in sizes.decode("ascii").splitlines())
    small = [words[0] for words in lines if len(words) == 3 and words[1] == "blob" and int(words[2]) <= largest]
    if not small:
        return {}
    printed = repository.run_bytes("cat-file", "--batch", stdin="\n".join(small).encode("ascii") + b"\n")
    found: dict[str, bytes] = {}
    position = 0
    for blob in small:
        end = printed.index(b"\n", position)
        size = int(printed[position:end].rsplit(b" ", 1)[1])
        found[blob] = printed[end + 1 : end + 1 + size]
        position = end + size + 2
    return found


def store_blobs(repository: GitRepository, contents: Sequence[bytes]) -> list[str]:
    """Make files of contents, exactly as they are; their ids in the same order."""
    return [
        repository.run_bytes("hash-object", "-w", "--stdin", "--no-filters", stdin=content).decode("ascii").strip()
        for content in contents
    ]


def commit(
    repository: GitRepository, tree: str, parents: Collection[str], message: str, identity: tuple[str, str]
) -> str:
    """Make a commit in a person's name; never signed, no hooks run."""
    name, email = identity
    extra = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in _who(name, email)}
    words = [word for parent in parents for word in ("-p", parent)]
    plain = ("-c", "i18n.commitEncoding=UTF-8")
    made = repository.run_bytes(*plain, "commit-tree", tree, *words, stdin=message.encode(), extra=extra)
    return made.decode("ascii").strip()


def _who(name: str, email: str) -> tuple[tuple[str, str], ...]:
    return (("NAME", name), ("EMAIL", email))


def replaced(files: Listing, changes: Mapping[str, Entry | None]) -> dict[str, Entry]:
    """A listing with some files changed; ``None`` stands for a file that goes."""
    kept = {path: entry for path, entry in files.items() if path not in changes}
    return kept | {path: entry for path, entry in changes.items() if entry is not None}
