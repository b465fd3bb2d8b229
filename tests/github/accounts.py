"""Who there is on the fake GitHub: people, organisations with teams, and tokens of every kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# docs.github.com "Token types": the beginning of a token tells its kind.
PREFIXES = {
    "classic": "ghp_",
    "fine-grained": "github_pat_",
    "oauth": "gho_",
    "app": "ghs_",
    "app-user": "ghu_",
}
# docs.github.com "Scopes for OAuth apps": what a scope brings along.
IMPLIED = {
    "repo": {"public_repo", "repo:status", "repo_deployment", "repo:invite", "security_events"},
    "admin:org": {"write:org", "read:org", "manage_runners:org"},
    "write:org": {"read:org"},
    "user": {"read:user", "user:email", "user:follow"},
}
LEVELS = ("none", "read", "write", "admin")


@dataclass
class Account:
    """A person or an organisation.

    Attributes:
        plan: ``free``, ``pro`` (people), ``team`` or ``enterprise`` (organisations).
    """

    id: int
    login: str
    plan: str = "free"
    kind: str = "User"
    name: str = ""


@dataclass
class Team:
    """A team of an organisation."""

    id: int
    name: str
    slug: str
    members: set[str] = field(default_factory=set)


@dataclass
class Organization(Account):
    """An organisation.

    Attributes:
        members: Logins with their role, ``admin`` (owner) or ``member``.
        members_create: Whether members may create repositories; owners always may.
        members_create_public: The same for public ones.
        default_permission: What a member may do with every repository: none, read, write, admin.
        actions: What the organisation allows its repositories: all, local_only, selected.
        sha_pinning: Whether actions must be pinned for every repository.
        saml: Whether classic tokens must be authorised for single sign-on.
        plan_told: Whether owners are told the plan at all.
        fine_grained: Whether fine-grained tokens are let in at all.
    """

    kind: str = "Organization"
    members: dict[str, str] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    members_create: bool = True
    members_create_public: bool = True
    default_permission: str = "read"
    actions: str = "all"
    selected: dict[str, object] = field(
        default_factory=lambda: {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": []}
    )
    enabled_repositories: str = "all"
    sha_pinning: bool = False
    workflow_permissions: str = "write"
    approve_pull_requests: bool = True
    saml: bool = False
    fine_grained: bool = True
    plan_told: bool = True
    rulesets: list[dict[str, object]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)


@dataclass
class Token:
    """A token.

    Attributes:
        kind: One of :data:`PREFIXES`; ``app`` is an installation token, GITHUB_TOKEN as well.
        scopes: Of a classic or OAuth token.
        permissions: Of a fine-grained or app token: name to ``read``, ``write`` or ``admin``.
        repositories: The full names that a fine-grained or app token reaches; ``None``: every one of its owner.
        owner: The account whose resources a fine-grained token reaches; the person's own if empty.
        sso: Organisations with SAML that the token was authorised for.
    """

    value: str = field(repr=False)
    login: str
    kind: str = "classic"
    scopes: frozenset[str] = frozenset()
    permissions: Mapping[str, str] = field(default_factory=dict)
    repositories: frozenset[str] | None = None
    owner: str = ""
    sso: frozenset[str] = frozenset()
    expires: str = ""
    revoked: bool = False

    @property
    def scoped(self) -> bool:
        """Whether it has scopes, not permissions."""
        return self.kind in {"classic", "oauth"}

    @property
    def all_scopes(self) -> frozenset[str]:
        """The scopes with what they bring along."""
        return self.scopes | {more for scope in self.scopes for more in IMPLIED.get(scope, ())}

    def permits(self, wanted: str) -> bool:
        """Whether its permissions satisfy ``a=read,b=write; c=write`` (comma: and; semicolon: or)."""
        return any(
            all(self._has(*one.strip().split("=")) for one in group.split(",") if one.strip())
            for group in wanted.split(";")
        )

    def _has(self, name: str, level: str) -> bool:
        # docs.github.com "Permissions required for fine-grained tokens": metadata=read is always there.
        short = name.removeprefix("actions_")
        granted = self.permissions.get(name) or self.permissions.get(short if short == "variables" else name)
        granted = granted or ("read" if name == "metadata" else "none")
        return LEVELS.index(granted) >= LEVELS.index(level)


def lower(words: Iterable[str]) -> frozenset[str]:
    """The words in lower case: GitHub's names know no case."""
    return frozenset(word.lower() for word in words)
