"""The fake GitHub holds to GitHub's own description, and notices everybody who does not."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.github import ContractViolation, FakeGitHub, contract, operations
from tests.github.caller import Caller
from tests.github.contract import DESCRIPTION, EVERYWHERE
from tests.github.web import Answer, Call
from tools.github_contract import OPERATIONS, trim

RULE = {"type": "required_status_checks", "parameters": {
    "strict_required_status_checks_policy": False, "required_status_checks": [{"context": "test"}],
}}  # fmt: skip
RULESET = {
    "name": "r", "enforcement": "active", "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
    "rules": [RULE],
}  # fmt: skip


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub(lenient=True) as fake:
        fake.add_user("ada")
        fake.add_org("acme", plan="enterprise", members=["ada"])
        fake.add_team("acme", "leads", members=["ada"])
        fake.world.make_environment(fake.add_repository("acme/wine", visibility="public"), "production")
        yield fake


@pytest.fixture
def ada(github: FakeGitHub) -> Caller:
    return Caller(github, github.add_token("ada"))


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("PATCH", "", {"privat": True}, "body.privat is not declared"),
        ("PATCH", "", {"private": "yes"}, "'yes' is not of type 'boolean'"),
        ("GET", "labels?perpage=3", None, "query key 'perpage' is not declared"),
        ("POST", "labels", {}, "'name' is a required property"),
        ("DELETE", "labels/bug", {"name": "bug"}, "the operation takes no body"),
        (
            "PUT", "environments/x", {"deployment_branch_policy": {"custom_branch_policies": True}},
            "'protected_branches' is a required property",
        ),
        ("POST", "rulesets", {**RULESET, "rules": [{"type": "wishes"}]}, "is not valid under any of the given schemas"),
        (
            "POST", "rulesets", {**RULESET, "rules": [{"type": "deletion", "parameters": {}}]},
            "body.rules[0].parameters is not declared",
        ),
        (
            "POST", "rulesets",
            {**RULESET, "rules": [{**RULE, "parameters": {**RULE["parameters"], "strict": True}}]},
            "body.rules[0].parameters.strict is not declared",
        ),
        ("POST", "/orgs/acme/hooks", {}, "the fake has no such operation"),
    ],
)  # fmt: skip
def test_a_request_that_github_does_not_know_is_refused_and_remembered(github, ada, method, path, body, told):
    assert ada.status(method, path, body) in {404, 422}
    assert told in "\n".join(github.violations)


def test_the_same_requests_in_the_right_form_pass(github, ada):
    assert ada.status("PATCH", "", {"private": True}) == 200
    assert ada.status("POST", "rulesets", RULESET) == 201
    assert ada.status("GET", "labels?per_page=3") == 200
    assert github.violations == []


def test_leaving_the_fake_tells_what_broke_the_contract():
    def misspelt() -> None:
        with FakeGitHub() as github:
            github.add_user("ada")
            Caller(github, github.add_token("ada"))("POST", "/user/repos", {"name": "x", "privat": True})

    with pytest.raises(ContractViolation, match=r"body\.privat is not declared"):
        misspelt()


def test_an_error_of_the_test_itself_is_not_hidden_by_that():
    def failing() -> None:
        with FakeGitHub() as github:
            github.violations.append("something")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()


def test_an_answer_that_github_would_not_give_is_noticed():
    description = contract.contract()
    call = Call.of("GET", "/repos/acme/wine/topics", {}, b"")
    assert description.locate(call)
    assert description.broken_answer(call, Answer(200, {"names": ["x"]})) == []
    assert "'names' is a required property" in description.broken_answer(call, Answer(200, {}))[0]
    assert description.broken_answer(call, Answer(218, {})) == ["status 218 is not declared"]


def test_a_failure_of_the_fake_itself_is_told(github, ada, monkeypatch):
    del github.repository("acme/wine").labels["bug"]["color"]
    assert ada.status("GET", "labels") == 200
    assert "'color' is a required property" in github.violations[0]
    github.repository("acme/wine").labels["bug"] = None
    assert ada.status("GET", "labels") == 500
    assert "the fake itself failed" in github.violations[1]


def test_each_operation_of_the_description_is_there_and_no_other():
    description = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    kept = {(method.upper(), path) for path, methods in OPERATIONS.items() for method in methods.split()}
    described = {(method.upper(), path) for path, item in description["paths"].items() for method in item}
    assert {one for one in described if one[0] != "PARAMETERS"} == kept == set(operations.OPERATIONS)
    assert "MIT License" in (DESCRIPTION.parent / "LICENSE").read_text(encoding="utf-8")


def test_trimming_keeps_what_is_referred_to_and_drops_words_for_people():
    schema = {
        "type": "object",
        "description": "words",
        "properties": {"description": {"$ref": "#/components/schemas/b"}},
    }
    answer = {"description": "words", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/a"}}}}
    whole: dict[str, Any] = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1", "license": {"name": "MIT"}},
        "paths": {path: {method: {"responses": {"200": answer}} for method in methods.split()}
                  for path, methods in OPERATIONS.items()},
        "components": {"schemas": {"a": schema, "b": {"type": "string"}, "unused": {}}},
    }  # fmt: skip
    kept = trim(whole)
    assert kept["components"] == {"schemas": {
        "a": {"type": "object", "properties": {"description": {"$ref": "#/components/schemas/b"}}},
        "b": {"type": "string"},
    }}  # fmt: skip
    assert kept["paths"]["/user"]["get"]["responses"]["200"]["description"] == ""


CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "negative_data_rejection",
)  # fmt: skip
PLACES = {
    "owner": "acme", "repo": "wine", "org": "acme", "username": "ada", "team_slug": "leads", "branch": "main",
    "environment_name": "production", "secret_name": "TOKEN", "name": "bug", "ref": "heads/main",
}  # fmt: skip


def description_for_schemathesis() -> dict[str, Any]:
    """GitHub's description with what it says elsewhere: any call may be refused."""
    described = copy.deepcopy(contract.contract().document)
    anything = {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}
    for item in described["paths"].values():
        for method, operation in item.items():
            for status in EVERYWHERE if method != "parameters" else ():
                operation["responses"].setdefault(str(status), anything)
    body = described["paths"]["/repos/{owner}/{repo}"]["patch"]["requestBody"]["content"]["application/json"]
    for ends_everything in ("archived", "name"):
        del body["schema"]["properties"][ends_everything]
    return described


@pytest.mark.parametrize("which", [("fuzzing", "--max-examples=4"), ("coverage", "--include-method=PUT")])
def test_schemathesis_finds_nothing(github, tmp_path: Path, which):
    """Another's judge of the fake: its answers fit the description, and what does not fit is refused."""
    github.limit_calls(10**6)
    token = github.add_token("ada", scopes=["repo", "admin:org"])  # without delete_repo: the repository stays
    (tmp_path / "description.json").write_text(json.dumps(description_for_schemathesis()), encoding="utf-8")
    places = "".join(f'"path.{name}" = "{value}"\n' for name, value in PLACES.items())
    settings = f'headers = {{ Authorization = "Bearer ${{TOKEN}}" }}\n[parameters]\n{places}'
    (tmp_path / "schemathesis.toml").write_text(settings, encoding="utf-8")
    program = Path(sysconfig.get_path("scripts")) / "schemathesis"
    done = subprocess.run(
        [
            sys.executable, str(program), "run", "description.json", f"--url={github.api}", f"--phases={which[0]}",
            *which[1:], f"--checks={','.join(CHECKS)}", "--seed=1",
            "--generation-deterministic", "--no-color", "--continue-on-failure",
        ],
        cwd=tmp_path, env={**os.environ, "TOKEN": token}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert sum(call.login == "ada" for call in github.calls) > 200
    own = [told for told in github.violations if told.startswith("answer") or "the fake itself" in told]
    assert own == []
