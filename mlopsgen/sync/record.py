"""The record of a generated repository: which template it comes from, at which version, with which answers.

It is ``.copier-answers.yml``. mlopsgen and copier write it; a person edits only the list ``owned`` in it. ``_digest``
tells whether somebody edited the answers as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlopsgen.adapters.answers_digest import digest_of
from mlopsgen.adapters.git import without_credentials
from mlopsgen.adapters.yaml_lines import Lines
from mlopsgen.adapters.yaml_lines import read as read_yaml
from mlopsgen.constants import ANSWERS_FILE, OWNED
from mlopsgen.errors import InvalidDocument

_KEY = re.compile(r"""(?P<quote>["']?)(?P<key>[^\s#:"'-][^:"']*)(?P=quote)\s*:(?:\s|$)""")

_HINT = "Restore it: git log --oneline -- .copier-answers.yml lists the commits that changed it."
_OWNED_HINT = "Write for example 'owned: [src/helpers/tracking.py, docs/]', or 'owned: []'."


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record as it was read.

    Attributes:
        template: The template's address, without a credential that somebody recorded with it; may be empty.
        version: The version that the repository was rendered from last; may be empty.
        answers: The answers, as they stand there.
        owned: Patterns of the files that the owner took over.
        digest: What was written of the answers' digest; empty in records of v0.1.0 and of other templates.
        text: The record itself.
        lines: Where each key stands.
    """

    template: str
    version: str
    answers: Mapping[str, Any]
    owned: tuple[str, ...] = ()
    digest: str = ""
    text: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_edited(self) -> bool:
        """Whether somebody changed the answers by hand; it cannot be known of a record without a digest."""
        return bool(self.digest) and self.digest != digest_of(self.answers)

    def where(self, key: str) -> str:
        """``file:line`` of an answer."""
        return f"{ANSWERS_FILE}:{self.lines.get(key, 1)}"


def read_record(text: str) -> Record:
    """Read a record.

    Raises:
        InvalidDocument: It is no YAML mapping, or ``owned`` in it is no list of patterns.
    """
    found = read_yaml(text, ANSWERS_FILE, _HINT)
    document = {str(key): value for key, value in found.value.items()}
    lines = {str(path[0]): line for path, line in found.lines.items() if len(path) == 1}
    return Record(
        template=without_credentials(_word(document.get("_src_path"))),
        version=_word(document.get("_commit")),
        answers={key: value for key, value in document.items() if not key.startswith("_") and key != OWNED},
        owned=_owned(found, document.get(OWNED)),
        digest=_word(document.get("_digest")),
        text=text,
        lines=lines,
    )


def _word(value: object) -> str:
    return "" if value is None else str(value)


def _owned(found: Lines, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        where = found.where((OWNED,))
        raise InvalidDocument(f"'{OWNED}' in {ANSWERS_FILE} has to be a list.", where=where, hint=_OWNED_HINT)
    for number, pattern in enumerate(value):
        if not isinstance(pattern, str) or not pattern.strip():
            where = found.where((OWNED, number))
            message = f"Each entry of '{OWNED}' is a path or a pattern; {pattern!r} is none."
            raise InvalidDocument(message, where=where, hint=_OWNED_HINT)
    return tuple(pattern.strip() for pattern in value)


def renewed_text(
    ours: Record, rendered: str | None, template: str, version: str, answers: Mapping[str, Any] | None = None
) -> str:
    """The text of the new record.

    Args:
        ours: The record of the repository.
        rendered: The record as the new version renders it; ``None`` if it renders none.
        template: The template's address from now on.
        version: The version from now on.
        answers: Answers that are written over what stands there, for a version that renders no record.
    """
    kept = _parts(ours.text)
    parts = kept if rendered is None else _parts(rendered)
    for key, value in (("_src_path", template), ("_commit", version)):
        line = {key: _line(key, value)}
        parts = parts | line if key in parts else {"": parts[""], **line, **_without(parts, "")}
    parts |= {key: _line(key, value) for key, value in (answers or {}).items() if ours.answers.get(key, ...) != value}
    if OWNED in kept:
        parts = {**_without(parts, OWNED), OWNED: kept[OWNED]}
    return "".join(parts.values())


def _line(key: str, value: Any) -> str:
    import yaml  # noqa: PLC0415 - only what reads or writes YAML pays for it

    return yaml.safe_dump({key: value}, allow_unicode=True, width=10_000)


def _without(parts: Mapping[str, str], *keys: str) -> dict[str, str]:
    return {key: text for key, text in parts.items() if key not in keys}


def _parts(text: str) -> dict[str, str]:
    """The text of each key of a YAML mapping, with what follows it; the comments at the top are those of no key."""
    parts = {"": ""}
    key = ""
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        begins = _KEY.match(line)
        if begins:
            key = begins["key"]
        parts[key] = parts.get(key, "") + (line if line.endswith("\n") else f"{line}\n")
    return parts
