"""The adapter against a GitHub that holds GitHub's own contract: what is put is observed, races and faults too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlopsgen.errors import AuthenticationFailed, UsageError
from mlopsgen.forge.github import reading
from mlopsgen.forge.github.errors import Refused, Renamed, RightsMissing
from mlopsgen.forge.values import Key, Kind, Snapshot
from mlopsgen.secret_value import SecretValue
from tests import github_settings as wanted
from tests.canaries import canary
from tests.github.faults import Record
from tests.github_hub import Hub, open_hub, put, values


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with open_hub(tmp_path) as opened:
        yield opened


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
    together = threading.Event()

    def held(call: Record) -> float:
        """What lies in the repository is answered once six calls wait for it."""
        if call.concurrency > 5:
            together.set()
        return float(call.path.startswith("/repos/acme/toy/") and not together.wait(timeout=20))

    hub.github.latency = held
    forge.observe(resources)
    assert {record.method for record in hub.github.calls.rest} == {"GET"}
    # user, repository, branches, 4 settings, environments, 3 x (branches, variables), variables, rulesets + 2, labels
    assert len(hub.github.calls.rest) == 18
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


def test_how_it_merges_may_be_said_when_it_is_made(hub: Hub) -> None:
    merging = {"merge_commit": True, "squash": False, "rebase": False, "delete_branch": True}
    forge = hub.forge()
    forge.put(
        wanted.of(
            Kind.REPOSITORY, "toy", {"project": "toy", "description": "Prices", "visibility": "private", **merging}
        )
    )
    hub.github.calls.clear()
    setting = wanted.of(Kind.SETTING, "merging", merging)
    put(forge, [setting, wanted.of(Kind.SETTING, "about", {"description": "Prices", "homepage": ""})])
    assert len(hub.github.calls) == 0
    assert hub.forge().observe([setting]).resources == {setting.key: merging}


@pytest.mark.parametrize("exists", [False, True])
def test_a_token_that_may_not_see_the_repository_is_told_so_once(hub: Hub, *, exists: bool) -> None:
    granted = {"administration": "write", "metadata": "read", "environments": "write"}
    token = hub.github.add_token("ada", kind="fine-grained", permissions=granted, owner="acme")
    forge = hub.forge(token=token)
    if exists:
        hub.github.add_repository("acme/toy")
    # It reaches all repositories while it makes one, and none that it has not been given afterwards.
    known = hub.github.token(token)
    hub.github.faults.after(1, lambda record: setattr(known, "repositories", frozenset()), method="POST")
    if exists:
        hub.github.faults.before(1, lambda record: setattr(known, "repositories", None), method="POST")
    with pytest.raises(RightsMissing, match="is there, and this token may not see it") as caught:
        forge.put(wanted.repository())
    assert caught.value.concerns_all
    assert "Add the repository to the token" in caught.value.hint


def test_topics_of_people_stay(hub: Hub) -> None:
    forge = hub.forge()
    forge.put(wanted.repository())
    hub.repository.topics = ["houses"]
    topics = wanted.of(Kind.SETTING, "topics", ("mlopsgen",))
    forge.put(topics)
    assert sorted(hub.repository.topics) == ["houses", "mlopsgen"]
    assert forge.observe([topics]).resources[topics.key] == ("mlopsgen",)


def test_topics_that_the_repositorys_answer_leaves_out_are_read_by_themselves(hub: Hub) -> None:
    forge, topics = hub.forge(), wanted.of(Kind.SETTING, "topics", ("mlopsgen",))
    put(forge, [wanted.repository(), topics])
    forge.place.data = {key: value for key, value in (forge.place.data or {}).items() if key != "topics"}
    with ThreadPoolExecutor(2) as pool:
        found = reading._Reading(forge.place, [topics], pool)
        found.run(found.families())
    assert found.found == {topics.key: ("mlopsgen",)}


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


def test_an_environment_of_somebody_in_capitals_is_the_same(hub: Hub) -> None:
    forge = hub.forge()
    put(forge, [wanted.repository(), wanted.of(Kind.ENVIRONMENT, "Production", wanted.OPEN)])
    resources = [*wanted.environments()[-3:], wanted.of(Kind.SECRET, "TOKEN", None, "production")]
    forge = hub.forge()
    assert Key(Kind.ENVIRONMENT, "production") in forge.observe(resources).resources
    put(forge, resources[:3])
    forge.put(resources[3], SecretValue(SECRETS[0]))
    assert list(hub.repository.environments) == ["Production"]
    assert hub.repository.secrets_of("Production") == {"TOKEN": SECRETS[0]}
    assert values(hub.forge().observe(resources), resources[:3]) == {r.key: r.value for r in resources[:3]}


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
    addresses = {forge.address: True, "git@127.0.0.1:acme/houses": True, f"{now.page}-other.git": False}
    assert {address: now.leads_here(address) for address in addresses} == addresses
    assert hub.github.repository("acme/houses").branches == {}
    assert hub.github.repository("acme/houses").labels["drift"]["color"] == "0e8a16"


def test_what_is_known_of_a_token(hub: Hub) -> None:
    facts = hub.forge().account.token_facts()
    assert (facts.kind, facts.login) == ("classic", "ada")
    assert set(facts.scopes or ()) == {"repo", "workflow", "read:org"}
    assert hub.forge().account.organisations() == ("acme",)
