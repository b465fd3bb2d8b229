"""Calls about rulesets; docs "Rules", facts "Rulesets and protection"."""

from __future__ import annotations

from typing import Any

from . import rules
from .accounts import Organization
from .operations import REPO, Visit, operation
from .web import Answer, Refused, not_found, paged
from .world import private_rulesets

ADMIN = {"role": "admin", "permissions": "administration=write"}


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
    page = f"{visit.world.server}/{it.full_name}/rules/{one['id']}"
    admin = visit.token is not None and visit.world.role(visit.token.login, it) == "admin"
    shown = {
        **one, "node_id": f"RRS_{one['id']}", "source_type": "Repository", "source": it.full_name,
        "_links": {"self": {"href": url}, "html": {"href": page}},
        "current_user_can_bypass": "always" if rules.bypassed(one, admin=admin) else "never",
    }  # fmt: skip
    # Docs "Get a repository ruleset": bypass_actors only for those with write access to the ruleset.
    if not admin:
        del shown["bypass_actors"]
    return shown
