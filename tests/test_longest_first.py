"""The order of the tests: nothing is lost, and each worker begins with something long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.longest_first import LONGEST, arranged

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 20])
def test_each_worker_begins_with_something_long_and_nothing_is_lost(workers: int) -> None:
    names = [f"tests/test_small.py::test_{number}" for number in range(100)]
    names[5::11] = [f"{name}::one" for name in LONGEST]
    found = arranged(names, names, workers)
    assert sorted(found) == sorted(names)
    starts = [len(names) * number // workers for number in range(workers)]
    assert [found[start].removesuffix("::one") for start in starts[: len(LONGEST)]] == list(LONGEST[:workers])
    small = [name for name in names if "small" in name]
    assert [name for name in found if "small" in name] == small


def test_what_is_called_long_is_there() -> None:
    for name in LONGEST:
        path, _, function = name.partition("::")
        assert f"def {function or 'test_'}" in (ROOT / path).read_text(encoding="utf-8")
