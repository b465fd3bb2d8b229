"""A secret that cannot be printed by accident, and the filter that takes it out of any text."""

from __future__ import annotations

import base64
import json
import re
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

STARS = "***"
SHORTEST = 6
"""A shorter text is not looked for: it would also stand for ordinary words."""

_SHORTEST_PART = 8
# A password in an address, and tokens whose first letters tell what they are: secrets whoever's they are.
_SHAPES = re.compile(
    r"(?P<before>\w+://[^/\s@:]*:)[^/\s@]+(?=@)|\b(?:gh[opsur]_|github_pat_|glpat-|xox[abp]-)[\w-]{8,}"
)
_lock = threading.RLock()
_living: weakref.WeakValueDictionary[int, SecretValue] = weakref.WeakValueDictionary()
_remembered: list[SecretValue] = []
_scopes = 0


class WipedError(RuntimeError):
    """A secret is asked for after it was wiped: whoever still works with it shall fail, not go on with nothing."""


class SecretValue:
    """Holds a secret; only :meth:`reveal` gives it out, at the one place that hands it to its receiver.

    Every usual way of printing it (``str``, ``repr``, formatting, pickling, JSON through ``__dict__``) shows stars, and
    :func:`redact` takes it out of texts for as long as it lives.
    """

    __slots__ = ("__weakref__", "_bytes", "_forms", "_hash")

    def __init__(self, value: str) -> None:
        # Bytes that can be overwritten: a str cannot be.
        self._bytes: bytearray | None = bytearray(value.encode("utf-8", "surrogatepass"))
        self._hash = hash((type(self), value))
        self._forms: frozenset[str] | None = None
        with _lock:
            _living[id(self)] = self
            if _scopes:
                _remembered.append(self)

    def reveal(self) -> str:
        """The secret itself. Never log, format or store what this returns.

        Raises:
            WipedError: It was wiped. A thread that outlives its command would otherwise store an empty secret.
        """
        with _lock:
            if self._bytes is None:
                raise WipedError("this secret was wiped when its command ended")
            return self._bytes.decode("utf-8", "surrogatepass")

    def wipe(self) -> None:
        """Overwrite the secret in memory; nobody gets it from now on, and it is no longer taken out of texts.

        Copies that :meth:`reveal` gave out are beyond reach: Python's texts cannot be overwritten.
        """
        with _lock:
            if self._bytes is not None:
                self._bytes[:] = bytes(len(self._bytes))
            self._bytes, self._forms = None, frozenset()

    @property
    def size(self) -> int:
        """The number of bytes in UTF-8; sizes may be shown."""
        return len(self._bytes or b"")

    @property
    def forms(self) -> frozenset[str]:
        """How the secret may turn up in a text; each is long enough to be looked for."""
        with _lock:
            if self._forms is None:
                self._forms = frozenset(_forms(self.reveal()))
            return self._forms

    def __repr__(self) -> str:
        return f"SecretValue({STARS})"

    def __str__(self) -> str:
        return STARS

    def __format__(self, spec: str) -> str:
        return STARS

    def __bool__(self) -> bool:
        return bool(self._bytes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretValue) and other._bytes == self._bytes

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")


@contextmanager
def remembered() -> Iterator[None]:
    """Keep the secrets that are made from now on, so that a command's last word is redacted too; then wipe them."""
    global _scopes  # noqa: PLW0603 - one register for the process: a text may hold anybody's secret
    with _lock:
        _scopes += 1
    try:
        yield
    finally:
        with _lock:
            _scopes -= 1
            if not _scopes:
                for secret in _remembered:
                    secret.wipe()
                _remembered.clear()


def redact(text: str) -> str:
    """The text without any living secret: as it is, as base64, quoted in an address, escaped in JSON, line by line.

    Passwords in addresses and texts that look like tokens go as well, whether anybody has named them a secret or not.
    """
    with _lock:
        secrets = list(_living.values())
    found = {form for secret in secrets for form in secret.forms if form in text}
    for form in sorted(found, key=len, reverse=True):
        text = text.replace(form, STARS)
    return _SHAPES.sub(lambda shape: f"{shape['before'] or ''}{STARS}", text)


def redact_document(value: Any) -> Any:
    """The same for every text of a JSON document; keys are names of ours and stay."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: redact_document(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_document(item) for item in value]
    return value


def _forms(value: str) -> Iterator[str]:
    for text in {value, value.strip()}:
        if len(text) >= SHORTEST:
            yield from (text, repr(text)[1:-1], quote(text, safe="", errors="replace"), quote(text, errors="replace"))
            yield quote_plus(text, errors="replace")
            yield from (json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
            yield from _base64_forms(text.encode("utf-8", "surrogatepass"))
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= _SHORTEST_PART)


def _base64_forms(data: bytes) -> Iterator[str]:
    """What base64 makes of the bytes, wherever they stand in what is encoded (as in ``user:token``)."""
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(bytes(before) + data).decode("ascii")
        certain = encoded[skipped : (before + len(data)) * 8 // 6]
        if len(certain) >= _SHORTEST_PART:
            yield certain
            yield certain.replace("+", "-").replace("/", "_")
