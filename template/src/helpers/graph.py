"""Builds the kfp pipeline of a plan, and compiles pipelines to packages.

This is the only module that imports kfp to define something; it is imported when a pipeline is compiled or run.
"""

from __future__ import annotations

import inspect
import linecache
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import yaml

import helpers.light_kfp  # noqa: F401 - before kfp: it keeps the client for clusters out

# isort: split
from kfp import compiler, dsl

from helpers.documents import Loader
from helpers.errors import ConfigurationError
from helpers.parameters import TYPES
from helpers.signatures import ARTIFACTS, RETURN
from helpers.wiring import Constant, FromParameter, FromStep, Plan, PlannedStep

VOCABULARY = {name: getattr(dsl, name) for name in ("Input", "Output", *sorted(ARTIFACTS))} | {
    "Optional": typing.Optional,
    "NamedTuple": typing.NamedTuple,
}


def build_pipeline(plan: Plan, *, image: str) -> Any:
    """The kfp pipeline of a plan.

    Args:
        plan: The wired steps.
        image: The container image that a cluster runs the steps in; it holds this repository and its requirements.
    """
    components = {step.text.id: _component(step, image) for step in plan.steps}

    def body(*values: Any) -> None:
        parameters = dict(zip((parameter.name for parameter in plan.parameters), values, strict=True))
        tasks: dict[str, Any] = {}
        for group in plan.groups:
            with _condition(group[0], tasks):
                for step in group:
                    tasks[step.text.id] = _task(step, components[step.text.id], parameters, tasks)

    body.__name__ = plan.name.replace("-", "_")
    body.__doc__ = None
    signature = inspect.Signature(
        [
            inspect.Parameter(
                parameter.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                annotation=TYPES[parameter.type][-1],
                default=inspect.Parameter.empty if parameter.default is None else parameter.default,
            )
            for parameter in plan.parameters
        ]
    )
    body.__signature__ = signature  # type: ignore[attr-defined]
    return dsl.pipeline(name=f"{plan.project}-{plan.name}")(body)


def compile_package(pipeline: Any, target: Path, *, parameters: Mapping[str, Any] | None = None) -> None:
    """Writes the package of a pipeline; the same pipeline always gives the same bytes.

    Args:
        pipeline: What ``@dsl.pipeline`` or :func:`build_pipeline` made.
        target: The file, which ends in ``.yaml``.
        parameters: Defaults that differ from the pipeline's own.

    Raises:
        ConfigurationError: kfp refuses the pipeline, or it has a condition or loop that would be skipped in silence.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.stem}.partial.yaml")
    try:
        compiler.Compiler().compile(pipeline, str(partial), pipeline_parameters=dict(parameters or {}) or None)
        check_package(read_package(partial), name=target.name)
        partial.replace(target)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigurationError(f"kfp refuses the pipeline: {error}", where=target.name) from error
    finally:
        partial.unlink(missing_ok=True)


def check_package(spec: Mapping[str, Any], *, name: str) -> None:
    """Refuses conditions and loops over anything but the output called ``Output``.

    kfp's local orchestration skips a condition on another output without a word, and the run counts as a success.

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


def tasks_of(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every task of a package, those inside conditions and loops too."""
    for dag in (spec.get("root", {}), *spec.get("components", {}).values()):
        yield from dag.get("dag", {}).get("tasks", {}).items()


def step_names(spec: Mapping[str, Any]) -> list[str]:
    """The tasks of a package that run something, by name."""
    components = spec.get("components", {})
    return [name for name, task in tasks_of(spec) if "executorLabel" in components[task["componentRef"]["name"]]]


def _component(step: PlannedStep, image: str) -> Any:
    """The kfp component of a step: a shim that is made from text, so that the step's module stays unimported."""
    name = step.text.id.replace("-", "_")
    source = step.signature.shim(name)
    file = f"<{step.text.uses}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # kfp asks inspect for it
    namespace: dict[str, Any] = dict(VOCABULARY)
    exec(compile(source, file, "exec", dont_inherit=True), namespace)  # noqa: S102 - the text was made here, from a syntax tree
    try:
        return dsl.component(namespace[name], base_image=image, install_kfp_package=False)
    except (TypeError, ValueError) as error:
        message = f"kfp refuses '{step.signature.function}': {error}"
        raise ConfigurationError(message, where=step.signature.where) from error


def _condition(step: PlannedStep, tasks: Mapping[str, Any]) -> AbstractContextManager[Any]:
    if step.text.condition is None:
        return nullcontext()
    condition: AbstractContextManager[Any] = dsl.If(tasks[step.text.condition].outputs[RETURN] == True)  # noqa: E712
    return condition


def _task(
    step: PlannedStep, component: Callable[..., Any], parameters: Mapping[str, Any], tasks: Mapping[str, Any]
) -> Any:
    arguments = {}
    for name, source in step.inputs.items():
        match source:
            case Constant(value):
                arguments[name] = value
            case FromParameter(parameter):
                arguments[name] = parameters[parameter]
            case FromStep(other, output):
                arguments[name] = tasks[other].outputs[output]
    task = component(**arguments)
    for other in step.text.after:
        task.after(tasks[other])
    task.set_caching_options(enable_caching=step.text.cache)
    if step.text.retry:
        task.set_retry(num_retries=step.text.retry)
    resources = step.text.resources
    if resources.cpu:
        task.set_cpu_limit(resources.cpu)
    if resources.memory:
        task.set_memory_limit(resources.memory)
    if resources.gpu:
        task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(resources.gpu)
    return task


def read_package(package: Path) -> Any:
    """The pipeline of a compiled package as plain data."""
    return next(yaml.load_all(package.read_text(encoding="utf-8"), Loader=Loader))
