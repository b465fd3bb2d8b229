"""What waits in a plan: a branch for its environment, and for a branch whatever is made of it or protects it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlopsgen.forge.values import Key, Kind
from mlopsgen.remote.observed import Observed
from mlopsgen.remote.plan import Act, Item
from mlopsgen.remote.words import fields_of

_LATER = "Solve that first, then run this again."


def with_waiting(items: Sequence[Item], observed: Observed, first: str) -> list[Item]:
    """The items, where what comes after something that cannot be done cannot be done either.

    Args:
        items: What is planned.
        observed: What is there.
        first: The branch that is pushed before the others.
    """
    waiting = _Waiting(
        present=frozenset(() if observed.repository is None else observed.repository.branches),
        unmade={
            item.name: item
            for item in items
            if item.kind is Kind.ENVIRONMENT
            and item.act is Act.CANNOT
            and not (item.scope or item.instead)
            and item.key not in observed.snapshot.resources
        },
        first=first,
    )
    branches = {item.name: waiting.branch(item) for item in items if item.kind is Kind.BRANCH}
    missing = {name for name, item in branches.items() if item.act is Act.CANNOT and name not in waiting.present}
    if first in missing and not waiting.present:
        branches = {name: waiting.after_first(item) for name, item in branches.items()}
        missing = set(branches)
    found = [branches[item.name] if item.kind is Kind.BRANCH else _after(item, missing) for item in items]
    # A branch that is not there is nobody's upstream.
    return [item for item in found if not (item.kind is Kind.UPSTREAM and item.name in missing)]


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    present: frozenset[str]
    unmade: dict[str, Item]
    first: str

    def branch(self, item: Item) -> Item:
        """A workflow that names an environment which is not there would make it, without any protection."""
        environment = self.unmade.get(item.name)
        if environment is None or item.act not in (Act.CREATE, Act.CHANGE):
            return item
        reason = "its environment cannot be made, and without it nothing would protect what its workflow does"
        return replace(item, act=Act.CANNOT, reason=reason, hint=environment.hint or _LATER)

    def after_first(self, item: Item) -> Item:
        """The first branch becomes the default one, and the others follow it."""
        if item.act not in (Act.CREATE, Act.CHANGE):
            return item
        reason = f"'{self.first}' has to be there first: the first branch becomes the default one"
        return replace(item, act=Act.CANNOT, reason=reason, hint=_LATER)


def _after(item: Item, missing: set[str]) -> Item:
    if item.act not in (Act.CREATE, Act.CHANGE) or item.resource is None:
        return item
    value = item.resource.value
    if item.kind is Kind.RULESET and item.act is Act.CREATE:
        # It would refuse the push that makes the branch.
        branches = fields_of(value).get("branches")
        names = sorted(missing & set(branches if isinstance(branches, tuple) else ()))
    elif item.key == Key(Kind.SETTING, "default-branch"):
        names = sorted(missing & {str(value)})
    else:
        return item
    if not names:
        return item
    reason = f"it comes after its branch, and {' and '.join(names)} cannot be pushed"
    return replace(item, act=Act.CANNOT, reason=reason, hint=_LATER)
