"""A toy template with a few versions, and a person's repository that was made from it: no copier, no network."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mlopsgen.adapters.copier_questions import read_questions
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.sync import sync, sync_abort, sync_continue
from mlopsgen.operations.sync_request import SyncRequest
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.ports import Template
from mlopsgen.question_set import QuestionSet
from mlopsgen.result import OperationResult

ADDRESS = "https://templates.example.org/toy"
COPIER = "name: {type: str, default: toy, help: 'Name: What it is called.'}\n"
CLASSES = """\
version: 1
seeded: [/steps/]
managed: [/helpers/]
"""
OLD = {
    "Makefile": "".join(f"line {number}\n" for number in range(1, 21)),
    "config.yaml": "a: 1\nb: 2\nc: 3\n",
    "run.sh": "echo @name@\n",
    "steps/train.py": "TRAIN = 1\n",
    "helpers/tool.py": "TOOL = 1\n",
    "docs/old.md": "".join(f"paragraph {number}\n" for number in range(1, 30)),
    "gone.txt": "not needed any more\n",
}
NEW = {
    **OLD,
    "Makefile": OLD["Makefile"].replace("line 2\n", "line two\n"),
    "config.yaml": "a: 1\nb: 20\nc: 3\n",
    "steps/train.py": "TRAIN = 2\n",
    "helpers/tool.py": "TOOL = 2\n",
    "docs/new.md": OLD["docs/old.md"] + "one more\n",
    "added/here.txt": "new in this version\n",
}
for _gone in ("gone.txt", "docs/old.md"):
    del NEW[_gone]
UNDERWAY = ("CHERRY_PICK_HEAD", "MERGE_MSG", "AUTO_MERGE", "sequencer", "mlopsgen/sync.json", "index.lock")
VERSIONS: Mapping[str, Mapping[str, str]] = {"v1.0.0": OLD, "v1.1.0": NEW}


class ToyTemplate:
    """A template that writes what it is told; a :class:`mlopsgen.ports.Template`."""

    def __init__(self, versions: Mapping[str, Mapping[str, str]] = VERSIONS) -> None:
        self._versions = versions

    address = ADDRESS

    @property
    def newest(self) -> str:
        """The newest version."""
        return list(self._versions)[-1]

    def versions(self) -> tuple[str, ...]:
        """All versions, oldest first."""
        return tuple(self._versions)

    def find(self, name: str) -> str | None:
        """The version that a name means."""
        return next((each for each in (name, f"v{name}", name.removeprefix("v")) if each in self.versions()), None)

    def read(self, version: str, name: str) -> str | None:
        """The files that are not rendered."""
        assert version in self._versions
        return {"copier.yml": COPIER, "sync.yaml": CLASSES}.get(name)

    def questions(self, version: str) -> QuestionSet:
        """What a version asks."""
        return read_questions(partial(self.read, version))

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """One line for the end."""
        return ((end, f"- What is new since {start}.\n"),) if start != end else ()

    def render(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
        """Write the files."""
        record = f"_commit: {version}\n_src_path: {ADDRESS}\nname: {answers.get('name', 'toy')}\n"
        for path, text in {**self._versions[version], ANSWERS_FILE: record}.items():
            place = destination / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.replace("@name@", str(answers.get("name", "toy"))).encode())
        (destination / "run.sh").chmod(0o755)


class ToyShelf(TemplateShelf):
    """Knows the toy template alone."""

    def __init__(self, environ: Mapping[str, str], toy: ToyTemplate) -> None:
        super().__init__(environ)
        self._toy = toy

    def template(self, address: str, *, given: bool = False) -> Template:
        """The toy template, by its address."""
        assert given or address == ADDRESS
        return self._toy


@dataclass
class Person:
    """Ada with a repository that was made from the toy template's first version.

    Attributes:
        folder: Her repository.
        environ: Her environment.
        template: The template.
        said: What the commands told while they worked.
    """

    folder: Path
    environ: dict[str, str]
    template: ToyTemplate = field(default_factory=ToyTemplate)
    said: list[str] = field(default_factory=list)

    def request(self, **more: Any) -> SyncRequest:
        """What she asks for; nobody can be asked back."""
        folder = more.pop("folder", self.folder)
        surroundings = Surroundings(folder=folder, environ=self.environ, python=Path("/usr/bin/python3"))
        request = SyncRequest(surroundings=surroundings, shelf=ToyShelf(self.environ, self.template))
        return replace(request, **more)

    def sync(self, **more: Any) -> OperationResult:
        """``mlopsgen sync``."""
        return sync(self.request(**more), self.hear)

    def go_on(self, **more: Any) -> OperationResult:
        """``mlopsgen sync --continue``."""
        return sync_continue(self.request(**more), self.hear)

    def abort(self, **more: Any) -> OperationResult:
        """``mlopsgen sync --abort``."""
        return sync_abort(self.request(**more), self.hear)

    def hear(self, event: Any) -> None:
        """Remember what was told."""
        self.said.append(event.message)

    def git(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        """Run git."""
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.folder, env=self.environ, capture_output=True, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def write(self, path: str, text: str) -> Path:
        """Write a file."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
        return place

    def read(self, path: str) -> str:
        """What a file holds."""
        return (self.folder / path).read_bytes().decode()

    def commit(self, path: str = "", text: str = "", message: str = "Work") -> str:
        """Write a file, if one is named, and commit everything."""
        if path:
            self.write(path, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")

    def on_sync(self, path: str) -> str:
        """What a file holds on the sync branch."""
        return self.git("show", f"mlopsgen/sync-development:{path}")

    def state(self, folder: Path | None = None) -> dict[str, Any]:
        """Everything that an update could move: branches, what is checked out, the index, each file with its mode."""
        top = folder or self.folder
        files = {}
        for path in sorted(top.rglob("*")):
            name = path.relative_to(top)
            if name.parts[0] == ".git" or (path.is_dir() and not path.is_symlink()):
                continue
            content = path.readlink() if path.is_symlink() else path.read_bytes()
            files[str(name)] = (path.lstat().st_mode, content)
        places = (self.git("rev-parse", "--git-path", name, cwd=top) for name in UNDERWAY)
        return {
            "references": self.git("for-each-ref", cwd=top),
            "head": self.git("symbolic-ref", "-q", "HEAD", cwd=top, check=False),
            "commit": self.git("rev-parse", "HEAD", cwd=top),
            "index": self.git("ls-files", "--stage", "-t", cwd=top),
            "files": files,
            "underway": [place for place in places if (top / place).exists()],
        }


def environment(home: Path) -> dict[str, str]:
    """The environment of a person with a git identity and nothing else."""
    home.mkdir(parents=True, exist_ok=True)
    names = {
        f"GIT_{who}_{what}": f"ada@{what.lower()}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        **names,
    }


def arrive(top: Path, template: ToyTemplate | None = None) -> Person:
    """Ada, with her repository as the first version makes it: three branches at one commit."""
    person = Person(folder=top / "toy", environ=environment(top / "home"), template=template or ToyTemplate())
    person.folder.mkdir(parents=True)
    person.git("init", "--quiet", "--initial-branch=development")
    person.template.render(person.template.versions()[0], {"name": "toy"}, person.folder)
    person.commit(message="Start")
    for branch in ("staging", "production"):
        person.git("branch", branch)
    return person
