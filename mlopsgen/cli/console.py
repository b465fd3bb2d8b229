"""What people read: progress on standard error, the result on standard output; no colours where nobody sees them."""

from __future__ import annotations

import re
import shutil
import textwrap
import threading
import time
from collections.abc import Mapping
from typing import TextIO

from mlopsgen import events
from mlopsgen.cli.folding import folded
from mlopsgen.cli.live_line import LiveLine
from mlopsgen.errors import ExitCode, Interrupted, MlopsgenError
from mlopsgen.result import OperationResult
from mlopsgen.secret_value import redact

_NARROWEST = 40
"""Lists are not folded into fewer columns than these."""

_SELDOM = 30.0
"""Seconds between two lines of progress where lines cannot be written again."""

_ACTED_ON = re.compile(r"(\x1b\[[0-9;]*m)|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Styles, and what else a terminal would act on: it moves, erases, renames, or writes backwards."""

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def takes_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to send colours to a stream, as https://no-color.org and https://force-color.org say.

    NO_COLOR wins over FORCE_COLOR, which also colours what goes into a pipe.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in {"", "0", "false"}:
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def can_rewrite(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a line that was written to a stream can be written again."""
    return stream.isatty() and environ.get("TERM", "dumb") != "dumb"


def terminal_width() -> int:
    """Columns of the terminal, 80 where there is none."""
    return shutil.get_terminal_size().columns


def style(text: str, name: str, *, colour: bool) -> str:
    """The text in a style of ``_STYLES``, or as it is."""
    return f"\x1b[{_STYLES[name]}m{text}\x1b[0m" if colour else text


def harmless(text: str) -> str:
    """The text with its styles; of what else a terminal would act on, only its name is shown.

    Texts of other people are in what is told: of templates, of their hooks, of servers.
    """
    return _ACTED_ON.sub(lambda found: found[1] or repr(found[0])[1:-1], text)


def duration(seconds: int) -> str:
    """About how long something takes, in words."""
    if seconds < 60:
        return f"{max(1, seconds)} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02} min" if hours else f"{minutes} min"


class TextEvents:
    """Draws progress: a line for what is done; on a terminal, one more that changes says what is being done.

    Args:
        stream: Where to.
        colour: Whether it takes colours.
        live: Whether a line there can be written again.
    """

    def __init__(self, stream: TextIO, *, colour: bool, live: bool = False) -> None:
        self._stream = stream
        self._colour = colour
        self._live = live
        self._told = time.monotonic()
        # Calls that run at once tell what they wait for.
        self._lock = threading.Lock()
        self._line = LiveLine(stream, self._lock, self._shown)
        self._waiting: tuple[str, float] | None = None

    def __call__(self, event: events.Event) -> None:
        """Write the event's line."""
        with self._lock:
            self._line.erase()
            if not isinstance(event, events.LogLine | events.Warn):
                self._waiting = None
            if self._live and isinstance(event, events.StepStarted):
                self._line.draw(f"{event.message} ...")
            elif isinstance(event, events.Waiting):
                self._waiting = (f"{event.message} ...", time.monotonic())
            elif isinstance(event, events.Progress):
                self._tell(event)
            else:
                for line in self._lines(event):
                    self._stream.write(harmless(redact(line)) + "\n")
            if self._live and isinstance(event, events.StepDone) and event.done < event.total:
                self._line.draw(f"{event.done} of {event.total} done ...")
            if self._live and self._waiting is not None:
                self._line.draw(*self._waiting)
            self._stream.flush()

    def clear(self) -> None:
        """Take away the line that changes, before something else is written to the terminal."""
        with self._lock:
            self._waiting = None
            self._line.erase()
            self._stream.flush()

    def _tell(self, event: events.Progress) -> None:
        """On a terminal the line changes each time; elsewhere there is a new one now and then."""
        left = f", about {duration(event.seconds_left)} left" if event.seconds_left else ""
        text = f"{event.message}: {event.done} of {event.total}{left}"
        if self._live:
            self._line.draw(f"{text} ...")
        elif time.monotonic() > self._told + _SELDOM:
            self._told = time.monotonic()
            self._stream.write(harmless(redact(f"  {text}")) + "\n")

    def _shown(self, text: str) -> str:
        text = harmless(redact(f"  {text}"))
        width = terminal_width() - 1
        if len(text) > width:
            # What is at the end changes: how long it takes.
            start, dots, end = text.rpartition(" ...")
            text = f"{start[: width - len(dots) - len(end)]}{dots}{end}"[:width]
        return style(text, "dim", colour=self._colour)

    def _wrapped(self, text: str) -> list[str]:
        """The text, broken between words where a terminal ends; files and pipes get it as one line."""
        if not self._live:
            return [text]
        text, width = redact(text), terminal_width() - 1  # afterwards a secret may be in two lines
        return textwrap.wrap(text, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False) or [
            text
        ]

    def _lines(self, event: events.Event) -> list[str]:
        match event:
            case events.Warn():
                lines = self._wrapped(f"warning: {event.message}")
                lines[0] = lines[0].replace("warning:", style("warning:", "yellow", colour=self._colour), 1)
                return [*lines, *self._wrapped(f"  next: {event.hint}")] if event.hint else lines
            case events.LogLine():
                return [folded(redact(event.message), terminal_width())] if self._live else [event.message]
            case events.StepStarted():
                return [style(f"  {event.message} ...", "dim", colour=self._colour)]
            case events.StepDone():
                message = event.message
                if self._live:
                    # The plan has told the rest.
                    message = textwrap.shorten(message, max(terminal_width() - 9, 20), placeholder=" ...")
                return [f"  {style('done:', 'green', colour=self._colour)} {message}"]
            case _:
                return self._wrapped(f"  {event.message}")


def settle(sink: object) -> None:
    """Take the line that changes away, before a person is asked or shown something on the same terminal."""
    if isinstance(sink, TextEvents):
        sink.clear()


def agreed(question: str, *, default: bool) -> bool:
    """Ask a question with yes or no, on standard error; what is longer than a line ends between words.

    Raises:
        Interrupted: The person left.
    """
    import typer

    try:
        return bool(typer.confirm(folded(question, terminal_width() - len(" [y/N]: y")), default=default, err=True))
    except typer.Abort:
        raise Interrupted("Stopped; this was not done.") from None


def render_error(error: MlopsgenError, *, colour: bool) -> str:
    """An error for a person: what happened, where, and the next step."""
    label = "stopped:" if error.exit_code is ExitCode.INTERRUPTED else "error:"
    lines = [f"{style(label, 'red', colour=colour)} {error.message}"]
    if error.where and error.where not in error.message:
        lines.append(f"  at: {error.where}")
    lines += _left_lines(error)
    if error.hint:
        lines.append(f"  next: {error.hint}")
    return "\n".join(lines)


def _left_lines(error: MlopsgenError) -> list[str]:
    """What of a plan is done and what is left, where an error tells."""
    done, left = error.data.get("done"), error.data.get("left")
    if not isinstance(done, list) or not isinstance(left, list) or not left:
        return []
    from mlopsgen.forge.values import Kind
    from mlopsgen.remote.words import called

    # Much waits for the one thing that failed: that is said once.
    waiting: dict[str, list[str]] = {}
    for item in left:
        name = called(Kind(item["resource"]), item["name"])
        scope = f" of {item['scope']}" if item["scope"] else ""
        waiting.setdefault(item["reason"].rstrip("."), []).append(f"{item['resource']} {name}{scope}")
    lines = [f"  done: {len(done)} of {len(done) + len(left)}; left:"]
    for reason, names in waiting.items():
        lines += textwrap.wrap(
            f"{', '.join(names)}: {reason}",
            max(terminal_width(), _NARROWEST),
            initial_indent="    ",
            subsequent_indent="      ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def render_result(result: OperationResult, text: str | None, *, colour: bool) -> str:
    """A result for a person: ``text`` (or the summary), then the next steps."""
    lines = [text if text is not None else result.summary]
    if result.next_steps:
        lines += ["", style("Next:", "bold", colour=colour)]
        lines += [f"  {step}" for step in result.next_steps]
    return "\n".join(line for line in lines if line is not None)
