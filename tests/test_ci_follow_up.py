"""``helpers.ci follow-up`` and ``status``: what others tell the repository is shown, kept, and never obeyed blindly."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import template_environment
from tests.ci_toys import NAME, Done, Stage, packed, report, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made


def finished(stage: Stage, **changes: Any) -> dict[str, Any]:
    """The payload of a training's end."""
    commit = stage.there.branches["staging"]
    made = report("staging", commit, **changes)
    made["run"]["kubeflow_url"] = "https://kubeflow.example.org/#/runs/details/1"
    return {"version": 1, "branch": "staging", "commit": commit, "report": made}


def followed(stage: Stage, event: str, payload: object, **more: Any) -> Done:
    return stage.task("follow-up", "--into", "runs/report", event="repository_dispatch",
                      payload={"action": event, "client_payload": payload}, **more)  # fmt: skip


def statuses(stage: Stage) -> list[tuple[str, str, str]]:
    commit = stage.there.branches["staging"]
    return [(one["context"], one["state"], one["target_url"]) for one in stage.there.statuses.get(commit, [])]


def test_a_finished_training_is_shown_kept_and_said_on_its_commit(stage):
    done = followed(stage, "training-finished", finished(stage))
    assert done.code == 0, done.text
    assert done.outputs == {"artifact": "report-staging", "path": "runs/report", "branch": "staging"}
    kept = json.loads((stage.folder / "runs" / "report" / "report.json").read_text(encoding="utf-8"))
    assert kept["decision"]["metrics"][0]["value"] == 54.5
    assert (stage.folder / "runs" / "report" / "report.html").exists()
    assert done.summary.startswith("[Kubeflow run](https://kubeflow.example.org/#/runs/details/1)")
    assert "Accepted" in done.summary
    assert statuses(stage) == [("training/staging", "success", "https://kubeflow.example.org/#/runs/details/1")]


def test_what_was_kept_is_the_branchs_last_report(stage):
    followed(stage, "training-finished", finished(stage))
    run = stage.github.add_run(NAME, workflow="follow-up.yml", event="repository_dispatch", branch="development")
    content = (stage.folder / "runs" / "report" / "report.json").read_bytes()
    stage.github.add_artifact(NAME, run.id, "report-staging", packed({"report.json": content}))
    done = stage.task("decide", "--branch", "staging", payload={"created": False}, branch="staging")
    assert "nothing has changed" in done.outputs["reason"]


def test_a_refused_or_failed_training_is_a_failure_of_the_commit_not_of_the_job(stage):
    done = followed(stage, "training-finished", finished(stage, outcome="regressed", passed=False, promoted=False))
    assert done.code == 0
    assert [one[1] for one in statuses(stage)] == ["failure"]
    assert done.annotations[0].startswith("::warning title=Training of staging::regressed")


def test_a_missing_right_or_commit_is_said(stage):
    done = followed(stage, "training-finished", finished(stage), token=stage.token(statuses="read"))
    assert (done.code, "statuses=write" in done.annotations[0]) == (0, True)
    payload = finished(stage)
    payload["commit"] = payload["report"]["commit"] = "9" * 40
    done = followed(stage, "training-finished", payload)
    assert (done.code, "No commit found" in done.annotations[0]) == (0, True)


def asked(tmp_path: Path, program: str, given: object) -> str:
    """What a program prints in the repository's environment when it is handed a value."""
    environ = template_environment.environ(tmp_path, PYTHONPATH=str(template_environment.TEMPLATE / "src"))
    done = subprocess.run(
        [str(template_environment.python()), "-c", program], input=json.dumps(given), env=environ,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_what_is_no_report_is_refused_in_words(tmp_path):
    good = {"version": 1, "branch": "staging", "commit": "1" * 40, "report": report("staging", "1" * 40)}
    hostile = "$(touch /tmp/x)\n::set-env name=PATH::x"
    wrong: list[tuple[str, Any]] = [
        ("version: 1", {}),
        ("no branch that trains", {**good, "branch": f"staging{hostile}"}),
        ("no branch that trains", {**good, "branch": ["staging"]}),
        ("names no commit", {**good, "commit": hostile}),
        ("holds no report", {**good, "report": {"branch": hostile}}),
        ("another branch or commit", {**good, "branch": "production"}),
        *(("version: 1", payload) for payload in (None, [], "x", 7)),
    ]
    program = (
        "import json, sys; from helpers.callback import PayloadError, read_payload\n"
        "for words, payload in json.load(sys.stdin):\n"
        "    try: read_payload(payload); print('taken:', payload)\n"
        "    except PayloadError as error: assert words in str(error), (words, str(error))"
    )
    assert asked(tmp_path, program, wrong) == ""


def test_an_event_that_is_refused_leaves_nothing(stage):
    for event in ("training-finished", "x\n::set-env name=PATH::x"):
        done = followed(stage, event, {"version": 1, "branch": "staging"})
        assert (done.code, done.outputs) == (1, {})
        assert not any(line.startswith("::set-env") for line in done.text.splitlines())
    assert statuses(stage) == []
    assert not (stage.folder / "runs" / "report").exists()


def test_what_a_report_says_is_shown_and_not_obeyed(stage):
    payload = finished(stage, reason="<script>x</script> @team [a](javascript:x)\n::error::no")
    payload["report"]["run"]["kubeflow_url"] = "javascript:alert(1)"
    payload["report"]["decision"]["reasons"] = ["::error::no\n::add-mask::x"]
    done = followed(stage, "training-finished", payload)
    assert done.code == 0
    assert "javascript:alert" not in done.summary
    assert "<script>" not in done.summary.replace("\\<", "")
    assert done.annotations == []
    assert statuses(stage)[0][2].startswith(stage.github.url)


def test_another_system_asks_for_a_training(stage):
    parameters = {"seed": 7, "name": "two words; $(id) '\""}
    done = followed(stage, "train", {"branch": "staging", "reason": "new images", "parameters": parameters})
    assert done.code == 0, done.text
    (asked,) = stage.there.dispatched
    assert (asked["workflow"], asked["ref"]) == ("staging.yml", "staging")
    assert asked["inputs"]["trigger"] == "dispatch"
    assert asked["inputs"]["reason"] == "new images"
    assert asked["inputs"]["parameters"].startswith("seed=7 'name=two words; $(id) ")
    assert done.outputs["artifact"] == ""


def test_a_wish_that_is_not_valid_starts_nothing_and_shows_a_valid_one(stage, tmp_path):
    wrong = [
        None,
        {},
        {"branch": "main"},
        {"branch": ["staging"]},
        {"branch": "staging", "ref": "x"},
        {"branch": "staging", "reason": "x" * 201},
        {"branch": "staging", "reason": {"a": 1}},
        {"branch": "staging", "parameters": ["seed=7"]},
        {"branch": "staging", "parameters": {"--engine": "local"}},
        {"branch": "staging", "parameters": {"a": "line\nbreak"}},
        {"branch": "staging", "parameters": {"a": {}}},
    ]
    program = (
        "import json, sys; from helpers.ci.follow_up import wanted_training\n"
        "from helpers.errors import RepositoryError\n"
        "for payload in json.load(sys.stdin):\n"
        "    try: print('taken:', wanted_training(payload))\n"
        "    except RepositoryError as error: assert 'event_type=train' in error.hint"
    )
    assert asked(tmp_path, program, wrong) == ""
    done = followed(stage, "train", wrong[3])
    assert (done.code, "event_type=train" in done.annotations[0]) == (1, True)
    assert stage.there.dispatched == []


def test_the_status_of_a_submitted_training_is_pending(stage):
    stage.git("checkout", "--quiet", "staging")
    done = stage.task("status", "--branch", "staging", "--state", "pending")
    assert done.code == 0
    context, state, page = statuses(stage)[0]
    assert (context, state, page.startswith(stage.github.url)) == ("training/staging", "pending", True)
    done = stage.task("status", "--branch", "staging", "--state", "success", "--text", "words " * 100)
    assert done.code == 0
    assert stage.task("status", "--branch", "staging", "--state", "pending", "--commit", "main").code == 2


def test_the_payload_of_a_large_report_fits_into_an_event(tmp_path):
    history = [{"run_id": f"r{n}", "started": "2026-11-21T10:00:00+00:00", "commit": "1" * 40,
                "metrics": {f"metric-{m}": 0.1 for m in range(30)}, "passed": True, "champion": False}
               for n in range(100)]  # fmt: skip
    columns = {f"column-{n}": "numeric" for n in range(3000)}
    data = [{"name": "s", "address": "a", "fingerprint": "sha256:1", "rows": 1, "columns": columns}]
    document = report("staging", "1" * 40, history=history, parameters={"x": "y" * 30_000})
    document["data"] = data
    program = (
        "import json, sys; from helpers.callback import payload, read_payload; from helpers.records import Report\n"
        "made = payload(Report.model_validate(json.load(sys.stdin)))\n"
        "assert read_payload(json.loads(json.dumps(made))).decision.metrics[0].value == 54.5\n"
        "print(len(json.dumps(made)), len(made), len(made['report']['data']))"
    )
    size, keys, sources = map(int, asked(tmp_path, program, document).split())
    assert (size < 64_000, keys <= 10, sources) == (True, True, 1)
