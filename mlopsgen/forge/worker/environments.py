"""Prepared Python environments: one for each lock and Python, made once and used by every training of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from . import locks, process, pythons, surroundings
from .layout import Layout, write_text
from .repository import remove_tree

INSTALLER_PREFIX = "installer-"
"""The folders beside the environments that hold uv and pip, one for each Python."""

_MARKER = ".complete"
_MLFLOW = re.compile(r"^mlflow\b", re.MULTILINE)
_IMPORTS = """import contextlib, importlib
names = "pandas sklearn.pipeline mlflow.pyfunc mlflow.store.tracking.sqlalchemy_store alembic.command"
for name in names.split():
    with contextlib.suppress(Exception):
        importlib.import_module(name)
"""
_UV = re.compile(r"^uv==(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)


class EnvironmentFailed(Exception):
    """The environment could not be made.

    Args:
        message: What happened.
        hint: The next step.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Builder:
    """Makes and finds the environments of one forge.

    Args:
        layout: The forge.
        environ: Where packages come from; never a branch's secrets.
        say: Takes a line for everybody who follows.
        note: Takes a line for the log alone.
        keep_open: Descriptors of locks that the installers share.
    """

    def __init__(
        self,
        layout: Layout,
        environ: Mapping[str, str],
        *,
        say: Callable[[str], None],
        note: Callable[[str], None],
        keep_open: tuple[int, ...],
    ) -> None:
        self._layout = layout
        self._environ = environ
        self._say = say
        self._note = note
        self._keep_open = keep_open

    def interpreter(self, checkout: Path) -> Path:
        """The Python of the environment that fits the checkout; it is made when it is not there yet.

        Raises:
            EnvironmentFailed: It cannot be made.
        """
        requirements = checkout / "requirements.txt"
        if not requirements.is_file():
            raise EnvironmentFailed("The commit has no requirements.txt.", "Commit the file and push again.")
        python = self._python(checkout)
        content = requirements.read_bytes()
        key = hashlib.sha256(b"%s\0%s" % (python.minor.encode(), content)).hexdigest()[:16]
        folder = self._layout.virtual_environments / key
        with locks.hold(folder.with_name(f"{key}.lock"), wait=0.2) as mine:
            if mine is not None:
                return self._make(folder, python, checkout, mine)
        self._say("environment: another training is preparing it; waiting")
        with locks.hold(folder.with_name(f"{key}.lock")) as mine:
            return self._make(folder, python, checkout, mine or -1)

    def _python(self, checkout: Path) -> pythons.Python:
        wanted = pythons.wanted_version(checkout)
        python = pythons.find(wanted, self._environ, self._layout.root)
        if python is None:
            raise EnvironmentFailed(
                f"No Python of {', '.join(pythons.SUPPORTED)} that can make virtual environments is on this machine.",
                "Install one (for example 'apt install python3 python3-venv'), then 'mlopsgen run'.",
            )
        if wanted and python.minor != wanted:
            self._say(f"environment: Python {wanted} is not on this machine; using {python.version}")
        return python

    def _make(self, folder: Path, python: pythons.Python, checkout: Path, lock: int) -> Path:
        inside = folder / "bin" / "python"
        if (folder / _MARKER).is_file() and self._works(inside):
            self._note(f"environment: {folder}")
            return inside
        self._say("environment: preparing it (once for each requirements.txt)")
        remove_tree(folder)
        self._start([str(python.path), "-I", "-m", "venv", "--without-pip", str(folder)], lock, "make the environment")
        if _has_requirements(checkout / "requirements.txt"):
            self._install(inside, python, checkout, lock)
        write_text(folder / _MARKER, f"{python.version}\n")
        self._say("environment: ready")
        return inside

    def _install(self, inside: Path, python: pythons.Python, checkout: Path, lock: int) -> None:
        installer = self._installer(python, checkout, lock)
        # The lock is complete, and may overrule a library's own wishes on purpose: nothing is resolved again.
        requirements = ["--no-deps", "--require-hashes", "-r", "requirements.txt"]
        uv = installer.with_name("uv")
        if uv.is_file():
            argv = [str(uv), "pip", "install", "--no-progress", "--python", str(inside), *requirements]
            if self._run(argv, lock, cwd=checkout) == 0:
                self._compile(inside, lock, checkout)
                return
            self._say("environment: uv could not install the packages; trying pip")
        argv = [str(installer), "-I", "-m", "pip", "--python", str(inside), "install", "--no-input", *requirements]
        if self._run(argv, lock, cwd=checkout) != 0:
            raise EnvironmentFailed(
                "The packages of requirements.txt could not be installed; the log shows what the installers said.",
                (surroundings.full_disk(self._layout.root) or "Is the package index reachable from this machine? ")
                + "Then 'mlopsgen run' tries again.",
            )

    def _compile(self, inside: Path, lock: int, checkout: Path) -> None:
        """Import what each training imports: uv, unlike pip, leaves compiling to the first import.

        On a slow machine that takes longer than the check before a training waits for its store to answer.
        """
        if _MLFLOW.search((checkout / "requirements.txt").read_text(encoding="utf-8", errors="replace")):
            self._run([str(inside), "-I", "-c", _IMPORTS], lock, cwd=self._layout.root)

    def _installer(self, python: pythons.Python, checkout: Path, lock: int) -> Path:
        """A Python with pip and, where the lock names it and it can be fetched, uv: apart from what is trained with."""
        folder = self._layout.virtual_environments / f"{INSTALLER_PREFIX}{python.minor}"
        inside = folder / "bin" / "python"
        with locks.hold(folder.with_name(f"{folder.name}.lock")) as mine:
            if (folder / _MARKER).is_file() and self._works(inside):
                return inside
            remove_tree(folder)
            held = lock if mine is None else mine
            self._start([str(python.path), "-I", "-m", "venv", str(folder)], held, "make the installer's environment")
            pinned = uv_requirement(checkout / "requirements-dev.txt")
            if pinned:
                write_text(folder / "uv.txt", pinned)
                argv = [str(inside), "-I", "-m", "pip", "install", "--no-input", "--require-hashes", "-r", "uv.txt"]
                if self._run(argv, held, cwd=folder) != 0:
                    self._say("environment: uv is not available; pip does the same, only slower")
                    return inside  # without the marker: the next environment tries again
            write_text(folder / _MARKER, f"{python.version}\n")
        return inside

    def _works(self, python: Path) -> bool:
        """Whether the environment still runs: its Python may have been uninstalled meanwhile."""
        return process.capture([str(python), "-I", "-c", ""], cwd=self._layout.root, env=self._environ).status == 0

    def _start(self, argv: list[str], lock: int, what: str) -> None:
        if self._run(argv, lock, cwd=self._layout.root) != 0:
            raise EnvironmentFailed(f"Could not {what} (the log shows why).", "'mlopsgen doctor' checks this machine.")

    def _run(self, argv: list[str], lock: int, *, cwd: Path) -> int:
        held = tuple(handle for handle in (*self._keep_open, lock) if handle >= 0)
        self._note(f"$ {' '.join(argv)}")
        # uv trusts what the system trusts, as pip does: a company's proxy is known there.
        environ = {"UV_SYSTEM_CERTS": "true", **self._environ}
        return process.stream(argv, cwd=cwd, env=environ, on_line=self._note, keep_open=held).status


def _has_requirements(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def uv_requirement(path: Path) -> str:
    """The lock's entry for uv with its hashes; empty if there is none."""
    try:
        found = _UV.search(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""
    return f"{found[0]}\n" if found else ""
