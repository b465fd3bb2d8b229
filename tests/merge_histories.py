"""Random edits of files: what an owner does, and what a template does, for proofs about updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.objects import LooseObjects
from mlopsgen.sync import trees
from mlopsgen.sync.renders import Renders
from mlopsgen.sync.update import UpdateRequest, prepare
from mlopsgen.sync.values import Update
from tests.merge_toys import OWNER, RECORD, Content, Done, Program, ToyTemplate

SYNC = "version: 1\nseeded: [/seed/]\nmanaged: [/man/]\nlocks: [{lock: [lock.txt], from: [lock.in]}]\n"
PATHS = (
    "a.txt",
    "b.txt",
    "dir/c.txt",
    "dir/d.txt",
    "seed/s.txt",
    "seed/t.txt",
    "man/m.txt",
    "man/n.txt",
    "lock.in",
    "lock.txt",
)
MERGED = ("a.txt", "b.txt", "dir/c.txt", "dir/d.txt")
_LINES = 9
_KINDS = ("insert", "insert", "replace", "replace", "delete", "remove", "add", "share", "rename", "mode")
_SAME = {(kind, path) for kind in ("mode", "delete") for path in PATHS if path.startswith("man/")}


class File(NamedTuple):
    """A text file."""

    lines: tuple[str, ...]
    executable: bool = False

    @property
    def content(self) -> bytes:
        return "".join(f"{line}\n" for line in self.lines).encode()


State = Mapping[str, File]


class Edit(NamedTuple):
    """Something that is done to a file."""

    kind: str
    path: str
    line: int


def edits(paths: Sequence[str], kinds: Sequence[str] = _KINDS, *, most: int = 6) -> st.SearchStrategy[list[Edit]]:
    """A few edits of files; two people do the same thing to a managed file by no accident, which is another matter."""
    one = st.builds(Edit, st.sampled_from(kinds), st.sampled_from(paths), st.integers(0, _LINES))
    return st.lists(one.filter(lambda edit: edit[:2] not in _SAME), max_size=most)


def start(paths: Sequence[str] = PATHS) -> dict[str, File]:
    """Files of lines that are unlike each other."""
    return {path: File(tuple(f"{path} has line {number}" for number in range(_LINES))) for path in paths}


def edited(state: State, edits: Sequence[Edit], who: str) -> dict[str, File]:
    """What files become; every new line is like no other."""
    files = dict(state)
    for number, (kind, path, line) in enumerate(edits):
        new = f"{who} wrote {number} into {path}"
        if kind in {"add", "share"}:
            name = f"{path.rpartition('/')[0] or 'dir'}/{who if kind == 'add' else 'new'}-{line % 2}.txt"
            files.setdefault(name, File(tuple(f"{new} line {n}" for n in range(4))))
        elif path in files:
            _edit(files, kind, path, min(line, len(files[path].lines)), new, who)
    return files


def _edit(files: dict[str, File], kind: str, path: str, line: int, new: str, who: str) -> None:
    lines, executable = files[path]
    if kind == "remove":
        del files[path]
    elif kind == "rename":
        del files[path]
        files[f"{path}.{who}"] = File(lines, executable)
    elif kind == "mode":
        files[path] = File(lines, not executable)
    else:
        middle = () if kind == "delete" else (new,)
        files[path] = File((*lines[:line], *middle, *lines[line + (kind != "insert") :]), executable)


@dataclass(frozen=True)
class Bench:
    """A bare repository in which updates are worked out, one after the other."""

    folder: Path
    environ: Mapping[str, str]

    def update(self, versions: Mapping[str, State], ours: State, sync: str | None, **wanted: Any) -> Done:
        """Work out the update of ``ours``, made from the first version."""
        template = ToyTemplate({name: contents(state) for name, state in versions.items()}, sync)
        renders = Renders(self.folder / "renders", template, self.environ)
        commit = self.commit(renders.repository, ours, renders.tree(template.versions()[0], {"name": "toy"}))
        return Done(renders.repository, prepare(renders.repository, commit, UpdateRequest(**wanted), template, renders))

    def again(self, versions: Mapping[str, State], done: Done, sync: str | None, **wanted: Any) -> Done:
        """Work out the update of what came of an update."""
        template = ToyTemplate({name: contents(state) for name, state in versions.items()}, sync)
        renders = Renders(self.folder / "renders", template, self.environ)
        commit = trees.commit(done.shop, done.update.tree, [], "Updated", OWNER)
        return Done(done.shop, prepare(done.shop, commit, UpdateRequest(**wanted), template, renders))

    def commit(self, repository: GitRepository, state: State, rendered: str) -> str:
        """A commit of files, with the record of a render."""
        store = LooseObjects(repository.path / "objects")
        files = {
            path: ("100755" if file.executable else "100644", store.blob(file.content)) for path, file in state.items()
        }
        record = trees.listing(repository, rendered)[RECORD]
        return trees.commit(repository, store.tree({**files, RECORD: tuple(record)}), [], "Work", OWNER)


def contents(state: State) -> dict[str, Content]:
    """Files as a toy template has them."""
    return {path: Program(file.content) if file.executable else file.content for path, file in state.items()}


def told(update: Update) -> bytes:
    """Everything that an update says about files."""
    return "".join(note.diff for note in update.notes).encode()
