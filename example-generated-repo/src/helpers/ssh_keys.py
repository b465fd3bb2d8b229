"""The private key of the ssh login: given to ``ssh`` without a file on a disk where the system can do that."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from helpers import processes
from helpers.errors import ConfigurationError
from helpers.ssh_config import fingerprint, is_public_key

VARIABLE = "SSH_KEY"
"""The secret with the private key, as text."""

_HINT = f"Put the whole file of the private key, from its first line to its last, into the secret {VARIABLE}."


def private_key(environ: Mapping[str, str]) -> str:
    """The key that the environment holds, with the line ends that ssh wants; a dotenv file holds it in one line.

    Raises:
        ConfigurationError: There is none, or it is none.
    """
    text = environ.get(VARIABLE, "").replace("\\n", "\n").replace("\r", "").strip()
    if not text:
        raise ConfigurationError(
            f"The way to Kubeflow leads through an ssh server, and {VARIABLE} is not set.",
            where=VARIABLE,
            hint=f"Set the secret {VARIABLE} of this branch's environment; on your own machine, write it into .env.",
        )
    if is_public_key(text):
        raise ConfigurationError("This is the public key, and the private one is needed.", where=VARIABLE, hint=_HINT)
    kind = r"[A-Z0-9 ]*PRIVATE KEY-----"
    if not re.fullmatch(rf"-----BEGIN {kind}\n.*\n-----END {kind}", text, re.DOTALL):
        raise ConfigurationError("This is no private key of ssh.", where=VARIABLE, hint=_HINT)
    return f"{text}\n"


@contextlib.contextmanager
def key_file(text: str, folder: Path) -> Iterator[Path]:
    """A path that ssh reads the key from, as long as the block lasts.

    On Linux it is a file in memory, which ends with this process even when that is killed; elsewhere a file in the
    folder that only its owner can read.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("key")
        path = Path(f"/proc/{os.getpid()}/fd/{descriptor}")
        try:
            if os.path.exists(path):  # noqa: PTH110 - what Path.exists raises does not matter here
                os.fchmod(descriptor, 0o600)
                os.write(descriptor, text.encode())
                yield path
                return
        finally:
            os.close(descriptor)
    path = folder / "key"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.close(descriptor)
        yield path
    finally:
        path.unlink()


def key_fingerprint(path: Path, environ: Mapping[str, str]) -> str:
    """The fingerprint of the key, which its owner finds again on the server; empty where nobody can tell it.

    Raises:
        ConfigurationError: It has a passphrase, or is none.
    """
    command = ["ssh-keygen", "-y", "-P", "", "-f", str(path)]
    answer = processes.capture(command, cwd=path.parent, environ=environ, timeout=10, together=True)
    if answer.code in (124, 127):
        return ""
    line = next((line for line in answer.text.splitlines() if is_public_key(line)), "")
    if line:
        return fingerprint(line)
    if "passphrase" in answer.text:
        raise ConfigurationError(
            "The private key has a passphrase, which nobody can type here.",
            where=VARIABLE,
            hint="Make a key for this repository alone: ssh-keygen -t ed25519 -N '' -f tunnel",
        )
    raise ConfigurationError("The private key cannot be read: it is not whole.", where=VARIABLE, hint=_HINT)
