"""What a copier template would run: found in its ``copier.yml`` without copier."""

from __future__ import annotations

import re
from typing import Any

from mlopsgen.adapters.trust import UnsafeTemplate
from mlopsgen.adapters.yaml_size import is_too_large

_CODE = {"_tasks": "task", "_migrations": "migration", "_jinja_extensions": "extension of Jinja"}
_LONGEST = 80


def code_in(config: str, address: str) -> tuple[str, ...]:
    """What a template's settings would run, each in a few words.

    Args:
        config: The text of its ``copier.yml``.
        address: The template, for errors.

    Raises:
        UnsafeTemplate: Its questions fill the memory.
    """
    if is_too_large(config):
        raise UnsafeTemplate(
            f"The questions of the template {address} repeat parts of themselves without end.",
            where=address,
            hint="Ask its authors for a copier.yml that does not name the same parts again and again with '*'.",
        )
    found = [key for key in _CODE if re.search(rf"(?m)^['\"]?{key}['\"]?[ \t]*:(?![ \t]*(\[\]|~|null)[ \t]*$)", config)]
    if not found:
        return ()
    values = _values(config)
    return tuple(
        f"the {_CODE[key]} '{_shown(one)}'" if one is not None else f"{_CODE[key]}s"
        for key in found
        for one in values.get(key) or [None]
    )


def _values(config: str) -> dict[str, list[Any]]:
    """The settings with code in them, as far as they can be read without copier."""
    import yaml  # noqa: PLC0415 - only what reads YAML pays for it

    found: dict[str, list[Any]] = {}
    try:
        for node in yaml.compose_all(config, Loader=yaml.SafeLoader):
            for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
                if key.value in _CODE and isinstance(value, yaml.SequenceNode):
                    found[key.value] = list(yaml.SafeLoader("").construct_document(value))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return {}
    return found


def _shown(one: Any) -> str:
    if isinstance(one, dict):
        one = one.get("command", one.get("cmd", one.get("version", one)))
    words = " ".join((" ".join(str(word) for word in one) if isinstance(one, list) else str(one)).split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."
