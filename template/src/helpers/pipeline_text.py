"""The models of ``src/pipelines/pipeline.yaml``: what can be said of a pipeline without looking at its steps."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from helpers.documents import Document, did_you_mean, read_document, validate
from helpers.errors import ConfigurationError
from helpers.parameters import CONTEXT
from helpers.step_keys import (
    NodeSelector,
    Parallel,
    Part,
    Resources,
    Retry,
    RetryKey,
    Seconds,
    SecretVariables,
    Toleration,
)

RESERVED_KEYS = {
    "image": "Steps that are container images are not available yet.",
    "component": "Steps that are kfp component files are not available yet.",
}
GROUP_NAMES = ("condition-", "for-loop-", "exit-handler-")
"""kfp names the groups of a pipeline so, beside the steps."""
SYSTEM_STEPS = ("begin-run", "finish-run")
CARRIERS = "bring-code-"
"""What stands around the steps on a cluster."""


def _identifier(text: str) -> str:
    """A step's name becomes a function, a folder and a pod."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", text) or len(text) > 50:
        message = f"'{text}' has to be lower-case words joined by '-', at most 50 characters"
        raise ValueError(message)
    if text in SYSTEM_STEPS or text.startswith(CARRIERS):
        message = f"the name '{text}' belongs to a step that packages for a cluster have already"
        raise ValueError(message)
    if text.startswith(GROUP_NAMES) or keyword.iskeyword(text.replace("-", "_")):
        message = f"the name '{text}' is taken by Python or kfp"
        raise ValueError(message)
    return text


def _slug(text: str) -> str:
    """A project's or pipeline's name becomes part of the names of experiments and models."""
    if not re.fullmatch(r"[a-z](?:-?[a-z0-9]+)*", text) or len(text) > 50:
        message = f"'{text}' has to be lower-case words joined by '-', at most 50 characters"
        raise ValueError(message)
    return text


def _reference(text: str) -> str:
    for prefix in ("image", "component"):
        if text.startswith(f"{prefix}:"):
            raise ValueError(RESERVED_KEYS[prefix].rstrip("."))
    module, _, function = text.partition(":")
    if not function.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        message = f"'{text}' has to be 'module:function', for example 'steps.train_model:train_model'"
        raise ValueError(message)
    return text


Identifier = Annotated[str, AfterValidator(_identifier)]
Slug = Annotated[str, AfterValidator(_slug)]


class StepText(Part):
    """One step."""

    id: Identifier = Field(description="Its name; other steps refer to it.")
    uses: Annotated[str, AfterValidator(_reference)] = Field(
        description="The function: 'steps.train_model:train_model'."
    )
    arguments: dict[str, Any] = Field(
        default={},
        alias="with",
        description="What is not matched by name: a value, $step.output, $step (what it returns) or $parameter.",
    )
    after: list[Identifier] = Field(default=[], description="Steps that have to end first, although nothing flows.")
    condition: Identifier | None = Field(
        default=None, alias="if", description="A step that returns bool: run this one only when it said True."
    )
    cache: bool = Field(default=False, description="Whether a cluster may take an earlier result of this step.")
    retry: RetryKey = Field(default=Retry(), description="How often a failing step is tried again.")
    timeout: Seconds | None = Field(default=None, description="A step that takes longer fails: 90s, 15m, 2h, 1d.")
    resources: Resources = Resources()
    node_selector: NodeSelector = Field(default={}, description="Labels of the nodes that a cluster may take.")
    tolerations: list[Toleration] = Field(default=[], description="Taints of nodes that the step does not mind.")
    spot: bool = Field(default=False, description="On nodes that cost less and may be taken away.")
    env_from_secret: SecretVariables = Field(
        default={}, description="Environment variables from Secrets of a cluster; on this machine from .env."
    )
    parallel: Parallel | None = Field(default=None, description="Try several values of an input; the best is used.")

    @model_validator(mode="before")
    @classmethod
    def _reserved(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for key, reason in RESERVED_KEYS.items():
                if key in value:
                    message = f"the key '{key}' is reserved. {reason}".rstrip(".")
                    raise ValueError(message)
            empty = ("with", "after", "if", "resources", "node_selector", "tolerations", "parallel")
            return {key: item for key, item in value.items() if not (item is None and key in empty)}
        return value

    @field_validator("after", mode="before", json_schema_input_type=list[str] | str)
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class PipelineText(Part):
    """One pipeline."""

    parameters: dict[str, Any] = Field(
        default={}, description="Values that steps take by name; a branch and a run may change them."
    )
    steps: list[StepText] = Field(min_length=1, description="The steps, in order.")

    @field_validator("parameters", mode="before")
    @classmethod
    def _empty_is_default(cls, value: Any) -> Any:
        return {} if value is None else value


class PipelinesText(Part):
    """``pipeline.yaml``."""

    version: Literal[1]
    project: Slug = Field(
        description="Part of the names of experiments and models; do not change it once there are champions."
    )
    pipelines: dict[Slug, PipelineText] = Field(default={}, description="Each pipeline by its name.")

    @field_validator("pipelines", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return {} if value is None else value


def read_pipelines(root: Path) -> tuple[PipelinesText, Document]:
    """Reads ``pipeline.yaml``.

    Raises:
        ConfigurationError: It is not there or not valid.
    """
    document = read_document(root / "src" / "pipelines" / "pipeline.yaml", root=root)
    text = validate(document, PipelinesText)
    for name, pipeline in text.pipelines.items():
        _check_parameters(document, name, pipeline)
        _check_steps(document, name, pipeline)
    return text, document


_SAY_WHICH = "Add --pipeline NAME; for what a push trains, write 'pipeline: NAME' into the branch's config.yaml."


def choose_pipeline(wanted: str | None, names: Iterable[str], *, where: str) -> str:
    """The pipeline that a command works on: the one that was named, else the only one.

    Raises:
        ConfigurationError: There is none, none of that name, or several and none was named.
    """
    known = list(names)
    if not known:
        raise ConfigurationError(
            "There is no pipeline.", where=where, hint="Add one, or pass one to main() in the branch's main.py."
        )
    if wanted is None:
        if len(known) == 1:
            return known[0]
        listed = ", ".join(known)
        raise ConfigurationError(f"There are several pipelines: {listed}.", where=where, hint=_SAY_WHICH)
    if wanted not in known:
        raise ConfigurationError(f"There is no pipeline '{wanted}'.", where=where, hint=did_you_mean(wanted, known))
    return wanted


def _check_parameters(document: Document, name: str, pipeline: PipelineText) -> None:
    for parameter, value in pipeline.parameters.items():
        key = ("pipelines", name, "parameters", parameter)
        if not parameter.isidentifier() or keyword.iskeyword(parameter):
            raise document.error(key, f"'{parameter}' has to be a Python name: letters, digits and '_'.")
        if parameter == CONTEXT:
            raise document.error(key, f"The parameter '{CONTEXT}' is set by the run itself.", hint="Leave it out.")
        if value is None or not isinstance(value, str | int | float | list | dict):
            shown = type(value).__name__
            raise document.error(
                key, f"The parameter '{parameter}' has to have a default (it is {shown}).", hint="Dates need quotes."
            )


def _check_steps(document: Document, name: str, pipeline: PipelineText) -> None:
    lines: dict[str, str] = {}
    for index, step in enumerate(pipeline.steps):
        key = ("pipelines", name, "steps", index, "id")
        if step.id in lines:
            raise document.error(
                key,
                f"The step '{step.id}' stands twice.",
                hint=f"The first is at {lines[step.id]}; give one another id.",
            )
        lines[step.id] = document.where(key)
    for index, step in enumerate(pipeline.steps):
        base = ("pipelines", name, "steps", index)
        named = [("after", other) for other in step.after] + ([("if", step.condition)] if step.condition else [])
        for kind, other in named:
            if other not in lines:
                raise document.error(
                    (*base, kind), f"There is no step '{other}'.", hint=did_you_mean(other, set(lines) - {step.id})
                )
            if other == step.id:
                raise document.error((*base, kind), f"The step '{step.id}' waits for itself.")
