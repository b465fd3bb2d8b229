"""Asks in a terminal, with questionary: the :class:`mlopsgen.ports.Prompter` of the command line."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

import questionary
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth, create_output

from mlopsgen.cli.console import harmless, style, terminal_width
from mlopsgen.ports import Back
from mlopsgen.secret_value import SecretValue

BACK = "<"
"""Typed as an answer, it goes back; so does the key 'up'."""


class TerminalPrompter:
    """Asks on standard input and output.

    Args:
        colour: Whether the terminal takes colours.
        stream: Where questions are shown instead of standard output, which may be somebody else's.
    """

    def __init__(self, *, colour: bool, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._look: dict[str, Any] = {} if colour else {"color_depth": ColorDepth.DEPTH_1_BIT}
        if stream is not None:
            self._look["output"] = create_output(stdout=stream)
        self._keys = KeyBindings()
        self._keys.add("up")(_go_back)

    def tell(self, text: str) -> None:
        """Show a text."""
        stream = self._stream or sys.stdout
        stream.write(harmless(text).rstrip("\n") + "\n")
        stream.flush()

    def text(self, title: str, help_line: str, default: str, refuse: Callable[[str], str | None]) -> str:
        """A line of text, checked while it is typed."""
        self.tell("\n" + indented(help_line))

        def validate(text: str) -> bool | str:
            return True if text.strip() == BACK else refuse(text) or True

        question = questionary.text(
            title,
            default=default,
            validate=validate,
            qmark=" ",
            instruction=f"('{BACK}' or up: back) ",
            key_bindings=self._keys,
            **self._look,
        )
        said = str(question.unsafe_ask()).strip()
        if said == BACK:
            raise Back
        return said

    def choose(self, title: str, help_line: str, choices: Sequence[tuple[str, str]], default: str) -> str:
        """One of the choices; an empty value is going back."""
        self.tell("\n" + indented(help_line))
        question = questionary.select(
            title,
            choices=[questionary.Choice(_below(words, title), value) for value, words in choices],
            default=default if any(value == default for value, _ in choices) else None,
            qmark=" ",
            instruction="(arrows, enter)",
            **self._look,
        )
        said = str(question.unsafe_ask())
        if not said:
            raise Back
        return said

    def choose_some(self, title: str, choices: Sequence[tuple[str, str]], chosen: Sequence[str]) -> list[str]:
        """Any of the choices."""
        wide = terminal_width() >= 72
        question = questionary.checkbox(
            title,
            choices=[questionary.Choice(_below(words, ""), value, checked=value in chosen) for value, words in choices],
            qmark=" ",
            instruction="(space marks, enter goes on; no mark: keep it all)" if wide else "(space, enter)",
            **self._look,
        )
        return [str(value) for value in question.unsafe_ask()]

    def secret(self, title: str, help_line: str) -> SecretValue:
        """A text that is not shown while it is typed or pasted, also one of several lines; its size is told."""
        self.tell("\n" + indented(help_line))
        question = questionary.password(title, qmark=" ", instruction="(hidden)", erase_when_done=True, **self._look)
        found = SecretValue(str(question.unsafe_ask()))
        self.tell(f"  {title}: {found.size} bytes" if found else f"  {title}: nothing")
        return found


def _go_back(event: KeyPressEvent) -> None:
    event.app.exit(result=BACK)


def indented(text: str) -> str:
    """A text below the prompts' margin, broken between words where the terminal ends."""
    return textwrap.fill(
        text,
        width=terminal_width() - 1,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _below(words: str, title: str) -> str:
    """A choice, broken between words; its further lines stand below its mark, and it fits behind the title as well."""
    width = terminal_width() - 6
    if len(title) + len(words) <= width:
        return words
    beside = " " * min(len(title), width // 2)
    lines = textwrap.wrap(words, width, initial_indent=beside, break_long_words=False, break_on_hyphens=False)
    return "\n     ".join(lines).lstrip()


def draw_table(rows: Mapping[str, str], *, colour: bool) -> str:
    """Rows of a title and a text, as a table that fits the terminal as it is now."""
    from rich.cells import cell_len

    width = terminal_width() - 2
    first = max(map(cell_len, rows), default=0)
    lines = []
    for title, text in rows.items():
        head = style(title, "bold", colour=colour)
        beside = _paragraphs(text, width - first - 2)
        if max(map(cell_len, beside)) <= width - first - 2:
            lines.append(f"{head}{' ' * (first - cell_len(title) + 2)}{beside[0]}")
            lines += [f"{'':<{first + 2}}{line}" for line in beside[1:]]
        else:
            lines += [head, *(f"  {line}" for line in _paragraphs(text, width - 2))]
    return "\n".join(["", *(line.rstrip() for line in lines), "", ""])


def _paragraphs(text: str, width: int) -> list[str]:
    """The lines of a text, each broken between words."""
    return [
        part
        for line in text.splitlines() or [""]
        for part in textwrap.wrap(line, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]
    ]
