"""The credentials of a data source: they come from environment variables by name, never from an address.

A source called ``my-wine`` reads ``DATA_MY_WINE_TOKEN``, ``DATA_MY_WINE_USERNAME``, ``DATA_MY_WINE_PASSWORD``,
``DATA_MY_WINE_ACCESS_KEY``, ``DATA_MY_WINE_SECRET_KEY`` and ``DATA_MY_WINE_SESSION_TOKEN``, as far as they are set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from helpers.errors import AccessError

_SECRET_NAME = re.compile(
    r"token|secret|passw|credential|signature|api_?-?key|access_?-?key|^sig$|^pwd$", re.IGNORECASE
)


@dataclass(frozen=True)
class Credentials:
    """What a source may log in with; it is never shown.

    Attributes:
        prefix: What the names of its variables begin with.
    """

    prefix: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def token(self) -> str:
        """A bearer token."""
        return self.values.get("TOKEN", "")

    @property
    def login(self) -> tuple[str, str] | None:
        """The user and the password; None when neither is set."""
        user, password = self.values.get("USERNAME", ""), self.values.get("PASSWORD", "")
        return (user, password) if user or password else None

    @property
    def keys(self) -> tuple[str, str, str | None] | None:
        """The access key, the secret key and the session token of a store of objects."""
        access, secret = self.values.get("ACCESS_KEY", ""), self.values.get("SECRET_KEY", "")
        if bool(access) != bool(secret):
            missing = "SECRET_KEY" if access else "ACCESS_KEY"
            raise AccessError(f"{self.prefix}{missing} is not set.", hint="The two keys belong together: set both.")
        return (access, secret, self.values.get("SESSION_TOKEN") or None) if access else None

    def name(self, *kinds: str) -> str:
        """The names of the variables for people: ``DATA_WINE_USERNAME and DATA_WINE_PASSWORD``."""
        return " and ".join(self.prefix + kind for kind in kinds)


KINDS = ("TOKEN", "USERNAME", "PASSWORD", "ACCESS_KEY", "SECRET_KEY", "SESSION_TOKEN")


def variable_prefix(source: str) -> str:
    """What the names of a source's variables begin with."""
    return f"DATA_{re.sub(r'[^A-Za-z0-9]+', '_', source).strip('_').upper()}_"


def find_credentials(source: str, environ: Mapping[str, str]) -> Credentials:
    """The credentials that are set for a source.

    Raises:
        AccessError: One of them cannot be one; the message names the variable and never shows its text.
    """
    prefix = variable_prefix(source)
    found = {kind: environ.get(prefix + kind, "").strip() for kind in KINDS} if source else {}
    for kind, value in found.items():
        if not value.isprintable():
            raise AccessError(
                f"{prefix}{kind} holds a line break or another character that cannot be sent.",
                hint="Set it again, as one line.",
            )
    return Credentials(prefix, {kind: value for kind, value in found.items() if value})


def credential_in(address: str) -> str:
    """What of an address is a credential, in words that do not show it; empty when nothing is."""
    if "://" not in address:
        return ""
    try:
        parts = urlsplit(address)
        userinfo, at, _ = parts.netloc.rpartition("@")
    except ValueError:  # for example a bracket of an IPv6 address that is not closed
        return ""
    if at and ":" in userinfo:
        return "a password"
    if at and not parts.scheme.endswith("ssh"):
        return "a user name or a token"
    for key, value in parse_qsl(parts.query):
        if value and _SECRET_NAME.search(key):
            return f"a credential in '{unquote(key)}'"
    return ""
