"""Pushing to GitHub with git over https: forwards only, with the token in the environment alone."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.github.errors import Refused, RightsMissing
from mlopsgen.forge.github.host import Host
from mlopsgen.forge.github.pushing import BranchMoved, GitTransport
from mlopsgen.forge.values import Kind
from mlopsgen.secret_value import SecretValue
from tests import github_settings as wanted
from tests.canaries import canary, found_in
from tests.github_hub import Hub, open_hub, put
from tests.scripted_http import Reply, scripted_http


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with open_hub(tmp_path) as opened:
        yield opened


def test_a_branch_is_pushed_and_the_clone_knows_it(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    forge.observe([])
    for _ in range(2):
        forge.push(hub.source, "origin", "development")
    commit = hub.source.commit_of("refs/heads/development")
    assert hub.repository.branches == {"development": commit}
    assert hub.source.commit_of("refs/remotes/origin/development") == commit
    repository = hub.forge().observe([]).repository
    assert repository is not None
    assert (repository.branches, repository.default_branch) == ({"development": commit}, "development")
    forge.put(wanted.of(Kind.SETTING, "default-branch", "development"))


def test_history_of_others_is_never_lost(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    first = hub.source.commit_of("refs/heads/development")
    forge.push(hub.source, "origin", "development")
    hub.toy.commit("Theirs")
    other = hub.forge()
    other.push(hub.source, "origin", "development")
    theirs = hub.source.commit_of("refs/heads/development")
    hub.toy.git("reset", "--quiet", "--hard", str(first))
    hub.toy.commit("Mine")
    for seen in (forge, other, hub.forge()):
        with pytest.raises(BranchMoved, match="has not seen"):
            seen.push(hub.source, "origin", "development")
    assert hub.repository.branches == {"development": theirs}


def test_a_branch_that_moved_since_it_was_looked_at_is_not_pushed_to(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    forge.push(hub.source, "origin", "development")
    forge.observe([])
    hub.toy.commit("Second")
    hub.forge().push(hub.source, "origin", "development")
    hub.toy.commit("Third")
    with pytest.raises(BranchMoved):
        forge.push(hub.source, "origin", "development")
    forge.observe([])
    forge.push(hub.source, "origin", "development")


@pytest.mark.parametrize("fault", ["reset-before", "reset-after", "502", "503"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_push_survives_the_network(hub: Hub, fault: str, nth: int) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    hub.github.faults.add(fault, nth=nth, kind="git")
    forge.push(hub.source, "origin", "development")
    assert hub.repository.branches == {"development": hub.source.commit_of("HEAD")}


def test_a_rule_that_refuses_a_push_is_named(hub: Hub) -> None:
    forge = hub.forge()
    put(forge, [wanted.repository()])
    forge.push(hub.source, "origin", "production")
    forge.put(wanted.of(Kind.RULESET, "production", wanted.PRODUCTION_RULES))
    hub.toy.git("checkout", "--quiet", "production")
    hub.toy.commit("More")
    with pytest.raises(Refused, match=r"rule of the repository.*pull request") as caught:
        forge.push(hub.source, "origin", "production")
    assert "pull request" in caught.value.hint


def test_a_token_without_the_scope_for_workflows_is_told_so(hub: Hub) -> None:
    workflow = hub.toy.folder / ".github" / "workflows" / "test.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("on: push\n")
    hub.toy.commit("A workflow")
    forge = hub.forge(token=hub.github.add_token("ada", scopes=["repo"]))
    forge.put(wanted.repository())
    with pytest.raises(RightsMissing, match=r"\.github/workflows") as caught:
        forge.push(hub.source, "origin", "development")
    assert "workflow" in caught.value.hint


def test_the_token_is_in_no_argument_file_or_error_of_git(hub: Hub) -> None:
    token = hub.github.add_token("bob", scopes=[])
    put(hub.forge(), [wanted.repository()])
    with pytest.raises(MlopsgenError) as caught:
        hub.forge(token=token).push(hub.source, "origin", "development")
    assert token not in f"{caught.value} {caught.value.hint}"
    assert token not in hub.toy.git("config", "--list").stdout
    assert hub.toy.git("remote").stdout == ""


def test_hooks_and_traces_of_git_learn_no_secret(hub: Hub) -> None:
    trace, seen = hub.toy.folder.parent / "trace", hub.toy.folder.parent / "seen"
    hook = hub.toy.folder / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nenv | grep -v ^GIT_CONFIG_ > '{seen}'\n")
    hook.chmod(0o755)
    secret = canary("of the environment")
    names = ("MLOPSGEN_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "MLOPSGEN_SECRET_PRODUCTION_SMTP_PASSWORD")
    tracing = {"GIT_TRACE2_EVENT": str(trace), "GIT_TRACE2_CONFIG_PARAMS": "http.*", "GIT_TRACE_REDACT": "0"}
    tracing |= {"GIT_TRACE_CURL": str(trace), "GIT_TRACE2_ENV_VARS": "GIT_CONFIG_VALUE_2,GH_TOKEN"}
    hub.toy.environ.update(dict.fromkeys(names, secret) | tracing)
    hub.forge().put(wanted.repository())
    hub.forge().push(hub.source, "origin", "development")
    assert "HOME=" in seen.read_text()
    assert "http" in trace.read_text()
    assert not found_in(seen.read_bytes())
    assert not found_in(trace.read_bytes())


def test_credentials_that_a_person_configured_do_not_get_in_the_way(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    for key in (f"http.{hub.github.url}/.extraHeader", f"http.{forge.address}.extraHeader", "http.extraHeader"):
        hub.toy.git("config", "--global", "--add", key, "Authorization: Basic d3Jvbmc6d3Jvbmc=")
    forge.push(hub.source, "origin", "development")
    forge.fetch(hub.source, ["+refs/heads/*:refs/remotes/origin/*"])
    assert list(hub.repository.branches) == ["development"]


def test_git_sends_one_credential_whatever_is_configured(hub: Hub) -> None:
    with scripted_http() as script:
        address = f"{script.url}/acme/toy.git"
        for key in (f"http.{script.url}/.extraHeader", f"http.{address}.extraHeader", "http.extraHeader"):
            hub.toy.git("config", "--global", "--add", key, "Authorization: Basic d3Jvbmc6d3Jvbmc=")
        token = SecretValue(canary("git"))
        git = GitTransport(Host.parse(script.url, {}), "acme", "toy", token, environ={}, sleep=hub.slept.append)
        script.will(Reply(403))
        with pytest.raises(RightsMissing, match="may not push to acme/toy"):
            git.push(hub.source, "development", None)
        [request] = script.requests
    assert request.names.count("authorization") == 1
    assert (
        b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        == f"x-access-token:{token.reveal()}"
    )


def test_a_shallow_clone_and_a_hook_of_the_person_are_told_in_their_own_words(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    hub.toy.commit("Second")
    shallow = hub.toy.folder.parent / "shallow"
    hub.toy.git("clone", "--quiet", "--depth", "1", f"file://{hub.toy.folder}", str(shallow))
    with pytest.raises(Refused, match="this clone is shallow") as caught:
        forge.push(GitRepository(shallow, hub.toy.environ), "origin", "development")
    assert "--unshallow" in caught.value.hint
    hook = hub.toy.folder / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'The tests are red.' $GIT_CONFIG_VALUE_2 >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Refused, match=r"failed: The tests are red\. Authorization: Basic \*\*\*\."):
        forge.push(hub.source, "origin", "development")
