"""Whether those who shall approve a deployment can: GitHub would refuse them, or leave them out without a word."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlopsgen.forge.github.client import quoted
from mlopsgen.forge.github.place import Place
from mlopsgen.forge.values import Limit

MOST = 6
_FIX = "Correct the reviewers in .github/remote.yaml, then run it again."


def problem_with(place: Place, reviewers: tuple[str, ...], *, visibility: str, teams: Collection[str]) -> Limit | None:
    """Why an environment cannot have these reviewers; ``None`` if it can, or if it cannot be known.

    Args:
        place: The repository.
        reviewers: Logins, and teams as ``organisation/team``.
        visibility: Who will see the repository.
        teams: Teams that have access, or will have it by then.
    """
    if len(reviewers) > MOST:
        reason = f"it has {len(reviewers)} reviewers, and GitHub takes no more than {MOST} people and teams"
        return Limit(reason=reason, hint="Name a team instead of its members (organisation/team).")
    for reviewer in reviewers:
        found = _problem(place, reviewer, visibility, teams)
        if found is not None:
            return found
    return None


def team_problem(place: Place, team: str) -> Limit | None:
    """Why a team (``organisation/team``) can have nothing to do with the repository; ``None`` if it can."""
    organisation, _, _ = team.rpartition("/")
    if not place.organisation:
        reason = f"the reviewer {team} is a team, and {place.owner} is a person, whose repositories know no teams"
        return Limit(reason=reason, hint="Name people by their login, or push to an organisation with --org.")
    if organisation.lower() != place.owner.lower():
        reason = f"the reviewer {team} is a team of another organisation than {place.owner}"
        return Limit(reason=reason, hint=_FIX)
    if place.account.reviewer(team) is None:
        unseen = ", or the token may not see it (read:org)"
        return Limit(reason=f"there is no reviewer '{team}' on {place.account.host.name}{unseen}", hint=_FIX)
    return None


def _problem(place: Place, reviewer: str, visibility: str, teams: Collection[str]) -> Limit | None:
    organisation, _, _ = reviewer.rpartition("/")
    if organisation:
        found = team_problem(place, reviewer)
        if found is not None:
            return found
    elif place.account.reviewer(reviewer) is None:
        return Limit(reason=f"there is no reviewer '{reviewer}' on {place.account.host.name}", hint=_FIX)
    if visibility == "public" or reviewer in teams:
        return None
    can = _team_can_read(place, reviewer) if organisation else _person_can_read(place, reviewer)
    if can:
        return None
    where = f"{place.account.host.page(place.owner, place.name)}/settings/access"
    if place.data is None:
        where = f"{where} once the repository is there"
    return Limit(
        reason=f"the reviewer {reviewer} may not read the repository, and GitHub leaves out who may not",
        hint=f"Give {reviewer} read access at {where}, then run it again.",
    )


def _person_can_read(place: Place, login: str) -> bool:
    if login.lower() == place.owner.lower():
        return True
    client, doing = place.account.client, f"Reading what the reviewer {login} may do"
    if place.data is not None:
        parts = ("collaborators", login, "permission")
        answer = place.request("GET", *parts, doing=doing, accept={403, 404})
        return answer.status == 403 or (answer.status == 200 and answer.data.get("permission") != "none")
    if not place.organisation:
        return False
    path = f"/orgs{quoted(place.owner)}/memberships{quoted(login)}"
    answer = client.request("GET", path, doing=doing, accept={403, 404})
    if answer.status != 200:
        return answer.status == 403
    return bool(answer.data.get("role") == "admin") or _members_can_read(place)


def _team_can_read(place: Place, reviewer: str) -> bool:
    # GitHub wants a team to have access of its own, also where every member may read.
    if place.data is None:
        return False
    return place.team_reads(reviewer, f"Reading what the reviewer {reviewer} may do")


def _members_can_read(place: Place) -> bool:
    """Whether every member of the organisation may read its repositories; GitHub tells it to members."""
    owner = place.account.owner(place.owner)
    data: Mapping[str, Any] = owner.data if owner is not None else {}
    return str(data.get("default_repository_permission") or "read") != "none"
