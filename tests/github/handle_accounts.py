"""Calls about people and organisations, and making repositories for them."""

from __future__ import annotations

import re
from typing import Any

from . import shapes
from .accounts import Account, Organization
from .operations import Visit, operation
from .repositories import Repository
from .web import Answer, Refused, invalid, not_found, paged, paged_object

SWITCHES = {
    "has_issues", "has_projects", "has_wiki", "has_discussions", "is_template", "allow_squash_merge",
    "allow_merge_commit", "allow_rebase_merge", "allow_auto_merge", "delete_branch_on_merge", "allow_update_branch",
    "allow_forking", "web_commit_signoff_required", "use_squash_pr_title_as_default", "squash_merge_commit_title",
    "squash_merge_commit_message", "merge_commit_title", "merge_commit_message",
}  # fmt: skip


@operation("GET", "/meta", scopes="")
def meta(visit: Visit) -> Answer:
    return Answer(200, {"verifiable_password_authentication": False})


@operation("GET", "/rate_limit", scopes="")
def rate_limit(visit: Visit) -> Answer:
    rate = {"limit": 5000, "remaining": 4999, "reset": 4102444800, "used": 1}
    return Answer(200, {"resources": {"core": rate, "search": {**rate, "limit": 30}}, "rate": rate})


@operation("GET", "/user", scopes="")
def current_user(visit: Visit) -> Answer:
    token = visit.person
    if token.kind == "app":
        raise Refused(403, "Resource not accessible by integration")
    return Answer(200, shapes.full_user(visit.world, visit.world.account(token.login), token))


@operation("GET", "/users/{username}", scopes="")
def user(visit: Visit) -> Answer:
    account = visit.world.account(visit.call.named("username"))
    return Answer(200, shapes.full_user(visit.world, account, visit.token))


@operation("GET", "/user/orgs", scopes="admin:org, read:org, repo, user, write:org")
def my_organizations(visit: Visit) -> Answer:
    token, world = visit.person, visit.world
    mine = [
        shapes.organization_simple(world, owner)
        for owner in world.accounts.values()
        if isinstance(owner, Organization) and token.login.lower() in owner.members
        and not (token.kind == "fine-grained" and token.owner.lower() != owner.login.lower())
    ]  # fmt: skip
    return paged(visit.call, mine, world.api)


@operation("GET", "/user/memberships/orgs/{org}", scopes="admin:org, read:org, repo, user, write:org")
def my_membership(visit: Visit) -> Answer:
    return _membership(visit, visit.person.login)


@operation("GET", "/orgs/{org}/memberships/{username}", permissions="members=read", scopes="admin:org, read:org")
def membership(visit: Visit) -> Answer:
    return _membership(visit, visit.call.named("username"))


def _membership(visit: Visit, login: str) -> Answer:
    world = visit.world
    owner = world.organization(visit.call.named("org"))
    world.single_sign_on(visit.person, owner)
    role = owner.members.get(login.lower())
    if role is None or visit.person.login.lower() not in owner.members:
        raise not_found()
    url = f"{world.api}/orgs/{owner.login}"
    return Answer(200, {
        "url": f"{url}/memberships/{login}", "state": "active", "role": role, "organization_url": url,
        "organization": shapes.organization_simple(world, owner),
        "user": shapes.simple_user(world, world.account(login)),
    })  # fmt: skip


@operation("GET", "/orgs/{org}", scopes="admin:org, read:org, repo, user, write:org")
def organization(visit: Visit) -> Answer:
    owner = visit.world.organization(visit.call.named("org"))
    if visit.token is not None:
        visit.world.single_sign_on(visit.token, owner)
    return Answer(200, shapes.organization(visit.world, owner, visit.token))


@operation("GET", "/orgs/{org}/teams", permissions="members=read", scopes="admin:org, read:org, repo, user, write:org")
def teams(visit: Visit) -> Answer:
    owner = _seen_from_inside(visit)
    listed = [shapes.team(visit.world, owner, team) for team in owner.teams.values()]
    return paged(visit.call, listed, visit.world.api)


@operation("GET", "/orgs/{org}/teams/{team_slug}", permissions="members=read", scopes="admin:org, read:org, repo")
def team(visit: Visit) -> Answer:
    owner = _seen_from_inside(visit)
    one = owner.teams.get(visit.call.named("team_slug"))
    if one is None:
        raise not_found()
    counts = {"members_count": len(one.members), "repos_count": 0, "created_at": "2026-01-01T00:00:00Z"}
    inside = {"updated_at": "2026-01-01T00:00:00Z", "organization": shapes.organization(visit.world, owner, None)}
    return Answer(200, {**shapes.team(visit.world, owner, one), **counts, **inside})


def _seen_from_inside(visit: Visit) -> Organization:
    """The organisation for its members with the right to read them; others see nothing (404)."""
    owner = visit.world.organization(visit.call.named("org"))
    token = visit.person
    visit.world.single_sign_on(token, owner)
    scoped = token.scoped and token.all_scopes & {"read:org", "admin:org", "repo", "user"}
    if token.login.lower() not in owner.members or not (scoped or token.permits("members=read")):
        raise not_found() if token.scoped else Refused(403, "Resource not accessible by personal access token")
    return owner


def _for_owners(visit: Visit) -> Organization:
    """The organisation for its owners with ``admin:org`` (or organization_administration=read)."""
    owner = visit.world.organization(visit.call.named("org"))
    token = visit.person
    visit.world.single_sign_on(token, owner)
    allowed = (
        "admin:org" in token.all_scopes if token.scoped else token.permits("organization_administration=read")
    )  # fmt: skip
    if owner.members.get(token.login.lower()) != "admin" or not allowed:
        raise Refused(403, "Must have admin rights to Organization.")
    return owner


@operation("GET", "/orgs/{org}/actions/permissions", permissions="organization_administration=read", scopes="admin:org")
def organization_actions(visit: Visit) -> Answer:
    owner = _for_owners(visit)
    body: dict[str, Any] = {"enabled_repositories": owner.enabled_repositories}
    if owner.enabled_repositories != "none":
        body |= {"allowed_actions": owner.actions, "sha_pinning_required": owner.sha_pinning}
    return Answer(200, body)


@operation("GET", "/orgs/{org}/actions/permissions/selected-actions", scopes="admin:org",
           permissions="organization_administration=read")  # fmt: skip
def organization_selected(visit: Visit) -> Answer:
    owner = _for_owners(visit)
    if owner.actions != "selected":
        raise Refused(409, "Selected actions are not in use.")
    return Answer(200, owner.selected)


@operation("GET", "/orgs/{org}/actions/permissions/workflow", scopes="admin:org",
           permissions="organization_administration=read")  # fmt: skip
def organization_workflow(visit: Visit) -> Answer:
    owner = _for_owners(visit)
    return Answer(200, {
        "default_workflow_permissions": owner.workflow_permissions,
        "can_approve_pull_request_reviews": owner.approve_pull_requests,
    })  # fmt: skip


@operation("GET", "/orgs/{org}/actions/runners", permissions="organization_self_hosted_runners=read",
           scopes="admin:org, manage_runners:org")  # fmt: skip
def organization_runners(visit: Visit) -> Answer:
    _for_owners(visit)
    return paged_object(visit.call, "runners", [], visit.world.api)


@operation("GET", "/orgs/{org}/repos", scopes="admin:org, read:org, repo, user, write:org")
def organization_repositories(visit: Visit) -> Answer:
    return _listed(visit, visit.world.organization(visit.call.named("org")))


@operation("GET", "/users/{username}/repos", scopes="repo")
def user_repositories(visit: Visit) -> Answer:
    return _listed(visit, visit.world.account(visit.call.named("username")))


@operation("GET", "/user/repos", scopes="repo, public_repo")
def my_repositories(visit: Visit) -> Answer:
    token = visit.person
    wanted = visit.call.query.get("affiliation", "owner,collaborator,organization_member").split(",")
    own = lambda it: it.owner.login.lower() == token.login.lower()  # noqa: E731
    return _listed(
        visit, None,
        lambda it: visit.world.role(token.login, it) in {"admin", "write", "maintain"}
        and (own(it) or set(wanted) != {"owner"}),
    )  # fmt: skip


def _listed(visit: Visit, owner: Account | None, wanted: Any = lambda it: True) -> Answer:
    world = visit.world

    def visible(it: Repository) -> bool:
        try:
            world.may(visit.token, it, role="read", permissions="metadata=read")
        except Refused:
            return False
        return (owner is None or it.owner is owner) and bool(wanted(it))

    shown = [shapes.repository(world, it, visit.token) for it in world.repositories.values() if visible(it)]
    if visit.call.query.get("sort") == "full_name":
        shown.sort(key=lambda one: one["full_name"].lower(), reverse=visit.call.query.get("direction") == "desc")
    return paged(visit.call, shown, world.api)


@operation("POST", "/user/repos", permissions="administration=write", scopes="public_repo, repo")
def make_own(visit: Visit) -> Answer:
    owner = visit.world.account(visit.person.login)
    private = bool(visit.call.json.get("private", False))
    return _make(visit, owner, "private" if private else "public")


@operation("POST", "/orgs/{org}/repos", permissions="administration=write", scopes="public_repo, repo")
def make_in_organization(visit: Visit) -> Answer:
    owner = visit.world.organization(visit.call.named("org"))
    token, body = visit.person, visit.call.json
    visit.world.single_sign_on(token, owner)
    role = owner.members.get(token.login.lower())
    if role is None:
        raise Refused(403, "You need to be a member of this organization to create a repository.")
    visibility = body.get("visibility") or ("private" if body.get("private") else "public")
    allowed = owner.members_create and (visibility != "public" or owner.members_create_public)
    if role != "admin" and not allowed:
        # Docs "Restricting repository creation in your organization".
        raise Refused(403, "You do not have permission to create repositories in this organization.")
    if visibility == "internal" and owner.plan != "enterprise":
        raise invalid("Repository", "visibility", "custom", "Only organizations of an enterprise have internal ones.")
    return _make(visit, owner, visibility)


def _make(visit: Visit, owner: Account, visibility: str) -> Answer:
    world, body, token = visit.world, visit.call.json, visit.person
    if token.scoped and ("repo" if visibility != "public" else "public_repo") not in token.all_scopes:
        raise not_found()
    if not token.scoped:
        mine = (token.owner or token.login).lower() == owner.login.lower()
        # Facts: a fine-grained token makes repositories only with Administration on all repositories of its owner.
        if not mine or token.repositories is not None or not token.permits("administration=write"):
            kind = "integration" if token.kind == "app" else "personal access token"
            raise Refused(403, f"Resource not accessible by {kind}")
    name = checked_name(body["name"])
    if world.find(f"{owner.login}/{name}"):
        raise name_taken()
    made = world.make_repository(owner, name, visibility)
    world.moved.pop(made.full_name.lower(), None)  # docs "Renaming a repository": a new one ends the redirect
    made.description, made.homepage = body.get("description"), body.get("homepage") or None
    for key in SWITCHES & set(body):
        setattr(made.settings, key, body[key])
    merges_somehow(made)
    return Answer(
        201, shapes.repository(world, made, token, full=True), {"Location": f"{world.api}/repos/{made.full_name}"}
    )


def checked_name(name: str) -> str:
    """The name as GitHub keeps it (docs: letters, digits, ``.-_``; other characters become ``-``)."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    if not kept or len(kept) > 100 or kept in {".", ".."} or kept.lower().endswith(".git"):
        raise invalid("Repository", "name", "custom", "name is invalid")
    return kept


def name_taken() -> Refused:
    """422 for a name that another repository of the owner has, in any case."""
    return Refused(
        422, "Repository creation failed.",
        errors=[{"resource": "Repository", "code": "custom", "field": "name",
                 "message": "name already exists on this account"}],
    )  # fmt: skip


def merges_somehow(it: Repository) -> None:
    """Docs "Update a repository": at least one way of merging stays."""
    chosen = it.settings
    if not (chosen.allow_merge_commit or chosen.allow_squash_merge or chosen.allow_rebase_merge):
        chosen.allow_merge_commit = True
        raise invalid(
            "Repository",
            "merge_commit_allowed",
            "no_merge_method",
            "Sorry, you need to allow at least one merge strategy.",
        )
