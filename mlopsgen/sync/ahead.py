"""The answers after an update: migrated, with those of new questions, and what is different in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlopsgen.answer_values import accept
from mlopsgen.answers import BY_KEY, QUESTIONS, resolve, unknown_key
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.errors import InvalidAnswer
from mlopsgen.ports import Template
from mlopsgen.questions import Question, Value
from mlopsgen.sync.asked import Asked, questions_of
from mlopsgen.sync.migrations import MIGRATIONS, Migration, migrate
from mlopsgen.sync.record import read_record, renewed_text
from mlopsgen.sync.start import Given, Start
from mlopsgen.sync.values import NewAnswer

Ask = Callable[[Sequence[Question], Mapping[str, Value]], Mapping[str, object]]
"""Asks a person new questions: the questions and every answer so far, to the answers that are not the default."""


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """The answers that the new version is rendered with.

    Attributes:
        version: The version.
        answers: What to render with; questions of other templates that are not answered are left to the engine.
        origins: Where an answer that was not recorded came from, by key.
        asked: The questions of the version.
        said: What migrations did, in words.
    """

    version: str
    answers: Mapping[str, Any]
    origins: Mapping[str, str]
    asked: Asked
    said: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """The new record.

    Attributes:
        text: What the file holds.
        answers: Every answer from now on.
        new: What is different in the answers.
    """

    text: str
    answers: Mapping[str, Value]
    new: tuple[NewAnswer, ...]


def look_ahead(
    start: Start,
    version: str,
    template: Template,
    given: Given,
    ask: Ask | None = None,
    *,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> Ahead:
    """The answers for a version.

    Args:
        start: What is updated.
        version: The version that it gets.
        template: The template.
        given: Answers that a person gives along with the update.
        ask: Asks for the answers of new questions; without it they have their defaults.
        migrations: What happened to the questions.

    Raises:
        InvalidAnswer: A given answer is not valid, or a recorded one is not valid any more.
        MissingAnswer: A question without a default has no answer.
    """
    asked = questions_of(template, version)
    origins = dict.fromkeys(_different(start.answers, start.today), "edited")
    recorded = dict(start.today)
    said: tuple[str, ...] = ()
    if asked.ours:
        recorded, said = migrate(recorded, start.version, version, migrations)
        origins |= dict.fromkeys(_different(start.today, recorded), "migrated")
    for key in given.answers:
        if asked.helps and key not in asked.helps:
            raise _no_question(key, version, asked, given)
    origins |= dict.fromkeys(given.answers, "given")
    answers: dict[str, Any] = {**recorded, **given.answers}
    if asked.ours:
        origin = {**{key: start.record.where(key) for key in recorded}, **given.origin}
        answers = {key: value for key, value in answers.items() if key in asked.helps}
        completing = _Completing([question for question in QUESTIONS if question.key in asked.helps], origin)
        answers |= completing.ask_new(answers, ask, origins)
        answers = completing.complete(answers, given.answers)
    return Ahead(version=version, answers=answers, origins=origins, asked=asked, said=said)


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [key for key in {**before, **after} if key not in before or key not in after or before[key] != after[key]]


def _no_question(key: str, version: str, asked: Asked, given: Given) -> InvalidAnswer:
    where = given.origin.get(key, key)
    if asked.ours:
        no_question = InvalidAnswer(
            f"The template {version} has no question '{key}'.", where=where, hint="Leave it out."
        )
        return no_question if key in BY_KEY else unknown_key(key, where)
    possible = ", ".join(asked.helps)
    return InvalidAnswer(f"The template {version} has no question '{key}'.", where=where, hint=f"It asks: {possible}.")


@dataclass(frozen=True)
class _Completing:
    """Makes every answer of one of our versions.

    Attributes:
        questions: Those of the version that this mlopsgen knows; others are left to the engine.
        origin: Where answers stand, for errors.
    """

    questions: Sequence[Question]
    origin: Mapping[str, str]

    def ask_new(self, answers: Mapping[str, object], ask: Ask | None, origins: dict[str, str]) -> Mapping[str, object]:
        """What a person answers to the questions that have no answer yet; ``origins`` gets their keys."""
        known = self._so_far(answers)
        new = [question for question in self.questions if question.key not in answers and question.asked(known)]
        if not new or ask is None:
            return {}
        said = ask(new, known)
        origins |= dict.fromkeys((question.key for question in new), "asked")
        return {question.key: said[question.key] for question in new if question.key in said}

    def complete(self, answers: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
        """Every answer; recorded ones that count no more, because of another answer, are left out."""
        known = self._so_far(answers)
        counting = {question.key for question in self.questions if question.key in given or question.asked(known)}
        ours = {question.key for question in self.questions}
        try:
            found = resolve({key: answers[key] for key in answers if key in counting}, origin=self.origin)
        except InvalidAnswer as error:
            raise _answerable(error) from None
        others = {key: value for key, value in answers.items() if key not in ours}
        return {**others, **{key: value for key, value in found.items() if key in ours}}

    def _so_far(self, answers: Mapping[str, object]) -> dict[str, Value]:
        """The answers, with gaps where there is neither an answer nor a default."""
        found: dict[str, Value] = {}
        for question in self.questions:
            if not question.asked(found):
                found[question.key] = question.empty
            elif question.key in answers:
                try:
                    found[question.key] = accept(question, answers[question.key], self.origin.get(question.key, ""))
                except InvalidAnswer as error:
                    raise _answerable(error) from None
            else:
                found[question.key] = question.default_for(found)
        return found


def _answerable(error: InvalidAnswer) -> InvalidAnswer:
    """The error, with what to do about an answer that was recorded."""
    if error.where.startswith(f"{ANSWERS_FILE}:"):
        error.hint = f"{error.hint} Give another answer: --set KEY=VALUE."
    return error


def renew(
    start: Start, ahead: Ahead, template: Template, rendered: str | None, *, address: str | None = None
) -> Renewed:
    """The new record.

    Args:
        start: What is updated.
        ahead: The answers that the new version was rendered with.
        template: The template.
        rendered: The record as the new version renders it; ``None`` if it renders none.
        address: The template's address from now on, if it is not the template's own.
    """
    recorded = dict(ahead.answers) if rendered is None else None
    text = renewed_text(start.record, rendered, address or template.address, ahead.version, recorded)
    answers = dict(read_record(text).answers)
    return Renewed(text=text, answers=answers, new=tuple(_changes(start, ahead, answers)))


def _changes(start: Start, ahead: Ahead, answers: Mapping[str, Any]) -> Iterable[NewAnswer]:
    for key in _different(start.answers, answers):
        value, before = answers.get(key), start.answers.get(key)
        origin = "dropped" if key not in answers else ahead.origins.get(key, "default")
        title, words = ahead.asked.title(key), ahead.asked.help(key)
        yield NewAnswer(key=key, title=title, value=value, before=before, origin=origin, help=words)
