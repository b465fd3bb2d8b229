"""A fleet as a table: what needs a person first; narrow terminals get the same in lines below each other."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import groupby

from mlopsgen.cli.console import style
from mlopsgen.operations.fleet_progress import words_of
from mlopsgen.operations.fleet_rows import Row, State
from mlopsgen.operations.wording import template_name

FOLDED = 20
"""So many repositories that need nobody are listed; more of one kind are counted."""
_GAP = "   "
_ATTENTION = {State.FAILED, State.CONFLICTS, State.WORKED_ON}
_COLOURS = {
    State.FAILED: "red",
    State.CONFLICTS: "yellow",
    State.WORKED_ON: "yellow",
    State.OPENED: "green",
    State.UPDATED: "green",
    State.PUSHED: "green",
    State.BEHIND: "cyan",
}
_RESTING = {State.CURRENT, State.LEFT, State.ARCHIVED, State.READ_ONLY, State.DISABLED, State.EMPTY}
_MOST_FILES = 5


def fleet_lines(rows: Sequence[Row], *, width: int, colour: bool) -> list[str]:
    """The lines of the table.

    Args:
        rows: The repositories.
        width: Columns of the terminal.
        colour: Whether it takes colours.
    """
    order = list(State)
    shown: list[Row] = []
    counted: list[str] = []
    for state, group in groupby(sorted(rows, key=lambda row: order.index(row.state)), key=lambda row: row.state):
        found = sorted(group, key=lambda row: row.repository.lower())
        if state in _RESTING and len(found) > FOLDED:
            counted.append(f"  {len(found)} repositories: {words_of(found[0])}   ('--output json' lists them)")
        else:
            shown += found
    columns = [max(map(len, cells)) for cells in zip(*map(_cells, shown), strict=True)]
    fits = sum(columns) + 2 + len(_GAP) * (len(columns) - 1) <= width
    lines = []
    for row in shown:
        lines += _wide(row, columns, width, colour=colour) if fits else _narrow(row, width, colour=colour)
    return [*lines, *counted]


def _cells(row: Row) -> tuple[str, str, str]:
    """Repository, versions, how it stands; what is long has a line of its own."""
    words = "failed" if row.state is State.FAILED else words_of(row)
    if row.state in (State.BEHIND, State.OPENED, State.UPDATED, State.OPEN) and row.changes:
        words += f", {row.changes} file{'s' * (row.changes != 1)}"
    return row.repository, _versions(row), words


def _versions(row: Row) -> str:
    versions = row.start or row.end or "-"
    if row.start and row.end and row.start != row.end:
        versions = f"{row.start} -> {row.end}"
    return f"{template_name(row.template)} {versions}".lstrip()


def _wide(row: Row, columns: Sequence[int], width: int, *, colour: bool) -> list[str]:
    name, versions, words = _cells(row)
    head = f"  {name:<{columns[0]}}{_GAP}{versions:<{columns[1]}}{_GAP}"
    page = row.pull_request.page if row.pull_request is not None else ""
    plain = f"{head}{words:<{columns[2]}}{_GAP}{page}"
    beside = bool(page) and len(plain) <= width
    shown = style(words, _COLOURS[row.state], colour=colour) if row.state in _COLOURS else words
    padding = " " * (columns[2] - len(words))
    first = f"{head}{shown}{padding}{_GAP}{page}" if beside else f"{head}{shown}"
    return [first, *_below(row, width, page="" if beside else page)]


def _narrow(row: Row, width: int, *, colour: bool) -> list[str]:
    name, versions, words = _cells(row)
    shown = style(words, _COLOURS[row.state], colour=colour) if row.state in _COLOURS else words
    page = row.pull_request.page if row.pull_request is not None else ""
    return [f"  {name}", f"    {versions}  {shown}", *_below(row, width, page=page)]


def _below(row: Row, width: int, *, page: str) -> list[str]:
    """What a person has to know of a repository that needs one."""
    if row.state not in _ATTENTION:
        return [f"    {page}"] if page and row.state is State.OPENED else []
    lines = [f"    {page}"] if page else []
    if row.conflicts:
        more = len(row.conflicts) - _MOST_FILES
        names = [*row.conflicts[:_MOST_FILES], *([f"and {more} more"] if more > 0 else [])]
        lines += _wrapped(", ".join(names), width)
        return lines
    if row.reason:
        lines += _wrapped(row.reason, width)
    if row.hint:
        lines += _wrapped(f"next: {row.hint}", width)
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        max(width - 1, 20),
        initial_indent="    ",
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )
