"""A YAML text as values, with the line of each part, so that every error can name it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from mlopsgen.errors import InvalidDocument

Path = tuple[str | int, ...]

_LARGEST = 1_000_000
_MOST = 100_000
"""So many parts a document may have, those that it repeats by an alias counted each time."""


@dataclass(frozen=True)
class Lines:
    """A document and where each part of it stands.

    Attributes:
        name: The file as a person knows it.
        value: Its content.
        lines: The line of each key and list item, by its path from the top.
    """

    name: str
    value: Any
    lines: dict[Path, int]

    def where(self, path: Iterable[str | int]) -> str:
        """``file:line`` of a part, or of the nearest part around it."""
        found = tuple(path)
        while found and found not in self.lines:
            found = found[:-1]
        return f"{self.name}:{self.lines.get(found, 1)}"


@lru_cache(maxsize=64)
def read(text: str, name: str, hint: str) -> Lines:
    """Take a text apart; the same text again costs nothing, so that nobody may change what comes back.

    Args:
        text: YAML.
        name: The file as errors name it.
        hint: The next step of a person whose file is not valid.

    Raises:
        InvalidDocument: It is no YAML, holds a key twice, or is no mapping.
    """
    if len(text) > _LARGEST:
        raise InvalidDocument(f"{name} is larger than a megabyte.", where=name, hint=hint)
    lines: dict[Path, int] = {}
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is not None:
            _walk(node, (), lines, name, hint)
        value = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        reason = error.problem or error.context or "it cannot be read"
        raise InvalidDocument(f"{name} is not valid YAML: {reason}.", where=f"{name}:{line}", hint=hint) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidDocument(f"{name} is not valid YAML: {reason}.", where=f"{name}:1", hint=hint) from error
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise InvalidDocument(f"{name} has to hold 'key: value' lines.", where=f"{name}:1", hint=hint)
    return Lines(name, value, lines)


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int], name: str, hint: str) -> None:
    if len(lines) > _MOST:
        raise InvalidDocument(
            f"{name} has more than {_MOST:,} parts, what '*' repeats counted each time.", where=f"{name}:1", hint=hint
        )
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            line = key.start_mark.line + 1
            if here in lines:
                raise InvalidDocument(
                    f"'{key.value}' is there twice in {name}.",
                    where=f"{name}:{line}",
                    hint=f"It stands in line {lines[here]} already; keep one of them.",
                )
            lines[here] = line
            _walk(value, here, lines, name, hint)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            lines[*path, number] = value.start_mark.line + 1
            _walk(value, (*path, number), lines, name, hint)
