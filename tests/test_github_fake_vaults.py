"""The fake GitHub's environments, secrets, variables and rulesets: each rule seen allowing and refusing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.github import FakeGitHub
from tests.github.caller import Caller

CUSTOM = {"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}
RULESET = {
    "name": "production", "target": "branch", "enforcement": "active",
    "conditions": {"ref_name": {"include": ["refs/heads/production"], "exclude": []}},
    "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}],
}  # fmt: skip


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_user("bob")
        fake.add_user("eve")
        fake.add_org("acme", plan="enterprise", members=["ada", "bob"])
        fake.add_repository("acme/wine")
        yield fake


@pytest.fixture
def ada(github: FakeGitHub) -> Caller:
    return Caller(github, github.add_token("ada"))


def reviewer(github: FakeGitHub, login: str) -> dict[str, object]:
    return {"type": "User", "id": github.world.account(login).id}


def test_an_environment_forgets_what_is_not_sent(github, ada):
    full = {"wait_timer": 5, "prevent_self_review": True, "reviewers": [reviewer(github, "bob")], **CUSTOM}
    assert ada.status("PUT", "environments/production", full) == 200
    rules = {rule["type"] for rule in ada("GET", "environments/production").json()["protection_rules"]}
    assert rules == {"wait_timer", "required_reviewers", "branch_policy"}
    assert ada.status("POST", "environments/production/deployment-branch-policies", {"name": "production"}) == 200
    assert ada("PUT", "environments/production", {}).json()["protection_rules"] == []
    assert github.repository("acme/wine").environments["production"].patterns == set()


def test_names_of_environments_know_no_case(github, ada):
    made = ada("PUT", "environments/Production", {}).json()
    assert ada("PUT", "environments/production", CUSTOM).json()["id"] == made["id"]
    assert ada("GET", "environments").json()["total_count"] == 1
    assert ada.status("GET", "environments/PRODUCTION/secrets") == 200
    assert ada.status("GET", "environments/produktion/secrets") == 404


def test_a_slash_in_the_name_of_an_environment(github, ada):
    assert ada("PUT", "environments/a%2Fb", CUSTOM).json()["name"] == "a/b"
    assert ada.status("PUT", "environments/a%2Fb/secrets/T", ada.seal("x", "environments/a%2Fb")) == 201
    assert github.repository("acme/wine").secrets_of("a/b") == {"T": "x"}


def test_the_two_branch_policies_exclude_each_other(ada):
    both = {"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": True}}
    assert ada.status("PUT", "environments/production", both) == 422
    assert ada.status("GET", "environments/production") == 404  # nothing was made
    assert ada.status("PUT", "environments/production", CUSTOM) == 200


def test_the_branches_of_an_environment_need_a_second_call(github, ada):
    path = "environments/production/deployment-branch-policies"
    ada("PUT", "environments/production", {})
    assert ada.status("POST", path, {"name": "production"}) == 404  # its policy is not custom
    ada("PUT", "environments/production", CUSTOM)
    assert ada("GET", path).json() == {"total_count": 0, "branch_policies": []}
    made = ada("POST", path, {"name": "production"}).json()
    assert ada.status("POST", path, {"name": "production"}) == 303
    assert github.repository("acme/wine").environments["production"].patterns == {"production"}
    assert ada.status("DELETE", f"{path}/{made['id']}") == 204
    assert ada.status("GET", f"{path}/{made['id']}") == 404


@pytest.mark.parametrize("login", ["eve", ""])
def test_reviewers_exist_and_may_read(github, ada, login):
    wanted = reviewer(github, login) if login else {"type": "User", "id": 99}
    assert ada.status("PUT", "environments/production", {"reviewers": [wanted]}) == 422
    github.repository("acme/wine").collaborators["eve"] = "read"
    assert ada.status("PUT", "environments/production", {"reviewers": [reviewer(github, "eve")]}) == 200


def test_a_team_that_reviews_has_access_of_its_own(github, ada):
    team = github.add_team("acme", "Leads", members=["bob"])
    wanted = {"reviewers": [{"type": "Team", "id": team.id}]}
    assert ada.status("PUT", "environments/production", wanted) == 422
    ada("PUT", "/orgs/acme/teams/leads/repos/acme/wine", {"permission": "pull"})
    assert ada.status("PUT", "environments/production", wanted) == 200


def test_no_more_than_six_reviewers(github, ada):
    everybody = []
    for number in range(7):
        github.add_user(f"user{number}")
        github.repository("acme/wine").collaborators[f"user{number}"] = "read"
        everybody.append(reviewer(github, f"user{number}"))
    assert ada.status("PUT", "environments/production", {"reviewers": everybody}) == 422
    assert ada.status("PUT", "environments/production", {"reviewers": everybody[:6]}) == 200


@pytest.mark.parametrize(
    ("plan", "visibility", "plain", "protected", "ruleset"),
    [
        ("free", "private", 422, 422, 403),
        ("free", "public", 200, 200, 201),
        ("team", "private", 200, 422, 201),
        ("enterprise", "private", 200, 200, 201),
        ("enterprise", "internal", 200, 200, 201),
    ],
)
def test_what_a_plan_holds(github, ada, plan, visibility, plain, protected, ruleset):
    github.world.organization("acme").plan = plan
    github.repository("acme/wine").visibility = visibility
    body = {"reviewers": [reviewer(github, "bob")]}
    assert ada.status("PUT", "environments/plain", {}) == plain
    assert ada.status("PUT", "environments/reviewed", body) == protected
    # Refused with 422 after creation: it is there, without protection (unless there are no environments at all).
    there = {environment["name"] for environment in ada("GET", "environments").json()["environments"]}
    assert there == (set() if plain == 422 else {"plain", "reviewed"})
    assert ada.status("POST", "rulesets", RULESET) == ruleset


def test_each_place_has_a_key_of_its_own(github, ada):
    places = ["actions", "environments/staging", "environments/production"]
    for place in places[1:]:
        ada("PUT", place, {})
    bodies = {place: ada.seal(f"of {place}\n$'\"", place) for place in places}
    assert len({body["key_id"] for body in bodies.values()}) == 3
    for place in places:
        for other in places:
            expected = 201 if place == other else 422
            assert ada.status("PUT", f"{place}/secrets/{'T' if place == other else 'U'}", bodies[other]) == expected
    it = github.repository("acme/wine")
    assert it.secrets == {"T": "of actions\n$'\""}
    assert it.secrets_of("staging") == {"T": "of environments/staging\n$'\""}


def test_key_and_key_id_belong_together(ada):
    ada("PUT", "environments/staging", {})
    assert ada.status("PUT", "actions/secrets/T", ada.seal("x") | {"key_id": "1"}) == 422
    foreign = ada.seal("x") | {"key_id": ada.seal("x", "environments/staging")["key_id"]}
    assert ada.status("PUT", "environments/staging/secrets/T", foreign) == 422


def test_a_key_that_was_changed_in_between_is_refused(github, ada):
    body = ada.seal("x")
    github.rotate_key("acme/wine")
    assert ada.status("PUT", "actions/secrets/T", body) == 422
    assert ada.status("PUT", "actions/secrets/T", ada.seal("x")) == 201
    assert ada.status("PUT", "actions/secrets/t", ada.seal("y")) == 204  # names know no case


@pytest.mark.parametrize("name", ["1ST", "GITHUB_X", "github_x", "A-B"])
def test_names_of_secrets_and_variables_are_checked(ada, name):
    assert ada.status("PUT", f"actions/secrets/{name}", ada.seal("x")) == 422
    assert ada.status("POST", "actions/variables", {"name": name, "value": "x"}) == 422


def test_secrets_and_variables_have_a_largest_size(ada):
    assert ada.status("PUT", "actions/secrets/S", ada.seal("x" * 48 * 1024)) == 201
    assert ada.status("PUT", "actions/secrets/S", ada.seal("x" * (48 * 1024 + 1))) == 422
    assert ada.status("POST", "actions/variables", {"name": "V", "value": "é" * 24 * 1024}) == 201
    assert ada.status("POST", "actions/variables", {"name": "W", "value": "é" * 24 * 1024 + "x"}) == 422


def test_a_hundred_secrets_and_no_more(github, ada):
    body = ada.seal("x")
    assert {ada.status("PUT", f"actions/secrets/S{number}", body) for number in range(100)} == {201}
    assert ada.status("PUT", "actions/secrets/S100", body) == 422
    assert ada.status("PUT", "actions/secrets/S99", body) == 204


@pytest.mark.parametrize("place", ["actions", "environments/staging"])
def test_a_variable_is_made_once_and_changed_after(github, ada, place):
    ada("PUT", "environments/staging", {})
    path = f"{place}/variables"
    assert ada.status("PATCH", f"{path}/A", {"value": "x"}) == 404
    assert ada.status("POST", path, {"name": "a", "value": "x"}) == 201
    assert ada.status("POST", path, {"name": "A", "value": "y"}) == 409
    assert ada("GET", f"{path}/A").json()["value"] == "x"
    assert ada.status("PATCH", f"{path}/A", {"value": "y"}) == 204
    assert ada("GET", f"{path}/a").json()["value"] == "y"


def test_lists_come_in_pages(github, ada):
    for number in range(12):
        ada("POST", "actions/variables", {"name": f"V{number:02}", "value": "x"})
    first = ada("GET", "actions/variables")
    assert first.json()["total_count"] == 12
    assert len(first.json()["variables"]) == 10  # the description's default for variables
    following = first.links["next"]["url"].removeprefix(github.api)
    assert [one["name"] for one in ada("GET", following).json()["variables"]] == ["V10", "V11"]
    assert "next" not in ada("GET", following).links
    assert len(ada("GET", "actions/variables?per_page=100").json()["variables"]) == 12


def test_rulesets_have_unique_names(ada):
    made = ada("POST", "rulesets", RULESET).json()
    assert ada.status("POST", "rulesets", RULESET) == 422
    assert ada.status("POST", "rulesets", {**RULESET, "name": "staging"}) == 201
    assert ada.status("PUT", f"rulesets/{made['id']}", {"name": "staging"}) == 422
    assert ada("PUT", f"rulesets/{made['id']}", {"enforcement": "disabled"}).json()["enforcement"] == "disabled"
    assert ada("GET", f"rulesets/{made['id']}").json()["rules"] == RULESET["rules"]


def test_rules_are_listed_by_branch(ada):
    made = ada("POST", "rulesets", RULESET).json()
    assert {rule["type"] for rule in ada("GET", "rules/branches/production").json()} == {"deletion", "non_fast_forward"}
    assert ada("GET", "rules/branches/development").json() == []
    ada("PUT", f"rulesets/{made['id']}", {"enforcement": "disabled"})
    assert ada("GET", "rules/branches/production").json() == []


def test_who_may_pass_a_ruleset_is_shown_to_administrators(github, ada):
    passing = {**RULESET, "bypass_actors": [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}]}
    made = ada("POST", "rulesets", passing).json()
    assert made["current_user_can_bypass"] == "always"
    assert "bypass_actors" not in Caller(github, github.add_token("bob"))("GET", f"rulesets/{made['id']}").json()
