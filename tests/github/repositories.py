"""What the fake GitHub keeps of a repository; the git part lies in a bare repository beside it."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from .accounts import Account

if TYPE_CHECKING:
    from .actions_state import Artifact, Run

KeyId = str


@dataclass
class Keys:
    """A key pair for sealed values; each repository and each environment has its own (facts: Secrets)."""

    number: int
    private: PrivateKey = field(default_factory=PrivateKey.generate, repr=False)

    @property
    def id(self) -> KeyId:
        """What GitHub calls ``key_id``."""
        return str(3_380_204_578_043_523_000 + self.number)

    @property
    def public(self) -> str:
        """The public key, as base64."""
        return base64.b64encode(bytes(self.private.public_key)).decode("ascii")

    def open(self, sealed: str) -> bytes:
        """What was sealed with the public key.

        Raises:
            ValueError: It was sealed with another key, or not at all.
        """
        try:
            return SealedBox(self.private).decrypt(base64.b64decode(sealed, validate=True))
        except (CryptoError, ValueError) as error:
            raise ValueError("not sealed with this key") from error


@dataclass
class Secret:
    """A secret; GitHub never shows its value, the fake's own tests do."""

    name: str
    value: str = field(repr=False)
    created_at: str = ""
    updated_at: str = ""


@dataclass
class Variable:
    """A variable."""

    name: str
    value: str
    created_at: str = ""
    updated_at: str = ""


@dataclass
class Vault:
    """The secrets and variables of a repository or of an environment, with the key that secrets are sealed with."""

    keys: Keys
    secrets: dict[str, Secret] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)


@dataclass
class Environment:
    """An environment.

    Attributes:
        reviewers: ``("User" or "Team", id)``.
        policy: ``None`` (every branch), ``protected`` or ``custom``.
        branches: The names of the custom branch policies by id.
    """

    id: int
    name: str
    vault: Vault
    created_at: str
    updated_at: str
    wait_timer: int = 0
    prevent_self_review: bool = False
    reviewers: list[tuple[str, int]] = field(default_factory=list)
    policy: str | None = None
    branches: dict[int, dict[str, str]] = field(default_factory=dict)

    @property
    def patterns(self) -> set[str]:
        """The names of the custom branch policies."""
        return {branch["name"] for branch in self.branches.values()}


@dataclass
class Runner:
    """A self-hosted runner."""

    id: int
    name: str
    labels: tuple[str, ...] = ()
    os: str = "linux"
    online: bool = True
    busy: bool = False
    ephemeral: bool = False


@dataclass
class Settings:
    """Everything of a repository that a call switches."""

    has_issues: bool = True
    has_projects: bool = True
    has_wiki: bool = True
    has_discussions: bool = False
    is_template: bool = False
    allow_squash_merge: bool = True
    allow_merge_commit: bool = True
    allow_rebase_merge: bool = True
    allow_auto_merge: bool = False
    delete_branch_on_merge: bool = False
    allow_update_branch: bool = False
    allow_forking: bool = True
    web_commit_signoff_required: bool = False
    use_squash_pr_title_as_default: bool = False
    squash_merge_commit_title: str = "COMMIT_OR_PR_TITLE"
    squash_merge_commit_message: str = "COMMIT_MESSAGES"
    merge_commit_title: str = "MERGE_MESSAGE"
    merge_commit_message: str = "PR_TITLE"


@dataclass
class Repository:
    """A repository.

    Attributes:
        folder: Its bare git repository.
        checks: Commits with the names of the checks that succeeded on them.
        collaborators: Logins with their role: read, triage, write, maintain, admin.
        teams: Slugs of the organisation's teams with their role.
        forks, issues, pulls: What others made; a test adds to them by hand.
        approved: Pull requests that somebody has approved, by number.
        dispatched: The dispatches that were asked for.
        comments: Of issues and pull requests, by id.
        statuses: Of commits, the oldest first.
        runs, artifacts: Of workflows, by id.
    """

    id: int
    owner: Account
    name: str
    visibility: str
    folder: Path
    vault: Vault
    created_at: str
    description: str | None = None
    homepage: str | None = None
    default_branch: str = "main"
    archived: bool = False
    disabled: bool = False
    settings: Settings = field(default_factory=Settings)
    updated_at: str = ""
    pushed_at: str = ""
    topics: list[str] = field(default_factory=list)
    environments: dict[str, Environment] = field(default_factory=dict)
    rulesets: dict[int, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    collaborators: dict[str, str] = field(default_factory=dict)
    teams: dict[str, str] = field(default_factory=dict)
    runners: dict[int, Runner] = field(default_factory=dict)
    checks: dict[str, set[str]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    approved: set[int] = field(default_factory=set)
    forks: list[dict[str, Any]] = field(default_factory=list)
    dispatched: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    artifacts: dict[int, Artifact] = field(default_factory=dict)
    vulnerability_alerts: bool = False
    security_fixes: bool = False
    actions_enabled: bool = True
    allowed_actions: str = "all"
    sha_pinning: bool = False
    selected: dict[str, Any] = field(
        default_factory=lambda: {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": []}
    )
    workflow_permissions: str = "read"
    approve_pull_requests: bool = False
    fork_approval: str = "first_time_contributors"

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner.login}/{self.name}"

    @property
    def private(self) -> bool:
        """Whether not everybody may see it."""
        return self.visibility != "public"

    @property
    def secrets(self) -> dict[str, str]:
        """The repository's own secrets, opened."""
        return {name: secret.value for name, secret in self.vault.secrets.items()}

    @property
    def variables(self) -> dict[str, str]:
        """The repository's own variables."""
        return {name: variable.value for name, variable in self.vault.variables.items()}

    @property
    def branches(self) -> dict[str, str]:
        """The branches with their commits, from git."""
        listed = self.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/")
        return dict(line.split() for line in listed.splitlines())

    def git(self, *arguments: str, text: str | None = None) -> str:
        """Run git in the bare repository."""
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments], input=text, capture_output=True, text=True, check=True
        )
        return done.stdout.rstrip("\n")

    def environment(self, name: str) -> Environment | None:
        """The environment of that name; docs "Managing environments for deployment": names know no case."""
        return next((one for one in self.environments.values() if one.name.lower() == name.lower()), None)

    def secrets_of(self, environment: str) -> dict[str, str]:
        """The secrets of an environment, opened."""
        return {name: secret.value for name, secret in self.environments[environment].vault.secrets.items()}

    def variables_of(self, environment: str) -> dict[str, str]:
        """The variables of an environment."""
        return {name: variable.value for name, variable in self.environments[environment].vault.variables.items()}
