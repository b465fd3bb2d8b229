"""``watch`` compares the data with what the last report says of it, and never starts trainings without end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from toy import Toy

from helpers.data.local import CACHE

STEPS = """
def train(source: str, other: str = "") -> int:
    return 1
"""
PIPELINE = """
version: 1
project: toy
pipelines:
  training:
    parameters: {source: wine, other_source: beer}
    steps:
      - {id: train, uses: "steps.toy:train", with: {other: $other_source}}
"""


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    made = Toy(tmp_path, steps=STEPS, pipeline=PIPELINE)
    (tmp_path / "data" / "many").mkdir(parents=True)
    (tmp_path / "data" / "wine.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for number in range(3):
        (tmp_path / "data" / "many" / f"{number}.csv").write_text(f"a,b\n{number},2\n", encoding="utf-8")
    common = {"target": "b", "task": "regression"}
    sources = {"wine": {"address": "data/wine.csv", **common}, "beer": {"address": "data/many", **common}}
    (tmp_path / "data" / "sources.yaml").write_text(json.dumps({"version": 1, "sources": sources}), encoding="utf-8")
    return made


def watch(toy: Toy, *more: str) -> tuple[int, dict[str, Any]]:
    done = toy.main("watch", "--output", "json", *more)
    answer = json.loads(done.stdout)
    assert done.returncode == answer["exit_code"], done.stderr
    return done.returncode, answer


def remember(toy: Toy, answer: dict[str, Any] | None = None, *, branch: str = "development") -> Path:
    """Writes the report that a training on the data as it is now would leave."""
    path = toy.root / "report.json"
    if answer is None:
        data = [{"name": name, "address": "x", "fingerprint": "sha256:x"} for name in ("wine", "beer")]
    else:
        data = [
            {"name": source["name"], "address": source["address"], **source["now"]}
            for source in answer["data"]["sources"]
        ]
    path.write_text(json.dumps({"branch": branch, "run": {"id": "r1"}, "data": data}), encoding="utf-8")
    return path


def test_without_an_earlier_report_nothing_is_started(toy: Toy) -> None:
    code, answer = watch(toy)
    assert code == 0
    assert answer["data"]["changed"] is False
    assert "no earlier report of development" in answer["data"]["reason"]
    path = toy.root / "report.json"
    path.write_text('{"branch": "development", "run": {"id": "r"}, "data": []}', encoding="utf-8")
    code, answer = watch(toy, "--report", str(path))
    assert code == 0
    assert "names no data" in answer["data"]["reason"]


def test_a_changed_source_is_told_with_what_it_was_and_is(toy: Toy) -> None:
    code, answer = watch(toy, "--report", str(remember(toy)))
    assert code == 8
    assert {source["name"]: source["changed"] for source in answer["data"]["sources"]} == {"wine": True, "beer": True}
    path = remember(toy, answer)
    assert watch(toy, "--report", str(path))[0] == 0
    (toy.root / "data" / "many" / "1.csv").write_text("a,b\n7,2\n", encoding="utf-8")
    code, answer = watch(toy, "--report", str(path))
    assert code == 8
    assert answer["summary"] == "The data of development has changed: beer."
    beer = answer["data"]["sources"][1]
    assert beer["before"]["revision"].startswith("listing:sha256:")
    assert beer["before"] != beer["now"]
    assert answer["data"]["run_id"] == "r1"
    done = toy.main("watch", "--report", str(path))
    assert "same       wine" in done.stdout
    assert "changed    beer  Its content is another one." in done.stdout


def test_files_written_again_with_the_same_content_are_no_change(toy: Toy) -> None:
    path = remember(toy, watch(toy, "--report", str(remember(toy)))[1])
    for file in [toy.root / "data" / "wine.csv", *(toy.root / "data" / "many").iterdir()]:
        os.utime(file, (1_700_000_000, 1_700_000_000))  # as a fresh clone would
    code, answer = watch(toy, "--report", str(path))
    assert code == 0
    assert {source["why"] for source in answer["data"]["sources"]} == {"It was written again with the same content."}


def test_only_what_changed_is_read_again(toy: Toy) -> None:
    path = remember(toy, watch(toy, "--report", str(remember(toy)))[1])
    (toy.root / "data" / "many" / "0.csv").write_text("a,b\n9,9\n", encoding="utf-8")
    unreadable = toy.root / "data" / "many" / "2.csv"
    status = unreadable.stat()
    unreadable.write_bytes(b"X" * status.st_size)  # in place, and with the same times: nobody reads it
    os.utime(unreadable, ns=(status.st_atime_ns, status.st_mtime_ns))
    first = watch(toy, "--report", str(path))[1]["data"]["sources"][1]["now"]["fingerprint"]
    (toy.root / CACHE).unlink()
    second = watch(toy, "--report", str(path))[1]["data"]["sources"][1]["now"]["fingerprint"]
    assert first != second, "without the known digests, every file is read"


def test_a_source_that_the_last_training_did_not_read_starts_no_loop(toy: Toy) -> None:
    path = remember(toy)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["data"] = document["data"][:1]
    path.write_text(json.dumps(document), encoding="utf-8")
    _, answer = watch(toy, "--report", str(path))
    beer = answer["data"]["sources"][1]
    assert not beer["changed"]
    assert "did not read it" in beer["why"]


def test_what_cannot_be_looked_at_is_an_error_beside_what_was_found(toy: Toy) -> None:
    path = remember(toy)
    (toy.root / "data" / "wine.csv").unlink()
    code, answer = watch(toy, "--report", str(path))
    assert code == 1
    assert answer["error"]["message"] == "The file does not exist."
    assert answer["data"]["sources"][1]["changed"] is True


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"branch": "development", "run": {}, "data": [1]}'])
def test_a_report_that_is_none_is_refused(toy: Toy, text: str) -> None:
    path = toy.root / "report.json"
    path.write_text(text, encoding="utf-8")
    code, answer = watch(toy, "--report", str(path))
    assert code == 1
    assert answer["error"]["where"] == str(path)


def test_the_report_of_another_branch_is_refused(toy: Toy) -> None:
    code, answer = watch(toy, "--report", str(remember(toy, branch="production")))
    assert code == 1
    assert "a report of the branch 'production'" in answer["error"]["message"]
