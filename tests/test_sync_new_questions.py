"""New questions of a newer template, and answers that come with an update: in a terminal, by flag, by file, edited."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from mlopsgen.answers import BY_KEY, resolve
from mlopsgen.cli import wizard
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.sync.record import Record, read_record
from tests.fleet_stage import NEW, OLD, ROOT, environment, git, make_site
from tests.test_sync_answers import without
from tests.test_wizard import BACK, DOWN, ENTER, Script

SYNCED = "mlopsgen/sync-development"
FILES = {
    "helpers.txt": "helpers of [[ slug ]]\n",
    "updates.txt": "updates: [[ template_update | default('never') ]]\nowner: [[ owner ]]\n",
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tool whose template has two versions of a few files; the older one does not ask about updates."""
    top = tmp_path_factory.mktemp("stage")
    project = top / "project"
    (project / "template").mkdir(parents=True)
    record = "[[ _copier_conf.answers_file ]].jinja"
    shutil.copy(ROOT / "template" / record, project / "template")
    for name, text in FILES.items():
        (project / "template" / f"{name}.jinja").write_text(text)
    environ = environment(top / "home")
    git(project, environ, "init", "--quiet", "--initial-branch=main")
    questions = (ROOT / "copier.yml").read_text(encoding="utf-8")
    for version, text in ((OLD, without(questions, "template_update")), (NEW, questions)):
        (project / "copier.yml").write_text(text, encoding="utf-8")
        git(project, environ, "add", "--all")
        git(project, environ, "commit", "--quiet", "-m", version)
        git(project, environ, "tag", version)
    make_site(top, project, environ)
    environ = environment(top / "home", top / "site")
    made = [sys.executable, "-m", "mlopsgen", "init", "--defaults", "--owner=Ada", "--template-version", OLD]
    subprocess.run([*made, str(top / "wine")], env=environ, check=True, capture_output=True, cwd=top)
    return top


class Person:
    """Ada in her repository."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.environ = environ

    def sync(self, *arguments: str, code: int = 0) -> dict[str, object]:
        """The envelope of ``mlopsgen sync``."""
        done = subprocess.run(
            [sys.executable, "-m", "mlopsgen", "sync", *arguments, "--output", "json"],
            cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def git(self, *arguments: str) -> str:
        return git(self.folder, self.environ, *arguments)

    def record(self, revision: str = SYNCED) -> Record:
        return read_record(self.git("show", f"{revision}:{ANSWERS_FILE}"))

    def edit(self, before: str, after: str) -> None:
        """Edit the record and commit it."""
        path = self.folder / ANSWERS_FILE
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
        self.git("commit", "--quiet", "--all", "-m", "Edited")


@pytest.fixture
def ada(stage: Path, tmp_path: Path) -> Person:
    shutil.copytree(stage / "wine", tmp_path / "wine")
    return Person(tmp_path / "wine", environment(tmp_path / "home", stage / "site"))


@pytest.fixture
def terminal(ada: Person) -> Iterator[Callable[..., pexpect.spawn]]:
    children: list[pexpect.spawn] = []

    def start(*arguments: str) -> pexpect.spawn:
        environ = {**ada.environ, "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm"}
        words = ["-m", "mlopsgen", "sync", *arguments]
        children.append(
            pexpect.spawn(
                sys.executable,
                words,
                cwd=str(ada.folder),
                env=environ,
                encoding="utf-8",
                dimensions=(40, 100),
                timeout=60,
            )
        )
        children[-1].delaybeforesend = 0.02
        return children[-1]

    yield start
    for child in children:
        child.close(force=True)


def test_a_new_question_is_asked_in_a_terminal_as_the_wizard_asks(ada, terminal):
    child = terminal()
    child.expect_exact("asks a new question")
    child.expect_exact(BY_KEY["template_update"].help[:60])
    child.expect_exact("Template updates")
    child.expect_exact("(back)")
    child.send(DOWN)
    child.send(ENTER)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert ada.record().answers["template_update"] == "weekly"
    assert "updates: weekly" in ada.git("show", f"{SYNCED}:updates.txt")


def test_an_older_version_renders_nothing_that_it_never_asked_for(ada):
    assert ada.git("show", "HEAD:updates.txt") == "updates: never\nowner: Ada"
    done = subprocess.run(
        [sys.executable, "-m", "mlopsgen", "init", "--defaults", "--template-version", OLD, "x",
         "--set", "template_update=weekly"],
        cwd=ada.folder.parent, env=ada.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"The template {OLD} has no question 'template_update'." in done.stderr


def test_stopping_at_a_new_question_changes_nothing(ada, terminal):
    before = ada.git("for-each-ref")
    child = terminal()
    child.expect_exact("(back)")
    child.sendcontrol("c")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert ada.git("for-each-ref") == before


def test_without_a_terminal_new_questions_have_defaults_which_are_told(ada):
    told = ada.sync()
    assert ada.record().answers["template_update"] == "off"
    assert "template_update" in json.dumps(told)
    assert "updates: off" in ada.git("show", f"{SYNCED}:updates.txt")


@pytest.mark.parametrize("way", ["flag", "file"])
def test_answers_come_by_flag_and_by_file(ada, tmp_path, way):
    path = tmp_path / "answers.yml"
    path.write_text("version: 1\ntemplate_update: monthly\nowner: Grace\n", encoding="utf-8")
    by_flag = ("--set", "template_update=monthly", "--set", "owner=Grace")
    ada.sync(*(by_flag if way == "flag" else ("--answers", str(path))))
    assert {key: ada.record().answers[key] for key in ("template_update", "owner")} == {
        "template_update": "monthly",
        "owner": "Grace",
    }
    assert ada.git("show", f"{SYNCED}:updates.txt") == "updates: monthly\nowner: Grace"


def test_a_wrong_answer_is_refused_where_it_stands(ada, tmp_path):
    path = tmp_path / "answers.yml"
    path.write_text("version: 1\ntemplate_update: daily\n", encoding="utf-8")
    error = ada.sync("--answers", str(path), code=2)["error"]
    assert error["where"] == f"{path}:2"
    assert "'template_update' cannot be 'daily'" in error["message"]
    error = ada.sync("--set", "template_updates=weekly", code=2)["error"]
    assert "Did you mean 'template_update'?" in error["hint"]
    assert not ada.git("branch", "--list", SYNCED)


def test_known_answers_change_at_the_same_version_too(ada):
    ada.sync("--to", OLD, "--set", "owner=Grace")
    assert (ada.record().version, ada.record().answers["owner"]) == (OLD, "Grace")
    assert "owner: Grace" in ada.git("show", f"{SYNCED}:updates.txt")


def test_an_edit_by_hand_becomes_an_update_and_the_list_of_owned_files_stays(ada):
    ada.edit("owner: Ada", "owner: Grace")
    ada.edit("owned: []", "owned: [helpers.txt]  # ours")
    told = ada.sync("--to", OLD)
    assert "edited by hand (owner)" in json.dumps(told)
    record = ada.record()
    assert (record.answers["owner"], record.owned, record.is_edited) == ("Grace", ("helpers.txt",), False)
    assert "owner: Grace" in ada.git("show", f"{SYNCED}:updates.txt")


def test_a_wrong_version_leads_to_rebase_from_and_that_leads_back(ada):
    ada.edit(f"_commit: {OLD}", "_commit: v0.0.7")
    error = ada.sync(code=2)["error"]
    assert error["where"].startswith(f"{ANSWERS_FILE}:")
    assert "There is no template version 'v0.0.7'" in error["message"]
    assert "mlopsgen sync --rebase-from" in error["hint"]
    ada.sync("--rebase-from", OLD)
    assert ada.record().version == NEW


def test_a_missing_record_is_written_again(ada):
    ada.git("rm", "--quiet", ANSWERS_FILE)
    ada.git("commit", "--quiet", "-m", "Gone")
    error = ada.sync(code=2)["error"]
    assert "git checkout" in error["hint"]
    ada.sync("--rebase-from", OLD, "--set", "slug=wine", "--set", "project_name=wine", "--set", "owner=Ada")
    record = ada.record()
    assert (record.version, record.answers["slug"]) == (NEW, "wine")
    assert not record.is_edited


def test_the_way_back_leads_to_the_question_before_and_from_the_first_one_to_it_again():
    questions = [BY_KEY["notify_how"], BY_KEY["notify_emails"], BY_KEY["template_update"]]
    script = Script(
        ("Notify by", BACK),
        ("Notify by", "email"),
        ("Notify", "a@b.cd"),
        ("Template updates", None),
    )
    found = wizard.ask_new(questions, resolve({"owner": "Ada"}), script)
    assert found == {"notify_how": "email", "notify_emails": ["a@b.cd"]}
    assert script.told == ["\nThe newer template asks 3 new questions; enter keeps the default."]
    assert next(script.steps, None) is None
    # The default of a new question follows the answer to another one.
    script = Script(("Data", "wine.csv"), ("Watch the data", None))
    questions = [BY_KEY["data_address"], BY_KEY["data_watch"]]
    assert wizard.ask_new(questions, resolve({}), script) == {"data_address": "wine.csv"}


@pytest.mark.parametrize(("flag", "code"), [("--check", 8), ("--dry-run", 0)])
def test_who_only_looks_is_asked_nothing(ada, terminal, flag, code):
    child = terminal(flag)
    child.expect(pexpect.EOF)
    assert "new question" not in child.before
    child.close()
    assert child.exitstatus == code
