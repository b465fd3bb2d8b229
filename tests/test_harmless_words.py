"""What other people wrote (templates, hooks, servers) reaches a terminal as words: nothing in it moves or erases."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from mlopsgen.cli import boundary, console, prompts
from mlopsgen.cli.session import Session, Shown
from mlopsgen.errors import MlopsgenError
from mlopsgen.events import LogLine, Note, Progress, StepDone, StepStarted, Warn
from mlopsgen.result import OperationResult

WORDS = "a\x1b[2Jb\x1b]0;title\x07c\rd\x9b1Ae\u202ef\x7f"
HARMLESS = r"a\x1b[2Jb\x1b]0;title\x07c\rd\x9b1Ae\u202ef\x7f"


def raised() -> Any:
    raise MlopsgenError(WORDS, where=f"at {WORDS}", hint=f"to {WORDS}")


WAYS: dict[str, Callable[[], Any]] = {
    "an error": raised,
    "a result": lambda: OperationResult(summary=WORDS, next_steps=(WORDS,)),
    "a text": lambda: Shown(result=OperationResult(summary=""), text=WORDS),
}


@pytest.mark.parametrize("way", WAYS)
def test_outcomes(way: str, capsys: pytest.CaptureFixture[str]) -> None:
    boundary.run(lambda **_: WAYS[way](), [], {})
    told = "".join(capsys.readouterr())
    assert HARMLESS in told
    assert not set(WORDS).intersection("".join(told.splitlines())) - set(HARMLESS)


@pytest.mark.parametrize("live", [False, True])
def test_progress(live: bool, capsys: pytest.CaptureFixture[str]) -> None:
    def app(obj: Session, **_: Any) -> OperationResult:
        for event in (Warn(message=WORDS, hint=WORDS), Note(message=WORDS), LogLine(message=WORDS)):
            sink(event)
        for step in (StepStarted(message=WORDS), StepDone(message=WORDS), Progress(message=WORDS, done=1, total=2)):
            sink(step)
        return OperationResult(summary="")

    sink = console.TextEvents(sys.stderr, colour=False, live=live)
    boundary.run(app, [], {})
    told = capsys.readouterr().err.replace("\r\x1b[K", "")
    assert told.count(r"\x1b[2J") >= 5
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"}.intersection(told)


def test_questions(capsys: pytest.CaptureFixture[str]) -> None:
    prompts.TerminalPrompter(colour=False).tell(f"{WORDS}\nmore")
    assert capsys.readouterr().out == f"{HARMLESS}\nmore\n"


def test_styles_stay() -> None:
    styled = console.style("done:", "green", colour=True)
    assert console.harmless(f"{styled}\tof\nit\x1b[38;5;1mred\x1b[m") == f"{styled}\tof\nit\x1b[38;5;1mred\x1b[m"
