"""The schema of questions: defaults, what is refused, and that a written answer is read back as it was."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsgen.answer_values import KNOWN_METRICS, as_text, convert, refusal
from mlopsgen.answers import BY_KEY, QUESTIONS, SECTIONS, resolve
from mlopsgen.errors import ExitCode, InvalidAnswer, MissingAnswer, MlopsgenError

KUBEFLOW = {"development_engine": "kubeflow", "development_endpoint": "https://k.example.org"}


def test_every_question_has_a_default_that_its_own_rules_accept():
    answers = resolve({})
    assert set(answers) == set(BY_KEY)
    assert all(refusal(question, answers[question.key]) is None for question in QUESTIONS if question.asked(answers))


def test_every_section_has_questions_and_every_question_a_line_of_help():
    assert {question.section for question in QUESTIONS} == set(SECTIONS)
    assert all(question.help and "\n" not in question.help and len(question.help) < 110 for question in QUESTIONS)


def test_defaults_follow_the_answers_that_they_depend_on():
    answers = resolve({"project_name": "Wein Qualität", "data_address": "w.csv", "target": "q", "task": "multiclass"})
    assert answers["slug"] == "wein-qualitat"
    assert [rule["name"] for rule in answers["metrics"]] == ["balanced_accuracy", "f1_macro"]
    regression = resolve({"data_address": "w.csv", "target": "q"})
    assert regression["metrics"][0]["threshold"] is None, "the sample's threshold says nothing about other data"


def test_the_known_direction_of_every_default_metric_agrees():
    for task in ("regression", "binary", "multiclass"):
        for rule in resolve({"task": task})["metrics"]:
            assert KNOWN_METRICS[rule["name"]] is rule["higher_is_better"]


def test_a_kubeflow_branch_needs_its_address_and_a_local_one_has_none():
    with pytest.raises(MissingAnswer, match=r"development_endpoint.*development_engine is 'kubeflow'"):
        resolve({"development_engine": "kubeflow"})
    answers = resolve(KUBEFLOW)
    assert (answers["development_login"], answers["staging_login"]) == ("token", "none")
    assert answers["staging_endpoint"] == ""


def test_the_sample_is_not_watched_and_other_data_is():
    assert resolve({})["data_watch"] == "off"
    assert resolve({"data_address": "w.csv", "target": "q"})["data_watch"] == "daily"


@pytest.mark.parametrize(
    "name", ["", "ghcr.io/acme/model", "registry.example.org:5000/a/b_c/d.e--f", "localhost:5000/m", "localhost/m"]
)
def test_a_registry_is_a_host_and_a_path(name):
    assert resolve({"registry": name})["registry"] == name


BAD = [
    ({"slugg": "x"}, "Did you mean 'slug'?"),
    ({"zzz": "x"}, "schema answers"),
    ({"target": ""}, "empty"),
    ({"data_address": "w.csv"}, "target"),
    ({"project_name": "日本"}, "--slug"),
    ({"project_name": "123"}, "--slug"),
    ({"task": "binray"}, "did you mean 'binary'"),
    ({"task": True}, "true or false"),
    ({"task": ["binary"]}, "a list"),
    ({"license": None}, "null"),
    ({"python_version": "3.10"}, "not one of the choices"),
    ({"python_version": 3.1}, "not one of the choices|text is expected"),
    ({"review_wait_minutes": "soon"}, "whole number"),
    ({"review_wait_minutes": -1}, "43200"),
    ({"review_wait_minutes": 43201}, "43200"),
    ({"review_wait_minutes": 1.5}, "whole number"),
    ({"review_wait_minutes": True}, "whole number"),
    ({"review_wait_minutes": "9" * 30}, "whole number"),
    ({"reviewers": ["a", "a"]}, "twice"),
    ({"reviewers": [1]}, "a number"),
    ({"reviewers": "a,b,c,d,e,f,g"}, "from 0 to 6"),
    ({"reviewers": "[broken"}, "JSON"),
    ({"reviewers": {"a": 1}}, "a mapping"),
    ({"notify_emails": ["a@b.cd"]}, "notify_how is 'email'"),
    ({"notify_how": "email"}, "notify_emails"),
    ({"notify_how": "email", "notify_emails": "nobody"}, "e-mail"),
    ({"notify_how": "email", "notify_emails": "a@b.cd", "notify_when": "sometimes"}, "not one of the choices"),
    ({"development_endpoint": "https://k.example.org"}, "counts only when"),
    ({**KUBEFLOW, "development_endpoint": "https://me:pw@k.example.org"}, "credentials"),
    ({**KUBEFLOW, "development_namespace": "Not A Namespace"}, "Kubernetes"),
    ({**KUBEFLOW, "development_login": "password"}, "not one of the choices"),
    ({"metrics": ""}, "empty"),
    ({"metrics": []}, "empty"),
    ({"metrics": "rmse higher"}, "reward worse models"),
    ({"metrics": "r2 lower"}, "reward worse models"),
    ({"metrics": "mine"}, "'lower' or 'higher'"),
    ({"metrics": "rmse lower treshold=3"}, "not understood"),
    ({"metrics": "rmse lower threshold=low"}, "number"),
    ({"metrics": "rmse lower threshold=nan"}, "number"),
    ({"metrics": "rmse lower tolerance=-1"}, "negative"),
    ({"metrics": "rmse lower gain=inf"}, "number"),
    ({"metrics": "rmse lower tolerance=1 gain=0.5"}, "both a tolerance and a minimum gain"),
    ({"metrics": "rmse; rmse"}, "twice"),
    ({"metrics": "RMSE lower"}, "metric's name"),
    ({"metrics": [{"higher_is_better": True}]}, "no name"),
    ({"metrics": [{"name": "rmse", "better": "lower"}]}, "no 'better'"),
    ({"metrics": [{"name": "rmse", "higher_is_better": "no"}]}, "true or false"),
    ({"metrics": [{"name": "rmse", "threshold": True}]}, "number"),
    ({"metrics": ["rmse"]}, "a text"),
    ({"metrics": {"rmse": 1}}, "a mapping"),
    ({"metrics": "[1,"}, "JSON"),
    ({"metrics": 3}, "a number"),
    ({"description": "two\nlines"}, "cannot be seen"),
    ({"description": "x" * 201}, "200"),
    ({"owner": 5}, "a number"),
    ({"development_runner": "a;b"}, "label"),
    ({"data_address": "ftp://e.org/a", "target": "y"}, "s3://"),
    ({"data_address": "s3://key:secret@bucket/a", "target": "y"}, "credentials"),
    ({"data_address": "postgresql://db/sales", "target": "y"}, "names no table"),
    ({"registry": "https://ghcr.io/acme/model"}, "scheme"),
    ({"registry": "ghcr.io/acme/model:latest"}, "without a tag"),
    ({"registry": "ghcr.io"}, "a path"),
    ({"registry": "acme/model"}, "host"),
    ({"registry": "ghcr.io/Acme/model"}, "lower-case"),
    ({"registry": "me:pw@ghcr.io/acme/model"}, "host"),
    ({"development_wait": "callback"}, "counts only when"),
    ({**KUBEFLOW, "development_wait": "no"}, "not one of the choices"),
    ({"data_watch": "always"}, "not one of the choices"),
]


@pytest.mark.parametrize(("given", "said"), BAD)
def test_bad_answers_are_refused_with_key_reason_and_next_step(given, said):
    with pytest.raises(MlopsgenError) as caught:
        resolve(given)
    error = caught.value
    assert error.exit_code is ExitCode.USAGE
    assert error.hint
    assert re.search(said, f"{error.message} {error.hint}")


def test_an_error_names_where_the_answer_came_from():
    with pytest.raises(InvalidAnswer) as caught:
        resolve({"task": "x"}, origin={"task": "answers.yml:3"})
    assert caught.value.where == "answers.yml:3"


def test_a_long_bad_answer_does_not_flood_the_message():
    with pytest.raises(InvalidAnswer) as caught:
        resolve({"project_name": "x" * 100_000})
    assert len(caught.value.message) < 300


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(sorted(BY_KEY)), JUNK, max_size=6))
def test_whatever_is_given_there_are_answers_or_an_error_for_people(given):
    try:
        answers = resolve(given)
    except MlopsgenError as error:
        told = error
        answers = None
    if answers is None:
        assert told.exit_code is ExitCode.USAGE
        assert told.message
    else:
        assert json.loads(json.dumps(answers)) == answers
        assert resolve(answers) == answers


METRICS = st.lists(
    st.builds(
        lambda name, threshold, tolerance: {
            "name": name, "higher_is_better": KNOWN_METRICS[name], "threshold": threshold, "tolerance": tolerance,
            "minimum_gain": 0.0,
        },
        st.sampled_from(sorted(KNOWN_METRICS)),
        st.none() | st.integers(-1000, 1000).map(float),
        st.integers(0, 100).map(lambda n: n / 8),
    ),
    min_size=1, max_size=4, unique_by=lambda rule: rule["name"],
)  # fmt: skip


@given(METRICS)
def test_metrics_are_read_back_as_people_write_them(rules):
    question = BY_KEY["metrics"]
    assert convert(question, as_text(question, rules)) == rules
    assert convert(question, json.dumps(rules)) == rules
