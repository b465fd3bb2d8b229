"""Each class of files in an update: what the template changes, what the owner did, and what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsgen.errors import InvalidDocument
from mlopsgen.sync.classes import classes_of, read_classes
from mlopsgen.sync.start import Given
from mlopsgen.sync.values import FileClass, Why
from tests.merge_toys import RECORD, Content, Owner, ToyTemplate

SYNC = """
version: 1
seeded: [/README.md, /src/steps/]
managed: [/src/helpers/, /docs/*.md]
locks:
- {lock: [requirements.txt], from: [requirements.in]}
"""
TEN = "".join(f"line {number}\n" for number in range(10))


def two(first: dict[str, Content], second: dict[str, Content], sync: str | None = SYNC) -> ToyTemplate:
    return ToyTemplate({"v1": first, "v2": second}, sync)


@pytest.fixture
def made(tmp_path: Path, environ: dict[str, str]):
    """Makes a repository from the first of two versions."""

    def make(first: dict[str, Content], second: dict[str, Content], sync: str | None = SYNC) -> Owner:
        return Owner(tmp_path / "toy", two(first, second, sync), environ)

    return make


def test_a_merged_file_takes_the_changes_of_both(made) -> None:
    owner = made({"Makefile": TEN}, {"Makefile": TEN.replace("line 0", "theirs")})
    done = owner.write("Makefile", TEN.replace("line 9", "mine")).update()
    assert done.text("Makefile") == TEN.replace("line 0", "theirs").replace("line 9", "mine")
    assert done.kinds() == {"Makefile": "changed"}
    assert not done.update.conflicts
    assert not done.update.notes
    change = next(change for change in done.update.changes if change.path == "Makefile")
    assert (change.added, change.removed) == (1, 1)


def test_a_conflict_is_named_and_stands_in_the_file_with_both_sides(made) -> None:
    owner = made({"Makefile": TEN, "other": "1\n"}, {"Makefile": TEN.replace("line 5", "theirs"), "other": "2\n"})
    done = owner.write("Makefile", TEN.replace("line 5", "mine")).update()
    (conflict,) = done.update.conflicts
    assert (conflict.path, conflict.kind) == ("Makefile", "content")
    assert conflict.message == "Merge conflict in Makefile"
    assert "<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> template v2\n" in done.text("Makefile")
    assert done.text("other") == "2\n"


def test_a_seeded_file_is_left_alone_and_a_new_one_comes(made) -> None:
    owner = made(
        {"README.md": "one\n", "src/steps/a.py": "a\n", "src/steps/b.py": "b\n", "src/steps/gone.py": "gone\n"},
        {"README.md": "two\n", "src/steps/a.py": "A\n", "src/steps/b.py": "b\n", "src/steps/new.py": "new\n"},
    )
    done = owner.write("src/steps/b.py", "mine\n").remove("src/steps/a.py").update()
    files = done.files()
    assert files["README.md"] == b"one\n"
    assert files["src/steps/b.py"] == b"mine\n"
    assert files["src/steps/new.py"] == b"new\n"
    assert files["src/steps/gone.py"] == b"gone\n"
    assert "src/steps/a.py" not in files
    assert {note.path: note.why for note in done.update.notes} == {
        "README.md": Why.SEEDED,
        "src/steps/gone.py": Why.SEEDED,
        "src/steps/a.py": Why.DELETED,
    }
    assert done.note("src/steps/gone.py").detail == "the template has it no longer"


def test_what_the_owner_already_has_as_the_template_now_wants_it_needs_no_word(made) -> None:
    first: dict[str, Content] = {
        "README.md": "one\n",
        "src/helpers/a.py": "a\n",
        "mine/x": "1\n",
        "src/helpers/b.py": "b\n",
    }
    owner = made(first, dict.fromkeys(first, "two\n")).own("mine/")
    for path in list(first)[:3]:
        owner.write(path, "two\n")
    done = owner.update()
    assert not done.update.notes
    assert done.kinds() == {"src/helpers/b.py": "changed"}


def test_a_managed_file_is_the_templates_again_and_the_edit_is_shown(made) -> None:
    owner = made(
        {"src/helpers/a.py": TEN, "src/helpers/b.py": TEN, "src/helpers/c.py": "c\n", "src/helpers/d.py": "d\n"},
        {"src/helpers/a.py": TEN + "more\n", "src/helpers/b.py": TEN, "src/helpers/new.py": "new\n", "docs/x.md": "x"},
    )
    owner.write("src/helpers/a.py", TEN.replace("line 4", "mine")).write("src/helpers/b.py", TEN + "mine too\n")
    done = owner.write("src/helpers/c.py", "edited\n").update()
    files = done.files()
    assert files["src/helpers/a.py"].decode() == TEN + "more\n"
    assert files["src/helpers/b.py"].decode() == TEN
    assert "src/helpers/c.py" not in files
    assert "src/helpers/d.py" not in files
    assert files["src/helpers/new.py"] == b"new\n"
    assert {note.path for note in done.update.notes} == {f"src/helpers/{name}.py" for name in "abc"}
    note = done.note("src/helpers/a.py")
    assert note.why is Why.EDITED
    assert "-line 4\n+mine\n" in note.diff
    assert "more" not in note.diff
    assert done.note("src/helpers/c.py").detail == "the template has it no longer"


def test_edits_of_managed_files_are_kept_on_request(made) -> None:
    owner = made({"src/helpers/a.py": TEN}, {"src/helpers/a.py": TEN + "more\n"})
    done = owner.write("src/helpers/a.py", TEN.replace("line 2", "mine")).update(keep_edits=True)
    assert done.text("src/helpers/a.py") == TEN.replace("line 2", "mine") + "more\n"
    note = done.note("src/helpers/a.py")
    assert (note.why, "+mine" in note.diff) == (Why.KEPT_EDIT, True)


def test_a_file_of_the_owner_where_the_template_gets_a_managed_one_is_a_conflict_not_lost(made) -> None:
    owner = made({"a": "a\n"}, {"a": "a\n", "src/helpers/new.py": "theirs\n"})
    done = owner.write("src/helpers/new.py", "mine\n").update()
    (conflict,) = done.update.conflicts
    assert (conflict.path, conflict.kind) == ("src/helpers/new.py", "add/add")
    assert {"mine", "theirs"} <= set(done.text("src/helpers/new.py").splitlines())


@pytest.mark.parametrize("path", ["Makefile", "src/helpers/a.py", "README.md"])
def test_what_the_owner_deleted_stays_deleted(made, path: str) -> None:
    owner = made({path: TEN, "other": "1\n"}, {path: TEN + "more\n", "other": "2\n"})
    done = owner.remove(path).update()
    assert path not in done.files()
    assert done.notes(path) == [Why.DELETED]
    assert not done.update.conflicts
    assert done.text("other") == "2\n"


def test_what_the_owner_deleted_and_the_template_left_alone_needs_no_word(made) -> None:
    done = made({"Makefile": TEN, "other": "1\n"}, {"Makefile": TEN, "other": "2\n"}).remove("Makefile").update()
    assert not done.update.notes
    assert "Makefile" not in done.files()


def test_what_the_owner_deleted_and_the_template_renamed_stays_deleted(made) -> None:
    owner = made({"a/tool.py": TEN, "other": "1\n"}, {"b/tool.py": TEN + "more\n", "other": "2\n"})
    done = owner.remove("a/tool.py").update()
    assert set(done.files()) == {"other"}
    assert not done.update.conflicts
    assert [note.why for note in done.update.notes] == [Why.DELETED]


def test_what_the_template_deleted_and_the_owner_changed_is_a_conflict_that_holds_the_owners(made) -> None:
    done = made({"Makefile": TEN, "gone": "x\n"}, {}).write("Makefile", TEN + "mine\n").update()
    (conflict,) = done.update.conflicts
    assert (conflict.path, conflict.kind) == ("Makefile", "modify/delete")
    assert "deleted in the template's and modified in yours" in conflict.message
    assert done.text("Makefile") == TEN + "mine\n"
    assert "gone" not in done.files()


def test_owned_files_are_left_alone_whatever_their_class(made) -> None:
    first: dict[str, Content] = {
        "src/helpers/a.py": "a\n",
        "Makefile": "m\n",
        "ci/x.yml": "x\n",
        "requirements.txt": "1\n",
    }
    second: dict[str, Content] = {path: f"{content}new\n" for path, content in first.items()} | {"ci/y.yml": "y\n"}
    owner = made(first, second).own("/src/helpers/a.py", "ci/", "requirements.txt")
    done = owner.write("src/helpers/a.py", "mine\n").update()
    assert done.kinds() == {"Makefile": "changed"}
    assert {note.path: (note.why, note.detail) for note in done.update.notes} == {
        "src/helpers/a.py": (Why.OWNED, ""),
        "ci/x.yml": (Why.OWNED, ""),
        "ci/y.yml": (Why.OWNED, "new in the template"),
        "requirements.txt": (Why.OWNED, ""),
    }


def test_a_lock_is_taken_where_the_owner_added_nothing_and_kept_where_he_did(made) -> None:
    first: dict[str, Content] = {"requirements.in": "a\n", "requirements.txt": "a==1\n"}
    owner = made(first, {"requirements.in": "a\n", "requirements.txt": "a==2\n"})
    done = owner.update()
    assert done.text("requirements.txt") == "a==2\n"
    assert done.notes("requirements.txt") == [Why.LOCK_TAKEN]
    owner.write("requirements.in", "a\nmine\n").write("requirements.txt", "a==1\nmine==1\n")
    done = owner.update()
    assert done.text("requirements.txt") == "a==1\nmine==1\n"
    assert done.notes("requirements.txt") == [Why.LOCK_KEPT]
    assert not done.update.conflicts


def test_the_record_moves_with_the_change_and_keeps_what_the_owner_took_over(made) -> None:
    owner = made({"Makefile": "name: NAME\n"}, {"Makefile": "called: NAME\n"}).own("mine/")
    done = owner.update(given=Given(answers={"name": "other"}))
    record = done.shop.run_bytes("cat-file", "blob", f"{done.update.tree}:{RECORD}").decode()
    assert "_commit: v2\n" in record
    assert "name: other\n" in record
    assert "owned:\n- mine/\n" in record
    assert done.text("Makefile") == "called: other\n"


def test_equal_renders_change_nothing(made) -> None:
    done = made({"Makefile": TEN, "src/helpers/a.py": "a\n"}, {"Makefile": TEN, "src/helpers/a.py": "a\n"})
    update = done.write("src/helpers/a.py", "edited\n").update().update
    assert update.is_empty
    assert (update.start, update.end) == ("v1", "v2")
    assert not update.notes


def test_a_class_that_the_new_version_no_longer_names_counts_for_what_it_deleted(tmp_path: Path, environ) -> None:
    class Moved(ToyTemplate):
        def read(self, version: str, name: str) -> str | None:
            if name == "sync.yaml":
                return SYNC if version == "v1" else "version: 1\n"
            return super().read(version, name)

    files: dict[str, dict[str, Content]] = {
        "v1": {"README.md": "r\n", "src/helpers/a.py": "a\n", "docs/a.md": TEN},
        "v2": {"docs/a.md": TEN + "more\n"},
    }
    owner = Owner(tmp_path / "toy", Moved(dict(files)), environ)
    owner.write("README.md", "mine\n").write("src/helpers/a.py", "edited\n").write("docs/a.md", "top\n" + TEN)
    done = owner.update()
    assert done.files() == {"README.md": b"mine\n", "docs/a.md": f"top\n{TEN}more\n".encode()}
    assert [(note.path, note.why) for note in done.update.notes] == [
        ("README.md", Why.SEEDED),
        ("src/helpers/a.py", Why.EDITED),
    ]


def test_without_a_declaration_all_is_merged_but_what_copier_skips_and_well_known_locks(made) -> None:
    template = ToyTemplate({"v1": {}}, None, copier='_skip_if_exists: [seed.txt, "{{ name }}.txt"]\n')
    classes = classes_of(template, "v1")
    assert not classes.is_declared
    assert classes.declared("deep/seed.txt") is FileClass.SEEDED
    assert classes.declared("other.txt") is None
    owner = made({"uv.lock": "1\n", "pyproject.toml": TEN}, {"uv.lock": "2\n", "pyproject.toml": TEN + "x\n"}, None)
    done = owner.write("pyproject.toml", "mine\n" + TEN).write("uv.lock", "1\nmine\n").update()
    assert done.text("uv.lock") == "1\nmine\n"
    assert done.notes("uv.lock") == [Why.LOCK_KEPT]
    assert done.text("pyproject.toml") == f"mine\n{TEN}x\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 2\n", "version 2 is not known"),
        ("seeded: [a]\n", "version None is not known"),
        ("version: 1\nseed: [a]\n", "there is no key 'seed'"),
        ("version: 1\nseeded: a\n", "'seeded' has to be a list of paths"),
        ("version: 1\nmanaged: ['']\n", "'managed' has to be a list of paths"),
        ("version: 1\nlocks: {}\nseeded: [[]]\n", "'seeded' has to be a list of paths"),
        ("version: 1\nlocks: [{lock: [a]}]\n", "each entry of 'locks' has to hold 'lock' and 'from'"),
        ("version: 1\nlocks: a\n", "'locks' has to be a list"),
    ],
)
def test_a_declaration_that_cannot_be_read_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InvalidDocument, match=said) as refused:
        read_classes(text)
    assert refused.value.where.startswith("sync.yaml:")
    assert refused.value.hint
