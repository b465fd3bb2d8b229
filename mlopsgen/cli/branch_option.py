"""The option that names a branch."""

from __future__ import annotations

from typing import Any

import typer

from mlopsgen.cli.completers import branches


def branch_option(meaning: str) -> Any:
    """``--branch BRANCH``; the Tab key completes branches.

    Args:
        meaning: What the branch is to the command.
    """
    return typer.Option("--branch", "-b", metavar="BRANCH", autocompletion=branches, help=meaning)
