"""What a verb gets from the boundary: the process's environment and folder, and where progress goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mlopsgen.cli.headings import COMMON
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult


class Output(StrEnum):
    """How a command shows its result."""

    text = "text"
    json = "json"


OutputOption = Annotated[
    Output,
    typer.Option(
        "--output",
        help="'json' prints one envelope on stdout and progress as NDJSON on stderr.",
        rich_help_panel=COMMON,
    ),
]
"""The ``--output`` option. The boundary reads it before anything is parsed; verbs only declare it."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One command's surroundings, built once by the boundary; verbs read nothing else of the process.

    Attributes:
        environ: The environment of the process.
        cwd: The folder that the command was started in.
        output: ``text`` or ``json``.
        events: Receives progress; hand it to the operation.
        interactive: Whether a person can be asked: terminals on both sides, and text output.
        colour: Whether standard output takes colours.
        width: Columns of the terminal.
    """

    environ: Mapping[str, str]
    cwd: Path
    output: Output
    events: EventSink
    interactive: bool
    colour: bool
    width: int

    def path(self, text: str | Path) -> Path:
        """A path from the command line, made absolute; without '..', because it is shown to people."""
        found = self.cwd / Path(text).expanduser()
        return found.resolve() if ".." in found.parts else found


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A result together with the text that a person sees instead of the plain summary.

    Attributes:
        result: What the operation returned; the JSON envelope is made from it.
        text: Printed on standard output; the next steps follow it.
        verbatim: Whether it is for programs: its lines stay as they are, however narrow the terminal.
    """

    result: OperationResult
    text: str
    verbatim: bool = False


def session_of(context: typer.Context) -> Session:
    """The session that the boundary handed to this command."""
    found = context.obj
    if not isinstance(found, Session):
        raise TypeError("the command was started without a session")
    return found
