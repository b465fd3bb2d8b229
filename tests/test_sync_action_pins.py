"""Actions that Dependabot and the template both raised: what a three-way merge makes of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlopsgen.sync.action_pins import settle

TEXT = """\
name: test
jobs:
  test:
    steps:
      - uses: actions/checkout@{checkout}
        with:
          persist-credentials: false
      - uses: actions/cache@{cache}
      - name: Test
        run: make test
      - uses: actions/checkout@{checkout}
      - name: Say
        run: echo done
"""
OLD, NEW, NEWER = (f"{digit * 40} # v{version}" for digit, version in (("a", "7.0.1"), ("b", "7.0.9"), ("c", "7.0.10")))


def workflow(checkout: str, cache: str = OLD, more: str = "", end: str = "\n") -> bytes:
    return (TEXT.format(checkout=checkout, cache=cache) + more).replace("\n", end).encode()


def merged(base: bytes, ours: bytes, theirs: bytes, folder: Path) -> tuple[bytes, int]:
    """What git makes of them, and how many conflicts it sees."""
    paths = []
    for name, data in zip(("ours", "base", "theirs"), (ours, base, theirs), strict=True):
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    done = subprocess.run(["git", "merge-file", "-p", *map(str, paths)], capture_output=True, check=False)
    return done.stdout, done.returncode


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("own", "brought", "wanted"), [(NEW, NEWER, NEWER), (NEWER, NEW, NEWER)])
def test_the_newer_one_stays_without_a_conflict(own: str, brought: str, wanted: str, end: str, tmp_path: Path) -> None:
    sides = workflow(OLD, end=end), workflow(own, more="# mine\n", end=end), workflow(brought, end=end)
    assert merged(*sides, tmp_path)[1] > 0, "git alone sees conflicts"
    base, theirs = settle(*sides)
    assert merged(base, sides[1], theirs, tmp_path) == (workflow(wanted, more="# mine\n", end=end), 0)


@pytest.mark.parametrize(
    ("before", "own", "brought"),
    [
        (OLD, OLD, NEW),
        (OLD, NEW, OLD),
        (OLD, NEW, NEW),
        (OLD, "d" * 40, NEW),
        (OLD, NEW, "d" * 40),
        (OLD, "main", NEW),
    ],
)
def test_what_git_can_merge_and_what_nobody_can_judge_stays(before: str, own: str, brought: str) -> None:
    base, theirs = workflow(before), workflow(brought)
    assert settle(base, workflow(own), theirs) == (base, theirs)


def test_tags_are_versions_too_and_each_action_is_settled_alone(tmp_path: Path) -> None:
    sides = workflow("v5", OLD), workflow("v6", NEWER), workflow("v7", NEW)
    base, theirs = settle(*sides)
    assert merged(base, sides[1], theirs, tmp_path) == (workflow("v7", NEWER), 0)


def test_two_pins_of_an_action_in_one_file_are_the_owners_matter() -> None:
    sides = workflow(OLD), workflow(NEW, more=f"      - uses: actions/checkout@{NEWER}\n"), workflow(NEWER)
    assert settle(*sides) == (sides[0], sides[2])


def test_bytes_that_are_no_text_survive() -> None:
    sides = tuple(side + b"# \xff\xe9\x85\n" for side in (workflow(OLD), workflow(NEW), workflow(NEWER)))
    base, theirs = settle(*sides)
    assert base == sides[1]
    assert theirs == sides[2]


def test_the_templates_own_pins_are_understood() -> None:
    text = (Path(__file__).parents[1] / ".github" / "workflows" / "tests.yml").read_bytes()
    raised = text.replace(b"# v", b"# v9")
    assert settle(text, text.replace(b"# v", b"# v8"), raised)[0].count(b"# v8") == text.count(b"# v") > 0
