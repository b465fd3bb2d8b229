"""Renders of cookiecutter templates: the same as cookiecutter's own, in a sandbox, and the same each time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlopsgen.adapters.cookiecutter_engine import CookiecutterEngine
from mlopsgen.adapters.templates import open_template
from mlopsgen.adapters.trust import Trust
from mlopsgen.errors import InvalidAnswer, UsageError
from mlopsgen.ports import Template
from mlopsgen.sync.record import read_record
from mlopsgen.sync.renders import Renders
from tests.cookiecutter_forks import Case, render_all
from tests.cookiecutter_toys import FILES, HOOKS, ROWS, TOP, VARIABLES, inside, plain, published

RECORD = ".copier-answers.yml"


def opened(folder: Path, environ: Mapping[str, str], *, trusted: bool = False) -> Template:
    trust = Trust.of([str(folder)]) if trusted else Trust()
    return open_template(str(folder), environ, given=True, trust=trust)


def rendered(template: Template, answers: Mapping[str, Any], folder: Path) -> dict[str, tuple[int, bytes]]:
    folder.mkdir()
    template.render(template.newest, answers, folder)
    return inside(folder)


def again(template: Template, answers: Mapping[str, Any], folder: Path) -> dict[str, tuple[int, bytes]]:
    """What an update compares."""
    assert isinstance(template, CookiecutterEngine)
    folder.mkdir()
    template.render_again(template.newest, answers, folder)
    return inside(folder)


def small(folder: Path, variables: Mapping[str, Any], files: Mapping[str, str]) -> Path:
    """A template with these variables and files in its folder."""
    named = {f"{{{{cookiecutter.name}}}}/{name}": text for name, text in files.items()}
    return published(folder, {"cookiecutter.json": json.dumps({"name": "made", **variables}), **named}).path


@pytest.mark.parametrize("hooks", [False, True])
def test_a_render_is_what_cookiecutter_itself_makes(hooks: bool, environ: dict[str, str], tmp_path: Path) -> None:
    files = {**FILES, **HOOKS} if hooks else FILES
    files = {**files, "local_extensions.py": "raise SystemExit('imported')\n"}
    made = published(tmp_path / "a template", files)
    rows = ROWS[1:4] if hooks else ROWS
    wanted = plain(made.path, tmp_path / "plain", rows)
    template = opened(made.path, environ, trusted=hooks)
    for number, row in enumerate(rows):
        found = rendered(template, row, tmp_path / str(number))
        record = found.pop(RECORD)[1].decode()
        dictionaries = {
            "services"
        }  # what a person gives replaces the default; on cookiecutter's command line it merges
        if not dictionaries.intersection(row):
            assert found == wanted[number]
        assert set(found) == set(wanted[number])
        assert number or template.folder_name(template.newest, row) == read_record(record).answers["project_slug"]


def test_the_record_is_that_of_every_engine(environ: dict[str, str], tmp_path: Path) -> None:
    made = published(tmp_path / "template")
    template = opened(made.path, environ)
    record = read_record(rendered(template, ROWS[1], tmp_path / "out")[RECORD][1].decode())
    assert (record.template, record.version, record.is_edited) == (str(made.path), "v1.0.0", False)
    assert list(record.answers) == [key for key in VARIABLES if not key.startswith("_")]
    assert record.answers["use_docker"] is False
    assert record.answers["services"]["db"]["image"] == "postgres:0.1.0"
    assert record.digest
    assert rendered(template, record.answers, tmp_path / "again") == inside(tmp_path / "out")


def test_what_is_drawn_at_random_is_so_in_a_new_repository_and_the_same_in_what_an_update_compares(
    environ: dict[str, str], tmp_path: Path
) -> None:
    text = "{{ random_ascii_string(20) }} {{ uuid4() }} {{ random_ascii_string(9, punctuation=True) | length }}\n"
    made = small(tmp_path / "template", {"key": "{{ random_ascii_string(8) }}", "__k": "{{ uuid4() }}"}, {
        "a.txt": text, "b.txt": text, "c.txt": "{{ cookiecutter.key }} {{ cookiecutter.__k }}\n",
        "now.txt": "{% now 'utc', '%H:%M:%S.%f' %} {% now 'Europe/Berlin' %} {% now 'utc' + 'days=400', '%Y' %}",
    })  # fmt: skip
    template = opened(made, environ)
    first = again(template, {}, tmp_path / "first")
    assert again(template, {}, tmp_path / "second") == first
    assert first["a.txt"] != first["b.txt"]
    other = again(template, {"name": "other"}, tmp_path / "other")
    new, newer = (rendered(template, {}, tmp_path / name) for name in ("new", "newer"))
    for name in ("a.txt", "b.txt", "c.txt"):
        assert len({each[name] for each in (first, other, new, newer)}) == 4


def test_what_a_new_question_changes_is_not_what_was_drawn(environ: dict[str, str], tmp_path: Path) -> None:
    made = published(tmp_path / "template", {
        "cookiecutter.json": json.dumps({"name": "made"}), "{{cookiecutter.name}}/key": "{{ random_ascii_string(9) }}",
    })  # fmt: skip
    made.release("v1.1.0", {
        "cookiecutter.json": json.dumps({"first": "x", "name": "made", "last": "{{ random_ascii_string(3) }}"}),
        "{{cookiecutter.name}}/another": "{{ random_ascii_string(9) }}",
    }, "More")  # fmt: skip
    template = opened(made.path, environ)
    for version in ("v1.0.0", "v1.1.0"):
        (tmp_path / version).mkdir()
        template.render_again(version, {}, tmp_path / version)
    assert (tmp_path / "v1.0.0/key").read_text() == (tmp_path / "v1.1.0/key").read_text()


def test_lines_end_as_the_template_says(environ: dict[str, str], tmp_path: Path) -> None:
    marks = {"variable_start_string": "<<", "variable_end_string": ">>", "trim_blocks": True}
    variables = {"name": "made", "_new_lines": "\r\n", "_jinja2_env_vars": marks}
    files = {"cookiecutter.json": json.dumps(variables), "<<cookiecutter.name>>/a": "<< cookiecutter.name >>\n"}
    found = rendered(opened(published(tmp_path / "t", files).path, environ), {}, tmp_path / "out")
    assert found["a"][1] == b"made\r\n"


UNFIT = [
    ({"open_source_license": "GPL"}, "open_source_license.*none of MIT license, BSD license"),
    ({"use_docker": "perhaps"}, "use_docker.*yes or no"),
    ({"services": "none"}, "services.*mapping"),
    ({"full_name": ["a"]}, "full_name.*text"),
    ({"project_slug": "a/b"}, "folder would be called 'a/b'"),
    ({"project_slug": ".."}, r"'\.\.'"),
    ({"project_slug": ".git"}, r"'\.git'"),
    ({"project_slug": ""}, "folder would be called ''"),
]


def test_answers_that_do_not_fit_are_refused_in_words(tmp_path: Path) -> None:
    files = {name: text for name, text in FILES.items() if name != "cookiecutter.json"}
    cases = [Case(files, VARIABLES, answers) for answers, _ in UNFIT]
    for (answers, words), outcome in zip(UNFIT, render_all(cases, tmp_path / "cases"), strict=True):
        assert re.search(words, outcome.error), outcome.error
        assert "project_slug" in answers or (outcome.told["where"], outcome.told["kind"]) == (*answers, "answer")


def test_a_refused_answer_leaves_nothing(shaped: Template, tmp_path: Path) -> None:
    with pytest.raises(InvalidAnswer, match="use_docker") as caught:
        shaped.render("v1.0.0", {"use_docker": "perhaps"}, tmp_path)
    assert (caught.value.where, list(tmp_path.iterdir())) == ("use_docker", [])


@pytest.fixture(scope="module")
def shaped(tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("shaped")
    return opened(published(folder / "template").path, {"HOME": str(folder)})


def test_what_a_person_types_is_never_rendered(shaped: Template, tmp_path: Path) -> None:
    found = rendered(shaped, {"full_name": "{{ 7 * 7 }} {% raw %}", "email": "{{ x.y.z }}"}, tmp_path / "out")
    assert b"{{ 7 * 7 }} {% raw %}" in found["LICENSE"][1]
    assert b"{{ x.y.z }}" in found["pyproject.toml"][1]


MISTAKES = [
    ({"a": "{{ cookiecutter.nothing }}"}, "Unable to create file 'a': .*no attribute 'nothing'"),
    ({"a": "one\n{% if %}"}, "cannot be rendered"),
    ({"{{ cookiecutter.nothing }}/a": ""}, "no attribute 'nothing'"),
    ({"a": "{{ 1 / 0 }}"}, "division by zero"),
    ({"a": "{% include 'nowhere' %}"}, "nowhere"),
    ({"{% if 0 %}x{% endif %}/a": ""}, "already exists"),
]


def test_a_mistake_in_a_template_is_said(tmp_path: Path) -> None:
    cases = [Case({f"{{{{cookiecutter.name}}}}/{name}": text for name, text in files.items()}) for files, _ in MISTAKES]
    for (_, words), outcome in zip(MISTAKES, render_all(cases, tmp_path / "cases"), strict=True):
        assert re.search(words, outcome.error), outcome.error
        assert "mend it" in outcome.told["hint"]
        assert "Traceback" not in outcome.error


def test_several_templates_in_one_repository_are_named(environ: dict[str, str], tmp_path: Path) -> None:
    inner = {f"inner/deep/{name}": text for name, text in FILES.items()}
    nested = {"templates": {"one": {"path": "./inner/deep", "title": "One"}, "two": {"path": "two"}}}
    made = published(tmp_path / "template", {"cookiecutter.json": json.dumps(nested), **inner}).path
    old = published(
        tmp_path / "old", {"cookiecutter.json": json.dumps({"template": ["Package (./pkg)", "Other (x)"]})}
    ).path
    for folder, named in ((made, "inner/deep"), (old, "pkg")):
        with pytest.raises(UsageError, match="several templates") as caught:
            opened(folder, environ).questions("v1.0.0")
        assert f"{folder}#{named}" in caught.value.hint
    template = open_template(f"{made}#inner/deep", environ, given=True)
    assert template.questions("v1.0.0").by_key["use_docker"].default is True
    record = read_record(rendered(template, {}, tmp_path / "out")[RECORD][1].decode())
    assert record.template == f"{made}#inner/deep"


def test_renders_are_kept_but_not_those_with_the_time_in_them(environ: dict[str, str], tmp_path: Path) -> None:
    still = small(tmp_path / "still", {}, {"a": "{{ cookiecutter.name }} as it is now and then"})
    timed = small(tmp_path / "timed", {}, {"a": "{% now 'utc', '%f' %}"})
    for folder, is_kept in ((still, True), (timed, False)):
        store = tmp_path / f"renders of {folder.name}"
        first, second = (Renders(store, opened(folder, environ), environ) for _ in range(2))
        assert first.tree("v1.0.0", {}) == first.tree("v1.0.0", {})
        assert (second.tree("v1.0.0", {}) == first.tree("v1.0.0", {})) is is_kept


def test_what_the_template_tells_git_to_ignore_is_no_part_of_an_update(environ: dict[str, str], tmp_path: Path) -> None:
    ignored = {".gitignore": ".*\n!.gitignore\n", ".env": "KEY={{ random_ascii_string(9) }}"}
    made = small(tmp_path / "t", {}, {**ignored, "a": "a"})
    renders = Renders(tmp_path / "store", opened(made, environ), environ)
    tree = renders.tree("v1.0.0", {})
    assert renders.repository.read("ls-tree", "-r", "--name-only", tree).split() == [RECORD, ".gitignore", "a"]


def test_the_folder_in_the_template_is_the_first_of_several(environ: dict[str, str], tmp_path: Path) -> None:
    made = published(tmp_path / "t", {
        "cookiecutter.json": '{"name": "x"}', "{{cookiecutter.name}}b/b": "", "{{cookiecutter.name}}a/a": "",
        f"docs/{TOP}": "",
    })  # fmt: skip
    assert set(rendered(opened(made.path, environ), {}, tmp_path / "out")) == {RECORD, "a"}
