"""What GitHub's plans hold, as a table."""

from __future__ import annotations

from typing import NamedTuple

from mlopsgen.forge.github.errors import PlanMissing
from mlopsgen.forge.github.place import Place
from mlopsgen.forge.values import Limit


class Holds(NamedTuple):
    """What a plan holds for repositories that are not public; public ones have everything.

    Attributes:
        environments: Environments with their secrets, variables and branches.
        reviewers: Reviewers and wait timers of environments.
        rulesets: Rulesets.
        internal: Repositories that everybody in the enterprise may read.
    """

    environments: bool
    reviewers: bool
    rulesets: bool
    internal: bool


EVERYTHING = Holds(environments=True, reviewers=True, rulesets=True, internal=True)
# GitHub's documentation: "Managing environments for deployment" and "About rulesets", by plan.
PLANS = {
    "free": Holds(environments=False, reviewers=False, rulesets=False, internal=False),
    "pro": Holds(environments=True, reviewers=False, rulesets=True, internal=False),
    "team": Holds(environments=True, reviewers=False, rulesets=True, internal=False),
    "enterprise": EVERYTHING,
}
NAMES = {"free": "Free", "pro": "Pro", "team": "Team", "enterprise": "Enterprise"}


class Plan(NamedTuple):
    """What is known of the owner's plan.

    Attributes:
        holds: What it holds.
        name: What it is called; empty if that is not known.
        sure: Whether GitHub, or the owner, says so.
    """

    holds: Holds
    name: str
    sure: bool = True


def find_plan(place: Place, given: str) -> Plan:
    """The owner's plan: as it is given, as GitHub tells it, or as one of the owner's private repositories shows it.

    Args:
        place: The repository.
        given: The plan as the owner says it, or ``auto``.
    """
    if given in PLANS:
        return Plan(PLANS[given], given)
    if not place.account.has_plans:
        return Plan(EVERYTHING, "")
    owner = place.account.owner(place.owner)
    name = owner.plan if owner is not None else ""
    if name in PLANS:
        return Plan(PLANS[name], name)
    has_rulesets = _has_rulesets(place)
    if has_rulesets is False:
        return Plan(PLANS["free"], "free")
    if has_rulesets and not place.organisation:
        return Plan(PLANS["pro"], "pro")
    return Plan(EVERYTHING, "", sure=False)


def environments_limit(visibility: str, has: str, server: str) -> Limit:
    """Why there are no environments."""
    return Limit(
        reason=f"environments of a {visibility} repository need the plan Pro, Team or Enterprise{has}",
        instead="its variables and secrets become the repository's",
        hint=pricing_hint(server),
    )


def reviewers_limit(visibility: str, has: str, server: str) -> Limit:
    """Why an environment has no reviewers."""
    return Limit(
        reason=f"reviewers and wait timers of a {visibility} repository need the plan Enterprise{has}",
        instead="the environment is made without them: who may push to its branch deploys without approval",
        hint=pricing_hint(server),
        fields=("reviewers", "wait_minutes"),
    )


def rulesets_limit(visibility: str, has: str, server: str) -> Limit:
    """Why there are no rulesets."""
    return Limit(
        reason=f"rulesets of a {visibility} repository need the plan Pro, Team or Enterprise{has}",
        instead="nothing enforces it: whoever may write can push to these branches directly",
        hint=pricing_hint(server),
    )


def pricing_hint(server: str) -> str:
    """What a person can do who wants more than the plan holds."""
    return f"Change the plan ({server}/pricing), or make the repository public."


def is_free(place: Place) -> bool:
    """Whether the repository itself, which is there and not public, shows that the plan holds no rulesets."""
    return place.data is not None and bool(place.data.get("private")) and _has_rulesets(place) is False


def _has_rulesets(place: Place) -> bool | None:
    """Whether a private repository of the owner can have rulesets, which Free has not; ``None`` if there is none."""
    doing = "Looking at what the plan holds"
    path = f"/orgs/{place.owner}/repos" if place.organisation else "/user/repos"
    if place.data is not None:
        listed = [place.data]
    else:
        answer = place.account.client.request("GET", path, doing=doing, query={"per_page": 100}, accept={403, 404})
        listed = answer.data if answer.status == 200 else []
    for each in listed:
        mine = str((each.get("owner") or {}).get("login") or "").lower() == place.owner.lower()
        if mine and each.get("private") and not each.get("archived"):
            try:
                place.account.client.request("GET", f"/repos/{each['full_name']}/rulesets", doing=doing)
            except PlanMissing:
                return False
            return True
    return None
