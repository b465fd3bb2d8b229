"""What is made from the questions and models agrees with them: copier.yml, JSON Schemas, flags."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import copier
import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsgen.answer_documents import answers_schema
from mlopsgen.answers import BY_KEY, QUESTIONS, resolve
from mlopsgen.cli.init import init
from mlopsgen.errors import ExitCode, MlopsgenError
from mlopsgen.operations.schema import SCHEMAS, schema

ROOT = Path(__file__).resolve().parents[1]


def test_every_generated_file_is_fresh():
    done = subprocess.run(
        [sys.executable, "tools/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_generated_repository_uses_the_same_exit_codes():
    spec = importlib.util.spec_from_file_location("theirs", ROOT / "template" / "src" / "helpers" / "errors.py")
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    assert {code.name: code.value for code in theirs.ExitCode} == {code.name: code.value for code in ExitCode}


@pytest.fixture(scope="module")
def questions_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with our questions and nothing but the answers file: what copier itself makes of the questions."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "copier.yml").write_bytes((ROOT / "copier.yml").read_bytes())
    (folder / "template").mkdir()
    (folder / "template" / "[[ _copier_conf.answers_file ]].jinja").write_text("[[ _copier_answers | to_nice_yaml ]]")
    (folder / "template" / "all.json.jinja").write_text(
        "{" + ",".join(f'"{key}": [[ {key} | to_json ]]' for key in BY_KEY) + "}"
    )
    return folder


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"project_name": "Wine Quality 2"},
        {"task": "binary", "data_address": "w.csv", "target": "q"},
        {"task": "regression", "data_address": "w.csv", "target": "q"},
        {"staging_engine": "kubeflow", "staging_endpoint": "https://k.example.org"},
        {"notify_how": "email", "notify_emails": ["a@b.cd"]},
    ],
)
def test_copier_alone_comes_to_the_same_answers(questions_alone, tmp_path, answers):
    copier.run_copy(str(questions_alone), tmp_path / "out", data=answers, defaults=True, quiet=True)
    ours = resolve(answers)
    assert json.loads((tmp_path / "out" / "all.json").read_text()) == ours
    recorded = yaml.safe_load((tmp_path / "out" / ".copier-answers.yml").read_text())
    asked = {question.key: ours[question.key] for question in QUESTIONS if question.asked(ours)}
    assert {key: value for key, value in recorded.items() if not key.startswith("_")} == asked


def test_copier_refuses_what_our_patterns_refuse(questions_alone, tmp_path):
    with pytest.raises(ValueError, match="slug"):
        copier.run_copy(str(questions_alone), tmp_path / "o", data={"slug": "Not A Slug"}, defaults=True, quiet=True)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_a_valid_schema_with_descriptions(name):
    found = schema(name)
    jsonschema.Draft202012Validator.check_schema(found)
    assert found["title"]
    assert found["properties"]["version"]


SHORT_FORMS = {
    "pipeline": {
        "version": 1,
        "project": "wine",
        "pipelines": {
            "training": {
                "steps": [
                    {
                        "id": "a",
                        "uses": "steps.a:a",
                        "retry": 2,
                        "timeout": "15m",
                        "resources": {"cpu": 2, "memory": "8Gi"},
                    },
                    {
                        "id": "b",
                        "uses": "steps.b:b",
                        "after": "a",
                        "retry": {"count": 1, "wait": "30s", "longest": 600},
                    },
                    {"id": "c", "uses": "steps.c:c", "after": ["b"], "env_from_secret": {"data": ["DATA_MAIN_TOKEN"]}},
                ]
            }
        },
    },
    "configuration": {
        "version": 1,
        "cluster_secrets": {"data": {"token": "DATA_MAIN_TOKEN"}, "more": ["SMTP_PASSWORD"]},
        "actions": [
            {"do": "email", "when": "regressed", "to": "team@example.org", "attach": "html"},
            {"do": "workflow_dispatch", "when": ["improved"], "workflow": "deploy.yml", "inputs": {"version": 3}},
            {
                "do": "jenkins",
                "when": "always",
                "url": "https://ci.example.org",
                "job": "a/b",
                "parameters": {"n": 0.5},
            },
        ],
    },
}


@pytest.mark.parametrize("name", SHORT_FORMS)
def test_what_people_may_write_in_short_is_valid_for_editors_too(name):
    jsonschema.validate(SHORT_FORMS[name], schema(name))
    module, model = {"pipeline": ("pipeline_text", "PipelinesText"), "configuration": ("config", "BranchConfig")}[name]
    code = f"import json, sys; from helpers.{module} import {model} as M; M.model_validate(json.load(sys.stdin))"
    folder = ROOT / "template" / "src"
    subprocess.run([sys.executable, "-c", code], cwd=folder, input=json.dumps(SHORT_FORMS[name]), text=True, check=True)


def test_the_schema_and_the_questions_have_the_same_keys():
    assert set(answers_schema()["properties"]) == {"version", *BY_KEY}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 2}, answers_schema())


GOOD = st.fixed_dictionaries(
    {},
    optional={
        "project_name": st.sampled_from(["Wine", "A b", "Übung"]),
        "description": st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=50),
        "license": st.sampled_from(BY_KEY["license"].choices),
        "development_engine": st.sampled_from(["local", "kubeflow"]),
        "development_endpoint": st.sampled_from(["", "https://k.example.org", "nonsense"]),
        "metrics": st.sampled_from([[], [{"name": "rmse"}], [{"name": "r2", "tolerance": -1}]]),
        "reviewers": st.lists(st.sampled_from(["ada", "octo/team"]), max_size=2),
        "review_wait_minutes": st.integers(-5, 50000),
        "task": st.sampled_from(["regression", "binary", "other"]),
    },
)


@settings(max_examples=150)
@given(GOOD)
def test_what_init_accepts_the_schema_accepts(given):
    try:
        answers = resolve(given)
    except MlopsgenError:
        return
    jsonschema.validate(given, answers_schema())
    asked = {question.key: answers[question.key] for question in QUESTIONS if question.asked(answers)}
    jsonschema.validate(asked, answers_schema())


@pytest.mark.parametrize(
    "bad",
    [
        {"slugg": "x"}, {"slug": "A"}, {"task": "other"}, {"review_wait_minutes": -1}, {"metrics": []},
        {"development_engine": "kubeflow"}, {"notify_how": "email", "notify_emails": []}, {"reviewers": ["a"] * 7},
        {"project_name": ""}, {"metrics": [{"name": "rmse", "treshold": 3}]}, {"target": 3},
    ],
)  # fmt: skip
def test_the_schema_refuses_what_init_refuses(bad):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bad, answers_schema())
    with pytest.raises(MlopsgenError):
        resolve(bad)


def test_every_question_with_a_flag_is_an_option_of_init():
    options = inspect.signature(init).parameters
    declared = {
        name: re.findall(r"--[a-z-]+", str(parameter.annotation.__metadata__[0].default))
        for name, parameter in options.items()
        if name in BY_KEY
    }
    assert declared == {question.key: [question.flag] for question in QUESTIONS if question.flag}
