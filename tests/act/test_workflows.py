"""How the tests read workflow files: what starts them, and what of them is told apart by job."""

from __future__ import annotations

import pytest
import yaml

from .workflows import Workflow

TEXT = """
on:
  push:
    branches: [development, 'release/*', '!release/old']
  pull_request:
permissions: {}
jobs:
  one:
    runs-on: [self-hosted, gpu]
    permissions: {contents: read, packages: none}
    environment: {name: "${{ github.ref_name }}"}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - name: Test
        if: vars.PLACE != ''
        env:
          TOKEN: ${{ secrets.TOKEN || secrets.ONE_TOKEN }}
        run: echo secrets.TOKEN github.token
  a-second:
    runs-on: {group: big, labels: linux}
    permissions: read-all
    steps:
      - run: echo "${{ github.token }}"
"""


@pytest.mark.parametrize(
    ("branch", "wanted"),
    [("development", True), ("staging", False), ("release/1", True), ("release/old", False), ("release/1/2", False)],
)
def test_branches_of_a_push(branch: str, wanted: bool) -> None:
    assert Workflow("w.yml", TEXT).starts_on("push", branch=branch) is wanted


def test_kinds_of_a_pull_request() -> None:
    found = Workflow("w.yml", TEXT)
    assert found.starts_on("pull_request", branch="any", kind="synchronize")
    assert not found.starts_on("pull_request", branch="any", kind="labeled")
    assert not found.starts_on("schedule")


def test_each_job_has_names_rights_and_an_environment_of_its_own() -> None:
    found = Workflow("w.yml", TEXT)
    assert found.labels == {"self-hosted", "gpu", "linux"}
    assert found.permissions("one") == {"contents": "read"}
    assert found.permissions("a-second")["actions"] == "read"
    assert found.environment("one", {"github.ref_name": "staging"}) == "staging"
    jobs = yaml.safe_load(found.told_apart(done=["Nothing"]))["jobs"]
    checkout, test = jobs["one"]["steps"]
    assert checkout["with"] == {"token": "${{ secrets.ONE__GITHUB_TOKEN }}"}
    assert test["env"]["TOKEN"] == "${{ secrets.ONE__TOKEN || secrets.ONE__ONE_TOKEN }}"
    assert test["if"] == "vars.ONE__PLACE != ''"
    assert test["run"] == "echo secrets.TOKEN github.token", "what is no expression stays as it is"
    assert jobs["a-second"]["steps"][0]["run"] == 'echo "${{ secrets.A_SECOND__GITHUB_TOKEN }}"'
    assert "Another test" in found.told_apart(done=["Test"])
