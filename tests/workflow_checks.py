"""Programs by others that judge workflow files; each gives its findings as lines, none when all is well."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tools.workflow_tools import node

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "build" / "workflow-tools"
PERSONAS = ("regular", "pedantic", "auditor")


def language_service(files: Iterable[Path]) -> list[str]:
    """What GitHub's own language service finds: syntax, keys, expressions, contexts, needs, outputs."""
    found = json.loads(_run([str(node()), str(_tool("lint.mjs")), *map(str, files)], codes={0}))
    return [f"{Path(one['file']).name}:{one['line']}: {one['message']}" for one in found]


def actionlint(folder: Path, files: Iterable[Path], *, shellcheck: bool = True) -> list[str]:
    """What actionlint finds, and shellcheck in the scripts of steps; the folder's configuration names own labels."""
    script = str(Path(sys.executable).with_name("shellcheck")) if shellcheck else ""
    command = [str(_tool("actionlint")), "-no-color", "-oneline", "-pyflakes=", f"-shellcheck={script}"]
    config = folder / ".github" / "actionlint.yaml"
    return _run([*command, "-config-file", str(config), *map(str, files)], codes={0, 1}).splitlines()


def zizmor(folders: Iterable[Path], persona: str, *, config: Path | None = None) -> list[str]:
    """What zizmor finds in the files below folders: security, as a persona of it sees it."""
    program = Path(sys.executable).with_name("zizmor")
    command = [str(program), "--offline", "--no-progress", "--persona", persona, "--format", "json"]
    options = ["--config", str(config)] if config else ["--no-config"]
    found = json.loads(_run([*command, *options, *map(str, folders)], codes={0, *range(10, 15)}))
    return [f"{one['ident']}: {one['locations'][0]['symbolic']['key']}: {one['desc']}" for one in found]


def _tool(name: str) -> Path:
    path = TOOLS / name
    assert path.is_file(), f"{path} is missing; 'make workflow-tools' makes it"
    return path


def _run(command: list[str], *, codes: set[int]) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )
    assert done.returncode in codes, f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout
