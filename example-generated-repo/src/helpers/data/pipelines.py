"""Which data sources a pipeline reads: what its inputs called ``source`` or ``..._source`` are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helpers.branch import Branch
from helpers.code_pipelines import parameters_of
from helpers.step_sources import Constant, FromParameter

if TYPE_CHECKING:
    from helpers.verbs import Request


def sources_of(request: Request, branch: Branch, pipeline: str) -> list[str]:
    """The names of a pipeline's sources, each once, in the order of their use."""
    code = request.code(pipeline)
    found: list[Any] = []
    if code is not None:
        values = {parameter.name: parameter.default for parameter in parameters_of(code)}
        values |= {name: value for name, value in branch.config.parameters.items() if name in values}
        found = [value for name, value in values.items() if names_source(name)]
    else:
        plan = branch.plan(pipeline)
        values = {parameter.name: parameter.default for parameter in plan.parameters}
        found = [value for name, value in values.items() if names_source(name)]
        for step in plan.steps:
            for name, given in step.inputs.items():
                if names_source(name) and isinstance(given, Constant):
                    found.append(given.value)
                elif names_source(name) and isinstance(given, FromParameter):
                    found.append(values.get(given.name))
    return list(dict.fromkeys(value for value in found if isinstance(value, str) and value))


def names_source(parameter: str) -> bool:
    """Whether a parameter or an input of this name takes the name of a source."""
    return parameter == "source" or parameter.endswith("_source")
