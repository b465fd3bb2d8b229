"""What a step tells GitHub's runner: annotations and folded lines in the log, outputs, the job's summary."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Literal

LONGEST_ANNOTATION = 4000
LARGEST_SUMMARY = 1_000_000
"""GitHub refuses a step's summary of more than 1 MiB as a whole."""

Level = Literal["error", "warning", "notice"]


def annotation(level: Level, message: str, *, title: str = "") -> str:
    """The line of the log that becomes an annotation of the run."""
    heading = f" title={_escaped(title).replace(':', '%3A').replace(',', '%2C')}" if title else ""
    return f"::{level}{heading}::{_escaped(message[:LONGEST_ANNOTATION])}"


def group(title: str, text: str) -> str:
    """Lines that the log shows folded under a title."""
    return f"::group::{_escaped(title)}\n{no_command(text.rstrip())}\n::endgroup::"


def no_command(text: str) -> str:
    """Lines that the runner does not take for commands (``::set-env``, ``##[add-mask]``)."""
    return re.sub(r"(?m)^(\s*)(::|##\[)", "\\1\u2060\\2", text.replace("\r", "\n"))


def set_output(path: Path, name: str, value: str) -> None:
    """Sets an output of the step; ``path`` is GITHUB_OUTPUT. The value cannot begin another one."""
    end = f"end-{secrets.token_hex(16)}"
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{name}<<{end}\n{value}\n{end}\n")


def append_summary(path: Path, text: str) -> None:
    """Adds Markdown to the job's summary, as far as there is room; ``path`` is GITHUB_STEP_SUMMARY."""
    data = text.rstrip().encode("utf-8", "replace") + b"\n\n"
    room = LARGEST_SUMMARY - (path.stat().st_size if path.exists() else 0)
    if len(data) > room:
        end = b"\n\nThe rest is too long for a summary.\n"
        data = data[: max(room - len(end), 0)].decode("utf-8", "ignore").encode() + end
    with path.open("ab") as stream:
        stream.write(data)


def _escaped(text: str) -> str:
    """Text inside of a command to the runner."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
