"""What a repository tells about the answers, and what it does not decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsgen.adapters.git import GitRepository
from mlopsgen.answers import BUILT_IN
from mlopsgen.operations.adopt_guess import guess
from mlopsgen.organisation import Locked, Organisation
from mlopsgen.question_set import QuestionSet
from tests.canaries import canary
from tests.sync_toys import environment

APACHE = "                                 Apache License\n                           Version 2.0, January 2004\n"


@pytest.fixture
def source(tmp_path: Path) -> GitRepository:
    folder = tmp_path / "Wine Quality"
    folder.mkdir()
    made = GitRepository(folder, environment(tmp_path / "home"))
    made.run("init", "--quiet")
    return made


def guessed(source: GitRepository, questions: QuestionSet = BUILT_IN, **files: str) -> dict[str, object]:
    named = {name.replace("__", "."): text for name, text in files.items()}
    return guess(source, named.get, questions)


def test_the_folder_is_the_name_where_nothing_else_is(source):
    assert guessed(source) == {"project_name": "Wine Quality"}


def test_where_it_is_hosted_is_name_and_owner_and_no_credential_is_read(source):
    source.run("remote", "add", "origin", f"https://ada:{canary('clone')}@git.example.org/acme/red-wine.git")
    assert guessed(source) == {"project_name": "red-wine", "owner": "acme"}
    source.run("remote", "remove", "origin")


def test_what_the_project_says_of_itself(source):
    project = '[project]\nname = "wine"\ndescription = "Red\\n or white."\nrequires-python = ">=3.13"\n'
    told = guessed(source, pyproject__toml=project, LICENSE=APACHE)
    assert told == {
        "project_name": "wine",
        "description": "Red or white.",
        "license": "apache-2.0",
        "python_version": "3.13",
    }


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"__python-version": "3.11.7\n", "pyproject__toml": '[project]\nrequires-python = ">=3.13"\n'}, "3.11"),
        ({"__python-version": "3.8\n"}, None),
        ({"pyproject__toml": '[project]\nrequires-python = ">=3.9,<4"\n'}, None),
        ({"pyproject__toml": '[project]\nrequires-python = ">=3.14"\n'}, None),
    ],
)
def test_python_is_what_the_template_takes_too(source, files, version):
    assert guessed(source, **files).get("python_version") == version


@pytest.mark.parametrize(
    "text", ["[project", '[project]\nname = 3\ndescription = ["a"]\n', 'project = "x"\n', "[" * 9999]
)
def test_a_project_file_that_says_nothing(source, text):
    assert guessed(source, pyproject__toml=text)["project_name"] == ("3" if "name = 3" in text else "Wine Quality")


def test_an_organisation_has_the_last_word(source):
    acme = Organisation(name="acme", preset={"license": "mit"}, locked={"owner": Locked(value="acme")})
    questions = QuestionSet(questions=BUILT_IN.questions, ours=True, organisation=acme)
    source.run("remote", "add", "origin", "git@github.com:ada/wine.git")
    assert guessed(source, questions, LICENSE=APACHE) == {"project_name": "wine"}


def test_what_the_template_does_not_ask_is_not_told(source):
    name = BUILT_IN.by_key["project_name"]
    assert guessed(source, QuestionSet(questions=(name,)), LICENSE=APACHE) == {"project_name": "Wine Quality"}
    assert guessed(source, QuestionSet(questions=())) == {}
