"""The GitHub part of `mlopsgen doctor`: which token, what it may do, how the repository stands; never in the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.adapters.credentials import find_credential
from mlopsgen.operations.checks_github import check_github
from tests.canaries import canary
from tests.github import FakeGitHub
from tests.github.repositories import Runner
from tests.hosted_toys import Hosted, make_model, set_up


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"), ["--set", "production_runner=self-hosted,gpu"])


@pytest.fixture
def hosted(model: Path, tmp_path: Path) -> Iterator[Hosted]:
    with FakeGitHub() as github:
        yield set_up(github, model, tmp_path)


def found(hosted: Hosted, token: str | None = None) -> dict[str, tuple[str, str]]:
    findings = list(check_github(hosted.surroundings, hosted.with_token(token or hosted.token)))
    for finding in findings:
        assert bool(finding.hint) is (finding.level != "ok"), finding
    return {finding.check: (finding.level, finding.message) for finding in findings}


def test_all_is_told(hosted: Hosted) -> None:
    hosted.there.runners[7] = Runner(id=7, name="big", labels=("self-hosted", "gpu"))
    checks = found(hosted)
    assert checks["github-token"] == (
        "ok", "classic personal access token from standard input (--token-stdin); it belongs to ada"
    )  # fmt: skip
    assert checks["github-rights"] == (
        "ok", "scopes: delete_repo, repo, workflow (without 'read:org' for finding the organisation's teams and plan)"
    )  # fmt: skip
    assert checks["github"] == ("ok", f"{hosted.github.url}/acme/heart-rate (private)")
    assert checks["github-branches"] == ("ok", "development, production, staging; 'development' is the default")
    assert checks["github-runners"] == ("ok", "a runner of yours is online for production")
    level, names = checks["github-workflows"]
    assert level == "ok"
    assert {"development.yml", "staging.yml", "production.yml", "pull-request.yml"} <= set(names.split(", "))


def test_without_workflows_nothing_trains(hosted: Hosted) -> None:
    hosted.git("rm", "-r", "--quiet", ".github/workflows")
    hosted.git("commit", "--quiet", "-m", "No workflow")
    hosted.push("development")
    level, message = found(hosted)["github-workflows"]
    assert level == "warning"
    assert "nothing trains on GitHub" in message


def test_a_label_without_a_runner(hosted: Hosted) -> None:
    hosted.there.runners[7] = Runner(id=7, name="big", labels=("self-hosted", "gpu"), online=False)
    level, message = found(hosted)["github-runners"]
    assert level == "warning"
    assert "no runner with self-hosted, gpu is online; jobs of production" in message


def test_missing_scopes_are_named_with_what_they_are_for(hosted: Hosted) -> None:
    token = hosted.github.add_token("ada", kind="classic", scopes=["repo"])
    level, message = found(hosted, token)["github-rights"]
    assert level == "problem"
    assert message == "scopes: repo; 'workflow' is missing for pushing workflow files"


def test_another_default_branch(hosted: Hosted) -> None:
    hosted.there.default_branch = "staging"
    level, message = found(hosted)["github-branches"]
    assert (level, "its default branch is 'staging'" in message) == ("warning", True)


def test_a_repository_that_is_not_seen(hosted: Hosted) -> None:
    token = hosted.github.add_token("bob", kind="classic", scopes=["repo", "workflow"])
    hosted.github.world.organization("acme").default_permission = "none"
    level, message = found(hosted, token)["github"]
    assert (level, "is not on" in message) == ("warning", True)


def test_a_document_that_cannot_be_read_is_a_problem_and_named_with_its_line(hosted: Hosted) -> None:
    document = hosted.here / ".github" / "remote.yaml"
    lines = document.read_text().splitlines()
    number = next(count for count, line in enumerate(lines) if "squash: " in line)
    lines[number] = "  sqash: false"
    document.write_text("\n".join(lines))
    level, message = found(hosted)["github-document"]
    assert (level, f".github/remote.yaml:{number + 1}" in message) == ("problem", True)
    assert "did you mean 'squash'" in message
    told = hosted.run("status", "--output", "json")
    assert f".github/remote.yaml:{number + 1}" in told.stdout


def test_a_fine_grained_token_shows_what_it_cannot_read(hosted: Hosted) -> None:
    token = hosted.github.add_token("ada", kind="fine-grained", owner="acme", permissions={"contents": "write"})
    findings = [finding.as_dict() for finding in check_github(hosted.surroundings, hosted.with_token(token))]
    assert any("needs Administration (write), Actions (read)" in finding["message"] for finding in findings)
    refused = [finding["message"] for finding in findings if "cannot be read" in finding["message"]]
    assert any("Administration" in message or "Environments" in message for message in refused), findings


def test_a_reason_is_told_once(hosted: Hosted) -> None:
    """A private repository of an organisation without a plan that holds rulesets: three of them are not to be had."""
    hosted.github.world.organization("acme").plan = "free"
    findings = list(check_github(hosted.surroundings, hosted.credential))
    messages = [finding.message for finding in findings if "rulesets" in finding.message]
    assert len(messages) == 1, messages


def test_an_archived_repository(hosted: Hosted) -> None:
    hosted.there.archived = True
    findings = [finding.as_dict() for finding in check_github(hosted.surroundings, hosted.credential)]
    assert any(finding["level"] == "warning" and "it is archived" in finding["message"] for finding in findings)


def test_a_token_that_is_refused(hosted: Hosted) -> None:
    level, message = found(hosted, canary("of-nobody", prefix="ghp_"))["github-token"]
    assert level == "problem"
    assert "refuses the token" in message


def test_without_a_token_nothing_fails(hosted: Hosted) -> None:
    def nothing(target: object) -> object:
        return find_credential("127.0.0.1", {}, cwd=hosted.here)

    [finding] = check_github(hosted.surroundings, nothing)  # type: ignore[arg-type]
    assert finding.level == "warning"
    hosted.git("remote", "remove", "origin")
    [finding] = check_github(hosted.surroundings, nothing)  # type: ignore[arg-type]
    assert finding.level == "ok"
    assert "'mlopsgen push' to GitHub needs one" in finding.message


def test_without_a_network_it_says_so_soon(hosted: Hosted) -> None:
    hosted.git("remote", "set-url", "origin", "http://127.0.0.1:9/acme/heart-rate.git")
    checks = found(hosted)
    assert checks["github"][0] == "warning"
    assert "Nothing more of GitHub was checked" in checks["github"][1]


def test_an_origin_elsewhere_gets_no_token(hosted: Hosted) -> None:
    hosted.git("remote", "set-url", "origin", "https://git.example.org/acme/heart-rate.git")

    def ask(target: object) -> object:
        raise AssertionError("no token is looked for")

    [finding] = check_github(hosted.surroundings, ask)  # type: ignore[arg-type]
    assert "https://git.example.org/acme/heart-rate.git, which is not known to be GitHub" in finding.message


def test_the_command_line(hosted: Hosted) -> None:
    done = hosted.run("doctor", "--output", "json")
    findings = json.loads(done.stdout)["data"]["findings"]
    assert {
        "check": "github",
        "level": "ok",
        "message": f"{hosted.github.url}/acme/heart-rate (private)",
        "hint": "",
    } in findings
    assert any("the variable MLOPSGEN_GITHUB_TOKEN" in finding["message"] for finding in findings)
    assert not any(finding["check"] == "forge" and finding["level"] != "ok" for finding in findings)
    assert hosted.token not in done.stdout + done.stderr
