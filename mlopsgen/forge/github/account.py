"""Who the token belongs to, and what GitHub tells about owners: people, organisations, teams, plans."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlopsgen.errors import AuthenticationFailed, PermissionDenied
from mlopsgen.forge.github.client import Client, quoted
from mlopsgen.forge.github.errors import Answer
from mlopsgen.forge.github.host import Host
from mlopsgen.forge.github.pace import PATIENCE
from mlopsgen.ports import EventSink
from mlopsgen.secret_value import SecretValue

_KINDS = {
    "ghp_": "classic",
    "github_pat_": "fine-grained",
    "gho_": "oauth",
    "ghu_": "app-user",
    "ghs_": "installation",
}


@dataclass(frozen=True, kw_only=True)
class TokenFacts:
    """What is known of a token.

    Attributes:
        kind: ``classic``, ``fine-grained``, ``oauth`` (gh's), ``app-user``, ``installation`` or ``unknown``.
        login: Whose it is; empty for an installation of an app.
        scopes: The scopes of a classic or OAuth token; ``None`` where the kind has none and GitHub does not tell the
            permissions.
        expires: When it expires, as GitHub writes it; empty if it does not tell.
    """

    kind: str
    login: str
    scopes: tuple[str, ...] | None
    expires: str = ""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A person or an organisation.

    Attributes:
        login: The name.
        organisation: Whether it is an organisation.
        plan: The plan that is paid for: ``free``, ``pro``, ``team``, ``enterprise``; empty if GitHub does not tell.
        data: GitHub's whole answer.
    """

    login: str
    organisation: bool
    plan: str
    data: Mapping[str, Any]


class Account:
    """Reads that need no repository; each is made once.

    Args:
        host: Which GitHub.
        token: Whose rights the calls have.
        environ: The environment (proxies, certificates).
        events: Is told what is being waited for.
        sleep: Waits that many seconds.
        patience: Seconds that GitHub may be waited for at once.
    """

    def __init__(
        self,
        host: Host,
        token: SecretValue,
        *,
        environ: Mapping[str, str],
        events: EventSink,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self.host = host
        self.events = events
        self.client = Client(host, token, environ=environ, events=events, sleep=sleep, patience=patience)
        self._me_lock = threading.Lock()
        self._owner_lock = threading.Lock()
        self._reviewer_lock = threading.Lock()
        self._membership_lock = threading.Lock()
        self._memberships: dict[str, str | None] = {}
        self._me: Mapping[str, Any] | None = None
        self._owners: dict[str, Owner | None] = {}
        self._reviewers: dict[str, int | None] = {}

    @property
    def has_plans(self) -> bool:
        """Whether what is allowed depends on a plan that somebody pays; on an Enterprise Server all is part of it."""
        return "x-github-enterprise-version" not in self.client.seen_headers and not self.host.name.endswith(".ghe.com")

    def whoami(self) -> str:
        """The login of the token's owner; empty for an installation of an app, which is nobody.

        Raises:
            AuthenticationFailed: GitHub refuses the token.
        """
        return str(self.me().get("login") or "")

    def me(self) -> Mapping[str, Any]:
        """What GitHub tells of the token's owner."""
        with self._me_lock:
            if self._me is None:
                # An installation of an app (the token of GitHub Actions) is no user: 403.
                answer = self.client.request(
                    "GET", "/user", doing="Asking GitHub who the token belongs to", accept={403}
                )
                self._me = answer.data if answer.status == 200 else {}
            return self._me

    def organisations(self) -> tuple[str, ...]:
        """The organisations that the token's owner belongs to, as far as the token may know."""
        try:
            found = self.client.pages("/user/orgs", doing="Listing your organisations")
        except PermissionDenied:
            return ()
        return tuple(sorted((str(each["login"]) for each in found), key=str.lower))

    def token_facts(self) -> TokenFacts:
        """What is known of the token; asks GitHub who it belongs to."""
        login = self.whoami()
        headers = self.client.seen_headers
        scopes = headers.get("x-oauth-scopes")
        return TokenFacts(
            kind=token_kind(self.client.token),
            login=login,
            scopes=None if scopes is None else tuple(part.strip() for part in scopes.split(",") if part.strip()),
            expires=headers.get("github-authentication-token-expiration", ""),
        )

    def owner(self, login: str) -> Owner | None:
        """A person or an organisation; ``None`` if there is none of that name."""
        with self._owner_lock:
            if login.lower() not in self._owners:
                self._owners[login.lower()] = self._owner(login)
            return self._owners[login.lower()]

    def membership(self, organisation: str) -> str | None:
        """What the token's owner is there: ``admin``, ``member`` or nothing; ``None`` if GitHub does not tell."""
        with self._membership_lock:
            if organisation.lower() not in self._memberships:
                path = f"/user/memberships/orgs{quoted(organisation)}"
                doing = f"Reading your membership in {organisation}"
                answer = self.client.request("GET", path, doing=doing, accept={403, 404})
                role = str(answer.data.get("role") or "member") if answer.status == 200 else ""
                if answer.status == 200 and answer.data.get("state") != "active":
                    role = ""
                self._memberships[organisation.lower()] = None if answer.status == 403 else role
            return self._memberships[organisation.lower()]

    def reviewer(self, reviewer: str) -> int | None:
        """The number of a person (``login``) or a team (``org/team``); ``None`` if there is no such.

        A team that the token may not see is not there either.
        """
        with self._reviewer_lock:
            if reviewer.lower() in self._reviewers:
                return self._reviewers[reviewer.lower()]
        organisation, _, team = reviewer.rpartition("/")
        path = f"/orgs{quoted(organisation)}/teams{quoted(team)}" if organisation else f"/users{quoted(team)}"
        accept = {403, 404} if organisation else {404}
        answer = self.client.request("GET", path, doing=f"Looking up the reviewer {reviewer}", accept=accept)
        found = int(answer.data["id"]) if answer.status == 200 else None
        if not organisation and found is not None and answer.data.get("type") == "Organization":
            found = None
        self.remember_reviewer(reviewer, found)
        return found

    def remember_reviewer(self, reviewer: str, number: int | None) -> None:
        """Keep the number of a reviewer that another answer told."""
        with self._reviewer_lock:
            self._reviewers[reviewer.lower()] = number

    def _owner(self, login: str) -> Owner | None:
        me = self.me()
        if str(me.get("login") or "").lower() == login.lower():
            return _owner_from(me, organisation=False)
        doing = f"Looking up the owner {login}"
        try:
            answer = self.client.request("GET", f"/orgs{quoted(login)}", doing=doing, accept={404})
        except AuthenticationFailed:
            raise
        except PermissionDenied:
            answer = Answer(404, {}, None)
        if answer.status == 200:
            return _owner_from(answer.data, organisation=True)
        answer = self.client.request("GET", f"/users{quoted(login)}", doing=doing, accept={404})
        if answer.status == 404:
            return None
        return _owner_from(answer.data, organisation=answer.data.get("type") == "Organization")


def token_kind(token: SecretValue) -> str:
    """The kind of a token, as its beginning tells it."""
    text = token.reveal()
    for prefix, kind in _KINDS.items():
        if text.startswith(prefix):
            return kind
    return "unknown"


def plan_of(name: str) -> str:
    """GitHub's name of a plan, in the four words that tell what it holds; empty if the name is not known."""
    words = {
        "free": ("free",),
        "pro": ("pro", "developer", "micro", "small", "medium", "large"),
        "team": ("team", "business_lite", "bronze", "silver", "gold", "platinum", "unlimited"),
        "enterprise": ("enterprise", "business", "business_plus"),
    }
    return next((plan for plan, names in words.items() if name.lower() in names), "")


def _owner_from(data: Mapping[str, Any], *, organisation: bool) -> Owner:
    plan = data.get("plan") or {}
    name = plan_of(str(plan.get("name") or ""))
    return Owner(login=str(data.get("login") or ""), organisation=organisation, plan=name, data=data)
