"""Lines that the owner and the template both added at the end of a list: what a three-way merge makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsgen.sync.appended_lines import settle
from mlopsgen.sync.values import Why
from tests.merge_toys import Owner, ToyTemplate

BASE = "# Needed.\nkfp>=2\nmlflow>=3\n"


def outcome(tmp_path: Path, environ: dict[str, str], path: str, mine: str, theirs: str) -> tuple[str, list[str]]:
    owner = Owner(tmp_path / "toy", ToyTemplate({"v1": {path: BASE}, "v2": {path: theirs}}, "version: 1\n"), environ)
    done = owner.write(path, mine).update()
    return done.text(path), [conflict.path for conflict in done.update.conflicts]


@pytest.mark.parametrize("path", ["requirements.in", "deep/requirements-dev.in", ".gitignore", ".dockerignore"])
def test_what_both_added_at_the_end_is_there_and_the_owners_stays_last(tmp_path, environ, path):
    mine, theirs = f"{BASE}lightgbm\n", BASE.replace("kfp>=2", "kfp>=2.17") + "# Parquet.\npyarrow>=22\n"
    text, conflicts = outcome(tmp_path, environ, path, mine, theirs)
    assert text == "# Needed.\nkfp>=2.17\nmlflow>=3\n# Parquet.\npyarrow>=22\nlightgbm\n"
    assert conflicts == []


def test_the_lock_of_such_a_list_is_still_the_owners(tmp_path, environ):
    """What is locked from it is not taken from the template, whose lock lacks what the owner added."""
    rules = "version: 1\nlocks: [{lock: [/requirements.txt], from: [/requirements.in]}]\n"
    first, second = ({"requirements.in": BASE + more, "requirements.txt": more} for more in ("", "pyarrow\n"))
    owner = Owner(tmp_path / "toy", ToyTemplate({"v1": first, "v2": second}, rules), environ)
    done = owner.write("requirements.in", f"{BASE}lightgbm\n").update()
    assert done.text("requirements.in") == f"{BASE}pyarrow\nlightgbm\n"
    assert done.notes("requirements.txt") == [Why.LOCK_KEPT]


def test_the_owners_other_changes_stay(tmp_path, environ):
    mine = BASE.replace("# Needed.", "# What we need.") + "lightgbm\n"
    text, conflicts = outcome(tmp_path, environ, "requirements.in", mine, f"{BASE}pyarrow\n")
    assert text == "# What we need.\nkfp>=2\nmlflow>=3\npyarrow\nlightgbm\n"
    assert conflicts == []


@pytest.mark.parametrize("name", ["pyarrow<21", "PyArrow", "pyarrow[x] ; python_version > '3'"])
def test_one_package_that_both_added_is_for_a_person(tmp_path, environ, name):
    text, conflicts = outcome(tmp_path, environ, "requirements.in", f"{BASE}{name}\n", f"{BASE}pyarrow>=22\n")
    assert conflicts == ["requirements.in"]
    assert name in text


def test_other_files_are_merged_as_git_merges(tmp_path, environ):
    _, conflicts = outcome(tmp_path, environ, "Makefile", f"{BASE}mine\n", f"{BASE}theirs\n")
    assert conflicts == ["Makefile"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (b"a\nb\n", b"a\nb\nc\n"),  # the owner added nothing
        (b"a\nb\nmine\n", b"a\nB\n"),  # the template added nothing
        (b"a\nmine\n", b"a\nb\nc\n"),  # the last line is another one
        (b"a\nb\nmine", b"a\nb\nc\n"),  # a last line without an end
        (b"a\nb\nc\n", b"a\nb\nc\n"),
    ],
)
def test_nothing_else_is_touched(ours, theirs):
    assert settle(b"a\nb\n", ours, theirs) == (b"a\nb\n", theirs)
