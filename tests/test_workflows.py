"""What holds in the workflows of every rendering: rights, names, pins, places of secrets, time limits."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mlopsgen.constants import BRANCHES
from mlopsgen.remote.runners import is_hosted, labels_of
from tests import workflow_files
from tests.workflow_files import action_of, action_table, documents, expressions, jobs, renderings, steps

BRANCH_FILES = {f"{branch}.yml": branch for branch in BRANCHES}
HOSTED, OWN = 360, 7200
"""The longest that GitHub lets a job take, in minutes, on its machines and on others."""

# What each job may do with its token; nothing is allowed to a whole workflow.
READ = {"contents": "read"}
PROMOTE = READ | {"actions": "read", "issues": "write", "pull-requests": "write"}
RIGHTS: dict[tuple[str, str], list[dict[str, str]]] = {
    ("pull-request.yml", "test"): [READ],
    ("pull-request.yml", "compare"): [READ | {"actions": "read", "pull-requests": "write"}],
    ("data-watch.yml", "dispatch"): [READ | {"actions": "write"}],
    ("template-update.yml", "update"): [{}],
    ("follow-up.yml", "follow-up"): [READ | {"actions": "write", "statuses": "write"}],
    ("follow-up.yml", "promote"): [PROMOTE],
    **{
        ("watch.yml", branch): [READ | {"actions": "write"}, READ | {"actions": "write", "statuses": "read"}]
        for branch in BRANCHES
    },
    **{(name, "test"): [READ | {"actions": "read"}] for name in BRANCH_FILES},
    **{(name, "image"): [READ, READ | {"packages": "write"}] for name in BRANCH_FILES},
    **{
        (name, "train"): [READ | {"actions": "read"}, READ | {"actions": "read", "statuses": "write"}]
        for name in BRANCH_FILES
    },
    ("development.yml", "promote"): [PROMOTE],
    ("staging.yml", "promote"): [PROMOTE],
}

TRIGGERS = {
    **{name: {"push", "workflow_dispatch"} for name in BRANCH_FILES},
    "pull-request.yml": {"pull_request"},
    "data-watch.yml": {"schedule", "workflow_dispatch"},
    "watch.yml": {"workflow_dispatch"},
    "template-update.yml": {"schedule", "workflow_dispatch"},
    "follow-up.yml": {"repository_dispatch"},
}


def test_every_file_and_job_is_known() -> None:
    found = {(name, job) for name, job, _ in jobs()}
    assert found == set(RIGHTS)
    assert {name for name, _, _ in documents()} == set(TRIGGERS)


def test_a_workflow_may_nothing_and_each_job_just_what_the_table_says() -> None:
    for name, origin, document in documents():
        assert document["permissions"] == {}, (name, origin)
        for job, body in document["jobs"].items():
            assert body["permissions"] in RIGHTS[name, job], (name, job, origin)


def test_only_a_branch_that_trains_on_a_cluster_says_so_on_commits() -> None:
    for rendering in renderings():
        for name, branch in BRANCH_FILES.items():
            job = rendering.workflows[name]["jobs"]["train"]
            assert ("statuses" in job["permissions"]) == (rendering.answers[f"{branch}_engine"] == "kubeflow")


def test_each_file_listens_to_its_own_events() -> None:
    for name, origin, document in documents():
        assert set(document["on"]) <= TRIGGERS[name], (name, origin)
    for name, branch in BRANCH_FILES.items():
        for rendering in renderings():
            events = rendering.workflows[name]["on"]
            assert events["push"] == {"branches": [branch]}, "a path filter would leave commits without the check"
            asked = {"parameters", "engine", "reason", "resume", "trigger"}
            assert set(events["workflow_dispatch"]["inputs"]) == asked


@pytest.mark.parametrize(("every", "count"), [("off", 0), ("hourly", 1), ("daily", 1), ("weekly", 1)])
def test_the_data_is_looked_at_as_often_as_asked(every: str, count: int) -> None:
    found = [one for one in renderings() if one.answers["data_watch"] == every]
    assert found
    for rendering in found:
        events = rendering.workflows["data-watch.yml"]["on"]
        assert len(events.get("schedule", [])) == count
        assert "workflow_dispatch" in events


@pytest.mark.parametrize(("every", "crons"), [("off", []), ("weekly", ["43 5 * * 1"]), ("monthly", ["43 5 1 * *"])])
def test_the_template_is_looked_at_as_often_as_asked(every: str, crons: list[str]) -> None:
    found = [one for one in renderings() if one.answers["template_update"] == every]
    assert found
    for rendering in found:
        events = rendering.workflows["template-update.yml"]["on"]
        assert [one["cron"] for one in events.get("schedule", [])] == crons
        assert set(events["workflow_dispatch"]["inputs"]) == {"version"}


def test_every_job_ends_in_time() -> None:
    for name, job, body in jobs():
        long = name in BRANCH_FILES and job == "train"
        hosted = is_hosted(labels_of(body["runs-on"]))
        assert body["timeout-minutes"] <= ((HOSTED if hosted else OWN) if long else 60), (name, job)
        assert not long or body["timeout-minutes"] in {HOSTED, OWN}


def test_a_refused_training_brings_an_open_promotion_up_to_date_too() -> None:
    for name, job, body in jobs():
        if job == "promote" and name in BRANCH_FILES:
            assert body["needs"] == "train"
            assert body["if"] == "${{ !cancelled() && needs.train.outputs.report != '' }}"


def test_trainings_run_where_the_answers_say_and_everything_else_on_githubs_machines() -> None:
    for rendering in renderings():
        for name, document in rendering.workflows.items():
            for job, body in document["jobs"].items():
                branch = BRANCH_FILES.get(name) if job == "train" else job if name == "watch.yml" else None
                wanted = labels_of(rendering.answers[f"{branch}_runner"]) if branch else ("ubuntu-24.04",)
                assert labels_of(body["runs-on"]) == wanted, (rendering.name, name, job)


def test_docker_is_used_on_githubs_machines_only() -> None:
    users = {(name, job) for name, job, step in steps() if re.search(r"\bdocker\b", step.get("run", ""))}
    assert {job for _, job in users} == {"image"}


def test_one_job_of_a_training_names_the_environment() -> None:
    for rendering in renderings():
        for name, document in rendering.workflows.items():
            named = {job: body["environment"] for job, body in document["jobs"].items() if "environment" in body}
            if name in BRANCH_FILES:
                assert named == {"train": BRANCH_FILES[name]}
            elif name == "watch.yml":
                reviewed = "production-watch" if rendering.answers["reviewers"] else "production"
                assert named == {"development": "development", "staging": "staging", "production": reviewed}
                for branch, body in document["jobs"].items():
                    assert body["if"] == f"github.ref_name == '{branch}'"
            else:
                assert not named, name


def test_a_training_is_not_cancelled_and_the_required_check_is_always_reported() -> None:
    for name, branch in BRANCH_FILES.items():
        for rendering in renderings():
            document = rendering.workflows[name]
            assert "concurrency" not in document
            test, train = document["jobs"]["test"], document["jobs"]["train"]
            assert test["name"] == "test"
            assert not {"if", "needs", "concurrency", "environment"} & set(test)
            assert train["concurrency"] == {"group": f"train-{branch}", "cancel-in-progress": False}
            assert train["if"] == "needs.test.outputs.train == 'true'"


def test_a_pull_request_of_a_promotion_reports_no_second_check_of_that_name() -> None:
    """GitHub takes a skipped job for a passed check, so the name and not a condition keeps it away."""
    for rendering in renderings():
        job = rendering.workflows["pull-request.yml"]["jobs"]["test"]
        assert "if" not in job
        (expression,) = expressions(job["name"])
        assert "github.event.pull_request.head.repo.full_name == github.repository" in expression
        assert all(f'"{branch}"' in expression for branch in BRANCHES)
        assert expression.endswith("'merge result' || 'test'")


def test_an_image_is_built_only_where_there_is_a_registry_and_a_cluster() -> None:
    for rendering in renderings():
        for name, branch in BRANCH_FILES.items():
            found = rendering.workflows[name]["jobs"]
            wanted = bool(rendering.answers["registry"]) and rendering.answers[f"{branch}_engine"] == "kubeflow"
            assert ("image" in found) == wanted
            assert found["train"]["needs"] == (["test", "image"] if wanted else "test")


def test_the_default_token_goes_to_no_other_registry_than_githubs() -> None:
    for rendering in renderings():
        for name in BRANCH_FILES:
            for step in rendering.workflows[name]["jobs"].get("image", {"steps": []})["steps"]:
                own = "github.token" in step.get("env", {}).get("REGISTRY_PASSWORD", "")
                assert not own or str(rendering.answers["registry"]).startswith("ghcr.io/")


def test_a_branch_without_a_server_keeps_its_store() -> None:
    for rendering in renderings():
        for name, branch in BRANCH_FILES.items():
            local = rendering.answers[f"{branch}_engine"] == "local"
            commands = [step.get("run", "") for step in rendering.workflows[name]["jobs"]["train"]["steps"]]
            for what in ("store restore", "store keep"):
                assert any(what in command for command in commands) == local
            assert any("submit --terminate" in command for command in commands) != local


def test_a_cancelled_workflow_ends_the_run_on_the_cluster() -> None:
    found = [step for _, _, step in steps() if "submit --terminate" in step.get("run", "")]
    assert found
    # Before the installation has ended there is nothing that could have submitted it, nor a program that could end it.
    assert all(step["if"] == "${{ cancelled() && steps.install.outcome == 'success' }}" for step in found)


def test_only_ghcr_is_written_to_with_the_job_s_own_token() -> None:
    found = set()
    for rendering in renderings():
        for name in BRANCH_FILES:
            image = rendering.workflows[name]["jobs"].get("image")
            if image is not None:
                own = str(rendering.answers["registry"]).startswith("ghcr.io/")
                assert ("packages" in image["permissions"]) == own
                found.add(own)
    assert found == {True, False}


def test_a_training_on_a_hosted_runner_ends_before_its_job_does() -> None:
    found = set()
    for rendering in renderings():
        for name in BRANCH_FILES:
            job = rendering.workflows[name]["jobs"]["train"]
            here = [step for step in job["steps"] if ".main run" in step.get("run", "")]
            hosted = job["timeout-minutes"] == 360
            assert all((step.get("timeout-minutes", 360) < 360) == hosted for step in here)
            found.add(hosted)
    assert found == {True, False}


def test_actions_are_those_of_the_table_at_its_commits() -> None:
    table = action_table()
    for (name, text), origin in workflow_files.unique().items():
        for action, commit, comment in re.findall(r"uses: (\S+)@(\S+)(.*)", text):
            assert (commit, comment) == (table[action]["commit"], f" # {table[action]['tag']}"), (name, origin)
    assert {action_of(step) for _, _, step in steps() if "uses" in step} == set(table)
    assert all(action.startswith("actions/") for action in table), "the policy of mlopsgen push admits no others"


def test_actions_get_only_inputs_that_they_have() -> None:
    table = action_table()
    for name, job, step in steps():
        if "uses" in step:
            assert set(step.get("with", {})) <= set(table[action_of(step)]["inputs"]), (name, job, step)


def test_outputs_of_actions_are_those_that_they_have() -> None:
    table = action_table()
    for name, job, body in jobs():
        acting = {step["id"]: action_of(step) for step in body["steps"] if "uses" in step and "id" in step}
        for expression in expressions(body):
            for step, output in re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression):
                assert step not in acting or output in table[acting[step]]["outputs"], (name, job, expression)


def test_no_credentials_stay_in_the_working_tree() -> None:
    found = [step for _, _, step in steps() if action_of(step) == "actions/checkout"]
    assert all(step["with"]["persist-credentials"] is False for step in found)


def test_a_job_with_an_environment_restores_nothing_that_another_job_could_have_written() -> None:
    for name, job, body in jobs():
        caches = [step for step in body["steps"] if action_of(step) == "actions/cache"]
        assert not (caches and "environment" in body), (name, job)


def test_artifacts_have_a_name_for_their_branch_and_an_end() -> None:
    names: dict[str, set[Any]] = {}
    for name, _, step in steps():
        if action_of(step) == "actions/upload-artifact":
            names.setdefault(name, set()).add(step["with"]["name"])
            assert 1 <= step["with"]["retention-days"] <= 90, "GitHub keeps nothing longer for everybody"
    for name, branch in BRANCH_FILES.items():
        assert names[name] == {f"report-{branch}", f"store-{branch}", f"package-{branch}"}
    assert names["pull-request.yml"] == {"report-sample"}
    assert names["follow-up.yml"] == {"${{ steps.follow.outputs.artifact }}"}


def test_scripts_hold_no_expressions() -> None:
    """What people write reaches a script through its environment: in its text it would be a program."""
    for name, job, step in steps():
        assert "${{" not in step.get("run", ""), (name, job)


def test_every_script_stops_at_the_first_failure() -> None:
    for name, origin, document in documents():
        assert document["defaults"] == {"run": {"shell": "bash"}}, (name, origin)
        assert not any("shell" in step for body in document["jobs"].values() for step in body["steps"])


def test_the_python_is_that_of_the_answers() -> None:
    for rendering in renderings():
        for document in rendering.workflows.values():
            versions = {
                step["with"]["python-version"].replace("${{ env.PYTHON_VERSION }}", document["env"]["PYTHON_VERSION"])
                for body in document["jobs"].values()
                for step in body["steps"]
                if action_of(step) == "actions/setup-python"
            }
            assert versions == {rendering.answers["python_version"]}


def test_steps_with_a_script_say_what_they_are_for() -> None:
    for name, job, step in steps():
        assert "run" not in step or re.match(r"[A-Z]\w+ ", step["name"]), (name, job, step)


def test_the_documentation_names_every_file_artifact_and_time() -> None:
    text = (workflow_files.ROOT / "template" / "docs" / "workflows.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in TRIGGERS)
    kept = {
        (step["with"]["name"].replace("development", "<branch>"), step["with"]["retention-days"])
        for name, _, step in steps()
        if name == "development.yml" and action_of(step) == "actions/upload-artifact"
    }
    assert kept == {(f"{what}-<branch>", days) for what, days in (("report", 90), ("package", 30), ("store", 90))}
    for artifact, days in kept:
        assert re.search(rf"^\| `{artifact}` \|.*\b{days} days", text, re.MULTILINE)
