"""A configuration repository on GitHub: made with a plan, private, protected; done again, interrupted, left alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlopsgen.errors import ExitCode
from tests.github import FakeGitHub
from tests.push_state import state_there
from tests.push_toys import Person, environment, item, items, told

NAME = "acme/mlops-config"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration repository; copied, not changed."""
    folder = tmp_path_factory.mktemp("model")
    argv = [sys.executable, "-m", "mlopsgen", "config-repo", "create", "mlops-config", "--name", "Acme Inc."]
    subprocess.run(argv, cwd=folder, env=environment(folder), check=True, capture_output=True)
    return folder / "mlops-config"


@pytest.fixture
def ada(model: Path, tmp_path: Path) -> Iterator[Person]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_user("bob")
        fake.add_org("acme", plan="team", members={"ada": "admin", "bob": "member"})
        shutil.copytree(model, tmp_path / "mlops-config", symlinks=True)
        home = tmp_path / "home"
        home.mkdir()
        person = Person(github=fake, folder=tmp_path / "mlops-config", environ=environment(home))
        person.environ["GH_HOST"] = fake.url
        person.new_token("repo", "workflow", "read:org", kind="classic")
        yield person


def create(person: Person, *arguments: str, **more: str) -> dict[str, Any]:
    """``mlopsgen config-repo create mlops-config --org acme``."""
    words = ("config-repo", "create", "mlops-config", "--org", "acme", "--output", "json", *arguments)
    return told(person.run(*words, cwd=person.folder.parent, **more))


def test_it_is_private_and_changes_by_checked_merges_only(ada: Person) -> None:
    shown = create(ada, "--dry-run")
    assert shown["exit_code"] == ExitCode.OK, shown
    assert not ada.github.has(NAME)
    assert [step for step in shown["next_steps"] if step.startswith("mlopsgen config-repo create mlops-config --org")]
    made = create(ada, "--yes")
    assert made["exit_code"] == ExitCode.OK, made
    assert items(made, "cannot") == set()
    assert made["links"]["repository"].endswith(NAME)
    there = ada.github.repository(NAME)
    state = state_there(there)
    assert state["about"][1] == "private"
    assert state["topics"] == ["mlopsgen-template"]
    assert state["default branch"] == "main"
    assert there.branches == {"main": ada.git("rev-parse", "main")}
    assert state["actions"][:3] == [True, "selected", True]
    settings = state["settings"]
    assert [settings[f"allow_{how}"] for how in ("merge_commit", "squash_merge", "rebase_merge")] == [
        True,
        False,
        False,
    ]
    rules = {one["name"]: {rule["type"]: rule.get("parameters") for rule in one["rules"]} for one in state["rulesets"]}
    assert set(rules) == {"main", "versions"}
    assert set(rules["main"]) == {"deletion", "non_fast_forward", "pull_request", "required_status_checks"}
    assert rules["main"]["required_status_checks"]["required_status_checks"] == [{"context": "check"}]
    assert rules["main"]["pull_request"]["allowed_merge_methods"] == ["merge"]
    assert set(rules["versions"]) == {"deletion", "update"}
    assert ada.git("remote", "get-url", "origin") == f"{ada.github.url}/{NAME}.git"
    assert ada.git("rev-parse", "--abbrev-ref", "main@{upstream}") == "origin/main"


def test_a_version_is_made_once_and_never_moved(ada: Person) -> None:
    create(ada, "--yes")
    token = ada.environ["GH_TOKEN"]
    place = f"{ada.github.url.replace('://', f'://x:{token}@')}/{NAME}.git"
    ada.git("tag", "v1.0.0")
    ada.git("push", "--quiet", place, "v1.0.0")
    ada.write("README.md", "Other words\n")
    for words in (["--force", place, "HEAD:refs/tags/v1.0.0"], [place, ":refs/tags/v1.0.0"], [place, "main"]):
        refused = subprocess.run(
            ["git", "push", *words], cwd=ada.folder, env=ada.environ, capture_output=True, text=True, check=False
        )
        assert refused.returncode != 0, words
        assert "GH013" in refused.stderr
    ada.git("tag", "v1.1.0")
    ada.git("push", "--quiet", place, "v1.1.0")


def test_one_that_reports_no_check_waits_for_none_and_releases_by_hand(ada: Person) -> None:
    """The template v0.1.0 had no workflows for it: a check that nothing reports would keep even its update out."""
    ada.git("rm", "--quiet", "-r", ".github")
    ada.git("commit", "--quiet", "-m", "As v0.1.0 was")
    ada.git("tag", "v0.9.0")
    made = create(ada, "--yes")
    assert made["exit_code"] == ExitCode.OK, made
    assert (made["created"], made["name"]) == (False, "Acme Inc.")
    rulesets = state_there(ada.github.repository(NAME))["rulesets"]
    rules = {rule["type"] for one in rulesets if one["name"] == "main" for rule in one["rules"]}
    assert rules == {"deletion", "non_fast_forward", "pull_request"}
    steps = "\n".join(made["next_steps"])
    assert "git push origin v0.9.0   (" in steps
    assert "mlopsgen config-repo release --push   (" in steps
    assert "release.yml checks" not in steps


def test_histories_that_went_apart_are_brought_together_by_a_merge(ada: Person) -> None:
    create(ada, "--yes")
    ada.git("commit", "--quiet", "--amend", "-m", "Another beginning")
    told = create(ada, "--yes")
    steps = "\n".join(told["next_steps"])
    assert "'git pull --no-rebase' on main" in steps
    assert "--rebase" not in steps


def test_again_changes_nothing_and_keeps_what_people_decided(ada: Person) -> None:
    create(ada, "--yes")
    before = state_there(ada.github.repository(NAME))
    ada.github.calls.clear()
    again = create(ada, "--yes")
    assert (again["exit_code"], again["created"]) == (ExitCode.OK, False)
    assert [call.path for call in ada.github.calls if call.writes] == []
    assert state_there(ada.github.repository(NAME)) == before
    there = ada.github.repository(NAME)
    # The short form, gh:acme/..., is github.com's alone.
    assert f"mlopsgen init --template {ada.github.url}/{NAME}   (" in "\n".join(again["next_steps"])
    ruleset = next(one for one in there.rulesets.values() if one["name"] == "main")
    review = next(rule for rule in ruleset["rules"] if rule["type"] == "pull_request")
    review["parameters"]["required_approving_review_count"] = 2
    kept = create(ada, "--yes")
    assert kept["exit_code"] == ExitCode.OK
    assert (
        "changed on the remote" in item(kept, "ruleset", "main")["reason"]
        or "set on the remote" in (item(kept, "ruleset", "main")["reason"])
    )
    assert review["parameters"]["required_approving_review_count"] == 2
    again = "mlopsgen config-repo create mlops-config --org acme"
    assert f"{again} --dry-run --take-over" in "".join(kept["next_steps"]).replace("   (", "")
    create(ada, "--yes", "--take-over")
    assert state_there(there) == before


@pytest.mark.parametrize("path", ["/rulesets", "/actions/permissions/selected-actions", "git-receive-pack"])
def test_what_was_interrupted_is_brought_to_its_end(ada: Person, path: str) -> None:
    ada.github.faults.add("403", path=path, writes=True, times=0)
    broken = create(ada, "--yes")
    assert broken["exit_code"] != ExitCode.OK
    ada.github.faults.clear()
    ended = create(ada, "--yes")
    assert ended["exit_code"] == ExitCode.OK, ended
    state = state_there(ada.github.repository(NAME))
    assert sorted(one["name"] for one in state["rulesets"]) == ["main", "versions"]
    assert state["topics"] == ["mlopsgen-template"]


def test_a_plan_without_rulesets_and_a_token_without_rights_are_told(ada: Person) -> None:
    ada.github.add_org("small", plan="free", members=["ada"], owners=["ada"])
    words = ("config-repo", "create", "mlops-config", "--org", "small", "--yes", "--output", "json")
    made = told(ada.run(*words, cwd=ada.folder.parent))
    assert items(made, "cannot") == {("ruleset", "", "main"), ("ruleset", "", "versions")}
    ada.git("remote", "remove", "origin")
    ada.new_token("gist", kind="classic")
    refused = create(ada, "--yes")
    assert refused["exit_code"] == ExitCode.PERMISSION
    assert json.dumps(refused).count("repo") > 1
