"""Writes the pages of the Python modules before Sphinx looks for pages; ``tools/reference`` makes them."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

import mlopsgen

sys.path.insert(0, str(Path(mlopsgen.__file__).parents[1] / "tools"))

from reference.python_pages import write


def _write(app: Sphinx) -> None:
    write(Path(app.srcdir) / "reference" / "python")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register it with Sphinx."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
