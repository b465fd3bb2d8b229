"""A long page begins with its contents where the window is too narrow for the list beside it."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

LONG = 5_000
"""So many letters are about three screens."""
FEWEST = 3


def _add(_: Sphinx, page: str, __: str, context: dict[str, Any], ___: object) -> None:
    body, contents = context.get("body", ""), context.get("toc", "")
    inner = re.search(r"(?s)<ul>.*?(<ul>.*</ul>).*</ul>", contents)
    is_long = len(re.sub(r"<[^>]*>", "", body)) > LONG and contents.count("<li>") > FEWEST
    if inner and is_long and not page.startswith("reference/python/"):
        box = f'<details class="on-this-page"><summary>On this page</summary>{inner[1]}</details>'
        context["body"] = body.replace("</h1>", f"</h1>\n{box}", 1)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register it with Sphinx."""
    app.connect("html-page-context", _add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
