"""``mlopsgen sync`` in a clone whose origin is on GitHub: a pull request on request, opened once, kept up to date."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlopsgen.adapters.credentials import Credential, NoCredential
from mlopsgen.errors import ExitCode, MlopsgenError
from mlopsgen.result import OperationResult
from mlopsgen.secret_value import SecretValue
from tests.github import FakeGitHub
from tests.github.repositories import Repository
from tests.sync_toys import Person, arrive

SYNC = "mlopsgen/sync-development"


@dataclass
class Clone:
    """Ada's clone of a private repository of her organisation.

    Attributes:
        ada: She, with the clone.
        there: The repository on GitHub.
        github: The fake.
        asked: What she was asked.
    """

    ada: Person
    there: Repository
    github: FakeGitHub
    token: str
    asked: list[str] = field(default_factory=list)

    def sync(self, *, answer: bool | None = None, act: str = "sync", **more: Any) -> OperationResult:
        """Sync; with ``answer``, at a terminal where each question gets it."""

        def agree(question: str, default: bool) -> bool:
            self.asked.append(question)
            return bool(answer)

        def credential(target: Any) -> Credential:
            if not self.token:
                raise NoCredential("There is no token.")
            return Credential(token=SecretValue(self.token), source="a test", host="127.0.0.1")

        given = {"credential": credential, "agree": None if answer is None else agree, **more}
        return getattr(self.ada, act)(**given)

    def writes(self) -> int:
        """How many calls to GitHub have changed something."""
        return sum(1 for call in self.github.calls if call.writes)

    def push(self, branch: str = "development") -> None:
        """What Ada's own git would do."""
        transport = f"http.{self.github.url}/.extraHeader"
        login = b64encode(f"x-access-token:{self.token}".encode()).decode()
        self.ada.git("-c", f"{transport}=Authorization: Basic {login}", "push", "--quiet", "origin", branch)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    with FakeGitHub() as github:
        github.add_user("ada")
        github.add_org("acme", plan="team", members=["ada"])
        there = github.add_repository("acme/toy")
        there.default_branch = "development"
        ada = arrive(tmp_path)
        ada.environ |= {"GITHUB_SERVER_URL": github.url, "GITHUB_API_URL": github.api}
        ada.git("remote", "add", "origin", f"{github.url}/acme/toy.git")
        found = Clone(ada=ada, there=there, github=github, token=github.add_token("ada"))
        found.push()
        yield found


def test_nobody_was_asked_so_nothing_leaves_this_machine(clone: Clone) -> None:
    before = clone.writes()
    done = clone.sync()
    assert done.data["pull_request"]["state"] == "described"
    assert done.next_steps[-1] == "mlopsgen sync --yes   (opens the pull request in acme/toy)"
    assert clone.writes() == before
    assert SYNC not in clone.there.branches


def test_agreed_to_it_is_pushed_and_a_pull_request_is_opened_once(clone: Clone) -> None:
    done = clone.sync(agreed=True)
    assert done.exit_code == ExitCode.OK
    assert clone.there.branches[SYNC] == clone.ada.git("rev-parse", SYNC)
    pull = done.data["pull_request"]
    assert (pull["state"], pull["draft"]) == ("opened", False)
    assert pull["title"] == "Update from template v1.0.0 to v1.1.0"
    assert pull["page"] in done.next_steps[0]
    before = clone.writes()
    again = clone.sync(agreed=True)
    assert again.data["pull_request"]["state"] == "open"
    assert again.data["pull_request"]["number"] == pull["number"]
    assert clone.writes() == before


def test_a_person_is_asked(clone: Clone) -> None:
    refused = clone.sync(answer=False)
    assert clone.asked == [f"Push {SYNC} and open a pull request in acme/toy?"]
    assert refused.data["pull_request"]["state"] == "described"
    assert clone.sync(answer=True).data["pull_request"]["state"] == "opened"


def test_without_a_pull_request_nothing_is_asked(clone: Clone) -> None:
    done = clone.sync(answer=True, pull_request=False)
    assert not clone.asked
    assert done.data["pull_request"]["state"] == "described"
    assert SYNC not in clone.there.branches


def test_the_branch_goes_on_and_the_pull_request_follows(clone: Clone) -> None:
    first = clone.sync(agreed=True).data["pull_request"]["number"]
    clone.ada.commit("mine.txt", "more\n")
    clone.push()
    done = clone.sync(agreed=True)
    assert (done.data["pull_request"]["state"], done.data["pull_request"]["number"]) == ("updated", first)
    assert clone.there.branches[SYNC] == clone.ada.git("rev-parse", SYNC)


def test_what_somebody_committed_on_it_there_is_left_alone(clone: Clone, tmp_path: Path) -> None:
    clone.sync(agreed=True)
    clone.ada.git("switch", "--quiet", "-c", "theirs", SYNC)
    theirs = clone.ada.commit("config.yaml", "a: 9\n", "By somebody else")
    clone.there.git("fetch", "--quiet", str(clone.ada.folder), f"+theirs:refs/heads/{SYNC}")
    clone.ada.git("switch", "--quiet", "development")
    clone.ada.git("branch", "--quiet", "-D", "theirs")
    clone.ada.commit("mine.txt", "more\n")
    clone.push()
    with pytest.raises(MlopsgenError, match="Somebody has worked on mlopsgen/sync-development on GitHub"):
        clone.sync(agreed=True)
    assert clone.there.branches[SYNC] == theirs


def test_conflicts_are_resolved_here_and_then_proposed(clone: Clone) -> None:
    clone.ada.commit("config.yaml", "a: 1\nb: 3\nc: 3\n")
    clone.push()
    assert clone.sync(agreed=True).exit_code == ExitCode.PARTIAL
    assert SYNC not in clone.there.branches
    clone.ada.write("config.yaml", "a: 1\nb: 23\nc: 3\n")
    clone.ada.git("add", "config.yaml")
    done = clone.sync(agreed=True, act="go_on")
    assert done.data["pull_request"]["state"] == "opened"
    assert clone.there.git("show", f"{SYNC}:config.yaml").strip() == "a: 1\nb: 23\nc: 3"
    assert clone.sync(agreed=True).data["pull_request"]["state"] == "open"


def test_a_token_lets_in_where_git_is_not_configured_to(clone: Clone) -> None:
    other = clone.ada.git("commit-tree", "-p", "development", "-m", "From a colleague", "development^{tree}")
    clone.there.git("fetch", "--quiet", str(clone.ada.folder), f"+{other}:refs/heads/development")
    done = clone.sync()
    assert done.data["commit_updated"] == other
    assert not any("could not be reached" in line for line in clone.ada.said)


def test_without_a_token_what_is_known_counts_and_a_pull_request_needs_one(clone: Clone) -> None:
    clone.token = ""
    done = clone.sync()
    assert done.data["pull_request"]["state"] == "described"
    assert any("origin could not be reached" in line for line in clone.ada.said)
    with pytest.raises(NoCredential):
        clone.sync(agreed=True)
    assert clone.ada.git("branch", "--list", SYNC), "the branch is made; running it again with a token continues"


def test_the_token_is_nowhere_afterwards(clone: Clone) -> None:
    clone.sync(agreed=True)
    for path in clone.ada.folder.rglob("*"):
        if path.is_file():
            assert clone.token.encode() not in path.read_bytes(), path
