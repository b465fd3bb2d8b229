"""Locks within a whole update: the merged tree and the commit that a person cherry-picks hold what was made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.constants import CANONICAL_TEMPLATE
from mlopsgen.sync.locking import Locker
from mlopsgen.sync.values import Why
from tests.lock_toys import environ, helpers
from tests.merge_toys import Owner, ToyTemplate
from tests.servers.packages import PackageIndex, package_index

SYNC = """\
version: 1
locks:
  - lock: [/requirements.txt, /requirements-linux.txt]
    from: [/requirements.in, /overrides.txt]
  - lock: [/requirements-dev.txt]
    from: [/requirements-dev.in, /requirements.in, /requirements.txt, /overrides.txt]
"""
LOCKS = ("requirements.txt", "requirements-linux.txt", "requirements-dev.txt")


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    with package_index() as running:
        for name in ("frame", "check", "boost", "more"):
            for version in ("1.0", "1.1"):
                running.add(name, version)
        yield running


def lock(index: PackageIndex, source: str, **versions: str) -> str:
    lines = [
        f"{name}=={version} \\\n    --hash=sha256:{index.hash_of(name, version)}\n{source}"
        for name, version in sorted(versions.items())
    ]
    return "".join(lines)


def version(index: PackageIndex, frame: str) -> dict[str, str]:
    """A version of the template that wants a version of ``frame``."""
    via = "    # via -r requirements.in\n"
    return {
        "Makefile": "lock: ready\n",
        "requirements.in": f"# What is needed.\nframe=={frame}\n\n# Your own:\n",
        "requirements.txt": lock(index, via, frame=frame),
        "requirements-linux.txt": lock(index, "", frame=frame),
        "requirements-dev.in": "-r requirements.in\n-c requirements.txt\ncheck==1.0\n",
        "requirements-dev.txt": lock(index, via, frame=frame, check="1.0"),
        **helpers(),
    }


@pytest.fixture
def owner(index: PackageIndex, tmp_path: Path) -> Owner:
    template = ToyTemplate(
        {"v1.0.0": version(index, "1.0"), "v1.1.0": version(index, "1.1")}, sync=SYNC, address=CANONICAL_TEMPLATE
    )
    # The record of a toy has a question that the built-in template does not have: it has no other than this one.
    template.copier = "project_name: {type: str, default: demo}\n"
    return Owner(tmp_path, template, environ(index, tmp_path))


@pytest.fixture
def locker(index: PackageIndex, tmp_path: Path) -> Locker:
    return Locker(environ(index, tmp_path), cache=tmp_path / "locks")


def test_locks_of_an_owner_who_added_nothing_are_the_templates(owner: Owner, locker: Locker) -> None:
    done = owner.update(locker=locker)
    assert {path: done.notes(path) for path in LOCKS} == {path: [Why.LOCK_TAKEN] for path in LOCKS}
    assert all(done.text(path) == owner.template.files["v1.1.0"][path] for path in LOCKS)


def test_a_lock_is_made_from_both_sides_requirements(owner: Owner, locker: Locker, tmp_path: Path) -> None:
    owner.write("requirements.in", owner.read("requirements.in") + "boost==1.0\n")
    owner.write("requirements.txt", "boost==1.0\n" + owner.read("requirements.txt"))
    done = owner.update(locker=locker)
    assert not done.update.conflicts
    assert {path: done.notes(path) for path in LOCKS} == {path: [Why.LOCK_MADE] for path in LOCKS}
    for path in LOCKS:
        assert "boost==1.0" in done.text(path)
        assert "frame==1.1" in done.text(path)
    # What a person gets who cherry-picks: the same files.
    owner.git.run("fetch", "--quiet", str(done.shop.path), done.update.theirs)
    owner.git.run("cherry-pick", done.update.theirs)
    assert owner.git.read("rev-parse", "HEAD^{tree}") == done.update.tree
    owner.take(done)
    assert owner.update(locker=locker).update.is_empty, "an update of an update is empty"


def test_a_lock_that_cannot_be_made_is_the_owners(owner: Owner) -> None:
    owner.write("requirements.in", owner.read("requirements.in") + "boost==1.0\n")
    before = {path: owner.read(path) for path in LOCKS}
    done = owner.update(locker=None)
    assert {path: done.text(path) for path in LOCKS} == before
    assert "frame==1.1" in done.text("requirements.in"), "the requirements are merged all the same"
    assert all(done.note(path).why is Why.LOCK_KEPT and "make lock" in done.note(path).detail for path in LOCKS)


def test_requirements_in_conflict_leave_the_locks_alone(owner: Owner, locker: Locker) -> None:
    owner.write("requirements.in", owner.read("requirements.in").replace("frame==1.0", "frame>=1,<2"))
    done = owner.update(locker=locker)
    assert [conflict.path for conflict in done.update.conflicts] == ["requirements.in"]
    assert done.note("requirements.txt").detail.startswith("requirements.in has conflicts")


def test_a_lock_that_the_owner_took_over_is_nobodys_matter(owner: Owner, locker: Locker) -> None:
    owner.own("requirements-linux.txt").write("requirements-linux.txt", "mine\n")
    owner.write("requirements.in", owner.read("requirements.in") + "boost==1.0\n")
    done = owner.update(locker=locker)
    assert done.text("requirements-linux.txt") == "mine\n"
    assert "boost==1.0" in done.text("requirements.txt")


def test_two_versions_at_once_are_one_after_the_other(index: PackageIndex, owner: Owner, locker: Locker) -> None:
    owner.write("requirements.in", owner.read("requirements.in") + "boost==1.0\n")
    start = owner.commit()
    owner.template.files["v1.2.0"] = version(index, "1.1") | {
        "requirements-dev.in": "-r requirements.in\n-c requirements.txt\ncheck==1.1\n",
        "requirements-dev.txt": lock(index, "    # via -r requirements.in\n", frame="1.1", check="1.1"),
    }
    at_once = owner.update(start, locker=locker)
    owner.take(owner.update(start, to="v1.1.0", locker=locker))
    assert owner.update(locker=locker).files() == at_once.files()


def test_what_made_locks_is_gone_afterwards(owner: Owner, locker: Locker, tmp_path: Path) -> None:
    owner.write("requirements.in", owner.read("requirements.in") + "boost==1.0\n")
    owner.update(locker=locker)
    assert not owner.git.read("status", "--porcelain", "--ignored")
