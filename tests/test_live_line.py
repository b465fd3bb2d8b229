"""The line of a terminal that says what is being done: it moves, comes back after lines of a log, and goes in time."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable

import pytest

from mlopsgen.cli import live_line
from mlopsgen.cli.console import TextEvents, settle
from mlopsgen.events import LogLine, Note, Progress, StepDone, StepStarted, Waiting


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_line, "_QUIET", 0.0)
    monkeypatch.setattr(live_line, "_BEAT", 0.001)


def wait_for(seen: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < end, "it never came"
        threading.Event().wait(0.001)


def last(stream: io.StringIO) -> str:
    """What stands on the last line of the terminal."""
    return stream.getvalue().rpartition("\n")[2].rpartition("\x1b[K")[2]


def test_a_long_step_moves_and_says_how_long_it_takes() -> None:
    stream = io.StringIO()
    events = TextEvents(stream, colour=False, live=True)
    events(StepStarted(message="Working"))
    wait_for(lambda: all(f"  Working ... {mark} 0 s" in stream.getvalue() for mark in "|/-"))
    events(StepDone(message="worked"))
    assert last(stream) == ""
    assert stream.getvalue().endswith("\x1b[K  done: worked\n")


def test_what_is_waited_for_stays_below_the_lines_of_its_log() -> None:
    stream = io.StringIO()
    events = TextEvents(stream, colour=False, live=True)
    events(Waiting(message="development #1"))
    events(LogLine(message="a line"))
    assert "a line\n" in stream.getvalue()
    wait_for(lambda: last(stream).startswith("  development #1 ... "))
    events(Note(message="over"))
    assert last(stream) == ""


def test_nothing_moves_once_a_person_is_asked() -> None:
    stream = io.StringIO()
    events = TextEvents(stream, colour=False, live=True)
    for event in (Waiting(message="x"), Progress(message="y", done=1, total=2)):
        events(event)
        settle(events)
        before = stream.getvalue()
        threading.Event().wait(0.02)
        assert stream.getvalue() == before
        assert last(stream) == ""


def test_pipes_get_nothing_of_it() -> None:
    stream = io.StringIO()
    events = TextEvents(stream, colour=False)
    events(Waiting(message="x"))
    events(StepStarted(message="y"))
    threading.Event().wait(0.02)
    assert stream.getvalue() == "  y ...\n"


def test_a_terminal_that_is_gone_ends_nothing() -> None:
    stream = io.StringIO()
    events = TextEvents(stream, colour=False, live=True)
    events(StepStarted(message="Working"))
    stream.close()
    threading.Event().wait(0.02)


def test_a_narrow_terminal_keeps_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    stream = io.StringIO()
    TextEvents(stream, colour=False, live=True)(StepStarted(message="Rendering a template with a long name"))
    wait_for(lambda: " ... " in last(stream) and last(stream).endswith(" s") and len(last(stream)) == 29)
