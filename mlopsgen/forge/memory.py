"""A complete forge in memory: what the tests of everything above the forges run on."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import MAIN_BRANCH
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.protocol import OccupiedError
from mlopsgen.forge.values import Key, Kind, Limit, Repository, Resource, Snapshot, Value
from mlopsgen.secret_value import SecretValue

_SETTINGS = {"default-branch": MAIN_BRANCH, "hook": "2", "program": "2"}
_NOTHING: Mapping[Key, Limit] = {}
_IN_ENVIRONMENTS = (Kind.POLICY, Kind.VARIABLE, Kind.SECRET)
_DEFAULT_BRANCH = Key(Kind.SETTING, "default-branch")
_TOPICS = Key(Kind.SETTING, "topics")


class MemoryForge:
    """A forge that lives as long as the object.

    Args:
        address: What it calls itself.
        tool_version: The version of mlopsgen that it says has made it.
        occupied: Whether something else is at the address.
        limits: What it refuses.
        unreadable: What it would not show.
        workers: How many calls it takes at once.
    """

    def __init__(
        self,
        address: str = "memory://forge",
        *,
        tool_version: str = "0.1.0",
        occupied: bool = False,
        limits: Mapping[Key, Limit] = _NOTHING,
        unreadable: Mapping[Key, Limit] = _NOTHING,
        workers: int = 1,
    ) -> None:
        self._address = address
        self._tool_version = tool_version
        self._occupied = occupied
        self._limits = limits
        self._unreadable = unreadable
        self._workers = workers
        self._repository: Repository | None = None
        self._resources: dict[Key, Value] = {}
        self._secrets: dict[Key, SecretValue] = {}
        self._lock = threading.RLock()

    @property
    def address(self) -> str:
        """The address that it was given."""
        return self._address

    @property
    def tracking_uri(self) -> str:
        """An address beside the repository's."""
        return f"{self._address}/store"

    @property
    def workers(self) -> int:
        """As many as it was told."""
        return self._workers

    @property
    def resources(self) -> Mapping[Key, Value]:
        """Everything that it holds, whoever wants to know."""
        with self._lock:
            return dict(self._resources)

    @property
    def secrets(self) -> Mapping[Key, SecretValue]:
        """The values of its secrets, which a real forge gives to nobody but a running workflow."""
        with self._lock:
            return dict(self._secrets)

    def settings(self) -> tuple[Resource, ...]:
        """A few settings."""
        return tuple(Resource(key=Key(Kind.SETTING, name), value=value) for name, value in _SETTINGS.items())

    def observe(self, wanted: Sequence[Resource]) -> Snapshot:
        """The repository, what is wanted of the rest, and what more there is that lets somebody in or keeps them out.

        Raises:
            OccupiedError: It was told that something else is there.
        """
        if self._occupied:
            raise OccupiedError(f"{self._address} holds something else.", where=self._address, hint="Choose another.")
        with self._lock:
            if self._repository is None:
                return Snapshot()
            keys = {one.key for one in wanted}
            scopes = {key.name for key in keys if key.kind is Kind.ENVIRONMENT} | {key.scope for key in keys}
            found = {
                key: value
                for key, value in self._resources.items()
                if (key in keys or key.kind is Kind.RULESET or (key.kind is Kind.POLICY and key.scope in scopes))
                and not self._hides(key)
            }
            topics = next((one.value for one in wanted if one.key == _TOPICS), None)
            if _TOPICS in found:
                found[_TOPICS] = _common(found[_TOPICS], topics)
            unreadable = {key: limit for key, limit in self._unreadable.items() if _is_wanted(key, keys)}
            return Snapshot(repository=self._repository, resources=found, unreadable=unreadable, by="ada")

    def limits(self, changes: Sequence[Resource], found: Snapshot) -> Mapping[Key, Limit]:  # noqa: ARG002 - always the same
        """What it was told to refuse of these."""
        keys = {one.key for one in changes}
        return {key: limit for key, limit in self._limits.items() if _is_wanted(key, keys)}

    def put(self, resource: Resource, secret: SecretValue | None = None) -> None:
        """Take a thing as it is given; of a secret only the name can be read back.

        Raises:
            MlopsgenError: There is no repository or environment for it, or the forge was told to refuse it.
        """
        key, value = resource.key, resource.value
        with self._lock:
            self._refuse(resource)
            if key.kind is Kind.REPOSITORY:
                self._create(value)
                return
            found = self._required()
            if key.kind in _IN_ENVIRONMENTS and key.scope and Key(Kind.ENVIRONMENT, key.scope) not in self._resources:
                raise MlopsgenError(f"There is no environment '{key.scope}'.", where=key.scope)
            if key.kind is Kind.SECRET:
                if secret is None:
                    raise MlopsgenError(f"The secret '{key.name}' has no value.", where=key.name)
                self._secrets[key] = secret
                value = datetime.now(UTC).isoformat(timespec="seconds")
            elif key == _TOPICS:
                value = tuple(sorted({*_texts(self._resources.get(key)), *_texts(value)}))
            elif key == _DEFAULT_BRANCH:
                found = replace(found, default_branch=str(value))
            self._resources[key] = value
            self._repository = replace(found, tool_version=self._tool_version)

    def leads_here(self, address: str) -> bool:
        """Whether it is the address that it was given."""
        return address == self._address

    def fetch(self, source: GitRepository, refspecs: Sequence[str]) -> None:
        """Set the references that the refspecs name; the commits are all in ``source``."""
        branches = self._required().branches
        for refspec in refspecs:
            theirs, _, ours = refspec.lstrip("+").partition(":")
            for branch, commit in branches.items():
                prefix = theirs.removesuffix("*")
                if ours and (theirs == f"refs/heads/{branch}" or theirs.endswith("/*")):
                    name = f"refs/heads/{branch}".removeprefix(prefix)
                    source.run("update-ref", ours.replace("*", name), commit)

    def push(self, source: GitRepository, remote: str, branch: str) -> None:
        """Take the branch's commit.

        Raises:
            MlopsgenError: The branch is not there, a rule keeps it as it is, or history would be lost.
        """
        with self._lock:
            found = self._required()
            commit = source.commit_of(f"refs/heads/{branch}")
            if commit is None:
                raise MlopsgenError(f"There is no branch '{branch}'.", where=branch)
            present = found.branches.get(branch)
            if present != commit and self._takes_pull_requests_only(branch):
                raise MlopsgenError(f"'{branch}' takes changes by pull request only.", where=branch)
            if present is not None and not source.succeeds("merge-base", "--is-ancestor", present, commit):
                raise MlopsgenError(f"'{branch}' would lose commits.", where=branch, hint="git pull --rebase")
            first = found.default_branch or branch
            self._repository = replace(found, branches={**found.branches, branch: commit}, default_branch=first)
            self._resources.setdefault(_DEFAULT_BRANCH, first)
        source.run("update-ref", f"refs/remotes/{remote}/{branch}", commit)

    def _create(self, value: Value) -> None:
        if self._repository is None:
            project = value.get("project", "") if isinstance(value, Mapping) else ""
            self._repository = Repository(
                address=self._address, project=str(project), tool_version=self._tool_version, page=self._address
            )

    def _refuse(self, resource: Resource) -> None:
        limit = self._limits.get(resource.key)
        if limit is None:
            return
        asked = resource.value if isinstance(resource.value, Mapping) else {}
        if not limit.fields or any(asked.get(name) for name in limit.fields):
            raise MlopsgenError(f"{resource.key.kind} '{resource.key.name}': {limit.reason}.", hint=limit.hint)

    def _takes_pull_requests_only(self, branch: str) -> bool:
        rules = [value for key, value in self._resources.items() if key.kind is Kind.RULESET]
        return any(
            isinstance(rule, Mapping)
            and rule.get("pull_request")
            and rule.get("enforcement", "active") == "active"
            and branch in _texts(rule.get("branches"))
            for rule in rules
        )

    def _hides(self, key: Key) -> bool:
        return any(one in self._unreadable for one in (key, Key(key.kind, "", key.scope), Key(key.kind, "")))

    def _required(self) -> Repository:
        if self._repository is None:
            raise MlopsgenError("There is no repository.", where=self._address)
        return self._repository


def _is_wanted(key: Key, wanted: set[Key]) -> bool:
    if key.name:
        return key in wanted
    return any(one.kind is key.kind and key.scope in ("", one.scope) for one in wanted)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, tuple) else ()


def _common(present: Value, wanted: Value) -> Value:
    return tuple(sorted(set(_texts(present)) & set(_texts(wanted))))
