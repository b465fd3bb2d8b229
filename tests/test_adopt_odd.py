"""Adopting repositories in odd states: nothing is lost, and what is in the way is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlopsgen.errors import MlopsgenError, UsageError
from mlopsgen.operations.adopt_request import TEMPLATE_REFERENCE
from tests.adopt_toys import ADOPTED, RECORD, Owner, arrive


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return arrive(tmp_path, {"src/mine.py": "1\n", "Makefile": "all:\n"})


def test_what_is_not_committed_stays_and_is_told(owner):
    owner.write({"src/mine.py": "2\n", "Makefile": "staged\n"})
    owner.git("add", "Makefile")
    before = owner.state()
    result = owner.adopt()
    assert owner.state() == before
    assert any("not committed here is not looked at" in text for text in result.data["warnings"])
    assert owner.at(ADOPTED)["src/mine.py"] == "1"


def test_a_file_that_is_not_in_git_is_named_before_git_refuses_to_merge_over_it(owner):
    owner.write({"config.yaml": "mine\n", ".gitignore": "lock.*\n", "lock.txt": "mine\n"})
    owner.commit({}, "Ignored")
    owner.git("rm", "--quiet", "--cached", "config.yaml")
    owner.git("commit", "--quiet", "-m", "Not in git")
    before = owner.state()
    result = owner.adopt()
    assert owner.state() == before
    (told,) = [text for text in result.data["warnings"] if text.startswith("Not in git")]
    assert "config.yaml, lock.txt" in told
    assert "merge" in owner.git("merge", ADOPTED, check=False) or (owner.folder / "config.yaml").read_text() == "mine\n"


def test_a_shallow_clone(owner, tmp_path):
    owner.commit({"src/more.py": "2\n"})
    clone = tmp_path / "clone"
    owner.git("clone", "--quiet", "--depth=1", f"file://{owner.folder}", str(clone), cwd=tmp_path)
    owner.folder = clone
    before = owner.state()
    assert owner.adopt().data["state"] == "ready"
    assert owner.state() == before
    assert owner.at(ADOPTED)["src/more.py"] == "2"


def test_a_clone_without_contents(owner, tmp_path):
    owner.git("config", "uploadpack.allowFilter", "true")
    owner.git("config", "uploadpack.allowAnySHA1InWant", "true")
    clone = tmp_path / "clone"
    words = ("clone", "--quiet", "--filter=blob:none", "--no-checkout", f"file://{owner.folder}", str(clone))
    owner.git(*words, cwd=tmp_path)
    owner.folder = clone
    result = owner.adopt()
    (kept,) = result.data["kept"]
    assert (kept["path"], "-all:" in kept["diff"]) == ("Makefile", True)
    assert owner.git("show", f"{ADOPTED}:Makefile") == "all:"


def test_no_commit_yet(tmp_path):
    owner = arrive(tmp_path, {})
    owner.write({"src/mine.py": "1\n"})
    with pytest.raises(MlopsgenError, match=r"has no commit yet") as caught:
        owner.adopt()
    assert "git add --all && git commit" in caught.value.hint


def test_no_branch_is_checked_out(owner):
    owner.git("switch", "--quiet", "--detach")
    before = owner.state()
    result = owner.adopt()
    assert owner.state() == before
    assert result.data["branch"] == ""
    assert any("git switch BRANCH && git merge mlopsgen/adopt" in step for step in result.next_steps)
    owner.adopt(conflicts=True)
    owner.git("cherry-pick", "--abort")
    owner.git("switch", "--quiet", "--detach", "main")
    assert owner.state() == before


def test_a_submodule_and_a_folder_or_file_of_the_same_name_stand_in_the_way(owner, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for words in (("init", "--quiet"), ("commit", "--quiet", "--allow-empty", "-m", "Other")):
        owner.git(*words, cwd=other)
    owner.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "steps")
    owner.commit({"config.yaml/inside.txt": "1\n", "HELPERS/mine.py": "1\n", "LOCK.txt": "1\n"})
    result = owner.adopt()
    kept = {one["path"]: one["at"] for one in result.data["kept"]}
    assert kept == {
        "Makefile": "Makefile",
        "config.yaml": "config.yaml/",
        "lock.txt": "LOCK.txt",
        "steps/train.py": "steps",
    }
    assert owner.git("ls-tree", ADOPTED, "steps").startswith("160000 commit ")
    assert owner.at(ADOPTED)["config.yaml/inside.txt"] == "1"
    assert {"helpers/tool.py", "HELPERS/mine.py"} <= set(owner.at(ADOPTED))
    owner.git("merge", "--quiet", ADOPTED)
    assert owner.sync().data["state"] == "current"


def test_a_link_where_the_template_has_a_file(owner):
    (owner.folder / "config.yaml").symlink_to("Makefile")
    owner.commit({})
    result = owner.adopt()
    assert {one["path"] for one in result.data["kept"]} == {"Makefile", "config.yaml"}
    assert owner.git("ls-tree", ADOPTED, "config.yaml").startswith("120000 ")


def test_files_that_git_hands_to_a_filter_are_named(owner):
    owner.commit({".gitattributes": "*.txt filter=lfs diff=lfs merge=lfs -text\n"})
    result = owner.adopt()
    (told,) = [text for text in result.data["warnings"] if "filter" in text]
    assert told.startswith("lock.txt would be kept by a filter")
    assert owner.git("show", f"{ADOPTED}:lock.txt") == "wheel==1"


def test_names_that_are_no_text_stay_as_they_are(owner):
    strange = b"src/\xff\xfe\n\t.py"
    (owner.folder / "src").mkdir(exist_ok=True)
    (owner.folder / strange.decode("utf-8", "surrogateescape")).write_text("1\n")
    owner.commit({})
    owner.adopt()
    listed = owner.git("ls-tree", "-r", "-z", "--name-only", ADOPTED).split("\0")
    assert strange.decode("utf-8", "surrogateescape") in listed


def test_a_repository_of_a_linked_working_tree(owner, tmp_path):
    linked = tmp_path / "linked"
    owner.git("worktree", "add", "--quiet", "-b", "side", str(linked))
    before = owner.state()
    owner.adopt(folder=linked)
    assert owner.state() == before
    assert "config.yaml" in owner.at(ADOPTED)
    owner.git("switch", "--quiet", ADOPTED, cwd=linked)
    owner.commit({"src/more.py": "2\n"})
    with pytest.raises(MlopsgenError, match=r"is checked out in .*linked") as caught:
        owner.adopt()
    assert "git switch -" in caught.value.hint


def test_on_the_branch_itself(owner):
    owner.adopt()
    owner.git("switch", "--quiet", ADOPTED)
    with pytest.raises(MlopsgenError, match=r"You are on mlopsgen/adopt"):
        owner.adopt()


def test_no_repository_a_bare_one_and_no_folder(owner, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MlopsgenError, match=r"This is not a git repository") as caught:
        owner.adopt(folder=empty)
    assert "git init" in caught.value.hint
    with pytest.raises(UsageError, match=r"There is no folder"):
        owner.adopt(folder=tmp_path / "absent")
    owner.git("clone", "--quiet", "--bare", str(owner.folder), "bare.git", cwd=tmp_path)
    with pytest.raises(MlopsgenError, match=r"This is not a git repository"):
        owner.adopt(folder=tmp_path / "bare.git")


def test_from_a_folder_inside_the_whole_repository_is_adopted(owner):
    owner.adopt(folder=owner.folder / "src")
    assert owner.at(ADOPTED)["config.yaml"].startswith("name: wine\n")


def test_objects_named_by_sha256_are_refused(tmp_path):
    owner = arrive(tmp_path, {})
    owner.folder = tmp_path / "other"
    owner.folder.mkdir()
    owner.git("init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    owner.commit({"src/mine.py": "1\n"})
    with pytest.raises(MlopsgenError, match=r"sha256"):
        owner.adopt()
    assert owner.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_nobody_is_known_to_git(owner):
    for name in list(owner.environ):
        if name.startswith("GIT_") and name.endswith(("_NAME", "_EMAIL")):
            del owner.environ[name]
    owner.adopt()
    assert owner.git("log", "-1", "--format=%an <%ae>", ADOPTED) == "mlopsgen <mlopsgen@users.noreply.github.com>"


def test_hooks_keys_and_a_file_in_the_place_of_the_branch(owner):
    hook = owner.folder / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    owner.git("config", "commit.gpgSign", "true")
    owner.adopt()
    assert not (owner.folder / "ran").exists()
    assert not (owner.folder / ".git" / "ran").exists()


def test_an_empty_commit_gets_everything(tmp_path):
    owner = arrive(tmp_path, {})
    owner.commit({})
    assert len(owner.adopt().data["added"]) == 7
    assert "owned" not in yaml.safe_load(owner.at(ADOPTED)[RECORD])
    assert not owner.git("for-each-ref", TEMPLATE_REFERENCE)
