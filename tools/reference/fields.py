"""JSON Schemas as tables: every field of a document with its path, value, default and meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reference.markdown import code, joined, prose, table

COLUMNS = ("key", "value", "default", "meaning")
_READABLE = 20
"""A longer regular expression says nothing to people; the meaning has an example."""
_OF_CONSTANTS = {"version": "The format; there is one so far.", "do": "Which action it is."}
"""What constants are for, which models do not say each time."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a document.

    Attributes:
        path: Where it stands: ``gate.metrics.<name>.threshold``.
        value: What may stand there, as Markdown.
        default: What stands there where nobody writes it, as Markdown.
        meaning: What it is for, as Markdown; empty where the schema says nothing.
        variants: The objects that may stand there, by the value that tells them apart.
    """

    path: str
    value: str
    default: str
    meaning: str
    variants: Mapping[str, Any]


class Schema:
    """A JSON Schema with what it refers to.

    Args:
        document: The schema.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._defs: Mapping[str, Any] = document.get("$defs", {})

    def resolved(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """What a part says, with what it refers to; its own words go before those."""
        found = dict(schema)
        while "$ref" in found:
            name = str(found.pop("$ref")).rpartition("/")[2]
            found = {**self._defs[name], **found}
        return found

    def fields(self, schema: Mapping[str, Any], path: str = "") -> Iterator[Field]:
        """The fields of an object, each followed by those in it."""
        found = self.resolved(schema)
        required = found.get("required", [])
        for name, part in found.get("properties", {}).items():
            yield from self.field(f"{path}.{name}" if path else name, part, required=name in required)

    def field(self, path: str, part: Mapping[str, Any], *, required: bool) -> Iterator[Field]:
        """A field, followed by those in it."""
        inner, way, options = self._inner(part)
        variants = {} if len(options) < 2 else {self._tag(each): each for each in options}
        yield Field(
            path=path,
            value=self.value(part),
            default="required" if required else _default(part),
            meaning=prose(self._meaning(path, part)),
            variants=variants,
        )
        if inner is not None and not variants:
            yield from self.fields(inner, path + way)

    def _meaning(self, path: str, part: Mapping[str, Any]) -> str:
        """What the field says of itself, else what the object says that it holds."""
        found = self.resolved(part)
        inner, _, _ = self._inner(part)
        constant = _OF_CONSTANTS.get(path.rpartition(".")[2], "") if "const" in found else ""
        return str(found.get("description") or (inner or {}).get("description") or constant)

    def _inner(self, part: Mapping[str, Any], way: str = "") -> tuple[dict[str, Any] | None, str, list[Any]]:
        """The object in a part, how its keys are reached, and the objects where there are several."""
        found = self.resolved(part)
        options = [each for each in found.get("anyOf", found.get("oneOf", [])) if each.get("type") != "null"]
        objects = [each for each in options if self._inner(each)[0] is not None]
        if len(objects) > 1:
            return found, way, [self.resolved(each) for each in objects]
        if objects:
            return self._inner(objects[0], way)
        if "items" in found:
            return self._inner(found["items"], f"{way}[]")
        if isinstance(found.get("additionalProperties"), dict):
            return self._inner(found["additionalProperties"], f"{way}.<name>")
        return (found if found.get("properties") else None), way, []

    def _tag(self, schema: Mapping[str, Any]) -> str:
        """The value of the one constant key of an object: ``do: email``."""
        constants = [each["const"] for each in schema.get("properties", {}).values() if "const" in each]
        return str(constants[0]) if constants else str(schema.get("title", "object"))

    def value(self, part: Mapping[str, Any]) -> str:
        """What may stand there."""
        found = self.resolved(part)
        if "const" in found:
            return code(_yaml(found["const"]))
        if "enum" in found:
            return ", ".join(code(_yaml(each)) for each in found["enum"])
        options = found.get("anyOf", found.get("oneOf"))
        if options:
            lists = [each["items"] for each in options if each.get("type") == "array" and each.get("items") in options]
            words = dict.fromkeys(self.value(each) for each in options if each.get("items") not in lists or not lists)
            return " or ".join(words) + (", or a list of them" if lists else "")
        return self._of_type(found)

    def _of_type(self, found: Mapping[str, Any]) -> str:
        kind = found.get("type", "")
        if isinstance(kind, list):
            return " or ".join(self._of_type({**found, "type": each}) for each in kind)
        if kind == "array" and found.get("items"):
            most = f" (at most {found['maxItems']})" if "maxItems" in found else ""
            return f"list of {self.value(found['items'])}{most}"
        if kind == "object" and not found.get("properties"):
            more = found.get("additionalProperties")
            return f"name: {self.value(more)}" if isinstance(more, dict) else "any keys"
        if kind == "string" and len(found.get("pattern", "")) in range(1, _READABLE):
            return f"text like {code(found['pattern'])}"
        return _TYPES.get(kind, "anything") + _limits(found)


_TYPES = {
    "array": "list",
    "object": "keys",
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "`true` or `false`",
    "null": "`null`",
}


def _limits(found: Mapping[str, Any]) -> str:
    if "minimum" in found and "maximum" in found:
        return f" ({found['minimum']:g} to {found['maximum']:g})"
    words = [
        f"{sign}{found[key]:g}"
        for key, sign in (("exclusiveMinimum", "> "), ("minimum", "at least "), ("maximum", "at most "))
        if key in found
    ]
    return f" ({', '.join(words)})" if words else ""


def _yaml(value: object) -> str:
    """A value as YAML writes it."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _default(part: Mapping[str, Any]) -> str:
    value = part.get("default")
    if isinstance(value, dict) and value:
        return ""  # the fields in it say theirs
    if value in ("", None):
        return "`null`" if "default" in part and value is None else "empty" if value == "" else ""
    return code(_yaml(value))


def rows(fields: Iterator[Field]) -> list[tuple[str, str, str, str]]:
    """The fields as rows of a table."""
    return [(code(each.path), each.value, each.default, each.meaning) for each in fields]


def sections(schema: Schema, *, level: int = 2, whole: str = "", brief: bool = False) -> str:
    """A section for each key at the top of a document, with a table of what is in it.

    Args:
        schema: The document's schema.
        level: The headings' level.
        whole: What its keys hang below, for documents that are part of another.
        brief: Whether keys with nothing in them share one table before the sections.
    """
    parts = []
    found = schema.resolved(schema.document)
    required = found.get("required", [])
    all_of_them = [
        list(schema.field(name, part, required=name in required)) for name, part in found.get("properties", {}).items()
    ]
    if brief:
        parts.append(table(COLUMNS, rows(iter([first for first, *inner in all_of_them if not inner]))))
    for first, *inner in all_of_them:
        if brief and not inner:
            continue
        parts += [
            f"{'#' * level} {whole}{code(first.path)}",
            first.meaning,
            _line(first),
            *_tables(inner, level + 1),
            *_variants(schema, [first, *inner], level + 1),
        ]
    return joined(*parts)


def _tables(fields: list[Field], level: int) -> Iterator[str]:
    """The fields of a section; what stands in a list or below names is a table of its own where it is long."""
    containers: dict[str, list[Field]] = {}
    for field in fields:
        found = [part for part in _containers(field.path) if _long(part, fields)]
        containers.setdefault(found[-1] if found else "", []).append(field)
    for container, inside in containers.items():
        if container:
            yield f"{'#' * level} {code(container)}"
        start = len(container) + 1 if container else 0
        yield table(COLUMNS, [(code(each.path[start:]), each.value, each.default, each.meaning) for each in inside])


def _containers(path: str) -> list[str]:
    """The lists and names that a field stands in: ``pipelines.<name>`` and ``pipelines.<name>.steps[]``."""
    return [path[: found.start()] for found in re.finditer(r"(?<=\]|>)\.", path)]


def _long(container: str, fields: list[Field]) -> bool:
    return sum(each.path.startswith(f"{container}.") for each in fields) > 3


def _line(field: Field) -> str:
    default = {"": "", "required": "Required."}.get(field.default, f"Default: {field.default}.")
    return f"{'' if field.value == 'keys' else f'Value: {field.value}. '}{default}"


def _variants(schema: Schema, holding: list[Field], level: int) -> Iterator[str]:
    for field in holding:
        for tag, variant in field.variants.items():
            yield f"{'#' * level} {code(field.path)}: {tag}"
            yield prose(str(variant.get("description", "")))
            # What tells the objects apart comes first.
            found = sorted(schema.fields(variant), key=lambda each: each.value != code(tag))
            yield table(COLUMNS, rows(iter(found)))
