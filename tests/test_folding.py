"""What is shown fits a narrow terminal; files and pipes get the lines as they are."""

from __future__ import annotations

import sys
from pathlib import Path

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsgen.cli.console import style
from mlopsgen.cli.folding import folded, seen
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
    ],
)
def test_a_line_is_folded_below_what_it_belongs_to(line: str, lines: list[str]) -> None:
    assert folded(line, 20).split("\n") == lines


@given(st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=20), st.integers(30, 60))
def test_no_word_is_lost_and_no_line_is_too_long(words: list[str], width: int) -> None:
    text = folded(" ".join(words), width)
    assert text.split() == words
    assert all(len(line) <= width for line in text.split("\n"))


def test_styles_take_no_columns() -> None:
    line = f"{style('ok    ', 'green', colour=True)} {'x' * 10}"
    assert seen(line) == 17
    assert folded(line, 17) == line


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
