"""Starting a server of the distribution, and ending it with all that it started."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

PACKAGES = (
    "postgresql mariadb-server swift-proxy swift-account swift-container swift-object memcached docker-registry "
    "openssh-server"
)
"""What ``make servers`` installs."""


def program(name: str, *folders: str) -> str:
    """The path of a program; the newest where several versions are installed."""
    for pattern in folders:
        parent = Path(pattern.split("*")[0])
        if found := sorted(parent.glob(f"{pattern.removeprefix(str(parent)).lstrip('/')}/{name}")):
            return str(found[-1])
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    assert path, f"{name} is missing; as root: apt-get install {PACKAGES}"
    return path


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def account(preferred: str) -> str | None:
    """The account that a server runs as: one of its own where this process is root; else None, that of the process."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(preferred).pw_name
    return "nobody"


@contextlib.contextmanager
def folder(owner: str | None) -> Iterator[Path]:
    """A folder of the server, outside of what tests leave behind: a server may keep its own secrets."""
    with tempfile.TemporaryDirectory(prefix="server-", ignore_cleanup_errors=True) as name:
        if owner is not None:
            shutil.chown(name, owner)
        yield Path(name)


@contextlib.contextmanager
def serving(
    commands: Sequence[Sequence[str]], log: Path, *, ready: Callable[[], bool], user: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[None]:  # fmt: skip
    """Servers that run until the block ends; each leads a process group of its own."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("ab") as output:
            for command in commands:
                server = subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                        user=user,
                        start_new_session=True,
                        cwd=log.parent,
                        env={"PATH": os.environ["PATH"], **(environ or {})},
                )  # fmt: skip
                running.append(server)
        deadline = time.monotonic() + 60
        while not ready():
            dead = next((process for process in running if process.poll() is not None), None)
            said = log.read_text(errors="replace")[-3000:]
            assert dead is None, f"{dead.args} ended with {dead.returncode}\n{said}" if dead else ""
            assert time.monotonic() < deadline, f"no answer from {commands[0][0]}\n{said}"
            time.sleep(0.05)
        yield
    finally:
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run(command: Sequence[str], *, user: str | None = None, text: str = "", **environ: str) -> str:
    """What a program of the server says; its errors are the message when it fails."""
    done = subprocess.run(
        command, input=text, user=user, capture_output=True, text=True, check=False, cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **environ},
    )  # fmt: skip
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    return done.stdout
