"""The repositories of an owner, as a list tells of them: what a fleet consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.github.account import Account
from mlopsgen.forge.github.client import quoted
from mlopsgen.forge.github.errors import Missing


@dataclass(frozen=True, kw_only=True)
class Member:
    """A repository.

    Attributes:
        number: GitHub's own number of it, which stays when it is renamed.
        owner: The person or organisation.
        name: The repository's name.
        page: Where people look at it.
        archived: Whether nobody can change it.
        disabled: Whether GitHub has closed it.
        can_push: Whether the token's owner may write to it; a token may be allowed less.
        topics: Its topics.
    """

    number: int
    owner: str
    name: str
    page: str
    archived: bool = False
    disabled: bool = False
    can_push: bool = True
    topics: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"


def list_members(
    account: Account, owner: str, *, organisation: bool | None = None, topic: str = ""
) -> tuple[Member, ...]:
    """The repositories of a person or an organisation that the token may see, by name; a hundred in each call.

    Args:
        account: Makes the calls.
        owner: Whose repositories.
        organisation: Whether the owner is an organisation; ``None`` to ask GitHub.
        topic: Only those with this topic; empty for all.

    Raises:
        Missing: There is no such owner.
        PermissionDenied: GitHub does not let this person in.
    """
    if organisation is None:
        found = account.owner(owner)
        if found is None:
            raise _no_owner(owner)
        organisation = found.organisation
    query: dict[str, Any] = {"sort": "full_name", "direction": "asc"}
    path = f"/users{quoted(owner)}/repos"
    if organisation:
        path = f"/orgs{quoted(owner)}/repos"
    elif account.whoami().lower() == owner.lower():
        # The other list of a person shows nobody's private repositories, not even one's own.
        path, query = "/user/repos", {**query, "affiliation": "owner"}
    try:
        listed = account.client.pages(path, doing=f"Listing the repositories of {owner}", query=query)
    except Missing:
        raise _no_owner(owner) from None
    # What is made or renamed while the pages are read moves others to the next page, or appears twice.
    members = {member.number: member for member in map(member_from, listed)}
    wanted = [member for member in members.values() if not topic or topic in member.topics]
    return tuple(sorted(wanted, key=lambda member: member.full_name.lower()))


def find_member(account: Account, owner: str, name: str) -> Member:
    """One repository as a list would tell of it.

    Raises:
        Missing: There is none, or the token may not see it.
        Renamed: It has another name now.
        PermissionDenied: GitHub does not let this person in.
    """
    where = f"{owner}/{name}"
    answer = account.client.request("GET", f"/repos{quoted(owner, name)}", doing=f"Reading {where}", where=where)
    return member_from(answer.data)


def member_from(data: Mapping[str, Any]) -> Member:
    """A repository of GitHub's answer, alone or in a list."""
    owner, _, name = str(data["full_name"]).partition("/")
    rights = data.get("permissions") or {}
    return Member(
        number=int(data["id"]),
        owner=owner,
        name=name,
        page=str(data.get("html_url") or ""),
        archived=bool(data.get("archived")),
        disabled=bool(data.get("disabled")),
        # An installation of an app (the token of GitHub Actions) is told no rights: what it may do shows itself.
        can_push=bool(rights.get("push", True)),
        topics=tuple(str(topic) for topic in data.get("topics") or ()),
    )


def _no_owner(owner: str) -> MlopsgenError:
    hint = "Check the spelling, and that the token belongs to one of its members."
    return Missing(f"GitHub knows no person or organisation '{owner}'.", hint=hint, where=owner, status=404)
