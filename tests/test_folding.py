"""What is shown fits a narrow terminal; files and pipes get the lines as they are."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsgen.cli import prompts
from mlopsgen.cli.console import TextEvents, agreed, style
from mlopsgen.cli.folding import folded, seen
from mlopsgen.cli.prompts import draw_table
from mlopsgen.events import LogLine, Note
from mlopsgen.forge.values import Kind
from mlopsgen.remote.plan import Act, Item, Plan
from mlopsgen.remote.plan_text import plan_lines
from mlopsgen.secret_value import SecretValue, remembered
from tests.canaries import canary
from tests.in_process import mlopsgen


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("short", ["short"]),
        ("one two three four five six", ["one two three four", "five six"]),
        ("ok     one two three four", ["ok     one two three", "       four"]),
        ("         next: one two three", ["         next: one", "           two three"]),
        ("error: one two three four", ["error: one two three", "       four"]),
        ("  a-word-that-is-longer-than-a-line", ["  a-word-that-is-longer-than-a-line"]),
        ("  git push --force-with-lease", ["  git push --force-with-lease"]),
        ("  mlopsgen run   (trains it again)", ["  mlopsgen run", "      (trains it", "      again)"]),
        ("  x      name  what it is for", ["  x      name", "         what it is", "         for"]),
        ("  Pull requests  /a/b/c two", ["  Pull requests", "    /a/b/c two"]),
        ("  at     /a/long/address (it)", ["  at", "    /a/long/address", "         (it)"]),
        ("  log: /Ada's own work/log.txt", ["  log:", "    /Ada's own work/log.txt"]),
        ("  /my work/a log.txt   (the log: it)", ["  /my work/a log.txt", "    (the log: it)"]),
        ("next: /a/b is missing in it", ["next: /a/b is", "      missing in it"]),
        ("ok     see /a/much/longer/one.txt now", ["ok     see", "  /a/much/longer/one.txt", "       now"]),
    ],
)
def test_a_line_is_folded_below_what_it_belongs_to(line: str, lines: list[str]) -> None:
    assert folded(line, 20).split("\n") == lines


@given(st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=20), st.integers(30, 60))
def test_no_word_is_lost_and_no_line_is_too_long(words: list[str], width: int) -> None:
    text = folded(" ".join(words), width)
    assert text.split() == words
    assert all(len(line) <= width for line in text.split("\n"))


ADDRESS = "https://kubeflow.ml.example.org/pipeline/apis/v2beta1"


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", "40")
    return 40


def fits(text: str, width: int) -> bool:
    """Whether the terminal breaks nothing but words that are longer than a line."""
    return all(len(line) <= width or len(line.split()) == 1 for line in text.split("\n"))


def test_a_table_and_a_plan_keep_addresses_whole(narrow: int) -> None:
    table = draw_table({"Address": ADDRESS, "Kubeflow": "none of the branches, for now at least"}, colour=False)
    plan = plan_lines(Plan((Item(act=Act.CREATE, kind=Kind.VARIABLE, name="ENDPOINT", detail=ADDRESS),)), width=narrow)
    for text in (table, "\n".join(plan)):
        assert ADDRESS in text.split()
        assert fits(text, narrow)
    assert "\nAddress\n" in table
    assert "Kubeflow  none of the branches, for\n          now at least\n" in table


def test_lines_of_a_training_and_questions_end_between_words(
    narrow: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = StringIO()
    told = "  data/sources.yaml:7: the column 'price' is missing in the table"
    TextEvents(said, colour=False, live=True)(LogLine(message=told))
    assert fits(said.getvalue(), narrow)
    assert " ".join(said.getvalue().split()) == told.strip()
    piped = StringIO()
    TextEvents(piped, colour=False)(LogLine(message=told))
    assert piped.getvalue() == f"{told}\n"
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    assert agreed("Look at 3 repositories of acme and open a pull request?", default=False)
    assert fits(capsys.readouterr().err, narrow)


def test_a_secret_is_covered_before_a_line_is_broken(narrow: int) -> None:
    said = StringIO()
    with remembered():
        value = SecretValue(f"{'word ' * 12}{canary('folded')}")
        TextEvents(said, colour=False, live=True)(LogLine(message=f"told: {value.reveal()}"))
        TextEvents(said, colour=False, live=True)(Note(message=f"told: {value.reveal()}"))
    assert "word" not in said.getvalue()


def test_choices_end_between_words(narrow: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Chosen:
        def unsafe_ask(self) -> str:
            return "here"

    def select(_: str, *, choices: list[Any], **__: object) -> Chosen:
        shown.extend(choice.title for choice in choices)
        return Chosen()

    monkeypatch.setattr(prompts.questionary, "select", select)
    words = "GitHub: a repository with its environments, secrets and protection"
    assert prompts.TerminalPrompter(colour=False).choose("To", "Where", [("here", words)], "here") == "here"
    assert " ".join(shown[0].split()) == words
    assert fits(f"  To {shown[0]}", narrow)


def test_styles_take_no_columns() -> None:
    line = f"{style('ok    ', 'green', colour=True)} {'x' * 10}"
    assert seen(line) == 17
    assert folded(line, 17) == line
    words = f"{style('ok    ', 'green', colour=True)} one two three"
    assert folded(words, 14).split("\n") == [words[:-6], "       three"]
    assert folded(line, 16).split("\n") == [line[:-11], f"  {'x' * 10}"]


def test_a_narrow_terminal_gets_folded_lines_and_a_pipe_whole_ones(environ: dict[str, str], tmp_path: Path) -> None:
    whole = mlopsgen("schema", cwd=tmp_path, environ=environ).stdout
    assert "  answers        The answers file of 'mlopsgen init --answers FILE'.\n" in whole
    child = pexpect.spawn(
        sys.executable, ["-m", "mlopsgen", "schema"], cwd=tmp_path,
        env={**environ, "TERM": "xterm", "COLUMNS": ""}, dimensions=(60, 40), encoding="utf-8", timeout=60,
    )  # fmt: skip
    child.expect(pexpect.EOF)
    lines = child.before.replace("\r", "").split("\n")
    # A word that fits nowhere stays whole.
    assert all(len(line) <= 40 or len(line.split()) <= 2 for line in lines)
    assert "".join(child.before.split()) == "".join(whole.split())
    child = pexpect.spawn(
        sys.executable, ["-m", "mlopsgen", "completion", "bash"], cwd=tmp_path,
        env={**environ, "TERM": "xterm", "COLUMNS": ""}, dimensions=(60, 40), encoding="utf-8", timeout=60,
    )  # fmt: skip
    child.expect(pexpect.EOF)
    assert child.before.replace("\r", "") == mlopsgen("completion", "bash", cwd=tmp_path, environ=environ).stdout
