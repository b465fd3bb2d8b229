"""What would be lost with a repository, and the two ways to take it out of use: archive it, delete it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlopsgen.forge.github.account import Account
from mlopsgen.forge.github.client import Client, quoted
from mlopsgen.forge.github.errors import Missing, Renamed


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


def belongings(account: Account, repository: str) -> Belongings | None:
    """What a repository (``owner/name``) holds of others; ``None`` if there is none, or none that the token sees.

    Bots (Dependabot, workflows) are nobody.

    Raises:
        Renamed: It has another name now.
    """
    client, base = account.client, _base(repository)
    answer = client.request("GET", base, doing="Reading the repository", where=repository, accept={404})
    if answer.status == 404:
        return None
    data = answer.data
    name = str(data["full_name"])
    if name.casefold() != repository.casefold():
        hint = f"Run 'git remote set-url origin {data['clone_url']}' and run this again."
        raise Renamed(f"The repository {repository} is '{name}' now.", hint=hint, where=repository, now=name)
    me = account.whoami().casefold()
    every = {"state": "all"}
    # Where issues are switched off there is no such list, although the repository can be seen.
    off = {404, 410}
    issues = client.pages(f"{base}/issues", doing="Listing the issues", query=every, where=repository, accept=off)
    pulls = client.pages(f"{base}/pulls", doing="Listing the pull requests", query=every, where=repository, accept=off)
    forks = []
    if data.get("forks_count") != 0:
        forks = client.pages(f"{base}/forks", doing="Listing the forks", where=repository)
    return Belongings(
        name=name,
        page=str(data.get("html_url") or ""),
        description=str(data.get("description") or ""),
        topics=tuple(data.get("topics") or ()),
        visibility=str(data.get("visibility") or ("private" if data.get("private") else "public")),
        archived=bool(data.get("archived")),
        admin=bool((data.get("permissions") or {}).get("admin", True)),
        issues=_of_others((issue for issue in issues if "pull_request" not in issue), me),
        pulls=_of_others(pulls, me),
        forks=tuple(sorted(str(fork["full_name"]) for fork in forks if _login(fork.get("owner")) != me)),
    )


def delete_repository(client: Client, repository: str) -> None:
    """Delete a repository for good; one that is gone already is no error."""
    try:
        client.request("DELETE", _base(repository), doing="Deleting the repository", where=repository)
    except Missing:
        # Also said when an earlier answer was lost: it is gone then.
        answer = client.request("GET", _base(repository), doing="Reading the repository", accept={404})
        if answer.status != 404:
            raise


def archive_repository(client: Client, repository: str) -> None:
    """Make a repository read-only; a person can take that back."""
    body = {"archived": True}
    client.request("PATCH", _base(repository), doing="Archiving the repository", body=body, where=repository)


def _base(repository: str) -> str:
    return f"/repos{quoted(*repository.split('/', 1))}"


def _of_others(items: Iterable[Mapping[str, Any]], me: str) -> int:
    return sum(1 for item in items if _login(item.get("user")) not in ("", me))


def _login(user: Any) -> str:
    """Who somebody is, in lower case; empty for a bot and for an account that is gone."""
    if not isinstance(user, Mapping) or user.get("type") == "Bot":
        return ""
    return str(user.get("login") or "").casefold()
