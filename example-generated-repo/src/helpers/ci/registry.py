"""Asks a container registry for an image (the OCI distribution protocol). Standard library only."""

from __future__ import annotations

import base64
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import quote, urlencode, urlsplit

from helpers.errors import ConfigurationError, RepositoryError
from helpers.github_api import opener

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
TIMEOUT = 20.0
LOCAL = ("localhost", "127.0.0.1")
_NAME = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")


class RegistryError(RepositoryError):
    """The registry cannot be asked."""

    code = "registry"


class Denied(RegistryError):
    """The registry does not let this user look."""


@dataclass(frozen=True)
class Image:
    """Where an image lies.

    Attributes:
        host: The registry's host, with its port.
        path: The image's name there.
    """

    host: str
    path: str

    @property
    def address(self) -> str:
        """The registry's address; http only on this machine."""
        scheme = "http" if self.host.partition(":")[0] in LOCAL else "https"
        return f"{scheme}://{self.host}"


@dataclass(frozen=True)
class Login:
    """Who asks; nobody when the user is empty."""

    user: str
    password: str = field(repr=False)

    @property
    def basic(self) -> dict[str, str]:
        """The header of a login by user and password."""
        if not self.user:
            return {}
        return {"Authorization": f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"}


def parse_name(name: str) -> Image:
    """The image of a name such as ``ghcr.io/acme/diabetes``.

    Raises:
        ConfigurationError: It is no name of an image.
    """
    first, _, rest = name.partition("/")
    is_host = rest and ("." in first or ":" in first or first in LOCAL)
    host, path = (first, rest) if is_host else ("docker.io", name if rest else f"library/{name}")
    if not _NAME.fullmatch(path) or not re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?", host):
        raise ConfigurationError(
            f"'{name}' is no name of an image.",
            where="registry",
            hint="Small letters, digits, '.', '_', '-' and '/', for example ghcr.io/acme/diabetes, without a tag.",
        )
    return Image("registry-1.docker.io" if host == "docker.io" else host, path)


def digest_of(image: Image, tag: str, login: Login) -> str:
    """The digest that a tag stands for; empty when the registry has no such tag.

    Raises:
        Denied: The user may not look.
        RegistryError: The registry cannot be asked.
    """
    address = f"{image.address}/v2/{quote(image.path)}/manifests/{quote(tag)}"
    accept = {"Accept": ", ".join(MANIFESTS)}
    status, headers, _ = _ask("HEAD", address, accept)
    if status == 401:
        granted = _granted(headers.get("WWW-Authenticate", ""), image, login)
        status, headers, _ = _ask("HEAD", address, {**accept, **granted})
    if status == 404:
        return ""
    if status in (401, 403):
        raise Denied("The registry does not let this user see the image.", where=f"{image.host}/{image.path}")
    digest = headers.get("Docker-Content-Digest", "")
    if status != 200 or not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise RegistryError(f"The registry answered {status} without a digest.", where=image.host)
    return digest


def _granted(challenge: str, image: Image, login: Login) -> dict[str, str]:
    """The header that the registry wants to see, by its own words."""
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() == "basic":
        return login.basic
    known = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    realm = known.get("realm", "")
    parts = urlsplit(realm)
    if parts.scheme != "https" and parts.hostname not in LOCAL:
        raise RegistryError("The registry sends its users to an address that is not encrypted.", where=image.host)
    query = {"service": known.get("service", ""), "scope": f"repository:{image.path}:pull"}
    status, _, body = _ask("GET", f"{realm}?{urlencode(query)}", login.basic)
    if status in (401, 403):
        hint = "Set the secrets REGISTRY_USERNAME and REGISTRY_PASSWORD, or give the job 'packages: write'."
        raise Denied("The registry refuses this user or password.", where=image.host, hint=hint)
    try:
        answer = json.loads(body)
        token = answer.get("token") or answer["access_token"]
    except (ValueError, KeyError, AttributeError) as error:
        raise RegistryError(f"The registry's login answered {status} without a token.", where=image.host) from error
    return {"Authorization": f"Bearer {token}"}


def _ask(method: str, address: str, headers: Mapping[str, str]) -> tuple[int, Message, bytes]:
    request = urllib.request.Request(address, headers=dict(headers), method=method)  # noqa: S310 - http or https
    try:
        with opener().open(request, timeout=TIMEOUT) as answer:
            return answer.status, answer.headers, answer.read(1_000_000)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, b""
    except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise RegistryError(f"The registry cannot be reached: {reason}.", where=urlsplit(address).netloc) from None
