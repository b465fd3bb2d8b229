"""Calls about runs of workflows, their artifacts, and dispatches that start them."""

from __future__ import annotations

from typing import Any

import yaml

from tests.canaries import canary

from . import actions_state as state
from .operations import REPO, Visit, operation
from .repositories import Repository
from .web import Answer, Refused, invalid, not_found, paged_object

READ: dict[str, Any] = {"permissions": "actions=read"}
BLOBS = "/artifact-blobs/"


@operation("POST", REPO + "/dispatches", role="write", permissions="contents=write")
def dispatch(visit: Visit) -> Answer:
    body = visit.call.json
    if len(str(body.get("event_type", ""))) > 100 or len(body.get("client_payload", {})) > 10:
        raise invalid("Repository", "client_payload")  # facts "repository_dispatch"
    visit.repository.dispatched.append(body)
    return Answer(204)


@operation("POST", REPO + "/actions/workflows/{workflow_id}/dispatches", role="write", permissions="actions=write")
def dispatch_workflow(visit: Visit) -> Answer:
    it, body, name = visit.repository, visit.call.json, visit.call.named("workflow_id")
    # Facts: to be dispatchable the file must be on the default branch.
    if not it.branches or f".github/workflows/{name}" not in _workflows(it, it.default_branch):
        raise not_found()
    branch = body["ref"].removeprefix("refs/heads/")
    if branch not in it.branches:
        raise Refused(422, f"No ref found for: {body['ref']}")
    inputs = _checked_inputs(it, branch, name, body.get("inputs", {}))
    it.dispatched.append({"workflow": name, **body})
    made = state.make_run(
        visit.world, it, workflow=name, event="workflow_dispatch", branch=branch, commit=it.branches[branch],
        actor=visit.person.login, head_repository=it.full_name, inputs=inputs, title=str(inputs.get("reason", "")),
    )  # fmt: skip
    if body.get("return_run_details"):
        url = f"{visit.world.api}/repos/{it.full_name}/actions/runs/{made.id}"
        page = f"{visit.world.server}/{it.full_name}/actions/runs/{made.id}"
        return Answer(200, {"workflow_run_id": made.id, "run_url": url, "html_url": page})
    return Answer(204)


def _workflows(it: Repository, reference: str) -> list[str]:
    return it.git("ls-tree", "--name-only", reference, ".github/workflows/").splitlines()


def _checked_inputs(it: Repository, branch: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Refuse what the workflow on that branch does not take, with GitHub's words."""
    if f".github/workflows/{name}" not in _workflows(it, branch):
        raise Refused(422, f"Workflow does not exist on the ref {branch}")
    found = yaml.safe_load(it.git("show", f"{branch}:.github/workflows/{name}")) or {}
    events = found.get("on", found.get(True)) if isinstance(found, dict) else None
    names = [events] if isinstance(events, str) else list(events or ())
    if "workflow_dispatch" not in names:
        raise Refused(422, "Workflow does not have 'workflow_dispatch' trigger")
    declared = ((events.get("workflow_dispatch") or {}).get("inputs") or {}) if isinstance(events, dict) else {}
    unexpected = sorted(set(given) - set(declared))
    if unexpected:
        raise Refused(422, f"Unexpected inputs provided: {unexpected}")
    for key, one in declared.items():
        if one.get("type") == "choice" and key in given and given[key] not in one["options"]:
            raise Refused(422, f"Provided value '{given[key]}' for input '{key}' not in the list of allowed values")
        if one.get("required") and "default" not in one and key not in given:
            raise Refused(422, f"Required input '{key}' not provided")
    return dict(given)


@operation("GET", REPO + "/actions/runs", **READ)
def runs(visit: Visit) -> Answer:
    return _listed(visit, list(visit.repository.runs.values()))


@operation("GET", REPO + "/actions/workflows/{workflow_id}/runs", **READ)
def workflow_runs(visit: Visit) -> Answer:
    name, it = visit.call.named("workflow_id"), visit.repository
    known = {run.workflow for run in it.runs.values()}
    known |= {path.rpartition("/")[2] for path in _workflows(it, it.default_branch)} if it.branches else set()
    if name not in known:
        raise not_found()
    return _listed(visit, [run for run in it.runs.values() if run.workflow == name])


def _listed(visit: Visit, found: list[state.Run]) -> Answer:
    query = visit.call.query
    wanted = {key: query[key] for key in ("branch", "event", "actor", "head_sha") if key in query}
    kept = [
        run for run in found
        if all(getattr(run, "commit" if key == "head_sha" else key) == value for key, value in wanted.items())
        and query.get("status") in {None, run.status, run.conclusion}
    ]  # fmt: skip
    newest = sorted(kept, key=lambda run: run.id, reverse=True)
    shown = [state.shown_run(visit.world, visit.repository, run) for run in newest]
    return paged_object(visit.call, "workflow_runs", shown, visit.world.api)


@operation("GET", REPO + "/actions/runs/{run_id}", **READ)
def run(visit: Visit) -> Answer:
    return Answer(200, state.shown_run(visit.world, visit.repository, _run(visit)))


@operation("GET", REPO + "/actions/runs/{run_id}/artifacts", **READ)
def run_artifacts(visit: Visit) -> Answer:
    return _artifacts(visit, _run(visit).id)


@operation("GET", REPO + "/actions/artifacts", **READ)
def artifacts(visit: Visit) -> Answer:
    return _artifacts(visit, None)


def _artifacts(visit: Visit, run_id: int | None) -> Answer:
    it, name = visit.repository, visit.call.query.get("name")
    found = [one for one in it.artifacts.values() if run_id in {None, one.run_id} and name in {None, one.name}]
    newest = sorted(found, key=lambda one: one.id, reverse=True)
    shown = [state.shown_artifact(visit.world, it, one) for one in newest]
    return paged_object(visit.call, "artifacts", shown, visit.world.api)


@operation("GET", REPO + "/actions/artifacts/{artifact_id}", **READ)
def artifact(visit: Visit) -> Answer:
    return Answer(200, state.shown_artifact(visit.world, visit.repository, _artifact(visit)))


@operation("GET", REPO + "/actions/artifacts/{artifact_id}/{archive_format}", **READ)
def download(visit: Visit) -> Answer:
    # Docs "Download an artifact": a redirect to an address with a signature, on another host, valid for a minute.
    one = _artifact(visit)
    if visit.call.named("archive_format") != "zip":
        raise not_found()
    if one.expired:
        raise Refused(410, "Artifact has expired")
    path = f"{BLOBS}{next(visit.world.ids)}.zip"
    visit.world.blobs[path] = one.content
    elsewhere = visit.world.server.replace("127.0.0.1", "localhost")
    return Answer(302, None, {"Location": f"{elsewhere}{path}?sig={canary('signature')}"})


def _run(visit: Visit) -> state.Run:
    found = visit.repository.runs.get(int(visit.call.named("run_id")))
    if found is None:
        raise not_found()
    return found


def _artifact(visit: Visit) -> state.Artifact:
    found = visit.repository.artifacts.get(int(visit.call.named("artifact_id")))
    if found is None:
        raise not_found()
    return found
