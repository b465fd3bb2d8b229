"""A command line that cannot be read: what is wrong with it in plain words, and the word that was most likely meant."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from typer.main import get_command

from mlopsgen.cli.verbs import OTHER_WORDS, VERBS
from mlopsgen.errors import UsageError
from mlopsgen.near_words import nearest

_NO_COMMAND = re.compile(r"No such command '(?P<word>.*?)'\.")
_NO_CHOICE = re.compile(r"'(?P<word>[^']*)' is not one of (?P<choices>'.*')\.?$")
_TOO_SMALL = re.compile(r"Input should be greater than or equal to (?P<least>\d+)")
_NUMBER = "Input should be a valid integer"
_PLAIN = (
    (re.compile(r"^Option '(?P<name>.*)' requires an argument\.$"), "'{name}' needs a value."),
    (re.compile(r"^Option '(?P<name>.*)' does not take a value\.$"), "'{name}' takes no value."),
    (re.compile(r"^Missing argument '(?P<name>.*)'\.$"), "{name} is missing."),
    (re.compile(r"^Missing option '(?P<name>.*)'\.$"), "'{name}' is missing."),
    (re.compile(r"^Got unexpected extra arguments?(\(s\))? \((?P<name>.*)\)$"), "There is a word too many: {name}."),
    (re.compile(r"^Missing command\.$"), "A command has to follow."),
)


def explained(error: typer.TyperException, arguments: Sequence[str] = ()) -> UsageError:
    """The error in our words.

    Args:
        error: What the command line's library says.
        arguments: What was typed: an option without its value does not tell which command it belongs to.
    """
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else _command_of(arguments)
    hint = f"'{command} --help' shows what can be given."
    name = getattr(error, "option_name", None)
    if name and hasattr(error, "possibilities"):
        return UsageError(_unknown_option(str(name), context), hint=hint)
    # typer converts with pydantic, which begins each reason with the name of its exception.
    message = error.format_message().replace("Value error, ", "", 1)
    found = _NO_COMMAND.match(message)
    if found:
        return UsageError(_unknown_command(found["word"], context), hint=hint)
    return UsageError(_plain(message), hint=hint)


def _command_of(arguments: Sequence[str]) -> str:
    verb, under = [*arguments, "", ""][:2]
    if verb not in VERBS:
        return "mlopsgen"
    inner: Mapping[str, Any] = getattr(get_command(importlib.import_module(VERBS[verb].module).app), "commands", {})
    return f"mlopsgen {verb} {under}" if under in inner else f"mlopsgen {verb}"


def _unknown_command(word: str, context: Any) -> str:
    group = context.command_path if context is not None else "mlopsgen"
    known: Mapping[str, Any] = getattr(context.command, "commands", {}) if context is not None else {}
    words: Mapping[str, str] = OTHER_WORDS if group == "mlopsgen" else {}
    # A word of another program says more than letters that are alike.
    meant = words.get(word.lower()) or nearest(word, known or VERBS)
    return f"There is no command '{group} {word}'." + (f" Did you mean '{meant}'?" if meant else "")


def _unknown_option(name: str, context: Any) -> str:
    command = context.command_path if context is not None else "mlopsgen"
    params = context.command.get_params(context) if context is not None else []
    known = [flag for param in params for flag in (*param.opts, *param.secondary_opts) if flag.startswith("--")]
    if command == "mlopsgen":
        owners = [verb for verb in VERBS if name in _options_of(verb)]
        if owners:
            return f"'{name}' is an option of 'mlopsgen {owners[0]}': write it after the command."
    meant = nearest(name, known) if name.startswith("--") else ""
    return f"'{command}' has no option '{name}'." + (f" Did you mean '{meant}'?" if meant else "")


def _options_of(verb: str) -> set[str]:
    command = get_command(importlib.import_module(VERBS[verb].module).app)
    inner: Mapping[str, Any] = getattr(command, "commands", {})
    return {flag for each in (command, *inner.values()) for param in each.params for flag in param.opts}


def _plain(message: str) -> str:
    for pattern, words in _PLAIN:
        found = pattern.match(message)
        if found:
            return words.format(**found.groupdict())
    place, separator, reason = message.partition(": ")
    if separator and reason.startswith(_NUMBER):
        return f"{place}: it has to be a whole number."
    small = _TOO_SMALL.match(reason)
    if small:
        return f"{place}: it has to be {small['least']} or more."
    choice = _NO_CHOICE.search(message)
    meant = nearest(choice["word"], choice["choices"].strip("'").split("', '")) if choice else ""
    return f"{message} Did you mean '{meant}'?" if meant else message
