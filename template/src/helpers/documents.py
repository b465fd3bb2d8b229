"""Reads YAML documents so that every error names the file and the line."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from helpers.errors import ConfigurationError

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader in C is ten times faster; wheels of PyYAML have it."""

MAXIMUM_PARTS = 20_000

_SHOULD_BE = "Input should be "
_KINDS = {
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "dict": "a group of keys and values",
    "model": "a group of keys and values",
}
"""What a value has to be, by how the types of pydantic's findings begin."""

Key = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True)
class Document:
    """A YAML document and where each part of it lies.

    Attributes:
        name: The file as a person knows it, usually relative to the repository.
        value: The document's content.
        lines: The line of each key or list item, by its path from the root.
    """

    name: str
    value: Any
    lines: dict[Key, int] = field(repr=False)

    def where(self, key: Iterable[str | int] = ()) -> str:
        """``file:line`` of a part; of the nearest part around it when there is no such part."""
        path = tuple(key)
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"

    def error(self, key: Iterable[str | int], message: str, *, hint: str = "") -> ConfigurationError:
        """An error at a part of the document."""
        return ConfigurationError(message, hint=hint, where=self.where(key))


def read_document(path: Path, *, root: Path | None = None) -> Document:
    """Reads a YAML file.

    Args:
        path: The file.
        root: What errors name the file relative to; the path as given when it is left out.

    Raises:
        ConfigurationError: There is no such file, it cannot be read, or it is not YAML.
    """
    name = display_name(path, root)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigurationError(
            "The file does not exist.", where=name, hint="Restore it, for example with git checkout."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"The file is not UTF-8 text (byte {error.start}).", where=name, hint="Save it as UTF-8."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"The file cannot be read: {error.strerror or error}.", where=name) from error
    return parse_document(text, name)


def parse_document(text: str, name: str) -> Document:
    """The document in a text.

    Args:
        text: YAML.
        name: How errors name it.

    Raises:
        ConfigurationError: It is not one YAML document of mappings with text keys.
    """
    try:
        loader = Loader(text)
        try:
            node = loader.get_single_node()
            lines: dict[Key, int] = {}
            if node is not None:
                _walk(node, (), lines, name, set())
            value = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        message, hint = _yaml_message(error), _yaml_hint(error, text)
        raise ConfigurationError(message, where=_mark(name, error), hint=hint) from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"This is not valid YAML: {error}.".replace("\n", " "), where=name) from error
    except (ValueError, RecursionError) as error:  # an impossible date such as 2024-13-45; nesting without end
        raise ConfigurationError(f"This is not valid YAML: {error}.", where=name) from error
    return Document(name, value, lines)


def validate(document: Document, model: type[ModelT]) -> ModelT:
    """The document as a model.

    Raises:
        ConfigurationError: It does not fit; the message tells the first mistakes, each with its line.
    """
    if document.value is None:
        raise document.error((), "The file is empty.", hint="It has to start with 'version: 1'.")
    if not isinstance(document.value, dict):
        raise document.error((), "The file has to hold keys and values.", hint="It has to start with 'version: 1'.")
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] == "missing")
        first, *others = (_explain(document, detail, model) for detail in details)
        more = "".join(f" Also {where}: {message}" for where, message, _ in others[:4])
        if len(others) > 4:
            more += f" And {len(others) - 4} more."
        raise ConfigurationError(first[1] + more, where=first[0], hint=first[2]) from error


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """A sentence that names the nearest candidate, or all of them when none is near."""
    known = sorted(candidates)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"There is: {', '.join(known)}." if known else ""


def display_name(path: Path, root: Path | None) -> str:
    """The path relative to the root where it lies inside it."""
    if root is not None and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return str(path)


def _walk(node: yaml.Node, path: Key, lines: dict[Key, int], name: str, above: set[int]) -> None:
    """Notes each part's line; refuses keys that stand twice, of which YAML would silently keep the last."""
    lines.setdefault(path, node.start_mark.line + 1)
    if len(lines) > MAXIMUM_PARTS:  # aliases of aliases of aliases grow without end
        raise ConfigurationError(f"The file has more than {MAXIMUM_PARTS} parts.", where=name)
    if id(node) in above:
        raise ConfigurationError("An alias refers to itself.", where=f"{name}:{node.start_mark.line + 1}")
    above = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        seen: set[Hashable] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigurationError("A key has to be plain text.", where=f"{name}:{line}")
            if key.value in seen:
                raise ConfigurationError(f"The key '{key.value}' stands twice.", where=f"{name}:{line}")
            seen.add(key.value)
            lines[(*path, key.value)] = line
            _walk(value, (*path, key.value), lines, name, above)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, index), lines, name, above)


def _mark(name: str, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"{name}:{mark.line + 1}" if mark is not None else name


def _yaml_message(error: yaml.MarkedYAMLError) -> str:
    problem = " ".join(str(part).strip() for part in (error.context, error.problem) if part)
    return f"This is not valid YAML: {problem}."


def _yaml_hint(error: yaml.MarkedYAMLError, text: str) -> str:
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines()
    if mark is None or mark.line >= len(lines):
        return ""
    if "\t" in lines[mark.line]:
        return "YAML is indented with spaces; the line holds a tab."
    if "mapping values are not allowed" in str(error.problem):
        return "Put text that holds ': ' in quotes, and look at the indentation."
    return "Look at the indentation, the quotes and the brackets of this line and the one above."


def _explain(document: Document, detail: ErrorDetails, model: type[BaseModel]) -> tuple[str, str, str]:
    """Where, what and the next step of one of pydantic's findings."""
    loc = _real_location(document, detail["loc"])
    name = ".".join(str(part) for part in loc)
    if detail["type"] == "extra_forbidden":
        parent = loc[:-1]
        inside = f" in '{'.'.join(str(part) for part in parent)}'" if parent else ""
        return document.where(loc), f"Unknown key '{loc[-1]}'{inside}.", _suggest_key(model, detail["loc"])
    if detail["type"] == "missing":
        return document.where(loc), f"The key '{name}' is missing.", ""
    message = detail["msg"].removeprefix("Value error, ").rstrip(".")
    if detail["type"] == "value_error":
        return document.where(loc), f"'{name}': {message}." if name else f"{message}.", ""
    given = detail["input"]
    shown = f" (it is {given!r})" if isinstance(given, str | int | float | bool | type(None)) else ""
    wanted = _KINDS.get(detail["type"].partition("_")[0]) or message.removeprefix(_SHOULD_BE)
    said = f"'{name}' has to be {wanted}" if message.startswith(_SHOULD_BE) else f"'{name}': {message}"
    return document.where(loc), f"{said}{shown}.", _suggest_value(detail["type"], given)


def _suggest_value(kind: str, given: object) -> str:
    """What a value that does not fit was meant as."""
    if kind.startswith(("float", "int")) and isinstance(given, str) and re.fullmatch(r"[+-]?\d+,\d+", given.strip()):
        return f"Decimals stand after a point: {given.strip().replace(',', '.')}."
    return "Put it in quotes." if kind == "string_type" and isinstance(given, int | float | datetime.date) else ""


def _real_location(document: Document, loc: Sequence[str | int]) -> Key:
    """Pydantic's location without the names that it invents for members of a union."""
    known: list[str | int] = []
    for index, part in enumerate(loc):
        if (*known, part) in document.lines or index == len(loc) - 1:
            known.append(part)
    return tuple(known)


def _suggest_key(model: type[BaseModel], loc: Sequence[str | int]) -> str:
    """What the unknown key could have been, from the fields of the model that it stands in."""
    annotation: Any = model
    for part in loc[:-1]:
        annotation = _annotation_of(annotation, part)
    owner = _model_in(annotation)
    if owner is None:
        return ""
    return did_you_mean(str(loc[-1]), [info.alias or name for name, info in owner.model_fields.items()])


def _annotation_of(annotation: Any, part: str | int) -> Any:
    """The type of a field, of a list's items or of a mapping's values."""
    model = _model_in(annotation)
    if annotation is model and model is not None:
        fields = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
        return fields.get(str(part))
    arguments = get_args(annotation)
    if get_origin(annotation) in (dict, list):
        return arguments[-1]
    members = [member for member in arguments if member is not type(None)]
    chosen = next((member for member in _models_in(annotation) if _is_chosen_by(member, part)), None)
    if chosen is not None:
        return chosen
    return _annotation_of(members[0], part) if len(members) == 1 else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that an annotation leaves the choice of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _is_chosen_by(model: type[BaseModel], part: str | int) -> bool:
    """Whether a word that one of its keys takes selects this model; pydantic's location names it by that word."""
    return any(
        get_origin(info.annotation) is Literal and part in get_args(info.annotation)
        for info in model.model_fields.values()
    )


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is, also one that may be left out."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (dict, list):
        return None
    found = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in found if model is not None), None)
