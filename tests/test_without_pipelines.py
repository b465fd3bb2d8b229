"""Repositories of other templates, which have no pipeline of ours: pushed, looked at, and taken back all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.errors import ExitCode
from mlopsgen.operations.recorded_answers import recorded_as
from tests.github import FakeGitHub
from tests.github.repositories import Repository
from tests.other_templates import CI, RECORD, make_other
from tests.push_state import state_there
from tests.push_toys import Person, environment, item, items, told

NAME = "acme/heart_rate"


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_user("bob")
        fake.add_org("acme", plan="enterprise", members={"ada": "admin", "bob": "member"})
        yield fake


@pytest.fixture
def ada(github: FakeGitHub, tmp_path: Path) -> Person:
    home = tmp_path / "home"
    home.mkdir()
    environ = environment(home)
    here = tmp_path / "heart_rate"
    here.mkdir()
    person = Person(github=github, folder=make_other(here, environ), environ=environ)
    person.environ["GH_HOST"] = github.url
    person.new_token("repo", "workflow", "delete_repo", "read:org", kind="classic")
    return person


def checks(there: Repository) -> dict[str, list[str]]:
    """The checks that each ruleset waits for."""
    found: dict[str, list[str]] = {}
    for ruleset in there.rulesets.values():
        rules = [rule for rule in ruleset["rules"] if rule["type"] == "required_status_checks"]
        named = [each["context"] for rule in rules for each in rule["parameters"]["required_status_checks"]]
        found[str(ruleset["name"])] = named
    return found


def test_a_forge_of_this_machine_keeps_it_and_says_that_nothing_trains(ada: Person) -> None:
    made = told(ada.run("push", "--local", "--yes", "--output", "json"))
    assert made["exit_code"] == ExitCode.OK, made
    assert made["training"] is None
    said = [event["message"] for event in made["events"]]
    assert "Nothing trains there: the repository has no src/pipelines/<branch>/main.py." in said
    assert "(trains)" not in item(made, "branch", "development")["detail"]
    assert not (ada.folder / ".env").exists()
    assert ada.git("remote", "get-url", "local").endswith("heart_rate-forge/repository.git")
    ada.write("README.md", "# More\n")
    assert ada.git("ls-remote", "local", "development").split()[0] != ada.git("rev-parse", "development")
    done = ada.run("status")
    assert "Nothing trains, because the repository has no src/pipelines/<branch>/main.py" in done.stdout
    assert "git push local development" in done.stderr + done.stdout
    ada.git("push", "--quiet", "local", "development")
    state = told(ada.run("status", "--output", "json"))
    assert (state["trains"], state["problems"]) == (False, [])
    findings = told(ada.run("doctor", "--output", "json"))["findings"]
    assert [each for each in findings if each["level"] == "problem"] == []
    refused = ada.run("run", "--branch", "development", "--output", "json")
    assert json.loads(refused.stdout)["error"]["message"].startswith("There is nothing to train: the repository has no")


def test_github_becomes_what_its_own_workflows_need(ada: Person, github: FakeGitHub) -> None:
    made = ada.push("--org", "acme")
    assert made["exit_code"] == ExitCode.OK, made
    assert items(made, "cannot") == set()
    said = [event["message"] for event in made["events"]]
    assert (
        "Nothing of mlopsgen trains: the repository has no src/pipelines/<branch>/main.py; its own workflows run there."
    ) in said
    assert ".github/workflows/ci.yml waits for pushes to main, and the repository has no such branch." in said
    there = github.repository(NAME)
    state = state_there(there)
    assert state["topics"] == ["mlopsgen"]
    assert state["about"][2] == "Counts what beats"
    enabled, allowed, pinned, selected = state["actions"]
    assert (enabled, allowed, pinned, selected["patterns_allowed"]) == (
        True,
        "selected",
        False,
        ["astral-sh/setup-uv@*"],
    )
    assert state["workflow token"][:2] == ["read", False]
    assert {"promotion", "template-update"} & {label["name"] for label in state["labels"]} == {"template-update"}
    assert sorted(state["environments"]) == ["development", "production", "staging"]
    assert checks(there) == {"development": [], "staging": ["test"], "production": ["test"]}
    commit = ada.git("rev-parse", "HEAD")
    assert there.branches == dict.fromkeys(("development", "staging", "production"), commit)
    secrets = told(ada.run("secrets", "list", "--output", "json"))["secrets"]
    assert [(each["environment"], each["name"], each["purpose"]) for each in secrets] == [
        ("", "CODECOV_TOKEN", "used by ci.yml")
    ]
    again = ada.push()
    assert items(again, "create") | items(again, "change") | items(again, "cannot") == set()
    status = told(ada.run("status", "--output", "json"))
    assert status["github"]["problems"] == []
    findings = told(ada.run("doctor", "--output", "json"))["findings"]
    assert [each["message"] for each in findings if each["level"] != "ok" and each["check"] != "forge"] == []
    gone = ada.run("destroy", "--confirm", NAME, "--output", "json")
    assert json.loads(gone.stdout)["exit_code"] == ExitCode.OK, gone.stdout
    assert not github.has(NAME)


def test_no_check_is_waited_for_that_nothing_reports(ada: Person, github: FakeGitHub) -> None:
    ada.write(".github/workflows/ci.yml", CI.replace("  pull_request:\n", "").replace("[main]", "[development]"))
    ada.write("README.md", "# Another\n")
    ada.push("--org", "acme", "--name", "quiet")
    there = github.repository("acme/quiet")
    assert checks(there) == {"development": [], "staging": [], "production": []}
    ada.write(".github/workflows/ci.yml", CI.replace("astral-sh/setup-uv@v3", f"acme/other@{'0' * 40}"))
    commit = ada.git("rev-parse", "development")
    there.git("fetch", "--quiet", str(ada.folder), f"{commit}:refs/heads/development")
    later = ada.push()
    assert items(later, "change") == {("ruleset", "", "staging"), ("ruleset", "", "production")}
    assert checks(there)["staging"] == ["test"]
    # Whoever may push lets no new action in by that alone.
    assert there.selected["patterns_allowed"] == ["astral-sh/setup-uv@*"]
    ada.push("--take-over")
    assert there.selected["patterns_allowed"] == ["acme/other@*"]


@pytest.mark.parametrize(
    ("record", "name", "description", "owner"),
    [
        (RECORD, "heart_rate", "Counts what beats", ""),
        ("project_name: Über Größe\nowner: acme\nvisibility: secret\n", "uber-grosse", "", "acme"),
        ("repo_name: ../../etc\ndescription: |\n  two\n  lines\n", "etc", "", ""),
        ("slug: [1]\nname: wine.git\nowner: 7\n", "wine-git", "", ""),
        ("_commit: v1\n", "Folder-1", "", ""),
        ("project_slug: '???'\n", "Folder-1", "", ""),
    ],
)
def test_what_any_template_calls_it_is_understood(record: str, name: str, description: str, owner: str) -> None:
    found = recorded_as(record, "Folder-1")
    assert not found.ours
    assert [found.answers[key] for key in ("slug", "description", "owner", "visibility")] == [
        name, description, owner, "private",
    ]  # fmt: skip


def test_one_question_of_ours_tells_that_the_template_was_ours() -> None:
    found = recorded_as("slug: wine\nvalid_elsewhere: 7\nproduction_runner: gpu\n", "Folder-1")
    assert (found.ours, found.answers["slug"], found.answers["production_runner"]) == (True, "wine", "gpu")
