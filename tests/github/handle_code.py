"""Calls about branches, references, rules, dispatches and what others made in a repository."""

from __future__ import annotations

import re
from typing import Any

from . import rules, shapes
from .accounts import Organization
from .operations import REPO, Visit, operation
from .repositories import Runner
from .web import Answer, Refused, invalid, not_found, paged, paged_object
from .world import ROLES, private_rulesets

READ = {"permissions": "contents=read"}
WRITE = {"role": "write", "permissions": "contents=write"}
ADMIN = {"role": "admin", "permissions": "administration=write"}
ADMIN_READ = {"role": "admin", "permissions": "administration=read"}


@operation("GET", REPO + "/branches", **READ)
def branches(visit: Visit) -> Answer:
    it = visit.repository
    url = f"{visit.world.api}/repos/{it.full_name}"
    shown = [
        {"name": name, "commit": {"sha": sha, "url": f"{url}/commits/{sha}"}, "protected": rules.protected(it, name)}
        for name, sha in sorted(it.branches.items())
    ]
    if "protected" in visit.call.query:
        shown = [one for one in shown if one["protected"] == (visit.call.query["protected"] == "true")]
    return paged(visit.call, shown, visit.world.api)


@operation("GET", REPO + "/branches/{branch}", **READ)
def branch(visit: Visit) -> Answer:
    it, name = visit.repository, visit.call.named("branch")
    sha = it.branches.get(name)
    if sha is None:
        raise Refused(404, "Branch not found")
    url = f"{visit.world.api}/repos/{it.full_name}"
    return Answer(200, {
        "name": name, "commit": _commit(visit, sha), "protected": rules.protected(it, name),
        "_links": {"self": f"{url}/branches/{name}", "html": f"{visit.world.server}/{it.full_name}/tree/{name}"},
        "protection": {"enabled": False, "required_status_checks": {"enforcement_level": "off", "contexts": [],
                                                                    "checks": []}},
        "protection_url": f"{url}/branches/{name}/protection",
    })  # fmt: skip


@operation("GET", REPO + "/branches/{branch}/protection", **ADMIN_READ)
def protection(visit: Visit) -> Answer:
    if visit.call.named("branch") not in visit.repository.branches:
        raise Refused(404, "Branch not found")
    raise Refused(404, "Branch not protected")


def _commit(visit: Visit, sha: str) -> dict[str, Any]:
    it = visit.repository
    url = f"{visit.world.api}/repos/{it.full_name}"
    parts = it.git("show", "-s", "--format=%T%n%P%n%an%n%ae%n%aI%n%B", sha).split("\n", 5)
    tree, parents, name, mail, date, message = parts
    person = {"name": name, "email": mail, "date": date}
    return {
        "sha": sha, "node_id": f"C_{sha}", "url": f"{url}/commits/{sha}", "comments_url": f"{url}/commits/{sha}/comments",
        "html_url": f"{visit.world.server}/{it.full_name}/commit/{sha}", "author": {}, "committer": {},
        "commit": {"author": person, "committer": person, "message": message, "comment_count": 0,
                   "tree": {"sha": tree, "url": f"{url}/git/trees/{tree}"}, "url": f"{url}/git/commits/{sha}"},
        "parents": [{"sha": parent, "url": f"{url}/commits/{parent}"} for parent in parents.split()],
    }  # fmt: skip


@operation("GET", REPO + "/commits", **READ)
def commits(visit: Visit) -> Answer:
    it = visit.repository
    _not_empty(visit)
    listed = it.git("rev-list", visit.call.query.get("sha") or it.default_branch, "--").split()
    answer = paged(visit.call, listed, visit.world.api)
    answer.body = [_commit(visit, sha) for sha in answer.body]
    return answer


def _not_empty(visit: Visit) -> None:
    """Facts "Empty repo: git-data API answers 409, refs cannot be created"."""
    if not visit.repository.branches:
        raise Refused(409, "Git Repository is empty.")


@operation("GET", REPO + "/git/ref/{ref}", **READ)
def reference(visit: Visit) -> Answer:
    _not_empty(visit)
    name = f"refs/{visit.call.named('ref')}"
    found = dict(_references(visit))
    if name not in found:
        raise not_found()
    return Answer(200, _reference(visit, name, found[name]))


@operation("GET", REPO + "/git/matching-refs/{ref}", **READ)
def matching_references(visit: Visit) -> Answer:
    start = f"refs/{visit.call.named('ref')}"
    return Answer(200, [_reference(visit, name, sha) for name, sha in _references(visit) if name.startswith(start)])


@operation("POST", REPO + "/git/refs", **WRITE)
def make_reference(visit: Visit) -> Answer:
    _not_empty(visit)
    it, body = visit.repository, visit.call.json
    name, sha = body["ref"], body["sha"]
    if not re.fullmatch(r"refs/[^/]+/.+", name):
        raise Refused(422, "Reference name must start with 'refs/' and contain at least two slashes.")
    if name in dict(_references(visit)):
        raise Refused(422, "Reference already exists")
    _move(visit, name, "0" * 40, sha)
    return Answer(201, _reference(visit, name, sha), {"Location": f"{visit.world.api}/repos/{it.full_name}/git/{name}"})


@operation("PATCH", REPO + "/git/refs/{ref}", **WRITE)
def move_reference(visit: Visit) -> Answer:
    _not_empty(visit)
    it, body, name = visit.repository, visit.call.json, f"refs/{visit.call.named('ref')}"
    old = dict(_references(visit)).get(name)
    if old is None:
        raise Refused(422, "Reference does not exist")
    if not body.get("force") and rules.rewrites(it.folder, old, body["sha"]):
        raise Refused(422, "Update is not a fast forward")
    _move(visit, name, old, body["sha"])
    return Answer(200, _reference(visit, name, body["sha"]))


@operation("DELETE", REPO + "/git/refs/{ref}", **WRITE)
def delete_reference(visit: Visit) -> Answer:
    _not_empty(visit)
    name = f"refs/{visit.call.named('ref')}"
    old = dict(_references(visit)).get(name)
    if old is None:
        raise Refused(422, "Reference does not exist")
    _move(visit, name, old, "0" * 40)
    return Answer(204)


def _move(visit: Visit, name: str, old: str, new: str) -> None:
    it = visit.repository
    if new.strip("0"):
        known = it.git("cat-file", "--batch-check", text=f"{new}\n")
        if not re.fullmatch(r"[0-9a-f]{40} commit \d+", known):
            raise Refused(422, "Object does not exist")
    broken = rules.violations(rules.for_push(it, visit.person.login, admin=_is_admin(visit)), it.folder, name, old, new)
    if broken:
        raise Refused(422, "Repository rule violations found\n\n" + "\n".join(broken))
    if new.strip("0"):
        it.git("update-ref", name, new)
    else:
        it.git("update-ref", "-d", name)


def _is_admin(visit: Visit) -> bool:
    return visit.world.role(visit.person.login, visit.repository) == "admin"


def _references(visit: Visit) -> list[tuple[str, str]]:
    listed = visit.repository.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return [(name, sha) for name, sha in (line.split() for line in listed)]


def _reference(visit: Visit, name: str, sha: str) -> dict[str, Any]:
    url = f"{visit.world.api}/repos/{visit.repository.full_name}/git"
    return {"ref": name, "node_id": f"REF_{name}", "url": f"{url}/{name}",
            "object": {"type": "commit", "sha": sha, "url": f"{url}/commits/{sha}"}}  # fmt: skip


@operation("GET", REPO + "/rulesets")
def rulesets(visit: Visit) -> Answer:
    _rulesets_to_be_had(visit)
    shown = [{key: value for key, value in _ruleset(visit, one).items() if key not in {"rules", "conditions",
              "bypass_actors"}} for one in visit.repository.rulesets.values()]  # fmt: skip
    owner = visit.repository.owner
    if isinstance(owner, Organization) and visit.call.query.get("includes_parents", "true") == "true":
        shown += [{"source_type": "Organization", "source": owner.login, **one} for one in owner.rulesets]
    return paged(visit.call, shown, visit.world.api)


@operation("POST", REPO + "/rulesets", **ADMIN)
def make_ruleset(visit: Visit) -> Answer:
    _rulesets_to_be_had(visit)
    it, body = visit.repository, visit.call.json
    rules.checked(it, body, None)
    made = {"id": next(visit.world.ids), "target": "branch", "bypass_actors": [], "rules": [], **body}
    made |= {"created_at": visit.world.clock(), "updated_at": visit.world.clock()}
    made.setdefault("conditions", {"ref_name": {"include": [], "exclude": []}})
    it.rulesets[made["id"]] = made
    return Answer(201, _ruleset(visit, made))


@operation("GET", REPO + "/rulesets/{ruleset_id}")
def ruleset(visit: Visit) -> Answer:
    _rulesets_to_be_had(visit)
    return Answer(200, _ruleset(visit, _one_ruleset(visit)))


@operation("PUT", REPO + "/rulesets/{ruleset_id}", **ADMIN)
def change_ruleset(visit: Visit) -> Answer:
    _rulesets_to_be_had(visit)
    one, body = _one_ruleset(visit), visit.call.json
    rules.checked(visit.repository, {**one, **body}, one["id"])
    one |= {**body, "updated_at": visit.world.clock()}
    return Answer(200, _ruleset(visit, one))


@operation("DELETE", REPO + "/rulesets/{ruleset_id}", **ADMIN)
def delete_ruleset(visit: Visit) -> Answer:
    _rulesets_to_be_had(visit)
    del visit.repository.rulesets[_one_ruleset(visit)["id"]]
    return Answer(204)


@operation("GET", REPO + "/rules/branches/{branch}")
def rules_of_branch(visit: Visit) -> Answer:
    _rulesets_to_be_had(visit)
    it, name = visit.repository, visit.call.named("branch")
    shown = [
        {**rule, "ruleset_source_type": "Repository", "ruleset_source": it.full_name, "ruleset_id": one["id"]}
        for one in it.rulesets.values()
        if one["enforcement"] == "active" and rules.covers(one, f"refs/heads/{name}", it.default_branch)
        for rule in one["rules"]
    ]
    return paged(visit.call, shown, visit.world.api)


def _rulesets_to_be_had(visit: Visit) -> None:
    # Facts "private repos need Pro/Team/Enterprise"; GitHub's own words.
    if not private_rulesets(visit.repository):
        raise Refused(403, "Upgrade to GitHub Pro or make this repository public to enable this feature.")


def _one_ruleset(visit: Visit) -> dict[str, Any]:
    found = visit.repository.rulesets.get(int(visit.call.named("ruleset_id")))
    if found is None:
        raise not_found()
    return found


def _ruleset(visit: Visit, one: dict[str, Any]) -> dict[str, Any]:
    it = visit.repository
    url = f"{visit.world.api}/repos/{it.full_name}/rulesets/{one['id']}"
    shown = {**one, "node_id": f"RRS_{one['id']}", "source_type": "Repository", "source": it.full_name,
             "_links": {"self": {"href": url}, "html": {"href": f"{visit.world.server}/{it.full_name}/rules/{one['id']}"}},
             "current_user_can_bypass": "never"}  # fmt: skip
    # Docs "Get a repository ruleset": bypass_actors only for those with write access to the ruleset.
    if visit.token is None or not _is_admin(visit):
        del shown["bypass_actors"]
    return shown


@operation("POST", REPO + "/dispatches", **WRITE)
def dispatch(visit: Visit) -> Answer:
    _dispatched(visit, visit.call.json)
    return Answer(204)


@operation("POST", REPO + "/actions/workflows/{workflow_id}/dispatches", role="write", permissions="actions=write")
def dispatch_workflow(visit: Visit) -> Answer:
    it, body, name = visit.repository, visit.call.json, visit.call.named("workflow_id")
    # Facts: to be dispatchable the file must be on the default branch.
    listed = (
        it.git("ls-tree", "--name-only", it.default_branch, ".github/workflows/").splitlines() if it.branches else []
    )
    if f".github/workflows/{name}" not in listed:
        raise not_found()
    if body["ref"].removeprefix("refs/heads/") not in it.branches:
        raise Refused(422, f"No ref found for: {body['ref']}")
    _dispatched(visit, {"workflow": name, **body})
    return Answer(204)


def _dispatched(visit: Visit, body: dict[str, Any]) -> None:
    if len(str(body.get("event_type", ""))) > 100 or len(body.get("client_payload", {})) > 10:
        raise invalid("Repository", "client_payload")  # facts "repository_dispatch"
    visit.repository.dispatched.append(body)


@operation("GET", REPO + "/actions/runners", **ADMIN_READ)
def runners(visit: Visit) -> Answer:
    shown = [shapes.runner(one) for one in visit.repository.runners.values()]
    return paged_object(visit.call, "runners", shown, visit.world.api)


@operation("GET", REPO + "/actions/runners/downloads", **ADMIN_READ)
def downloads(visit: Visit) -> Answer:
    return Answer(200, visit.world.downloads)


@operation("POST", REPO + "/actions/runners/registration-token", **ADMIN)
def registration_token(visit: Visit) -> Answer:
    return Answer(201, {"token": f"REGISTER{visit.repository.id}", "expires_at": "2030-01-01T00:00:00Z"})


@operation("POST", REPO + "/actions/runners/remove-token", **ADMIN)
def remove_token(visit: Visit) -> Answer:
    return Answer(201, {"token": f"REMOVE{visit.repository.id}", "expires_at": "2030-01-01T00:00:00Z"})


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
    return _with_state(visit, visit.repository.issues)


@operation("GET", REPO + "/pulls", permissions="pull_requests=read")
def pulls(visit: Visit) -> Answer:
    return _with_state(visit, visit.repository.pulls)


def _with_state(visit: Visit, items: list[dict[str, Any]]) -> Answer:
    state = visit.call.query.get("state", "open")
    return paged(visit.call, [one for one in items if state in {"all", one["state"]}], visit.world.api)


@operation("GET", REPO + "/forks")
def forks(visit: Visit) -> Answer:
    return paged(visit.call, visit.repository.forks, visit.world.api)


@operation("GET", REPO + "/releases", permissions="contents=read")
def releases(visit: Visit) -> Answer:
    return Answer(200, [])
