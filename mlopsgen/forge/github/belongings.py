"""What would be lost with a repository, and the two ways to take it out of use: archive it, delete it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlopsgen.forge.github.errors import Missing
from mlopsgen.forge.github.place import Place
from mlopsgen.forge.github.reading import visibility_of


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """A repository, as somebody looks at it who is about to delete it.

    Attributes:
        name: Owner and name, as GitHub writes them.
        page: Where people look at it.
        description: Its one line.
        topics: Its topics.
        visibility: Who can see it.
        archived: Whether nobody can change it.
        admin: Whether the token's owner administers it.
        issues: Issues that others opened.
        pulls: Pull requests that others opened.
        forks: Forks of others, by full name.
    """

    name: str
    page: str
    description: str
    topics: tuple[str, ...]
    visibility: str
    archived: bool
    admin: bool
    issues: int
    pulls: int
    forks: tuple[str, ...]


def belongings(place: Place, *, of_others: bool = True) -> Belongings | None:
    """What a repository holds of others; ``None`` if there is none, or none that the token sees.

    Bots (Dependabot, workflows) are nobody.

    Args:
        place: The repository.
        of_others: Whether to look; otherwise it is taken to hold nothing of theirs.

    Raises:
        Renamed: It has another name now.
    """
    data = place.load()
    if data is None:
        return None
    me = place.account.whoami().casefold()
    every = {"state": "all"}
    # Where issues are switched off there is no such list, although the repository can be seen.
    off = {404, 410}
    issues, pulls, forks = [], [], []
    if of_others:
        issues = place.pages("issues", doing="Listing the issues", query=every, accept=off)
        pulls = place.pages("pulls", doing="Listing the pull requests", query=every, accept=off)
    if of_others and data.get("forks_count") != 0:
        forks = place.pages("forks", doing="Listing the forks")
    return Belongings(
        name=str(data["full_name"]),
        page=str(data.get("html_url") or ""),
        description=str(data.get("description") or ""),
        topics=tuple(data.get("topics") or ()),
        visibility=visibility_of(data),
        archived=bool(data.get("archived")),
        admin=bool((data.get("permissions") or {}).get("admin", True)),
        issues=_of_others((issue for issue in issues if "pull_request" not in issue), me),
        pulls=_of_others(pulls, me),
        forks=tuple(sorted(str(fork["full_name"]) for fork in forks if _login(fork.get("owner")) != me)),
    )


def delete_repository(place: Place) -> None:
    """Delete a repository for good; one that is gone already is no error."""
    try:
        place.request("DELETE", doing="Deleting the repository")
    except Missing:
        # Also said when an earlier answer was lost: it is gone then.
        if place.load() is not None:
            raise


def archive_repository(place: Place) -> None:
    """Make a repository read-only; a person can take that back."""
    place.request("PATCH", doing="Archiving the repository", body={"archived": True})


def _of_others(items: Iterable[Mapping[str, Any]], me: str) -> int:
    return sum(1 for item in items if _login(item.get("user")) not in ("", me))


def _login(user: Any) -> str:
    """Who somebody is, in lower case; empty for a bot and for an account that is gone."""
    if not isinstance(user, Mapping) or user.get("type") == "Bot":
        return ""
    return str(user.get("login") or "").casefold()
