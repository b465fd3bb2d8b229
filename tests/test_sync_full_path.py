"""The whole way of updates in real git over HTTP: pushed, worked on, updated, resolved, merged, promoted, again."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fleet_stage import CHANGED, MERGED, NEW, OLD, environment, git, make_site, make_template
from tests.github import FakeGitHub
from tests.github.caller import Caller
from tests.github.repositories import Repository
from tests.hosted_members import SYNC

MIDDLE = "v0.1.5"
NAME = "acme/heart-rate"
LINE = "# What an older version of the template said here.\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tool as a package with three versions of its template; the one in the middle has one of three changes."""
    folder = tmp_path_factory.mktemp("three versions")
    environ = environment(folder / "home")
    project = make_template(folder, environ)
    git(project, environ, "checkout", "--quiet", "--detach", OLD)
    git(project, environ, "checkout", "--quiet", NEW, "--", f"template/{CHANGED[1]}")
    git(project, environ, "commit", "--quiet", "-m", MIDDLE)
    git(project, environ, "tag", MIDDLE)
    git(project, environ, "checkout", "--quiet", "main")
    return make_site(folder, project, environ)


@dataclass
class Way:
    """Ada's clone, and the repository on the fake GitHub."""

    github: FakeGitHub
    clone: Path
    environ: dict[str, str]
    token: str

    @property
    def there(self) -> Repository:
        return self.github.repository(NAME)

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Run the command line in the clone: its envelope."""
        argv = [sys.executable, "-m", "mlopsgen", *arguments, "--output", "json"]
        done = subprocess.run(argv, cwd=self.clone, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def sync(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        return self.run("sync", *arguments, "--host", self.github.url, code=code)

    def git(self, *arguments: str) -> str:
        """git, as a person with a credential helper runs it."""
        login = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        header = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"http.{self.github.url}/.extraHeader",
                  "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}"}  # fmt: skip
        return git(self.clone, self.environ | header, *arguments)

    def write(self, name: str, text: str) -> None:
        (self.clone / name).write_text(text, encoding="utf-8")

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")

    def merge(self, method: str = "merge", *, head: str = SYNC, base: str = "development") -> str:
        """Open the pull request of a promotion if there is none, let its check succeed, approve and merge it."""
        ada, there = Caller(self.github, self.token, repository=NAME), self.there
        pulls = ada("GET", f"pulls?head=acme:{head}&base={base}").json()
        if not pulls:
            pulls = [ada("POST", "pulls", {"title": f"Promote {head}", "head": head, "base": base}).json()]
        (pull,) = pulls
        there.checks[pull["head"]["sha"]] = {"test"}
        there.approved.add(pull["number"])
        done = ada("PUT", f"pulls/{pull['number']}/merge", {"merge_method": method})
        assert done.status_code == 200, done.text
        return str(done.json()["sha"])

    def writes(self) -> list[str]:
        """Every call so far that was to change something."""
        calls = [f"{one.method} {one.path}" for one in self.github.calls if one.method != "GET"]
        return [call for call in calls if "git-upload-pack" not in call]

    def rewritten(self, branch: str) -> str:
        """The newest commit of a branch there, made anew by somebody with a file more."""
        there = self.there
        blob = there.git("hash-object", "-w", "--stdin", text="by somebody\n")
        listed = f"{there.git('ls-tree', branch)}\n100644 blob {blob}\twritten-anew.txt\n"
        tree = there.git("mktree", text=listed)
        identity = ("-c", "user.name=Bob", "-c", "user.email=bob@example.org")
        return there.git(*identity, "commit-tree", tree, "-p", f"{branch}~1", "-m", "Anew")

    def file(self, name: str, branch: str) -> str:
        return self.there.git("show", f"{branch}:{name}") + "\n"

    def version(self, branch: str) -> str:
        (line,) = [one for one in self.file(".copier-answers.yml", branch).splitlines() if one.startswith("_commit")]
        return line.split()[1]


@pytest.fixture
def way(site: Path, tmp_path: Path) -> Iterator[Way]:
    with FakeGitHub() as github:
        github.add_user("ada")
        github.add_org("acme", plan="enterprise", members=["ada"])
        token = github.add_token("ada", scopes=["repo", "workflow", "read:org"])
        environ = environment(tmp_path / "home", site) | {"MLOPSGEN_GITHUB_TOKEN": token}
        made = Way(github, tmp_path, environ, token)
        init = ("init", "--defaults", "--name", "Heart rate", "--owner", "acme", "--template-version", OLD)
        made.run(*init, str(tmp_path / "heart rate"))
        made.clone = tmp_path / "heart rate"
        made.run("push", "--yes", "--host", github.url, "--org", "acme")
        yield made


def test_the_whole_way(way):
    assert [way.version(branch) for branch in way.there.branches] == [OLD] * 3
    # The owner's work: a step, and the very line that the template changes.
    way.write("src/steps/own.py", '"""A step of the owner."""\n')
    makefile = (way.clone / MERGED).read_text(encoding="utf-8")
    way.write(MERGED, makefile.replace(LINE, "# The owner's line.\n"))
    way.commit("Work")
    way.git("push", "--quiet", "origin", "development")
    untracked = way.clone / "notes.txt"
    untracked.write_text("not in git\n", encoding="utf-8")

    # An update without conflicts, merged by a squash.
    way.there.settings.allow_squash_merge = True
    done = way.sync("--to", MIDDLE, "--yes")
    assert done["data"]["pull_request"]["page"].endswith("/pull/1"), done["data"]["pull_request"]
    assert way.git("branch", "--show-current") == "development"
    way.merge("squash")
    way.git("pull", "--quiet", "origin", "development")
    assert way.version("development") == MIDDLE

    # The next one has a conflict: git stands in the middle of it until it is resolved.
    waiting = way.sync("--yes", code=5)
    assert [one["path"] for one in waiting["data"]["conflicts"]] == [MERGED]
    assert "<<<<<<<" in (way.clone / MERGED).read_text(encoding="utf-8")
    way.write(MERGED, makefile.replace(LINE, "# Resolved by the owner.\n"))
    way.git("add", MERGED)
    done = way.sync("--continue", "--yes")
    assert done["data"]["pull_request"]["page"].endswith("/pull/2"), done["data"]["pull_request"]
    resolved = way.there.branches[SYNC]
    assert way.sync("--repository", NAME, "--yes")["data"]["repository"]["state"] == "worked-on"
    assert way.there.branches[SYNC] == resolved
    way.merge()
    assert way.version("development") == NEW
    assert "# Resolved by the owner." in way.file(MERGED, "development")

    # Promoted to production, and nothing is left to update anywhere.
    way.merge(head="development", base="staging")
    way.merge(head="staging", base="production")
    assert [way.version(branch) for branch in ("staging", "production")] == [NEW, NEW]
    assert way.file("src/steps/own.py", "production") == '"""A step of the owner."""\n'
    way.git("pull", "--quiet", "origin", "development")
    assert way.sync("--check")["data"]["state"] == "current"
    assert way.sync("--repository", NAME, "--check")["data"]["repository"]["state"] == "current"
    assert way.git("status", "--porcelain") == "?? notes.txt"
    assert untracked.read_text(encoding="utf-8") == "not in git\n"
    assert way.git("for-each-ref", "refs/mlopsgen/") == ""


def test_settings_travel_and_a_branch_that_is_written_anew_is_followed(way):
    labels = way.there.labels
    del labels["template-update"]
    ours = way.git("show", "HEAD:.github/remote.yaml")
    assert ours.count("\nlabels:\n") == 1
    way.write(".github/remote.yaml", ours.replace("\nlabels:\n", "\nlabels:\n  urgent: {color: ff0000}\n") + "\n")
    way.commit("A label more")
    way.git("push", "--quiet", "origin", "development")
    assert "urgent" not in labels
    looked = way.sync("--repository", NAME, "--settings", "--dry-run")
    assert "settings_on_github" in looked["data"], json.dumps(looked)[-3000:]
    wanted = [one["name"] for one in looked["data"]["settings_on_github"]["actions"] if one["kind"] == "create"]
    assert "urgent" in wanted
    argv = ["-m", "mlopsgen", "sync", "--repository", NAME, "--settings", "--dry-run", "--host", way.github.url]
    shown = subprocess.run(
        [sys.executable, *argv], cwd=way.clone, env=way.environ, capture_output=True, text=True, check=True
    )
    assert "+ label" in shown.stderr.partition("GitHub, compared with what the updated files ask for:")[2]
    assert "urgent" not in labels
    done = way.sync("--repository", NAME, "--yes")
    assert (done["data"]["repository"]["state"], "urgent" in labels) == ("opened", False), "only on request"
    done = way.sync("--repository", NAME, "--settings", "--yes")
    assert {"urgent", "template-update"} <= set(labels)
    left = [one["name"] for one in done["data"]["settings_on_github"]["actions"] if one["kind"] in ("create", "change")]
    assert left == []
    before = way.writes()
    way.sync("--repository", NAME, "--settings", "--yes")
    assert way.writes() == before

    # Somebody writes the branch anew: here that is said, and the pull request is made for what is there.
    way.there.git("update-ref", "refs/heads/development", way.rewritten("development"))
    here = way.git("for-each-ref", "refs/heads/")
    stopped = way.sync("--yes", code=1)
    assert "git pull" in stopped["error"]["hint"]
    assert way.git("for-each-ref", "refs/heads/") == here
    done = way.sync("--repository", NAME, "--yes")["data"]["repository"]
    assert (done["state"], len(way.there.pulls)) == ("updated", 1)
    assert way.there.git("rev-list", "-1", "--parents", SYNC).split()[1:] == [way.there.branches["development"]]
    assert way.file("written-anew.txt", SYNC) == "by somebody\n"
