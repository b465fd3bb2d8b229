"""A template of a few files in any number of versions, an owner's repository made from it, and updates of that."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mlopsgen.adapters.copier_questions import read_questions
from mlopsgen.adapters.git import GitRepository
from mlopsgen.ports import Template
from mlopsgen.question_set import QuestionSet
from mlopsgen.sync import trees
from mlopsgen.sync.renders import Renders
from mlopsgen.sync.update import UpdateRequest, prepare
from mlopsgen.sync.values import Entry, FileNote, Update, Why
from mlopsgen.sync.workshop import workshop

RECORD = ".copier-answers.yml"
ADDRESS = "https://templates.example.org/toy.git"
OWNER = ("Olivia Owner", "olivia@example.org")


@dataclass(frozen=True)
class Link:
    """A symbolic link, where a file's content is expected."""

    target: str


@dataclass(frozen=True)
class Program:
    """An executable file, where a file's content is expected."""

    content: bytes


Content = str | bytes | Link | Program
Files = Mapping[str, Content]


@dataclass
class ToyTemplate:
    """A :class:`mlopsgen.ports.Template` of files as they are; ``NAME`` in them becomes the answer ``name``."""

    files: dict[str, Files]
    sync: str | None = None
    copier: str = "name: {type: str, default: toy}\n"
    address: str = ADDRESS
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def newest(self) -> str:
        return self.versions()[-1]

    def versions(self) -> tuple[str, ...]:
        return tuple(self.files)

    def find(self, name: str) -> str | None:
        return next((each for each in (name, f"v{name}", name.removeprefix("v")) if each in self.versions()), None)

    def render(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
        for path, content in self.files[version].items():
            write(destination, path, content, str(answers.get("name", "toy")))
        known = "".join(f"{key}: {value}\n" for key, value in answers.items())
        (destination / RECORD).write_text(f"# Do not edit.\n_commit: {version}\n_src_path: {self.address}\n{known}")

    def read(self, version: str, name: str) -> str | None:
        return {"sync.yaml": self.sync, "copier.yml": self.copier}.get(name)

    def questions(self, version: str) -> QuestionSet:
        """What a version asks."""
        return read_questions(partial(self.read, version))

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        return tuple((version, text) for version, text in self.texts.items() if start < version <= end)


def write(folder: Path, path: str, content: Content, name: str = "") -> None:
    place = Path(os.fsdecode(os.path.join(os.fsencode(folder), trees.bytes_of(path))))  # noqa: PTH118 - bytes
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or isinstance(content, Link):
        place.unlink(missing_ok=True)
    if isinstance(content, Link):
        place.symlink_to(content.target)
        return
    data = content.content if isinstance(content, Program) else content if isinstance(content, bytes) else None
    place.write_bytes(data if data is not None else str(content).replace("NAME", name).encode())
    place.chmod(0o755 if isinstance(content, Program) else 0o644)


class Owner:
    """A repository that was made from a version, and what its owner does to it."""

    def __init__(
        self,
        folder: Path,
        template: Template,
        environ: Mapping[str, str],
        *,
        name: str = "toy",
        answers: Mapping[str, object] | None = None,
    ) -> None:
        self.template = template
        self.root = folder / "repository"
        self.root.mkdir(parents=True)
        self.git = GitRepository(self.root, environ)
        self.renders = Renders(folder / "renders", template, environ)
        self._scratch = folder / "shops"
        self.git.run("init", "--quiet", "--initial-branch=development", "--template=")
        for key, value in (("user.name", OWNER[0]), ("user.email", OWNER[1]), ("core.autocrlf", "false")):
            self.git.run("config", key, value)
        template.render(template.versions()[0], {"name": name} if answers is None else answers, self.root)
        self.commit()

    def write(self, path: str, content: Content) -> Owner:
        write(self.root, path, content)
        return self

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def remove(self, *paths: str) -> Owner:
        for path in paths:
            (self.root / path).unlink()
        return self

    def move(self, path: str, to: str) -> Owner:
        (self.root / to).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).rename(self.root / to)
        return self

    def own(self, *patterns: str) -> Owner:
        text = self.read(RECORD) + "owned:\n" + "".join(f"- {pattern}\n" for pattern in patterns)
        return self.write(RECORD, text)

    def commit(self, message: str = "Work") -> str:
        self.git.run("add", "--all", "--force")
        self.git.run("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git.read("rev-parse", "HEAD")

    def update(self, ours: str | None = None, **wanted: Any) -> Done:
        """Commit what lies there and work the update out."""
        commit = ours or self.commit()
        number = len(list(self._scratch.iterdir())) if self._scratch.is_dir() else 0
        shop = workshop(self._scratch / str(number), self.git, self.renders)
        return Done(shop, prepare(shop, commit, UpdateRequest(**wanted), self.template, self.renders))

    def take(self, done: Done) -> Owner:
        """Make the update's outcome the owner's next commit."""
        made = trees.commit(done.shop, done.update.tree, [done.update.ours], "Update", OWNER)
        self.git.run("fetch", "--quiet", str(done.shop.path), made)
        self.git.run("reset", "--quiet", "--hard", made)
        return self


@dataclass(frozen=True)
class Done:
    """An update that was worked out, and the repository that holds its objects."""

    shop: GitRepository
    update: Update

    def entries(self, tree: str | None = None) -> Mapping[str, Entry]:
        return trees.listing(self.shop, tree or self.update.tree)

    def files(self, tree: str | None = None) -> dict[str, bytes]:
        """Contents by path, without the record."""
        found = {path: entry for path, entry in self.entries(tree).items() if path != RECORD}
        contents = trees.blobs(self.shop, {entry.blob for entry in found.values()})
        return {path: contents.get(entry.blob, b"") for path, entry in found.items()}

    def text(self, path: str) -> str:
        return self.files()[path].decode()

    def notes(self, path: str) -> list[Why]:
        return [note.why for note in self.update.notes if note.path == path]

    def note(self, path: str) -> FileNote:
        (found,) = [note for note in self.update.notes if note.path == path]
        return found

    def kinds(self) -> dict[str, str]:
        return {change.path: change.kind for change in self.update.changes if change.path != RECORD}


def plain_merge(done: Done, folder: Path, environ: Mapping[str, str], settings: Sequence[str]) -> tuple[bool, str]:
    """What an ordinary ``git merge`` in a working tree makes of the same trees: whether it is clean, and the tree."""
    update = done.update
    commits = [
        trees.commit(done.shop, f"{tree}^{{tree}}", [update.base] * (tree != update.base), "Side", OWNER)
        if tree != update.base
        else update.base
        for tree in (update.ours, update.theirs)
    ]
    folder.mkdir()
    here = GitRepository(
        folder,
        {**environ, **{f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}},
    )
    here.run("init", "--quiet", "--template=")
    here.run("fetch", "--quiet", str(done.shop.path), *commits)
    here.run("checkout", "--quiet", "--detach", commits[0])
    merged = here.run(*settings, "merge", "--quiet", "--no-edit", "--no-ff", commits[1], check=False)
    if merged.exit_status == 0:
        return True, here.read("rev-parse", "HEAD^{tree}")
    return False, "\n".join(sorted(here.read("diff", "--name-only", "--diff-filter=U").splitlines()))


def lines_of(*contents: bytes) -> set[bytes]:
    """Every line that one of some files holds."""
    return {line for content in contents for line in content.splitlines()}


def as_git(*arguments: str, cwd: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Plain git, as a person runs it."""
    return subprocess.run(["git", *arguments], cwd=cwd, env=dict(environ), capture_output=True, check=False)
