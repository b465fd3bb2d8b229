"""The verbs of ``python -m pipelines.<branch>.main``: what each is for, its options, and the function that performs it.

Standard library only: the command line reads this table before it knows what it is asked for.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes:
        text: What it does, in a line.
        performed_by: ``module:function``; the function takes a ``Request`` and returns a ``VerbResult``. The module is
            imported only when the verb is asked for.
        add_options: Adds the verb's own options to its parser.
    """

    text: str
    performed_by: str
    add_options: Callable[[argparse.ArgumentParser], None]


def _words(text: str) -> list[str]:
    """The words of a text, as a shell would split it."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"the quotes do not match: {text}") from error


def _compile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=Path, metavar="FILE", help="the package (default: runs/<branch>/<pipeline>.yaml)")
    parser.add_argument("--image", help="the container image that holds the code, as registry/name@sha256:...")
    parser.add_argument(
        "--engine", choices=["local", "kubeflow"], help="what the package is for (default: the branch's engine)"
    )


def _training(parser: argparse.ArgumentParser) -> None:
    """What every way of training takes."""
    parser.add_argument("--promote", action="store_true", help="an accepted model becomes the branch's champion")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter of this run")
    parser.add_argument(
        "--parameters",
        dest="param",
        action="extend",
        type=_words,
        metavar="TEXT",
        help="several as one text: 'seed=7 name=\"two words\"'",
    )
    parser.add_argument("--reason", default="", help="why it trains, for the report")
    parser.add_argument(
        "--trigger", choices=["push", "dispatch", "hand", "data"], default="hand", help="what started it"
    )
    parser.add_argument("--actor", help="who started it (default: the user)")
    parser.add_argument("--commit", help="the commit (default: that of the working tree)")
    parser.add_argument("--run-directory", type=Path, metavar="DIR", help="(default: runs/<branch>/<time>)")


def _engine(text: str) -> str:
    """A workflow that nobody started by hand hands over an empty text."""
    return text or "configured"


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine",
        type=_engine,
        choices=["configured", "local"],
        default="configured",
        help="local: look at what 'run --engine local' needs, and not at the platform of the branch",
    )


def _run(parser: argparse.ArgumentParser) -> None:
    _training(parser)
    parser.add_argument("--engine", choices=["local"], help="run here although the branch trains elsewhere")
    parser.add_argument("--workers", choices=["auto", "fork", "spawn"], help="how steps are started")


def _submit(parser: argparse.ArgumentParser) -> None:
    _training(parser)
    parser.add_argument("--package", type=Path, metavar="FILE", help="what 'compile' has written, instead of compiling")
    parser.add_argument("--image", help="the container image of the steps, instead of the configuration's")
    parser.add_argument("--no-wait", action="store_true", help="only submit; the outcome is not waited for")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--resume", metavar="RUN_ID", help="go on with a run that was submitted before")
    what.add_argument(
        "--terminate",
        nargs="?",
        const="",
        metavar="RUN_ID",
        help="end a run, also in MLflow (default: what this job of the workflow submitted, else the last one)",
    )


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run-id", help="which MLflow run (default: the last one of the branch)")
    parser.add_argument("--to", type=Path, metavar="DIR", help="(default: the run's directory)")


def _act(parser: argparse.ArgumentParser) -> None:
    about = parser.add_mutually_exclusive_group()
    about.add_argument("--report", type=Path, metavar="FILE", help="report.json (default: that of the last run)")
    about.add_argument(
        "--test", action="store_true", help="send a marked sample through every rule, whatever its 'when'"
    )
    about.add_argument("--failed", metavar="WHAT", help="no training came into being, because this failed before it")
    parser.add_argument(
        "--dry-run", action="store_true", help="show exactly what would be sent and to whom; send nothing"
    )
    parser.add_argument("--rule", action="append", default=[], metavar="NAME", help="only this rule (several times)")
    parser.add_argument("--sent", type=Path, metavar="FILE", help="actions.json of an earlier attempt of the same job")
    parser.add_argument(
        "--outcome",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="with --failed: what a verb's --result wrote",
    )
    parser.add_argument(
        "--trigger", choices=["push", "dispatch", "hand", "data"], default="hand", help="with --failed: what started it"
    )


def _watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="report.json of the last training (default: that of the last run)"
    )


def _rollback(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", metavar="VERSION", help="which model version (default: the champion before)")


VERBS = {
    "check": Verb(
        "look at everything that a run needs: configuration, pipeline, data, champion, MLflow, Kubeflow, mail server",
        "helpers.preflight:check",
        _check,
    ),
    "compile": Verb("write the KFP package of a pipeline", "helpers.packaging:compile_pipeline", _compile),
    "run": Verb(
        "train: compile, run the steps, compare with the champion, write the report", "helpers.training:run", _run
    ),
    "submit": Verb(
        "train on Kubeflow: submit the package, wait, bring the report back", "helpers.submission:submit", _submit
    ),
    "report": Verb("write the report of a run again", "helpers.verbs:report", _report),
    "act": Verb(
        "carry out the rules on the result: mail, dispatches, webhooks, Jenkins", "helpers.actions.verb:act", _act
    ),
    "watch": Verb(
        "compare the data with that of the last training; exit code 8 when it has changed",
        "helpers.data.watching:watch",
        _watch,
    ),
    "rollback": Verb("make an earlier champion the champion again", "helpers.verbs:rollback", _rollback),
}
"""Every verb, in the order in which ``--help`` shows them."""
