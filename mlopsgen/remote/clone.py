"""What the repository on this machine has to know of its remote."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsgen.forge.github.host import parse_remote
from mlopsgen.forge.values import Kind
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observed import Clone
from mlopsgen.remote.plan import Act, Item


def remote(desired: Desired, clone: Clone) -> Item:
    """The git remote; one of that name that leads elsewhere is left alone."""
    name, wanted = desired.remote, desired.address
    if clone.address is None:
        return Item(act=Act.CREATE, kind=Kind.REMOTE, name=name, detail=wanted)
    if clone.address == wanted and clone.has_credentials:
        detail = f"{wanted}, without the credentials that stand in .git/config"
        return Item(act=Act.CHANGE, kind=Kind.REMOTE, name=name, detail=detail)
    if clone.address == wanted:
        return Item(act=Act.KEEP, kind=Kind.REMOTE, name=name, detail=wanted)
    if clone.leads_here or _is_same_repository(clone.address, wanted):
        return Item(act=Act.CHANGE, kind=Kind.REMOTE, name=name, detail=f"{clone.address} -> {wanted}")
    if not clone.address_exists:
        reason = "nothing is there any more"
        return Item(act=Act.CHANGE, kind=Kind.REMOTE, name=name, detail=f"{clone.address} -> {wanted}", reason=reason)
    return Item(
        act=Act.CANNOT,
        kind=Kind.REMOTE,
        name=name,
        detail=wanted,
        reason=f"a remote of that name points to {clone.address}",
        hint=f"Keep that one under another name with 'git remote rename {name} NAME', or push to where it leads.",
    )


def _is_same_repository(one: str, other: str) -> bool:
    """Whether two addresses are ways to one repository on a server, by https or by ssh."""
    places = [parse_remote(address) for address in (one, other)]
    names = [(place.host.partition(":")[0], place.owner.lower(), place.name.lower()) for place in places if place]
    return len(names) == 2 and names[0] == names[1]


def upstreams(desired: Desired, clone: Clone) -> Iterator[Item]:
    """What a plain ``git push`` and ``git pull`` work with; an upstream that is set stays."""
    for branch in desired.branches:
        wanted, present = f"{desired.remote}/{branch}", clone.upstreams.get(branch)
        if present is None:
            yield Item(act=Act.CREATE, kind=Kind.UPSTREAM, name=branch, detail=wanted)
        elif present == wanted:
            yield Item(act=Act.KEEP, kind=Kind.UPSTREAM, name=branch, detail=wanted)
        else:
            reason = f"it is set already; 'git push {desired.remote}' pushes here"
            yield Item(act=Act.KEEP, kind=Kind.UPSTREAM, name=branch, detail=present, reason=reason)


def tracking(desired: Desired, clone: Clone) -> Iterator[Item]:
    """The MLflow store that runs by hand use; one that is set and can be there stays."""
    if not desired.tracking_uri:
        return
    present, wanted = clone.tracking_uri, desired.tracking_uri
    if present == wanted:
        yield Item(act=Act.KEEP, kind=Kind.TRACKING, name=".env", detail=wanted)
    elif present is not None and clone.tracking_exists:
        reason = "it is set already; runs by hand are kept there and not beside the forge's"
        yield Item(act=Act.KEEP, kind=Kind.TRACKING, name=".env", detail=present, reason=reason)
    elif not clone.env_ignored:
        yield Item(
            act=Act.CANNOT,
            kind=Kind.TRACKING,
            name=".env",
            detail=wanted,
            reason="git does not ignore .env, so that it could be committed with what is private in it",
            hint="Add a line '.env' to .gitignore.",
        )
    else:
        act, detail = (Act.CREATE, wanted) if present is None else (Act.CHANGE, f"{present} -> {wanted}")
        yield Item(act=act, kind=Kind.TRACKING, name=".env", detail=detail)
