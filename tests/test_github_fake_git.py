"""The fake GitHub's git: real pushes and fetches over HTTP, with the rights and rules that GitHub has."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.github import FakeGitHub
from tests.github.caller import Caller

Push = Callable[..., subprocess.CompletedProcess[str]]


def ruleset(*rules: dict[str, object], branch: str = "production", **more: object) -> dict[str, object]:
    names = {"include": [f"refs/heads/{branch}"], "exclude": []}
    return {"name": "r", "enforcement": "active", "conditions": {"ref_name": names}, "rules": list(rules), **more}


PULL_REQUEST = {"type": "pull_request", "parameters": {
    "required_approving_review_count": 0, "dismiss_stale_reviews_on_push": False, "require_code_owner_review": False,
    "require_last_push_approval": False, "required_review_thread_resolution": False,
}}  # fmt: skip
CHECK = {"type": "required_status_checks", "parameters": {
    "strict_required_status_checks_policy": False, "required_status_checks": [{"context": "test"}],
}}  # fmt: skip


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_user("bob")
        fake.add_org("acme", plan="team", members=["ada", "bob"])
        fake.add_repository("acme/wine")
        yield fake


@pytest.fixture
def ada(github: FakeGitHub) -> Caller:
    return Caller(github, github.add_token("ada"))


@pytest.fixture
def clone(git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    folder = tmp_path / "clone"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "development", str(folder)], check=True)
    commit(folder, "README.md", "one")
    return folder


def commit(folder: Path, name: str, text: str | bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    subprocess.run(["git", "-C", str(folder), "add", "."], check=True)
    subprocess.run(["git", "-C", str(folder), "commit", "-q", "-m", name], check=True)
    return subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def push(github: FakeGitHub, clone: Path) -> Push:
    def run(*refs: str, token: str = "", verb: str = "push", repository: str = "acme/wine"):
        address = f"{github.url}/{repository}.git"
        if token:
            address = address.replace("://", f"://x-access-token:{token}@")
        return subprocess.run(
            ["git", "-c", "credential.helper=", verb, address, *refs],
            cwd=clone, env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    return run


def test_the_first_branch_becomes_the_default(github, ada, push):
    token = github.add_token("ada")
    assert ada("GET", "branches").json() == []
    assert ada("PATCH", "", {"default_branch": "development"}).status_code == 422
    assert push("development:staging", token=token).returncode == 0
    assert ada("GET", "").json()["default_branch"] == "staging"
    assert push("development", token=token).returncode == 0
    assert ada("GET", "").json()["default_branch"] == "staging"
    assert ada("PATCH", "", {"default_branch": "development"}).json()["default_branch"] == "development"
    assert ada("PATCH", "", {"default_branch": "nothing"}).status_code == 422


def test_git_data_is_refused_on_an_empty_repository(github, ada, push, clone):
    made = {"ref": "refs/heads/staging", "sha": commit(clone, "a", "a")}
    assert ada("POST", "git/refs", made).json()["message"] == "Git Repository is empty."
    assert ada.status("GET", "git/ref/heads/development") == 409
    push("development", token=github.add_token("ada"))
    assert ada.status("POST", "git/refs", made) == 201
    assert ada.status("POST", "git/refs", made) == 422
    assert ada("GET", "git/ref/heads/staging").json()["object"]["sha"] == made["sha"]
    assert ada("GET", "branches/staging").json()["commit"]["sha"] == made["sha"]
    assert ada.status("POST", "git/refs", {"ref": "refs/heads/x", "sha": "1" * 40}) == 422


def test_large_packs_arrive_in_chunks_and_come_back(github, push, clone):
    sha = commit(clone, "big", os.urandom(3_000_000))
    assert push("development", token=github.add_token("ada")).returncode == 0
    assert github.repository("acme/wine").branches == {"development": sha}
    assert push("refs/heads/development", verb="ls-remote", token=github.add_token("bob")).stdout.split()[0] == sha


def test_who_may_come_in(github, push):
    nobody, wrong = push("development"), push("development", token="wrong")
    assert "could not read Username" in nobody.stderr
    assert "Authentication failed" in wrong.stderr
    reader = push("development", token=github.add_token("bob"))
    assert "Permission to acme/wine.git denied to bob." in reader.stderr
    stranger = github.add_user("eve")
    assert "Repository not found" in push("HEAD", verb="ls-remote", token=github.add_token(stranger.login)).stderr
    github.repository("acme/wine").visibility = "public"
    assert push("HEAD", verb="ls-remote").returncode == 0
    assert "could not read Username" in push("development").stderr


def test_fine_grained_tokens_need_contents(github, push):
    reading, writing = (
        github.add_token("ada", kind="fine-grained", owner="acme", permissions={"contents": level})
        for level in ("read", "write")
    )
    assert push("HEAD", verb="ls-remote", token=reading).returncode == 0
    assert push("development", token=reading).returncode == 128
    assert push("development", token=writing).returncode == 0


def test_workflow_files_need_a_right_of_their_own(github, push, clone):
    commit(clone, ".github/workflows/ci.yml", "on: push\n")
    poor, rich = github.add_token("ada", scopes=["repo"]), github.add_token("ada", scopes=["repo", "workflow"])
    refused = push("development", token=poor)
    assert "refusing to allow a Personal Access Token to create or update workflow" in refused.stderr
    assert "`workflow` scope" in refused.stderr
    assert push("development", token=rich).returncode == 0
    assert push("development:staging", token=poor).returncode == 0  # the identical file is on another branch
    commit(clone, ".github/workflows/ci.yml", "on: workflow_dispatch\n")
    assert push("development", token=poor).returncode == 1
    fine = {"contents": "write"}
    app = github.add_token("ada", kind="app", owner="acme", permissions=fine)
    assert "without `workflows` permission" in push("development", token=app).stderr
    app = github.add_token("ada", kind="app", owner="acme", permissions={**fine, "workflows": "write"})
    assert push("development", token=app).returncode == 0


def test_a_ruleset_takes_pull_requests_only(github, ada, push):
    token = github.add_token("ada")
    push("development", token=token)
    made = ada("POST", "rulesets", ruleset(PULL_REQUEST)).json()
    refused = push("development:production", token=token)
    assert "GH013: Repository rule violations found for refs/heads/production." in refused.stderr
    assert "Changes must be made through a pull request." in refused.stderr
    assert push("development:staging", token=token).returncode == 0
    sha = github.repository("acme/wine").branches["development"]
    assert ada.status("POST", "git/refs", {"ref": "refs/heads/production", "sha": sha}) == 422
    ada("PUT", f"rulesets/{made['id']}", {"enforcement": "disabled"})
    assert push("development:production", token=token).returncode == 0


def test_a_ruleset_keeps_branches_and_their_history(github, ada, push, clone):
    token = github.add_token("ada")
    push("development", "development:staging", token=token)
    ada("POST", "rulesets", ruleset({"type": "deletion"}, {"type": "non_fast_forward"}, branch="development"))
    commit(clone, "two", "two")
    assert push("development", token=token).returncode == 0
    subprocess.run(["git", "reset", "-q", "--hard", "HEAD~1"], cwd=clone, check=True)
    commit(clone, "three", "three")
    assert "Cannot force-push" in push("+development", token=token).stderr
    assert "Cannot delete" in push(":development", token=token).stderr
    assert ada.status("DELETE", "git/refs/heads/development") == 422
    assert push("+development:staging", token=token).returncode == 0
    assert push(":staging", token=token).returncode == 0


def test_a_ruleset_waits_for_checks(github, ada, push, clone):
    token = github.add_token("ada")
    push("development:production", token=token)
    ada("POST", "rulesets", ruleset(CHECK))
    sha = commit(clone, "two", "two")
    assert 'Required status check "test" is expected.' in push("development:production", token=token).stderr
    github.repository("acme/wine").checks[sha] = {"test"}
    assert push("development:production", token=token).returncode == 0


def test_administrators_pass_where_the_ruleset_lets_them(github, ada, push):
    actor = {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}
    ada("POST", "rulesets", ruleset(PULL_REQUEST, bypass_actors=[actor]))
    github.repository("acme/wine").collaborators["bob"] = "write"
    assert "pull request" in push("development:production", token=github.add_token("bob")).stderr
    assert push("development:production", token=github.add_token("ada")).returncode == 0


def test_rulesets_count_only_where_the_plan_holds_them(github, ada, push):
    ada("POST", "rulesets", ruleset(PULL_REQUEST))
    github.world.organization("acme").plan = "free"
    assert push("development:production", token=github.add_token("ada")).returncode == 0


def test_archived_and_renamed_repositories(github, push):
    token = github.add_token("ada")
    github.repository("acme/wine").archived = True
    assert "archived so it is read-only" in push("development", token=token).stderr
    github.repository("acme/wine").archived = False
    github.rename("acme/wine", "grapes")
    assert push("development", token=token).returncode == 0  # git follows the redirect
    assert "development" in github.repository("acme/grapes").branches
