"""``helpers.ci decide``: what trains, what does not, and that both are said."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ci_toys import Stage, report, staged

PUSH: dict[str, Any] = {"created": False, "before": "1" * 40}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made


def decided(stage: Stage, branch: str = "development", **more: Any) -> tuple[str, str]:
    done = stage.task("decide", "--branch", branch, payload=more.pop("payload", PUSH), **more)
    assert done.code == 0, done.text
    assert ("No training" in done.summary) == (done.outputs["train"] == "false")
    return done.outputs["train"], done.outputs["reason"]


def test_without_an_earlier_report_it_trains(stage):
    assert decided(stage) == ("true", "there is no report of an earlier training of development")


CASES: list[tuple[dict[str, str], bool]] = [
    ({"README.md": "words"}, False),
    ({"docs/a.md": "words", "tests/test_x.py": "", "notebooks/n.ipynb": "{}"}, False),
    ({"data/README.md": "words"}, False),
    ({".github/workflows/staging.yml": "on: push"}, False),
    ({"src/pipelines/staging/config.yaml": "version: 1"}, False),
    ({".github/workflows/development.yml": "on: push"}, True),
    ({"src/pipelines/development/config.yaml": "version: 1"}, True),
    ({"src/steps/new.py": "", "README.md": "more words"}, True),
    ({"requirements.txt": ""}, True),
    ({"src/notes.md": "a model may read it"}, True),
    ({"data/sample/more.csv": "1"}, True),
    ({"gr\u00fc\u00dfe & $(id).txt": "1"}, True),
]


def test_what_changed_since_the_last_training_decides(stage):
    for files, trains in CASES:
        stage.training("development", stage.git("rev-parse", "HEAD"))
        stage.commit(push=False, **files)
        train, reason = decided(stage)
        assert (train, files) == ("true" if trains else "false", files), reason
        assert any(name in reason for name in files)


def test_changes_of_all_commits_since_then_count(stage):
    stage.training("development")
    stage.commit(**{"src/steps/new.py": "x = 1"})
    stage.commit(**{"docs/a.md": "words"})
    assert decided(stage)[0] == "true"


def test_a_renamed_file_counts_with_both_names(stage):
    stage.training("development")
    stage.git("mv", "src/steps/train_model.py", "docs/train_model.py")
    stage.commit()
    train, reason = decided(stage)
    assert train == "true"
    assert "src/steps/train_model.py" in reason


def test_a_clone_without_history_asks_github(stage, tmp_path):
    stage.training("development")
    stage.commit(**{"docs/a.md": "words"})
    clone = ["clone", "--quiet", "--depth", "1", "--branch", "development"]
    stage.git(*clone, f"file://{stage.there.folder}", str(tmp_path / "shallow"))
    assert decided(stage, cwd=tmp_path / "shallow")[0] == "false"
    stage.commit(**{"src/steps/new.py": ""})
    inside = ("-C", str(tmp_path / "shallow"))
    stage.git(*inside, "fetch", "--quiet", "--depth", "1", "origin", "development")
    stage.git(*inside, "reset", "--quiet", "--hard", "FETCH_HEAD")
    train, reason = decided(stage, cwd=tmp_path / "shallow")
    assert (train, "src/steps/new.py" in reason) == ("true", True)


def test_a_commit_that_is_no_longer_in_the_history_trains_and_says_so(stage):
    stage.training("development", stage.commit(**{"src/steps/new.py": ""}))
    stage.git("reset", "--quiet", "--hard", "HEAD~1")
    stage.commit(**{"docs/a.md": "words"})
    assert "no longer in the history of the branch" in decided(stage)[1]
    stage.training("development", "1" * 40)
    assert "no longer in the repository" in decided(stage)[1]


def test_a_training_of_local_changes_or_of_an_unknown_commit_does_not_count(stage):
    for commit in ("", "1" * 40 + "-dirty", "--upload-pack=x"):
        files = {"report.json": json.dumps(report("development", commit))}
        stage.training("development", files=files)
        assert decided(stage) == ("true", "the last report does not say which commit was trained")


def test_an_expired_or_damaged_report_is_passed_over_and_said(stage):
    run = stage.training("development")
    stage.commit(**{"docs/a.md": "words"})
    artifact = next(iter(stage.there.artifacts.values()))
    artifact.expired = True
    train, reason = decided(stage)
    assert train == "true"
    assert "retention has ended" in reason
    artifact.expired = False
    artifact.content = b"PK\x03\x04 no zip"
    assert "damaged" in decided(stage)[1]
    stage.training("development", run.commit)  # the newest one that can be read counts
    assert decided(stage)[0] == "false"


def test_the_push_that_creates_a_branch_trains_only_on_development(stage):
    created = {"created": True, "before": "0" * 40}
    assert decided(stage, payload=created) == ("true", "the first push of the branch")
    train, reason = decided(stage, "staging", payload=created)
    assert train == "false"
    assert "creates staging" in reason
    assert stage.calls() == []
    assert decided(stage, "staging")[0] == "true"


def test_a_dispatch_always_trains_and_says_who_asked(stage):
    stage.training("development")
    done = stage.task("decide", "--branch", "development", event="workflow_dispatch", payload={"inputs": None})
    assert done.outputs == {"train": "true", "trigger": "dispatch", "reason": "started by hand"}
    hostile = 'why\n::error::no\ntrain=false "; $(id) <b> `x`'
    inputs = {"reason": hostile, "trigger": "data"}
    done = stage.task("decide", "--branch", "development", event="workflow_dispatch", payload={"inputs": inputs})
    assert (done.outputs["trigger"], done.annotations) == ("data", [])
    assert done.outputs["reason"] == "why ::error::no train=false \"; $(id) (b) 'x'"


def test_a_dispatch_on_another_branch_or_a_tag_trains_nothing(stage):
    for more in ({"branch": "feature"}, {"GITHUB_REF_TYPE": "tag"}):
        asked = {"event": "workflow_dispatch", "payload": {"inputs": {}}}
        done = stage.task("decide", "--branch", "development", **asked, **more)
        assert (done.outputs["train"], done.outputs["trigger"]) == ("false", "dispatch")
        assert "this workflow trains development" in done.outputs["reason"]


def test_running_the_same_commit_again_trains_again(stage):
    stage.training("development")
    assert decided(stage)[0] == "false"
    train, reason = decided(stage, GITHUB_RUN_ATTEMPT="2")
    assert train == "true"
    assert "again" in reason


def test_what_goes_wrong_with_github_trains_rather_than_not(stage):
    stage.training("development")
    train, reason = decided(stage, token=stage.token(actions="none"))
    assert train == "true"
    assert "403" in reason
    stage.github.faults.add("502", times=0, kind="rest")
    assert decided(stage)[0] == "true"
    stage.github.faults.clear()
    stage.github.faults.add("502", times=2, kind="rest")
    assert decided(stage)[0] == "false"


def test_other_events_and_options_are_refused_in_words(stage):
    done = stage.task("decide", "--branch", "development", event="schedule")
    assert done.code == 2
    assert "A 'schedule' does not train." in done.annotations[0]
    assert stage.task("decide", "--branch", "main").code == 2
    assert stage.task("decide").code == 2
    done = stage.task("decide", "--branch", "development", GITHUB_EVENT_PATH="/nowhere", payload={})
    assert (done.code, "cannot be read" in done.text) == (2, True)


def test_it_needs_nothing_but_the_standard_library(stage):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import helpers.ci.decide, helpers.ci.image_tag, helpers.ci.watch, helpers.ci.status, helpers.ci.__main__\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(stage.folder / "src")]
    seen = subprocess.run(command, capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "['__main__', 'helpers']"
