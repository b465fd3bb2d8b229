"""What GitHub will refuse is known before; and the fake, which holds the rules, agrees with each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlopsgen.errors import MlopsgenError
from mlopsgen.events import Event, Warn
from mlopsgen.forge.github.errors import Missing, RightsMissing
from mlopsgen.forge.github.forge import GitHubForge
from mlopsgen.forge.github.host import Host
from mlopsgen.forge.protocol import PlanRefused
from mlopsgen.forge.values import Key, Kind, Limit, Resource
from mlopsgen.secret_value import SecretValue
from tests import github_settings as wanted
from tests.canaries import canary
from tests.github import FakeGitHub

REPOSITORY = Key(Kind.REPOSITORY, "toy")
SCOPES = ["repo", "workflow", "read:org", "read:user"]


@dataclass
class Hub:
    """A fake GitHub and what the forges on it told."""

    github: FakeGitHub
    folder: Path
    events: list[Event] = field(default_factory=list)

    def forge(self, owner: str = "acme", *, login: str = "ada", plan: str = "auto", **token: Any) -> GitHubForge:
        given = self.github.add_token(login, **(token or {"scopes": SCOPES}))
        host = Host.parse(self.github.url, {})
        return GitHubForge(
            host,
            owner,
            "toy",
            SecretValue(given),
            environ={},
            events=self.events.append,
            plan=plan,
            sleep=lambda _: None,
        )

    def limits(self, resources: list[Resource], owner: str = "acme", **more: Any) -> Mapping[Key, Limit]:
        forge = self.forge(owner, **more)
        return forge.limits(resources, forge.observe(resources))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with FakeGitHub() as github:
        github.add_user("ada", plan="free")
        github.add_user("bob")
        github.add_user("eve")
        github.add_org("acme", plan="enterprise", members=["ada", "bob"])
        github.add_team("acme", "Reviewers", members=["bob"])
        yield Hub(github, tmp_path)


def reviewed(*reviewers: str, access: bool = True) -> list[Resource]:
    environment = wanted.of(Kind.ENVIRONMENT, "production", {**wanted.REVIEWED, "reviewers": tuple(sorted(reviewers))})
    policy = wanted.of(Kind.POLICY, "production", "branch", "production")
    teams = [wanted.of(Kind.SETTING, f"access of team {name}", "read") for name in reviewers if "/" in name and access]
    secret = wanted.of(Kind.SECRET, "TOKEN", None, "production")
    return [wanted.repository(), *teams, environment, policy, secret]


def accepts(forge: GitHubForge, resources: list[Resource]) -> bool:
    """Whether GitHub takes all of them."""
    try:
        for resource in resources:
            forge.put(resource, SecretValue(canary("x")) if resource.key.kind is Kind.SECRET else None)
    except MlopsgenError:
        return False
    return True


def test_where_everything_is_allowed_there_is_no_limit(hub: Hub) -> None:
    resources = [*wanted.everything(), *reviewed("bob", "acme/reviewers")]
    assert hub.limits(resources) == {}
    assert accepts(hub.forge(), resources)


def test_the_free_plan_has_no_environments_and_rulesets_for_private_repositories(hub: Hub) -> None:
    hub.github.world.organization("acme").plan = "free"
    assert hub.limits(wanted.everything("public")) == {}
    resources = wanted.everything()
    limits = hub.limits(resources)
    assert {key.kind for key in limits} == {Kind.ENVIRONMENT, Kind.RULESET}
    environment = limits[Key(Kind.ENVIRONMENT, "production")]
    assert (
        environment.reason
        == "environments of a private repository need the plan Pro, Team or Enterprise; acme has Free"
    )
    assert environment.instead
    assert environment.fields == ()
    assert "push to these branches directly" in limits[Key(Kind.RULESET, "production")].instead
    forge = hub.forge()
    forge.put(wanted.repository())
    for resource in resources:
        if resource.key in limits:
            assert not accepts(forge, [resource])


def test_the_owner_says_the_plan(hub: Hub) -> None:
    limits = hub.limits(wanted.everything(), plan="team")
    assert limits[Key(Kind.ENVIRONMENT, "production")].reason.endswith("acme has Team")


def test_reviewers_of_private_repositories_need_enterprise(hub: Hub) -> None:
    hub.github.world.organization("acme").plan = "team"
    resources = wanted.everything()
    limits = hub.limits(resources)
    assert list(limits) == [Key(Kind.ENVIRONMENT, "production")]
    limit = limits[Key(Kind.ENVIRONMENT, "production")]
    assert limit.fields == ("reviewers", "wait_minutes")
    assert "deploys without approval" in limit.instead
    without = {key: value for key, value in wanted.REVIEWED.items() if key not in limit.fields}
    production = wanted.of(Kind.ENVIRONMENT, "production", without)
    possible = [production if resource.key == production.key else resource for resource in resources]
    assert accepts(hub.forge(), possible)
    snapshot = hub.forge().observe(possible)
    assert snapshot.resources[production.key] == {**without, "reviewers": (), "wait_minutes": 0}


def test_a_plan_that_github_does_not_tell_is_said(hub: Hub) -> None:
    resources = [wanted.repository(), *wanted.environments("")]
    assert hub.limits(resources, "ada", scopes=["repo", "workflow"]) == {}
    [event] = hub.events
    assert isinstance(event, Warn)
    assert "does not tell the plan of ada" in event.message
    assert "github: {plan:" in event.hint
    # With the scope read:user it does.
    assert {key.kind for key in hub.limits(resources, "ada")} == {Kind.ENVIRONMENT}


@pytest.mark.parametrize(("plan", "missing"), [("free", {Kind.ENVIRONMENT, Kind.RULESET}), ("pro", {Kind.ENVIRONMENT})])
@pytest.mark.parametrize("name", ["ada/toy", "ada/another"])
def test_a_private_repository_shows_the_plan(hub: Hub, plan: str, missing: set[Kind], name: str) -> None:
    hub.github.world.account("ada").plan = plan
    hub.github.add_repository(name)
    resources = wanted.everything()
    limits = hub.limits(resources, "ada", scopes=["repo", "workflow"])
    assert {key.kind for key in limits} == missing
    assert limits[Key(Kind.ENVIRONMENT, "production")].reason.endswith(f"ada has {plan.capitalize()}")
    assert hub.events == []
    snapshot = hub.forge("ada").observe(resources)
    unreadable = {key.kind: limit for key, limit in snapshot.unreadable.items()}
    if (plan, name) == ("free", "ada/toy"):
        assert list(unreadable) == [Kind.RULESET]
        assert unreadable[Kind.RULESET].instead
    else:
        assert unreadable == {}


def test_an_enterprise_server_has_no_plans(hub: Hub) -> None:
    hub.github.world.organization("acme").plan = "free"
    forge = hub.forge()
    forge.account.client.seen_headers["x-github-enterprise-version"] = "3.17.0"
    assert forge.limits(wanted.everything(), forge.observe(wanted.everything())) == {}


def test_scopes_are_known_before_the_repository_is_made(hub: Hub) -> None:
    limit = hub.limits(wanted.everything(), scopes=["repo"])[REPOSITORY]
    assert "lacks the scope 'workflow'" in limit.reason
    assert "gh auth refresh" in limit.hint
    assert (limit.instead, limit.rights) == ("", True)
    with pytest.raises(RightsMissing, match="one of these is needed: repo"):
        hub.limits(wanted.everything(), scopes=["workflow_run"])
    assert REPOSITORY in hub.limits(wanted.everything("public"), scopes=[])


def test_a_branch_with_workflows_needs_its_scope_only_the_first_time(hub: Hub) -> None:
    branch = wanted.of(Kind.BRANCH, "development", "0" * 40)
    hub.forge().put(wanted.repository())
    assert list(hub.limits([branch], scopes=["repo"])) == [branch.key]
    assert hub.limits([branch]) == {}
    assert hub.limits([branch], kind="fine-grained", permissions={"metadata": "read"}, owner="acme") == {}


@pytest.mark.parametrize(
    ("owner", "login", "visibility", "message"),
    [
        ("nobody", "ada", "private", "there is no 'nobody'"),
        ("bob", "ada", "private", "bob is a person, and the token belongs to ada"),
        ("acme", "eve", "private", "eve is no member of acme"),
        ("ada", "ada", "internal", "only organisations have internal"),
    ],
)
def test_who_may_make_a_repository_where(hub: Hub, owner: str, login: str, visibility: str, message: str) -> None:
    limits = hub.limits([wanted.repository(visibility=visibility)], owner, login=login)
    assert message in limits[REPOSITORY].reason
    assert limits[REPOSITORY].hint


def test_an_organisation_may_keep_its_members_from_making_repositories(hub: Hub) -> None:
    hub.github.world.organization("acme").members_create = False
    assert "members of acme may not make private" in hub.limits([wanted.repository()], login="bob")[REPOSITORY].reason
    assert not accepts(hub.forge(login="bob"), [wanted.repository()])
    assert hub.limits([wanted.repository()], login="ada") == {}


REVIEWERS = [
    (["nobody"], "there is no reviewer 'nobody'"),
    (["acme"], "there is no reviewer 'acme'"),
    (["acme/nobody"], "there is no reviewer 'acme/nobody'"),
    (["other/reviewers"], "a team of another organisation than acme"),
    (["eve"], "the reviewer eve may not read the repository"),
    (["a", "b", "c", "d", "e", "f", "g"], "no more than 6"),
]


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize(("reviewers", "message"), REVIEWERS)
def test_reviewers_that_cannot_review_are_found(hub: Hub, reviewers: list[str], message: str, *, exists: bool) -> None:
    if exists:
        hub.forge().put(wanted.repository())
    resources = reviewed(*reviewers)
    limits = hub.limits(resources)
    assert message in limits[Key(Kind.ENVIRONMENT, "production")].reason
    # What belongs to it waits for it: its secrets are not put where everybody can read them.
    below = {Kind.ENVIRONMENT, Kind.POLICY, Kind.SECRET}
    assert {key.kind for key in limits} == (below | {Kind.SETTING} if "/" in reviewers[0] else below)
    assert all(limit.instead == "" for limit in limits.values())
    assert not accepts(hub.forge(), resources)


def test_a_person_knows_no_teams(hub: Hub) -> None:
    limits = hub.limits(reviewed("acme/reviewers"), "ada", plan="enterprise")
    assert "whose repositories know no teams" in limits[Key(Kind.ENVIRONMENT, "production")].reason


@pytest.mark.parametrize("reviewer", ["bob", "acme/reviewers"])
def test_who_may_not_read_needs_access_first(hub: Hub, reviewer: str) -> None:
    hub.github.world.organization("acme").default_permission = "none"
    key, resources = Key(Kind.ENVIRONMENT, "production"), reviewed(reviewer, access=False)
    assert "once the repository is there" in hub.limits(resources)[key].hint
    hub.forge().put(wanted.repository())
    assert "may not read" in hub.limits(resources)[key].reason
    repository = hub.github.repository("acme/toy")
    repository.teams["reviewers"] = repository.collaborators["bob"] = "read"
    assert hub.limits(resources) == {}
    assert accepts(hub.forge(), resources)


def test_a_team_is_let_in_by_the_plan(hub: Hub) -> None:
    assert hub.limits(reviewed("acme/reviewers")) == {}
    assert accepts(hub.forge(), reviewed("acme/reviewers"))


def test_administrators_settings_are_not_for_writers(hub: Hub) -> None:
    hub.forge().put(wanted.repository())
    repository = hub.github.repository("acme/toy")
    repository.collaborators["bob"] = "write"
    limits = hub.limits(wanted.everything(), login="bob")
    assert {key.kind for key in limits} == {Kind.SETTING, Kind.ENVIRONMENT, Kind.POLICY, Kind.RULESET}
    repository.collaborators["bob"] = "read"
    limits = hub.limits([wanted.of(Kind.VARIABLE, "X", "1")], login="bob")
    assert "may read acme/toy but not write" in limits[Key(Kind.VARIABLE, "X")].reason


def test_an_archived_repository_takes_nothing(hub: Hub) -> None:
    hub.forge().put(wanted.repository())
    hub.github.repository("acme/toy").archived = True
    limits = hub.limits(wanted.rest())
    assert len(limits) == len(wanted.rest())
    assert all("archived" in limit.reason and "Unarchive" in limit.hint for limit in limits.values())


def test_what_the_organisation_settles_for_all(hub: Hub) -> None:
    organisation = hub.github.world.organization("acme")
    scopes = [*SCOPES, "admin:org"]
    organisation.approve_pull_requests = False
    limits = hub.limits(wanted.settings(), scopes=scopes)
    assert limits[Key(Kind.SETTING, "workflow-token")].fields == ("pull_requests",)
    organisation.approve_pull_requests, organisation.actions = True, "selected"
    assert list(hub.limits(wanted.settings(), scopes=scopes)) == [Key(Kind.SETTING, "allowed-actions")]
    organisation.actions = "local_only"
    limits = hub.limits(wanted.settings(), scopes=scopes)
    assert list(limits) == [Key(Kind.SETTING, "actions"), Key(Kind.SETTING, "allowed-actions")]
    assert "allows no actions but its own" in limits[Key(Kind.SETTING, "actions")].reason


@pytest.mark.parametrize(
    ("rules", "setting", "fields"),
    [
        ({"approve_pull_requests": False}, "workflow-token", ("pull_requests",)),
        ({"actions": "local_only"}, "actions", ()),
        ({"actions": "selected"}, "allowed-actions", ()),
    ],
)
def test_what_the_organisation_settles_is_learnt_where_its_rules_cannot_be_read(
    hub: Hub, rules: dict[str, object], setting: str, fields: tuple[str, ...]
) -> None:
    for name, value in rules.items():
        setattr(hub.github.world.organization("acme"), name, value)
    settings = {resource.key.name: resource for resource in wanted.settings()}
    forge = hub.forge(login="bob")
    forge.put(wanted.repository())
    hub.github.repository("acme/toy").collaborators["bob"] = "admin"
    assert list(forge.limits(list(settings.values()), forge.observe([]))) == []
    if setting == "allowed-actions":
        forge.put(settings["actions"])
    with pytest.raises(PlanRefused) as caught:
        forge.put(settings[setting])
    assert (caught.value.key, caught.value.limit.fields) == (settings[setting].key, fields)
    assert caught.value.limit.instead
    if fields:
        forge.put(wanted.of(Kind.SETTING, setting, {"permissions": "read"}))


def test_a_repository_has_no_more_than_twenty_topics(hub: Hub) -> None:
    hub.forge().put(wanted.repository())
    hub.github.repository("acme/toy").topics = [f"topic-{number}" for number in range(20)]
    topics = wanted.of(Kind.SETTING, "topics", ("mlopsgen",))
    assert "it has 20 topics" in hub.limits([topics])[topics.key].reason
    hub.github.repository("acme/toy").topics[-1] = "mlopsgen"
    assert hub.limits([topics]) == {}


def test_names_sizes_and_numbers(hub: Hub) -> None:
    forge = hub.forge()
    for resource in [wanted.repository(), *wanted.environments("")]:
        forge.put(resource)
    secrets = [wanted.of(Kind.SECRET, f"S{number}", None, "staging") for number in range(101)]
    for secret in secrets[:60]:
        forge.put(secret, SecretValue(canary("x")))
    bad = wanted.of(Kind.VARIABLE, "GITHUB_X", "1", "staging")
    large = wanted.of(Kind.VARIABLE, "LARGE", "x" * 50_000, "staging")
    limits = hub.limits([*secrets[60:], bad, large])
    assert set(limits) == {secrets[100].key, bad.key, large.key}
    assert "no more than 100 secrets" in limits[secrets[100].key].reason
    assert "50,000 bytes" in limits[large.key].reason


def test_a_runner_that_is_not_there_is_said_and_stops_nothing(hub: Hub) -> None:
    hub.forge().put(wanted.repository())
    runner = wanted.of(Kind.RUNNER, "self-hosted,Cluster", "online")
    [limit] = hub.limits([runner]).values()
    assert "labels self-hosted, Cluster is online" in limit.reason
    assert limit.instead
    assert "mlopsgen runner add" in limit.hint
    hub.github.add_runner("acme/toy", "one", labels=["self-hosted", "cluster", "linux"])
    assert hub.forge().observe([runner]).resources == {runner.key: "online"}


def test_the_approval_of_forks_is_for_public_repositories(hub: Hub) -> None:
    fork = wanted.of(Kind.SETTING, "fork-approval", "all_external_contributors")
    [limit] = hub.limits([wanted.repository(), fork]).values()
    assert "public repositories" in limit.reason
    assert limit.instead


@pytest.mark.parametrize(("plan", "fields"), [("free", ()), ("team", ("reviewers", "wait_minutes"))])
def test_what_the_plan_turns_out_not_to_hold_is_learnt(hub: Hub, plan: str, fields: tuple[str, ...]) -> None:
    hub.github.world.organization("acme").plan = plan
    forge = hub.forge()
    forge.put(wanted.repository())
    environment = wanted.of(Kind.ENVIRONMENT, "production", wanted.REVIEWED if fields else wanted.OPEN)
    with pytest.raises(PlanRefused) as caught:
        forge.put(environment)
    assert (caught.value.key, caught.value.limit.fields) == (environment.key, fields)
    assert caught.value.limit.instead
    if plan == "free":
        rules = wanted.of(Kind.RULESET, "production", wanted.PRODUCTION_RULES)
        with pytest.raises(PlanRefused) as caught:
            forge.put(rules)
        assert caught.value.key == rules.key


def test_nothing_else_is_taken_for_a_plan(hub: Hub) -> None:
    environment = wanted.of(Kind.ENVIRONMENT, "production", wanted.REVIEWED)
    forge = hub.forge()
    forge.put(wanted.repository())
    hub.github.faults.add("404", method="PUT", times=0)
    with pytest.raises(Missing, match="Making the environment production failed: GitHub knows no such thing"):
        forge.put(environment)
    hub.github.faults.clear()
    del hub.github.world.repositories["acme/toy"]
    with pytest.raises(Missing, match="the repository acme/toy is not there any more"):
        forge.put(environment)


def test_who_sees_it_now_decides_what_the_plan_holds(hub: Hub) -> None:
    hub.github.world.organization("acme").plan = "free"
    hub.forge().put(wanted.repository())
    limits = hub.limits(wanted.everything("public"))
    assert Key(Kind.ENVIRONMENT, "production") in limits
    assert Key(Kind.SETTING, "fork-approval") in limits
