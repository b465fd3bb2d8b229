"""Calls about runners, and what others have to do with a repository."""

from __future__ import annotations

from tests.canaries import canary

from . import shapes
from .accounts import Organization
from .operations import REPO, Visit, operation
from .repositories import Repository, Runner
from .web import Answer, Refused, not_found, paged, paged_object
from .world import ROLES

ADMIN = {"role": "admin", "permissions": "administration=write"}
ADMIN_READ = {"role": "admin", "permissions": "administration=read"}


@operation("GET", REPO + "/actions/runners", **ADMIN_READ)
def runners(visit: Visit) -> Answer:
    shown = [shapes.runner(one) for one in visit.repository.runners.values()]
    return paged_object(visit.call, "runners", shown, visit.world.api)


@operation("GET", REPO + "/actions/runners/downloads", **ADMIN_READ)
def downloads(visit: Visit) -> Answer:
    return Answer(200, visit.world.downloads)


@operation("POST", REPO + "/actions/runners/registration-token", **ADMIN)
def registration_token(visit: Visit) -> Answer:
    return Answer(201, {"token": canary("registration", prefix="A"), "expires_at": "2030-01-01T00:00:00Z"})


@operation("POST", REPO + "/actions/runners/remove-token", **ADMIN)
def remove_token(visit: Visit) -> Answer:
    return Answer(201, {"token": canary("removal", prefix="A"), "expires_at": "2030-01-01T00:00:00Z"})


@operation("GET", REPO + "/actions/runners/{runner_id}", **ADMIN_READ)
def runner(visit: Visit) -> Answer:
    return Answer(200, shapes.runner(_one_runner(visit)))


@operation("DELETE", REPO + "/actions/runners/{runner_id}", **ADMIN)
def delete_runner(visit: Visit) -> Answer:
    one = _one_runner(visit)
    if one.busy:
        raise Refused(422, f'Runner "{one.name}" is still running a job.')
    del visit.repository.runners[one.id]
    return Answer(204)


def _one_runner(visit: Visit) -> Runner:
    found = visit.repository.runners.get(int(visit.call.named("runner_id")))
    if found is None:
        raise not_found()
    return found


@operation("GET", REPO + "/collaborators/{username}")
def collaborator(visit: Visit) -> Answer:
    login = visit.call.named("username")
    if login.lower() not in visit.world.accounts or visit.world.role(login, visit.repository) == "none":
        raise not_found()
    return Answer(204)


@operation("GET", REPO + "/collaborators/{username}/permission")
def permission(visit: Visit) -> Answer:
    world, login = visit.world, visit.call.named("username")
    role = world.role(world.account(login).login, visit.repository)
    legacy = {"triage": "read", "maintain": "write"}.get(role, role)
    return Answer(200, {"permission": legacy, "role_name": role,
                        "user": {**shapes.simple_user(world, world.account(login)), "role_name": role}})  # fmt: skip


@operation("GET", REPO + "/collaborators", role="write")
def collaborators(visit: Visit) -> Answer:
    world = visit.world
    found = [(one, world.role(one.login, visit.repository)) for one in world.accounts.values() if one.kind == "User"]
    shown = [{**shapes.simple_user(world, one), "role_name": role} for one, role in found
             if role != "none" and (role != "read" or visit.repository.private)]  # fmt: skip
    return paged(visit.call, shown, world.api)


@operation("GET", REPO + "/teams", **ADMIN_READ)
def teams(visit: Visit) -> Answer:
    owner = visit.repository.owner
    if not isinstance(owner, Organization):
        return Answer(200, [])
    names = dict(zip(ROLES, ("none", "pull", "triage", "push", "maintain", "admin"), strict=True))
    shown = [shapes.team(visit.world, owner, owner.teams[slug], names[role])
             for slug, role in visit.repository.teams.items()]  # fmt: skip
    return paged(visit.call, shown, visit.world.api)


@operation("GET", REPO + "/issues", permissions="issues=read")
def issues(visit: Visit) -> Answer:
    state = visit.call.query.get("state", "open")
    found = [one for one in visit.repository.issues if state in {"all", one["state"]}]
    return paged(visit.call, found, visit.world.api)


@operation("GET", REPO + "/forks")
def forks(visit: Visit) -> Answer:
    return paged(visit.call, visit.repository.forks, visit.world.api)


@operation("GET", REPO + "/releases", permissions="contents=read")
def releases(visit: Visit) -> Answer:
    return Answer(200, [])


TEAM_OF_REPOSITORY = "/orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}"
TEAM_ROLES = {"pull": "read", "push": "write"}


@operation("GET", TEAM_OF_REPOSITORY, permissions="metadata=read,members=read")
def team_of_repository(visit: Visit) -> Answer:
    # Docs "Check team permissions for a repository": 204, or 404 when the team does not manage it.
    slug, it = _team_and_repository(visit, role="read", permissions="metadata=read")
    if slug not in it.teams:
        raise not_found()
    return Answer(204)


@operation("PUT", TEAM_OF_REPOSITORY, permissions="administration=write,members=read")
def let_team_in(visit: Visit) -> Answer:
    # Docs "Add or update team repository permissions": for administrators of the repository who can see the team.
    slug, it = _team_and_repository(visit, **ADMIN)
    wanted = visit.call.json.get("permission", "push")
    it.teams[slug] = TEAM_ROLES.get(wanted, wanted)
    return Answer(204)


def _team_and_repository(visit: Visit, *, role: str, permissions: str) -> tuple[str, Repository]:
    owner = visit.world.organization(visit.call.named("org"))
    it = visit.world.find(f"{visit.call.named('owner')}/{visit.call.named('repo')}")
    slug = visit.call.named("team_slug")
    if it is None or slug not in owner.teams or visit.person.login.lower() not in owner.members:
        raise not_found()
    visit.world.may(visit.token, it, role=role, permissions=permissions)
    if it.owner is not owner:
        raise Refused(422, "The repository is not owned by the organization.")
    return slug, it
