"""Where an input of a step comes from, and what ``parallel:`` makes of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.documents import Document, Key, did_you_mean
from helpers.parameters import fit
from helpers.pipeline_text import StepText
from helpers.signatures import Port, Signature


@dataclass(frozen=True)
class Constant:
    """The input is a value of the pipeline text."""

    value: Any


@dataclass(frozen=True)
class FromParameter:
    """The input is a parameter of the pipeline."""

    name: str


@dataclass(frozen=True)
class FromStep:
    """The input is an output of another step."""

    step: str
    output: str


Source = Constant | FromParameter | FromStep


@dataclass(frozen=True)
class Sweep:
    """The candidates of a step's input, and what is needed to compare them.

    Attributes:
        input: The input that differs.
        type: Its type.
        values: The candidates, or the parameter that holds them.
        data: The input that brings the rows to learn from; a part of them is held back to compare the candidates.
        model: The output that is compared.
        seed: The pipeline's parameter that the part is drawn with; empty when it has none.
        at_once: How many run at a time; 0: as many as there is room for.
    """

    input: str
    type: str
    values: tuple[Any, ...] | FromParameter
    data: str
    model: str
    seed: str
    at_once: int


def plan_sweep(
    step: StepText, signature: Signature, parameters: Mapping[str, Any], document: Document, key: Key
) -> Sweep:
    """What ``parallel:`` says of a step.

    Raises:
        ConfigurationError: It does not fit the step's function or the pipeline's parameters.
    """
    wanted = step.parallel
    assert wanted is not None  # noqa: S101 - only asked for steps that have the key
    ports = {port.name: port for port in signature.inputs}
    port = ports.get(wanted.input)
    if port is None or port.kind != "value":
        values = [name for name, other in ports.items() if other.kind == "value"]
        message = f"'{step.id}' has no value '{wanted.input}' to vary."
        raise document.error((*key, "input"), message, hint=did_you_mean(wanted.input, values))
    if port.name in step.arguments:
        raise document.error(
            (*key, "input"), f"'{port.name}' stands in 'with' and in 'parallel'.", hint="Name it once."
        )
    tables = [name for name, other in ports.items() if other.type == "Dataset" and not other.optional]
    models = [other.name for other in signature.outputs if other.type == "Model"]
    if len(tables) != 1 or len(models) != 1:
        raise document.error(
            key,
            f"'{step.id}' takes {len(tables)} tables and gives {len(models)} models; nothing can be compared.",
            hint="Vary a step that has one Input[Dataset] and one Output[Model].",
        )
    seed = parameters.get("seed")
    return Sweep(
        input=port.name,
        type=port.type,
        values=_candidates(wanted.values, port, parameters, document, (*key, "values")),
        data=tables[0],
        model=models[0],
        seed="seed" if isinstance(seed, int) and not isinstance(seed, bool) else "",
        at_once=wanted.at_once,
    )


def _candidates(
    values: list[Any] | str, port: Port, parameters: Mapping[str, Any], document: Document, key: Key
) -> tuple[Any, ...] | FromParameter:
    if isinstance(values, str):
        name = values[1:]
        if not isinstance(parameters.get(name), list):
            message = f"There is no parameter '{name}' that is a list."
            raise document.error(key, message, hint=did_you_mean(name, parameters))
        return FromParameter(name)
    try:
        return tuple(fit(value, port.type) for value in values)
    except ValueError as error:
        raise document.error(key, f"A candidate for '{port.name}' {error}.") from error
