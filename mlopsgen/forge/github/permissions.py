"""What a fine-grained token has to be given, in the words of GitHub's form."""

from __future__ import annotations

PUSH = {
    "Administration": "write",
    "Actions": "read",
    "Contents": "write",
    "Environments": "write",
    "Issues": "write",
    "Secrets": "write",
    "Variables": "write",
    "Workflows": "write",
}
"""What ``mlopsgen push`` uses; GitHub tells what a token lacks only when it refuses (Issues: labels belong to them)."""


def permission_list() -> str:
    """They as one line."""
    return ", ".join(f"{name} ({level})" for name, level in PUSH.items())
