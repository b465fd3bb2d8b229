"""Somebody who follows a tutorial: a real shell in a real terminal, in a home folder with nothing in it."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shlex
import shutil
import string
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect

from tests import tutorial_pages as pages
from tests.canaries import hunt, may_hold
from tests.tutorial_compare import difference
from tests.tutorial_screen import shown

HOME = "/home/ada"
"""The reader's home folder as the pages call it. That of the tests has a name of the same length: lines break alike."""

RECORDING = os.environ.get("MLOPSGEN_TUTORIALS") == "write"
"""Whether a page gets what was printed where it shows something else: read it then, and leave out what nobody needs."""

SIZE = (50, 100)
LIMIT = 90 if RECORDING else 900
"""Seconds that a command may take; a machine may be busy with other things."""

_READY = "[ready \x05"
_PROMPT = re.compile(r"\[ready \x05(\d+)\] ")
_KEYS = {"enter": "\r", "clear": "\x15", "space": " ", "down": "\x1b[B", "up": "\x1b[A", "ctrl-c": "\x03"}
# Packages come from the cache that the machine has: to download 600 MB again would prove nothing.
_KEPT = re.compile(r"^(UV_|PIP_|SSL_|REQUESTS_|HTTPS?_|https?_)")

Stagehand = Callable[..., None]


class Mismatch(AssertionError):
    """The page says one thing, the terminal another."""


class Reader:
    """Follows pages, step by step, and compares.

    Args:
        home: Their home folder; they begin in it.
        more: What else stands in their environment.

    Attributes:
        home: The home folder.
        places: What stands for what when output is compared: here, and on the page.
        addresses: Servers of the tests, and their addresses on the pages: replaced in what is typed as well.
        hands: Who does what happens elsewhere, by the name on the page.
        typed: What is pressed where a page names a secret or an address that only the tests know.
    """

    def __init__(self, home: Path, **more: str) -> None:
        self.home = home
        self.places: dict[str, str] = {str(home): HOME}
        self.addresses: dict[str, str] = {}
        self.hands: dict[str, Stagehand] = {}
        self.typed: dict[str, str] = {}
        self._recorded: list[tuple[pages.Command, str]] = []
        programs = home / ".local" / "bin"
        programs.mkdir(parents=True)
        program = programs / "mlopsgen"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m mlopsgen "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        self.environ = environment(home, programs) | more
        self._shell: pexpect.spawn[str] = pexpect.spawn(
            "/bin/bash",
            ["--noprofile", "--norc", "--noediting", "-i"],
            cwd=str(home),
            env=self.environ,
            encoding="utf-8",
            timeout=LIMIT,
            dimensions=SIZE,
        )
        # What the next line turns into the prompt does not look like the prompt itself.
        self._shell.sendline("PS1='[ready '$'\\005''$?] '; PS2=''")
        self._shell.expect(_PROMPT)

    def close(self) -> None:
        """Leave the shell."""
        self._shell.close(force=True)

    def follow(self, page: str) -> None:
        """Do what a page says.

        Raises:
            Mismatch: What is printed is not what the page shows.
        """
        self._recorded = []
        try:
            self._follow(page)
        finally:
            if self._recorded:
                pages.record(page, self._recorded)

    def _follow(self, page: str) -> None:
        for step in pages.steps_of(page):
            where = f"docs/tutorials/{page}, line {step.line}"
            if isinstance(step, pages.Command):
                self._type(step, where)
            elif isinstance(step, pages.Edit):
                self._edit(step, where)
            else:
                self.hands[step.name](*step.words)

    def run(self, text: str) -> tuple[str, int]:
        """Type a command that asks nothing: what it prints, and its exit code."""
        return self._run(pages.Command(0, text, ""))

    def export(self, **variables: str) -> None:
        """Set variables of the reader's shell, as the tests' stand for what a reader has."""
        for name, value in variables.items():
            self.run(f"export {name}='{value}'")

    def _type(self, command: pages.Command, where: str) -> None:
        try:
            printed, code = self._run(command)
        except (pexpect.TIMEOUT, pexpect.EOF) as stuck:
            said = shown(str(self._shell.before))
            raise Mismatch(f"{where}: $ {command.text}\ndoes not end; the screen shows\n{said}") from stuck
        places = self.addresses | self.places
        told = difference(command.shown, printed, places)
        if told and RECORDING and code == command.ends:
            for here, there in places.items():
                printed = printed.replace(here, there)
            self._recorded.append((command, printed))
        elif told or code != command.ends:
            ended = f"exit code {code}, the page says {command.ends}" if code != command.ends else "another output"
            raise Mismatch(f"{where}: $ {command.text}\n{ended}\n{told}")

    def _run(self, command: pages.Command) -> tuple[str, int]:
        self._shell.sendline(self._addressed(command.text))
        sent = ""
        for text, keys in command.answers:
            # What stands on the screen counts: a line is drawn in many pieces.
            while text not in shown(sent):
                try:
                    sent += self._shell.read_nonblocking(4096, timeout=LIMIT)
                except pexpect.TIMEOUT as silent:
                    raise Mismatch(f"{command.text} never showed '{text}':\n{shown(sent)}") from silent
                if _PROMPT.search(sent):
                    raise Mismatch(f"{command.text} never showed '{text}':\n{shown(sent)}")
            for key in keys.split(", "):
                self._shell.send(self.typed.get(key) or _KEYS.get(key) or key)
        self._shell.expect(_PROMPT)
        sent += str(self._shell.before)
        # The terminal shows each line that is typed.
        typed = command.text.count("\n") + 1
        return "\n".join(shown(sent).split("\n")[typed:]), int(self._shell.match.group(1))

    def _addressed(self, text: str) -> str:
        for here, there in self.addresses.items():
            text = text.replace(there, here)
        return text

    def _edit(self, edit: pages.Edit, where: str) -> None:
        asked = self._addressed(edit.text)
        folder = Path(self.run("pwd")[0].strip())
        path = self.home / edit.path[2:] if edit.path.startswith("~/") else folder / edit.path
        try:
            text = pages.changed(path.read_text(encoding="utf-8"), asked) if edit.is_change else asked
        except (OSError, ValueError) as wrong:
            raise Mismatch(f"{where}: {edit.path} cannot be changed so: {wrong}") from wrong
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def environment(home: Path, programs: Path) -> dict[str, str]:
    """The environment of somebody new."""
    kept = {name: value for name, value in os.environ.items() if _KEPT.match(name)}
    cache = os.environ.get("UV_CACHE_DIR") or str(Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache" / "uv")
    return kept | {
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_PAGER": "cat",
        "UV_CACHE_DIR": cache,
    }


@contextmanager
def reader(**more: str) -> Iterator[Reader]:
    """A reader with git's name for them, and nothing left of them at the end."""
    home = _home()
    try:
        found = Reader(home, **more)
        try:
            found.run("git config --global user.name Ada; git config --global user.email ada@example.org")
            yield found
        finally:
            found.close()
        leaks = hunt(home, may_hold)
        assert not leaks, "\n".join(leaks)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _home() -> Path:
    """A new folder whose path is as long as that of the pages."""
    while True:
        name = "".join(secrets.choice(string.ascii_lowercase) for _ in range(len(HOME) - len("/tmp/")))
        home = Path("/tmp") / name
        try:
            home.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return home
