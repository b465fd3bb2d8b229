"""How a template wants its files treated: ``sync.yaml`` at the top of its repository, and what stands in for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.errors import InvalidDocument
from mlopsgen.ports import Template
from mlopsgen.sync.patterns import Patterns
from mlopsgen.sync.values import FileClass

if TYPE_CHECKING:
    from mlopsgen.adapters.yaml_lines import Lines

DOCUMENT = "sync.yaml"
"""The file in a template's repository, beside ``copier.yml``; it is not rendered."""

_VERSION = 1
_LISTS = ("seeded", "managed", "locks")
_OWN = "organisation"
KEYS = ("version", *_LISTS, _OWN)
LOCK_KEYS = ("lock", "from")
"""What may stand in the file, and in each of its ``locks``."""
_HINT = "docs/reference/template-files.md of mlopsgen describes the file."


class LockRule(NamedTuple):
    """Locks that are made together.

    Attributes:
        locks: Their paths.
        sources: The paths of what they are made from.
    """

    locks: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Classes:
    """What one version of a template says about its files.

    Attributes:
        seeded: Written once, then the owner's.
        managed: Replaced whole.
        locks: Locks with their sources, in the order in which they are made.
        is_declared: Whether the template says it itself; otherwise it is what can be guessed.
    """

    seeded: Patterns = field(default_factory=Patterns)
    managed: Patterns = field(default_factory=Patterns)
    locks: tuple[LockRule, ...] = ()
    is_declared: bool = True

    def declared(self, path: str) -> FileClass | None:
        """The class that is written down for a path; locks and the record come first."""
        if path == ANSWERS_FILE:
            return FileClass.RECORD
        if any(path in rule.locks for rule in self.locks):
            return FileClass.LOCK
        if path in self.seeded:
            return FileClass.SEEDED
        return FileClass.MANAGED if path in self.managed else None


def read_classes(text: str, name: str = DOCUMENT) -> Classes:
    """The classes that a ``sync.yaml`` declares.

    Raises:
        InvalidDocument: It cannot be read.
    """
    from mlopsgen.adapters.yaml_lines import read  # noqa: PLC0415 - yaml is paid for by what reads it

    found = read(text, name, _HINT)
    document = found.value
    for key in document:
        if key not in KEYS:
            raise _invalid(f"there is no key '{key}'", found.where([key]))
    version = document.get("version")
    if version != _VERSION or isinstance(version, bool):
        raise _invalid(f"version {version!r} is not known; this mlopsgen reads {_VERSION}", found.where(["version"]))
    own = document.get(_OWN) or {}
    if not isinstance(own, dict) or not set(own) <= set(_LISTS):
        raise _invalid(f"'{_OWN}' has to hold {', '.join(_LISTS)} and nothing else", found.where([_OWN]))
    # What an organisation says comes last, and so it has the last word: its '!' takes a pattern back.
    parts: tuple[tuple[Mapping[str, object], tuple[str, ...]], ...] = ((document, ()), (own, (_OWN,)))
    seeded, managed = (
        tuple(word for part, path in parts for word in _words(part, key, found.where([*path, key])))
        for key in ("seeded", "managed")
    )
    rules = tuple(rule for part, path in parts for rule in _locks(part, path, found))
    return Classes(seeded=Patterns(seeded), managed=Patterns(managed), locks=rules)


def classes_of(template: Template, version: str) -> Classes:
    """What a version of a template says; where it says nothing, its files are merged.

    Files that copier shall not overwrite (``_skip_if_exists``) are seeded then.

    Raises:
        InvalidDocument: Its ``sync.yaml`` cannot be read.
    """
    text = template.read(version, DOCUMENT)
    if text is not None:
        return read_classes(text, f"{DOCUMENT} of the template {version}")
    skipped = (_skipped(template.read(version, name) or "") for name in ("copier.yml", "copier.yaml"))
    return Classes(seeded=Patterns(line for lines in skipped for line in lines), is_declared=False)


def _skipped(text: str) -> list[str]:
    """The patterns that copier would not overwrite; those that depend on answers are left out."""
    if "_skip_if_exists" not in text:
        return []
    import yaml  # noqa: PLC0415

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:  # several documents, or tags of copier's own: the engine reads them, and says what is wrong
        return []
    found = document.get("_skip_if_exists") if isinstance(document, dict) else None
    return [line for line in found if isinstance(line, str) and "{" not in line] if isinstance(found, list) else []


def _words(document: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    value = document.get(key) or []
    if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
        raise _invalid(f"'{key}' has to be a list of paths", where)
    return tuple(value)


def _locks(document: Mapping[str, object], path: tuple[str, ...], lines: Lines) -> Iterator[LockRule]:
    locks = document.get("locks") or []
    if not isinstance(locks, list):
        raise _invalid("'locks' has to be a list", lines.where([*path, "locks"]))
    for number, rule in enumerate(locks):
        yield _lock(rule, lines.where([*path, "locks", number]))


def _lock(rule: object, where: str) -> LockRule:
    if not isinstance(rule, dict) or set(rule) != set(LOCK_KEYS):
        raise _invalid("each entry of 'locks' has to hold 'lock' and 'from'", where)
    # Paths, not patterns: a slash at the beginning is the repository's top, as in the patterns beside them.
    locks, sources = (tuple(path.lstrip("/") for path in _words(rule, key, where)) for key in LOCK_KEYS)
    return LockRule(locks, sources)


def _invalid(reason: str, where: str) -> InvalidDocument:
    return InvalidDocument(f"The template's classes of files cannot be read: {reason}.", where=where, hint=_HINT)
