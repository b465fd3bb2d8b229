"""``python -m pipelines.<branch>.main VERB``: what people, continuous integration and the local forge call.

This module imports only the standard library, so that ``--help`` is quick; each verb imports what it needs.
Progress goes to the standard error, the outcome to the standard output.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import itertools
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from helpers.envelope import VerbResult, envelope
from helpers.errors import ConfigurationError, ExitCode, RepositoryError
from helpers.options import VERBS
from helpers.workflow_commands import group


class UsageError(ConfigurationError):
    """The command line is not valid."""

    code = "usage"


class StoppedError(BaseException):
    """A signal asked this process to end; not an Exception, so that nothing takes it for a failure of its own."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", hint=f"See: {self.prog} --help")


def main(
    file: Path,
    pipelines: Sequence[Any] = (),
    *,
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> int:
    """Runs the command line of a branch and gives the exit code.

    Args:
        file: The branch's ``main.py``; the folder's name is the branch.
        pipelines: Pipelines in code, made with ``@dsl.pipeline``; they replace those of ``pipeline.yaml``.
        argv: The arguments; those of the process when left out.
        environ: The environment; that of the process when left out.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    variables = dict(os.environ if environ is None else environ)
    path = file.absolute()
    branch, root = path.parent.name, path.parents[3]
    as_json = _wants_json(arguments)
    verb = next((word for word in arguments if not word.startswith("-")), "")
    result: Path | None = None
    try:
        with _signals():
            parsed = _parser(branch).parse_args(arguments)
            verb, result = parsed.verb, parsed.result
            outcome: VerbResult | RepositoryError = _perform(parsed, root, branch, variables, pipelines)
    except RepositoryError as error:
        outcome = error
    except (KeyboardInterrupt, StoppedError):
        outcome = InterruptionError("Stopped.", hint="Nothing is left running.")
    except Exception as error:  # noqa: BLE001 - the one boundary between a bug and the person
        outcome = _bug(error, root, branch, variables)
    if result is not None:
        outcome = _write_result(result, verb, outcome)
    _tell(verb or "main", outcome, as_json=as_json)
    return int(outcome.exit_code)


def _write_result(path: Path, verb: str, outcome: VerbResult | RepositoryError) -> VerbResult | RepositoryError:
    """Writes the outcome to the file that was asked for; a success that cannot be written down is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(envelope(verb, outcome), indent=2, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        failure = RepositoryError(f"The outcome cannot be written: {error.strerror}.", where=str(path))
        return outcome if isinstance(outcome, RepositoryError) else failure
    return outcome


class InterruptionError(RepositoryError):
    """The person or the machine ended the command."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED


class BugError(RepositoryError):
    """A mistake in the helpers."""

    code = "bug"
    exit_code = ExitCode.BUG


def _parser(branch: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"python -m pipelines.{branch}.main",
        description=f"Train and judge models of the branch '{branch}'.",
        epilog="Exit codes: 0 done, 1 failed, 2 not valid, 3 bug, 4 no permission, 5 not done yet, 6 the gate refused, "
        "8 changed, 130 stopped.",
        allow_abbrev=False,
    )
    common = _Parser(add_help=False)
    common.add_argument("--pipeline", metavar="NAME", help="which pipeline; not needed when there is one")
    common.add_argument("--output", choices=["text", "json"], default="text", help="how the outcome is printed")
    common.add_argument("--result", type=Path, metavar="FILE", help="also write the outcome, as JSON, to this file")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    for name, verb in VERBS.items():
        made = verbs.add_parser(
            name,
            help=verb.text,
            description=verb.text[:1].upper() + verb.text[1:] + ".",
            parents=[common],
            allow_abbrev=False,
        )
        verb.add_options(made)
    return parser


def _perform(
    parsed: argparse.Namespace, root: Path, branch: str, environ: Mapping[str, str], pipelines: Sequence[Any]
) -> VerbResult:
    from helpers import verbs
    from helpers.certificates import trusting
    from helpers.config import load_dotenv

    request = verbs.Request(
        root=root,
        branch=branch,
        environ=trusting(load_dotenv(root, environ), root / "runs"),
        pipelines=tuple(pipelines),
        pipeline=parsed.pipeline,
        options=vars(parsed),
        progress=_progress,
    )
    module, _, function = VERBS[parsed.verb].performed_by.partition(":")
    outcome: VerbResult = getattr(importlib.import_module(module), function)(request)
    return outcome


def _progress(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(line, file=sys.stderr, flush=True)


def _wants_json(arguments: Sequence[str]) -> bool:
    return "--output=json" in arguments or ("--output", "json") in itertools.pairwise(arguments)


def _tell(verb: str, outcome: VerbResult | RepositoryError, *, as_json: bool) -> None:
    """Shows the outcome, also where a terminal has fewer characters; that nobody reads it changes no exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        _show(verb, outcome, as_json=as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains when it flushes at its end


def _show(verb: str, outcome: VerbResult | RepositoryError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(envelope(verb, outcome), indent=2, ensure_ascii=False))
        return
    if isinstance(outcome, RepositoryError):
        where = f"{outcome.where}: " if outcome.where else ""
        _progress(f"error: {where}{outcome.message}")
        if outcome.hint:
            _progress(f"  {outcome.hint}")
        return
    print(outcome.summary)
    for line in outcome.lines:
        print(line)
    for step in outcome.next_steps:
        print(f"Next: {step}")


def _bug(error: Exception, root: Path, branch: str, environ: Mapping[str, str]) -> BugError:
    """Writes the traceback to a file, so that the person sees one line; on GitHub, where files go, into the log."""
    text = "".join(traceback.format_exception(error))
    if environ.get("GITHUB_ACTIONS") == "true":
        _progress(group("The traceback", text))
    folder = getattr(error, "run_directory", root / "runs" / branch)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=folder, prefix="bug-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        kept = f"The traceback is in {file.name}; please report it."
    except OSError:
        kept = f"The traceback cannot be kept: {text.splitlines()[-1]}"
    return BugError(f"This is a mistake in the helpers: {type(error).__name__}: {error}", hint=kept)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Lets SIGTERM and SIGHUP end the command in good order, as Ctrl-C does."""

    def stop(number: int, _: object) -> NoReturn:
        raise StoppedError(signal.Signals(number).name)

    watched = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    try:
        before = {number: signal.signal(number, stop) for number in watched}
    except ValueError:  # not the main thread: the caller looks after signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
