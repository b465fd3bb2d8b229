"""The frame of the command line: what starts, how results and errors look, and the one JSON envelope."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys

import jsonschema
import pytest
from typer.main import get_command

from mlopsgen.cli import boundary, bug_report
from mlopsgen.cli.console import takes_colour
from mlopsgen.cli.main import VERBS, main
from mlopsgen.cli.session import Output, Session, Shown
from mlopsgen.errors import ExitCode, Interrupted, MlopsgenError, PartialResult, from_os_error
from mlopsgen.events import LogLine, Note, StepDone, StepStarted, Warn
from mlopsgen.result import OperationResult, envelope_schema
from tests.canaries import MARK, canary

HEAVY = {
    "kfp", "mlflow", "copier", "github", "nacl", "requests", "questionary", "rich", "pydantic", "yaml", "jinja2",
    "prompt_toolkit",
}  # fmt: skip
LOADED = """import sys; from mlopsgen.cli.main import main
try: main(sys.argv[1:])
finally: print(*sys.modules, file=sys.stderr)"""


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (["--help"], {}),
        (["--version"], {}),
        (["init", "--help"], {}),
        (["schema"], {}),
        (["secrets", "--help"], {}),
        (["push", "--help"], {}),
        ([], {"_MLOPSGEN_COMPLETE": "zsh", "_MLOPSGEN_LINE": "mlopsgen i"}),
        ([], {"_MLOPSGEN_COMPLETE": "fish", "_MLOPSGEN_LINE": "mlopsgen init --set ta"}),
        ([], {"_MLOPSGEN_COMPLETE": "bash", "_MLOPSGEN_LINE": "mlopsgen sync --"}),
    ],
)
def test_start_help_and_completion_import_nothing_heavy(environ, arguments, more):
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], env={**environ, **more}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip(), "nothing was printed, so nothing was proven"
    assert HEAVY & {name.partition(".")[0] for name in done.stderr.split()} == set()


def _words_of(verb):
    """The command lines of a verb: itself, or each of the verbs that follow it."""
    if not VERBS[verb].group:
        return [[verb]]
    return [[verb, name] for name in get_command(importlib.import_module(VERBS[verb].module).app).commands]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_in_whole_sentences_and_takes_json(verb, capsys):
    for words in _words_of(verb):
        assert main([*words, "--help"]) == 0
        text = capsys.readouterr().out
        assert "--output" in text
        assert f"mlopsgen {' '.join(words)}" in text
    assert VERBS[verb].help.endswith(".")


def test_help_lists_every_verb_in_order(capsys):
    assert main(["--help"]) == main([]) == 0
    text = capsys.readouterr().out
    positions = [text.index(f"  {verb} ") for verb in VERBS]
    assert positions == sorted(positions)


WRONG = [["--nope"], ["nope"], ["init", "--nope"], ["init"], ["init", "a", "b"], ["schema", "nope"],
         ["init", "--set", "x"],
         ["init", "--defaults", "--task", "x"], ["init", "--defaults", "--answers"],
         ["init", "--defaults", "--set", "a=b"],
         ["init", "--template", "ftp://org/x"], ["init", "--answers", "none.yml"], ["init", "--defaults", "it's"],
         ["init", "--defaults", "--template-version", "v99"], ["init", "--defaults", "--output", "xml"],
         ["init", "--defaults", "--name", "-x"], ["init", "--defaults", "--", "-x"],
         ["init", "--defaults", ""]]  # fmt: skip


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_command_line_is_exit_code_2_in_text_and_in_json(arguments, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == ExitCode.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert "error:" in said.err
    assert "next:" in said.err
    assert "Traceback" not in said.err
    assert main([*arguments[:1], "--output=json", *arguments[1:]]) == ExitCode.USAGE
    said = capsys.readouterr()
    document = json.loads(said.out)
    jsonschema.validate(document, envelope_schema())
    assert document["error"]["hint"]
    assert list(tmp_path.iterdir()) == []


def run(body, arguments, environ, capsys):
    """Run the boundary around a body, as the application would call it."""
    code = boundary.run(lambda **given: body(given["obj"]), arguments, environ)
    return code, capsys.readouterr()


def test_the_envelope_names_the_command_wherever_output_stands(environ, capsys):
    for arguments in (["--output", "json", "status"], ["status", "--output", "json"]):
        _, said = run(lambda session: OperationResult(summary="Done."), arguments, environ, capsys)
        assert json.loads(said.out)["command"] == "status"


def test_a_shell_whose_folder_is_gone_is_told_so(environ, capsys, monkeypatch, tmp_path):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    code, said = run(lambda session: OperationResult(summary="Done."), ["status"], environ, capsys)
    assert (code, said.out) == (ExitCode.FAILURE, "")
    assert "is not there any more" in said.err
    assert "next: " in said.err


def test_a_result_is_shown_as_text_or_as_an_envelope(environ, capsys):
    result = OperationResult(summary="Done.", data={"a": 1}, next_steps=("do this",))
    code, said = run(lambda session: result, ["x"], environ, capsys)
    assert (code, said.out, said.err) == (0, "Done.\n\nNext:\n  do this\n", "")
    code, said = run(lambda session: Shown(result=result, text="a table"), ["x"], environ, capsys)
    assert said.out.startswith("a table\n")
    code, said = run(lambda session: Shown(result=result, text="a table"), ["x", "--output", "json"], environ, capsys)
    document = json.loads(said.out)
    jsonschema.validate(document, envelope_schema())
    assert (document["command"], document["data"], document["ok"]) == ("x", {"a": 1}, True)


def test_events_are_lines_on_standard_error_and_ndjson_with_json(environ, capsys):
    def body(session: Session) -> OperationResult:
        for event in (
            StepStarted(message="a"), StepDone(message="b"), Note(message="c"), LogLine(message="d"),
            Warn(message="e", hint="f"),
        ):  # fmt: skip
            session.events(event)
        return OperationResult(summary="Done.")

    _, said = run(body, ["x"], environ, capsys)
    assert said.err == "  a ...\n  done: b\n  c\nd\nwarning: e\n  next: f\n"
    _, said = run(body, ["x", "--output", "json"], environ, capsys)
    events = [json.loads(line) for line in said.err.splitlines()]
    assert [event["event"] for event in events] == ["StepStarted", "StepDone", "Note", "LogLine", "Warn"]
    json.loads(said.out)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (PartialResult("half", hint="again", where="x:1"), 5),
        (MlopsgenError("no"), 1),
        (Interrupted(), 130),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device", "/x"), 1),
        (PermissionError(13, "Permission denied", "/x"), 4),
        (RuntimeError("bug"), 3),
        (OSError(5, "Input/output error", "/x"), 3),
        (RecursionError("deep"), 3),
    ],
)
@pytest.mark.parametrize("output", [Output.text, Output.json])
def test_whatever_is_raised_has_its_exit_code_and_no_traceback(environ, capsys, raised, code, output):
    def body(session: Session) -> OperationResult:
        raise raised

    found, said = run(body, ["x", "--output", output], environ, capsys)
    assert found == code
    assert "Traceback" not in said.out + said.err
    if output is Output.json:
        document = json.loads(said.out)
        jsonschema.validate(document, envelope_schema())
        assert document["exit_code"] == code
        assert said.err == ""
    else:
        assert said.out == ""


def test_a_bug_leaves_a_report_without_secrets_and_names_it(environ, capsys, home):
    token = canary("a-token", prefix="ghp_")
    hushed = f"hush-hush-{MARK}"
    environ |= {"SOME_TOKEN": hushed, "HOME": str(home), "PLAIN": "visible-value"}

    def body(session: Session) -> OperationResult:
        raise RuntimeError(f"{hushed} {token} https://me:pw@example.org {home}/file visible-value")

    code, said = run(body, ["x", "--set", f"a={hushed}", "--output", "json"], environ, capsys)
    assert code == ExitCode.BUG
    error = json.loads(said.out)["error"]
    report = home / ".local" / "state" / "mlopsgen"
    text = next(report.iterdir()).read_text()
    assert error["where"] == str(next(report.iterdir()))
    assert error["where"] in error["hint"]
    assert "Traceback" in text
    for shown in (text, error["message"]):
        assert not any(secret in shown for secret in ("hush-hush", token, "me:pw", str(home)))
        assert "visible-value" in shown


def test_a_report_that_cannot_be_written_is_printed(environ, capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(bug_report.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    bug = bug_report.write(RuntimeError("x"), environ | {"XDG_STATE_HOME": str(tmp_path / "file")}, [])
    assert "RuntimeError: x" in capsys.readouterr().err
    assert bug.where == ""


def test_a_reader_that_goes_away_is_no_bug(environ):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mlopsgen", "schema", "report"],
            stdout=writer,
            stderr=subprocess.PIPE,
            env=environ,
            check=False,
        )
    finally:
        os.close(writer)
    assert done.stderr == b""
    assert done.returncode != ExitCode.BUG


def test_a_terminal_that_knows_only_ascii_is_enough(mlopsgen):
    done = mlopsgen("init", "--defaults", "日本", PYTHONIOENCODING="ascii")
    assert done.returncode == ExitCode.USAGE
    assert "\\u65e5" in done.stderr


def test_colours_are_for_terminals_that_want_them(environ):
    class Terminal:
        def isatty(self) -> bool:
            return True

    assert takes_colour(Terminal(), environ)
    assert not takes_colour(Terminal(), environ | {"NO_COLOR": "1"})
    assert not takes_colour(Terminal(), environ | {"TERM": "dumb"})


def test_an_error_of_the_operating_system_that_nobody_expects_is_none_of_ours():
    assert from_os_error(OSError(5, "Input/output error")) is None


def test_init_in_json_tells_what_it_made(mlopsgen, tmp_path, git):
    done = mlopsgen("init", "wine", "--defaults", "--output", "json", "--set", "metrics=r2 higher threshold=0.3")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, envelope_schema())
    data = document["data"]
    assert (data["path"], data["slug"], data["branch"]) == (str(tmp_path / "wine"), "wine", "development")
    assert data["commit"] == git("rev-parse", "production", cwd=tmp_path / "wine")
    assert data["answers"]["metrics"][0]["threshold"] == 0.3
    assert all(json.loads(line)["message"] for line in done.stderr.splitlines())


def test_init_with_an_answers_file_flags_and_set(mlopsgen, tmp_path):
    (tmp_path / "a.yml").write_text("version: 1\nproject_name: Wine\ntask: binary\ntarget: q\ndata_address: w.csv\n")
    done = mlopsgen("init", "--answers", "a.yml", "--set", "task=multiclass", "--owner", "Ada", "--output", "json")
    assert done.returncode == 0, done.stdout
    answers = json.loads(done.stdout)["data"]["answers"]
    assert (answers["slug"], answers["task"], answers["owner"]) == ("wine", "multiclass", "Ada")
    assert (tmp_path / "wine" / ".git").is_dir()


def test_an_error_of_the_answers_file_names_file_and_line(mlopsgen, tmp_path):
    (tmp_path / "a.yml").write_text("project_name: Wine\n\ntask: binray\n")
    done = mlopsgen("init", "--answers", "a.yml")
    assert done.returncode == ExitCode.USAGE
    assert f"{tmp_path}/a.yml:3" in done.stderr
    assert "did you mean 'binary'" in done.stderr


def test_a_word_that_an_option_does_not_know_is_refused_in_plain_words(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "--visibility", "secret"]) == ExitCode.USAGE
    assert "'--visibility': 'secret' is not one of 'private', 'internal', 'public'." in capfd.readouterr().err
