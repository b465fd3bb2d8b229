"""Secrets and variables as GitHub takes them: names, sizes, numbers, and sealing for the key of one place."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import NamedTuple

from mlopsgen.secret_value import SecretValue

LARGEST = 48 * 1024
"""Bytes that a secret or a variable may have."""
SECRETS_PER_PLACE = 100
"""Secrets that a repository, and each environment, may have."""
VARIABLES_PER_ENVIRONMENT = 100
VARIABLES_PER_REPOSITORY = 500

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class PublicKey(NamedTuple):
    """The key that the secrets of one place are sealed for.

    Attributes:
        identity: Its number, which GitHub wants to have told.
        key: The key in base64.
    """

    identity: str
    key: str


def name_problem(name: str) -> str:
    """Why GitHub does not take a name of a secret or variable; empty if it does."""
    if not _NAME.fullmatch(name):
        return "the name must be letters, digits and underscores, and not begin with a digit"
    if name.upper().startswith("GITHUB_"):
        return "names that begin with GITHUB_ are GitHub's own"
    return ""


def problem(name: str, value: SecretValue) -> str:
    """Why GitHub does not take a secret, as a clause without the value; empty if it does."""
    found = name_problem(name)
    if found:
        return found
    try:
        size = len(value.reveal().encode())
    except UnicodeEncodeError:
        return "it is no text that can be stored"
    if size == 0:
        return "it is empty, which workflows cannot tell from a secret that is not there"
    if size > LARGEST:
        return f"it has {size:,} bytes and GitHub takes no more than {LARGEST:,}"
    return ""


def value_problem(value: str) -> str:
    """Why GitHub does not take a variable's value; empty if it does."""
    size = len(value.encode())
    return f"it has {size:,} bytes and GitHub takes no more than {LARGEST:,}" if size > LARGEST else ""


def seal(key: PublicKey, value: SecretValue) -> str:
    """The value in base64, sealed so that only GitHub can open it.

    Raises:
        ValueError: The key is none.
    """
    # Imported here: the rules above are needed where nothing is sealed, and this loads a library.
    from nacl.exceptions import CryptoError  # noqa: PLC0415
    from nacl.public import PublicKey as SealingKey  # noqa: PLC0415
    from nacl.public import SealedBox  # noqa: PLC0415

    try:
        box = SealedBox(SealingKey(b64decode(key.key, validate=True)))
    except (CryptoError, ValueError, TypeError) as error:
        raise ValueError("GitHub's public key cannot be used") from error
    return b64encode(box.encrypt(value.reveal().encode())).decode()
