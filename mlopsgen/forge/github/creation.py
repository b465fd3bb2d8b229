"""Whether the token's owner may make a repository where it shall be."""

from __future__ import annotations

from mlopsgen.forge.github.account import Owner
from mlopsgen.forge.github.place import Place
from mlopsgen.forge.values import Limit


def creation_limit(place: Place, visibility: str) -> Limit | None:
    """Why the repository cannot be made; ``None`` if it can, or if GitHub does not tell."""
    host, me = place.account.host, place.account.whoami()
    owner = place.account.owner(place.owner)
    if owner is None:
        hint = "Check the name: an organisation with --org, yourself with --user."
        return Limit(reason=f"there is no '{place.owner}' on {host.name}", hint=hint)
    if not owner.organisation:
        return _personal_limit(owner, me, visibility)
    if visibility == "internal" and place.account.has_plans and owner.plan not in {"", "enterprise"}:
        hint = "Choose --visibility private, or public."
        return Limit(reason="internal repositories need the plan Enterprise", hint=hint)
    role = place.account.membership(owner.login)
    if role == "":
        hint = f"Ask an owner of {owner.login} for an invitation, or choose another --org."
        return Limit(reason=f"{me or 'the token'} is no member of {owner.login}", hint=hint, rights=True)
    if role == "member" and not _members_may(owner, visibility):
        hint = f"Ask an owner of {owner.login} to make the empty repository {place.full_name}, then run this again."
        reason = f"members of {owner.login} may not make {visibility} repositories"
        return Limit(reason=reason, hint=hint, rights=True)
    return None


def _personal_limit(owner: Owner, me: str, visibility: str) -> Limit | None:
    if owner.login.lower() != me.lower():
        reason = f"{owner.login} is a person, and the token belongs to {me or 'no person'}"
        hint = f"Push to your own account with --user, or use a token of {owner.login}."
        return Limit(reason=reason, hint=hint, rights=True)
    if visibility == "internal":
        return Limit(reason="only organisations have internal repositories", hint="Choose --visibility private.")
    return None


def _members_may(owner: Owner, visibility: str) -> bool:
    single = owner.data.get(f"members_can_create_{visibility}_repositories")
    general = owner.data.get("members_can_create_repositories")
    return single is not False and general is not False
