"""``.github/remote.yaml``: what is rendered, what may be written there, and what a repository becomes by it."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import jinja2
import jsonschema
import pytest
import yaml

from mlopsgen.answers import resolve
from mlopsgen.constants import BRANCHES
from mlopsgen.errors import ExitCode, InvalidDocument
from mlopsgen.forge.values import Key, Kind, Resource
from mlopsgen.remote.document import REMOTE_DOCUMENT, read_document, remote_schema
from mlopsgen.remote.github_desired import Making, environments_of, github_resources

TOP = Path(__file__).parents[1]
LOGINS = ("none", "token", "service-account", "cookie", "dex")
PLATFORMS: list[dict[str, str]] = [{"engine": "local"}] + [
    {"engine": "kubeflow", "endpoint": "https://kubeflow.example.org/ü?a=b", "namespace": "team-a", "login": login}
    | ({"wait": "callback"} if login in ("none", "dex") else {})
    for login in LOGINS
]
TRACKINGS: list[dict[str, str]] = [
    {},
    {"tracking_uri": "https://mlflow.example.org/"},
    {"tracking_uri": "sqlite:///a b.db"},
]
REVIEWS: list[dict[str, Any]] = [{}, {"reviewers": ["zoe", "acme/ml"], "review_wait_minutes": 30}]
MAILS: list[dict[str, Any]] = [{}, {"notify_how": "email", "notify_emails": ["a@example.org"]}]


def rendered(answers: dict[str, Any]) -> str:
    """The document as the template gives it for some answers."""
    options = yaml.safe_load((TOP / "copier.yml").read_text(encoding="utf-8"))["_envops"]
    environment = jinja2.Environment(
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        **options,
    )
    text = (TOP / "template" / f"{REMOTE_DOCUMENT}.jinja").read_text(encoding="utf-8")
    return environment.from_string(text).render(answers)


def every_combination() -> list[dict[str, Any]]:
    """Each way to train and track, on each branch in turn and on all of them, with everything else that counts."""
    found = []
    for platform, tracking, review, mail in product(PLATFORMS, TRACKINGS, REVIEWS, MAILS):
        for branches in (*((branch,) for branch in BRANCHES), BRANCHES):
            own = {f"{branch}_{key}": value for branch in branches for key, value in {**platform, **tracking}.items()}
            found.append({**own, **review, **mail})
    return found


def desired(answers: dict[str, Any], text: str = "", **sources: str) -> dict[Key, Resource]:
    making = Making(answers=resolve(answers), document=read_document(text), sources=sources)
    found = github_resources(making, "demo")
    assert len({resource.key for resource in found}) == len(found)
    return {resource.key: resource for resource in found}


def test_what_is_rendered_and_what_is_left_out_are_the_same() -> None:
    combinations = every_combination()
    assert len(combinations) == 6 * 3 * 2 * 2 * 4
    for answers in combinations:
        text = rendered(resolve(answers))
        assert desired(answers, text) == desired(answers), answers
        assert all(len(line) <= 150 for line in text.splitlines() if " #" in line or line.startswith("#")), text


@pytest.mark.parametrize("visibility", ["private", "internal", "public"])
@pytest.mark.parametrize(
    "description", ["", "It's \"quoted\": 'yes' \\ #no", "[[ x ]] ${{ y }} {% z %}", "!!python/none 🚀"]
)
def test_odd_descriptions_and_every_visibility_are_rendered_as_they_are(visibility: str, description: str) -> None:
    answers = {"visibility": visibility, "description": description}
    text = rendered(resolve(answers))
    found = desired(answers, text)
    assert found == desired(answers)
    about = found[Key(Kind.SETTING, "about")].value
    assert about == {"description": description, "homepage": ""}
    assert (Key(Kind.SETTING, "fork-approval") in found) == (visibility == "public")


def test_every_key_of_the_document_is_rendered() -> None:
    """Who opens the file sees all that can be set."""
    answers = resolve({**REVIEWS[1], "development_tracking_uri": "https://m.example.org"})
    document = yaml.safe_load(rendered(answers))
    schema = remote_schema()
    jsonschema.Draft202012Validator(schema).validate(document)
    assert set(document) == set(schema["properties"])
    parts = {
        "RepositoryText": "repository",
        "ActionsText": "actions",
        "SecurityText": "security",
        "GitHubText": "github",
    }
    for definition, key in parts.items():
        assert set(document[key]) == set(schema["$defs"][definition]["properties"]), key
    assert set(document["environments"]["production"]) == set(schema["$defs"]["EnvironmentText"]["properties"])
    assert set(document["rulesets"]["production"]) == set(schema["$defs"]["RulesetText"]["properties"])
    assert set(document["labels"]["promotion"]) == set(schema["$defs"]["LabelText"]["properties"])


def test_a_fresh_repository_holds_the_document(mlopsgen: Any, tmp_path: Path) -> None:
    made = tmp_path / "demo"
    done = mlopsgen("init", "--defaults", "--set", "reviewers=octocat", str(made))
    assert done.returncode == 0, done.stderr
    text = (made / REMOTE_DOCUMENT).read_text(encoding="utf-8")
    assert text == rendered(resolve({"reviewers": ["octocat"]}))


def test_the_schema_is_printed(mlopsgen: Any) -> None:
    done = mlopsgen("schema", "remote")
    assert done.returncode == ExitCode.OK, done.stderr
    schema = yaml.safe_load(done.stdout)
    assert schema == remote_schema()
    validator = jsonschema.Draft202012Validator(schema)
    assert not list(validator.iter_errors({"version": 1}))
    assert list(validator.iter_errors({"version": 2}))
    assert list(validator.iter_errors({"repository": {"visibilty": "private"}}))


def test_production_is_protected_and_development_is_free() -> None:
    found = desired({})
    rulesets = {key.name: resource.value for key, resource in found.items() if key.kind is Kind.RULESET}
    common = {"enforcement": "active", "block_force_push": True, "block_deletion": True, "bypass": (), "except": ()}
    promoted = {**common, "pull_request": True, "merge_methods": ("merge",), "checks": ("test",)}
    assert rulesets == {
        "production": {**promoted, "branches": ("production",), "reviews": 1},
        "staging": {**promoted, "branches": ("staging",), "reviews": 0},
        "development": {
            **common, "branches": ("development",), "pull_request": False, "reviews": 0, "merge_methods": (),
            "checks": (),
        },
    }  # fmt: skip
    assert found[Key(Kind.SETTING, "workflow-token")].value == {"permissions": "read", "pull_requests": True}
    # A promotion's pull request comes from a branch that has to stay.
    merging = found[Key(Kind.SETTING, "merging")].value
    assert merging == {"merge_commit": True, "squash": False, "rebase": False, "delete_branch": False}


def test_each_environment_belongs_to_its_branch_alone() -> None:
    found = desired(REVIEWS[1])
    policies = {(key.scope, key.name) for key in found if key.kind is Kind.POLICY}
    assert policies == {*((branch, branch) for branch in BRANCHES), ("production-watch", "production")}
    production = found[Key(Kind.ENVIRONMENT, "production")].value
    assert production == {
        "reviewers": ("acme/ml", "zoe"), "wait_minutes": 30, "self_review": False, "branches": "custom"
    }  # fmt: skip
    for name in ("development", "staging", "production-watch"):
        value = found[Key(Kind.ENVIRONMENT, name)].value
        assert value == {"reviewers": (), "wait_minutes": 0, "self_review": True, "branches": "custom"}


def test_a_reviewed_branch_is_watched_through_an_environment_that_only_reads_data() -> None:
    sources = {"main": "https://data.example.org/a.csv", "local": "data/b.csv"}
    text = "environments: {staging: {reviewers: [octocat]}}"
    answers = {"staging_engine": "kubeflow", "staging_endpoint": "https://k.example.org"}
    found = desired(answers, text, **sources)
    assert not any(key.name == "production-watch" for key in found)
    secrets = {key.name for key in found if key.kind is Kind.SECRET and key.scope == "staging-watch"}
    assert secrets == {"DATA_MAIN_TOKEN", "DATA_MAIN_USERNAME", "DATA_MAIN_PASSWORD", "CA_CERTIFICATE"}
    assert {"DATA_MAIN_TOKEN", "KUBEFLOW_TOKEN"} <= {
        key.name for key in found if key.kind is Kind.SECRET and key.scope == "staging"
    }


def test_the_owner_adds_changes_and_takes_out_variables_and_secrets() -> None:
    answers = {"development_engine": "kubeflow", "development_endpoint": "https://k.example.org"}
    text = """
environments:
  development:
    variables: {EXTRA: "1", port: 587, KUBEFLOW_NAMESPACE: other, KUBEFLOW_ENDPOINT: null}
    secrets: {own_token: reads our feature store, DISPATCH_TOKEN: null, KUBEFLOW_TOKEN: of the robot}
"""
    found = desired(answers, text)
    variables = {k.name: r.value for k, r in found.items() if k.kind is Kind.VARIABLE and k.scope == "development"}
    assert variables == {"EXTRA": "1", "PORT": "587", "KUBEFLOW_NAMESPACE": "other"}
    secrets = {k.name: r for k, r in found.items() if k.kind is Kind.SECRET and k.scope == "development"}
    assert secrets["OWN_TOKEN"].purpose == "reads our feature store"
    assert not secrets["OWN_TOKEN"].optional
    assert secrets["KUBEFLOW_TOKEN"].purpose == "of the robot"
    assert not secrets["KUBEFLOW_TOKEN"].optional
    assert secrets["WEBHOOK_URL"].optional
    assert "DISPATCH_TOKEN" not in secrets


def test_the_owner_says_otherwise() -> None:
    text = """
repository: {topics: [fraud], squash: true, description: null}
actions: {allowed: all, pinned: true, pull_requests: false}
security: {vulnerability_alerts: false}
environments: {production: {reviewers: [octocat], self_review: true}, staging-watch: }
rulesets:
  production: {reviews: 2}
  release: {force_push: false}
  no-names: {branches: ["feature/*"], deletion: true}
labels: {}
"""
    found = desired({}, text)
    assert found[Key(Kind.SETTING, "topics")].value == ("fraud", "mlopsgen")
    assert found[Key(Kind.SETTING, "actions")].value == {"enabled": True, "allowed": "all", "pinned": True}
    assert Key(Kind.SETTING, "allowed-actions") not in found
    assert Key(Kind.SETTING, "security-updates") not in found
    assert found[Key(Kind.SETTING, "about")].value == {
        "description": "A model that is trained by git push.", "homepage": ""
    }  # fmt: skip
    assert {key.name for key in found if key.kind is Kind.ENVIRONMENT} == {
        *BRANCHES, "production-watch", "staging-watch"
    }  # fmt: skip
    rulesets = {key.name: dict(resource.value) for key, resource in found.items() if key.kind is Kind.RULESET}  # type: ignore[arg-type]
    assert rulesets["production"]["reviews"] == 2
    assert rulesets["production"]["checks"] == ("test",)
    assert rulesets["release"]["branches"] == ("release",)
    assert not rulesets["no-names"]["block_deletion"]
    assert set(rulesets) == {"production", "release", "no-names"}
    assert not any(key.kind is Kind.LABEL for key in found)


def test_an_environment_that_only_the_document_names_is_watched_with_its_branch() -> None:
    making = Making(answers=resolve({}), document=read_document("environments: {staging-watch: }"))
    assert [environment.name for environment in environments_of(making)] == [*BRANCHES, "staging-watch"]


def test_own_machines_are_wanted_online() -> None:
    found = desired({"production_runner": "self-hosted, gpu", "staging_runner": "self-hosted,gpu"})
    runners = {key.name: resource for key, resource in found.items() if key.kind is Kind.RUNNER}
    assert set(runners) == {"self-hosted,gpu"}
    assert "staging, production" in runners["self-hosted,gpu"].purpose
    assert not any(key.kind is Kind.RUNNER for key in desired({}))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("version: 2", 1, "version: 2 is not possible"),
        ("version: 1\nrepositry: {}", 2, "did you mean 'repository'?"),
        ("repository:\n  visibility: secret", 2, "'secret' is not possible; possible is 'private', 'inte"),
        ("environments:\n  production:\n    reviewers: [octocat, 'a b']", 3, "neither a GitHub user"),
        ("environments:\n  testing: {}", 2, "'testing' is not possible"),
        ("environments:\n  staging:\n    wait_minutes: 43201", 3, "less than or equal to 43200"),
        ("environments:\n  staging:\n    reviewers: [a, b, c, d, e, f, g]", 3, "at most 6"),
        ("environments:\n  staging:\n    variables:\n      2X: a", 4, "letters, digits and underscores"),
        ("environments:\n  staging:\n    secrets:\n      GITHUB_X: a", 4, "GITHUB_"),
        ("rulesets:\n  a:\n    merge_methods: [squish]", 3, "'squish'"),
        ("labels:\n  a: {color: 000000}", 2, "quotes"),
        ("actions: yes", 1, "it has to hold 'key: value' lines"),
        ("repository:\n  squash: 'yes'", 2, "should be a valid boolean"),
        ("repository:\n  merge_commit: false", 2, "no way to merge"),
        ("repository:\n  squash: true\n  merge_commit: false", 3, "takes merge only"),
        ("rulesets:\n  x:\n    pull_request: true\n    merge_methods: [squash]", 4, "'x' takes squash only"),
        ("a: 1\na: 2", 2, "there twice"),
        ("- a", 1, "'key: value' lines"),
        ("repository: {", 1, "not valid YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_document(text)
    assert caught.value.where == f"{REMOTE_DOCUMENT}:{line}", caught.value.message
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "value", ["gh" + "p_0123456789abcdefghij", "'-----BEGIN CERTIFICATE-----'", "x" * 44, "[hush, hush]"]
)
def test_a_secret_that_is_written_into_the_document_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_document(f"environments:\n  staging:\n    secrets:\n      TOKEN: {value}")
    assert caught.value.where.endswith(":4")
    assert value.strip("'") not in caught.value.message
    assert "hush" not in caught.value.message


def test_a_credential_is_no_variable() -> None:
    value = "gh" + "p_0123456789abcdefghij"
    with pytest.raises(InvalidDocument) as caught:
        read_document(f"environments:\n  staging:\n    variables:\n      TOKEN: {value}")
    assert caught.value.where.endswith(":4")
    assert "looks like a credential" in caught.value.message
    assert value not in caught.value.message
