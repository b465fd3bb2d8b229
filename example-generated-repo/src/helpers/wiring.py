"""Decides where each input of each step comes from; neither kfp nor a step is imported.

An input takes the first of these that fits: what ``with:`` says; the output of the same name and a fitting type of the
nearest step above it in the file; the pipeline's parameter of that name; the function's default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.documents import Document, Key, did_you_mean
from helpers.errors import ConfigurationError
from helpers.parameters import CONTEXT, Parameter, fit
from helpers.pipeline_text import PipelinesText, PipelineText, StepText
from helpers.signatures import RETURN, Port, Signature, read_signature
from helpers.step_sources import Constant, FromParameter, FromStep, Source, Sweep, plan_sweep


@dataclass(frozen=True)
class PlannedStep:
    """A step and where its inputs come from; an input that is not there keeps the function's default."""

    text: StepText
    signature: Signature
    inputs: Mapping[str, Source]
    sweep: Sweep | None = None

    @property
    def waits_for(self) -> set[str]:
        """The steps that have to end first."""
        flowing = {source.step for source in self.inputs.values() if isinstance(source, FromStep)}
        return flowing | set(self.text.after) | ({self.text.condition} if self.text.condition else set())


@dataclass(frozen=True)
class Plan:
    """A whole pipeline, ready to be built: steps that share a condition stand together, in the order to build them."""

    project: str
    name: str
    parameters: tuple[Parameter, ...]
    groups: tuple[tuple[PlannedStep, ...], ...]

    @property
    def steps(self) -> tuple[PlannedStep, ...]:
        """All steps in the order to build them."""
        return tuple(step for group in self.groups for step in group)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules of the steps."""
        return tuple(dict.fromkeys(step.signature.module for step in self.steps))


@dataclass(frozen=True)
class Overrides:
    """Parameter values of the branch's configuration, and the document that they stand in."""

    values: Mapping[str, Any]
    document: Document


def plan_pipeline(
    text: PipelinesText, document: Document, name: str, *, root: Path, overrides: Overrides | None = None
) -> Plan:
    """Wires one pipeline of ``pipeline.yaml``.

    Raises:
        ConfigurationError: A step, input, type or parameter does not fit; ``where`` is its line.
    """
    return _Planner(text, document, name, root, overrides).plan()


def check_overrides(text: PipelinesText, overrides: Overrides) -> None:
    """Raises when the branch sets a parameter that no pipeline has."""
    known = {parameter for pipeline in text.pipelines.values() for parameter in pipeline.parameters}
    for parameter in overrides.values:
        if parameter not in known:
            raise overrides.document.error(
                ("parameters", parameter),
                f"No pipeline has a parameter '{parameter}'.",
                hint=did_you_mean(parameter, known),
            )


class _Planner:
    def __init__(
        self, text: PipelinesText, document: Document, name: str, root: Path, overrides: Overrides | None
    ) -> None:
        self.text = text
        self.document = document
        self.name = name
        self.overrides = overrides
        self.pipeline: PipelineText = text.pipelines[name]
        self.base: Key = ("pipelines", name)
        self.index = {step.id: number for number, step in enumerate(self.pipeline.steps)}
        self.signatures = {
            step.id: read_signature(step.uses, root=root, where=document.where((*self.base, "steps", number, "uses")))
            for number, step in enumerate(self.pipeline.steps)
        }
        self.types: dict[str, tuple[str, str]] = {CONTEXT: ("str", "")}

    def plan(self) -> Plan:
        for step in self.pipeline.steps:
            self._check_condition(step)
        planned = {step.id: self._wire(step) for step in self.pipeline.steps}
        groups = self._order(planned)
        return Plan(self.text.project, self.name, self._parameters(), groups)

    def _key(self, step: StepText, *rest: str) -> Key:
        return (*self.base, "steps", self.index[step.id], *rest)

    def _step(self, name: str) -> StepText:
        return self.pipeline.steps[self.index[name]]

    def _check_condition(self, step: StepText) -> None:
        if step.condition is None:
            return
        outputs = self.signatures[step.condition].outputs
        if not any(port.name == RETURN and port.type == "bool" for port in outputs):
            raise self.document.error(
                self._key(step, "if"),
                f"'{step.condition}' does not return bool, so '{step.id}' cannot depend on it.",
                hint=f"Annotate what it returns: '-> bool' at {self.signatures[step.condition].where}.",
            )
        if self._step(step.condition).condition is not None:
            raise self.document.error(
                self._key(step, "if"),
                f"'{step.condition}' has a condition itself; conditions cannot be nested.",
                hint="Let one step decide both.",
            )

    def _wire(self, step: StepText) -> PlannedStep:
        signature = self.signatures[step.id]
        ports = {port.name: port for port in signature.inputs}
        for name in step.arguments:
            if name not in ports:
                raise self.document.error(
                    self._key(step, "with", name),
                    f"'{signature.function}' has no input '{name}'.",
                    hint=did_you_mean(name, ports),
                )
        sweep = self._sweep(step, signature)
        inputs: dict[str, Source] = {}
        for port in signature.inputs:
            if sweep is not None and port.name == sweep.input:
                if port.name in self.pipeline.parameters:  # its value is for other pipelines of this text, or for later
                    self._use(port.name, port, self._key(step, "parallel"))
                continue
            source = self._explicit(step, port) if port.name in step.arguments else self._matched(step, port)
            if source is not None:
                inputs[port.name] = source
            if sweep is not None and port.kind == "value" and isinstance(source, FromStep):
                raise self.document.error(
                    self._key(step, "parallel"),
                    f"'{port.name}' of '{step.id}' is a value of the step '{source.step}', which a sweep cannot take.",
                    hint="Let it travel as a file, or make it a parameter.",
                )
        return PlannedStep(step, signature, inputs, sweep)

    def _sweep(self, step: StepText, signature: Signature) -> Sweep | None:
        """What ``parallel:`` says, when it fits the step; notes the parameters that it takes."""
        if step.parallel is None:
            return None
        key = self._key(step, "parallel")
        sweep = plan_sweep(step, signature, self.pipeline.parameters, self.document, key)
        if sweep.seed:
            self._use(sweep.seed, Port(sweep.seed, "value", "int", ""), key)
        if isinstance(sweep.values, FromParameter):
            self._use(sweep.values.name, Port(sweep.values.name, "value", "list", self.document.where(key)), key)
        return sweep

    def _explicit(self, step: StepText, port: Port) -> Source:
        key = self._key(step, "with", port.name)
        value = step.arguments[port.name]
        if isinstance(value, str) and value.startswith("$") and not value.startswith("$$"):
            return self._reference(step, port, value[1:], key)
        if port.kind == "artifact":
            raise self.document.error(
                key,
                f"The input '{port.name}' is a file ({port.type}): it has to come from a step.",
                hint="Write $step.output.",
            )
        if isinstance(value, str):
            value = value.replace("$$", "$", 1) if value.startswith("$$") else value
        try:
            return Constant(fit(value, port.type))
        except ValueError as error:
            raise self.document.error(key, f"The input '{port.name}' {error}.") from error

    def _reference(self, step: StepText, port: Port, text: str, key: Key) -> Source:
        name, dot, output = text.partition(".")
        if not dot and name not in self.index:
            known = {*self.pipeline.parameters, CONTEXT}
            if name not in known:
                raise self.document.error(
                    key, f"There is no step or parameter '{name}'.", hint=did_you_mean(name, {*known, *self.index})
                )
            self._use(name, port, key)
            return FromParameter(name)
        if name not in self.index:
            raise self.document.error(key, f"There is no step '{name}'.", hint=did_you_mean(name, self.index))
        outputs = {candidate.name: candidate for candidate in self.signatures[name].outputs}
        found = outputs.get(output or RETURN)
        if found is None:
            raise self.document.error(
                key, f"The step '{name}' has no output '{output or RETURN}'.", hint=did_you_mean(output, outputs)
            )
        if not port.accepts(found):
            raise self.document.error(
                key, f"The input '{port.name}' of '{step.id}' is {port.type}, and ${text} is {found.type}."
            )
        if not self._visible(step, name):
            raise self.document.error(
                key,
                f"'{name}' runs only if '{self._step(name).condition}', so its output may be missing.",
                hint=f"Give '{step.id}' the same condition.",
            )
        return FromStep(name, found.name)

    def _matched(self, step: StepText, port: Port) -> Source | None:
        above = [other for other in self.pipeline.steps[: self.index[step.id]] if self._visible(step, other.id)]
        same_name: list[tuple[str, Port]] = []
        for other in reversed(above):
            for output in self.signatures[other.id].outputs:
                if output.name != port.name or output.name == RETURN:
                    continue
                if port.accepts(output):
                    return FromStep(other.id, output.name)
                same_name.append((other.id, output))
        if port.kind == "value" and (port.name == CONTEXT or port.name in self.pipeline.parameters):
            self._use(port.name, port, self._key(step))
            return FromParameter(port.name)
        if port.optional:
            if port.kind == "value" and port.default is None and port.type in ("int", "bool"):
                raise ConfigurationError(
                    f"kfp cannot leave out the optional {port.type} '{port.name}'.",
                    where=port.where,
                    hint="Give it a default value, a pipeline parameter or an entry in 'with:'.",
                )
            return None
        raise self._missing(step, port, same_name)

    def _missing(self, step: StepText, port: Port, same_name: list[tuple[str, Port]]) -> ConfigurationError:
        what = f"a file ({port.type})" if port.kind == "artifact" else port.type
        if same_name:
            other, output = same_name[0]
            return self.document.error(
                self._key(step),
                f"The input '{port.name}' of '{step.id}' is {what}, and '{other}' gives a {output.type} of that name.",
                hint=f"Make the types equal ({port.where}, {output.where}), or name another output in 'with:'.",
            )
        candidates = [
            f"${other.id}.{output.name}" if output.name != RETURN else f"${other.id}"
            for other in self.pipeline.steps
            if other.id != step.id and self._visible(step, other.id)
            for output in self.signatures[other.id].outputs
            if port.accepts(output)
        ]
        if port.kind == "value":
            candidates += [f"${name}" for name, value in self.pipeline.parameters.items() if _fits(value, port.type)]
        if candidates:
            shown = ", ".join(candidates)
            hint = f"Name one of these in 'with: {{{port.name}: ...}}': {shown}."
            if port.kind == "value":
                hint += f" Or add '{port.name}' to the pipeline's parameters."
        elif port.kind == "value":
            hint = f"Add '{port.name}' to the pipeline's parameters, or give it a default at {port.where}."
        else:
            hint = f"No step above it gives a {port.type}; add one, or change the type at {port.where}."
        return self.document.error(
            self._key(step), f"Nothing gives the input '{port.name}' ({what}) of '{step.id}'.", hint=hint
        )

    def _visible(self, step: StepText, other: str) -> bool:
        """Whether the other step has run for certain when this one runs."""
        condition = self._step(other).condition
        return condition is None or condition == step.condition

    def _use(self, parameter: str, port: Port, key: Key) -> None:
        """Notes the type of a parameter; every step that takes it has to agree."""
        known, where = self.types.setdefault(parameter, (port.type, port.where))
        if known != port.type:
            raise self.document.error(
                key,
                f"The parameter '{parameter}' is {known}{f' at {where}' if where else ''}, and {port.type} here.",
                hint=f"Make the types equal (here: {port.where}).",
            )

    def _parameters(self) -> tuple[Parameter, ...]:
        parameters = [Parameter(CONTEXT, "str", None)]
        for name, default in self.pipeline.parameters.items():
            key: Key = (*self.base, "parameters", name)
            if name not in self.types:
                used = {port.name for signature in self.signatures.values() for port in signature.inputs}
                raise self.document.error(
                    key, f"No step takes the parameter '{name}'.", hint=did_you_mean(name, used - {CONTEXT})
                )
            kind = self.types[name][0]
            value = self._fitted(name, default, kind, self.document, key)
            if self.overrides is not None and name in self.overrides.values:
                given = self.overrides.values[name]
                value = self._fitted(name, given, kind, self.overrides.document, ("parameters", name))
            parameters.append(Parameter(name, kind, value))
        return tuple(parameters)

    @staticmethod
    def _fitted(name: str, value: Any, kind: str, document: Document, key: Key) -> Any:
        try:
            return fit(value, kind)
        except ValueError as error:
            raise document.error(key, f"The parameter '{name}' {error}.") from error

    def _order(self, planned: Mapping[str, PlannedStep]) -> tuple[tuple[PlannedStep, ...], ...]:
        """Groups of steps so that each comes after what it waits for; otherwise in the file's order."""
        group_of = {name: step.text.condition or f"step {name}" for name, step in planned.items()}
        for step in planned.values():
            for other in step.text.after:
                if not self._visible(step.text, other):
                    raise self.document.error(
                        self._key(step.text, "after"),
                        f"'{other}' runs only if '{self._step(other).condition}', so nothing outside can wait for it.",
                    )
        members: dict[str, list[str]] = {}
        for name, group in group_of.items():
            members.setdefault(group, []).append(name)
        waits = {
            group: {group_of[other] for name in names for other in planned[name].waits_for} - {group}
            for group, names in members.items()
        }
        ordered = []
        for group in self._sorted(waits):
            names = members[group]
            inside = {name: planned[name].waits_for & set(names) for name in names}
            ordered.append(tuple(planned[name] for name in self._sorted(inside)))
        return tuple(ordered)

    def _sorted(self, waits: Mapping[str, set[str]]) -> list[str]:
        done: list[str] = []
        left = dict(waits)
        while left:
            ready = next((name for name, others in left.items() if others <= set(done)), None)
            if ready is None:
                raise self._cycle(left)
            done.append(ready)
            del left[ready]
        return done

    def _cycle(self, waits: Mapping[str, set[str]]) -> ConfigurationError:
        """The error for steps that wait for each other."""
        path = [next(iter(waits))]
        while (following := min(waits[path[-1]] & set(waits))) not in path:
            path.append(following)
        circle = [name.removeprefix("step ") for name in (*path[path.index(following) :], following)]
        first = next((name for name in circle if name in self.index), self.pipeline.steps[0].id)
        return self.document.error(
            self._key(self._step(first)), f"These steps wait for each other: {' -> '.join(circle)}."
        )


def _fits(value: Any, kind: str) -> bool:
    try:
        fit(value, kind)
    except ValueError:
        return False
    return True
