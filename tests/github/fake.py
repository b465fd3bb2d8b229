"""The fake GitHub as tests use it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.canaries import canary, hunt

from . import actions_state, social
from .accounts import PREFIXES, Account, Organization, Team, Token, lower
from .actions_state import Artifact, Run
from .dispatch import Dispatcher
from .faults import Calls, Faults, Record
from .repositories import Repository, Runner
from .server import Server
from .shapes import repository as repository_shape
from .world import World

_A = TypeVar("_A", bound=Account)


class ContractViolation(AssertionError):
    """A request that GitHub does not know, or an answer of the fake that GitHub would not give."""


class FakeGitHub:
    """GitHub on this machine: ``with FakeGitHub() as github: ...``.

    Leaving the block fails when a request or an answer broke GitHub's description; ``lenient=True`` only answers 422
    (for tests that send nonsense on purpose).

    Attributes:
        calls: All calls so far.
        faults: What shall go wrong.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient
        self._folder = Path(tempfile.mkdtemp(prefix="github-"))
        self.world = World(self._folder)
        self.dispatcher = Dispatcher(self.world)
        self.calls, self.faults = Calls(), Faults()
        self._server = Server(self.dispatcher, self.calls, self.faults)
        self.world.server = self._server.address
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Nothing that was pushed or is kept there may hold a secret: those that are opened stay in memory.
        leaks = hunt(self._folder) if error is None else []
        self.close()
        if error is None:
            self.check()
        assert not leaks, "\n".join(leaks)

    def close(self) -> None:
        """Stop serving."""
        self._server.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def check(self) -> None:
        """Raise when the contract was broken.

        Raises:
            ContractViolation: By whom and how.
        """
        if self.violations and not self._lenient:
            raise ContractViolation("\n".join(self.violations))

    @property
    def violations(self) -> list[str]:
        """How the contract was broken so far."""
        return self.dispatcher.violations

    @property
    def url(self) -> str:
        """The server's address, ``http://127.0.0.1:PORT``; repositories lie at ``{url}/{owner}/{name}.git``."""
        return self._server.address

    @property
    def api(self) -> str:
        """The REST API's address."""
        return self.world.api

    @property
    def latency(self) -> float | Callable[[Record], float]:
        """Seconds that each call takes at least."""
        return self._server.latency

    @latency.setter
    def latency(self, seconds: float | Callable[[Record], float]) -> None:
        self._server.latency = seconds

    def limit_writes(self, a_minute: int) -> None:
        """Refuse more writes a minute with 403 and ``Retry-After``; 0 switches it off."""
        self.dispatcher.writes_a_minute = a_minute

    def limit_calls(self, left: int) -> None:
        """How many calls the hourly limit still allows; then every call is 403 with ``X-RateLimit-Remaining: 0``."""
        self.dispatcher.calls_left = left

    def delay_reads(self, calls: int) -> None:
        """Let the first calls about a new repository, environment or branch answer 404."""
        self.world.late = calls

    def add_user(self, login: str, *, plan: str = "free") -> Account:
        """A person; ``plan``: free, pro."""
        return self._add(Account(next(self.world.ids), login, plan))

    def add_org(
        self,
        login: str,
        *,
        plan: str = "free",
        members: Iterable[str] = (),
        owners: Iterable[str] = (),
        **rules: object,
    ) -> Organization:
        """An organisation; the first of ``members`` is its owner unless ``owners`` are named."""
        members, owners = list(members), list(owners)
        made = Organization(next(self.world.ids), login, plan)
        for name in members:
            made.members[name.lower()] = "member"
        for name in owners or members[:1]:
            made.members[name.lower()] = "admin"
        for key, value in rules.items():
            if not hasattr(made, key):
                raise TypeError(f"an organisation has no {key}")
            setattr(made, key, value)
        return self._add(made)

    def _add(self, account: _A) -> _A:
        with self.world.lock:
            if account.login.lower() in self.world.accounts:
                raise ValueError(f"{account.login} is there already")
            self.world.accounts[account.login.lower()] = account
        return account

    def add_team(self, org: str, name: str, *, members: Iterable[str] = ()) -> Team:
        """A team of an organisation."""
        owner = self.world.organization(org)
        made = Team(next(self.world.ids), name, name.lower().replace(" ", "-"), set(lower(members)))
        owner.teams[made.slug] = made
        return made

    def add_token(
        self, login: str, *, kind: str = "classic", scopes: Iterable[str] = ("repo", "workflow", "delete_repo", "user"),
        permissions: Mapping[str, str] | None = None, repositories: Iterable[str] | None = None, owner: str = "",
        sso: Iterable[str] = (), expires: str = "",
    ) -> str:  # fmt: skip
        """A token of a person; ``kind``: classic, oauth, fine-grained, app, app-user. See :class:`Token`."""
        text = canary(f"token-{next(self.world.ids)}-of-{login}", prefix=PREFIXES[kind])
        scoped = kind in {"classic", "oauth"}
        self.world.tokens[text] = Token(
            text, login, kind, frozenset(scopes) if scoped else frozenset(), dict(permissions or {}),
            None if repositories is None else lower(repositories), owner, lower(sso), expires,
        )  # fmt: skip
        return text

    def token(self, text: str) -> Token:
        """What is known about a token; ``.revoked = True`` ends it."""
        return self.world.tokens[text]

    def repository(self, full_name: str) -> Repository:
        """The state of ``owner/name``; ``KeyError`` when there is none."""
        return self.world.repositories[full_name.lower()]

    def has(self, full_name: str) -> bool:
        """Whether there is such a repository."""
        return self.world.find(full_name) is not None

    def add_repository(self, full_name: str, *, visibility: str = "private") -> Repository:
        """A repository that somebody made by hand, empty."""
        owner, name = full_name.split("/")
        with self.world.lock:
            return self.world.make_repository(self.world.account(owner), name, visibility)

    def rename(self, full_name: str, name: str) -> None:
        """Give a repository another name, as a person does on its page."""
        with self.world.lock:
            it = self.world.repositories.pop(full_name.lower())
            it.name = name
            self.world.repositories[it.full_name.lower()] = it
            self.world.moved[full_name.lower()] = it.full_name

    def rotate_key(self, full_name: str, environment: str = "") -> None:
        """Give a repository, or an environment of it, another key pair."""
        with self.world.lock:
            it = self.repository(full_name)
            (it.environments[environment].vault if environment else it.vault).keys = self.world.keys()

    def add_runner(self, full_name: str, name: str, labels: Iterable[str], *, busy: bool = False) -> Runner:
        """A self-hosted runner of a repository."""
        made = Runner(next(self.world.ids), name, tuple(labels), online=True, busy=busy)
        self.repository(full_name).runners[made.id] = made
        return made

    def add_download(self, filename: str, content: bytes) -> str:
        """A runner's archive for Linux that the API names with its checksum; returns where it lies."""
        path = f"/downloads/{filename}"
        self._server.files[path] = content
        self.world.downloads.append({
            "os": "linux", "architecture": "x64", "filename": filename, "download_url": self.url + path,
            "sha256_checksum": hashlib.sha256(content).hexdigest(),
        })  # fmt: skip
        return self.url + path

    def add_issue(self, full_name: str, login: str, *, state: str = "open") -> None:
        """An issue of somebody."""
        it = self.repository(full_name)
        it.issues.append(social.issue(self.world, it, self.world.account(login), "An issue", state))

    def add_pull(self, full_name: str, login: str) -> None:
        """A pull request of somebody; GitHub lists it among the issues as well."""
        it = self.repository(full_name)
        by = self.world.account(login)
        it.pulls.append(social.pull(self.world, it, by, "A change", "open"))
        it.issues.append(social.issue(self.world, it, by, "A change", "open", pull=True))

    def add_run(
        self, full_name: str, *, workflow: str, event: str = "push", branch: str = "development", commit: str = "",
        actor: str = "", head_repository: str = "", status: str = "completed", conclusion: str | None = "success",
        title: str = "",
    ) -> Run:  # fmt: skip
        """A run of a workflow (``development.yml``), by default the branch's newest commit's, done."""
        with self.world.lock:
            it = self.repository(full_name)
            return actions_state.make_run(
                self.world, it, workflow=workflow, event=event, branch=branch,
                commit=commit or it.branches.get(branch, "0" * 40), actor=actor or it.owner.login,
                head_repository=head_repository or it.full_name, status=status,
                conclusion=conclusion if status == "completed" else None, title=title,
            )  # fmt: skip

    def add_artifact(self, full_name: str, run_id: int, name: str, content: bytes) -> Artifact:
        """An artifact of a run: the bytes of a zip file."""
        with self.world.lock:
            return actions_state.make_artifact(self.world, self.repository(full_name), run_id, name, content)

    def artifacts(self, full_name: str, run_id: int) -> dict[str, bytes]:
        """The artifacts of a run by name."""
        return {one.name: one.content for one in self.repository(full_name).artifacts.values() if one.run_id == run_id}

    def add_fork(self, full_name: str, login: str) -> None:
        """A fork in somebody's account (only what the original's lists show)."""
        it = self.repository(full_name)
        copy = replace(it, id=next(self.world.ids), owner=self.world.account(login))
        it.forks.append(repository_shape(self.world, copy, None) | {"fork": True})
