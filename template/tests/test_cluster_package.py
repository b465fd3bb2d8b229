"""Packages for a cluster, run as a cluster runs them: with the code inside or in the image, from begin to report."""

from __future__ import annotations

from pathlib import Path

from cluster import Cluster
from repositories import Repository
from support import World

from helpers import results
from helpers.context import RunContext
from helpers.store import client

CONTEXT = RunContext(
    project="demo",
    pipeline="training",
    branch="development",
    commit="c" * 40,
    actor="ada",
    trigger="push",
    promote=True,
    submission="development-cccccccc-7",
    platform="https://kubeflow.example",
)


def shown(cluster: Cluster) -> str:
    """The end of the log of the last step, for a failing test."""
    return "\n".join(f"--- {name}\n{text[-3000:]}" for name, text in cluster.logs.items())


def test_a_package_with_its_code_inside_trains_judges_and_reports(world: World, tmp_path: Path) -> None:
    cluster = Repository(world).cluster(tmp_path / "run")
    assert cluster.run(context=CONTEXT.to_json()), shown(cluster)
    names = [path.rpartition("/")[2] for path in cluster.done]
    assert (names[:2], names[-1], len(names)) == (["bring-code-1", "begin-run"], "finish-run", 10)
    run_id = results.find_submission(CONTEXT)
    report = results.read_report(run_id)
    assert (report.decision.outcome, report.promoted, report.run.engine) == ("first", True, "kubeflow")
    assert [(step.name, step.state) for step in report.steps] == [(name, "succeeded") for name in names[2:-1]]
    assert all(step.seconds is not None for step in report.steps)
    assert report.parameters["seed"] == "42"
    tags = client().get_run(run_id).data.tags
    assert tags["mlopsgen.kubeflow_url"] == f"https://kubeflow.example/#/runs/details/{cluster.run_id}"
    kept = {item.path for item in client().list_artifacts(run_id, "report")}
    assert {"report/report.json", "report/report.html"} <= kept
