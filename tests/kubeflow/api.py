"""The fake's API server: what the real one was measured to answer, operation by operation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import yaml

from . import shapes
from .plays import succeeding
from .web import Answer, Call, Refused
from .world import ENDED, Experiment, Pipeline, Run, Version, World

STACK = (
    "\ngithub.com/kubeflow/pipelines/backend/src/common/util.Wrap\n\t/go/src/github.com/kubeflow/pipelines/error.go:312"
)
"""Errors of an upload carry the server's stack in their text."""


class Api:
    """The operations of the description that training needs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.started: Callable[[Run, Version | None], None] = lambda run, version: None
        self.operations: dict[str, Callable[[Call], Answer]] = {
            "GET /apis/v2beta1/healthz": self._health,
            "GET /apis/v2beta1/experiments": self._list_experiments,
            "POST /apis/v2beta1/experiments": self._create_experiment,
            "GET /apis/v2beta1/experiments/{experiment_id}": self._get_experiment,
            "GET /apis/v2beta1/pipelines": self._list_pipelines,
            "GET /apis/v2beta1/pipelines/{pipeline_id}": self._get_pipeline,
            "DELETE /apis/v2beta1/pipelines/{pipeline_id}": self._delete_pipeline,
            "POST /apis/v2beta1/pipelines/upload": self._upload,
            "POST /apis/v2beta1/pipelines/upload_version": self._upload_version,
            "GET /apis/v2beta1/pipelines/{pipeline_id}/versions": self._list_versions,
            "DELETE /apis/v2beta1/pipelines/{pipeline_id}/versions/{pipeline_version_id}": self._delete_version,
            "GET /apis/v2beta1/runs": self._list_runs,
            "POST /apis/v2beta1/runs": self._create_run,
            "GET /apis/v2beta1/runs/{run_id}": self._get_run,
            "POST /apis/v2beta1/runs/{run_id}:terminate": self._terminate,
            "POST /apis/v2beta1/runs/{run_id}:retry": self._retry,
        }

    def answer(self, call: Call) -> Answer:
        """The answer of an operation."""
        operation = self.operations.get(f"{call.method} {call.template}")
        if operation is None:
            return Answer(501, {"error": "Not Implemented", "code": 12, "message": "the fake has no such operation"})
        with self.world.lock:
            return operation(call)

    def log(self, call: Call, run_id: str, pod: str) -> Answer:
        """The log of a step; only some installations keep it."""
        run = self._run(run_id)
        self._permit(call, run.experiment.namespace, read=True)
        name = pod.removeprefix(f"{run.name}-")
        if name not in run.play.logs:
            return Answer(
                500, {"error_message": f"Failed to retrieve log: pods '{pod}' not found", "error_details": STACK}
            )
        return Answer(200, run.play.logs[name], {"Content-Type": "text/plain; charset=utf-8"})

    def _health(self, call: Call) -> Answer:
        told = {"commit_sha": "0" * 40, "tag_name": self.world.version} if self.world.version else {}
        return Answer(200, {**told, "multi_user": self.world.multi_user})

    # Who may do what

    def _permit(self, call: Call, namespace: str, *, read: bool = False) -> None:
        if not self.world.multi_user:
            return
        if not namespace:
            raise Refused(3, "Invalid input error: A resource cannot have an empty namespace in multi-user mode")
        if not call.user:
            raise Refused(16, "Request header error: there is no user identity header.")
        may = self.world.rights.get(namespace, set()) | (self.world.readers.get(namespace, set()) if read else set())
        if call.user not in may:
            raise Refused(
                7,
                f"PermissionDenied: User '{call.user}' is not authorized with reason:  ({namespace})",
            )

    # Experiments

    def _list_experiments(self, call: Call) -> Answer:
        namespace = call.query.get("namespace", "")
        self._permit(call, namespace, read=True)
        found = [item for item in self.world.experiments.values() if item.namespace == namespace]
        return _page(call, "experiments", [shapes.experiment(item) for item in _filtered(call, found)])

    def _create_experiment(self, call: Call) -> Answer:
        body = call.json
        namespace = body.get("namespace", "")
        if not self.world.multi_user and namespace:
            raise Refused(3, "Invalid input error: Namespace should be empty in single-user mode")
        self._permit(call, namespace)
        if any(
            (item.name, item.namespace) == (body["display_name"], namespace) for item in self.world.experiments.values()
        ):
            raise Refused(6, f"Already exist error: experiment {body['display_name']} already exists")
        made = Experiment(
            self.world.new_id(), body["display_name"], namespace, self.world.now(), body.get("description", "")
        )
        self.world.experiments[made.id] = made
        return Answer(200, shapes.experiment(made))

    def _get_experiment(self, call: Call) -> Answer:
        found = self.world.experiments.get(call.named("experiment_id"))
        if found is None:
            raise Refused(5, f"ResourceNotFoundError: Experiment {call.named('experiment_id')} not found.")
        self._permit(call, found.namespace, read=True)
        return Answer(200, shapes.experiment(found))

    # Pipelines

    def _list_pipelines(self, call: Call) -> Answer:
        namespace = call.query.get("namespace", "")
        if namespace:
            self._permit(call, namespace, read=True)
        found = [item for item in self.world.pipelines.values() if item.namespace == namespace]
        return _page(call, "pipelines", [shapes.pipeline(item) for item in _filtered(call, found)])

    def _get_pipeline(self, call: Call) -> Answer:
        return Answer(200, shapes.pipeline(self._pipeline(call.named("pipeline_id"))))

    def _delete_pipeline(self, call: Call) -> Answer:
        found = self._pipeline(call.named("pipeline_id"))
        if found.versions:
            raise Refused(3, f"Invalid input error: cannot delete pipeline {found.id}: it still has pipeline versions")
        del self.world.pipelines[found.id]
        return Answer(200, {})

    def _upload(self, call: Call) -> Answer:
        namespace, name = call.query.get("namespace", ""), call.query.get("name", "")
        if namespace and self.world.multi_user:
            # Without an identity an upload is refused with 400, where other calls say 401.
            if not call.user:
                raise _upload_error("Failed to authorize with the namespace: there is no user identity header.")
            self._permit(call, namespace)
        if any((item.name, item.namespace) == (name, namespace) for item in self.world.pipelines.values()):
            raise _upload_error(f"Already exist error: The name {name} already exist. Please specify a new name.", 409)
        made = Pipeline(self.world.new_id(), name, namespace, self.world.now())
        made.versions.append(self._version(call, name))
        self.world.pipelines[made.id] = made
        return Answer(200, shapes.pipeline(made))

    def _upload_version(self, call: Call) -> Answer:
        owner = self.world.pipelines.get(call.query.get("pipelineid", ""))
        if owner is None:
            raise _upload_error("Pipeline not found", 404)
        if owner.namespace:
            self._permit(call, owner.namespace)
        name = call.query.get("name", "")
        if any(item.name == name for item in owner.versions):
            raise _upload_error(f"Already exist error: The name {name} already exist. Please specify a new name.", 409)
        made = self._version(call, name)
        owner.versions.append(made)
        return Answer(200, shapes.version(owner, made))

    def _version(self, call: Call, name: str) -> Version:
        try:
            spec = next(iter(yaml.safe_load_all(call.upload or b"")))
            spec["pipelineInfo"]["name"], spec["root"]["dag"]
        except (yaml.YAMLError, KeyError, TypeError, StopIteration) as error:
            raise _upload_error("Failed to create a pipeline: Invalid input error: unknown pipeline spec") from error
        return Version(
            self.world.new_id(),
            name,
            self.world.now(),
            spec,
            call.upload or b"",
            call.query.get("description", ""),
            json.loads(call.query.get("tags", "{}")),
        )

    def _list_versions(self, call: Call) -> Answer:
        owner = self._pipeline(call.named("pipeline_id"))
        found = [shapes.version(owner, item) for item in _filtered(call, owner.versions)]
        return _page(call, "pipeline_versions", found)

    def _delete_version(self, call: Call) -> Answer:
        owner = self._pipeline(call.named("pipeline_id"))
        owner.versions = [item for item in owner.versions if item.id != call.named("pipeline_version_id")]
        return Answer(200, {})

    def _pipeline(self, pipeline_id: str) -> Pipeline:
        if pipeline_id not in self.world.pipelines:
            raise Refused(5, f"ResourceNotFoundError: Pipeline {pipeline_id} not found.")
        return self.world.pipelines[pipeline_id]

    # Runs

    def _list_runs(self, call: Call) -> Answer:
        experiment = self.world.experiments.get(call.query.get("experiment_id", ""))
        namespace = experiment.namespace if experiment else call.query.get("namespace", "")
        self._permit(call, namespace, read=True)
        found = [run for run in self.world.runs.values() if experiment is None or run.experiment is experiment]
        if call.query.get("sort_by") == "created_at desc":
            found.reverse()
        return _page(call, "runs", [shapes.run(item) for item in _filtered(call, found)])

    def _create_run(self, call: Call) -> Answer:
        body = call.json
        experiment = self.world.experiments.get(body.get("experiment_id", ""))
        if experiment is None:
            raise Refused(5, f"ResourceNotFoundError: Experiment {body.get('experiment_id')} not found.")
        self._permit(call, experiment.namespace)
        version = self.world.version_of((body.get("pipeline_version_reference") or {}).get("pipeline_version_id", ""))
        spec = version.spec if version else body.get("pipeline_spec")
        if spec is None:
            raise Refused(3, "Invalid input error: Failed to fetch a template: pipeline version not found")
        spec = spec.get("pipeline_spec", spec)
        _check_parameters(spec, (body.get("runtime_config") or {}).get("parameters") or {})
        play = self.world.play() if self.world.play else succeeding()
        made = Run(
            self.world.new_id(),
            body["display_name"],
            experiment,
            body,
            spec,
            self.world.now(),
            play,
            play.moments(step_names(spec)),
        )
        made.history.append((made.created, "PENDING"))
        self.world.runs[made.id] = made
        self.started(made, version)
        return Answer(200, shapes.run(made))

    def _get_run(self, call: Call) -> Answer:
        run = self._run(call.named("run_id"))
        self._permit(call, run.experiment.namespace, read=True)
        self.world.look(run)
        return Answer(200, shapes.run(run))

    def _terminate(self, call: Call) -> Answer:
        run = self._run(call.named("run_id"))
        self._permit(call, run.experiment.namespace)
        if run.state in ENDED:
            raise Refused(3, f"Invalid input error: Failed to terminate run {run.id}. Row not found")
        self.world.terminate(run)
        return Answer(200, {})

    def _retry(self, call: Call) -> Answer:
        run = self._run(call.named("run_id"))
        self._permit(call, run.experiment.namespace)
        if run.state not in ("FAILED", "ERROR"):
            raise Refused(3, f"Invalid input error: run {run.id} cannot be retried: it is {run.state}")
        run.retries += 1
        run.terminated = False
        run.moments = run.play.moments(step_names(run.spec))
        self.world.set_state(run, "RUNNING")
        return Answer(200, {})

    def _run(self, run_id: str) -> Run:
        if run_id not in self.world.runs:
            raise Refused(5, f"ResourceNotFoundError: Run {run_id} not found.")
        return self.world.runs[run_id]


def step_names(spec: dict[str, Any]) -> list[str]:
    """The tasks of a package that run something, each after those that it waits for."""
    components = spec.get("components", {})
    found: list[str] = []

    def walk(dag: dict[str, Any]) -> None:
        tasks = dict(sorted(dag.get("tasks", {}).items()))
        while tasks:
            name = next(name for name, task in tasks.items() if not set(task.get("dependentTasks", ())) & set(tasks))
            component = components[tasks.pop(name)["componentRef"]["name"]]
            if "executorLabel" in component:
                found.append(name)
            walk(component.get("dag", {}))

    walk(spec.get("root", {}).get("dag", {}))
    return found


def _check_parameters(spec: dict[str, Any], given: dict[str, Any]) -> None:
    """Unknown names and wrong types are refused."""
    declared = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    kinds: dict[str, tuple[type, ...]] = {
        "STRING": (str,), "NUMBER_INTEGER": (int,), "NUMBER_DOUBLE": (int, float),
        "BOOLEAN": (bool,), "LIST": (list,), "STRUCT": (dict,),
    }  # fmt: skip
    for name, value in given.items():
        if name not in declared:
            raise Refused(3, f"Invalid input error: parameter {name} is not defined in the pipeline")
        kind = declared[name].get("parameterType", "")
        fits = isinstance(value, kinds.get(kind, (object,))) and (kind == "BOOLEAN" or not isinstance(value, bool))
        if not fits:
            raise Refused(3, f"Invalid input error: parameter {name} has the wrong type: expected {kind}")
    for name, parameter in declared.items():
        optional = parameter.get("isOptional") or "defaultValue" in parameter
        if name not in given and not optional:
            raise Refused(3, f"Invalid input error: parameter {name} is missing")


def _upload_error(message: str, status: int = 400) -> Refused:
    refused = Refused(3, message)
    refused.answer = Answer(status, {"error": message + STACK, "code": 3, "message": message + STACK, "details": []})
    return refused


def _filtered(call: Call, items: Iterable[Any]) -> list[Any]:
    """The things whose name the filter asks for."""
    found = list(items)
    for predicate in json.loads(call.query.get("filter") or "{}").get("predicates", []):
        operation = {1: "EQUALS", 9: "IS_SUBSTRING"}.get(predicate["operation"], predicate["operation"])
        wanted = predicate.get("stringValue", predicate.get("string_value"))
        if predicate["key"] not in ("display_name", "name") or operation not in ("EQUALS", "IS_SUBSTRING"):
            raise Refused(3, f"Invalid input error: the fake cannot filter by {predicate}")
        found = [item for item in found if (item.name == wanted if operation == "EQUALS" else wanted in item.name)]
    return found


def _page(call: Call, key: str, items: list[dict[str, Any]]) -> Answer:
    """A page of a list; the token of the next one says where it begins. An empty list is left out."""
    size = int(call.query.get("page_size") or 0) or 20
    token = call.query.get("page_token", "")
    if token and not re.fullmatch(r"from-\d+", token):
        raise Refused(3, "Invalid input error: Invalid package token.")
    start = int(token.removeprefix("from-") or 0)
    shown = items[start : start + size]
    body: dict[str, Any] = {"total_size": len(items)}
    body |= {key: shown} if shown else {}
    if start + size < len(items):
        body["next_page_token"] = f"from-{start + size}"
    return Answer(200, body)
