"""Others at work at the same moment: nothing is lost, nothing is there twice, and whoever has to act is told."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.github import FakeGitHub
from tests.github.faults import Record
from tests.push_stage import NAME, REMOTE_DOCUMENT, Done, Stage, git, join, make_repository, set_up
from tests.push_state import differences

OK, FAILED, LOCKED_OUT, PARTIAL = 0, 1, 4, 5


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("races"))


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as github:
        yield github


@pytest.fixture
def ada(github: FakeGitHub, model: Path, tmp_path: Path) -> Stage:
    return set_up(github, model, tmp_path)


@pytest.fixture
def bob(ada: Stage, model: Path, tmp_path: Path) -> Stage:
    return join(ada.github, model, tmp_path, "bob")


@pytest.fixture(scope="module")
def undisturbed(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with FakeGitHub() as github:
        stage = set_up(github, model, tmp_path_factory.mktemp("undisturbed"))
        done = stage.push()
        assert done.code == OK, done
        return stage.state()


def meet(github: FakeGitHub, method: str, path: str) -> None:
    """Let the first two who make a call wait for each other before it acts."""
    barrier = threading.Barrier(2)

    def wait(_: Record) -> None:
        barrier.wait(timeout=30)

    for number in (1, 2):
        github.faults.before(number, wait, method=method, path=path)


def both(*stages: Stage) -> list[Done]:
    running = [stage.start("push", "--yes", "--output", "json") for stage in stages]
    return [stage.end(process) for stage, process in zip(stages, running, strict=True)]


def of_the_repository(record: Record) -> bool:
    return NAME in record.path


def error_of(done: Done) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(done.out)["error"]
    return error


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/environments/production"),
        ("POST", "/environments/staging/deployment-branch-policies"),
        ("POST", "/environments/production/variables"),
        ("PUT", "/environments/production/secrets/KUBEFLOW_PASSWORD"),
        ("POST", "/labels"),
        ("POST", "/rulesets"),
        ("POST", "git-receive-pack"),
    ],
)
def test_two_first_pushes_at_once_make_one_repository(
    ada: Stage, bob: Stage, undisturbed: dict[str, Any], method: str, path: str
) -> None:
    meet(ada.github, "POST", "/orgs/acme/repos")
    meet(ada.github, method, path)
    for stage, done in zip((ada, bob), both(ada, bob), strict=True):
        assert done.code in {OK, PARTIAL}, done
        if done.code == PARTIAL:
            assert (again := stage.push()).code == OK, again
    for stage in (ada, bob):
        assert differences(stage.state(), undisturbed) == []


def test_of_two_who_push_another_commit_each_one_wins_and_the_other_is_told(ada: Stage, bob: Stage) -> None:
    assert [stage.push().code for stage in (ada, bob)] == [OK, OK]
    commits = {}
    for stage in (ada, bob):
        (stage.repository / f"{stage.login}.txt").write_text("work\n", encoding="utf-8")
        commits[stage.login] = stage.commit(f"Work of {stage.login}")
    meet(ada.github, "POST", "git-receive-pack")
    done = both(ada, bob)
    assert sorted(each.code for each in done) == [OK, FAILED], done
    winner, loser = (ada, bob) if done[0].code == OK else (bob, ada)
    found = ada.github.repository(NAME)
    assert found.branches["development"] == commits[winner.login]
    error = error_of(next(each for each in done if each.code != OK))
    assert error["code"] == "branch-moved"
    assert "nothing was pushed to it" in error["message"]
    assert "git pull --rebase" in error["hint"]

    assert loser.git("rev-parse", "development") == commits[loser.login]
    loser.git("pull", "--quiet", "--rebase", str(found.folder), "development")
    again = loser.push()
    assert again.code == OK, again
    names = found.git("ls-tree", "--name-only", "development").split()
    assert {"ada.txt", "bob.txt"} <= set(names)


def test_who_has_not_pulled_takes_nothing_back(ada: Stage, bob: Stage) -> None:
    assert [stage.push().code for stage in (ada, bob)] == [OK, OK]
    document = ada.repository / REMOTE_DOCUMENT
    document.write_text(
        "version: 1\nenvironments: {production: {reviewers: [grace], wait_minutes: 30}}\n"
        "rulesets: {production: {reviews: 2}, staging: {}, development: {}}\n",
        encoding="utf-8",
    )
    commit = ada.commit("Wait longer, and let two review")
    assert ada.push().code == OK
    there = ada.state()["there"]
    assert there["environments"]["production"]["wait"] == 30

    done = bob.push()
    assert done.code == OK, done
    assert differences(ada.state()["there"], there) == []
    items = json.loads(done.out)["data"]["plan"]["actions"]
    behind = next(item for item in items if (item["resource"], item["name"]) == ("branch", "development"))
    assert behind["kind"] == "keep"
    assert "git pull" in behind["reason"]
    assert ada.github.repository(NAME).branches["development"] == commit


def test_two_who_change_settings_end_with_the_settings_of_both(ada: Stage, bob: Stage) -> None:
    assert [stage.push().code for stage in (ada, bob)] == [OK, OK]
    (ada.repository / REMOTE_DOCUMENT).write_text("version: 1\nrepository: {homepage: 'https://a.example'}\n")
    ada.commit("A page")
    assert ada.push().code == OK
    environment = "environments:\n  staging: {variables: {SPEED: fast}}\n"
    (bob.repository / REMOTE_DOCUMENT).write_text(f"version: 1\n{environment}", encoding="utf-8")
    bob.commit("A variable")
    done = bob.push()
    assert done.code == PARTIAL, done
    assert "git pull --rebase" in done.out
    assert ada.github.repository(NAME).homepage == "https://a.example"

    folder = ada.github.repository(NAME).folder
    bob.git("fetch", "--quiet", str(folder), "development")
    bob.git("rebase", "--quiet", "-X", "ours", "FETCH_HEAD")
    (bob.repository / REMOTE_DOCUMENT).write_text(
        f"version: 1\nrepository: {{homepage: 'https://a.example'}}\n{environment}", encoding="utf-8"
    )
    bob.commit("Both")
    again = bob.push()
    assert again.code == OK, again
    found = ada.github.repository(NAME)
    assert (found.homepage, found.variables_of("staging")["SPEED"]) == ("https://a.example", "fast")


@pytest.mark.parametrize("path", ["/environments/production", "/rulesets", "?service=git-receive-pack"])
def test_a_token_that_is_revoked_in_the_middle_is_named_and_a_new_one_goes_on(
    ada: Stage, undisturbed: dict[str, Any], path: str
) -> None:
    ada.github.faults.add("401", only=lambda record: path in record.path and record.method in {"PUT", "POST", "GET"})
    done = ada.push()
    assert done.code in {LOCKED_OUT, PARTIAL}, done
    error = error_of(done)
    assert "token" in error["message"]
    assert re.search(r"/settings/tokens|gh auth login", error["hint"])
    ada.github.faults.clear()
    ada.renew_token()
    again = ada.push()
    assert again.code == OK, again
    assert differences(ada.state(), undisturbed) == []


@pytest.mark.parametrize("path", ["/environments/production", "/rulesets", "?service=git-receive-pack"])
def test_a_repository_that_is_renamed_in_the_middle_is_found_again(
    ada: Stage, undisturbed: dict[str, Any], path: str
) -> None:
    ada.github.faults.before(1, lambda _: ada.github.rename(NAME, "pulse"), path=path, only=of_the_repository)
    done = ada.push()
    assert done.code in {FAILED, PARTIAL}, done
    error = error_of(done)
    assert "renamed or moved" in error["message"]
    assert "'acme/pulse'" in error["message"]
    assert "--name pulse" in error["hint"]
    again = ada.run("push", "--yes", "--output", "json", "--name", "pulse")
    assert again.code == OK, again
    assert not ada.github.has(NAME)
    assert ada.git("remote", "get-url", "origin") == f"{ada.github.url}/acme/pulse.git"
    there, expected = (state["there"] for state in (ada.state("acme/pulse"), undisturbed))
    assert differences({**there, "about": None}, {**expected, "about": None}) == []


@pytest.mark.parametrize("branch", ["development", "staging"])
def test_a_branch_that_somebody_moves_in_the_middle_keeps_what_they_pushed(
    ada: Stage, tmp_path: Path, branch: str
) -> None:
    """Somebody's git push arrives between the look at the branches and the push."""
    assert ada.push().code == OK
    found = ada.github.repository(NAME)
    for ruleset in found.rulesets.values():
        ruleset["enforcement"] = "disabled"
    (ada.repository / "more.txt").write_text("more\n", encoding="utf-8")
    ada.git("checkout", "--quiet", branch)
    mine = ada.commit("More")
    theirs = _commit_beside(found.folder, tmp_path / "elsewhere", branch, ada.environ)

    def move(_: Record) -> None:
        found.git("fetch", "--quiet", str(tmp_path / "elsewhere"), f"{branch}:{branch}")

    ada.github.faults.before(1, move, path="?service=git-receive-pack")
    done = ada.push()
    assert done.code in {FAILED, PARTIAL}, done
    assert f"The branch {branch} has commits on GitHub" in done.out
    assert "git pull --rebase" in done.out
    assert found.branches[branch] == theirs
    assert ada.git("rev-parse", branch) == mine

    ada.git("pull", "--quiet", "--rebase", str(found.folder), branch)
    again = ada.push()
    assert again.code == OK, again
    assert {"more.txt", "theirs.txt"} <= set(found.git("ls-tree", "--name-only", branch).split())


def test_what_somebody_pushes_into_the_repository_that_was_just_made_stays(ada: Stage, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", "--initial-branch=development", str(other), environ=ada.environ)
    git(other, "commit", "--quiet", "--allow-empty", "-m", "Theirs", environ=ada.environ)
    theirs = git(other, "rev-parse", "HEAD", environ=ada.environ)

    def come_first(_: Record) -> None:
        ada.github.repository(NAME).git("fetch", "--quiet", str(other), "development:development")

    ada.github.faults.before(1, come_first, path="?service=git-receive-pack")
    done = ada.push()
    assert done.code == PARTIAL, done
    assert "has commits on GitHub" in done.out
    assert ada.github.repository(NAME).branches == {"development": theirs}
    again = ada.push()
    assert again.code == FAILED, again
    assert "nothing in common" in error_of(again)["message"]
    assert ada.github.repository(NAME).branches == {"development": theirs}


def _commit_beside(folder: Path, place: Path, branch: str, environ: dict[str, str]) -> str:
    """A commit of somebody else on a branch, in a repository beside, and its name."""
    git(folder, "clone", "--quiet", "--branch", branch, str(folder), str(place), environ=environ)
    (place / "theirs.txt").write_text("theirs\n", encoding="utf-8")
    git(place, "add", "--all", environ=environ)
    git(place, "commit", "--quiet", "-m", "Theirs", environ=environ)
    return git(place, "rev-parse", "HEAD", environ=environ)
