"""Where ``secrets set``, ``rotate`` and ``manifest`` take values from, as the command line says it."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from mlopsgen.cli.session import Output, Session
from mlopsgen.errors import MissingAnswer, UsageError
from mlopsgen.forge.github.sealing import name_problem
from mlopsgen.operations import secret_sources
from mlopsgen.operations.secret_sources import Asked, FirstOf, SecretSource
from mlopsgen.secret_value import SecretValue

_FLAGS = (
    "--branch", "--from-env", "--from-file", "--host", "--local", "--name", "--org", "--output", "--stdin",
    "--token-stdin", "--user",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Where values come from.

    Attributes:
        source: The place.
        single: Whether it is one value.
        asking: Whether a person is asked.
    """

    source: SecretSource
    single: bool = False
    asking: bool = False


def source_of(
    session: Session,
    names: Sequence[str],
    from_env: str | None,
    stdin: bool,
    from_file: Path | None,
    *,
    piped: bool,
    rotate: bool = False,
) -> Chosen:
    """The place that the flags name; else the variables that are meant for this, then a person.

    Args:
        session: The command's surroundings.
        names: The secrets that the command line names.
        from_env: ``--from-env``.
        stdin: ``--stdin``.
        from_file: ``--from-file``.
        piped: Whether standard input is the token's already.
        rotate: Whether values are replaced.

    Raises:
        UsageError: The flags exclude each other, or a value stands on the command line.
        MissingAnswer: There is neither a value nor a person.
    """
    _refuse_values(names)
    if sum((from_env is not None, stdin, from_file is not None)) > 1:
        raise UsageError(
            "--stdin, --from-env and --from-file exclude each other.", where="--stdin", hint="Give one of them."
        )
    if stdin and piped:
        raise UsageError(
            "Standard input cannot be both the token and the secret.",
            where="--stdin",
            hint="Give the token in MLOPSGEN_GITHUB_TOKEN, or the secret with --from-env.",
        )
    if from_file is not None:
        return Chosen(source=secret_sources.from_file(session.path(from_file), session.environ, session.events))
    if stdin or from_env is not None:
        _refuse_many(names, "--stdin" if stdin else "--from-env")
        if from_env is not None:
            return Chosen(source=secret_sources.from_variable(from_env, session.environ), single=True)
        return Chosen(source=secret_sources.from_stream(_piped()), single=True)
    variables = secret_sources.from_variables(session.environ)
    if session.interactive and not piped:
        if rotate and not names:
            raise UsageError("Say which secret to rotate.", where="NAME", hint="'mlopsgen secrets list' names them.")
        return Chosen(source=FirstOf([variables, Asked(_prompt(session))]), asking=True)
    if not names and not variables.names:
        raise MissingAnswer(
            "There are no values, and there is no terminal to ask on.",
            where="--from-file",
            hint="Give --from-file FILE, or a NAME with --stdin or --from-env VARIABLE.",
        )
    return Chosen(source=variables)


def manifest_source(session: Session, from_file: Path | None) -> SecretSource:
    """Where a manifest's values come from: a file, else variables, else a person, asked on standard error."""
    if from_file is not None:
        return secret_sources.from_file(session.path(from_file), session.environ, session.events)
    variables = secret_sources.from_variables(session.environ)
    asked = session.output is Output.text and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    return FirstOf([variables, Asked(_prompt(session, sys.stderr))]) if asked else variables


def refuse_shown(session: Session, *, show: bool) -> None:
    """Refuse to print secrets where a person sees them or a program expects something else.

    Raises:
        UsageError: Standard output is a terminal, or is to be an envelope.
    """
    if session.output is Output.json:
        raise UsageError(
            "A manifest holds the values themselves, and they never become part of an envelope.",
            where="--output",
            hint="mlopsgen secrets manifest --branch BRANCH | kubectl apply -f -",
        )
    if sys.stdout.isatty() and not show:
        raise UsageError(
            "The manifest holds the values themselves, and standard output is a terminal that would show them.",
            where="--show",
            hint="mlopsgen secrets manifest --branch BRANCH | kubectl apply -f -   (or add --show to see it)",
        )


def _prompt(session: Session, stream: TextIO | None = None) -> secret_sources.Ask:
    def ask(title: str, help_line: str) -> SecretValue:
        from mlopsgen.cli.console import settle
        from mlopsgen.cli.prompts import TerminalPrompter

        settle(session.events)
        return TerminalPrompter(colour=session.colour, stream=stream).secret(title, help_line)

    return ask


def _piped() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "--stdin reads a value that is piped in, and standard input is a terminal.",
            where="--stdin",
            hint="Leave --stdin out: the value is asked for and not shown while you type.",
        )
    return sys.stdin.buffer.read()


def _refuse_values(names: Sequence[str]) -> None:
    """Refuse what may be a value, without repeating it: errors are logged and copied."""
    if any("=" in name for name in names):
        raise UsageError(
            "A value on the command line is refused: the list of processes and the shell's history show it to others.",
            where="NAME",
            hint="Give the name alone and type the value when asked, or use --stdin, --from-env or --from-file.",
        )
    near = [found for name in names for found in difflib.get_close_matches(name, _FLAGS, n=1, cutoff=0.75)]
    if near:
        raise UsageError(
            f"There is an unknown option. Did you mean {near[0]}?", where=near[0], hint="'mlopsgen secrets set --help'"
        )
    if any(name_problem(name) for name in names):
        raise UsageError(
            "One of the arguments cannot be the name of a secret (letters, digits and underscores, not beginning with "
            "a digit or GITHUB_). It is not repeated here, in case that it is a value.",
            where="NAME",
            hint="Give names only. If it was a value, choose another one: the list of processes has shown it.",
        )


def _refuse_many(names: Sequence[str], flag: str) -> None:
    if len(names) == 1:
        return
    found = "and no NAME was given" if not names else f"and {len(names)} arguments were given"
    raise UsageError(
        f"{flag} is the value of one secret, {found}.",
        where=flag,
        hint="Give one NAME, or many with --from-file. A value never stands on the command line.",
    )
