"""The fake GitHub's Actions, pull requests and statuses: each rule seen allowing and refusing."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest
import requests

from tests.canaries import canary
from tests.github import FakeGitHub
from tests.github.caller import Caller

WORKFLOW = """
on: {push: , workflow_dispatch: {inputs: {reason: {type: string}, trigger: {type: choice, options: [dispatch, data]}}}}
"""


def put(github: FakeGitHub, branch: str, **files: str) -> str:
    """A commit on a branch of the bare repository with these files alone."""
    it = github.repository("acme/wine")
    listed = []
    for name, text in files.items():
        blob = it.git("hash-object", "-w", "--stdin", text=text)
        listed.append((name, blob))
    it.git("read-tree", "--empty")
    for name, blob in listed:
        it.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
    tree = it.git("write-tree")
    parents = ["-p", it.branches[branch]] if branch in it.branches else []
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    sha = it.git(*who, "commit-tree", tree, *parents, "-m", "A change")
    it.git("update-ref", f"refs/heads/{branch}", sha)
    return sha


def packed(**files: str) -> bytes:
    """A zip file."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return memory.getvalue()


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_org("acme", plan="team", members=["ada"])
        it = fake.add_repository("acme/wine")
        put(fake, "main", **{".github/workflows/main.yml": WORKFLOW, "a.txt": "1"})
        it.approve_pull_requests = True
        yield fake


@pytest.fixture
def job(github: FakeGitHub) -> Caller:
    """A workflow's own token."""
    rights = {"actions": "write", "contents": "write", "pull_requests": "write", "statuses": "write"}
    return Caller(github, github.add_token("ada", kind="app", permissions=rights, owner="acme"))


def test_artifacts_are_fetched_from_another_host_without_the_token(github, job):
    run = github.add_run("acme/wine", workflow="main.yml", branch="main")
    content = packed(a="1")
    one = github.add_artifact("acme/wine", run.id, "report", content)
    listed = job("GET", "actions/artifacts?name=report").json()
    assert listed["total_count"] == 1
    assert listed["artifacts"][0]["workflow_run"]["id"] == run.id
    assert job("GET", "actions/artifacts?name=other").json()["total_count"] == 0
    answer = job("GET", f"actions/artifacts/{one.id}/zip")
    assert answer.status_code == 302
    where = answer.headers["Location"]
    assert where.startswith("http://localhost:")
    assert requests.get(where, timeout=10).content == content
    assert requests.get(where.partition("?")[0], timeout=10).status_code == 403
    refused = requests.get(where, headers={"Authorization": f"Bearer {canary('token')}"}, timeout=10)
    assert refused.status_code == 403
    assert "handed a token" in github.violations.pop()
    one.expired = True
    assert job.status("GET", f"actions/artifacts/{one.id}/zip") == 410


def test_runs_are_listed_by_what_they_are(github, job):
    github.add_run("acme/wine", workflow="main.yml", branch="main")
    waiting = github.add_run("acme/wine", workflow="main.yml", branch="main", status="waiting", event="schedule")
    fork = github.add_run("acme/wine", workflow="main.yml", branch="main", head_repository="eve/wine")
    assert [run["id"] for run in job("GET", "actions/runs?status=waiting").json()["workflow_runs"]] == [waiting.id]
    assert job("GET", "actions/workflows/main.yml/runs?branch=main").json()["total_count"] == 3
    assert job("GET", "actions/workflows/main.yml/runs?event=push").json()["total_count"] == 2
    assert job.status("GET", "actions/workflows/other.yml/runs") == 404
    assert job("GET", f"actions/runs/{fork.id}").json()["head_repository"]["full_name"] == "eve/wine"


def test_a_dispatch_starts_a_run_when_the_workflow_takes_its_inputs(github, job):
    path = "actions/workflows/main.yml/dispatches"
    assert job.status("POST", path, {"ref": "main", "inputs": {"reason": "why", "trigger": "data"}}) == 204
    runs = job("GET", "actions/workflows/main.yml/runs").json()["workflow_runs"]
    assert [(run["event"], run["status"], run["display_title"]) for run in runs] == [
        ("workflow_dispatch", "queued", "why")
    ]
    assert "Unexpected inputs" in job("POST", path, {"ref": "main", "inputs": {"seed": "1"}}).json()["message"]
    assert job.status("POST", path, {"ref": "main", "inputs": {"trigger": "magic"}}) == 422
    assert job.status("POST", path, {"ref": "staging"}) == 422
    put(github, "main", **{".github/workflows/main.yml": "on: push"})
    assert job.status("POST", path, {"ref": "main"}) == 422


def test_pull_requests_are_opened_once_and_only_where_they_may(github, job):
    body = {"head": "next", "base": "main", "title": "Promote", "body": "why"}
    assert job.status("POST", "pulls", body) == 422  # there is no such branch
    github.repository("acme/wine").git("branch", "next", "main")
    assert "No commits between" in job("POST", "pulls", body).text
    sha = put(github, "next", **{"b.txt": "2"})
    made = job("POST", "pulls", body).json()
    assert (made["head"]["sha"], made["user"]["login"]) == (sha, "github-actions[bot]")
    assert "already exists" in job("POST", "pulls", body).text
    assert [one["number"] for one in job("GET", "pulls?head=acme:next&base=main").json()] == [made["number"]]
    assert job("GET", "pulls?head=acme:other").json() == []
    assert job("PATCH", f"pulls/{made['number']}", {"body": "more"}).json()["body"] == "more"
    assert job("POST", f"issues/{made['number']}/labels", {"labels": ["bug", "promotion"]}).status_code == 200
    assert [label["name"] for label in job("GET", f"pulls/{made['number']}").json()["labels"]] == ["bug", "promotion"]
    job("PATCH", f"pulls/{made['number']}", {"state": "closed"})
    github.repository("acme/wine").approve_pull_requests = False
    assert "not permitted to create" in job("POST", "pulls", body).json()["message"]


def test_comments_belong_to_who_wrote_them(github, job):
    github.add_pull("acme/wine", "ada")
    made = job("POST", "issues/1/comments", {"body": "one"}).json()
    assert made["user"]["login"] == "github-actions[bot]"
    assert job("PATCH", f"issues/comments/{made['id']}", {"body": "two"}).json()["body"] == "two"
    assert [one["body"] for one in job("GET", "issues/1/comments").json()] == ["two"]
    assert job.status("POST", "issues/1/comments", {"body": "x" * 65537}) == 422
    assert job.status("POST", "issues/9/comments", {"body": "x"}) == 404
    assert job.status("DELETE", f"issues/comments/{made['id']}") == 204
    assert job.status("GET", f"issues/comments/{made['id']}") == 404


def test_statuses_are_set_on_commits(github, job):
    sha = github.repository("acme/wine").branches["main"]
    body = {"state": "pending", "context": "training/main", "description": "submitted"}
    assert job.status("POST", f"statuses/{sha}", body) == 201
    assert job.status("POST", f"statuses/{'0' * 40}", body) == 422
    assert job.status("POST", f"statuses/{sha}", {**body, "description": "x" * 141}) == 422
    assert [one["state"] for one in job("GET", "commits/main/statuses").json()] == ["pending"]


def test_what_lies_between_two_commits(github, job):
    first = github.repository("acme/wine").branches["main"]
    second = put(github, "main", **{"b.txt": "1"})
    found = job("GET", f"compare/{first}...{second}").json()
    assert (found["status"], found["ahead_by"]) == ("ahead", 1)
    assert {(one["filename"], one["status"]) for one in found["files"]} >= {("b.txt", "renamed")}
    assert job("GET", f"compare/{second}...{first}").json()["status"] == "behind"
    assert job("GET", f"compare/{first}...{first}").json()["status"] == "identical"
    assert job.status("GET", f"compare/{'1' * 40}...{first}") == 404


def test_a_token_without_the_right_is_told_so(github):
    weak = Caller(github, github.add_token("ada", kind="app", permissions={"contents": "read"}, owner="acme"))
    github.add_pull("acme/wine", "ada")
    assert weak.status("GET", "actions/artifacts") == 403
    assert weak.status("POST", "issues/1/comments", {"body": "x"}) == 403
    assert weak.status("POST", "actions/workflows/main.yml/dispatches", {"ref": "main"}) == 403
