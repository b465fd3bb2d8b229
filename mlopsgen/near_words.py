"""The word that was most likely meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], *, like: float = 0.6) -> str:
    """The known word that is most like another one, whatever their case; empty if none is near.

    Args:
        word: What somebody wrote.
        known: What could be meant.
        like: How much the two have to be alike, from 0 to 1.
    """
    import difflib  # noqa: PLC0415 - most runs need it for nothing

    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=like)
    return by_lower[near[0]] if near else ""
