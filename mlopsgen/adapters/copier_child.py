"""Lets copier render a template that runs code of its own; only ever a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlopsgen.adapters.child_frame import Refused, fix_chance, serve
from mlopsgen.adapters.copier_engine import run_copier
from mlopsgen.errors import MlopsgenError


def render(request: dict[str, Any]) -> dict[str, Any]:
    """Render a template.

    Raises:
        Refused: It cannot be rendered.
    """
    import subprocess  # noqa: PLC0415

    if request["again"]:
        fix_chance(Path(request["scratch"]), request["address"])
    try:
        run_copier(
            Path(request["template"]), request["address"], request["version"], request["answers"],
            Path(request["output"]), trusted=True,
        )  # fmt: skip
    except MlopsgenError as error:
        raise Refused(error.message, where=error.where, hint=error.hint) from error
    except (OSError, subprocess.SubprocessError, ImportError) as error:
        raise Refused(f"The template cannot be rendered: {str(error).rstrip('.')}.") from error
    return {}


if __name__ == "__main__":
    serve(render)
