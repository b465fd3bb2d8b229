"""A runner's program that tells what it was given, and the script started as an ordinary user."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

CONFIG = """#!/usr/bin/env bash
{ printf 'argument %s\\n' "$@"; printf 'token %s\\n' "$ACTIONS_RUNNER_INPUT_TOKEN"; } >> ../told
ps -eo args >> ../processes
if [ -e ../refuse ]; then exit 1; fi
touch .runner
"""
RUN = """#!/usr/bin/env bash
printf 'runs with token [%s]\\n' "${ACTIONS_RUNNER_INPUT_TOKEN:-}" >> ../told
"""


def archive() -> bytes:
    """The program as GitHub offers it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in {"config.sh": CONFIG, "run.sh": RUN}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text), 0o755
            tar.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


def run(script: Path, *, user: int = 1000, path: str = "") -> subprocess.CompletedProcess[str]:
    """Start the script as ``user``: an ``id`` of our own says so, whoever runs the tests."""
    programs = script.parent.parent / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (programs / "id").chmod(0o755)
    environ = {"PATH": path or f"{programs}:{os.environ['PATH']}", "HOME": str(script.parent), "no_proxy": "127.0.0.1"}
    return subprocess.run(
        [script],
        env=environ,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def told(folder: Path) -> list[str]:
    """What the program was given."""
    return (folder / "told").read_text(encoding="utf-8").splitlines()
