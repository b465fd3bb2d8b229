"""Repositories of an organisation on the fake GitHub that were made from the toy template, and updates of them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlopsgen.forge.github.account import Account
from mlopsgen.forge.github.host import Host
from mlopsgen.forge.github.members import Member, find_member
from mlopsgen.operations.fleet_rows import Row
from mlopsgen.operations.sync_hosted import HostedSync, Seen, sync_one
from mlopsgen.secret_value import SecretValue
from mlopsgen.sync.renders import Renders
from tests.github import FakeGitHub
from tests.github.caller import Caller
from tests.github.repositories import Repository
from tests.merge_toys import Content, Files, ToyTemplate, write

BRANCH, SYNC = "development", "mlopsgen/sync-development"
CLASSES = """\
version: 1
seeded: [/steps/]
managed: [/helpers/]
"""
LINES = "".join(f"line {number}\n" for number in range(1, 21))
OLD: Files = {
    "Makefile": LINES,
    "config.yaml": "a: 1\nb: 2\nc: 3\n",
    "steps/train.py": "TRAIN = 1\n",
    "helpers/tool.py": "TOOL = 1\n",
    "docs/old.md": LINES * 3,
}
NEW: Files = {
    **OLD,
    "Makefile": LINES.replace("line 2\n", "line two\n"),
    "config.yaml": "a: 1\nb: 20\nc: 3\n",
    "helpers/tool.py": "TOOL = 2\n",
    "added.txt": "new\n",
}
NEWEST: Files = {**NEW, "Makefile": str(NEW["Makefile"]).replace("line 18\n", "line eighteen\n")}


def toy(*versions: Files) -> ToyTemplate:
    """A template with as many versions."""
    known = {f"v{number}.0.0": files for number, files in enumerate(versions or (OLD, NEW), 1)}
    texts = {version: f"- What {version} brings.\n" for version in known}
    return ToyTemplate(known, sync=CLASSES, texts=texts)


@dataclass
class Hub:
    """The organisation ``acme`` on a fake GitHub, and whoever updates its repositories.

    Attributes:
        github: The fake.
        folder: Where caches lie.
        template: The template of all repositories.
        token: Ada's; she may do everything.
        said: What was told.
    """

    github: FakeGitHub
    folder: Path
    template: ToyTemplate = field(default_factory=toy)
    token: str = ""
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.github.add_user("ada")
        self.github.add_user("bob")
        self.github.add_org("acme", plan="team", members=["ada", "bob"])
        self.token = self.token or self.github.add_token("ada")
        home = self.folder / "home"
        home.mkdir(parents=True)
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "LANG": "C.UTF-8"}
        self.renders = Renders(self.folder / "renders", self.template, self.environ)
        self.account = self.account_with(self.token)

    def account_with(self, token: str) -> Account:
        """An account with another token."""
        host = Host.parse(self.github.url, {})
        return Account(host, SecretValue(token), environ=self.environ, events=self.hear, sleep=lambda seconds: None)

    def hear(self, event: Any) -> None:
        """Remember what was told."""
        self.said.append(event.message)

    def add(self, name: str = "wine", *, version: str = "v1.0.0") -> Repository:
        """A repository of the organisation, made from a version of the template."""
        there = self.github.add_repository(f"acme/{name}")
        there.topics = ["mlopsgen"]
        there.default_branch = BRANCH
        with tempfile.TemporaryDirectory() as scratch:
            self.template.render(version, {"name": name}, Path(scratch))
            self.commit(there, scratch=Path(scratch), message=f"From {version}")
        return there

    def work(self, there: Repository, branch: str = BRANCH, **files: str | None) -> str:
        """Somebody's commit on a branch there; a name's double underscore is a slash, its single one a dot."""
        named = {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
        return self.commit(there, named, branch=branch, message="Work")

    def commit(
        self,
        there: Repository,
        files: Mapping[str, Content | None] = {},
        *,
        scratch: Path | None = None,
        branch: str = BRANCH,
        message: str = "Work",
    ) -> str:
        """Commit files in a bare repository; ``None`` removes one."""
        with tempfile.TemporaryDirectory() as made:
            folder = scratch or Path(made)
            index = {"GIT_INDEX_FILE": str(Path(made) / "index"), "GIT_WORK_TREE": str(folder)}
            git = _Git(there, {**self.environ, **index, **_BOB})
            parent = there.branches.get(branch)
            if parent:
                git.run("read-tree", parent)
            for name, text in files.items():
                if text is None:
                    git.run("update-index", "--force-remove", name)
                else:
                    write(folder, name, text)
                    git.run("add", "--force", name)
            if scratch is not None:
                git.run("add", "--all", "--force", ".")
            words = ["-p", parent] if parent else []
            commit = git.run("commit-tree", git.run("write-tree"), *words, "-m", message)
        there.git("update-ref", f"refs/heads/{branch}", commit)
        return commit

    def hosted(self, **more: Any) -> HostedSync:
        """Everything that is the same for all repositories."""
        usual = HostedSync(
            account=self.account,
            environ=self.environ,
            events=self.hear,
            folder=self.folder / "fleet",
            open_template=lambda address: self.template,
            renders_of=lambda template: self.renders,
            sleep=lambda seconds: None,
        )
        return replace(usual, **more)

    def member(self, name: str = "wine") -> Member:
        """A repository as it is listed."""
        return find_member(self.account, "acme", name)

    def look(self, name: str = "wine", **more: Any) -> Seen:
        """Update one repository."""
        may_publish = more.pop("may_publish", lambda: True)
        return sync_one(self.member(name), self.hosted(**more), may_publish=lambda _: may_publish())

    def sync(self, name: str = "wine", **more: Any) -> Row:
        """Update one repository: its row."""
        return self.look(name, **more).row

    def merge(self, there: Repository, method: str = "merge") -> str:
        """Merge the newest pull request, as Ada does it on its page."""
        number = there.pulls[-1]["number"]
        ada = Caller(self.github, self.token, repository=there.full_name)
        done = ada("PUT", f"pulls/{number}/merge", {"merge_method": method})
        assert done.status_code == 200, done.text
        return str(done.json()["sha"])

    def calls(self) -> list[str]:
        """Every call so far."""
        return [f"{one.method} {one.path.removeprefix('/api/v3')}" for one in self.github.calls]

    def writes(self) -> list[str]:
        """Every call so far that changes something."""
        return [call for call in self.calls() if not call.startswith("GET ") and "git-upload-pack" not in call]


_BOB = {f"GIT_{who}_{what}": f"bob@{what.lower()}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@dataclass
class _Git:
    there: Repository
    environ: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        words = ["git", "--git-dir", str(self.there.folder), *arguments]
        folder, environ = self.environ["GIT_WORK_TREE"], dict(self.environ)
        done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=True)
        return done.stdout.strip()


def text_of(there: Repository, path: str, branch: str = SYNC) -> str:
    """What a file holds on a branch there."""
    return there.git("show", f"{branch}:{path}") + "\n"


def pull_of(there: Repository) -> dict[str, Any]:
    """The only pull request there."""
    (found,) = there.pulls
    return found
