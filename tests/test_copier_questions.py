"""The questions of other people's copier templates: what is asked and shown is what copier itself would answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsgen.adapters.compiled_template import CompiledTemplate
from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.copier_questions import read_questions
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.adapters.templates import open_template
from mlopsgen.answer_values import as_text, convert
from mlopsgen.answers import BUILT_IN, QUESTIONS
from mlopsgen.errors import InvalidAnswer, MissingAnswer
from mlopsgen.question_set import QuestionSet
from tests.organisation_toys import ROOT, asked
from tests.template_toys import FILES, Published
from tests.template_toys import QUESTIONS as SMALL

MORE = SMALL + (
    "computed: {type: str, default: 'c-{{ name }}-{{ replicas + 1 }}', when: false}\n"
    "follows: {type: str, default: '{{ computed }}!'}\n"
    "level: {type: int, choices: [1, 2, 3], default: 2}\n"
    "double: {type: int, default: '{{ level * 2 }}'}\n"
    "colour: {type: str, choices: [red, white], default: white}\n"
    "dynamic: {type: bool, default: \"{{ colour == 'red' }}\"}\n"
    'only_red: {type: int, default: 7, when: "{{ dynamic and level > 1 }}"}\n'
)
NAMED = (
    "wine: {type: str, choices: {Red wine: red, White wine: white}, default: white}\n"
    "pair: {type: int, choices: [[One, 1], [Two, 2]], default: 2}\n"
    "both: {type: str, multiselect: true, choices: [a, b], default: [b]}\n"
    "shown: {type: str, choices: \"{{ ['x', wine] }}\", default: x}\n"
)
TEMPLATE = {**FILES, "copier.yml": MORE}
DETAILS = ("type", "help", "default", "choices", "when", "validator", "multiselect", "secret", "value")


def questions(text: str, **files: str) -> QuestionSet:
    found = {"copier.yml": text, **{name.replace("_", "."): other for name, other in files.items()}}
    return read_questions(found.get)


@pytest.fixture(scope="module")
def compiled() -> CompiledTemplate:
    """Renders as copier does, which other tests hold."""
    return CompiledTemplate(sorted(TEMPLATE), lambda names: {name: TEMPLATE[name].encode() for name in names})


def recorded(template: CompiledTemplate, answers: Mapping[str, object]) -> dict[str, Any]:
    """What the engine records."""
    made = template.render(answers, "https://example.org/t", "v1.0.0")
    document = yaml.safe_load(made[".copier-answers.yml"].content or b"")
    return {key: value for key, value in document.items() if not key.startswith("_")}


GIVEN = st.fixed_dictionaries({}, optional={
    "name": st.sampled_from(["beer", "x y", "Ü"]), "title": st.just("T"),
    "engine": st.sampled_from(["local", "cluster"]),
    "endpoint": st.just("https://e.example.org"), "replicas": st.integers(1, 9), "share": st.sampled_from([0.25, 1.0]),
    "public": st.booleans(), "tags": st.sampled_from([["q"], [], ["a", "b"]]), "level": st.sampled_from(["1", "3"]),
    "double": st.integers(0, 3), "colour": st.sampled_from(["red", "white"]), "follows": st.just("f"),
    "only_red": st.integers(1, 3), "dynamic": st.booleans(),
})  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(given=GIVEN)
def test_defaults_and_conditions_are_those_that_the_engine_finds(compiled, given):
    found = questions(MORE)
    answers = found.resolve(given)
    engine = recorded(compiled, found.for_engine(answers, given))
    counting = {q.key: answers[q.key] for q in found.questions if q.asked(answers)}
    assert {key: convert(found.by_key[key], value) for key, value in engine.items()} == counting


def test_every_kind_of_question_is_understood():
    found = questions(MORE)
    kinds = {
        "name": "text", "title": "text", "engine": "choice", "endpoint": "text", "replicas": "integer", "share": "data",
        "public": "switch", "tags": "data", "computed": "text", "follows": "text", "level": "choice",
        "double": "integer", "colour": "choice", "dynamic": "switch", "only_red": "integer",
    }  # fmt: skip
    assert {question.key: question.kind for question in found.questions} == kinds
    assert found.by_key["level"].choices == ("1", "2", "3")
    assert found.by_key["colour"].choices == ("red", "white")
    assert (found.by_key["name"].help, found.sections) == (
        "What it is called",
        {"template": "The template's questions"},
    )
    assert not found.ours
    assert found.organisation is None


def test_an_answer_has_the_type_of_its_question():
    found = questions(MORE)
    answers = found.resolve({"public": "yes", "tags": '["x", 1]', "share": "0.75", "level": 3, "replicas": "4"})
    assert [answers[key] for key in ("public", "tags", "share", "level", "replicas")] == [True, ["x", 1], 0.75, "3", 4]
    refusals = {"public": "maybe", "level": "9", "replicas": "two", "share": "half", "tags": "[", "name": 3}
    for key, wrong in refusals.items():
        with pytest.raises(InvalidAnswer) as caught:
            found.resolve({key: wrong})
        assert caught.value.where == key
    with pytest.raises(InvalidAnswer) as caught:
        found.resolve({"nmae": "x"})
    assert "Did you mean 'name'?" in caught.value.hint


@pytest.mark.parametrize(
    "value", [True, 3, 0.5, "a b", "true", "3", "[", "", [1, "x"], {"a": [None, "ü"]}, "a: b", "null"]
)
def test_what_is_written_of_a_value_is_read_back(value):
    question = questions("free: {type: yaml, default: 1}\n").by_key["free"]
    assert convert(question, as_text(question, value)) == value


@pytest.mark.parametrize("given", [{}, {"wine": "red", "pair": "1", "both": "a, b", "shown": "red"}])
def test_choices_with_words_for_people_and_several_at_once_are_as_copier_takes_them(tmp_path, environ, given):
    published = Published(tmp_path / "published", {**FILES, "copier.yml": f"_subdirectory: template\n{NAMED}"})
    engine = open_template(str(published.path), environ, given=True)
    found = engine.questions("v1.0.0")
    assert [found.by_key[key].choices for key in found.by_key] == [("red", "white"), ("1", "2"), ("a", "b"), ()]
    answers = found.resolve(given)
    (tmp_path / "out").mkdir()
    engine.render("v1.0.0", found.for_engine(answers, given), tmp_path / "out")
    document = yaml.safe_load((tmp_path / "out/.copier-answers.yml").read_text(encoding="utf-8"))
    assert {key: convert(found.by_key[key], document[key]) for key in found.by_key} == answers


def test_the_engine_makes_the_defaults_that_nobody_changed():
    found = questions(MORE)
    given = {"name": "beer", "only_red": 3}
    assert found.for_engine(found.resolve(given), given) == {"name": "beer"}
    red = {**given, "colour": "red"}
    assert found.for_engine(found.resolve(red), red) == red


def test_a_question_without_a_default_has_to_be_answered():
    found = questions("name: {type: str}\nunset: {type: str, default: '{{ UNSET }}'}\n")
    with pytest.raises(MissingAnswer) as caught:
        found.resolve({})
    assert (caught.value.where, caught.value.hint) == ("name", "Add --set name=VALUE.")
    with pytest.raises(MissingAnswer):
        found.resolve({"name": "x"})
    assert found.resolve({"name": "x", "unset": "y"}) == {"name": "x", "unset": "y"}


def test_what_only_the_engine_understands_is_left_to_it_and_said():
    found = questions(
        "name: x\npassword: {type: str, secret: true, default: s}\nother: !tag x\n"
        "many: {type: int, multiselect: true, choices: [1, 2], default: [1]}\nodd: {type: '{{ name }}', default: 1}\n"
    )
    assert list(found.by_key) == ["name"]
    assert list(found.left) == ["password", "other", "many", "odd"]
    with pytest.raises(InvalidAnswer, match="'password' cannot be answered here: it is a secret") as caught:
        found.resolve({"password": "s"})
    assert caught.value.hint == "Leave it out; the template's default stands."


def test_several_texts_can_be_chosen():
    found = questions("many: {type: str, multiselect: true, choices: [a, b, c], default: [a]}\n")
    assert found.resolve({})["many"] == ["a"]
    assert found.resolve({"many": "b, c"})["many"] == ["b", "c"]
    with pytest.raises(InvalidAnswer, match="'d' is not one of the choices"):
        found.resolve({"many": ["d"]})


def test_names_that_only_copier_knows_leave_the_default_to_it():
    found = questions(
        "user: {type: str, default: '{{ _copier_conf.src_path }}'}\n"
        "made: {type: str, default: '{{ 1 | filter_of_an_extension }}'}\n"
        "wrong: {type: int, default: '{{ 1 / 0 }}'}\nbad: {type: str, default: '{% if %}'}\n"
    )
    answers = found.resolve({})
    assert answers == {"user": "", "made": "", "wrong": 0, "bad": ""}
    assert found.for_engine(answers) == {}
    assert found.for_engine(found.resolve({"user": "u"}), {"user"}) == {"user": "u"}


@pytest.mark.parametrize(
    "text", ["name: [", "", "- a\n", "a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" + "".join(
        f"{n}: &{n} [{','.join(['*' + p] * 9)}]\n" for p, n in zip("bcdefg", "cdefgh", strict=True))],
    ids=["no YAML", "nothing", "a list", "too large"],
)  # fmt: skip
def test_a_text_that_cannot_be_read_asks_nothing(text):
    assert questions(text).questions == ()


@pytest.mark.parametrize(
    "options", ["{block_start_string: 5}", "{block_start_string: '{{'}", "{no_such_option: 1}", "5"]
)
def test_delimiters_that_are_none_are_the_engines_to_say(options):
    found = questions(f"_envops: {options}\nname: '{{{{ made }}}}'\nother: {{type: str, validator: '{{{{ other }}}}'}}")
    assert [question.key for question in found.questions] == ["name", "other"]


@pytest.mark.parametrize("text", ["{{ 10**10000 }}", f"{{{{ {'(' * 9000} }}}}", "{{ 1/0 }}"])
def test_a_default_that_no_number_and_no_program_can_be_is_the_engines_to_say(text):
    found = questions(f"name: {{type: str, default: '{text}', validator: '{text}'}}")
    assert found.resolve({}) == {"name": ""}


def test_nothing_of_a_template_is_run():
    texts = ("a: \"{{ ''.__class__.__mro__[1].__subclasses__() }}\"", "b: '{{ a.__init__ }}'")
    assert set(questions("\n".join(texts)).resolve({}).values()) == {""}


def test_questions_of_included_files_are_asked_too():
    text = "!include shared.yml\n---\nname: x\n"
    found = read_questions({"copier.yml": text, "shared.yml": "owner: {type: str, default: Ada}\n"}.get)
    assert list(found.by_key) == ["owner", "name"]
    assert found.resolve({})["owner"] == "Ada"


def test_the_built_in_templates_questions_are_those_of_its_file(environ):
    engine = CopierEngine(TemplateStore(environ), environ)
    assert engine.questions(engine.newest) is BUILT_IN
    read = read_questions({"copier.yml": (ROOT / "copier.yml").read_text(encoding="utf-8")}.get)
    assert (read.questions, read.sections, read.ours, read.left) == (QUESTIONS, BUILT_IN.sections, True, {})


def test_a_template_derived_from_ours_asks_its_own_questions_last():
    found = asked()
    assert found.ours
    assert found.questions[: len(QUESTIONS)] == QUESTIONS
    own = found.questions[len(QUESTIONS) :]
    assert [question.key for question in own] == ["cost_centre", "gpu", "gpu_type"]
    assert list(found.sections)[-1] == "organisation"
    assert found.sections["organisation"] == "acme: questions of its own"
    own = "\nteam: {default: '1', help: 'Its team: Who answers.'}\nodd: {default: 1, help: 'a. b: c'}\n"
    named = asked(None, own)
    assert [(q.title, q.help) for q in named.questions[-2:]] == [("Its team", "Who answers."), ("odd", "a. b: c")]
    assert asked(None).sections["organisation"] == "Questions that this template adds"
    assert asked(None).resolve({"slug": "wine"})["cost_centre"] == "CC-wine"


def test_an_older_version_asks_what_it_asked():
    text = (ROOT / "copier.yml").read_text(encoding="utf-8")
    blocks = [block for block in text.split("\n\n") if not block.startswith(("template_update:", "reviewers:"))]
    found = questions("\n\n".join(blocks) + "\nformer: {type: str, default: f}\n")
    assert {question.key for question in QUESTIONS} - set(found.by_key) == {"template_update", "reviewers"}
    assert found.resolve({"former": "g"})["former"] == "g"


def test_an_older_versions_choices_are_those_that_it_had():
    text = (ROOT / "copier.yml").read_text(encoding="utf-8")
    found = questions(
        text.replace("  default: none\n  choices:\n  - none\n  - apache-2.0\n", "  default: mit\n  choices:\n")
    )
    assert found.by_key["license"].choices == ("mit", "bsd-3-clause", "proprietary")
    assert found.resolve({})["license"] == "mit"
    with pytest.raises(InvalidAnswer, match="'none' is not one of the choices"):
        found.resolve({"license": "none"})


def test_a_validator_that_needs_no_other_answer_refuses_in_the_templates_words():
    found = questions(
        "size: {type: int, default: 2, validator: '{% if size < 1 %}At least one.{% endif %}'}\n"
        "code: {type: str, validator: \"{% if not (code | regex_search('^[A-Z]+$')) %}Capitals only{% endif %}\"}\n"
        "other: {type: str, default: a, validator: '{% if other == code %}Not the same{% endif %}'}\n"
        "share: {type: float, default: 0.5, validator: '{{ now() }}'}\n"
    )
    assert found.resolve({"code": "AB", "other": "AB", "size": "3"})["size"] == 3
    for wrong, said in (({"size": 0}, "At least one."), ({"code": "ab"}, "Capitals only."), ({"code": ""}, "is empty")):
        with pytest.raises(InvalidAnswer, match=said):
            found.resolve({"code": "AB", **wrong})
    with pytest.raises(MissingAnswer):
        found.resolve({})


WORDS = (
    "",
    "x",
    "{{ a }}",
    "{{ b.c }}",
    "{{",
    "{% for i in a %}{{ i }}{% endfor %}",
    "{{ 1 // 0 }}",
    "\x1b[31m",
    "int",
)
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.sampled_from(WORDS)
ODD = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(DETAILS), inner, max_size=5),
    max_leaves=12,
)
KEYS = st.sampled_from(["a", "b", "c", "a b", "\x1b[2J", "_envops"])


@settings(max_examples=100, deadline=None)
@given(document=st.dictionaries(KEYS, ODD, max_size=4), answer=ODD)
def test_whatever_a_template_says_only_words_come_of_it(document, answer):
    found = questions(yaml.safe_dump(document))
    assert all(question.key.isprintable() and question.help.isprintable() for question in found.questions)
    for answered in ({}, {"a": answer}):
        try:
            answers = found.resolve(answered)
        except (InvalidAnswer, MissingAnswer):
            continue
        assert set(answers) == set(found.by_key)
        assert set(found.for_engine(answers, answered)) <= set(answers)
        assert all(isinstance(as_text(question, answers[question.key]), str) for question in found.questions)
