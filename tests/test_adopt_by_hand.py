"""A template merged into a repository that none made: what comes, what stays, and what later updates do with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlopsgen.errors import ExitCode, InvalidAnswer, MlopsgenError, UsageError
from mlopsgen.operations.adopt_request import TEMPLATE_REFERENCE
from mlopsgen.operations.adopt_text import lines
from tests.adopt_toys import ADOPTED, MAKEFILE, RECORD, SECOND, Owner, arrive

MINE = {
    "Makefile": "all:\n\techo mine\n",
    "README.md": "# Mine\n",
    "helpers/tool.py": "TOOL = 'mine'\n",
    "lock.txt": "mine==3\n",
    "src/mine.py": "print('mine')\n",
}


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return arrive(tmp_path, MINE)


def merged(owner: Owner) -> None:
    """Ada adopts and merges."""
    owner.adopt()
    owner.git("merge", "--quiet", ADOPTED)


def brought(owner: Owner) -> dict[str, str]:
    """The template moves, Ada updates and merges."""
    owner.template.release("v1.1.0", SECOND, "The second version")
    result = owner.sync()
    assert result.exit_code == ExitCode.OK
    owner.git("merge", "--quiet", "mlopsgen/sync-main")
    return owner.at("main")


def test_new_files_come_and_every_line_of_the_owner_stays(owner):
    before = owner.state()
    result = owner.adopt()
    assert owner.state() == before
    files = owner.at(ADOPTED)
    assert {name: files[name] for name in MINE} == {name: text.rstrip("\n") for name, text in MINE.items()}
    assert files["config.yaml"] == "name: wine\nsize: small\n\nlevel: 1"
    assert set(files) - set(MINE) == {"config.yaml", "steps/train.py", "lock.in", RECORD}
    assert owner.git("rev-parse", f"{ADOPTED}^@") == owner.git("rev-parse", "main")
    assert result.data["state"] == "ready"
    assert result.data["commit"] == owner.git("rev-parse", ADOPTED)
    assert sorted(result.data["added"]) == ["config.yaml", "lock.in", "steps/train.py"]


def test_the_record_names_version_answers_and_what_the_owner_took_over(owner):
    owner.adopt()
    record = yaml.safe_load(owner.at(ADOPTED)[RECORD])
    assert record == {
        "_commit": "v1.0.0",
        "_src_path": str(owner.template.path),
        "project_name": "wine",
        "size": "small",
        "owned": ["/Makefile", "/helpers/tool.py", "/lock.txt"],
    }


def test_the_template_s_version_of_a_kept_file_is_shown_and_can_be_looked_at(owner):
    result = owner.adopt()
    text = "\n".join(lines(owner.seen[-1], name="wine"))
    assert "Yours, and the template has another one (4)" in text
    assert "= README.md  updates leave it alone\n" in text
    assert "= Makefile  updates leave it alone, as 'owned' in .copier-answers.yml says\n" in text
    assert "      -TOOL = 'mine'\n      +TOOL = 1\n" in text
    assert "\t" not in text
    assert owner.git("show", f"{TEMPLATE_REFERENCE}:Makefile") == MAKEFILE.rstrip("\n")
    kept = {one["path"]: one for one in result.data["kept"]}
    assert kept["helpers/tool.py"]["class"] == "managed"
    assert "+TOOL = 1" in kept["helpers/tool.py"]["diff"]


def test_a_sync_right_afterwards_has_nothing_to_do(owner):
    merged(owner)
    assert owner.sync().data["state"] == "current"


def test_later_updates_merge_from_there(owner):
    merged(owner)
    edited = owner.at("main")["config.yaml"].replace("name: wine\n", "name: wine\nowner: ada\n")
    owner.commit({"config.yaml": f"{edited}\n"})
    files = brought(owner)
    assert files["config.yaml"] == "name: wine\nowner: ada\nsize: small\n\nlevel: 2"
    assert files["added.txt"] == "new"
    assert files["steps/train.py"] == "TRAIN = 1"
    assert {name: files[name] for name in MINE} == {name: text.rstrip("\n") for name, text in MINE.items()}
    assert yaml.safe_load(files[RECORD])["owned"] == ["/Makefile", "/helpers/tool.py", "/lock.txt"]


def test_what_is_not_owned_any_more_is_merged(owner):
    merged(owner)
    record = owner.at("main")[RECORD].replace("- /Makefile\n", "")
    owner.commit({RECORD: f"{record}\n", "Makefile": f"# mine\n{MAKEFILE}"})
    assert brought(owner)["Makefile"].startswith("# mine\nline 1\nline two\n")


def test_with_conflicts_git_waits_for_the_owner_and_later_updates_merge_into_what_was_resolved(owner):
    result = owner.adopt(conflicts=True)
    assert result.exit_code == ExitCode.PARTIAL
    assert result.data["conflicts"] == ["Makefile", "helpers/tool.py"]
    assert result.data["owned"] == ["/lock.txt"]
    shown = "\n".join(lines(owner.seen[-1], name="mine"))
    stays, both = shown.partition("Both have one (2): git merges them, and marks what it cannot\n")[::2]
    assert ("Makefile" in stays, "  ! Makefile\n" in both, "  ! helpers/tool.py\n" in both) == (False, True, True)
    assert "  = lock.txt  updates leave it alone" in stays
    assert owner.git("symbolic-ref", "--short", "HEAD") == ADOPTED
    assert "<<<<<<< " in (owner.folder / "Makefile").read_text()
    assert (owner.folder / "README.md").read_text() == MINE["README.md"]
    owner.write({"Makefile": f"# mine\n{MAKEFILE}", "helpers/tool.py": "TOOL = 1\n"})
    owner.git("add", "--all")
    owner.git("-c", "core.editor=true", "cherry-pick", "--continue")
    assert owner.git("log", "-1", "--format=%s") == "Adopt the template v1.0.0"
    owner.git("switch", "--quiet", "main")
    owner.git("merge", "--quiet", ADOPTED)
    assert yaml.safe_load(owner.at("main")[RECORD])["owned"] == ["/lock.txt"]
    files = brought(owner)
    assert files["Makefile"].startswith("# mine\nline 1\nline two\n")
    assert files["helpers/tool.py"] == "TOOL = 2"
    assert files["lock.txt"] == "mine==3"


def test_conflicts_that_nobody_wants_to_resolve_are_given_up_with_what_is_told(owner):
    before = owner.state()
    result = owner.adopt(conflicts=True)
    assert result.next_steps[-1].startswith("git cherry-pick --abort && git switch main ")
    owner.git("cherry-pick", "--abort")
    owner.git("switch", "main")
    assert owner.state() == before
    assert owner.adopt().data["state"] == "ready"


def test_conflicts_do_not_stand_on_what_is_not_committed(owner):
    owner.write({"Makefile": "not committed\n"})
    before = owner.state()
    with pytest.raises(MlopsgenError, match=r"Makefile has changes that are not committed"):
        owner.adopt(conflicts=True)
    assert owner.state() == before
    assert not owner.git("branch", "--list", ADOPTED)


def test_conflicts_where_there_are_none_make_the_branch_alone(tmp_path):
    owner = arrive(tmp_path, {"src/mine.py": "1\n", "README.md": "# Mine\n"})
    before = owner.state()
    assert owner.adopt(conflicts=True).data["state"] == "ready"
    assert owner.state() == before


def test_running_it_again_changes_nothing_and_after_new_work_the_branch_is_made_anew(owner):
    first = owner.adopt().data["commit"]
    assert owner.adopt().data["commit"] == first
    owner.commit({"src/more.py": "2\n"})
    second = owner.adopt().data["commit"]
    assert second != first
    assert owner.at(ADOPTED)["src/more.py"] == "2"


def test_somebody_s_work_on_the_branch_is_never_overwritten(owner):
    owner.adopt()
    owner.git("switch", "--quiet", ADOPTED)
    work = owner.commit({"config.yaml": "resolved by hand\n"})
    owner.git("switch", "--quiet", "main")
    owner.commit({"src/more.py": "2\n"})
    with pytest.raises(MlopsgenError, match=r"Somebody has worked on mlopsgen/adopt") as caught:
        owner.adopt()
    assert "git branch -D mlopsgen/adopt" in caught.value.hint
    assert owner.git("rev-parse", ADOPTED) == work


def test_what_is_merged_already_is_said(owner):
    merged(owner)
    result = owner.adopt()
    assert result.data["state"] == "current"
    assert result.next_steps == ("mlopsgen sync --branch main",)


def test_a_dry_run_writes_nothing(owner):
    before = owner.state()
    objects = owner.git("count-objects")
    result = owner.adopt(dry_run=True)
    assert (result.data["state"], owner.state()) == ("pending", before)
    assert owner.seen[-1].added
    assert owner.git("count-objects") == objects
    assert not owner.git("for-each-ref", "refs/mlopsgen", f"refs/heads/{ADOPTED}")


def test_the_way_to_the_branches_that_train_is_shown(owner):
    owner.git("branch", "staging")
    steps = owner.adopt().next_steps
    assert "git switch main && git merge mlopsgen/adopt" in steps
    assert any(step.startswith("git branch development && git branch production ") for step in steps)


def test_another_branch_than_the_one_that_is_checked_out(owner):
    owner.git("branch", "old")
    owner.commit({"src/more.py": "2\n"})
    result = owner.adopt(branch="old")
    assert "src/more.py" not in owner.at(ADOPTED)
    assert "git switch old && git merge mlopsgen/adopt" in result.next_steps
    with pytest.raises(UsageError, match=r"There is no branch 'absent'") as caught:
        owner.adopt(branch="absent")
    assert "main" in caught.value.hint


def test_answers_are_checked(owner):
    from mlopsgen.sync.start import Given  # noqa: PLC0415

    result = owner.adopt(given=Given(answers={"size": "large", "project_name": "red"}))
    assert owner.at(ADOPTED)["config.yaml"].startswith("name: red\nsize: large\n")
    assert result.data["guessed"] == []
    with pytest.raises(InvalidAnswer, match=r"size"):
        owner.adopt(given=Given(answers={"size": "huge"}))
    with pytest.raises(InvalidAnswer, match=r"There is no answer 'colour'"):
        owner.adopt(given=Given(answers={"colour": "red"}))


def test_only_the_ends_of_lines_differ(tmp_path):
    owner = arrive(tmp_path, {"Makefile": MAKEFILE.replace("\n", "\r\n"), "src/mine.py": "1\n"})
    merged(owner)
    assert "owned" not in yaml.safe_load(owner.at("main")[RECORD])
    brought(owner)
    assert owner.git("show", "main:Makefile").startswith("line 1\r\nline two\r\n")


def test_an_executable_file_stays_one_and_is_merged(tmp_path):
    owner = arrive(tmp_path, {"Makefile": MAKEFILE})
    (owner.folder / "Makefile").chmod(0o755)
    owner.commit({})
    merged(owner)
    assert brought(owner)["Makefile"].startswith("line 1\nline two\n")
    assert owner.git("ls-tree", "main", "Makefile").startswith("100755 ")
