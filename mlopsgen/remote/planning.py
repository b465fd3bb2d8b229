"""From what is wanted to a plan that can be applied: read, compare, ask what is possible, compare again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from mlopsgen.adapters.git import GitRepository
from mlopsgen.forge.protocol import Forge
from mlopsgen.forge.values import Key, Limit, Resource
from mlopsgen.remote.compare import differing, has_drift, make_plan
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.fallback import fall_back, limit_of
from mlopsgen.remote.observe import observe
from mlopsgen.remote.observed import Observed
from mlopsgen.remote.plan import Plan

_NOTHING_LEARNT: Mapping[Key, Limit] = {}

Version = Sequence[Resource]
"""What was asked for at one time."""
Asked = Callable[[Observed], Iterable[Version]]
"""Tells what the remote's own commits ask for, newest first; their objects are in the repository by then."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan, with what it was made from.

    Attributes:
        plan: What has to be done.
        desired: What is wanted, with all that the forge can give of it.
        observed: What was found.
        limits: What the forge will refuse.
    """

    plan: Plan
    desired: Desired
    observed: Observed
    limits: Mapping[Key, Limit] = field(default_factory=dict)

    @property
    def refused_by_rights(self) -> bool:
        """Whether nothing can be done because of the token, or of what its owner may do."""
        limit = None if self.plan.refused is None else limit_of(self.limits, self.plan.refused.key)
        return limit is not None and limit.rights


def plan_remote(
    desired: Desired,
    forge: Forge,
    source: GitRepository,
    *,
    asked: Asked | None = None,
    take_over: bool = False,
    learnt: Mapping[Key, Limit] = _NOTHING_LEARNT,
    look: Callable[[Desired], Observed] | None = None,
) -> Planned:
    """Make the plan that brings the remote to what is wanted; nothing is changed.

    Args:
        desired: What is wanted.
        forge: Where.
        source: The repository that is pushed.
        asked: Tells what was wanted when the remote was pushed to, so that what people changed since is seen. The
            newest is enough where nothing seems to be theirs; the earlier ones are asked for only then.
        take_over: Change what people changed, too.
        learnt: What the forge has refused although it had not told that it would.
        look: Reads what there is, where that is not what a clone and the forge have; ``None`` for just that.

    Raises:
        OccupiedError: The address holds something else.
        PermissionDenied: The forge does not let this person in.
    """
    look = look or partial(observe, forge, source)
    observed = look(desired)
    older = iter(asked(observed) if asked is not None else ())
    versions = list(islice(older, 1))

    def compared(wanted: Desired, limits: Mapping[Key, Limit] = _NOTHING_LEARNT) -> Plan:
        return make_plan(wanted, observed, asked=versions, limits=limits, take_over=take_over)

    plan = compared(desired)
    if has_drift(plan):
        versions += older
        plan = compared(desired)
    if plan.refused is not None or not differing(plan):
        return Planned(plan=plan, desired=desired, observed=observed)
    limits = {**forge.limits(differing(plan), observed.snapshot), **learnt}
    possible = fall_back(desired, limits)
    if {one.key for one in possible.resources} - {one.key for one in desired.resources}:
        # Something is kept in another place now: look there as well.
        observed = look(possible)
        limits = {**limits, **forge.limits(differing(compared(possible, limits)), observed.snapshot)}
    return Planned(plan=compared(possible, limits), desired=possible, observed=observed, limits=limits)
