"""The forge on GitHub: what is observed, what cannot be had, what is put, what is pushed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from mlopsgen.adapters.git import GitRepository
from mlopsgen.forge.github.account import Account
from mlopsgen.forge.github.client import FRESH
from mlopsgen.forge.github.errors import Renamed
from mlopsgen.forge.github.host import Host, parse_remote
from mlopsgen.forge.github.limits import find_limits
from mlopsgen.forge.github.place import Place
from mlopsgen.forge.github.pushing import GitTransport
from mlopsgen.forge.github.reading import observe, read_branches
from mlopsgen.forge.github.writing import Writer
from mlopsgen.forge.values import Key, Kind, Limit, Resource, Snapshot
from mlopsgen.ports import EventSink
from mlopsgen.secret_value import SecretValue

WORKERS = 32
"""Calls under way at once; GitHub allows a hundred."""


class GitHubForge:
    """A repository on a GitHub, whether it is there yet or not.

    Args:
        host: Which GitHub.
        owner: The person or organisation.
        name: The repository's name.
        token: Whose rights the calls have.
        environ: The environment (proxies, certificates).
        events: Is told what is being waited for.
        organisation: Whether the owner is an organisation; ``None`` to ask GitHub when it matters.
        plan: The owner's plan, where GitHub does not tell it: ``auto``, ``free``, ``pro``, ``team``, ``enterprise``.
        sleep: Waits that many seconds.
        account: Makes the calls where many repositories share one; else one of its own does.
    """

    def __init__(
        self,
        host: Host,
        owner: str,
        name: str,
        token: SecretValue,
        *,
        environ: Mapping[str, str],
        events: EventSink,
        organisation: bool | None = None,
        plan: str = "auto",
        sleep: Callable[[float], None] = time.sleep,
        account: Account | None = None,
    ) -> None:
        self.host = host
        self.account = account or Account(host, token, environ=environ, events=events, sleep=sleep)
        self.place = Place(self.account, owner, name, organisation)
        self.plan = plan
        self._sleep = sleep
        self._put: dict[Key, Resource] = {}
        self._pushed: dict[str, str] = {}
        self._writer = Writer(self.place, sleep)
        self._git = GitTransport(host, owner, name, token, environ=environ, sleep=sleep)

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return self.place.full_name

    @property
    def page(self) -> str:
        """Where people look at the repository."""
        return self.host.page(self.place.owner, self.place.name)

    @property
    def address(self) -> str:
        """What git clones by https; never with credentials."""
        return self.host.address(self.place.owner, self.place.name)

    @property
    def tracking_uri(self) -> str:
        """GitHub brings no MLflow store."""
        return ""

    @property
    def workers(self) -> int:
        """How many calls may be under way at once."""
        return WORKERS

    def settings(self) -> tuple[Resource, ...]:
        """GitHub itself wants nothing."""
        return ()

    def observe(self, wanted: Sequence[Resource]) -> Snapshot:
        """Read the repository and whatever has to be compared with ``wanted``.

        What this process has put and GitHub does not show yet is waited for a moment.

        Raises:
            AuthenticationFailed: GitHub refuses the token.
            Renamed: The repository has another name now.
        """
        snapshot = observe(self.place, wanted, self.workers)
        for wait in FRESH[:3]:
            if not self._is_late(snapshot, wanted):
                break
            self._sleep(wait)
            snapshot = observe(self.place, wanted, self.workers)
        return snapshot

    def limits(self, changes: Sequence[Resource], found: Snapshot) -> Mapping[Key, Limit]:
        """What of ``changes`` GitHub will refuse: the plan, the token's scopes, the organisation's rules, reviewers."""
        return find_limits(self.place, changes, found, plan=self.plan, workers=self.workers)

    def put(self, resource: Resource, secret: SecretValue | None = None) -> None:
        """Make a thing, or give it another value; doing it again changes nothing.

        Raises:
            MlopsgenError: GitHub refuses, or cannot be reached.
        """
        self._writer.put(resource, secret)
        self._put[resource.key] = resource

    def fetch(self, source: GitRepository, refspecs: Sequence[str]) -> None:
        """Bring branches here by https with the token, as ``git fetch`` with these refspecs does; no tags."""
        if self.place.branches == {} and all("*" in refspec for refspec in refspecs):
            return
        with self._name_found_out():
            self._git.fetch(source, refspecs, fresh=self.place.is_fresh())

    def push(self, source: GitRepository, remote: str, branch: str) -> None:
        """Push a branch by https with the token; what ``remote`` is known to have here follows.

        Raises:
            BranchMoved: It has commits there that are not here.
            MlopsgenError: GitHub refuses, or cannot be reached.
        """
        place = self.place
        seen = None if place.branches is None else place.branches.get(branch, "")
        with self._name_found_out():
            commit = self._git.push(source, branch, seen, fresh=place.is_fresh())
        self._pushed[branch] = commit
        if place.branches is not None:
            place.branches[branch] = commit
        source.run("update-ref", f"refs/remotes/{remote}/{branch}", commit)

    def replace(self, source: GitRepository, commit: str, branch: str, seen: str) -> None:
        """Let a branch that belongs to this program be a commit, if it is still what was seen (empty: none).

        Raises:
            BranchMoved: It has another commit now.
            MlopsgenError: GitHub refuses, or cannot be reached.
        """
        with self._name_found_out():
            self._git.replace(source, commit, branch, seen)

    def leads_here(self, address: str) -> bool:
        """Whether the address of a git remote leads to this repository, by its name or by one that it had before."""
        remote = parse_remote(address)
        if remote is None or not self.host.names(remote):
            return False
        return self.place.leads_here(remote.owner, remote.name)

    def branches(self) -> dict[str, str]:
        """The branches with their commits, read now."""
        return read_branches(self.place)

    @contextmanager
    def _name_found_out(self) -> Iterator[None]:
        """Ask for the new name of a repository that git only knows to be gone from the old one."""
        try:
            yield
        except Renamed as error:
            if not error.now:
                self.place.load()
            raise

    def _is_late(self, snapshot: Snapshot, wanted: Sequence[Resource]) -> bool:
        """Whether GitHub does not show yet what this process has put there."""
        if self._put and snapshot.repository is None:
            return True
        branches = snapshot.repository.branches if snapshot.repository is not None else {}
        if any(branches.get(branch) is None for branch in self._pushed):
            return True
        mine = [resource for resource in wanted if self._put.get(resource.key) == resource]
        return any(
            resource.key not in snapshot.unreadable and not _shows(snapshot, resource)
            for resource in mine
            if resource.key.kind is not Kind.REPOSITORY
        )


def _shows(snapshot: Snapshot, resource: Resource) -> bool:
    """Whether a thing is there with its value, as far as values can be read."""
    if resource.key not in snapshot.resources:
        return False
    found, value = snapshot.resources[resource.key], resource.value
    if isinstance(value, Mapping) and isinstance(found, Mapping):
        return all(found.get(name) == part for name, part in value.items())
    return value is None or found == value
