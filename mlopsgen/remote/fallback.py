"""What is wanted where a forge cannot give it: what takes its place, and the protection that is lost. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mlopsgen.forge.values import Key, Kind, Limit, Resource
from mlopsgen.remote.desired import Desired, Lost
from mlopsgen.remote.needs import repository_name
from mlopsgen.remote.words import telling, words

_MOVED = (Kind.VARIABLE, Kind.SECRET)


def limit_of(limits: Mapping[Key, Limit], key: Key) -> Limit | None:
    """The limit of a thing, or of its whole kind."""
    keys = (key, Key(key.kind, "", key.scope), Key(key.kind, ""))
    return next((limits[one] for one in keys if one in limits), None)


def fall_back(desired: Desired, limits: Mapping[Key, Limit]) -> Desired:
    """What is wanted, with all that the limits leave of it; doing it again changes nothing.

    Where an environment cannot be had and its limit says what takes its place, its variables and secrets become the
    repository's, named ``<BRANCH>_<NAME>``, which the workflows read as well. Where only some fields of a thing cannot
    be had, it is wanted without them.
    """
    kept: list[Resource] = []
    lost: list[Lost] = []
    moved: dict[Key, Key] = {}
    for resource in desired.resources:
        key = resource.key
        limit = limit_of(limits, key)
        if key.scope and _is_replaced(limit_of(limits, Key(Kind.ENVIRONMENT, key.scope))):
            if key.kind in _MOVED:
                moved[key] = _of_repository(key)
                kept.append(replace(resource, key=moved[key]))
        elif limit is not None and limit.fields:
            kept.append(_without(resource, limit.fields))
            lost.extend(_lost_fields(resource, limit))
        elif key.kind is Kind.ENVIRONMENT and limit is not None and _is_replaced(limit):
            lost.append(_lost_environment(desired, resource, limit))
        else:
            kept.append(resource)
    if tuple(kept) == desired.resources:
        return desired
    return replace(
        desired,
        resources=_unique(kept),
        given=frozenset(moved.get(key, key) for key in desired.given),
        rotated=frozenset(moved.get(key, key) for key in desired.rotated),
        lost=(*desired.lost, *lost),
    )


def fall_back_version(version: Sequence[Resource], limits: Mapping[Key, Limit]) -> tuple[Resource, ...]:
    """What was asked for before, with all that the limits leave of it."""
    return fall_back(Desired(project="", address="", branches={}, resources=tuple(version)), limits).resources


def _of_repository(key: Key) -> Key:
    return Key(key.kind, repository_name(key.scope, key.name))


def _is_replaced(limit: Limit | None) -> bool:
    return limit is not None and not limit.fields and bool(limit.instead)


def _without(resource: Resource, fields: tuple[str, ...]) -> Resource:
    if not isinstance(resource.value, Mapping):
        return resource
    return replace(resource, value={name: value for name, value in resource.value.items() if name not in fields})


def _lost_fields(resource: Resource, limit: Limit) -> Iterator[Lost]:
    if isinstance(resource.value, Mapping):
        for name in limit.fields:
            if resource.value.get(name):
                yield Lost(
                    key=_part(resource.key, name.replace("_", " ")),
                    detail=words({name: resource.value[name]}),
                    limit=limit,
                )


def _part(key: Key, name: str) -> Key:
    """What a part of a thing is called in a plan."""
    return Key(key.kind, name, key.name) if key.kind is Kind.ENVIRONMENT else Key(key.kind, f"{key.name}: {name}")


def _lost_environment(desired: Desired, resource: Resource, limit: Limit) -> Lost:
    name = resource.key.name
    policies = [
        other.key.name for other in desired.resources if other.key.kind is Kind.POLICY and other.key.scope == name
    ]
    admitted = f"for {', '.join(policies)} only; " if policies else ""
    instead = (
        f"{limit.instead}, named {repository_name(name, 'NAME')}; the workflows of every branch can read them, "
        "and nobody is asked for approval"
    )
    rest = words(telling(_without(resource, ("branches",) if policies else ()).value))
    return Lost(key=resource.key, detail=f"{admitted}{rest}", limit=replace(limit, instead=instead))


def _unique(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """The first of each key: an owner may have named one at the repository already."""
    found: dict[Key, Resource] = {}
    for resource in resources:
        found.setdefault(resource.key, resource)
    return tuple(found.values())
