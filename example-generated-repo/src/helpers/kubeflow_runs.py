"""What a submission makes on Kubeflow: pipeline, version, experiment and run, each only where it is not there yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kfp_server_api as api

from helpers.kubeflow_answers import Away, Conflict, KubeflowError, Missing
from helpers.kubeflow_client import Kubeflow

PAGE = 100
LONGEST_UPLOAD = 32 * 1024 * 1024
"""What the API server takes (its own description says so)."""

ENDED = frozenset({"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED", "ERROR"})
"""States that a run does not leave."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What is to run.

    Attributes:
        pipeline: Name of the pipeline on Kubeflow.
        version: Name of its version: the commit.
        digest: SHA-256 of the package.
        package: The package.
        experiment: Name of the experiment.
        name: Name of the run; the same one is never made twice.
        parameters: What the run is given.
        description: Shown beside the run.
        service_account: Kubernetes service account of the steps.
        tags: Labels of the pipeline's version.
    """

    pipeline: str
    version: str
    digest: str
    package: Path
    experiment: str
    name: str
    parameters: Mapping[str, Any]
    description: str = ""
    service_account: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """A run that is there.

    Attributes:
        run: The run as the server shows it.
        found: Whether it was there before.
        version: Name of the pipeline's version; empty when it was there before.
    """

    run: Any
    found: bool
    version: str = ""


def submit(kubeflow: Kubeflow, wanted: Submission, *, patiently: Callable[[Callable[[], Any]], Any]) -> Submitted:
    """Makes a run, or finds the one that an earlier try of the same job made.

    Args:
        kubeflow: Where.
        wanted: What.
        patiently: Calls a function again while the server is away.
    """
    experiment = patiently(lambda: ensure_experiment(kubeflow, wanted.experiment))
    earlier = patiently(lambda: runs_named(kubeflow, experiment, wanted.name))
    going = next((run for run in earlier if run.state not in ENDED or run.state == "SUCCEEDED"), None)
    if going is not None:
        return Submitted(run=going, found=True)
    pipeline = patiently(lambda: ensure_pipeline(kubeflow, wanted))
    version, version_id = patiently(lambda: ensure_version(kubeflow, wanted, pipeline))
    name = numbered(wanted.name, len(earlier))
    body = api.V2beta1Run(
        display_name=name,
        description=wanted.description or None,
        experiment_id=experiment,
        pipeline_version_reference=api.V2beta1PipelineVersionReference(
            pipeline_id=pipeline, pipeline_version_id=version_id
        ),
        runtime_config=api.V2beta1RuntimeConfig(parameters=renamed(wanted, name)),
        service_account=wanted.service_account or None,
    )

    def create() -> Any:
        try:
            return kubeflow.call("create the run", "Run", "run_service_create_run", body)
        except Away:
            # The server may have made it before it went away: nothing may train twice.
            made = runs_named(kubeflow, experiment, wanted.name)
            if made and made[0].display_name == name:
                return made[0]
            raise

    run = patiently(create)
    _known(run.run_id, "run")
    return Submitted(run=run, found=False, version=version)


def renamed(wanted: Submission, name: str) -> dict[str, Any]:
    """The parameters, with the run's final name as the submission of the context."""
    given = dict(wanted.parameters)
    if "context" in given:
        context = json.loads(given["context"])
        given["context"] = json.dumps({**context, "submission": name}, sort_keys=True)
    return given


def ensure_experiment(kubeflow: Kubeflow, name: str) -> str:
    """The id of the experiment, which is made when there is none."""
    found = find_experiment(kubeflow, name)
    if found:
        return found
    body = api.V2beta1Experiment(display_name=name, namespace=kubeflow.namespace)
    try:
        made = kubeflow.call(
            "create the experiment", "Experiment", "experiment_service_create_experiment", experiment=body
        )
    except Conflict:
        return _known(find_experiment(kubeflow, name), "experiment")
    return _known(made.experiment_id, "experiment")


def find_experiment(kubeflow: Kubeflow, name: str) -> str:
    """The id of the experiment of that name; empty when there is none."""
    listed = _listed(
        kubeflow,
        "list experiments",
        ("Experiment", "experiment_service_list_experiments", "experiments"),
        name,
        **_within(kubeflow),
    )
    return next((str(item.experiment_id) for item in listed if item.display_name == name), "")


def runs_named(kubeflow: Kubeflow, experiment: str, name: str) -> list[Any]:
    """The runs of an experiment that were made under a name, the newest first: tries after a failure are numbered."""
    found: list[Any] = []
    while True:
        tried = numbered(name, len(found))
        listed = _pages(
            kubeflow,
            "list runs",
            ("Run", "run_service_list_runs", "runs"),
            experiment_id=experiment,
            filter=_filter(tried),
        )
        run = next((run for run in listed if run.display_name == tried), None)
        if run is None:
            return found[::-1]
        found.append(run)


def numbered(name: str, tries: int) -> str:
    """The name of the next run of a submission that was tried already."""
    return name if tries == 0 else f"{name}-{tries + 1}"


def ensure_pipeline(kubeflow: Kubeflow, wanted: Submission) -> str:
    """The id of the pipeline, which is uploaded when there is none."""
    found = _find_pipeline(kubeflow, wanted.pipeline)
    if found:
        return found
    try:
        made = kubeflow.call(
            "upload the pipeline",
            "PipelineUpload",
            "upload_pipeline",
            str(wanted.package),
            name=wanted.pipeline,
            **_within(kubeflow),
        )
    except Conflict:
        return _known(_find_pipeline(kubeflow, wanted.pipeline), "pipeline")
    return _known(made.pipeline_id, "pipeline")


def ensure_version(kubeflow: Kubeflow, wanted: Submission, pipeline: str) -> tuple[str, str]:
    """Name and id of the version, which is named by its commit.

    Two branches, or two images, make different packages of one commit: the second one gets the beginning of its digest
    behind its name.
    """
    mark = f"sha256:{wanted.digest}"
    for name in (wanted.version, f"{wanted.version}-{wanted.digest[:8]}"):
        found = _find_version(kubeflow, pipeline, name)
        if found is None:
            return name, _upload_version(kubeflow, wanted, pipeline, name, mark)
        if mark in str(found.description):
            return name, _known(found.pipeline_version_id, "version")
    return name, _known(found.pipeline_version_id, "version")


def _upload_version(kubeflow: Kubeflow, wanted: Submission, pipeline: str, name: str, mark: str) -> str:
    try:
        made = kubeflow.call(
            "upload the pipeline's version",
            "PipelineUpload",
            "upload_pipeline_version",
            str(wanted.package),
            name=name,
            pipelineid=pipeline,
            description=f"package {mark}",
            tags=json.dumps(dict(wanted.tags), sort_keys=True),
        )
    except Conflict:
        found = _find_version(kubeflow, pipeline, name)
        return _known(found and found.pipeline_version_id, "version")
    return _known(made.pipeline_version_id, "version")


def _find_pipeline(kubeflow: Kubeflow, name: str) -> str:
    listed = _listed(
        kubeflow,
        "list pipelines",
        ("Pipeline", "pipeline_service_list_pipelines", "pipelines"),
        name,
        **_within(kubeflow),
    )
    return next((str(item.pipeline_id) for item in listed if item.display_name == name), "")


def _find_version(kubeflow: Kubeflow, pipeline: str, name: str) -> Any:
    listed = _pages(
        kubeflow,
        "list the pipeline's versions",
        ("Pipeline", "pipeline_service_list_pipeline_versions", "pipeline_versions"),
        pipeline,
        filter=_filter(name),
    )
    return next((item for item in listed if item.display_name == name), None)


def read_run(kubeflow: Kubeflow, run_id: str) -> Any:
    """A run.

    Raises:
        KubeflowError: There is none of that id.
    """
    try:
        run = kubeflow.call("show the run", "Run", "run_service_get_run", run_id)
    except Missing as error:
        raise KubeflowError(
            f"Kubeflow knows no run '{run_id}'.",
            where=kubeflow.base,
            hint="The id stands in the address of the run's page and in what 'submit' printed.",
        ) from error
    _known(run.run_id, "run")
    return run


def terminate(kubeflow: Kubeflow, run_id: str) -> bool:
    """Ends a run; whether there was something to end."""
    if str(read_run(kubeflow, run_id).state) in ENDED:
        return False
    try:
        kubeflow.call("end the run", "Run", "run_service_terminate_run", run_id)
    except Away:
        raise
    except KubeflowError:
        if str(read_run(kubeflow, run_id).state) in ENDED:  # it ended meanwhile: the server says "Row not found"
            return False
        raise
    return True


def context_of(run: Any) -> dict[str, Any]:
    """The context that a run was given."""
    config = getattr(run, "runtime_config", None)
    text = (getattr(config, "parameters", None) or {}).get("context", "")
    try:
        found = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _within(kubeflow: Kubeflow) -> dict[str, str]:
    return {"namespace": kubeflow.namespace} if kubeflow.namespace else {}


def _filter(name: str) -> str:
    """What has that name; in the words that kfp's own client uses (1: equals)."""
    return json.dumps({"predicates": [{"operation": 1, "key": "display_name", "stringValue": name}]})


def _listed(kubeflow: Kubeflow, doing: str, what: tuple[str, str, str], name: str, **options: Any) -> Iterator[Any]:
    return _pages(kubeflow, doing, what, filter=_filter(name), **options)


def _pages(kubeflow: Kubeflow, doing: str, what: tuple[str, str, str], *values: Any, **options: Any) -> Iterator[Any]:
    """Everything of a list, page after page."""
    service, operation, key = what
    token = ""
    while True:
        more = {"page_token": token} if token else {}
        page = kubeflow.call(doing, service, operation, *values, page_size=PAGE, **options, **more)
        yield from getattr(page, key) or ()
        token = page.next_page_token or ""
        if not token:
            return


def _known(value: Any, what: str) -> str:
    """An id that the server has to have given."""
    if not value:
        raise KubeflowError(
            f"Kubeflow's answer names no {what}.", hint="Is kubeflow.endpoint the address of Kubeflow Pipelines?"
        )
    return str(value)
