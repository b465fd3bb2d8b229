"""A real sshd on this machine, which a test can break: its key, its logins, its port, its connections."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.canaries import canary
from tests.servers.running import answers, folder, free_port, program, run, serving

SETTINGS = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {home}/{key}
AuthorizedKeysFile {home}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding {forwarding}
LogLevel VERBOSE
LoginGraceTime 20
"""


@dataclass
class SshServer:
    """The server.

    Attributes:
        home: Its folder.
        port: Where it listens.
        forwarding: Whether its logins may go on to other servers: ``yes`` or ``no``.
        key: The name of its host key's file.
    """

    home: Path
    port: int
    forwarding: str = "yes"
    key: str = "host"
    _running: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def to(self) -> str:
        """The login there."""
        return f"{getpass.getuser()}@127.0.0.1:{self.port}"

    @property
    def host_key(self) -> str:
        """Its public key, without the comment."""
        return self.public("host")

    @property
    def log(self) -> str:
        """What it says."""
        return (self.home / "log").read_text(errors="replace")

    def public(self, name: str) -> str:
        """A public key that :meth:`make_key` made."""
        return " ".join((self.home / f"{name}.pub").read_text().split()[:2])

    def make_key(self, name: str, *, kind: str = "ed25519", passphrase: str = "") -> str:
        """A new pair of keys; gives the private one, which a hunt for secrets finds wherever it lies.

        Its comment carries the mark, and all of it stands in one line: lines end in the middle of the mark.
        """
        path = self.home / name
        run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", canary("ssh-key"), "-f", str(path)])
        first, *body, last = path.read_text().split("\n")[:-1]
        return "\n".join([first, "".join(body), last, ""])

    def authorize(self, *names: str, options: str = "") -> None:
        """Lets in who has one of these keys, and nobody else."""
        lines = [f"{options} {self.public(name)}".strip() for name in names]
        (self.home / "authorized_keys").write_text("\n".join([*lines, ""]))

    def start(self) -> None:
        """Starts it, with the settings of now."""
        text = SETTINGS.format(port=self.port, home=self.home, key=self.key, forwarding=self.forwarding)
        (self.home / "settings").write_text(text)
        command = [program("sshd"), "-D", "-e", "-f", str(self.home / "settings")]
        self._running.enter_context(serving([command], self.home / "log", ready=lambda: answers(self.port)))

    def restart(self) -> None:
        """Ends it and starts it, with the settings of now."""
        self.stop()
        self.start()

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return answers(self.port)

    def stop(self) -> None:
        """Ends it; the connections that it has go on."""
        self._running.close()

    def cut(self) -> int:
        """Breaks every connection; gives how many processes that ended."""
        mine = [
            pid
            for pid, command in _processes()
            if command.startswith("sshd: ") and "[listener]" not in command and self._serves(pid)
        ]
        for pid in mine:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(mine)

    def _serves(self, pid: int) -> bool:
        """Whether a process has this server's log for its errors."""
        with contextlib.suppress(OSError):
            return (self.home / "log").samefile(f"/proc/{pid}/fd/2")
        return False


def ssh_processes(port: str) -> list[int]:
    """The processes on this machine that call ``ssh`` to a port, and those that hold their leash."""
    return [pid for pid, command in _processes() if " -D " in command and f" -p {port} " in command]


def _processes() -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


@contextlib.contextmanager
def ssh_server() -> Iterator[SshServer]:
    """A server with a key of its own, that lets nobody in yet."""
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with folder(None) as home:
        server = SshServer(home, free_port())
        server.make_key("host")
        server.authorize()
        server.start()
        try:
            yield server
        finally:
            server.cut()
            server.stop()
            server.cut()
