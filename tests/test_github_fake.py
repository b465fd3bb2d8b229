"""The fake GitHub's people, organisations, tokens and repositories: each rule seen allowing and refusing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.github import FakeGitHub
from tests.github.caller import Caller

EVERYTHING = {
    "administration": "write", "contents": "write", "environments": "write", "secrets": "write", "variables": "write",
    "actions": "read", "issues": "write", "workflows": "write", "members": "read",
}  # fmt: skip


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_user("bob")
        fake.add_user("eve")
        fake.add_org("acme", plan="team", members=["ada", "bob"])
        fake.add_repository("acme/wine")
        yield fake


@pytest.fixture
def ada(github: FakeGitHub) -> Caller:
    return Caller(github, github.add_token("ada"))


def test_a_private_repository_is_not_there_for_those_without_rights(github, ada):
    assert ada.status("GET", "") == 200
    assert Caller(github, github.add_token("bob")).status("GET", "") == 200  # members read
    assert Caller(github, github.add_token("eve")).status("GET", "") == 404
    assert Caller(github).status("GET", "") == 404
    github.repository("acme/wine").visibility = "public"
    assert Caller(github).status("GET", "") == 200


def test_a_token_that_is_wrong_or_revoked_is_refused(github, ada):
    token = github.add_token("ada")
    assert Caller(github, token).status("GET", "/user") == 200
    github.token(token).revoked = True
    assert Caller(github, token)("GET", "/user").json()["message"] == "Bad credentials"
    assert Caller(github, "nonsense").status("GET", "/user") == 401
    assert Caller(github).status("GET", "/user") == 401


def test_classic_tokens_name_their_scopes_and_need_them(github):
    able, unable = (Caller(github, github.add_token("ada", scopes=scopes)) for scopes in (["repo"], ["public_repo"]))
    assert able.status("PATCH", "", {"description": "x"}) == 200
    answer = unable("PATCH", "", {"description": "y"})
    assert answer.status_code == 404  # private: not even seen
    assert answer.headers["X-OAuth-Scopes"] == "public_repo"
    assert answer.headers["X-Accepted-OAuth-Scopes"] == "repo"
    github.repository("acme/wine").visibility = "public"
    assert unable.status("PATCH", "", {"description": "y"}) == 200


def test_fine_grained_tokens_name_the_permission_that_is_missing(github):
    token = github.add_token("ada", kind="fine-grained", owner="acme", permissions={"environments": "write"})
    answer = Caller(github, token)("PUT", "environments/x/secrets/S", {"encrypted_value": "YQ==", "key_id": "1"})
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by personal access token"
    assert answer.headers["X-Accepted-GitHub-Permissions"] == "secrets=write,environments=write"
    assert "X-OAuth-Scopes" not in answer.headers
    whole = github.add_token("ada", kind="fine-grained", owner="acme", permissions=EVERYTHING)
    assert Caller(github, whole).status("PUT", "environments/x", {}) == 200
    assert Caller(github, whole).status("GET", "environments/x/secrets/public-key") == 200


def test_fine_grained_tokens_reach_their_owner_and_their_repositories_only(github):
    def reads(**rules: object) -> int:
        token = github.add_token("ada", kind="fine-grained", permissions=EVERYTHING, **rules)
        return Caller(github, token).status("GET", "")

    assert reads(owner="acme") == 200
    assert reads(owner="ada") == 404
    assert reads(owner="acme", repositories=["acme/wine"]) == 200
    assert reads(owner="acme", repositories=["acme/other"]) == 404
    github.world.organization("acme").fine_grained = False
    assert reads(owner="acme") == 403


def test_app_tokens_act_by_their_permissions_and_are_nobody(github):
    token = github.add_token("bob", kind="app", owner="acme", permissions={"administration": "write"})
    assert Caller(github, token).status("PATCH", "", {"description": "x"}) == 200
    assert Caller(github, token).status("POST", "labels", {"name": "x"}) == 403
    assert Caller(github, token)("GET", "/user").json()["message"] == "Resource not accessible by integration"


def test_single_sign_on_must_have_been_granted(github):
    github.world.organization("acme").saml = True
    answer = Caller(github, github.add_token("ada"))("GET", "")
    assert answer.status_code == 403
    assert answer.headers["X-GitHub-SSO"].startswith("required; url=http://127.0.0.1")
    assert Caller(github, github.add_token("ada", sso=["acme"])).status("GET", "") == 200


def test_settings_need_an_administrator(github, ada):
    bob = Caller(github, github.add_token("bob"))
    assert bob("PATCH", "", {"description": "x"}).json()["message"] == "Must have admin rights to Repository."
    github.repository("acme/wine").collaborators["bob"] = "admin"
    assert bob.status("PATCH", "", {"description": "x"}) == 200
    assert ada("GET", "").json()["permissions"]["admin"]


def test_the_plan_is_told_to_those_who_may_know_it(github):
    def plan(path: str, *scopes: str, login: str = "ada") -> object:
        shown = Caller(github, github.add_token(login, scopes=scopes))("GET", path).json()
        return shown.get("plan", {}).get("name")

    assert plan("/user", "repo", "user") == "free"
    assert plan("/user", "repo") is None
    assert plan("/orgs/acme", "read:org") == "team"
    assert plan("/orgs/acme", "workflow") is None
    assert plan("/orgs/acme", "read:org", login="bob") is None  # a member, no owner
    assert plan("/orgs/acme", "read:org", login="eve") is None


def test_repositories_are_made_where_the_person_may(github, ada):
    bob, eve = (Caller(github, github.add_token(login)) for login in ("bob", "eve"))
    assert ada.status("POST", "/user/repos", {"name": "mine", "private": True}) == 201
    assert github.repository("ada/mine").visibility == "private"
    assert bob.status("POST", "/orgs/acme/repos", {"name": "a"}) == 201
    assert eve.status("POST", "/orgs/acme/repos", {"name": "b"}) == 403
    github.world.organization("acme").members_create = False
    assert bob.status("POST", "/orgs/acme/repos", {"name": "c"}) == 403
    assert ada.status("POST", "/orgs/acme/repos", {"name": "c"}) == 201
    assert ada.status("POST", "/orgs/acme/repos", {"name": "d", "visibility": "internal"}) == 422
    github.world.organization("acme").plan = "enterprise"
    assert ada.status("POST", "/orgs/acme/repos", {"name": "d", "visibility": "internal"}) == 201


def test_names_of_repositories_are_unique_in_any_case(github, ada):
    answer = ada("POST", "/orgs/acme/repos", {"name": "WINE"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"] == "name already exists on this account"
    assert ada.status("POST", "/orgs/acme/repos", {"name": "beer"}) == 201
    assert ada.status("PATCH", "/repos/acme/beer", {"name": "wine"}) == 422
    assert ada("POST", "/orgs/acme/repos", {"name": "a b?c"}).json()["name"] == "a-b-c"


def test_a_renamed_repository_is_found_by_its_old_name(github, ada):
    github.rename("acme/wine", "grapes")
    answer = ada("GET", "topics")
    assert answer.status_code == 301
    assert answer.headers["Location"].endswith(f"/repositories/{github.repository('acme/grapes').id}/topics")
    assert ada("GET", answer.headers["Location"].removeprefix(github.api)).json() == {"names": []}
    assert ada.status("PUT", "topics", {"names": ["x"]}) == 307
    assert ada.status("POST", "/orgs/acme/repos", {"name": "wine"}) == 201  # a new one ends the redirect
    assert ada.status("GET", "topics") == 200


def test_an_archived_repository_can_only_be_read_deleted_or_taken_back(github, ada):
    assert ada.status("PATCH", "", {"archived": True}) == 200
    assert ada("PUT", "topics", {"names": ["x"]}).json()["message"] == "Repository was archived so is read-only."
    assert ada.status("PATCH", "", {"description": "x"}) == 403
    assert ada.status("GET", "topics") == 200
    assert ada.status("PATCH", "", {"archived": False}) == 200
    assert ada.status("PUT", "topics", {"names": ["x"]}) == 200


def test_deleting_needs_a_scope_of_its_own(github):
    assert Caller(github, github.add_token("ada", scopes=["repo"])).status("DELETE", "") == 403
    assert github.has("acme/wine")
    assert Caller(github, github.add_token("ada", scopes=["repo", "delete_repo"])).status("DELETE", "") == 204
    assert not github.has("acme/wine")


def test_one_way_of_merging_stays(github, ada):
    none = {"allow_merge_commit": False, "allow_squash_merge": False, "allow_rebase_merge": False}
    assert ada.status("PATCH", "", none) == 422
    assert ada("PATCH", "", {**none, "allow_merge_commit": True}).json()["allow_squash_merge"] is False
    assert "allow_merge_commit" not in Caller(github, github.add_token("bob"))("GET", "").json()


def test_topics_are_replaced_whole(ada):
    assert ada("PUT", "topics", {"names": ["MLOps", "a"]}).json() == {"names": ["mlops", "a"]}
    assert ada("PUT", "topics", {"names": ["b"]}).json() == {"names": ["b"]}
    assert ada.status("PUT", "topics", {"names": ["not this"]}) == 422


def test_security_updates_need_alerts(ada):
    assert ada.status("GET", "vulnerability-alerts") == 404
    assert ada.status("PUT", "automated-security-fixes") == 422
    assert ada.status("PUT", "vulnerability-alerts") == 204
    assert ada.status("GET", "vulnerability-alerts") == 204
    assert ada.status("PUT", "automated-security-fixes") == 204
    assert ada("GET", "").json()["security_and_analysis"]["dependabot_security_updates"] == {"status": "enabled"}


def test_selected_actions_need_the_policy_first(ada):
    chosen = {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": ["a/b@*"]}
    assert ada.status("PUT", "actions/permissions/selected-actions", chosen) == 409
    assert ada.status("GET", "actions/permissions/selected-actions") == 409
    policy = {"enabled": True, "allowed_actions": "selected", "sha_pinning_required": True}
    assert ada.status("PUT", "actions/permissions", policy) == 204
    assert ada.status("PUT", "actions/permissions/selected-actions", chosen) == 204
    assert ada("GET", "actions/permissions/selected-actions").json() == chosen
    assert ada("GET", "actions/permissions").json()["sha_pinning_required"] is True


def test_the_organisation_s_stricter_actions_settings_win(github, ada):
    owner = github.world.organization("acme")
    token = {"default_workflow_permissions": "write", "can_approve_pull_request_reviews": True}
    assert ada.status("PUT", "actions/permissions/workflow", token) == 204
    owner.workflow_permissions = "read"
    assert ada.status("PUT", "actions/permissions/workflow", token) == 409
    assert ada.status("PUT", "actions/permissions/workflow", {**token, "default_workflow_permissions": "read"}) == 204
    owner.approve_pull_requests = False
    assert ada.status("PUT", "actions/permissions/workflow", {"can_approve_pull_request_reviews": True}) == 409
    owner.actions = "local_only"
    assert ada.status("PUT", "actions/permissions", {"enabled": True, "allowed_actions": "all"}) == 409
    owner.enabled_repositories = "none"
    assert ada.status("PUT", "actions/permissions", {"enabled": True}) == 409


def test_approval_for_forks_is_for_public_repositories(github, ada):
    policy = {"approval_policy": "all_external_contributors"}
    assert ada.status("PUT", "actions/permissions/fork-pr-contributor-approval", policy) == 422
    github.repository("acme/wine").visibility = "public"
    assert ada.status("PUT", "actions/permissions/fork-pr-contributor-approval", policy) == 204
    assert ada("GET", "actions/permissions/fork-pr-contributor-approval").json() == policy


def test_labels_are_unique_in_any_case(ada):
    made = ada("POST", "labels", {"name": "data watch", "color": "0E8A16", "description": "d"})
    assert (made.status_code, made.json()["color"]) == (201, "0e8a16")
    assert ada("POST", "labels", {"name": "Data Watch"}).json()["errors"][0]["code"] == "already_exists"
    assert ada.status("POST", "labels", {"name": "x", "color": "green"}) == 422
    assert ada("PATCH", "labels/data%20watch", {"color": "ffffff"}).json()["description"] == "d"
    assert ada.status("GET", "labels/nothing") == 404
    assert ada("POST", "labels", {"name": "ö/模"}).headers["Location"].endswith("/labels/%C3%B6%2F%E6%A8%A1")


def test_runners_register_and_are_removed_unless_busy(github, ada):
    assert ada("POST", "actions/runners/registration-token").json()["expires_at"]
    assert Caller(github, github.add_token("bob")).status("POST", "actions/runners/registration-token") == 403
    idle = github.add_runner("acme/wine", "one", ["self-hosted", "gpu"])
    busy = github.add_runner("acme/wine", "two", ["self-hosted"], busy=True)
    assert [runner["name"] for runner in ada("GET", "actions/runners").json()["runners"]] == ["one", "two"]
    assert ada.status("DELETE", f"actions/runners/{idle.id}") == 204
    assert ada.status("DELETE", f"actions/runners/{busy.id}") == 422
    where = github.add_download("runner.tar.gz", b"program")
    assert ada("GET", "actions/runners/downloads").json()[0]["download_url"] == where


def test_teams_are_seen_by_members_and_let_in_by_administrators(github, ada):
    github.add_team("acme", "Leads", members=["bob"])
    path = "/orgs/acme/teams/leads/repos/acme/wine"
    assert ada.status("GET", "/orgs/acme/teams/leads") == 200
    assert Caller(github, github.add_token("eve")).status("GET", "/orgs/acme/teams/leads") == 404
    assert ada.status("GET", path) == 404
    assert Caller(github, github.add_token("bob")).status("PUT", path, {"permission": "pull"}) == 403
    assert ada.status("PUT", path, {"permission": "pull"}) == 204
    assert ada.status("GET", path) == 204


def test_what_others_made_is_listed(github, ada):
    github.add_issue("acme/wine", "bob", state="closed")
    github.add_pull("acme/wine", "eve")
    github.add_fork("acme/wine", "eve")
    assert [issue.get("pull_request") is not None for issue in ada("GET", "issues?state=all").json()] == [False, True]
    assert len(ada("GET", "issues").json()) == 1
    assert ada("GET", "pulls?state=all").json()[0]["user"]["login"] == "eve"
    assert ada("GET", "forks").json()[0]["full_name"] == "eve/wine"
    assert ada("GET", "").json()["forks_count"] == 1


def test_a_dispatch_stays_within_its_limits(github, ada):
    assert ada.status("POST", "dispatches", {"event_type": "go", "client_payload": {"a": 1}}) == 204
    assert github.repository("acme/wine").dispatched == [{"event_type": "go", "client_payload": {"a": 1}}]
    assert ada.status("POST", "actions/workflows/x.yml/dispatches", {"ref": "main"}) == 404  # not on the default branch
