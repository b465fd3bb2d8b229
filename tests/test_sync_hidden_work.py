"""``mlopsgen sync`` where git looks away from what a person has, or refuses: it stops, and says what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsgen.errors import ExitCode, MlopsgenError
from tests.sync_toys import Person, arrive


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    made = arrive(tmp_path)
    made.commit("config.yaml", "a: 1\nb: 3\nc: 3\n")
    return made


def stands_in_the_way(person: Person, words: str) -> None:
    before = person.state()
    with pytest.raises(MlopsgenError, match=words) as caught:
        person.sync()
    assert "Nothing was moved." in caught.value.message
    assert person.state() == before


def test_a_new_file_that_git_is_to_know_of(ada: Person) -> None:
    ada.write("src/mine.py", "not committed\n")
    ada.git("add", "--intent-to-add", "src/mine.py")
    stands_in_the_way(ada, r"src/mine\.py is staged for a commit")


@pytest.mark.parametrize("mark", ["--skip-worktree", "--assume-unchanged"])
def test_changes_that_git_was_told_to_overlook(ada: Person, mark: str) -> None:
    ada.git("update-index", mark, "Makefile")
    ada.write("Makefile", ada.read("Makefile") + "hidden\n")
    stands_in_the_way(ada, "Makefile has changes that git was told to overlook")
    ada.git("restore", "--ignore-skip-worktree-bits", "Makefile")
    ada.git("update-index", mark, "Makefile")
    assert ada.sync().exit_code == ExitCode.PARTIAL, "the mark alone is in nobody's way"


def test_what_failed_is_told_by_its_verb(ada: Person) -> None:
    """The settings that git is given for one command are not what a person knows it by."""
    ada.git("branch", "mlopsgen")
    with pytest.raises(MlopsgenError, match=r"^'git [a-z].*refs/heads/mlopsgen' exists"):
        ada.sync()
