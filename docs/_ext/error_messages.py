"""The pages of messages, written before Sphinx looks for pages, and what the search page knows besides its index.

That is each message with its place, and the first sentences of each page: read from a folder (``file://``), a page may
not look into others.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import mlopsgen

sys.path.append(str(Path(mlopsgen.__file__).parents[1] / "tools"))

from reference import messages

SCRIPTS = ("known_messages.js", "search_messages.js")
NO_SENTENCE = ("#", "<", "```", "|", "-", ":", "=", "tocdepth")
LONGEST = 200


def beginning(text: str) -> str:
    """The first paragraph of a page, as plain text."""
    parts = (part.strip() for part in re.split(r"\n[ \t]*\n", text))
    found = next((part for part in parts if part and not part.startswith(NO_SENTENCE)), "")
    plain = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", " ".join(found.split())).replace("**", "").replace("`", "")
    return plain if len(plain) <= LONGEST else plain[:LONGEST].rpartition(" ")[0] + " \u2026"


def _write(app: Sphinx) -> None:
    messages.write(Path(app.srcdir) / "reference" / "messages")


def _scripts(app: Sphinx, page: str, *_: Any) -> None:
    if page == "search":
        for name in SCRIPTS:
            app.add_js_file(name, loading_method="defer")


def _tell(app: Sphinx, failed: Exception | None) -> None:
    if failed is not None or app.builder.format != "html":
        return
    pages = {name: Path(app.env.doc2path(name)).read_text(encoding="utf-8") for name in sorted(app.env.found_docs)}
    begin = {name: said for name, text in pages.items() if (said := beginning(text))}
    told = f"var MESSAGES = {json.dumps(messages.places())};\nvar BEGINNINGS = {json.dumps(begin)};\n"
    (Path(app.outdir) / "_static" / SCRIPTS[0]).write_text(told, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register it with Sphinx."""
    app.connect("builder-inited", _write)
    app.connect("html-page-context", _scripts)
    app.connect("build-finished", _tell)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
