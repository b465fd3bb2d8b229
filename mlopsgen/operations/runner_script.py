"""The script that starts a self-hosted runner, and the token file beside it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path

from mlopsgen import __version__
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.worker.layout import write_text
from mlopsgen.secret_value import SecretValue

SCRIPT = "start.sh"
TOKEN = "registration-token"  # noqa: S105 - the name of a file
_MARK = "# Starts a self-hosted runner of GitHub Actions."
_BODY = "start_runner.sh"


@dataclass(frozen=True, kw_only=True)
class Program:
    """The runner's program, as GitHub offers it.

    Attributes:
        address: Where it is downloaded.
        name: The name of the archive; it holds the version.
        sha256: The checksum that GitHub names.
    """

    address: str
    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a script starts.

    Attributes:
        repository: The address of the repository's page.
        name: The runner's name.
        labels: The labels that it bears beside those that every runner has.
        ephemeral: Whether it takes one job only.
        program: What is downloaded.
        expires: When the token ends.
        again: The command that gets a new token.
    """

    repository: str
    name: str
    labels: tuple[str, ...]
    ephemeral: bool
    program: Program
    expires: datetime
    again: str


def render(start: Start) -> str:
    """The script's text; it holds no secret."""
    settings = {
        "repository_address": start.repository,
        "runner_name": start.name,
        "runner_labels": ",".join(start.labels),
        "ephemeral": "yes" if start.ephemeral else "no",
        "archive_address": start.program.address,
        "archive_name": start.program.name,
        "archive_sha256": start.program.sha256,
        "token_expires": str(int(start.expires.timestamp())),
        "token_expires_text": f"{start.expires:%Y-%m-%d %H:%M} UTC",
        "again": start.again,
    }
    lines = [
        "#!/usr/bin/env bash",
        _MARK,
        f"# Made by mlopsgen {__version__}. Safe to run again; the folder may be moved to another machine as a whole.",
        "",
        *(f"{name}={shlex.quote(value)}" for name, value in settings.items()),
    ]
    body = resources.files(__package__).joinpath(_BODY).read_text(encoding="utf-8")
    return "\n".join(lines) + "\n" + body


def is_ours(folder: Path) -> bool:
    """Whether the folder's script was made here."""
    try:
        return _MARK in (folder / SCRIPT).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def is_registered(folder: Path) -> bool:
    """Whether the runner in the folder has been registered, as far as the folder tells."""
    return (folder / "runner" / ".runner").is_file()


def prepare(folder: Path) -> None:
    """Make the folder, so that only this user may look into it.

    Raises:
        MlopsgenError: It holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise MlopsgenError(f"{folder} is no folder.", where=str(folder), hint="Name another one with --folder.")
    if folder.is_dir() and any(folder.iterdir()) and not is_ours(folder):
        hint = "Name an empty folder, or one that is not there yet, with --folder."
        raise MlopsgenError("The folder holds other things; nothing in it is touched.", where=str(folder), hint=hint)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def write(folder: Path, start: Start, token: SecretValue) -> Path:
    """Write the script and, readable by this user alone, the token; returns the script."""
    script = folder / SCRIPT
    write_text(script, render(start), mode=0o700)
    write_text(folder / TOKEN, token.reveal() + "\n", mode=0o600)
    return script
