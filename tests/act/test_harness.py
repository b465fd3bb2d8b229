"""What the tests of workflows stand on: jobs run as on GitHub, and see and leave what they would there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.act import GitHubActions
from tests.act.hosted import running
from tests.canaries import canary
from tests.github import FakeGitHub
from tests.github.repositories import Secret, Variable

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"
DOWNLOAD = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"
WORKFLOW = f"""
name: A training
on:
  push:
    branches: [development]
  workflow_dispatch:
    inputs:
      seed: {{type: string, default: '7'}}
  repository_dispatch:
    types: [train]
permissions: {{}}
jobs:
  test:
    runs-on: ubuntu-24.04
    permissions:
      contents: read
    outputs:
      train: ${{{{ steps.decide.outputs.train }}}}
    steps:
      - uses: {CHECKOUT}
        with:
          persist-credentials: false
      - id: decide
        name: Decide
        env:
          TOKEN: ${{{{ secrets.KUBEFLOW_TOKEN || 'none' }}}}
          PLACE: ${{{{ vars.PLACE || 'nowhere' }}}}
          GITHUB_TOKEN: ${{{{ github.token }}}}
        run: |
          test "$TOKEN" = none
          echo "train=$(cat train.txt)" >> "$GITHUB_OUTPUT"
          echo "## Tested $PLACE" >> "$GITHUB_STEP_SUMMARY"
          echo "::warning::It is late."
          curl -s -o /dev/null -w 'contents %{{http_code}}\\n' -H "Authorization: Bearer $GITHUB_TOKEN" \\
            "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/branches/development"
          curl -s -o /dev/null -w 'actions %{{http_code}}\\n' -H "Authorization: Bearer $GITHUB_TOKEN" \\
            "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/actions/runs"
          mkdir -p out/.hidden && echo one > out/a.txt && echo two > out/.hidden/b.txt
      - uses: {UPLOAD}
        with:
          name: report
          path: out
  train:
    needs: test
    if: needs.test.outputs.train == 'yes'
    runs-on: ubuntu-24.04
    environment: development
    steps:
      - uses: {DOWNLOAD}
        with:
          name: report
          path: got
      - name: Train
        env:
          TOKEN: ${{{{ secrets.KUBEFLOW_TOKEN }}}}
        run: |
          echo "with $TOKEN at ${{{{ vars.PLACE }}}}, seed ${{{{ inputs.seed }}}}"
          cat got/a.txt; ls -A got
          exit 3
      - name: Afterwards
        if: always()
        run: echo "$GITHUB_REF_NAME $(date +%Y)"
"""


@pytest.fixture
def actions(tmp_path: Path) -> Iterator[GitHubActions]:
    with FakeGitHub() as github, running(github, "acme/toy", tmp_path / "machine") as made:
        github.add_user("ada")
        github.add_org("acme", plan="enterprise", members=["ada"])
        repository = github.add_repository("acme/toy")
        environment = github.world.make_environment(repository, "development")
        environment.vault.secrets["KUBEFLOW_TOKEN"] = Secret("KUBEFLOW_TOKEN", canary('with "quotes" and $HOME'))
        environment.vault.variables["PLACE"] = Variable("PLACE", "kubeflow")
        repository.default_branch = "development"
        yield made


def push(actions: GitHubActions, folder: Path, **files: str) -> None:
    """Commit files and push them by the back door."""
    here = folder / "work"
    (here / ".github/workflows").mkdir(parents=True, exist_ok=True)
    (here / ".github/workflows/training.yml").write_text(WORKFLOW, encoding="utf-8")
    for name, text in files.items():
        (here / f"{name}.txt").write_text(text, encoding="utf-8")
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for argv in (
        ["init", "--quiet", "-b", "development"], ["add", "--all"], [*identity, "commit", "--quiet", "-m", "A change"],
        ["push", "--quiet", str(actions.repository.folder), "HEAD:development"],
    ):  # fmt: skip
        subprocess.run(["git", *argv], cwd=here, check=True, capture_output=True)


def test_a_push_runs_jobs_with_what_they_may_see(actions: GitHubActions, tmp_path: Path) -> None:
    push(actions, tmp_path, train="yes")
    (run,) = actions.pushed("development", "")
    assert run.results == {"test": "success", "train": "failure"}, run.said()
    assert run.conclusion == "failure"
    decide = run.jobs["test"].step("Decide")
    assert decide.outputs == {"train": "yes"}
    assert decide.summary == "## Tested nowhere\n"
    assert ("warning", "It is late.") in run.annotations
    # The token of a job has the rights that the job declares, and no others.
    assert "contents 200" in decide.log
    assert "actions 403" in decide.log
    assert set(run.artifacts["report"]) == {"a.txt"}, "hidden files stay where they are"
    train = run.jobs["train"].step("Train")
    assert "with *** at kubeflow, seed \n" in train.log, run.said()
    assert "one\na.txt\n" in train.log
    assert run.jobs["train"].outcomes["Afterwards"] == "success"
    assert run.jobs["train"].environment == "development"


def test_a_job_that_is_not_wanted_is_skipped(actions: GitHubActions, tmp_path: Path) -> None:
    push(actions, tmp_path, train="no")
    (run,) = actions.pushed("development", "")
    assert run.results == {"test": "success", "train": "skipped"}
    assert run.conclusion == "success"


def test_events_start_what_waits_for_them_and_nothing_else(actions: GitHubActions, tmp_path: Path) -> None:
    push(actions, tmp_path, train="yes")
    assert actions.told("something-else", {}) == []
    (found,) = actions.workflows("development")
    assert not found.starts_on("push", branch="feature")
    known = actions._new("training.yml", "workflow_dispatch", "development", actions.repository.branches["development"])
    known.inputs = {"seed": "11"}
    (run,) = actions.queued()
    assert "seed 11" in run.jobs["train"].log, run.said()
