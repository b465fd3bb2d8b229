"""What an update changes on GitHub, told from two trees and two sets of answers without asking GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlopsgen.adapters.git import GitRepository
from mlopsgen.answers import QUESTIONS, resolve
from mlopsgen.forge.values import Key, Kind
from mlopsgen.remote import needs
from mlopsgen.sync import trees
from mlopsgen.sync.settings_changes import settings_changes
from mlopsgen.sync.values import Entry, SettingsChanges

REMOTE = ".github/remote.yaml"
SOURCES = "data/sources.yaml"


@pytest.fixture
def repository(tmp_path: Path, environ: dict[str, str]) -> GitRepository:
    found = GitRepository(tmp_path, environ)
    found.run("init", "--quiet", "--bare")
    return found


def tree(repository: GitRepository, files: Mapping[str, str]) -> str:
    blobs = trees.store_blobs(repository, [text.encode() for text in files.values()])
    return trees.tree_of(repository, {path: Entry("100644", blob) for path, blob in zip(files, blobs, strict=True)})


def answers(**given: object) -> dict[str, Any]:
    """As a record holds them: without those of questions that were not asked."""
    found = resolve(given)
    return {question.key: found[question.key] for question in QUESTIONS if question.asked(found)}


def compared(
    repository: GitRepository,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    old: Mapping[str, str] | None = None,
    new: Mapping[str, str] | None = None,
) -> SettingsChanges:
    found, warnings = settings_changes(
        repository, tree(repository, old or {}), tree(repository, new or old or {}), before, after
    )
    assert warnings == ()
    return found


def keys(resources: tuple[Any, ...]) -> set[Key]:
    return {resource.key for resource in resources}


def test_equal_trees_and_answers_change_nothing(repository):
    assert not compared(repository, answers(), answers())
    old = {REMOTE: "version: 1\nlabels:\n  mine: {}\n"}
    assert not compared(repository, answers(reviewers="ada"), answers(reviewers="ada"), old=old)


def test_a_new_answer_brings_its_settings_and_secrets(repository):
    found = compared(repository, answers(), {**answers(), "template_update": "weekly"})
    assert [(one.key, one.optional) for one in found.changed] == [(Key(Kind.SECRET, needs.UPDATE_TOKEN), False)]
    assert not found.added
    assert not found.removed
    found = compared(repository, answers(), answers(reviewers="ada"))
    assert Key(Kind.ENVIRONMENT, "production-watch") in keys(found.added)
    assert Key(Kind.ENVIRONMENT, "production") in keys(found.changed)
    found = compared(repository, answers(notify_how="email", notify_emails="a@b.cd"), answers())
    assert {key.kind for key in keys(found.removed)} == {Kind.SECRET}


def test_a_merged_document_counts_as_merged(repository):
    old = {REMOTE: "version: 1\nlabels:\n  mine: {color: ff0000}\n  gone: {}\n"}
    new = {REMOTE: "version: 1\nlabels:\n  mine: {color: 00ff00}\n  fresh: {}\n"}
    found = compared(repository, answers(), answers(), old=old, new=new)
    assert keys(found.added) == {Key(Kind.LABEL, "fresh")}
    assert keys(found.changed) == {Key(Kind.LABEL, "mine")}
    assert keys(found.removed) == {Key(Kind.LABEL, "gone")}
    assert found.changed[0].value["color"] == "00ff00"


def test_a_new_data_source_asks_for_its_secret(repository):
    old = {SOURCES: "version: 1\nsources:\n  main: {address: data/a.csv}\n"}
    new = {SOURCES: "version: 1\nsources:\n  main: {address: 's3://bucket/a.csv'}\n"}
    found = compared(repository, answers(), answers(), old=old, new=new)
    assert {needs.data_secret("main", "SECRET_KEY")} <= {key.name for key in keys(found.added)}


@pytest.mark.parametrize("text", ["<<<<<<< yours\nversion: 1\n=======\nversion: 2\n>>>>>>> template\n", "labels: ["])
def test_a_document_that_cannot_be_read_is_said(repository, text):
    trees_ = tree(repository, {}), tree(repository, {REMOTE: text})
    found, warnings = settings_changes(repository, *trees_, answers(), answers(reviewers="ada"))
    assert not found
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "What changes on GitHub cannot be told before it is merged: the repository after the "
    )
    assert REMOTE in warnings[0]
    found, warnings = settings_changes(repository, *reversed(trees_), answers(), answers())
    assert "the repository as it is" in warnings[0]


def test_another_templates_repository_has_no_settings(repository):
    new = {REMOTE: "version: 1\nlabels:\n  mine: {}\n"}
    assert not compared(repository, {"name": "wine"}, {"name": "wine", "slug": "x"}, new=new)
