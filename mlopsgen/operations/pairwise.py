"""All pairs: rows of options in which every two values of two factors meet at least once; always the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from random import Random

CANDIDATES = 40
Row = dict[str, object]
Pair = frozenset[tuple[str, object]]
Needs = Mapping[str, tuple[str, object]]


def all_pairs(factors: Mapping[str, Sequence[object]], needs: Needs, *, first: Sequence[Row] = ()) -> list[Row]:
    """Rows that cover every possible pair of values.

    Args:
        factors: The values of each factor; a factor that another one needs comes before it.
        needs: The factors that exist only where an earlier factor has one value; elsewhere a row lacks them.
        first: Rows (maybe partial) to begin with.
    """
    missing = {
        frozenset({(one, a), (two, b)})
        for one, two in combinations(factors, 2)
        for a, b in product(factors[one], factors[two])
        if _possible({one: a, two: b}, needs)
    }
    chance = Random(0)  # noqa: S311 - the same rows each time
    rows: list[Row] = []
    for start in first:
        rows.append(_complete(start, factors, needs, missing, chance))
        missing -= pairs_of(rows[-1])
    while missing:
        starts = chance.choices(sorted(missing, key=lambda pair: repr(sorted(pair, key=repr))), k=CANDIDATES)
        candidates = [_complete(dict(start), factors, needs, missing, chance) for start in starts]
        rows.append(max(candidates, key=lambda row: len(pairs_of(row) & missing)))
        missing -= pairs_of(rows[-1])
    return rows


def pairs_of(row: Row) -> set[Pair]:
    """Every two values that meet in a row."""
    return {frozenset(pair) for pair in combinations(row.items(), 2)}


def _possible(row: Row, needs: Needs) -> bool:
    full = _with_needs(row, needs)
    return all(full[needs[name][0]] == needs[name][1] for name in full if name in needs)


def _with_needs(row: Row, needs: Needs) -> Row:
    full = dict(row)
    for name in row:
        if name in needs:
            full.setdefault(*needs[name])
    return full


def _complete(
    start: Row, factors: Mapping[str, Sequence[object]], needs: Needs, missing: set[Pair], chance: Random
) -> Row:
    row = _with_needs(start, needs)
    names = [name for name in factors if name not in row]
    for name in chance.sample(names, len(names)):
        if name in row:
            continue
        needed = needs.get(name)
        if needed and row.setdefault(*needed) != needed[1]:
            continue  # the factor does not exist in this row

        def gain(value: object, name: str = name) -> int:
            return sum(frozenset({(name, value), other}) in missing for other in row.items())

        row[name] = max(factors[name], key=gain)
    return {name: row[name] for name in factors if name in row}
