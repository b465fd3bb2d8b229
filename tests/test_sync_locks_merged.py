"""Locks in a whole update: made again from what was merged, and part of what a cherry-pick brings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.sync import trees
from mlopsgen.sync.locking import Locker
from mlopsgen.sync.values import Why
from tests.lock_toys import environ as for_uv
from tests.merge_toys import Owner, ToyTemplate
from tests.servers.packages import PackageIndex, package_index

SYNC = "version: 1\nlocks: [{lock: [requirements.txt], from: [requirements.in]}]\n"
FIRST = {"requirements.in": "frame==1.0\n\n\nlast\n", "requirements.txt": "frame==1.0\nlast==1.0\n"}
SECOND = {"requirements.in": "frame==2.0\n\n\nlast\n", "requirements.txt": "frame==2.0\nlast==1.0\n"}


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    with package_index() as running:
        for name, version in (("frame", "1.0"), ("frame", "2.0"), ("last", "1.0"), ("last", "1.1"), ("boost", "3.0")):
            running.add(name, version)
        yield running


@pytest.fixture
def locker(index: PackageIndex, tmp_path: Path) -> Locker:
    return Locker(for_uv(index, tmp_path), cache=tmp_path / "locks")


@pytest.fixture
def owner(tmp_path: Path, environ: dict[str, str]) -> Owner:
    return Owner(tmp_path / "toy", ToyTemplate({"v1": dict(FIRST), "v2": dict(SECOND)}, SYNC), environ)


def test_a_lock_is_made_again_from_the_merged_requirements(owner: Owner, locker: Locker) -> None:
    owner.write("requirements.in", FIRST["requirements.in"] + "boost\n")
    done = owner.write("requirements.txt", FIRST["requirements.txt"] + "boost==3.0\n").update(locker=locker)
    assert not done.update.conflicts
    assert done.text("requirements.in") == SECOND["requirements.in"] + "boost\n"
    pins = {line for line in done.text("requirements.txt").splitlines() if "==" in line}
    assert pins == {"frame==2.0", "last==1.0", "boost==3.0"}
    assert done.notes("requirements.txt") == [Why.LOCK_MADE]
    brought = trees.listing(done.shop, done.update.theirs)
    assert brought["requirements.txt"] == done.entries()["requirements.txt"]
    assert "requirements.txt" in done.kinds()
    assert owner.take(done).update(locker=locker).update.is_empty


def test_requirements_in_conflict_keep_the_lock_and_say_so(owner: Owner, locker: Locker) -> None:
    owner.write("requirements.in", FIRST["requirements.in"].replace("1.0", "1.5"))
    done = owner.write("requirements.txt", "frame==1.5\nlast==1.0\n").update(locker=locker)
    assert [conflict.path for conflict in done.update.conflicts] == ["requirements.in"]
    assert done.text("requirements.txt") == "frame==1.5\nlast==1.0\n"
    assert done.notes("requirements.txt") == [Why.LOCK_KEPT]
    assert "requirements.in has conflicts" in done.note("requirements.txt").detail
