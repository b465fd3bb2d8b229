"""What the fake's API server shows of its things, in the shapes of Kubeflow's description."""

from __future__ import annotations

from typing import Any

from .world import NEVER, Experiment, Pipeline, Run, Task, Version


def experiment(item: Experiment) -> dict[str, Any]:
    """An experiment."""
    shown = {
        "experiment_id": item.id,
        "display_name": item.name,
        "created_at": item.created,
        "storage_state": "AVAILABLE",
        "last_run_created_at": NEVER,
    }
    shown |= {"namespace": item.namespace} if item.namespace else {}
    return shown | ({"description": item.description} if item.description else {})


def pipeline(item: Pipeline) -> dict[str, Any]:
    """A pipeline."""
    shown = {"pipeline_id": item.id, "display_name": item.name, "name": item.name, "created_at": item.created}
    return shown | ({"namespace": item.namespace} if item.namespace else {})


def version(owner: Pipeline, item: Version) -> dict[str, Any]:
    """A pipeline's version."""
    shown: dict[str, Any] = {
        "pipeline_id": owner.id,
        "pipeline_version_id": item.id,
        "display_name": item.name,
        "name": item.name,
        "created_at": item.created,
        "pipeline_spec": item.spec,
    }
    shown |= {"description": item.description} if item.description else {}
    return shown | ({"tags": item.tags} if item.tags else {})


def run(item: Run) -> dict[str, Any]:
    """A run: ``error`` is never there, also when it failed; what failed is told by its tasks."""
    shown: dict[str, Any] = {
        "experiment_id": item.experiment.id,
        "run_id": item.id,
        "display_name": item.name,
        "storage_state": "AVAILABLE",
        "created_at": item.created,
        "scheduled_at": item.created,
        "finished_at": item.ended,
        "state": item.state,
        "state_history": [{"update_time": when, "state": state} for when, state in item.history],
        "runtime_config": item.body.get("runtime_config", {}),
    }
    for key in ("description", "pipeline_spec", "pipeline_version_reference", "service_account"):
        if item.body.get(key):
            shown[key] = item.body[key]
    if item.tasks:
        root = [Task("1", "root", item.state, item.created), Task("2", "root-driver", "SUCCEEDED", item.created)]
        drivers = [Task(f"{one.id}-0", f"{one.name}-driver", "SUCCEEDED", one.started) for one in item.tasks.values()]
        shown["run_details"] = {"task_details": [_task(item, one) for one in (*root, *drivers, *item.tasks.values())]}
    return shown


def _task(owner: Run, item: Task) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "run_id": owner.id,
        "task_id": item.id,
        "display_name": item.name,
        "create_time": item.started,
        "start_time": item.started,
        "end_time": item.ended,
        "state": item.state,
        "pod_name": f"{owner.name}-{item.name}",
    }
    return shown | ({"error": {"code": 13, "message": item.error}} if item.error else {})
