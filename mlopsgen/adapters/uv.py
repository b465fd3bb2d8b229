"""uv, through its command line: requirements become a lock with every version and hash."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from mlopsgen.adapters import process
from mlopsgen.errors import CommandFailed, MlopsgenError
from mlopsgen.secret_value import redact

LIMIT = 600.0
"""Seconds that one lock may take: the first one on a machine reads the descriptions of hundreds of packages."""

COMPILE = ("--universal", "--python-version", "3.11", "--no-emit-index-url", "--no-header")
"""How the Makefile of a generated repository locks (``make lock``); a test compares them."""

# What uv and the libraries below it need: settings of people's own (mirrors, proxies, certificates), and where things
# lie. Nothing else: a token for GitHub is no business of whoever is asked for packages.
_HANDED_ON = re.compile(
    r"(PATH|HOME|USER|LOGNAME|TMPDIR|TEMP|TMP|LANG|NETRC|SSL_CERT_(FILE|DIR)|XDG_\w+|UV_\w+|"
    r"SYSTEMROOT|APPDATA|LOCALAPPDATA|USERPROFILE|((HTTP|HTTPS|ALL|NO)_PROXY))",
    re.IGNORECASE,
)
# uv draws its explanations: a cross, lines and an arrow.
_FRAME = re.compile(r"^[^\w'\"(<]+")
_UNREACHABLE = re.compile(
    r"error sending request|dns error|network connectivity|operation timed out|connection refused",
    re.IGNORECASE,
)


class IndexUnreachable(MlopsgenError):
    """The package index cannot be reached: whatever is asked next will fail as well."""

    code = "index-unreachable"
    is_passing = True


class Uv:
    """A uv of this machine.

    Args:
        program: Where it lies.
        environ: The environment of the person; only what uv needs of it is handed on.
        build: Whether packages without a wheel may be built to be looked at, which runs their code: all of them, or
            those of a list.
    """

    def __init__(self, program: Path, environ: Mapping[str, str], *, build: bool | Collection[str]) -> None:
        self.program = program
        self._build = build
        kept = {name: value for name, value in environ.items() if _HANDED_ON.fullmatch(name)}
        # uv trusts what the system trusts, as pip does; and it never fetches a Python of its own for this.
        self._environ = {"UV_SYSTEM_CERTS": "true", **kept, "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}

    def version(self) -> str:
        """Its version, in the words that it says it."""
        return process.run([str(self.program), "--version"], cwd=Path.cwd(), env=self._environ).stdout.strip()

    def compile(self, folder: Path, source: str, lock: str, *options: str) -> None:
        """Lock ``source`` into ``lock``; what ``lock`` holds already is preferred where it fits.

        Raises:
            IndexUnreachable: The package index cannot be reached.
            CommandFailed: There is no such set of packages, or a line cannot be read; ``output`` is what uv says.
        """
        words = ["pip", "compile", "--quiet", "--no-progress", "--python", sys.executable, *options]
        if self._build is not True:
            built = [word for name in sorted(self._build or ()) for word in ("--no-binary", name)]
            words += ["--only-binary", ":all:", *built]
        argv = [str(self.program), *words, source, "--output-file", lock]
        done = process.run(argv, cwd=folder, env=self._environ, check=False, timeout=LIMIT)
        if done.exit_status == 0:
            return
        output = redact(done.stderr or done.stdout).strip()
        if _UNREACHABLE.search(output):
            raise IndexUnreachable("The package index cannot be reached.", hint="Look at the network and run it again.")
        raise CommandFailed(argv, done.exit_status, output)


def without_wheels(error: CommandFailed) -> set[str]:
    """The packages that uv would have to build, as it says when it may not."""
    return set(re.findall(r"([A-Za-z0-9][A-Za-z0-9._-]*)[^\s]* has no usable wheels", error.output))


def find(environ: Mapping[str, str], root: Path | None = None) -> Path | None:
    """The uv of this machine: on the PATH, beside this Python, else the one of a repository's environment."""
    found = shutil.which("uv", path=environ.get("PATH", ""))
    if found:
        return Path(found)
    name = "uv.exe" if os.name == "nt" else "uv"
    places = [Path(sys.executable).with_name(name)]
    if root is not None:
        places += [root / ".venv" / "bin" / name, root / ".venv" / "Scripts" / name]
    return next((place for place in places if os.access(place, os.X_OK) and place.is_file()), None)


def reason(error: MlopsgenError) -> str:
    """Why a lock could not be made, in a line: uv's own explanation, its frames and marks taken away."""
    if not isinstance(error, CommandFailed):
        return error.message.rstrip(".")
    lines = [_FRAME.sub("", line).strip() for line in error.output.splitlines()]
    text = " ".join(line for line in lines if line and not line.startswith("hint:"))
    text = re.sub(r"^error:\s*", "", re.sub(r"\s+", " ", text)) or "uv says nothing"
    return text if len(text) <= 300 else f"{text[:299]}…"


def words(source: str, lock: str, options: Sequence[str]) -> str:
    """The command for a person's terminal."""
    return " ".join(["uv pip compile", *options, source, "--output-file", lock])
