"""What an existing repository says about where it comes from: the record of copier, that of cruft, or nothing."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mlopsgen.adapters.git import GitRepository, without_credentials
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.errors import InvalidDocument, UsageError
from mlopsgen.remote.plan_text import printable
from mlopsgen.sync import trees
from mlopsgen.sync.record import Record, read_record
from mlopsgen.sync.values import Listing

CRUFT_FILE = ".cruft.json"
_RECORD = re.compile(r"\.?[^/]*\.ya?ml")
_ORIGIN = re.compile(r"(?m)^_src_path[ \t]*:")
_MARKER = re.compile(r"(?m)^<{7} ")
_CRUFT_HINT = "Mend it (cruft's documentation describes it), or give --anew to merge a template without it."


class MadeBy(StrEnum):
    """What made a repository."""

    COPIER = "copier"
    CRUFT = "cruft"
    HAND = "hand"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a repository comes from.

    Attributes:
        made_by: What made it.
        file: Its record; empty where it has none.
        template: The template's address; empty where nothing names one.
        version: What the record calls the version: a tag, a commit, or what ``git describe`` says.
        directory: The folder of the template's repository that holds the template; empty for its top.
        answers: The answers that it was made with.
        skipped: Paths that updates so far left alone, as patterns.
        record: The record of copier.
    """

    made_by: MadeBy = MadeBy.HAND
    file: str = ""
    template: str = ""
    version: str = ""
    directory: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    record: Record | None = None


def find_origin(repository: GitRepository, files: Listing, record: str = "") -> Origin:
    """What the files say.

    Args:
        repository: Where their contents lie.
        files: The files.
        record: The record, where a person names it.

    Raises:
        InvalidDocument: A record cannot be read.
        UsageError: There are several, or there is none of the name that was given.
    """
    if record and record not in files:
        raise UsageError(f"There is no {record} in the repository.", where="--record", hint="git ls-files '*.yml'")
    if record == CRUFT_FILE or (not record and ANSWERS_FILE not in files and CRUFT_FILE in files):
        return _of_cruft(repository, files)
    if record:
        return _of_copier(record, text_of(repository, files, record) or "")
    records = _records(repository, files)
    if ANSWERS_FILE in records:
        return _of_copier(ANSWERS_FILE, records[ANSWERS_FILE])
    if len(records) > 1:
        raise UsageError(
            f"Several templates made this repository: {', '.join(map(printable, records))} each name one.",
            where="--record",
            hint=f"Say which one mlopsgen shall keep up to date, for example --record {next(iter(records))}.",
        )
    return next((_of_copier(name, text) for name, text in records.items()), Origin())


def text_of(repository: GitRepository, files: Listing, path: str) -> str | None:
    """The text of a file, ``None`` where there is none that can be read."""
    entry = files.get(path)
    if entry is None or not entry.mode.startswith("100"):
        return None
    found = trees.blobs(repository, [entry.blob]).get(entry.blob)
    return None if found is None else found.decode("utf-8", "replace")


def _records(repository: GitRepository, files: Listing) -> dict[str, str]:
    """The files at the top that say which template copier rendered."""
    near = [path for path, entry in files.items() if _RECORD.fullmatch(path) and entry.mode.startswith("100")]
    contents = trees.blobs(repository, [files[path].blob for path in near], largest=200_000)
    texts = {path: contents.get(files[path].blob, b"").decode("utf-8", "replace") for path in sorted(near)}
    return {path: text for path, text in texts.items() if path == ANSWERS_FILE or _ORIGIN.search(text)}


def _of_copier(name: str, text: str) -> Origin:
    conflict = _MARKER.search(text)
    if conflict:
        line = text[: conflict.start()].count("\n") + 1
        where, hint = f"{name}:{line}", "Resolve it first: take the side whose version the other files are of."
        raise InvalidDocument(f"{name} holds the markers of a conflict.", where=where, hint=hint)
    try:
        record = read_record(text)
    except InvalidDocument as error:
        error.message = error.message.replace(ANSWERS_FILE, name)
        error.where = error.where.replace(ANSWERS_FILE, name)
        raise
    return Origin(
        made_by=MadeBy.COPIER,
        file=name,
        template=record.template,
        version=record.version,
        answers=record.answers,
        record=record,
    )


def _of_cruft(repository: GitRepository, files: Listing) -> Origin:
    text = text_of(repository, files, CRUFT_FILE) or ""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"{CRUFT_FILE}:{getattr(error, 'lineno', 1)}"
        message = f"{CRUFT_FILE} is not valid JSON: {getattr(error, 'msg', 'it is nested too deeply')}."
        raise InvalidDocument(message, where=where, hint=_CRUFT_HINT) from error
    known = document if isinstance(document, dict) else {}
    template, commit = (_line_of(known, key, text) for key in ("template", "commit"))
    context = known.get("context")
    answers = context.get("cookiecutter") if isinstance(context, dict) else None
    if not isinstance(answers, dict):
        raise InvalidDocument(
            f"{CRUFT_FILE} holds no 'context' with the answers ('cookiecutter').",
            where=f"{CRUFT_FILE}:{_line(text, 'context')}",
            hint=_CRUFT_HINT,
        )
    directory = known.get("directory")
    skipped = (*_words(known.get("skip")), *_words(_cruft_table(repository, files).get("skip")))
    return Origin(
        made_by=MadeBy.CRUFT,
        file=CRUFT_FILE,
        template=without_credentials(template),
        version=commit,
        directory=directory.strip("/") if isinstance(directory, str) else "",
        answers={key: value for key, value in answers.items() if not key.startswith("_")},
        skipped=tuple(dict.fromkeys(f"/{path.removeprefix('./').lstrip('/')}" for path in skipped)),
    )


def _line_of(document: Mapping[str, Any], key: str, text: str) -> str:
    value = document.get(key)
    if isinstance(value, str) and value.strip():
        return value.strip()
    where = f"{CRUFT_FILE}:{_line(text, key)}"
    raise InvalidDocument(f"{CRUFT_FILE} names no {key}.", where=where, hint=_CRUFT_HINT)


def _line(text: str, key: str) -> int:
    lines: Iterable[tuple[int, str]] = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if f'"{key}"' in line), 1)


def _words(value: object) -> Sequence[str]:
    return [word.strip() for word in value if isinstance(word, str) and word.strip()] if isinstance(value, list) else []


def _cruft_table(repository: GitRepository, files: Listing) -> Mapping[str, Any]:
    """The section of cruft in ``pyproject.toml``, which holds paths to be left alone as well."""
    try:
        tools = tomllib.loads(text_of(repository, files, "pyproject.toml") or "").get("tool")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    found = tools.get("cruft") if isinstance(tools, dict) else None
    return found if isinstance(found, dict) else {}
