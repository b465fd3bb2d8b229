"""An organisation with a template of its own on the fake GitHub, its repositories, and our next version."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlopsgen.constants import BRANCHES
from tests.fleet_stage import OLD, Fleet, Model, environment, git, make_site, make_template
from tests.github import FakeGitHub
from tests.github.caller import Caller
from tests.github.repositories import Repository

CONFIG, SERVICE = "acme/mlops-config", "acme/cookiecutter-service"
POLICY = "docs/policy.md"
OWN_LINE = "# Acme's own line.\n"
ORGANISATION = """\
version: 1
name: Acme
release: {release}
preset:
  data_watch: weekly
locked:
  visibility: {{value: private, why: Customers are in the data.}}
{locked}"""
SERVICE_FILES = {
    "cookiecutter.json": json.dumps({"project_name": "Wine service", "project_slug": "wine_service"}),
    "{{cookiecutter.project_slug}}/README.md": "# {{ cookiecutter.project_name }}\n\nFirst.\n\nSecond.\n\nThird.\n",
    "{{cookiecutter.project_slug}}/app.py": "NAME = '{{ cookiecutter.project_slug }}'\n",
}
_README = "{{cookiecutter.project_slug}}/README.md"
SERVICE_NEXT = {_README: SERVICE_FILES[_README].replace("First.", "First of all.")}


@dataclass
class Organisation:
    """What a test acts on.

    Attributes:
        github: The fake GitHub.
        folder: Everything that lies on this machine.
        site: The tool, with two versions of our template.
        environ: Ada's environment, a token in it.
    """

    github: FakeGitHub
    folder: Path
    site: Path
    environ: dict[str, str] = field(default_factory=dict)
    fleet: Fleet | None = None

    @classmethod
    def found(cls, github: FakeGitHub, folder: Path) -> Organisation:
        """Nothing but people, an organisation, and our tool with an older and a newer version."""
        github.add_user("ada")
        github.add_user("bob")
        github.add_org("acme", plan="enterprise", members={"ada": "admin", "bob": "member"})
        environ = environment(folder / "home")
        site = make_site(folder, make_template(folder, environ), environ)
        made = cls(github, folder, site, environment(folder / "home", site))
        made.environ["MLOPSGEN_GITHUB_TOKEN"] = github.add_token("ada", scopes=["repo", "workflow", "read:org"])
        made.environ["GH_HOST"] = github.url
        return made

    def run(self, *arguments: str, cwd: Path | None = None, ends: int = 0, **more: str) -> dict[str, Any]:
        """Run the command line; what it says in JSON."""
        words = [sys.executable, "-m", "mlopsgen", *arguments, "--output", "json"]
        environ = {**self.environ, **more}
        done = subprocess.run(
            words,
            cwd=cwd or self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == ends, f"{arguments}\n{done.stdout}\n{done.stderr}"
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def git(self, folder: Path, *arguments: str) -> str:
        """Run git in a folder, as Ada."""
        return git(folder, self.environ, *arguments)

    def address(self, full_name: str) -> str:
        """What repositories are made from."""
        return f"{self.github.url}/{full_name}"

    @property
    def config(self) -> Path:
        """Ada's clone of the organisation's template."""
        return self.folder / "mlops-config"

    def commit(self, folder: Path, files: Mapping[str, str], message: str = "Work") -> str:
        """Write files and commit everything; the commit."""
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.git(folder, "add", "--all")
        self.git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
        return self.git(folder, "rev-parse", "HEAD")

    def bring(self, folder: Path, full_name: str, *references: str) -> Repository:
        """Bring commits to GitHub by the back door."""
        there = self.github.repository(full_name)
        there.git("fetch", "--quiet", str(folder), *(f"+{each}" for each in references))
        return there

    def make_fleet(self, version: str) -> Fleet:
        """A fleet whose repositories were made from the organisation's template; ``add`` makes each in no time."""
        made = self.folder / f"heart-rate-0000-{version}"
        words = ["--defaults", "--name", "Heart rate 0000", "--owner", "acme", "--template-version", version]
        self.run("init", "--template", self.address(CONFIG), *words, str(made))
        listed = self.git(made, "ls-tree", "-r", "-z", "HEAD").rstrip("\0").split("\0")
        modes = {line.partition("\t")[2]: line.split()[0] for line in listed}
        model = Model({name: (made / name).read_bytes() for name in modes}, modes)
        self.git(self.folder, "init", "--quiet", "--bare", "pool.git")
        self.fleet = Fleet(self.github, self.folder / "pool.git", model, self.environ)
        return self.fleet

    def put(self, folder: Path, full_name: str) -> Repository:
        """What ``push`` would make of a repository here: there, with its three branches and the fleet's topic."""
        there = self.github.add_repository(full_name)
        there.topics, there.default_branch = ["mlopsgen"], BRANCHES[0]
        head = self.git(folder, "rev-parse", "HEAD")
        return self.bring(folder, full_name, *(f"{head}:refs/heads/{branch}" for branch in BRANCHES))

    def release(self, version: str) -> None:
        """What release.yml does once main has passed its check."""
        there = self.github.repository(CONFIG)
        there.git("update-ref", f"refs/tags/v{version}", there.branches["main"])

    def found_config(self) -> Repository:
        """The organisation's template on our older version, with a line, a file and decisions of its own: v1.0.0."""
        self.run("config-repo", "create", "mlops-config", "--name", "Acme", "--to", OLD)
        makefile = self.config / "template" / "Makefile"
        files = {
            "organisation.yaml": ORGANISATION.format(release="1.0.0", locked=""),
            f"template/{POLICY}": "Acme's policy.\n",
            "template/Makefile": f"{makefile.read_text(encoding='utf-8')}\n{OWN_LINE}",
        }
        self.commit(self.config, files)
        self.run("config-repo", "create", "mlops-config", "--org", "acme", "--yes")
        self.release("1.0.0")
        return self.github.repository(CONFIG)

    def update_config(self) -> dict[str, Any]:
        """Our newer version in it, by a pull request, together with one more decision: v1.1.0."""
        answer = self.run("config-repo", "update", cwd=self.config)
        branch = answer["data"]["branch"]
        self.git(self.config, "switch", "--quiet", branch)
        locked = "  template_update: {value: monthly, why: Nobody falls behind.}\n"
        self.commit(self.config, {"organisation.yaml": ORGANISATION.format(release="1.1.0", locked=locked)})
        there = self.bring(self.config, CONFIG, f"refs/heads/{branch}:refs/heads/{branch}")
        ada = Caller(self.github, self.environ["MLOPSGEN_GITHUB_TOKEN"], repository=CONFIG)
        made = ada("POST", "pulls", {"title": "Update", "head": branch, "base": "main", "body": ""})
        self.merge(there, made.json()["number"], check="check")
        self.release("1.1.0")
        return answer

    def found_service(self) -> None:
        """A cookiecutter template of the organisation: v1.0.0."""
        folder = self.folder / "service"
        folder.mkdir()
        self.git(folder, "init", "--quiet", "--initial-branch=main")
        self.github.add_repository(SERVICE).default_branch = "main"
        self._publish_service(SERVICE_FILES, "v1.0.0")

    def update_service(self) -> None:
        """The cookiecutter template's v2.0.0."""
        self._publish_service(SERVICE_NEXT, "v2.0.0")

    def _publish_service(self, files: Mapping[str, str], version: str) -> None:
        self.commit(self.folder / "service", files)
        references = ("HEAD:refs/heads/main", f"HEAD:refs/tags/{version}")
        self.bring(self.folder / "service", SERVICE, *references)

    def merge(self, there: Repository, number: int, check: str = "test") -> None:
        """A person merges a pull request whose check passed, ready or not."""
        pull = next(each for each in there.pulls if each["number"] == number)
        there.checks.setdefault(there.branches[pull["head"]["ref"]], set()).add(check)
        pull["draft"] = False
        ada = Caller(self.github, self.environ["MLOPSGEN_GITHUB_TOKEN"], repository=there.full_name)
        done = ada("PUT", f"pulls/{number}/merge", {"merge_method": "merge"})
        assert done.status_code == 200, done.text


def text_of(there: Repository, path: str, branch: str = BRANCHES[0]) -> str:
    """A file's text on a branch on GitHub."""
    return there.git("show", f"{branch}:{path}") + "\n"


def changed_lines(there: Repository, before: str, after: str) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The lines that came and those that went between two commits, each with its file."""
    words = ("diff", "--no-renames", "--text", "--unified=0", "--no-prefix", before, after)
    came, went, name = set(), set(), ""
    for line in there.git(*words).splitlines():
        if line.startswith("diff --git "):
            name = line.split()[2]
        elif line.startswith("+") and not line.startswith("+++ "):
            came.add((name, line[1:]))
        elif line.startswith("-") and not line.startswith("--- "):
            went.add((name, line[1:]))
    return came, went
