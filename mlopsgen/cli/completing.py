"""What fits at the cursor when somebody presses Tab; asked by the scripts of ``mlopsgen completion``.

The line is read as far as it goes: which command, which options have their value already, which one waits for it.
Nothing is parsed for good and nothing heavy is imported, because a person waits for each answer.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from typer.main import get_command

from mlopsgen.cli.verbs import ROOT_OPTIONS, VERBS

ASKED = "_MLOPSGEN_COMPLETE"
"""The variable that names the shell that asks; set, the program answers and does nothing else."""

_FILES = ":files"
_PATHS = {"DIR", "PATH", "FILE", "DOTENV"}
_PATH_OPTIONS = {"--data"}

_HELP = ("--help", "Show this message and exit.")

Words = list[tuple[str, str]]


def answer(environ: Mapping[str, str]) -> str:
    """The words that fit, a line each; with their meanings after a tab, where the shell shows them."""
    shell = environ[ASKED]
    words, incomplete = _split(environ.get("_MLOPSGEN_LINE", ""), escape="`" if shell == "powershell" else "\\")
    found = _fitting(words, incomplete)
    if found is None:
        return _FILES
    if shell == "bash":
        skipped = _skipped(incomplete, environ.get("_MLOPSGEN_BREAKS", ""))
        return "\n".join(word[skipped:] for word, _ in found)
    return "\n".join(f"{word}\t{_one_line(meaning)}" if meaning else word for word, meaning in found)


def _split(line: str, *, escape: str) -> tuple[list[str], str]:
    """The words after the program's name, and the one that is being typed; quotes may still be open."""
    import shlex

    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = escape
    words: list[str] = []
    try:
        words.extend(lexer)
        ended = line[-1:].isspace() or not line
    except ValueError:  # an open quote
        words.append(lexer.token)
        ended = False
    start = next((place + 1 for place, word in enumerate(words) if PurePath(word).stem == "mlopsgen"), 1)
    words = words[start:]
    if ended or not words:
        return words, ""
    return words[:-1], words[-1]


def _fitting(words: Sequence[str], incomplete: str) -> Words | None:
    """What fits after some words; ``None`` for a path."""
    if not words or words[0] not in VERBS:
        verbs = [(name, verb.help) for name, verb in VERBS.items()]
        return [] if words else _starting(ROOT_OPTIONS if incomplete.startswith("-") else verbs, incomplete)
    command = get_command(importlib.import_module(VERBS[words[0]].module).app)
    rest = list(words[1:])
    inner: Mapping[str, Any] = getattr(command, "commands", {})
    if inner and (not rest or rest[0] not in inner):
        names = [(name, str(each.short_help or each.help or "")) for name, each in inner.items()]
        return [] if rest else _starting([_HELP] if incomplete.startswith("-") else names, incomplete)
    if inner:
        command, rest = inner[rest[0]], rest[1:]
    return _of_command(command.params, rest, incomplete)


def _of_command(params: Iterable[Any], words: Sequence[str], incomplete: str) -> Words | None:
    params = list(params)
    options = {
        name: each for each in params if each.param_type_name == "option" for name in (*each.opts, *each.secondary_opts)
    }
    arguments = [each for each in params if each.param_type_name == "argument"]
    waiting, used, place = None, set[str](), 0
    for word in words:
        if waiting is not None:
            waiting = None
        elif word.startswith("-") and word != "-":
            name, separator, _ = word.partition("=")
            option = options.get(name)
            used.update(() if option is None or option.multiple else (*option.opts, *option.secondary_opts))
            waiting = option if option is not None and not option.is_flag and not separator else None
        else:
            place += 1
    if waiting is not None:
        return _values(waiting, incomplete)
    name, separator, begun = incomplete.partition("=")
    if separator and name in options and not options[name].is_flag:
        found = _values(options[name], begun)
        return None if found is None else [(f"{name}={word}", meaning) for word, meaning in found]
    if incomplete.startswith("-"):
        long = {name: str(each.help or "") for name, each in options.items() if name.startswith("--")}
        return _starting([*((name, text) for name, text in long.items() if name not in used), _HELP], incomplete)
    if not arguments or (place >= len(arguments) and arguments[-1].nargs == 1):
        return []
    return _values(arguments[min(place, len(arguments) - 1)], incomplete)


def _values(param: Any, incomplete: str) -> Words | None:
    """The values of an option or argument that fit; ``None`` for a path."""
    kind = param.type_descriptor
    if kind.is_path or param.metavar in _PATHS or _PATH_OPTIONS & set(param.opts):
        return None
    return [(item.value, item.help or "") for item in param.shell_complete(None, incomplete)]


def _starting(words: Iterable[tuple[str, str]], incomplete: str) -> Words:
    return [(word, meaning) for word, meaning in words if word.startswith(incomplete)]


def _skipped(incomplete: str, breaks: str) -> int:
    """How much of the word bash has taken for a word of its own: it ends words at '=' and ':' as well."""
    return max((incomplete.rfind(mark) + 1 for mark in "=:" if mark in breaks), default=0)


def _one_line(text: str) -> str:
    first = text.strip().partition("\n\n")[0]
    return " ".join(first.split())
