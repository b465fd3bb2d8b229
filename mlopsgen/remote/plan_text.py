"""A plan in words, as a person reads it before saying yes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mlopsgen.constants import BRANCHES
from mlopsgen.forge.values import Kind
from mlopsgen.remote.plan import Act, Item, Plan
from mlopsgen.remote.words import called

SIGNS = {Act.CREATE: "+", Act.CHANGE: "~", Act.CANNOT: "!", Act.KEEP: "="}
"""What each line of a plan begins with."""

_SMALLEST, _NARROW = 40, 72
_LONGEST_NAME = 24
_LONGEST_VALUE = 160
_BRANCHES = (Kind.BRANCH, Kind.RULESET)
_CLONE = (Kind.REMOTE, Kind.UPSTREAM, Kind.TRACKING)
_UNDER = " " * 6
_KINDS = max(len(kind.value) for kind in Kind)


def plan_lines(plan: Plan, *, width: int = 100) -> list[str]:
    """The plan for people: what changes, what cannot be done and what is left alone for a reason; the rest counted.

    Args:
        plan: The plan.
        width: Columns that a line may take.
    """
    width = max(width, _SMALLEST)
    shown = [item for item in plan.items if item.act is not Act.KEEP or item.reason]
    names = min(max((len(_named(item)) for item in shown), default=0), _LONGEST_NAME, width // 3)
    lines: list[str] = []
    told: Item | None = None
    for title, items in _groups(shown):
        lines += ["", title] if lines else [title]
        for item in items:
            lines += _item_lines(_silent(item, told), names, width)
            told = item if item.act is Act.CANNOT else told
    missing = [item for item in shown if _lacks_value(item)]
    values = [*_fill(_VALUES, width, indent="  "), ""] if missing else []
    return [*lines, *([""] if lines else []), *values, *_fill(_counts(plan), width, indent="  ")]


_VALUES = (
    "Secrets without a value: everything else is made; what needs them fails until they are set. "
    "'mlopsgen secrets set' asks for them."
)


def _lacks_value(item: Item) -> bool:
    return item.kind is Kind.SECRET and item.act is Act.CANNOT and item.hint.startswith("mlopsgen secrets set")


def _silent(item: Item, told: Item | None) -> Item:
    """The item without what another line tells; ``told`` is the nearest one above that cannot be done."""
    if _lacks_value(item):
        return replace(item, detail=f"{item.detail} (no value yet)", reason="", instead="", hint="")
    if told is None or item.act is not Act.CANNOT or item.hint != told.hint:
        return item
    if (item.reason, item.instead) != (told.reason, told.instead):
        return replace(item, hint="")
    return replace(item, reason="as above", instead="", hint="")


def _named(item: Item) -> str:
    return printable(called(item.kind, item.name))


def printable(text: str) -> str:
    """A text from anywhere on one line, without anything that a terminal would act on."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def _groups(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    groups: dict[str, list[Item]] = {"The repository": []}
    for item in items:
        groups.setdefault(_title(item), []).append(item)
    last = [title for title in (_BRANCHES_TITLE, _CLONE_TITLE) if title in groups]
    environments = sorted((title for title in groups if title.startswith(_ENVIRONMENT)), key=_order)
    first = ["The repository", *([_ACTIONS_TITLE] if _ACTIONS_TITLE in groups else [])]
    return ((title, groups[title]) for title in (*first, *environments, *last) if groups[title])


def _order(title: str) -> tuple[int, str]:
    """Environments in the order of promotion, each one's companions behind it."""
    name = title.removeprefix(_ENVIRONMENT)
    branch = next((branch for branch in BRANCHES if name == branch or name.startswith(f"{branch}-")), "")
    return (BRANCHES.index(branch) if branch else len(BRANCHES), name)


_ACTIONS_TITLE = "Actions and security"
_ACTIONS = {"actions", "allowed-actions", "workflow-token", "fork-approval", "vulnerability-alerts", "security-updates"}
_BRANCHES_TITLE, _CLONE_TITLE, _ENVIRONMENT = "Branches", "This clone", "Environment "


def _title(item: Item) -> str:
    if item.kind in _BRANCHES or (item.kind is Kind.SETTING and item.name == "default-branch"):
        return _BRANCHES_TITLE
    if item.kind is Kind.SETTING and item.name.partition(": ")[0] in _ACTIONS:
        return _ACTIONS_TITLE
    if item.kind in _CLONE:
        return _CLONE_TITLE
    if item.scope:
        return f"{_ENVIRONMENT}{printable(item.scope)}"
    return f"{_ENVIRONMENT}{printable(item.name)}" if item.kind is Kind.ENVIRONMENT else "The repository"


def _item_lines(item: Item, names: int, width: int) -> list[str]:
    name, detail = _named(item), _cut(printable(item.detail), _LONGEST_VALUE)
    head = f"  {SIGNS[item.act]} {item.kind.value:<{_KINDS}} {name:<{names}}"
    indent = " " * (_KINDS + names + 7)
    if not detail:
        lines = _fill(head.rstrip(), width, indent=_UNDER, first="")
    elif len(name) > names or width < _NARROW or max(map(len, detail.split()), default=0) > width - len(indent):
        lines = [*_fill(head.rstrip(), width, indent=_UNDER, first=""), *_fill(detail, width, indent=_UNDER)]
    else:
        lines = _fill(detail, width, indent=indent, first=f"{head}  ")
    why = "because" if item.act is Act.CANNOT else "note"
    for label, text in ((why, item.reason), ("instead", item.instead), ("next", item.hint)):
        if text:
            lines += _fill(printable(text), width, indent=" " * 15, first=f"      {label + ':':<9}")
    return lines


def _counts(plan: Plan) -> str:
    kept = [item for item in plan.items if item.act is Act.KEEP]
    optional = sum(1 for item in kept if item.kind is Kind.SECRET and item.detail.startswith("not set"))
    missing = sum(1 for item in plan.blocked if _lacks_value(item))
    counts = (
        (sum(1 for item in plan.changes if item.act is Act.CREATE), "to create (+)"),
        (sum(1 for item in plan.changes if item.act is Act.CHANGE), "to change (~)"),
        (len(plan.blocked) - missing, "cannot be done (!)"),
        (missing, "secrets without a value (!)" if missing != 1 else "secret without a value (!)"),
        (sum(1 for item in kept if item.reason), "left as found (=)"),
        (sum(1 for item in kept if not item.reason) - optional, "as they should be"),
        (optional, "optional secrets not set" if optional != 1 else "optional secret not set"),
    )
    text = ", ".join(f"{count} {words}" for count, words in counts if count) or "nothing to do"
    loose = sum(1 for item in plan.changes if item.loosens)
    if loose:
        text += f". Mind: {'1 change gives' if loose == 1 else f'{loose} changes give'} away protection"
    return f"{text}."


def _fill(text: str, width: int, *, indent: str, first: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        width=width,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
