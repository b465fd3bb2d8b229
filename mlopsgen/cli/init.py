"""``mlopsgen init``: its flags are made from the questions."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from mlopsgen.adapters import birthplace
from mlopsgen.answer_values import as_text
from mlopsgen.answers import BY_KEY, QUESTIONS, SECTIONS, of_section, resolve, unknown_key
from mlopsgen.cli.new_answers import read_given
from mlopsgen.cli.session import Output, OutputOption, Session, session_of
from mlopsgen.errors import Interrupted, InvalidAnswer, MissingAnswer, MlopsgenError, UsageError
from mlopsgen.ports import Template
from mlopsgen.questions import Question, Value
from mlopsgen.result import OperationResult

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)

BUILT_IN = "builtin"
"""The name of the template that the package carries; the only one so far."""


def _complete_set(incomplete: str) -> list[str]:
    key, separator, _ = incomplete.partition("=")
    if separator and key in BY_KEY:
        return [f"{key}={choice}" for choice in BY_KEY[key].choices]
    return [f"{question.key}=" for question in QUESTIONS if question.key.startswith(incomplete)]


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
        autocompletion=complete if question.choices else None,
    )
    return inspect.Parameter(
        question.key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
    )


def init(
    context: typer.Context,
    directory: Annotated[
        str | None, typer.Argument(help="The folder to make; the slug in this folder if left out.", show_default=False)
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: what is not given keeps its default.")
    ] = False,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", help="Ask nothing: read answers from a YAML or JSON file.", show_default=False),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Answer any question; can be repeated. 'mlopsgen schema answers' lists the keys.",
            metavar="KEY=VALUE",
            autocompletion=_complete_set,
            show_default=False,
        ),
    ] = None,
    template: Annotated[
        str, typer.Option("--template", help=f"Only '{BUILT_IN}' so far: the template of this mlopsgen.")
    ] = BUILT_IN,
    template_version: Annotated[
        str | None,
        typer.Option("--template-version", help="A released version, for example v0.1.0; the newest if left out."),
    ] = None,
    output: OutputOption = Output.text,
    **flags: str | None,
) -> OperationResult:
    """Make a machine-learning repository from a few answers: three branches, one commit, ready to train.

    In a terminal it shows the defaults and asks what to change. --defaults or --answers make it ask nothing.
    """
    session = session_of(context)
    _check_template(template)
    given, origin = _given(session, answers, assignments or [], flags)
    if directory == "":
        raise UsageError("The folder's name is empty.", where="directory", hint="Give a name, or leave it out.")
    if directory is not None:
        birthplace.check_free(session.path(directory))
        if "project_name" not in given:
            given["project_name"] = session.path(directory).resolve().name
            origin["project_name"] = "the folder's name (--name gives another)"
    if defaults or answers is not None:
        found = resolve(given, origin=origin)
    elif session.interactive:
        with contextlib.suppress(MissingAnswer):  # the wizard asks for what is missing
            resolve(given, origin=origin)
        found = _ask(session, given, directory)
    else:
        raise MissingAnswer(
            "There is no terminal to ask in.",
            where="--defaults",
            hint="Add --defaults (every question has a default), or --answers FILE.",
        )
    return _make(session, found, _destination(session, found, directory), template_version, origin)


def _with_flags() -> inspect.Signature:
    signature = inspect.signature(init, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "flags"]
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    return signature.replace(parameters=[*own, *(_flag(question) for question in QUESTIONS if question.flag)])


init.__signature__ = _with_flags()  # type: ignore[attr-defined]
init.__annotations__ = {name: found.annotation for name, found in init.__signature__.parameters.items()}  # type: ignore[attr-defined]
app.command()(init)


def _check_template(template: str) -> None:
    if template != BUILT_IN:
        raise UsageError(
            f"The template '{template}' cannot be used: so far there is only '{BUILT_IN}'.",
            where="--template",
            hint="Leave --template out.",
        )


def _given(
    session: Session, file: Path | None, assignments: list[str], flags: Mapping[str, str | None]
) -> tuple[dict[str, object], dict[str, str]]:
    """The answers of file, ``--set`` and flags (the later wins), and where each came from."""
    given, origin = read_given(session, file, assignments)
    for key in given:
        if key not in BY_KEY:
            raise unknown_key(key, origin[key])
    for key, text in flags.items():
        if text is not None:
            given[key] = text
            origin[key] = BY_KEY[key].flag
    return given, origin


def _destination(session: Session, answers: Mapping[str, Value], directory: str | None) -> Path:
    return session.path(directory if directory is not None else str(answers["slug"]))


def _ask(session: Session, given: Mapping[str, object], directory: str | None) -> dict[str, Value]:
    """Let a person change the answers in the terminal."""
    from mlopsgen.cli import prompts, wizard

    def draw(answers: Mapping[str, Value]) -> str:
        rows = {title.split(":")[0]: _row(section, answers) for section, title in SECTIONS.items()}
        folder = {"Folder": str(_destination(session, answers, directory))} if answers["slug"] else {}
        return prompts.draw_table(rows | folder, colour=session.colour)

    def refuse(answers: Mapping[str, Value]) -> MlopsgenError | None:
        try:
            birthplace.check_free(_destination(session, answers, directory))
        except MlopsgenError as error:
            return error
        return None

    try:
        return wizard.ask(given, prompts.TerminalPrompter(colour=session.colour), draw, refuse)
    except (KeyboardInterrupt, EOFError):
        raise Interrupted from None


def _row(section: str, answers: Mapping[str, Value]) -> str:
    shown = []
    for question in of_section(section):
        text = as_text(question, answers[question.key])
        if text and question.asked(answers):
            shown.append(f"{question.title.lower()} {text}")
        elif question.required and question.asked(answers):
            shown.append(f"{question.title.lower()} (will be asked)")
    return " \N{MIDDLE DOT} ".join(shown)


def _make(
    session: Session, answers: dict[str, Value], destination: Path, version: str | None, origin: Mapping[str, str]
) -> OperationResult:
    from mlopsgen.adapters.copier_engine import CopierEngine
    from mlopsgen.adapters.template_store import TemplateStore
    from mlopsgen.operations import init as operation

    engine = CopierEngine(TemplateStore(session.environ))
    wanted = engine.newest if version is None else f"v{version.removeprefix('v')}"
    request = operation.InitRequest(
        destination=destination,
        answers=_of_version(engine, wanted, answers, origin),
        template_version=wanted,
        environ=session.environ,
    )
    try:
        return operation.init(request, engine, session.events)
    except KeyboardInterrupt:
        raise Interrupted from None


def _of_version(
    engine: Template, version: str, answers: dict[str, Value], origin: Mapping[str, str]
) -> dict[str, Value]:
    """The answers to the questions that the version has: an older one renders nothing that it never asked for.

    Raises:
        InvalidAnswer: Another one was given.
    """
    if version == engine.newest or version not in engine.versions():
        return answers
    from mlopsgen.sync.asked import questions_of

    asked = questions_of(engine, version).helps
    for key, where in origin.items():
        if key not in asked:
            raise InvalidAnswer(f"The template {version} has no question '{key}'.", where=where, hint="Leave it out.")
    return {key: value for key, value in answers.items() if key in asked}
