"""Which Python a training runs on: the version that the repository asks for, or the nearest that is there."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import process

SUPPORTED = ("3.13", "3.12", "3.11")
"""The versions that the locks of a generated repository cover, newest first."""
_ANSWER = re.compile(r"^python_version:\s*['\"]?(\d+\.\d+)", re.MULTILINE)
_PROBE = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3]); print(sys.executable)"


@dataclass(frozen=True)
class Python:
    """An interpreter that can make virtual environments."""

    path: Path
    version: str

    @property
    def minor(self) -> str:
        """For example ``3.12``."""
        return self.version.rpartition(".")[0]


def wanted_version(checkout: Path) -> str:
    """The version that the repository's answers ask for; empty if they do not."""
    try:
        found = _ANSWER.search((checkout / ".copier-answers.yml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
    return found[1] if found else ""


def find(wanted: str, environ: Mapping[str, str], cwd: Path, *, first: Path | None = None) -> Python | None:
    """The best Python of this machine, or ``None`` when none can be used.

    Args:
        wanted: The version to prefer, for example ``3.12``.
        environ: Its ``PATH`` is searched.
        cwd: A folder to run the candidates in.
        first: The candidate to begin with; this program's own Python if ``None``.
    """
    usable: list[Python] = []
    for candidate in _candidates(wanted, environ, first or Path(sys.executable)):
        found = _probe(candidate, environ, cwd)
        if found is not None and found.minor in SUPPORTED:
            if not wanted or found.minor == wanted:
                return found
            usable.append(found)
    return usable[0] if usable else None


def _candidates(wanted: str, environ: Mapping[str, str], first: Path) -> Iterator[Path]:
    yield first
    names = [f"python{version}" for version in (wanted, *SUPPORTED) if version] + ["python3"]
    for name in dict.fromkeys(names):
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            yield Path(found)


def _probe(candidate: Path, environ: Mapping[str, str], cwd: Path) -> Python | None:
    """Ask the interpreter itself: a name on the PATH may be a shim that leads nowhere."""
    done = process.capture([str(candidate), "-I", "-c", _PROBE], cwd=cwd, env=environ)
    lines = done.stdout.splitlines()
    return Python(Path(lines[1]), lines[0]) if done.status == 0 and len(lines) == 2 else None
