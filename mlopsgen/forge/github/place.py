"""One repository on GitHub: calls below it, and what this process has learnt and made there."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from typing import Any

from mlopsgen.forge.github.account import Account
from mlopsgen.forge.github.client import quoted
from mlopsgen.forge.github.errors import Answer, Renamed, error_from, lacks_scope
from mlopsgen.forge.github.sealing import PublicKey


class Place:
    """A repository, whether it is there yet or not.

    Args:
        account: Makes the calls.
        owner: The person or organisation.
        name: The repository's name.
        organisation: Whether the owner is an organisation; ``None`` to ask GitHub when it matters.
    """

    def __init__(self, account: Account, owner: str, name: str, organisation: bool | None) -> None:
        self.account = account
        self.owner = owner
        self.name = name
        self.lock = threading.Lock()
        self.data: Mapping[str, Any] | None = None
        """The repository as GitHub told it last; ``None`` while it is not known to be there."""
        self.branches: dict[str, str] | None = None
        """The branches as they were seen last, with what this process pushed; ``None`` before they were read."""
        self.environments: dict[str, Mapping[str, Any]] = {}
        """The environments as GitHub told them last, by their name as it is wanted."""
        self.rulesets: dict[str, int] = {}
        self.taken: dict[str, str] = {}
        """Names of rulesets that are for something else than what is wanted, with what that is."""
        self.keys: dict[str, PublicKey] = {}
        self._key_locks: dict[str, threading.Lock] = {}
        self._organisation = organisation
        self._made: set[str] = set()

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"

    @property
    def said_organisation(self) -> bool:
        """Whether somebody has said that the owner is an organisation."""
        return self._organisation is True

    @property
    def organisation(self) -> bool:
        """Whether the owner is an organisation."""
        if self._organisation is None:
            told = (self.data or {}).get("owner") or {}
            if told.get("type"):
                self._organisation = told["type"] == "Organization"
            else:
                owner = self.account.owner(self.owner)
                self._organisation = owner is not None and owner.organisation
        return self._organisation

    def path(self, *parts: str) -> str:
        """The path of something in the repository; environments by the spelling that they have there."""
        if len(parts) > 1 and parts[0] == "environments":
            name = str(self.environments.get(parts[1], {}).get("name") or parts[1])
            parts = ("environments", name, *parts[2:])
        return f"/repos{quoted(self.owner, self.name, *parts)}"

    def made(self, environment: str = "") -> None:
        """Remember that this process has just made the repository, or an environment: it may not be visible at once."""
        with self.lock:
            self._made.add(environment)

    def is_fresh(self, environment: str = "") -> bool:
        """Whether this process has made the repository or the environment."""
        with self.lock:
            return "" in self._made or bool(environment and environment in self._made)

    def key_lock(self, environment: str) -> threading.Lock:
        """Held by whoever reads the public key of an environment, so that many secrets make one call."""
        with self.lock:
            return self._key_locks.setdefault(environment, threading.Lock())

    def request(
        self,
        method: str,
        *parts: str,
        doing: str,
        body: Mapping[str, Any] | None = None,
        accept: Collection[int] = (),
        environment: str = "",
        patient: bool = True,
    ) -> Answer:
        """Make a call on something in the repository; see :meth:`mlopsgen.forge.github.client.Client.request`.

        Below what this process has just made, a 404 is tried again unless the call is not ``patient``.
        """
        return self.account.client.request(
            method,
            self.path(*parts),
            doing=doing,
            body=body,
            accept=accept,
            fresh=patient and self.is_fresh(environment),
            where=self.full_name,
        )

    def pages(
        self, *parts: str, doing: str, key: str = "", size: int = 100, environment: str = "", **more: Any
    ) -> list[Any]:
        """Everything of a list in the repository; see :meth:`mlopsgen.forge.github.client.Client.pages`."""
        fresh = self.is_fresh(environment)
        path, where = self.path(*parts), self.full_name
        return self.account.client.pages(path, doing=doing, key=key, size=size, fresh=fresh, where=where, **more)

    def team_path(self, team: str) -> str:
        """Where a team's rights on the repository are; ``team`` is ``organisation/team``."""
        organisation, _, slug = team.rpartition("/")
        return f"/orgs{quoted(organisation)}/teams{quoted(slug)}/repos{quoted(self.owner, self.name)}"

    def team_reads(self, team: str, doing: str) -> bool:
        """Whether a team may read the repository, or more."""
        answer = self.account.client.request("GET", self.team_path(team), doing=doing, accept={403, 404})
        return answer.status < 300

    def load(self, *, public: bool = False) -> Mapping[str, Any] | None:
        """Read the repository; ``None`` if it is not there or not visible.

        Args:
            public: Whether it shall be public, so that a scope for private ones is not missed.

        Raises:
            Renamed: It has another name now.
            RightsMissing: The token lacks the scope to see whether there is one.
        """
        doing = f"Reading {self.full_name}"
        answer = self.request("GET", doing=doing, accept={404})
        if answer.status == 404:
            if not public and lacks_scope(answer):
                raise error_from(answer, doing=doing, server=self.account.host.server, where=self.full_name)
            self.data, self.branches = None, {}
            for known in (self.environments, self.rulesets, self.taken, self.keys):
                known.clear()
            return None
        self.take(answer.data)
        return self.data

    def leads_here(self, owner: str, name: str) -> bool:
        """Whether what is called that leads to this repository: it is its name, or was it before."""
        if f"{owner}/{name}".lower() == self.full_name.lower():
            return True
        doing, path = f"Looking where {owner}/{name} leads", f"/repos{quoted(owner, name)}"
        try:
            self.account.client.request("GET", path, doing=doing, accept={403, 404})
        except Renamed as error:
            return error.now.lower() == self.full_name.lower()
        return False

    def take(self, data: Mapping[str, Any]) -> None:
        """Take the repository as an answer tells it.

        Raises:
            Renamed: It is another one's: something on the way has followed a redirect.
        """
        full_name = str(data.get("full_name") or self.full_name)
        if full_name.lower() != self.full_name.lower():
            owner, _, name = full_name.partition("/")
            raise Renamed(
                f"The repository {self.full_name} was renamed or moved. It is '{full_name}' now.",
                hint=f"Run 'git remote set-url origin {self.account.host.address(owner, name)}' and push again.",
                where=self.full_name,
                now=full_name,
            )
        self.data = data
