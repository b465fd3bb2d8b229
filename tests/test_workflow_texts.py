"""What the workflow files of a repository say of what it needs, read without running anything."""

from __future__ import annotations

import pytest

from mlopsgen.remote.workflows import matches, read_workflows

BRANCHES = ("staging", "production")
CI = """\
on:
  push: {branches: [main, 'release/**']}
  pull_request:
env: {TOKEN: "${{ secrets.everywhere }}"}
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - uses: astral-sh/setup-uv@v3
      - uses: ./.github/actions/own
      - uses: docker://alpine:3.20
      - run: make test
        env: {A: "${{ secrets.GITHUB_TOKEN }}", B: "${{ secrets['CODECOV'] || '' }}"}
  many:
    strategy: {matrix: {python: ['3.11', '3.12']}}
    steps: []
  named: {name: Lint, steps: []}
  computed: {name: "Lint ${{ github.ref }}", steps: []}
  called: {uses: acme/flows/.github/workflows/flow.yml@0123456789012345678901234567890123456789}
"""
RELEASE = """\
on: {push: {tags: ['v*']}}
jobs:
  release:
    environment: {name: production, url: https://example.org}
    steps: [{run: publish, env: {KEY: "${{ secrets.PUBLISH_KEY }}"}}]
"""


def test_actions_that_are_not_githubs_are_named_and_versions_that_can_move_are_seen() -> None:
    found = read_workflows({"ci.yml": CI})
    assert found.actions == ("acme/flows/.github/workflows/flow.yml@*", "astral-sh/setup-uv@*")
    assert not found.pinned
    pinned = CI.replace("@v4", "@" + "0" * 40).replace("@v3", "@" + "1" * 40)
    assert read_workflows({"ci.yml": pinned}).pinned
    assert read_workflows({}).pinned


@pytest.mark.parametrize(
    ("event", "reported"),
    [
        ("on: pull_request", True),
        ("on: [push, pull_request]", True),
        ("on: {pull_request: {branches: [staging, production]}}", True),
        ("on: {pull_request: {branches: ['**', '!production']}}", False),
        ("on: {pull_request: {branches-ignore: [development]}}", True),
        ("on: {pull_request: {branches: [main]}}", False),
        ("on: {pull_request: {paths: [src/**]}}", False),
        ("on: {pull_request: {types: [labeled]}}", False),
        ("on: {pull_request: {types: [opened, synchronize, reopened]}}", True),
        ("on: push", False),
        ("on: {schedule: [{cron: '0 0 * * *'}]}", False),
    ],
)
def test_a_check_counts_when_every_pull_request_hears_of_it(event: str, reported: bool) -> None:
    found = read_workflows({"ci.yml": f"{event}\njobs: {{test: {{steps: []}}}}\n"})
    assert found.reports("test", BRANCHES) is reported


def test_only_names_that_are_certain_are_checks() -> None:
    found = read_workflows({"ci.yml": CI})
    assert {check: found.reports(check, BRANCHES) for check in ("test", "Lint", "named", "many", "called")} == {
        "test": True, "Lint": True, "named": False, "many": False, "called": False,
    }  # fmt: skip


def test_secrets_are_known_by_where_they_are_used() -> None:
    found = read_workflows({"ci.yml": CI, "release.yml": RELEASE}).secrets()
    assert found == {
        ("", "CODECOV"): ("ci.yml",),
        ("", "EVERYWHERE"): ("ci.yml",),
        ("production", "PUBLISH_KEY"): ("release.yml",),
    }


def test_what_waits_for_branches_that_there_are_not_is_told() -> None:
    texts = {"ci.yml": CI, "release.yml": RELEASE, "all.yml": "on: push\njobs: {}\n", "none.yml": "on: [workflow_call]"}
    assert read_workflows(texts).idle(("development", *BRANCHES)) == {"ci.yml": ("main", "release/**")}
    texts["ci.yml"] = CI.replace("main,", "main, 'dev*',")
    assert read_workflows(texts).idle(("development", *BRANCHES)) == {}


@pytest.mark.parametrize(
    "text",
    ["", "- a\n", "on: [",
     "on: 7\njobs: 8\n", "jobs: {a: 1, b: [1]}\non: {push: 1, pull_request: [1]}\n", "a: &a [*a]\n",
     "jobs: {a: {environment: 7, strategy: 1, name: [1], steps: 3}}\n"],
)  # fmt: skip
def test_any_text_can_be_read(text: str) -> None:
    found = read_workflows({"odd.yml": text})
    assert found.actions == ()
    assert not found.reports("test", BRANCHES)
    assert found.secrets() == {}


def test_branches_match_as_workflows_write_it() -> None:
    assert matches("development", ("dev*",))
    assert matches("development", ("**", "!main"))
    assert not matches("production", ("**", "!production"))
    assert matches("production", ("**", "!prod*", "production"))
    assert not matches("production", ())
