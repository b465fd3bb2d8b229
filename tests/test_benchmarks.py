"""The benchmark runner measures what it says; no test here looks at how long anything took."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from benchmarks import fleet, objects, outcome, pushing
from benchmarks.measure import Contender, Timing, take_turns
from tests import template_environment
from tests.template_environment import ROOT


def test_contenders_take_turns_after_a_warm_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = "import sys, pathlib; assert not list(pathlib.Path().iterdir()); open(sys.argv[1], 'a').write(sys.argv[2])"

    def contender(name: str) -> Contender:
        return Contender(name=name, command=lambda folder: [sys.executable, "-c", code, log, name], environ={})

    timings = take_turns([contender("a"), contender("b")], repetitions=2)
    assert log.read_text(encoding="utf-8") == "ababab"
    assert [(timing.name, len(timing.runs)) for timing in timings] == [("a", 2), ("b", 2)]


def test_a_contender_that_fails_or_does_something_else_stops_the_measurement() -> None:
    failing = Contender(name="it", command=lambda folder: [sys.executable, "-c", "exit('no')"], environ={})
    with pytest.raises(RuntimeError, match="it ended with 1:\nno"):
        take_turns([failing], repetitions=1)

    def refuse(folder: Path) -> None:
        raise RuntimeError(f"nothing in {folder.name}")

    idle = Contender(name="idle", command=lambda folder: [sys.executable, "-c", ""], environ={}, check=refuse)
    with pytest.raises(RuntimeError, match="nothing in"):
        take_turns([idle], repetitions=1)


def test_the_table_says_what_was_measured() -> None:
    figure = outcome.Figure(
        key="P9",
        title="waiting",
        goal="less",
        met=False,
        finding="3.00 times.",
        timings=[Timing("ours", (0.3, 0.2, 0.4)), Timing("peer", (1.5, 1.0, 1.2))],
    )
    document = outcome.document([figure], {"peer": "1.2"})
    assert json.loads(json.dumps(document)) == document
    assert document["figures"][0]["rows"][0] == {
        "name": "ours",
        "least_seconds": 0.2,
        "median_seconds": 0.3,
        "runs_seconds": [0.3, 0.2, 0.4],
    }
    text = outcome.markdown(document)
    assert "Goal: less — **not met**. 3.00 times." in text
    assert "| ours | 200 ms | 300 ms | 3 |" in text
    assert "| peer | 1.00 s | 1.20 s | 3 |" in text
    assert "peer 1.2" in text


def test_the_pipeline_gives_the_same_results_as_a_plain_script(
    mlopsgen: Callable[..., CompletedProcess[str]], tmp_path: Path, home: Path
) -> None:
    """P5 compares their times; that is only fair while they do the same."""
    repository = tmp_path / "a repository"
    assert mlopsgen("init", "--defaults", str(repository)).returncode == 0

    def train(name: str, *arguments: str) -> dict[str, Any]:
        template_environment.run(
            repository,
            home,
            *arguments,
            PYTHONPATH=str(repository / "src"),
            MLOPSGEN_ROOT=str(repository),
            MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path}/{name}.db",
        )
        report = next((tmp_path / name).rglob("report.json"))
        decision: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))["decision"]
        return decision

    script = train("script", str(ROOT / "benchmarks" / "bare_training.py"), str(repository), str(tmp_path / "script"))
    run = ["-m", "pipelines.development.main", "run", "--run-directory", str(tmp_path / "pipeline")]
    assert train("pipeline", *run) == script
    assert script["metrics"]


def test_calls_that_wait_for_each_other_are_in_different_rounds() -> None:
    """P3's critical path is what the calls need, not the order in which the tool happens to make them."""
    repository = "/repos/acme/wine"
    made = [
        ("GET", repository),
        ("GET", "/user"),
        ("GET", "/orgs/acme"),
        ("POST", "/orgs/acme/repos"),
        ("PUT", f"{repository}/environments/staging"),
        ("GET", f"{repository}/environments/staging/secrets/public-key"),
        ("PUT", f"{repository}/environments/staging/secrets/ONE"),
        ("PUT", f"{repository}/environments/staging/secrets/TWO"),
        ("POST", f"{repository}/environments/staging/variables"),
        ("GET", "/acme/wine.git/info/refs?service=git-receive-pack"),
        ("POST", "/acme/wine.git/git-receive-pack"),
        ("PATCH", repository),
        ("GET", "/acme/wine.git/info/refs?service=git-receive-pack"),
        ("POST", "/acme/wine.git/git-receive-pack"),
        ("POST", f"{repository}/rulesets"),
        ("GET", repository),
        ("GET", f"{repository}/rulesets"),
        ("GET", f"{repository}/rulesets/7"),
    ]
    calls = [
        pushing.Call(
            method=method,
            path=path,
            started=float(number),
            seconds=0.2 if "ONE" in path else 0.1,
            writes=method != "GET" or "receive-pack" in path,
            is_git=".git/" in path,
        )
        for number, (method, path) in enumerate(made)
    ]
    rounds = pushing.rounds_of(calls)
    assert [len(each) for each in rounds.values()] == [2, 1, 1, 1, 2, 2, 1, 1, 2, 1, 1, 1, 1, 1]
    push = pushing.Push(seconds=2.0, calls=calls)
    assert round(push.alone, 6) == 1.9
    assert round(push.path, 6) == 1.5
    again = pushing.rounds_of(calls[-3:])
    assert [len(each) for each in again.values()] == [1, 1, 1]


def test_a_figure_that_is_measured_alone_takes_its_place_beside_the_others() -> None:
    def measured(key: str, seconds: float) -> dict[str, Any]:
        timings = [Timing("ours", (seconds,))]
        figure = outcome.Figure(key=key, title="t", goal="g", met=True, finding="f", timings=timings)
        return outcome.document([figure], {})

    both = outcome.merged(outcome.merged(measured("P2", 1), measured("P1", 2)), measured("P2", 3))
    assert [(figure["id"], figure["rows"][0]["least_seconds"]) for figure in both["figures"]] == [("P1", 2), ("P2", 3)]
    yesterday = {**both, "figures": [figure | {"measured": "2026-11-20"} for figure in both["figures"]]}
    mixed = outcome.merged(yesterday, measured("P2", 4))
    assert [figure["measured"] for figure in mixed["figures"]] == ["2026-11-20", mixed["measured"]]
    with pytest.raises(ValueError, match="another machine"):
        outcome.merged({**both, "machine": {}}, both)
    with pytest.raises(ValueError, match="other versions"):
        outcome.merged({**both, "versions": {}}, both)


def test_the_store_of_objects_lists_as_many_as_its_name_says() -> None:
    """P7: the pages follow each other, and a change is one object's."""

    def page(bucket: str, **query: str) -> str:
        return objects.page(bucket, query, touched=0)

    first = page("objects-1500-a", prefix="data/")
    assert first.count("<Contents>") == 1000
    assert "<NextContinuationToken>1000</NextContinuationToken>" in first
    rest = page("objects-1500-a", prefix="data/", **{"continuation-token": "1000"})
    assert rest.count("<Contents>") == 500
    assert "<IsTruncated>false</IsTruncated>" in rest
    changed = objects.page("objects-1500-a", {"prefix": "data/"}, touched=1)
    assert sum(a != b for a, b in zip(first.split("<Contents>"), changed.split("<Contents>"), strict=True)) == 1


def test_a_fleet_is_measured_for_each_repository_and_beside_the_faster_peer() -> None:
    """P4: the least favourable size and distance count; a loop counts whole, its update command alone is told."""

    def ours(seconds: float, peak: int = 70) -> tuple[fleet.Run, fleet.Run]:
        return fleet.Run(seconds, 3, 7, peak * 2**20, 0.25), fleet.Run(seconds / 2, 1, 3, peak * 2**20, 0.1)

    def figure(largest: float, peak: int = 70) -> outcome.Figure:
        runs = {
            (latency, size): ours(largest if size == 1000 else 0.2, peak if size == 1000 else 70)
            for latency in fleet.LATENCIES
            for size in fleet.SIZES
        }
        quick, slow = (
            [fleet.Loop(1.0, 0.6, 1.1), fleet.Loop(1.2, 0.8, 1.3), fleet.Loop(9.0, 9.0, 1.5)],
            [fleet.Loop(4.0, 3.0, 5.0)],
        )
        loops = {
            (latency, peer): quick if peer == "cruft" else slow for latency in fleet.LATENCIES for peer in fleet.PEERS
        }
        return fleet.figure_of(runs, loops)

    assert figure(0.2).met
    assert "6.0 to 6.0 times faster than the faster loop" in figure(0.2).finding
    assert "with 1,000: 4.0 and 4.0 times faster than its update command alone" in figure(0.2).finding
    assert "3.0 calls of the API and 7.0 requests of git (1.0 and 3.0 when it is done already)" in figure(0.2).finding
    assert "0.25 s, beside 1.30 s in cruft's loop and 5.00 s in copier's loop" in figure(0.2).finding
    assert not figure(0.26).met, "slower for each of 1,000 than of 100"
    assert not figure(0.2, peak=110).met, "more memory"
    assert not figure(0.41).met, "less than 3 times as fast"
