"""Packages for a cluster, run as a cluster runs them: with the code inside or in the image, from begin to report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
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
    repository="https://github.com/acme/demo",
    ci_url="https://github.com/acme/demo/actions/runs/7",
    lock="l" * 64,
    promote=True,
    submission="development-cccccccc-7",
    platform="https://kubeflow.example",
)


def shown(cluster: Cluster) -> str:
    """The end of the log of the last step, for a failing test."""
    return "\n".join(f"--- {name}\n{text[-3000:]}" for name, text in cluster.logs.items())


def traced(tags: dict[str, str]) -> dict[str, str]:
    """What a run can be traced by."""
    names = ["commit", "branch", "actor", "repository", "ci_url", "lock", "submission", "kubeflow_run", "data.sample"]
    names += ["address.code", "address.data", "address.model"]
    return {name: tags.get(f"mlopsgen.{name}", "") for name in names}


def test_a_package_with_its_code_inside_trains_judges_and_reports(world: World, tmp_path: Path) -> None:
    cluster = Repository(world).cluster(tmp_path / "run")
    assert cluster.run(context=CONTEXT.to_json()), shown(cluster)
    done = [path.rpartition("/")[2] for path in cluster.done]
    names = [name for name in done if not name.startswith("bring-code-")]
    bringing = len(done) - len(names)  # as many as the code's size asks for, one after another, before all else
    assert bringing >= 1
    assert done[:bringing] == [f"bring-code-{part}" for part in range(1, bringing + 1)]
    assert (names[0], names[-1], len(names)) == ("begin-run", "finish-run", 9)
    run_id = results.find_submission(CONTEXT)
    report = results.read_report(run_id)
    assert (report.decision.outcome, report.promoted, report.run.engine) == ("first", True, "kubeflow")
    assert [(step.name, step.state) for step in report.steps] == [(name, "succeeded") for name in names[1:-1]]
    assert all(step.seconds is not None for step in report.steps)
    assert report.parameters["seed"] == "42"
    tags = client().get_run(run_id).data.tags
    assert tags["mlopsgen.kubeflow_url"] == f"https://kubeflow.example/#/runs/details/{cluster.run_id}"
    assert traced(tags) == {
        "commit": CONTEXT.commit,
        "branch": "development",
        "actor": "ada",
        "repository": CONTEXT.repository,
        "ci_url": CONTEXT.ci_url,
        "lock": CONTEXT.lock,
        "submission": CONTEXT.submission,
        "kubeflow_run": cluster.run_id,
        "data.sample": report.data[0].fingerprint,
        "address.code": f"code://{CONTEXT.repository}@{CONTEXT.commit}",
        "address.data": f"data://sample@{report.data[0].fingerprint}",
        "address.model": f"model://{CONTEXT.model_name}/1",
    }
    kept = {item.path for item in client().list_artifacts(run_id, "report")}
    assert {"report/report.json", "report/report.html"} <= kept


TOY = """
version: 1
project: demo
pipelines:
  training:
    parameters: {rows: 5, mood: good}
    steps:
      - {id: pull-data, uses: "steps.toy:pull"}
      - {id: clean-data, uses: "steps.toy:clean"}
      - {id: decide, uses: "steps.toy:decide"}
      - {id: publish, uses: "steps.toy:publish", if: decide}
"""
STEPS = """
import os
from pathlib import Path
from kfp.dsl import Dataset, Input, Output
from helpers.errors import DataError

def pull(rows: int, data: Output[Dataset]) -> None:
    Path(data.path).write_text("x" * rows)

def clean(data: Input[Dataset], mood: str, valid: Output[Dataset]) -> None:
    if mood == "bad":
        raise DataError("No rows.", hint="Add some.", where="a.csv")
    if mood == "dead":
        os.kill(os.getpid(), 9)
    assert mood == "good" and os.environ["MLFLOW_TRACKING_PASSWORD"] == "not-a-real-password"
    Path(valid.path).write_text(Path(data.path).read_text().upper())

def decide(valid: Input[Dataset]) -> bool:
    return len(Path(valid.path).read_text()) > 4

def publish(valid: Input[Dataset], page: Output[Dataset]) -> None:
    Path(page.path).write_text(Path(valid.path).read_text())
"""


@pytest.fixture
def toy(world: World) -> Repository:
    """A repository of a few small steps, whose code is in the image."""
    repository = Repository(world)
    (repository.root / "src" / "pipelines" / "pipeline.yaml").write_text(TOY, encoding="utf-8")
    (repository.root / "src" / "steps" / "toy.py").write_text(STEPS, encoding="utf-8")
    repository.configure(parameters={})
    return repository


def in_image(repository: Repository, folder: Path) -> Cluster:
    """The cluster, whose image has the repository in it."""
    image = {"PYTHONPATH": str(repository.root / "src")}
    return repository.cluster(folder, "--image", "registry.example/demo@sha256:1", environ=image)


def test_a_step_that_fails_is_named_with_its_cause_and_the_next_thing_to_do(toy: Repository, tmp_path: Path) -> None:
    cluster = in_image(toy, tmp_path / "run")
    assert not cluster.run(context=CONTEXT.to_json(), mood="bad")
    log = cluster.logs["exit-handler-1/clean-data"]
    assert log.rstrip().endswith("error: a.csv: No rows.\n  Add some.")
    assert "Traceback" not in log
    report = results.read_report(results.find_submission(CONTEXT))
    assert report.failure is not None
    assert (report.failure.step, report.failure.message, report.failure.hint) == (
        "clean-data",
        "a.csv: No rows.",
        "Add some.",
    )
    assert {step.name: step.state for step in report.steps} == {
        "pull-data": "succeeded",
        "clean-data": "failed",
        "decide": "skipped",
        "publish": "skipped",
    }
    assert (report.run.status, report.parameters) == ("failed", {"rows": "5", "mood": "bad"})
    tags = client().get_run(results.find_submission(CONTEXT)).data.tags
    assert tags["mlopsgen.image"] == "registry.example/demo@sha256:1"
    # The same submission again, as when a workflow is repeated: the MLflow run is found, and no second one begun.
    again = in_image(toy, tmp_path / "again")
    again.broken = frozenset({"pull-data"})
    assert not again.run(context=CONTEXT.to_json())
    store = client()
    experiment = store.get_experiment_by_name(CONTEXT.experiment_name)
    assert experiment is not None
    assert len(store.search_runs([experiment.experiment_id])) == 1


def test_a_step_that_dies_without_a_word_and_a_run_that_nobody_submitted(toy: Repository, tmp_path: Path) -> None:
    """Started on Kubeflow's pages there is no context; the run's own id takes the submission's place."""
    cluster = in_image(toy, tmp_path / "run")
    assert not cluster.run(mood="dead")
    known = RunContext(project="demo", pipeline="training", branch="development", submission=cluster.run_id)
    report = results.read_report(results.find_submission(known))
    assert report.failure is not None
    assert report.failure.step == "clean-data"
    assert "ended without a word: out of memory" in report.failure.message
    assert report.trigger == "hand"


def test_a_pipeline_in_code_gets_the_same_steps_around_it(toy: Repository, tmp_path: Path) -> None:
    (toy.root / "src" / "pipelines" / "quick.py").write_text(
        "from kfp import dsl\n\n\n"
        '@dsl.component(base_image="python:3.11", install_kfp_package=False)\n'
        "def know(context: str, number: int) -> str:\n"
        "    import json\n"
        "    return json.loads(context)['run_id'] + str(number)\n\n\n"
        '@dsl.pipeline(name="quick")\n'
        "def quick(number: int = 4, context: str = '') -> None:\n"
        "    know(context=context, number=number)\n",
        encoding="utf-8",
    )
    main = toy.root / "src" / "pipelines" / "development" / "main.py"
    text = main.read_text(encoding="utf-8").replace("main(Path(__file__))", "main(Path(__file__), pipelines=[quick])")
    main.write_text(f"from pipelines.quick import quick\n{text}", encoding="utf-8")
    cluster = in_image(toy, tmp_path / "run")
    context = replace(CONTEXT, pipeline="quick")
    assert cluster.run(context=context.to_json(), number=5), shown(cluster)
    run_id = results.find_submission(context)
    (told,) = (tmp_path / "run").rglob("know/executor_output.json")
    assert json.loads(told.read_text(encoding="utf-8"))["parameterValues"]["Output"] == f"{run_id}5"
    assert results.read_report(run_id).run.status == "succeeded"


def test_without_an_address_of_mlflow_the_first_step_says_so(toy: Repository, tmp_path: Path) -> None:
    toy.configure(cluster_secrets={}, parameters={})
    cluster = in_image(toy, tmp_path / "run")
    assert not cluster.run(context=CONTEXT.to_json())
    assert [path.rpartition("/")[2] for path in cluster.done] == ["begin-run", "finish-run"]
    for log in cluster.logs.values():
        assert "No MLflow server is named" in log
        assert "Traceback" not in log
