"""``organisation.yaml``: what an organisation presets and locks, and every slip in it named with its line."""

from __future__ import annotations

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError

from mlopsgen.adapters.organisation_file import read_release
from mlopsgen.answers import BUILT_IN
from mlopsgen.errors import InvalidAnswer, InvalidDocument, MissingAnswer
from mlopsgen.operations.config_files import first_files
from mlopsgen.operations.schema import schema
from mlopsgen.organisation import Locked
from mlopsgen.question_set import LockedAnswer
from tests.organisation_toys import DECIDED, NEVER, asked


def test_presets_stand_in_place_of_our_defaults_and_may_be_changed():
    found = asked()
    answers = found.resolve({"slug": "wine"})
    assert (answers["license"], answers["reviewers"], answers["cost_centre"]) == ("mit", ["acme/ml"], "CC-0")
    assert found.resolve({"slug": "wine", "license": "none"})["license"] == "none"
    assert [found.decided_by(key) for key in ("license", "visibility", "task")] == ["acme", "acme", ""]


def test_a_locked_answer_is_set_and_another_one_is_refused_with_the_reason():
    found = asked()
    assert found.resolve({})["visibility"] == "internal"
    assert found.resolve({"visibility": "internal"})["visibility"] == "internal"
    with pytest.raises(LockedAnswer) as caught:
        found.resolve({"visibility": "public"}, origin={"visibility": "answers.yml:3"})
    assert caught.value.message == (
        f"'visibility' is decided by acme: it is 'internal' and cannot be 'public'. {NEVER}"
    )
    assert caught.value.where == "answers.yml:3"
    assert found.unlocked().resolve({"visibility": "public"})["visibility"] == "public"
    assert found.unlocked().resolve({})["visibility"] == "internal"


def test_own_questions_of_each_kind_can_be_decided():
    decided = DECIDED.replace("locked:\n", "locked:\n  gpu: {value: yes}\n  gpu_type: large\n")
    answers = asked(decided).resolve({})
    assert (answers["gpu"], answers["gpu_type"]) == (True, "large")
    with pytest.raises(LockedAnswer, match="it is 'yes' and cannot be 'no'"):
        asked(decided).resolve({"gpu": "off"})


def test_a_locked_answer_counts_only_where_its_question_does():
    decided = DECIDED.replace("locked:\n", "locked:\n  development_namespace: acme\n")
    assert asked(decided).resolve({})["development_namespace"] == ""
    cluster = {"development_engine": "kubeflow", "development_endpoint": "https://k.example.org"}
    assert asked(decided).resolve(cluster)["development_namespace"] == "acme"
    with pytest.raises(LockedAnswer):
        asked(decided).resolve({**cluster, "development_namespace": "mine"})
    with pytest.raises(InvalidAnswer, match="counts only when"):
        asked(decided).resolve({"development_namespace": "mine"})


def test_an_answer_that_nobody_can_guess_can_be_preset():
    cluster = {"development_engine": "kubeflow"}
    with pytest.raises(MissingAnswer):
        asked().resolve(cluster)
    decided = DECIDED.replace("preset:\n", "preset:\n  development_endpoint: https://kubeflow.acme.example/pipeline\n")
    assert asked(decided).resolve(cluster)["development_endpoint"] == "https://kubeflow.acme.example/pipeline"


def test_only_what_is_decided_differs_from_our_questions():
    found = asked("version: 1\nname: acme\n", own="")
    assert found.organisation is not None
    assert (found.organisation.preset, found.organisation.locked) == ({}, {})
    assert found.questions == BUILT_IN.questions
    assert found.resolve({"slug": "wine"}) == BUILT_IN.resolve({"slug": "wine"})
    assert asked(None, own="").organisation is None


def test_a_reason_is_one_line_and_a_bare_value_has_none():
    decided = DECIDED.replace(NEVER, '"We never\\n  publish."')
    organisation = asked(decided).organisation
    assert organisation is not None
    assert organisation.locked["visibility"] == Locked(value="internal", why=NEVER)
    assert organisation.locked["python_version"] == Locked(value="3.12")


BEGIN = "version: 1\nname: acme\n"
SLIPS = {
    "no version": ("name: acme\n", 1, "version None is not known"),
    "another version": ("name: acme\nversion: 2\n", 2, "version 2 is not known; this mlopsgen reads 1"),
    "a version that is none": ("name: acme\nversion: yes\n", 2, "version True is not known"),
    "no name": ("version: 1\n", 1, "'name' has to be a line of 1 to 60 characters"),
    "a name of two lines": ('version: 1\nname: "a\\nb"\n', 2, "'name' has to be a line"),
    "an unknown key": (f"{BEGIN}prest: {{}}\n", 3, "there is no key 'prest'; did you mean 'preset'"),
    "no mapping": (f"{BEGIN}preset: [license]\n", 3, "'preset' has to hold 'answer: value' lines"),
    "an unknown answer": (f"{BEGIN}preset:\n  licence: mit\n", 4, "There is no answer 'licence'"),
    "an unknown locked answer": (f"{BEGIN}locked:\n  nothing: 1\n", 4, "There is no answer 'nothing'"),
    "a value that is none": (f"{BEGIN}preset:\n  license: gpl\n", 4, "'license' cannot be 'gpl'"),
    "a locked value that is none": (f"{BEGIN}locked:\n  license: {{value: gpl}}\n", 4, "'license' cannot be 'gpl'"),
    "null": (f"{BEGIN}locked:\n  license:\n", 4, "it is null"),
    "an unknown part": (f"{BEGIN}locked:\n  license: {{valu: mit}}\n", 4, "did you mean 'value'"),
    "no value": (f"{BEGIN}locked:\n  license: {{why: because}}\n", 4, "locked without a 'value'"),
    "no sentence": (f"{BEGIN}locked:\n  license: {{value: mit, why: [a]}}\n", 4, "'why' of 'license'"),
    "both": (f"{BEGIN}preset:\n  license: mit\nlocked:\n  license: mit\n", 6, "both preset and locked"),
    "each project's own": (f"{BEGIN}locked:\n  slug: wine\n", 4, "'slug' is each project's own"),
    "twice": (f"{BEGIN}preset:\n  license: mit\n  license: none\n", 5, "'license' is there twice"),
    "no YAML": (f"{BEGIN}preset: [\n", 4, "not valid YAML"),
    "a list": ("- a\n", 1, "has to hold 'key: value' lines"),
}


@pytest.mark.parametrize(("text", "line", "said"), SLIPS.values(), ids=SLIPS)
def test_every_slip_is_named_with_its_line(text, line, said):
    with pytest.raises(InvalidDocument) as caught:
        asked(text)
    assert caught.value.where == f"organisation.yaml:{line}"
    assert said in caught.value.message
    assert caught.value.hint


OF_NO_SCHEMA = {"both", "twice", "no YAML"}
"""What is wrong with several keys together, or before there are any."""


def test_the_schema_takes_what_the_file_may_hold():
    found = Draft202012Validator(schema("organisation", asked(), "acme v1.0.0"))
    found.validate(yaml.safe_load(DECIDED.replace("3.12", "'3.12'")))
    found.validate(yaml.safe_load(f"{BEGIN}preset:\nlocked:\n  gpu: {{value: true, why: Ours.}}\n"))
    texts = first_files(name="Acme", slug="acme", folder="mlops-config", version="v0.2.0")
    Draft202012Validator(schema("organisation")).validate(yaml.safe_load(texts["organisation.yaml"]))


@pytest.mark.parametrize("slip", [each for each in SLIPS if each not in OF_NO_SCHEMA])
def test_the_schema_refuses_each_slip(slip):
    found = Draft202012Validator(schema("organisation", asked(), "acme v1.0.0"))
    with pytest.raises(ValidationError):
        found.validate(yaml.safe_load(SLIPS[slip][0]))


def test_the_release_is_a_version():
    assert read_release(DECIDED) == "1.0.0"
    assert read_release("version: 1\n") == ""
    for wrong in ("release: 1.0\n", "release: v1.0.0\n", "release: [1]\n", "release: 1.0.0-rc1\n"):
        with pytest.raises(InvalidDocument) as caught:
            read_release(f"version: 1\n{wrong}")
        assert caught.value.where == "organisation.yaml:2"
