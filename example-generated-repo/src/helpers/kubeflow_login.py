"""How the branch logs in to Kubeflow, and how it does so again when a login has run out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import requests

from helpers.errors import ConfigurationError
from helpers.kubeflow_answers import KubeflowAccessError
from helpers.kubeflow_dex import DexLogin
from helpers.kubeflow_trust import Place

TOKEN_FILES = ("KUBEFLOW_TOKEN_FILE", "KF_PIPELINES_SA_TOKEN_PATH")
PROJECTED_TOKEN = "/var/run/secrets/kubeflow/pipelines/token"  # noqa: S105 - a path, the one that kfp documents

Environ = Callable[[], Mapping[str, str]]
"""Reads the environment again: a laptop's ``.env`` may hold a new value meanwhile."""


class Login(Protocol):
    """A way to log in; its headers go with each call."""

    def headers(self) -> dict[str, str]:
        """What a call carries; logs in when that has not happened yet."""

    def renew(self) -> None:
        """Logs in again.

        Raises:
            KubeflowAccessError: There is no other login than the one that does not count any more.
        """


class NoLogin:
    """Nobody logs in: an address inside the cluster, or one that somebody else protects."""

    def headers(self) -> dict[str, str]:
        """Nothing."""
        return {}

    def renew(self) -> None:
        """There is nothing to renew."""
        raise KubeflowAccessError(
            "Kubeflow wants a login, and the branch has none.",
            hint="Set kubeflow.login to token, service-account, cookie or dex, and give its secret.",
        )


class ValueLogin:
    """A token or a cookie that somebody gives."""

    def __init__(self, read: Callable[[], str], headers: Callable[[str], dict[str, str]], *, hint: str) -> None:
        self._read, self._headers, self._hint = read, headers, hint
        self._value = ""

    def headers(self) -> dict[str, str]:
        """The value as a header."""
        self._value = self._value or self._read()
        return self._headers(self._value)

    def renew(self) -> None:
        """Reads the value again; the same one is no renewal."""
        value = self._read()
        if value == self._value:
            raise KubeflowAccessError("Kubeflow does not accept the login (any more).", hint=self._hint)
        self._value = value


class PasswordLogin:
    """A user of Dex."""

    def __init__(self, place: Place, environ: Environ) -> None:
        self._place, self._environ = place, environ
        self._session: requests.Session | None = None

    def headers(self) -> dict[str, str]:
        """The session's cookie."""
        if self._session is None:
            self.renew()
        assert self._session is not None  # noqa: S101 - renew() made it or raised
        host = urlsplit(self._place.endpoint).hostname or ""
        pairs = [
            f"{cookie.name}={cookie.value}"
            for cookie in self._session.cookies
            if _belongs(cookie.domain, host) and "csrf" not in cookie.name.lower()
        ]
        return {"Cookie": "; ".join(pairs)}

    def renew(self) -> None:
        """Logs in from the beginning."""
        variables = self._environ()
        username, password = variables.get("KUBEFLOW_USERNAME", ""), variables.get("KUBEFLOW_PASSWORD", "")
        for name, value in (("KUBEFLOW_USERNAME", username), ("KUBEFLOW_PASSWORD", password)):
            if not value:
                raise _absent(name, "dex")
        session = new_session(self._place)
        DexLogin(session, self._place.origin, self._place.endpoint).log_in(username, password)
        self._session = session


def make_login(mode: str, place: Place, environ: Environ) -> Login:
    """The login of a mode.

    Args:
        mode: ``kubeflow.login`` of the configuration.
        place: Which Kubeflow.
        environ: Reads the environment, each time again.
    """
    match mode:
        case "token":
            hint = "Put a new token into the secret KUBEFLOW_TOKEN."
            return ValueLogin(lambda: _variable(environ, "KUBEFLOW_TOKEN", mode), _bearer, hint=hint)
        case "service-account":
            hint = "Is the service account's token still renewed in its file, and is its audience the right one?"
            return ValueLogin(lambda: _token_file(environ), _bearer, hint=hint)
        case "cookie":
            hint = "Log in with a browser, and put its cookie into the secret KUBEFLOW_COOKIE."
            return ValueLogin(lambda: _cookie(environ), lambda value: {"Cookie": value}, hint=hint)
        case "dex":
            return PasswordLogin(place, environ)
        case _:
            return NoLogin()


def new_session(place: Place) -> requests.Session:
    """A session that trusts and goes where the place says, and reads no settings of its own (``.netrc``)."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(place.certificates)
    session.max_redirects = 15
    if place.proxy:
        session.proxies = {"http": place.proxy, "https": place.proxy}
    return session


def _belongs(domain: str, host: str) -> bool:
    """Whether a cookie of a domain goes to a host (``requests`` calls ``localhost`` ``localhost.local``)."""
    domain = domain.removesuffix(".local") if not host.endswith(".local") and "." not in host else domain
    return host == domain.lstrip(".") or (domain.startswith(".") and host.endswith(domain))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _variable(environ: Environ, name: str, mode: str) -> str:
    value = environ().get(name, "").strip()
    if not value:
        raise _absent(name, mode)
    if re.search(r"[\r\n]", value):
        raise ConfigurationError("The value has more than one line.", where=name)
    return value


def _absent(name: str, mode: str) -> ConfigurationError:
    return ConfigurationError(
        f"The login '{mode}' needs {name}, which is not set.",
        where=name,
        hint=f"Set the secret {name} of this branch's environment; on your own machine, write it into .env.",
    )


def _token_file(environ: Environ) -> str:
    """The token in the file that the cluster keeps new; a runner outside has it as a secret."""
    variables = environ()
    named = next((variables[name] for name in TOKEN_FILES if variables.get(name)), "")
    path = Path(named or PROJECTED_TOKEN)
    if named or os.path.exists(path):  # noqa: PTH110 - Path.exists raises where the folder may not be read
        try:
            token = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"The service account's token cannot be read: {type(error).__name__}.", where=str(path)
            ) from error
        if token:
            return token
        raise ConfigurationError("The file of the service account's token is empty.", where=str(path))
    if not variables.get("KUBEFLOW_TOKEN", "").strip():
        raise ConfigurationError(
            f"There is no service account's token: no file {PROJECTED_TOKEN}, and no KUBEFLOW_TOKEN.",
            where="KUBEFLOW_TOKEN_FILE",
            hint="Inside the cluster name its file in KUBEFLOW_TOKEN_FILE; elsewhere set the secret KUBEFLOW_TOKEN.",
        )
    return _variable(environ, "KUBEFLOW_TOKEN", "service-account")


def _cookie(environ: Environ) -> str:
    value = _variable(environ, "KUBEFLOW_COOKIE", "cookie").removeprefix("Cookie:").strip().rstrip(";")
    if "=" not in value:
        raise ConfigurationError(
            "The cookie has no name.",
            where="KUBEFLOW_COOKIE",
            hint="Write name=value, for example: oauth2_proxy_kubeflow=...",
        )
    return value
