"""Keep what programs rely on in a released version: ``python tools/released_interface.py v0.3.0``.

Commands with their options, and error codes with their exit codes, as the code at that tag has them, go into
``tests/released/VERSION/interface.json``. A test compares each with the newest: the changelog says what goes away.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RELEASED = ROOT / "tests" / "released"


def interface() -> dict[str, Any]:
    """What the ``mlopsgen`` that can be imported here offers to programs."""
    from typer.main import get_command  # noqa: PLC0415 - together with the mlopsgen that is meant

    package = importlib.import_module("mlopsgen")
    for module in pkgutil.walk_packages(package.__path__, "mlopsgen."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    errors = importlib.import_module("mlopsgen.errors")
    kinds, codes = [errors.MlopsgenError], {}
    while kinds:
        kind = kinds.pop()
        codes[kind.code] = int(kind.exit_code)
        kinds += kind.__subclasses__()
    line = importlib.import_module("mlopsgen.cli.main")
    commands = {"mlopsgen": _options(get_command(line.app))}
    for verb, place in line.VERBS.items():
        command = get_command(importlib.import_module(place.module).app)
        commands[f"mlopsgen {verb}"] = _options(command)
        for under, inner in getattr(command, "commands", {}).items():
            commands[f"mlopsgen {verb} {under}"] = _options(inner)
    return {"commands": dict(sorted(commands.items())), "errors": dict(sorted(codes.items()))}


def _options(command: Any) -> list[str]:
    return sorted(word for one in command.params for word in (*one.opts, *one.secondary_opts) if word.startswith("-"))


def write(version: str) -> Path:
    """Write the interface of a released version."""
    with tempfile.TemporaryDirectory() as scratch:
        clone = ["git", "clone", "--quiet", "--branch", version, "-c", "advice.detachedHead=false", str(ROOT), scratch]
        subprocess.run(clone, check=True)
        told = subprocess.run(
            [sys.executable, __file__, "--print"],
            cwd=scratch,
            env={"PYTHONPATH": scratch},
            check=True,
            capture_output=True,
        )
    path = RELEASED / version / "interface.json"
    path.write_text(json.dumps(json.loads(told.stdout), indent=1) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        print(json.dumps(interface()))
    elif len(sys.argv) == 2:
        print(f"{write(sys.argv[1]).relative_to(ROOT)} written")
    else:
        sys.exit("usage: tools/released_interface.py VERSION   (a tag)")
