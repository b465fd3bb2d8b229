"""The adapter against a GitHub that holds GitHub's own contract: what is put is observed, races and faults too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import AuthenticationFailed, MlopsgenError, UsageError
from mlopsgen.events import Event
from mlopsgen.forge.github.errors import Refused, Renamed, RightsMissing
from mlopsgen.forge.github.forge import GitHubForge
from mlopsgen.forge.github.host import Host
from mlopsgen.forge.github.pushing import BranchMoved
from mlopsgen.forge.values import Key, Kind, Resource, Snapshot
from mlopsgen.secret_value import SecretValue
from tests import github_settings as wanted
from tests.canaries import canary
from tests.forge_toys import Toy, make_toy
from tests.github import FakeGitHub


@dataclass
class Hub:
    """A fake GitHub with an organisation of Ada's, and what the forges on it told."""

    github: FakeGitHub
    toy: Toy
    events: list[Event] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def forge(self, owner: str = "acme", name: str = "toy", token: str = "") -> GitHubForge:
        given = token or self.github.add_token("ada", scopes=["repo", "workflow", "read:org"])
        return GitHubForge(
            Host.parse(self.github.url, {}),
            owner,
            name,
            SecretValue(given),
            environ=self.toy.environ,
            events=self.events.append,
            sleep=self.slept.append,
        )

    @property
    def source(self) -> GitRepository:
        return GitRepository(self.toy.folder, self.toy.environ)

    @property
    def repository(self):  # type: ignore[no-untyped-def]
        return self.github.repository("acme/toy")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with FakeGitHub() as github:
        github.add_user("ada", plan="pro")
        github.add_user("bob")
        github.add_org("acme", plan="enterprise", members={"ada": "admin", "bob": "member"})
        yield Hub(github, make_toy(tmp_path))


def put(forge: GitHubForge, resources: list[Resource]) -> None:
    for resource in resources:
        forge.put(resource)


def values(snapshot: Snapshot, resources: list[Resource]) -> dict[Key, object]:
    keys = [resource.key for resource in resources if resource.key.kind is not Kind.REPOSITORY]
    return {key: snapshot.resources.get(key) for key in keys}


def test_where_nothing_is_there_is_nothing_and_little_is_asked(hub: Hub) -> None:
    forge = hub.forge()
    assert forge.observe(wanted.everything()) == Snapshot(by="ada")
    assert len(hub.github.calls.rest) == 2
    assert forge.address == f"{hub.github.url}/acme/toy.git"


@pytest.mark.parametrize(("owner", "visibility"), [("acme", "private"), ("acme", "public"), ("ada", "public")])
def test_what_is_put_is_observed_and_putting_it_again_changes_nothing(hub: Hub, owner: str, visibility: str) -> None:
    resources = wanted.everything(visibility)
    put(hub.forge(owner), resources)
    for again in (False, True):
        forge = hub.forge(owner)
        snapshot = forge.observe(resources)
        assert snapshot.unreadable == {}
        assert values(snapshot, resources) == {r.key: r.value for r in resources[1:]}
        assert snapshot.repository is not None
        assert (snapshot.repository.address, dict(snapshot.repository.branches)) == (forge.address, {})
        assert snapshot.repository.page == f"{hub.github.url}/{owner}/toy"
        if not again:
            put(forge, resources)
    assert hub.slept == []


def test_reading_all_of_it_takes_three_rounds(hub: Hub) -> None:
    resources = wanted.everything()
    put(hub.forge(), resources)
    forge = hub.forge()
    hub.github.calls.clear()
    hub.github.latency = 0.03
    forge.observe(resources)
    assert {record.method for record in hub.github.calls.rest} == {"GET"}
    # user, repository, branches, 5 settings, environments, 3 x (branches, variables), variables, rulesets + 2, labels
    assert len(hub.github.calls.rest) == 19
    assert hub.github.calls.concurrency > 5


SECRETS = [
    canary("plain"),
    canary('it\'s "quoted" \\ $HOME `id` %s #no'),
    canary("two\nlines\r\nand a tab\t"),
    canary("ünï 漢字 🎉"),
    canary("x" * (48 * 1024 - 40)),
]


def test_secrets_arrive_as_they_are_each_sealed_for_its_place(hub: Hub) -> None:
    forge = hub.forge()
    put(forge, [wanted.repository(), *wanted.environments()])
    for number, value in enumerate(SECRETS):
        for scope in ("", "staging", "production"):
            forge.put(wanted.of(Kind.SECRET, f"SECRET_{number}", None, scope), SecretValue(value))
    expected = {f"SECRET_{number}": value for number, value in enumerate(SECRETS)}
    assert hub.repository.secrets == expected
    assert hub.repository.secrets_of("staging") == hub.repository.secrets_of("production") == expected
    keys = [record for record in hub.github.calls.rest if record.path.endswith("public-key")]
    assert len(keys) == 3


def test_of_a_secret_only_the_name_and_the_time_are_read_back(hub: Hub) -> None:
    forge = hub.forge()
    put(forge, [wanted.repository(), *wanted.environments()])
    secret = wanted.of(Kind.SECRET, "TOKEN", None, "staging")
    forge.put(secret, SecretValue(SECRETS[0]))
    snapshot = forge.observe([secret])
    assert str(snapshot.resources[secret.key]).startswith("20")
    assert SECRETS[0] not in repr(snapshot)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("1ST", "x", "begin with a digit"),
        ("GITHUB_THING", "x", "GitHub's own"),
        ("A-B", "x", "letters, digits"),
        ("EMPTY", "", "it is empty"),
        ("LARGE", "x" * (48 * 1024 + 1), "49,153 bytes"),
    ],
)
def test_a_secret_that_github_would_refuse_is_not_sent(hub: Hub, name: str, value: str, message: str) -> None:
    forge = hub.forge()
    put(forge, [wanted.repository(), *wanted.environments()])
    hub.github.calls.clear()
    with pytest.raises(UsageError, match=message):
        forge.put(wanted.of(Kind.SECRET, name, None, "staging"), SecretValue(value))
    assert len(hub.github.calls) == 0


def test_a_key_that_changes_in_between_is_read_again(hub: Hub) -> None:
    forge = hub.forge()
    put(forge, [wanted.repository(), *wanted.environments()])
    secret = wanted.of(Kind.SECRET, "TOKEN", None, "staging")
    forge.put(secret, SecretValue(canary("first")))
    vault = hub.repository.environments["staging"].vault
    vault.keys = type(vault.keys)(vault.keys.number + 1)
    forge.put(secret, SecretValue(canary("second")))
    assert hub.repository.secrets_of("staging") == {"TOKEN": canary("second")}


def test_what_somebody_else_made_in_between_is_taken_over(hub: Hub) -> None:
    late, first = hub.forge(), hub.forge()
    late.observe(wanted.everything())
    put(first, wanted.everything())
    put(late, wanted.everything())
    resources = wanted.everything()
    assert values(hub.forge().observe(resources), resources) == {r.key: r.value for r in resources[1:]}
    assert len(hub.repository.rulesets) == 2


def test_a_repository_that_everybody_sees_is_not_taken_for_a_private_one(hub: Hub) -> None:
    hub.forge().put(wanted.repository(visibility="public"))
    with pytest.raises(Refused, match="is public and shall be private"):
        hub.forge().put(wanted.repository(visibility="private"))


def test_topics_of_people_stay(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    hub.repository.topics = ["houses"]
    topics = wanted.of(Kind.SETTING, "topics", ("mlopsgen",))
    forge.put(topics)
    assert sorted(hub.repository.topics) == ["houses", "mlopsgen"]
    assert forge.observe([topics]).resources[topics.key] == ("mlopsgen",)


def test_what_people_added_to_a_ruleset_stays(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    rules = wanted.of(Kind.RULESET, "production", wanted.PRODUCTION_RULES)
    forge.put(rules)
    [found] = hub.repository.rulesets.values()
    found["rules"].append({"type": "required_signatures"})
    found["bypass_actors"] = [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}]
    next(r for r in found["rules"] if r["type"] == "pull_request")["parameters"]["require_code_owner_review"] = True
    seen = hub.forge().observe([rules]).resources[rules.key]
    assert seen == {**wanted.PRODUCTION_RULES, "bypass": ("administrators",)}
    hub.forge().put(wanted.of(Kind.RULESET, "production", {**seen, "reviews": 2}))
    [found] = hub.repository.rulesets.values()
    pull = next(r for r in found["rules"] if r["type"] == "pull_request")["parameters"]
    assert (pull["required_approving_review_count"], pull["require_code_owner_review"]) == (2, True)
    assert {"type": "required_signatures"} in found["rules"]
    assert found["bypass_actors"][0]["actor_id"] == 5
    hub.forge().put(rules)
    [found] = hub.repository.rulesets.values()
    assert not found.get("bypass_actors")


def test_what_is_excepted_from_a_ruleset_is_seen(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    rules = wanted.of(Kind.RULESET, "development", wanted.DEVELOPMENT_RULES)
    forge.put(rules)
    [found] = hub.repository.rulesets.values()
    found["conditions"]["ref_name"]["exclude"] = ["refs/heads/development"]
    seen = forge.observe([rules]).resources[rules.key]
    assert seen == {**wanted.DEVELOPMENT_RULES, "except": ("development",)}
    forge.put(rules)
    assert (
        found["conditions"]["ref_name"]["exclude"] == []
        or hub.forge().observe([rules]).resources[rules.key] == rules.value
    )


def test_rulesets_for_tags_are_not_ours(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    rules = wanted.of(Kind.RULESET, "production", wanted.PRODUCTION_RULES)
    conditions = {"ref_name": {"include": ["refs/tags/v*"], "exclude": []}}
    body = {"name": "production", "target": "tag", "enforcement": "active", "conditions": conditions}
    forge.place.request("POST", "rulesets", doing="Making it by hand", body={**body, "rules": [{"type": "deletion"}]})
    assert "taken by a ruleset for tags" in hub.forge().observe([rules]).unreadable[rules.key].reason
    with pytest.raises(Refused, match="taken by a ruleset for tags"):
        hub.forge().put(rules)
    [found] = hub.repository.rulesets.values()
    assert found["target"] == "tag"


def test_a_team_that_reviews_is_given_read_access_and_nothing_is_taken_from_it(hub: Hub) -> None:
    hub.github.add_team("acme", "Leads", members=["bob"])
    forge = hub.forge()
    forge.put(wanted.repository())
    access = wanted.of(Kind.SETTING, "access of team acme/leads", "read")
    assert access.key not in hub.forge().observe([access]).resources
    forge.put(access)
    assert hub.repository.teams == {"leads": "read"}
    assert hub.forge().observe([access]).resources[access.key] == "read"
    hub.repository.teams["leads"] = "admin"
    hub.forge().put(access)
    assert hub.repository.teams == {"leads": "admin"}


def test_an_environment_keeps_what_is_wanted_and_loses_what_is_not(hub: Hub) -> None:
    forge = hub.forge()
    put(forge, [wanted.repository(), *wanted.environments()])
    assert hub.repository.environments["production"].reviewers
    assert hub.repository.environments["production"].prevent_self_review
    forge = hub.forge()
    forge.observe(wanted.environments())
    forge.put(wanted.of(Kind.ENVIRONMENT, "production", wanted.OPEN))
    assert hub.repository.environments["production"].reviewers == []
    assert hub.repository.environments["production"].patterns == {"production"}


def test_a_policy_of_somebody_is_shown(hub: Hub) -> None:
    forge = hub.forge()
    put(forge, [wanted.repository(), *wanted.environments()])
    extra = wanted.of(Kind.POLICY, "feature/*", "branch", "production")
    forge.put(extra)
    assert hub.forge().observe(wanted.environments()).resources[extra.key] == "branch"


def test_names_are_the_same_whatever_their_case(hub: Hub) -> None:
    forge = hub.forge()
    put(forge, [wanted.repository(), *wanted.environments()])
    label = wanted.of(Kind.LABEL, "Bug", {"color": "0e8a16", "description": "Ours"})
    variable = wanted.of(Kind.VARIABLE, "region", "south", "staging")
    put(forge, [label, variable])
    snapshot = hub.forge().observe([label, variable])
    assert values(snapshot, [label, variable]) == {label.key: label.value, variable.key: "south"}
    forge.put(wanted.of(Kind.VARIABLE, "region", "north", "staging"))
    assert hub.repository.variables_of("staging")["REGION"] == "north"


def test_many_things_come_in_pages(hub: Hub) -> None:
    forge = hub.forge()
    put(forge, [wanted.repository(), *wanted.environments()])
    variables = [wanted.of(Kind.VARIABLE, f"V{number:03}", str(number), "staging") for number in range(70)]
    put(forge, variables)
    assert values(hub.forge().observe(variables), variables) == {v.key: v.value for v in variables}


def test_what_a_token_may_not_see_is_unreadable_and_nothing_more(hub: Hub) -> None:
    put(hub.forge(), wanted.everything())
    hub.repository.collaborators["bob"] = "write"
    bob = hub.github.add_token("bob", scopes=["repo"])
    snapshot = hub.forge(token=bob).observe(wanted.everything())
    assert Key(Kind.SETTING, "actions") in snapshot.unreadable
    assert "does not allow it" in snapshot.unreadable[Key(Kind.SETTING, "actions")].reason
    assert Key(Kind.LABEL, "drift") in snapshot.resources
    assert snapshot.by == "bob"


def test_a_repository_that_the_token_may_not_see_is_not_taken_for_none(hub: Hub) -> None:
    hub.forge().put(wanted.repository())
    for scopes in ([], ["public_repo"], ["workflow_run"]):
        with pytest.raises(RightsMissing, match=r"lacks a scope.*repo"):
            hub.forge(token=hub.github.add_token("ada", scopes=scopes)).observe([])
    public = hub.github.add_token("ada", scopes=["public_repo"])
    assert hub.forge(name="other", token=public).observe([wanted.repository(visibility="public")]).repository is None


def test_a_token_that_is_revoked_is_said(hub: Hub) -> None:
    put(hub.forge(), wanted.everything())
    forge = hub.forge()
    hub.github.faults.add("401", nth=5)
    with pytest.raises(AuthenticationFailed, match="revoked"):
        forge.observe(wanted.everything())


@pytest.mark.parametrize("fault", ["reset-before", "reset-after", "half-answer", "502", "502-after", "503"])
@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_fault_at_every_third_call_leaves_no_trace(hub: Hub, fault: str, first: int) -> None:
    resources = wanted.everything()
    forge = hub.forge()
    for nth in range(first, 120, 3):
        hub.github.faults.add(fault, nth=nth)
    put(forge, resources)
    assert values(forge.observe(resources), resources) == {r.key: r.value for r in resources[1:]}
    assert sum(1 for record in hub.github.calls if record.fault) > 10
    hub.github.faults.clear()
    assert len(hub.repository.rulesets) == 2
    assert [policy["name"] for policy in hub.repository.environments["staging"].branches.values()] == ["staging"]


def test_what_is_not_visible_yet_is_waited_for(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    hub.github.faults.add("404", times=2, method="PUT")
    forge.put(wanted.environments()[0])
    assert hub.slept == [0.25, 0.5]


def test_a_renamed_repository_is_said_and_left_alone(hub: Hub) -> None:
    forge = hub.forge()
    put(forge, wanted.everything())
    hub.github.rename("acme/toy", "houses")
    label = wanted.of(Kind.LABEL, "drift", {"color": "000000", "description": ""})
    for act in (lambda: forge.put(label), lambda: hub.forge().observe([label])):
        with pytest.raises(Renamed, match="'acme/houses'") as caught:
            act()
        assert "set-url" in caught.value.hint
    with pytest.raises(Renamed):
        forge.push(hub.source, "origin", "development")
    now = hub.forge(name="houses")
    for leads, address in (
        (True, forge.address),
        (True, "git@127.0.0.1:acme/houses"),
        (False, f"{now.page}-other.git"),
    ):
        assert now.leads_here(address) is leads
    assert hub.github.repository("acme/houses").branches == {}
    assert hub.github.repository("acme/houses").labels["drift"]["color"] == "0e8a16"


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


def test_credentials_that_a_person_configured_do_not_get_in_the_way(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    for key in (f"http.{hub.github.url}/.extraHeader", f"http.{forge.address}.extraHeader", "http.extraHeader"):
        hub.toy.git("config", "--global", "--add", key, "Authorization: Basic d3Jvbmc6d3Jvbmc=")
    forge.push(hub.source, "origin", "development")
    forge.fetch(hub.source, ["+refs/heads/*:refs/remotes/origin/*"])
    assert list(hub.repository.branches) == ["development"]


def test_what_is_known_of_a_token(hub: Hub) -> None:
    facts = hub.forge().account.token_facts()
    assert (facts.kind, facts.login) == ("classic", "ada")
    assert set(facts.scopes or ()) == {"repo", "workflow", "read:org"}
    assert hub.forge().account.organisations() == ("acme",)
