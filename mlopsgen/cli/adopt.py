"""``mlopsgen adopt``: an existing repository gets a template, on a branch to be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsgen.cli.branch_option import branch_option
from mlopsgen.cli.completers import assignments
from mlopsgen.cli.console import TextEvents
from mlopsgen.cli.headings import ANSWERS, TEMPLATE
from mlopsgen.cli.new_answers import given_of
from mlopsgen.cli.session import Output, OutputOption, Session, Shown, session_of
from mlopsgen.cli.trust_option import TrustOption, trust_of
from mlopsgen.errors import Interrupted
from mlopsgen.secret_value import redact

if TYPE_CHECKING:
    from mlopsgen.operations.adopt_request import Adoption, AskAll
    from mlopsgen.question_set import QuestionSet
    from mlopsgen.questions import Value

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def adopt(
    context: typer.Context,
    path: Annotated[
        str, typer.Argument(help="The repository; the one of this folder if left out.", show_default=False)
    ] = "",
    template: Annotated[
        str,
        typer.Option(
            "--template",
            metavar="ADDRESS",
            help="The template: where it moved to, or another than the built-in one.",
            rich_help_panel=TEMPLATE,
        ),
    ] = "",
    template_version: Annotated[
        str,
        typer.Option(
            "--template-version",
            metavar="VERSION",
            help="Its version: the one that made the repository, else the newest.",
            rich_help_panel=TEMPLATE,
        ),
    ] = "",
    branch: Annotated[
        str,
        branch_option("The branch that is adopted; else what is checked out."),
    ] = "",
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers", metavar="FILE", help="Answers, as YAML or JSON.", show_default=False, rich_help_panel=ANSWERS
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            autocompletion=assignments,
            help="Answer a question; can be repeated.",
            rich_help_panel=ANSWERS,
        ),
    ] = None,
    defaults: Annotated[
        bool,
        typer.Option(
            "--defaults",
            help="Ask nothing: what is not given is guessed, or keeps its default.",
            rich_help_panel=ANSWERS,
        ),
    ] = False,
    record: Annotated[
        str,
        typer.Option(
            "--record",
            metavar="FILE",
            help="The file that names the template, where there are several.",
            rich_help_panel=TEMPLATE,
        ),
    ] = "",
    anew: Annotated[
        bool,
        typer.Option(
            "--anew",
            help="Whatever made the repository: merge the template as into one made by hand.",
            rich_help_panel=TEMPLATE,
        ),
    ] = False,
    conflicts: Annotated[
        bool,
        typer.Option("--conflicts", help="Make git conflicts of the files that both have, instead of keeping yours."),
    ] = False,
    trust: TrustOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    output: OutputOption = Output.text,
) -> Shown:
    """Bring a repository that exists under a template, on the branch mlopsgen/adopt: nothing of yours is overwritten.

    One that cruft or copier made keeps its template and version; into any other one the built-in template is merged.
    """
    session = session_of(context)
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.cli.sync_here import coloured, wrapped
    from mlopsgen.operations import adopt as operation
    from mlopsgen.operations.adopt_request import AdoptRequest
    from mlopsgen.operations.adopt_text import lines
    from mlopsgen.operations.project import Surroundings

    here = surroundings_of(session)
    folder = session.path(path) if path else session.cwd
    told: list[str] = []

    def show(adoption: Adoption) -> None:
        plain = lines(adoption, name=folder.resolve().name, width=session.width)
        told[:] = [*(redact(coloured(line, colour=session.colour)) for line in plain), ""]

    request = AdoptRequest(
        surroundings=Surroundings(folder=folder, environ=here.environ, python=here.python),
        branch=branch,
        template=template,
        version=template_version,
        given=given_of(session, answers, assignments or ()),
        record=record,
        anew=anew,
        conflicts=conflicts,
        dry_run=dry_run,
        trust=trust_of(trust),
        ask=_ask(session) if session.interactive and not defaults and answers is None else None,
        show=show,
    )
    try:
        result = operation.adopt(request, session.events)
    except KeyboardInterrupt:
        raise Interrupted("Stopped; nothing was changed.") from None
    return Shown(result=result, text="\n".join([*told, *wrapped(session, result.summary)]))


def _ask(session: Session) -> AskAll:
    """Let a person look at the answers, as ``init`` does."""

    def ask(questions: QuestionSet, given: Mapping[str, object]) -> dict[str, Value]:
        from mlopsgen.cli import prompts, topics, wizard

        if isinstance(session.events, TextEvents):
            session.events.clear()
        prompter = prompts.TerminalPrompter(colour=session.colour)

        def draw(answers: Mapping[str, Value]) -> str:
            return prompts.draw_table(topics.rows(questions, answers), colour=session.colour)

        try:
            return wizard.ask(questions, given, prompter, draw, lambda _: None)
        except (KeyboardInterrupt, EOFError):
            raise Interrupted("Stopped; nothing was changed.") from None

    return ask
