"""The section ``kubeflow.access`` of a branch's configuration: the ssh server that Kubeflow lies behind."""

from __future__ import annotations

import base64
import hashlib
import re

from pydantic import BaseModel, ConfigDict, Field, field_validator

LOGIN = re.compile(
    r"(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
)
KEY = re.compile(
    r"(?P<kind>ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) (?P<blob>[A-Za-z0-9+/]+={0,2})(?: .*)?"
)


class Ssh(BaseModel):
    """An ssh server, and the one key that shows that it is the right one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: str = Field(description="The login there: user@host or user@host:port. Its private key is the secret SSH_KEY.")
    host_key: str | list[str] = Field(
        description="The server's public key, as 'ssh-ed25519 AAAA...'; several while it changes its key."
    )
    mlflow: bool = Field(default=True, description="Whether the MLflow server lies behind it, too.")

    @field_validator("to")
    @classmethod
    def _is_a_login(cls, to: str) -> str:
        found = LOGIN.fullmatch(to.strip())
        if found is None or int(found["port"] or 22) > 65535:
            raise ValueError("write the login as user@host or user@host:port, without ssh:// and without a password")
        return to.strip()

    @field_validator("host_key")
    @classmethod
    def _is_a_key(cls, host_key: str | list[str]) -> str | list[str]:
        lines = [host_key] if isinstance(host_key, str) else host_key
        if not lines or not all(is_public_key(line) for line in lines):
            raise ValueError(
                "this is no public host key: one line that begins with ssh-ed25519, ecdsa-sha2-... or ssh-rsa, "
                "without the host's name (ssh-keyscan HOST shows it; compare it with what the server's keeper tells)"
            )
        return host_key

    @property
    def host_keys(self) -> tuple[str, ...]:
        """The keys, each as ``kind base64``."""
        lines = [self.host_key] if isinstance(self.host_key, str) else self.host_key
        return tuple(" ".join(line.split()[:2]) for line in lines)


class Access(BaseModel):
    """How Kubeflow is reached; empty: directly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ssh: Ssh | None = Field(default=None, description="The ssh server that it lies behind.")


def is_public_key(line: str) -> bool:
    """Whether a line is a public key that nothing is missing of."""
    found = KEY.fullmatch(line.strip())
    if found is None:
        return False
    fields = _fields(found["blob"])
    return len(fields) > 1 and fields[0].decode("ascii", "replace") == found["kind"]


def fingerprint(key: str) -> str:
    """The fingerprint of a public key, as ssh prints it."""
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _fields(blob: str) -> list[bytes]:
    """The fields of a key, each with its length before it; none where they do not end with the key."""
    try:
        data = base64.b64decode(blob, validate=True)
    except ValueError:
        return []
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        if len(data) < 4 + length:
            return []
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found
