"""Repositories that copier made, by real copier: their record becomes one that updates are made from."""

from __future__ import annotations

import shutil
from pathlib import Path

import copier
import pytest
import yaml

from mlopsgen.errors import InvalidDocument, MlopsgenError, UsageError
from tests.adopt_toys import ADOPTED, RECORD, SECOND, Owner, arrive
from tests.canaries import canary
from tests.template_toys import Published

OTHER = ".answers.ml.yml"


def made(top: Path, record: str = RECORD, **answers: str) -> Owner:
    """Ada with a repository that plain copier made from a folder."""
    owner = arrive(top, {})
    copier.run_copy(
        str(owner.template.path),
        owner.folder,
        data=answers,
        answers_file=record,
        defaults=True,
        quiet=True,
        unsafe=False,
    )
    owner.commit({}, "From copier")
    return owner


def merged(owner: Owner) -> None:
    owner.adopt()
    owner.git("merge", "--quiet", ADOPTED)


def test_a_record_that_is_in_its_place_and_right_needs_nothing(tmp_path):
    owner = made(tmp_path, size="large")
    result = owner.adopt()
    assert result.data["state"] == "current"
    assert result.next_steps == ("mlopsgen sync --branch main",)
    assert not owner.git("branch", "--list", ADOPTED)


def test_a_record_under_another_name_moves_and_nothing_else_changes(tmp_path):
    owner = made(tmp_path, OTHER, size="large")
    owner.commit({"config.yaml": "name: toy\nowner: ada\nsize: large\n\nlevel: 1\n"})
    before = owner.state()
    result = owner.adopt()
    assert owner.state() == before
    was, now = owner.at("main"), owner.at(ADOPTED)
    assert {name: now.get(name) for name in {*was, *now} if now.get(name) != was.get(name)} == {
        OTHER: None,
        RECORD: was[OTHER],
    }
    assert (result.data["made_by"], result.data["removed"]) == ("copier", [OTHER])
    assert (result.data["same"], result.data["apart"]) == (6, 1)


def test_later_updates_merge_what_the_owner_wrote_with_what_the_template_changed(tmp_path):
    owner = made(tmp_path, OTHER, size="large")
    owner.commit({"config.yaml": "name: toy\nowner: ada\nsize: large\n\nlevel: 1\n"})
    merged(owner)
    assert owner.sync().data["state"] == "current"
    owner.template.release("v1.1.0", SECOND, "The second version")
    owner.sync()
    files = owner.at("mlopsgen/sync-main")
    assert files["config.yaml"] == "name: toy\nowner: ada\nsize: large\n\nlevel: 2"
    assert files["Makefile"].startswith("line 1\nline two\n")
    assert yaml.safe_load(files[RECORD])["_commit"] == "v1.1.0"


def test_a_newer_version_is_the_next_step(tmp_path):
    owner = made(tmp_path, OTHER)
    owner.template.release("v1.1.0", SECOND, "The second version")
    result = owner.adopt()
    assert result.data["version"] == "v1.0.0"
    assert result.next_steps[-1] == "mlopsgen sync --branch main   (the template is at v1.1.0 by now)"


def test_a_template_that_moved_is_recorded_where_it_is_now(tmp_path):
    owner = made(tmp_path)
    record = (owner.folder / RECORD).read_text().replace(str(owner.template.path), "/somewhere/else")
    owner.commit({RECORD: record})
    with pytest.raises(UsageError, match=r"its template is the folder '/somewhere/else'"):
        owner.adopt(template="")
    owner.adopt()
    assert yaml.safe_load(owner.at(ADOPTED)[RECORD])["_src_path"] == str(owner.template.path)


def test_another_kind_of_template_is_not_where_its_own_moved_to(tmp_path):
    owner = made(tmp_path, OTHER)
    other = Published(tmp_path / "other", {"copier.yml": "colour: {type: str, default: red}\n", "a.txt": "a\n"})
    with pytest.raises(UsageError, match=r"is another kind of template") as caught:
        owner.adopt(template=str(other.path))
    assert "--anew" in caught.value.hint
    assert owner.adopt(template=str(other.path), anew=True).data["added"] == ["a.txt"]


def test_a_version_that_the_template_does_not_have_is_asked_for(tmp_path):
    owner = made(tmp_path)
    record = (owner.folder / RECORD).read_text().replace("v1.0.0", "v0.9.0")
    owner.commit({RECORD: record})
    with pytest.raises(InvalidDocument, match=r"names v0.9.0, which the template does not have") as caught:
        owner.adopt()
    assert "--template-version VERSION. Versions here: v1.0.0." in caught.value.hint
    owner.adopt(version="1.0.0")
    assert yaml.safe_load(owner.at(ADOPTED)[RECORD])["_commit"] == "v1.0.0"


def test_a_version_that_cannot_be_true_is_doubted(tmp_path):
    owner = made(tmp_path, OTHER)
    owner.commit(dict.fromkeys(("Makefile", "config.yaml", "lock.in", "helpers/tool.py", "lock.txt"), "other\n"))
    result = owner.adopt()
    assert any(text.startswith("Only 2 of the 7 files") for text in result.data["warnings"])


def test_several_templates_are_named_and_one_is_chosen(tmp_path):
    owner = made(tmp_path, OTHER)
    owner.commit({".docs.yml": "_commit: v3\n_src_path: https://example.org/docs\n"})
    with pytest.raises(UsageError, match=r"Several templates made this repository: \.answers\.ml\.yml, \.docs\.yml"):
        owner.adopt()
    owner.adopt(record=OTHER)
    assert {RECORD, ".docs.yml"} <= set(owner.at(ADOPTED))
    with pytest.raises(UsageError, match=r"There is no absent.yml"):
        owner.adopt(record="absent.yml")


def test_a_record_beside_that_of_another_template_is_refused(tmp_path):
    owner = made(tmp_path, OTHER)
    owner.commit({RECORD: "_commit: v3\n_src_path: https://example.org/docs\n"})
    with pytest.raises(MlopsgenError, match=r"\.copier-answers\.yml is the record of another template"):
        owner.adopt(record=OTHER)


@pytest.mark.parametrize(
    ("text", "words", "where"),
    [
        ("_src_path: a\n<<<<<<< ours\n_commit: v1\n", "markers of a conflict", f"{OTHER}:2"),
        ("_src_path: [\n", "not valid YAML", f"{OTHER}:2"),
        ("_src_path: a\n_src_path: b\n", "is there twice", f"{OTHER}:2"),
    ],
)
def test_a_spoilt_record_says_its_line(tmp_path, text, words, where):
    owner = arrive(tmp_path, {OTHER: text})
    with pytest.raises(InvalidDocument, match=words) as caught:
        owner.adopt()
    assert caught.value.where == where
    assert OTHER in caught.value.message


def test_anew_merges_the_template_whatever_made_the_repository(tmp_path):
    owner = arrive(tmp_path, {RECORD: "_commit: v3\n_src_path: https://example.org/docs\n", "Makefile": "mine\n"})
    result = owner.adopt(anew=True)
    assert result.data["made_by"] == "hand"
    assert any(text.startswith(f"{RECORD} of another template is replaced") for text in result.data["warnings"])
    assert owner.at(ADOPTED)["Makefile"] == "mine"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://ada:{}@example.org/docs", "is no address of a template"),
        ("https://ada:{}@127.0.0.1:1/docs", "cannot be reached"),
    ],
)
def test_a_credential_in_the_recorded_address_is_neither_told_nor_handed_on(tmp_path, address, words):
    secret = canary("template")
    owner = arrive(tmp_path, {"src/mine.py": "1\n"})
    try:
        owner.commit({OTHER: f"_commit: v1.0.0\n_src_path: {address.format(secret)}\ncolour: red\n"})
        with pytest.raises(MlopsgenError, match=words) as caught:
            owner.adopt(template="")
        assert secret not in f"{caught.value.message}{caught.value.where}{caught.value.hint}{owner.said}"
        with pytest.raises(UsageError, match=r"example\.org/docs|127\.0\.0\.1:1/docs") as caught:
            owner.adopt()
        assert secret not in f"{caught.value.message}{caught.value.where}{caught.value.hint}{owner.said}"
    finally:
        shutil.rmtree(owner.folder)
