"""``mlopsgen sync`` in repositories in odd states: nothing of the person's moves, or everything is as before."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlopsgen.errors import ExitCode, MlopsgenError
from tests.sync_toys import OLD, Person, arrive

SYNC = "mlopsgen/sync-development"
MINE = "a: 1\nb: 3\nc: 3\n"


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    return arrive(tmp_path)


def conflict(person: Person) -> None:
    person.commit("config.yaml", MINE)


def finish(person: Person) -> None:
    person.write("config.yaml", "a: 1\nb: 23\nc: 3\n")
    person.git("add", "--sparse", "config.yaml")
    assert person.go_on().exit_code == ExitCode.OK
    assert person.on_sync("config.yaml") == "a: 1\nb: 23\nc: 3"


def back_and_to_the_end(person: Person, before: dict[str, Any]) -> None:
    """Give the update with conflicts up, which leaves everything as it was; then again, to its end."""
    person.abort()
    assert person.state() == before
    person.sync()
    finish(person)


def stands_in_the_way(person: Person, words: str) -> None:
    """An update with conflicts stops before anything moves; one without any is made all the same."""
    before = person.state()
    with pytest.raises(MlopsgenError, match=words) as caught:
        person.sync()
    assert "Nothing was moved." in caught.value.message
    assert person.state() == before
    assert not (person.folder / ".git" / "mlopsgen" / "sync.json").exists()


def test_an_untracked_file_of_the_name_of_a_new_one(ada: Person) -> None:
    ada.write("added/here.txt", "mine\n")
    before = ada.state()["files"]
    assert ada.sync().exit_code == ExitCode.OK
    assert ada.state()["files"] == before
    ada.git("branch", "-D", SYNC)
    ada.git("add", "config.yaml")
    ada.write("config.yaml", MINE)
    ada.git("commit", "--quiet", "-m", "Mine", "config.yaml")
    stands_in_the_way(ada, r"added/here\.txt is not in git")


def test_an_ignored_file_of_the_name_of_a_new_one(ada: Person) -> None:
    ada.write(".gitignore", "added/\n")
    conflict(ada)
    ada.write("added/here.txt", "ignored, and mine\n")
    stands_in_the_way(ada, r"added/here\.txt is not in git")


def test_an_untracked_file_where_a_folder_has_to_be(ada: Person) -> None:
    conflict(ada)
    ada.write("added", "a file\n")
    stands_in_the_way(ada, "added is not in git")


def test_a_folder_with_untracked_files_where_a_file_has_to_be(ada: Person) -> None:
    conflict(ada)
    ada.write("docs/new.md/deep/inside.txt", "mine\n")
    stands_in_the_way(ada, r"docs/new\.md/deep/inside\.txt is not in git")


def test_uncommitted_work_in_a_file_of_the_update(ada: Person) -> None:
    conflict(ada)
    ada.write("Makefile", ada.read("Makefile") + "not committed\n")
    stands_in_the_way(ada, "Makefile has changes that are not committed")


def test_uncommitted_work_in_other_files_stays(ada: Person) -> None:
    conflict(ada)
    ada.write("run.sh", "not committed\n")
    (ada.folder / "steps" / "train.py").unlink()
    assert ada.sync().exit_code == ExitCode.PARTIAL
    assert ada.read("run.sh") == "not committed\n"
    finish(ada)
    assert ada.read("run.sh") == "not committed\n"
    assert not (ada.folder / "steps" / "train.py").exists()
    assert ada.on_sync("run.sh") == "echo toy"


def test_staged_work(ada: Person) -> None:
    conflict(ada)
    ada.write("run.sh", "staged\n")
    ada.git("add", "run.sh")
    stands_in_the_way(ada, r"run\.sh is staged")


def test_staged_work_does_not_keep_a_clean_update_from_being_made(ada: Person) -> None:
    ada.write("config.yaml", "staged\n")
    ada.git("add", "config.yaml")
    index = ada.state()["index"]
    assert ada.sync().exit_code == ExitCode.OK
    assert ada.state()["index"] == index
    assert ada.on_sync("config.yaml") == "a: 1\nb: 20\nc: 3"


@pytest.mark.parametrize(("command", "words"), [("merge", "A merge"), ("revert", "A revert"), ("rebase", "A rebase")])
def test_another_operation_under_way(ada: Person, command: str, words: str) -> None:
    base = ada.git("rev-parse", "HEAD")
    conflict(ada)
    ada.git("switch", "--quiet", "-c", "other", base)
    ada.commit("config.yaml", "a: 1\nb: 4\nc: 3\n")
    if command == "revert":
        ada.commit("config.yaml", "a: 1\nb: 5\nc: 3\n")
        ada.git("revert", "--no-edit", "HEAD~1", check=False)
    else:
        ada.git(command, "development", check=False)
    stands_in_the_way(ada, words)


def test_a_detached_head_is_detached_again_at_the_end(ada: Person) -> None:
    conflict(ada)
    ada.git("switch", "--quiet", "--detach", "staging")
    before = ada.state()
    assert ada.sync().exit_code == ExitCode.PARTIAL
    assert ada.git("branch", "--show-current") == SYNC
    back_and_to_the_end(ada, before)
    assert ada.git("branch", "--show-current") == ""
    assert ada.git("rev-parse", "HEAD") == before["commit"]


def test_another_branch_is_checked_out_again_at_the_end(ada: Person) -> None:
    conflict(ada)
    ada.git("switch", "--quiet", "-c", "feature", "staging")
    ada.commit("feature.txt", "mine\n")
    before = ada.state()
    ada.sync()
    assert not (ada.folder / "feature.txt").exists()
    finish(ada)
    assert ada.git("branch", "--show-current") == "feature"
    assert ada.state()["files"] == before["files"]


def test_the_sync_branch_is_checked_out(ada: Person) -> None:
    ada.sync()
    ada.git("switch", "--quiet", SYNC)
    assert ada.sync().exit_code == ExitCode.OK, "the very same update"
    ada.git("switch", "--quiet", "development")
    ada.commit("more.txt", "more\n")
    ada.git("switch", "--quiet", SYNC)
    before = ada.state()
    with pytest.raises(MlopsgenError, match="is checked out"):
        ada.sync()
    assert ada.state() == before


def test_in_a_linked_working_tree(ada: Person, tmp_path: Path) -> None:
    conflict(ada)
    ada.git("worktree", "add", "--quiet", str(tmp_path / "linked"), "staging")
    there = replace(ada, folder=tmp_path / "linked")
    main, before = ada.state(), there.state()
    assert there.sync().exit_code == ExitCode.PARTIAL
    assert there.git("branch", "--show-current") == SYNC
    there.abort()
    assert there.state() == before
    assert ada.state() == main
    there.sync()
    finish(there)
    assert there.git("branch", "--show-current") == "staging"
    assert ada.git("branch", "--show-current") == "development"


def test_the_sync_branch_is_checked_out_in_another_working_tree(ada: Person, tmp_path: Path) -> None:
    ada.sync()
    ada.git("worktree", "add", "--quiet", str(tmp_path / "other"), SYNC)
    there = replace(ada, folder=tmp_path / "other")
    ada.commit("more.txt", "more\n")
    before = there.state()
    with pytest.raises(MlopsgenError, match=r"is checked out in .*other"):
        ada.sync()
    assert there.state() == before


def test_a_shallow_clone(ada: Person, tmp_path: Path) -> None:
    for number in range(3):
        ada.commit("more.txt", f"{number}\n")
    conflict(ada)
    ada.git("clone", "--quiet", "--depth=1", f"file://{ada.folder}", str(tmp_path / "shallow"))
    bob = replace(ada, folder=tmp_path / "shallow")
    assert bob.sync().exit_code == ExitCode.PARTIAL
    finish(bob)
    assert bob.git("rev-parse", f"{SYNC}~1") == ada.git("rev-parse", "development")
    ada.commit("config.yaml", OLD["config.yaml"])
    bob.git("branch", "--quiet", "-D", SYNC)
    assert bob.sync().exit_code == ExitCode.OK, "clean, from what origin has by now"
    assert bob.on_sync("config.yaml") == "a: 1\nb: 20\nc: 3"


def test_a_clone_without_contents_fetches_what_is_needed(ada: Person, tmp_path: Path) -> None:
    ada.commit("Makefile", ada.read("Makefile") + "mine\n")
    ada.git("config", "uploadpack.allowFilter", "true")
    ada.git("config", "uploadpack.allowAnySHA1InWant", "true")
    clone = ("clone", "--quiet", "--filter=blob:none", "--no-checkout", f"file://{ada.folder}", str(tmp_path / "bare"))
    ada.git(*clone)
    bob = replace(ada, folder=tmp_path / "bare")
    bob.git("sparse-checkout", "set", "--no-cone", "/docs/")
    bob.git("checkout", "--quiet", "development")
    assert bob.sync().exit_code == ExitCode.OK
    assert bob.on_sync("Makefile").splitlines()[1] == "line two"
    assert bob.on_sync("Makefile").splitlines()[-1] == "mine"


@pytest.mark.parametrize("mode", ["--cone", "--no-cone"])
def test_a_sparse_working_tree(ada: Person, mode: str) -> None:
    ada.commit("deep/mine.txt", "mine\n")
    conflict(ada)
    ada.git("sparse-checkout", "set", mode, "steps")
    before = ada.state()
    assert ada.sync().exit_code == ExitCode.PARTIAL
    back_and_to_the_end(ada, before)
    assert ada.on_sync("deep/mine.txt") == "mine"
    assert ada.on_sync("Makefile").splitlines()[1] == "line two"
    assert ada.state()["files"] == before["files"]


def test_a_submodule_stays_where_it_is(ada: Person, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    ada.git("init", "--quiet", str(inner), cwd=tmp_path)
    ada.git("commit", "--quiet", "--allow-empty", "-m", "inner", cwd=inner)
    ada.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "vendor/inner")
    ada.git("config", "submodule.recurse", "true")
    conflict(ada)
    ada.write("vendor/inner/work.txt", "untracked in the submodule\n")
    before = ada.state()
    assert ada.sync().exit_code == ExitCode.PARTIAL
    back_and_to_the_end(ada, before)
    assert ada.git("ls-tree", SYNC, "vendor/inner").split()[0] == "160000"
    assert ada.read("vendor/inner/work.txt") == "untracked in the submodule\n"


def test_hooks_never_run_and_nothing_asks_for_a_key(ada: Person) -> None:
    marker = ada.folder.parent / "a hook ran"
    for name in ("pre-commit", "commit-msg", "post-commit", "post-checkout", "prepare-commit-msg", "post-rewrite",
                 "reference-transaction", "post-index-change", "pre-push", "post-merge"):  # fmt: skip
        hook = ada.folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho {name} >> '{marker}'\nexit 1\n", encoding="utf-8")
        hook.chmod(0o755)
    for setting in (("commit.gpgSign", "true"), ("gpg.program", "/bin/false"), ("user.signingKey", "0123456789ABCDEF")):
        ada.git("config", *setting)
    assert ada.sync().exit_code == ExitCode.OK
    assert not marker.exists()
    ada.git("-c", "core.hooksPath=/dev/null", "branch", "-D", SYNC)
    ada.write("config.yaml", MINE)
    ada.git("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "commit", "--quiet", "-a", "-m", "Mine")
    marker.unlink(missing_ok=True)
    assert ada.sync().exit_code == ExitCode.PARTIAL
    ada.abort()
    ada.sync()
    ada.write("config.yaml", "a: 1\nb: 23\nc: 3\n")
    ada.git("-c", "core.hooksPath=/dev/null", "add", "config.yaml")
    marker.unlink(missing_ok=True)
    assert ada.go_on().exit_code == ExitCode.OK
    assert not marker.exists()


def test_a_path_with_a_space_and_signs(tmp_path: Path) -> None:
    ada = arrive(tmp_path / 'a "quoted" path, with ünïcode\nand two lines')
    conflict(ada)
    before = ada.state()
    assert ada.sync().exit_code == ExitCode.PARTIAL
    back_and_to_the_end(ada, before)


def test_from_a_folder_below(ada: Person) -> None:
    conflict(ada)
    below = ada.folder / "steps"
    assert ada.sync(folder=below).exit_code == ExitCode.PARTIAL
    ada.abort(folder=below)
    ada.sync(folder=below)
    finish(ada)


def test_renamed_by_the_owner_and_changed_by_the_template(ada: Person) -> None:
    ada.git("mv", "Makefile", "Makefile.mine")
    conflict(ada)
    before = ada.state()
    ada.sync()
    assert ada.read("Makefile.mine").splitlines()[1] == "line two"
    back_and_to_the_end(ada, before)
    assert ada.on_sync("Makefile.mine").splitlines()[1] == "line two"


def test_deleted_by_the_owner_and_changed_by_the_template(ada: Person) -> None:
    ada.git("rm", "--quiet", "Makefile")
    ada.commit()
    done = ada.sync()
    assert done.exit_code == ExitCode.OK
    assert "Makefile" not in ada.git("ls-tree", "--name-only", SYNC).split()
    assert [note["path"] for note in done.data["notes"] if note["why"] == "deleted"] == ["Makefile"]


def test_line_endings_that_the_owner_changed(ada: Person) -> None:
    ada.write(".gitattributes", "")
    ada.git("config", "core.autocrlf", "false")
    (ada.folder / "Makefile").write_bytes(OLD["Makefile"].replace("\n", "\r\n").encode())
    ada.commit()
    assert ada.sync().exit_code == ExitCode.OK
    merged = ada.git("cat-file", "blob", f"{SYNC}:Makefile")
    assert merged.startswith("line 1\r\nline two\r\n")


@pytest.mark.parametrize("attributes", ["* text=auto eol=crlf\n", "* text=auto\n"])
def test_line_endings_by_attributes(ada: Person, attributes: str) -> None:
    ada.commit(".gitattributes", attributes)
    ada.git("rm", "-r", "--quiet", "--cached", ".")
    ada.git("reset", "--quiet", "--hard")
    conflict(ada)
    (ada.folder / "config.yaml").unlink()
    ada.git("checkout", "--quiet", "config.yaml")
    before = ada.state()
    assert ada.sync().exit_code == ExitCode.PARTIAL
    back_and_to_the_end(ada, before)
    assert ada.on_sync("Makefile").splitlines()[1] == "line two"


def test_executable_bits_of_either_side_stay(ada: Person) -> None:
    (ada.folder / "Makefile").chmod(0o755)
    conflict(ada)
    ada.sync()
    assert os.access(ada.folder / "Makefile", os.X_OK)
    finish(ada)
    modes = {line.split("\t")[1]: line.split()[0] for line in ada.git("ls-tree", "-r", SYNC).splitlines()}
    assert (modes["Makefile"], modes["run.sh"]) == ("100755", "100755")


def test_files_that_the_owner_took_over_are_left_alone(ada: Person) -> None:
    record = ada.read(".copier-answers.yml") + "owned: [/Makefile, helpers/]\n"
    ada.commit(".copier-answers.yml", record)
    ada.commit("helpers/tool.py", "TOOL = 'mine'\n")
    done = ada.sync()
    assert done.exit_code == ExitCode.OK
    assert ada.on_sync("helpers/tool.py") == "TOOL = 'mine'"
    assert ada.on_sync("Makefile") + "\n" == OLD["Makefile"]
    assert "owned: [/Makefile, helpers/]" in ada.on_sync(".copier-answers.yml")


def test_the_index_is_locked_by_a_git_that_was_killed(ada: Person) -> None:
    conflict(ada)
    before = ada.state()
    lock = ada.write(".git/index.lock", "")
    with pytest.raises(MlopsgenError) as caught:
        ada.sync()
    assert f"rm '{lock}'" in caught.value.hint
    lock.unlink()
    assert ada.state() == before, "git refused in the middle: nothing waits, no reference is left"
    assert ada.sync().exit_code == ExitCode.PARTIAL


def test_no_repository_and_a_bare_one(tmp_path: Path, ada: Person) -> None:
    with pytest.raises(MlopsgenError, match="not a git repository"):
        ada.sync(folder=tmp_path)
    ada.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    with pytest.raises(MlopsgenError, match="not a git repository"):
        ada.sync(folder=tmp_path / "bare.git")


def test_a_name_that_is_no_utf8(ada: Person) -> None:
    (ada.folder / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"latin\n")
    conflict(ada)
    before = ada.state()
    assert ada.sync().exit_code == ExitCode.PARTIAL
    back_and_to_the_end(ada, before)
