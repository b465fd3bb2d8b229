"""What a forge holds, compared three ways: what shall be, what is, and what was asked for when it was last pushed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mlopsgen.forge.values import Key, Kind, Limit, Resource, Value
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.fallback import limit_of
from mlopsgen.remote.ground import without_ground
from mlopsgen.remote.loosening import VISIBILITIES, loosens
from mlopsgen.remote.needs import environment_of
from mlopsgen.remote.observed import Observed
from mlopsgen.remote.plan import Act, Item
from mlopsgen.remote.words import WHOLE, Field, change, fields_of, phrase, telling, words

_TAKE_OVER = "--take-over brings that about"
_DEFAULT_BRANCH = Key(Kind.SETTING, "default-branch")
VISIBILITY = Key(Kind.SETTING, "visibility")


def compare(
    desired: Desired,
    observed: Observed,
    asked: Sequence[Sequence[Resource]],
    limits: Mapping[Key, Limit],
    *,
    take_over: bool,
) -> list[Item]:
    """An item for each wanted resource, and for what lets more happen than is wanted.

    Args:
        desired: What shall be.
        observed: What is.
        asked: What the remote's own commits ask for, newest first; empty where nothing is known.
        limits: What the forge will refuse.
        take_over: Change what people changed, too.
    """
    comparison = _Comparison(
        desired=desired,
        observed=observed,
        asked=[{resource.key: resource.value for resource in version} for version in asked],
        limits=limits,
        take_over=take_over,
    )
    items = [comparison.item(one) for one in desired.resources if one.key.kind is not Kind.REPOSITORY]
    items = without_ground(items, desired, observed)
    return [*items, *comparison.extras()]


@dataclass(frozen=True, kw_only=True)
class _Comparison:
    desired: Desired
    observed: Observed
    asked: Sequence[Mapping[Key, Value]]
    limits: Mapping[Key, Limit]
    take_over: bool

    def item(self, wanted: Resource) -> Item:
        key = wanted.key
        present = self.observed.snapshot.resources
        limit = limit_of(self.observed.snapshot.unreadable, key)
        if limit is not None:
            # What the forge does not show because it does not have it, is better told by what it does not have.
            known = limit_of(self.limits, key)
            item = self._cannot(wanted, known if known is not None and not known.fields else limit)
        elif key.kind is Kind.RUNNER:
            item = self._runner(wanted)
        elif key.kind is Kind.SECRET:
            item = self._secret(wanted)
        elif key == _DEFAULT_BRANCH and key not in self.desired.owned and not self._will_be_there(wanted.value):
            reason = f"there is no branch '{words(wanted.value)}' yet"
            item = self._cannot(wanted, Limit(reason=reason, hint=f"Make it: git branch {words(wanted.value)}"))
        elif key not in present:
            item = self._new(wanted)
        else:
            item = self._present(wanted, present[key])
        limit = limit_of(self.limits, key)
        if limit is not None and not limit.fields and item.act in (Act.CREATE, Act.CHANGE):
            return self._cannot(wanted, limit, detail=item.detail)
        return item

    def extras(self) -> Iterator[Item]:
        """Policies that nobody wants: they let more branches deploy."""
        wanted = {resource.key for resource in self.desired.resources}
        environments = {key.name for key in wanted if key.kind is Kind.ENVIRONMENT}
        for key in sorted(self.observed.snapshot.resources):
            if key.kind is Kind.POLICY and key.scope in environments and key not in wanted:
                reason = f"added on the remote: '{key.name}' can use {key.scope} as well; mlopsgen never takes it away"
                yield _item(Act.KEEP, key, reason=reason)

    def _new(self, wanted: Resource) -> Item:
        key = wanted.key
        extends = key.kind is Kind.POLICY and self._names_branches(key.scope)
        return replace(_item(Act.CREATE, key, detail=_detail(wanted)), resource=wanted, loosens=extends)

    def _names_branches(self, environment: str) -> bool:
        """Whether an environment is there that one more policy opens further; one open to any branch cannot be."""
        key = Key(Kind.ENVIRONMENT, environment)
        present = self.observed.snapshot.resources
        return key in present and fields_of(present[key]).get("branches") != "all"

    def _present(self, wanted: Resource, present: Value) -> Item:
        key = wanted.key
        now, shall = fields_of(present), fields_of(wanted.value)
        different = [name for name in shall if not _is_equal(name, now.get(name), shall[name])]
        if not different:
            return _item(Act.KEEP, key, detail=_detail(wanted))
        if key in self.desired.owned:
            return self._owned(wanted, present)
        ours = [name for name in different if self._is_ours(key, name, now.get(name), shall[name])]
        theirs = [name for name in different if name not in ours]
        if key == VISIBILITY and widens(present, wanted.value):
            return self._wider(wanted, present)
        reason = self._by_people(now, shall, theirs) if theirs else ""
        if theirs and key == VISIBILITY:
            reason += "; what is pushed can be seen by more people than wanted"
        if not ours:
            return replace(_item(Act.KEEP, key, detail="", reason=reason), resource=wanted)
        loose = [name for name in ours if loosens(key.kind, key.name, name, now.get(name), shall[name])]
        changes = [
            change(name, now.get(name), shall[name]) + (" (less protection)" if name in loose else "") for name in ours
        ]
        merged = {name: now.get(name) if name in theirs else value for name, value in shall.items()}
        result: Value = merged[WHOLE] if tuple(merged) == (WHOLE,) else merged
        item = _item(Act.CHANGE, key, detail="; ".join(changes), reason=reason)
        return replace(item, loosens=bool(loose), resource=replace(wanted, value=result))

    def _owned(self, wanted: Resource, present: Value) -> Item:
        found = self.observed.repository
        if found is not None and _version(found.tool_version) > _version(self.desired.tool_version):
            reason = f"mlopsgen {found.tool_version}, which is newer than this one, made it"
            return _item(Act.KEEP, wanted.key, detail=words(present), reason=reason)
        detail = f"{words(present)} -> {words(wanted.value)}"
        return replace(_item(Act.CHANGE, wanted.key, detail=detail), resource=wanted)

    def _is_ours(self, key: Key, field: str, now: Field, shall: Field) -> bool:
        """Whether a difference is not a person's decision: nobody touched it since it was last asked for.

        Protection is given away only against the newest version: an older one may be what a person went back to.
        """
        found = self.observed.repository
        if self.take_over or found is None or (not found.branches and not _is_a_choice(key, now)):
            return True
        counting = self.asked[:1] if loosens(key.kind, key.name, field, now, shall) else self.asked
        fields = [fields_of(version[key]) for version in counting if key in version]
        return any(field in before and _is_equal(field, before[field], now) for before in fields)

    def _by_people(self, now: Mapping[str, Field], shall: Mapping[str, Field], names: list[str]) -> str:
        there = "; ".join(phrase(name, now.get(name)) or "nothing" for name in names)
        wanted = "; ".join(phrase(name, shall[name]) for name in names)
        how = "changed" if self.asked else "set"
        return f"{_ended(f'{how} on the remote: {there}')} {_ended(f'mlopsgen wants: {wanted}')} {_TAKE_OVER}"

    def _secret(self, wanted: Resource) -> Item:
        key = wanted.key
        if key in self.observed.snapshot.resources:
            if key in self.desired.rotated and key in self.desired.given:
                return replace(_item(Act.CHANGE, key, detail="a new value"), resource=wanted)
            return _item(Act.KEEP, key, detail=_updated(self.observed.snapshot.resources[key]))
        if key in self.desired.given:
            return replace(_item(Act.CREATE, key, detail=wanted.purpose), resource=wanted)
        if wanted.optional:
            return _item(Act.KEEP, key, detail="not set; it is optional")
        environment, name = (key.scope, key.name) if key.scope else environment_of(key.name)
        where = f" --branch {environment}" if environment else ""
        limit = Limit(
            reason="no value was given for it",
            instead="everything else is made; what needs it fails until it is set",
            hint=f"mlopsgen secrets set {name}{where}",
        )
        return self._cannot(wanted, limit)

    def _runner(self, wanted: Resource) -> Item:
        if wanted.key in self.observed.snapshot.resources:
            return _item(Act.KEEP, wanted.key, detail="online")
        limit = limit_of(self.limits, wanted.key) or Limit(
            reason="no runner with these labels is online",
            instead="its jobs wait until one is, for 24 hours at most",
            hint="mlopsgen runner add",
        )
        return self._cannot(wanted, limit)

    def _wider(self, wanted: Resource, present: Value) -> Item:
        limit = Limit(
            reason=f"it is {words(present)}, and only a person lets more people see a repository",
            instead=f"it stays {words(present)}",
            hint="On the repository's page: Settings, General, Danger Zone, Change visibility.",
        )
        return self._cannot(wanted, limit, detail=change(WHOLE, words(present), words(wanted.value)))

    def _cannot(self, wanted: Resource, limit: Limit, *, detail: str | None = None) -> Item:
        text = _detail(wanted) if detail is None else detail
        item = _item(Act.CANNOT, wanted.key, detail=text, reason=limit.reason)
        return replace(item, instead=limit.instead, hint=limit.hint, resource=wanted)

    def _will_be_there(self, branch: Value) -> bool:
        found = self.observed.repository
        return branch in self.desired.branches or (found is not None and branch in found.branches)


def _item(act: Act, key: Key, *, detail: str = "", reason: str = "") -> Item:
    return Item(act=act, kind=key.kind, name=key.name, scope=key.scope, detail=detail, reason=reason)


def _detail(wanted: Resource) -> str:
    match wanted.key.kind:
        case Kind.POLICY:
            return f"the {words(wanted.value) or 'branch'} '{wanted.key.name}' may use it"
        case Kind.SECRET:
            return wanted.purpose
        case Kind.RUNNER:
            return wanted.purpose
        case _:
            return words(telling(wanted.value))


def _updated(value: Value) -> str:
    return f"set {value}" if isinstance(value, str) and value else "set"


def _is_a_choice(key: Key, now: Field) -> bool:
    """Whether a value in a repository without branches was a person's, and not what a new repository begins with.

    Our own beginning sets the page and the visibility with the repository, and makes rulesets last of all.
    """
    return key.kind is Kind.RULESET or key == VISIBILITY or (key == Key(Kind.SETTING, "about") and bool(now))


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _is_equal(field: str, one: Field, other: Field) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        # Logins and teams are the same in capitals.
        spelt = str.casefold if field == "reviewers" else str
        return sorted(map(spelt, one)) == sorted(map(spelt, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def widens(present: Value, wanted: Value) -> bool:
    """Whether more people would see a repository of the visibility ``wanted`` than one of ``present``."""
    order = list(VISIBILITIES)
    return present in order and wanted in order and order.index(str(wanted)) > order.index(str(present))


def _version(text: str) -> tuple[int, ...]:
    """A version's numbers, for comparing; anything that is no number ends it."""
    numbers = []
    for part in text.split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)
