"""Records that were edited in repositories on GitHub: the history is fetched where it is needed, without a clone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.errors import InvalidDocument
from mlopsgen.operations.fleet_rows import State
from mlopsgen.sync.record import digest_of, read_record
from tests.github import FakeGitHub
from tests.github.repositories import Repository
from tests.hosted_members import SYNC, Hub, text_of, toy
from tests.merge_toys import ADDRESS

FILES = {"name.txt": "NAME\n", "Makefile": "all:\n"}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with FakeGitHub() as github:
        made = Hub(github, tmp_path, template=toy(FILES, {**FILES, "Makefile": "all: new\n"}))
        yield made
        made.account.client.close()


def record(name: str, *, edited: str = "") -> str:
    digest = digest_of({"name": name})
    return f"_commit: v1.0.0\n_digest: {digest}\n_src_path: {ADDRESS}\nname: {edited or name}\nowned: []\n"


def test_the_history_of_an_edited_record_is_fetched(hub):
    there = hub.add()
    hub.commit(there, {ANSWERS_FILE: record("wine")})
    for number in range(5):
        hub.commit(there, {"work.txt": f"{number}\n"})
    hub.commit(there, {ANSWERS_FILE: record("wine", edited="beer")})
    hub.commit(there, {"work.txt": "more\n"})
    row = hub.sync()
    assert row.state is State.OPENED
    assert text_of(there, "name.txt") == "beer\n"
    assert text_of(there, "Makefile") == "all: new\n"
    assert dict(read_record(text_of(there, ANSWERS_FILE)).answers) == {"name": "beer"}
    assert "edited" in there.pulls[0]["body"]
    writes = hub.writes()
    assert hub.sync().state is State.OPEN
    assert hub.writes() == writes


def test_an_honest_record_costs_no_history(hub):
    there = hub.add()
    hub.commit(there, {ANSWERS_FILE: record("wine")})
    hub.commit(there, {"work.txt": "more\n"})
    assert hub.sync().state is State.OPENED
    (folder,) = (hub.folder / "fleet").rglob("wine.git")
    assert (folder / "shallow").is_file()


def test_a_record_that_was_never_right_is_one_row_that_failed(hub):
    there: Repository = hub.add()
    hub.commit(there, {ANSWERS_FILE: record("wine", edited="beer")})
    hub.commit(there, {"work.txt": "more\n"})
    with pytest.raises(InvalidDocument) as caught:
        hub.sync()
    assert "--rebase-from v1.0.0" in caught.value.hint
    assert SYNC not in there.branches
