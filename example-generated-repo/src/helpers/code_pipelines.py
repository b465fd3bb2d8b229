"""Pipelines in code: what ``@dsl.pipeline`` made, looked at from outside."""

from __future__ import annotations

from typing import Any

from helpers.parameters import Parameter

KFP_TYPES = {
    "STRING": "str",
    "NUMBER_INTEGER": "int",
    "NUMBER_DOUBLE": "float",
    "BOOLEAN": "bool",
    "LIST": "list",
    "STRUCT": "dict",
    "String": "str",
    "Integer": "int",
    "Float": "float",
    "Boolean": "bool",
    "List": "list",
    "Dict": "dict",
}


def parameters_of(pipeline: Any) -> tuple[Parameter, ...]:
    """The parameters of a pipeline in code; files cannot be given on a command line, so they are left out."""
    inputs = pipeline.component_spec.inputs or {}
    return tuple(
        Parameter(name, KFP_TYPES[spec.type], spec.default) for name, spec in inputs.items() if spec.type in KFP_TYPES
    )
