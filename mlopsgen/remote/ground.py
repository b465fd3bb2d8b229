"""What something in a plan stands on: where that stays as a person left it, or cannot be had, this cannot be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlopsgen.forge.values import Key, Kind, Value
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observed import Observed
from mlopsgen.remote.plan import Act, Item

_ACTIONS, _ALERTS = Key(Kind.SETTING, "actions"), Key(Kind.SETTING, "vulnerability-alerts")
_GROUNDS = {Key(Kind.SETTING, "allowed-actions"): _ACTIONS, Key(Kind.SETTING, "security-updates"): _ALERTS}


def without_ground(items: Sequence[Item], desired: Desired, observed: Observed) -> list[Item]:
    """The items, where what has nothing to stand on is kept as it is, or cannot be done."""
    ground = _Ground(
        items={item.key: item for item in items},
        wanted={resource.key: resource.value for resource in desired.resources},
        present=observed.snapshot.resources,
    )
    return [ground.item(item) for item in items]


@dataclass(frozen=True, kw_only=True)
class _Ground:
    items: Mapping[Key, Item]
    wanted: Mapping[Key, Value]
    present: Mapping[Key, Value]

    def item(self, item: Item) -> Item:
        if item.act not in (Act.CREATE, Act.CHANGE):
            return item
        if item.key in _GROUNDS:
            return self._setting(item, _GROUNDS[item.key])
        if item.scope:
            return self._in_environment(item)
        return item

    def _setting(self, item: Item, ground: Key) -> Item:
        below = self.items.get(ground)
        if below is not None and below.act is Act.CANNOT:
            return replace(item, act=Act.CANNOT, reason=below.reason, instead=below.instead, hint=below.hint)
        now = self._will_be(ground)
        if (
            ground == _ACTIONS
            and isinstance(now, Mapping)
            and not (now.get("enabled") and now["allowed"] == "selected")
        ):
            return self._kept(
                item, "it counts only while selected actions are allowed, which was changed on the remote"
            )
        if ground == _ALERTS and now is False:
            return self._kept(item, "it needs vulnerability alerts, which were switched off on the remote")
        return item

    def _in_environment(self, item: Item) -> Item:
        key = Key(Kind.ENVIRONMENT, item.scope)
        below = self.items.get(key)
        if below is None:
            return item
        if below.act is Act.CANNOT:
            reason = f"its environment cannot be made: {below.reason}"
            return replace(item, act=Act.CANNOT, reason=reason, hint=below.hint, loosens=False)
        if item.kind not in (Kind.POLICY, Kind.SECRET) or self._admits(key, self.wanted) == self._admits(key):
            return item
        if item.kind is Kind.POLICY:
            return self._kept(item, "its environment was changed on the remote to admit branches without naming them")
        reason = "its environment was changed on the remote to admit other branches than it should"
        hint = "Let mlopsgen take the environment over (--take-over), or change it back on the remote."
        return replace(item, act=Act.CANNOT, reason=reason, hint=hint, loosens=False)

    def _kept(self, item: Item, reason: str) -> Item:
        return replace(item, act=Act.KEEP, reason=reason, loosens=False)

    def _will_be(self, key: Key) -> Value:
        """What something is when the plan is done."""
        item = self.items.get(key)
        if item is not None and item.act in (Act.CREATE, Act.CHANGE) and item.resource is not None:
            return item.resource.value
        return self.present.get(key)

    def _admits(self, key: Key, values: Mapping[Key, Value] | None = None) -> object:
        value = self._will_be(key) if values is None else values.get(key)
        return value.get("branches") if isinstance(value, Mapping) else None
