"""What an organisation settles for all its repositories, where the token may read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlopsgen.forge.github.client import quoted
from mlopsgen.forge.github.place import Place
from mlopsgen.forge.values import Key, Limit, Resource

_TOKEN = "workflow-token"  # noqa: S105 - a setting's name
_ACTIONS, _ALLOWED = "actions", "allowed-actions"

POLICIES = {_TOKEN, _ACTIONS, _ALLOWED}
"""The settings that an organisation may settle for all."""


def by_rules(settings: Sequence[Resource]) -> list[list[Resource]]:
    """The settings in parts that the organisation has its rules for at one address each."""
    token = [resource for resource in settings if resource.key.name == _TOKEN]
    others = [resource for resource in settings if resource.key.name != _TOKEN]
    return [part for part in (token, others) if part]


def organisation_limits(place: Place, settings: Sequence[Resource]) -> dict[Key, Limit]:
    """Which settings of Actions the organisation does not leave to the repository.

    Only its owners may read this; for others it shows when the setting is made.
    """
    if not place.organisation:
        return {}
    wanted = {resource.key.name: resource for resource in settings if isinstance(resource.value, Mapping)}
    limits: dict[Key, Limit] = {}
    if _TOKEN in wanted:
        resource, rules = wanted[_TOKEN], _read(place, "permissions", "workflow")
        if _of(resource, "pull_requests") and rules.get("can_approve_pull_request_reviews") is False:
            limits[resource.key] = _no_pull_requests(place)
    if _ACTIONS in wanted or _ALLOWED in wanted:
        limits |= _actions_limits(place, wanted)
    return limits


def learnt_limit(place: Place, resource: Resource) -> Limit | None:
    """What a 409 for one of these settings means: the organisation settles it, and the token may not read its rules."""
    if not place.organisation or resource.key.name not in POLICIES:
        return None
    if resource.key.name == _TOKEN:
        return _no_pull_requests(place) if _of(resource, "pull_requests") else None
    if resource.key.name == _ALLOWED:
        # The same refusal comes while the repository does not allow selected actions.
        doing = "Reading the settings of Actions"
        own = place.request("GET", "actions", "permissions", doing=doing, accept={403, 404})
        if own.status != 200 or own.data.get("allowed_actions") != "selected":
            return None
    return _its_list_counts(place)


def _no_pull_requests(place: Place) -> Limit:
    return Limit(
        reason=f"{place.owner} lets no workflow open pull requests",
        instead="people open the pull requests that promote; the workflow says when",
        hint=_hint(place),
        fields=("pull_requests",),
    )


def _its_list_counts(place: Place) -> Limit:
    return Limit(
        reason=f"{place.owner} chooses the allowed actions itself",
        instead=f"the list of {place.owner} counts; see that it holds what the workflows use",
        hint=_hint(place),
    )


def _hint(place: Place) -> str:
    page = f"{place.account.host.server}/organizations/{place.owner}/settings/actions"
    return f"An owner of {place.owner} can change it at {page}."


def _actions_limits(place: Place, wanted: Mapping[str, Resource]) -> dict[Key, Limit]:
    rules, hint = _read(place, "permissions"), _hint(place)
    allowed = rules.get("allowed_actions")
    if rules.get("enabled_repositories") == "none":
        limit = Limit(reason=f"{place.owner} has switched Actions off", hint=hint)
    elif allowed == "local_only":
        limit = Limit(reason=f"{place.owner} allows no actions but its own, and the workflows use GitHub's", hint=hint)
    elif allowed == "selected":
        limit = _its_list_counts(place)
    else:
        return {}
    # Where both are "selected" the repository's own word agrees, and only its list has no say.
    agrees = allowed == "selected" and _ACTIONS in wanted and _of(wanted[_ACTIONS], "allowed") == allowed
    names = [_ALLOWED] if agrees else [_ACTIONS, _ALLOWED]
    return {wanted[name].key: limit for name in names if name in wanted}


def _read(place: Place, *parts: str) -> Mapping[str, Any]:
    path = f"/orgs{quoted(place.owner, 'actions', *parts)}"
    doing = f"Reading what {place.owner} settles for all"
    answer = place.account.client.request("GET", path, doing=doing, accept={403, 404})
    return answer.data if answer.status == 200 and isinstance(answer.data, Mapping) else {}


def _of(resource: Resource, field: str) -> object:
    return resource.value.get(field) if isinstance(resource.value, Mapping) else None
