"""Artifacts of earlier runs: whose may be trusted, and what may be in them."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import found_in
from tests.ci_toys import NAME, Stage, packed, report, staged

PUSH: dict[str, Any] = {"created": False}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made


def decided(stage: Stage, **more: Any) -> tuple[str, str]:
    """Whether a push trains: it does not when the report of its own commit counts."""
    done = stage.task("decide", "--branch", "development", payload=PUSH, **more)
    assert done.code == 0, done.text
    assert not found_in(done.text), "the token, or a signature"
    return done.outputs["train"], done.outputs["reason"]


def offer(stage: Stage, content: bytes | None = None, **of: Any) -> None:
    """A report of the branch's newest commit, in an artifact of a run."""
    run = stage.github.add_run(NAME, **{"workflow": "development.yml", "branch": "development", **of})
    commit = stage.there.branches["development"]
    whole = packed({"report.json": json.dumps(report("development", commit))})
    stage.github.add_artifact(NAME, run.id, "report-development", whole if content is None else content)


RUNS: list[tuple[dict[str, str], bool]] = [
    ({}, True),
    ({"event": "workflow_dispatch", "conclusion": "failure"}, True),
    ({"workflow": "follow-up.yml", "event": "repository_dispatch"}, True),
    ({"head_repository": "eve/heart-rate"}, False),
    ({"head_repository": "eve/heart-rate", "event": "pull_request"}, False),
    ({"workflow": "pull-request.yml", "event": "pull_request"}, False),
    ({"workflow": "staging.yml"}, False),
    ({"branch": "feature"}, False),
    ({"event": "pull_request"}, False),
    ({"workflow": "follow-up.yml", "event": "push"}, False),
    ({"workflow": "follow-up.yml", "event": "repository_dispatch", "head_repository": "eve/heart-rate"}, False),
]


def test_only_the_branchs_own_runs_are_believed(stage):
    for of, counts in RUNS:
        stage.there.artifacts.clear()
        offer(stage, **of)
        train, reason = decided(stage)
        assert (train, of) == ("false" if counts else "true", of)
        assert ("no report" in reason) != counts


def test_a_newer_report_of_a_stranger_does_not_hide_an_older_one(stage):
    offer(stage)
    for _ in range(120):
        offer(stage, b"", head_repository="eve/heart-rate")
    assert decided(stage)[0] == "false"
    assert len([call for call in stage.calls() if "actions/runs/" in call]) == 1


def link() -> bytes:
    """A zip file with a symbolic link."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        info = zipfile.ZipInfo("report.json")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return memory.getvalue()


def twice() -> bytes:
    """A zip file that holds a name twice."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", "2")
    return memory.getvalue()


def test_what_is_no_plain_archive_of_a_report_is_refused_and_said(stage):
    outside = stage.folder.parent / "outside.txt"
    cases = {
        "not allowed": [
            packed({"../../outside.txt": "x"}),
            packed({str(outside): "x"}),
            packed({"a\\..\\b": "x"}),
            packed({"C:evil": "x"}),
            link(),
        ],
        "twice": [twice()],
        "damaged": [b"", b"PK", packed({"report.json": "{}"})[:-20]],
        "larger than allowed": [packed({"report.json": b"0" * 60_000_000})],
        "no report.json": [packed({"other.json": "{}"})],
        "cannot be read": [packed({"report.json": "{"}), packed({"report.json": "[" * 100_000})],
        "no report that this version knows": [packed({"report.json": "[]"}), packed({"report.json": '{"version": 2}'})],
    }
    for words, contents in cases.items():
        for content in contents:
            stage.there.artifacts.clear()
            offer(stage, content)
            train, reason = decided(stage)
            assert (train, words in reason) == ("true", True), (words, reason)
    assert not list(stage.folder.parent.rglob("outside.txt"))


def test_what_changed_on_the_way_is_noticed(stage):
    offer(stage)
    one = next(iter(stage.there.artifacts.values()))
    real = one.content

    def swap(_: object) -> None:
        one.content = packed({"report.json": "{}"})

    stage.github.faults.before(1, swap, path="/zip")
    train, reason = decided(stage)
    assert (train, "checksum" in reason) == ("true", True)
    one.content = real
    assert decided(stage)[0] == "false"


def test_a_limit_is_waited_for_when_it_ends_soon_and_said_when_not(stage):
    offer(stage)
    stage.github.faults.add("secondary-retry-after", retry_after=1)
    assert decided(stage)[0] == "false"
    stage.github.limit_calls(1)
    train, reason = decided(stage)
    assert train == "true"
    assert "used up the calls" in reason
