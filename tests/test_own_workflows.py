"""The workflows of this project: held to what the generated ones are held to, and to what a release needs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlopsgen.constants import CANONICAL_TEMPLATE
from tests import workflow_checks, workflow_files
from tests.workflow_files import action_of, expressions, load

ROOT = workflow_files.ROOT
FILES = sorted((ROOT / workflow_files.FOLDER).iterdir())
BY_NAME = {path.stem: load(path.read_text(encoding="utf-8")) for path in FILES}
# Whoever may do more than read, why: nobody else may.
RIGHTS = {
    ("publish", "tested"): {"actions": "read"},
    ("publish", "pypi"): {"id-token": "write", "attestations": "write"},
    ("publish", "release"): {"contents": "write"},
    ("docs", "pages"): {"pages": "write", "id-token": "write"},
    ("nightly", "tell"): {"issues": "write"},
}
# Not by GitHub; docs/adr/0032 says why this one.
OTHERS = {"pypa/gh-action-pypi-publish"}


def table() -> dict[str, dict[str, Any]]:
    own: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "tools" / "own-actions.yaml").read_text(encoding="utf-8"))
    return {**workflow_files.action_table(), **own}


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    return [(name, job, body) for name, document in BY_NAME.items() for job, body in document["jobs"].items()]


def test_there_is_one_for_each_task() -> None:
    assert set(BY_NAME) == {"tests", "publish", "docs", "nightly"}


def test_others_find_nothing_in_them(tmp_path: Path) -> None:
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    (tmp_path / ".github" / "actionlint.yaml").write_text("self-hosted-runner:\n  labels: []\n", encoding="utf-8")
    assert not workflow_checks.language_service(FILES)
    assert not workflow_checks.actionlint(tmp_path, [tmp_path / workflow_files.FOLDER / path.name for path in FILES])
    for persona in workflow_checks.PERSONAS:
        assert not workflow_checks.zizmor([tmp_path], persona)


def test_their_actions_are_those_of_the_tables() -> None:
    known, used = table(), set()
    for path in FILES:
        for action, commit, comment in re.findall(r"uses: (\S+)@(\S+)(.*)", path.read_text(encoding="utf-8")):
            assert (commit, comment) == (known[action]["commit"], f" # {known[action]['tag']}"), (path.name, action)
            used.add(action)
    own = set(known) - set(workflow_files.action_table())
    assert own <= used, "tools/own-actions.yaml holds what no workflow uses"
    assert {action for action in own if not action.startswith("actions/")} == OTHERS


def test_actions_get_and_give_only_what_they_have() -> None:
    known = table()
    for name, job, body in jobs():
        acting = {step["id"]: action_of(step) for step in body["steps"] if "uses" in step and "id" in step}
        for step in body["steps"]:
            if "uses" in step:
                assert set(step.get("with", {})) <= set(known[action_of(step)]["inputs"]), (name, job, step)
        for expression in expressions(body):
            for step, output in re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression):
                assert output in known[acting[step]]["outputs"], (name, job, expression)


@pytest.mark.parametrize(("name", "job", "body"), jobs(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_job_has_just_the_rights_that_it_needs(name: str, job: str, body: dict[str, Any]) -> None:
    assert BY_NAME[name]["permissions"] == {}
    assert body["permissions"] == RIGHTS.get((name, job), {"contents": "read"})
    if "write" in body["permissions"].values():
        used = {action_of(step) for step in body["steps"]}
        assert "actions/checkout" not in used, "what may write runs no code of the repository"
        assert "make " not in str(body["steps"])


def test_nothing_is_published_that_was_not_tested_built_and_approved() -> None:
    publish = BY_NAME["publish"]
    assert publish["on"] == {"push": {"tags": ["v[0-9]*"]}}
    assert publish["jobs"]["pypi"]["needs"] == ["tested", "build"]
    assert publish["jobs"]["pypi"]["environment"]["name"] == "pypi"
    assert publish["jobs"]["release"]["needs"] == "pypi"
    attest, upload = publish["jobs"]["pypi"]["steps"][1:]
    assert action_of(attest) == "actions/attest-build-provenance"
    # Trusted publishing: neither a password nor a way around the attestations.
    assert "with" not in upload
    assert "secrets." not in str(publish)
    build = publish["jobs"]["build"]["steps"]
    assert build[0]["with"]["fetch-depth"] == 0, "the package holds every released version of the template"
    assert any(step.get("run") == 'make release-check TAG="$TAG"' for step in build)


def test_every_system_and_python_that_the_package_names_is_tested() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = re.findall(r"Python :: (3\.\d+)", text)
    found = BY_NAME["tests"]["jobs"]
    assert found["test"]["strategy"]["matrix"]["python"] == named
    systems = [system.partition("-")[0] for system in found["elsewhere"]["strategy"]["matrix"]["system"]]
    assert systems == ["macos", "windows"]


def test_every_verb_that_a_workflow_calls_is_there() -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in FILES:
        called = re.findall(r"\bmake ((?:[a-z-]+ ?)+)", path.read_text(encoding="utf-8"))
        assert {verb for words in called for verb in words.split()} <= verbs | {"test"}, path.name
    assert set(BY_NAME["nightly"]["jobs"]["heavy"]["strategy"]["matrix"]["verb"]) <= verbs
    for script in re.findall(r"tools/\w+\.py|\.ci/run", "".join(path.read_text(encoding="utf-8") for path in FILES)):
        assert (ROOT / script).is_file()


def test_heavy_tests_run_at_night() -> None:
    marks = re.findall(r"^  \"(\w+): ", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    nightly = BY_NAME["nightly"]["jobs"]["heavy"]["strategy"]["matrix"]["verb"]
    assert {f"test-{mark}" for mark in marks} | {"explore"} == set(nightly)


def test_a_night_that_ran_out_of_time_is_red() -> None:
    (step,) = BY_NAME["nightly"]["jobs"]["tell"]["steps"]
    assert set(re.findall(r"'(\w+)'", step["env"]["RED"])) == {"failure", "cancelled"}


def test_dependabot_looks_after_every_lock_that_it_can_read() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    looked_after = {(one["package-ecosystem"], one["directory"]) for one in updates}
    assert looked_after == {("github-actions", "/"), ("npm", "/tools/workflow_lint"), ("gomod", "/tools/workflow_lint")}
    assert all(one["cooldown"]["default-days"] >= 7 for one in updates)


def test_addresses_name_this_project() -> None:
    places = [ROOT / "pyproject.toml", ROOT / "CITATION.cff", *sorted((ROOT / ".github").rglob("*.yml"))]
    found = {
        address
        for path in places
        for address in re.findall(r"https://github\.com/[\w.-]+/[\w.-]+", path.read_text(encoding="utf-8"))
    }
    assert found == {CANONICAL_TEMPLATE}
