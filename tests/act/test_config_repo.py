"""The workflows of an organisation's configuration repository, executed: what is merged is checked and tagged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config_toys import DECIDED, Acme, lean
from tests.github import FakeGitHub
from tests.github.repositories import Variable

from .hosted import GitHubActions, running
from .test_template_update import wheel

NAME = "acme/mlops-config"


@pytest.fixture
def acme(tmp_path: Path) -> Acme:
    return lean(tmp_path / "mlops-config")


@pytest.fixture
def actions(acme: Acme, tmp_path: Path) -> Iterator[GitHubActions]:
    with FakeGitHub() as github, running(github, NAME, tmp_path / "machine") as found:
        github.add_user("ada")
        github.add_org("acme", plan="team", members=["ada"])
        repository = github.add_repository(NAME)
        acme.git.run("push", "--quiet", str(repository.folder), "HEAD:refs/heads/main")
        repository.git("symbolic-ref", "HEAD", "refs/heads/main")
        repository.default_branch = "main"
        repository.vault.variables["MLOPSGEN_PACKAGE"] = Variable("MLOPSGEN_PACKAGE", str(wheel(tmp_path)))
        yield found


def test_what_reaches_main_is_checked_and_tagged(actions: GitHubActions) -> None:
    # Below a mistake shows that the check runs; whole it would install what a repository needs.
    actions.done = ("Install mlopsgen", "Check the template")
    head = actions.repository.branches["main"]
    (run,) = actions.pushed("main", "")
    assert run.workflow == "release.yml"
    assert run.conclusion == "success", run.said()
    assert run.results == {"check": "success", "release": "success"}
    assert actions.repository.git("rev-parse", "refs/tags/v1.0.0") == head


def test_a_pull_request_with_a_mistake_fails_its_check(actions: GitHubActions, acme: Acme) -> None:
    acme.git.run("switch", "--quiet", "--create", "change")
    acme.commit({"organisation.yaml": DECIDED.replace("private", "hidden")})
    acme.git.run("push", "--quiet", str(actions.repository.folder), "HEAD:refs/heads/change")
    (run,) = actions.pushed("change", "")
    assert run.workflow == "check.yml"
    assert (run.conclusion, run.results) == ("failure", {"check": "failure"}), run.said()
    assert "WRONG  the template can be read: organisation.yaml:6" in run.log, run.said()
