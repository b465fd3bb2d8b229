"""``mlopsgen init``: its flags are made from the questions."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated

import typer

from mlopsgen.adapters import birthplace
from mlopsgen.answers import BY_KEY, QUESTIONS
from mlopsgen.cli.chosen_template import BUILT_IN, Chosen, choose
from mlopsgen.cli.completers import assignments
from mlopsgen.cli.headings import ANSWERS, TEMPLATE
from mlopsgen.cli.new_answers import read_given
from mlopsgen.cli.session import Output, OutputOption, Session, session_of
from mlopsgen.cli.trust_option import TrustOption
from mlopsgen.errors import Interrupted, InvalidAnswer, MissingAnswer, MlopsgenError, UsageError
from mlopsgen.events import Warn
from mlopsgen.ports import Back
from mlopsgen.questions import Question, Value
from mlopsgen.result import OperationResult

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


def _flag(question: Question) -> inspect.Parameter:
    """The option that answers a question, for typer."""
    words = f"{question.help} [{'|'.join(question.choices)}]" if question.choices else question.help

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in question.choices if choice.startswith(incomplete)]

    option = typer.Option(
        question.flag,
        help=words,
        metavar="TEXT",
        show_default=False,
        rich_help_panel=ANSWERS,
        autocompletion=complete if question.choices else None,
    )
    return inspect.Parameter(
        question.key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
    )


def init(
    context: typer.Context,
    directory: Annotated[
        str | None,
        typer.Argument(
            metavar="DIR", help="The folder to make; the slug in this folder if left out.", show_default=False
        ),
    ] = None,
    defaults: Annotated[
        bool,
        typer.Option("--defaults", help="Ask nothing: what is not given keeps its default.", rich_help_panel=ANSWERS),
    ] = False,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="FILE",
            help="Ask nothing: read answers from a YAML or JSON file.",
            show_default=False,
            rich_help_panel=ANSWERS,
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Answer any question; can be repeated. 'mlopsgen schema answers' lists the keys.",
            metavar="KEY=VALUE",
            autocompletion=assignments,
            show_default=False,
            rich_help_panel=ANSWERS,
        ),
    ] = None,
    template: Annotated[
        str,
        typer.Option(
            "--template",
            metavar="ADDRESS",
            help=f"A template of your own: gh:OWNER/NAME, an address or folder of git; '{BUILT_IN}' is ours.",
            rich_help_panel=TEMPLATE,
        ),
    ] = BUILT_IN,
    template_version: Annotated[
        str | None,
        typer.Option(
            "--template-version",
            metavar="VERSION",
            help="A released version, for example v0.1.0; the newest if left out.",
            rich_help_panel=TEMPLATE,
        ),
    ] = None,
    trust: TrustOption = None,
    output: OutputOption = Output.text,
    **flags: str | None,
) -> OperationResult:
    """Make a machine-learning repository from a few answers: three branches, one commit, ready to train.

    In a terminal it shows the defaults and asks what to change. --defaults or --answers make it ask nothing.
    """
    session = session_of(context)
    if directory == "":
        raise UsageError("The folder's name is empty.", where="directory", hint="Give a name, or leave it out.")
    if directory is not None:
        birthplace.check_free(session.path(directory))  # before a template is fetched
    chosen = choose(session, template, template_version, trust)
    given, origin = _given(session, chosen, answers, assignments or [], flags)
    if directory is not None:
        named = chosen.questions.by_key.get("project_name")
        if named is not None and named.kind == "text" and "project_name" not in given:
            given["project_name"] = session.path(directory).resolve().name
            origin["project_name"] = "the folder's name (--name gives another)"
    if defaults or answers is not None:
        found = chosen.questions.resolve(given, origin=origin)
    elif session.interactive:
        with contextlib.suppress(MissingAnswer):  # the wizard asks for what is missing
            chosen.questions.resolve(given, origin=origin)
        return _ask_and_make(session, chosen, given, directory)
    else:
        raise MissingAnswer(
            "There is no terminal to ask in.",
            where="--defaults",
            hint="Add --defaults (what is not given keeps its default), or --answers FILE.",
        )
    return _make(session, chosen, found, given, _destination(session, chosen, found, directory))


def _with_flags() -> inspect.Signature:
    signature = inspect.signature(init, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "flags"]
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    return signature.replace(parameters=[*own, *(_flag(question) for question in QUESTIONS if question.flag)])


init.__signature__ = _with_flags()  # type: ignore[attr-defined]
init.__annotations__ = {name: found.annotation for name, found in init.__signature__.parameters.items()}  # type: ignore[attr-defined]
app.command()(init)


def _given(
    session: Session, chosen: Chosen, file: Path | None, assignments: list[str], flags: Mapping[str, str | None]
) -> tuple[dict[str, object], dict[str, str]]:
    """The answers of file, ``--set`` and flags (the later wins), and where each came from."""
    asked = chosen.questions.by_key
    given, origin = read_given(session, file, assignments, own_version="version" not in asked)
    for key, text in flags.items():
        if text is not None:
            given[key] = text
            origin[key] = BY_KEY[key].flag
    for key in given:
        if key in asked:
            continue
        if chosen.questions.ours and key in BY_KEY:
            message = f"The template {chosen.version} has no question '{key}'."
            raise InvalidAnswer(message, where=origin[key], hint="Leave it out.")
        raise chosen.questions.unknown_key(key, origin[key])
    return given, origin


def _destination(session: Session, chosen: Chosen, answers: Mapping[str, Value], directory: str | None) -> Path:
    """Where the repository comes to lie.

    Raises:
        MissingAnswer: Neither the person nor the template says what the folder is called.
    """
    name = directory if directory is not None else chosen.folder_name(answers)
    if not name:
        raise MissingAnswer(
            f"The template {chosen.called} does not say what the folder is called.",
            where="directory",
            hint="Name it: mlopsgen init FOLDER.",
        )
    return session.path(name)


def _ask(
    session: Session, chosen: Chosen, given: Mapping[str, object], directory: str | None
) -> tuple[str | None, dict[str, Value]]:
    """Let a person change the answers in the terminal; also the folder, where nothing else names it."""
    from mlopsgen.cli import prompts, topics, wizard

    prompter = prompts.TerminalPrompter(colour=session.colour)

    def refuse(answers: Mapping[str, Value], name: str | None = None) -> MlopsgenError | None:
        try:
            birthplace.check_free(_destination(session, chosen, answers, name or directory))
        except MlopsgenError as error:
            return error
        return None

    def refuse_name(text: str) -> str | None:
        refused = refuse({}, text.strip()) if text.strip() else MissingAnswer("It is empty.")
        return refused.message if refused else None

    def draw(answers: Mapping[str, Value]) -> str:
        name = directory or chosen.folder_name(answers)
        folder = {"Folder": str(session.path(name))} if name else {}
        return prompts.draw_table(topics.rows(chosen.questions, answers) | folder, colour=session.colour)

    try:
        while directory is None and not chosen.names_folder:
            with contextlib.suppress(Back):  # there is nothing before it
                directory = prompter.text("Folder", "The folder to make; the template names none.", "", refuse_name)
        return directory, wizard.ask(chosen.questions, given, prompter, draw, refuse)
    except (KeyboardInterrupt, EOFError):
        raise Interrupted from None


def _ask_and_make(
    session: Session, chosen: Chosen, given: Mapping[str, object], directory: str | None
) -> OperationResult:
    """Ask, and ask again what only the template's engine found wrong: nobody types everything twice."""
    while True:
        directory, found = _ask(session, chosen, given, directory)
        try:
            return _make(session, chosen, found, given, _destination(session, chosen, found, directory))
        except InvalidAnswer as error:
            asked = chosen.questions
            if error.where not in asked.by_key:
                raise
            session.events(Warn(message=error.message))
            given = {
                each.key: found[each.key]
                for each in asked.questions
                if each.asked(found) and found[each.key] != asked.default_for(each, found)
            }


def _make(
    session: Session, chosen: Chosen, answers: dict[str, Value], given: Collection[str], destination: Path
) -> OperationResult:
    from mlopsgen.operations import init as operation

    engine = chosen.opened(session.environ)
    request = operation.InitRequest(
        destination=destination,
        answers=answers,
        template_version=chosen.version or engine.newest,
        environ=session.environ,
        source=operation.Source(address=engine.address, is_ours=chosen.questions.ours) if chosen.named else None,
        rendered=chosen.questions.for_engine(answers, given),
    )
    try:
        return operation.init(request, engine, session.events)
    except KeyboardInterrupt:
        raise Interrupted from None
