"""The machine that runs jobs: ``act`` without Docker, with nothing of the person who runs the tests around it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests import template_environment

STUBS = Path(__file__).parent / "stubs"
_DEAD_END = "http://127.0.0.1:9"
_LIMIT = 1500.0
OTHERS = {"pypa/gh-action-pypi-publish"}
"""Actions that are not GitHub's; this project's own workflows alone use them (docs/adr/0032)."""


@dataclass(frozen=True)
class Order:
    """What ``act`` shall run.

    Attributes:
        checkout: A clone whose HEAD is the commit of the run.
        workflow: The file.
        event: Its name; ``payload`` is the file with its content.
        actions: Actions with the commits that the file pins.
        labels: The labels of the runners that there are.
        known: ``GITHUB_*`` and what the stubs need.
    """

    checkout: Path
    workflow: Path
    event: str
    payload: Path
    actor: str
    actions: set[tuple[str, str]]
    labels: set[str]
    known: Mapping[str, str]
    secrets: Mapping[str, str]
    variables: Mapping[str, str]


@dataclass
class Going:
    """A run of ``act`` that goes on."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _threads: list[threading.Thread] = field(default_factory=list)

    def listen(self) -> None:
        """Begin to read what it prints."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        for stream, into in ((self.process.stdout, self.lines), (self.process.stderr, self.errors)):
            thread = threading.Thread(target=self._read, args=(stream, into), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _read(self, stream: IO[str], into: list[str]) -> None:
        with stream:
            for line in stream:
                with self._news:
                    into.append(line)
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_for(self, text: str) -> None:
        """Wait until it has printed a text."""
        with self._news:
            while not any(text in line for line in self.lines):
                assert self.process.poll() is None, "".join([*self.lines, *self.errors])[-5000:]
                self._news.wait(1.0)

    def cancel(self) -> None:
        """Cancel it as a person does on the run's page."""
        self.process.send_signal(signal.SIGINT)

    def finish(self) -> int:
        """Wait for its end."""
        try:
            code = self.process.wait(timeout=_LIMIT)
        finally:
            self.process.kill()
        for thread in self._threads:
            thread.join()
        return code


@dataclass(frozen=True)
class Machine:
    """A machine with Python, git and a shell; the network ends at this computer.

    Attributes:
        folder: Where jobs work, and what they leave.
        programs: Scripts that it has beside what every machine has, by name.
    """

    folder: Path
    programs: Mapping[str, str] = field(default_factory=dict)

    def start(self, order: Order) -> Going:
        """Start a run."""
        argv = [
            str(_program("act")),
            order.event,
            "--workflows",
            str(order.workflow),
            "--eventpath",
            str(order.payload),
        ]
        argv += ["--json", "--no-skip-checkout", "--action-offline-mode", "--no-cache-server", "--pull=false", "--rm"]
        argv += ["--actor", order.actor, "--action-cache-path", str(self._made("cache")), "--env-file", os.devnull]
        argv += ["--secret-file", str(self._values("given.env", order.secrets))]
        argv += ["--var-file", str(self._values("variables", order.variables))]
        for name, value in order.known.items():
            argv += ["--env", f"{name}={value}"]
        for label in sorted(order.labels):
            argv += ["--platform", f"{label}=-self-hosted"]
        for action, commit in sorted(order.actions):
            argv += ["--local-repository", f"{action}@{commit}={_stub(action)}"]
        process = subprocess.Popen(
            argv, cwd=order.checkout, env=self._environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace", start_new_session=True,
        )  # fmt: skip
        going = Going(process)
        going.listen()
        return going

    def forget(self) -> None:
        """Throw away the secrets that were handed over."""
        (self.folder / "given.env").unlink(missing_ok=True)

    def _environ(self) -> dict[str, str]:
        tools = self._made("tools")
        for name in ("python", "python3"):
            link = tools / name
            if not link.exists():
                link.symlink_to(os.path.realpath(sys.executable))
        for name, text in self.programs.items():
            (tools / name).write_text(text, encoding="utf-8")
            (tools / name).chmod(0o755)
        return {
            "PATH": os.pathsep.join([str(tools), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self._made("home")),
            "LANG": "C.UTF-8",
            # act gives steps a terminal, GitHub does not.
            "TERM": "dumb",
            "PAGER": "cat",
            "NO_COLOR": "1",
            "STUB_VENV": str(template_environment.python().parents[1].resolve()),
            # Whoever looks for a package or a page finds nobody.
            "PIP_NO_INDEX": "1",
            "UV_OFFLINE": "1",
            "UV_CACHE_DIR": str(self._made("uv")),
            "https_proxy": _DEAD_END,
            "http_proxy": _DEAD_END,
            "no_proxy": "127.0.0.1,localhost",
        }

    def _made(self, name: str) -> Path:
        made = self.folder / name
        made.mkdir(parents=True, exist_ok=True)
        return made

    def _values(self, name: str, values: Mapping[str, str]) -> Path:
        """A file of ``NAME="value"`` lines as ``act`` reads them."""
        path = self._made(".") / name
        path.write_text("".join(f"{key}={_quoted(value)}\n" for key, value in values.items()), encoding="utf-8")
        path.chmod(0o600)
        return path


def _quoted(value: str) -> str:
    special: list[Callable[[str], str]] = [
        lambda text: text.replace("\\", "\\\\"),
        lambda text: text.replace('"', '\\"'),
        lambda text: text.replace("\n", "\\n"),
        lambda text: text.replace("$", "\\$"),
    ]
    for change in special:
        value = change(value)
    return f'"{value}"'


def _stub(action: str) -> Path:
    owner, name = action.split("/")
    assert owner == "actions" or action in OTHERS, f"{action} is not one of GitHub's own actions"
    assert (STUBS / name).is_dir(), f"tests/act/stubs has nothing for {action}"
    return STUBS / name


def _program(name: str) -> Path:
    found = Path(sys.executable).with_name(name)
    assert found.exists(), f"{found} is missing; 'make setup' brings it"
    return found
