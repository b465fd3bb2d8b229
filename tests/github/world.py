"""Everything that exists on the fake GitHub, and who may do what with it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from .accounts import Account, Organization, Token
from .repositories import Environment, Keys, Repository, Vault
from .web import Refused, not_found

ROLES = ("none", "read", "triage", "write", "maintain", "admin")


def now() -> str:
    """This moment as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class World:
    """The fake's whole state; whoever changes it holds ``lock``.

    Attributes:
        blobs: What lies behind the addresses that artifacts are fetched from.
        moved: The old names of renamed repositories, in lower case, with the new ones.
        late: How many calls about a new repository, environment or branch still find nothing (eventual consistency).
    """

    folder: Path
    server: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    accounts: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    downloads: list[dict[str, str]] = field(default_factory=list)
    clock: Callable[[], str] = now
    ids: Iterator[int] = field(default_factory=lambda: count(1001))
    late: int = 0
    blobs: dict[str, bytes] = field(default_factory=dict)
    _hidden: dict[str, int] = field(default_factory=dict)

    @property
    def api(self) -> str:
        """The root of the REST API, as on an Enterprise Server (facts: Pushing, limits, hosts)."""
        return f"{self.server}/api/v3"

    def account(self, login: str) -> Account:
        """The person or organisation; 404 when there is none."""
        if login.lower() not in self.accounts:
            raise not_found()
        return self.accounts[login.lower()]

    def organization(self, login: str) -> Organization:
        """The organisation; 404 when there is none."""
        found = self.account(login)
        if not isinstance(found, Organization):
            raise not_found()
        return found

    def hide(self, path: str) -> None:
        """Something new is there; the next calls about it (or what lies below) will not see it, if that is wanted."""
        if self.late:
            self._hidden[path.lower()] = self.late

    def seen(self, path: str) -> None:
        """Refuse a call about something that is still hidden; each refusal brings it nearer."""
        for hidden in list(self._hidden):
            if path.lower() == hidden or path.lower().startswith(hidden + "/"):
                self._hidden[hidden] -= 1
                if not self._hidden[hidden]:
                    del self._hidden[hidden]
                raise not_found()

    def keys(self) -> Keys:
        """A new key pair."""
        return Keys(next(self.ids))

    def make_repository(self, owner: Account, name: str, visibility: str) -> Repository:
        """A new repository without branches."""
        number = next(self.ids)
        folder = self.folder / "repositories" / f"{number}.git"
        folder.parent.mkdir(exist_ok=True)
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(folder)], check=True, capture_output=True)
        for key, value in {"http.receivepack": "true", "uploadpack.allowFilter": "true"}.items():
            subprocess.run(["git", "-C", str(folder), "config", key, value], check=True, capture_output=True)
        at = self.clock()
        made = Repository(number, owner, name, visibility, folder, Vault(self.keys()), at, updated_at=at, pushed_at=at)
        for label, color in (("bug", "d73a4a"), ("documentation", "0075ca"), ("enhancement", "a2eeef")):
            made.labels[label] = {"id": next(self.ids), "name": label, "color": color, "description": f"{label}.",
                                  "default": True}  # fmt: skip
        self.repositories[made.full_name.lower()] = made
        return made

    def make_environment(self, repository: Repository, name: str) -> Environment:
        """A new environment without any protection, with a key of its own."""
        at = self.clock()
        made = Environment(next(self.ids), name, Vault(self.keys()), at, at)
        repository.environments[name] = made
        return made

    def find(self, full_name: str) -> Repository | None:
        """The repository of that name, whatever the case, or ``None``."""
        return self.repositories.get(full_name.lower())

    def role(self, login: str, repository: Repository) -> str:
        """What a person may do with a repository, by ownership, membership, team or invitation."""
        roles = [repository.collaborators.get(login.lower(), "none")]
        owner = repository.owner
        if owner.login.lower() == login.lower():
            return "admin"
        if isinstance(owner, Organization):
            membership = owner.members.get(login.lower())
            if membership == "admin":
                return "admin"
            if membership:
                roles.append(owner.default_permission)
            roles += [role for slug, role in repository.teams.items() if login.lower() in owner.teams[slug].members]
        if not repository.private:
            roles.append("read")
        return max(roles, key=ROLES.index)

    def may(self, token: Token | None, repository: Repository, *, role: str, permissions: str) -> None:
        """Refuse what the token, or the person behind it, has no right to.

        Sources: docs.github.com "Scopes for OAuth apps", "Permissions required for fine-grained personal access
        tokens", "Troubleshooting the REST API" (404 for what must not be seen), "Authorizing a personal access token
        for use with single sign-on".
        """
        if token is None:
            if repository.private or role != "read":
                raise not_found() if repository.private else Refused(401, "Requires authentication")
            return
        held = self.role(token.login, repository) if token.kind != "app" else "admin"
        self._visible(token, repository, held)
        self.single_sign_on(token, repository.owner)
        if token.scoped:
            needed = "repo" if repository.private else "public_repo"
            if (repository.private or role != "read") and needed not in token.all_scopes:
                raise not_found()
        elif not token.permits(permissions):
            kind = "integration" if token.kind == "app" else "personal access token"
            raise Refused(403, f"Resource not accessible by {kind}")
        if ROLES.index(held) < ROLES.index(role):
            raise Refused(403, "Must have admin rights to Repository.")

    def _visible(self, token: Token, repository: Repository, held: str) -> None:
        if not repository.private:
            readable = True
        elif token.scoped:
            readable = held != "none"
        else:
            owner = (token.owner or token.login).lower()
            listed = token.repositories is None or repository.full_name.lower() in token.repositories
            readable = listed and owner == repository.owner.login.lower() and held != "none"
        if not readable:
            raise not_found()

    def single_sign_on(self, token: Token, owner: Account) -> None:
        """Refuse a token that an organisation with SAML did not authorise (403 with ``X-GitHub-SSO``)."""
        if not isinstance(owner, Organization):
            return
        if owner.saml and token.kind != "app" and owner.login.lower() not in token.sso:
            where = f"{self.server}/orgs/{owner.login}/sso?authorization_request=A"
            raise Refused(
                403,
                "Resource protected by organization SAML enforcement. You must grant your Personal Access token access "
                "to this organization.",
                headers={"X-GitHub-SSO": f"required; url={where}"},
            )
        if token.kind == "fine-grained" and not owner.fine_grained:
            raise Refused(
                403,
                f"`{owner.login}` forbids access via a fine-grained personal access token. Please use a GitHub App, "
                "OAuth App, or a personal access token (classic).",
            )


def private_environments(repository: Repository) -> bool:
    """Whether environments can be had (facts: Environments, Plans: private ones need Pro, Team or Enterprise)."""
    return not repository.private or repository.owner.plan != "free"


def private_reviewers(repository: Repository) -> bool:
    """Whether reviewers and wait timers can be had (facts: private repositories need Enterprise)."""
    return not repository.private or repository.owner.plan == "enterprise"


def private_rulesets(repository: Repository) -> bool:
    """Whether rulesets can be had and count (facts: private repositories need Pro, Team or Enterprise)."""
    return not repository.private or repository.owner.plan != "free"
