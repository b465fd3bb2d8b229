"""A template whose record has a digest, in a few versions, and a repository that was made from it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from mlopsgen.adapters.copier_questions import read_questions
from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.errors import UsageError
from mlopsgen.question_set import QuestionSet
from mlopsgen.sync import trees
from mlopsgen.sync.fits import Fits
from mlopsgen.sync.record import digest_of
from mlopsgen.sync.renders import Renders
from mlopsgen.sync.values import Listing

ADDRESS = "https://templates.example.org/toy"
QUESTIONS = """\
_subdirectory: template
name: {type: str, default: toy, help: What it is called}
size: {type: int, default: 1, help: "How large\\n it is"}
"""


@dataclass
class ToyTemplate:
    """A :class:`mlopsgen.ports.Template` of three versions.

    Attributes:
        files: The files of each version; ``NAME`` in them becomes the answer ``name``.
        copier: The ``copier.yml`` of each version.
        digests: Whether its records have a digest.
        shown: The words in the files that become answers, each with its question.
    """

    files: dict[str, dict[str, str]] = field(
        default_factory=lambda: {
            f"v{number}.0.0": {
                "helpers/a.py": f"A = {number}\n",
                "helpers/b.py": f"B = {min(number, 2)}\n",
                "settings.txt": f"NAME {number}\n",
            }
            for number in (1, 2, 3)
        }
    )
    copier: dict[str, str] = field(default_factory=dict)
    digests: bool = True
    shown: dict[str, str] = field(default_factory=lambda: {"NAME": "name"})
    address: str = ADDRESS

    @property
    def newest(self) -> str:
        """The newest version."""
        return list(self.files)[-1]

    def versions(self) -> tuple[str, ...]:
        """All versions, oldest first."""
        return tuple(self.files)

    def find(self, name: str) -> str | None:
        """The version that a name means."""
        return next((each for each in (name, f"v{name}", name.removeprefix("v")) if each in self.versions()), None)

    def read(self, version: str, name: str) -> str | None:
        """The questions."""
        if version not in self.files:
            raise UsageError(f"There is no version {version}.")
        return self.copier.get(version, QUESTIONS) if name == "copier.yml" else None

    def questions(self, version: str) -> QuestionSet:
        """What a version asks."""
        return read_questions(partial(self.read, version))

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """Nothing."""
        return ()

    def record(self, version: str, answers: Mapping[str, Any]) -> str:
        """The record as a version renders it; an answer that is missing has its default."""
        complete = {"name": "toy", "size": 1, **answers}
        marks = {"_commit": version, **({"_digest": digest_of(complete)} if self.digests else {}), "_src_path": ADDRESS}
        return "# Do not edit.\n" + yaml.safe_dump({**marks, **complete, "owned": []}, sort_keys=False)

    def render(self, version: str, answers: Mapping[str, Any], destination: Path) -> None:
        """Write the files."""
        for path, text in {**self.files[version], ANSWERS_FILE: self.record(version, answers)}.items():
            (destination / path).parent.mkdir(parents=True, exist_ok=True)
            for word, key in self.shown.items():
                text = text.replace(word, str(answers.get(key, "toy")))  # noqa: PLW2901 - the same text, filled in
            (destination / path).write_text(text, encoding="utf-8")


@dataclass
class Repository:
    """A person's repository.

    Attributes:
        folder: Where it lies.
        environ: The environment of git.
        template: What it was made from.
    """

    folder: Path
    environ: dict[str, str]
    template: ToyTemplate

    @property
    def git(self) -> GitRepository:
        """The repository, for mlopsgen."""
        return GitRepository(self.folder, self.environ)

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        (self.folder / path).write_text(text, encoding="utf-8")

    def read(self, path: str = ANSWERS_FILE) -> str:
        """What a file holds."""
        return (self.folder / path).read_text(encoding="utf-8")

    def edit(self, before: str, after: str) -> str:
        """Change something in the record by hand and commit it."""
        text = self.read()
        assert before in text
        self.write(ANSWERS_FILE, text.replace(before, after))
        return self.commit()

    def commit(self) -> str:
        """Commit everything; the commit."""
        for arguments in (("add", "--all"), ("commit", "--quiet", "--allow-empty", "-m", "Work")):
            subprocess.run(["git", *arguments], cwd=self.folder, env=self.environ, check=True, capture_output=True)
        return self.git.read("rev-parse", "HEAD")

    def fits(self, scratch: Path, commit: str) -> Fits:
        """Compares the repository with renders."""
        renders = Renders(scratch / "renders.git", self.template, self.environ)

        def listing(version: str, answers: Mapping[str, Any]) -> Listing:
            return trees.listing(renders.repository, renders.tree(version, answers))

        ours = trees.listing(self.git, commit)
        return Fits(ours=ours, listing=listing, is_managed=lambda path: path.startswith("helpers/"))


def made(
    folder: Path, environ: Mapping[str, str], template: ToyTemplate, answers: Mapping[str, Any] | None = None
) -> Repository:
    """A repository that was made from the first version, with ``name: wine`` if nothing else is said."""
    folder.mkdir(parents=True)
    names = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    repository = Repository(folder, {**environ, **names}, template)
    repository.git.run("init", "--quiet", "--initial-branch=development")
    template.render("v1.0.0", answers or {"name": "wine"}, folder)
    repository.commit()
    return repository
