"""The one place where results and errors become output and exit codes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import typer

from mlopsgen.cli import console, json_output
from mlopsgen.cli.folding import folded
from mlopsgen.cli.session import Output, Session, Shown
from mlopsgen.errors import ExitCode, Interrupted, MlopsgenError, from_os_error
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult
from mlopsgen.secret_value import redact, remembered


def run(
    app: Callable[..., object],
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    groups: Collection[str] = (),
    cwd: Path | None = None,
) -> int:
    """Run the command that ``arguments`` name and show its outcome.

    Args:
        app: The typer application (called with ``standalone_mode=False``, so that it returns and raises).
        arguments: The command line without the program's name.
        environ: The environment of the process.
        groups: The words that a verb of their own follows (``secrets list``).
        cwd: The folder that it is run in; that of the process if left out.

    Returns:
        The exit code of the process.
    """
    output = json_output.requested(arguments)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows fewer characters than we print shows an escape instead of raising; JSON is UTF-8 also
        # where the system's own encoding is another one (Windows).
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace", **({"encoding": "utf-8"} if output is Output.json else {}))
    colour = output is Output.text and console.takes_colour(sys.stderr, environ)
    text = console.TextEvents(sys.stderr, colour=colour, live=console.can_rewrite(sys.stderr, environ))
    sink: EventSink = json_output.JsonEvents(sys.stderr) if output is Output.json else text
    with remembered(), _terminable():
        try:
            outcome = _outcome(app, arguments, environ, cwd, output, sink)
            text.clear()
            return _show(_command(arguments, groups), outcome, output, environ)
        except BrokenPipeError:
            # The reader (for example `head`) has gone; writing the rest at exit would only raise again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.FAILURE


def _outcome(
    app: Callable[..., object],
    arguments: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path | None,
    output: Output,
    sink: EventSink,
) -> OperationResult | Shown | MlopsgenError | int:
    try:
        session = Session(
            environ=environ,
            cwd=cwd or _cwd(),
            output=output,
            events=sink,
            interactive=output is Output.text and sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty(),
            colour=output is Output.text and console.takes_colour(sys.stdout, environ),
            width=console.terminal_width(),
        )
        returned = app(
            args=list(arguments), prog_name="mlopsgen", standalone_mode=False, obj=session, color=session.colour
        )
    except SystemExit as stop:  # shell completion ends the process itself
        return stop.code if isinstance(stop.code, int) else ExitCode.OK
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the boundary
        return _translated(error, environ, arguments)
    if isinstance(returned, OperationResult | Shown):
        return returned
    if returned == ExitCode.INTERRUPTED:
        return Interrupted("Stopped.")
    return returned if isinstance(returned, int) else ExitCode.OK


@contextmanager
def _terminable() -> Iterator[None]:
    """Whoever ends the process (a cancelled job sends SIGTERM) gets the last word of somebody who presses Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _cwd() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise MlopsgenError(
            "The folder that this shell stands in is not there any more.",
            hint="Go to another folder with 'cd', or into it again with 'cd .' if it was made anew.",
        ) from error


def _translated(error: BaseException, environ: Mapping[str, str], arguments: Sequence[str]) -> MlopsgenError:
    """The error that is shown for ``error``; whatever is not expected is our mistake and gets a report file."""
    match error:
        case MlopsgenError():
            return error
        case KeyboardInterrupt() | typer.Abort():
            return Interrupted("Stopped.")
        case typer.TyperException():
            from mlopsgen.cli import wrong_words

            return wrong_words.explained(error, arguments)
        case OSError():
            expected = from_os_error(error)
            if expected is not None:
                return expected
    from mlopsgen.cli import bug_report

    return bug_report.write(error, environ, arguments)


def _command(arguments: Sequence[str], groups: Collection[str]) -> str:
    pairs = zip(("", *arguments), arguments, strict=False)
    words = [word for before, word in pairs if not word.startswith("-") and before != "--output"]
    return " ".join(words[: 2 if words[:1] and words[0] in groups else 1])


def _show(
    command: str, outcome: OperationResult | Shown | MlopsgenError | int, output: Output, environ: Mapping[str, str]
) -> int:
    if isinstance(outcome, int):
        return outcome
    result = outcome.result if isinstance(outcome, Shown) else outcome
    if output is Output.json:
        _write(sys.stdout, json_output.render_envelope(command, result))
    elif isinstance(result, MlopsgenError):
        shown = console.render_error(result, colour=console.takes_colour(sys.stderr, environ))
        _write(sys.stderr, _fitting(console.harmless(redact(shown)), sys.stderr))
    else:
        text = outcome.text if isinstance(outcome, Shown) else None
        shown = console.render_result(result, text, colour=console.takes_colour(sys.stdout, environ))
        shown = console.harmless(redact(shown))
        verbatim = isinstance(outcome, Shown) and outcome.verbatim
        _write(sys.stdout, shown if verbatim else _fitting(shown, sys.stdout))
    return int(result.exit_code)


def _fitting(text: str, stream: TextIO) -> str:
    """The text as a terminal can show it; files and pipes get its lines as they are."""
    return folded(text, console.terminal_width()) if stream.isatty() else text


def _write(stream: TextIO, text: str) -> None:
    stream.write(text.rstrip("\n") + "\n")
    stream.flush()
