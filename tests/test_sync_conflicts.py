"""Conflicts of ``mlopsgen sync`` in a clone are git's own: resolved and continued, or given up without a trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import ExitCode, MlopsgenError
from mlopsgen.operations import sync_state
from mlopsgen.sync.values import Update
from tests.sync_toys import NEW, OLD, Person, ToyTemplate, arrive

SYNC = "mlopsgen/sync-development"
MINE = "a: 1\nb: 3\nc: 3\n"


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    """Ada, whose work conflicts with the template's in one file."""
    person = arrive(tmp_path)
    person.commit("config.yaml", MINE)
    return person


def resolve(person: Person, text: str = "a: 1\nb: 23\nc: 3\n") -> None:
    person.write("config.yaml", text)
    person.git("add", "config.yaml")


def test_git_stands_in_the_middle_of_a_cherry_pick(ada: Person) -> None:
    done = ada.sync()
    assert done.exit_code == ExitCode.PARTIAL
    assert done.data["conflicts"][0]["path"] == "config.yaml"
    assert any("config.yaml" in line for line in done.data["guide"])
    assert ada.git("branch", "--show-current") == SYNC
    assert ada.git("rev-parse", "CHERRY_PICK_HEAD")
    assert ada.git("status", "--porcelain", "config.yaml").startswith("UU")
    assert "<<<<<<< " in ada.read("config.yaml")
    assert ada.git("diff", "--name-only", "--cached", "development", "--", "Makefile") == "Makefile"


def test_aborted_everything_is_exactly_as_before(ada: Person) -> None:
    ada.write("run.sh", "edited, not committed\n")
    ada.write("notes.txt", "untracked\n")
    ada.write(".git/info/exclude", "ignored.txt\n")
    ada.write("ignored.txt", "ignored\n")
    before = ada.state()
    ada.sync()
    resolve(ada)
    ada.abort()
    assert ada.state() == before


def test_what_a_person_staged_besides_survives_giving_up(ada: Person) -> None:
    ada.sync()
    ada.write("steps/mine.py", "staged while resolving\n")
    ada.git("add", "steps/mine.py")
    ada.write("run.sh", "edited while resolving\n")
    ada.abort()
    assert ada.read("steps/mine.py") == "staged while resolving\n"
    assert ada.read("run.sh") == "edited while resolving\n"
    assert ada.git("branch", "--show-current") == "development"
    assert not ada.git("diff", "--name-only", "config.yaml")


def test_resolved_and_continued(ada: Person) -> None:
    ada.write("notes.txt", "untracked\n")
    ada.sync()
    resolve(ada)
    done = ada.go_on()
    assert done.exit_code == ExitCode.OK
    assert ada.git("branch", "--show-current") == "development"
    assert ada.on_sync("config.yaml") == "a: 1\nb: 23\nc: 3"
    assert "_commit: v1.1.0" in ada.on_sync(".copier-answers.yml")
    assert ada.git("rev-parse", f"{SYNC}~1") == ada.git("rev-parse", "development")
    assert ada.git("log", "-1", "--format=%B", SYNC).rstrip().endswith("Mlopsgen-Sync: v1.0.0..v1.1.0")
    assert ada.state()["underway"] == []
    assert "refs/mlopsgen" not in ada.git("for-each-ref")
    assert "b: 23" not in done.data["pull_request"]["text"]
    assert "the conflicts in `config.yaml` were resolved by hand" in done.data["pull_request"]["text"]
    assert {change["path"] for change in done.data["changes"]} >= {"config.yaml", "Makefile", ".copier-answers.yml"}


def test_finished_with_gits_own_command_the_next_sync_goes_on(ada: Person) -> None:
    ada.sync()
    resolve(ada)
    ada.git("-c", "core.editor=true", "cherry-pick", "--continue")
    done = ada.sync()
    assert done.exit_code == ExitCode.OK
    assert done.data["commit"] == ada.git("rev-parse", SYNC)
    assert ada.git("branch", "--show-current") == "development"
    assert ada.state()["underway"] == []


def test_given_up_with_gits_own_command_the_next_sync_begins_anew(ada: Person) -> None:
    ada.sync()
    ada.git("cherry-pick", "--abort")
    with pytest.raises(MlopsgenError, match="not under way any more"):
        ada.go_on()
    assert ada.sync().exit_code == ExitCode.PARTIAL
    ada.abort()
    assert ada.git("branch", "--list", SYNC) == ""


def test_run_again_while_it_waits_it_says_so_and_touches_nothing(ada: Person) -> None:
    ada.sync()
    before = ada.state()
    again = ada.sync()
    assert again.exit_code == ExitCode.PARTIAL
    assert "config.yaml" in "\n".join(again.data["guide"])
    assert ada.state() == before
    resolve(ada)
    resolved = ada.sync()
    assert resolved.exit_code == ExitCode.PARTIAL
    assert resolved.next_steps[0] == "mlopsgen sync --continue"


def test_what_is_not_resolved_is_not_committed(ada: Person) -> None:
    ada.sync()
    with pytest.raises(MlopsgenError, match=r"Not resolved yet: config\.yaml"):
        ada.go_on()
    ada.git("add", "config.yaml")
    with pytest.raises(MlopsgenError, match=r"A conflict marker is still in .*config\.yaml:\d+"):
        ada.go_on()
    resolve(ada)
    assert ada.go_on().exit_code == ExitCode.OK


def test_a_resolved_update_is_found_done_and_never_made_anew(ada: Person) -> None:
    ada.sync()
    resolve(ada)
    ada.go_on()
    mine = ada.git("rev-parse", SYNC)
    shown: list[Update] = []
    assert ada.sync(show=shown.append).data["commit"] == mine
    assert [(update.conflicts, update.resolved) for update in shown] == [((), ("config.yaml",))]
    ada.commit("other.txt", "development goes on\n")
    with pytest.raises(MlopsgenError, match="Somebody has worked on"):
        ada.sync()
    assert ada.git("rev-parse", SYNC) == mine


def test_squashed_into_the_branch_it_is_out_of_the_way(ada: Person) -> None:
    ada.sync()
    resolve(ada)
    ada.go_on()
    ada.git("merge", "--quiet", "--squash", SYNC)
    ada.commit(message="Update the template (#7)")
    assert ada.sync().data["state"] == "current"


def test_without_anything_to_be_finished_or_given_up(ada: Person) -> None:
    with pytest.raises(MlopsgenError, match="No update waits here to be finished"):
        ada.go_on()
    with pytest.raises(MlopsgenError, match="No update waits here that could be given up"):
        ada.abort()


def test_an_update_that_was_resolved_to_nothing_is_refused(ada: Person) -> None:
    ada.sync()
    ada.git("checkout", "--quiet", "development", "--", ".")
    for path in ("added/here.txt", "docs/new.md"):
        ada.git("rm", "--quiet", "--cached", path)
    with pytest.raises(MlopsgenError, match="Nothing of the update is left"):
        ada.go_on()


@pytest.mark.parametrize("style", ["diff3", "zdiff3"])
def test_the_markers_are_as_the_person_likes_them(ada: Person, style: str) -> None:
    ada.git("config", "merge.conflictStyle", style)
    ada.sync()
    assert "||||||| " in ada.read("config.yaml")
    resolve(ada)
    assert ada.go_on().exit_code == ExitCode.OK


def test_git_may_have_learnt_the_resolution_before(ada: Person) -> None:
    ada.git("config", "rerere.enabled", "true")
    ada.git("config", "rerere.autoUpdate", "true")
    ada.sync()
    resolve(ada)
    ada.git("rerere")
    ada.abort()
    done = ada.sync()
    if done.exit_code == ExitCode.PARTIAL:
        done = ada.go_on()
    assert done.exit_code == ExitCode.OK
    assert ada.on_sync("config.yaml") == "a: 1\nb: 23\nc: 3"


def test_deleted_by_the_template_and_changed_here_is_a_conflict_to_decide(tmp_path: Path) -> None:
    ada = arrive(tmp_path)
    ada.commit("gone.txt", "I still need it\n")
    done = ada.sync()
    assert done.exit_code == ExitCode.PARTIAL
    assert ada.read("gone.txt") == "I still need it\n"
    ada.git("add", "gone.txt")
    assert ada.go_on().exit_code == ExitCode.OK
    assert ada.on_sync("gone.txt") == "I still need it"


def test_a_folder_where_the_template_brings_a_file_and_back(tmp_path: Path) -> None:
    ada = arrive(tmp_path)
    ada.commit("added/here.txt/mine.txt", "a folder of that name\n")
    before = ada.state()
    assert ada.sync().exit_code == ExitCode.PARTIAL
    ada.abort()
    assert ada.state() == before


def test_a_person_who_is_known_to_their_repository_only(ada: Person) -> None:
    for name in [name for name in ada.environ if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))]:
        del ada.environ[name]
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org"), ("user.useConfigOnly", "true")):
        ada.git("config", key, value)
    assert ada.sync().exit_code == ExitCode.PARTIAL
    assert ada.git("log", "-1", "--format=%an <%ae>", "CHERRY_PICK_HEAD") == "Ada <ada@example.org>"


def test_a_line_of_a_text_that_looks_like_a_mark_is_none(tmp_path: Path) -> None:
    underlined = {"docs/guide.rst": "Guide\n=======\n"}
    ada = arrive(tmp_path, ToyTemplate({"v1.0.0": OLD, "v1.1.0": {**NEW, **underlined}}))
    ada.commit("config.yaml", MINE)
    ada.sync()
    resolve(ada)
    assert ada.go_on().exit_code == ExitCode.OK
    assert ada.on_sync("docs/guide.rst").endswith("=======")


def test_two_at_once_do_not_get_in_each_others_way(ada: Person) -> None:
    with sync_state.alone(GitRepository(ada.folder, ada.environ)), pytest.raises(MlopsgenError, match="Another"):
        ada.sync()
    assert ada.sync(check=True).exit_code == ExitCode.PENDING, "looking is always possible"
