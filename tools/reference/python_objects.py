"""Modules, classes and functions as Markdown, from their docstrings; griffe reads the source and imports nothing."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from griffe import Attribute, Class, DocstringSectionKind, Function, Module

from reference.markdown import code, joined, prose, table

_WIDE = 84
_LISTS = {
    DocstringSectionKind.parameters: "Arguments",
    DocstringSectionKind.other_parameters: "Further arguments",
    DocstringSectionKind.raises: "Raises",
    DocstringSectionKind.returns: "Returns",
    DocstringSectionKind.yields: "Yields",
    DocstringSectionKind.warns: "Warns",
}


def public(found: Module | Class) -> list[Any]:
    """The public names that are defined there, in the order of the source."""
    own = [each for each in found.members.values() if not each.is_alias and not each.name.startswith("_")]
    return sorted((each for each in own if not each.is_module), key=lambda each: each.lineno or 0)


def module(found: Module) -> str:
    """A module: what it is for, its constants, its functions and classes."""
    names = public(found)
    return joined(
        f"## {found.path}",
        text_of(found),
        *(_function(each) for each in names if isinstance(each, Function)),
        *(_class(each) for each in names if isinstance(each, Class)),
        _constants([each for each in names if isinstance(each, Attribute)]),
    )


def summary(found: Any) -> str:
    """The first sentence of what something says of itself."""
    first = re.split(r"\n\s*\n", found.docstring.value if found.docstring else "")[0]
    return prose(" ".join(first.split()))


def text_of(found: Any) -> str:
    """A docstring as Markdown; its lists of arguments and errors become lists."""
    parts = []
    for section in found.docstring.parse("google") if found.docstring else []:
        if section.kind is DocstringSectionKind.text:
            parts += [_paragraph(each) for each in re.split(r"\n\s*\n", section.value)]
        elif section.kind in _LISTS:
            lines = [_item(each, section.kind) for each in section.value]
            parts.append(f"**{_LISTS[section.kind]}**\n\n" + "\n".join(lines))
        elif section.kind is DocstringSectionKind.admonition:
            parts.append(prose(section.value.description))
    return "\n\n".join(part for part in parts if part.strip())


def _paragraph(text: str) -> str:
    """A paragraph; what is indented is an example, and stays as it is."""
    if text.startswith("    "):
        return f"```text\n{textwrap.dedent(text)}\n```"
    return prose(text)


def _item(item: Any, kind: DocstringSectionKind) -> str:
    name = "" if kind is DocstringSectionKind.returns else str(getattr(item, "name", None) or item.annotation or "")
    words = prose(" ".join(item.description.split()))
    return f"- {code(name)}: {words}" if name else f"- {words}"


def _function(found: Function, level: int = 3, name: str = "") -> str:
    return joined(f"{'#' * level} {name or found.name}", _code(signature(found)), text_of(found))


def signature(found: Function) -> str:
    """How a function is called; broken into lines where it is wide."""
    text = f"{'async ' if 'async' in found.labels else ''}def {found.signature()}"
    if len(text) <= _WIDE:
        return text
    head, _, rest = text.partition("(")
    tree = ast.parse(f"{text}: ...").body[0]
    if not isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef):
        return text
    inside = ",\n    ".join(_parameters(tree.args))
    result = f" -> {ast.unparse(tree.returns)}" if tree.returns else ""
    return f"{head}(\n    {inside},\n){result}" if rest else text


def _parameters(found: ast.arguments) -> Iterator[str]:
    """The parameters one by one, as they are written."""
    positional = [*found.posonlyargs, *found.args]
    defaults = [None] * (len(positional) - len(found.defaults)) + list(found.defaults)
    for number, (each, default) in enumerate(zip(positional, defaults, strict=True), 1):
        yield _parameter(each, default)
        if found.posonlyargs and number == len(found.posonlyargs):
            yield "/"
    if found.vararg:
        yield f"*{_parameter(found.vararg, None)}"
    elif found.kwonlyargs:
        yield "*"
    for each, default in zip(found.kwonlyargs, found.kw_defaults, strict=True):
        yield _parameter(each, default)
    if found.kwarg:
        yield f"**{_parameter(found.kwarg, None)}"


def _parameter(found: ast.arg, default: ast.expr | None) -> str:
    if default is None:
        return ast.unparse(found)
    between = " = " if found.annotation else "="
    return f"{ast.unparse(found)}{between}{ast.unparse(default)}"


def _class(found: Class) -> str:
    bases = ", ".join(str(base) for base in found.bases)
    names = public(found)
    attributes = [each for each in names if isinstance(each, Attribute)]
    return joined(
        f"### {found.name}",
        _code(f"class {found.name}({bases})" if bases else f"class {found.name}"),
        text_of(found),
        table(("attribute", "type", "meaning"), [_attribute(each, described(found)) for each in attributes]),
        *(_function(each, 4, f"{found.name}.{each.name}") for each in names if isinstance(each, Function)),
    )


def described(found: Class) -> dict[str, str]:
    """What the docstring of a class says of its attributes and of the arguments that become them."""
    kinds = (DocstringSectionKind.attributes, DocstringSectionKind.parameters)
    sections = found.docstring.parse("google") if found.docstring else []
    return {each.name: each.description for section in sections if section.kind in kinds for each in section.value}


def meaning(found: Attribute, known: dict[str, str]) -> str:
    """What an attribute is: in its class, below itself, or in a field of pydantic's."""
    if found.docstring:
        return " ".join(found.docstring.value.split())
    if found.name in known:
        return " ".join(known[found.name].split())
    return _of_field(str(found.value)) if found.value is not None else ""


def _of_field(value: str) -> str:
    try:
        tree = ast.parse(value, mode="eval").body
    except SyntaxError:
        return ""
    if not isinstance(tree, ast.Call):
        return ""
    found = next((each.value for each in tree.keywords if each.arg == "description"), None)
    return ast.literal_eval(found) if isinstance(found, ast.Constant) else ""


def _attribute(found: Attribute, known: dict[str, str]) -> tuple[str, str, str]:
    kind = code(str(found.annotation)) if found.annotation is not None else ""
    said = prose(meaning(found, known))
    if not said and found.annotation is None and found.value is not None:
        # What is the same for every object of the class says what it is by its value.
        said = code(str(found.value)) if "\n" not in str(found.value) else ""
    return code(found.name), kind, said


def _constants(found: list[Attribute]) -> str:
    rows = [(code(each.name), prose(meaning(each, {}))) for each in found if each.docstring]
    return table(("constant", "meaning"), rows)


def _code(text: str) -> str:
    return f"```python\n{text}\n```"
