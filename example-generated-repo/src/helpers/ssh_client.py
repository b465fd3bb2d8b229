"""The system's ``ssh``: how it is called, and what it means when it ends."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from helpers.kubeflow_answers import Away, KubeflowAccessError, KubeflowError
from helpers.ssh_config import LOGIN, fingerprint

CONNECT_SECONDS = 8
"""How long a connection may take; ``check`` has less than half a minute for everything."""

ALIVE_SECONDS = 10
"""How often the server is asked whether it is there; without an answer to three of these the connection is lost."""

ALIAS = "pinned"
"""The name of the server in the file of known hosts, whatever it is called elsewhere."""

_OPTIONS = (
    "AddKeysToAgent=no",
    "BatchMode=yes",
    "CheckHostIP=no",
    "Compression=no",
    "ConnectionAttempts=1",
    "ControlMaster=no",
    "ControlPath=none",
    "EscapeChar=none",
    "ExitOnForwardFailure=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "GatewayPorts=no",
    "GlobalKnownHostsFile=none",
    "HashKnownHosts=no",
    f"HostKeyAlias={ALIAS}",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "LogLevel=INFO",
    "PermitLocalCommand=no",
    "PreferredAuthentications=publickey",
    "RequestTTY=no",
    "ServerAliveCountMax=3",
    f"ServerAliveInterval={ALIVE_SECONDS}",
    "StrictHostKeyChecking=yes",
    "TCPKeepAlive=yes",
    "UpdateHostKeys=no",
    "VerifyHostKeyDNS=no",
)
_AWAY = re.compile(
    r"Could not resolve hostname|Connection (?:refused|timed out|reset|closed)|Operation timed out|No route to host|"
    r"Network is unreachable|Temporary failure|Timeout, server|Broken pipe|kex_exchange_identification|"
    r"banner exchange|Host is down|closed by remote host",
    re.IGNORECASE,
)
_NOISE = re.compile(r"Warning: Permanently added|channel \d+: open failed|@{5,}|^debug|^\s*$")


class TunnelAway(Away):
    """The ssh server does not answer; it may in a while."""

    code = "ssh-away"


class TunnelRefused(KubeflowAccessError):
    """The ssh server is another one than it should be, or does not accept the key."""

    code = "ssh-refused"


class TunnelError(KubeflowError):
    """There can be no tunnel, now or later."""

    code = "ssh"


def command(to: str, host_keys: Sequence[str], *, key: Path, socket: Path, known_hosts: Path) -> list[str]:
    """The call of ``ssh``; of what the machine or its user configured nothing counts.

    Args:
        to: The login: ``user@host:port``.
        host_keys: The public keys of which the server has to have one.
        key: Where the private key is read from.
        socket: The file that the way through the tunnel begins at: SOCKS.
        known_hosts: The file that :func:`known_hosts_text` was written into.
    """
    found = LOGIN.fullmatch(to)
    assert found is not None  # noqa: S101 - the configuration was checked
    options = [
        *_OPTIONS,
        f"ConnectTimeout={CONNECT_SECONDS}",
        f"HostKeyAlgorithms={','.join(_algorithms(host_keys))}",
        f'UserKnownHostsFile="{known_hosts}"',
    ]
    return [
        "ssh", "-F", "none", "-N", "-T", "-D", str(socket), "-i", str(key), "-l", found[1], "-p",
        found[3] or "22", *(word for option in options for word in ("-o", option)), "--",
        found[2].strip("[]"),
    ]  # fmt: skip


def known_hosts_text(host_keys: Sequence[str]) -> str:
    """A file of known hosts with exactly these keys."""
    return "".join(f"{ALIAS} {key}\n" for key in host_keys)


def _algorithms(host_keys: Sequence[str]) -> list[str]:
    """What the server may prove itself with; an RSA key signs with newer hashes than its name says."""
    kinds = dict.fromkeys(key.split()[0] for key in host_keys)
    return [name for kind in kinds for name in (("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,))]


def quiet(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of ``ssh``: nothing of ours, no agent, no way to ask a person."""
    return {"PATH": environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}


def why(said: str, *, to: str, host_keys: Sequence[str], own: str) -> KubeflowError:
    """Why ``ssh`` ended, from what it said.

    Args:
        said: All that it wrote.
        to: The login.
        host_keys: The keys of which the server has to have one.
        own: The fingerprint of the private key; may be empty.
    """
    pinned = " or ".join(f"{fingerprint(key)} ({key.split()[0]})" for key in host_keys)
    changed = re.search(r"fingerprint for the (\S+) key sent by the remote host is\s+(\S+?)\.?\s", said)
    if changed or "Host key verification failed" in said:
        shows = f"{changed[2]} ({changed[1]})" if changed else "another one"
        return TunnelRefused(
            f"The ssh server shows another host key than the pinned one. Pinned: {pinned}. It shows: {shows}.",
            where=to,
            hint="Ask who keeps the server. If its key was changed, write the new one into "
            "kubeflow.access.ssh.host_key (or into the organisation's template); if not, somebody stands between.",
        )
    offer = re.search(r"no matching host key type found\. Their offer: (\S+)", said)
    if offer:
        return TunnelRefused(
            f"The ssh server has no host key of the pinned kind. Pinned: {pinned}. It has: {offer[1].strip()}.",
            where=to,
            hint="Pin a key that it has: ssh-keyscan shows them; compare with what the server's keeper tells you.",
        )
    if re.search(r"Permission denied|Too many authentication failures", said):
        which = f" {own}" if own else ""
        return TunnelRefused(
            f"The ssh server does not accept the key{which} of SSH_KEY for this login.",
            where=to,
            hint="Let its keeper add the public key to the login's authorized_keys, or give the right key as SSH_KEY.",
        )
    lines = [line.strip() for line in said.splitlines() if not _NOISE.search(line)]
    last = (lines or ["it said nothing"])[-1].removeprefix("ssh: ")
    if "Bad configuration option" in said or "unknown option" in said:
        hint = "OpenSSH 8.4 or newer is needed."
        return TunnelError(f"The ssh of this machine is too old: {last}.", where=to, hint=hint)
    if _AWAY.search(said) or not lines:
        return TunnelAway(
            f"The ssh server cannot be reached: {last.rstrip('.')}.",
            where=to,
            hint="Is kubeflow.access.ssh.to right, and is there a way to it from this machine (network, firewall)?",
        )
    return TunnelError(f"The ssh tunnel cannot be opened: {last.rstrip('.')}.", where=to)


def missing(to: str) -> TunnelError:
    """There is no ``ssh`` on this machine."""
    return TunnelError(
        "The program 'ssh' is missing on this machine.",
        where=to,
        hint="Install the OpenSSH client (Debian and Ubuntu: openssh-client).",
    )
