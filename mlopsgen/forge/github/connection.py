"""One connection to GitHub's REST API: PyGithub's, made to tell of redirects and to take nothing from the process."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from github.Auth import Token
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester, RequestsResponse

from mlopsgen import __version__
from mlopsgen.adapters.logs import redact_logs
from mlopsgen.forge.github.host import Host
from mlopsgen.secret_value import SecretValue

__all__ = ["Broken", "MovedError", "Requester", "is_certificate", "make_requester", "was_never_sent"]

API_VERSION = "2022-11-28"
TIMEOUT = 30
_REDIRECTS = {301, 307, 308}

Broken = (requests.exceptions.RequestException, ValueError)
"""What the transport raises when there is no answer, or only half of one."""


class MovedError(Exception):
    """GitHub says that the thing is elsewhere; PyGithub would follow, also with a change."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


def make_requester(host: Host, token: SecretValue, environ: Mapping[str, str]) -> Requester:
    """A connection for one thread at a time."""
    redact_logs()
    verify: bool | str = True
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        verify = environ.get(name) or verify
        if verify is not True:
            break
    return _requester_class(_proxies(host.api, environ))(
        Token(token.reveal()),
        host.api,
        TIMEOUT,
        f"mlopsgen/{__version__}",
        100,
        verify,
        None,
        None,
        # Pauses and repetitions are ours: PyGithub's differ from verb to verb and know nothing of other threads.
        seconds_between_requests=None,
        seconds_between_writes=None,
        api_version=API_VERSION,
    )


def was_never_sent(error: Exception) -> bool:
    """Whether a connection was not even made, so that nothing can have been done."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}


def is_certificate(error: Exception) -> bool:
    """Whether the other side could not prove who it is."""
    return isinstance(error, requests.exceptions.SSLError)


def _proxies(api: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The way out of the network, as the given environment names it."""
    scheme = api.split(":", 1)[0]
    proxy = environ.get(f"{scheme}_proxy") or environ.get(f"{scheme.upper()}_PROXY") or ""
    no_proxy = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if not proxy or _is_direct(urlsplit(api).hostname or "", no_proxy):
        return {}
    return {scheme: proxy}


def _is_direct(hostname: str, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` names the host: itself, a domain that it is in, a network, or everything.

    Not by requests' own function, which changes the environment of the whole process while it looks.
    """
    for entry in filter(None, (part.strip().lower() for part in no_proxy.split(","))):
        name = entry.rsplit(":", 1)[0] if entry.count(":") == 1 else entry
        if name == "*" or hostname == name.lstrip(".") or hostname.endswith(f".{name.lstrip('.')}"):
            return True
        try:
            if ip_address(hostname) in ip_network(name, strict=False):
                return True
        except ValueError:
            continue
    return False


def _requester_class(proxies: Mapping[str, str]) -> type[Requester]:
    class Plain(HTTPRequestsConnectionClass):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            _settle(self.session, proxies)

        def getresponse(self) -> RequestsResponse:
            return _tell_redirect(super().getresponse())

    class Encrypted(HTTPSRequestsConnectionClass):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            _settle(self.session, proxies)

        def getresponse(self) -> RequestsResponse:
            return _tell_redirect(super().getresponse())

    # PyGithub's own way of giving it other connections makes a new one for each call; these are the names it reads.
    names = {"_Requester__httpConnectionClass": Plain, "_Requester__httpsConnectionClass": Encrypted}
    return cast("type[Requester]", type("DirectRequester", (Requester,), names))


def _settle(session: requests.Session, proxies: Mapping[str, str]) -> None:
    session.trust_env = False
    session.proxies.update(proxies)


def _tell_redirect(response: RequestsResponse) -> RequestsResponse:
    if response.status in _REDIRECTS:
        raise MovedError(response.headers.get("Location", ""))
    return response
