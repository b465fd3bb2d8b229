"""``mlopsgen push`` to GitHub as a person uses it: the command line, real git, a GitHub on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from mlopsgen.errors import ExitCode
from mlopsgen.remote.plan import plan_schema
from tests.canaries import canary
from tests.github import FakeGitHub
from tests.push_toys import Person, arrive, item, items, make_model, told

BRANCHES = ("development", "staging", "production")
ORG = ("--org", "acme")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        yield fake


@pytest.fixture
def ada(github: FakeGitHub, model: Path, tmp_path: Path) -> Person:
    return arrive(github, model, tmp_path)


def writes(github: FakeGitHub) -> list[str]:
    return [f"{call.method} {call.path}" for call in github.calls if call.writes]


def test_one_command_makes_a_protected_repository(ada: Person, github: FakeGitHub) -> None:
    pushed = ada.push(*ORG)
    assert pushed["exit_code"] == ExitCode.OK, pushed
    jsonschema.Draft202012Validator(plan_schema()).validate(pushed["plan"])
    assert not pushed["left"]
    assert {each["kind"] for each in pushed["plan"]["actions"]} == {"create"}
    made = github.repository("acme/demo")
    commit = ada.git("rev-parse", "HEAD")
    assert made.branches == dict.fromkeys(BRANCHES, commit)
    assert (made.default_branch, made.visibility) == ("development", "private")
    assert "mlopsgen" in made.topics
    assert (made.settings.allow_merge_commit, made.settings.allow_squash_merge) == (True, False)
    assert (made.allowed_actions, made.workflow_permissions, made.approve_pull_requests) == ("selected", "read", True)
    assert (made.vulnerability_alerts, made.security_fixes) == (True, True)
    assert {name: each.patterns for name, each in made.environments.items()} == {
        **{branch: {branch} for branch in BRANCHES}, "production-watch": {"production"}
    }  # fmt: skip
    production = made.environments["production"]
    assert {kind for kind, _ in production.reviewers} == {"User", "Team"}
    assert (production.wait_timer, production.prevent_self_review, production.policy) == (30, True, "custom")
    assert not made.environments["production-watch"].reviewers
    assert made.secrets_of("staging") == {"KUBEFLOW_TOKEN": canary("kubeflow")}
    assert made.variables_of("staging")["KUBEFLOW_ENDPOINT"] == "https://kubeflow.example.org/pipeline"
    assert {rule["name"] for rule in made.rulesets.values()} == set(BRANCHES)
    assert {"promotion", "template-update"} <= set(made.labels)


def test_what_stays_behind_is_a_clean_remote_and_the_next_steps(ada: Person, github: FakeGitHub) -> None:
    done = ada.run("push", "--yes", *ORG)
    assert done.returncode == ExitCode.OK, done.stderr
    address = f"{github.url}/acme/demo.git"
    assert ada.git("remote", "get-url", "origin") == address
    assert ada.git("rev-parse", "--abbrev-ref", "development@{upstream}") == "origin/development"
    assert ada.git("status", "--porcelain") == ""
    assert "acme/demo is as it shall be" in done.stdout
    for words in (f"{github.url}/acme/demo/actions", "settings/environments", "/pulls", "git push", "secrets list"):
        assert words in done.stdout
    assert "each training waits until acme/ml or grace approves it (not whoever started it)" in " ".join(
        done.stdout.split()
    )
    assert ada.environ["GH_TOKEN"] not in done.stdout + done.stderr
    assert canary("kubeflow") not in done.stdout + done.stderr


def test_pushing_again_changes_nothing_and_asks_github_little(ada: Person, github: FakeGitHub) -> None:
    ada.push(*ORG)
    github.calls.clear()
    again = ada.push()
    assert again["exit_code"] == ExitCode.OK
    assert again["summary"] == "acme/demo is as it shall be; nothing was changed."
    assert not writes(github)
    assert len(github.calls) <= 20


def test_a_dry_run_shows_the_plan_and_writes_nothing(ada: Person, github: FakeGitHub) -> None:
    plan = ada.plan(*ORG)
    assert plan["exit_code"] == ExitCode.OK
    assert not writes(github)
    assert not github.has("acme/demo")
    assert "origin" not in ada.git("remote").split()
    assert f"mlopsgen push --org acme --yes --plan-digest {plan['plan']['digest']}" in plan["next_steps"][0]
    shown = ada.run("push", "--dry-run", *ORG).stdout
    for words in ("does not exist yet", "as ada, with a", "+ repository  demo", "Environment production-watch"):
        assert words in shown
    assert f"{len(items(plan, 'create'))} to create (+)." in shown


def test_only_the_plan_that_was_seen_is_applied(ada: Person, github: FakeGitHub) -> None:
    digest = ada.plan(*ORG)["plan"]["digest"]
    ada.write("notes.txt", "one more commit")
    refused = ada.push("--plan-digest", digest, *ORG)
    assert (refused["exit_code"], refused["error"]["code"]) == (ExitCode.FAILURE, "plan-changed")
    assert refused["plan"]["digest"] != digest
    assert not writes(github)
    assert ada.push("--plan-digest", refused["plan"]["digest"], *ORG)["exit_code"] == ExitCode.OK


def test_without_a_terminal_what_is_missing_is_named(ada: Person, github: FakeGitHub) -> None:
    for arguments, where in ((("push",), "--org"), (("push", "--name", "x"), "--org"), (("push", *ORG), "--yes")):
        done = told(ada.run(*arguments, "--output", "json"))
        assert (done["exit_code"], done["error"]["where"]) == (ExitCode.USAGE, where), done["error"]
        assert done["error"]["hint"]
    both = ada.run("push")
    assert "mlopsgen push --org" in both.stderr
    assert "mlopsgen push --local" in both.stderr
    del ada.environ["GH_TOKEN"]
    lost = ada.push(*ORG)
    assert (lost["exit_code"], lost["error"]["code"]) == (ExitCode.PERMISSION, "no-credential")
    assert not writes(github)


def test_flags_of_one_place_are_refused_for_the_other(ada: Person) -> None:
    done = told(ada.run("push", "--local", "--org", "acme", "--output", "json"))
    assert (done["exit_code"], done["error"]["where"]) == (ExitCode.USAGE, "--org")
    done = told(ada.run("push", "--user", "--org", "acme", "--output", "json"))
    assert (done["exit_code"], done["error"]["where"]) == (ExitCode.USAGE, "--user")


def test_a_personal_account_works_as_well(ada: Person, github: FakeGitHub) -> None:
    ada.edit_document('reviewers: ["acme/ml", "grace"]', "reviewers: []")
    pushed = ada.push("--user", "--visibility", "public", "--name", "my-demo")
    assert pushed["exit_code"] == ExitCode.OK, pushed
    made = github.repository("ada/my-demo")
    assert (made.visibility, made.fork_approval) == ("public", "all_external_contributors")
    assert set(made.environments) == {*BRANCHES, "production-watch"}
    assert any("--visibility public" in event["message"] for event in pushed["events"])
    alone = next(event for event in pushed["events"] if "Nobody but ada" in event["message"])
    assert "pull requests to production wait for an approval" in alone["message"]
    assert f"{github.url}/ada/my-demo/settings/access" in alone["hint"]
    assert "reviews: 0" in alone["hint"]


@pytest.mark.parametrize(("kind", "words"), [("oauth", "as ada, with an OAuth token"), ("classic", "with a classic")])
def test_the_plan_says_as_whom(ada: Person, kind: str, words: str) -> None:
    ada.new_token("repo", "workflow", kind=kind)
    assert words in ada.run("push", *ORG, "--dry-run").stdout


def test_who_is_alone_is_told_of_approvals_that_nobody_can_give(ada: Person) -> None:
    ada.edit_document('reviewers: ["acme/ml", "grace"]', "reviewers: [ada]")
    ada.edit_document("reviews: 1", "reviews: 0")
    pushed = ada.push("--user", "--visibility", "public")
    alone = next(event for event in pushed["events"] if "Nobody but ada" in event["message"])
    assert "trainings of production wait for an approval" in alone["message"]
    assert "pull requests" not in alone["message"]
    assert "self_review: true" in alone["hint"]
    ada.git("remote", "remove", "origin")
    assert not any("Nobody but" in event["message"] for event in ada.push("--org", "acme")["events"])


def test_an_account_that_pays_nothing_gets_what_can_be_had(ada: Person, github: FakeGitHub) -> None:
    ada.edit_document("plan: auto", "plan: free")
    pushed = ada.push("--org", "smallshop")
    assert pushed["exit_code"] == ExitCode.OK, pushed
    made = github.repository("smallshop/demo")
    assert not made.environments
    assert made.secrets == {"STAGING_KUBEFLOW_TOKEN": canary("kubeflow")}
    assert made.variables["STAGING_KUBEFLOW_NAMESPACE"] == "kubeflow-user-example-com"
    for kind, name in (("environment", "production"), ("ruleset", "production")):
        lost = item(pushed, kind, name)
        assert lost["kind"] == "cannot"
        assert "Free" in lost["reason"]
        assert lost["instead"]
    assert "that cannot be had" in pushed["summary"]
    again = ada.push()
    assert again["exit_code"] == ExitCode.OK
    assert not again["summary"].startswith("1 change")


def test_missing_secrets_are_named_with_the_command_that_sets_them(ada: Person, github: FakeGitHub) -> None:
    del ada.environ["MLOPSGEN_SECRET_STAGING_KUBEFLOW_TOKEN"]
    pushed = ada.push(*ORG)
    assert pushed["exit_code"] == ExitCode.OK
    command = "mlopsgen secrets set KUBEFLOW_TOKEN --branch staging"
    assert [each["command"] for each in pushed["missing_secrets"]] == [command]
    assert any(step.startswith(command) for step in pushed["next_steps"])
    assert "1 secret to be set" in pushed["summary"]
    assert not github.repository("acme/demo").secrets_of("staging")


def test_secrets_come_from_a_file_that_git_cannot_commit(ada: Person, github: FakeGitHub, tmp_path: Path) -> None:
    del ada.environ["MLOPSGEN_SECRET_STAGING_KUBEFLOW_TOKEN"]
    value = canary('file "quoted" $HOME \\ ü')
    inside, outside = ada.folder / "secrets.txt", tmp_path / "secrets.txt"
    for path in (inside, outside):
        path.write_text(f"STAGING_KUBEFLOW_TOKEN='{value}'\nWEBHOK_URL={canary('hook')}\n", encoding="utf-8")
        path.chmod(0o600)
    refused = ada.push("--secrets-file", str(inside), *ORG)
    assert refused["exit_code"] == ExitCode.USAGE
    assert not github.has("acme/demo")
    inside.unlink()
    pushed = ada.push("--secrets-file", str(outside), *ORG)
    outside.unlink()
    assert pushed["exit_code"] == ExitCode.OK, pushed
    assert github.repository("acme/demo").secrets_of("staging") == {"KUBEFLOW_TOKEN": value}
    assert any("WEBHOK_URL" in event["message"] for event in pushed["events"])


def test_a_value_that_github_will_not_take_ends_it_before_anything_is_made(ada: Person, github: FakeGitHub) -> None:
    refused = ada.push(*ORG, MLOPSGEN_SECRET_STAGING_KUBEFLOW_TOKEN=canary("x" * 50_000))
    assert refused["exit_code"] == ExitCode.USAGE
    assert "KUBEFLOW_TOKEN of staging" in refused["error"]["message"]
    assert not writes(github)


def test_progress_is_told_as_it_happens(ada: Person) -> None:
    pushed = ada.push(*ORG)
    steps = [event for event in pushed["events"] if event["event"] == "StepDone"]
    total = len(items(pushed, "create"))
    assert [step["done"] for step in steps] == list(range(1, total + 1))
    assert {step["total"] for step in steps} == {total}


def test_what_github_shows_late_is_waited_for(ada: Person, github: FakeGitHub) -> None:
    github.delay_reads(2)
    pushed = ada.push(*ORG)
    assert pushed["exit_code"] == ExitCode.OK, pushed
    assert set(github.repository("acme/demo").environments) == {*BRANCHES, "production-watch"}


def test_a_token_that_may_not_push_workflows_is_found_out_before_anything_is_made(
    ada: Person, github: FakeGitHub
) -> None:
    ada.write(".github/workflows/test.yml", "on: push\njobs: {}\n")
    ada.new_token("repo", "read:org")
    plan = ada.push(*ORG)
    assert plan["exit_code"] != ExitCode.OK
    assert "workflow" in plan["error"]["message"] + plan["error"]["hint"]
    assert not github.has("acme/demo")


def test_a_token_that_ends_in_the_middle_leaves_a_list_and_the_next_push_goes_on(
    ada: Person, github: FakeGitHub
) -> None:
    github.faults.add("401", nth=9, writes=True)
    stopped = ada.push(*ORG)
    assert stopped["exit_code"] == ExitCode.PARTIAL, stopped
    assert stopped["done"]
    assert stopped["left"]
    assert stopped["error"]["hint"]
    ada.new_token("repo", "workflow", "read:org")
    again = ada.push(*ORG)
    assert again["exit_code"] == ExitCode.OK, again
    assert github.repository("acme/demo").branches == dict.fromkeys(BRANCHES, ada.git("rev-parse", "HEAD"))


def test_the_remote_speaks_ssh_if_somebody_prefers_it(ada: Person, github: FakeGitHub) -> None:
    ada.push("--protocol", "ssh", *ORG)
    host = github.url.removeprefix("http://").partition(":")[0]
    assert ada.git("remote", "get-url", "origin") == f"git@{host}:acme/demo.git"
    assert ada.push()["summary"].startswith("acme/demo is as it shall be")
    changed = ada.push("--protocol", "https")
    assert items(changed, "change") == {("remote", "", "origin")}
    assert ada.git("remote", "get-url", "origin") == f"{github.url}/acme/demo.git"


def silent_organisation(ada: Person, github: FakeGitHub) -> None:
    """An organisation that pays for nothing, which GitHub does not tell."""
    github.add_org("silent", plan="free", members=["ada"], plan_told=False)
    ada.edit_document('reviewers: ["acme/ml", "grace"]', "reviewers: []")


def test_a_plan_that_github_does_not_tell_is_learnt_in_the_same_run(ada: Person, github: FakeGitHub) -> None:
    silent_organisation(ada, github)
    del ada.environ["MLOPSGEN_SECRET_STAGING_KUBEFLOW_TOKEN"]
    pushed = ada.push("--org", "silent")
    assert pushed["exit_code"] == ExitCode.OK, pushed
    made = github.repository("silent/demo")
    assert not made.environments
    assert made.variables["STAGING_KUBEFLOW_NAMESPACE"] == "kubeflow-user-example-com"
    assert set(made.branches) == set(BRANCHES)
    assert any("planned anew" in event["message"] for event in pushed["events"])
    assert not pushed["left"]
    assert ada.push()["exit_code"] == ExitCode.OK


def test_secrets_are_not_opened_to_every_branch_without_somebody_agreeing(ada: Person, github: FakeGitHub) -> None:
    silent_organisation(ada, github)
    stopped = ada.push("--org", "silent")
    assert (stopped["exit_code"], stopped["error"]["code"]) == (ExitCode.PARTIAL, "plan-changed"), stopped
    assert "1 secret would be readable by the workflows of every branch" in stopped["error"]["message"]
    assert stopped["done"]
    assert stopped["left"]
    assert not github.repository("silent/demo").secrets
    ada.edit_document("plan: auto", "plan: free")
    assert ada.push("--org", "silent")["exit_code"] == ExitCode.OK
    assert github.repository("silent/demo").secrets == {"STAGING_KUBEFLOW_TOKEN": canary("kubeflow")}


def test_a_digest_stands_for_one_plan_to_its_end(ada: Person, github: FakeGitHub) -> None:
    silent_organisation(ada, github)
    del ada.environ["MLOPSGEN_SECRET_STAGING_KUBEFLOW_TOKEN"]
    digest = ada.plan("--org", "silent")["plan"]["digest"]
    stopped = ada.push("--org", "silent", "--plan-digest", digest)
    assert (stopped["exit_code"], stopped["error"]["code"]) == (ExitCode.PARTIAL, "plan-changed"), stopped
    assert not github.repository("silent/demo").branches


def test_a_wrong_reviewer_never_opens_production(ada: Person, github: FakeGitHub) -> None:
    ada.edit_document('reviewers: ["acme/ml", "grace"]', "reviewers: [nobody-of-that-name]")
    pushed = ada.push(*ORG)
    assert pushed["exit_code"] == ExitCode.PARTIAL, pushed
    assert item(pushed, "environment", "production")["kind"] == "cannot"
    made = github.repository("acme/demo")
    assert not made.secrets
    assert "PRODUCTION" not in " ".join(made.variables)


def test_what_was_made_is_said_although_it_cannot_be_read_back(ada: Person, github: FakeGitHub) -> None:
    changes = len(items(ada.plan(*ORG), "create"))
    # The last thing that is made; whatever is read then comes too late for the token.
    github.faults.add("401", nth=1, method="GET", path="/repos/acme/demo", only=lambda _: _is_protected(github))
    stopped = ada.push(*ORG)
    assert stopped["exit_code"] == ExitCode.PARTIAL, stopped
    assert len(stopped["done"]) == changes
    assert "could not be read again" in stopped["error"]["message"]


def _is_protected(github: FakeGitHub) -> bool:
    return github.has("acme/demo") and len(github.repository("acme/demo").rulesets) == len(BRANCHES)


def test_a_token_that_was_not_given_the_repository_makes_no_other_one(ada: Person, github: FakeGitHub) -> None:
    assert ada.push(*ORG)["exit_code"] == ExitCode.OK
    ada.new_token(kind="fine-grained", owner="acme", permissions={"administration": "write"}, repositories=[])
    refused = ada.push()
    assert refused["exit_code"] == ExitCode.PERMISSION, refused
    assert "Add the repository to the token" in refused["error"]["hint"]


def test_a_token_without_rights_is_told_as_such(ada: Person, github: FakeGitHub) -> None:
    ada.new_token("gist")
    refused = ada.push(*ORG)
    assert refused["exit_code"] == ExitCode.PERMISSION, refused
    assert "repo" in refused["error"]["message"]
    assert not github.has("acme/demo")


def test_a_fine_grained_token_works_and_what_it_needs_is_said(ada: Person, github: FakeGitHub) -> None:
    every = {
        "administration": "write", "actions": "read", "contents": "write", "environments": "write", "issues": "write",
        "secrets": "write", "variables": "write", "workflows": "write", "members": "read",
    }  # fmt: skip
    ada.new_token(kind="fine-grained", owner="acme", permissions=every)
    plan = ada.plan(*ORG)
    assert "Administration (write)" in plan["token"]
    pushed = ada.push(*ORG)
    assert pushed["exit_code"] == ExitCode.OK, pushed
