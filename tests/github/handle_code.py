"""Calls about branches, commits and references."""

from __future__ import annotations

import re
from typing import Any

from . import rules
from .operations import REPO, Visit, operation
from .web import Answer, Refused, not_found, paged

READ = {"permissions": "contents=read"}
WRITE = {"role": "write", "permissions": "contents=write"}
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
        "name": name, "commit": shown_commit(visit, sha), "protected": rules.protected(it, name),
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


def shown_commit(visit: Visit, sha: str) -> dict[str, Any]:
    """A commit in GitHub's answers."""
    it = visit.repository
    url = f"{visit.world.api}/repos/{it.full_name}"
    parts = it.git("show", "-s", "--format=%T%n%P%n%an%n%ae%n%aI%n%B", sha).split("\n", 5)
    tree, parents, name, mail, date, message = parts
    person = {"name": name, "email": mail, "date": date}
    return {
        "sha": sha, "node_id": f"C_{sha}", "url": f"{url}/commits/{sha}",
        "comments_url": f"{url}/commits/{sha}/comments",
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
    answer.body = [shown_commit(visit, sha) for sha in answer.body]
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
    admin = visit.world.role(visit.person.login, it) == "admin"
    broken = rules.violations(rules.for_push(it, visit.person.login, admin=admin), it.folder, name, old, new)
    if broken:
        raise Refused(422, "Repository rule violations found\n\n" + "\n".join(broken))
    if new.strip("0"):
        it.git("update-ref", name, new)
    else:
        it.git("update-ref", "-d", name)


def _references(visit: Visit) -> list[tuple[str, str]]:
    listed = visit.repository.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return [(name, sha) for name, sha in (line.split() for line in listed)]


def _reference(visit: Visit, name: str, sha: str) -> dict[str, Any]:
    url = f"{visit.world.api}/repos/{visit.repository.full_name}/git"
    return {"ref": name, "node_id": f"REF_{name}", "url": f"{url}/{name}",
            "object": {"type": "commit", "sha": sha, "url": f"{url}/commits/{sha}"}}  # fmt: skip
