"""Make a virtual environment from a lock with hashes, once: ``python3 tools/environment.py FOLDER --lock FILE``.

Needs nothing but Python: uv comes from the lock itself (with its hashes) and installs the rest; where it cannot, pip
does. A stamp in the environment says what it was made from, so that a second call returns at once.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

OLDEST = (3, 11)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the environment that the command line describes, unless it is there already."""
    parser = argparse.ArgumentParser(description="Make a virtual environment from a lock with hashes.")
    parser.add_argument("folder", type=Path, help="where the environment lies")
    parser.add_argument("--lock", type=Path, required=True, help="requirements file with exact versions and hashes")
    parser.add_argument("--editable", type=Path, help="a project that is installed on top, without its dependencies")
    options = parser.parse_args(arguments)
    if sys.version_info < OLDEST:
        found, oldest = sys.version.split()[0], ".".join(map(str, OLDEST))
        print(f"Python {oldest} or newer is needed, not {found}: make PYTHON=python3.12 ...", file=sys.stderr)
        return 2
    stamp = options.folder / "made-from"
    wanted = _fingerprint(options.lock, options.editable)
    made_from = stamp.read_text(encoding="utf-8") if stamp.is_file() and _python(options.folder).exists() else ""
    if made_from == wanted:
        return 0
    started = time.monotonic()
    print(f"Making {options.folder} from {options.lock} ...", flush=True)
    try:
        if made_from.partition("\n")[0] != wanted.partition("\n")[0]:
            stamp.unlink(missing_ok=True)
            _make(options.folder)
        _fill(options.folder, options.lock, options.editable)
    except subprocess.CalledProcessError as error:
        print(f"{options.folder} could not be made: '{' '.join(map(str, error.cmd[:5]))} ...' failed.", file=sys.stderr)
        return 1
    stamp.write_text(wanted, encoding="utf-8")
    print(f"{options.folder} is ready ({time.monotonic() - started:.0f} s).", flush=True)
    return 0


def _fingerprint(lock: Path, editable: Path | None) -> str:
    """What an environment is made from: the lock, the interpreter, and where the project on top lies."""
    # The interpreter comes first: another one means a new environment, anything else brings this one up to date.
    parts = [f"{sys.version} {sys.base_prefix}".replace("\n", " "), hashlib.sha256(lock.read_bytes()).hexdigest()]
    if editable is not None:
        packaging = (editable / "pyproject.toml").read_bytes()
        parts += [str(editable.resolve()), hashlib.sha256(packaging).hexdigest()]
    return "\n".join([*parts, ""])


def _python(folder: Path) -> Path:
    return folder.absolute() / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _run(*command: str | Path, check: bool = True) -> bool:
    # pip and uv read their settings from the environment (a mirror, a proxy); only what must hold is set here. The
    # system's certificates are the ones that a company's proxy is known to.
    environment = {"UV_SYSTEM_CERTS": "true"} | dict(os.environ)
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for name in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"):
        environment.pop(name, None)
    return subprocess.run([*map(str, command)], env=environment, check=check).returncode == 0


def _make(folder: Path) -> None:
    if _run(sys.executable, "-m", "venv", "--clear", folder, check=False):
        return
    print("Python's venv module does not work here; on Debian and Ubuntu: apt install python3-venv", file=sys.stderr)
    raise subprocess.CalledProcessError(1, [sys.executable, "-m", "venv", str(folder)])


def _fill(folder: Path, lock: Path, editable: Path | None) -> None:
    # Compiled at once, as pip does it, not by each of the thousand processes that the tests start.
    python = _python(folder)
    uv = python.with_name("uv.exe" if os.name == "nt" else "uv")
    if _install_uv(python, lock) and _run(
        uv, "pip", "sync", "--quiet", "--compile-bytecode", "--python", python, "--require-hashes", lock, check=False
    ):
        installer: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", python]
    else:
        print("uv cannot be used here; pip takes its place and needs a few minutes.", flush=True)
        installer = [python, "-m", "pip", "install", "--quiet"]
        _run(*installer, "--no-deps", "--require-hashes", "--requirement", lock)
    if editable is not None:
        # The build backend comes from the lock as well: no second, unlocked environment is made for it.
        _run(*installer, "--no-deps", "--no-build-isolation", "--editable", editable)


def lines_of(name: str, lock: str) -> list[str]:
    """The lines of a lock that pin one package with its hashes; none when the lock lacks it."""
    lines = lock.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith(f"{name}==")), None)
    if start is None:
        return []
    end = next(number for number in range(start, len(lines)) if not lines[number].endswith("\\"))
    return lines[start : end + 1]


def _install_uv(python: Path, lock: Path) -> bool:
    """Install uv alone from its lines of the lock (pip takes no hashes from a constraints file)."""
    wanted = lines_of("uv", lock.read_text(encoding="utf-8"))
    if not wanted:
        return False
    with tempfile.TemporaryDirectory() as scratch:
        only_uv = Path(scratch, "uv.txt")
        only_uv.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        return _run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", only_uv, check=False)


if __name__ == "__main__":
    raise SystemExit(main())
