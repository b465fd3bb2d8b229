"""``mlopsgen sync --repository``: what is shown, asked and told; how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlopsgen.adapters.credentials import Credential
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.errors import ExitCode, MissingAnswer, MlopsgenError, UsageError
from mlopsgen.operations.hosting import Target
from mlopsgen.operations.sync_repository import RepositoryRequest, sync_repository
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.ports import Template
from mlopsgen.secret_value import SecretValue
from mlopsgen.sync.values import Update
from tests.github import FakeGitHub
from tests.hosted_members import BRANCH, LINES, SYNC, Hub, pull_of

Ask = Callable[..., Any]


class ToyShelf(TemplateShelf):
    """Knows the toy template alone."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub.environ)
        self._hub = hub

    def template(self, address: str, *, given: bool = False) -> Template:
        """The toy template, by its address."""
        assert not given
        assert address in (self._hub.template.address, CANONICAL_TEMPLATE)
        return self._hub.template


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with FakeGitHub() as github:
        made = Hub(github, tmp_path)
        yield made
        made.account.client.close()


@pytest.fixture
def sync(hub: Hub) -> Ask:
    def run(**more: Any) -> Any:
        def credential(target: Target) -> Credential:
            return Credential(token=SecretValue(hub.token), source="a test", host=target.host)

        request = {
            "full_name": "acme/wine",
            "host": hub.github.url,
            "environ": hub.environ,
            "credential": credential,
            "shelf": ToyShelf(hub),
        }
        return sync_repository(RepositoryRequest(**{**request, **more}), hub.hear)

    return run


def test_it_is_shown_agreed_to_and_opened(hub, sync):
    there = hub.add()
    seen: list[Update] = []
    asked: list[str] = []

    def agree(question: str) -> bool:
        asked.append(question)
        assert seen
        return True

    result = sync(show=seen.append, agree=agree)
    assert asked == ["Open the pull request in acme/wine?"]
    assert [update.end for update in seen] == ["v2.0.0"]
    page = pull_of(there)["html_url"]
    assert (result.exit_code, result.next_steps[0]) == (ExitCode.OK, f"Look at it and merge it: {page}")
    assert result.summary == "acme/wine: a pull request brings it from v1.0.0 to v2.0.0."
    assert result.data["repository"]["pull_request"]["page"] == page
    assert {one["name"]: one["ok"] for one in result.data["checks"]}
    again = sync(agreed=True)
    assert again.summary == "acme/wine: a pull request with the update from v1.0.0 to v2.0.0 is open already."


def test_a_no_changes_nothing(hub, sync):
    there = hub.add()
    result = sync(agree=lambda _: False)
    assert (result.summary, result.exit_code) == ("acme/wine: nothing was changed.", ExitCode.OK)
    assert (SYNC in there.branches, hub.writes()) == (False, [])


def test_without_a_terminal_it_needs_a_yes(hub, sync):
    hub.add()
    with pytest.raises(MissingAnswer, match="needs a yes") as caught:
        sync()
    assert caught.value.where == "--yes"
    assert hub.writes() == []


@pytest.mark.parametrize(("version", "code"), [("v1.0.0", ExitCode.PENDING), ("v2.0.0", ExitCode.OK)])
def test_check_tells_by_its_exit_code(hub, sync, version, code):
    hub.add(version=version)
    assert sync(check=True).exit_code is code
    assert hub.writes() == []


def test_a_dry_run_shows_it_and_how_to_go_on(hub, sync):
    hub.add()
    seen: list[Update] = []
    result = sync(dry_run=True, show=seen.append)
    assert (len(seen), result.exit_code, hub.writes()) == (1, ExitCode.OK, [])
    assert any("mlopsgen sync --repository acme/wine --yes" in step for step in result.next_steps)


def test_conflicts_are_partial(hub, sync):
    there = hub.add()
    hub.work(there, Makefile=LINES.replace("line 2\n", "mine\n"))
    result = sync(agreed=True)
    assert (result.exit_code, pull_of(there)["draft"]) == (ExitCode.PARTIAL, True)
    assert "conflicts in Makefile" in result.summary
    assert sync(dry_run=True).exit_code is ExitCode.OK


def test_only_the_branch(hub, sync):
    there = hub.add()
    result = sync(agreed=True, pull_request=False)
    assert (SYNC in there.branches, there.pulls) == (True, [])
    assert result.summary == f"acme/wine: the update from v1.0.0 to v2.0.0 is on {SYNC}."


@pytest.mark.parametrize("name", ["wine", "acme/", "/wine", "acme/wine/more", "-x/wine", "acme/..", ""])
def test_a_name_that_is_none_is_refused_before_any_call(hub, sync, name):
    with pytest.raises(UsageError, match="is not a repository on GitHub"):
        sync(full_name=name)
    assert hub.calls() == []


def test_one_that_is_not_there_or_renamed_is_said(hub, sync):
    hub.add()
    with pytest.raises(MlopsgenError, match="GitHub knows no such thing"):
        sync(full_name="acme/beer")
    hub.github.rename("acme/wine", "vine")
    with pytest.raises(MlopsgenError, match="It is 'acme/vine' now"):
        sync()


def test_settings_of_a_foreign_template_are_nobodys_business(hub, sync):
    hub.add()
    result = sync(agreed=True, settings=True)
    assert "settings_on_github" not in result.data


def test_a_lost_answer_of_the_push_is_found_out(hub, sync):
    there = hub.add()
    hub.github.faults.add("reset-after", method="POST", path="git-receive-pack")
    assert "a pull request brings it" in sync(agreed=True).summary
    hub.work(there, steps__more_py="MORE = 1\n")
    hub.github.faults.add("502", method="GET", path="/info/refs?service=git-upload-pack")
    assert "brings it from v1.0.0 to v2.0.0 now" in sync(agreed=True).summary
    assert len(there.pulls) == 1
    assert there.git("rev-list", "--parents", "-1", SYNC).split()[1:] == [there.branches[BRANCH]]
