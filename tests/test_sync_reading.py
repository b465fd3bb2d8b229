"""Updates in a clone without contents: what is needed is brought in one go, and nothing else is ever asked for."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from mlopsgen.adapters.git import GitRepository
from mlopsgen.sync import trees
from mlopsgen.sync.settings_changes import settings_changes
from mlopsgen.sync.update import UpdateRequest, prepare
from mlopsgen.sync.values import Why
from tests.merge_toys import Content, Done, Owner, ToyTemplate

SYNC = """
version: 1
seeded: [/steps/]
managed: [/helpers/]
locks: [{lock: [requirements.txt], from: [requirements.in]}]
"""
TEN = "".join(f"line {number}\n" for number in range(10))
FIRST: dict[str, Content] = {
    "Makefile": TEN, "moved.txt": TEN + "moved\n", "helpers/a.py": TEN + "a\n", "helpers/same.py": TEN + "same\n",
    "steps/s.py": TEN + "s\n", "quiet.txt": TEN + "quiet\n", "requirements.in": "a\n", "requirements.txt": "a==1\n",
}  # fmt: skip
SECOND: dict[str, Content] = {
    **FIRST, "Makefile": TEN + "more\n", "moved.txt": TEN + "moved\nmore\n", "helpers/a.py": TEN + "a\nmore\n",
    "steps/s.py": "s\n", "requirements.txt": "a==2\n",
}  # fmt: skip


class Blobless(GitRepository):
    """A bare clone without contents, whose origin nobody can reach but the one who knows where it is."""

    def __init__(self, folder: Path, owner: Owner, commit: str) -> None:
        folder.mkdir()
        super().__init__(folder, owner.git._environ)
        self.asked: list[set[str]] = []
        self._origin = f"file://{owner.root}"
        for line in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            owner.git.run("config", line, "true")
        self.run("init", "--quiet", "--bare", "--template=")
        (folder / "objects/info/alternates").write_text(f"{owner.renders.objects}\n")
        self.run("remote", "add", "origin", "/nowhere")
        for key, value in (("promisor", "true"), ("partialclonefilter", "blob:none")):
            self.run("config", f"remote.origin.{key}", value)
        self._bring("--depth=1", "--filter=blob:none", self._origin, commit)

    def _bring(self, *words: str) -> None:
        self.run("-c", f"remote.origin.url={self._origin}", "fetch", "--quiet", *words)

    def fetch(self, ids: Collection[str]) -> None:
        self.asked.append(set(ids))
        self._bring("--filter=blob:none", "--no-tags", self._origin, *sorted(ids))


def blob(repository: GitRepository, commit: str, path: str) -> str:
    return trees.listing(repository, commit)[path].blob


@pytest.fixture
def owner(tmp_path: Path, environ: dict[str, str]) -> Owner:
    return Owner(tmp_path / "toy", ToyTemplate({"v1": FIRST, "v2": SECOND}, SYNC), environ)


def test_one_fetch_brings_what_is_needed_and_git_asks_for_nothing_itself(owner: Owner, tmp_path: Path) -> None:
    owner.write("Makefile", "mine\n" + TEN).write("helpers/a.py", TEN + "mine\n").write("steps/s.py", "mine s\n")
    owner.write("requirements.in", "a\nmine\n").write("requirements.txt", "a==1\nmine==1\n")
    owner.move("moved.txt", "away/moved.txt").write("away/moved.txt", TEN + "mine\nmoved\n")
    owner.write("quiet.txt", "mine alone\n").write("helpers/same.py", "edited\n").write(".github/remote.yaml", "{}\n")
    commit = owner.commit()
    tiny = Blobless(tmp_path / "tiny.git", owner, commit)
    owner.renders.tree("v1", {"name": "toy"})
    owner.renders.tree("v2", {"name": "toy"})
    update = prepare(tiny, commit, UpdateRequest(fetch=tiny.fetch), owner.template, owner.renders)
    done = Done(tiny, update)
    assert not update.conflicts
    assert done.text("Makefile") == f"mine\n{TEN}more\n"
    assert done.text("away/moved.txt") == f"{TEN}mine\nmoved\nmore\n"
    assert done.notes("requirements.txt") == [Why.LOCK_KEPT]
    assert "+mine" in done.note("helpers/a.py").diff
    assert settings_changes(tiny, commit, update.tree, update.answers, update.answers)
    record, everything = tiny.asked
    assert record == {blob(tiny, commit, ".copier-answers.yml")}
    assert everything == {
        blob(tiny, commit, path)
        for path in ("Makefile", "helpers/a.py", "helpers/same.py", "requirements.in", "requirements.txt",
                     "away/moved.txt", ".github/remote.yaml")
    }  # fmt: skip


def test_a_repository_without_edits_needs_its_record_alone(owner: Owner, tmp_path: Path) -> None:
    commit = owner.commit()
    tiny = Blobless(tmp_path / "tiny.git", owner, commit)
    for version in ("v1", "v2"):
        owner.renders.tree(version, {"name": "toy"})
    update = prepare(tiny, commit, UpdateRequest(fetch=tiny.fetch), owner.template, owner.renders)
    assert {change.path for change in update.changes} > {"Makefile", "helpers/a.py", "requirements.txt"}
    assert len(tiny.asked) == 1
