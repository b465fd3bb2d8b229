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
_INSIDE = re.compile(r"[\w.{} -]+(/[\w.{} -]+)*")


class TemplateAddress(NamedTuple):
    """Where a template lies.

    Attributes:
        text: What is recorded; never with a credential.
        host: The host for a token, with its port; empty where none belongs.
        is_local: Whether it is a folder of this machine.
        folder: The folder of the repository that the template lies in; empty for its top.
    """

    text: str
    host: str = ""
    is_local: bool = False
    folder: str = ""

    @property
    def repository(self) -> str:
        """What git is given."""
        return self.text.removesuffix(f"#{self.folder}") if self.folder else self.text


def parse(given: str, *, trusted: bool, where: str = "--template") -> TemplateAddress:
    """The template's address in what a person or a file says.

    Args:
        given: What stands there; a folder of the repository may follow a ``#``.
        trusted: Whether the person who runs this gave it. The record of a repository may be anybody's: it shall not
            make this machine's own folders readable.
        where: What gave it, for errors.

    Raises:
        UsageError: It is none, or may not be opened.
    """
    text = given.strip().removeprefix("git+")
    repository, mark, inside = text.partition("#")
    # A folder of this machine may have the mark in its own name.
    if mark and not (_is_path(repository) and Path(text).expanduser().exists()):
        folder = inside.strip("/")
        if not _INSIDE.fullmatch(folder) or {".", "..", ".git"}.intersection(folder.lower().split("/")):
            raise UsageError(
                f"'{inside}' is no folder of a template's repository.",
                where=where,
                hint="After the # stands the folder that holds the template, for example gh:acme/templates#service.",
            )
        found = _parse(repository, trusted=trusted, where=where)
        return found._replace(text=f"{found.text}#{folder}", folder=folder)
    return _parse(text, trusted=trusted, where=where)


def _is_path(text: str) -> bool:
    return "://" not in text and not _SHORTENED.fullmatch(text) and not _REMOTE.fullmatch(text)


def _parse(given: str, *, trusted: bool, where: str) -> TemplateAddress:
    """The address of a whole repository."""
    text = given
    short = _SHORTENED.fullmatch(text)
    if short is not None:
        text = f"{_SHORT[short[1]]}/{short[2]}"
    if _REMOTE.fullmatch(text) and not text.startswith("-"):
        return TemplateAddress(text)
    scheme = text.split("://", 1)[0] if "://" in text else ""
    if scheme in {"https", "http", "ssh"}:
        return _at_host(text, scheme, where)
    shortened = text.partition(":")[0] in _SHORT and not Path(text).exists()
    if scheme not in {"", "file"} or shortened or "::" in text or text.startswith("-") or not text:
        # What stands before an @ may be a password; a record may hold one.
        shown = re.sub(r"(?<=://)[^/@\s]*@", "", given)
        raise UsageError(f"'{shown}' is no address of a template.", where=where, hint=_HINT)
    if not trusted:
        hint = "If it is yours, name it yourself: --template FOLDER. Otherwise give the template's address."
        raise UsageError(
            f"The repository says that its template is the folder '{given}' of some machine.", where=given, hint=hint
        )
    return TemplateAddress(str(Path(text.removeprefix("file://")).expanduser().resolve()), is_local=True)


def _at_host(text: str, scheme: str, where: str) -> TemplateAddress:
    """A template that is fetched from elsewhere."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if not re.fullmatch(r"[A-Za-z0-9]([\w.:-]*\w)?", host) or not parts.path.strip("/"):
        raise UsageError("This is no address of a template.", where=where, hint=_HINT)
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
