"""``helpers.ci store``: the memory of a branch that trains on hosted runners."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import template_environment
from tests.ci_toys import NAME, Done, Stage, packed, staged
from tests.github.actions_state import Artifact


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made


def restored(stage: Stage, **more: Any) -> Done:
    done = stage.task("store", "restore", "--branch", "development", **more)
    assert done.code == 0, done.text
    return done


def upload(stage: Stage, done: Done, **of: Any) -> Artifact:
    """What upload-artifact does with the folder that ``keep`` names."""
    run = stage.github.add_run(NAME, **{"workflow": "development.yml", **of})
    folder = stage.folder / done.outputs["path"]
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return stage.github.add_artifact(NAME, run.id, "store-development", packed(files))


def trained(stage: Stage, where: Path) -> dict[str, Any]:
    """Train as the workflow does, in a checkout of its own."""
    command = ["-m", "pipelines.development.main", "run", "--promote", "--trigger", "push", "--output", "json"]
    home = stage.folder.parent / "home"
    environ = template_environment.environ(home, PYTHONPATH=str(where / "src"))
    done = subprocess.run(
        [str(template_environment.python()), *command, "--run-directory", "runs/ci"],
        cwd=where, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    document: dict[str, Any] = json.loads(
        (where / "runs" / "ci" / "report" / "report.json").read_text(encoding="utf-8")
    )
    return {**document, "exit_code": outcome["exit_code"]}


def test_two_trainings_in_a_row_on_fresh_machines_keep_the_champion(stage, tmp_path):
    places = [tmp_path / "first runner", tmp_path / "second" / "runner"]
    reports: list[dict[str, Any]] = []
    source = stage.folder
    for place in places:
        shutil.copytree(source, place, symlinks=True)
        done = stage.task("store", "restore", "--branch", "development", cwd=place, PYTHONPATH=str(place / "src"))
        assert done.outputs == {"needed": "true", "restored": "true" if reports else "false"}, done.text
        reports.append(trained(stage, place))
        kept = stage.task("store", "keep", "--branch", "development", cwd=place, PYTHONPATH=str(place / "src"))
        assert kept.outputs["path"] == "runs/store"
        assert "90 days" in kept.summary
        stage.folder = place
        upload(stage, kept)
        shutil.rmtree(place / ".mlflow")
    first, second = reports
    assert first["promoted"]
    assert first["decision"]["baseline"]["kind"] == "none"
    baseline = second["decision"]["baseline"]
    assert (baseline["kind"], baseline["version"], baseline["scored"]) == ("champion", "1", "test-split")
    assert second["history"][0]["run_id"] == first["run"]["id"]


def put_store(stage: Stage, words: str) -> Done:
    """A store without MLflow: a database with a table, and a file."""
    home = stage.folder / ".mlflow"
    (home / "artifacts" / "e" / "r").mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS experiments (name TEXT)")
        database.execute("INSERT INTO experiments VALUES (?)", (words,))
    (home / "artifacts" / "e" / "r" / "na:me?.txt").write_text(words, encoding="utf-8")
    (home / "other.txt").write_text("not of the store", encoding="utf-8")
    done = stage.task("store", "keep", "--branch", "development")
    assert done.code == 0, done.text
    return done


def test_the_summary_says_how_long_github_keeps_it(stage):
    put_store(stage, "kept")
    for allowed, said in (("400", "for 90 days"), ("30", "for 30 days"), ("", "for 90 days")):
        kept = stage.task("store", "keep", "--branch", "development", GITHUB_RETENTION_DAYS=allowed)
        assert said in kept.summary


def names(stage: Stage) -> list[str]:
    with contextlib.closing(sqlite3.connect(stage.folder / ".mlflow" / "mlflow.db")) as database:
        return [row[0] for row in database.execute("SELECT name FROM experiments")]


def forget(stage: Stage) -> None:
    shutil.rmtree(stage.folder / ".mlflow", ignore_errors=True)


def test_the_newest_sound_store_of_the_branchs_own_runs_comes_back(stage):
    upload(stage, put_store(stage, "first"))
    upload(stage, put_store(stage, "second"))
    for stranger in ({"head_repository": "eve/heart-rate"}, {"workflow": "pull-request.yml", "event": "pull_request"},
                     {"workflow": "staging.yml", "branch": "staging"},
                     {"workflow": "follow-up.yml", "event": "repository_dispatch"}):  # fmt: skip
        upload(stage, put_store(stage, "stranger"), **stranger)
    damaged = upload(stage, put_store(stage, "third"))
    damaged.content = damaged.content[: len(damaged.content) // 2]
    broken = put_store(stage, "fourth")
    (stage.folder / broken.outputs["path"] / "store.zip").write_bytes(packed({"mlflow.db": b"SQLite format 3\0 no"}))
    upload(stage, broken)
    forget(stage)
    done = restored(stage)
    assert done.outputs == {"needed": "true", "restored": "true"}
    assert names(stage) == ["first", "second"]
    assert (stage.folder / ".mlflow" / "artifacts" / "e" / "r" / "na:me?.txt").read_text() == "second"
    assert not (stage.folder / ".mlflow" / "other.txt").exists()
    assert len(done.annotations) == 2
    assert "damaged" in done.annotations[0]
    assert [path.name for path in (stage.folder / ".mlflow").iterdir()].count("mlflow.db") == 1


def test_a_store_that_is_gone_is_said(stage):
    assert "no store of earlier trainings" in restored(stage).text
    one = upload(stage, put_store(stage, "first"))
    forget(stage)
    one.expired = True
    done = restored(stage)
    assert done.outputs["restored"] == "false"
    assert "retention has ended" in done.annotations[0]
    assert "without a champion" in done.summary
    assert not (stage.folder / ".mlflow" / "mlflow.db").exists()


def test_when_github_cannot_be_asked_the_job_fails_rather_than_forget_the_champion(stage):
    done = stage.task("store", "restore", "--branch", "development", token=stage.token(actions="none"))
    assert done.code == 1
    assert "champion would be forgotten" in done.annotations[0]
    assert "actions=read" in done.annotations[0]


def test_a_store_that_is_here_already_stays(stage):
    upload(stage, put_store(stage, "first"))
    assert restored(stage).outputs == {"needed": "true", "restored": "false"}
    assert names(stage) == ["first"]


def test_what_a_server_or_the_machine_keeps_is_left_alone(stage, tmp_path):
    for uri in ("https://mlflow.example.org", f"sqlite:///{tmp_path}/elsewhere.db"):
        done = restored(stage, MLFLOW_TRACKING_URI=uri)
        assert done.outputs == {"needed": "false", "restored": "false"}
        done = stage.task("store", "keep", "--branch", "development", MLFLOW_TRACKING_URI=uri)
        assert done.outputs == {"needed": "false", "path": "", "bytes": "0"}
    assert stage.calls() == []


def test_a_store_in_use_is_kept_as_it_was_between_two_changes(stage):
    put_store(stage, "first")
    with contextlib.closing(sqlite3.connect(stage.folder / ".mlflow" / "mlflow.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("INSERT INTO experiments VALUES ('committed')")
        database.commit()
        database.execute("INSERT INTO experiments VALUES ('not committed')")
        done = stage.task("store", "keep", "--branch", "development")
    assert done.code == 0, done.text
    upload(stage, done)
    forget(stage)
    restored(stage)
    assert names(stage) == ["first", "committed"]


def test_without_a_training_there_is_nothing_to_keep(stage):
    done = stage.task("store", "keep", "--branch", "development")
    assert (done.code, done.outputs["path"]) == (0, "")
