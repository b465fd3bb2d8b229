"""Calls about environments and the branches that they let deploy."""

from __future__ import annotations

from typing import Any

from . import shapes
from .accounts import Organization
from .operations import ENVIRONMENT, REPO, Visit, operation
from .repositories import Environment
from .web import Answer, Refused, invalid, not_found, paged_object
from .world import private_environments, private_reviewers

READ = {"permissions": "actions=read"}
WRITE = {"role": "admin", "permissions": "administration=write"}


@operation("GET", REPO + "/environments", **READ)
def environments(visit: Visit) -> Answer:
    it = visit.repository
    kept = it.environments.values() if private_environments(it) else ()
    return paged_object(visit.call, "environments", [shapes.environment(visit.world, it, one) for one in kept],
                        visit.world.api)  # fmt: skip


@operation("GET", ENVIRONMENT, **READ)
def get_environment(visit: Visit) -> Answer:
    return Answer(200, shapes.environment(visit.world, visit.repository, _one(visit)))


@operation("PUT", ENVIRONMENT, **WRITE)
def put_environment(visit: Visit) -> Answer:
    world, it, body = visit.world, visit.repository, visit.call.json or {}
    name = visit.call.named("environment_name")
    if not private_environments(it):
        raise Refused(422, "Failed to create the environment. Please ensure the billing plan supports environments "
                      "for private repositories.")  # fmt: skip
    if len(name) > 255:
        raise invalid("Environment", "name")
    policy = body.get("deployment_branch_policy")
    if policy and policy["protected_branches"] == policy["custom_branch_policies"]:
        # Docs "Create or update an environment": the two cannot have the same value.
        raise invalid("Environment", "deployment_branch_policy", message="protected_branches and "
                      "custom_branch_policies cannot have the same value")  # fmt: skip
    wait, reviewers = body.get("wait_timer") or 0, _reviewers(visit, body.get("reviewers") or [])
    if not 0 <= wait <= 43_200:
        raise invalid("Environment", "wait_timer")
    one = it.environment(name) or world.make_environment(it, name)
    if (wait or reviewers or body.get("prevent_self_review")) and not private_reviewers(it):
        # Facts "Symptom is 422 after creation": the environment is there now, without its protection.
        raise Refused(422, "Failed to create the environment protection rule. Please ensure the billing plan supports "
                      "the required reviewers protection rule.")  # fmt: skip
    # Facts "create_environment ... would reset existing protection": what is not sent is switched off.
    one.wait_timer, one.reviewers = wait, reviewers
    one.prevent_self_review = bool(body.get("prevent_self_review"))
    one.policy = None if not policy else "protected" if policy["protected_branches"] else "custom"
    if one.policy != "custom":
        one.branches = {}
    one.updated_at = world.clock()
    return Answer(200, shapes.environment(world, it, one))


def _reviewers(visit: Visit, wanted: list[dict[str, Any]]) -> list[tuple[str, int]]:
    world, it = visit.world, visit.repository
    # Docs: "You can list up to six users or teams ... The reviewers must have at least read access".
    if len(wanted) > 6:
        raise invalid("Environment", "reviewers", message="No more than 6 reviewers")
    known = {("User", one.id): world.role(one.login, it) != "none" for one in world.accounts.values()
             if one.kind == "User"}  # fmt: skip
    if isinstance(it.owner, Organization):
        # A team's access is its own: what its members may as members of the organisation does not count (unproven).
        known |= {("Team", team.id): not it.private or team.slug in it.teams for team in it.owner.teams.values()}
    chosen = [(one.get("type", ""), one.get("id", 0)) for one in wanted]
    if any(not known.get(reviewer) for reviewer in chosen) or len(set(chosen)) < len(chosen):
        raise invalid("Environment", "reviewers", message="Could not resolve to a reviewer with read access")
    return chosen


@operation("DELETE", ENVIRONMENT, **WRITE)
def delete_environment(visit: Visit) -> Answer:
    del visit.repository.environments[_one(visit).name]
    return Answer(204)


@operation("GET", ENVIRONMENT + "/deployment-branch-policies", **READ)
def policies(visit: Visit) -> Answer:
    shown = [_policy(number, one) for number, one in _one(visit).branches.items()]
    return paged_object(visit.call, "branch_policies", shown, visit.world.api)


@operation("POST", ENVIRONMENT + "/deployment-branch-policies", **WRITE)
def make_policy(visit: Visit) -> Answer:
    one, body = _one(visit), visit.call.json
    if one.policy != "custom":
        # Docs "Create a deployment branch policy": 404 "deployment_branch_policy property ... is set to false".
        raise not_found()
    wanted = {"name": body["name"], "type": body.get("type", "branch")}
    if wanted in one.branches.values():
        # Docs: "303 Response if the same branch name pattern already exists".
        number = next(key for key, value in one.branches.items() if value == wanted)
        return Answer(303, None, {"Location": f"{visit.world.api}{visit.call.path}/{number}"})
    number = next(visit.world.ids)
    one.branches[number] = wanted
    return Answer(200, _policy(number, wanted))


@operation("GET", ENVIRONMENT + "/deployment-branch-policies/{branch_policy_id}", **READ)
def policy(visit: Visit) -> Answer:
    number, found = _one_policy(visit)
    return Answer(200, _policy(number, found))


@operation("PUT", ENVIRONMENT + "/deployment-branch-policies/{branch_policy_id}", **WRITE)
def change_policy(visit: Visit) -> Answer:
    number, found = _one_policy(visit)
    found["name"] = visit.call.json["name"]
    return Answer(200, _policy(number, found))


@operation("DELETE", ENVIRONMENT + "/deployment-branch-policies/{branch_policy_id}", **WRITE)
def delete_policy(visit: Visit) -> Answer:
    number, _ = _one_policy(visit)
    del _one(visit).branches[number]
    return Answer(204)


def _one(visit: Visit) -> Environment:
    found = visit.repository.environment(visit.call.named("environment_name"))
    if found is None or not private_environments(visit.repository):
        raise not_found()
    return found


def _one_policy(visit: Visit) -> tuple[int, dict[str, str]]:
    number = int(visit.call.named("branch_policy_id"))
    branches = _one(visit).branches
    if number not in branches:
        raise not_found()
    return number, branches[number]


def _policy(number: int, one: dict[str, str]) -> dict[str, Any]:
    return {"id": number, "node_id": f"GP_{number}", **one}
