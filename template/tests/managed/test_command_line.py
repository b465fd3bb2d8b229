"""The verbs as people and programs call them: outcome, JSON, exit codes, and what is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from toy import PIPELINE, STEPS, Toy, processes_of, wait_until

KEYS = {"version", "command", "ok", "exit_code", "summary", "data", "next_steps", "error"}
BODY = "    Path(data.path).write_text"


def envelope(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done.stdout)
    assert set(document) == KEYS
    assert document["exit_code"] == done.returncode
    assert document["ok"] == (done.returncode == 0)
    return document


def test_help_imports_nothing_that_takes_time(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *toy.command("--help")[1:]],
        cwd=tmp_path, env=toy.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert not imported & {"kfp", "mlflow", "pandas", "numpy", "pydantic", "yaml", "sklearn"}
    for verb in ("check", "compile", "run", "report", "rollback"):
        assert verb in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "'trian'"),
        (["run", "--promot"], "--promot"),
        (["run", "--trigger", "magic"], "'magic'"),
        (["compile", "--pipeline", "nightly"], "no pipeline 'nightly'"),
        (["compile", "--to", "package.zip"], "has to end in .yaml"),
        (["run", "--param", "row=3"], "no parameter 'row'"),
        (["run", "--param", "rows=many"], "not a value of type int"),
    ],
)
def test_a_wrong_command_line_is_told_in_text_and_in_json(tmp_path: Path, arguments: list[str], message: str) -> None:
    toy = Toy(tmp_path)
    done = toy.main(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    document = envelope(toy.main(*arguments, "--output", "json"))
    assert message in document["error"]["message"]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("verb", ["check", "compile", "run", "report", "rollback"])
def test_a_broken_configuration_is_told_by_every_verb_with_its_line(tmp_path: Path, verb: str) -> None:
    toy = Toy(tmp_path, config="version: 1\nengine: cloud\n")
    document = envelope(toy.main(verb, "--output", "json"))
    assert document["exit_code"] == 2
    assert document["error"]["where"] == "src/pipelines/development/config.yaml:2"


def test_a_branch_of_a_cluster_trains_here_only_when_asked(tmp_path: Path) -> None:
    toy = Toy(tmp_path, config="version: 1\nengine: kubeflow\n")
    done = toy.main("run")
    assert done.returncode == 2
    assert "--engine local" in done.stderr
    assert "config.yaml:2" in done.stderr


def test_a_slip_of_the_pen_in_the_gate_ends_a_training_before_its_first_step(tmp_path: Path) -> None:
    gate = "gate: {metrics: {rsme: {higher_is_better: false}}}\n"
    pipeline, steps = (
        PIPELINE.replace("{rows", "{source: main, rows"),
        STEPS.replace("rows: int", "source: str, rows: int"),
    )
    toy = Toy(tmp_path, pipeline=pipeline, steps=steps, config=f"version: 1\n{gate}")
    (tmp_path / "data").mkdir()
    sources = "version: 1\nsources:\n  main: {address: a.csv, target: y, task: regression}\n"
    (tmp_path / "data" / "sources.yaml").write_text(sources, encoding="utf-8")
    done = toy.main("run")
    assert done.returncode == 2, done.stderr
    assert "config.yaml:2: The gate judges by 'rsme', which nothing computes. Did you mean 'rmse'?" in done.stderr
    assert "step pull-data" not in done.stderr


def test_a_bug_is_one_line_and_a_traceback_in_a_file(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    (tmp_path / "src" / "helpers").mkdir()
    main = tmp_path / "src" / "pipelines" / "development" / "main.py"
    broken = "import helpers.branch\nhelpers.branch.read_pipelines = lambda root: 1 / 0\n"
    main.write_text(broken + main.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "src" / "helpers").rmdir()
    done = toy.main("compile")
    assert done.returncode == 3
    assert done.stderr.startswith("error: This is a mistake in the helpers: ZeroDivisionError")
    assert "Traceback" not in done.stderr
    kept = next((tmp_path / "runs" / "development").glob("bug-*.txt"))
    assert "Traceback" in kept.read_text(encoding="utf-8")


def test_a_run_without_git_trains_and_leaves_a_report_behind(tmp_path: Path) -> None:
    toy = Toy(tmp_path / "my répo #1")
    done = toy.main("run", "--param", "rows=7", "--output", "json", "--actor", "someone")
    document = envelope(done)
    assert document["exit_code"] == 0, done.stderr
    data = document["data"]
    assert data["passed"] is True
    assert data["promoted"] is False
    report = json.loads(Path(data["report"]["json"]).read_text(encoding="utf-8"))
    assert report["run"]["id"] == data["run_id"]
    assert report["commit"] == ""
    assert report["actor"] == "someone"
    assert report["parameters"] == {"note": "hi", "rows": "7"}
    assert [(step["name"], step["state"]) for step in report["steps"]] == [
        ("pull-data", "succeeded"),
        ("clean-data", "succeeded"),
        ("decide", "succeeded"),
        ("publish", "succeeded"),
    ]
    latest = toy.root / "runs" / "development" / "latest"
    assert latest.resolve() == Path(data["directory"])
    assert "step publish: succeeded (" in done.stderr
    assert "KFP Executor" not in done.stderr
    log = (latest / "log.txt").read_text(encoding="utf-8")
    assert "KFP Executor" in log
    assert "\x1b[" not in log
    again = envelope(toy.main("report", "--output", "json"))
    assert again["data"]["run_id"] == data["run_id"]
    assert Path(again["data"]["report"]["html"]).is_file()
    assert processes_of(toy.root) == []


def test_a_step_that_fails_ends_the_run_as_failed_with_a_report(tmp_path: Path) -> None:
    raised = (
        '    from helpers.errors import DataError\n    raise DataError("No rows.", hint="Add some.", where="a.csv")\n'
    )
    toy = Toy(tmp_path, steps=STEPS.replace(BODY, raised + BODY, 1))
    done = toy.main("run", "--output", "json")
    document = envelope(done)
    assert document["exit_code"] == 1
    assert document["error"] == {
        "code": "step-failed",
        "message": "step pull-data failed: No rows.",
        "hint": "Add some.",
        "where": "a.csv",
    }
    assert "Traceback" not in done.stderr
    assert "Traceback" in Path(document["data"]["log"]).read_text(encoding="utf-8")
    report = json.loads(Path(document["data"]["report"]["json"]).read_text(encoding="utf-8"))
    assert report["decision"]["outcome"] == "failed"
    assert report["failure"] == {"step": "pull-data", "message": "a.csv: No rows.", "hint": "Add some."}
    assert report["run"]["status"] == "failed"
    states = {step["name"]: step["state"] for step in report["steps"]}
    assert states == {"pull-data": "failed", "clean-data": "skipped", "decide": "skipped", "publish": "skipped"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_is_marked_as_killed_and_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    sleep = "    import subprocess, sys; Path('here').touch()\n"
    sleep += "    subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    toy = Toy(tmp_path, steps=STEPS.replace(BODY, sleep + BODY, 1))
    command = toy.command("run", "--output", "json")
    with subprocess.Popen(
        command, cwd=tmp_path, env=toy.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        wait_until((tmp_path / "here").exists)
        run.send_signal(number)
        output, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert json.loads(output)["error"]["code"] == "interrupted"
    assert "Traceback" not in errors
    report = next((tmp_path / "runs" / "development").glob("2*/report/report.json"))
    assert json.loads(report.read_text(encoding="utf-8"))["decision"]["outcome"] == "failed"
    wait_until(lambda: not processes_of(tmp_path))


@pytest.mark.parametrize("victim", ["helpers.orchestrator", "helpers.worker_server"])
def test_a_run_whose_helper_process_is_killed_fails_with_a_report(tmp_path: Path, victim: str) -> None:
    toy = Toy(tmp_path, steps=STEPS.replace(BODY, f"    import time; Path('here').touch(); time.sleep(600)\n{BODY}", 1))
    with subprocess.Popen(
        toy.command("run", "--output", "json"), cwd=tmp_path, env=toy.environ, stdout=subprocess.PIPE, text=True
    ) as run:
        wait_until((tmp_path / "here").exists)
        commands = {process: Path(f"/proc/{process}/cmdline").read_bytes() for process in processes_of(tmp_path)}
        for process in (process for process, command in commands.items() if victim.encode() in command):
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1] == str(run.pid):
                os.kill(process, signal.SIGKILL)
        output, _ = run.communicate(timeout=120)
    document = json.loads(output)
    assert document["exit_code"] == 1
    report = json.loads(Path(document["data"]["report"]["json"]).read_text(encoding="utf-8"))
    assert report["run"]["status"] == "failed"
    assert {step["name"]: step["state"] for step in report["steps"]}["pull-data"] == "failed"
    wait_until(lambda: processes_of(tmp_path) == [], seconds=20)


CODE = """
from pathlib import Path

from kfp import dsl

from helpers.command_line import main


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def square(number: int) -> int:
    return number * number


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def total(numbers: list, more: int, page: dsl.Output[dsl.Artifact]) -> None:
    with open(page.path, "w") as file:
        file.write(str(int(sum(numbers) + more)))


@dsl.pipeline(name="in-code")
def in_code(number: int = 4) -> None:
    with dsl.ParallelFor([1, 2, 3]) as item:
        squared = square(number=item)
    more = square(number=number)
    total(numbers=dsl.Collected(squared.output), more=more.output)


if __name__ == "__main__":
    raise SystemExit(main(Path(__file__), pipelines=[in_code]))
"""


def test_a_pipeline_in_code_runs_with_loops_and_the_branchs_parameters(tmp_path: Path) -> None:
    toy = Toy(tmp_path, config="version: 1\nparameters: {number: 5}\n")
    (tmp_path / "src" / "pipelines" / "production" / "main.py").write_text(CODE, encoding="utf-8")
    document = envelope(toy.main("run", "--output", "json", branch="production"))
    assert document["exit_code"] == 0
    data = document["data"]
    pages = list(Path(data["directory"]).glob("steps/*/total/page"))
    assert [page.read_text(encoding="utf-8") for page in pages] == ["39"]
    report = json.loads(Path(data["report"]["json"]).read_text(encoding="utf-8"))
    assert report["parameters"] == {"number": "5"}
    assert len(report["steps"]) == 5
    assert {step["state"] for step in report["steps"]} == {"succeeded"}


def test_check_tells_each_thing_that_was_looked_at(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    done = toy.main("check")
    assert done.returncode == 0, done.stderr
    assert "ready to train" in done.stdout
    assert "none yet" in done.stdout
    toy.pipeline = PIPELINE.replace("steps.toy:pull", "steps.toy:pul")
    toy.write()
    done = toy.main("check")
    assert done.returncode == 2
    assert "FAIL  pipeline training" in done.stdout
    assert "Did you mean 'pull'?" in done.stdout


def test_two_runs_at_once_keep_to_their_own_directories(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    runs = [
        subprocess.Popen(
            toy.command("run", "--output", "json", "--param", f"rows={rows}"),
            cwd=tmp_path, env=toy.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for rows in (5, 6)
    ]  # fmt: skip
    outcomes = [json.loads(run.communicate(timeout=120)[0]) for run in runs]
    assert [outcome["exit_code"] for outcome in outcomes] == [0, 0]
    assert len({outcome["data"]["directory"] for outcome in outcomes}) == 2
    for rows, outcome in zip((5, 6), outcomes, strict=True):
        report = json.loads(Path(outcome["data"]["report"]["json"]).read_text(encoding="utf-8"))
        assert report["parameters"]["rows"] == str(rows)
        assert report["run"]["status"] == "succeeded"


def test_a_directory_that_cannot_be_written_is_an_expected_error(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    (tmp_path / "runs").write_text("", encoding="utf-8")
    done = toy.main("run")
    assert done.returncode == 1
    assert "cannot be made" in done.stderr


def test_an_outcome_that_nobody_reads_or_a_terminal_cannot_show_is_no_error(tmp_path: Path) -> None:
    toy = Toy(tmp_path / "käse")
    with subprocess.Popen(
        toy.command("compile"), cwd=toy.root, env=toy.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 0
    done = toy.main("compile", "--to", "/proc/käse/p.yaml", environ={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 1
    assert "/proc/k?se/p.yaml: The package cannot be written" in done.stderr


def test_a_server_that_is_not_there_is_told_soon(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    quick = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    done = toy.main("run", environ=quick)
    assert done.returncode == 1
    assert "The MLflow store cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
