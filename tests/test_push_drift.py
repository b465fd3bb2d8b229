"""Pushing to a repository that is there already: whose it is, what people changed in it, what cannot be seen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.errors import ExitCode
from tests.canaries import canary
from tests.github import FakeGitHub
from tests.push_toys import Person, arrive, item, items, make_model, told

ORG = ("--org", "acme")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        yield fake


@pytest.fixture
def ada(github: FakeGitHub, model: Path, tmp_path: Path) -> Person:
    return arrive(github, model, tmp_path)


@pytest.fixture
def pushed(ada: Person) -> Person:
    """Ada, after her first push."""
    assert ada.push(*ORG)["exit_code"] == ExitCode.OK
    return ada


def writes(github: FakeGitHub) -> list[str]:
    return [f"{call.method} {call.path}" for call in github.calls if call.writes]


def test_an_empty_repository_is_used(ada: Person, github: FakeGitHub) -> None:
    github.add_repository("acme/demo")
    made = ada.push(*ORG)
    assert made["exit_code"] == ExitCode.OK, made
    assert item(made, "repository", "demo")["kind"] == "keep"
    assert set(github.repository("acme/demo").branches) == {"development", "staging", "production"}


def test_a_repository_of_something_else_is_refused_and_not_touched(
    ada: Person, github: FakeGitHub, model: Path
) -> None:
    there = github.add_repository("acme/demo")
    other = ada.folder.parent / "other"
    ada.git("init", "--quiet", "--initial-branch=main", str(other), cwd=ada.folder.parent)
    (other / "README.md").write_text("Something else\n", encoding="utf-8")
    ada.git("add", "--all", cwd=other)
    ada.git("commit", "--quiet", "-m", "Begin", cwd=other)
    ada.git("push", "--quiet", str(there.folder), "main", cwd=other)
    github.calls.clear()
    refused = ada.push(*ORG)
    assert refused["exit_code"] == ExitCode.FAILURE
    assert "nothing in common" in refused["error"]["message"]
    assert "--name" in refused["error"]["hint"]
    assert not writes(github)
    assert set(there.branches) == {"main"}
    shown = ada.run("push", "--dry-run", *ORG)
    assert shown.returncode == ExitCode.FAILURE
    assert "to create" not in shown.stdout
    assert "--take-over" not in shown.stdout


def test_a_remote_that_leads_elsewhere_is_left_alone(ada: Person, github: FakeGitHub) -> None:
    for address in ("https://gitlab.example.org/acme/demo.git", "git@gitlab.example.org:acme/demo.git", "../somewhere"):
        ada.git("remote", "add", "origin", address)
        refused = ada.push(*ORG)
        assert refused["exit_code"] == ExitCode.USAGE
        assert address in refused["error"]["message"]
        assert "git remote rename origin" in refused["error"]["hint"]
        ada.git("remote", "remove", "origin")
    ada.git("remote", "add", "origin", f"{github.url}/acme/another.git")
    refused = ada.push("--org", "acme", "--name", "demo")
    assert refused["exit_code"] == ExitCode.FAILURE
    assert "a remote of that name points to" in refused["error"]["message"]
    assert not writes(github)


def test_what_people_changed_stays_is_shown_and_is_taken_over_on_request(pushed: Person, github: FakeGitHub) -> None:
    there = github.repository("acme/demo")
    there.description, there.workflow_permissions = "by hand", "write"
    there.environments["staging"].wait_timer = 7
    seen = pushed.push()
    assert seen["exit_code"] == ExitCode.OK
    for kind, name in (("setting", "about"), ("setting", "workflow-token"), ("environment", "staging")):
        line = item(seen, kind, name)
        assert (line["kind"], "--take-over" in line["reason"]) == ("keep", True), line
    assert "3 things on GitHub differ" in seen["summary"]
    assert any("--take-over" in step for step in seen["next_steps"])
    shown = pushed.run("push")
    assert "by hand" in shown.stderr
    assert "3 things on GitHub differ" in pushed.run("push", "--dry-run").stdout, "a dry run says no less"
    assert (there.description, there.environments["staging"].wait_timer) == ("by hand", 7)
    taken = pushed.push("--take-over")
    assert taken["exit_code"] == ExitCode.OK, taken
    assert there.description == "A model that is trained by git push."
    assert (there.workflow_permissions, there.environments["staging"].wait_timer) == ("read", 0)


def test_nothing_that_people_added_is_taken_away(pushed: Person, github: FakeGitHub) -> None:
    there = github.repository("acme/demo")
    there.topics.append("fraud")
    there.collaborators["grace"] = "admin"
    taken = pushed.push("--take-over")
    assert taken["exit_code"] == ExitCode.OK, taken
    assert "fraud" in there.topics
    assert there.collaborators == {"grace": "admin"}


def test_what_the_owner_writes_is_changed(pushed: Person, github: FakeGitHub) -> None:
    pushed.edit_document("squash: false", "squash: true")
    pushed.edit_document("    reviews: 1 #", "    reviews: 2 #")
    changed = pushed.push()
    assert changed["exit_code"] == ExitCode.OK, changed
    assert {("setting", "", "merging"), ("ruleset", "", "production"), ("branch", "", "development")} == items(
        changed, "change"
    )
    assert github.repository("acme/demo").settings.allow_squash_merge


def test_less_protection_is_said(pushed: Person) -> None:
    pushed.edit_document("    reviews: 1 #", "    reviews: 0 #")
    line = item(pushed.plan(), "ruleset", "production")
    assert line["loosens"]
    assert "less protection" in line["detail"]


def test_nobody_more_gets_to_see_a_repository(pushed: Person, github: FakeGitHub) -> None:
    for arguments in (("--visibility", "public"), ("--visibility", "public", "--take-over")):
        told_so = pushed.push(*arguments)
        assert item(told_so, "setting", "visibility")["kind"] == "cannot", told_so
        assert github.repository("acme/demo").visibility == "private"


def test_a_branch_that_takes_pull_requests_only_is_not_pushed(pushed: Person, github: FakeGitHub) -> None:
    before = github.repository("acme/demo").branches["staging"]
    pushed.git("switch", "--quiet", "staging")
    pushed.write("notes.txt", "straight to staging")
    kept = pushed.push()
    assert kept["exit_code"] == ExitCode.OK
    line = item(kept, "branch", "staging")
    assert (line["kind"], line["instead"]) == ("cannot", "open a pull request from development")
    assert github.repository("acme/demo").branches["staging"] == before


def test_credentials_in_the_remote_are_taken_out_and_never_shown(pushed: Person, github: FakeGitHub) -> None:
    secret = canary("in-the-address")
    address = f"{github.url}/acme/demo.git"
    pushed.git("remote", "set-url", "origin", address.replace("://", f"://ada:{secret}@"))
    changed = told(pushed.run("push", "--yes", "--output", "json"))
    assert changed["exit_code"] == ExitCode.OK, changed
    assert items(changed, "change") == {("remote", "", "origin")}
    assert pushed.git("remote", "get-url", "origin") == address


def test_a_missing_branch_is_missed(ada: Person, github: FakeGitHub) -> None:
    ada.git("branch", "--delete", "--force", "staging")
    made = ada.push(*ORG)
    assert made["exit_code"] == ExitCode.PARTIAL
    assert item(made, "branch", "staging")["hint"] == "git branch staging development"
    assert "git branch staging development" in made["next_steps"]
    ada.git("branch", "staging", "development")
    assert ada.push()["exit_code"] == ExitCode.OK
    assert "staging" in github.repository("acme/demo").branches


def test_a_shallow_clone_is_refused_before_anything_is_made(ada: Person, github: FakeGitHub) -> None:
    ada.write("notes.txt", "a second commit")
    full = ada.folder
    ada.folder = full.parent / "shallow"
    ada.git("clone", "--quiet", "--depth", "1", f"file://{full}", str(ada.folder), cwd=full.parent)
    ada.git("remote", "remove", "origin")
    refused = ada.push(*ORG)
    assert refused["exit_code"] == ExitCode.FAILURE
    assert refused["error"]["hint"] == "git fetch --unshallow"
    assert not writes(github)


def test_an_archived_repository_is_said(pushed: Person, github: FakeGitHub) -> None:
    github.repository("acme/demo").archived = True
    refused = pushed.push()
    assert refused["exit_code"] == ExitCode.FAILURE
    assert "archived" in refused["error"]["message"]
    status = told(pushed.run("status", "--output", "json"))
    assert any("archived" in problem["message"] for problem in status["github"]["problems"])


def test_a_renamed_repository_is_said(pushed: Person, github: FakeGitHub) -> None:
    github.rename("acme/demo", "houses")
    refused = pushed.push()
    assert refused["exit_code"] != ExitCode.OK
    assert "acme/houses" in refused["error"]["message"]
    assert "git remote set-url origin" in refused["error"]["hint"]


def test_another_branch_that_is_checked_out_does_not_decide(pushed: Person, github: FakeGitHub) -> None:
    pushed.edit_document("squash: false", "squash: true")
    assert pushed.push()["exit_code"] == ExitCode.OK
    pushed.git("switch", "--quiet", "staging")
    assert pushed.push()["summary"] == "acme/demo is as it shall be; nothing was changed."
    assert github.repository("acme/demo").settings.allow_squash_merge


def test_status_shows_github_without_asking(pushed: Person, github: FakeGitHub, tmp_path: Path) -> None:
    pushed.write("notes.txt", "not pushed yet")
    github.repository("acme/demo").description = "by hand"
    del pushed.environ["MLOPSGEN_SECRET_STAGING_KUBEFLOW_TOKEN"]
    commit = github.repository("acme/demo").branches["development"]
    run = github.add_run(
        "acme/demo", workflow="development.yml", event="push", branch="development", commit=commit, actor="ada",
        head_repository="acme/demo", status="completed", conclusion="failure",
    )  # fmt: skip
    github.calls.clear()
    status = told(pushed.run("status", "--output", "json"))
    assert status["exit_code"] == ExitCode.OK
    seen = status["github"]
    assert (seen["seen"], seen["repository"]) == (True, "acme/demo")
    runs = {branch["name"]: branch["last_run"] for branch in seen["branches"]}
    assert (runs["staging"], runs["production"]) == (None, None)
    assert (runs["development"]["number"], runs["development"]["state"]) == (run.number, "failure")
    assert next(b for b in seen["branches"] if b["name"] == "development")["ahead"] == 1
    messages = " ".join(problem["message"] for problem in seen["problems"])
    assert "1 commit not on GitHub yet" in messages
    assert "by hand" in messages
    assert not writes(github)
    text = pushed.run("status").stdout
    assert f"GitHub: {github.url}/acme/demo" in text
    assert "1 ahead" in text
    page = f"{github.url}/acme/demo/actions/runs/{run.id}"
    assert any(
        line.lstrip().startswith(f"run #{run.number} failed, ") and line.endswith(page) for line in text.splitlines()
    )
    del pushed.environ["GH_TOKEN"]
    blind = told(pushed.run("status", "--output", "json"))
    assert (blind["exit_code"], blind["github"]["seen"]) == (ExitCode.OK, False)
    assert "no token" in blind["github"]["reason"]
    shutil.rmtree(tmp_path / "home")


def test_a_document_that_came_by_git_push_is_brought_about_and_nobody_is_said_to_have_changed_anything(
    pushed: Person, github: FakeGitHub
) -> None:
    there = github.repository("acme/demo")
    for homepage, reviews in (("https://one.example", 1), ("https://two.example", 2)):
        document = (
            f"version: 1\nrepository: {{homepage: {homepage}}}\nrulesets:\n  production: {{reviews: {reviews}}}\n"
        )
        pushed.write(".github/remote.yaml", document)
        pushed.git("fetch", "--quiet", str(pushed.folder), "development:development", cwd=there.folder)
    assert "brings that about" not in pushed.run("push", "--dry-run").stdout
    done = pushed.push()
    assert done["exit_code"] == ExitCode.OK, done
    assert item(done, "setting", "about")["kind"] == item(done, "ruleset", "production")["kind"] == "change"
    assert there.homepage == "https://two.example"
    # What nobody ever asked for is a person's.
    there.homepage = "https://by-hand.example"
    pushed.write(".github/remote.yaml", "version: 1\nrepository: {homepage: https://three.example}\n")
    assert "changed on the remote" in item(pushed.push(), "setting", "about")["reason"]
    assert there.homepage == "https://by-hand.example"
