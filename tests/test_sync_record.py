"""The record: what the template and copier write into it, what stays of the owner's, and those of every release."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import mlopsgen as package
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.templates import open_template
from mlopsgen.answers import BY_KEY, QUESTIONS, resolve
from mlopsgen.constants import ANSWERS_FILE, BRANCHES, CANONICAL_TEMPLATE
from mlopsgen.ports import Template
from mlopsgen.sync import trees
from mlopsgen.sync.ahead import look_ahead, renew
from mlopsgen.sync.migrations import version_key
from mlopsgen.sync.record import digest_of, read_record, renewed_text
from mlopsgen.sync.renders import Renders
from mlopsgen.sync.start import Given, Start
from tests import matrix
from tools import released_records

ROOT = Path(__file__).resolve().parents[1]
RELEASED = sorted((ROOT / "tests" / "released").glob("*/*.yml"))
NOTES = [
    re.match(r"\[(\d[^\]]*)\]", part) for part in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")
]

SINCE = {"template_update", *(f"{branch}_{key}" for branch in BRANCHES for key in ("access", "ssh", "ssh_host_key"))}
"""Questions that v0.1.0 did not ask."""


@pytest.fixture(scope="module")
def renders(tmp_path_factory: pytest.TempPathFactory) -> Renders:
    """The renders of the built-in template; git needs nothing of the person's environment here."""
    folder = tmp_path_factory.mktemp("renders")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    return Renders(folder / "store.git", open_template(None, environ), environ)


@pytest.fixture
def template(environ: dict[str, str]) -> Template:
    return open_template(None, environ)


def record_of(renders: Renders, version: str, answers: Mapping[str, Any]) -> str:
    entry = trees.listing(renders.repository, renders.tree(version, answers))[ANSWERS_FILE]
    return trees.blobs(renders.repository, [entry.blob])[entry.blob].decode()


def test_the_template_writes_the_digest_of_its_answers(renders, template):
    for row in matrix.rows():
        answers = resolve(matrix.answers(row))
        record = read_record(record_of(renders, template.newest, answers))
        assert record.digest, row
        assert not record.is_edited, row
        assert record.answers == {q.key: answers[q.key] for q in QUESTIONS if q.asked(answers)}
        assert (record.version, record.template, record.owned) == (template.newest, CANONICAL_TEMPLATE, ())


def test_copier_itself_writes_the_same_record(renders, template, tmp_path):
    answers = resolve(matrix.answers(matrix.rows()[3]))
    template.render(template.newest, answers, tmp_path)
    assert (tmp_path / ANSWERS_FILE).read_text(encoding="utf-8") == record_of(renders, template.newest, answers)


def test_a_record_in_which_nothing_changes_is_left_as_it_is(renders, template):
    text = record_of(renders, template.newest, resolve({"description": 'It\'s "quoted": ü 🚀'}))
    assert renewed_text(read_record(text), text, CANONICAL_TEMPLATE, template.newest) == text


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_answers_of_every_release_become_those_of_the_newest_version(path, renders, template):
    record = read_record(path.read_text(encoding="utf-8"))
    assert record.version == path.parent.name
    assert not record.is_edited
    start = Start(record=record, version=record.version, answers=record.answers, today=record.answers)
    ahead = look_ahead(start, template.newest, template, Given())
    renewed = renew(start, ahead, template, record_of(renders, template.newest, ahead.answers))
    assert {key: renewed.answers.get(key) for key in record.answers} == record.answers
    after = read_record(renewed.text)
    assert after.version == template.newest
    assert not after.is_edited
    told = {new.key: (new.value, new.origin) for new in renewed.new}
    on_clusters = [branch for branch in BRANCHES if record.answers[f"{branch}_engine"] == "kubeflow"]
    access = {f"{branch}_access": ("direct", "default") for branch in on_clusters}
    assert told == {"template_update": ("off", "default"), **access}


def test_every_answer_stands_in_the_records_of_every_release():
    """Whoever takes an answer away, or a choice, has to write a migration: here the old ones are."""
    versions = {path.parent.name for path in RELEASED}
    released = {f"v{found[1]}" for found in NOTES if found}
    own = f"v{package.__version__}"
    kept = {name for name in released if version_key(name) < version_key(own)}
    assert versions >= kept, f"python tools/released_records.py {min(kept - versions)}"
    for version in versions:
        records = [read_record(path.read_text(encoding="utf-8")) for path in RELEASED if path.parent.name == version]
        for question in QUESTIONS:
            found = [record.answers[question.key] for record in records if question.key in record.answers]
            if question.key in SINCE and version == "v0.1.0":
                continue
            assert found, f"{version} has no record with {question.key}"
            if question.kind == "choice":
                assert set(found) == set(question.choices), f"{version}: {question.key}"


def test_the_records_of_a_release_are_written_with_every_choice(tmp_path, template):
    number = released_records.write(template.newest, tmp_path / "new")
    found = [read_record(path.read_text(encoding="utf-8")) for path in sorted((tmp_path / "new").iterdir())]
    assert len(found) == number
    assert {record.version for record in found} == {template.newest}
    for question in QUESTIONS:
        values = [record.answers[question.key] for record in found if question.key in record.answers]
        assert values, question.key
        if question.kind == "choice":
            assert set(values) == set(question.choices), question.key


RECORD = """\
# Mine.
_commit: v0.1.0
_src_path: https://example.org/old
slug: wine
metrics:
-   name: rmse
    threshold: 1.0

# In between.
owner: 'A: #1'
owned:
# what we changed
- src/helpers/tracking.py   # and why
-   docs/
"""
RENDERED = "# Theirs.\n_commit: v0.2.0\n_digest: abc\n_src_path: x\nslug: wine\nmetrics: []\nowned: []\n"


def test_the_owners_list_stays_as_it_was_written():
    ours = read_record(RECORD)
    assert ours.owned == ("src/helpers/tracking.py", "docs/")
    assert ours.where("slug") == f"{ANSWERS_FILE}:4"
    text = renewed_text(ours, RENDERED, "https://example.org/new", "v0.2.1")
    assert text == (
        "# Theirs.\n_commit: v0.2.1\n_digest: abc\n_src_path: https://example.org/new\nslug: wine\nmetrics: []\n"
        "owned:\n# what we changed\n- src/helpers/tracking.py   # and why\n-   docs/\n"
    )
    assert read_record(text).owned == ours.owned
    assert renewed_text(ours, RENDERED.replace("owned: []\n", ""), "x", "v0.2.0").endswith(
        RECORD[RECORD.index("owned:") :]
    )


def test_a_version_without_a_record_gets_the_old_one_with_what_is_new():
    ours = read_record(RECORD)
    text = renewed_text(ours, None, "https://example.org/old", "v0.2.0", {**ours.answers, "slug": "beer", "size": 3})
    assert read_record(text).answers == {**ours.answers, "slug": "beer", "size": 3}
    assert read_record(text).version == "v0.2.0"
    assert read_record(text).owned == ours.owned
    assert text.startswith(
        "# Mine.\n_commit: v0.2.0\n_src_path: https://example.org/old\nslug: beer\nmetrics:\n-   name: rmse"
    )


@pytest.mark.parametrize("text", ["slug: wine\n", "", "# only words\n", '{"slug": "wine"}', "slug: wine"])
def test_a_record_without_a_version_gets_one(text):
    found = read_record(renewed_text(read_record(text), None if "{" not in text else "slug: wine\n", "https://x", "v1"))
    assert (found.version, found.template) == ("v1", "https://x")
    assert found.answers == ({"slug": "wine"} if "slug" in text else {})


def test_the_digest_is_that_of_values_not_of_their_spelling():
    plain = read_record("a: 1\nb: [x, y]\nc: {d: 1.0, e: null}\n")
    spelt = read_record('c:\n  e: ~\n  d: 1.0\n"b":\n- x\n- "y"\na: 0x1\nowned: [z]\n_commit: v1\n')
    assert digest_of(plain.answers) == digest_of(spelt.answers)
    assert digest_of(plain.answers) != digest_of({**plain.answers, "a": 2})


def test_copier_update_keeps_what_the_owner_took_over(tmp_path, environ):
    """Nothing but the record is rendered: the rest is another test's."""
    published = GitRepository(tmp_path / "published", environ)
    folder = published.path / "template"
    folder.mkdir(parents=True)
    name = "[[ _copier_conf.answers_file ]].jinja"
    (folder / name).write_bytes((ROOT / "template" / name).read_bytes())
    (published.path / "copier.yml").write_bytes((ROOT / "copier.yml").read_bytes())
    names = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    copier = [sys.executable, "-m", "copier"]
    env = {**environ, **names}

    def run(*command: str, cwd: Path) -> None:
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]

    run("git", "init", "--quiet", cwd=published.path)
    for version in ("v1.0.0", "v2.0.0"):
        (folder / "version.txt").write_text(version)
        run("git", "add", "--all", cwd=published.path)
        run("git", "commit", "--quiet", "-m", version, cwd=published.path)
        run("git", "tag", version, cwd=published.path)
    mine = tmp_path / "mine"
    run(*copier, "copy", "--defaults", "--quiet", "--vcs-ref=v1.0.0", str(published.path), str(mine), cwd=tmp_path)
    path = mine / ANSWERS_FILE
    assert read_record(path.read_text(encoding="utf-8")).version == "v1.0.0"
    path.write_text(path.read_text(encoding="utf-8").replace("owned: []", "owned:\n- docs/\n- src/x.py"))
    run("git", "init", "--quiet", cwd=mine)
    run("git", "add", "--all", cwd=mine)
    run("git", "commit", "--quiet", "-m", "mine", cwd=mine)
    run(*copier, "update", "--defaults", "--quiet", "--data=owner=Ada", cwd=mine)
    record = read_record(path.read_text(encoding="utf-8"))
    assert (record.version, record.answers["owner"], record.owned) == ("v2.0.0", "Ada", ("docs/", "src/x.py"))
    assert record.digest
    assert not record.is_edited
    assert yaml.safe_load(path.read_text(encoding="utf-8")).keys() == {
        "_commit", "_digest", "_src_path", "owned", *(key for key in BY_KEY if key in record.answers)
    }  # fmt: skip
