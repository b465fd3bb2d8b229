"""Words that the results of several operations share."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """A number with its noun: one change, two changes."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
