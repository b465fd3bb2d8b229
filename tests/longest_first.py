"""The longest tests begin first, one on each worker, so that none of them is left alone at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

LONGEST = (
    "tests/test_rendering_matrix.py::test_a_fresh_clone_passes_all_checks",
    "tests/test_tutorials_laptop.py::test_own_data_and_promotion",
    "tests/test_tutorials_kubeflow.py",
    "tests/test_tutorials_hosted.py",
    "tests/test_tutorials_laptop.py::test_the_first_model",
    "tests/test_docs_site.py::test_it_builds_without_a_single_warning",
    "tests/test_push_killed.py",
    "tests/test_example.py",
    "tests/test_organisation_fleet.py",
)
"""Beginnings of what pytest calls them, the longest first; they take from 30 seconds to some minutes of CPU time."""


def arranged(items: Sequence[Item], names: Sequence[str], workers: int) -> list[Item]:
    """The items in an order whose parts, one for each worker, begin with the longest ones; else it stays as it is.

    Args:
        items: The tests.
        names: Their names, in the same order.
        workers: Among whom ``--dist worksteal`` divides the order into parts of one size.
    """
    ranks = [next((rank for rank, long in enumerate(LONGEST) if name.startswith(long)), None) for name in names]
    heads: list[list[tuple[int, Item]]] = [[] for _ in range(workers)]
    others: list[Item] = []
    for rank, item in zip(ranks, items, strict=True):
        if rank is None:
            others.append(item)
        else:
            heads[rank % workers].append((rank, item))
    found: list[Item] = []
    for number, head in enumerate(heads):
        left = workers - number
        size = (len(items) - len(found)) // left
        found += [item for _, item in sorted(head, key=lambda one: one[0])]
        rest = size - len(head) if left > 1 else len(others)
        found += others[: max(0, rest)]
        del others[: max(0, rest)]
    return found
