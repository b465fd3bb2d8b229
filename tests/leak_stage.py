"""Runs commands while their process lists are watched, and keeps everything that they say."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from tests.canaries import found_in
from tests.push_stage import Stage

BUG = """
import sys
from mlopsgen.cli import main
from mlopsgen.forge.github.forge import GitHubForge

made = GitHubForge.put

def put(self, resource, secret=None):
    if secret is None:
        return made(self, resource)
    raise RuntimeError(f"{resource} {secret.reveal()} {self.account.client!r}")

GitHubForge.put = put
raise SystemExit(main.main(sys.argv[1:]))
"""
"""The command line with a mistake in its middle, which holds the value of a secret in its message."""

_PAUSE = 0.005
"""Seconds between two looks at the process list; without a rest, the watch would take a core from what it watches."""


@dataclass
class Watched:
    """Everything that commands gave away.

    Attributes:
        stage: The person and the fake GitHub.
        said: What each command printed, by its words.
        command_lines: Every command line of every process that was seen while they ran.
        seen: How many processes were seen, those included whose command lines a test has taken out.
    """

    stage: Stage
    said: list[tuple[str, str]] = field(default_factory=list)
    command_lines: set[bytes] = field(default_factory=set)
    seen: int = 0

    def run(
        self, *arguments: str, stdin: str = "", code: str = "", github: bool = True, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line (or ``code`` with its arguments) to its end; the process list is watched meanwhile."""
        place = ["--host", self.stage.github.url, "--org", "acme"] if github else []
        start = ["-c", code] if code else ["-m", "mlopsgen"]
        process = subprocess.Popen(
            [sys.executable, *start, *arguments, *place],
            cwd=self.stage.repository,
            env={**self.stage.environ, **more},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        over = threading.Event()
        self._look({process.pid}, process.pid)  # on a busy machine it may be over before the watcher has its turn
        watcher = threading.Thread(target=self._watch, args=(process.pid, over))
        watcher.start()
        try:
            out, err = process.communicate(stdin, timeout=240)
        finally:
            over.set()
            watcher.join()
        self.said.append((" ".join(arguments), out + err))
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def leaks(self) -> list[str]:
        """What of it holds a secret."""
        printed = [f"printed by {words}:\n{text}" for words, text in self.said if found_in(text)]
        return printed + [f"process list: {line!r}" for line in self.command_lines if found_in(line)]

    def _watch(self, root: int, over: threading.Event) -> None:
        """Look at every process that the one with the number ``root`` has started, directly or not."""
        ours = {root}
        while not over.wait(_PAUSE):
            self._look(ours, root)

    def _look(self, ours: set[int], root: int) -> None:
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    # After the program's name in parentheses: state, parent, group, session.
                    fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                    if int(entry.name) in ours or int(fields[1]) in ours or int(fields[3]) == root:
                        ours.add(int(entry.name))
                        self.seen += 1
                        self.command_lines.add((entry / "cmdline").read_bytes())
                except (OSError, IndexError):  # it has ended
                    continue
