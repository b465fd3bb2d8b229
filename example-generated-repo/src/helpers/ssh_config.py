"""What ``kubeflow.access.ssh`` of a branch's configuration has to look like: a login, and public host keys."""

from __future__ import annotations

import base64
import hashlib
import re

from helpers.documents import Document
from helpers.kubeflow_config import Ssh

LOGIN = re.compile(
    r"([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::([1-9][0-9]{0,4}))?"
)
KEY = re.compile(r"(ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) (AAAA[A-Za-z0-9+/]+={0,2})(?: .*)?")


def check_ssh(server: Ssh, document: Document) -> None:
    """Refuses what is no login or no public key, with its line.

    Raises:
        ConfigurationError: It is none.
    """
    path = ("kubeflow", "access", "ssh")
    found = LOGIN.fullmatch(server.to)
    if found is None or int(found[3] or 22) > 65535:
        hint = "Write it as user@host or user@host:port, without ssh:// and without a password."
        raise document.error((*path, "to"), "This is no login of an ssh server.", hint=hint)
    lines = _lines(server)
    if not lines or not all(is_public_key(line) for line in lines):
        raise document.error(
            (*path, "host_key"),
            "This is no public host key, or something of it is missing.",
            hint="Write ssh-ed25519 AAAA..., without the host's name. ssh-keyscan shows it; ask the server's keeper "
            "whether it is the right one.",
        )


def host_keys(server: Ssh) -> tuple[str, ...]:
    """The keys of which the server has to have one, each as ``kind base64``."""
    return tuple(" ".join(line.split()[:2]) for line in _lines(server))


def _lines(server: Ssh) -> list[str]:
    return [server.host_key] if isinstance(server.host_key, str) else server.host_key


def is_public_key(line: str) -> bool:
    """Whether a line is a public key that nothing is missing of: each field has its length before it."""
    found = KEY.fullmatch(line.strip())
    if found is None:
        return False
    kind, fields = found[1], []
    try:
        data = base64.b64decode(found[2], validate=True)
    except ValueError:
        return False
    while data:
        length = int.from_bytes(data[:4], "big")
        if len(data) < 4 + length:
            return False
        fields.append(data[4 : 4 + length])
        data = data[4 + length :]
    return len(fields) > 1 and fields[0] == kind.encode() and (kind != "ssh-ed25519" or len(fields[1]) == 32)


def fingerprint(key: str) -> str:
    """The fingerprint of a public key, as ssh prints it."""
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
