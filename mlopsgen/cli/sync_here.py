"""``mlopsgen sync`` in a clone: what is asked and shown."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import typer

from mlopsgen.cli.console import TextEvents, agreed, style
from mlopsgen.cli.github_token import credential_finder
from mlopsgen.cli.new_answers import ask_new, given_of
from mlopsgen.cli.session import Output, Session, Shown
from mlopsgen.cli.surroundings import surroundings_of
from mlopsgen.cli.sync_flags import SyncFlags
from mlopsgen.cli.trust_option import trust_of
from mlopsgen.errors import Interrupted
from mlopsgen.operations import sync as operation
from mlopsgen.operations.sync_request import SyncRequest
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.remote.plan import Plan
from mlopsgen.remote.plan_text import plan_lines
from mlopsgen.result import OperationResult
from mlopsgen.secret_value import redact
from mlopsgen.sync.summary import summary_lines
from mlopsgen.sync.values import Update

_LOOKS = {"+": "green", "~": "yellow", "!": "red", "-": "red", "=": "cyan", ">": "yellow", "x": "yellow"}


def sync_here(session: Session, flags: SyncFlags) -> Shown:
    """Run the operation as the flags say, and show its end."""
    asked = session.interactive and not flags.token_stdin and not flags.yes
    screen = Screen(session, flags)
    request = SyncRequest(
        surroundings=surroundings_of(session),
        branch=flags.branch,
        to=flags.to,
        rebase_from=flags.rebase_from,
        template=flags.template,
        given=given_of(session, flags.answers, flags.assignments),
        keep_edits=flags.keep_edits,
        check=flags.check,
        dry_run=flags.dry_run,
        agreed=flags.yes,
        pull_request=not flags.no_pull_request,
        settings=flags.settings,
        host=flags.host,
        credential=credential_finder(session, token_stdin=flags.token_stdin, host=flags.host, ask=False),
        ask=ask_new(session) if asked and not (flags.check or flags.dry_run) else None,
        show=screen.show,
        agree=screen.agree if asked else None,
        show_settings=screen.show_settings,
        again=flags.again,
        resume=flags.resume,
        shelf=TemplateShelf(session.environ, trust_of(flags.trust)),
    )
    act: Callable[..., OperationResult] = operation.sync
    if flags.continue_ or flags.abort:
        act = operation.sync_continue if flags.continue_ else operation.sync_abort
    try:
        result = act(request, session.events)
    except KeyboardInterrupt:
        raise Interrupted("Stopped.", hint="Run it again: it continues, or begins anew.") from None
    text = [*screen.last, ""] if flags.dry_run and screen.last else []
    guide = [part for line in result.data.get("guide", []) for part in wrapped(session, line, indent="   ")]
    lines = [*text, *wrapped(session, result.summary), *(["", *guide] if guide else [])]
    return Shown(result=result, text="\n".join(lines))


def wrapped(session: Session, text: str, *, indent: str = "") -> list[str]:
    """A sentence in the terminal's width; whoever reads from a pipe gets it as one line.

    Args:
        session: Where it is shown.
        text: The sentence.
        indent: What every line but the first begins with.
    """
    if not session.interactive:
        return [text]
    lines = textwrap.TextWrapper(
        session.width - 1, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return lines.wrap(text) or [""]


class Screen:
    """What is shown on the terminal while the operation works."""

    def __init__(self, session: Session, flags: SyncFlags) -> None:
        self._session = session
        self._dry_run = flags.dry_run
        self._branch = flags.branch
        self._repository = flags.repository
        self.last: list[str] = []

    def clear(self) -> None:
        """Take the line of progress away."""
        if isinstance(self._session.events, TextEvents):
            self._session.events.clear()

    def show(self, update: Update) -> None:
        """Show an update, or keep it for the end of a dry run."""
        session = self._session
        name = f"{self._repository or update.answers.get('slug') or session.cwd.name}, {self._branch}"
        lines = summary_lines(update, width=session.width, name=name)
        self.last = [redact(coloured(line, colour=session.colour)) for line in lines]
        if session.output is Output.text and not self._dry_run:
            self.clear()
            typer.echo("\n".join(["", *self.last, ""]), err=True)

    def show_settings(self, plan: Plan) -> None:
        """Show what GitHub would become."""
        if self._session.output is Output.text:
            self.clear()
            lines = ["", "GitHub, compared with what the updated files ask for:"]
            lines += plan_lines(plan, width=self._session.width)
            typer.echo("\n".join([*map(redact, lines), ""]), err=True)

    def agree(self, question: str, default: bool = True) -> bool:
        """Ask a question with yes or no."""
        self.clear()
        return agreed(question, default=default)


def coloured(line: str, *, colour: bool) -> str:
    """A line of a summary with the colour of its sign."""
    if line[:1].strip():
        return style(line, "bold", colour=colour)
    look = _LOOKS.get(line[2:3]) if line[:2] == "  " and line[3:4] == " " else None
    return f"  {style(line[2], look, colour=colour)}{line[3:]}" if look else line
