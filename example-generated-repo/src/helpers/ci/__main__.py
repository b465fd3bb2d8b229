"""``python -m helpers.ci TASK``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from helpers.ci.job import Job
from helpers.ci.tasks import TASKS
from helpers.errors import ConfigurationError, ExitCode, RepositoryError


class UsageError(ConfigurationError):
    """The command line is not valid."""

    code = "usage"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", hint=f"See: {self.prog} --help")


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Performs a task and gives the exit code."""
    variables = dict(os.environ if environ is None else environ)
    job = Job(root=Path.cwd(), environ=variables)
    try:
        options = _parser().parse_args(sys.argv[1:] if arguments is None else arguments)
        module, _, function = TASKS[options.task].performed_by.partition(":")
        getattr(importlib.import_module(module), function)(job, options)
    except RepositoryError as error:
        where = f"{error.where}: " if error.where else ""
        job.annotate("error", f"{where}{error.message} {error.hint}".strip())
        return int(error.exit_code)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the one boundary between a bug and the person
        job.annotate("error", f"This is a mistake in the helpers: {type(error).__name__}: {error} {_kept(job, error)}")
        return int(ExitCode.BUG)
    return int(ExitCode.OK)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m helpers.ci",
        description="What workflows need of GitHub beyond the verbs of a branch.",
        epilog="Exit codes: 0 done, 1 failed, 2 not valid, 3 bug, 4 no permission, 130 stopped.",
        allow_abbrev=False,
    )
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK", parser_class=_Parser)
    for name, task in TASKS.items():
        made = tasks.add_parser(
            name, help=task.text, description=f"{task.text[:1].upper()}{task.text[1:]}.", allow_abbrev=False
        )
        task.add_options(made)
    return parser


def _kept(job: Job, error: Exception) -> str:
    """Keeps the traceback, so that the person sees one line: in the job's log, folded, or in a file."""
    text = "".join(traceback.format_exception(error))
    if job.environ.get("GITHUB_ACTIONS") == "true":
        job.fold("The traceback", text)
        return "Please report it with the traceback in the job's log."
    try:
        with tempfile.NamedTemporaryFile("w", prefix="bug-", suffix=".txt", delete=False, encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return ""
    return f"The traceback is in {file.name}; please report it."


if __name__ == "__main__":
    sys.exit(main())
