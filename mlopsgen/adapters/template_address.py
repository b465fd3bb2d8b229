"""Addresses of templates: which may be opened, and as what a repository records them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from mlopsgen.errors import UsageError

_SHORT = {"gh": "https://github.com", "gl": "https://gitlab.com"}
_SHORTENED = re.compile(r"(gh|gl):(?!//)/?([\w.-]+(?:/[\w.-]+)+)")
_REMOTE = re.compile(r"[\w.-]+@[\w.-]+:(?!/)[\w./~-]+")
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
_HINT = "Give a git repository: https://HOST/OWNER/NAME, gh:OWNER/NAME, git@HOST:OWNER/NAME.git, or a folder."


class TemplateAddress(NamedTuple):
    """Where a template lies.

    Attributes:
        text: What is recorded and what git is given; never with a credential.
        host: The host for a token, with its port; empty where none belongs.
        is_local: Whether it is a folder of this machine.
    """

    text: str
    host: str = ""
    is_local: bool = False


def parse(given: str, *, trusted: bool) -> TemplateAddress:
    """The template's address in what a person or a file says.

    Args:
        given: What stands there.
        trusted: Whether the person who runs this gave it. The record of a repository may be anybody's: it shall not
            make this machine's own folders readable.

    Raises:
        UsageError: It is none, or may not be opened.
    """
    text = given.strip().removeprefix("git+")
    short = _SHORTENED.fullmatch(text)
    if short is not None:
        text = f"{_SHORT[short[1]]}/{short[2]}"
    if _REMOTE.fullmatch(text) and not text.startswith("-"):
        return TemplateAddress(text)
    scheme = text.split("://", 1)[0] if "://" in text else ""
    if scheme in {"https", "http", "ssh"}:
        return _at_host(text, scheme)
    if scheme not in {"", "file"} or "::" in text or text.startswith("-") or not text:
        raise UsageError(f"'{given}' is no address of a template.", where="--template", hint=_HINT)
    if not trusted:
        hint = "If it is yours, name it yourself: --template FOLDER. Otherwise give the template's address."
        raise UsageError(
            f"The repository says that its template is the folder '{given}' of some machine.", where=given, hint=hint
        )
    return TemplateAddress(str(Path(text.removeprefix("file://")).expanduser().resolve()), is_local=True)


def _at_host(text: str, scheme: str) -> TemplateAddress:
    """A template that is fetched from elsewhere."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if not re.fullmatch(r"[A-Za-z0-9]([\w.:-]*\w)?", host) or not parts.path.strip("/"):
        raise UsageError("This is no address of a template.", where="--template", hint=_HINT)
    if scheme == "http" and not _LOOPBACK.fullmatch(host):
        raise UsageError(
            "A template is only fetched over an encrypted connection.", where=f"http://{host}", hint="Use https."
        )
    named = f"[{host}]" if ":" in host else host
    netloc = f"{named}:{port}" if port else named
    if scheme == "ssh" and re.fullmatch(r"\w[\w.-]*", parts.username or ""):
        return TemplateAddress(urlunsplit((scheme, f"{parts.username}@{netloc}", parts.path.rstrip("/"), "", "")))
    return TemplateAddress(
        urlunsplit((scheme, netloc, parts.path.rstrip("/"), "", "")), host="" if scheme == "ssh" else netloc
    )
