"""``mlopsgen push`` to GitHub: who is asked what, and what is shown before and after."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mlopsgen.cli.console import TextEvents, agreed, style
from mlopsgen.cli.folding import folded
from mlopsgen.cli.github_token import credential_finder
from mlopsgen.cli.push_flags import GitHubFlags
from mlopsgen.cli.session import Output, Session, Shown
from mlopsgen.cli.surroundings import surroundings_of
from mlopsgen.operations.hosting import LOGIN, Wanted
from mlopsgen.operations.push_end import drift_of
from mlopsgen.operations.push_github import push_github
from mlopsgen.operations.push_request import GitHubPushRequest, Owner, Situation
from mlopsgen.operations.secret_sources import Asked, Named, from_file, from_variables
from mlopsgen.ports import EventSink
from mlopsgen.remote.plan import Plan
from mlopsgen.remote.plan_text import plan_lines
from mlopsgen.result import OperationResult
from mlopsgen.secret_value import redact

if TYPE_CHECKING:
    from mlopsgen.cli.prompts import TerminalPrompter

Operate = Callable[[GitHubPushRequest, EventSink], OperationResult]
_OTHER = "another one"
_MARGIN = 15


def _prompter(session: Session) -> TerminalPrompter:
    # What draws questions is slow to import, and most pushes ask nothing.
    from mlopsgen.cli.prompts import TerminalPrompter

    return TerminalPrompter(colour=session.colour)


def push_to_github(
    session: Session, flags: GitHubFlags, *, operate: Operate = push_github, folder: Path | None = None
) -> Shown:
    """Run an operation as the flags say, and show its end.

    Args:
        session: The command that runs.
        flags: What it was given.
        operate: What brings a repository to GitHub.
        folder: Where the repository lies; the session's folder if left out.
    """
    # Who pipes a token in cannot answer, and who said yes wants no question.
    asked = session.interactive and not flags.token_stdin and not flags.yes
    prompter = _prompter(session) if asked else None
    screen = _Screen(session, flags)
    request = GitHubPushRequest(
        surroundings=replace(surroundings_of(session), folder=folder or session.cwd),
        credential=credential_finder(session, token_stdin=flags.token_stdin, host=flags.host),
        wanted=Wanted(host=flags.host, organisation=flags.organisation, personal=flags.personal, name=flags.name),
        visibility=flags.visibility.value if flags.visibility else "",
        protocol=flags.protocol.value if flags.protocol else "",
        take_over=flags.take_over,
        dry_run=flags.dry_run,
        agreed=flags.yes,
        digest=flags.plan_digest,
        values=_values(session, flags),
        ask_value=Asked(screen.secret) if prompter is not None else None,
        choose_owner=_chooser(prompter, screen) if prompter is not None else None,
        show=screen.show,
        agree=screen.agree if prompter is not None else None,
        again=flags.again,
    )
    result = operate(request, session.events)
    text = [*screen.last, ""] if flags.dry_run else []
    return Shown(
        result=result, text="\n".join([*text, *_wrapped(session, result.summary), *_end(session, result.data)])
    )


def _values(session: Session, flags: GitHubFlags) -> tuple[Named, ...]:
    files = [from_file(session.path(flags.secrets_file), session.environ, session.events)] if flags.secrets_file else []
    return (*files, from_variables(session.environ))


class _Screen:
    """What is shown on the terminal while the operation works."""

    def __init__(self, session: Session, flags: GitHubFlags) -> None:
        self._session = session
        self._flags = flags
        self._place = ""
        self._told = False
        self.last: list[str] = []

    def clear(self) -> None:
        if isinstance(self._session.events, TextEvents):
            self._session.events.clear()

    def show(self, situation: Situation, plan: Plan) -> None:
        self.clear()
        self._place = situation.full_name
        session = self._session
        # Where the place cannot be used, nothing of the rest can happen.
        shown = plan if plan.refused is None else Plan((plan.refused,))
        state = "is there" if situation.exists else "does not exist yet"
        who = f"as {situation.login}, " if situation.login else ""
        article = "an" if situation.token[:1].lower() in set("aeiou") else "a"
        lines = [
            *folded(f"{style(situation.page, 'bold', colour=session.colour)}   ({state})", session.width).split("\n"),
            *_wrapped(session, f"{who}with {article} {situation.token}"),
            "",
            *(_coloured(line, colour=session.colour) for line in plan_lines(shown, width=session.width)),
        ]
        self.last = [redact(line) for line in lines]
        differs = plan.changes or plan.blocked or drift_of(plan)
        if session.output is Output.text and differs and (plan.refused is not None or not self._flags.dry_run):
            typer.echo("\n".join(["", *self.last, ""]), err=True)

    def agree(self) -> bool:
        self.clear()
        return agreed(f"Make these changes to {self._place}?", default=False)

    def secret(self, title: str, help_line: str) -> Any:
        self.clear()
        if not self._told:
            self._told = True
            told = "These secrets are needed and not there. Leave one empty to set it later."
            typer.echo("\n".join(["", *_wrapped(self._session, told)]), err=True)
        return _prompter(self._session).secret(title, help_line)


_LOOKS = {"  + ": "green", "  ~ ": "yellow", "  ! ": "red", "  = ": "cyan"}


def _coloured(line: str, *, colour: bool) -> str:
    look = _LOOKS.get(line[:4])
    if look is not None:
        return f"  {style(line[2], look, colour=colour)} {line[4:]}"
    return style(line, "bold", colour=colour) if line[:1].strip() else line


def _chooser(prompter: TerminalPrompter, screen: _Screen) -> Callable[[str, Sequence[str]], Owner]:
    def choose(login: str, organisations: Sequence[str]) -> Owner:
        screen.clear()
        choices = [(f"org:{name}", f"{name}   (organisation)") for name in organisations]
        if login:
            choices.append((f"user:{login}", f"{login}   (your own account)"))
        choices.append((_OTHER, "another organisation, by its name"))
        help_line = "Whose repository it will be. Your token may not know every organisation that you belong to."
        kind, _, name = prompter.choose("Owner", help_line, choices, choices[0][0]).partition(":")
        if kind == _OTHER:
            name = prompter.text("Organisation", "The last part of its address on GitHub.", "", _refuse_login)
        return Owner(login=name, organisation=kind != "user")

    return choose


def _refuse_login(text: str) -> str | None:
    return None if LOGIN.fullmatch(text.strip()) else "letters, digits and single dashes"


def _wrapped(session: Session, text: str) -> list[str]:
    return textwrap.wrap(text, session.width, break_long_words=False, break_on_hyphens=False) or [""]


def _end(session: Session, data: dict[str, Any]) -> list[str]:
    """Where everything is and who approves what, below the summary."""
    lines: list[str] = []
    links = data.get("links")
    if links:
        names = {
            "repository": "Repository", "actions": "Actions", "environments": "Environments",
            "pull_requests": "Pull requests",
        }  # fmt: skip
        lines += ["", *(f"  {title:<{_MARGIN}}{links[key]}" for key, title in names.items())]
    if data.get("approvals"):
        lines += ["", style("Approvals", "bold", colour=session.colour)]
        for each in data["approvals"]:
            text = f"  {each['branch']:<{_MARGIN}}{'; '.join(_approval(each))}"
            lines += textwrap.wrap(text, session.width, subsequent_indent=" " * (_MARGIN + 2), break_long_words=False)
    return lines


def _approval(each: dict[str, Any]) -> list[str]:
    found = []
    if each["pull_request"]:
        reviews = f" with {each['reviews']} approving review{'s' * (each['reviews'] != 1)}" if each["reviews"] else ""
        checks = f" and a green '{', '.join(each['checks'])}'" if each["checks"] else ""
        found.append(f"changes come by pull request{reviews}{checks}")
    if each["reviewers"]:
        others = "" if each["self_review"] else " (not whoever started it)"
        wait = f", then it waits {each['wait_minutes']} minutes" if each["wait_minutes"] else ""
        found.append(f"each training waits until {' or '.join(each['reviewers'])} approves it{others}{wait}")
    return found
