"""HTTP for the rules: one request, whose failures are told in words that hold no secret.

An address may be a secret, so messages name the server alone; what a library says of a failure is never passed on.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from helpers import certificates
from helpers.actions.delivery import DeliveryError
from helpers.report_words import clean

CONNECT = 10.0
MOST = 64 * 1024
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def ok(self) -> bool:
        """Whether the server took it."""
        return 200 <= self.status < 300

    @property
    def pause(self) -> float | None:
        """How many seconds it asks to wait (``Retry-After``)."""
        return pause_of(self.headers.get("Retry-After", ""))


class _Adapter(HTTPAdapter):
    """Connections that trust what :mod:`helpers.certificates` trusts."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self.context, **kwargs)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return super().proxy_manager_for(*args, ssl_context=self.context, **kwargs)


class Web(requests.Session):
    """A session with the trusted certificates and the proxies of an environment; it reads no ``.netrc``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__()
        self.trust_env = False
        self.mount("https://", _Adapter(certificates.context(environ)))
        self.headers["User-Agent"] = "ml-repository-actions"
        self._environ = {name.lower(): value for name, value in sorted(environ.items()) if value}

    def proxies_to(self, url: str) -> dict[str, str]:
        """The proxy that leads to an address, if one does."""
        if requests.utils.should_bypass_proxies(url, no_proxy=self._environ.get("no_proxy", "")):
            return {}
        named = {kind: self._environ.get(f"{kind}_proxy", "") for kind in ("http", "https")}
        return {kind: address for kind, address in named.items() if address}


def place(url: str) -> str:
    """The server of an address: all of it that may be shown."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def ask(
    web: Web,
    method: str,
    url: str,
    *,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    auth: tuple[str, str] | None = None,
) -> Answer:
    """One request; redirects are not followed, because a POST would lose its body.

    Raises:
        DeliveryError: There is no answer.
    """
    where = place(url)
    # Not requests' own way of basic login: it encodes as Latin-1, and a user or password may hold any letter.
    login = None if auth is None else requests.auth.HTTPBasicAuth(auth[0].encode(), auth[1].encode())
    try:
        with web.request(
            method, url, data=body, headers=dict(headers or {}), auth=login, proxies=web.proxies_to(url),
            timeout=(min(CONNECT, timeout), timeout), allow_redirects=False, stream=True,
        ) as answer:  # fmt: skip
            return Answer(answer.status_code, answer.headers, _text(answer, timeout, where))
    except requests.exceptions.SSLError as error:
        raise DeliveryError(_certificate(error), hint=certificates.HINT, where=where) from None
    except requests.exceptions.ProxyError:
        raise DeliveryError(
            "The proxy does not let the request through.",
            hint="Look at HTTPS_PROXY and NO_PROXY.",
            where=where,
            again=True,
        ) from None
    except requests.exceptions.Timeout:
        raise _silent(where, timeout) from None
    except requests.exceptions.ConnectionError as error:
        raise DeliveryError(
            _connection(error),
            hint="Look at the address, and whether this machine may reach it.",
            where=where,
            again=True,
        ) from None
    except (requests.exceptions.RequestException, UnicodeError):
        raise DeliveryError("The request cannot be made.", hint="Look at the address.", where=where) from None


def pause_of(value: str) -> float | None:
    """The seconds that a ``Retry-After`` header asks for, which may also hold a date."""
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def excerpt(text: str, limit: int = 200) -> str:
    """What a server said, short."""
    return clean(text, limit)


def _text(answer: requests.Response, timeout: float, where: str) -> str:
    """The beginning of the body; a server that never ends it is not waited for."""
    read, end = b"", time.monotonic() + timeout
    for part in answer.iter_content(8192):
        read += part
        if len(read) >= MOST:
            break
        if time.monotonic() > end:
            raise _silent(where, timeout)
    return read.decode("utf-8", "replace")


def _silent(where: str, timeout: float) -> DeliveryError:
    return DeliveryError(
        f"The server did not answer within {timeout:g} s.",
        hint="Look whether it is up and whether this machine may reach it; 'timeout' of the rule gives it more time.",
        where=where,
        again=True,
    )


def _certificate(error: BaseException) -> str:
    text = str(error)
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
        return "The server does not speak TLS on this port; is it an http:// address?"
    if "mismatch" in text:
        return "The server's certificate is for another name."
    if "expired" in text:
        return "The server's certificate has expired."
    return "The server's certificate is not trusted."


def _connection(error: BaseException) -> str:
    text = str(error)
    if "NameResolution" in text or "getaddrinfo" in text or "Name or service" in text:
        return "The server's name is not known."
    if "refused" in text:
        return "The server refuses the connection."
    return "The connection to the server broke."
