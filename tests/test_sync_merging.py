"""Odd files and odd changes in an update: what git's merge makes of them, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlopsgen.errors import MlopsgenError
from mlopsgen.sync import trees
from mlopsgen.sync.values import Entry, Why
from mlopsgen.sync.workshop import workshop
from tests.merge_toys import RECORD, Content, Link, Owner, Program, ToyTemplate

SYNC = "version: 1\nseeded: [/steps/]\nmanaged: [/helpers/]\n"
TEN = "".join(f"line {number}\n" for number in range(10))
CRLF = TEN.replace("\n", "\r\n")
Make = Callable[[dict[str, Content], dict[str, Content]], Owner]


@pytest.fixture
def made(tmp_path: Path, environ: dict[str, str]) -> Make:
    """Makes a repository from the first of two versions."""

    def make(first: dict[str, Content], second: dict[str, Content]) -> Owner:
        return Owner(tmp_path / "toy", ToyTemplate({"v1": first, "v2": second}, SYNC), environ)

    return make


def test_the_owners_executable_bit_and_the_templates_change_meet(made: Make) -> None:
    owner = made({"run.sh": TEN, "now.sh": "x\n"}, {"run.sh": TEN + "more\n", "now.sh": Program(b"x\n")})
    done = owner.write("run.sh", Program(TEN.encode())).update()
    entries = done.entries()
    assert (entries["run.sh"].mode, entries["now.sh"].mode) == ("100755", "100755")
    assert done.text("run.sh") == TEN + "more\n"
    assert done.kinds() == {"run.sh": "changed", "now.sh": "mode"}


def test_symbolic_links_are_merged_as_what_they_are(made: Make) -> None:
    owner = made({"a": Link("x"), "b": Link("x"), "c": "c\n"}, {"a": Link("y"), "b": Link("y"), "c": Link("y")})
    done = owner.write("b", Link("mine")).update()
    assert done.files()["a"] == b"y"
    assert done.entries()["c"] == Entry("120000", done.entries()["a"].blob)
    assert done.files()["b"] == b"mine"
    assert [conflict.path for conflict in done.update.conflicts] == ["b"]


def test_a_submodule_of_the_owner_survives_and_one_in_the_way_is_a_conflict(made: Make) -> None:
    owner = made({"a": "1\n"}, {"a": "2\n", "lib": "theirs\n"})
    commit = owner.commit()
    for path in ("lib", "other"):
        owner.git.run("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    owner.git.run("commit", "--quiet", "--message", "Submodules")
    done = owner.update(owner.git.read("rev-parse", "HEAD"))
    entries = done.entries()
    assert entries["other"] == Entry("160000", commit)
    assert done.text("a") == "2\n"
    assert "lib" in {conflict.path.partition("~")[0] for conflict in done.update.conflicts}
    assert Entry("160000", commit) in {entries.get("lib"), entries.get("lib~yours")}


def test_a_file_that_the_owner_renamed_gets_the_templates_change_there(made: Make) -> None:
    owner = made({"Makefile": TEN, "old/x.txt": TEN}, {"Makefile": TEN + "more\n", "old/x.txt": TEN})
    owner.move("Makefile", "build/rules.mk").move("old/x.txt", "new/x.txt")
    done = owner.write("build/rules.mk", TEN.replace("line 1\n", "mine\n")).update()
    assert done.text("build/rules.mk") == TEN.replace("line 1\n", "mine\n") + "more\n"
    assert done.kinds() == {"build/rules.mk": "changed"}
    assert not done.update.notes


def test_a_file_that_the_template_renamed_takes_the_owners_change_along(made: Make) -> None:
    owner = made({"old.txt": TEN}, {"new.txt": TEN + "more\n"})
    done = owner.write("old.txt", "mine\n" + TEN).update()
    assert done.files() == {"new.txt": f"mine\n{TEN}more\n".encode()}
    (change,) = [change for change in done.update.changes if change.path != RECORD]
    assert (change.kind, change.before, change.added, change.removed) == ("renamed", "old.txt", 1, 0)


def test_two_renames_of_one_file_are_one_conflict(made: Make) -> None:
    done = made({"a.txt": TEN}, {"b.txt": TEN}).move("a.txt", "c.txt").update()
    assert {conflict.kind for conflict in done.update.conflicts} == {"rename/rename"}
    assert TEN.encode() in done.files().values()


def test_a_file_that_the_owner_moved_to_his_own_place_is_left_alone(made: Make) -> None:
    owner = made({"tool.py": TEN, "other.py": TEN + "o\n"}, {"tool.py": TEN + "more\n", "other.py": TEN + "o\nmore\n"})
    done = owner.move("tool.py", "mine/tool.py").move("other.py", "steps/other.py").own("mine/").update()
    assert done.files() == {"mine/tool.py": TEN.encode(), "steps/other.py": f"{TEN}o\n".encode()}
    assert not done.update.conflicts
    assert {note.path: note.why for note in done.update.notes} == {"tool.py": Why.DELETED, "other.py": Why.DELETED}


@pytest.mark.parametrize("folder", ["helpers", "steps", "plain"])
def test_a_file_where_the_owner_has_a_folder_is_a_conflict_and_both_stay(made: Make, folder: str) -> None:
    owner = made({"a": "1\n"}, {"a": "2\n", folder: "theirs\n"})
    done = owner.write(f"{folder}/own.py", "mine\n").update()
    assert {conflict.kind for conflict in done.update.conflicts} == {"file/directory"}
    assert done.text(f"{folder}/own.py") == "mine\n"
    assert done.text(f"{folder}~template") == "theirs\n"
    assert [conflict.path for conflict in done.update.conflicts] == [f"{folder}~template"]


@pytest.mark.parametrize("folder", ["helpers", "steps", "plain"])
def test_a_folder_that_the_template_made_a_file_of(made: Make, folder: str) -> None:
    done = made({f"{folder}/a.py": TEN, "b": "1\n"}, {folder: "file now\n", "b": "2\n"}).update()
    files = done.files()
    kept = {"steps/a.py": TEN.encode(), "steps~template": b"file now\n"}
    assert files == {"b": b"2\n", **(kept if folder == "steps" else {folder: b"file now\n"})}


@pytest.mark.parametrize("folder", ["helpers", "steps", "plain"])
def test_a_file_where_the_template_gets_a_folder_is_a_conflict_and_both_stay(made: Make, folder: str) -> None:
    owner = made({"a": "1\n"}, {"a": "2\n", f"{folder}/new.py": "theirs\n"})
    done = owner.write(folder, "mine\n").update()
    files = done.files()
    assert files[f"{folder}/new.py"] == b"theirs\n"
    assert files[f"{folder}~yours"] == b"mine\n"
    assert {conflict.kind for conflict in done.update.conflicts} == {"file/directory"}


def test_a_new_file_comes_where_the_template_has_it_although_the_owner_moved_the_folder(made: Make) -> None:
    first: dict[str, Content] = {f"old/{name}.txt": f"{TEN}{name}\n" for name in "abc"}
    owner = made(first, {**first, "old/new.txt": "new\n", "old/a.txt": f"{TEN}a\nmore\n"})
    for name in "abc":
        owner.move(f"old/{name}.txt", f"fresh/{name}.txt")
    done = owner.update()
    assert not done.update.conflicts
    assert done.text("fresh/a.txt") == f"{TEN}a\nmore\n"
    assert done.text("old/new.txt") == "new\n"


def test_files_and_folders_of_like_names_lie_in_gits_order(made: Make) -> None:
    names = ["a/x", "a.txt", "a0", "a-b/c", "a b/d", "A/x", "a/b/c", "a/b.c"]
    done = made({"old": "1\n"}, dict.fromkeys(names, "x\n")).update()
    assert set(done.files()) == set(names)
    assert done.shop.succeeds("fsck", "--strict", "--no-dangling", done.update.tree, done.update.theirs)


def test_names_in_any_encoding_and_of_any_characters(made: Make) -> None:
    names = [
        "sp ace",
        'quo"te',
        "back\\slash",
        "ta\tb",
        "new\nline",
        "ünï/çødé",
        "latin-\udce9\udcff.txt",
        "-dash",
        ":(top)x",
    ]
    first: dict[str, Content] = dict.fromkeys(names, TEN)
    owner = made(first, dict.fromkeys(names, TEN + "more\n"))
    owner.write(names[0], "mine\n" + TEN).write(names[4], TEN + "mine\n").remove(names[6])
    done = owner.write(names[8], "top\n" + TEN).update()
    assert done.text(names[0]) == f"mine\n{TEN}more\n"
    assert [conflict.path for conflict in done.update.conflicts] == [names[4]]
    assert names[6] not in done.files()
    assert done.notes(names[6]) == [Why.DELETED]
    assert done.text(names[5]) == done.text(names[7]) == TEN + "more\n"
    assert trees.shown(names[6]) == "latin-\\xe9\\xff.txt"
    assert trees.shown(names[4]) == "new\\nline"


def test_contents_that_are_no_text(made: Make) -> None:
    owner = made({"a.bin": b"\0\1", "b.bin": b"\0\1", "l.txt": b"\xe9\n" + TEN.encode()},
                 {"a.bin": b"\0\2", "b.bin": b"\0\2", "l.txt": b"\xe9\n" + TEN.encode() + b"\xff\n"})  # fmt: skip
    owner.write("b.bin", b"\0\3").write("l.txt", b"\xe8mine\n\xe9\n" + TEN.encode())
    done = owner.update()
    files = done.files()
    assert files["a.bin"] == b"\0\2"
    assert files["b.bin"] == b"\0\3"
    assert files["l.txt"] == b"\xe8mine\n\xe9\n" + TEN.encode() + b"\xff\n"
    assert [(conflict.path, conflict.kind) for conflict in done.update.conflicts] == [("b.bin", "binary")]


def test_a_big_file_is_merged_like_any_other(made: Make) -> None:
    big = "".join(f"{number:09}\n" for number in range(500_000))
    assert len(big) > trees.LARGEST
    owner = made({"big.csv": big, "a": "1\n"}, {"big.csv": big + "more\n", "a": "2\n"})
    done = owner.write("big.csv", "mine\n" + big).update()
    assert not done.update.conflicts
    assert next(change for change in done.update.changes if change.path == "big.csv").added == 1
    size = done.shop.read("cat-file", "-s", f"{done.update.tree}:big.csv")
    assert int(size) == len(big) + 10


def test_line_endings_that_the_owner_changed_stay_and_conflict_with_nothing(made: Make) -> None:
    first: dict[str, Content] = {"Makefile": TEN, "helpers/a.py": TEN, "helpers/b.py": TEN, "same": TEN}
    second: dict[str, Content] = {"Makefile": TEN + "more\n", "helpers/a.py": "top\n" + TEN, "helpers/b.py": TEN}
    owner = made(first, {**second, "same": TEN, "new": "new\n"})
    for path in first:
        owner.write(path, CRLF)
    done = owner.write("Makefile", CRLF.replace("line 3", "mine")).update()
    files = done.files()
    assert not done.update.conflicts
    assert not done.update.notes
    assert files["Makefile"].decode() == CRLF.replace("line 3", "mine") + "more\r\n"
    assert files["helpers/a.py"].decode() == "top\r\n" + CRLF
    assert files["helpers/b.py"] == files["same"] == CRLF.encode()
    assert {change.path: (change.added, change.removed) for change in done.update.changes if change.path != RECORD} == {
        "Makefile": (1, 0), "helpers/a.py": (1, 0), "new": (1, 0),
    }  # fmt: skip
    assert owner.take(done).update().update.is_empty


def test_line_endings_that_the_template_changed_are_its_change(made: Make) -> None:
    done = made({"a.bat": TEN, "b.bat": TEN}, {"a.bat": CRLF, "b.bat": CRLF}).write("b.bat", TEN + "mine\n").update()
    assert done.text("a.bat") == CRLF
    assert [conflict.path for conflict in done.update.conflicts] == ["b.bat"]


def test_line_endings_that_the_owner_changed_follow_a_file_that_the_template_renames(made: Make) -> None:
    owner = made({"code.py": TEN, "other.py": TEN + "o\n"}, {"kernel.py": "top\n" + TEN, "other.py": TEN + "o\n"})
    done = owner.write("code.py", CRLF + "mine\r\n").update()
    assert not done.update.conflicts
    assert done.text("kernel.py") == f"top\r\n{CRLF}mine\r\n"
    assert "code.py" not in done.files()


def test_attributes_about_line_endings_do_no_harm(made: Make) -> None:
    owner = made({"Makefile": TEN, ".gitattributes": ""}, {"Makefile": TEN + "more\n", ".gitattributes": ""})
    owner.write(".gitattributes", "* text=auto eol=crlf\n").write("Makefile", CRLF.replace("line 3", "mine"))
    done = owner.update()
    assert done.text("Makefile") == TEN.replace("line 3", "mine") + "more\n"


def test_texts_without_a_last_line_end_and_empty_ones(made: Make) -> None:
    owner = made({"a": "", "b": "x", "c": TEN}, {"a": "filled\n", "b": "x\ny", "c": TEN + "more"})
    done = owner.write("c", "mine\n" + TEN).update()
    assert (done.text("a"), done.text("b"), done.text("c")) == ("filled\n", "x\ny", f"mine\n{TEN}more")


def test_a_pin_that_both_raised_is_no_conflict_and_the_newer_one_stays(made: Make) -> None:
    def workflow(pin: str) -> str:
        return f"on: push\njobs:\n  a:\n    steps:\n    - uses: actions/checkout@{pin}\n"

    path, old, mine, theirs = ".github/workflows/ci.yml", "a" * 40 + " # v4", "b" * 40 + " # v6", "c" * 40 + " # v5"
    owner = made({path: workflow(old), "x": "1\n"}, {path: "name: ci\n" + workflow(theirs), "x": "2\n"})
    done = owner.write(path, workflow(mine)).update()
    assert not done.update.conflicts
    assert done.text(path) == "name: ci\n" + workflow(mine)


def test_only_gits_own_markers_get_other_names(made: Make) -> None:
    text = "<<<<<<< HEAD\nmine\n=======\nyours\n>>>>>>> 0123456\n"
    owner = made({"a": TEN + text}, {"a": TEN.replace("line 1", "theirs") + text})
    done = owner.write("a", TEN.replace("line 1", "mine") + text).update()
    assert done.text("a").endswith(text)
    assert "<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> template v2\n" in done.text("a")


def test_the_persons_own_settings_of_git_change_nothing(made: Make, home: Path) -> None:
    owner = made({"a": TEN, "b.txt": TEN + "b\n"}, {"a": TEN.replace("line 1", "theirs"), "b.txt": TEN + "b\nmore\n"})
    owner.git.run("config", "commit.gpgSign", "false")
    (home / ".gitconfig").write_text(
        "[merge]\n conflictStyle = diff3\n renames = false\n renormalize = true\n directoryRenames = true\n"
        "[diff]\n renames = false\n noprefix = true\n external = false\n[color]\n ui = always\n"
        "[core]\n quotePath = true\n[commit]\n gpgSign = true\n[user]\n signingKey = none\n"
    )
    owner.write("a", TEN.replace("line 1", "mine")).move("b.txt", "c.txt")
    done = owner.update()
    assert "|||||||" not in done.text("a")
    assert done.text("c.txt") == TEN + "b\nmore\n"


def test_a_workshop_sees_a_shallow_clone_and_a_linked_worktree_and_writes_nothing_there(
    made: Make, tmp_path: Path
) -> None:
    owner = made({"a": TEN}, {"a": TEN + "more\n"})
    owner.write("a", "mine\n" + TEN)
    commit = owner.commit()
    odd = tmp_path / '"odd"\\fol der'
    owner.git.run("clone", "--quiet", "--depth=1", "--no-local", f"file://{owner.root}", str(odd))
    owner.git.run("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    for place in (odd, tmp_path / "linked"):
        repository = owner.git.at(place)
        before = sorted(path for path in (place / ".git").rglob("*")), repository.read("status", "--porcelain")
        shop = workshop(tmp_path / f"shop-{place.name}", repository, owner.renders)
        assert shop.read("log", "--format=%H", "-1", commit) == commit
        assert shop.read("rev-list", "--count", commit) == ("1" if place == odd else "2")
        assert len(trees.listing(shop, commit)) == 2
        made_here = trees.store_blobs(shop, [b"something new\n"])[0]
        assert not repository.succeeds("cat-file", "-e", made_here)
        assert before == (sorted((place / ".git").rglob("*")), repository.read("status", "--porcelain"))


def test_a_repository_that_names_objects_otherwise_is_refused_in_words(made: Make, tmp_path: Path) -> None:
    owner = made({}, {})
    other = tmp_path / "long"
    owner.git.run("init", "--quiet", "--object-format=sha256", str(other))
    with pytest.raises(MlopsgenError, match="sha256"):
        workshop(tmp_path / "shop", owner.git.at(other), owner.renders)
