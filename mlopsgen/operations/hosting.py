"""Which repository on GitHub a project belongs to: said by flags, else by its remote, else by its answers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlopsgen.adapters.git import without_credentials
from mlopsgen.constants import HOSTED_REMOTE
from mlopsgen.errors import MissingAnswer, UsageError
from mlopsgen.operations.project import Project, Surroundings, find_project
from mlopsgen.operations.recorded_answers import Recorded, recorded_in
from mlopsgen.ports import EventSink
from mlopsgen.questions import Value

if TYPE_CHECKING:
    from mlopsgen.forge.github.account import Account
    from mlopsgen.forge.github.forge import GitHubForge
    from mlopsgen.secret_value import SecretValue

GITHUB = "github.com"
LOGIN = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}(?:_[A-Za-z0-9]+)?")
"""A person's or an organisation's name on GitHub; managed users have a short code behind an underscore."""
REPOSITORY_NAME = re.compile(r"(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}")

_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/\s]+):(?!//)(?P<path>[^\s]+)")
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the flags say.

    Attributes:
        host: ``--host``: a host name; or an address, where it is not reached by https.
        organisation: ``--org``.
        personal: ``--user``: the account that the token belongs to.
        name: ``--name``: the repository's name.
    """

    host: str = ""
    organisation: str = ""
    personal: bool = False
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A repository on GitHub, whether it exists yet or not.

    Attributes:
        host: The server: ``github.com``, another host name, or an address (``http://127.0.0.1:8080``).
        owner: The account; empty while nobody has said.
        organisation: Whether the account is an organisation; ``None`` where only GitHub knows.
        name: The repository's name.
        origin: The address of the remote that it was found by; empty if it was found otherwise.
    """

    host: str
    owner: str
    organisation: bool | None
    name: str
    origin: str = ""

    @property
    def full_name(self) -> str:
        """Owner and name, as people write it."""
        return f"{self.owner}/{self.name}"

    def owned_by(self, owner: str, *, organisation: bool | None) -> Target:
        """The same repository of another account."""
        return replace(self, owner=owner, organisation=organisation)


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """A project, what it was made from, and its repository on GitHub.

    Attributes:
        project: The repository on this machine.
        recorded: What its record says.
        target: The repository on GitHub; its owner may be missing.
        foreign: The address of ``origin`` where it leads to something that is not known to be GitHub.
    """

    project: Project
    recorded: Recorded
    target: Target
    foreign: str = ""

    @property
    def answers(self) -> Mapping[str, Value]:
        """An answer to every question of ours."""
        return self.recorded.answers

    def required(self) -> Target:
        """The repository on GitHub, with its owner.

        Raises:
            MissingAnswer: Nobody has said whose it is.
        """
        if self.target.owner:
            return self.target
        raise MissingAnswer(
            "Whose repository on GitHub it is has not been said.",
            where="--org",
            hint="Add --org ORGANISATION, or --user for your own account.",
        )


@dataclass(frozen=True, kw_only=True)
class Place:
    """A repository's address, taken apart."""

    host: str
    owner: str
    name: str
    protocol: str


def find_hosted(surroundings: Surroundings, wanted: Wanted | None = None) -> Hosted:
    """The project of a folder with its answers and its repository on GitHub.

    Raises:
        MlopsgenError: The folder is in no repository, or in one that was not generated.
        InvalidDocument: The repository's answers cannot be read.
        InvalidAnswer: One of them is not valid.
        UsageError: A flag names nothing that GitHub could know.
    """
    project = find_project(surroundings)
    recorded = recorded_in(project.root)
    origin = project.source.remotes().get(HOSTED_REMOTE, "")
    target = find_target(wanted or Wanted(), recorded.answers, origin, surroundings.environ)
    foreign = "" if not origin or is_github(place_of(origin), target.host, surroundings.environ) else origin
    foreign = without_credentials(foreign)
    return Hosted(project=project, recorded=recorded, target=target, foreign=foreign)


def find_target(wanted: Wanted, answers: Mapping[str, Value], origin: str, environ: Mapping[str, str]) -> Target:
    """Which repository on GitHub is meant: flags first, then where ``origin`` leads to, then the answers.

    Raises:
        UsageError: A flag names nothing that GitHub could know.
    """
    _refuse_unfit(wanted)
    place = _by_web(place_of(origin), (wanted.host, host_of(environ)))
    found = place if place is not None and is_github(place, wanted.host, environ) else None
    host = wanted.host or (found.host if found else host_of(environ))
    if found is not None and not same_host(found.host, host):
        found = None
    owner, organisation = "", None
    if wanted.organisation:
        owner, organisation = wanted.organisation, True
    elif wanted.personal:
        organisation = False
    elif found is not None:
        owner = found.owner
    elif LOGIN.fullmatch(str(answers.get("owner", ""))):
        owner = str(answers["owner"])
    same_owner = found is not None and owner.casefold() in ("", found.owner.casefold())
    name = wanted.name or (found.name if found is not None and same_owner else str(answers["slug"]))
    kept = found is not None and same_owner and name.casefold() == found.name.casefold()
    return Target(host=host, owner=owner, organisation=organisation, name=name, origin=origin if kept else "")


def open_github(
    target: Target,
    token: SecretValue,
    surroundings: Surroundings,
    events: EventSink,
    *,
    plan: str = "auto",
    sleep: Callable[[float], None] = time.sleep,
) -> GitHubForge:
    """The forge of a repository on GitHub, which need not exist yet.

    Args:
        target: The repository.
        token: Whose rights count.
        surroundings: Where the command runs.
        events: Is told what is being waited for.
        plan: The account's plan where its owner said it; ``auto`` asks GitHub.
        sleep: Waits that many seconds.
    """
    from mlopsgen.forge.github.forge import GitHubForge  # noqa: PLC0415 - its libraries take a moment
    from mlopsgen.forge.github.host import Host  # noqa: PLC0415

    environ = surroundings.environ
    host = Host.parse(target.host, environ)
    return GitHubForge(
        host,
        target.owner,
        target.name,
        token,
        environ=environ,
        events=events,
        organisation=target.organisation,
        plan=plan,
        sleep=sleep,
    )


def open_account(target: Target, token: SecretValue, surroundings: Surroundings, events: EventSink) -> Account:
    """What a token can read without a repository: whose it is, and the organisations that its owner belongs to."""
    from mlopsgen.forge.github.account import Account  # noqa: PLC0415 - its libraries take a moment
    from mlopsgen.forge.github.host import Host  # noqa: PLC0415

    host = Host.parse(target.host, surroundings.environ)
    return Account(host, token, environ=surroundings.environ, events=events)


def host_of(environ: Mapping[str, str]) -> str:
    """The host that the environment names (as gh and GitHub's own runners do), else github.com."""
    if environ.get("GH_HOST"):
        return environ["GH_HOST"]
    server = environ.get("GITHUB_SERVER_URL", "")
    if server:
        return server if server.startswith("http://") else urlsplit(server).netloc or server
    api = urlsplit(environ.get("GITHUB_API_URL", ""))
    if not api.netloc:
        return GITHUB
    if api.scheme == "http":
        return f"http://{api.netloc}"
    return api.netloc if api.path.strip("/") else api.netloc.removeprefix("api.")


def is_github(place: Place | None, wanted_host: str, environ: Mapping[str, str]) -> bool:
    """Whether a repository lies on a server that is known to be GitHub: by its name, by a flag or by the environment.

    A token goes nowhere else.
    """
    if place is None:
        return False
    known = (GITHUB, host_of(environ), wanted_host)
    return (
        any(same_host(place.host, host) for host in known if host)
        or bare_host(place.host).endswith(".ghe.com")
        or _LOOPBACK.fullmatch(bare_host(place.host)) is not None
    )


def same_host(one: str, other: str) -> bool:
    """Whether two ways to write a host mean the same one."""
    return bare_host(one) == bare_host(other)


def bare_host(host: str) -> str:
    """A host (and its port) alone, in lower case."""
    found = (urlsplit(host).netloc if "://" in host else host).casefold().rstrip("/")
    # GitHub answers ssh on port 443 under another name, for networks that let nothing else through.
    return GITHUB if found in ("ssh.github.com", "ssh.github.com:443", f"www.{GITHUB}") else found


def place_of(address: str) -> Place | None:
    """The repository that a remote's address names, or ``None`` where it names none on a server."""
    address = address.strip()
    if "://" in address:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https", "ssh", "git", "git+ssh") or not parts.hostname:
            return None
        host, path = parts.netloc.rpartition("@")[2], parts.path
        if parts.scheme == "http":
            host = f"http://{host}"
        elif "ssh" in parts.scheme:
            host = host if same_host(host, GITHUB) else parts.hostname
        protocol = "ssh" if "ssh" in parts.scheme else "https"
    else:
        found = _SCP_LIKE.fullmatch(address)
        if found is None or len(found["host"]) == 1:  # one letter: a drive of Windows
            return None
        host, path, protocol = found["host"], found["path"], "ssh"
    names = path.strip("/").removesuffix(".git").split("/")
    if len(names) != 2 or not all(names):
        return None
    return Place(host=GITHUB if same_host(host, GITHUB) else host, owner=names[0], name=names[1], protocol=protocol)


def _by_web(place: Place | None, hosts: Sequence[str]) -> Place | None:
    """A place that ssh leads to, with the host as it is called on the web: only that may have a port of the web's."""
    if place is None or place.protocol != "ssh":
        return place
    alike = (host for host in hosts if host and _without_port(host) == _without_port(place.host))
    return replace(place, host=next(alike, place.host))


def _without_port(host: str) -> str:
    return re.sub(r":\d+$", "", bare_host(host))


def _refuse_unfit(wanted: Wanted) -> None:
    if wanted.organisation and wanted.personal:
        raise UsageError("--org and --user exclude each other.", where="--user", hint="Give one of them.")
    if wanted.organisation and not LOGIN.fullmatch(wanted.organisation):
        hint = "Letters, digits and single dashes: the last part of its address on GitHub."
        raise UsageError(f"'{wanted.organisation}' cannot be an organisation on GitHub.", where="--org", hint=hint)
    if wanted.name and not REPOSITORY_NAME.fullmatch(wanted.name):
        hint = "Up to 100 letters, digits, '-', '_' and '.', not ending in '.git'."
        raise UsageError(f"'{wanted.name}' cannot be a repository's name on GitHub.", where="--name", hint=hint)
    if wanted.host and not re.fullmatch(r"(https?://)?[A-Za-z0-9.-]+(:\d+)?/?|(http://)?\[::1\](:\d+)?/?", wanted.host):
        hint = "A host such as github.example.org."
        raise UsageError(f"'{wanted.host}' is not a host.", where="--host", hint=hint)
