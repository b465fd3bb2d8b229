"""``mlopsgen push`` in a real terminal: plan, question, progress and end, as a person sees them.

What is seen is recorded in ``tests/transcripts``; ``MLOPSGEN_TRANSCRIPTS=write`` records it anew: read it then.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from mlopsgen.errors import ExitCode
from tests.canaries import canary
from tests.github import FakeGitHub
from tests.push_toys import Person, arrive, make_model

RECORDING = os.environ.get("MLOPSGEN_TRANSCRIPTS") == "write"
TRANSCRIPTS = Path(__file__).with_name("transcripts")
SIZE = (60, 100)
ERASED = re.compile(r"[^\n]*\r\x1b\[K")
STYLED = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        yield fake


@pytest.fixture
def ada(github: FakeGitHub, model: Path, tmp_path: Path) -> Person:
    person = arrive(github, model, tmp_path)
    person.environ |= {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    return person


def terminal(person: Person, *arguments: str) -> pexpect.spawn[str]:
    argv = ["-m", "mlopsgen", *arguments]
    return pexpect.spawn(
        sys.executable, argv, cwd=str(person.folder), env=person.environ, encoding="utf-8", timeout=120, dimensions=SIZE
    )


def end(child: pexpect.spawn[str]) -> str:
    """Everything that the terminal was sent up to the program's end."""
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before)


def seen(sent: str) -> str:
    """What stays on the screen: lines that were taken away again are gone, colours are left out."""
    text = sent.replace("\r\r\n", "\n").replace("\r\n", "\n")
    return STYLED.sub("", ERASED.sub("", text))


def settled(text: str, person: Person) -> str:
    """What is seen without what differs from run to run; what is made at once is done in any order."""
    text = text.replace(person.github.url, "https://github.example").replace(
        person.git("rev-parse", "--short=7", "HEAD"), "c0ffee1"
    )
    lines = [line.rstrip() for line in text.splitlines()]
    done = iter(sorted(line for line in lines if line.startswith("  done: ")))
    return "\n".join(next(done) if line.startswith("  done: ") else line for line in lines) + "\n"


def compare(name: str, text: str) -> None:
    path = TRANSCRIPTS / f"{name}.txt"
    if RECORDING:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_first_push(ada: Person) -> None:
    child = terminal(ada, "push", "--org", "acme")
    child.expect(r"Make these changes to acme/demo\? \[y/N\]: ")
    asked = f"{child.before}{child.after}"
    child.sendline("y")
    text = asked + end(child)
    assert child.exitstatus == ExitCode.OK
    # While it works, one line changes and is taken away; nothing of it stays.
    assert re.search(r"\d+ of \d+ done \.\.\.", text)
    assert not re.search(r"\d+ of \d+ done \.\.\.", seen(text))
    assert max(map(len, seen(text).partition("Next:")[0].splitlines())) <= SIZE[1]
    compare("first-push", settled(seen(text), ada))


def test_whoever_does_not_agree_changes_nothing(ada: Person, github: FakeGitHub) -> None:
    child = terminal(ada, "push", "--org", "acme")
    child.expect(r"\[y/N\]: ")
    child.sendline("")
    text = seen(end(child))
    assert child.exitstatus == ExitCode.INTERRUPTED
    assert "Nothing was changed." in text
    assert not [call for call in github.calls if call.writes]


def test_a_person_is_asked_for_the_owner_and_for_missing_secrets(ada: Person, github: FakeGitHub) -> None:
    del ada.environ["MLOPSGEN_SECRET_STAGING_KUBEFLOW_TOKEN"]
    child = terminal(ada, "push", "--name", "my-demo")
    child.expect("Owner")
    child.expect(r"smallshop +\(organisation\)")
    child.send("\r")
    child.expect("KUBEFLOW_TOKEN for staging")
    value = canary('typed "$HOME"')
    child.send(value + "\r")
    child.expect(r"Make these changes to acme/my-demo\?")
    child.sendline("y")
    text = str(child.before) + end(child)
    assert child.exitstatus == ExitCode.OK, seen(text)
    assert github.repository("acme/my-demo").secrets_of("staging") == {"KUBEFLOW_TOKEN": value}
    assert "c4n4ry" not in text


def test_a_secret_may_be_left_for_later(ada: Person, github: FakeGitHub) -> None:
    del ada.environ["MLOPSGEN_SECRET_STAGING_KUBEFLOW_TOKEN"]
    child = terminal(ada, "push", "--org", "acme")
    child.expect("KUBEFLOW_TOKEN for staging")
    child.send("\r")
    child.expect(r"\[y/N\]: ")
    child.sendline("y")
    text = " ".join(seen(end(child)).split())
    assert child.exitstatus == ExitCode.OK
    assert "mlopsgen secrets set KUBEFLOW_TOKEN --branch staging" in text
    assert not github.repository("acme/demo").secrets_of("staging")


def test_what_changes_while_a_person_reads_is_shown_again(ada: Person, github: FakeGitHub) -> None:
    assert ada.push("--org", "acme")["exit_code"] == ExitCode.OK
    ada.edit_document("squash: false", "squash: true")
    child = terminal(ada, "push")
    child.expect(r"\[y/N\]: ")
    github.repository("acme/demo").labels.clear()
    child.sendline("y")
    child.expect("Something changed while you were reading")
    child.expect(r"label +promotion")
    child.expect(r"\[y/N\]: ")
    child.sendline("y")
    end(child)
    assert child.exitstatus == ExitCode.OK
    assert "promotion" in github.repository("acme/demo").labels


def test_the_place_is_asked_for_where_nothing_tells(ada: Person) -> None:
    child = terminal(ada, "push")
    child.expect("Push to")
    child.expect("this machine")
    child.sendcontrol("c")
    end(child)
    assert child.exitstatus == ExitCode.INTERRUPTED


def test_stopping_in_the_middle_leaves_what_the_next_push_goes_on_with(ada: Person, github: FakeGitHub) -> None:
    github.latency = lambda call: 0.3 if call.writes else 0.0
    child = terminal(ada, "push", "--org", "acme", "--yes")
    child.expect("create repository demo: ")
    child.sendcontrol("c")
    text = " ".join(seen(end(child)).split())
    assert child.exitstatus == ExitCode.INTERRUPTED
    assert "Stopped in the middle of the plan." in text
    assert "it continues with what is left" in text
    github.latency = 0.0
    assert ada.push("--org", "acme")["exit_code"] == ExitCode.OK
