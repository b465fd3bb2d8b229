"""The kfp components of a pipeline: shims that are made from text, so that no step is imported.

On this machine a shim only calls the step's function. On a cluster it calls it through ``helpers.cluster_step``, which
tells MLflow how it went, and two steps of our own stand around the user's: ``begin-run`` and ``finish-run``.
"""

from __future__ import annotations

import linecache
import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import helpers.light_kfp  # noqa: F401 - before kfp: it keeps the client for clusters out

# isort: split
from kfp import dsl

from helpers.bootstrap import PIECE, carrying_command, command_with_code
from helpers.errors import ConfigurationError
from helpers.parameters import CONTEXT
from helpers.pipeline_text import StepText
from helpers.signatures import ARTIFACTS, RETURN, Port, Signature, read_signature
from helpers.step_keys import Resources
from helpers.step_sources import Sweep
from helpers.targets import Target, platform_settings, variables_of
from helpers.wiring import Plan, PlannedStep

CODE = "mlopsgen_code"
"""The artifacts that bring the code to a step, where it travels inside the package, are called so with a number."""
OWN_CONTEXT = "mlopsgen_context"
"""The parameter by which a step on a cluster knows its MLflow run, whether its function asks for it or not."""
RUN = "mlopsgen_run"
"""The parameter that holds the run's id on Kubeflow."""

PATIENCE = {"num_retries": 2, "backoff_duration": "20s"}
"""For steps that change nothing when they run again: a server may be away for a moment."""
CANDIDATE = "-candidate"
"""What the name of a step ends in that is tried in a sweep."""

VOCABULARY = {name: getattr(dsl, name) for name in ("Input", "Output", "PipelineTaskFinalStatus", *sorted(ARTIFACTS))}
VOCABULARY |= {"Optional": typing.Optional, "NamedTuple": typing.NamedTuple}


@dataclass(frozen=True)
class SweepSteps:
    """The steps that compare the candidates of a sweep.

    Attributes:
        hold_out: Holds rows back.
        candidate: The name of the step that is tried.
        score: Scores a candidate on those rows.
        choose: Gives the value of the best one.
        metric: What they are compared by: the gate's first metric.
        higher_is_better: Its direction.
    """

    hold_out: PlannedStep
    candidate: str
    score: PlannedStep
    choose: PlannedStep
    metric: str
    higher_is_better: bool


class Components:
    """Makes the components of a plan for a target."""

    def __init__(self, plan: Plan, target: Target) -> None:
        self.plan = plan
        self.target = target

    def of(self, step: PlannedStep, name: str) -> Any:
        """The component that calls a step's function."""
        function = name.replace("-", "_")
        signature = _untracked(step.signature) if name == f"{step.text.id}{CANDIDATE}" else step.signature
        if not self.target.cluster:
            return self._component(function, signature.shim(function), signature.where)
        # What differs from run to run would keep a cluster from taking an earlier result.
        own = [] if step.text.cache else [f"{OWN_CONTEXT}: str"]
        source = _recording_shim(signature, function, name, extra=[*own, *self._code_inputs()])
        return self._component(function, source, signature.where)

    def carriers(self) -> dict[str, Any]:
        """The artifacts that bring the code, each from a task of its own; none where the image holds it."""
        if self.target.code is None:
            return {}
        made = {}
        for number, piece in enumerate(self.target.code.steps.parts(PIECE), 1):
            name = f"bring_code_{number}"
            component = self._component(name, f"def {name}(part: Output[Artifact]):\n    pass\n", brings=piece)
            task = self._settle_own(component()).set_retry(**PATIENCE)
            # A step whose earlier result may count needs the very artifact that it had then.
            task.set_caching_options(enable_caching=self._caches())
            made[f"{CODE}_{number}"] = task.outputs["part"]
        return made

    def _caches(self) -> bool:
        """Whether earlier results of any step may count."""
        if self.target.caching is None:
            return any(step.text.cache for step in self.plan.steps)
        return self.target.caching

    def _code_inputs(self) -> list[str]:
        pieces = self.target.code.steps.parts(PIECE) if self.target.code else []
        return [f"{CODE}_{number}: Input[Artifact]" for number in range(1, len(pieces) + 1)]

    def begin(self, parameters: Mapping[str, Any], code: Mapping[str, Any]) -> Any:
        """The task that begins the MLflow run; it gives the context that all steps get."""
        own = [parameter for parameter in self.plan.parameters if parameter.name != CONTEXT]
        declared = [f"{CONTEXT}: str", f"{RUN}: str", *(f"{parameter.name}: {parameter.type}" for parameter in own)]
        declared += self._code_inputs()
        values = ", ".join(f"{parameter.name!r}: {parameter.name}" for parameter in own)
        source = (
            f"def begin_run({', '.join(declared)}) -> str:\n"
            "    from helpers.begin_run import begin_run as _implementation\n"
            f"    return _implementation({CONTEXT}, {RUN}, {self._known()!r}, {{{values}}})\n"
        )
        component = self._component("begin_run", source)
        given = {parameter.name: parameters[parameter.name] for parameter in own}
        task = component(**{CONTEXT: parameters[CONTEXT], RUN: dsl.PIPELINE_JOB_ID_PLACEHOLDER, **given, **code})
        return self._settle_own(task).set_retry(**PATIENCE)

    def finish(self, context: Any) -> Any:
        """The task that ends the MLflow run, whatever became of the steps."""
        steps = [(step.text.id, step.text.condition is not None) for step in self.plan.steps]
        source = (
            f"def finish_run({CONTEXT}: str, {RUN}: str, status: PipelineTaskFinalStatus):\n"
            "    from helpers.finish_run import finish_run as _implementation\n"
            f"    _implementation({CONTEXT}, {RUN}, {self._known()!r}, {steps!r}, status)\n"
        )
        component = self._component("finish_run", source, at_the_end=True)
        return self._settle_own(component(**{CONTEXT: context, RUN: dsl.PIPELINE_JOB_ID_PLACEHOLDER}))

    def settle(self, task: Any, text: StepText) -> None:
        """Gives a task what its step asks for."""
        caching = text.cache if self.target.caching is None else self.target.caching
        task.set_caching_options(enable_caching=caching)
        retry = text.retry
        if retry.count:
            task.set_retry(
                num_retries=retry.count,
                backoff_duration=f"{retry.wait}s" if retry.wait else None,
                backoff_factor=retry.factor if retry.wait else None,
                backoff_max_duration=f"{retry.longest}s" if retry.longest else None,
            )
        if not self.target.settled:
            return
        resources, cards = text.resources, text.resources.cards
        if resources.cpu:
            task.set_cpu_request(resources.cpu).set_cpu_limit(resources.cpu)
        if resources.memory:
            task.set_memory_request(resources.memory).set_memory_limit(resources.memory)
        if cards is not None:
            task.set_accelerator_type(cards.type).set_accelerator_limit(cards.count)
        self._place(task, text)

    def sweep_steps(self, step: PlannedStep, sweep: Sweep) -> SweepSteps:
        """The steps around the candidates of a step.

        Raises:
            ConfigurationError: The gate has no metric to compare them by.
        """
        if self.target.metric is None:
            raise ConfigurationError(
                f"The candidates of '{step.text.id}' are compared by the gate's first metric, and the gate has none.",
                where=f"src/pipelines/{self.target.branch}/config.yaml",
                hint="Name a metric in gate.metrics.",
            )
        metric, higher_is_better = self.target.metric
        choose = self._helper(step, "choose")
        returned = Port(RETURN, "value", sweep.type, choose.signature.where)
        signature = replace(choose.signature, outputs=(returned,), returns=sweep.type)
        return SweepSteps(
            hold_out=self._helper(step, "hold-out"),
            candidate=f"{step.text.id}{CANDIDATE}",
            score=self._helper(step, "score"),
            choose=replace(choose, signature=signature),
            metric=metric,
            higher_is_better=higher_is_better,
        )

    def _helper(self, step: PlannedStep, what: str) -> PlannedStep:
        """A step of ours beside a user's, with the same room and place but without its accelerator."""
        function = what.replace("-", "_")
        room = Resources(cpu=step.text.resources.cpu, memory=step.text.resources.memory)
        changed = {
            "id": f"{step.text.id}-{what}",
            "uses": f"helpers.sweep:{function}",
            "resources": room,
            "after": [],
            "parallel": None,
            "cache": False,
        }
        text = step.text.model_copy(update=changed)
        root = Path(__file__).resolve().parents[2]
        return PlannedStep(text, read_signature(text.uses, root=root, where="helpers"), {})

    def _component(
        self,
        function: str,
        source: str,
        where: str = "",
        *,
        at_the_end: bool = False,
        brings: bytes = b"",
    ) -> Any:
        file = f"<{function}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # kfp asks inspect for it
        namespace: dict[str, Any] = dict(VOCABULARY)
        exec(compile(source, file, "exec", dont_inherit=True), namespace)  # noqa: S102 - the text was made here
        try:
            component = dsl.component(namespace[function], base_image=self.target.image, install_kfp_package=False)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"kfp refuses '{function}': {error}", where=where) from error
        container = component.component_spec.implementation.container
        container.env = variables_of(self.target) or container.env
        if brings:
            container.command = carrying_command(brings)
        elif self.target.code is not None:
            archive = self.target.code.end if at_the_end else self.target.code.steps
            container.command = command_with_code(container.command, archive, embedded=at_the_end)
        return component

    def _settle_own(self, task: Any) -> Any:
        task.set_caching_options(enable_caching=False)
        self._place(task, None)
        return task

    def _place(self, task: Any, text: StepText | None) -> None:
        settings = platform_settings(text, self.target)
        if settings:
            task.platform_config["kubernetes"] = settings

    def _known(self) -> dict[str, str]:
        """What the package knows of its runs."""
        known = {"project": self.plan.project, "pipeline": self.plan.name, "branch": self.target.branch}
        return {**known, "image": self.target.image, "code": self.target.code.steps.digest if self.target.code else ""}


def _untracked(signature: Signature) -> Signature:
    """A function that is called with a context that logs nothing."""
    return replace(signature, untracked=True)


def _recording_shim(signature: Signature, function: str, name: str, *, extra: list[str]) -> str:
    """A shim that lets ``helpers.cluster_step`` call the function and tell how it went."""
    declared = ", ".join([*extra, *(text for _, text in signature.arguments)])
    arrow = f" -> {signature.returns}" if signature.returns else ""
    known = OWN_CONTEXT if f"{OWN_CONTEXT}: str" in extra else "'{}'"
    uses = f"{signature.module}:{signature.function}"
    return (
        f"def {function}({declared}){arrow}:\n"
        f"    from helpers.cluster_step import perform as _perform\n{signature.preparation}"
        f"    return _perform({name!r}, {uses!r}, {known}, dict({signature.passed}))\n"
    )
