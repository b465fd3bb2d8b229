"""No video is older than the product: what its transcript says is compared with what happens today.

The scenes of the first video are played again, without drawing them. Of the second one, which trains for minutes, what
is cheap: the code and the change, the jobs and steps of the workflows, the words of the reports.
"""

from __future__ import annotations

import ast
import difflib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests import template_environment
from tests.once import once
from tests.tutorial_compare import settled
from videos import cluster, video_make, video_train, world
from videos.captions import read_vtt
from videos.places import DEMO, HERE, ROOT
from videos.transcript import Part, Transcript, read

STALE = "The video is older than the product: 'make videos VIDEO={}' makes it again. What differs:\n{}"


@dataclass(frozen=True)
class Today:
    """What the scenes of the first video come to today.

    Attributes:
        home: The home of the person in it.
        parts: What is seen.
        repository: The repository, with the code of the second video in it, not committed.
    """

    home: Path
    parts: list[Part]
    repository: Path


@pytest.fixture(scope="module")
def today(tmp_path_factory) -> Today:
    return once(tmp_path_factory, "video", _play)


def _play(folder: Path) -> Today:
    # A home with a short name, as that of the videos: lines break alike.
    with tempfile.TemporaryDirectory() as short, world.opened(Path(short) / "ada") as there:
        film = video_make.play(there)
        repository = shutil.copytree(there.home / "wine-quality", folder / "wine-quality", symlinks=True)
    code = cluster.lay_code(folder, "http://127.0.0.1:1/winequality-red.csv")
    shutil.copytree(code, repository, dirs_exist_ok=True)
    return Today(there.home, film.transcript.parts, repository)


def shown(name: str) -> list[Part]:
    return read((HERE / f"{name}.txt").read_text(encoding="utf-8"))


def compared(parts: list[Part], home: Path = DEMO) -> list[str]:
    """What is compared: not ports, times, ids, nor the order of what is done at the same time."""
    found = []
    for part in parts:
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", f"{part.place}\n{part.text}".replace(str(home), "~"))
        said = [line for line in settled(text) if not line.startswith("Waiting:")]
        done = [line for line in said if line.startswith("  done: ")]
        found += [part.chapter, *[line for line in said if line not in done], *sorted(done)]
    return found


def compare(number: int, film: list[str], product: list[str]) -> None:
    differs = "\n".join(difflib.unified_diff(film, product, "the video", "today", lineterm="", n=2))
    assert not differs, STALE.format(number, differs)


def test_the_first_video_shows_what_its_scenes_show_today(today):
    compare(1, compared(shown(video_make.NAME)), compared(today.parts, today.home))


@pytest.fixture
def repository(today) -> Path:
    return today.repository


def printed(command: str) -> str:
    """What a command printed in the second video."""
    for part in shown(video_train.NAME):
        found = re.search(rf"\$ {re.escape(command)}\n(.*?)^~\S* \$", part.text, re.DOTALL | re.MULTILINE)
        if part.place == "Terminal" and found:
            return found[1]
    raise LookupError(command)


def test_the_second_video_puts_todays_code_in_place(repository):
    told = subprocess.run(
        ["git", "status", "--short"], cwd=repository, capture_output=True, text=True, encoding="utf-8", check=True
    ).stdout
    compare(2, printed("git status --short").splitlines(), told.splitlines())
    opened = {
        part.place.removeprefix("JupyterLab "): part.text
        for part in shown(video_train.NAME)
        if part.place.startswith("JupyterLab ")
    }
    assert len(opened) == 2
    for path, text in opened.items():
        compare(2, text.splitlines(), (repository / path).read_text(encoding="utf-8").rstrip("\n").splitlines())


def test_the_second_videos_change_can_be_made_today(repository):
    change = printed("git diff --unified=0")
    lines = [line for line in change.splitlines() if re.match(r"[+-](?![+-])", line)]
    assert sum(line.startswith("+") for line in lines) == 4
    improvement = (ROOT / "example" / "improvement.patch").read_text(encoding="utf-8").splitlines()
    compare(2, lines, [line for line in lines if line in improvement])
    done = subprocess.run(
        ["git", "apply", "--check", "--unidiff-zero"],
        cwd=repository, input=change, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, STALE.format(2, done.stderr)


def jobs(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """The jobs that a page of a run shows: name, state, the steps that were not left out."""
    for block in text.split("\n\n")[1:]:
        head, *steps = block.splitlines()
        name, state = head.split(": ")
        yield name, state, [step.strip().rpartition(": ")[0] for step in steps]


@pytest.mark.parametrize("branch", ["development", "staging"])
def test_the_second_videos_runs_have_the_jobs_and_steps_of_todays_workflows(repository, branch):
    workflow = yaml.safe_load((repository / ".github" / "workflows" / f"{branch}.yml").read_text(encoding="utf-8"))
    runs = [part for part in shown(video_train.NAME) if part.place.startswith(f"the run of {branch}.yml")]
    assert runs
    for part in runs:
        for name, state, steps in jobs(part.text):
            today = [
                (each.get("name") or each["uses"].partition("@")[0], "if" in each)
                for each in workflow["jobs"][name]["steps"]
            ]
            seen = (
                today
                if state == "success"
                else today[: max((n + 1 for n, (each, _) in enumerate(today) if each in steps), default=0)]
            )
            compare(2, steps, [each for each, may_be_left_out in seen if each in steps or not may_be_left_out])


RENDER = """
import json, sys
from helpers.records import Report
from helpers.report_markdown import markdown
for report in json.load(sys.stdin).values():
    print(markdown(Report.model_validate(report)))
"""


def test_the_second_videos_reports_have_the_words_of_today(tmp_path):
    reports = [part.text for part in shown(video_train.NAME) if part.place.startswith("report.html")]
    assert len(reports) == 2
    told = subprocess.run(
        [template_environment.python(), "-c", RENDER],
        input=(HERE / f"{video_train.NAME}.json").read_text(encoding="utf-8"), cwd=ROOT / "template" / "src",
        env=template_environment.environ(tmp_path), capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert told.returncode == 0, STALE.format(2, told.stderr)
    # What else was measured stands in the evaluation, which is not kept.
    compare(
        2,
        *(
            sorted({line for line in text.splitlines() if line and not line.startswith("Also measured:")})
            for text in ("\n".join(reports), told.stdout)
        ),
    )


@pytest.mark.parametrize("scenes", [video_make, video_train])
def test_captions_and_cards_are_those_of_the_scenes(scenes):
    """Those of the second video; of the first they are compared with all the rest as well."""
    spoken = {part.text for part in shown(scenes.NAME) if part.place == "Caption"}
    assert {cue.text for cue in read_vtt((HERE / f"{scenes.NAME}.vtt").read_text(encoding="utf-8"))} == spoken
    source = ast.parse(Path(scenes.__file__).read_text(encoding="utf-8"))
    written = {
        each.value for each in ast.walk(source) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
    compare(int(scenes.NAME[0]), sorted(spoken - written), [])


def test_a_transcript_is_written_and_read():
    made = Transcript()
    made.add("", "Card", "Title\n")
    made.add("1 of 2", "Terminal", "")
    made.add("2 of 2", "http://127.0.0.1:5/", "  one\n\n    two\n")
    made.more(1, "$ echo a\na\n$")
    assert read(str(made)) == [
        Part("", "Card", "Title"), Part("1 of 2", "Terminal", "$ echo a\na\n$"),
        Part("2 of 2", "http://127.0.0.1:5/", "  one\n\n    two"),
    ]  # fmt: skip
