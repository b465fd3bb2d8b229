"""Help: grouped by what people want to do, with examples that the command line takes, in every width."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from mlopsgen.cli import boundary
from mlopsgen.cli.examples import EXAMPLES
from mlopsgen.cli.main import app, main
from mlopsgen.cli.verbs import OTHER_WORDS, SECTIONS, VERBS


def commands() -> Iterator[tuple[str, Any]]:
    for name, verb in VERBS.items():
        command = get_command(importlib.import_module(verb.module).app)
        inner = getattr(command, "commands", None)
        yield from [(f"{name} {under}", each) for under, each in inner.items()] if inner else [(name, command)]


COMMANDS = dict(commands())


def help_of(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*words.split(), "--help"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


def test_the_verbs_stand_below_what_people_want_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    places = [text.index(f"\n{section}:\n") for section in SECTIONS]
    assert places == sorted(places)
    assert text.index("Start here:") < places[0]
    for section, verbs in SECTIONS.items():
        below = text.partition(f"\n{section}:\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in below.splitlines() if line[2] != " "] == list(verbs)
    assert help_of("", capsys) == text


def test_each_command_has_examples_and_they_are_in_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        text = help_of(command, capsys)
        for wanted, line in EXAMPLES[command]:
            assert f"    {line}\n" in text
            assert wanted.split()[0] in text


def test_no_example_is_of_a_command_that_is_not_there() -> None:
    assert set(EXAMPLES) == set(COMMANDS)


def test_the_command_line_takes_each_example() -> None:
    for command, line in ((command, line) for command, lines in EXAMPLES.items() for _, line in lines):
        words = shlex.split(line.partition("|")[0])
        assert words[0] == "mlopsgen"
        names = command.split()
        assert words[1 : 1 + len(names)] == names
        COMMANDS[command].make_context(command, words[1 + len(names) :])


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    examples = {f"    {line}" for lines in EXAMPLES.values() for _, line in lines}
    for command in ("", "secrets", *COMMANDS):
        words = help_of(command, capsys)
        wide = [line for line in words.splitlines() if len(line) >= columns and line not in examples]
        # What cannot be broken stays whole: it can be copied.
        assert [line for line in wide if " " in line.strip()] == [], command
        assert "..." not in words.replace("NAME...", "")


def test_every_option_is_in_the_help_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    for name, command in COMMANDS.items():
        text = help_of(name, capsys)
        for param in command.params:
            assert re.search(
                rf"(^|\s){re.escape((param.opts if param.param_type_name == 'option' else [''])[0])}", text
            )
            assert (param.help or "no help").split()[0] in text, f"{name} {param.name}"


def test_defaults_are_told_where_they_say_something(capsys: pytest.CaptureFixture[str]) -> None:
    def told(command: str) -> list[str]:
        return re.findall(r"\[default:\s+(\S+)\]", help_of(command, capsys))

    assert told("sync") == ["development", "text"]
    assert told("watch") == ["10m", "text"]
    assert told("run") == ["--follow", "text"]


def test_headings_are_bold_where_the_terminal_takes_colours(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert boundary.run(app, ["--help"], environ | {"FORCE_COLOR": "1"}) == 0
    assert "\x1b[1mStart here:\x1b[0m" in capsys.readouterr().out
    assert boundary.run(app, ["--help"], environ) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_other_programs_words_name_verbs_of_ours() -> None:
    assert set(OTHER_WORDS.values()) <= set(VERBS)
    assert not set(OTHER_WORDS) & set(VERBS)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["psuh"], "Did you mean 'push'?"),
        (["Status"], "Did you mean 'status'?"),
        (["update"], "Did you mean 'sync'?"),
        (["secret"], "Did you mean 'secrets'?"),
        (["secrets", "lst"], "Did you mean 'list'?"),
        (["init", "--defauts"], "Did you mean '--defaults'?"),
        (["init", "--deafults"], "Did you mean '--defaults'?"),
        (["sync", "--dryrun"], "Did you mean '--dry-run'?"),
        (["sync", "--organisation", "x"], "'mlopsgen sync --help' shows what can be given."),
        (["--defaults"], "'--defaults' is an option of 'mlopsgen init'"),
        (["completion", "zhs"], "Did you mean 'zsh'?"),
        (["schema", "anwsers"], "Did you mean 'answers'?"),
        (["init", "--defaults", "--set", "taks=binary"], "Did you mean 'task'?"),
        (["init", "--defaults", "--task", "binray"], "did you mean 'binary'"),
        (["push", "--visibility", "privat"], "Did you mean 'private'?"),
        (["run", "--branch"], "needs a value"),
        (["run", "--branch"], "'mlopsgen run --help' shows what can be given."),
        (["secrets", "set", "--name"], "'mlopsgen secrets set --help' shows what can be given."),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_who_types_nearly_the_right_word_is_told_it(
    words: list[str], wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert wanted in said.err


@pytest.mark.parametrize("words", [["help"], ["help", "init"], ["help", "secrets", "set"]])
def test_help_as_a_word_or_a_letter_helps(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    said = capsys.readouterr().out
    assert said == help_of(" ".join(words[1:]), capsys)
    assert main([*words[1:], "-h"]) == 0
    assert capsys.readouterr().out == said
