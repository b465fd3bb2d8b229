"""A plan in words."""

from __future__ import annotations

from mlopsgen.remote.plan import Act, Item, Plan


def plan_lines(plan: Plan) -> list[str]:
    """The plan for people: what changes, what cannot be done and what is left alone for a reason; the rest counted."""
    signs = {Act.CREATE: "+", Act.CHANGE: "~", Act.CANNOT: "!", Act.KEEP: "="}
    lines = [f"  {signs[item.act]} {_words(item)}" for item in plan.items if item.act is not Act.KEEP or item.reason]
    kept = sum(1 for item in plan.items if item.act is Act.KEEP and not item.reason)
    return [*lines, f"  = {kept} more are as they should be"] if kept else lines


def _words(item: Item) -> str:
    scope = f"{item.scope}/" if item.scope else ""
    text = f"{item.kind.value:<12}{scope}{item.name}  {item.detail}".rstrip()
    return f"{text}  ({item.reason})" if item.reason else text
