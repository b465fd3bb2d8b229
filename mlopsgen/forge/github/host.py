"""Which GitHub: its addresses for people, for the API and for git. Imports nothing heavy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from mlopsgen.errors import UsageError

PUBLIC = "github.com"
_HINT = "Name it like github.com, acme.ghe.com or https://github.example.com."
_SCP_ADDRESS = re.compile(r"^(?:[\w.-]+@)?(?P<host>[\w.-]+):(?P<path>[^/].*)$")
_HOST_NAME = re.compile(r"^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$|^\[[0-9a-f:]+\]$")
# GitHub answers ssh on these names and ports as well, for networks that let nothing but 443 through.
_SSH_ALIASES = {"ssh.github.com": PUBLIC}


class Remote(NamedTuple):
    """What the address of a git remote names.

    Attributes:
        host: The host's name, with the port where it is given for http(s).
        owner: The person or organisation.
        name: The repository.
    """

    host: str
    owner: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Host:
    """A GitHub.

    Attributes:
        name: What people call it: ``github.com``; with a port where there is one.
        server: Where people and git go, without a slash at the end.
        api: Where the REST API is, without a slash at the end.
    """

    name: str
    server: str
    api: str

    @property
    def is_public(self) -> bool:
        """Whether it is github.com."""
        return self.name == PUBLIC

    @classmethod
    def parse(cls, text: str, environ: Mapping[str, str]) -> Host:
        """The GitHub that a person or an environment names.

        Args:
            text: A host's name or address; empty for the one that GitHub Actions runs on, else github.com.
            environ: Where ``GITHUB_SERVER_URL`` and ``GITHUB_API_URL`` may be, as GitHub Actions sets them.

        Raises:
            UsageError: It is not the name of a host, or would send a token unencrypted over a network.
        """
        surroundings = environ.get("GITHUB_SERVER_URL", "").strip()
        given = text.strip() or surroundings or PUBLIC
        server = _server(given)
        name = server.split("://", 1)[1]
        api = environ.get("GITHUB_API_URL", "").strip().rstrip("/")
        its_own = bool(surroundings) and _server(surroundings) == server
        if api and (its_own or _split(api).netloc.lower() == name):
            return cls(name=name, server=server, api=_secure(api))
        return cls(name=name, server=server, api=_api(server, name))

    def address(self, owner: str, name: str, protocol: str = "https") -> str:
        """What git clones and pushes to; never with credentials.

        Args:
            owner: The person or organisation.
            name: The repository.
            protocol: ``https`` or ``ssh``.
        """
        if protocol == "ssh":
            return f"git@{self.name.split(':', 1)[0]}:{owner}/{name}.git"
        return f"{self.server}/{owner}/{name}.git"

    def page(self, owner: str, name: str) -> str:
        """Where people look at the repository."""
        return f"{self.server}/{quote(owner)}/{quote(name)}"

    def names(self, remote: Remote) -> bool:
        """Whether a remote's address leads to this GitHub."""
        return remote.host in {self.name, self.name.split(":", 1)[0]}


def parse_remote(address: str) -> Remote | None:
    """What the address of a git remote names, in each form that git takes; ``None`` if it is no repository's address.

    Credentials in the address are left out.
    """
    found = _SCP_ADDRESS.match(address)
    if found and "://" not in address:
        return _remote(found["host"], found["path"])
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"https", "http", "ssh", "git+ssh", "git"} or not parts.hostname:
        return None
    web = parts.scheme in {"https", "http"}
    return _remote(f"{parts.hostname}:{port}" if web and port else parts.hostname, parts.path)


def _remote(host: str, path: str) -> Remote | None:
    pieces = path.strip("/").removesuffix(".git").split("/")
    if len(pieces) != 2 or not all(pieces):
        return None
    host = host.lower()
    return Remote(_SSH_ALIASES.get(host, host), pieces[0], pieces[1])


def _server(given: str) -> str:
    """The address of the server behind what was given."""
    address = _secure(given if "://" in given else f"https://{given}")
    parts = _split(address)
    if parts.path.strip("/") not in {"", "api/v3"} or parts.query or parts.fragment:
        raise UsageError(f"'{given}' is more than the address of a GitHub.", hint=_HINT, where="--host")
    host = parts.netloc.lower()
    if host in {"api.github.com", "www.github.com"}:
        host = PUBLIC
    if host.endswith(".ghe.com"):
        host = host.removeprefix("api.")
    return f"{parts.scheme}://{host}"


def _api(server: str, name: str) -> str:
    if name == PUBLIC:
        return "https://api.github.com"
    if name.endswith(".ghe.com"):
        return f"https://api.{name}"
    return f"{server}/api/v3"


def _secure(address: str) -> str:
    """The address, once it is sure that a token may be sent there."""
    parts = _split(address)
    if parts.username or parts.password:
        hint = "Leave the credentials out; give the token by --token-stdin, MLOPSGEN_GITHUB_TOKEN or 'gh auth login'."
        raise UsageError("The address of the GitHub holds credentials.", hint=hint, where="--host")
    if not parts.hostname or not _HOST_NAME.match(parts.netloc.lower().rsplit(":", 1)[0] or parts.netloc.lower()):
        raise UsageError(f"'{address}' is not the address of a GitHub.", hint=_HINT, where="--host")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise UsageError(
            f"{address} is not encrypted; everybody on the way could read the token.",
            hint=f"Use https://{parts.netloc}.",
            where="--host",
        )
    if parts.scheme not in {"http", "https"}:
        raise UsageError(f"'{address}' is not the address of a GitHub.", hint=_HINT, where="--host")
    return address.rstrip("/")


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"'{address}' is not the address of a GitHub.", hint=_HINT, where="--host") from error
    return parts


def _is_loopback(hostname: str) -> bool:
    try:
        return hostname == "localhost" or ip_address(hostname).is_loopback
    except ValueError:
        return False
