"""The tasks of ``python -m helpers.ci``: what each is for, its options, and the function that performs it.

Standard library only: the command line reads this table before it knows what it is asked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from helpers.ci.job import BRANCHES


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        text: What it does, in a line.
        performed_by: ``module:function``; the function takes a ``Job`` and the parsed options.
        add_options: Adds the task's own options to its parser.
    """

    text: str
    performed_by: str
    add_options: Callable[[argparse.ArgumentParser], None]


def _none(_: argparse.ArgumentParser) -> None:
    """A task without options."""


def _branch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--branch", required=True, choices=BRANCHES, help="which branch's training this is about")


def _image_tag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--registry", required=True, metavar="NAME", help="for example ghcr.io/acme/diabetes")


def _store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["restore", "keep"], help="bring it back, or keep it")
    _branch(parser)
    parser.add_argument("--into", type=Path, default=Path("runs/store"), metavar="DIR", help="(default: runs/store)")


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--report", type=Path, metavar="FILE", help="report.json of a training that this job made")


def _sample(parser: argparse.ArgumentParser) -> None:
    _branch(parser)
    parser.add_argument("--into", type=Path, default=Path("runs/sample"), metavar="DIR", help="(default: runs/sample)")


def _promote(parser: argparse.ArgumentParser) -> None:
    _branch(parser)
    parser.add_argument("--report", type=Path, required=True, metavar="FILE", help="report.json of the training")


def _follow_up(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--into", type=Path, default=Path("runs/report"), metavar="DIR", help="(default: runs/report)")


def _status(parser: argparse.ArgumentParser) -> None:
    _branch(parser)
    parser.add_argument(
        "--state", required=True, choices=["pending", "success", "failure", "error"], help="how the training stands"
    )
    parser.add_argument("--text", default="", help="what the status says (default: what the state means)")
    parser.add_argument("--commit", default="", help="(default: GITHUB_SHA)")


def _annotate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--report", type=Path, metavar="FILE", help="report.json of the training")
    parser.add_argument(
        "--outcome", type=Path, action="append", default=[], metavar="FILE", help="what a verb's --output json printed"
    )


TASKS = {
    "decide": Task("does this event train, and why", "helpers.ci.decide:decide", _branch),
    "image-tag": Task(
        "the image's tag, from what goes into it, and whether the registry has it",
        "helpers.ci.image_tag:image_tag",
        _image_tag,
    ),
    "store": Task("bring the branch's MLflow store back, or keep it", "helpers.ci.store:store", _store),
    "annotate": Task("the job's summary and annotations", "helpers.ci.annotate:annotate", _annotate),
    "sample": Task("a short training on the sample, for a pull request", "helpers.ci.sample:sample", _sample),
    "compare": Task("the pull request's comment", "helpers.ci.compare:compare", _compare),
    "promote": Task("the pull request to the next branch", "helpers.ci.promote:promote", _promote),
    "status": Task("the commit's status 'training/<branch>'", "helpers.ci.status:status", _status),
    "watch-all": Task("start the watch of each branch", "helpers.ci.watch:watch_all", _none),
    "watch": Task("start the branch's training when its data changed", "helpers.ci.watch:watch", _branch),
    "follow-up": Task("act on a repository_dispatch", "helpers.ci.follow_up:follow_up", _follow_up),
}
"""Every task, in the order in which ``--help`` shows them."""
