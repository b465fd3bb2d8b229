"""The variables of cookiecutter templates as questions: their defaults are those that cookiecutter itself makes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsgen.adapters.cookiecutter_questions import cookiecutter_questions
from mlopsgen.errors import InvalidAnswer, MlopsgenError
from mlopsgen.question_set import QuestionSet

VARIABLES: dict[str, Any] = {
    "full_name": "Ada Lovelace",
    "project_name": "My Project",
    "__lower": "{{ cookiecutter.project_name | lower }}",
    "project_slug": "{{ cookiecutter.__lower | replace(' ', '_') }}",
    "slugified": "{{ cookiecutter.project_name | slugify }}",
    "license": ["MIT", "BSD-3", "Not open"],
    "docker": True,
    "port": 8080,
    "nothing": None,
    "year": "{{ 2000 + 26 }}",
    "loud": "{% if cookiecutter.docker %}yes{% else %}no{% endif %}",
    "packages": {"one": {"name": "{{ cookiecutter.project_slug }}-one", "versions": ["1", "{{ cookiecutter.port }}"]}},
    "folder": ["{{ cookiecutter.project_slug }}", "src"],
    "_copy_without_render": ["*.html"],
    "_private": "p",
    "uses": "{{ cookiecutter._private }}{{ cookiecutter.license }}",
    "__prompts__": {"full_name": "Who are you?", "license": {"__prompt__": "Which licence?", "MIT": "the MIT one"}},
}


def questions(variables: object = VARIABLES) -> QuestionSet:
    return cookiecutter_questions(json.dumps(variables))


def made(folder: Any, answers: dict[str, object]) -> dict[str, Any]:
    """The variables as cookiecutter itself makes them without asking."""
    path = folder / "cookiecutter.json"
    path.write_text(json.dumps(VARIABLES), encoding="utf-8")
    context = generate_context(str(path), default_context=None, extra_context=answers)
    return dict(prompt_for_config(context, no_input=True))


@settings(max_examples=60, deadline=None)
@given(
    answers=st.fixed_dictionaries({}, optional={
        "full_name": st.sampled_from(["Grace", ""]), "project_name": st.sampled_from(["Red Wine", "x", "Ä ö"]),
        "license": st.sampled_from(["MIT", "BSD-3"]), "docker": st.booleans(), "port": st.just("1"),
        "project_slug": st.just("own"), "loud": st.just("perhaps"),
    })
)  # fmt: skip
def test_defaults_are_those_that_cookiecutter_makes(tmp_path_factory, answers):
    found = questions()
    theirs = made(tmp_path_factory.mktemp("own"), dict(answers))
    ours = found.resolve(answers)
    expected = {key: value for key, value in theirs.items() if not key.startswith("_")}
    assert ours == expected | {"nothing": expected["nothing"] or ""}
    assert found.for_engine(ours, answers) == answers


def test_every_kind_of_variable_is_understood():
    found = questions()
    kinds = {question.key: question.kind for question in found.questions}
    assert {key: kind for key, kind in kinds.items() if kind != "text"} == {
        "license": "choice", "docker": "switch", "packages": "data",
    }  # fmt: skip
    assert not {key for key in kinds if key.startswith("_")}
    assert found.by_key["license"].choices == ("MIT", "BSD-3", "Not open")
    assert (found.by_key["full_name"].help, found.by_key["license"].help) == ("Who are you?", "Which licence?")
    assert (found.ours, found.left, found.sections) == (False, {}, {"template": "The template's questions"})
    answers = found.resolve({"docker": "no", "packages": '{"two": {}}'})
    assert (answers["docker"], answers["packages"], answers["loud"]) == (False, {"two": {}}, "no")
    with pytest.raises(InvalidAnswer, match="did you mean 'BSD-3'"):
        found.resolve({"license": "BSD3"})


def test_a_default_that_cannot_be_made_here_is_the_engines():
    found = questions({"a": "{{ cookiecutter.b }}", "b": "{{ 1 | of_an_extension }}", "c": "{{ ''.__class__ }}"})
    answers = found.resolve({})
    assert answers == {"a": "", "b": "", "c": ""}
    assert found.for_engine(answers) == {}


def test_the_templates_own_delimiters_count():
    variables = {"name": "x y", "slug": "[[ cookiecutter.name | replace(' ', '-') ]]", "kept": "{{ as it is }}"}
    options = {"variable_start_string": "[[", "variable_end_string": "]]"}
    assert questions({**variables, "_jinja2_env_vars": options}).resolve({}) == {
        "name": "x y", "slug": "x-y", "kept": "{{ as it is }}",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "[1]", "{", '"x"', "[" * 100_000])
def test_what_is_no_list_of_variables_is_refused_in_words(text):
    with pytest.raises(MlopsgenError) as caught:
        cookiecutter_questions(text)
    assert caught.value.where == "cookiecutter.json"
    assert caught.value.hint


def test_a_choice_among_templates_is_left_to_the_engine():
    nested = {"one": {"path": "one", "title": "One"}}
    assert questions({"templates": nested}).left == {"templates": "it chooses among templates"}
