"""What people read: progress on standard error, the result on standard output; no colours where nobody sees them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TextIO

from mlopsgen import events
from mlopsgen.errors import ExitCode, MlopsgenError
from mlopsgen.result import OperationResult
from mlopsgen.secret_value import redact

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def takes_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to send colours to a stream (https://no-color.org, and none where no terminal is)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def terminal_width() -> int:
    """Columns of the terminal, 80 where there is none."""
    return shutil.get_terminal_size().columns


def style(text: str, name: str, *, colour: bool) -> str:
    """The text in a style of ``_STYLES``, or as it is."""
    return f"\x1b[{_STYLES[name]}m{text}\x1b[0m" if colour else text


class TextEvents:
    """Draws progress, one line an event."""

    def __init__(self, stream: TextIO, *, colour: bool) -> None:
        self._stream = stream
        self._colour = colour

    def __call__(self, event: events.Event) -> None:
        """Write the event's line."""
        for line in self._lines(event):
            self._stream.write(redact(line) + "\n")
        self._stream.flush()

    def _lines(self, event: events.Event) -> list[str]:
        match event:
            case events.Warn():
                lines = [f"{style('warning:', 'yellow', colour=self._colour)} {event.message}"]
                return [*lines, f"  next: {event.hint}"] if event.hint else lines
            case events.LogLine():
                return [event.message]
            case events.StepStarted():
                return [style(f"  {event.message} ...", "dim", colour=self._colour)]
            case events.StepDone():
                return [f"  {style('done:', 'green', colour=self._colour)} {event.message}"]
            case _:
                return [f"  {event.message}"]


def render_error(error: MlopsgenError, *, colour: bool) -> str:
    """An error for a person: what happened, where, and the next step."""
    label = "stopped:" if error.exit_code is ExitCode.INTERRUPTED else "error:"
    lines = [f"{style(label, 'red', colour=colour)} {error.message}"]
    if error.where and error.where not in error.message:
        lines.append(f"  at: {error.where}")
    if error.hint:
        lines.append(f"  next: {error.hint}")
    return "\n".join(lines)


def render_result(result: OperationResult, text: str | None, *, colour: bool) -> str:
    """A result for a person: ``text`` (or the summary), then the next steps."""
    lines = [text if text is not None else result.summary]
    if result.next_steps:
        lines += ["", style("Next:", "bold", colour=colour)]
        lines += [f"  {step}" for step in result.next_steps]
    return "\n".join(line for line in lines if line is not None)
