"""Whether an organisation's template is sound: what is tried, and what is found in templates with mistakes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import pytest

from mlopsgen.adapters.git import GitRepository
from mlopsgen.answers import BUILT_IN
from mlopsgen.errors import ExitCode
from mlopsgen.operations import config_check, config_repository
from mlopsgen.operations.config_rows import answer_rows, to_answer
from mlopsgen.operations.config_workflows import check_workflows
from mlopsgen.operations.project import Surroundings
from mlopsgen.organisation import Locked, Organisation
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Question
from mlopsgen.result import OperationResult
from mlopsgen.sync import trees
from mlopsgen.sync.values import Entry
from tests.config_toys import DECIDED, WHO, lean, write
from tests.template_environment import ROOT

QUESTION = """
stage:
  type: str
  help: 'Stage: Of the data centre.'
  default: lab
  choices: [lab, floor]

audited: {type: bool, default: no}
"""
COMMIT = "0123456789" * 4
STEPS = "template/_includes/organisation/"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lean(tmp_path_factory.mktemp("config") / "mlops-config").path


@pytest.fixture
def acme(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "mlops-config", symlinks=True)
    return tmp_path / "mlops-config"


def check(folder: Path, environ: dict[str, str], *, full: bool = False) -> OperationResult:
    surroundings = Surroundings(folder=folder, environ=environ | WHO, python=Path("python3"))
    return config_check.check(config_check.CheckRequest(surroundings=surroundings, full=full), lambda _: None)


def wrong(result: OperationResult) -> dict[str, str]:
    return {each["name"]: each["detail"] for each in result.data["checks"] if not each["ok"]}


def appended(folder: Path, name: str, text: str) -> None:
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(text)


def state(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_template_with_own_questions_steps_and_files_is_sound(acme, environ) -> None:
    appended(acme, "copier.yml", QUESTION)
    steps = "      - name: Scan\n        run: echo '[[ stage ]]'\n"
    write(
        acme,
        {
            f"{STEPS}{name}.yml.jinja": steps.replace("Scan", name)
            for name in ("before-tests", "after-tests", "before-training", "after-training")
        }
        | {"template/POLICY.md.jinja": "[% if audited %]Audited in [[ stage ]].\n[% endif %]"},
    )
    before = state(acme)
    done = check(acme, environ)
    assert not wrong(done)
    assert done.exit_code == ExitCode.OK
    assert done.data["rows"] >= 5
    (asked,) = [each for each in done.data["checks"] if each["name"] == "questions"]
    assert "2 of them your own" in asked["detail"]
    assert f"1 preset, {DECIDED.count(chr(10)) - 5} locked" in asked["detail"]
    assert state(acme) == before


def test_every_kind_of_mistake_is_found_with_the_answers_that_show_it(acme, environ) -> None:
    """Also what is not committed: the template counts as it lies there."""
    appended(acme, "copier.yml", QUESTION)
    broken = {
        f"{STEPS}before-tests.yml.jinja": f"      - uses: acme/scan@{COMMIT}\n      - uses: actions/cache@v4\n",
        f"{STEPS}after-tests.yml.jinja": "      - name: Nothing\n      - id: decide\n        run: 'true'\n",
        f"{STEPS}after-training.yml.jinja": "      - runs: echo\n        run: echo\n",
        "template/own.yaml.jinja": "[% if stage == 'floor' %]a: [1\n[% else %]a: 1\n[% endif %]",
        "template/src/steps/own.py": "def broken(:\n",
        "template/notes.md": "<<<<<<< one\na\n=======\nb\n>>>>>>> two\n",
    }
    write(acme, broken)
    done = check(acme, environ)
    assert done.exit_code == ExitCode.FAILURE
    found = wrong(done)
    assert set(found) == {
        "no marks of conflicts", "configuration can be read", "Python compiles",
        "workflows have steps that GitHub reads", "actions may run",
    }  # fmt: skip
    assert found["no marks of conflicts"] == "notes.md:1 (with every default)"
    assert found["Python compiles"].startswith("src/steps/own.py:1: ")
    assert "own.yaml: line " in found["configuration can be read"]
    assert found["configuration can be read"].endswith("(with stage=floor)")
    steps = found["workflows have steps that GitHub reads"]
    assert "has the id 'decide' of another step" in steps
    assert "of the job test has to hold either 'run' or 'uses'" in steps
    assert "of the job train holds 'runs', which no step has" in steps
    assert "add 'acme/scan@*' to 'patterns' of template/.github/remote.yaml.jinja" in found["actions may run"]
    assert "'actions/cache@v4' is not pinned to a commit" in found["actions may run"]
    assert done.next_steps


@pytest.mark.parametrize(
    ("settings", "uses", "said"),
    [
        ("", f"acme/scan@{COMMIT}", "add 'acme/scan@*' to 'patterns'"),
        ("patterns: [acme/scan@*]", f"acme/scan@{COMMIT}", ""),
        ("patterns: [acme/scan@*]", "acme/scan@v1", "not pinned"),
        ("patterns: [acme/scan@*], pinned: false", "acme/scan@v1", ""),
        ("allowed: all", f"acme/scan@{COMMIT}", ""),
        ("", f"actions/cache@{COMMIT}", ""),
        ("github_owned: false", f"actions/cache@{COMMIT}", "GitHub refuses"),
        ("", "./own/action", ""),
        ("patterns: 7", f"acme/scan@{COMMIT}", "remote.yaml"),
    ],
)
def test_actions_that_the_repositorys_settings_refuse_are_found(settings, uses, said, environ, tmp_path) -> None:
    files = {
        ".github/remote.yaml": f"version: 1\nactions: {{{settings}}}\n",
        ".github/workflows/own.yml": f"on: push\njobs:\n  one:\n    steps:\n      - uses: {uses}\n",
    }
    git = GitRepository(tmp_path, environ | WHO)
    git.run("init", "--quiet", "--template=")
    blobs = trees.store_blobs(git, [text.encode() for text in files.values()])
    tree = trees.tree_of(git, {path: Entry("100644", blob) for path, blob in zip(files, blobs, strict=True)})
    steps, actions = check_workflows(git, tree)
    assert steps.ok
    assert (said in actions.detail) if said else actions.ok


def test_a_file_that_cannot_be_rendered_is_named(acme, environ) -> None:
    write(acme, {"template/own.txt.jinja": "[% if nobody_asked.this %][% endif %]\n"})
    found = wrong(check(acme, environ))
    assert set(found) == {"every set of answers renders"}
    assert "nobody_asked" in found["every set of answers renders"]


@pytest.mark.parametrize(
    ("files", "name", "said"),
    [
        ({"organisation.yaml": DECIDED + "prset: {}\n"}, "the template can be read", "organisation.yaml:26"),
        ({"organisation.yaml": DECIDED.replace("private", "hidden")}, "the template can be read", "hidden"),
        ({"organisation.yaml": DECIDED.replace("1.0.0", "soon")}, "the next release", "soon"),
        ({"organisation.yaml": DECIDED.replace("release: 1.0.0\n", "")}, "the next release", "names no release"),
        ({"sync.yaml": "version: 1\norganisation: {owned: []}\n"}, "the template can be read", "sync.yaml"),
    ],
)
def test_documents_that_cannot_be_used_are_named_with_their_line(acme, environ, files, name, said) -> None:
    write(acme, files)
    found = wrong(check(acme, environ))
    assert said in found[name]


def test_code_of_the_templates_own_is_refused(acme, environ) -> None:
    text = (acme / "copier.yml").read_text(encoding="utf-8")
    write(acme, {"copier.yml": f"_tasks: [touch /tmp/x]\n{text}"})
    found = wrong(check(acme, environ))
    assert set(found) == {"the template can be read"}
    assert "--trust" in found["the template can be read"]


def test_a_template_of_a_newer_mlopsgen_asks_for_that(acme, environ) -> None:
    write(acme, {".mlopsgen-template": "v99.0.0\n"})
    surroundings = Surroundings(folder=acme, environ=environ | WHO, python=Path("python3"))
    git = config_repository.find_config_repository(surroundings)
    git.run("commit", "--quiet", "--all", "-m", "newer")
    assert "install a newer one" in wrong(check(acme, environ))["mlopsgen's template is merged"]


def test_full_installs_lints_and_tests_a_repository_and_stops_where_it_fails(acme, environ, tmp_path) -> None:
    """``make`` itself is a script here, which says what it was asked for and fails as it is told."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "make").write_text(
        f'#!/bin/sh\nls -a > "{tmp_path}/$1"\nenv > "{tmp_path}/$1.env"\n'
        'if [ "$1" = lint ]; then echo "src/steps/x.py:1: bad"; exit 2; fi\n'
    )
    (bin_folder / "make").chmod(0o755)
    environ |= {"PATH": f"{bin_folder}:{environ['PATH']}", "SOME_VARIABLE": "of the person"}
    done = check(acme, environ, full=True)
    names = {each["name"]: each for each in done.data["checks"]}
    assert names["a repository installs"]["ok"]
    assert names["a repository passes its lint"]["detail"] == "src/steps/x.py:1: bad"
    assert not names["a repository passes its tests"]["ran"]
    assert done.exit_code == ExitCode.FAILURE
    assert {".git", "Makefile", ".github", ".copier-answers.yml"} <= set((tmp_path / "setup").read_text().split())
    assert "SOME_VARIABLE" not in (tmp_path / "setup.env").read_text()
    assert not (tmp_path / "test").exists()


def questions(**organisation: object) -> QuestionSet:
    own = (
        Question(key="stage", section="organisation", kind="choice", title="", help="", choices=("lab", "floor")),
        Question(key="audited", section="organisation", kind="switch", title="", help="", default=False),
    )
    return replace(
        BUILT_IN,
        questions=(*BUILT_IN.questions, *own),
        organisation=Organisation(name="Acme", **organisation) if organisation else None,
    )


def test_every_two_choices_meet_in_a_row() -> None:
    rows = [row.answers for row in answer_rows(questions())]
    own = {"stage": ("lab", "floor"), "audited": (False, True)}
    choices = {question.key: question.choices for question in BUILT_IN.questions if question.kind == "choice"} | own
    needs = {question.key: question.when for question in BUILT_IN.questions if question.when}

    def possible(one: str, a: object, two: str) -> bool:
        when = needs.get(two)
        return when is None or (when[0] != one or when[1] == a)

    for (one, first), (two, second) in combinations(choices.items(), 2):
        for a, b in product(first, second):
            if possible(one, a, two) and possible(two, b, one):
                assert any(row[one] == a and row[two] == b for row in rows), (one, a, two, b)


def test_what_is_locked_is_the_same_in_every_row_and_a_preset_is_the_default() -> None:
    found = questions(
        preset={"license": "mit", "owner": "Acme"},
        locked={"production_engine": Locked(value="local"), "stage": Locked(value="floor")},
    )
    rows = list(answer_rows(found))
    assert {row.answers["production_engine"] for row in rows} == {"local"}
    assert {row.answers["stage"] for row in rows} == {"floor"}
    assert {row.answers["license"] for row in rows} == {"none", "apache-2.0", "mit", "bsd-3-clause", "proprietary"}
    assert rows[0].answers["license"] == "mit"
    assert {row.answers["owner"] for row in rows} == {"Acme"}
    assert not rows[0].given


def test_what_everybody_has_to_answer_because_of_a_decision_is_told() -> None:
    locked = {"production_engine": Locked(value="kubeflow")}
    decided = replace(BUILT_IN, organisation=Organisation(name="Acme", locked=locked))
    assert to_answer(BUILT_IN) == ()
    assert to_answer(decided) == ("production_endpoint",)
    preset = {"production_endpoint": "https://kubeflow.acme.example"}
    assert to_answer(replace(BUILT_IN, organisation=Organisation(name="Acme", locked=locked, preset=preset))) == ()


def test_a_question_that_nobody_can_answer_for_a_try_says_so() -> None:
    hard = Question(
        key="code", section="organisation", title="", help="", required=True, check=lambda _: "it is not 42"
    )
    with pytest.raises(Exception, match="'code' has no default") as caught:
        list(answer_rows(replace(BUILT_IN, questions=(*BUILT_IN.questions, hard))))
    assert "preset" in str(getattr(caught.value, "hint", ""))


def test_the_command_line_shows_each_check_and_ends_with_1(mlopsgen, acme) -> None:
    write(acme, {"organisation.yaml": DECIDED + "prset: {}\n"})
    done = mlopsgen("config-repo", "check", str(acme))
    assert done.returncode == ExitCode.FAILURE, done.stdout + done.stderr
    assert "WRONG  the template can be read: organisation.yaml:26" in done.stdout
    assert "ok     the next release: 1.0.0" in done.stdout
    told = json.loads(mlopsgen("config-repo", "check", str(acme), "--output", "json").stdout)
    assert (told["ok"], told["exit_code"], told["error"]) == (False, 1, None)
    elsewhere = mlopsgen("config-repo", "check", str(ROOT / "docs"))
    assert "This is no configuration repository" in elsewhere.stderr


def test_where_there_is_no_repository_the_next_step_is_to_make_one(mlopsgen, tmp_path: Path) -> None:
    for verb in ("check", "update", "release"):
        told = json.loads(mlopsgen("config-repo", verb, str(tmp_path), "--output", "json").stdout)
        assert told["error"]["hint"].endswith("make one: mlopsgen config-repo create"), told
