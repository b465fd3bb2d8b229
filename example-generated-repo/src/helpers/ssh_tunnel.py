"""An ssh tunnel: opened with a pinned host key, opened again when it breaks, given up after a while, always closed."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from helpers import leash, processes, ssh_client
from helpers.kubeflow_answers import TUNNEL_ENDED, TUNNEL_GONE, TUNNEL_OPENING, TUNNEL_UNREACHABLE, Away, KubeflowError
from helpers.ssh_client import TunnelAway, TunnelError
from helpers.ssh_proxy import Proxy, Unreachable

HOLD = 5.0
"""Seconds that a connection waits for a tunnel that is being opened again."""

OPENING = 25.0
"""Seconds after which ``ssh`` is taken for one that hangs."""

LONGEST_PAUSE = 30.0


class Tunnel:
    """A tunnel; it is open between :meth:`open` and :meth:`close`.

    Args:
        to: The login: ``user@host:port``.
        host_keys: The public keys of which the server has to have one.
        key: Where ``ssh`` reads the private key from.
        own: The key's fingerprint; may be empty.
        folder: A folder that nobody else may read, with a short name.
        environ: The environment.
        patience: Seconds that the server may be away before the tunnel is given up.
        tell: Told a line when it breaks, and one when it is open again.
        pause: The first pause before another try.
    """

    def __init__(
        self,
        to: str,
        host_keys: Sequence[str],
        *,
        key: Path,
        own: str,
        folder: Path,
        environ: Mapping[str, str],
        patience: float,
        tell: Callable[[str], None],
        pause: float = 1.0,
    ) -> None:
        self.to, self.host_keys, self.key, self.own = to, tuple(host_keys), key, own
        self.folder, self.environ, self.patience, self.tell, self.pause = folder, environ, patience, tell, pause
        self.proxy: Proxy | None = None
        self._ssh: subprocess.Popen[bytes] | None = None
        self._number = 0
        self._ended: KubeflowError | None = None
        self._open = threading.Event()
        self._closing = threading.Event()
        self._keeper: threading.Thread | None = None

    def open(self) -> None:
        """Opens it, and the proxy that leads into it.

        Raises:
            TunnelAway: The server does not answer.
            TunnelRefused: It is another server than the pinned one, or does not accept the key.
            TunnelError: There can be no tunnel.
        """
        self._begin()
        self.proxy = Proxy(self.reach)
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def close(self) -> None:
        """Closes it; nothing is left running."""
        self._closing.set()
        if self.proxy is not None:
            self.proxy.close()
        self._end_ssh()
        if self._keeper is not None:
            self._keeper.join(10)
        self._end_ssh()  # what the keeper began meanwhile

    def reach(self, host: str, port: int) -> socket.socket:
        """A connection through the tunnel.

        Raises:
            Unreachable: There is none.
        """
        end = time.monotonic() + HOLD
        while True:
            self._open.wait(max(0.0, end - time.monotonic()))
            if self._ended is not None:
                raise Unreachable(TUNNEL_GONE, f"{TUNNEL_ENDED}: {self._ended.message}")
            if not self._open.is_set():
                raise Unreachable(TUNNEL_OPENING, "The tunnel is broken and is being opened again.")
            number, before = self._number, len(self._said())
            try:
                return socks(self._socket(number), host, port)
            except OSError:
                refused = re.findall(r"open failed: (.*)", self._said(number)[before:])
                if refused:
                    raise Unreachable(TUNNEL_UNREACHABLE, f"{_shown(host, port)} {_refusal(refused[-1])}") from None
                # The tunnel broke at this moment: its keeper needs a moment to see it.
                if time.monotonic() > end or self._closing.wait(0.05):
                    raise Unreachable(TUNNEL_OPENING, "The tunnel is broken and is being opened again.") from None

    def _begin(self) -> None:
        """Starts ``ssh``, and waits until it is logged in."""
        self._number += 1
        known, path = self.folder / "known_hosts", self._socket(self._number)
        known.write_text(ssh_client.known_hosts_text(self.host_keys), encoding="ascii")
        call = ssh_client.command(self.to, self.host_keys, key=self.key, socket=path, known_hosts=known)
        environ = ssh_client.quiet(self.environ)
        self._ssh = processes.start(
            [sys.executable, "-I", "-S", leash.__file__, *call],
            cwd=self.folder,
            environ=environ,
            log=self._log(self._number),
            stdin=subprocess.PIPE,
        )
        end = time.monotonic() + OPENING
        while not path.exists():
            if self._ssh.poll() is not None:
                raise self._why()
            if time.monotonic() > end or self._closing.wait(0.02):
                self._end_ssh()
                raise TunnelAway("The ssh server does not answer in time.", where=self.to)
        self._open.set()

    def _why(self) -> KubeflowError:
        said = self._said()
        if "No such file or directory: 'ssh'" in said:
            return ssh_client.missing(self.to)
        return ssh_client.why(said, to=self.to, host_keys=self.host_keys, own=self.own)

    def _keep(self) -> None:
        """Opens it again whenever it breaks."""
        while not self._closing.is_set():
            assert self._ssh is not None  # noqa: S101 - it was begun
            self._ssh.wait()
            self._open.clear()
            if self._closing.is_set():
                return
            self.tell(f"{self._why().message} The ssh tunnel is opened again ...")
            self._end_ssh()
            error = self._again()
            if self._closing.is_set():
                return
            if error is not None:
                self._ended = error
                self._open.set()  # who waits for it is told
                self.tell(f"{TUNNEL_ENDED}: {error.message}")
                return
            self.tell("The ssh tunnel is open again.")

    def _again(self) -> KubeflowError | None:
        """Tries until it is open, the patience is at its end, or it is known that it never will be."""
        began, pause = time.monotonic(), self.pause
        while True:
            if self._closing.wait(pause):
                return TunnelError("It was closed.")
            try:
                self._begin()
            except Away as error:
                if time.monotonic() - began + pause > self.patience:
                    return error
                pause = min(pause * 2, LONGEST_PAUSE)
            except KubeflowError as error:
                return error
            else:
                return None

    def _end_ssh(self) -> None:
        found = self._ssh
        if found is None:
            return
        if found.stdin is not None:
            with contextlib.suppress(OSError):
                found.stdin.close()  # the leash lets go
        try:
            found.wait(leash.GRACE + 2)
        except subprocess.TimeoutExpired:
            processes.kill_group(found.pid)
            found.wait()

    def _socket(self, number: int) -> Path:
        return self.folder / f"s{number}"

    def _log(self, number: int) -> Path:
        return self.folder / f"log{number}"

    def _said(self, number: int = 0) -> str:
        try:
            return self._log(number or self._number).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""


def socks(path: Path, host: str, port: int) -> socket.socket:
    """A connection to a server on the far side, whose name is looked up there.

    Raises:
        OSError: There is none.
    """
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        found.connect(str(path))
        name = host.encode("idna") if not host.isascii() else host.encode()
        found.sendall(b"\x05\x01\x00" + b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
        answer = _exactly(found, 2) + _exactly(found, 10)
        if answer[:2] != b"\x05\x00" or answer[3] != 0:
            raise OSError(f"SOCKS answers {answer[3]}")
    except (OSError, ValueError) as error:
        found.close()
        raise error if isinstance(error, OSError) else OSError(str(error)) from error
    return found


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.recv(count - len(data))
        if not more:
            raise ConnectionResetError("the tunnel was closed")
        data += more
    return data


def _shown(host: str, port: int) -> str:
    return f"'{f'[{host}]' if ':' in host else host}:{port}'"


def _refusal(said: str) -> str:
    """What the ssh server says of a connection that it could not, or would not, make."""
    if "prohibited" in said:
        return "is not for this login: the ssh server forbids it (AllowTcpForwarding, permitopen, PermitOpen)."
    reason = said.removeprefix("connect failed: ").strip().rstrip(".")
    return f"cannot be reached from the ssh server: {reason}."
