"""Builds the kfp pipeline of a plan, and compiles pipelines to packages.

This module and ``components`` are the only ones that import kfp to define something; they are imported when a pipeline
is compiled or run.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import helpers.light_kfp  # noqa: F401 - before kfp: it keeps the client for clusters out

# isort: split
from kfp import compiler, dsl

from helpers.code_pipelines import parameters_of
from helpers.components import OWN_CONTEXT, Components
from helpers.documents import Loader
from helpers.errors import ConfigurationError
from helpers.parameters import CONTEXT, TYPES, Parameter
from helpers.signatures import RETURN
from helpers.step_sources import Constant, FromParameter, FromStep, Source, Sweep
from helpers.targets import Target
from helpers.wiring import Plan, PlannedStep


def build_pipeline(plan: Plan, target: Target) -> Any:
    """The kfp pipeline of a plan.

    Args:
        plan: The wired steps.
        target: Where it shall run.
    """
    components = Components(plan, target)

    def body(*values: Any) -> None:
        parameters = dict(zip((parameter.name for parameter in plan.parameters), values, strict=True))
        with _surrounded(components, parameters) as given:
            building = Building(components, {**parameters, **given.parameters}, given)
            for group in plan.groups:
                with _condition(group[0], building.tasks):
                    for step in group:
                        building.add(step)

    body.__name__ = plan.name.replace("-", "_")
    body.__doc__ = None
    body.__signature__ = _signature(plan.parameters, target)  # type: ignore[attr-defined]
    return dsl.pipeline(name=f"{plan.project}-{plan.name}")(body)


def surround(pipeline: Any, target: Target, project: str) -> Any:
    """A pipeline in code with the system steps around it; what it calls ``context`` is that of the run."""
    own = parameters_of(pipeline)
    plan = Plan(project, pipeline.name, tuple(item for item in own if item.name != CONTEXT), ())
    inputs = pipeline.component_spec.inputs or {}
    components = Components(plan, target)

    def body(*values: Any) -> None:
        parameters = dict(zip((CONTEXT, *(parameter.name for parameter in plan.parameters)), values, strict=True))
        with _surrounded(components, parameters) as given:
            arguments = {**parameters, **given.parameters}
            task = pipeline(**{name: value for name, value in arguments.items() if name in inputs})
            task.after(given.begun)

    body.__name__ = pipeline.name.replace("-", "_")
    body.__doc__ = None
    context = Parameter(CONTEXT, "str", None)
    body.__signature__ = _signature((context, *plan.parameters), target)  # type: ignore[attr-defined]
    return dsl.pipeline(name=pipeline.name)(body)


def _signature(parameters: Iterable[Parameter], target: Target) -> inspect.Signature:
    return inspect.Signature(
        [
            inspect.Parameter(
                parameter.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                annotation=TYPES[parameter.type][-1],
                default=_default(parameter, target),
            )
            for parameter in parameters
        ]
    )


def _default(parameter: Parameter, target: Target) -> Any:
    """On a cluster the context may be left out: a run that a person starts on Kubeflow's pages has none."""
    if parameter.default is None:
        return "{}" if target.cluster and parameter.name == CONTEXT else inspect.Parameter.empty
    return parameter.default


def compile_package(
    pipeline: Any, target: Path, *, parameters: Mapping[str, Any] | None = None, local: bool = True
) -> None:
    """Writes the package of a pipeline; the same pipeline always gives the same bytes.

    Args:
        pipeline: What ``@dsl.pipeline`` or :func:`build_pipeline` made.
        target: The file, which ends in ``.yaml``.
        parameters: Defaults that differ from the pipeline's own.
        local: Whether this machine shall be able to run it.

    Raises:
        ConfigurationError: kfp refuses the pipeline, or it has a condition or loop that would be skipped in silence.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.stem}.partial.yaml")
    try:
        compiler.Compiler().compile(pipeline, str(partial), pipeline_parameters=dict(parameters or {}) or None)
        check_package(read_package(partial), name=target.name, local=local)
        partial.replace(target)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigurationError(f"kfp refuses the pipeline: {error}", where=target.name) from error
    finally:
        partial.unlink(missing_ok=True)


def check_package(spec: Mapping[str, Any], *, name: str, local: bool = True) -> None:
    """Refuses conditions and loops over anything but the output called ``Output``.

    kfp's local orchestration skips a condition on another output without a word, and the run counts as a success.
    Inside a loop it gives the loop's item to a step that asks for the value of a step outside.

    Raises:
        ConfigurationError: The package holds one.
    """
    for task_name, task in tasks_of(spec):
        iterated = task.get("parameterIterator", {}).get("items", {}).get("inputParameter", "")
        condition = task.get("triggerPolicy", {}).get("condition", "")
        for channel in re.findall(r"pipelinechannel--[\w-]+", condition + iterated):
            produced = task.get("inputs", {}).get("parameters", {}).get(channel, {}).get("taskOutputParameter", {})
            output = produced.get("outputParameterKey", RETURN)
            if output != RETURN:
                raise ConfigurationError(
                    f"A condition or loop reads the output '{output}' of '{produced['producerTask']}'.",
                    where=f"{name}: {task_name}",
                    hint="Let the step return the value alone, and use task.output: kfp skips other conditions.",
                )
        if local and "parameterIterator" in task:
            _check_loop(task, iterated, f"{name}: {task_name}")


def _check_loop(task: Mapping[str, Any], iterated: str, where: str) -> None:
    for channel, about in task.get("inputs", {}).get("parameters", {}).items():
        if "taskOutputParameter" in about and channel != iterated:
            raise ConfigurationError(
                f"A step in a loop takes a value of '{about['taskOutputParameter']['producerTask']}', outside of it.",
                where=where,
                hint="Let it travel as a file, or as a parameter: kfp would give the loop's item on this machine.",
            )


def tasks_of(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every task of a package, those inside conditions and loops too."""
    for dag in (spec.get("root", {}), *spec.get("components", {}).values()):
        yield from dag.get("dag", {}).get("tasks", {}).items()


def step_names(spec: Mapping[str, Any]) -> list[str]:
    """The tasks of a package that run something, by name."""
    components = spec.get("components", {})
    return [name for name, task in tasks_of(spec) if "executorLabel" in components[task["componentRef"]["name"]]]


@contextmanager
def _surrounded(components: Components, parameters: Mapping[str, Any]) -> Iterator[Given]:
    """On a cluster, what stands before and after the steps; on this machine, nothing."""
    if not components.target.cluster:
        yield Given()
        return
    with dsl.ExitHandler(components.finish(parameters[CONTEXT])):
        code = components.carriers()
        begun = components.begin(parameters, code)
        yield Given({CONTEXT: begun.outputs[RETURN]}, code, begun)


def _condition(step: PlannedStep, tasks: Mapping[str, Any]) -> AbstractContextManager[Any]:
    if step.text.condition is None:
        return nullcontext()
    condition: AbstractContextManager[Any] = dsl.If(tasks[step.text.condition].outputs[RETURN] == True)  # noqa: E712
    return condition


@dataclass(frozen=True)
class Given:
    """What the step before all others gives to them."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    code: Mapping[str, Any] = field(default_factory=dict)
    begun: Any = None


class Building:
    """The tasks of a pipeline while it is built.

    Attributes:
        components: Makes the components.
        parameters: The pipeline's parameters; on a cluster with the context of the run that has begun.
        given: What stands before the steps.
        tasks: The tasks so far, by the step's name.
    """

    def __init__(self, components: Components, parameters: Mapping[str, Any], given: Given) -> None:
        self.components = components
        self.parameters = parameters
        self.given = given
        self.tasks: dict[str, Any] = {}

    def add(self, step: PlannedStep) -> None:
        """Adds a step, with its sweep when it has one."""
        arguments = self.arguments(step)
        if step.sweep is not None:
            arguments[step.sweep.input] = self._swept(step, step.sweep, arguments)
        self.tasks[step.text.id] = self.task(step, arguments)

    def arguments(self, step: PlannedStep) -> dict[str, Any]:
        """The inputs of a step."""
        return {name: self._value(source) for name, source in step.inputs.items()}

    def _value(self, source: Source) -> Any:
        match source:
            case Constant(value):
                return value
            case FromParameter(parameter):
                return self.parameters[parameter]
            case FromStep(other, output):
                return self.tasks[other].outputs[output]

    def task(self, step: PlannedStep, arguments: Mapping[str, Any], *, name: str = "") -> Any:
        """One task of a step's function, with all that the step asks for."""
        component = self.components.of(step, name or step.text.id)
        wanted = component.component_spec.inputs or {}
        extra = {name: artifact for name, artifact in self.given.code.items() if name in wanted}
        if OWN_CONTEXT in wanted:
            extra[OWN_CONTEXT] = self.parameters[CONTEXT]
        task = component(**arguments, **extra)
        if self.given.begun is not None and OWN_CONTEXT not in extra:
            task.after(self.given.begun)
        for other in step.text.after:
            task.after(self.tasks[other])
        self.components.settle(task, step.text)
        return task

    def _swept(self, step: PlannedStep, sweep: Sweep, arguments: Mapping[str, Any]) -> Any:
        """Tries every candidate on a part of the rows, and gives the best one's value."""
        made = self.components.sweep_steps(step, sweep)
        values = self.parameters[sweep.values.name] if isinstance(sweep.values, FromParameter) else list(sweep.values)
        seed = self.parameters[sweep.seed] if sweep.seed else 0
        held = self.task(made.hold_out, {"train": arguments[sweep.data], "seed": seed})
        with dsl.ParallelFor(items=values, parallelism=sweep.at_once or None) as item:
            tried = {**arguments, sweep.input: item, sweep.data: held.outputs["learn"]}
            candidate = self.task(step, tried, name=made.candidate)
            answers = {"model": candidate.outputs[sweep.model], "validate": held.outputs["validate"]}
            scored = self.task(made.score, {**answers, "metric": made.metric})
        scores = {"candidates": values, "scores": dsl.Collected(scored.outputs[RETURN])}
        judged_by = {"step": step.text.id, "metric": made.metric, "higher_is_better": made.higher_is_better}
        return self.task(made.choose, {**scores, **judged_by, **self._context()}).outputs[RETURN]

    def _context(self) -> dict[str, Any]:
        return {CONTEXT: self.parameters[CONTEXT]}


def read_package(package: Path) -> Any:
    """The pipeline of a compiled package as plain data."""
    return next(yaml.load_all(package.read_text(encoding="utf-8"), Loader=Loader))
