"""``helpers.ci annotate`` and ``sample``: what a person sees of a job, and a short training for a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ci_toys import Done, Stage, report, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        (made.folder / "runs").mkdir(exist_ok=True)
        yield made


def annotated(stage: Stage, found: dict[str, Any] | str | None, **outcomes: object) -> Done:
    """The step that shows the report, after verbs that left these outcomes."""
    if found is not None:
        text = found if isinstance(found, str) else json.dumps(found)
        (stage.folder / "runs" / "report.json").write_text(text, encoding="utf-8")
    words = ["--report", "runs/report.json"]
    for name, outcome in outcomes.items():
        path = stage.folder / "runs" / f"{name}.json"
        path.write_text(outcome if isinstance(outcome, str) else json.dumps(outcome), encoding="utf-8")
        words += ["--outcome", f"runs/{name}.json"]
    done = stage.task("annotate", *words, "--outcome", "runs/nothing.json", token="")
    assert done.code == 0, done.text
    return done


def outcome(command: str, *, ok: bool = True, **more: Any) -> dict[str, Any]:
    return {"version": 1, "command": command, "ok": ok, "exit_code": 0 if ok else 1, "summary": f"{command} said so.",
            "data": {}, "next_steps": [], "error": None, **more}  # fmt: skip


def test_links_come_first_then_what_the_verbs_said_then_the_report(stage):
    document = report("development", "1" * 40, baseline=60.0, repository="https://github.com/acme/heart-rate")
    document["run"]["mlflow_url"] = "https://mlflow.example.org/#/runs/1"
    train = outcome("submit", data={"kubeflow": {"link": "https://kubeflow.example.org/#/runs/details/7"}})
    done = annotated(stage, document, check=outcome("check"), train=train)
    first, *rest = done.summary.splitlines()
    assert first.startswith(
        "[Kubeflow run](https://kubeflow.example.org/#/runs/details/7) \u00b7 [MLflow run](https://"
    )
    assert f"[Commit](https://github.com/acme/heart-rate/commit/{'1' * 40})" in first
    text = "\n".join(rest)
    assert text.index("**check**") < text.index("**submit**") < text.index("Accepted: better than the champion")
    assert done.annotations == []


def test_a_check_that_fails_names_each_cause_and_the_next_step(stage):
    checks = [
        {"name": "data 'main'", "ok": False, "message": "Access was refused (403).", "hint": "Set DATA_MAIN_TOKEN.",
         "where": "https://data.example.org/a.csv"},
        {"name": "store", "ok": True, "message": "writable"},
        {"name": "mail", "ok": False, "message": "100% wrong\npassword", "hint": "", "where": ""},
    ]  # fmt: skip
    failed = outcome("check", ok=False, data={"checks": checks}, error={"message": "first", "hint": ""})
    done = annotated(stage, None, check=failed)
    assert len(done.annotations) == 2
    assert done.annotations[0] == (
        "::error title=data 'main'::https://data.example.org/a.csv: Access was refused (403). Set DATA_MAIN_TOKEN."
    )
    assert done.annotations[1] == "::error title=mail::100%25 wrong%0Apassword"
    assert "There is no report: the job ended before the training." in done.summary
    assert "Set DATA\\_MAIN\\_TOKEN." in done.summary
    assert "writable" not in done.summary


def test_a_refused_or_broken_training_is_one_error(stage):
    refused = report("development", "1" * 40, baseline=50.0, outcome="regressed", passed=False, promoted=False)
    train = outcome("run", ok=False, error={"message": "the same again", "hint": ""})
    (said,) = annotated(stage, refused, train=train).annotations
    assert said.startswith("::error title=Refused%3A heart-rate training on development::worse than the champion")
    broken = report("development", "1" * 40, outcome="failed", passed=False, promoted=False)
    broken["failure"] = {"step": "train-model", "message": "ValueError: no rows", "hint": "Look at the data."}
    (said,) = annotated(stage, broken, train=train).annotations
    assert "the step train-model stopped with an error ValueError: no rows Look at the data." in said


def test_a_training_that_left_no_report_says_why(stage):
    error = {
        "message": "Kubeflow cannot be reached.",
        "hint": "Look at KUBEFLOW_ENDPOINT.",
        "where": "KUBEFLOW_ENDPOINT",
    }
    done = annotated(stage, None, train=outcome("submit", ok=False, error=error, next_steps=["Look at it."]))
    assert "There is no report of this training." in done.summary
    assert done.annotations == ["::error title=submit::Kubeflow cannot be reached. Look at KUBEFLOW_ENDPOINT."]


def test_where_a_training_could_not_begin_stands_in_the_summary(stage):
    error = {"code": "usage", "message": "'9;' is not a value of type int.", "hint": "", "where": "--param seed"}
    done = annotated(stage, None, train=outcome("run", ok=False, error=error, summary=error["message"]))
    assert "`--param seed`" in done.summary


def test_a_training_that_goes_on_without_the_job_is_no_failure(stage):
    done = annotated(stage, None, train=outcome("submit"))
    assert "its report follows" in done.summary
    assert done.annotations == []


def test_what_cannot_be_read_fails_nothing(stage):
    for found in (
        "{",
        "[]",
        "null",
        json.dumps({"version": 9, "run": {}}),
        json.dumps(report("development", "1" * 40, run={})),
    ):
        done = annotated(stage, found, check="{", train="[]", more="null", other=outcome("check", data=None, ok=False))
        assert "There is no report" in done.summary


def test_words_of_others_are_shown_and_not_obeyed(stage):
    hostile = "x\n::set-output name=a::b\n</summary><img src=x> @team [a](javascript:x)"
    document = report("development", "1" * 40, outcome="failed", passed=False, promoted=False, actor=hostile)
    document["failure"] = {"step": hostile, "message": hostile, "hint": hostile}
    done = annotated(stage, document, check=outcome("check", ok=False, summary=hostile, error={"message": hostile}))
    assert not any(line.startswith("::set-output") for line in done.text.splitlines())
    assert "\n<img" not in done.summary
    prose = [line for line in done.summary.splitlines() if not line.startswith("    ")]  # the rest is a block of code
    assert "@team" not in "\n".join(prose)


def test_a_summary_stays_below_githubs_limit(stage):
    document = report("development", "1" * 40, outcome="failed", passed=False, promoted=False)
    document["steps"] = [{"name": f"step-{n}" + "x" * 60, "state": "succeeded", "seconds": 1.0} for n in range(20_000)]
    done = annotated(stage, document)
    assert len(done.summary.encode()) < 1024 * 1024
    assert "too long for a summary" in done.summary


def test_a_short_training_on_the_sample_needs_no_server_and_no_champion(stage):
    config = stage.folder / "src" / "pipelines" / "staging" / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("engine: local", "engine: kubeflow", 1)
    config.write_text(text.replace("threshold: 80.0", "threshold: 0.001"), encoding="utf-8")
    done = stage.task("sample", "--branch", "staging", token="", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.code == 0, done.text
    found = json.loads((stage.folder / "runs" / "sample" / "report" / "report.json").read_text(encoding="utf-8"))
    assert (found["branch"], found["promoted"], found["decision"]["passed"]) == ("staging", False, False)
    assert found["data"][0]["name"] == "sample"
    assert not (stage.folder / ".mlflow").exists()


def test_a_step_that_breaks_fails_the_short_training(stage):
    path = stage.folder / "src" / "steps" / "train_model.py"
    text = path.read_text(encoding="utf-8")
    start = text.index('"""', text.index("def train_model("))
    end = text.index('"""', start + 3) + 3
    path.write_text(f"{text[:end]}\n    raise ValueError('broken here')\n{text[end:]}", encoding="utf-8")
    done = stage.task("sample", "--branch", "development", token="")
    assert done.code == 1
    assert "broken here" in done.annotations[-1]


def test_without_a_sample_nothing_is_trained(stage):
    (stage.folder / "data" / "sources.yaml").write_text("version: 1\nsources: {}\n", encoding="utf-8")
    done = stage.task("sample", "--branch", "development", token="")
    assert (done.code, "no source 'sample'" in done.annotations[0]) == (0, True)
