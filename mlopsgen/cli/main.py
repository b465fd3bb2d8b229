"""The command line's entry: the application that loads a verb of :mod:`mlopsgen.cli.verbs` only when it is asked for.

A verb is a module of ``mlopsgen.cli`` with a typer application ``app`` that holds one command. The command takes
``context: typer.Context`` and its options, builds a frozen request, calls one operation and returns what that returned
(an ``OperationResult``, or ``Shown`` to say it in other words to people). It never prints, and lets errors pass: the
boundary renders both. Its heavy imports stand inside the body.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from mlopsgen import __version__
from mlopsgen.cli import boundary, completing, help_page
from mlopsgen.cli.verbs import VERBS

__all__ = ["VERBS", "VerbGroup", "app", "main"]


class VerbGroup(TyperGroup):
    """Lists the verbs from :data:`VERBS` and imports the one that runs: the help of all imports none of them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what stands before the verb."""
        _spare_conversions(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        """The verbs' names, in the order of the help."""
        for name, verb in VERBS.items():
            if name not in self.commands:
                self.commands[name] = TyperCommand(name, help=verb.help, rich_markup_mode=None)
        return list(VERBS)

    def get_help(self, ctx: Any) -> str:
        """The help of all: the verbs by what people want to do."""
        return help_page.root_help(ctx, self.help or "")

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the verb that the command line names."""
        self.list_commands(ctx)
        if args[0] in VERBS:
            command = get_command(importlib.import_module(VERBS[args[0]].module).app)
            for each in (command, *getattr(command, "commands", {}).values()):
                _spare_conversions(each.get_params(ctx))
                each.get_help = partial(help_page.command_help, each)
            self.commands[args[0]] = command
        return super().resolve_command(ctx, args)


def _spare_conversions(params: list[Any]) -> None:
    """Let what nobody gave pass as it is.

    typer converts each value with pydantic, defaults included; importing that takes longer than starting the tool.
    """
    for param in params:
        param.process_value = partial(_converted, param, param.process_value)


def _converted(param: Any, convert: Callable[[Any, Any], Any], ctx: Any, value: Any) -> Any:
    missing = value is None and param.required
    if not missing and (value is None or value is param.default):
        return value
    return convert(ctx, value)


app = typer.Typer(cls=VerbGroup, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlopsgen {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """From an idea to a machine-learning repository that trains by git push and stays up to date."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None, *, cwd: Path | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: The command line without the program's name; that of this process if left out.
        cwd: The folder that it is run in; that of this process if left out.
    """
    if completing.ASKED in os.environ:
        typer.echo(completing.answer(os.environ))
        return 0
    groups = [name for name, verb in VERBS.items() if verb.group]
    words = sys.argv[1:] if arguments is None else arguments
    if list(words[:1]) == ["help"]:
        words = [*words[1:], "--help"]
    elif list(words[-1:]) == ["-h"]:
        words = [*words[:-1], "--help"]
    return boundary.run(app, words, os.environ, groups=groups, cwd=cwd)
