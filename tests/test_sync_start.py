"""Where an update starts: what the record says, what was edited by hand, what is missing, and what cannot be true."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.errors import ExitCode, InvalidDocument, UsageError
from mlopsgen.sync.fits import Fit
from mlopsgen.sync.start import Given, HistoryNeeded, Start, find_start
from tests.record_toys import Repository, ToyTemplate, made
from tests.test_sync_answers import TODAY, recorded


@pytest.fixture
def repository(tmp_path: Path, environ: dict[str, str]) -> Repository:
    return made(tmp_path / "wine", environ, ToyTemplate())


def start(repository: Repository, scratch: Path | None = None, **more: object) -> Start:
    commit = repository.git.read("rev-parse", "HEAD")
    fits = None if scratch is None else repository.fits(scratch, commit)
    return find_start(repository.git, commit, repository.template, fits=fits, **more)


def refused(repository: Repository, scratch: Path | None = None, **more: object) -> InvalidDocument:
    with pytest.raises(InvalidDocument) as caught:
        start(repository, scratch, **more)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.message.endswith(".")
    assert caught.value.where.startswith(ANSWERS_FILE)
    return caught.value


def test_an_honest_record_is_believed(repository, tmp_path):
    found = start(repository, tmp_path)
    assert (found.version, found.answers, found.today) == ("v1.0.0", {"name": "wine", "size": 1}, found.answers)
    assert found.warnings == ()
    assert not found.record.is_edited


def test_answers_that_were_edited_by_hand_become_new_answers(repository, tmp_path):
    repository.edit("name: wine", "name: beer")
    repository.edit("size: 1", "size: 2")
    found = start(repository, tmp_path)
    assert found.answers == {"name": "wine", "size": 1}
    assert found.today == {"name": "beer", "size": 2}
    assert found.warnings == (
        "Answers in .copier-answers.yml were edited by hand (name, size): they are applied as new answers.",
    )


def test_owned_files_and_formatting_are_no_edits(repository):
    repository.edit("owned: []", "owned:\n  - helpers/a.py  # ours now\n  - docs/")
    repository.edit("name: wine", 'name:    "wine"   # its name')
    found = start(repository)
    assert found.record.owned == ("helpers/a.py", "docs/")
    assert found.answers == found.today
    assert found.warnings == ()


def test_edits_of_a_record_without_a_digest_are_known_by_the_files(tmp_path, environ):
    """As those of v0.1.0 are."""
    repository = made(tmp_path / "old", environ, ToyTemplate(digests=False))
    repository.edit("name: wine", "name: beer")
    repository.edit("size: 1", "size: 2")
    found = start(repository, tmp_path)
    assert (found.answers["name"], found.today["name"]) == ("wine", "beer")
    assert "edited by hand (name)" in found.warnings[0] or "edited by hand (name, size)" in found.warnings[0]
    assert start(repository).answers == found.today, "without renders nothing can be known"
    # Who edits the files to the same effect has applied the answers.
    repository.write("settings.txt", "beer 1\n")
    repository.commit()
    found = start(repository, tmp_path)
    assert (found.answers, found.warnings) == ({"name": "beer", "size": 2}, ())


def test_what_was_recorded_for_another_version_is_not_what_was_edited(repository):
    repository.template.render("v2.0.0", {"name": "cider"}, repository.folder)
    repository.commit()
    repository.edit("name: cider", "name: beer")
    assert start(repository).answers["name"] == "cider"
    # A record that was wrong from its first commit on: nothing tells what it was made with.
    repository.edit("_commit: v2.0.0", "_commit: v3.0.0")
    assert "what they were before is not known" in refused(repository).message


def test_edits_without_history_are_refused_with_both_ways_back(repository, tmp_path):
    repository.edit("name: wine", "name: beer")
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(tmp_path / "shallow")], check=True
    )
    shallow = Repository(tmp_path / "shallow", repository.environ, repository.template)
    error = refused(shallow)
    assert isinstance(error, HistoryNeeded)
    assert "this clone is shallow" in error.message
    assert "git fetch --unshallow" in error.hint
    assert "--set KEY=VALUE" in error.hint
    assert "mlopsgen sync --rebase-from v1.0.0" in error.hint
    subprocess.run(["git", "fetch", "--quiet", "--unshallow"], cwd=shallow.folder, check=True)
    assert start(shallow).answers["name"] == "wine"


def test_a_history_that_ends_in_nothing_is_a_shallow_one(repository, tmp_path):
    """As it is seen through another repository's alternates."""
    repository.edit("name: wine", "name: beer")
    clone = tmp_path / "shallow"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(clone)], check=True)
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
    (bare / "objects" / "info" / "alternates").write_text(f"{clone}/.git/objects\n")
    commit = repository.git.read("rev-parse", "HEAD")
    with pytest.raises(HistoryNeeded):
        find_start(repository.git.at(bare), commit, repository.template)


def test_rebasing_takes_todays_answers_for_those_of_the_version(repository):
    repository.edit("name: wine", "name: beer")
    found = start(repository, rebase_from="2.0.0")
    assert (found.version, found.answers, found.today) == ("v2.0.0", {"name": "beer", "size": 1}, found.answers)
    assert found.warnings == (
        "The files are taken as rendered from v2.0.0 with today's answers; the record names v1.0.0.",
    )
    assert start(repository, rebase_from="v1.0.0").warnings == ()
    with pytest.raises(UsageError) as caught:
        start(repository, rebase_from="v7.0.0")
    assert caught.value.where == "--rebase-from"
    assert caught.value.hint == "Versions here: v1.0.0, v2.0.0, v3.0.0."


@pytest.mark.parametrize("written", ["_commit: v1.5.0", "_commit: v1.0.0-3-g1234567", "_commit: main", "_commit:"])
def test_a_version_that_is_not_there_is_refused_with_the_one_that_fits(repository, tmp_path, written):
    repository.template.render("v2.0.0", {"name": "wine"}, repository.folder)
    repository.commit()
    repository.edit("_commit: v2.0.0", written)
    error = refused(repository, tmp_path)
    assert "version" in error.message
    assert error.hint == "The files fit v2.0.0 best: mlopsgen sync --rebase-from v2.0.0"
    assert (
        refused(repository).hint.endswith(
            ": mlopsgen sync --rebase-from v1.0.0" if "-3-" in written else ": mlopsgen sync --rebase-from VERSION"
        )
        or written == "_commit: v1.5.0"
    )
    assert start(repository, rebase_from="v2.0.0").version == "v2.0.0"


def test_a_version_that_is_newer_than_all_says_update_mlopsgen(repository):
    repository.edit("_commit: v1.0.0", "_commit: v9.0.0")
    error = refused(repository)
    assert "the newest one that is known here is v3.0.0" in error.message
    assert error.hint.startswith("Update mlopsgen first.")
    assert error.where == f"{ANSWERS_FILE}:2"


def test_a_record_that_lies_is_not_believed(repository, tmp_path):
    record = repository.read()
    repository.template.render("v2.0.0", {"name": "wine"}, repository.folder)
    repository.write(ANSWERS_FILE, record)  # as somebody does who resolves a conflict in it by the wrong side
    repository.commit()
    error = refused(repository, tmp_path)
    assert error.message == (
        ".copier-answers.yml says that this repository is at v1.0.0, but its files are those of v2.0.0."
    )
    assert "mlopsgen sync --rebase-from v2.0.0" in error.hint
    assert "mlopsgen sync --rebase-from v1.0.0" in error.hint
    assert start(repository, tmp_path, rebase_from="v2.0.0").version == "v2.0.0"
    assert start(repository).version == "v1.0.0", "without renders nothing can be known"


def test_an_owner_who_edits_or_deletes_managed_files_does_not_lie(repository, tmp_path):
    repository.write("helpers/a.py", "A = 2\n")  # by chance as the next version has it
    repository.commit()
    assert start(repository, tmp_path).version == "v1.0.0"
    repository.write("helpers/a.py", "A = 100\n")
    repository.commit()
    assert start(repository, tmp_path).version == "v1.0.0"
    (repository.folder / "helpers" / "b.py").unlink()
    repository.commit()
    assert start(repository, tmp_path).version == "v1.0.0"


def test_a_fix_that_was_taken_from_the_next_version_is_no_lie(repository, tmp_path):
    """All managed files are those of the next version, and everything else is that of the recorded one."""
    for path, text in (("helpers/a.py", "A = 2\n"), ("helpers/b.py", "B = 2\n")):
        repository.write(path, text)
    for number in range(3):
        for version in repository.template.files.values():
            version[f"more{number}.txt"] = "more\n" if version["helpers/a.py"] != "A = 1\n" else "less\n"
        repository.write(f"more{number}.txt", "less\n")
    repository.commit()
    assert start(repository, tmp_path).version == "v1.0.0"


def test_a_missing_record_is_refused_with_the_commit_that_deleted_it(repository, tmp_path):
    (repository.folder / ANSWERS_FILE).unlink()
    deleted = repository.commit()
    error = refused(repository, tmp_path)
    short = repository.git.read("rev-parse", "--short", deleted)
    assert error.message.startswith(f".copier-answers.yml was deleted in commit {short}: ")
    assert error.hint.startswith(f"git checkout {short}~1 -- .copier-answers.yml")
    assert "mlopsgen sync --rebase-from" in error.hint


def test_without_a_record_the_given_answers_are_those_of_the_version(repository):
    (repository.folder / ANSWERS_FILE).unlink()
    repository.commit()
    assert "--answers FILE" in refused(repository, rebase_from="v1.0.0").hint
    found = start(repository, rebase_from="v1.0.0", given=Given(answers={"name": "wine"}))
    assert (found.version, found.answers) == ("v1.0.0", {"name": "wine"})
    assert found.warnings == (
        "There is no .copier-answers.yml: the files are taken as rendered from v1.0.0 with the given answers.",
    )


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\n<<<<<<< ours\n_commit: v1\n=======\n_commit: v2\n>>>>>>> theirs\n", 2, "markers of a conflict"),
        ("_commit: v1.0.0\nname: [\n", 3, "not valid YAML"),
        ("- a\n", 1, "key: value"),
        ("_commit: v1.0.0\nname: x\nname: y\n", 3, "twice"),
        ("_commit: v1.0.0\nname: x\nowned: helpers/a.py\n", 3, "has to be a list"),
        ("_commit: v1.0.0\nowned:\n- a.py\n- 7\n", 4, "7 is none"),
        ("a: &b0 [1]\n" + "".join(f"b{n}: &b{n} [{f'*b{n - 1},' * 9}]\n" for n in range(1, 30)), 1, "100,000 parts"),
    ],
)
def test_a_record_that_cannot_be_read_is_refused_with_its_line(repository, text, line, said):
    repository.write(ANSWERS_FILE, text)
    repository.commit()
    error = refused(repository)
    assert said in error.message
    assert error.where == f"{ANSWERS_FILE}:{line}"
    assert error.hint


def test_a_version_that_fits_better_comes_before_a_newer_one():
    assert Fit(3, 0, 0, 1).rank > Fit(2, 1, 0, 9).rank
    assert not Fit(0, 0, 0, 9).is_exact


def test_other_versions_are_rendered_only_where_a_managed_file_was_edited(repository, tmp_path):
    rendered = []

    def looked(commit: str) -> list[str]:
        rendered.clear()
        fits = repository.fits(tmp_path, commit)
        counted = dataclasses.replace(
            fits, listing=lambda version, answers: rendered.append(version) or fits.listing(version, answers)
        )
        find_start(repository.git, commit, repository.template, fits=counted)
        return rendered

    assert looked(repository.git.read("rev-parse", "HEAD")) == ["v1.0.0"]
    (repository.folder / "helpers" / "b.py").unlink()
    assert looked(repository.commit()) == ["v1.0.0"]
    repository.write("helpers/a.py", "A = 100\n")
    assert looked(repository.commit()) == ["v1.0.0", "v2.0.0", "v3.0.0"]


def test_a_clone_without_contents_knows_what_was_recorded(repository, tmp_path):
    """As those of a fleet: git fetches what is read."""
    commit = repository.edit("name: wine", "name: beer")
    repository.git.run("config", "uploadpack.allowFilter", "true")
    bare = tmp_path / "bare.git"
    address = f"file://{repository.folder}"
    subprocess.run(["git", "clone", "--quiet", "--bare", "--depth=1", "--filter=blob:none", address, bare], check=True)
    with pytest.raises(HistoryNeeded):
        find_start(repository.git.at(bare), commit, repository.template)
    subprocess.run(["git", "fetch", "--quiet", "--unshallow", "--filter=blob:none"], cwd=bare, check=True)
    assert find_start(repository.git.at(bare), commit, repository.template).answers["name"] == "wine"


def test_a_shallow_clone_of_a_repository_without_a_digest_is_deepened_where_an_edit_shows(tmp_path, environ):
    """The files are as the default has them, and the answer is another one."""
    template = ToyTemplate(digests=False)
    for files in template.files.values():
        files["watch.txt"] = "WATCH\n"
    template.copier = dict.fromkeys(template.files, TODAY)
    template.shown["WATCH"] = "data_watch"
    answers = {"name": "wine", **recorded(slug="wine")}
    repository = made(tmp_path / "old", environ, template, answers=answers)
    repository.write("settings.txt", "the owner's\n")
    repository.commit()

    def clone(name: str) -> Repository:
        folder = tmp_path / name
        subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{repository.folder}", folder], check=True)
        return Repository(folder, repository.environ, template)

    assert start(clone("honest"), tmp_path).warnings == ()
    repository.edit("data_watch: 'off'", "data_watch: daily")
    shallow = clone("edited")
    with pytest.raises(HistoryNeeded):
        start(shallow, tmp_path)
    subprocess.run(["git", "fetch", "--quiet", "--unshallow"], cwd=shallow.folder, check=True)
    assert start(shallow, tmp_path).answers["data_watch"] == "off"
