"""The program's command line; only the hook and the tool call it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# Imported here and not when they are needed: the archive may be replaced while this process runs.
from . import receive, service, watching
from .layout import Layout


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the hook or the tool asks for; the forge is the folder that this program lies in."""
    parser = argparse.ArgumentParser(prog="worker.pyz", description="Trains what is pushed to this forge.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("receive", help="queue what git names on standard input, and follow it")
    verbs.add_parser("wake", help="start a worker for every branch that has something to do")
    of_branch = {
        "start": "start a worker for a branch",
        "work": "be the worker of a branch",
        "watch": "say whether the data of a branch changed since its last training",
    }
    for verb, text in of_branch.items():
        verbs.add_parser(verb, help=text).add_argument("--branch", required=True)
    options = parser.parse_args(arguments)
    layout = Layout(Path(sys.argv[0]).resolve().parent.parent)
    if options.verb == "receive":
        try:
            receive.receive(layout, sys.stdin.read().splitlines(), os.environ)
        except OSError as error:
            print(f"The forge cannot be written: {error}", flush=True)  # noqa: T201 - the person sees it
            return 1
    elif options.verb == "wake":
        service.wake(layout, os.environ)
    elif options.verb == "watch":
        print(json.dumps(watching.look(layout, options.branch, os.environ)), flush=True)  # noqa: T201 - the tool reads it
    elif options.verb == "start":
        service.start(layout, options.branch, os.environ)
    else:
        service.work(layout, options.branch, os.environ)
    return 0
