"""Why a server could not be reached or did not do what was asked, in words with a next step.

Libraries wrap what the operating system said, each in its own way; here the innermost cause is looked for.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from helpers.errors import AccessError, DataError, RepositoryError

CA_HINT = (
    "When a private authority signed it, put that authority's certificate (PEM) into CA_CERTIFICATE: a secret in CI, "
    "a line in .env here. Otherwise correct the address."
)


def explain(
    error: BaseException, *, where: str, host: str = "", seconds: float | None = None
) -> RepositoryError | None:
    """The error for people; None for one that is a mistake in this code.

    Args:
        error: What a library raised.
        where: The address as it may be shown.
        host: The host and port, when they are not those of ``where``.
        seconds: How long was waited.
    """
    host = host or urlsplit(where).netloc or where
    found = list(_causes(error))
    for cause in found:
        told = _told(cause, host, seconds)
        if told is not None:
            return DataError(told[0], where=where, hint=told[1])
    text = " ".join(str(cause) for cause in found)
    if re.search(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|self.signed certificate", text):
        return DataError(f"The certificate of '{host}' is not trusted.", where=where, hint=CA_HINT)
    if re.search(r"Name or service not known|nodename nor servname|name resolution|getaddrinfo", text):
        return _dns(host, where)
    network = ("requests", "urllib3", "botocore", "aiohttp", "http")
    if isinstance(error, OSError) or type(error).__module__.split(".")[0] in network:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return DataError(
            f"It cannot be read: {reason}.", where=where, hint="Look at the address and the network, and try again."
        )
    return None


def refused(status: int, phrase: str, *, where: str, used: str, wanted: str) -> RepositoryError:
    """The error for an HTTP status that is no success.

    Args:
        status: The status.
        phrase: What the server calls it.
        where: The address as it may be shown.
        used: The names of the variables that were sent; empty when none were.
        wanted: The names that could be set.
    """
    answered = f"The server answered {status} {phrase}".rstrip()
    if status == 401 and used:
        return AccessError(
            f"{answered}: it does not accept the login.",
            where=where,
            hint=f"Look at {used}: wrong, expired, or for another server.",
        )
    if status in (401, 407):
        return AccessError(f"{answered}: it wants a login.", where=where, hint=f"Set {wanted}.")
    if status == 403:
        hint = (
            f"Ask for the right to read it for the login of {used}." if used else f"It may want a login: set {wanted}."
        )
        return AccessError(f"{answered}: there is no permission.", where=where, hint=hint)
    if status in (404, 410):
        return DataError(
            f"{answered}: there is no such file.",
            where=where,
            hint="Correct the address; some servers answer so when a login is missing." if not used else "Correct it.",
        )
    again = "Try again later." if status == 429 or status >= 500 else "Look at the address, and try again."
    return DataError(f"{answered}.", where=where, hint=again)


def reach(host: str, port: int, *, where: str, seconds: float) -> None:
    """Opens a connection and closes it again, so that a driver's own words are not needed for why there is none.

    Raises:
        DataError: There is no way to the port.
    """
    try:
        with socket.create_connection((host, port), timeout=seconds):
            return
    except OSError as error:
        told = explain(error, where=where, host=f"{host}:{port}", seconds=seconds)
        raise told or DataError(f"It cannot be reached: {error}.", where=where) from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and everything that it was made from, the innermost last seen first where libraries nest them."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    found: list[BaseException] = []
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        found.append(one)
        kwargs = getattr(one, "kwargs", None)
        inner = kwargs.get("error") if isinstance(kwargs, dict) else None  # botocore keeps it there
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), inner, *one.args]
    yield from reversed(found)


def _told(cause: BaseException, host: str, seconds: float | None) -> tuple[str, str] | None:
    again = "Look at the address and the network (VPN, firewall, proxy), and try again."
    if isinstance(cause, socket.gaierror) or type(cause).__name__ == "NameResolutionError":
        error = _dns(host, "")
        return error.message, error.hint
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate of '{host}' is not trusted: {_certificate(cause)}.", CA_HINT
    if isinstance(cause, ssl.SSLError):
        reason = (cause.reason or "").replace("_", " ").lower() or "the handshake failed"
        return f"There is no TLS connection to '{host}': {reason}.", "Does the port speak TLS (https), or not (http)?"
    if isinstance(cause, ConnectionRefusedError):
        return f"'{host}' refuses connections.", "Is the port right, and is the server running?"
    if isinstance(cause, TimeoutError) or re.search(r"Timeout", type(cause).__name__):
        waited = f" within {seconds:g} s" if seconds else " in time"
        return f"The server '{host}' did not answer{waited}.", again
    if isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return f"There is no way to '{host}'.", again
    if type(cause).__name__ == "ProxyError":
        return f"The proxy gives no way to '{host}'.", "Look at HTTPS_PROXY, HTTP_PROXY and NO_PROXY."
    return None


def _certificate(cause: ssl.SSLCertVerificationError) -> str:
    return str(getattr(cause, "verify_message", "") or "it cannot be verified").rstrip(".")


def _dns(host: str, where: str) -> DataError:
    return DataError(
        f"The name '{host.rpartition(':')[0] or host}' is not known (DNS).",
        where=where,
        hint="Correct the address, or look at the network: a name inside an organisation may need its VPN.",
    )
