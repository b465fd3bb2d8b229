"""The conversation of ``init``: its logic with a scripted twin of the prompter, its looks in a real terminal."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pexpect
import pytest

from mlopsgen.answers import BUILT_IN, SECTIONS, resolve
from mlopsgen.cli import prompts, wizard
from mlopsgen.errors import Interrupted, UsageError
from mlopsgen.ports import Back
from tests.matrix import HOST_KEY

BACK = object()
REST = [(title, None) for title in ("Description", "Owner", "Licence", "Visibility")]


class Script:
    """A prompter that gives the answers of a list, each named by the beginning of its question's title."""

    def __init__(self, *steps: tuple[str, object]) -> None:
        self.steps: Iterator[tuple[str, object]] = iter(steps)
        self.told: list[str] = []

    def tell(self, text: str) -> None:
        self.told.append(text)

    def _next(self, title: str) -> object:
        expected, said = next(self.steps)
        assert title.startswith(expected), f"asked {title!r}, the script expected {expected!r}"
        if said is BACK:
            raise Back
        return said

    def text(self, title: str, help_line: str, default: str, refuse: Callable[[str], str | None]) -> str:
        said = self._next(title)
        said = default if said is None else str(said)
        assert refuse(said) is None
        return said

    def choose(self, title: str, help_line: str, choices: Sequence[tuple[str, str]], default: str) -> str:
        said = self._next(title)
        return default if said is None else str(said)

    def choose_some(self, title: str, choices: Sequence[tuple[str, str]], chosen: Sequence[str]) -> list[str]:
        said = self._next(title)
        return list(chosen) if said is None else list(said)  # type: ignore[call-overload]


def converse(
    *steps: tuple[str, object], given: dict[str, object] | None = None, refuse=lambda answers: None, questions=BUILT_IN
):
    script = Script(*steps)
    answers = wizard.ask(questions, given or {}, script, lambda answers: f"TABLE {answers.get('slug')}", refuse)
    assert next(script.steps, None) is None, "the script has more to say"
    return answers, script


def test_enter_twice_takes_the_defaults_that_were_shown_first():
    answers, script = converse(("Change", []), ("Write", "write"))
    assert answers == resolve({})
    assert script.told == ["TABLE my-model"]


def test_only_the_chosen_sections_are_asked_and_a_summary_follows():
    answers, script = converse(
        ("Change", ["python", "review"]), ("Reviewers", "ada, octo/ml"), ("Wait", "5"), ("Python", "3.13"),
        ("Write", "write"),
    )  # fmt: skip
    assert answers == resolve({"reviewers": ["ada", "octo/ml"], "review_wait_minutes": 5, "python_version": "3.13"})
    assert script.told == ["TABLE my-model", "TABLE my-model"]


def test_dependent_questions_appear_and_dependent_defaults_follow():
    answers, _ = converse(
        ("Change", ["staging"]), ("Engine", "kubeflow"), ("Kubeflow", "https://k.example.org"), ("Namespace", None),
        ("Login", "dex"), ("Access", "ssh"), ("ssh server", "tunnel@bastion.example.org"), ("Its host key", HOST_KEY),
        ("Wait", None), ("MLflow", None), ("Runner", None), ("Write", "write"),
    )  # fmt: skip
    assert (answers["staging_login"], answers["staging_namespace"]) == ("dex", "kubeflow-user-example-com")
    assert (answers["staging_ssh"], answers["staging_ssh_host_key"]) == ("tunnel@bastion.example.org", HOST_KEY)
    answers, _ = converse(
        ("Change", ["project"]), ("Project", "Wine"), ("Slug", None), *REST,
        ("Write", "change"), ("Change", ["project"]), ("Project", "Beer"), ("Slug", None),
        *REST, ("Write", "write"),
    )  # fmt: skip
    assert answers["slug"] == "beer", "a default that was kept is not pinned down"


def test_the_way_back_goes_over_questions_sections_and_the_list():
    answers, _ = converse(
        ("Change", ["review", "python"]), ("Reviewers", "ada"), ("Wait", BACK), ("Reviewers", "bob"), ("Wait", None),
        ("Python", BACK), ("Wait", BACK), ("Reviewers", BACK), ("Change", ["python"]), ("Python", "3.11"),
        ("Write", BACK), ("Change", []), ("Write", "write"),
    )  # fmt: skip
    assert (answers["reviewers"], answers["python_version"]) == (["bob"], "3.11")


def test_what_cannot_be_guessed_is_asked_even_when_nobody_chose_it():
    answers, script = converse(
        ("Change", []), ("Target", "q"), ("Write", "write"), given={"data_address": "w.csv", "task": "binary"}
    )
    assert (answers["target"], answers["metrics"][0]["name"]) == ("q", "balanced_accuracy")
    assert any("target" in text for text in script.told)
    answers, _ = converse(
        ("Change", []), ("Target", BACK), ("Change", None), ("Data", None), ("Format", None), ("Target", "q"),
        ("Task", None), ("Write", "write"), given={"data_address": "w.csv"},
    )  # fmt: skip
    assert answers["target"] == "q"


def test_a_name_without_a_slug_leads_to_the_slug():
    answers, script = converse(("Change", []), ("Slug", "nihon"), ("Write", "write"), given={"project_name": "日本"})
    assert answers["slug"] == "nihon"
    assert any("日本" in text for text in script.told)


def test_an_engine_that_is_taken_back_takes_its_answers_along():
    answers, _ = converse(
        ("Change", ["staging"]), ("Engine", "local"), ("MLflow", None), ("Runner", None), ("Write", "write"),
        given={"staging_engine": "kubeflow", "staging_endpoint": "https://k.example.org"},
    )  # fmt: skip
    assert answers == resolve({})


def test_an_occupied_folder_is_said_and_leads_to_the_project():
    taken = UsageError("The folder is not empty.", hint="Choose another.")
    answers, script = converse(
        ("Change", []), ("Change", None), ("Project", "Beer"), ("Slug", None), *REST,
        ("Write", "write"), refuse=lambda answers: taken if answers["slug"] == "my-model" else None,
    )  # fmt: skip
    assert answers["slug"] == "beer"
    assert "The folder is not empty. Choose another." in script.told


def test_cancel_writes_nothing():
    with pytest.raises(Interrupted):
        converse(("Change", []), ("Write", "cancel"))


# --- in a real terminal ---------------------------------------------------------------------------------------------

UP, DOWN, ENTER, CLEAR = "\x1b[A", "\x1b[B", "\r", "\x15"


def _as_in_a_terminal() -> None:
    """A terminal that closes ends what runs in it, also where these tests run under nohup and would hand that on."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Terminal:
    """A person in front of ``mlopsgen init``."""

    def __init__(
        self, folder: Path, environ: dict[str, str], *arguments: str, size: tuple[int, int] = (30, 90)
    ) -> None:
        self.child = pexpect.spawn(
            sys.executable, ["-m", "mlopsgen", "init", *arguments],
            cwd=str(folder), env=environ, encoding="utf-8", dimensions=size, timeout=30, preexec_fn=_as_in_a_terminal,
        )  # fmt: skip
        self.child.delaybeforesend = 0.02
        self.seen = ""

    def see(self, text: str) -> Terminal:
        self.child.expect_exact(text)
        self.seen += self.child.before + self.child.after
        return self

    def type(self, *keys: str) -> Terminal:
        for key in keys:
            self.child.send(key)
        return self

    def end(self) -> int:
        self.child.expect(pexpect.EOF)
        self.seen += self.child.before
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -self.child.signalstatus)


@pytest.fixture
def person(tmp_path, environ) -> Iterator[Callable[..., Terminal]]:
    started: list[Terminal] = []
    folder = tmp_path / "place"
    folder.mkdir()

    def start(*arguments: str, size: tuple[int, int] = (30, 90), **more: str) -> Terminal:
        started.append(Terminal(folder, environ | more, *arguments, size=size))
        return started[-1]

    yield start
    for terminal in started:
        terminal.child.close(force=True)


def test_the_whole_wizard_with_wrong_answers_and_the_way_back(person, tmp_path, git):
    terminal = person()
    terminal.see("Project").see("Folder").see("Change anything?").see("Python version")
    terminal.type(" ", DOWN, " ", ENTER)
    terminal.see("Project name").see("my-model").type(CLEAR, "it's", ENTER).see("are possible").type(
        CLEAR, "Wine", ENTER
    )
    terminal.see("Slug").see("wine").type(UP).see("Project name").see("Wine").type(ENTER)
    terminal.see("Slug").see("wine").type(CLEAR, "<", ENTER).see("Project name").type(ENTER).see("Slug").type(ENTER)
    for title in ("Description", "Owner"):
        terminal.see(title).type(ENTER)
    terminal.see("Licence").see("(back)").type(UP, ENTER).see("Owner").type(ENTER)
    terminal.see("Licence").see("(back)").type(DOWN, ENTER)
    terminal.see("Visibility").see("(back)").type(ENTER)
    terminal.see("postgresql://").see("diabetes.csv").type(CLEAR, "https://me:pw@example.org/a.csv", ENTER).see(
        "asked for apart"
    )
    terminal.type(CLEAR, "wine.csv", ENTER).see("Format").see("(back)").type(ENTER)
    terminal.see("Target column").type(ENTER).see("it is empty").type("quality", ENTER)
    terminal.see("Task").see("(back)").type(ENTER)
    terminal.see("wine.csv").see("Write it?").see("cancel").type(ENTER)
    assert terminal.end() == 0
    repository = tmp_path / "place" / "wine"
    assert git("rev-parse", "staging", cwd=repository) == git("rev-parse", "HEAD", cwd=repository)
    answers = (repository / ".copier-answers.yml").read_text()
    assert all(line in answers for line in ("target: quality", "project_name: Wine", "license: apache-2.0"))


@pytest.mark.parametrize("moment", ["sections", "text", "list", "summary", "end-of-input", "terminal-closed"])
def test_stopping_at_any_point_leaves_nothing(person, tmp_path, moment):
    terminal = person()
    terminal.see("Change anything?").see("Python version")
    match moment:
        case "text" | "end-of-input":
            terminal.type(" ", ENTER).see("Project name").see("my-model")
            terminal.type(CLEAR)
        case "list":
            terminal.type(*[DOWN] * (len(SECTIONS) - 1), " ", ENTER).see("3.13")
        case "summary":
            terminal.type(ENTER).see("Write it?").see("cancel")
    if moment == "terminal-closed":
        terminal.child.kill(signal.SIGHUP)
        assert terminal.end() == -signal.SIGHUP
    else:
        terminal.type("\x04" if moment == "end-of-input" else "\x03")
        assert terminal.end() == 130
        assert "nothing was written" in terminal.seen
        assert "Traceback" not in terminal.seen
    assert list((tmp_path / "place").iterdir()) == []


def test_a_terminal_that_is_resized_goes_on(person, tmp_path):
    terminal = person(size=(24, 100)).see("Change anything?").see("Python version")
    terminal.child.setwinsize(20, 32)
    terminal.type(" ", ENTER).see("Project name").see("my-model")
    terminal.child.setwinsize(40, 120)
    terminal.type(CLEAR, "Resized", ENTER).see("Slug").type("\x03")
    assert terminal.end() == 130
    assert list((tmp_path / "place").iterdir()) == []


def test_a_narrow_terminal_without_colours_shows_every_word(person, tmp_path):
    terminal = person("tiny", "--data", "w.csv", size=(24, 40), NO_COLOR="1")
    terminal.see("Change anything?")
    plain = re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.seen))
    assert "target column (will be asked)" in plain
    assert not re.search(r"\x1b\[[0-9;]*3[1-7]m", terminal.seen)
    terminal.see("Python version").type(ENTER).see("Target column").type("y", ENTER)
    terminal.see("Write it?").see("cancel").type(ENTER)
    assert terminal.end() == 0
    assert (tmp_path / "place" / "tiny" / ".git").is_dir()


def test_without_a_terminal_nothing_is_asked(mlopsgen):
    done = mlopsgen("init", "wine")
    assert done.returncode == 2
    assert "--defaults" in done.stderr
    assert "--answers FILE" in done.stderr


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_the_help_of_a_question_is_broken_between_words(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    words = "Folder, repository, experiments and models are named so: lower-case letters, digits, dashes."
    monkeypatch.setattr(prompts.questionary, "text", lambda *_, **__: Answered())
    assert prompts.TerminalPrompter(colour=False).text("Slug", words, "", lambda _: None) == "said"
    lines = capsys.readouterr().out.strip("\n").splitlines()
    assert all(line.startswith("  ") and len(line) < columns for line in lines)
    assert " ".join(line.strip() for line in lines) == words


class Answered:
    """A question that was answered."""

    def unsafe_ask(self) -> str:
        return "said"
