"""Reads an answers file: YAML or JSON, every error with the line that it happened at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlopsgen.answers import ANSWERS_VERSION
from mlopsgen.constants import OWNED
from mlopsgen.errors import InvalidDocument, from_os_error

_LARGEST = 1_000_000


def read(path: Path, *, own_version: bool = True) -> tuple[dict[str, object], dict[str, str]]:
    """The answers of a file by key, and where each one stands (``answers.yml:3``).

    Keys that begin with an underscore and the list ``owned`` are notes and are left out, so that the
    ``.copier-answers.yml`` of another repository can be used as it is.

    Args:
        path: The file.
        own_version: Whether ``version`` is that of the file's form; templates of other people may ask for an answer
            of that name.

    Raises:
        InvalidDocument: The file cannot be read, is no YAML or JSON, or is no mapping.
    """
    text = _text(path)
    import yaml  # noqa: PLC0415 - only commands that read YAML pay for it

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _invalid(path, line, f"it is not valid YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _invalid(path, 1, f"it is not valid YAML: {str(error).splitlines()[0]}") from error
    if document is None:
        return {}, {}
    if not isinstance(document, dict) or not isinstance(node, yaml.MappingNode):
        raise _invalid(path, 1, "it has to hold 'key: value' lines")
    lines = _lines(path, node.value)
    strange = next((key for key in document if not isinstance(key, str)), None)
    if strange is not None:
        raise _invalid(path, 1, f"the key {strange!r} is not a text")
    version = document.pop("version", ANSWERS_VERSION) if own_version else ANSWERS_VERSION
    if version != ANSWERS_VERSION or isinstance(version, bool):
        raise _invalid(
            path, lines["version"], f"version {version!r} is not known; this mlopsgen reads {ANSWERS_VERSION}"
        )
    found = {key: value for key, value in document.items() if not key.startswith("_") and key != OWNED}
    return found, {key: f"{path}:{lines[key]}" for key in found}


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise InvalidDocument(f"{path} is a folder.", where=str(path), hint="Give a YAML or JSON file.")
        data = path.read_bytes() if path.stat().st_size <= _LARGEST else None
    except FileNotFoundError as error:
        hint = "Check the path after --answers."
        raise InvalidDocument(f"There is no answers file {path}.", where=str(path), hint=hint) from error
    except OSError as error:
        known = from_os_error(error, doing="Reading the answers")
        raise known or InvalidDocument(f"{path} cannot be read: {error.strerror}.", where=str(path)) from error
    if data is None:
        raise _invalid(path, 1, "it is larger than a megabyte; that is no answers file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _invalid(path, data[: error.start].count(b"\n") + 1, "it is not UTF-8 text") from error


def _lines(path: Path, pairs: Iterable[tuple[Any, Any]]) -> dict[object, int]:
    lines: dict[object, int] = {}
    for key, _ in pairs:
        line = key.start_mark.line + 1
        if key.value in lines:
            raise _invalid(path, line, f"'{key.value}' is there twice (first in line {lines[key.value]})")
        lines[key.value] = line
    return lines


def _invalid(path: Path, line: int, reason: str) -> InvalidDocument:
    hint = "'mlopsgen schema answers' describes the file."
    return InvalidDocument(f"The answers file cannot be used: {reason}.", where=f"{path}:{line}", hint=hint)
