"""A plan for GitHub as a table: what is made, changed, kept for a reason and cannot be had, and why."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace

from mlopsgen.cli.console import style
from mlopsgen.forge.values import Kind
from mlopsgen.remote.plan import Act, Item, Plan

_SIGNS = {Act.CREATE: ("+", "green"), Act.CHANGE: ("~", "yellow"), Act.KEEP: ("=", "dim"), Act.CANNOT: ("!", "red")}
_ACTIONS = {"actions", "allowed-actions", "workflow-token", "fork-approval", "vulnerability-alerts", "security-updates"}
_SETTINGS = {
    "about": "page",
    "merging": "pull requests",
    "actions": "actions",
    "allowed-actions": "allowed actions",
    "workflow-token": "workflows' token",
    "fork-approval": "runs from forks",
    "vulnerability-alerts": "vulnerability alerts",
    "security-updates": "security updates",
    "default-branch": "default branch",
}
_SECTIONS = {
    Kind.REPOSITORY: "Repository",
    Kind.SETTING: "Repository",
    Kind.LABEL: "Repository",
    Kind.VARIABLE: "Repository",
    Kind.SECRET: "Repository",
    Kind.RUNNER: "Own machines",
    Kind.BRANCH: "Branches and their protection",
    Kind.RULESET: "Branches and their protection",
}
_KINDS = {Kind.POLICY: "branch", Kind.REMOTE: "git remote", Kind.UPSTREAM: "upstream of", Kind.TRACKING: "file"}
_WIDEST_NAME = 34
_NARROWEST_TEXT = 30


def draw_plan(plan: Plan, *, width: int, colour: bool) -> list[str]:
    """The plan's lines.

    Args:
        plan: What would be done.
        width: Columns of the terminal.
        colour: Whether it takes colours.
    """
    sections: dict[str, list[Item]] = {}
    for item in plan.items:
        sections.setdefault(_section(item), []).append(item)
    lines: list[str] = []
    widest = min(_WIDEST_NAME, width // 3)
    column = max(
        (len(name) for item in plan.items if _is_shown(item) and len(name := _name(item)) <= widest), default=0
    )
    for title in sorted(sections, key=_order):
        shown = sorted(filter(_is_shown, sections[title]), key=_rank)
        if shown:
            lines += ["", style(title, "bold", colour=colour)]
            before = ("", *(item.hint for item in shown))
            for hint, item in zip(before, shown, strict=False):
                # What waits for the line above has the same next step.
                told = replace(item, hint="") if item.hint == hint else item
                lines += _lines(told, column, width, colour)
    return [*lines, "", *_counts(plan, width)]


def _is_shown(item: Item) -> bool:
    return item.act is not Act.KEEP or bool(item.reason)


def _lines(item: Item, column: int, width: int, colour: bool) -> Iterator[str]:
    sign, look = _SIGNS[item.act]
    name = _name(item)
    margin = column + 6
    text = [item.detail] if item.detail else []
    if item.act is Act.CANNOT:
        text.append(f"cannot, because {item.reason}")
        text += [f"instead: {item.instead}"] if item.instead else []
        text += [f"next: {item.hint}"] if item.hint else []
    elif item.reason:
        text.append(item.reason)
    wrapped = [line for part in text for line in _wrapped(part, width - margin)]
    first, rest = (wrapped[0], wrapped[1:]) if wrapped else ("", [])
    if len(name) > column:
        yield f"  {style(sign, look, colour=colour)} {name}"
        rest = wrapped
    else:
        yield f"  {style(sign, look, colour=colour)} {name:<{column}}  {first}".rstrip()
    yield from (f"{'':<{margin}}{line}" for line in rest)


def _wrapped(text: str, width: int) -> list[str]:
    # Addresses and commands stay whole, so that they can be copied.
    return textwrap.wrap(text, max(width, _NARROWEST_TEXT), break_long_words=False, break_on_hyphens=False)


def _section(item: Item) -> str:
    if item.kind is Kind.ENVIRONMENT or item.scope:
        return f"Environment {item.scope or item.name}"
    if item.kind is Kind.SETTING and item.name in _ACTIONS:
        return "Actions and security"
    return _SECTIONS.get(item.kind, "This folder")


def _order(section: str) -> tuple[int, str]:
    order = ("Repository", "Actions and security", "Environment", "Own machines", "Branches and their protection")
    names = ("development", "staging", "production")
    if section.startswith("Environment"):
        name = section.removeprefix("Environment ")
        number = next((n for n, branch in enumerate(names) if name.startswith(branch)), len(names))
        return order.index("Environment"), f"{number}{name}"
    return (order.index(section) if section in order else len(order)), section


def _rank(item: Item) -> int:
    """Settings that belong together stand together; everything else keeps the order in which it is done."""
    names = list(_SETTINGS)
    return names.index(item.name) if item.kind is Kind.SETTING and item.name in names else -1


def _name(item: Item) -> str:
    if item.kind is Kind.ENVIRONMENT:
        return item.name.replace("_", " ") if item.scope else "approval and branches"
    if item.kind is Kind.SETTING:
        return _SETTINGS.get(item.name, item.name)
    return f"{_KINDS.get(item.kind, item.kind.value)} {item.name}"


def _counts(plan: Plan, width: int) -> list[str]:
    number = {act: sum(1 for item in plan.items if item.act is act) for act in Act}
    made = f"{number[Act.CREATE]} to create, {number[Act.CHANGE]} to change"
    return _wrapped(f"{made}, {number[Act.KEEP]} kept, {number[Act.CANNOT]} that cannot be done.", width)
