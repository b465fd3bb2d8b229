"""Reads what a step takes and gives from its source text; nothing is imported, so nothing of a step runs.

A step is a plain function of a module. Its annotations say what flows: ``Input[Dataset]`` and ``Output[Model]`` are
files with metadata, ``str``, ``int``, ``float``, ``bool``, ``list`` and ``dict`` are values; what it returns is its
output ``Output``, or one output for each field of a ``NamedTuple``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from helpers.documents import did_you_mean, display_name
from helpers.errors import ConfigurationError
from helpers.parameters import CONTEXT

RETURN = "Output"
"""The name of what a step returns; conditions read only this output."""

ARTIFACTS = frozenset(
    {
        "Artifact",
        "Dataset",
        "Model",
        "Metrics",
        "ClassificationMetrics",
        "SlicedClassificationMetrics",
        "HTML",
        "Markdown",
    }
)
VALUES = {"str": "str", "int": "int", "float": "float", "bool": "bool", "list": "list", "dict": "dict"}
VALUES |= {"List": "list", "Sequence": "list", "Dict": "dict", "Mapping": "dict"}
SUPPORTED = "Input[...] and Output[...] of kfp.dsl, str, int, float, bool, list, dict, Optional[...]"


@dataclass(frozen=True)
class Port:
    """An input or output of a step.

    Attributes:
        name: Its name.
        kind: ``artifact`` for a file with metadata, ``value`` for a plain value.
        type: ``Dataset``, ``Model``, ... or ``str``, ``int``, ``float``, ``bool``, ``list``, ``dict``.
        where: ``file:line`` of its definition.
        optional: Whether it may be left out.
        default: The default, when it has one.
    """

    name: str
    kind: Literal["artifact", "value"]
    type: str
    where: str
    optional: bool = False
    default: Any = None

    def accepts(self, other: Port) -> bool:
        """Whether an output of another step fits into this input."""
        if self.kind != other.kind:
            return False
        return self.type in (other.type, "Artifact")


@dataclass(frozen=True)
class Signature:
    """A step's function.

    Attributes:
        module: The module that it lies in.
        function: Its name.
        where: ``file:line`` of the definition.
        inputs: What it takes.
        outputs: What it gives.
        arguments: The parameter list of its shim, in kfp's words.
        returns: The shim's return annotation; empty when it returns nothing.
        untracked: Whether it is called with a context that logs nothing.
    """

    module: str
    function: str
    where: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    arguments: tuple[tuple[str, str], ...]
    returns: str
    untracked: bool = False

    @property
    def passed(self) -> str:
        """The arguments of the call in a shim."""
        names = [argument for argument, _ in self.arguments]
        given = {name: f"_untracked({name})" if self.untracked and name == CONTEXT else name for name in names}
        return ", ".join(f"{name}={value}" for name, value in given.items())

    @property
    def preparation(self) -> str:
        """What stands before the call in a shim."""
        return "    from helpers.sweep import untracked as _untracked\n" if self.untracked else ""

    def shim(self, name: str) -> str:
        """The source of a function that only calls this one; it is all that a compiled package holds of a step."""
        declared = ", ".join(text for _, text in self.arguments)
        arrow = f" -> {self.returns}" if self.returns else ""
        return (
            f"def {name}({declared}){arrow}:\n"
            f"    from {self.module} import {self.function} as _implementation\n{self.preparation}"
            f"    return _implementation({self.passed})\n"
        )


def read_signature(uses: str, *, root: Path, where: str) -> Signature:
    """The signature of ``module:function``.

    Args:
        uses: The reference.
        root: The repository; modules are looked for in its ``src`` first, then where Python looks.
        where: The place that the reference stands at, for errors.

    Raises:
        ConfigurationError: The module or function is not there, or its signature cannot be part of a pipeline.
    """
    module, _, function = uses.partition(":")
    path = _find_module(module, root, where)
    name = display_name(path, root)
    try:
        tree = ast.parse(path.read_bytes(), filename=name)
    except SyntaxError as error:
        raise ConfigurationError(f"This is not valid Python: {error.msg}.", where=f"{name}:{error.lineno}") from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The file cannot be read: {error}.", where=name) from error
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    if function not in functions:
        candidates = [candidate for candidate in functions if not candidate.startswith("_")]
        raise ConfigurationError(
            f"{name} defines no function '{function}'.", where=where, hint=did_you_mean(function, candidates)
        )
    return _Reader(tree, name).signature(module, functions[function])


def _find_module(module: str, root: Path, where: str) -> Path:
    relative = Path(*module.split("."))
    for base in (root / "src", *(Path(entry) for entry in sys.path if entry)):
        for candidate in (base / relative.with_suffix(".py"), base / relative / "__init__.py"):
            if candidate.is_file():
                return candidate
    folder = root / "src" / relative.parent
    prefix = module.rpartition(".")[0]
    siblings = [f"{prefix}.{path.stem}".lstrip(".") for path in folder.glob("*.py") if path.stem != "__init__"]
    raise ConfigurationError(
        f"There is no module '{module}' (src/{relative.as_posix()}.py).",
        where=where,
        hint=did_you_mean(module, siblings),
    )


class _Reader:
    """Reads annotations in the words that one module uses for them."""

    def __init__(self, tree: ast.Module, name: str) -> None:
        self.name = name
        self.aliases: dict[str, str] = {}
        self.constants: dict[str, ast.expr] = {}
        self.tuples: dict[str, ast.ClassDef] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                self.aliases |= {alias.asname: alias.name for alias in node.names if alias.asname}
        for node in tree.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self.constants[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                self.constants[node.target.id] = node.value
            elif isinstance(node, ast.ClassDef) and any(self._word(base) == "NamedTuple" for base in node.bases):
                self.tuples[node.name] = node

    def signature(self, module: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Signature:
        where = f"{self.name}:{node.lineno}"
        if isinstance(node, ast.AsyncFunctionDef):
            raise ConfigurationError(f"The step '{node.name}' is asynchronous.", where=where, hint="Use a plain 'def'.")
        if any(self._word(decorator) in ("component", "pipeline") for decorator in node.decorator_list):
            raise ConfigurationError(
                f"The step '{node.name}' is decorated by kfp.",
                where=where,
                hint="Leave the decorator out: a step is a plain function, and compile makes the component.",
            )
        arguments = node.args
        if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
            raise ConfigurationError(
                f"The step '{node.name}' takes *args, **kwargs or positional-only parameters.",
                where=where,
                hint="Name every parameter, so that outputs can be matched to it.",
            )
        positional: list[ast.expr | None] = [None] * (len(arguments.args) - len(arguments.defaults))
        pairs = [
            *zip(arguments.args, [*positional, *arguments.defaults], strict=True),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ]
        # kfp calls by name, and a parameter without default may not follow one with a default
        pairs.sort(key=lambda pair: pair[1] is not None)
        inputs: list[Port] = []
        outputs: list[Port] = []
        texts: list[tuple[str, str]] = []
        for argument, default in pairs:
            port, text, is_output = self._argument(node.name, argument, default)
            (outputs if is_output else inputs).append(port)
            texts.append((argument.arg, text))
        returned, returns = self._returns(node)
        return Signature(module, node.name, where, tuple(inputs), (*outputs, *returned), tuple(texts), returns)

    def _argument(self, step: str, argument: ast.arg, default: ast.expr | None) -> tuple[Port, str, bool]:
        where = f"{self.name}:{argument.lineno}"
        if argument.annotation is None:
            raise ConfigurationError(
                f"The parameter '{argument.arg}' of '{step}' has no annotation.", where=where, hint=f"Use {SUPPORTED}."
            )
        annotation, optional = self._unwrap(argument.annotation)
        direction, kind = self._artifact(annotation)
        if direction:
            text = f"{argument.arg}: {direction}[{kind}]"
            if default is not None and self._literal(default, where) is not None:
                raise ConfigurationError(f"The file '{argument.arg}' cannot have a default.", where=where)
            optional = default is not None
            suffix = " = None" if optional else ""
            return Port(argument.arg, "artifact", kind, where, optional), text + suffix, direction == "Output"
        value_type = self._value_type(annotation)
        if value_type is None:
            shown = ast.unparse(argument.annotation)
            raise ConfigurationError(
                f"The parameter '{argument.arg}' of '{step}' has the type '{shown}', which a pipeline cannot carry.",
                where=where,
                hint=f"Use {SUPPORTED}; let bigger things travel as files.",
            )
        text = f"{argument.arg}: {f'Optional[{value_type}]' if optional else value_type}"
        if default is None:
            return Port(argument.arg, "value", value_type, where), text, False
        value = self._literal(default, where)
        return Port(argument.arg, "value", value_type, where, True, value), f"{text} = {value!r}", False

    def _returns(self, node: ast.FunctionDef) -> tuple[tuple[Port, ...], str]:
        where = f"{self.name}:{node.lineno}"
        annotation = node.returns
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = self._parse(annotation.value, where)
        if annotation is None or (isinstance(annotation, ast.Constant) and annotation.value is None):
            return (), ""
        fields = self._named_tuple(annotation)
        if fields is not None:
            types = {name: self._value_type(kind) for name, kind in fields.items()}
            bad = [name for name, value_type in types.items() if value_type is None]
            if bad or not types:
                raise ConfigurationError(
                    f"'{node.name}' returns '{''.join(bad[:1])}' of a type that a pipeline cannot carry.", where=where
                )
            ports = tuple(Port(name, "value", str(value_type), where) for name, value_type in types.items())
            listed = ", ".join(f"({name!r}, {value_type})" for name, value_type in types.items())
            return ports, f"NamedTuple('Outputs', [{listed}])"
        value_type = self._value_type(annotation)
        if value_type is None:
            raise ConfigurationError(
                f"'{node.name}' returns '{ast.unparse(annotation)}', which a pipeline cannot carry.",
                where=where,
                hint="Return str, int, float, bool, list, dict or a NamedTuple of these; write files to Output[...].",
            )
        return (Port(RETURN, "value", value_type, where),), value_type

    def _word(self, node: ast.expr) -> str:
        """The name at the end of ``a.b.Name``, ``Name[...]`` or ``Name(...)``, without an import's alias."""
        if isinstance(node, ast.Call):
            return self._word(node.func)
        if isinstance(node, ast.Subscript):
            return self._word(node.value)
        if isinstance(node, ast.Attribute):
            return node.attr
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, node.id)
        return ""

    def _unwrap(self, annotation: ast.expr) -> tuple[ast.expr, bool]:
        """The annotation inside quotes, ``Optional[...]`` or ``... | None``, and whether it was optional."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return self._unwrap(self._parse(annotation.value, f"{self.name}:{annotation.lineno}"))
        if isinstance(annotation, ast.Subscript) and self._word(annotation) == "Optional":
            return annotation.slice, True
        if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
            sides = [annotation.left, annotation.right]
            others = [side for side in sides if not (isinstance(side, ast.Constant) and side.value is None)]
            if len(others) == 1:
                return others[0], True
        return annotation, False

    def _artifact(self, annotation: ast.expr) -> tuple[str, str]:
        """``("Input", "Dataset")`` of ``Input[Dataset]``; two empty texts for anything else."""
        if isinstance(annotation, ast.Subscript) and self._word(annotation) in ("Input", "Output"):
            kind = self._word(self._unwrap(annotation.slice)[0])
            if kind in ARTIFACTS and not isinstance(annotation.slice, ast.Subscript):
                return self._word(annotation), kind
        return "", ""

    def _value_type(self, annotation: ast.expr) -> str | None:
        annotation = self._unwrap(annotation)[0] if isinstance(annotation, ast.Constant) else annotation
        word = self._word(annotation)
        if word == "Literal" and isinstance(annotation, ast.Subscript):
            first = annotation.slice.elts[0] if isinstance(annotation.slice, ast.Tuple) else annotation.slice
            return VALUES.get(type(first.value).__name__) if isinstance(first, ast.Constant) else None
        return VALUES.get(word) if isinstance(annotation, ast.Name | ast.Attribute | ast.Subscript) else None

    def _named_tuple(self, annotation: ast.expr) -> Mapping[str, ast.expr] | None:
        """The fields of a NamedTuple that is written in place or is a class of this module."""
        if isinstance(annotation, ast.Name) and annotation.id in self.tuples:
            body = self.tuples[annotation.id].body
            return {
                item.target.id: item.annotation
                for item in body
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
            }
        if not (isinstance(annotation, ast.Call) and self._word(annotation) == "NamedTuple"):
            return None
        fields = {keyword.arg: keyword.value for keyword in annotation.keywords if keyword.arg}
        listed: Sequence[ast.expr] = ()
        if len(annotation.args) > 1 and isinstance(annotation.args[1], ast.List | ast.Tuple):
            listed = annotation.args[1].elts
        for item in listed:
            if isinstance(item, ast.Tuple) and len(item.elts) == 2 and isinstance(item.elts[0], ast.Constant):
                fields[str(item.elts[0].value)] = item.elts[1]
        return fields

    def _literal(self, node: ast.expr, where: str) -> Any:
        """The value of a default: a literal, or the name of a literal of the module."""
        expression = self.constants.get(node.id, node) if isinstance(node, ast.Name) else node
        try:
            return ast.literal_eval(expression)
        except ValueError as error:
            raise ConfigurationError(
                f"The default '{ast.unparse(node)}' cannot be read without running the module.",
                where=where,
                hint="Use a plain value, or a constant of the same module.",
            ) from error

    def _parse(self, text: str, where: str) -> ast.expr:
        try:
            return ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise ConfigurationError(f"The annotation '{text}' is not valid Python.", where=where) from error
