"""The pictures of terminals in README and documentation are not older than what they show."""

from __future__ import annotations

import re

import pytest

from mlopsgen.answers import BUILT_IN, resolve
from mlopsgen.cli import prompts, topics
from tests.tutorial_compare import difference, settled
from tests.tutorial_pages import Command, steps_of
from tests.tutorial_reader import HOME
from tools import pictures

STALE = "The picture is older than the product: 'make pictures' makes it again."


@pytest.fixture(params=["light", "dark"])
def mode(request) -> str:
    return request.param


def test_the_wizard_asks_today_what_its_picture_shows(mode):
    rows = topics.rows(BUILT_IN, resolve({})) | {"Folder": str(pictures.DESK / "my-model")}
    table = prompts.draw_table(rows, colour=False)
    offered = [f"\u25cb {topic.words}" for topic in topics.topics(BUILT_IN, resolve({}))]
    assert len(offered) > 5
    drawn = pictures.words("wizard", mode)
    missing = [line for line in [*table.split("\n"), *offered] if line.strip() not in drawn]
    assert not missing, f"{STALE}\n{missing}"


def test_a_push_prints_today_what_its_picture_shows(mode):
    """The tutorial has the same push, and the tests of tutorials compare it with a real one."""
    _, *commands = pictures.second_push()
    page = "\n".join(f"$ {command.text}\n{command.shown}" for command in commands)
    drawn, places = pictures.words("push", mode), {str(pictures.DESK): HOME}
    told = difference(page, drawn, places)
    assert not told, f"{STALE}\n{told}"
    # What the tutorial leaves out of its second push stands in its first one.
    first = next(
        each for each in steps_of("first-model.md") if isinstance(each, Command) and "push --local" in each.text
    )
    known = runs(settled(f"{first.shown}\n{page}"))
    unknown = [line for line in runs(settled(drawn, places)) if line not in known]
    assert not unknown, f"{STALE}\n{unknown}"


def runs(lines: list[str]) -> list[str]:
    """What a training tells, of whichever run; not which Python it found on the machine."""
    told = [re.sub(r"(development/|#)\d+", r"\1N", line.removeprefix("remote: ")) for line in lines]
    from_git = re.compile(r"(Enumerating|Counting|Compressing|Writing|Total|Delta|To|environment: Python|\$|\[| ).*")
    return [line for line in told if not from_git.fullmatch(line)]
