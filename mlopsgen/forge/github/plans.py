"""What GitHub's plans hold, as a table."""

from __future__ import annotations

from typing import NamedTuple


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
