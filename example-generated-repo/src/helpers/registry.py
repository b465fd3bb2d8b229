"""The model registry: which model is a branch's champion, who was before it, and how it changes.

The alias ``champion-<branch>`` is the only thing that says who the champion is, and it is moved last: a run that is
killed before leaves the champion as it was. Before the alias moves, the new version is tagged with the champion that it
replaces, so the versions form a chain along which :func:`rollback` goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from helpers.context import RunContext
from helpers.errors import TrackingError
from helpers.records import ModelRecord
from helpers.store import client, store_lock

# No such model; and, for a model without the alias, this other code.
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A model that a new one can be compared with.

    Attributes:
        version: Its version in the registry; empty when it is not registered.
        run_id: The run that trained it.
        commit: The commit that it was trained from.
        address: What MLflow loads it by.
        metrics: Its metrics as they were recorded.
        tags: The tags of its run.
    """

    version: str
    run_id: str
    commit: str
    address: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def champion(context: RunContext) -> Candidate | None:
    """The champion of the context's branch; None before the first one."""
    store = client()
    version = _aliased(store, context)
    if version is None:
        return None
    address = f"models:/{context.model_name}/{version.version}"
    metrics, tags = _run_of(store, str(version.run_id))
    return Candidate(
        version=str(version.version),
        run_id=str(version.run_id),
        commit=tags.get("mlopsgen.commit", ""),
        address=address,
        metrics=metrics,
        tags=tags,
    )


def last_success(context: RunContext) -> Candidate | None:
    """The last run of the branch, other than the context's own, whose model the gate accepted."""
    store = client()
    experiment = store.get_experiment_by_name(context.experiment_name)
    if experiment is None:
        return None
    found = store.search_runs(
        [experiment.experiment_id],
        "attributes.status = 'FINISHED' and tags.`mlopsgen.passed` = 'true'",
        max_results=2,
        order_by=["attributes.start_time DESC"],
    )
    for run in found:
        model_id = run.data.tags.get("mlopsgen.model_id", "")
        if run.info.run_id != context.run_id and model_id:
            return Candidate(
                version=run.data.tags.get("mlopsgen.model_version", ""),
                run_id=run.info.run_id,
                commit=run.data.tags.get("mlopsgen.commit", ""),
                address=f"models:/{model_id}",
                metrics=dict(run.data.metrics),
                tags=dict(run.data.tags),
            )
    return None


def load_candidate(candidate: Candidate) -> Any:
    """Loads the candidate's model.

    Raises:
        TrackingError: It cannot be loaded any more.
    """
    from helpers.models import load

    try:
        return load(candidate.address)
    except Exception as error:
        raise TrackingError(
            f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
        ) from error


def register(
    context: RunContext,
    model_id: str,
    *,
    expected_champion: str = "",
    judge_again: Callable[[Candidate], bool] | None = None,
) -> ModelRecord:
    """Registers the run's model as a new version and, when the context says so, makes it the branch's champion.

    Args:
        context: The run.
        model_id: What :func:`helpers.tracking.log_model` returned.
        expected_champion: The version that the gate compared with; empty when there was none.
        judge_again: Asked when another run has moved the champion since: does this model still pass beside that one?
    """
    store = client()
    version = _create_version(store, context, model_id)
    number = str(version.version)
    store.set_tag(context.run_id, "mlopsgen.model_version", number)
    store.set_tag(context.run_id, "mlopsgen.address.model", f"model://{context.model_name}/{number}")
    alias = ""
    if context.promote:
        with store_lock(store.tracking_uri):
            now = champion(context)
            moved = now is not None and now.version != expected_champion and now.run_id != context.run_id
            if not moved or now is None or judge_again is None or judge_again(now):
                _promote(store, context, number, replaces=now.version if now else "")
                alias = context.champion_alias
    return ModelRecord(
        name=context.model_name, version=number, alias=alias, address=f"model://{context.model_name}/{number}"
    )


def rollback(context: RunContext, to: str = "") -> ModelRecord:
    """Makes an earlier champion of the branch the champion again.

    Args:
        context: Whose project, pipeline and branch count.
        to: The version; the champion before the present one when it is empty.

    Raises:
        TrackingError: There is no such version, or it was never the champion of this branch.
    """
    store = client()
    with store_lock(store.tracking_uri):
        now = _aliased(store, context)
        if now is None:
            raise TrackingError(
                f"{context.branch} has no champion yet.", where=context.model_name, hint="Train with --promote first."
            )
        target = _version(store, context, to) if to else _before(store, context, now)
        _require_former_champion(store, context, target, now)
        if str(target.version) != str(now.version):
            store.set_model_version_tag(context.model_name, str(now.version), _key(context, "rolled-back"), _now())
            store.set_registered_model_alias(context.model_name, context.champion_alias, str(target.version))
    number = str(target.version)
    return ModelRecord(
        name=context.model_name,
        version=number,
        alias=context.champion_alias,
        address=f"model://{context.model_name}/{number}",
    )


def champion_run(context: RunContext) -> str:
    """The run that trained the branch's champion; empty when there is none."""
    version = _aliased(client(), context)
    return str(version.run_id) if version is not None else ""


def former_champions(context: RunContext) -> list[str]:
    """The versions that a rollback can name, the present champion first, then backwards."""
    store = client()
    now = _aliased(store, context)
    return [] if now is None else [str(version.version) for version in _chain(store, context, now)]


def _create_version(store: MlflowClient, context: RunContext, model_id: str) -> ModelVersion:
    name = context.model_name
    try:
        store.create_registered_model(
            name, tags={"mlopsgen.project": context.project, "mlopsgen.pipeline": context.pipeline}
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    for version in store.search_model_versions(f"name = '{name}' and run_id = '{context.run_id}'"):
        return version  # the step ran before and was repeated
    tags = {
        "mlopsgen.branch": context.branch,
        "mlopsgen.commit": context.commit,
        "mlopsgen.actor": context.actor,
        "mlopsgen.contract": "1",
    }
    return store.create_model_version(name, f"models:/{model_id}", context.run_id, tags=tags, model_id=model_id)


def _promote(store: MlflowClient, context: RunContext, number: str, *, replaces: str) -> None:
    name = context.model_name
    if replaces != number:
        store.set_model_version_tag(name, number, _key(context, "replaces"), replaces)
        store.set_model_version_tag(name, number, _key(context, "since"), _now())
    store.set_registered_model_alias(name, context.champion_alias, number)


def _aliased(store: MlflowClient, context: RunContext) -> ModelVersion | None:
    try:
        return store.get_model_version_by_alias(context.model_name, context.champion_alias)
    except MlflowException as error:
        if error.error_code not in _ABSENT:
            raise
        return None


def _run_of(store: MlflowClient, run_id: str) -> tuple[dict[str, float], dict[str, str]]:
    try:
        data = store.get_run(run_id).data
    except MlflowException as error:
        if error.error_code not in _ABSENT:
            raise
        return {}, {}
    return dict(data.metrics), dict(data.tags)


def _version(store: MlflowClient, context: RunContext, number: str) -> ModelVersion:
    try:
        return store.get_model_version(context.model_name, str(int(number)))
    except (MlflowException, ValueError) as error:
        raise TrackingError(
            f"There is no version {number!r} of {context.model_name}.",
            where=context.branch,
            hint=_choices(store, context),
        ) from error


def _before(store: MlflowClient, context: RunContext, now: ModelVersion) -> ModelVersion:
    chain = _chain(store, context, now)
    if len(chain) < 2:
        raise TrackingError(
            f"Version {now.version} is the only champion that {context.branch} has had.", where=context.model_name
        )
    return chain[1]


def _chain(store: MlflowClient, context: RunContext, now: ModelVersion) -> list[ModelVersion]:
    """The champion, the one that it replaced, and so on; versions that were deleted end it."""
    chain, seen = [now], {str(now.version)}
    while number := chain[-1].tags.get(_key(context, "replaces"), ""):
        if number in seen:
            break
        seen.add(number)
        try:
            chain.append(store.get_model_version(context.model_name, number))
        except MlflowException:
            break
    return chain


def _require_former_champion(store: MlflowClient, context: RunContext, target: ModelVersion, now: ModelVersion) -> None:
    chain = {str(version.version) for version in _chain(store, context, now)}
    if str(target.version) not in chain and _key(context, "rolled-back") not in target.tags:
        raise TrackingError(
            f"Version {target.version} of {context.model_name} was never the champion of {context.branch}.",
            where=context.branch,
            hint=_choices(store, context),
        )


def _choices(store: MlflowClient, context: RunContext) -> str:
    now = _aliased(store, context)
    versions = [] if now is None else [str(version.version) for version in _chain(store, context, now)]
    return f"Champions of {context.branch}, the latest first: {', '.join(versions)}." if versions else ""


def _key(context: RunContext, what: str) -> str:
    return f"mlopsgen.{context.champion_alias}.{what}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
