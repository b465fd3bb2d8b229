"""Finds the token for a GitHub host, where people usually keep it; a token never goes to a host that it is not for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mlopsgen.adapters import process
from mlopsgen.errors import MlopsgenError, PermissionDenied, UsageError
from mlopsgen.secret_value import SecretValue

GITHUB = "github.com"
OWN_VARIABLE = "MLOPSGEN_GITHUB_TOKEN"
"""The variable that is meant for this program alone."""

_VARIABLES = ("GH_TOKEN", "GITHUB_TOKEN")
_ENTERPRISE_VARIABLES = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
_NAMING_VARIABLES = ("GITHUB_SERVER_URL", "GITHUB_API_URL", "GH_HOST")
_LOOPBACK = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[?::1\]?)(:[0-9]+)?")
_TOKEN = re.compile(r"[!-~]+")
_GH_SECONDS = 15.0
_KINDS = {
    "github_pat_": "fine-grained personal access token",
    "ghp_": "classic personal access token",
    "gho_": "OAuth token (as gh keeps it)",
    "ghu_": "user token of a GitHub App",
    "ghs_": "installation token of a GitHub App or of a workflow",
    "ghr_": "refresh token, which opens nothing",
}


class NoCredential(PermissionDenied):
    """There is no token for the host."""

    code = "no-credential"


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A token and where it came from.

    Attributes:
        token: The token.
        source: Where it was found, for people: ``the variable GH_TOKEN``.
        host: The host that it is for.
    """

    token: SecretValue
    source: str
    host: str

    @property
    def kind(self) -> str:
        """What kind of token it is, as its first letters tell."""
        text = self.token.reveal()
        if re.fullmatch(r"[0-9a-f]{40}", text):
            return "classic personal access token (of the old form)"
        return next((kind for prefix, kind in _KINDS.items() if text.startswith(prefix)), "token of an unknown kind")


def find_credential(
    host: str,
    environ: Mapping[str, str],
    *,
    cwd: Path,
    given: SecretValue | None = None,
    ask: Callable[[], SecretValue] | None = None,
    chosen: bool = False,
) -> Credential:
    """The token for a host: the given one, else of the environment, else of ``gh``, else what a person types.

    Args:
        host: The host, with its port if it has one; an address of it does as well.
        environ: The environment of the process.
        cwd: A folder for ``gh``.
        given: The token that ``--token-stdin`` read.
        ask: Asks for a token; ``None`` where nobody can answer.
        chosen: Whether the person named this host on the command line. Otherwise it may have come from a file of
            somebody else (the address of a remote), and only what clearly is for this host goes there.

    Raises:
        NoCredential: There is none.
        UsageError: What was found cannot be a token.
    """
    host = _host_in(host)
    if given is not None:
        return _checked(given, "standard input (--token-stdin)", host)
    for name in _variables(host, environ, chosen=chosen):
        text = environ.get(name, "").strip()
        if text:
            return _checked(SecretValue(text), f"the variable {name}", host)
    kept = _kept_by_gh(host, environ, cwd)
    if kept:
        return _checked(kept, f"'gh auth token' for {host}", host)
    if ask is not None:
        return _checked(ask(), "the prompt", host)
    raise NoCredential(
        f"There is no token for {host}.{_unused(host, environ, chosen=chosen)}", where=host, hint=_hint(host)
    )


def token_from_text(text: str) -> SecretValue:
    """The token that a person typed or piped; blanks and line ends around it do not belong to it."""
    return SecretValue(text.strip())


def is_near(host: str) -> bool:
    """Whether tokens of the environment are for a host without ``GH_HOST`` saying so."""
    return host == GITHUB or host.endswith(".ghe.com") or _LOOPBACK.fullmatch(host) is not None


def _variables(host: str, environ: Mapping[str, str], *, chosen: bool) -> Iterator[str]:
    near = is_near(host)
    named = near or host in _named_hosts(environ)
    if named or chosen:
        yield OWN_VARIABLE
    if (named or chosen) and (not near or _LOOPBACK.fullmatch(host)):
        # gh's names for a server of one's own. Which one is said by GH_HOST; a remote's address alone says nothing.
        yield from _ENTERPRISE_VARIABLES
    if named:
        yield "GH_TOKEN"
        # In a workflow this is the token of the server that runs it, and of no other.
        if _server(environ) in ("", host):
            yield "GITHUB_TOKEN"


def _named_hosts(environ: Mapping[str, str]) -> set[str]:
    """The hosts that the environment names as the ones that its tokens are for."""
    return {host for name in _NAMING_VARIABLES if (host := _host_in(environ.get(name, "")))}


def _server(environ: Mapping[str, str]) -> str:
    """The server that the environment is in, as a workflow has it; empty outside of workflows."""
    return next((host for name in _NAMING_VARIABLES[:2] if (host := _host_in(environ.get(name, "")))), "")


def _host_in(text: str) -> str:
    """The host in an address or alone; GitHub's own API hosts stand for the hosts that they belong to."""
    text = text.strip()
    host = urlsplit(text if "://" in text else f"//{text}").netloc.lower()
    return host.removeprefix("api.") if host == f"api.{GITHUB}" or host.endswith(".ghe.com") else host


def _kept_by_gh(host: str, environ: Mapping[str, str], cwd: Path) -> SecretValue | None:
    # gh gives out the tokens of variables as well: without them it answers from its own store, for this host alone.
    hidden = {*_VARIABLES, *_ENTERPRISE_VARIABLES, OWN_VARIABLE, "GH_HOST"}
    env = {name: value for name, value in environ.items() if name not in hidden} | {"GH_PROMPT_DISABLED": "1"}
    try:
        done = process.run(
            ["gh", "auth", "token", "--hostname", host], cwd=cwd, env=env, check=False, timeout=_GH_SECONDS
        )
    except MlopsgenError:
        return None
    return token_from_text(done.stdout) if done.exit_status == 0 and done.stdout.strip() else None


def _checked(token: SecretValue, source: str, host: str) -> Credential:
    text = token.reveal()
    if not text:
        raise NoCredential(f"The token from {source} is empty.", where=host, hint=_hint(host))
    if not _TOKEN.fullmatch(text):
        raise UsageError(
            f"What came from {source} cannot be a token: it holds blanks, line ends or letters that no token has.",
            where=host,
            hint="Give the token alone, without quotes and without a name before it.",
        )
    return Credential(token=token, source=source, host=host)


def _unused(host: str, environ: Mapping[str, str], *, chosen: bool) -> str:
    """Which tokens are there and were not sent, so that nobody wonders."""
    allowed = set(_variables(host, environ, chosen=chosen))
    names = (OWN_VARIABLE, *_VARIABLES, *_ENTERPRISE_VARIABLES)
    unused = [name for name in names if environ.get(name, "").strip() and name not in allowed]
    if not unused:
        return ""
    return (
        f" {' and '.join(unused)} may be for another host and is not sent there; GH_HOST={host} says that it is for it."
    )


def _hint(host: str) -> str:
    gh = "gh auth login" if host == GITHUB else f"gh auth login --hostname {host}"
    return f"Run '{gh}', or set {OWN_VARIABLE}, or pipe a token to --token-stdin."
