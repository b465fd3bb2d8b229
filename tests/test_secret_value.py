"""A secret cannot be printed, and every text that leaves a command is without it."""

from __future__ import annotations

import base64
import copy
import gc
import json
import logging
import pickle
import subprocess
import sys
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey

from mlopsgen.adapters import process
from mlopsgen.adapters.logs import redact_logs
from mlopsgen.cli import boundary, bug_report, console, json_output
from mlopsgen.errors import CommandFailed, MlopsgenError
from mlopsgen.events import Note, Warn
from mlopsgen.forge.github import sealing
from mlopsgen.result import OperationResult
from mlopsgen.secret_value import SecretValue, WipedError, redact, redact_document, remembered
from tests.canaries import canary

CANARY = 'c4n4ry "quoted" $HOME \\n\nsecond-line-of-it ümläut'


def test_no_usual_way_of_printing_shows_it():
    secret = SecretValue("hunter2-hunter2")
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>20}", str([secret]), str({"a": secret})]
    assert not any("hunter2" in text for text in shown)
    for way in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars):
        with pytest.raises(TypeError):
            way(secret)


def test_wiping_leaves_nothing_and_the_value_is_exact_until_then():
    secret = SecretValue(CANARY)
    before = secret._bytes
    assert secret.reveal() == CANARY
    assert secret.size == len(CANARY.encode())
    secret.wipe()
    assert (bool(secret), secret.size) == (False, 0)
    assert not any(before)
    assert redact(CANARY) == CANARY


def test_a_thread_that_outlives_its_command_gets_no_empty_secret():
    """It would store nothing in place of the secret, and the next push would find one there and keep it."""
    key = sealing.PublicKey("1", base64.b64encode(bytes(PrivateKey.generate().public_key)).decode())
    with remembered():
        secret = SecretValue(CANARY)
        assert not sealing.problem("TOKEN", secret)
    with pytest.raises(WipedError):
        sealing.seal(key, secret)


def _forms(value: str) -> list[str]:
    return [
        value,
        f"x{value}y",
        repr(value),
        json.dumps({"a": value}),
        json.dumps(value, ensure_ascii=False),
        f"https://host/?q={quote(value, safe='')}",
        quote(value),
        base64.b64encode(value.encode()).decode(),
        base64.urlsafe_b64encode(value.encode()).decode(),
        base64.b64encode(f"x-access-token:{value}".encode()).decode(),
        base64.b64encode(f"{value}:".encode()).decode(),
        base64.b64encode(f"ab{value}".encode()).decode(),
        f"Authorization: token {value}\n",
    ]


@pytest.mark.parametrize(
    "value", ["s3cr3t-t0k3n", CANARY, "päßwörd+/?&=%", "trailing-newline\n", "-----BEGIN X\nabcdefghij\n"]
)
def test_every_form_of_it_is_taken_out(value):
    secret = SecretValue(value)
    for form in _forms(value):
        text = redact(form)
        assert "***" in text, form
        for piece in {value, value.strip(), *[line for line in value.splitlines() if len(line) >= 8]}:
            assert piece not in text
            assert base64.b64encode(piece.encode())[:-4].decode() not in text
    assert secret


def test_a_line_of_it_alone_is_taken_out_and_short_values_are_left():
    many, short = SecretValue("first-line-here\nmiddle-of-the-key\nend"), SecretValue("abc")
    assert redact("error near middle-of-the-key, abc") == "error near ***, abc"
    assert many
    assert short


def test_the_longest_form_goes_first_and_other_texts_stay():
    secrets = [SecretValue("password"), SecretValue("password-and-more")]
    assert redact("is password-and-more, was password; passwor stays") == "is ***, was ***; passwor stays"
    del secrets
    gc.collect()
    assert redact("password") == "password"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("unable to access 'https://ada:pw-of-ada@host/o/r.git'", "unable to access 'https://ada:***@host/o/r.git'"),
        ("at http://:pw@proxy:3128, then", "at http://:***@proxy:3128, then"),
        (f"Bad credentials: {canary('x', prefix='ghp_')}.", "Bad credentials: ***."),
        (f"https://{canary('x', prefix='github_pat_')}@host/o/r", "https://***@host/o/r"),
        ("ssh://git@github.com:22/o/r and git@github.com:o/r", "ssh://git@github.com:22/o/r and git@github.com:o/r"),
        ("see https://host:8080/a and mail a@example.org", "see https://host:8080/a and mail a@example.org"),
        ("ghp_ is how classic tokens begin", "ghp_ is how classic tokens begin"),
    ],
)
def test_passwords_in_addresses_and_tokens_go_whoever_they_belong_to(text, shown):
    assert redact(text) == shown


@given(st.text(min_size=6), st.text(), st.text())
def test_no_text_around_it_hides_it(value, before, after):
    secret = SecretValue(value)
    assert value.strip() not in redact(before + value + after) or len(value.strip()) < 6 or value.strip() in "***"
    assert secret


def test_equal_secrets_are_each_looked_for_as_long_as_they_live():
    one, two = SecretValue("equal-values"), SecretValue("equal-values")
    assert one == two
    assert len({one, two}) == 1
    del one
    gc.collect()
    assert redact("equal-values") == "***"
    assert two


def test_documents_are_redacted_text_by_text_and_stay_documents():
    secret = SecretValue('": {"')
    other = SecretValue("top-secret")
    document = {"a": ["top-secret", {"b": 'x": {"y', "n": 1, "t": True, "none": None}], "top-secret": ("top-secret",)}
    found = redact_document(document)
    assert json.loads(json.dumps(found))["a"][0] == "***"
    assert found["a"][1]["n"] == 1
    assert found["top-secret"] == ["***"]
    assert secret
    assert other


def _run(command, home, *arguments):
    return boundary.run(lambda **_: command(), list(arguments), {"HOME": str(home)})


@pytest.mark.parametrize("output", [(), ("--output", "json")])
def test_what_a_command_says_is_redacted_even_when_the_secret_is_gone(capsys, tmp_path, output):
    def result():
        SecretValue("gone-but-known")
        gc.collect()
        return OperationResult(
            summary="done with gone-but-known", data={"x": ["gone-but-known"]}, next_steps=("use gone-but-known",)
        )

    def error():
        SecretValue("gone-but-known")
        raise MlopsgenError("bad gone-but-known", where="at gone-but-known", hint="not gone-but-known")

    def bug():
        secret = SecretValue("gone-but-known")
        raise RuntimeError(secret.reveal())

    for command in (result, error, bug):
        _run(command, tmp_path, "run", *output)
        printed = capsys.readouterr()
        assert "gone-but" not in printed.out + printed.err
        assert "***" in printed.out + printed.err
    assert redact("gone-but-known") == "gone-but-known", "it was wiped at the end of the command"


def test_the_envelope_stays_valid_whatever_the_secret_is(capsys, tmp_path):
    def command():
        SecretValue('"summary": "')
        SecretValue("partial")
        raise MlopsgenError('it said "summary": "x')

    _run(command, tmp_path, "run", "--output", "json")
    found = json.loads(capsys.readouterr().out)
    assert found["error"]["message"] == "it said ***x"
    assert found["error"]["code"] == "failure"


def test_events_are_redacted_on_the_way_out(capsys):
    secret = SecretValue("event-secret")
    for sink in (console.TextEvents(sys.stderr, colour=False), json_output.JsonEvents(sys.stderr)):
        sink(Note(message="it is event-secret"))
        sink(Warn(message="look", hint="at event-secret"))
    assert "event-secret" not in capsys.readouterr().err
    assert secret


def test_a_program_that_prints_a_secret_fails_without_it(tmp_path):
    secret = SecretValue("printed-by-git")
    script = "import sys; sys.exit('fatal: https://x:' + '-'.join(['printed', 'by', 'git']) + '@host')"
    with pytest.raises(CommandFailed) as error:
        process.run([sys.executable, "-c", script], cwd=tmp_path, env={})
    assert "printed-by-git" not in error.value.output + error.value.message
    assert "***" in error.value.output
    assert secret


def test_a_bug_report_holds_neither_secrets_nor_what_was_typed_behind_secrets_set(tmp_path):
    secret = SecretValue("l1ving-value")
    environ = {"XDG_STATE_HOME": str(tmp_path), "SMTP_PASSWORD": "of-the-environment"}
    error = RuntimeError(f"{secret.reveal()} and of-the-environment")
    arguments = ["secrets", "set", "NAME=typ0d", "Hunter2", "--branch", "staging", "--from-env", "pr1vate"]
    found = bug_report.write(error, environ, arguments)
    text = next((tmp_path / "mlopsgen").iterdir()).read_text() + found.message
    for word in ("l1ving", "of-the-environment", "typ0d", "Hunter2", "pr1vate"):
        assert word not in text
    assert "mlopsgen secrets set *** *** --branch staging --from-env ***" in text


def test_secrets_are_remembered_until_the_last_command_ends():
    with remembered():
        with remembered():
            SecretValue("inner-secret")
        gc.collect()
        assert redact("inner-secret") == "***"
    assert redact("inner-secret") == "inner-secret"


def test_a_process_that_prints_its_secret_shows_stars():
    code = "from mlopsgen.secret_value import SecretValue; print(SecretValue('abcdef'), [SecretValue('abcdef')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["***", "[SecretValue(***)]"]


def test_what_a_library_logs_is_redacted_with_its_tracebacks(caplog):
    before = logging.getLogRecordFactory()
    redact_logs()
    redact_logs()
    secret = SecretValue("logged-secret")
    try:
        logging.getLogger("urllib3").warning("retrying %s after %d", "https://x:logged-secret@host", 3)
        try:
            int(secret.reveal())
        except ValueError:
            logging.getLogger("github").exception("it failed")
    finally:
        logging.setLogRecordFactory(before)
    assert "retrying https://x:***@host after 3" in caplog.text
    assert "ValueError: invalid literal for int() with base 10: '***'" in caplog.text
    assert "logged-secret" not in caplog.text
