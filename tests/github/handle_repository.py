"""Calls about a repository as a whole: what it is called, who sees it, how it merges, its switches and its labels."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from . import shapes
from .accounts import Organization
from .handle_accounts import SWITCHES, checked_name, merges_somehow, name_taken
from .operations import REPO, Visit, operation
from .web import Answer, Refused, invalid, not_found, paged

ADMIN = {"role": "admin", "permissions": "administration=write"}
ADMIN_READ = {"role": "admin", "permissions": "administration=read"}
LABELS = {"role": "write", "permissions": "issues=write; pull_requests=write"}


@operation("GET", REPO)
def get_repository(visit: Visit) -> Answer:
    return Answer(200, shapes.repository(visit.world, visit.repository, visit.token, full=True))


@operation("PATCH", REPO, **ADMIN)
def change_repository(visit: Visit) -> Answer:
    world, it, body = visit.world, visit.repository, visit.call.json
    if it.archived and body.get("archived") is not False:
        raise Refused(403, "Repository was archived so is read-only.")
    if "default_branch" in body:
        world.seen(f"/repos/{it.full_name}/branches/{body['default_branch']}")
    if "default_branch" in body and body["default_branch"] not in it.branches:
        # Docs "Update a repository"; GitHub's words for a branch that is not there (and for an empty repository).
        raise Refused(422, "Validation Failed", errors=[
            {"resource": "Repository", "field": "default_branch", "code": "invalid",
             "message": "Cannot update default branch for an empty repository. Please init the repository and push "
             "first" if not it.branches else f"The branch {body['default_branch']} was not found."}])  # fmt: skip
    visibility = body.get("visibility") or {True: "private", False: "public"}.get(body.get("private"), it.visibility)
    if visibility == "internal" and it.owner.plan != "enterprise":
        raise invalid("Repository", "visibility", "custom", "Only organizations of an enterprise have internal ones.")
    if body.get("name", it.name) != it.name:
        _rename(visit, body["name"])
    it.visibility = visibility
    if "default_branch" in body:
        it.default_branch = body["default_branch"]
        it.git("symbolic-ref", "HEAD", f"refs/heads/{it.default_branch}")
    it.description = body.get("description", it.description)
    it.homepage = body.get("homepage", it.homepage) or None
    it.archived = body.get("archived", it.archived)
    for key in SWITCHES & set(body):
        setattr(it.settings, key, body[key])
    wanted = (body.get("security_and_analysis") or {}).get("dependabot_security_updates", {}).get("status")
    if wanted:
        it.security_fixes = wanted == "enabled"
    merges_somehow(it)
    it.updated_at = world.clock()
    return Answer(200, shapes.repository(world, it, visit.token, full=True))


def _rename(visit: Visit, name: str) -> None:
    world, it = visit.world, visit.repository
    old, kept = it.full_name.lower(), checked_name(name)
    other = world.find(f"{it.owner.login}/{kept}")
    if other is not None and other is not it:
        raise name_taken()
    del world.repositories[old]
    it.name = kept
    world.repositories[it.full_name.lower()] = it
    if old != it.full_name.lower():
        world.moved[old] = it.full_name


@operation("DELETE", REPO, **{**ADMIN, "scopes": "delete_repo"})
def delete_repository(visit: Visit) -> Answer:
    # Docs "Delete a repository": OAuth apps and classic tokens need the scope delete_repo.
    if visit.person.scoped and "delete_repo" not in visit.person.all_scopes:
        raise Refused(403, "Must have admin rights to Repository.")
    del visit.world.repositories[visit.repository.full_name.lower()]
    return Answer(204)


@operation("GET", REPO + "/topics")
def topics(visit: Visit) -> Answer:
    return Answer(200, {"names": visit.repository.topics})


@operation("PUT", REPO + "/topics", **ADMIN)
def set_topics(visit: Visit) -> Answer:
    names = [name.lower() for name in visit.call.json["names"]]
    # Docs "Replace all repository topics", "Classifying your repository with topics": 20 of at most 50 characters.
    if len(names) > 20 or not all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,49}", name) for name in names):
        raise Refused(422, "Validation Failed", errors=["Topics must start with a lowercase letter or number."])
    visit.repository.topics = list(dict.fromkeys(names))
    return Answer(200, {"names": visit.repository.topics})


@operation("GET", REPO + "/vulnerability-alerts", **ADMIN_READ)
def alerts(visit: Visit) -> Answer:
    if not visit.repository.vulnerability_alerts:
        raise Refused(404, "Vulnerability alerts are disabled.")
    return Answer(204)


@operation("PUT", REPO + "/vulnerability-alerts", **ADMIN)
def alerts_on(visit: Visit) -> Answer:
    visit.repository.vulnerability_alerts = True
    return Answer(204)


@operation("DELETE", REPO + "/vulnerability-alerts", **ADMIN)
def alerts_off(visit: Visit) -> Answer:
    visit.repository.vulnerability_alerts = visit.repository.security_fixes = False
    return Answer(204)


@operation("GET", REPO + "/automated-security-fixes", **ADMIN_READ)
def fixes(visit: Visit) -> Answer:
    if not visit.repository.security_fixes:
        raise not_found()  # docs "Check if Dependabot security updates are enabled": 404 if not enabled
    return Answer(200, {"enabled": True, "paused": False})


@operation("PUT", REPO + "/automated-security-fixes", **ADMIN)
def fixes_on(visit: Visit) -> Answer:
    # Docs "Configuring Dependabot security updates": they need the alerts.
    if not visit.repository.vulnerability_alerts:
        raise Refused(422, "Vulnerability alerts must be enabled to configure automated security fixes.")
    visit.repository.security_fixes = True
    return Answer(204)


@operation("DELETE", REPO + "/automated-security-fixes", **ADMIN)
def fixes_off(visit: Visit) -> Answer:
    visit.repository.security_fixes = False
    return Answer(204)


@operation("GET", REPO + "/actions/permissions", **ADMIN_READ)
def actions(visit: Visit) -> Answer:
    it = visit.repository
    body: dict[str, Any] = {"enabled": it.actions_enabled}
    if it.actions_enabled:
        body |= {"allowed_actions": it.allowed_actions, "sha_pinning_required": it.sha_pinning}
    if it.actions_enabled and it.allowed_actions == "selected":
        body["selected_actions_url"] = f"{visit.world.api}/repos/{it.full_name}/actions/permissions/selected-actions"
    return Answer(200, body)


@operation("PUT", REPO + "/actions/permissions", **ADMIN)
def set_actions(visit: Visit) -> Answer:
    it, body = visit.repository, visit.call.json
    owner = it.owner
    if isinstance(owner, Organization) and owner.enabled_repositories == "none" and body["enabled"]:
        raise Refused(409, "Actions is disabled for this repository by its organization.")
    wanted = body.get("allowed_actions", it.allowed_actions)
    # Docs "Set GitHub Actions permissions for a repository": what the organisation restricts cannot be overridden.
    if isinstance(owner, Organization) and owner.actions != "all" and wanted != owner.actions:
        raise Refused(409, "The organization restricts the allowed actions.")
    if isinstance(owner, Organization) and owner.sha_pinning and body.get("sha_pinning_required") is False:
        raise Refused(409, "The organization requires actions to be pinned.")
    it.actions_enabled, it.allowed_actions = body["enabled"], wanted
    it.sha_pinning = body.get("sha_pinning_required", it.sha_pinning)
    return Answer(204)


@operation("GET", REPO + "/actions/permissions/selected-actions", **ADMIN_READ)
def selected(visit: Visit) -> Answer:
    _only_selected(visit)
    return Answer(200, visit.repository.selected)


@operation("PUT", REPO + "/actions/permissions/selected-actions", **ADMIN)
def set_selected(visit: Visit) -> Answer:
    _only_selected(visit)
    visit.repository.selected |= visit.call.json
    return Answer(204)


def _only_selected(visit: Visit) -> None:
    # Docs: "To use this endpoint, the repository permission policy for allowed_actions must be configured to selected".
    if visit.repository.allowed_actions != "selected":
        raise Refused(409, "Allowed actions must be set to selected first.")
    owner = visit.repository.owner
    if isinstance(owner, Organization) and owner.actions == "selected" and visit.call.method != "GET":
        raise Refused(409, "The organization chooses the selected actions.")


@operation("GET", REPO + "/actions/permissions/workflow", **ADMIN_READ)
def workflow_token(visit: Visit) -> Answer:
    it = visit.repository
    return Answer(200, {
        "default_workflow_permissions": it.workflow_permissions,
        "can_approve_pull_request_reviews": it.approve_pull_requests,
    })  # fmt: skip


@operation("PUT", REPO + "/actions/permissions/workflow", **ADMIN)
def set_workflow_token(visit: Visit) -> Answer:
    it, body = visit.repository, visit.call.json
    wanted = body.get("default_workflow_permissions", it.workflow_permissions)
    approve = body.get("can_approve_pull_request_reviews", it.approve_pull_requests)
    owner = it.owner
    # Docs "Set default workflow permissions for a repository": an owner's stricter default answers 409.
    if isinstance(owner, Organization) and (
        (wanted == "write" and owner.workflow_permissions == "read") or (approve and not owner.approve_pull_requests)
    ):
        raise Refused(409, "The organization's default for workflow permissions is stricter.")
    it.workflow_permissions, it.approve_pull_requests = wanted, approve
    return Answer(204)


@operation("GET", REPO + "/actions/permissions/fork-pr-contributor-approval", **ADMIN_READ)
def fork_approval(visit: Visit) -> Answer:
    _only_public(visit)
    return Answer(200, {"approval_policy": visit.repository.fork_approval})


@operation("PUT", REPO + "/actions/permissions/fork-pr-contributor-approval", **ADMIN)
def set_fork_approval(visit: Visit) -> Answer:
    _only_public(visit)
    visit.repository.fork_approval = visit.call.json["approval_policy"]
    return Answer(204)


def _only_public(visit: Visit) -> None:
    # Docs "Managing GitHub Actions settings": approval for forks' contributors exists for public repositories.
    if visit.repository.private:
        raise Refused(422, "Fork PR approval applies to public repositories only.")


@operation("GET", REPO + "/labels", permissions="issues=read; pull_requests=read")
def labels(visit: Visit) -> Answer:
    shown = [shown_label(visit, label) for label in visit.repository.labels.values()]
    return paged(visit.call, shown, visit.world.api)


@operation("POST", REPO + "/labels", **LABELS)
def make_label(visit: Visit) -> Answer:
    it, body = visit.repository, visit.call.json
    if body["name"].lower() in {name.lower() for name in it.labels}:
        raise invalid("Label", "name", "already_exists")
    label = {"id": next(visit.world.ids), "name": body["name"], "default": False,
             "color": _color(body.get("color", "ededed")), "description": body.get("description")}  # fmt: skip
    it.labels[body["name"]] = label
    return Answer(201, shown_label(visit, label), {"Location": shown_label(visit, label)["url"]})


@operation("GET", REPO + "/labels/{name}", permissions="issues=read; pull_requests=read")
def label(visit: Visit) -> Answer:
    return Answer(200, shown_label(visit, _one_label(visit)))


@operation("PATCH", REPO + "/labels/{name}", **LABELS)
def change_label(visit: Visit) -> Answer:
    it, body, one = visit.repository, visit.call.json, _one_label(visit)
    renamed = body.get("new_name", one["name"])
    if renamed.lower() != one["name"].lower() and renamed.lower() in {name.lower() for name in it.labels}:
        raise invalid("Label", "name", "already_exists")
    changed = {**one, "name": renamed, "color": _color(body.get("color", one["color"])),
               "description": body.get("description", one["description"])}  # fmt: skip
    del it.labels[one["name"]]
    it.labels[renamed] = changed
    return Answer(200, shown_label(visit, changed))


@operation("DELETE", REPO + "/labels/{name}", **LABELS)
def delete_label(visit: Visit) -> Answer:
    del visit.repository.labels[_one_label(visit)["name"]]
    return Answer(204)


def _one_label(visit: Visit) -> dict[str, Any]:
    wanted = visit.call.named("name").lower()
    for name, one in visit.repository.labels.items():
        if name.lower() == wanted:
            return one
    raise not_found()


def _color(color: str) -> str:
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", color):
        raise invalid("Label", "color")
    return color.lower()


def shown_label(visit: Visit, one: dict[str, Any]) -> dict[str, Any]:
    url = f"{visit.world.api}/repos/{visit.repository.full_name}/labels/{quote(one['name'], safe='')}"
    return {**one, "node_id": f"LA_{one['id']}", "url": url}
