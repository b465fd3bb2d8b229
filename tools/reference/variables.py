"""``environment.md``: the environment variables that the tool and a generated repository read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from reference import needs
from reference.markdown import GENERATED, code, joined, prose, table

TABLE = Path(__file__).with_name("variables.yaml")

HEAD = f"""# Environment variables

What the tool reads of its surroundings, and what a generated repository reads when it trains. None is needed to begin.

{GENERATED}
"""


def groups() -> dict[str, dict[str, Any]]:
    """The table as it is written down, with the purposes that the tool knows filled in."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    known = needs.purposes()
    for group in found.values():
        group["variables"] = {name: text or known[name] for name, text in group["variables"].items()}
    return found


def page() -> str:
    """The page."""
    parts = [HEAD]
    for title, group in groups().items():
        rows = [(code(name), prose(text)) for name, text in group["variables"].items()]
        parts += [f"## {title}", prose(group.get("about", "")), table(("variable", "meaning"), rows)]
    return joined(*parts)
