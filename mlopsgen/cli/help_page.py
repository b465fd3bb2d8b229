"""How help looks: what people want to do, options below headings, examples, from 40 columns on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlopsgen.cli.console import style, terminal_width
from mlopsgen.cli.examples import EXAMPLES
from mlopsgen.cli.headings import ANSWERS, COMMON, FLEET, GITHUB, TEMPLATE
from mlopsgen.cli.session import Session
from mlopsgen.cli.verbs import ROOT_OPTIONS, SECTIONS, VERBS, Verb

OWN = "Options"
_WIDEST = 100
_NARROW = 64
"""Below so many columns a text stands under its word instead of beside it."""
_COLUMN = 26

_START = (
    ("mlopsgen init", "Asks a few questions, each with a default."),
    ("cd my-project", "The folder that init made."),
    ("mlopsgen push --local", "Trains it on this machine. No account is needed."),
)


class Page:
    """A help text that grows line by line.

    Args:
        width: Columns.
        colour: Whether headings are bold.
    """

    def __init__(self, *, width: int, colour: bool) -> None:
        self._width = max(min(width, _WIDEST) - 1, 20)
        self._colour = colour
        self._lines: list[str] = []

    def paragraph(self, text: str, indent: str = "") -> None:
        """A paragraph, with an empty line before it."""
        self._gap()
        self._lines += _filled(text, self._width, indent)

    def usage(self, text: str) -> None:
        """The line that says how a command is written."""
        self._lines += textwrap.wrap(
            text, self._width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )

    def heading(self, text: str) -> None:
        """A heading."""
        self._gap()
        self._lines.append(style(f"{text}:", "bold", colour=self._colour))

    def rows(self, pairs: Iterable[tuple[str, str]], column: int = 0) -> None:
        """Words with what they mean, beside them (in this column, if one is named) or below them."""
        pairs = list(pairs)
        column = column or min(max((len(word) for word, _ in pairs), default=0), _COLUMN) + 4
        for word, text in pairs:
            if self._width < _NARROW:
                self._lines += [*_filled(word, self._width, "  "), *_filled(text, self._width, "      ")]
                continue
            lines = _filled(text, self._width, " " * column) or [""]
            if len(word) > column - 4:
                self._lines += [f"  {word}", *lines]
            else:
                self._lines += [f"  {word:<{column - 2}}{lines[0].lstrip()}", *lines[1:]]

    def example(self, wanted: str, command: str) -> None:
        """What somebody wants, and the command, which stays one line that can be copied."""
        self._lines += [*_filled(f"{wanted}:", self._width, "  "), f"    {command}"]

    def text(self) -> str:
        """All of it."""
        return "\n".join(line.rstrip() for line in self._lines)

    def _gap(self) -> None:
        if self._lines:
            self._lines.append("")


def root_help(context: Any, description: str) -> str:
    """The help of ``mlopsgen``: where to begin, and the verbs by what people want to do."""
    page = _page(context)
    page.paragraph(description)
    page.paragraph("Usage: mlopsgen COMMAND [OPTIONS]")
    page.heading("Start here")
    page.rows(_START, _COLUMN)
    column = max(map(len, VERBS)) + 4
    for section, verbs in SECTIONS.items():
        page.heading(section)
        page.rows(_lines_of(verbs), column)
    page.heading("Options")
    page.rows(ROOT_OPTIONS, column)
    page.paragraph("'mlopsgen COMMAND --help' shows examples and every option of a command.")
    return page.text()


def command_help(command: Any, context: Any) -> str:
    """The help of a verb: its usage, what it does, examples, and its options below headings."""
    page = _page(context)
    params = [param for param in command.get_params(context) if not getattr(param, "hidden", False)]
    arguments = [param for param in params if param.param_type_name == "argument"]
    options = [param for param in params if param.param_type_name == "option"]
    commands: Mapping[str, Any] = getattr(command, "commands", {})
    pieces = ["COMMAND"] if commands else []
    page.usage(" ".join(["Usage:", context.command_path, *pieces, "[OPTIONS]", *map(_usage, arguments)]))
    for paragraph in (command.help or "").strip().split("\n\n"):
        page.paragraph(" ".join(paragraph.split()))
    if commands:
        page.heading("Commands")
        page.rows((name, _first_line(each)) for name, each in commands.items())
    known = context.command_path.partition(" ")[2]
    if known in EXAMPLES:
        page.heading("Examples")
        for wanted, line in EXAMPLES[known]:
            page.example(wanted, line)
    if arguments:
        page.heading("Arguments")
        page.rows((_name(each), _meaning(each)) for each in arguments)
    for heading, found in _by_heading(options).items():
        page.heading(heading)
        page.rows((_flags(each), _meaning(each)) for each in found)
    if commands:
        page.paragraph(f"'{context.command_path} COMMAND --help' shows examples and every option.")
    return page.text()


def _page(context: Any) -> Page:
    session = context.obj
    if isinstance(session, Session):
        return Page(width=session.width, colour=session.colour)
    return Page(width=terminal_width(), colour=False)


def _lines_of(verbs: Mapping[str, Verb]) -> list[tuple[str, str]]:
    return [(name, verb.help) for name, verb in verbs.items()]


def _first_line(command: Any) -> str:
    return str(command.short_help or " ".join((command.help or "").strip().partition("\n\n")[0].split()))


def _by_heading(options: Sequence[Any]) -> dict[str, list[Any]]:
    """The options below their headings: first a command's own, last what all of them have."""
    found: dict[str, list[Any]] = {OWN: [], ANSWERS: [], TEMPLATE: [], GITHUB: [], FLEET: [], COMMON: []}
    for option in options:
        panel = COMMON if "--help" in option.opts else getattr(option, "rich_help_panel", None)
        found[panel or OWN].append(option)
    return {heading: each for heading, each in found.items() if each}


def _usage(argument: Any) -> str:
    name = _name(argument) + ("..." if argument.nargs != 1 else "")
    return name if argument.required else f"[{name}]"


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _flags(option: Any) -> str:
    short_first = sorted(option.opts, key=len)
    words = ", ".join(short_first)
    if option.secondary_opts:
        return f"{words} / {', '.join(option.secondary_opts)}"
    return words if option.is_flag or option.count else f"{words} {_value(option)}"


def _value(option: Any) -> str:
    kind = option.type_descriptor
    if kind.is_choice:
        return "|".join(str(getattr(choice, "value", choice)) for choice in kind.choices or ())
    return str(option.metavar or ("PATH" if kind.is_path else "TEXT"))


def _meaning(param: Any) -> str:
    """The text of an option or argument, with its default where that says something."""
    default = param.default
    words = str(param.help or "")
    if param.required:
        return f"{words} [required]"
    told = getattr(param, "is_flag", False) and not getattr(param, "secondary_opts", ())
    if not param.show_default or told or default is None or default in ("", [], ()):
        return words
    if isinstance(default, bool):
        default = (param.opts if default else param.secondary_opts)[0]
    return f"{words} [default: {getattr(default, 'value', default)}]"


def _filled(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
