"""Values of a pipeline's parameters: their types, and how text becomes one of them."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from helpers.documents import did_you_mean
from helpers.errors import ConfigurationError

CONTEXT = "context"
"""The parameter that every pipeline has: the run's context as JSON."""

TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


@dataclass(frozen=True)
class Parameter:
    """A parameter of the pipeline; ``context`` has no default."""

    name: str
    type: str
    default: Any


def fit(value: Any, kind: str) -> Any:
    """A value as the type that a step declares.

    Raises:
        ValueError: It is of another type; the message says which.
    """
    if kind == "float" and isinstance(value, str):
        with contextlib.suppress(ValueError):  # YAML 1.1 reads 1e-3 as text
            value = float(value)
    is_bool = isinstance(value, bool)
    if not isinstance(value, TYPES[kind]) or (is_bool and kind != "bool"):
        hint = "; put it in quotes" if kind == "str" and isinstance(value, int | float) else ""
        message = f"has to be {kind}, and {value!r} is {type(value).__name__}{hint}"
        raise ValueError(message)
    if kind == "float" and isinstance(value, int | float):
        if not math.isfinite(value):
            message = f"has to be a finite number, not {value}"
            raise ValueError(message)
        return float(value)
    return value


def parse_parameters(assignments: Iterable[str], parameters: Iterable[Parameter]) -> dict[str, Any]:
    """The values of ``--param name=value``.

    Raises:
        ConfigurationError: There is no such parameter, or the text is not of its type.
    """
    types = {parameter.name: parameter.type for parameter in parameters if parameter.name != CONTEXT}
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or name not in types:
            hint = did_you_mean(name, types) if equals else "Write --param NAME=VALUE."
            raise ConfigurationError(f"There is no parameter '{name}'.", where="--param", hint=hint)
        kind = types[name]
        try:
            parsed = text if kind == "str" else json.loads(text.lower() if kind == "bool" else text)
            values[name] = fit(parsed, kind)
        except ValueError as error:
            raise ConfigurationError(
                f"'{text}' is not a value of type {kind}.", where=f"--param {name}", hint="Lists and mappings are JSON."
            ) from error
    return values
