"""``mlopsgen sync`` in a clone without conflicts: a branch, a description, and nothing else moves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import mlopsgen
from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.errors import ExitCode, InvalidDocument, MlopsgenError, UsageError
from mlopsgen.operations.status_template import template_line, template_problems, template_status
from mlopsgen.operations.sync_tip import BranchMissing
from tests.sync_toys import NEW, Person, arrive

SYNC = "mlopsgen/sync-development"


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    return arrive(tmp_path)


def but_the_branch(state: dict) -> dict:
    lines = [line for line in state["references"].splitlines() if SYNC not in line]
    return {**state, "references": lines}


def test_the_update_is_one_commit_on_a_branch_of_its_own_and_nothing_else_moves(ada: Person) -> None:
    ada.write("Makefile", ada.read("Makefile") + "mine, not committed\n")
    ada.write("notes.txt", "untracked\n")
    before = ada.state()
    done = ada.sync()
    assert done.exit_code == ExitCode.OK
    assert but_the_branch(ada.state()) == but_the_branch(before)
    assert ada.git("rev-list", "--parents", "-1", SYNC).split()[1:] == [ada.git("rev-parse", "development")]
    assert ada.on_sync("Makefile") + "\n" == NEW["Makefile"]
    assert ada.on_sync("steps/train.py") == "TRAIN = 1", "seeded: the owner's"
    assert "_commit: v1.1.0" in ada.on_sync(".copier-answers.yml")
    message = ada.git("log", "-1", "--format=%B", SYNC)
    assert message.startswith("Update from the template v1.0.0 to v1.1.0\n")
    assert "Mlopsgen-Sync: v1.0.0..v1.1.0" in message
    assert ada.git("log", "-1", "--format=%an %ae", SYNC) == "ada@name ada@email"


def test_what_is_proposed_is_described(ada: Person) -> None:
    done = ada.sync()
    text = Path(done.data["pull_request"]["file"]).read_text(encoding="utf-8")
    assert text.startswith("# Update from template v1.0.0 to v1.1.0\n")
    assert "What is new since v1.0.0" in text
    assert "git merge mlopsgen/sync-development" in done.next_steps
    assert not ada.git("status", "--porcelain"), "the description lies in the git folder"
    json.dumps(done.data)


def test_merged_it_is_up_to_date_and_a_sync_of_a_sync_is_empty(ada: Person) -> None:
    ada.sync()
    ada.git("merge", "--quiet", SYNC)
    before = ada.state()
    assert ada.sync(check=True).exit_code == ExitCode.OK
    assert ada.state() == before
    done = ada.sync()
    assert done.data["state"] == "current"
    assert ada.state() == {**before, "references": before["references"].replace(sync_line(ada, before), "")}
    assert ada.git("branch", "--list", SYNC) == "", "it is merged, so it is of no more use"
    assert ada.sync().data["state"] == "current"


def sync_line(person: Person, state: dict) -> str:
    return next(f"{line}\n" for line in state["references"].splitlines() if SYNC in line)


def test_a_merged_branch_stays_where_somebody_stands_on_it(ada: Person) -> None:
    ada.sync()
    ada.git("merge", "--quiet", SYNC)
    ada.git("switch", "--quiet", SYNC)
    assert ada.sync().data["state"] == "current"
    assert ada.git("branch", "--show-current") == SYNC


def test_a_version_before_the_recorded_one_is_said_to_go_back(ada: Person) -> None:
    ada.sync()
    ada.git("merge", "--quiet", SYNC)
    done = ada.sync(to="v1.0.0")
    assert "back from v1.1.0 to v1.0.0" in done.summary
    assert any("is older than v1.1.0: this goes back" in line for line in ada.said)
    assert ada.on_sync("Makefile").splitlines()[1] == "line 2"


def test_run_again_it_changes_nothing(ada: Person) -> None:
    ada.sync()
    before = ada.state()
    done = ada.sync()
    assert ada.state() == before
    assert done.data["commit"] == ada.git("rev-parse", SYNC)


def test_what_nobody_worked_on_is_made_anew_when_the_branch_goes_on(ada: Person) -> None:
    ada.sync()
    ada.commit("config.yaml", "a: 1\nb: 2\nc: 3\n# mine\n")
    ada.sync()
    assert ada.git("rev-parse", f"{SYNC}~1") == ada.git("rev-parse", "development")
    assert ada.on_sync("config.yaml") == "a: 1\nb: 20\nc: 3\n# mine"


def test_what_somebody_committed_on_the_sync_branch_is_never_overwritten(ada: Person) -> None:
    ada.sync()
    ada.git("switch", "--quiet", SYNC)
    theirs = ada.commit("config.yaml", "a: 5\n", "A thought of mine")
    ada.git("switch", "--quiet", "development")
    ada.commit("other.txt", "goes on\n")
    with pytest.raises(MlopsgenError, match="Somebody has worked on mlopsgen/sync-development") as caught:
        ada.sync()
    assert "git merge" in caught.value.hint
    assert ada.git("rev-parse", SYNC) == theirs
    ada.git("merge", "--quiet", SYNC)
    assert ada.sync().data["state"] == "current"


def test_an_amended_sync_branch_is_somebodys_too(ada: Person) -> None:
    ada.sync()
    ada.git("switch", "--quiet", SYNC)
    ada.write("config.yaml", "a: 7\n")
    ada.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    ada.git("switch", "--quiet", "development")
    ada.commit("other.txt", "goes on\n")
    with pytest.raises(MlopsgenError, match="Somebody has worked"):
        ada.sync()


def test_a_check_tells_by_its_exit_code_and_a_dry_run_shows(ada: Person) -> None:
    before = ada.state()
    there = sorted(ada.folder.rglob("*"))
    assert ada.sync(check=True).exit_code == ExitCode.PENDING
    shown = []
    done = ada.sync(dry_run=True, show=shown.append)
    assert done.exit_code == ExitCode.OK
    assert len(shown) == 1
    assert [change["path"] for change in done.data["changes"]]
    assert done.data["from"], done.data["to"] == ("v1.0.0", "v1.1.0")
    assert ada.state() == before
    assert sorted(ada.folder.rglob("*")) == there, "not even an object was written"


def test_the_branch_that_is_meant(ada: Person) -> None:
    done = ada.sync(branch="staging")
    assert done.data["sync_branch"] == "mlopsgen/sync-staging"
    assert ada.git("rev-parse", "mlopsgen/sync-staging~1") == ada.git("rev-parse", "staging")
    assert done.next_steps[1] == "git switch staging && git merge mlopsgen/sync-staging"
    with pytest.raises(BranchMissing, match="There is no branch 'elsewhere'"):
        ada.sync(branch="elsewhere")


def test_a_version_that_is_asked_for(ada: Person) -> None:
    assert ada.sync(to="v1.0.0").data["state"] == "current"
    assert ada.sync(to="1.1.0").data["to"] == "v1.1.0"
    with pytest.raises(UsageError, match="no template version 'v9'"):
        ada.sync(to="v9")


def test_without_any_identity_a_neutral_name_is_taken(ada: Person) -> None:
    for name in [name for name in ada.environ if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))]:
        del ada.environ[name]
    ada.sync()
    assert ada.git("log", "-1", "--format=%an", SYNC) == "mlopsgen"


def test_what_is_there_is_not_stored_once_more(ada: Person) -> None:
    ada.commit("data/big.bin", "".join(f"{number:x}" for number in range(200_000)))
    ada.git("config", "transfer.unpackLimit", "1")  # as with many files: what comes is kept as it comes

    def stored() -> int:
        return sum(path.stat().st_size for path in (ada.folder / ".git" / "objects").rglob("*") if path.is_file())

    before = stored()
    ada.sync()
    assert stored() - before < 50_000
    ada.git("fsck", "--strict", "--no-dangling")


def test_a_record_that_is_missing_names_the_way_back(ada: Person) -> None:
    (ada.folder / ".copier-answers.yml").unlink()
    ada.commit()
    with pytest.raises(InvalidDocument) as caught:
        ada.sync()
    assert "--rebase-from" in f"{caught.value.message} {caught.value.hint}"


@pytest.fixture
def with_origin(ada: Person, tmp_path: Path) -> Person:
    """Bob's clone of an origin that Ada pushes to."""
    ada.git("clone", "--quiet", "--bare", ".", str(tmp_path / "origin.git"))
    ada.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    ada.git("clone", "--quiet", str(tmp_path / "origin.git"), str(tmp_path / "bob"))
    bob = replace(ada, folder=tmp_path / "bob", said=[])
    bob.git("switch", "--quiet", "development")
    return bob


def test_origins_branch_is_updated_where_it_is_ahead(ada: Person, with_origin: Person) -> None:
    bob = with_origin
    newest = ada.commit("news.txt", "from Ada\n")
    ada.git("push", "--quiet", "origin", "development")
    here = bob.git("rev-parse", "development")
    bob.sync()
    assert bob.git("rev-parse", f"{SYNC}~1") == newest
    assert bob.git("rev-parse", "development") == here
    assert "development here is 1 commit behind origin's; the update is made for origin's." in bob.said


def test_commits_that_are_only_here_come_along_and_that_is_said(with_origin: Person) -> None:
    bob = with_origin
    mine = bob.commit("mine.txt", "not pushed\n")
    done = bob.sync()
    assert bob.git("rev-parse", f"{SYNC}~1") == mine
    assert "1 commit of development is not on origin yet and comes with it." in bob.said
    assert "had not been pushed" in done.data["pull_request"]["text"]


def test_where_both_went_on_it_stops(ada: Person, with_origin: Person) -> None:
    bob = with_origin
    ada.commit("news.txt", "from Ada\n")
    ada.git("push", "--quiet", "origin", "development")
    bob.commit("mine.txt", "not pushed\n")
    with pytest.raises(MlopsgenError, match="each a commit that the other one lacks") as caught:
        bob.sync()
    assert "git pull origin development" in caught.value.hint
    assert bob.git("branch", "--list", SYNC) == ""


def test_an_origin_that_cannot_be_reached_is_said_and_what_is_known_counts(with_origin: Person) -> None:
    bob = with_origin
    bob.git("remote", "set-url", "origin", str(bob.folder.parent / "gone.git"))
    assert bob.sync().exit_code == ExitCode.OK
    assert any("origin could not be reached" in line for line in bob.said)


def test_a_branch_that_is_only_on_origin(with_origin: Person) -> None:
    bob = with_origin
    bob.git("switch", "--quiet", "--detach")
    bob.git("branch", "--quiet", "-D", "development")
    bob.sync()
    assert bob.git("rev-parse", f"{SYNC}~1") == bob.git("rev-parse", "origin/development")


def test_status_tells_the_version_and_an_update_that_waits(ada: Person) -> None:
    before = template_status(GitRepository(ada.folder, ada.environ), ada.environ)
    assert (before["version"], before["newer"], before["waiting"]) == ("v1.0.0", [], None)
    assert template_line(before) == "template templates.example.org/toy v1.0.0"
    ada.commit("config.yaml", "a: 1\nb: 3\nc: 3\n")
    ada.sync()
    after = template_status(GitRepository(ada.folder, ada.environ), ada.environ)
    assert after["waiting"] == {"from": "v1.0.0", "to": "v1.1.0", "sync_branch": SYNC}
    assert "mlopsgen sync --continue" in template_problems(after)[0]["hint"]


def test_status_counts_the_newer_versions_of_the_built_in_template(ada: Person) -> None:
    record = f"_src_path: {CANONICAL_TEMPLATE}\n_commit: v0.0.1\nslug: toy\n"
    ada.commit(".copier-answers.yml", record)
    found = template_status(GitRepository(ada.folder, ada.environ), ada.environ)
    assert found["newest"] == f"v{mlopsgen.__version__}"
    assert found["newer"][-1] == found["newest"]
    assert f"behind {found['newest']}" in template_line(found)
